//! Adding the rows that are not in the sample to the base level, and choosing every node's links again.
//!
//! Rows are added in batches that grow with the graph: each row of a batch is searched for in what is there, all at the
//! same time, then linked both ways (as ParlayANN does, Manohar et al. 2024). A row does not see its own batch, and
//! that search is narrow; so at the end every node chooses its links again among all that a search of the whole graph
//! finds for it (the second pass of DiskANN's Vamana, Subramanya et al. 2019).
//!
//! Searches run on all threads through links that stay as they are meanwhile; what they find is put in afterwards.

use ndarray::ArrayView2;

use super::metric::Metric;
use super::neighbours::{NONE, Neighbours, list};
use super::rows::NodeVectors;
use super::shape::{FlatGraph, GraphData};
use super::workers::Workers;

/// A batch is at most this share of the rows that are in already: one in eight.
const GROWTH: usize = 8;

/// Links the rows that are not in the sample, each to what a search of width `ef` finds. False if cancelled.
pub(super) fn grow(data: &mut GraphData, vectors: ArrayView2<'_, f32>, ef: usize, workers: &Workers<'_>) -> bool {
    let (nodes, width) = (data.node_rows.len(), 2 * data.m);
    let rows = NodeVectors {
        vectors,
        node_rows: &data.node_rows,
    };
    let metric = Metric::new(&data.codes, data.dim);
    let mut links = std::mem::take(&mut data.links);
    let mut done = data.counts.first().map_or(nodes, |&count| count as usize);
    let mut whole = true;
    while done < nodes && whole {
        let end = nodes.min(done + (done / GROWTH).max(1));
        let (there, new) = links[..end * width].split_at_mut(done * width);
        let view = FlatGraph {
            node_rows: &data.node_rows[..done],
            links: Neighbours::Wide { slots: there, width },
            ..data.view()
        };
        whole = choose_links(view, &metric, rows, done, new, ef, workers)
            && add_links(&mut links[..end * width], width, done, &metric, workers);
        done = end;
    }
    data.links = links;
    whole
}

/// Chooses every node's links on the lowest level again, out of what a search of width `ef` finds. False if cancelled.
pub(super) fn refine(data: &mut GraphData, vectors: ArrayView2<'_, f32>, ef: usize, workers: &Workers<'_>) -> bool {
    let metric = Metric::new(&data.codes, data.dim);
    let rows = NodeVectors {
        vectors,
        node_rows: &data.node_rows,
    };
    let mut links = data.links.clone();
    let whole = choose_links(data.view(), &metric, rows, 0, &mut links, ef, workers)
        && add_links(&mut links, 2 * data.m, 0, &metric, workers);
    data.links = links;
    whole
}

/// Chooses links for the nodes from `first` on, whose links now are `lists`, among these and what a search of width
/// `ef` through `view` finds. False if cancelled.
fn choose_links(
    view: FlatGraph<'_>,
    metric: &Metric<'_>,
    rows: NodeVectors<'_>,
    first: usize,
    lists: &mut [u32],
    ef: usize,
    workers: &Workers<'_>,
) -> bool {
    workers.each(lists, 2 * view.m, ef, |at, slots, scratch| {
        let node = (first + at) as u32;
        let mut candidates: Vec<u32> = list(slots, slots.len(), 0).collect();
        if view.probe(node, rows.of(node), ef, scratch).is_some() {
            candidates.extend(scratch.found());
        }
        let near = metric.near(node, &mut candidates);
        metric.choose(&near, slots);
    })
}

/// Links back: each node that one from `first` on links to links to it, and chooses again if that is more than it has
/// room for. False if cancelled.
fn add_links(links: &mut [u32], width: usize, first: usize, metric: &Metric<'_>, workers: &Workers<'_>) -> bool {
    let nodes = links.len() / width;
    // Those who link to a node, by node.
    let mut ends = vec![0u32; nodes + 1];
    for &to in links[first * width..].iter().filter(|&&to| to != NONE) {
        ends[to as usize + 1] += 1;
    }
    for node in 0..nodes {
        ends[node + 1] += ends[node];
    }
    let mut fill = ends.clone();
    let mut back = vec![0u32; ends[nodes] as usize];
    for node in first..nodes {
        for to in list(links, width, node) {
            back[fill[to as usize] as usize] = node as u32;
            fill[to as usize] += 1;
        }
    }
    workers.each(links, width, 0, |node, slots, _| {
        let back = &back[ends[node] as usize..ends[node + 1] as usize];
        if back.is_empty() {
            return;
        }
        let mut candidates: Vec<u32> = list(slots, slots.len(), 0).chain(back.iter().copied()).collect();
        let near = metric.near(node as u32, &mut candidates);
        if near.len() <= slots.len() {
            slots.fill(NONE);
            slots.iter_mut().zip(&near).for_each(|(slot, &(_, to))| *slot = to);
        } else {
            metric.choose(&near, slots);
        }
    })
}
