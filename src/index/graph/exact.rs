//! Exact search by scanning: over the f32 rows, or over int8 codes with the best of them scored again exactly.
//!
//! Owns the order of results, which the graph search shares: best score first, ties by row. It knows nothing of graphs.

use ndarray::ArrayView2;

use super::codes::{Codes, quantise_query, spare};
use super::query::NearestQuery;
use super::rows::row;
use crate::compute::Budget;
use crate::error::Result;
use crate::kernel;

/// Rows scored between two looks at the deadline: about a millisecond's worth.
const ROWS_BETWEEN_CHECKS: usize = 1 << 14;

/// The wanted rows of `vectors` with their scores, best first, ties by row. Rows whose score is NaN are left out.
///
/// # Errors
/// `Deadline` if it passes before the answer is ready.
pub fn exact(vectors: ArrayView2<'_, f32>, query: &NearestQuery<'_>) -> Result<Vec<(f32, u32)>> {
    if !query.is_searchable(vectors.ncols()) {
        return Ok(Vec::new());
    }
    let mut best = TopK::new(query.k);
    each_allowed(query, vectors.nrows(), |at| {
        if let Some(vector) = row(vectors, at) {
            best.offer_f32(kernel::dot_f32(query.vector, vector), at);
        }
    })?;
    Ok(best.into_results())
}

/// The same answer as [`exact`] at a fraction of its memory traffic: all rows are scored by their `codes`, then the
/// best few are scored again with `vectors`.
///
/// Exact in all but name: a true neighbour is lost only if its code's error pushes it behind as many others as are
/// scored again (see [`super::codes`] for the measurement). Both arguments must come from the same rows.
///
/// # Errors
/// `Deadline` if it passes before the answer is ready.
pub fn exact_by_codes(
    vectors: ArrayView2<'_, f32>,
    codes: &Codes,
    query: &NearestQuery<'_>,
) -> Result<Vec<(f32, u32)>> {
    if !query.is_searchable(codes.dim()) || vectors.ncols() != codes.dim() {
        return Ok(Vec::new());
    }
    let mut query_codes = Vec::new();
    quantise_query(query.vector, &mut query_codes);
    let mut best = TopK::new(spare(query.k));
    each_allowed(query, codes.rows().min(vectors.nrows()), |at| {
        best.offer_i32(kernel::dot_i8(&query_codes, codes.row(at)), at);
    })?;
    let exactly = |at: u32| Some(kernel::dot_f32(query.vector, row(vectors, at)?));
    Ok(rescore(query.k, best.into_sorted().into_iter().map(row_of), exactly))
}

/// Tells `visit` of each row below `rows` that may be returned, ascending.
fn each_allowed(query: &NearestQuery<'_>, rows: usize, visit: impl FnMut(u32)) -> Result<()> {
    match query.allowed {
        None => each_until(query.budget, 0..rows as u32, visit),
        Some(allowed) => each_until(query.budget, allowed.rows(rows), visit),
    }
}

/// Tells `visit` of each item until the budget's deadline passes, which is an error.
pub(super) fn each_until<T>(budget: Budget, items: impl Iterator<Item = T>, mut visit: impl FnMut(T)) -> Result<()> {
    for (at, item) in items.enumerate() {
        if at.is_multiple_of(ROWS_BETWEEN_CHECKS) {
            budget.check()?;
        }
        visit(item);
    }
    Ok(())
}

/// Scores `rows` with `exactly` and keeps the best `k`; rows without a score (a damaged graph) are left out.
pub(super) fn rescore(
    k: usize,
    rows: impl Iterator<Item = u32>,
    mut exactly: impl FnMut(u32) -> Option<f32>,
) -> Vec<(f32, u32)> {
    let mut best = TopK::new(k);
    for row in rows {
        if let Some(score) = exactly(row) {
            best.offer_f32(score, row);
        }
    }
    best.into_results()
}

/// The row that a key was made for.
pub(super) fn row_of(key: u64) -> u32 {
    !(key as u32)
}

/// The `k` largest keys of a stream. A key is a score above a row, both made so that larger is better: a better score,
/// then a smaller row. Keys gather in a buffer that is cut back when full, which costs less than a heap when most
/// offers fall below the floor.
pub(super) struct TopK {
    keys: Vec<u64>,
    k: usize,
    full: usize,
    floor: u64,
}

impl TopK {
    pub(super) fn new(k: usize) -> Self {
        TopK {
            keys: Vec::new(),
            k,
            full: k.saturating_mul(2).saturating_add(64),
            floor: if k == 0 { u64::MAX } else { 0 },
        }
    }

    #[inline]
    pub(super) fn offer_i32(&mut self, score: i32, row: u32) {
        let ordered = score as u32 ^ 0x8000_0000;
        self.offer(u64::from(ordered) << 32 | u64::from(!row));
    }

    #[inline]
    pub(super) fn offer_f32(&mut self, score: f32, row: u32) {
        if score.is_nan() {
            return;
        }
        // Adding zero makes -0.0 into 0.0, so that the two tie as numbers do.
        let bits = (score + 0.0).to_bits();
        let ordered = if bits >> 31 == 1 { !bits } else { bits | 0x8000_0000 };
        self.offer(u64::from(ordered) << 32 | u64::from(!row));
    }

    #[inline]
    fn offer(&mut self, key: u64) {
        if key <= self.floor {
            return;
        }
        self.keys.push(key);
        if self.keys.len() >= self.full {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.keys.len() > self.k {
            // `k` is not 0 here: then the floor lets nothing in.
            self.keys.select_nth_unstable_by(self.k - 1, |a, b| b.cmp(a));
            self.keys.truncate(self.k);
            self.floor = self.keys[self.k - 1];
        }
    }

    /// The keys kept, largest first.
    pub(super) fn into_sorted(mut self) -> Vec<u64> {
        self.cut();
        self.keys.sort_unstable_by(|a, b| b.cmp(a));
        self.keys
    }

    /// The scores and rows kept, best first, of keys made by [`TopK::offer_f32`].
    pub(super) fn into_results(self) -> Vec<(f32, u32)> {
        let score = |key: u64| {
            let ordered = (key >> 32) as u32;
            f32::from_bits(if ordered >> 31 == 1 {
                ordered & 0x7fff_ffff
            } else {
                !ordered
            })
        };
        self.into_sorted()
            .into_iter()
            .map(|key| (score(key), row_of(key)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::error::Fault;
    use crate::index::graph::row_set::RowSet;

    fn found(rows: &[f32], dim: usize, vector: &[f32], k: usize, allowed: Option<RowSet<'_>>) -> Vec<(f32, u32)> {
        let rows = ArrayView2::from_shape((rows.len().checked_div(dim).unwrap_or(3), dim), rows).unwrap();
        let query = NearestQuery {
            vector,
            k,
            allowed,
            budget: Budget::single(),
        };
        exact(rows, &query).unwrap()
    }

    #[test]
    fn a_scan_ends_at_its_deadline() {
        let rows = ArrayView2::from_shape((2, 1), &[1.0, 2.0]).unwrap();
        let query = NearestQuery {
            vector: &[1.0],
            k: 1,
            allowed: None,
            budget: Budget::single().until(Some(Instant::now())),
        };
        assert_eq!(exact(rows, &query).unwrap_err().fault(), Fault::Deadline);
        let by_codes = exact_by_codes(rows, &Codes::new(rows, Budget::single()).unwrap(), &query);
        assert_eq!(by_codes.unwrap_err().fault(), Fault::Deadline);
    }

    fn check(rows: &[f32], query: f32, k: usize, expected: &[(f32, u32)]) {
        assert_eq!(found(rows, 1, &[query], k, None), expected, "{rows:?} {query} {k}");
    }

    #[test]
    fn the_best_come_first_and_ties_go_to_the_smaller_row() {
        check(&[], 1.0, 3, &[]);
        check(&[2.0], 1.0, 0, &[]);
        check(&[2.0], 1.0, 3, &[(2.0, 0)]);
        check(&[1.0, 3.0, 1.0, 3.0], 1.0, 3, &[(3.0, 1), (3.0, 3), (1.0, 0)]);
        check(&[-1.0, -2.0, 0.0], 1.0, 2, &[(0.0, 2), (-1.0, 0)]);
        check(&[0.0, 1.0], -0.0, 2, &[(0.0, 0), (0.0, 1)]);
        check(&[f32::NAN, 1.0], 1.0, 2, &[(1.0, 1)]);
        check(&[1.0], f32::NAN, 2, &[]);
        check(&[1.0], f32::INFINITY, 2, &[]);
    }

    #[test]
    fn a_query_of_another_length_finds_nothing() {
        assert!(found(&[1.0, 2.0], 2, &[1.0], 1, None).is_empty());
        assert!(found(&[], 0, &[], 1, None).is_empty());
    }

    #[test]
    fn long_streams_keep_the_same_keys_as_sorting_all() {
        let scores: Vec<f32> = (0..5000u32).map(|i| ((i * 7919) % 1009) as f32 - 500.0).collect();
        let mut sorted: Vec<(f32, u32)> = scores.iter().copied().zip(0..).collect();
        sorted.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for k in [1, 10, 63, 1000, 6000] {
            sorted.truncate(sorted.len().min(6000));
            assert_eq!(found(&scores, 1, &[1.0], k, None), sorted[..k.min(5000)]);
        }
    }

    #[test]
    fn only_allowed_rows_are_returned() {
        let bits = [0b1010u64, u64::MAX];
        let found = found(
            &[1.0, 2.0, 3.0, 4.0, 5.0],
            1,
            &[1.0],
            9,
            Some(RowSet::counted(&bits, 5)),
        );
        assert_eq!(found, [(4.0, 3), (2.0, 1)]);
    }
}
