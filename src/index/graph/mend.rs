//! Mending a flat graph, so that each row is found.
//!
//! HNSW promises no path to every node: a new node's back links are the first to fall when a list is full, and hnsw_rs
//! 0.3.5 drops the farthest where hnswlib chooses. Two steps repair that on the lowest level: every node gets a path from
//! the entry, then every row is searched for by its own vector and linked from where that search ended if it was missed.

use std::sync::atomic::{AtomicBool, Ordering};

use super::build::GraphData;
use super::search::{NONE, Scratch, View};

/// Gives every node a path from place 0. `links` holds `width` places for each node.
pub(super) fn mend_reach(links: &mut [u32], width: usize) {
    let nodes = links.len() / width;
    let mut reached = vec![false; nodes];
    let mut stack = Vec::new();
    let mut reach = |from: usize, links: &[u32], reached: &mut Vec<bool>| {
        reached[from] = true;
        stack.push(from);
        while let Some(at) = stack.pop() {
            for &to in links[at * width..][..width].iter().take_while(|&&to| to != NONE) {
                if !std::mem::replace(&mut reached[to as usize], true) {
                    stack.push(to as usize);
                }
            }
        }
    };
    if nodes > 0 {
        reach(0, links, &mut reached);
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
            reach(node, links, &mut reached);
            linked = true;
        }
        if !missing {
            return;
        }
        forced = !linked;
    }
}

/// Searches for every row by its own vector, and links those that are missed. False if cancelled.
pub(super) fn mend_search(data: &mut GraphData, vectors: &[f32], cancel: &AtomicBool) -> bool {
    /// Width of the searches: that of a cheap search, so that a usual one finds more.
    const EF: usize = 48;
    /// A new link can take the place of one that another row was found by, so those found missing are looked at again.
    const ROUNDS: usize = 4;
    let width = 2 * data.m;
    let mut scratch = Scratch::new();
    let mut left: Vec<u32> = (0..data.order.len() as u32).collect();
    for _ in 0..ROUNDS {
        let mut missed = Vec::new();
        for (at, &place) in left.iter().enumerate() {
            if at % 256 == 0 && cancel.load(Ordering::Relaxed) {
                return false;
            }
            let row = data.order[place as usize] as usize;
            let nearest = data
                .view()
                .missing(place, &vectors[row * data.dim..][..data.dim], EF, &mut scratch);
            if let Some(nearest) = nearest {
                link(&mut data.links, width, nearest as usize, place as usize);
                missed.push(place);
            }
        }
        if missed.is_empty() {
            break;
        }
        left = missed;
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

/// Puts a place into a list; the place that fell out of a full one is the error.
fn put(list: &mut [u32], place: u32) -> Result<(), u32> {
    if list.contains(&place) {
        return Ok(());
    }
    if let Some(slot) = list.iter_mut().find(|slot| **slot == NONE) {
        *slot = place;
        return Ok(());
    }
    match list.last_mut() {
        Some(last) => Err(std::mem::replace(last, place)),
        None => Ok(()),
    }
}

impl View<'_> {
    /// Where a search for the vector of `place` ends, if it ends without finding it or its equal.
    fn missing(&self, place: u32, vector: &[f32], ef: usize, scratch: &mut Scratch) -> Option<u32> {
        let (best, found) = self.probe(place, vector, ef, scratch)?;
        (!found && best != place).then_some(best)
    }
}
