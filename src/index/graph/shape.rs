//! What a graph is: its arrays as slices, in memory or mapped, and the limits of their sizes.
//!
//! Owns the numbering of nodes and what can be read of one. How a graph is built, stored or searched stands in other
//! files.

use ndarray::ArrayView2;

use super::codes::stride;
use super::neighbours::{NONE, Neighbours};
use super::residual::{Residual, ResidualData};
use super::rows::row;
use crate::kernel;

/// Rows a graph may have: a candidate keeps a node and a flag in 32 bits.
pub(super) const MAX_ROWS: usize = 1 << 30;
/// Largest `m` taken: hnsw_rs counts links in a byte.
pub(super) const MAX_M: usize = 64;
/// Largest dimension taken.
pub(super) const MAX_DIM: usize = 1 << 16;
/// Levels above the base that a file's header can count; hnsw_rs makes 15 at most.
pub(super) const MAX_UPPER: usize = 16;

/// How a graph is built. The defaults give, after [`super::grow::refine`] has chosen links again, the recall that
/// hnswlib's have at the same width of search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GraphParams {
    /// Links a node keeps on each upper level, and half of what it keeps on the lowest; 2 to 64.
    pub m: usize,
    /// Candidates looked at: half as many when a row is added, twice as many when its links are chosen again. More make
    /// a better graph, in proportion slower; 1 to 65,536.
    pub ef_construction: usize,
}

impl Default for GraphParams {
    fn default() -> Self {
        GraphParams {
            m: 16,
            ef_construction: 100,
        }
    }
}

/// A graph as slices, in memory or mapped. Nodes are numbered with the entry first, those of higher levels before
/// those of lower, then by nearness in the graph.
#[derive(Clone, Copy)]
pub(super) struct FlatGraph<'a> {
    /// Values of a vector.
    pub dim: usize,
    /// Links of a node on an upper level; twice as many on the lowest.
    pub m: usize,
    /// Row of each node.
    pub node_rows: &'a [u32],
    /// Node of each row.
    pub row_nodes: &'a [u32],
    /// Neighbours of each node on the lowest level, `2 * m` at most.
    pub links: Neighbours<'a>,
    /// How many nodes level 1, 2, ... has: always the first ones.
    pub counts: &'a [u32],
    /// For level 1, 2, ...: neighbours of each of the level's nodes, `m` at most.
    pub upper: Neighbours<'a>,
    /// Codes by node.
    pub codes: &'a [i8],
    /// Bytes of a code.
    pub stride: usize,
    /// What makes vectors of codes; none while the graph is built.
    pub residual: Option<Residual<'a>>,
}

/// How many lists all levels above the lowest have together, given how many nodes each holds.
pub(super) fn upper_lists(counts: &[u32]) -> usize {
    counts.iter().map(|&count| count as usize).sum()
}

impl<'a> FlatGraph<'a> {
    #[inline]
    pub(super) fn code(&self, node: u32) -> Option<&'a [i8]> {
        let at = node as usize * self.stride;
        self.codes.get(at..at + self.stride)
    }

    #[inline]
    pub(super) fn prefetch(&self, node: u32) {
        if let Some(code) = self.code(node) {
            kernel::map::prefetch(code);
        }
    }

    /// The vector of a row for scoring: read from the graph's own bytes into `out` where those hold it, else from
    /// `vectors`; none for a row that neither has.
    #[inline]
    pub(super) fn vector<'v>(&self, vectors: ArrayView2<'v, f32>, at: u32, out: &'v mut Vec<f32>) -> Option<&'v [f32]>
    where
        'a: 'v,
    {
        let node = self.row_nodes.get(at as usize).copied().unwrap_or(NONE);
        if let (Some(residual), Some(code)) = (self.residual, self.code(node)) {
            return residual.vector(node, code, out);
        }
        row(vectors, at)
    }

    /// Asks for what [`Self::vector`] will read.
    #[inline]
    pub(super) fn prefetch_vector(&self, row: u32) {
        let node = self.row_nodes.get(row as usize).copied().unwrap_or(NONE);
        self.prefetch(node);
        if let Some(low) = self.residual.and_then(|residual| residual.low(node)) {
            kernel::map::prefetch(bytemuck::cast_slice(low));
        }
    }
}

/// A graph in memory, ready to be written.
pub struct GraphData {
    pub(super) ef_construction: usize,
    pub(super) dim: usize,
    pub(super) m: usize,
    pub(super) node_rows: Vec<u32>,
    pub(super) row_nodes: Vec<u32>,
    pub(super) links: Vec<u32>,
    pub(super) counts: Vec<u32>,
    pub(super) upper: Vec<u32>,
    pub(super) codes: Vec<i8>,
    /// Made last.
    pub(super) residual: Option<ResidualData>,
}

impl GraphData {
    pub(super) fn view(&self) -> FlatGraph<'_> {
        FlatGraph {
            dim: self.dim,
            m: self.m,
            node_rows: &self.node_rows,
            row_nodes: &self.row_nodes,
            links: Neighbours::Wide {
                slots: &self.links,
                width: 2 * self.m,
            },
            counts: &self.counts,
            upper: Neighbours::Wide {
                slots: &self.upper,
                width: self.m,
            },
            codes: &self.codes,
            stride: stride(self.dim),
            residual: self.residual.as_ref().map(ResidualData::view),
        }
    }
}
