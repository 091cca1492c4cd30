//! Completions of what somebody begins to type: titles of articles and terms of the lexicon, by their beginning, by
//! what stands in them, and by pinyin.
//!
//! Made once for a commit; looking something up goes over all of it, which takes less than a millisecond for 10,000
//! titles.

use std::collections::BTreeMap;

use crate::compute::Budget;
use crate::error::{Error, Fault, Result};
use crate::index::Snapshot;
use crate::search::request::within;
use crate::text::{Analyzer, Normalized, spelt};

/// Completions given if it is not said how many.
const DEFAULT_WANTED: usize = 8;
/// The most that may be asked for.
const MOST_WANTED: usize = 50;
/// The most titles that are kept; beyond, a look would take too long.
const MOST_TITLES: usize = 50_000;
/// The longest title that is offered, in characters: what is longer is no question.
const LONGEST: usize = 60;
/// The longest beginning that anything is looked up for, in characters.
const LONGEST_BEGUN: usize = 60;
/// Terms that are looked up by one call: an engine far away is asked few times.
const TERMS_AT_ONCE: usize = 1_000;
/// Pinyin of fewer letters means too much.
const SHORTEST_PINYIN: usize = 2;

/// Where a completion comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SuggestionKind {
    /// A term of the lexicon that the collection writes.
    Term,
    /// The title of an article.
    Title,
}

/// A completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// What may be asked.
    pub text: String,
    /// Where it comes from.
    pub kind: SuggestionKind,
    /// The article of a title, the first by id of those that have it.
    pub article_id: Option<String>,
}

/// All that may be offered of one commit.
#[derive(Debug, Default)]
pub struct Completions {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    suggestion: Suggestion,
    /// As it is compared.
    normal: String,
    /// In full pinyin, and by first letters.
    pinyin: String,
    initials: String,
}

impl Completions {
    /// Those of a commit.
    ///
    /// # Errors
    /// `Deadline`, those of the index.
    pub fn of(snapshot: &dyn Snapshot, analyzer: &Analyzer, budget: Budget) -> Result<Completions> {
        let mut titles: BTreeMap<String, String> = BTreeMap::new();
        let full = || Error::new(Fault::Exhausted, "there are more titles than are offered");
        let taken = snapshot.titles(budget, &mut |id, title| {
            let title = title.trim();
            if !title.is_empty() && title.chars().nth(LONGEST).is_none() {
                let known = titles.entry(title.to_owned()).or_insert_with(|| id.to_owned());
                if id < known.as_str() {
                    *known = id.to_owned();
                }
            }
            match titles.len() {
                ..MOST_TITLES => Ok(()),
                _ => Err(full()),
            }
        });
        match taken {
            // There are enough, as said above.
            Err(_) if titles.len() >= MOST_TITLES => {}
            taken => taken?,
        }
        let mut entries = Vec::new();
        let terms: Vec<&str> = analyzer.terms().collect();
        for terms in terms.chunks(TERMS_AT_ONCE) {
            budget.check()?;
            let written = written(snapshot, terms, budget)?;
            entries.extend(written.map(|term| Entry::new(term, SuggestionKind::Term, None)));
        }
        for (title, id) in titles {
            budget.check()?;
            entries.push(Entry::new(&title, SuggestionKind::Title, Some(id)));
        }
        Ok(Completions { entries })
    }

    /// What may be meant, best first: what begins so before what only holds it, terms before titles, short before long.
    ///
    /// # Errors
    /// `Caller` if more are wanted than may be.
    pub fn find(&self, begun: &str, wanted: Option<usize>) -> Result<Vec<Suggestion>> {
        let wanted = within("top_k", wanted.unwrap_or(DEFAULT_WANTED), MOST_WANTED)?;
        let begun = normal(begun);
        if begun.is_empty() || begun.chars().nth(LONGEST_BEGUN).is_some() {
            return Ok(Vec::new());
        }
        let letters: String = begun.chars().filter(|c| !matches!(c, ' ' | '\'')).collect();
        let is_pinyin = letters.len() >= SHORTEST_PINYIN && letters.bytes().all(|byte| byte.is_ascii_lowercase());
        let mut found: Vec<(u8, &Entry)> = self
            .entries
            .iter()
            .filter_map(|entry| Some((entry.matches(&begun, is_pinyin.then_some(&*letters))?, entry)))
            .collect();
        let order = |(how, entry): &(u8, &Entry)| (*how, entry.suggestion.kind, entry.normal.len());
        found.sort_by(|one, other| {
            let by_text = || one.1.suggestion.text.cmp(&other.1.suggestion.text);
            order(one).cmp(&order(other)).then_with(by_text)
        });
        let found = found.into_iter().take(wanted);
        Ok(found.map(|(_, entry)| entry.suggestion.clone()).collect())
    }
}

impl Entry {
    fn new(text: &str, kind: SuggestionKind, article_id: Option<String>) -> Entry {
        let (pinyin, initials) = spelt(text);
        Entry {
            normal: normal(text),
            pinyin,
            initials,
            suggestion: Suggestion {
                text: text.to_owned(),
                kind,
                article_id,
            },
        }
    }

    /// How well it completes what was begun, less is better; none if it does not. What is there already completes
    /// nothing.
    fn matches(&self, begun: &str, letters: Option<&str>) -> Option<u8> {
        if self.normal.starts_with(begun) {
            return (self.normal.len() > begun.len()).then_some(0);
        }
        let by_pinyin =
            letters.filter(|letters| self.pinyin.starts_with(letters) || self.initials.starts_with(letters));
        if by_pinyin.is_some() {
            return Some(1);
        }
        self.normal.contains(begun).then_some(2)
    }
}

/// A text as it is compared: its characters in one form, without the white space around it.
fn normal(text: &str) -> String {
    Normalized::new(text).text.trim().to_owned()
}

/// Those of the terms that the collection may hold: all of their neighbouring pairs stand somewhere.
fn written<'a>(snapshot: &dyn Snapshot, terms: &[&'a str], budget: Budget) -> Result<impl Iterator<Item = &'a str>> {
    let pairs: Vec<Vec<&str>> = terms.iter().map(|term| pairs(term)).collect();
    let mut held = snapshot.holding(&pairs.concat(), budget)?.into_iter();
    let mut are_held = |count: usize| held.by_ref().take(count).fold(count > 0, |all, held| all && held > 0);
    let written: Vec<&str> = terms
        .iter()
        .zip(pairs)
        .filter_map(|(&term, pairs)| are_held(pairs.len()).then_some(term))
        .collect();
    Ok(written.into_iter())
}

/// The neighbouring pairs of a term's characters.
fn pairs(term: &str) -> Vec<&str> {
    let starts: Vec<usize> = term.char_indices().map(|(at, _)| at).chain([term.len()]).collect();
    starts.windows(3).map(|three| &term[three[0]..three[2]]).collect()
}
