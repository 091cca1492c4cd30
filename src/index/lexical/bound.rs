//! Ranking by words: a question's terms looked up once in a snapshot, candidates term by term, exact BM25F of any passage.
//!
//! Candidates are found by adding up, term after term from the rarest on, what each posting contributes, in one array of
//! numbers for a window of documents that fits the processor's cache. For the long questions that people ask (some 40 terms, hundreds of candidates wanted) that beats
//! skipping algorithms, whose bounds rarely let them skip. Lengths are tantivy's length classes there; the score that
//! enters fusion is the exact one ([`super::evidence`]).
//!
//! The commonest terms of a question are left to the exact scores: [`affordable`] bounds the work, and what such terms
//! add, passages that could be among the best have from rarer ones already. Where that finds too few, all are read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::Arc;

use tantivy::postings::TermInfo;

use super::bm25::{Bm25, STREAMS};
use super::postings::{Cursor, READING};
use super::slate::{Scored, Slates, keep_best};
use crate::error::{Context, Fault, Result};
use crate::index::backend::LexicalQuery;
use crate::index::embedded::filter::Allowed;
use crate::index::embedded::segment::SegmentView;
use crate::index::forward::Lookup;
use crate::text::QueryTerm;

/// Postings that finding candidates may read, in a collection of so many passages; a question's terms have some 5 of a
/// passage. A term that would go beyond is not read, nor any commoner one. `docs/results/` has what that changes: with
/// 9,346 real passages nothing.
fn affordable(passages: f32) -> u64 {
    20_000 + (150.0 * passages.sqrt()) as u64
}

/// Documents whose scores are added up at once: 128 kB of numbers.
const WINDOW: u32 = 1 << 15;

/// Segments of so many documents are searched by two threads, a half each, if the pool that asks has them.
pub const HALVED: u32 = 400_000;

/// One way through the postings of some terms.
struct Pass<'a> {
    /// By number, rarest first.
    terms: &'a [u32],
    bm25: &'a Bm25,
    slates: &'a Slates,
    /// Documents wanted.
    k: usize,
}

/// A question's terms in one snapshot: how rare each is, and where its postings lie in every segment.
pub struct BoundTerms {
    /// In the question's order, words first.
    pub(super) terms: Vec<BoundTerm>,
    pub(super) mass: [f32; STREAMS],
    /// Numbers of the terms that occur, by ascending document frequency.
    reading: Vec<u32>,
    /// How many of them find candidates, at least one, if those find enough.
    affordable: usize,
    /// By segment, the terms that its forward index holds, if it has one.
    pub(super) lookups: Vec<Option<Lookup>>,
}

/// One of them.
pub struct BoundTerm {
    /// As the question has it.
    pub term: QueryTerm,
    /// 0 = words, 1 = bigrams.
    pub stream: usize,
    /// idf times the query's weight.
    pub weight: f32,
    /// By segment, where it occurs in the title and in the text.
    postings: Vec<[Option<TermInfo>; 2]>,
}

impl BoundTerm {
    /// `(field, postings)` in a segment, the title's first.
    pub fn fields(&self, segment: usize) -> impl Iterator<Item = (usize, &TermInfo)> {
        let places = self.postings[segment].iter().enumerate();
        places.filter_map(|(at, info)| Some((at * STREAMS + self.stream, info.as_ref()?)))
    }
}

impl BoundTerms {
    /// Looks the terms up. Terms that occur nowhere stay, since they count in the coverage.
    pub fn bind(segments: &[Arc<SegmentView>], bm25: &Bm25, query: &LexicalQuery) -> Result<Self> {
        Self::bind_within(segments, bm25, query, affordable(bm25.norms().passages))
    }

    /// As [`Self::bind`], with room for so many postings.
    fn bind_within(segments: &[Arc<SegmentView>], bm25: &Bm25, query: &LexicalQuery, room: u64) -> Result<Self> {
        let mut terms = Vec::with_capacity(query.words.len() + query.bigrams.len());
        let mut mass = [0f32; STREAMS];
        let mut reading = Vec::new();
        for (stream, list) in [&query.words, &query.bigrams].into_iter().enumerate() {
            for term in list {
                let mut postings = Vec::with_capacity(segments.len());
                let mut doc_freq = [0u64; 2];
                for segment in segments {
                    let mut infos = [None, None];
                    for (at, info) in infos.iter_mut().enumerate() {
                        let dictionary = segment.words[at * STREAMS + stream].index.terms();
                        *info = dictionary.get(term.text.as_bytes()).or_fault(Fault::Corrupt, READING)?;
                        doc_freq[at] += info.as_ref().map_or(0, |info| u64::from(info.doc_freq));
                    }
                    postings.push(infos);
                }
                let [in_title, in_text] = doc_freq;
                let weight = bm25.norms().idf(in_title.max(in_text)) * term.weight;
                mass[stream] += weight;
                if in_title > 0 || in_text > 0 {
                    reading.push((in_title + in_text, terms.len() as u32));
                }
                terms.push(BoundTerm {
                    term: term.clone(),
                    stream,
                    weight,
                    postings,
                });
            }
        }
        reading.sort_unstable();
        let mut sum = 0;
        let within = reading.iter().take_while(|(postings, _)| {
            sum += postings;
            sum <= room
        });
        let lookups = segments.iter().enumerate().map(|(number, segment)| {
            let forward = segment.forward()?;
            let bound = terms.iter().enumerate();
            let fields = bound.flat_map(|(at, term): (usize, &BoundTerm)| {
                let fields = term.fields(number);
                fields.map(move |(field, info)| (field, at, field / STREAMS, info))
            });
            Some(Lookup::new(forward, terms.len(), fields))
        });
        Ok(BoundTerms {
            lookups: lookups.collect(),
            terms,
            mass,
            affordable: within.count().max(1).min(reading.len()),
            reading: reading.into_iter().map(|(_, term)| term).collect(),
        })
    }

    /// The best `k` documents: `(segment, doc, score)`, best first; fewer only if fewer hold any of the terms. The score
    /// is that of the terms that are read, exact up to the length classes.
    pub fn candidates(
        &self,
        segments: &[Arc<SegmentView>],
        bm25: &Bm25,
        slates: &Slates,
        allowed: &Allowed,
        k: usize,
    ) -> Result<Vec<(u32, u32, f32)>> {
        if self.reading.is_empty() || k == 0 {
            return Ok(Vec::new());
        }
        let (rare, all) = (&self.reading[..self.affordable], &self.reading[..]);
        let by = |terms| Pass { terms, bm25, slates, k };
        let found = self.best_by(&by(rare), segments, allowed)?;
        // A filter, or a term that hardly occurs, can leave few of what the rare terms find.
        if found.len() < k && rare.len() < all.len() {
            return self.best_by(&by(all), segments, allowed);
        }
        Ok(found)
    }

    /// The best documents by the terms of a pass.
    fn best_by(&self, pass: &Pass, segments: &[Arc<SegmentView>], allowed: &Allowed) -> Result<Vec<(u32, u32, f32)>> {
        let mut best = Vec::new();
        for (number, segment) in (0..).zip(segments) {
            let (bits, count) = &allowed.segments[number as usize];
            if *count == 0 {
                continue;
            }
            let of_range = |docs| self.best_of(pass, number, segment, bits.as_deref(), docs);
            let rows = segment.reader.max_doc();
            // Only on a thread that shares its work: elsewhere the pool may be busy with what is being indexed.
            if rows >= HALVED && rayon::current_thread_index().is_some() {
                let middle = rows / 2 / WINDOW * WINDOW;
                let (low, high) = rayon::join(|| of_range(0..middle), || of_range(middle..rows));
                best.extend(low?);
                best.extend(high?);
            } else {
                best.extend(of_range(0..rows)?);
            }
        }
        best.sort_unstable_by(|a, b| b.cmp(a));
        best.truncate(pass.k);
        Ok(best.into_iter().map(|s: Scored| (s.segment, s.doc, s.score)).collect())
    }

    /// The best of some documents of a segment, in no order.
    fn best_of(
        &self,
        pass: &Pass,
        number: u32,
        segment: &SegmentView,
        bits: Option<&[u64]>,
        docs: Range<u32>,
    ) -> Result<Vec<Scored>> {
        let mut cursors = Vec::with_capacity(2 * pass.terms.len());
        for &term in pass.terms {
            let term = &self.terms[term as usize];
            for (field, info) in term.fields(number as usize) {
                cursors.push(Cursor::new(
                    &segment.words[field],
                    info,
                    field,
                    term.weight,
                    docs.start,
                )?);
            }
        }
        let mut best: BinaryHeap<Reverse<Scored>> = BinaryHeap::new();
        pass.slates.with(|slate| {
            slate.scores.resize(WINDOW as usize, 0.0);
            for first in docs.clone().step_by(WINDOW as usize) {
                let length = WINDOW.min(docs.end - first);
                let scores = &mut slate.scores[..length as usize];
                cursors.retain_mut(|cursor| cursor.add_up(pass.bm25, first, scores));
                keep_best(scores, first, bits, number, pass.k, &mut best);
            }
            Ok(())
        })?;
        Ok(best.into_iter().map(|Reverse(scored)| scored).collect())
    }

    /// Each term's idf times its weight, words and bigrams apart, in the question's order.
    pub fn weighted_idf(&self) -> [Vec<f32>; STREAMS] {
        std::array::from_fn(|stream| {
            let terms = self.terms.iter().filter(|bound| bound.stream == stream);
            terms.map(|bound| bound.weight).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::bm25::CollectionNorms;
    use super::*;
    use crate::index::ingest::{Counts, Ingest};
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
        let writer = Ingest::open(&index, rules).unwrap();
        writer.upsert(articles).into_iter().collect::<Result<Counts>>().unwrap();
        writer.commit().unwrap();
        writer.into_writer().finish().unwrap();
        let view = index.view();
        let bm25 = Bm25::new(
            crate::profile::Bm25Params::default(),
            CollectionNorms::of(&view.segments),
        );
        let bound = BoundTerms::bind_within(&view.segments, &bm25, &query, 0).unwrap();
        assert!(
            bound.affordable == 1 && bound.reading.len() > 1,
            "the room is for the rarest alone"
        );

        let slates = Slates::default();
        let check = |rare_allowed: bool, k: usize, expected: usize, first_hold_both: usize| {
            let mut bits = vec![u64::MAX];
            if !rare_allowed {
                bits[0] &= !(1 | 1 << 30);
            }
            let allowed = Allowed {
                segments: vec![(Some(bits.into()), if rare_allowed { 60 } else { 58 })],
            };
            let found = bound.candidates(&view.segments, &bm25, &slates, &allowed, k).unwrap();
            assert_eq!(found.len(), expected, "{rare_allowed} {k}");
            let both = found.iter().take_while(|(_, doc, _)| doc % 30 == 0).count();
            assert_eq!(both, first_hold_both, "{rare_allowed} {k}");
        };
        check(true, 2, 2, 2);
        check(true, 50, 50, 2);
        check(true, 100, 60, 2);
        check(false, 10, 10, 0);

        // A segment searched by halves, wherever they meet.
        let pass = Pass {
            terms: &bound.reading,
            bm25: &bm25,
            slates: &slates,
            k: 20,
        };
        let best = |ranges: &[Range<u32>]| {
            let of = |docs: &Range<u32>| bound.best_of(&pass, 0, &view.segments[0], None, docs.clone()).unwrap();
            let mut best: Vec<Scored> = ranges.iter().flat_map(of).collect();
            best.sort_unstable_by(|a, b| b.cmp(a));
            best.truncate(pass.k);
            best.into_iter()
                .map(|found| (found.doc, found.score))
                .collect::<Vec<_>>()
        };
        let rows = view.segments[0].reader.max_doc();
        for middle in [0, 1, 29, 30, 31, rows] {
            assert_eq!(
                best(&[0..middle, middle..rows]),
                best(std::slice::from_ref(&(0..rows))),
                "{middle}"
            );
        }
    }
}
