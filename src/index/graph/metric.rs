//! Distances between nodes while a graph is built, and the choice of neighbours by them.

use super::codes::stride;
use super::neighbours::NONE;
use crate::kernel;

/// Squared distances between nodes, by their codes.
pub(super) struct Metric<'a> {
    codes: &'a [i8],
    stride: usize,
    squares: Vec<i64>,
}

impl<'a> Metric<'a> {
    pub(super) fn new(codes: &'a [i8], dim: usize) -> Self {
        let stride = stride(dim);
        let square = |code| i64::from(kernel::dot_i8(code, code));
        let squares = codes.chunks_exact(stride).map(square).collect();
        Metric { codes, stride, squares }
    }

    pub(super) fn distance(&self, a: u32, b: u32) -> i64 {
        let code = |node: u32| &self.codes[node as usize * self.stride..][..self.stride];
        self.squares[a as usize] + self.squares[b as usize] - 2 * i64::from(kernel::dot_i8(code(a), code(b)))
    }

    /// The candidates but `node`, each once, with their distances from it, nearest first; empties `candidates`.
    pub(super) fn near(&self, node: u32, candidates: &mut Vec<u32>) -> Vec<(i64, u32)> {
        let others = candidates.drain(..).filter(|&c| c != node);
        let mut near: Vec<(i64, u32)> = others.map(|c| (self.distance(node, c), c)).collect();
        near.sort_unstable();
        near.dedup();
        near
    }

    /// Fills `slots` with those of `near` that no nearer chosen one stands in front of: `c` is chosen unless some
    /// chosen `o` has `|c - o|^2 * 65 <= |c - node|^2 * 64`. (HNSW's own rule has 1 for 65/64. The slack adds links
    /// that pay: with 100,000 rows a walk of the same width scores 3 % more of them, and misses 0.0118 of the 100
    /// nearest instead of 0.0133.)
    pub(super) fn choose(&self, near: &[(i64, u32)], slots: &mut [u32]) {
        slots.fill(NONE);
        let mut taken = 0;
        for &(distance, candidate) in near {
            if taken == slots.len() {
                break;
            }
            let free = |&other: &u32| self.distance(candidate, other) * 65 > distance * 64;
            if slots[..taken].iter().all(free) {
                slots[taken] = candidate;
                taken += 1;
            }
        }
    }
}
