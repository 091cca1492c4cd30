//! Building a graph, step by step: the levels above the base, the other rows, links chosen again, repairs.
//!
//! Owns the order of the steps and the widths of their searches. With 100,000 rows this takes a fifth of the
//! processor's time that inserting all rows one by one takes, for the same recall.
//!
//! Builds repeat to the byte, whatever the number of threads: a step reads nothing that another thread of it writes,
//! and the sample is fixed. Distances are between int8 codes, so they are the same on every processor; where a query's
//! code rounds otherwise, a near tie may fall otherwise.

use std::sync::atomic::AtomicBool;

use ndarray::ArrayView2;

use super::codes::Scale;
use super::grow::{grow, refine};
use super::hierarchy::sample_levels;
use super::renumber::renumber;
use super::repair::{REPAIR_EF, repair_reach, repair_search};
use super::residual::ResidualData;
use super::rows::NodeVectors;
use super::shape::{GraphData, GraphParams, MAX_DIM, MAX_M, MAX_ROWS};
use super::workers::Workers;
use crate::compute::Budget;
use crate::error::{Error, Result};

/// Builds the graph of `vectors`, rows of length 1.
///
/// `progress` is told now and then how much is done, as a number of rows. When `cancel` turns true or the budget's
/// deadline passes, the build ends with `None`. The number of threads changes nothing but the time: at 100,000 rows a
/// build takes 0.3 ms of processor time a row, and about 1.2 KB of memory a row besides the vectors.
///
/// # Errors
/// `Bug` if the matrix has no columns or more than 2^30 rows, or a parameter is out of range.
pub fn build(
    budget: Budget,
    vectors: ArrayView2<'_, f32>,
    params: &GraphParams,
    progress: &dyn Fn(usize),
    cancel: &AtomicBool,
) -> Result<Option<GraphData>> {
    let GraphParams { m, ef_construction } = *params;
    let (rows, dim) = vectors.dim();
    let fits = (1..=MAX_DIM).contains(&dim) && rows <= MAX_ROWS && vectors.is_standard_layout();
    if !fits || !(2..=MAX_M).contains(&m) || !(1..=1 << 16).contains(&ef_construction) {
        return Err(Error::bug(format!(
            "a graph of {rows} rows of {dim} values, with {params:?}, cannot be built"
        )));
    }
    // Insertion is made good later, so a narrow search will do. The second one is wide: in tight groups of rows a
    // narrow one shows few others (with clustered vectors the recall of queries between the clusters is 0.95 with half
    // of it, 0.99 with this).
    let (first, second) = (ef_construction.div_ceil(2), 2 * ef_construction);
    // Those missed are searched for more than once.
    let progress = |done: usize| progress(done.min(rows));
    let workers = Workers::new(budget, first + second + REPAIR_EF, &progress, cancel);
    let Ok(scale) = Scale::of(vectors, budget) else {
        return Ok(None);
    };
    let Some(mut data) = sample_levels(vectors, params, &scale, &workers) else {
        return Ok(None);
    };
    if !grow(&mut data, vectors, first, &workers) {
        return Ok(None);
    }
    renumber(&mut data);
    if !refine(&mut data, vectors, second, &workers) {
        return Ok(None);
    }
    if !repair_reach(&mut data.links, 2 * m, &workers) || !repair_search(&mut data, vectors, &workers) {
        return Ok(None);
    }
    let nodes = NodeVectors {
        vectors,
        node_rows: &data.node_rows,
    };
    data.residual = Some(ResidualData::new(nodes, &data.codes, &scale, budget));
    progress(data.node_rows.len());
    Ok(Some(data))
}
