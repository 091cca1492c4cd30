//! Building a graph: hnsw_rs makes the upper levels, all other rows are added in batches by our own search.
//!
//! Owns the way from vectors to the arrays of [`View`]. Everything of hnsw_rs is in this file, so that another builder
//! could take its place.
//!
//! hnsw_rs gets one row in `m`, as many as an HNSW has above its lowest level, and inserts them one by one; its levels
//! become ours, one higher. The other rows are added to the lowest level in batches that grow with it: each row of a
//! batch is searched for in what is there, all at the same time, then linked both ways (as ParlayANN does, Manohar et
//! al. 2024). A row does not see its own batch, and that search is narrow; [`super::mend`] makes both good. With 100,000
//! rows it takes a fifth of the processor's time that inserting all one by one took, for the same recall.
//!
//! Builds repeat, whatever the number of threads: a step reads nothing that another thread of it writes, the sample is
//! fixed, and hnsw_rs 0.3.5 draws levels from a generator with a fixed seed (397). Distances are between int8 codes, so
//! they are the same on every processor; where a query's code rounds otherwise, a near tie may fall otherwise.

use std::cell::Cell;
use std::cmp::Reverse;
use std::sync::atomic::{AtomicBool, Ordering};

use hnsw_rs::anndists::dist::distances::Distance;
use hnsw_rs::hnsw::Hnsw;
use rayon::prelude::*;

use super::GraphParams;
use super::codes::{Scale, stride};
use super::file::MAX_UPPER;
use super::fine::FineData;
use super::links::Links;
use super::mend::{MEND_EF, Metric, Rows, add_links, choose_links, list, mend_reach, mend_search, refine};
use super::pool::{Scratch, Scratches};
use super::search::{MAX_ROWS, NONE, View};
use crate::error::{Context as _, Error, Fault, Result};

/// Largest `m` taken: hnsw_rs counts links in a byte.
pub(super) const MAX_M: usize = 64;
/// Largest dimension taken.
pub(super) const MAX_DIM: usize = 1 << 16;
/// Rows between two looks at the cancel flag while hnsw_rs inserts.
const BATCH: usize = 256;
/// A batch of rows is at most the so-manieth part of the rows that are in.
const GROWTH: usize = 8;

/// A graph in memory, ready to be written.
pub struct GraphData {
    pub(super) ef_construction: usize,
    pub(super) dim: usize,
    pub(super) m: usize,
    pub(super) order: Vec<u32>,
    pub(super) places: Vec<u32>,
    pub(super) links: Vec<u32>,
    pub(super) counts: Vec<u32>,
    pub(super) upper: Vec<u32>,
    pub(super) codes: Vec<i8>,
    /// Made last.
    pub(super) fine: Option<FineData>,
}

impl GraphData {
    pub(super) fn view(&self) -> View<'_> {
        View {
            dim: self.dim,
            m: self.m,
            order: &self.order,
            places: &self.places,
            links: Links::Wide {
                slots: &self.links,
                width: 2 * self.m,
            },
            counts: &self.counts,
            upper: Links::Wide {
                slots: &self.upper,
                width: self.m,
            },
            codes: &self.codes,
            stride: stride(self.dim),
            fine: self.fine.as_ref().map(FineData::view),
        }
    }
}

/// Builds the graph of `vectors` (rows of `dim` values, of length 1, one after the other).
///
/// `progress` is told now and then how much is done, as a number of rows; when `cancel` turns true the build ends with
/// `None`. It works on as many threads of its own as there are processors, which all together work 0.3 ms for each of
/// 100,000 rows, and needs 1.2 KB or so a row besides the vectors.
///
/// # Errors
/// `Bug` if the matrix is not whole rows, has more than 2^30 of them, or a parameter is out of range; `Unavailable` if
/// the system gives no threads.
pub fn build(
    vectors: &[f32],
    dim: usize,
    params: &GraphParams,
    progress: &dyn Fn(usize),
    cancel: &AtomicBool,
) -> Result<Option<GraphData>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    build_on(threads, vectors, dim, params, progress, cancel)
}

/// [`build`] on so many threads, which change nothing but the time.
pub(super) fn build_on(
    threads: usize,
    vectors: &[f32],
    dim: usize,
    params: &GraphParams,
    progress: &dyn Fn(usize),
    cancel: &AtomicBool,
) -> Result<Option<GraphData>> {
    let GraphParams { m, ef_construction } = *params;
    let whole = dim > 0 && dim <= MAX_DIM && vectors.len().is_multiple_of(dim) && vectors.len() / dim <= MAX_ROWS;
    if !whole || !(2..=MAX_M).contains(&m) || !(1..=1 << 16).contains(&ef_construction) {
        return Err(Error::bug(format!(
            "a graph of {} values in rows of {dim}, with {params:?}, cannot be built",
            vectors.len()
        )));
    }
    // Insertion is made good later, so a narrow search will do. The second one is wide: in tight groups of rows a narrow
    // one shows few others (with clustered vectors the recall of queries between the clusters is 0.95 with half of it,
    // 0.99 with this).
    let (first, second) = (ef_construction.div_ceil(2), 2 * ef_construction);
    // Those missed are searched for more than once.
    let progress = |done: usize| progress(done.min(vectors.len() / dim));
    let workers = Workers::new(threads, first + second + MEND_EF, &progress, cancel)?;
    let scale = Scale::of(vectors, dim);
    let Some(mut data) = sample_levels(vectors, dim, params, &scale, &workers) else {
        return Ok(None);
    };
    if !grow(&mut data, vectors, first, &workers) {
        return Ok(None);
    }
    renumber(&mut data);
    if !refine(&mut data, vectors, second, &workers) {
        return Ok(None);
    }
    mend_reach(&mut data.links, 2 * m);
    if !mend_search(&mut data, vectors, &workers) {
        return Ok(None);
    }
    let fine = || FineData::new(vectors, &data.order, &data.codes, &scale);
    data.fine = Some(workers.pool.install(fine));
    progress(data.order.len());
    Ok(Some(data))
}

/// The threads of a build, and what they and its caller tell each other.
pub(super) struct Workers<'a> {
    pool: rayon::ThreadPool,
    scratches: Scratches,
    progress: &'a dyn Fn(usize),
    /// The work that is done, and that of one row in the whole build: widths of searches, added up.
    done: Cell<usize>,
    of_row: usize,
    cancel: &'a AtomicBool,
}

impl<'a> Workers<'a> {
    /// # Errors
    /// `Unavailable` if the system gives no threads.
    fn new(threads: usize, of_row: usize, progress: &'a dyn Fn(usize), cancel: &'a AtomicBool) -> Result<Self> {
        // Threads of their own: the shared ones may be asked to embed a question meanwhile.
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|number| format!("graph-{number}"))
            .build()
            .or_fault(Fault::Unavailable, "starting the threads that build a graph")?;
        Ok(Workers {
            pool,
            scratches: Scratches::new(),
            progress,
            done: Cell::new(0),
            of_row,
            cancel,
        })
    }

    fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    /// Gives each `width` values of `out`, those of one node, to `work`, with their number, in any order. `ef` is the
    /// width of the search that `work` makes, 0 for none. False if cancelled.
    pub(super) fn each(
        &self,
        out: &mut [u32],
        width: usize,
        ef: usize,
        work: impl Fn(usize, &mut [u32], &mut Scratch) + Sync,
    ) -> bool {
        /// Nodes that one thread takes at once.
        const SHARE: usize = 32;
        /// Nodes between two reports of progress.
        const ROUND: usize = 64 * SHARE;
        let Workers { scratches, cancel, .. } = self;
        for (round, out) in out.chunks_mut(ROUND * width).enumerate() {
            self.pool.install(|| {
                let shares = out.par_chunks_mut(SHARE * width).enumerate();
                shares.for_each(|(share, slots)| {
                    if cancel.load(Ordering::Relaxed) {
                        return;
                    }
                    let first = round * ROUND + share * SHARE;
                    scratches.with(|scratch| {
                        let nodes = slots.chunks_exact_mut(width).enumerate();
                        nodes.for_each(|(at, slots)| work(first + at, slots, scratch));
                    });
                });
            });
            if self.is_cancelled() {
                return false;
            }
            self.done.set(self.done.get() + ef * (out.len() / width));
            (self.progress)(self.done.get() / self.of_row);
        }
        true
    }
}

/// The distance that hnsw_rs sees between two nodes, each given as its number: so it keeps no second copy of anything.
struct CodeDistance<'a>(Metric<'a>);

impl Distance<u32> for CodeDistance<'_> {
    fn eval(&self, a: &[u32], b: &[u32]) -> f32 {
        // Never negative or NaN, at which hnsw_rs would panic: a sum of squares, in integers.
        self.0.distance(a[0], b[0]) as f32
    }
}

/// A graph of all rows of which only the sample is linked: the first places, with all levels. None if cancelled.
fn sample_levels(
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
        workers.pool.install(|| {
            let rows = order.par_iter().zip(codes.par_chunks_exact_mut(stride));
            rows.for_each(|(&row, code)| scale.quantise(&vectors[row as usize * dim..][..dim], code));
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
    let mut place_of = vec![NONE; sample];
    for (place, point) in by_level.iter().enumerate() {
        place_of[point.get_origin_id()] = place as u32;
    }

    let nodes: Vec<u32> = by_level.iter().map(|point| order[point.get_origin_id()]).collect();
    order[..sample].copy_from_slice(&nodes);
    let codes = quantise(&order);

    let metric = Metric::new(&codes[..sample * stride], dim);
    let mut links = vec![NONE; rows * 2 * m];
    let mut upper = vec![NONE; counts.iter().map(|&count| count as usize * m).sum()];
    let mut start = 0;
    for (level, &count) in counts.iter().enumerate() {
        for (place, point) in by_level[..count as usize].iter().enumerate() {
            // hnsw_rs 0.3.5 also files links to nodes that do not reach the level: nothing could follow them there.
            let lists = point.get_neighborhood_id();
            let linked = lists[level].iter().map(|to| place_of[to.d_id]);
            let mut linked: Vec<u32> = linked.filter(|&to| to < count && to as usize != place).collect();
            if level == 0 {
                let slots = &mut links[place * 2 * m..][..2 * m];
                slots.iter_mut().zip(&linked).for_each(|(slot, &to)| *slot = to);
            }
            let near = metric.near(place as u32, &mut linked);
            metric.choose(&near, &mut upper[start + place * m..][..m]);
        }
        start += count as usize * m;
    }
    Some(GraphData {
        ef_construction: params.ef_construction,
        dim,
        m,
        places: Vec::new(),
        order,
        links,
        counts,
        upper,
        codes,
        fine: None,
    })
}

/// Links the rows that are not in the sample, each to what a search of width `ef` finds. False if cancelled.
fn grow(data: &mut GraphData, vectors: &[f32], ef: usize, workers: &Workers<'_>) -> bool {
    let (nodes, width) = (data.order.len(), 2 * data.m);
    let rows = Rows {
        vectors,
        order: &data.order,
        dim: data.dim,
    };
    let metric = Metric::new(&data.codes, data.dim);
    let mut links = std::mem::take(&mut data.links);
    let mut done = data.counts.first().map_or(nodes, |&count| count as usize);
    let mut whole = true;
    while done < nodes && whole {
        let end = nodes.min(done + (done / GROWTH).max(1));
        let (there, new) = links[..end * width].split_at_mut(done * width);
        let view = View {
            order: &data.order[..done],
            links: Links::Wide { slots: there, width },
            ..data.view()
        };
        whole = choose_links(view, &metric, rows, done, new, ef, workers)
            && add_links(&mut links[..end * width], width, done, &metric, workers);
        done = end;
    }
    data.links = links;
    whole
}

/// Numbers the nodes anew: by level as before, then breadth first along the lowest level, so that what is looked at
/// together lies together.
fn renumber(data: &mut GraphData) {
    let (nodes, width, m) = (data.order.len(), 2 * data.m, data.m);
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
    data.order = old_of.iter().map(|&old| data.order[old as usize]).collect();
    data.places = vec![NONE; nodes];
    for (place, &row) in data.order.iter().enumerate() {
        data.places[row as usize] = place as u32;
    }
}
