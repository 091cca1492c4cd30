//! The levels above the base, which hnsw_rs builds.
//!
//! hnsw_rs gets one row in `m`, as many as an HNSW has above its lowest level, and inserts them one by one; its levels
//! become ours, one higher. Everything of hnsw_rs is in this file, so that another builder could take its place.
//!
//! It repeats to the byte: the sample is fixed, and hnsw_rs 0.3.5 draws levels from a generator with a fixed seed
//! (397).

use std::sync::Arc;

use hnsw_rs::anndists::dist::distances::Distance;
use hnsw_rs::hnsw::{Hnsw, Point};
use ndarray::ArrayView2;

use super::codes::{Scale, stride};
use super::metric::Metric;
use super::neighbours::NONE;
use super::rows::row;
use super::shape::{GraphData, GraphParams, MAX_UPPER};
use super::workers::Workers;

/// Rows between two looks at the cancel flag while hnsw_rs inserts.
const BATCH: usize = 256;

/// The distance that hnsw_rs sees between two nodes, each given as its number: so it keeps no second copy of anything.
struct CodeDistance<'a>(Metric<'a>);

impl Distance<u32> for CodeDistance<'_> {
    fn eval(&self, a: &[u32], b: &[u32]) -> f32 {
        // Never negative or NaN, at which hnsw_rs would panic: a sum of squares, in integers.
        self.0.distance(a[0], b[0]) as f32
    }
}

/// A point of the sample as hnsw_rs gives it back; its origin is its place in the sample.
type SamplePoint<'a> = Arc<Point<'a, u32>>;

/// A graph of all rows of which only the sample is linked: the first nodes, with all levels. None if cancelled.
pub(super) fn sample_levels(
    vectors: ArrayView2<'_, f32>,
    params: &GraphParams,
    scale: &Scale,
    workers: &Workers<'_>,
) -> Option<GraphData> {
    let (m, rows, dim) = (params.m, vectors.nrows(), vectors.ncols());
    // Rows in an order in which every stretch holds rows of the whole range, evenly (multiples of the golden ratio): so
    // a row and its neighbours of the same article come in different batches.
    let mut order: Vec<u32> = (0..rows as u32).collect();
    order.sort_unstable_by_key(|row| row.wrapping_mul(0x9e37_79b1));
    let sample = rows.div_ceil(m);

    let codes = quantised(vectors, &order[..sample], scale, workers);
    let distance = CodeDistance(Metric::new(&codes, dim));
    let hnsw = Hnsw::new(m, sample, MAX_UPPER, params.ef_construction, distance);
    for node in 0..sample {
        if node % BATCH == 0 && workers.is_cancelled() {
            return None;
        }
        hnsw.insert_slice((&[node as u32], node));
    }
    let (points, counts) = by_level(&hnsw, sample);

    let nodes: Vec<u32> = points.iter().map(|point| order[point.get_origin_id()]).collect();
    order[..sample].copy_from_slice(&nodes);
    let codes = quantised(vectors, &order, scale, workers);
    let mut links = vec![NONE; rows * 2 * m];
    let metric = Metric::new(&codes[..sample * stride(dim)], dim);
    let upper = link(&points, &counts, &metric, m, &mut links);
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

/// The codes of rows, in their order.
fn quantised(vectors: ArrayView2<'_, f32>, order: &[u32], scale: &Scale, workers: &Workers<'_>) -> Vec<i8> {
    /// Rows that a thread takes at once.
    const SHARE: usize = 512;
    let stride = stride(vectors.ncols());
    let mut codes = vec![0; order.len() * stride];
    let shares = order.chunks(SHARE).zip(codes.chunks_mut(SHARE * stride));
    workers.budget.map(shares, |(rows, codes), _| {
        for (&at, code) in rows.iter().zip(codes.chunks_exact_mut(stride)) {
            scale.quantise(row(vectors, at).unwrap_or(&[]), code);
        }
    });
    codes
}

/// The points of the sample, those of the highest level first, and how many reach each level, from the lowest. The
/// entry comes first: the first point that reached the highest level, which hnsw_rs does not show otherwise.
fn by_level<'a>(hnsw: &Hnsw<'a, u32, CodeDistance<'a>>, sample: usize) -> (Vec<SamplePoint<'a>>, Vec<u32>) {
    if sample == 0 {
        return (Vec::new(), Vec::new());
    }
    let index = hnsw.get_point_indexation();
    let mut points = Vec::with_capacity(sample);
    let mut counts = Vec::new();
    for level in (0..=hnsw.get_max_level_observed()).rev() {
        points.extend(index.get_layer_iterator(level.into()));
        counts.push(points.len() as u32);
    }
    counts.reverse();
    (points, counts)
}

/// Links the nodes that the points become: gives the links of the levels, one after the other, and fills the first of
/// the base.
fn link(points: &[SamplePoint<'_>], counts: &[u32], metric: &Metric<'_>, m: usize, base: &mut [u32]) -> Vec<u32> {
    let mut node_of = vec![NONE; points.len()];
    for (node, point) in points.iter().enumerate() {
        node_of[point.get_origin_id()] = node as u32;
    }
    let mut upper = vec![NONE; counts.iter().map(|&count| count as usize * m).sum()];
    let mut start = 0;
    for (level, &count) in counts.iter().enumerate() {
        for (node, point) in points[..count as usize].iter().enumerate() {
            // hnsw_rs 0.3.5 also files links to nodes that do not reach the level: nothing could follow them there.
            let lists = point.get_neighborhood_id();
            let linked = lists[level].iter().map(|to| node_of[to.d_id]);
            let mut linked: Vec<u32> = linked.filter(|&to| to < count && to as usize != node).collect();
            if level == 0 {
                let slots = &mut base[node * 2 * m..][..2 * m];
                slots.iter_mut().zip(&linked).for_each(|(slot, &to)| *slot = to);
            }
            let near = metric.near(node as u32, &mut linked);
            metric.choose(&near, &mut upper[start + node * m..][..m]);
        }
        start += count as usize * m;
    }
    upper
}

#[cfg(test)]
mod tests {
    use hnsw_rs::anndists::dist::distances::DistL2;

    use super::super::exact::exact;
    use super::super::scratch::Scratch;
    use super::super::tests::{DIM, ROWS, clustered, matrix, nearest, sample};
    use super::*;

    /// Of all neighbours, how many more than hnsw_rs our graph may miss: 1 in 200.
    const MARGIN: f64 = 0.005;

    #[test]
    fn recall_is_that_of_a_graph_which_hnsw_rs_builds_and_searches_whole() {
        const WIDTH: usize = 80;
        let (vectors, ours) = sample();
        let GraphParams { m, ef_construction } = GraphParams::default();
        let whole = Hnsw::new(m, ROWS, MAX_UPPER, ef_construction, DistL2);
        for (row, vector) in vectors.chunks_exact(DIM).enumerate() {
            whole.insert_slice((vector, row));
        }
        let (mut by_ours, mut by_whole, mut all) = (0, 0, 0);
        let mut scratch = Scratch::default();
        for query in clustered(200, DIM, 40, 2).chunks_exact(DIM) {
            let nearest = nearest(query, 10, None);
            let rows = |found: Vec<(f32, u32)>| -> Vec<u32> { found.into_iter().map(|(_, row)| row).collect() };
            let truth = rows(exact(matrix(vectors, DIM), &nearest).unwrap());
            let found = rows(
                ours.search(matrix(vectors, DIM), &nearest, WIDTH, &mut scratch)
                    .unwrap(),
            );
            by_ours += found.iter().filter(|row| truth.contains(row)).count();
            let found = whole.search(query, 10, WIDTH);
            by_whole += found
                .iter()
                .filter(|found| truth.contains(&(found.d_id as u32)))
                .count();
            all += truth.len();
        }
        let [ours, whole] = [by_ours, by_whole].map(|found| found as f64 / all as f64);
        println!("recall {ours} against {whole}");
        assert!(ours >= whole - MARGIN, "{ours} against {whole}");
    }
}
