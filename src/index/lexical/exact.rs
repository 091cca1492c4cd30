//! Exact scores by words: how often each term of a question stands in each of some named passages, and what BM25F makes
//! of it.
//!
//! Common terms are looked up in the segment's forward index where it has one, all others in their postings. Either way
//! the frequencies land in one table, which is added up passage by passage and term by term in the question's order: so
//! the scores are the same to the last bit wherever the numbers came from.

use super::bound::BoundTerms;
use super::postings::{for_each, seek};
use super::workspace::Workspace;
use crate::compute::Budget;
use crate::error::Result;
use crate::index::scoring::{FIELDS, LexicalScores, STREAMS, TermScore};

/// A list with more postings than this for each passage asked about is not read through: passages are looked up in it.
const POSTINGS_A_SEEK: usize = 20;

/// How many passages before its turn a row of the forward index is prefetched.
const ROWS_AHEAD: usize = 4;

impl BoundTerms {
    /// Exact scores of documents of one segment, given in ascending order, and their lengths.
    ///
    /// # Errors
    /// `Corrupt` if postings cannot be read, `Deadline` if nobody waits any more.
    pub fn scores(&self, segment: usize, docs: &[u32], budget: Budget) -> Result<Vec<(LexicalScores, [u32; FIELDS])>> {
        let bm25 = self.collection.bm25.exact();
        let mut scores = Vec::with_capacity(docs.len());
        self.frequencies(segment, docs, budget, |lengths, frequencies| {
            scores.push((self.weighed.scores(bm25, &lengths, frequencies), lengths));
        })?;
        Ok(scores)
    }

    /// What each term adds to documents of one segment, given in ascending order, for each the strongest first.
    ///
    /// # Errors
    /// As [`Self::scores`].
    pub fn explain(&self, segment: usize, docs: &[u32], budget: Budget) -> Result<Vec<Vec<TermScore>>> {
        let bm25 = self.collection.bm25.exact();
        let mut explained = Vec::with_capacity(docs.len());
        self.frequencies(segment, docs, budget, |lengths, frequencies| {
            explained.push(self.weighed.explain(bm25, &lengths, frequencies));
        })?;
        Ok(explained)
    }

    /// Tells `visit` of each document in turn its lengths and, by term, its frequencies in title and text.
    fn frequencies(
        &self,
        number: usize,
        docs: &[u32],
        budget: Budget,
        mut visit: impl FnMut([u32; FIELDS], &[[u32; 2]]),
    ) -> Result<()> {
        let width = self.weighed.terms().len();
        let segment = &self.collection.segments[number];
        self.collection.workspaces.try_with(|workspace| {
            let cells = docs.len() * width;
            let room = cells.max(workspace.frequencies.len());
            workspace.frequencies.resize(room, [0; 2]);
            self.count(number, workspace, docs, budget)?;
            for (at, &doc) in docs.iter().enumerate() {
                let row = &mut workspace.frequencies[at * width..][..width];
                visit(segment.lengths(doc), row);
                row.fill([0; 2]);
            }
            Ok(())
        })
    }

    /// Fills the table: a row for each document, in it for each term its frequencies in title and text.
    fn count(&self, number: usize, workspace: &mut Workspace, docs: &[u32], budget: Budget) -> Result<()> {
        let width = self.weighed.terms().len();
        let segment = &self.collection.segments[number];
        let lookup = self.lookups.get(number).and_then(Option::as_ref);
        if let Some(lookup) = lookup {
            let mut ahead = docs.iter();
            ahead.by_ref().take(ROWS_AHEAD).for_each(|&doc| lookup.prefetch(doc));
            for (&doc, row) in docs.iter().zip(workspace.frequencies.chunks_exact_mut(width.max(1))) {
                ahead.next().inspect(|&&doc| lookup.prefetch(doc));
                lookup.read(doc, row);
            }
        }
        workspace
            .places
            .resize((segment.rows as usize).max(workspace.places.len()), 0);
        for (place, &doc) in (1..).zip(docs) {
            workspace.places[doc as usize] = place;
        }
        for term in 0..width {
            budget.check()?;
            for (field, info) in self.fields(term, number) {
                let side = field / STREAMS;
                if lookup.is_some_and(|lookup| lookup.holds(term, side)) {
                    continue;
                }
                let postings = segment.words[field].open(info)?;
                if info.doc_freq as usize > POSTINGS_A_SEEK * docs.len() {
                    seek(postings, docs, |place, tf| {
                        workspace.frequencies[place * width + term][side] = tf;
                    });
                } else {
                    for_each(postings, |doc, tf| {
                        if let Some(&place @ 1..) = workspace.places.get(doc as usize) {
                            workspace.frequencies[(place as usize - 1) * width + term][side] = tf;
                        }
                    });
                }
            }
        }
        for &doc in docs {
            workspace.places[doc as usize] = 0;
        }
        Ok(())
    }
}
