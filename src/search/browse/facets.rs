//! How many articles there are of each publisher, place, year and kind: under a filter, counted by the engine, or among
//! the hits of a question.

use std::collections::{BTreeMap, BTreeSet};

use crate::compute::Budget;
use crate::error::Result;
use crate::index::{FacetCounts, Snapshot};
use crate::model::{ArticleKind, Filter};
use crate::search::request::within;
use crate::search::response::Hit;
use crate::text::Analyzer;

use super::super::understood;

/// Values of each kind given if it is not said how many.
const DEFAULT_LIMIT: usize = 20;
/// The most that may be asked for.
const MOST: usize = 1_000;

/// Counts of articles, for people to filter by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facets {
    /// Articles that were counted.
    pub total: u64,
    /// By publisher, the commonest first.
    pub sources: Vec<(String, u64)>,
    /// By place as filters name them, the commonest first; an article counts for each of its places and for those that
    /// hold it.
    pub regions: Vec<(String, u64)>,
    /// By year, the newest first.
    pub years: Vec<(u16, u64)>,
    /// By kind, the commonest first.
    pub kinds: Vec<(ArticleKind, u64)>,
}

/// Values wanted of each kind.
///
/// # Errors
/// `Caller` if they are more than may be, or none.
pub fn facet_limit(limit: Option<usize>) -> Result<usize> {
    within("limit", limit.unwrap_or(DEFAULT_LIMIT), MOST)
}

/// What passes a filter.
///
/// # Errors
/// `Caller` for a filter that is not understood; `Deadline`; those of the index.
pub fn facets(
    snapshot: &dyn Snapshot,
    analyzer: &Analyzer,
    filter: &Filter,
    limit: usize,
    budget: Budget,
) -> Result<Facets> {
    let filter = understood(filter, analyzer)?;
    Ok(Facets::of(snapshot.facets(&filter, budget)?, limit))
}

/// What the hits of a question are, one an article.
pub fn facets_of_hits(hits: &[Hit], analyzer: &Analyzer, limit: usize) -> Facets {
    let mut counts = FacetCounts::default();
    for hit in hits {
        counts.articles += 1;
        if let Some(source) = &hit.source {
            *counts.sources.entry(source.clone()).or_default() += 1;
        }
        let keys = hit.regions.iter().map(|name| match analyzer.region_of(name) {
            Ok(region) => region.keys(),
            Err(_) => vec![name.clone()],
        });
        let keys: BTreeSet<String> = keys.flatten().collect();
        for key in keys {
            *counts.regions.entry(key).or_default() += 1;
        }
        let years: BTreeSet<u16> = hit.years.iter().copied().collect();
        for year in years {
            *counts.years.entry(year).or_default() += 1;
        }
        *counts.kinds.entry(hit.kind).or_default() += 1;
    }
    Facets::of(counts, limit)
}

impl Facets {
    fn of(counts: FacetCounts, limit: usize) -> Facets {
        let mut kinds: Vec<_> = counts.kinds.into_iter().collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Facets {
            total: counts.articles,
            sources: commonest(counts.sources, limit),
            regions: commonest(counts.regions, limit),
            years: counts.years.into_iter().rev().take(limit).collect(),
            kinds,
        }
    }
}

/// The commonest values, ties by name.
fn commonest(counts: BTreeMap<String, u64>, limit: usize) -> Vec<(String, u64)> {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts.truncate(limit);
    counts
}
