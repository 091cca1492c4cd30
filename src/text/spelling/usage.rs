//! What is asked of a collection before a question is changed, and what a change is.

use std::ops::Range;

use crate::error::Result;

/// What a collection writes.
pub trait Usage {
    /// How many passages it has.
    fn passages(&self) -> u64;

    /// How many of them hold each of these terms of the bigram stream: two characters, a Latin word.
    ///
    /// # Errors
    /// Those of the index behind it.
    fn holding(&self, terms: &[&str]) -> Result<Vec<u64>>;
}

/// A stretch of a normalised text (bytes) and what stands in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    pub range: Range<usize>,
    pub text: String,
}
