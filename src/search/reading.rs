//! A request as it is answered: its filter as the index spells it, its question normalised, with what was typed wrongly
//! corrected by what the collection writes.

use std::cell::RefCell;
use std::collections::HashMap;

use super::filter::understood;
use super::request::SearchRequest;
use crate::compute::Budget;
use crate::error::Result;
use crate::index::{LexicalQuery, Snapshot};
use crate::text::{Analyzer, QueryTerm, Usage, model_form};

/// What a term weighs that was written and is not in what was read, where passages hold it. Set by hand, not measured.
const WRITTEN: f32 = 0.5;

/// A request and what was made of it.
#[derive(Debug, Clone)]
pub(super) struct QuestionReading {
    /// The request with its question and its filter as they were understood.
    pub request: SearchRequest,
    /// The question as it was written, normalised, where it means something beside what was read.
    pub written: Option<String>,
    /// The question as it was read, for the asker to see; none if nothing was corrected.
    pub corrected: Option<String>,
}

impl QuestionReading {
    /// Reads a request that was checked.
    ///
    /// # Errors
    /// `Caller` for a filter that is not understood; those of the index.
    pub fn new(request: &SearchRequest, analyzer: &Analyzer, snapshot: &dyn Snapshot, budget: Budget) -> Result<Self> {
        let mut request = request.clone();
        if !request.filter.is_empty() {
            request.filter = understood(&request.filter, analyzer)?;
        }
        let asked = request.asked();
        let correction = if request.exact {
            None
        } else {
            analyzer.correct(asked, &Held::of(snapshot, budget))?
        };
        let written = normalized(asked);
        Ok(match correction {
            None => QuestionReading::of(request, written, None, None),
            Some(correction) => {
                let read = normalized(&correction.text);
                let written = (!correction.is_spelled).then_some(written);
                QuestionReading::of(request, read, written, Some(correction.text))
            }
        })
    }

    /// A request whose question was read so; both questions are normalised.
    pub(super) fn of(request: SearchRequest, read: String, written: Option<String>, corrected: Option<String>) -> Self {
        QuestionReading {
            request: SearchRequest { query: read, ..request },
            written,
            corrected,
        }
    }

    /// What the question says, by words: what was read, and of what was written what the collection knows.
    ///
    /// # Errors
    /// Those of the index.
    pub fn words(&self, analyzer: &Analyzer, snapshot: &dyn Snapshot, budget: Budget) -> Result<LexicalQuery> {
        let read = analyzer.query(&self.request.query);
        let mut question = LexicalQuery {
            words: read.words,
            bigrams: read.bigrams,
            regions: read.regions,
            years: analyzer.years(&self.request.query, self.request.today),
        };
        if let Some(written) = &self.written {
            let written = analyzer.query(written);
            join(&mut question.words, written.words, snapshot, budget)?;
            join(&mut question.bigrams, written.bigrams, snapshot, budget)?;
        }
        Ok(question)
    }

    /// The texts whose vectors, averaged, are the question's meaning.
    pub fn meanings(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.request.query.as_str()).chain(self.written.as_deref())
    }
}

/// Adds terms that passages hold at a lower weight, but for those that are there. A term that occurs nowhere would only
/// make every passage cover less of the question.
fn join(read: &mut Vec<QueryTerm>, written: Vec<QueryTerm>, snapshot: &dyn Snapshot, budget: Budget) -> Result<()> {
    let is_new = |term: &QueryTerm| read.iter().all(|other| other.text != term.text);
    let new: Vec<QueryTerm> = written.into_iter().filter(is_new).collect();
    let texts: Vec<&str> = new.iter().map(|term| term.text.as_str()).collect();
    let held = snapshot.holding(&texts, budget)?;
    let held = new.into_iter().zip(held).filter(|(_, held)| *held > 0);
    read.extend(held.map(|(term, _)| QueryTerm {
        weight: term.weight * WRITTEN,
        ..term
    }));
    Ok(())
}

/// A question as analysis sees it and as it is embedded: in either script it is the same one. Its punctuation stays, as
/// it does in the passages: made plain on one side alone, it cost 0.016 of search by meaning on the five pages.
pub(super) fn normalized(question: &str) -> String {
    model_form(question).into_owned()
}

/// What the passages of a snapshot hold, each term looked up once.
struct Held<'s> {
    snapshot: &'s dyn Snapshot,
    budget: Budget,
    known: RefCell<HashMap<String, u64>>,
}

impl<'s> Held<'s> {
    fn of(snapshot: &'s dyn Snapshot, budget: Budget) -> Self {
        Held {
            snapshot,
            budget,
            known: RefCell::default(),
        }
    }
}

impl Usage for Held<'_> {
    fn passages(&self) -> u64 {
        self.snapshot.about().passages
    }

    fn holding(&self, terms: &[&str]) -> Result<Vec<u64>> {
        let mut known = self.known.borrow_mut();
        let mut unknown: Vec<&str> = terms
            .iter()
            .copied()
            .filter(|term| !known.contains_key(*term))
            .collect();
        unknown.sort_unstable();
        unknown.dedup();
        for (term, holding) in unknown.iter().zip(self.snapshot.holding(&unknown, self.budget)?) {
            known.insert((*term).to_owned(), holding);
        }
        Ok(terms.iter().map(|term| known[*term]).collect())
    }
}
