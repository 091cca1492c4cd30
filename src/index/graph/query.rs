//! What is looked for among the vectors of a segment.

use super::row_set::RowSet;
use crate::compute::Budget;

/// The nearest rows to a vector, by dot product.
#[derive(Clone, Copy)]
pub struct NearestQuery<'a> {
    /// As long as the segment's vectors. Nothing is near a vector of another length, or one with a value that is not
    /// finite.
    pub vector: &'a [f32],
    /// How many rows are wanted.
    pub k: usize,
    /// The rows that may be returned; every row if none.
    pub allowed: Option<RowSet<'a>>,
    /// Until when; a search works on its caller's thread.
    pub budget: Budget,
}

impl NearestQuery<'_> {
    /// Whether rows of `dim` values can be scored at all.
    pub(super) fn is_searchable(&self, dim: usize) -> bool {
        is_searchable(self.vector, dim)
    }
}

pub(super) fn is_searchable(vector: &[f32], dim: usize) -> bool {
    dim > 0 && vector.len() == dim && vector.iter().all(|value| value.is_finite())
}
