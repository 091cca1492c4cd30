//! Finding passages by meaning: each segment's vectors are searched through its graph, or exactly where it has none.
//!
//! Owns the joining of segments. The graph itself is [`crate::index::graph`]; its file is derived and may be missing at
//! any time, then a scan answers.

use std::sync::Arc;

use super::filter::Filtered;
use super::segment::Segment;
use crate::compute::{Budget, ScratchPool};
use crate::error::Result;
use crate::index::graph::{self, NearestQuery, Scratch};

/// The best `k` rows over all segments by dot product with a normalised vector: `(segment, doc, cosine)`, best first,
/// ties by segment and document.
///
/// # Errors
/// `Deadline` if nobody waits any more.
pub fn candidates(
    segments: &[Arc<Segment>],
    scratches: &ScratchPool<Scratch>,
    vector: &[f32],
    filtered: &Filtered,
    k: usize,
    ef: Option<usize>,
    budget: Budget,
) -> Result<Vec<(u32, u32, f32)>> {
    let mut best = Vec::new();
    for (number, segment) in segments.iter().enumerate() {
        budget.check()?;
        let allowed = &filtered.segments[number];
        if allowed.count == 0 || k == 0 || segment.vectors.dimension() != vector.len() {
            continue;
        }
        let rows = segment.vectors.view();
        let query = NearestQuery {
            vector,
            k,
            allowed: allowed.rows(),
            budget,
        };
        let ef = ef.unwrap_or(graph::DEFAULT_EF).max(k);
        // Codes are made of all vectors when they are first asked for, so only a segment without a graph asks.
        let found = match segment.graph() {
            Some(graph) => scratches.with(|scratch| graph.search(rows, &query, ef, scratch)),
            None => match segment.codes(budget)? {
                Some(codes) => graph::exact_by_codes(rows, codes, &query),
                None => graph::exact(rows, &query),
            },
        }?;
        best.extend(found.into_iter().map(|(score, doc)| (number as u32, doc, score)));
    }
    best.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| (a.0, a.1).cmp(&(b.0, b.1))));
    best.truncate(k);
    Ok(best)
}
