//! A question asked of one commit of the embedded engine: its terms and its filter looked up, then candidates by words
//! and by meaning, and everything exact about any of them.

use std::sync::Arc;

use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, TERMINATED, Term};

use super::dense;
use super::filter::Filtered;
use super::schema::place_number;
use super::snapshot::EmbeddedSnapshot;
use crate::compute::Budget;
use crate::error::{Context, Error, Fault, Result};
use crate::index::backend::{ArticleRef, Asked, Candidate, Judged, PassageRef};
use crate::index::graph::VectorReader;
use crate::index::lexical::bound::BoundTerms;
use crate::index::passage::{PassageKey, StoredPassage};
use crate::index::scoring::{DenseScores, Evidence, LexicalQuery, Quantised, QuestionWeights, TermScore};
use crate::model::Filter;
use crate::text::Signature;

/// From this many passages on two threads judge faster than one, even with the time it takes to wake the second.
const WORTH_DIVIDING: usize = 64;

/// Passages judged between two looks at the deadline.
const BETWEEN_CHECKS: usize = 1_000;

/// How many passages before its use a vector is prefetched: scoring mostly waits for memory.
const AHEAD: usize = 4;

/// The implementation of [`Asked`] by the embedded engine.
pub struct EmbeddedQuestion(Arc<Question>);

/// A question with its terms, filter, places and years looked up in one snapshot.
struct Question {
    snapshot: Arc<EmbeddedSnapshot>,
    filtered: Arc<Filtered>,
    terms: Arc<BoundTerms>,
    weights: QuestionWeights,
    /// Places it names: province, city.
    places: Vec<(u64, Option<u64>)>,
    years: Vec<u16>,
}

impl EmbeddedQuestion {
    /// Looks up the question's terms, its filter and what it names.
    pub fn new(snapshot: Arc<EmbeddedSnapshot>, query: &LexicalQuery, filter: &Filter, budget: Budget) -> Result<Self> {
        budget.check()?;
        let filtered = snapshot
            .filters
            .bind(snapshot.searcher(), snapshot.fields(), filter, budget)?;
        let terms = Arc::new(BoundTerms::bind(snapshot.collection().clone(), query)?);
        let places = query.regions.iter().map(|region| {
            let city = region.city.as_deref();
            let city = city.map(|city| place_number(&region.province, Some(city)));
            (place_number(&region.province, None), city)
        });
        Ok(EmbeddedQuestion(Arc::new(Question {
            weights: terms.weighed().weights(),
            places: places.collect(),
            years: query.years.clone(),
            snapshot,
            filtered,
            terms,
        })))
    }
}

/// A segment's number and a document of it as one number.
fn join(segment: u32, doc: u32) -> PassageRef {
    PassageRef(u64::from(segment) << 32 | u64::from(doc))
}

fn split(passage: PassageRef) -> (u32, u32) {
    ((passage.0 >> 32) as u32, passage.0 as u32)
}

fn as_candidates(found: Vec<(u32, u32, f32)>) -> Vec<Candidate> {
    found
        .into_iter()
        .map(|(segment, doc, score)| Candidate {
            passage: join(segment, doc),
            score,
        })
        .collect()
}

/// The passages of one segment among those named.
#[derive(Default)]
struct Group {
    /// Their positions in the list of passages that was given, in the order of `docs`.
    at: Vec<usize>,
    /// The documents, ascending.
    docs: Vec<u32>,
}

impl Question {
    /// Refuses passages that the snapshot does not have.
    fn check(&self, passages: &[PassageRef]) -> Result<()> {
        let is_here = |&passage: &PassageRef| {
            let (segment, doc) = split(passage);
            let segment = self.snapshot.segments().get(segment as usize);
            segment.is_some_and(|segment| doc < segment.rows)
        };
        if passages.iter().all(is_here) {
            Ok(())
        } else {
            Err(Error::bug("a passage of another snapshot was named"))
        }
    }

    /// The passages by segment.
    fn by_segment(&self, passages: &[PassageRef]) -> Result<Vec<Group>> {
        self.check(passages)?;
        let mut sorted: Vec<(PassageRef, usize)> = passages.iter().copied().zip(0..).collect();
        sorted.sort_unstable();
        let mut groups: Vec<Group> = Vec::new();
        groups.resize_with(self.snapshot.segments().len(), Group::default);
        for (passage, at) in sorted {
            let (segment, doc) = split(passage);
            groups[segment as usize].at.push(at);
            groups[segment as usize].docs.push(doc);
        }
        Ok(groups)
    }

    fn titled(&self, titles: &[&str], budget: Budget) -> Result<Vec<PassageRef>> {
        let (snapshot, doing) = (&*self.snapshot, "looking up a title");
        let mut passages = Vec::new();
        for (number, reader) in (0..).zip(snapshot.searcher().segment_readers()) {
            let filtered = &self.filtered.segments[number as usize];
            let field = snapshot.fields().product;
            let index = reader.inverted_index(field).or_fault(Fault::Corrupt, doing)?;
            for title in titles {
                budget.check()?;
                let term = Term::from_field_text(field, title);
                let found = index.read_postings(&term, IndexRecordOption::Basic);
                let Some(mut found) = found.or_fault(Fault::Corrupt, doing)? else {
                    continue;
                };
                while found.doc() != TERMINATED {
                    passages.extend(filtered.lets(found.doc()).then(|| join(number, found.doc())));
                    found.advance();
                }
            }
        }
        passages.sort_unstable();
        Ok(passages)
    }

    fn judge(&self, vector: Option<&[f32]>, passages: &[PassageRef], budget: Budget) -> Result<Vec<Judged>> {
        let snapshot = &*self.snapshot;
        let question = vector
            .filter(|vector| vector.len() == snapshot.about().identity.dimension)
            .map(Quantised::new);
        let nothing = Judged {
            article: ArticleRef(0),
            ordinal: 0,
            evidence: Evidence::default(),
        };
        let mut judged = vec![nothing; passages.len()];
        for (number, group) in self.by_segment(passages)?.into_iter().enumerate() {
            if group.docs.is_empty() {
                continue;
            }
            let segment = &snapshot.segments()[number];
            let lexical = self.terms.scores(number, &group.docs, budget)?;
            let graph = segment.graph().map(|graph| &**graph);
            let mut vectors = VectorReader::new(graph, segment.vectors.view());
            for (nth, ((&at, &doc), (lexical, lengths))) in group.at.iter().zip(&group.docs).zip(lexical).enumerate() {
                if nth.is_multiple_of(BETWEEN_CHECKS) {
                    budget.check()?;
                }
                let dense = match &question {
                    Some(question) => {
                        if let Some(&later) = group.docs.get(nth + AHEAD) {
                            vectors.prefetch(later);
                            segment.windows.prefetch(later);
                        }
                        DenseScores::new(question, vectors.row(doc), segment.windows.of(doc))
                    }
                    None => DenseScores::default(),
                };
                let locality = segment.locality(doc, &self.places);
                let timeliness = segment.timeliness(doc, &self.years);
                judged[at] = Judged {
                    // All live passages of an article are in one segment: it is written and replaced as a whole.
                    article: ArticleRef((number as u64) << 32 | u64::from(segment.article(doc))),
                    ordinal: segment.ordinal(doc),
                    evidence: Evidence::new(lexical, dense, &lengths, locality, timeliness, segment.validity(doc)),
                };
            }
        }
        Ok(judged)
    }
}

impl EmbeddedQuestion {
    fn guarded<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.0.snapshot.guarded(work)
    }
}

impl Asked for EmbeddedQuestion {
    fn weights(&self) -> &QuestionWeights {
        &self.0.weights
    }

    fn lexical(&self, k: usize, budget: Budget) -> Result<Vec<Candidate>> {
        // By the rarer terms and by classes of lengths: exact scores tell which of some more are the best.
        let found = || self.0.terms.candidates(&self.0.filtered, k, k / 8, budget);
        self.guarded(found).map(as_candidates)
    }

    fn titled(&self, titles: &[&str], budget: Budget) -> Result<Vec<PassageRef>> {
        self.guarded(|| self.0.titled(titles, budget))
    }

    fn dense(&self, vector: &[f32], k: usize, ef: Option<usize>, budget: Budget) -> Result<Vec<Candidate>> {
        let snapshot = &*self.0.snapshot;
        let found = || {
            dense::candidates(
                snapshot.segments(),
                &snapshot.scratches,
                vector,
                &self.0.filtered,
                k,
                ef,
                budget,
            )
        };
        self.guarded(found).map(as_candidates)
    }

    fn judge(&self, vector: Option<&[f32]>, passages: &[PassageRef], budget: Budget) -> Result<Vec<Judged>> {
        if passages.len() < WORTH_DIVIDING || budget.threads < 2 {
            return self.guarded(|| self.0.judge(vector, passages, budget));
        }
        let (first, rest) = passages.split_at(passages.len() / 2);
        let aside = {
            let (question, vector, rest) = (
                EmbeddedQuestion(Arc::clone(&self.0)),
                vector.map(Vec::from),
                rest.to_vec(),
            );
            move |budget| question.guarded(|| question.0.judge(vector.as_deref(), &rest, budget))
        };
        let (rest, first) = budget.both(aside, |budget| self.guarded(|| self.0.judge(vector, first, budget)));
        let mut judged = first?;
        judged.extend(rest?);
        Ok(judged)
    }

    fn keys(&self, passages: &[PassageRef]) -> Result<Vec<PassageKey>> {
        self.0.check(passages)?;
        let key = |&passage: &PassageRef| {
            let (segment, doc) = split(passage);
            self.0.snapshot.segments()[segment as usize].key(doc)
        };
        self.guarded(|| passages.iter().map(key).collect())
    }

    fn signatures(&self, passages: &[PassageRef]) -> Result<Vec<Signature>> {
        self.0.check(passages)?;
        let signature = |&passage: &PassageRef| {
            let (segment, doc) = split(passage);
            self.0.snapshot.segments()[segment as usize].signature(doc)
        };
        self.guarded(|| passages.iter().map(signature).collect())
    }

    fn fetch(&self, passages: &[PassageRef], budget: Budget) -> Result<Vec<StoredPassage>> {
        self.0.check(passages)?;
        let fetch = |&passage: &PassageRef| {
            budget.check()?;
            let (segment, doc) = split(passage);
            self.0.snapshot.stored(segment, doc)
        };
        self.guarded(|| passages.iter().map(fetch).collect())
    }

    fn windows(&self, vector: &[f32], passages: &[PassageRef]) -> Result<Vec<Vec<f32>>> {
        self.0.check(passages)?;
        let question = Quantised::new(vector);
        let cosines = |&passage: &PassageRef| {
            let (segment, doc) = split(passage);
            let segment = &self.0.snapshot.segments()[segment as usize];
            let graph = segment.graph().map(|graph| &**graph);
            let cosine = question.cosine(VectorReader::new(graph, segment.vectors.view()).row(doc));
            segment.windows.of(doc).cosines(&question, cosine).collect()
        };
        self.guarded(|| Ok(passages.iter().map(cosines).collect()))
    }

    fn explain(&self, passages: &[PassageRef], budget: Budget) -> Result<Vec<Vec<TermScore>>> {
        let mut explained = vec![Vec::new(); passages.len()];
        for (number, group) in self.0.by_segment(passages)?.into_iter().enumerate() {
            let of_segment = self.guarded(|| self.0.terms.explain(number, &group.docs, budget))?;
            for (at, terms) in group.at.into_iter().zip(of_segment) {
                explained[at] = terms;
            }
        }
        Ok(explained)
    }
}
