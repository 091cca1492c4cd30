//! The best candidates of a walk, in order.
//!
//! Owns how a candidate is written as one integer, and so the order of candidates. It knows nothing of the graph.

// A candidate is one integer, so that comparing two is one instruction: score (as an unsigned number of the same
// order), then the node (inverted: smaller is better), then a flag.
const EXPANDED: u64 = 1;

#[inline]
pub(super) fn candidate(score: i32, node: u32) -> u64 {
    u64::from(score as u32 ^ 0x8000_0000) << 32 | u64::from(!(node << 1) & !1)
}

#[inline]
pub(super) fn node_of(candidate: u64) -> u32 {
    !(candidate as u32) >> 1
}

/// The best candidates seen, best first, of which some are expanded.
#[derive(Default)]
pub(super) struct CandidateQueue {
    pub(super) items: Vec<u64>,
    /// All before this one are expanded.
    next: usize,
    pub(super) width: usize,
}

impl CandidateQueue {
    pub(super) fn reset(&mut self, width: usize) {
        self.items.clear();
        self.next = 0;
        self.width = width;
    }

    /// The worst candidate of a full queue, below which none is taken in; 0 while there is room.
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

    pub(super) fn nodes(&self) -> impl Iterator<Item = u32> + '_ {
        self.items.iter().map(|&item| node_of(item))
    }
}

/// Takes the node to expand next: the best of both queues, but no bridge that is worse than all that is wanted.
#[inline]
pub(super) fn next_node(wanted: &mut CandidateQueue, bridges: &mut CandidateQueue) -> Option<u32> {
    let (best, from) = match (wanted.best(), bridges.best()) {
        (Some(a), b) if b.is_none_or(|b| a > b) => (a, wanted),
        (_, Some(b)) if b > wanted.floor() => (b, bridges),
        (Some(a), _) => (a, wanted),
        _ => return None,
    };
    from.expand();
    Some(node_of(best))
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
        let candidates: Vec<u64> = ordered.iter().map(|&(score, node)| candidate(score, node)).collect();
        assert!(candidates.is_sorted_by(|a, b| a > b));
        for (&(_, node), &candidate) in ordered.iter().zip(&candidates) {
            assert_eq!((node_of(candidate), node_of(candidate | EXPANDED)), (node, node));
        }
    }

    #[test]
    fn a_pool_keeps_the_best_and_expands_each_once() {
        let mut pool = CandidateQueue::default();
        pool.reset(3);
        for (score, first) in [(4, true), (2, false), (6, true), (1, false), (5, false)] {
            assert_eq!(pool.offer(candidate(score, score as u32)), first, "{score}");
        }
        assert_eq!(pool.nodes().collect::<Vec<_>>(), [6, 5, 4]);
        let mut expanded = Vec::new();
        while let Some(best) = pool.best() {
            pool.expand();
            expanded.push(node_of(best));
            if expanded.len() == 2 {
                assert!(pool.offer(candidate(7, 7)));
            }
        }
        assert_eq!(expanded, [6, 5, 7]);
        assert_eq!(pool.nodes().collect::<Vec<_>>(), [7, 6, 5]);
        pool.reset(0);
        assert!(!pool.offer(candidate(9, 9)) && pool.best().is_none());
    }
}
