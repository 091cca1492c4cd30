//! The memory that a search by words works in, used again by the next search: allocating it anew would cost more than
//! the search of a small index.

/// The memory of one search. Between searches all of it is zero, so it is taken by [`ScratchPool::try_with`].
///
/// [`ScratchPool::try_with`]: crate::compute::ScratchPool::try_with
#[derive(Default)]
pub struct Workspace {
    /// A score for each document of a window of a segment.
    pub scores: Vec<f32>,
    /// For each document of a segment: 1 + its place among the documents named, or 0.
    pub places: Vec<u32>,
    /// A table of frequencies in title and text: a row for each document named, a column for each term.
    pub frequencies: Vec<[u32; 2]>,
}
