//! What a search by words writes on: a number for each document of a segment, used again by the next search.
//!
//! Owns the memory and the choice of the best documents. Knows no terms.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::{Mutex, PoisonError};

use crate::error::Result;
use crate::index::embedded::filter::is_allowed;

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

/// What one search by words writes on. Between searches all of it is zero.
#[derive(Default)]
pub struct Slate {
    /// A score for each document of a window of a segment.
    pub scores: Vec<f32>,
    /// For each document of a segment: 1 + its place among the documents named, or 0.
    pub places: Vec<u32>,
    /// A table of frequencies in title and text: a row for each document named, a column for each term.
    pub frequencies: Vec<[u32; 2]>,
}

/// Slates that are used again: each search takes one and gives it back.
#[derive(Default)]
pub struct Slates(Mutex<Vec<Slate>>);

impl Slates {
    /// Runs `work` with a slate that is all zeros and has to be so again afterwards.
    pub fn with<T>(&self, work: impl FnOnce(&mut Slate) -> Result<T>) -> Result<T> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = lock().pop();
        let mut slate = taken.unwrap_or_default();
        // After an error the slate may not be clean, so it is not given back.
        let result = work(&mut slate)?;
        lock().push(slate);
        Ok(result)
    }
}

/// Scores are looked at this many at a time: most groups hold none that is good enough.
const GROUP: usize = 32;

/// Takes the best allowed documents of a segment, whose `scores` begin at document `first`, and leaves zeros behind.
pub fn keep_best(
    scores: &mut [f32],
    first: u32,
    bits: Option<&[u64]>,
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
        // Without an early end: so it is a few instructions for all of them.
        if scores.iter().fold(false, |any, &score| any | (score > least)) {
            for (at, &score) in scores.iter().enumerate() {
                let doc = first + (group * GROUP + at) as u32;
                if score > least && is_allowed(bits, doc) {
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
            let mut best = BinaryHeap::new();
            let mut expected = Vec::new();
            for (number, scores) in (0..).zip(&segments) {
                let mut scores: Vec<f32> = scores.iter().map(|&score| score.into()).collect();
                for (doc, &score) in (0..).zip(&scores) {
                    if score > 0.0 && is_allowed(Some(&bits), doc) {
                        expected.push(Scored { score, segment: number, doc });
                    }
                }
                // In two windows.
                let split = split.min(scores.len());
                let (low, high) = scores.split_at_mut(split);
                keep_best(low, 0, Some(&bits), number, wanted, &mut best);
                keep_best(high, low.len() as u32, Some(&bits), number, wanted, &mut best);
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
