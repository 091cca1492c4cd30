//! Ranking by meaning: each segment's vectors are searched through its graph, or exactly where it has none.
//!
//! Owns the joining of segments, the choice of what gets a graph, and the mean of the collection. The graph itself is
//! `graph`; its file is derived and may be missing at any time, then a scan answers.

use std::sync::Arc;

use super::filter::Allowed;
use super::graph::{self, Scratches};
use super::segment::SegmentView;

/// Rows from which a segment gets a graph: below, a scan of int8 codes is about as fast and always right.
pub const GRAPH_ROWS: usize = 8_000;
/// Rows from which a scan goes over int8 codes first; below, making them costs more than they save.
pub const CODES_ROWS: usize = 1_000;

/// The best `k` rows over all segments by dot product with a normalised vector: `(segment, doc, cosine)`, best first,
/// ties by segment and document.
pub fn candidates(
    segments: &[Arc<SegmentView>],
    scratches: &Scratches,
    vector: &[f32],
    allowed: &Allowed,
    k: usize,
    ef: Option<usize>,
) -> Vec<(u32, u32, f32)> {
    let mut best = Vec::new();
    for (number, segment) in segments.iter().enumerate() {
        let (bits, count) = &allowed.segments[number];
        if *count == 0 || k == 0 || segment.vectors.dimension() != vector.len() {
            continue;
        }
        let rows = segment.vectors.as_slice();
        let bits = bits
            .as_deref()
            .map(|bits| graph::Allowed::new(bits, segment.vectors.rows() as usize));
        let ef = ef.unwrap_or(graph::DEFAULT_EF).max(k);
        let found = match (segment.graph(), segment.codes()) {
            (Some(graph), _) => scratches.with(|scratch| graph.search(rows, vector, k, ef, bits, scratch)),
            (None, Some(codes)) => graph::exact_by_codes(rows, codes, vector, k, bits),
            (None, None) => graph::exact(rows, vector.len(), vector, k, bits),
        };
        best.extend(found.into_iter().map(|(score, doc)| (number as u32, doc, score)));
    }
    best.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| (a.0, a.1).cmp(&(b.0, b.1))));
    best.truncate(k);
    best
}

/// Rows at which the mean counts half.
const SHRINKAGE: f64 = 20.0;

/// The collection's mean vector, and what of it every centred cosine needs.
#[derive(Debug, Clone, Default)]
pub struct Mean {
    vector: Vec<f32>,
    square: f32,
}

impl Mean {
    /// The mean over all rows of all segments, shrunk towards zero where there are few: the mean of three passages is
    /// mostly what they have in common, and taking that off would leave noise.
    pub fn of(segments: &[Arc<SegmentView>], dimension: usize) -> Mean {
        let mut sums = vec![0f64; dimension];
        let mut rows = 0u64;
        for segment in segments {
            rows += u64::from(segment.vectors.rows());
            for (sum, x) in sums.iter_mut().zip(segment.vectors.sums()) {
                *sum += f64::from(*x);
            }
        }
        let vector: Vec<f32> = sums
            .iter()
            .map(|sum| (sum / (rows as f64 + SHRINKAGE)) as f32)
            .collect();
        let square = crate::kernel::dot_f32(&vector, &vector);
        Mean { vector, square }
    }

    /// Binds a question's vector, so that each passage costs two dot products.
    pub fn bind<'a>(&'a self, question: &'a [f32]) -> CenteredQuestion<'a> {
        let by_mean = crate::kernel::dot_f32(question, &self.vector);
        let square = crate::kernel::dot_f32(question, question);
        CenteredQuestion {
            mean: self,
            question,
            by_mean,
            norm: (square - 2.0 * by_mean + self.square).max(0.0).sqrt(),
        }
    }
}

/// A question's vector q with the collection's mean m: computes cos(q, p) and cos(q - m, p - m).
pub struct CenteredQuestion<'a> {
    mean: &'a Mean,
    question: &'a [f32],
    by_mean: f32,
    norm: f32,
}

impl CenteredQuestion<'_> {
    /// `(cosine, centred cosine)` of a passage's vector; zeros for a zero vector, and the centred one is zero where the
    /// passage or the question is the mean itself.
    pub fn cosines(&self, passage: &[f32]) -> (f32, f32) {
        let square = crate::kernel::dot_f32(passage, passage);
        if square < f32::MIN_POSITIVE || passage.len() != self.question.len() {
            return (0.0, 0.0);
        }
        let cosine = crate::kernel::dot_f32(self.question, passage);
        let by_mean = crate::kernel::dot_f32(passage, &self.mean.vector);
        let norm = (square - 2.0 * by_mean + self.mean.square).max(0.0).sqrt() * self.norm;
        let centered = cosine - self.by_mean - by_mean + self.mean.square;
        (cosine, if norm > 1e-6 { centered / norm } else { 0.0 })
    }
}
