//! The walk through a flat graph: greedy down the upper levels, best first on the lowest.
//!
//! Owns the order in which nodes are looked at; what a walk remembers is in [`super::scratch`]. Candidates are compared by
//! their int8 codes, as integers; the best are scored again exactly. It trusts no number read from the file further than
//! the slice it indexes.

use super::codes::{quantise_query, spare};
use super::exact::{TopK, is_searchable, rescore, row_of};
use super::neighbours::NONE;
use super::plan::{Plan, plan, scan_worth};
use super::queue::{candidate, node_of};
use super::row_set::RowSet;
use super::scratch::Scratch;
use super::shape::{FlatGraph, upper_lists};
use crate::kernel;

/// Rows between a code's being asked for and its use.
const AHEAD: usize = 6;

impl FlatGraph<'_> {
    /// The best `k` rows, as [`super::Graph::search`] says.
    pub(super) fn search(
        &self,
        vectors: &[f32],
        query: &[f32],
        k: usize,
        ef: usize,
        allowed: Option<RowSet<'_>>,
        scratch: &mut Scratch,
    ) -> Vec<(f32, u32)> {
        let rows = self.node_rows.len();
        let (k, ef) = (k.min(rows), ef.min(rows));
        if rows == 0 || k == 0 || !is_searchable(query, self.dim) {
            return Vec::new();
        }
        quantise_query(query, &mut scratch.query);
        let count = allowed.map_or(rows, |allowed| allowed.count().min(rows));
        let Plan::Graph { ef, bridges } = plan(rows, count, k, ef) else {
            return self.scan(vectors, query, k, allowed, scratch);
        };
        let (ef, bridges) = (ef.max(spare(k)), bridges.min(rows));
        self.walk(ef, bridges, allowed, scratch);
        if scratch.is_far(k.min(count)) {
            // The allowed rows lie elsewhere, and what was met of them may not be the best.
            if (count as f64) < 4.0 * scan_worth(ef, bridges) {
                return self.scan(vectors, query, k, allowed, scratch);
            }
            self.walk((4 * ef).min(rows), bridges, allowed, scratch);
            if scratch.wanted.items.len() < k.min(count) {
                return self.scan(vectors, query, k, allowed, scratch);
            }
        }
        let nodes = scratch.wanted.nodes().take(spare(k));
        let rows = nodes.filter_map(|node| self.node_rows.get(node as usize).copied());
        rescore(k, rows, self.scorer(vectors, query, &mut scratch.row))
    }

    /// Scores rows exactly.
    fn scorer<'v>(
        &'v self,
        vectors: &'v [f32],
        query: &'v [f32],
        row_read: &'v mut Vec<f32>,
    ) -> impl FnMut(u32) -> Option<f32> + 'v {
        |row| Some(kernel::dot_f32(query, self.vector(vectors, row, row_read)?))
    }

    /// Walks towards `vector`, the vector of `node`: the best node found, and whether `node` or one with as good a
    /// code was among those found. None if `vector` cannot be searched for.
    pub(super) fn probe(&self, node: u32, vector: &[f32], ef: usize, scratch: &mut Scratch) -> Option<(u32, bool)> {
        if !is_searchable(vector, self.dim) {
            return None;
        }
        quantise_query(vector, &mut scratch.query);
        self.walk(ef, 0, None, scratch);
        let best = scratch.wanted.nodes().next()?;
        let found = self.code(best) == self.code(node) || scratch.wanted.nodes().any(|found| found == node);
        Some((best, found))
    }

    /// Scans the codes of the allowed rows, or of all, and scores the best exactly.
    fn scan(
        &self,
        vectors: &[f32],
        query: &[f32],
        k: usize,
        allowed: Option<RowSet<'_>>,
        scratch: &mut Scratch,
    ) -> Vec<(f32, u32)> {
        let Scratch {
            query: query_codes,
            row: read,
            ..
        } = scratch;
        let mut best = TopK::new(spare(k));
        match allowed {
            None => {
                for (&row, code) in self.node_rows.iter().zip(self.codes.chunks_exact(self.stride)) {
                    best.offer_i32(kernel::dot_i8(query_codes, code), row);
                }
            }
            Some(allowed) => {
                // The codes lie in the order of nodes: each is asked for some rows before its turn.
                let node = |row: u32| self.row_nodes.get(row as usize).copied().unwrap_or(NONE);
                let mut ahead = allowed.rows(self.node_rows.len());
                ahead.by_ref().take(AHEAD).for_each(|row| self.prefetch(node(row)));
                for row in allowed.rows(self.node_rows.len()) {
                    if let Some(later) = ahead.next() {
                        self.prefetch(node(later));
                    }
                    if let Some(code) = self.code(node(row)) {
                        best.offer_i32(kernel::dot_i8(query_codes, code), row);
                    }
                }
            }
        }
        let rows = best.into_sorted().into_iter().map(row_of);
        rescore(k, rows, self.scorer(vectors, query, read))
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
    fn walk(&self, ef: usize, bridges: usize, allowed: Option<RowSet<'_>>, scratch: &mut Scratch) {
        let Scratch {
            visited,
            touched,
            wanted,
            bridges: between,
            batch,
            query,
            ..
        } = scratch;
        // Clearing what the last search touched costs less than clearing a bit for each row.
        for &node in &*touched {
            if let Some(word) = visited.get_mut(node as usize / 64) {
                *word = 0;
            }
        }
        touched.clear();
        visited.resize(visited.len().max(self.node_rows.len().div_ceil(64)), 0);
        wanted.reset(ef);
        between.reset(bridges);

        let is_allowed = |node: u32| allowed.is_none_or(|allowed| allowed.contains(self.node_rows[node as usize]));
        let (score, start) = self.descend(query);
        visited[start as usize / 64] |= 1 << (start % 64);
        touched.push(start);
        let pool = if is_allowed(start) { &mut *wanted } else { &mut *between };
        pool.offer(candidate(score, start));
        loop {
            let node = match (wanted.best(), between.best()) {
                (Some(a), b) if b.is_none_or(|b| a > b) => {
                    wanted.expand();
                    node_of(a)
                }
                (_, Some(b)) if b > wanted.floor() => {
                    between.expand();
                    node_of(b)
                }
                (Some(a), _) => {
                    wanted.expand();
                    node_of(a)
                }
                _ => break,
            };
            batch.clear();
            self.links.each(node as usize, |neighbour| {
                if neighbour as usize >= self.node_rows.len() {
                    return;
                }
                let (word, bit) = (&mut visited[neighbour as usize / 64], 1 << (neighbour % 64));
                if *word & bit == 0 {
                    *word |= bit;
                    touched.push(neighbour);
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
                let neighbour = batch[at];
                let Some(code) = self.code(neighbour) else { continue };
                let new = candidate(kernel::dot_i8(query, code), neighbour);
                let pool = if is_allowed(neighbour) {
                    &mut *wanted
                } else {
                    &mut *between
                };
                if pool.offer(new) {
                    self.links.prefetch(neighbour);
                }
            }
        }
    }
}
