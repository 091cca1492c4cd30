//! The walk through a flat graph: greedy down the upper levels, best first on the lowest.
//!
//! Owns the order in which nodes are looked at; what a walk remembers is in [`super::scratch`]. Candidates are compared
//! by their int8 codes, as integers; the best are scored again exactly. It trusts no number read from the file further
//! than the slice it indexes.

use ndarray::ArrayView2;

use super::codes::{quantise_query, spare};
use super::exact::{TopK, each_until, rescore, row_of};
use super::neighbours::NONE;
use super::plan::{Plan, plan, scan_worth};
use super::query::{NearestQuery, is_searchable};
use super::queue::{candidate, next_node, node_of};
use super::row_set::RowSet;
use super::scratch::{Scratch, visit};
use super::shape::{FlatGraph, upper_lists};
use crate::compute::Budget;
use crate::error::Result;
use crate::kernel;

/// Nodes expanded between two looks at the deadline: some tenths of a millisecond. Usual searches end before.
const NODES_BETWEEN_CHECKS: usize = 256;

/// How many rows before its use a code is prefetched.
const AHEAD: usize = 6;

impl FlatGraph<'_> {
    /// The wanted rows, as [`super::Graph::search`] says.
    pub(super) fn search(
        &self,
        vectors: ArrayView2<'_, f32>,
        query: &NearestQuery<'_>,
        ef: usize,
        scratch: &mut Scratch,
    ) -> Result<Vec<(f32, u32)>> {
        let rows = self.node_rows.len();
        let (k, ef) = (query.k.min(rows), ef.min(rows));
        if rows == 0 || k == 0 || !query.is_searchable(self.dim) {
            return Ok(Vec::new());
        }
        let query = NearestQuery { k, ..*query };
        quantise_query(query.vector, &mut scratch.query);
        let count = query.allowed.map_or(rows, |allowed| allowed.count().min(rows));
        let Plan::Graph { ef, bridges } = plan(rows, count, k, ef) else {
            return self.scan(vectors, &query, scratch);
        };
        let (ef, bridges) = (ef.max(spare(k)), bridges.min(rows));
        self.walk(ef, bridges, query.allowed, query.budget, scratch)?;
        if scratch.is_far(k.min(count)) {
            // The allowed rows lie elsewhere, and what was met of them may not be the best.
            if (count as f64) < 4.0 * scan_worth(ef, bridges) {
                return self.scan(vectors, &query, scratch);
            }
            self.walk((4 * ef).min(rows), bridges, query.allowed, query.budget, scratch)?;
            if scratch.wanted.items.len() < k.min(count) {
                return self.scan(vectors, &query, scratch);
            }
        }
        let nodes = scratch.wanted.nodes().take(spare(k));
        let rows = nodes.filter_map(|node| self.node_rows.get(node as usize).copied());
        Ok(rescore(k, rows, self.scorer(vectors, query.vector, &mut scratch.row)))
    }

    /// Scores rows exactly.
    fn scorer<'v>(
        &'v self,
        vectors: ArrayView2<'v, f32>,
        query: &'v [f32],
        row_read: &'v mut Vec<f32>,
    ) -> impl FnMut(u32) -> Option<f32> + 'v {
        move |row| Some(kernel::dot_f32(query, self.vector(vectors, row, row_read)?))
    }

    /// Walks towards `vector`, the vector of `node`: the best node found, and whether `node` or one with as good a
    /// code was among those found. None if `vector` cannot be searched for.
    pub(super) fn probe(&self, node: u32, vector: &[f32], ef: usize, scratch: &mut Scratch) -> Option<(u32, bool)> {
        if !is_searchable(vector, self.dim) {
            return None;
        }
        quantise_query(vector, &mut scratch.query);
        // Without a deadline nothing ends it early.
        self.walk(ef, 0, None, Budget::single(), scratch).ok()?;
        let best = scratch.wanted.nodes().next()?;
        let found = self.code(best) == self.code(node) || scratch.wanted.nodes().any(|found| found == node);
        Some((best, found))
    }

    /// Scans the codes of the allowed rows, or of all, and scores the best exactly.
    fn scan(
        &self,
        vectors: ArrayView2<'_, f32>,
        query: &NearestQuery<'_>,
        scratch: &mut Scratch,
    ) -> Result<Vec<(f32, u32)>> {
        let Scratch {
            query: query_codes,
            row: read,
            ..
        } = scratch;
        let mut best = TopK::new(spare(query.k));
        match query.allowed {
            None => {
                let codes = self.node_rows.iter().zip(self.codes.chunks_exact(self.stride));
                each_until(query.budget, codes, |(&row, code)| {
                    best.offer_i32(kernel::dot_i8(query_codes, code), row);
                })?;
            }
            Some(allowed) => {
                // The codes lie in the order of nodes: each is asked for some rows before its turn.
                let node = |row: u32| self.row_nodes.get(row as usize).copied().unwrap_or(NONE);
                let mut ahead = allowed.rows(self.node_rows.len());
                ahead.by_ref().take(AHEAD).for_each(|row| self.prefetch(node(row)));
                each_until(query.budget, allowed.rows(self.node_rows.len()), |row| {
                    if let Some(later) = ahead.next() {
                        self.prefetch(node(later));
                    }
                    if let Some(code) = self.code(node(row)) {
                        best.offer_i32(kernel::dot_i8(query_codes, code), row);
                    }
                })?;
            }
        }
        let rows = best.into_sorted().into_iter().map(row_of);
        Ok(rescore(query.k, rows, self.scorer(vectors, query.vector, read)))
    }

    /// Greedy from the entry down to level 1: the node to begin the lowest level with, and its score.
    fn descend(&self, query: &[i8]) -> (i32, u32) {
        let mut best = (self.code(0).map_or(i32::MIN, |code| kernel::dot_i8(query, code)), 0u32);
        let mut level = upper_lists(self.counts);
        for &count in self.counts.iter().rev() {
            level -= count as usize;
            loop {
                let before = best;
                self.upper.each(level + before.1 as usize, |node| {
                    if let Some(code) = self.code(node) {
                        let score = kernel::dot_i8(query, code);
                        // A node of a lower level (a damaged file) has no list on this one.
                        if score > best.0 && node < count {
                            best = (score, node);
                        }
                    }
                });
                if best == before {
                    break;
                }
            }
        }
        best
    }

    /// Best-first search of the lowest level, leaving the `ef` best allowed candidates in `scratch.wanted`. Rows that
    /// are not allowed are walked through, but only the `bridges` best of them: they lead to allowed rows and are worth
    /// no more.
    ///
    /// # Errors
    /// `Deadline` if it passes meanwhile.
    fn walk(
        &self,
        ef: usize,
        bridges: usize,
        allowed: Option<RowSet<'_>>,
        budget: Budget,
        scratch: &mut Scratch,
    ) -> Result<()> {
        scratch.begin(self.node_rows.len(), ef, bridges);
        let Scratch {
            visited,
            touched,
            wanted,
            bridges: between,
            batch,
            query,
            ..
        } = scratch;
        let is_allowed = |node: u32| allowed.is_none_or(|allowed| allowed.contains(self.node_rows[node as usize]));
        let (score, start) = self.descend(query);
        visit(start, visited, touched);
        let pool = if is_allowed(start) { &mut *wanted } else { &mut *between };
        pool.offer(candidate(score, start));
        let mut expanded = 0usize;
        while let Some(node) = next_node(wanted, between) {
            expanded += 1;
            if expanded.is_multiple_of(NODES_BETWEEN_CHECKS) {
                budget.check()?;
            }
            batch.clear();
            self.links.each(node as usize, |neighbour| {
                if (neighbour as usize) < self.node_rows.len() && visit(neighbour, visited, touched) {
                    batch.push(neighbour);
                }
            });
            // Memory is what a walk waits for, so it is asked for ahead: the codes some rows before their turn (more at
            // once than a processor has requests in flight would stall it), and the list of the likely next node.
            for &neighbour in batch.iter().take(AHEAD) {
                self.prefetch(neighbour);
            }
            if let Some(likely) = wanted.best() {
                self.links.prefetch(node_of(likely));
            }
            for at in 0..batch.len() {
                if let Some(&later) = batch.get(at + AHEAD) {
                    self.prefetch(later);
                }
                let near = batch[at];
                let Some(code) = self.code(near) else { continue };
                let new = candidate(kernel::dot_i8(query, code), near);
                let pool = if is_allowed(near) { &mut *wanted } else { &mut *between };
                if pool.offer(new) {
                    self.links.prefetch(near);
                }
            }
        }
        Ok(())
    }
}
