//! In how many titles and texts a term stands at a commit.
//!
//! A row says so for the commit that changed it last and for the one before, so that a reader of either finds its own
//! count, and what a writer left that died before its commit counts for nobody.

use std::collections::{BTreeSet, HashMap};

use quick_cache::sync::Cache;

use super::client::Client;
use super::collection::{Collection, Limit};
use super::columns::{Column, Rows, dummies, same_length};
use super::expression::numbers;
use super::schema::{AT, COUNTS, ID};
use super::state::View;
use super::terms::TermId;
use crate::compute::Budget;
use crate::error::Result;

/// Terms asked for at a time.
const TOGETHER: usize = 1_000;
/// Terms whose counts are remembered.
const REMEMBERED: usize = 50_000;

/// A term's row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// The commit that changed it last.
    pub at: u64,
    /// Titles and texts since then.
    pub now: [u64; 2],
    /// Titles and texts before.
    pub before: [u64; 2],
}

impl Held {
    /// What counts at a commit.
    pub fn at(&self, view: &View) -> [u64; 2] {
        if view.counts(self.at) { self.now } else { self.before }
    }
}

/// Rows by their keys.
pub fn read(mut rows: Rows) -> Result<HashMap<i64, Held>> {
    let (ids, at) = (rows.longs(ID), rows.longs(AT));
    let columns = COUNTS.map(|name| rows.longs(name));
    let lengths = columns.each_ref().map(Vec::len);
    same_length(ids.len(), &[at.len(), lengths[0], lengths[1], lengths[2], lengths[3]])?;
    let row = |row: usize| {
        let count = |column: usize| columns[column][row].max(0) as u64;
        Held {
            at: at[row].max(0) as u64,
            now: [count(0), count(1)],
            before: [count(2), count(3)],
        }
    };
    Ok(ids.iter().enumerate().map(|(at, &id)| (id, row(at))).collect())
}

/// The rows of terms, of those that have one.
pub fn rows(collection: Collection<'_>, keys: &[i64], budget: Budget) -> Result<HashMap<i64, Held>> {
    let mut fields = vec![ID, AT];
    fields.extend(COUNTS);
    let mut found = HashMap::new();
    for keys in keys.chunks(TOGETHER) {
        let expr = format!("{ID} in {}", numbers(keys));
        found.extend(read(collection.rows(&expr, &fields, budget)?)?);
    }
    Ok(found)
}

/// Writes the rows of terms. Milvus' time of it.
pub fn write(collection: Collection<'_>, terms: &[(i64, Held)], limit: Limit<'_>) -> Result<u64> {
    if terms.is_empty() {
        return Ok(0);
    }
    let column = |of: fn(&Held) -> u64| Column::Longs(terms.iter().map(|(_, held)| of(held) as i64).collect());
    let [titles, texts, titles_before, texts_before] = COUNTS;
    let fields = vec![
        Column::Longs(terms.iter().map(|(key, _)| *key).collect()).named(ID),
        column(|held| held.at).named(AT),
        column(|held| held.now[0]).named(titles),
        column(|held| held.now[1]).named(texts),
        column(|held| held.before[0]).named(titles_before),
        column(|held| held.before[1]).named(texts_before),
        dummies(terms.len()),
    ];
    collection.upsert(terms.len(), fields, limit)
}

/// The counts at one commit, those that were asked for before kept.
pub struct Frequencies {
    client: Client,
    name: String,
    seen: u64,
    view: View,
    cache: Cache<TermId, [u64; 2]>,
}

impl Frequencies {
    /// At a commit.
    pub fn new(client: Client, name: String, seen: u64, view: View) -> Self {
        Frequencies {
            client,
            name,
            seen,
            view,
            cache: Cache::new(REMEMBERED),
        }
    }

    /// In how many titles and in how many texts each of these terms stands.
    pub fn of(&self, terms: &[TermId], budget: Budget) -> Result<Vec<[u64; 2]>> {
        // Taken out once: what is remembered now may be forgotten at any moment.
        let mut counts: HashMap<TermId, [u64; 2]> = HashMap::new();
        counts.extend(terms.iter().filter_map(|term| Some((*term, self.cache.get(term)?))));
        let unknown: BTreeSet<TermId> = terms
            .iter()
            .copied()
            .filter(|term| !counts.contains_key(term))
            .collect();
        if !unknown.is_empty() {
            let collection = Collection::at(&self.client, &self.name, self.seen);
            let keys: Vec<i64> = unknown.iter().map(|term| term.key()).collect();
            let rows = rows(collection, &keys, budget)?;
            for term in unknown {
                // Terms that stand nowhere are not remembered: anybody can ask for any number of them.
                if let Some(held) = rows.get(&term.key()) {
                    self.cache.insert(term, held.at(&self.view));
                    counts.insert(term, held.at(&self.view));
                }
            }
        }
        let count = |term: &TermId| counts.get(term).copied().unwrap_or_default();
        Ok(terms.iter().map(count).collect())
    }
}
