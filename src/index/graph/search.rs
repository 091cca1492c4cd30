//! The walk through a flat graph: greedy down the upper levels, best first on the lowest.
//!
//! Owns the order in which nodes are looked at; what a walk remembers is in [`super::pool`]. Candidates are compared by their int8 codes, as integers; the best are scored again exactly. It trusts no number read from the file further than the slice it indexes.

use super::codes::{quantise_query, spare};
use super::exact::{TopK, is_searchable, rescore, row_of};
use super::fine::Fine;
use super::links::Links;
use super::pool::{Scratch, candidate, place_of};
use super::{Allowed, Plan, plan, scan_worth};
use crate::kernel;

/// Marks the unused end of a neighbour list.
pub(super) const NONE: u32 = u32::MAX;

/// Rows a graph may have: a candidate keeps a place and a flag in 32 bits.
pub(super) const MAX_ROWS: usize = 1 << 30;

/// A graph as slices, in memory or mapped. Nodes are numbered by place: the entry first, those of higher levels before
/// those of lower, then by nearness in the graph.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    /// Values of a vector.
    pub dim: usize,
    /// Links of a node on an upper level; twice as many on the lowest.
    pub m: usize,
    /// Row of each place.
    pub order: &'a [u32],
    /// Place of each row.
    pub places: &'a [u32],
    /// Neighbours of each place on the lowest level, `2 * m` at most.
    pub links: Links<'a>,
    /// How many places level 1, 2, ... has; they are the first so many.
    pub counts: &'a [u32],
    /// For level 1, 2, ...: neighbours of each of the level's places, `m` at most.
    pub upper: Links<'a>,
    /// Codes by place.
    pub codes: &'a [i8],
    /// Bytes of a code.
    pub stride: usize,
    /// What makes vectors of codes; none while the graph is built.
    pub fine: Option<Fine<'a>>,
}

/// How many lists the levels above the lowest have, which hold so many places.
pub(super) fn upper_lists(counts: &[u32]) -> usize {
    counts.iter().map(|&count| count as usize).sum()
}

/// Rows between a code's being asked for and its use.
const AHEAD: usize = 6;

impl<'a> View<'a> {
    /// The best `k` rows, as [`super::Graph::search`] says.
    pub(super) fn search(
        &self,
        vectors: &[f32],
        query: &[f32],
        k: usize,
        ef: usize,
        allowed: Option<Allowed<'_>>,
        scratch: &mut Scratch,
    ) -> Vec<(f32, u32)> {
        let rows = self.order.len();
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
        let places = scratch.wanted.places().take(spare(k));
        let rows = places.filter_map(|place| self.order.get(place as usize).copied());
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

    /// Walks towards `vector`, the vector of `place`: the best place found, and whether `place` or one with as good a
    /// code was among those found. None if `vector` cannot be searched for.
    pub(super) fn probe(&self, place: u32, vector: &[f32], ef: usize, scratch: &mut Scratch) -> Option<(u32, bool)> {
        if !is_searchable(vector, self.dim) {
            return None;
        }
        quantise_query(vector, &mut scratch.query);
        self.walk(ef, 0, None, scratch);
        let best = scratch.wanted.places().next()?;
        let found = self.code(best) == self.code(place) || scratch.wanted.places().any(|found| found == place);
        Some((best, found))
    }

    /// Scans the codes of the allowed rows, or of all, and scores the best exactly.
    fn scan(
        &self,
        vectors: &[f32],
        query: &[f32],
        k: usize,
        allowed: Option<Allowed<'_>>,
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
                for (&row, code) in self.order.iter().zip(self.codes.chunks_exact(self.stride)) {
                    best.offer_i32(kernel::dot_i8(query_codes, code), row);
                }
            }
            Some(allowed) => {
                // The codes lie in order of place: each is asked for some rows before its turn.
                let place = |row: u32| self.places.get(row as usize).copied().unwrap_or(NONE);
                let mut ahead = allowed.rows(self.order.len());
                ahead.by_ref().take(AHEAD).for_each(|row| self.prefetch(place(row)));
                for row in allowed.rows(self.order.len()) {
                    if let Some(later) = ahead.next() {
                        self.prefetch(place(later));
                    }
                    if let Some(code) = self.code(place(row)) {
                        best.offer_i32(kernel::dot_i8(query_codes, code), row);
                    }
                }
            }
        }
        let rows = best.into_sorted().into_iter().map(row_of);
        rescore(k, rows, self.scorer(vectors, query, read))
    }

    #[inline]
    pub(super) fn code(&self, place: u32) -> Option<&'a [i8]> {
        let at = place as usize * self.stride;
        self.codes.get(at..at + self.stride)
    }

    #[inline]
    pub(super) fn prefetch(&self, place: u32) {
        if let Some(code) = self.code(place) {
            kernel::map::prefetch(code);
        }
    }

    /// Greedy from the entry down to level 1: the place to begin the lowest level with, and its score.
    fn descend(&self, query: &[i8]) -> (i32, u32) {
        let mut best = (self.code(0).map_or(i32::MIN, |code| kernel::dot_i8(query, code)), 0u32);
        let mut level = upper_lists(self.counts);
        for &count in self.counts.iter().rev() {
            level -= count as usize;
            loop {
                let before = best;
                self.upper.each(level + before.1 as usize, |place| {
                    if let Some(code) = self.code(place) {
                        let score = kernel::dot_i8(query, code);
                        // A place of a lower level (a damaged file) has no list on this one.
                        if score > best.0 && place < count {
                            best = (score, place);
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
    fn walk(&self, ef: usize, bridges: usize, allowed: Option<Allowed<'_>>, scratch: &mut Scratch) {
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
        for &place in &*touched {
            if let Some(word) = visited.get_mut(place as usize / 64) {
                *word = 0;
            }
        }
        touched.clear();
        visited.resize(visited.len().max(self.order.len().div_ceil(64)), 0);
        wanted.reset(ef);
        between.reset(bridges);

        let is_allowed = |place: u32| allowed.is_none_or(|allowed| allowed.contains(self.order[place as usize]));
        let (score, start) = self.descend(query);
        visited[start as usize / 64] |= 1 << (start % 64);
        touched.push(start);
        let pool = if is_allowed(start) { &mut *wanted } else { &mut *between };
        pool.offer(candidate(score, start));
        loop {
            let place = match (wanted.best(), between.best()) {
                (Some(a), b) if b.is_none_or(|b| a > b) => {
                    wanted.expand();
                    place_of(a)
                }
                (_, Some(b)) if b > wanted.floor() => {
                    between.expand();
                    place_of(b)
                }
                (Some(a), _) => {
                    wanted.expand();
                    place_of(a)
                }
                _ => break,
            };
            batch.clear();
            self.links.each(place as usize, |neighbour| {
                if neighbour as usize >= self.order.len() {
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
                self.links.prefetch(place_of(likely));
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
