//! Building a graph: hnsw_rs inserts the rows one by one, then the links are copied out flat and mended ([`super::mend`]).
//!
//! Owns the way from hnsw_rs's points to the arrays of [`View`]. Everything of hnsw_rs is in this file, so that another
//! builder could take its place.
//!
//! Builds repeat: rows are inserted in order by one thread, and hnsw_rs 0.3.5 draws levels from a generator with a fixed
//! seed (397). On processors of another kind the dot product may add in another order, and a near tie may fall otherwise.

use std::sync::atomic::{AtomicBool, Ordering};

use hnsw_rs::anndists::dist::distances::Distance;
use hnsw_rs::hnsw::Hnsw;

use super::GraphParams;
use super::codes::{Scale, stride};
use super::mend::{mend_reach, mend_search, refine};
use super::search::{MAX_ROWS, NONE, View};
use crate::error::{Error, Result};
use crate::kernel;

/// Largest `m` taken: hnsw_rs counts links in a byte.
pub(super) const MAX_M: usize = 64;
/// Largest dimension taken.
pub(super) const MAX_DIM: usize = 1 << 16;
/// Rows between two looks at the cancel flag.
const BATCH: usize = 256;

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
}

impl GraphData {
    pub(super) fn view(&self) -> View<'_> {
        View {
            dim: self.dim,
            m: self.m,
            order: &self.order,
            places: &self.places,
            links: &self.links,
            counts: &self.counts,
            upper: &self.upper,
            codes: &self.codes,
            stride: stride(self.dim),
        }
    }
}

/// Builds the graph of `vectors` (rows of `dim` values, of length 1, one after the other).
///
/// `progress` is told now and then how many rows are in; when `cancel` turns true the build ends with `None`. It works
/// on the calling thread, for minutes if there are 100,000 rows, and needs about 2 KB a row besides the vectors.
///
/// # Errors
/// `Bug` if the matrix is not whole rows, has more than 2^30 of them, or a parameter is out of range.
pub fn build(
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
    let Some(points) = insert_all(vectors, dim, params, progress, cancel) else {
        return Ok(None);
    };
    let mut data = points.into_data(vectors, dim, params);
    if !refine(&mut data, vectors, cancel) {
        return Ok(None);
    }
    mend_reach(&mut data.links, 2 * m);
    if !mend_search(&mut data, vectors, cancel) {
        return Ok(None);
    }
    Ok(Some(data))
}

/// The distance that hnsw_rs sees between two rows, each given as its number: so it keeps numbers and no second copy of
/// the vectors.
struct RowDistance<'a> {
    vectors: &'a [f32],
    dim: usize,
}

impl Distance<u32> for RowDistance<'_> {
    fn eval(&self, a: &[u32], b: &[u32]) -> f32 {
        let row = |of: &[u32]| {
            let at = of[0] as usize * self.dim;
            &self.vectors[at..at + self.dim]
        };
        let distance = 1.0 - kernel::dot_f32(row(a), row(b));
        // hnsw_rs panics on a distance that is negative (rows not exactly of length 1) or NaN (a damaged segment).
        if distance.is_nan() { 2.0 } else { distance.max(0.0) }
    }
}

/// The points of a built graph, by row.
struct Points {
    m: usize,
    /// Level of each row.
    levels: Vec<u8>,
    /// `2 * m` rows for each row: its neighbours on the lowest level, nearest first, then [`NONE`].
    links: Vec<u32>,
    /// For level 1, 2, ...: the neighbours there of each row that has the level, nearest first.
    upper: Vec<Vec<(u32, Vec<u32>)>>,
    /// The row of the entry; 0 if there are no rows.
    entry: u32,
}

fn insert_all(
    vectors: &[f32],
    dim: usize,
    params: &GraphParams,
    progress: &dyn Fn(usize),
    cancel: &AtomicBool,
) -> Option<Points> {
    let rows = vectors.len() / dim;
    let m = params.m;
    let hnsw = Hnsw::new(m, rows, 16, params.ef_construction, RowDistance { vectors, dim });
    for row in 0..rows {
        if row % BATCH == 0 {
            if cancel.load(Ordering::Relaxed) {
                return None;
            }
            progress(row);
        }
        hnsw.insert_slice((&[row as u32], row));
    }
    progress(rows);

    let mut points = Points {
        m,
        levels: vec![0; rows],
        links: vec![NONE; rows * 2 * m],
        upper: Vec::new(),
        entry: 0,
    };
    let index = hnsw.get_point_indexation();
    let top = hnsw.get_max_level_observed();
    for level in 0..=top {
        for (at, point) in index.get_layer_iterator(level.into()).enumerate() {
            if level == top && at == 0 {
                // The entry is the first point that reached the highest level; hnsw_rs does not show it.
                points.entry = point.get_origin_id() as u32;
            }
            points.levels[point.get_origin_id()] = level;
        }
    }
    points.upper = vec![Vec::new(); top.into()];
    for level in 0..=top {
        for point in index.get_layer_iterator(level.into()) {
            let row = point.get_origin_id();
            let lists = point.get_neighborhood_id();
            for (on, list) in lists.iter().enumerate().take(usize::from(level) + 1) {
                // hnsw_rs 0.3.5 also files links to nodes that do not reach the level: nothing could follow them there.
                let linked = list.iter().filter(|to| usize::from(to.p_id.0) >= on && to.d_id != row);
                let linked = linked.map(|to| to.d_id as u32);
                if on == 0 {
                    let slots = &mut points.links[row * 2 * m..][..2 * m];
                    slots.iter_mut().zip(linked).for_each(|(slot, to)| *slot = to);
                } else {
                    points.upper[on - 1].push((row as u32, linked.take(m).collect()));
                }
            }
        }
    }
    Some(points)
}

impl Points {
    /// Numbers the rows by place and lays all arrays out by it.
    fn into_data(self, vectors: &[f32], dim: usize, params: &GraphParams) -> GraphData {
        let (m, rows) = (self.m, self.levels.len());
        let order = self.order();
        let mut places = vec![NONE; rows];
        for (place, &row) in order.iter().enumerate() {
            places[row as usize] = place as u32;
        }
        let place = |&row: &u32| if row == NONE { NONE } else { places[row as usize] };
        let mut links = Vec::with_capacity(self.links.len());
        for &row in &order {
            links.extend(self.links[row as usize * 2 * m..][..2 * m].iter().map(place));
        }
        let (mut counts, mut upper) = (Vec::new(), Vec::new());
        for level in &self.upper {
            // Places are in order of level, so those of this level are the first.
            let start = upper.len();
            counts.push(level.len() as u32);
            upper.resize(start + level.len() * m, NONE);
            for (row, list) in level {
                let slots = &mut upper[start + place(row) as usize * m..][..m];
                slots.iter_mut().zip(list).for_each(|(slot, to)| *slot = place(to));
            }
        }
        let stride = stride(dim);
        let mut codes = vec![0; rows * stride];
        let scale = Scale::of(vectors, dim);
        for (&row, code) in order.iter().zip(codes.chunks_exact_mut(stride)) {
            scale.quantise(&vectors[row as usize * dim..][..dim], code);
        }
        GraphData {
            ef_construction: params.ef_construction,
            dim,
            m,
            order,
            places,
            links,
            counts,
            upper,
            codes,
        }
    }

    /// The rows in order of place: the entry, then by level, highest first, then breadth first along the lowest level,
    /// so that what is looked at together lies together.
    fn order(&self) -> Vec<u32> {
        let rows = self.levels.len();
        let mut order = Vec::with_capacity(rows);
        let mut seen = vec![false; rows];
        for start in std::iter::once(self.entry)
            .chain(0..rows as u32)
            .take(if rows == 0 { 0 } else { rows + 1 })
        {
            if seen[start as usize] {
                continue;
            }
            seen[start as usize] = true;
            let mut next = order.len();
            order.push(start);
            while let Some(&row) = order.get(next) {
                next += 1;
                let list = &self.links[row as usize * 2 * self.m..][..2 * self.m];
                for &to in list.iter().take_while(|&&to| to != NONE) {
                    if !std::mem::replace(&mut seen[to as usize], true) {
                        order.push(to);
                    }
                }
            }
        }
        // Stable: within a level the order stays, and the entry, first of all and of the highest level, stays first.
        order.sort_by_key(|&row| std::cmp::Reverse(self.levels[row as usize]));
        order
    }
}
