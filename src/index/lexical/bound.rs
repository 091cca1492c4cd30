//! A question's terms in one commit: how rare each is, and where its postings lie in every segment.
//!
//! Looked up once for everything that is asked about them: [`super::candidates`] finds passages by them,
//! [`super::exact`] scores passages exactly.

use std::sync::Arc;

use tantivy::postings::TermInfo;

use super::postings::READING;
use super::rough::RoughBm25;
use super::workspace::Workspace;
use crate::compute::ScratchPool;
use crate::error::{Context, Fault, Result};
use crate::index::embedded::segment::Segment;
use crate::index::forward::Lookup;
use crate::index::scoring::{Bm25, CollectionCounts, LexicalQuery, STREAMS, WeighedTerms};
use crate::profile::Bm25Params;

/// The segments of a commit and the BM25 of all of them together.
pub struct Collection {
    /// The segments, in the commit's order.
    pub segments: Vec<Arc<Segment>>,
    /// BM25 with the counts of all segments together.
    pub bm25: RoughBm25,
    /// Memory to search in, shared with earlier and later commits.
    pub workspaces: Arc<ScratchPool<Workspace>>,
}

impl Collection {
    /// Adds up the segments' own counts.
    pub fn new(segments: Vec<Arc<Segment>>, bm25: Bm25Params, workspaces: Arc<ScratchPool<Workspace>>) -> Self {
        let passages = segments.iter().map(|segment| u64::from(segment.rows)).sum();
        let tokens = std::array::from_fn(|field| {
            let of = |segment: &Arc<Segment>| segment.words[field].index.total_num_tokens();
            segments.iter().map(of).sum()
        });
        let bm25 = Bm25::new(bm25, CollectionCounts::new(passages, tokens));
        Collection {
            bm25: RoughBm25::new(bm25),
            segments,
            workspaces,
        }
    }

    /// How many passages hold a term in their titles or in their texts, whichever are more.
    ///
    /// # Errors
    /// `Corrupt` if the index is damaged.
    pub fn holding(&self, stream: usize, term: &str) -> Result<u64> {
        let mut holding = [0u64; 2];
        for segment in &self.segments {
            for (side, holding) in holding.iter_mut().enumerate() {
                let dictionary = segment.words[side * STREAMS + stream].index.terms();
                let info = dictionary.get(term.as_bytes()).or_fault(Fault::Corrupt, READING)?;
                *holding += info.map_or(0, |info| u64::from(info.doc_freq));
            }
        }
        Ok(holding[0].max(holding[1]))
    }
}

/// Where a term occurs in a segment: in titles, in texts.
type Places = [Option<TermInfo>; 2];

/// A question's terms in a collection.
pub struct BoundTerms {
    pub(super) collection: Arc<Collection>,
    /// The terms, words first, and what they weigh.
    pub(super) weighed: WeighedTerms,
    /// Where each term occurs, by term, then by segment.
    postings: Vec<Vec<Places>>,
    /// Numbers of the terms that occur, by ascending document frequency.
    pub(super) by_rarity: Vec<u32>,
    /// How many of them, from the rarest on, candidates are looked for by; at least one. The others join in only where
    /// these find too few.
    pub(super) affordable: usize,
    /// By segment, the terms that its forward index holds, if it has one.
    pub(super) lookups: Vec<Option<Lookup>>,
}

/// How many postings the search for candidates may read in a collection of this size. All terms of a question together
/// have about 5 for each passage of the collection. A term that would exceed the limit is not read, nor any commoner
/// one. `docs/results/` says what that changes: with 9,346 real passages nothing.
fn affordable(passages: f32) -> u64 {
    20_000 + (150.0 * passages.sqrt()) as u64
}

impl BoundTerms {
    /// Looks the terms up.
    pub fn bind(collection: Arc<Collection>, query: &LexicalQuery) -> Result<Self> {
        let room = affordable(collection.bm25.exact().counts().passages());
        Self::bind_within(collection, query, room)
    }

    /// As [`Self::bind`], with room for so many postings.
    pub(super) fn bind_within(collection: Arc<Collection>, query: &LexicalQuery, room: u64) -> Result<Self> {
        let mut postings = Vec::with_capacity(query.words.len() + query.bigrams.len());
        let mut occurring = Vec::new();
        let counts = collection.bm25.exact().counts();
        let weighed = WeighedTerms::new(query, counts, |stream, term| {
            let mut places: Vec<Places> = Vec::with_capacity(collection.segments.len());
            let mut holding = [0u64; 2];
            for segment in &collection.segments {
                let mut infos = [None, None];
                for (side, info) in infos.iter_mut().enumerate() {
                    let dictionary = segment.words[side * STREAMS + stream].index.terms();
                    *info = dictionary.get(term.text.as_bytes()).or_fault(Fault::Corrupt, READING)?;
                    holding[side] += info.as_ref().map_or(0, |info| u64::from(info.doc_freq));
                }
                places.push(infos);
            }
            let sum = holding[0] + holding[1];
            if sum > 0 {
                occurring.push((sum, postings.len() as u32));
            }
            postings.push(places);
            Ok(holding)
        })?;
        occurring.sort_unstable();
        let mut sum = 0;
        let within = occurring.iter().take_while(|(postings, _)| {
            sum += postings;
            sum <= room
        });
        let affordable = within.count().max(1).min(occurring.len());
        let mut bound = BoundTerms {
            lookups: Vec::new(),
            collection,
            weighed,
            postings,
            affordable,
            by_rarity: occurring.into_iter().map(|(_, term)| term).collect(),
        };
        let segments = bound.collection.segments.iter().enumerate();
        bound.lookups = segments
            .map(|(number, segment)| {
                let terms = 0..bound.postings.len();
                let fields = terms.flat_map(|term| {
                    let fields = bound.fields(term, number);
                    fields.map(move |(field, info)| (field, term, field / STREAMS, info))
                });
                Some(Lookup::new(segment.forward()?.clone(), bound.postings.len(), fields))
            })
            .collect();
        Ok(bound)
    }

    /// The terms and what they weigh.
    pub fn weighed(&self) -> &WeighedTerms {
        &self.weighed
    }

    /// `(field, postings)` of a term in a segment, the title's first.
    pub(super) fn fields(&self, term: usize, segment: usize) -> impl Iterator<Item = (usize, &TermInfo)> {
        let stream = self.weighed.terms()[term].stream;
        let places = self.postings[term][segment].iter().enumerate();
        places.filter_map(move |(side, info)| Some((side * STREAMS + stream, info.as_ref()?)))
    }
}
