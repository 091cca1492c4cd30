//! Finding passages by words.
//!
//! Candidates are found by adding up, term after term from the rarest on, what each posting contributes, in one array
//! of numbers for a window of documents that fits the processor's cache. For the long questions that people ask (some
//! 40 terms, hundreds of candidates wanted) that beats skipping algorithms, whose bounds rarely let them skip. Lengths
//! are tantivy's length classes there; the score that enters fusion is the exact one ([`super::exact`]).
//!
//! The commonest terms of a question find no candidates, they only count in the exact scores: a passage that could be
//! among the best holds rarer terms too and is found by those. Where that finds too few, all terms are read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use super::best::{Scored, keep_best};
use super::bound::BoundTerms;
use super::postings::Cursor;
use crate::compute::Budget;
use crate::error::Result;
use crate::index::embedded::filter::Filtered;

/// Documents whose scores are added up at once: 128 kB of numbers.
const WINDOW: u32 = 1 << 15;

/// Segments of at least this many documents are searched by two threads, a half each, if the budget has two.
const WORTH_DIVIDING: u32 = 400_000;

/// Which of a question's terms are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Read {
    /// The rarest, as many as are affordable.
    Rare,
    /// All.
    All,
}

impl BoundTerms {
    /// The best `k` documents, and up to `spare` more: `(segment, doc, score)`, best first; fewer than `k` only if
    /// fewer hold any of the terms. The score is that of the terms that are read, exact up to the length classes.
    ///
    /// # Errors
    /// `Corrupt` if postings cannot be read, `Deadline` if nobody waits any more.
    pub fn candidates(
        &self,
        filtered: &Filtered,
        k: usize,
        spare: usize,
        budget: Budget,
    ) -> Result<Vec<(u32, u32, f32)>> {
        if self.by_rarity.is_empty() || k == 0 {
            return Ok(Vec::new());
        }
        let found = self.best(Read::Rare, filtered, k + spare, budget)?;
        // A filter, or a term that hardly occurs, can leave few of what the rare terms find.
        if found.len() < k && self.affordable < self.by_rarity.len() {
            return self.best(Read::All, filtered, k + spare, budget);
        }
        Ok(found)
    }

    /// The best documents by some of the terms.
    fn best(&self, read: Read, filtered: &Filtered, k: usize, budget: Budget) -> Result<Vec<(u32, u32, f32)>> {
        let mut best = Vec::new();
        for (number, segment) in self.collection.segments.iter().enumerate() {
            if filtered.segments[number].count == 0 {
                continue;
            }
            if segment.rows >= WORTH_DIVIDING && budget.threads > 1 {
                let middle = segment.rows / 2 / WINDOW * WINDOW;
                let (low, high) = budget.join(
                    |budget| self.best_of(read, number, filtered, k, 0..middle, budget),
                    |budget| self.best_of(read, number, filtered, k, middle..segment.rows, budget),
                );
                best.extend(low?);
                best.extend(high?);
            } else {
                best.extend(self.best_of(read, number, filtered, k, 0..segment.rows, budget)?);
            }
        }
        best.sort_unstable_by(|a, b| b.cmp(a));
        best.truncate(k);
        Ok(best.into_iter().map(|s: Scored| (s.segment, s.doc, s.score)).collect())
    }

    /// The best of some documents of a segment, in no order.
    fn best_of(
        &self,
        read: Read,
        number: usize,
        filtered: &Filtered,
        k: usize,
        docs: Range<u32>,
        budget: Budget,
    ) -> Result<Vec<Scored>> {
        let segment = &self.collection.segments[number];
        let allowed = filtered.segments[number].rows();
        let terms = match read {
            Read::Rare => &self.by_rarity[..self.affordable],
            Read::All => &self.by_rarity[..],
        };
        let mut cursors = Vec::with_capacity(2 * terms.len());
        for &term in terms {
            let weight = self.weighed.terms()[term as usize].weight;
            for (field, info) in self.fields(term as usize, number) {
                cursors.push(Cursor::new(&segment.words[field], info, field, weight, docs.start)?);
            }
        }
        let mut best: BinaryHeap<Reverse<Scored>> = BinaryHeap::new();
        self.collection.workspaces.try_with(|workspace| {
            workspace.scores.resize(WINDOW as usize, 0.0);
            for first in docs.clone().step_by(WINDOW as usize) {
                budget.check()?;
                let length = WINDOW.min(docs.end - first);
                let scores = &mut workspace.scores[..length as usize];
                cursors.retain_mut(|cursor| cursor.add_up(&self.collection.bm25, first, scores));
                keep_best(scores, first, allowed, number as u32, k, &mut best);
            }
            Ok(())
        })?;
        Ok(best.into_iter().map(|Reverse(scored)| scored).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::index::ingest::Ingest;
    use crate::index::scoring::LexicalQuery;
    use crate::index::{EmbeddedIndex, Rules};
    use crate::model::Article;
    use crate::text::Analyzer;

    #[test]
    fn common_terms_are_read_where_rare_ones_find_too_few() {
        let rules = Rules {
            analyzer: Arc::new(Analyzer::new().unwrap()),
            embedder: None,
        };
        let query = rules.analyzer.query("白内障保险");
        let query = LexicalQuery {
            words: query.words,
            bigrams: query.bigrams,
            ..LexicalQuery::default()
        };
        let articles: Vec<Article> = (0..60)
            .map(|i| Article {
                id: format!("a{i:02}"),
                text: if i % 30 == 0 {
                    "白内障的保险"
                } else {
                    "保险条款"
                }
                .into(),
                ..Article::default()
            })
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let index = EmbeddedIndex::create(&folder.path().join("index"), &rules.identity()).unwrap();
        let ingest = Ingest::open(&index, rules).unwrap();
        assert!(ingest.upsert(articles, Budget::single()).iter().all(Result::is_ok));
        ingest.commit().unwrap();
        ingest.into_writer().finish().unwrap();
        let collection = index.current().collection().clone();
        let rows = collection.segments[0].rows;
        let bound = Arc::new(BoundTerms::bind_within(collection, &query, 0).unwrap());
        assert!(
            bound.affordable == 1 && bound.by_rarity.len() > 1,
            "the room is for the rarest alone"
        );

        let check = |rare_allowed: bool, k: usize, expected: usize, first_hold_both: usize| {
            let mut bits = vec![(1_u64 << 60) - 1];
            if !rare_allowed {
                bits[0] &= !(1 | 1 << 30);
            }
            let filtered = Arc::new(Filtered::of_one(bits, if rare_allowed { 60 } else { 58 }));
            let found = bound.candidates(&filtered, k, 0, Budget::single()).unwrap();
            assert_eq!(found.len(), expected, "{rare_allowed} {k}");
            // What is found besides stands behind.
            let more = bound.candidates(&filtered, k, 5, Budget::single()).unwrap();
            assert!(more.starts_with(&found) && more.len() <= k + 5, "{rare_allowed} {k}");
            let both = found.iter().take_while(|(_, doc, _)| doc % 30 == 0).count();
            assert_eq!(both, first_hold_both, "{rare_allowed} {k}");
        };
        check(true, 2, 2, 2);
        check(true, 50, 50, 2);
        check(true, 100, 60, 2);
        check(false, 10, 10, 0);

        // A segment searched by halves, wherever they meet.
        let everything = Filtered::of_one(vec![(1 << 60) - 1], 60);
        let best = |ranges: &[Range<u32>]| {
            let of = |docs: &Range<u32>| {
                bound
                    .best_of(Read::All, 0, &everything, 20, docs.clone(), Budget::single())
                    .unwrap()
            };
            let mut best: Vec<Scored> = ranges.iter().flat_map(of).collect();
            best.sort_unstable_by(|a, b| b.cmp(a));
            best.truncate(20);
            best.into_iter()
                .map(|found| (found.doc, found.score))
                .collect::<Vec<_>>()
        };
        for middle in [0, 1, 29, 30, 31, rows] {
            assert_eq!(
                best(&[0..middle, middle..rows]),
                best(std::slice::from_ref(&(0..rows))),
                "{middle}"
            );
        }
        let late = Budget::single().until(Some(std::time::Instant::now()));
        let filtered = Arc::new(everything);
        let error = bound.candidates(&filtered, 5, 0, late).unwrap_err();
        assert_eq!(error.fault(), crate::error::Fault::Deadline);
    }
}
