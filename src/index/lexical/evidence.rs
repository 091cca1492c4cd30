//! Exact scores by words: how often each term of a question stands in each of some named passages, and what BM25F makes
//! of it.
//!
//! Common terms are looked up in the segment's forward index where it has one, all others in their postings. Either way
//! the frequencies land in one table, which is added up passage by passage and term by term in the question's order: so
//! the scores are the same to the last bit wherever the numbers came from.

use super::bm25::{Bm25, STREAMS};
use super::bound::{BoundTerm, BoundTerms};
use super::postings::{for_each, seek};
use super::slate::{Slate, Slates};
use crate::error::Result;
use crate::index::backend::TermScore;
use crate::index::embedded::schema::unpack_lengths;
use crate::index::embedded::segment::SegmentView;

/// A list of so many postings for each passage named is not read through: its blocks are looked up one by one.
const POSTINGS_A_SEEK: usize = 20;

/// So many passages before its turn, a row of the forward index is asked for.
const ROWS_AHEAD: usize = 4;

/// The exact lexical scores of one document.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LexicalEvidence {
    /// See [`crate::index::Evidence`].
    pub words: f32,
    /// See [`crate::index::Evidence`].
    pub bigrams: f32,
    /// See [`crate::index::Evidence`].
    pub title: f32,
    /// See [`crate::index::Evidence`].
    pub coverage: f32,
    /// See [`crate::index::Evidence`].
    pub bigram_coverage: f32,
}

impl BoundTerms {
    /// Exact scores of documents of one segment, given in ascending order with their packed field lengths; `visit` is
    /// told `(position in docs, term, its score, its score by the title alone)` for every match, document by document.
    fn score(
        &self,
        number: usize,
        segment: &SegmentView,
        bm25: &Bm25,
        slates: &Slates,
        docs: &[(u32, u64)],
        mut visit: impl FnMut(usize, &BoundTerm, f32, f32),
    ) -> Result<()> {
        slates.with(|slate| {
            let cells = docs.len() * self.terms.len();
            slate.frequencies.resize(cells.max(slate.frequencies.len()), [0; 2]);
            self.count(number, segment, slate, docs)?;
            let table = slate.frequencies[..cells].chunks_exact_mut(self.terms.len().max(1));
            for (at, (&(_, packed), row)) in docs.iter().zip(table).enumerate() {
                let shares = bm25.shares(&unpack_lengths(packed));
                for (cell, bound) in row.iter_mut().zip(&self.terms) {
                    let [in_title, in_text] = std::mem::take(cell);
                    if in_title > 0 || in_text > 0 {
                        let (score, by_title) = bm25.exact(bound.stream, in_title, in_text, &shares);
                        visit(at, bound, bound.weight * score, bound.weight * by_title);
                    }
                }
            }
            Ok(())
        })
    }

    /// Fills the table: a row for each document, in it for each term its frequencies in title and text.
    fn count(&self, number: usize, segment: &SegmentView, slate: &mut Slate, docs: &[(u32, u64)]) -> Result<()> {
        let width = self.terms.len();
        let lookup = self.lookups.get(number).and_then(Option::as_ref);
        if let Some(lookup) = lookup {
            let ahead = docs.iter().map(|&(doc, _)| doc);
            ahead.clone().take(ROWS_AHEAD).for_each(|doc| lookup.prefetch(doc));
            let mut ahead = ahead.skip(ROWS_AHEAD);
            for (&(doc, _), row) in docs.iter().zip(slate.frequencies.chunks_exact_mut(width.max(1))) {
                ahead.next().inspect(|&doc| lookup.prefetch(doc));
                lookup.read(doc, row);
            }
        }
        let rows = segment.reader.max_doc() as usize;
        slate.places.resize(rows.max(slate.places.len()), 0);
        for (place, &(doc, _)) in (1..).zip(docs) {
            slate.places[doc as usize] = place;
        }
        for (at, bound) in self.terms.iter().enumerate() {
            for (field, info) in bound.fields(number) {
                let side = field / STREAMS;
                if lookup.is_some_and(|lookup| lookup.holds(at, side)) {
                    continue;
                }
                let postings = segment.words[field].open(info)?;
                if info.doc_freq as usize > POSTINGS_A_SEEK * docs.len() {
                    seek(postings, docs, |place, tf| {
                        slate.frequencies[place * width + at][side] = tf
                    });
                } else {
                    for_each(postings, |doc, tf| {
                        if let Some(&place @ 1..) = slate.places.get(doc as usize) {
                            slate.frequencies[(place as usize - 1) * width + at][side] = tf;
                        }
                    });
                }
            }
        }
        for &(doc, _) in docs {
            slate.places[doc as usize] = 0;
        }
        Ok(())
    }

    /// The exact evidence of documents of one segment; see [`Self::score`] for the arguments.
    pub fn evidence(
        &self,
        number: usize,
        segment: &SegmentView,
        bm25: &Bm25,
        slates: &Slates,
        docs: &[(u32, u64)],
    ) -> Result<Vec<LexicalEvidence>> {
        let mut evidence = vec![LexicalEvidence::default(); docs.len()];
        self.score(number, segment, bm25, slates, docs, |at, bound, score, title| {
            let slot = &mut evidence[at];
            let share = bound.weight / self.mass[bound.stream].max(f32::MIN_POSITIVE);
            slot.title += title;
            if bound.stream == 0 {
                slot.words += score;
                slot.coverage += share;
            } else {
                slot.bigrams += score;
                slot.bigram_coverage += share;
            }
        })?;
        Ok(evidence)
    }

    /// What each term adds to one document, the strongest first.
    pub fn explain(
        &self,
        number: usize,
        segment: &SegmentView,
        bm25: &Bm25,
        slates: &Slates,
        doc: u32,
    ) -> Result<Vec<TermScore>> {
        let mut found = Vec::new();
        let docs = [(doc, segment.lengths(doc))];
        self.score(number, segment, bm25, slates, &docs, |_, bound, score, _| {
            found.push(TermScore {
                term: bound.term.clone(),
                is_word: bound.stream == 0,
                score,
            });
        })?;
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.term.text.cmp(&b.term.text)));
        Ok(found)
    }
}
