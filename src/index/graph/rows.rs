//! Rows of a segment's matrix of vectors, as the slices that the kernels take.

use ndarray::{ArrayView2, Axis};

use crate::compute::Budget;
use crate::error::Result;

/// A row; none beyond the last one, nor of a matrix whose rows are not whole in memory (which no segment has).
#[inline]
pub(super) fn row(vectors: ArrayView2<'_, f32>, row: u32) -> Option<&[f32]> {
    let row = row as usize;
    if row >= vectors.nrows() {
        return None;
    }
    vectors.index_axis_move(Axis(0), row).to_slice()
}

/// All rows, in order.
pub(super) fn rows(vectors: ArrayView2<'_, f32>) -> impl Iterator<Item = &[f32]> {
    // A graph has 2^30 rows at most, a segment 2^32.
    (0..vectors.nrows() as u32).filter_map(move |at| row(vectors, at))
}

/// All rows, in order, with a look at the clock now and then: an error in place of a row once the deadline has passed.
pub(super) fn timely_rows(vectors: ArrayView2<'_, f32>, budget: Budget) -> impl Iterator<Item = Result<&[f32]>> {
    const ROWS: usize = 1 << 12;
    rows(vectors).enumerate().map(move |(at, row)| match at % ROWS {
        0 => budget.check().map(|()| row),
        _ => Ok(row),
    })
}

/// The vectors of nodes, which have an order of their own.
#[derive(Clone, Copy)]
pub(super) struct NodeVectors<'a> {
    /// By row.
    pub vectors: ArrayView2<'a, f32>,
    /// Row of each node.
    pub node_rows: &'a [u32],
}

impl<'a> NodeVectors<'a> {
    /// The vector of a node; empty if there is none.
    pub(super) fn of(self, node: u32) -> &'a [f32] {
        let row_of = self.node_rows.get(node as usize);
        row_of.and_then(|&at| row(self.vectors, at)).unwrap_or(&[])
    }
}
