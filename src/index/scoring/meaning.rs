//! What meaning makes of a passage: its cosine, that of its nearest window, and a cosine adapted by what was learned.

use std::sync::Arc;

use super::windows::{Quantised, WindowVectors};
use crate::kernel::{dot_f32, dots_f32};

/// A question by meaning: its vector, and a second vector that a learned adapter makes of it.
#[derive(Debug, Clone)]
pub struct DenseQuestion {
    /// The L2-normalised vector.
    pub vector: Arc<[f32]>,
    /// u of [`Evidence::adapted`](super::Evidence::adapted), as long as the vector; none where nothing was learned for
    /// the index's model.
    pub adapted: Option<Arc<[f32]>>,
}

impl From<&[f32]> for DenseQuestion {
    /// The vector alone.
    fn from(vector: &[f32]) -> Self {
        DenseQuestion {
            vector: vector.into(),
            adapted: None,
        }
    }
}

/// With this many rows the mean counts half, with more nearly whole.
const SHRINKAGE: f64 = 20.0;

/// The collection's mean vector, and what of it every adapted score needs.
#[derive(Debug, Clone, Default)]
pub struct Mean {
    vector: Arc<[f32]>,
    square: f32,
}

impl Mean {
    /// The mean of so many rows whose sum is given, shrunk towards zero where there are few: the mean of three passages
    /// is mostly what they have in common, and taking that off would leave noise.
    pub fn new(sums: &[f64], rows: u64) -> Mean {
        let vector: Arc<[f32]> = sums
            .iter()
            .map(|sum| (sum / (rows as f64 + SHRINKAGE)) as f32)
            .collect();
        let square = dot_f32(&vector, &vector);
        Mean { vector, square }
    }

    /// The vector; as long as the index's vectors are.
    pub fn vector(&self) -> &Arc<[f32]> {
        &self.vector
    }

    /// Binds a question, so that each passage costs four dot products and one a window.
    pub fn bind<'a>(&'a self, question: &'a DenseQuestion) -> BoundQuestion<'a> {
        let vector = &*question.vector;
        let adapted = question.adapted.as_deref();
        let adapted = adapted.filter(|adapted| adapted.len() == vector.len());
        BoundQuestion {
            mean: self,
            question: vector,
            quantised: Quantised::new(vector),
            adapted: adapted.map(|adapted| (adapted, dot_f32(adapted, &self.vector))),
        }
    }
}

/// What meaning says of one passage; zeros where there is nothing to compare.
#[derive(Debug, Clone, Copy, Default)]
pub struct DenseScores {
    /// cos(q, p).
    pub cosine: f32,
    /// See [`Evidence::window`](super::Evidence::window).
    pub window: f32,
    /// u · (p - m) / |p - m|.
    pub adapted: f32,
}

/// A question's vector q, and u if it is adapted, with the collection's mean m: scores passages.
pub struct BoundQuestion<'a> {
    mean: &'a Mean,
    question: &'a [f32],
    quantised: Quantised<'a>,
    /// u and u · m.
    adapted: Option<(&'a [f32], f32)>,
}

/// Distances from the mean up to which a vector counts as the mean itself.
const AT_MEAN: f32 = 1e-6;

impl BoundQuestion<'_> {
    /// The scores of a passage's vector and of its windows; zeros for a zero vector, and the adapted one is zero where
    /// the passage is the mean itself.
    pub fn score(&self, passage: &[f32], windows: WindowVectors<'_>) -> DenseScores {
        // Where the question is not adapted, one of the products is for nothing.
        let (adapted, adapted_by_mean) = self.adapted.unwrap_or((self.question, 0.0));
        let [cosine, by_mean, by_adapted, square] = dots_f32(passage, [self.question, &self.mean.vector, adapted]);
        if square < f32::MIN_POSITIVE || passage.len() != self.question.len() {
            return DenseScores::default();
        }
        let distance = (square - 2.0 * by_mean + self.mean.square).max(0.0).sqrt();
        let adapted = match self.adapted {
            Some(_) if distance > AT_MEAN => (by_adapted - adapted_by_mean) / distance,
            _ => 0.0,
        };
        DenseScores {
            cosine,
            window: windows.nearest(&self.quantised, cosine).unwrap_or(cosine),
            adapted,
        }
    }
}
