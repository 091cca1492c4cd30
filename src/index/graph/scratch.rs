//! What a search remembers, in memory that is used again, so that a search allocates only its answer.
//!
//! It knows nothing of links, vectors or files.

use super::queue::CandidateQueue;

/// The memory of one search. Any scratch serves any graph.
#[derive(Default)]
pub struct Scratch {
    pub(super) visited: Vec<u64>,
    pub(super) touched: Vec<u32>,
    pub(super) wanted: CandidateQueue,
    pub(super) bridges: CandidateQueue,
    pub(super) batch: Vec<u32>,
    pub(super) query: Vec<i8>,
    /// A vector being read.
    pub(super) row: Vec<f32>,
}

/// Marks a node as visited; whether it was not before.
#[inline]
pub(super) fn visit(node: u32, visited: &mut [u64], touched: &mut Vec<u32>) -> bool {
    let (word, bit) = (&mut visited[node as usize / 64], 1 << (node % 64));
    let is_new = *word & bit == 0;
    if is_new {
        *word |= bit;
        touched.push(node);
    }
    is_new
}

impl Scratch {
    /// Forgets the last walk and makes room for one of a graph of so many nodes.
    pub(super) fn begin(&mut self, nodes: usize, ef: usize, bridges: usize) {
        // Clearing what the last walk touched costs less than clearing a bit for each node.
        for &node in &self.touched {
            if let Some(word) = self.visited.get_mut(node as usize / 64) {
                *word = 0;
            }
        }
        self.touched.clear();
        self.visited.resize(self.visited.len().max(nodes.div_ceil(64)), 0);
        self.wanted.reset(ef);
        self.bridges.reset(bridges);
    }

    /// The nodes that the last walk found, best first.
    pub(super) fn found(&self) -> impl Iterator<Item = u32> + '_ {
        self.wanted.nodes()
    }

    /// Whether the last walk found fewer than `k` allowed rows, or more that are not allowed before the `k`-th than a
    /// filter that has nothing to do with the query would leave there ([`plan`] gives the bridges room for those).
    pub(super) fn is_far(&self, k: usize) -> bool {
        match k.checked_sub(1).map(|last| self.wanted.items.get(last)) {
            None => false,
            Some(None) => true,
            Some(Some(&last)) => self.bridges.width > 0 && last < self.bridges.floor(),
        }
    }
}
