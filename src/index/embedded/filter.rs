//! A filter, bound to one snapshot: which passages of each segment may be returned, as bitsets.
//!
//! Bits are computed from the index's own terms and columns once per filter and snapshot and shared by both rankings.

use std::ops::Bound;
use std::sync::Arc;

use quick_cache::sync::Cache;
use tantivy::query::{BooleanQuery, EnableScoring, Occur, Query, RangeQuery, TermSetQuery};
use tantivy::schema::Field;
use tantivy::{Searcher, TERMINATED, Term};

use super::schema::Fields;
use crate::compute::Budget;
use crate::error::{Context, Fault, Result};
use crate::index::graph::RowSet;
use crate::model::Filter;

/// The passages of a segment that a filter lets through.
#[derive(Debug, Clone)]
pub struct FilteredSegment {
    /// The passages that may be returned: bit `doc`, in words of 64; `None` means all of them.
    bits: Option<Box<[u64]>>,
    /// How many they are.
    pub count: usize,
}

/// The passages of a snapshot that a filter lets through.
#[derive(Debug, Clone)]
pub struct Filtered {
    /// In the snapshot's order.
    pub segments: Vec<FilteredSegment>,
}

impl FilteredSegment {
    /// Of a bitset in which `count` bits are set; nothing counts them again.
    fn of(words: Vec<u64>, count: usize) -> Self {
        debug_assert_eq!(
            count,
            words.iter().map(|word| word.count_ones() as usize).sum::<usize>()
        );
        let bits = Some(words.into());
        FilteredSegment { bits, count }
    }

    /// The passages that may be returned; `None` where all may.
    pub fn rows(&self) -> Option<RowSet<'_>> {
        let bits = self.bits.as_deref();
        bits.map(|bits| RowSet::new(bits, self.count))
    }

    /// Whether a passage may be returned.
    #[inline]
    pub fn lets(&self, doc: u32) -> bool {
        self.rows().is_none_or(|rows| rows.contains(doc))
    }
}

/// How many distinct filters a snapshot remembers; services tend to ask with the same few.
const REMEMBERED: usize = 16;

/// Keeps what the filters asked last leave of a snapshot.
pub struct FilterCache(Cache<Filter, Arc<Filtered>>);

impl Default for FilterCache {
    fn default() -> Self {
        FilterCache(Cache::new(REMEMBERED))
    }
}

impl FilterCache {
    /// What this filter leaves of this snapshot.
    pub fn bind(&self, searcher: &Searcher, fields: &Fields, filter: &Filter, budget: Budget) -> Result<Arc<Filtered>> {
        if let Some(filtered) = self.0.get(filter) {
            return Ok(filtered);
        }
        let filtered = Arc::new(compute(searcher, fields, filter, budget)?);
        self.0.insert(filter.clone(), filtered.clone());
        Ok(filtered)
    }
}

fn compute(searcher: &Searcher, fields: &Fields, filter: &Filter, budget: Budget) -> Result<Filtered> {
    let failed = "evaluating the filter";
    let query = as_query(fields, filter);
    let weight = match &query {
        Some(query) => Some(
            query
                .weight(EnableScoring::disabled_from_searcher(searcher))
                .or_fault(Fault::Corrupt, failed)?,
        ),
        None => None,
    };
    let mut segments = Vec::new();
    for reader in searcher.segment_readers() {
        budget.check()?;
        let Some(weight) = &weight else {
            if !reader.has_deletes() {
                segments.push(FilteredSegment {
                    bits: None,
                    count: reader.max_doc() as usize,
                });
                continue;
            }
            let mut words = vec![0u64; (reader.max_doc() as usize).div_ceil(64)];
            for doc in reader.doc_ids_alive() {
                words[doc as usize / 64] |= 1 << (doc % 64);
            }
            segments.push(FilteredSegment::of(words, reader.num_docs() as usize));
            continue;
        };
        let mut words = vec![0u64; (reader.max_doc() as usize).div_ceil(64)];
        let mut count = 0;
        let mut docs = weight.scorer(reader, 1.0).or_fault(Fault::Corrupt, failed)?;
        let mut doc = docs.doc();
        while doc != TERMINATED {
            if !reader.is_deleted(doc) {
                words[doc as usize / 64] |= 1 << (doc % 64);
                count += 1;
            }
            doc = docs.advance();
        }
        segments.push(FilteredSegment::of(words, count));
    }
    Ok(Filtered { segments })
}

fn as_query(fields: &Fields, filter: &Filter) -> Option<Box<dyn Query>> {
    let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
    let mut one_of = |terms: Vec<Term>| {
        if !terms.is_empty() {
            clauses.push((Occur::Must, Box::new(TermSetQuery::new(terms)) as Box<dyn Query>));
        }
    };
    let texts = |field: Field, values: &[String]| values.iter().map(|v| Term::from_field_text(field, v)).collect();
    one_of(texts(fields.article_id, &filter.article_ids));
    one_of(texts(fields.source, &filter.sources));
    one_of(texts(fields.regions, &filter.regions));
    one_of(
        filter
            .kinds
            .iter()
            .map(|kind| Term::from_field_text(fields.kind, kind.name()))
            .collect(),
    );
    one_of(
        filter
            .years
            .iter()
            .map(|&year| Term::from_field_u64(fields.years, year.into()))
            .collect(),
    );
    if filter.published_from.is_some() || filter.published_to.is_some() {
        let bound = |date: Option<crate::model::Date>| match date {
            Some(date) => Bound::Included(Term::from_field_u64(fields.published, date.number().into())),
            None => Bound::Unbounded,
        };
        clauses.push((
            Occur::Must,
            Box::new(RangeQuery::new(
                bound(filter.published_from),
                bound(filter.published_to),
            )),
        ));
    }
    (!clauses.is_empty()).then(|| Box::new(BooleanQuery::new(clauses)) as Box<dyn Query>)
}

#[cfg(test)]
impl Filtered {
    /// Of a single segment, these bits.
    pub fn of_one(bits: Vec<u64>, count: usize) -> Self {
        Filtered {
            segments: vec![FilteredSegment::of(bits, count)],
        }
    }
}
