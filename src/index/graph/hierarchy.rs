//! The levels above the base, which hnsw_rs builds.
//!
//! hnsw_rs gets one row in `m`, as many as an HNSW has above its lowest level, and inserts them one by one; its levels
//! become ours, one higher. Everything of hnsw_rs is in this file, so that another builder could take its place.
//!
//! It repeats to the byte: the sample is fixed, and hnsw_rs 0.3.5 draws levels from a generator with a fixed seed (397).

use hnsw_rs::anndists::dist::distances::Distance;
use hnsw_rs::hnsw::Hnsw;

use super::codes::{Scale, stride};
use super::metric::Metric;
use super::neighbours::NONE;
use super::shape::{GraphData, GraphParams, MAX_UPPER};
use super::workers::Workers;

/// Rows between two looks at the cancel flag while hnsw_rs inserts, and rows that a thread makes codes of at a time.
const BATCH: usize = 256;

/// The distance that hnsw_rs sees between two nodes, each given as its number: so it keeps no second copy of anything.
struct CodeDistance<'a>(Metric<'a>);

impl Distance<u32> for CodeDistance<'_> {
    fn eval(&self, a: &[u32], b: &[u32]) -> f32 {
        // Never negative or NaN, at which hnsw_rs would panic: a sum of squares, in integers.
        self.0.distance(a[0], b[0]) as f32
    }
}

/// A graph of all rows of which only the sample is linked: the first nodes, with all levels. None if cancelled.
pub(super) fn sample_levels(
    vectors: &[f32],
    dim: usize,
    params: &GraphParams,
    scale: &Scale,
    workers: &Workers<'_>,
) -> Option<GraphData> {
    let (m, rows, stride) = (params.m, vectors.len() / dim, stride(dim));
    // Rows in an order in which every stretch holds rows of the whole range, evenly (multiples of the golden ratio): the
    // neighbours that a row has in its own article come in other batches.
    let mut order: Vec<u32> = (0..rows as u32).collect();
    order.sort_unstable_by_key(|row| row.wrapping_mul(0x9e37_79b1));
    let sample = rows.div_ceil(m);

    let quantise = |order: &[u32]| {
        let mut codes = vec![0; order.len() * stride];
        let shares = order.chunks(BATCH).zip(codes.chunks_mut(BATCH * stride));
        workers.budget.map(shares, |(order, codes), _| {
            for (&row, code) in order.iter().zip(codes.chunks_exact_mut(stride)) {
                scale.quantise(&vectors[row as usize * dim..][..dim], code);
            }
        });
        codes
    };
    let codes = quantise(&order[..sample]);
    let metric = Metric::new(&codes, dim);
    let hnsw = Hnsw::new(m, sample, MAX_UPPER, params.ef_construction, CodeDistance(metric));
    for node in 0..sample {
        if node % BATCH == 0 && workers.is_cancelled() {
            return None;
        }
        hnsw.insert_slice((&[node as u32], node));
    }

    // Places in the sample, by level, highest first. The entry comes first: the first point that reached the highest
    // level, which hnsw_rs does not show otherwise.
    let index = hnsw.get_point_indexation();
    let top = if sample > 0 { hnsw.get_max_level_observed() } else { 0 };
    let mut by_level = Vec::with_capacity(sample);
    let mut counts = Vec::new();
    for level in (0..=top).rev() {
        by_level.extend(index.get_layer_iterator(level.into()));
        counts.push(by_level.len() as u32);
    }
    counts.reverse();
    if sample == 0 {
        counts.clear();
    }
    let mut node_of = vec![NONE; sample];
    for (node, point) in by_level.iter().enumerate() {
        node_of[point.get_origin_id()] = node as u32;
    }

    let nodes: Vec<u32> = by_level.iter().map(|point| order[point.get_origin_id()]).collect();
    order[..sample].copy_from_slice(&nodes);
    let codes = quantise(&order);

    let metric = Metric::new(&codes[..sample * stride], dim);
    let mut links = vec![NONE; rows * 2 * m];
    let mut upper = vec![NONE; counts.iter().map(|&count| count as usize * m).sum()];
    let mut start = 0;
    for (level, &count) in counts.iter().enumerate() {
        for (node, point) in by_level[..count as usize].iter().enumerate() {
            // hnsw_rs 0.3.5 also files links to nodes that do not reach the level: nothing could follow them there.
            let lists = point.get_neighborhood_id();
            let linked = lists[level].iter().map(|to| node_of[to.d_id]);
            let mut linked: Vec<u32> = linked.filter(|&to| to < count && to as usize != node).collect();
            if level == 0 {
                let slots = &mut links[node * 2 * m..][..2 * m];
                slots.iter_mut().zip(&linked).for_each(|(slot, &to)| *slot = to);
            }
            let near = metric.near(node as u32, &mut linked);
            metric.choose(&near, &mut upper[start + node * m..][..m]);
        }
        start += count as usize * m;
    }
    Some(GraphData {
        ef_construction: params.ef_construction,
        dim,
        m,
        row_nodes: Vec::new(),
        node_rows: order,
        links,
        counts,
        upper,
        codes,
        residual: None,
    })
}
