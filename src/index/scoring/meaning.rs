//! What meaning makes of a passage: its cosine and that of its nearest window.

use super::windows::{Quantised, WindowVectors};
use crate::kernel::dot_and_square;

/// What meaning says of one passage; zeros where there is nothing to compare.
#[derive(Debug, Clone, Copy, Default)]
pub struct DenseScores {
    /// cos(q, p).
    pub cosine: f32,
    /// See [`Evidence::window`](super::Evidence::window).
    pub window: f32,
}

impl DenseScores {
    /// Those of a passage's vector and of its windows; zeros for a zero vector.
    pub fn new(question: &Quantised<'_>, passage: &[f32], windows: WindowVectors<'_>) -> Self {
        let (cosine, square) = dot_and_square(passage, question.vector());
        if square < f32::MIN_POSITIVE || passage.len() != question.vector().len() {
            return DenseScores::default();
        }
        DenseScores {
            cosine,
            window: windows.nearest(question, cosine).unwrap_or(cosine),
        }
    }
}
