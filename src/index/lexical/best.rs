//! The best documents of a search by words, taken from an array of scores.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::index::graph::RowSet;

/// A scored document of one segment; the best has the highest score, then the lowest segment and document.
#[derive(PartialEq)]
pub struct Scored {
    /// Higher is better.
    pub score: f32,
    /// Which segment.
    pub segment: u32,
    /// Which document of it.
    pub doc: u32,
}

impl Eq for Scored {}

impl PartialOrd for Scored {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scored {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score
            .total_cmp(&other.score)
            .then_with(|| (other.segment, other.doc).cmp(&(self.segment, self.doc)))
    }
}

/// Scores are looked at this many at a time: most groups hold none that is good enough.
const GROUP: usize = 32;

/// Takes the best allowed documents of a segment, whose `scores` begin at document `first`, and leaves zeros behind.
pub fn keep_best(
    scores: &mut [f32],
    first: u32,
    allowed: Option<RowSet<'_>>,
    segment: u32,
    wanted: usize,
    best: &mut BinaryHeap<Reverse<Scored>>,
) {
    let floor = |best: &BinaryHeap<Reverse<Scored>>| match best.peek() {
        Some(Reverse(worst)) if best.len() >= wanted => worst.score,
        _ => 0.0,
    };
    let mut least = floor(best);
    for (group, scores) in scores.chunks_mut(GROUP).enumerate() {
        // No early exit: then the compiler makes a few vector instructions of it.
        if scores.iter().fold(false, |any, &score| any | (score > least)) {
            for (at, &score) in scores.iter().enumerate() {
                let doc = first + (group * GROUP + at) as u32;
                if score > least && allowed.is_none_or(|rows| rows.contains(doc)) {
                    best.push(Reverse(Scored { score, segment, doc }));
                    if best.len() > wanted {
                        best.pop();
                    }
                    least = floor(best);
                }
            }
        }
        scores.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The best allowed documents are kept over several segments, ties by segment and document, and zeros are left.
        #[test]
        fn the_best_are_kept(
            segments in proptest::collection::vec(proptest::collection::vec(0u8..20, 0..150), 0..4),
            wanted in 1usize..30, odd_only: bool, split in 0usize..150,
        ) {
            let bits = vec![if odd_only { 0xaaaa_aaaa_aaaa_aaaa } else { u64::MAX }; 3];
            let allowed = RowSet::counted(&bits, 64 * bits.len());
            let mut best = BinaryHeap::new();
            let mut expected = Vec::new();
            for (number, scores) in (0..).zip(&segments) {
                let mut scores: Vec<f32> = scores.iter().map(|&score| score.into()).collect();
                for (doc, &score) in (0..).zip(&scores) {
                    if score > 0.0 && allowed.contains(doc) {
                        expected.push(Scored { score, segment: number, doc });
                    }
                }
                // In two windows.
                let split = split.min(scores.len());
                let (low, high) = scores.split_at_mut(split);
                keep_best(low, 0, Some(allowed), number, wanted, &mut best);
                keep_best(high, low.len() as u32, Some(allowed), number, wanted, &mut best);
                prop_assert!(scores.iter().all(|&score| score == 0.0));
            }
            expected.sort_by(|a, b| b.cmp(a));
            expected.truncate(wanted);
            let mut found: Vec<Scored> = best.into_iter().map(|Reverse(scored)| scored).collect();
            found.sort_by(|a, b| b.cmp(a));
            let plain = |list: &[Scored]| list.iter().map(|s| (s.segment, s.doc, s.score as u32)).collect::<Vec<_>>();
            prop_assert_eq!(plain(&found), plain(&expected));
        }
    }
}
