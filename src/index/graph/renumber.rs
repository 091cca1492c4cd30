//! The order in which nodes lie in memory and in the file.

use std::cmp::Reverse;

use super::codes::stride;
use super::neighbours::{NONE, list};
use super::shape::GraphData;

/// Numbers the nodes anew: by level as before, then breadth first along the lowest level, so that what is looked at
/// together lies together.
pub(super) fn renumber(data: &mut GraphData) {
    let (nodes, width, m) = (data.node_rows.len(), 2 * data.m, data.m);
    let mut old_of = Vec::with_capacity(nodes);
    let mut seen = vec![false; nodes];
    for start in 0..nodes as u32 {
        if std::mem::replace(&mut seen[start as usize], true) {
            continue;
        }
        let mut next = old_of.len();
        old_of.push(start);
        while let Some(&node) = old_of.get(next) {
            next += 1;
            for to in list(&data.links, width, node as usize) {
                if !std::mem::replace(&mut seen[to as usize], true) {
                    old_of.push(to);
                }
            }
        }
    }
    // Stable: within a level the order stays, and the entry, first of all and of the highest level, stays first.
    let level = |node: u32| data.counts.partition_point(|&count| count > node);
    old_of.sort_by_cached_key(|&node| Reverse(level(node)));

    let mut new_of = vec![NONE; nodes];
    for (new, &old) in old_of.iter().enumerate() {
        new_of[old as usize] = new as u32;
    }
    let new = |&old: &u32| if old == NONE { NONE } else { new_of[old as usize] };
    let moved = |from: &[u32], width: usize, count: usize| -> Vec<u32> {
        let lists = old_of[..count]
            .iter()
            .map(|&old| &from[old as usize * width..][..width]);
        lists.flatten().map(new).collect()
    };
    let mut upper = Vec::with_capacity(data.upper.len());
    for &count in &data.counts {
        let level = moved(&data.upper[upper.len()..], m, count as usize);
        upper.extend(level);
    }
    data.upper = upper;
    data.links = moved(&data.links, width, nodes);
    let stride = stride(data.dim);
    let codes = old_of.iter().map(|&old| &data.codes[old as usize * stride..][..stride]);
    data.codes = codes.collect::<Vec<_>>().concat();
    data.node_rows = old_of.iter().map(|&old| data.node_rows[old as usize]).collect();
    data.row_nodes = vec![NONE; nodes];
    for (node, &row) in data.node_rows.iter().enumerate() {
        data.row_nodes[row as usize] = node as u32;
    }
}
