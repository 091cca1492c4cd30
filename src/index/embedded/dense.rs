//! Ranking by meaning: each segment's vectors are searched through its graph, or exactly where it has none.
//!
//! Owns the joining of segments, the choice of what gets a graph, and the mean of the collection. The graph itself is
//! `graph`; its file is derived and may be missing at any time, then a scan answers.

use std::sync::Arc;

use super::filter::Allowed;
use super::segment::SegmentView;
use crate::index::backend::DenseQuestion;
use crate::index::graph::{self, ScratchPool};
use crate::kernel::{dot_f32, dots_f32};

/// Rows from which a segment gets a graph: below, a scan of int8 codes is about as fast and always right.
pub const GRAPH_ROWS: usize = 8_000;
/// Rows from which a scan goes over int8 codes first; below, making them costs more than they save.
pub const CODES_ROWS: usize = 1_000;

/// The best `k` rows over all segments by dot product with a normalised vector: `(segment, doc, cosine)`, best first,
/// ties by segment and document.
pub fn candidates(
    segments: &[Arc<SegmentView>],
    scratches: &ScratchPool,
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
            .map(|bits| graph::RowSet::new(bits, segment.vectors.rows() as usize));
        let ef = ef.unwrap_or(graph::DEFAULT_EF).max(k);
        // Codes are made of all vectors when they are first asked for, so only a segment without a graph asks.
        let found = match segment.graph() {
            Some(graph) => scratches.with(|scratch| graph.search(rows, vector, k, ef, bits, scratch)),
            None => match segment.codes() {
                Some(codes) => graph::exact_by_codes(rows, codes, vector, k, bits),
                None => graph::exact(rows, vector.len(), vector, k, bits),
            },
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
        let square = dot_f32(&vector, &vector);
        Mean { vector, square }
    }

    /// The vector; as long as the index's vectors are.
    pub fn vector(&self) -> &[f32] {
        &self.vector
    }

    /// Binds a question, so that each passage costs four dot products.
    pub fn bind<'a>(&'a self, question: DenseQuestion<'a>) -> CenteredQuestion<'a> {
        let DenseQuestion { vector, adapted } = question;
        let by_mean = dot_f32(vector, &self.vector);
        let square = dot_f32(vector, vector);
        let adapted = adapted.filter(|adapted| adapted.len() == vector.len());
        CenteredQuestion {
            mean: self,
            question: vector,
            by_mean,
            norm: (square - 2.0 * by_mean + self.square).max(0.0).sqrt(),
            adapted: adapted.map(|adapted| (adapted, dot_f32(adapted, &self.vector))),
        }
    }
}

/// What meaning says of one passage; zeros where there is nothing to compare.
#[derive(Debug, Clone, Copy, Default)]
pub struct DenseScores {
    /// cos(q, p).
    pub cosine: f32,
    /// cos(q - m, p - m).
    pub centered: f32,
    /// u · (p - m) / |p - m|.
    pub adapted: f32,
}

/// A question's vector q, and u if it is adapted, with the collection's mean m: scores passages.
pub struct CenteredQuestion<'a> {
    mean: &'a Mean,
    question: &'a [f32],
    by_mean: f32,
    norm: f32,
    /// u and u · m.
    adapted: Option<(&'a [f32], f32)>,
}

/// Distances from the mean up to which a vector counts as the mean itself.
const AT_MEAN: f32 = 1e-6;

impl CenteredQuestion<'_> {
    /// The scores of a passage's vector; zeros for a zero vector, and the centred ones are zero where the passage (or, for
    /// the cosine, the question) is the mean itself.
    pub fn score(&self, passage: &[f32]) -> DenseScores {
        // Where the question is not adapted, one of the products is for nothing.
        let (adapted, adapted_by_mean) = self.adapted.unwrap_or((self.question, 0.0));
        let [cosine, by_mean, by_adapted, square] = dots_f32(passage, [self.question, &self.mean.vector, adapted]);
        if square < f32::MIN_POSITIVE || passage.len() != self.question.len() {
            return DenseScores::default();
        }
        let distance = (square - 2.0 * by_mean + self.mean.square).max(0.0).sqrt();
        let per = |amount: f32, norm: f32| if norm > AT_MEAN { amount / norm } else { 0.0 };
        let adapted = match self.adapted {
            Some(_) => per(by_adapted - adapted_by_mean, distance),
            None => 0.0,
        };
        DenseScores {
            cosine,
            centered: per(cosine - self.by_mean - by_mean + self.mean.square, distance * self.norm),
            adapted,
        }
    }
}
