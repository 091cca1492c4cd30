//! What a walk remembers: the rows it has seen and the best candidates so far, in memory that is used again, so that a
//! search allocates only its answer.
//!
//! Owns the order of candidates. It knows nothing of links, vectors or files.

use std::sync::Mutex;

/// The memory of one search. Any scratch serves any graph.
#[derive(Default)]
pub struct Scratch {
    pub(super) visited: Vec<u64>,
    pub(super) touched: Vec<u32>,
    pub(super) wanted: Pool,
    pub(super) bridges: Pool,
    pub(super) batch: Vec<u32>,
    pub(super) query: Vec<i8>,
    /// A vector being read.
    pub(super) row: Vec<f32>,
}

impl Scratch {
    /// A new, empty scratch; it grows with its first search.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many rows the last walk of a graph scored: what its time is made of.
    pub fn scored(&self) -> usize {
        self.touched.len()
    }

    /// The places that the last walk found, best first.
    pub(super) fn found(&self) -> impl Iterator<Item = u32> + '_ {
        self.wanted.places()
    }

    /// Whether the last walk found fewer than `k` allowed rows, or more that are not allowed before the `k`-th than a
    /// filter that has nothing to do with the query would leave there ([`plan`] gives the bridges room for those).
    pub(super) fn is_far(&self, k: usize) -> bool {
        match k.checked_sub(1).map(|last| self.wanted.items.get(last)) {
            None => false,
            Some(None) => true,
            Some(Some(&last)) => self.bridges.width > 0 && last < self.bridges.floor(),
        }
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
// then the place (inverted: smaller is better), then a flag.
const EXPANDED: u64 = 1;

#[inline]
pub(super) fn candidate(score: i32, place: u32) -> u64 {
    u64::from(score as u32 ^ 0x8000_0000) << 32 | u64::from(!(place << 1) & !1)
}

#[inline]
pub(super) fn place_of(candidate: u64) -> u32 {
    !(candidate as u32) >> 1
}

/// The best candidates seen, best first, of which some are expanded.
#[derive(Default)]
pub(super) struct Pool {
    pub(super) items: Vec<u64>,
    /// All before this one are expanded.
    next: usize,
    width: usize,
}

impl Pool {
    pub(super) fn reset(&mut self, width: usize) {
        self.items.clear();
        self.next = 0;
        self.width = width;
    }

    /// The worst candidate of a full pool; a worse one has no place in it.
    #[inline]
    pub(super) fn floor(&self) -> u64 {
        if self.items.len() < self.width {
            return 0;
        }
        self.items.last().copied().unwrap_or(u64::MAX)
    }

    /// Takes a candidate in if it is good enough; true if it is now the best that is not expanded.
    #[inline]
    pub(super) fn offer(&mut self, new: u64) -> bool {
        if new < self.floor() {
            return false;
        }
        if self.items.len() >= self.width {
            self.items.pop();
        }
        let at = self.items.partition_point(|&old| old > new);
        self.items.insert(at, new);
        let first = at <= self.next;
        if first {
            self.next = at;
        }
        first
    }

    /// The best candidate that is not expanded.
    #[inline]
    pub(super) fn best(&mut self) -> Option<u64> {
        while self.items.get(self.next).is_some_and(|item| item & EXPANDED != 0) {
            self.next += 1;
        }
        self.items.get(self.next).copied()
    }

    /// Marks the best as expanded.
    #[inline]
    pub(super) fn expand(&mut self) {
        if let Some(item) = self.items.get_mut(self.next) {
            *item |= EXPANDED;
            self.next += 1;
        }
    }

    pub(super) fn places(&self) -> impl Iterator<Item = u32> + '_ {
        self.items.iter().map(|&item| place_of(item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_keeps_its_place_and_orders_by_score_then_place() {
        let ordered = [
            (i32::MAX, 0),
            (5, 0),
            (5, 1),
            (5, (1 << 30) - 1),
            (0, 7),
            (-1, 0),
            (i32::MIN, 3),
        ];
        let candidates: Vec<u64> = ordered.iter().map(|&(score, place)| candidate(score, place)).collect();
        assert!(candidates.is_sorted_by(|a, b| a > b));
        for (&(_, place), &candidate) in ordered.iter().zip(&candidates) {
            assert_eq!((place_of(candidate), place_of(candidate | EXPANDED)), (place, place));
        }
    }

    #[test]
    fn a_pool_keeps_the_best_and_expands_each_once() {
        let mut pool = Pool::default();
        pool.reset(3);
        for (score, first) in [(4, true), (2, false), (6, true), (1, false), (5, false)] {
            assert_eq!(pool.offer(candidate(score, score as u32)), first, "{score}");
        }
        assert_eq!(pool.places().collect::<Vec<_>>(), [6, 5, 4]);
        let mut expanded = Vec::new();
        while let Some(best) = pool.best() {
            pool.expand();
            expanded.push(place_of(best));
            if expanded.len() == 2 {
                assert!(pool.offer(candidate(7, 7)));
            }
        }
        assert_eq!(expanded, [6, 5, 7]);
        assert_eq!(pool.places().collect::<Vec<_>>(), [7, 6, 5]);
        pool.reset(0);
        assert!(!pool.offer(candidate(9, 9)) && pool.best().is_none());
    }

    #[test]
    fn scratches_are_shared_and_used_again() {
        let scratches = Scratches::new();
        scratches.with(|outer| {
            outer.touched.push(1);
            scratches.with(|inner| assert!(inner.touched.is_empty()));
        });
        assert_eq!(scratches.0.lock().unwrap().len(), 2);
        assert_eq!(scratches.with(|scratch| scratch.touched.len()), 1);
    }
}
