//! The walk through a flat graph: greedy down the upper levels, best first on the lowest.
//!
//! Owns the order in which nodes are looked at and the memory a walk needs ([`Scratch`], reused, so that a search
//! allocates only its answer). Candidates are compared by their int8 codes, as integers; the best are scored again with
//! the f32 rows. It trusts no number read from the file further than the slice it indexes.

use std::sync::Mutex;

use super::codes::{quantise_query, spare};
use super::exact::{TopK, is_searchable, rescore, row_of};
use super::{Allowed, Plan, plan};
use crate::kernel;

/// Marks the unused end of a neighbour list.
pub(super) const NONE: u32 = u32::MAX;

/// Rows a graph may have: two bits of a candidate's key hold flags.
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
    /// `2 * m` places for each place: its neighbours on the lowest level, then [`NONE`].
    pub links: &'a [u32],
    /// How many places level 1, 2, ... has; they are the first so many.
    pub counts: &'a [u32],
    /// For level 1, 2, ...: `m` places for each of the level's places.
    pub upper: &'a [u32],
    /// Codes by place.
    pub codes: &'a [i8],
    /// Bytes of a code.
    pub stride: usize,
}

/// The memory of one search. Any scratch serves any graph.
#[derive(Default)]
pub struct Scratch {
    visited: Vec<u64>,
    touched: Vec<u32>,
    pool: Vec<u64>,
    batch: Vec<u32>,
    query: Vec<i8>,
}

impl Scratch {
    /// A new, empty scratch; it grows with its first search.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Scratches shared by threads: each search takes one and gives it back.
#[derive(Default)]
pub struct Scratches(Mutex<Vec<Scratch>>);

impl Scratches {
    /// An empty pool.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `work` with a scratch of the pool, or a new one if all are in use.
    pub fn with<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        // A panic elsewhere while the lock was held cannot have left a scratch half pushed: take the pool as it is.
        let taken = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).pop();
        let mut scratch = taken.unwrap_or_default();
        let result = work(&mut scratch);
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .push(scratch);
        result
    }
}

// A candidate is one integer, so that comparing two is one instruction: score (as an unsigned number of the same order),
// then the place (inverted: smaller is better), then two flags.
const EXPANDED: u64 = 1;
const ALLOWED: u64 = 2;

#[inline]
fn candidate(score: i32, place: u32) -> u64 {
    u64::from(score as u32 ^ 0x8000_0000) << 32 | u64::from(!place << 2)
}

#[inline]
fn place_of(candidate: u64) -> u32 {
    !(candidate as u32) >> 2
}

impl View<'_> {
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
        let Scratch { query: codes, .. } = scratch;
        quantise_query(query, codes);
        let wanted = spare(k);
        // A filter that leaves nearly everything (deletes) is planned for as well: only its share counts.
        let count = allowed.map_or(rows, |allowed| allowed.count().min(rows));
        match plan(rows, count, k, ef) {
            Plan::Exact => self.scan(vectors, query, k, allowed, codes),
            Plan::Graph { ef, .. } if allowed.is_none() => {
                self.walk(ef.max(wanted), 0, None, scratch);
                let places = scratch.pool.iter().take(wanted).map(|&c| place_of(c));
                self.finish(vectors, query, k, places)
            }
            Plan::Graph { ef, allowed: least } => {
                let found = self.walk(ef, least, allowed, scratch);
                if found < least.min(count) {
                    return self.scan(vectors, query, k, allowed, &scratch.query);
                }
                let places = scratch
                    .pool
                    .iter()
                    .filter(|&c| c & ALLOWED != 0)
                    .take(wanted)
                    .map(|&c| place_of(c));
                self.finish(vectors, query, k, places)
            }
        }
    }

    /// Walks towards `vector`, the vector of `place`: the best place found, and whether `place` or one with as good a
    /// code was among those found. None if `vector` cannot be searched for.
    pub(super) fn probe(&self, place: u32, vector: &[f32], ef: usize, scratch: &mut Scratch) -> Option<(u32, bool)> {
        if !is_searchable(vector, self.dim) {
            return None;
        }
        quantise_query(vector, &mut scratch.query);
        self.walk(ef, 0, None, scratch);
        let best = place_of(*scratch.pool.first()?);
        let found = self.code(best) == self.code(place) || scratch.pool.iter().any(|&c| place_of(c) == place);
        Some((best, found))
    }

    /// Scores the candidates of a walk exactly.
    fn finish(
        &self,
        vectors: &[f32],
        query: &[f32],
        k: usize,
        places: impl Iterator<Item = u32> + Clone,
    ) -> Vec<(f32, u32)> {
        let rows = places.filter_map(|place| self.order.get(place as usize).copied());
        rescore(vectors, self.dim, query, k, rows)
    }

    /// Scans the codes of the allowed rows, or of all, and scores the best exactly.
    fn scan(
        &self,
        vectors: &[f32],
        query: &[f32],
        k: usize,
        allowed: Option<Allowed<'_>>,
        query_codes: &[i8],
    ) -> Vec<(f32, u32)> {
        let mut best = TopK::new(spare(k));
        match allowed {
            None => {
                for (&row, code) in self.order.iter().zip(self.codes.chunks_exact(self.stride)) {
                    best.offer_i32(kernel::dot_i8(query_codes, code), row);
                }
            }
            Some(allowed) => {
                for row in allowed.rows(self.order.len()) {
                    let place = self.places.get(row as usize).copied().unwrap_or(NONE);
                    if let Some(code) = self.code(place) {
                        best.offer_i32(kernel::dot_i8(query_codes, code), row);
                    }
                }
            }
        }
        rescore(vectors, self.dim, query, k, best.into_sorted().into_iter().map(row_of))
    }

    #[inline]
    fn code(&self, place: u32) -> Option<&[i8]> {
        let at = place as usize * self.stride;
        self.codes.get(at..at + self.stride)
    }

    #[inline]
    fn neighbours(&self, place: u32) -> &[u32] {
        let width = 2 * self.m;
        let at = place as usize * width;
        self.links.get(at..at + width).unwrap_or(&[])
    }

    /// Greedy from the entry down to level 1: the place to begin the lowest level with, and its score.
    fn descend(&self, query: &[i8]) -> (i32, u32) {
        let mut best = (self.code(0).map_or(i32::MIN, |code| kernel::dot_i8(query, code)), 0u32);
        let mut end = self.upper.len();
        for &count in self.counts.iter().rev() {
            let level = end.saturating_sub(count as usize * self.m);
            loop {
                let at = level + best.1 as usize * self.m;
                let links = self.upper.get(at..at + self.m).unwrap_or(&[]);
                let before = best;
                for &place in links.iter().take_while(|&&place| place != NONE) {
                    if let Some(code) = self.code(place) {
                        let score = kernel::dot_i8(query, code);
                        // A place of a lower level (a damaged file) has no list on this one.
                        if score > best.0 && place < count {
                            best = (score, place);
                        }
                    }
                }
                if best == before {
                    break;
                }
            }
            end = level;
        }
        best
    }

    /// Best-first search of the lowest level, leaving the candidates in `scratch.pool`, best first. With a filter, the
    /// walk goes through rows that are not allowed, and ends when neither the `ef` best of all nor the `least` best of
    /// the allowed can improve. Returns how many allowed candidates there are.
    fn walk(&self, ef: usize, least: usize, allowed: Option<Allowed<'_>>, scratch: &mut Scratch) -> usize {
        let Scratch {
            visited,
            touched,
            pool,
            batch,
            query,
        } = scratch;
        // Clearing what the last search touched costs less than clearing a bit for each row.
        for &place in &*touched {
            if let Some(word) = visited.get_mut(place as usize / 64) {
                *word = 0;
            }
        }
        touched.clear();
        visited.resize(visited.len().max(self.order.len().div_ceil(64)), 0);
        pool.clear();

        let flags = |place: u32| match allowed {
            Some(allowed) if allowed.contains(self.order[place as usize]) => ALLOWED,
            _ => 0,
        };
        let (score, start) = self.descend(query);
        visited[start as usize / 64] |= 1 << (start % 64);
        touched.push(start);
        pool.push(candidate(score, start) | flags(start));
        let mut found = usize::from(pool[0] & ALLOWED != 0);
        let mut next = 0;
        while next < pool.len() {
            if pool[next] & EXPANDED != 0 {
                next += 1;
                continue;
            }
            pool[next] |= EXPANDED;
            let place = place_of(pool[next]);
            next += 1;
            batch.clear();
            for &neighbour in self.neighbours(place) {
                if neighbour as usize >= self.order.len() {
                    break;
                }
                let (word, bit) = (&mut visited[neighbour as usize / 64], 1 << (neighbour % 64));
                if *word & bit == 0 {
                    *word |= bit;
                    touched.push(neighbour);
                    batch.push(neighbour);
                    if let Some(code) = self.code(neighbour) {
                        kernel::map::prefetch(code);
                    }
                }
            }
            for &neighbour in &*batch {
                let Some(code) = self.code(neighbour) else { continue };
                let new = candidate(kernel::dot_i8(query, code), neighbour);
                let full = pool.len() >= ef && found >= least;
                if full && pool.last().is_some_and(|&last| new < last) {
                    continue;
                }
                let new = new | flags(neighbour);
                let at = pool.partition_point(|&old| old > new);
                pool.insert(at, new);
                found += usize::from(new & ALLOWED != 0);
                next = next.min(at);
                while pool.len() > ef {
                    let last = usize::from(pool[pool.len() - 1] & ALLOWED != 0);
                    if found - last < least {
                        break;
                    }
                    found -= last;
                    pool.pop();
                }
            }
        }
        found
    }
}
