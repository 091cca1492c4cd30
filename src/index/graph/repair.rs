//! Repairing a finished graph: every node gets a path from the entry, and every row is found by its own vector.

use ndarray::ArrayView2;

use super::neighbours::NONE;
use super::rows::NodeVectors;
use super::scratch::Scratch;
use super::shape::{FlatGraph, GraphData};
use super::workers::Workers;

/// Width of [`repair_search`]'s searches: that of a cheap search, so that a usual one finds more.
pub(super) const REPAIR_EF: usize = 48;

/// Gives every node a path from node 0. `links` holds `width` nodes for each node. False if cancelled.
pub(super) fn repair_reach(links: &mut [u32], width: usize, workers: &Workers<'_>) -> bool {
    /// Nodes between two looks at the clock.
    const ROUND: u32 = 1 << 15;
    let mut walked = 0u32;
    let nodes = links.len() / width;
    let mut reached = vec![false; nodes];
    let mut stack = Vec::new();
    let mut reach = |from: usize, links: &[u32], reached: &mut Vec<bool>| {
        reached[from] = true;
        stack.push(from);
        while let Some(at) = stack.pop() {
            walked = walked.wrapping_add(1);
            if walked.is_multiple_of(ROUND) && workers.is_cancelled() {
                return false;
            }
            for &to in links[at * width..][..width].iter().take_while(|&&to| to != NONE) {
                if !std::mem::replace(&mut reached[to as usize], true) {
                    stack.push(to as usize);
                }
            }
        }
        true
    };
    if nodes > 0 && !reach(0, links, &mut reached) {
        return false;
    }
    // A node that links only to others without a path may get one through them later; the entry takes what is left.
    let mut forced = false;
    loop {
        let (mut missing, mut linked) = (false, false);
        for node in 0..nodes {
            if reached[node] {
                continue;
            }
            let list = &links[node * width..][..width];
            let near = list
                .iter()
                .take_while(|&&to| to != NONE)
                .map(|&to| to as usize)
                .find(|&to| reached[to]);
            let Some(from) = near.or(forced.then_some(0)) else {
                missing = true;
                continue;
            };
            forced = false;
            link(links, width, from, node);
            if !reach(node, links, &mut reached) {
                return false;
            }
            linked = true;
        }
        if !missing {
            return true;
        }
        forced = !linked;
    }
}

/// Searches for every row by its own vector, and links those that are missed. False if cancelled.
pub(super) fn repair_search(data: &mut GraphData, vectors: ArrayView2<'_, f32>, workers: &Workers<'_>) -> bool {
    /// A new link can take the place of one that another row was found by, so those found missing are looked at again.
    const ROUNDS: usize = 4;
    let width = 2 * data.m;
    let mut left: Vec<u32> = (0..data.node_rows.len() as u32).collect();
    for _ in 0..ROUNDS {
        let mut ends = vec![NONE; left.len()];
        let view = data.view();
        let rows = NodeVectors {
            vectors,
            node_rows: &data.node_rows,
        };
        let whole = workers.each(&mut ends, 1, REPAIR_EF, |at, end, scratch| {
            let missing = view.missing(left[at], rows.of(left[at]), REPAIR_EF, scratch);
            end[0] = missing.unwrap_or(NONE);
        });
        if !whole {
            return false;
        }
        let missed = left.iter().zip(&ends).filter(|&(_, &end)| end != NONE);
        for (&node, &nearest) in missed.clone() {
            link(&mut data.links, width, nearest as usize, node as usize);
        }
        left = missed.map(|(&node, _)| node).collect();
        if left.is_empty() {
            break;
        }
    }
    true
}

/// Links `from` to `to`. If the list is full its last link goes, but is kept as a link of `to`: what had a path before
/// still has one.
fn link(links: &mut [u32], width: usize, from: usize, to: usize) {
    if let Err(fallen) = put(&mut links[from * width..][..width], to as u32)
        && fallen as usize != to
    {
        // What falls from the list of `to` was never a path for it or for `fallen`.
        let _ = put(&mut links[to * width..][..width], fallen);
    }
}

/// Puts a node into a list; the node that fell out of a full one is the error.
fn put(list: &mut [u32], node: u32) -> Result<(), u32> {
    if list.contains(&node) {
        return Ok(());
    }
    if let Some(slot) = list.iter_mut().find(|slot| **slot == NONE) {
        *slot = node;
        return Ok(());
    }
    match list.last_mut() {
        Some(last) => Err(std::mem::replace(last, node)),
        None => Ok(()),
    }
}

impl FlatGraph<'_> {
    /// Where a search for the vector of `node` ends, if it ends without finding it or its equal.
    fn missing(&self, node: u32, vector: &[f32], ef: usize, scratch: &mut Scratch) -> Option<u32> {
        let (best, found) = self.probe(node, vector, ef, scratch)?;
        (!found && best != node).then_some(best)
    }
}
