//! The first of a fused list put in another order by a reranker, which reads question and passage together.
//!
//! What it scored stands before what it did not: reordered among itself alone, so that pages are cut from one list. Its
//! relevance goes into scores as a number from 0 to 1: as it is if that is its scale, else `1 / (1 + exp(-relevance))`.

use std::collections::HashMap;
use std::time::Instant;

use super::score::Scored;
use crate::compute::Budget;
use crate::embed::Reranker;
use crate::error::Result;
use crate::index::{Asked, PassageRef};
use crate::profile::{RerankRule, Reranking};

/// What a reranker made of one candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rescored {
    /// Its place in the fused list, from 1.
    pub place: u32,
    /// As the reranker gave it.
    pub relevance: f32,
    /// The same from 0 to 1.
    pub share: f32,
}

/// What a reranker made of the first candidates; of none by default.
#[derive(Debug, Clone, PartialEq)]
pub struct Reranked {
    rule: RerankRule,
    /// The highest fused score of those that it did not score; 0 if it scored all.
    floor: f32,
    /// By candidate.
    scores: HashMap<usize, Rescored>,
}

impl Default for Reranked {
    fn default() -> Self {
        Reranked {
            rule: RerankRule::Replace,
            floor: 0.0,
            scores: HashMap::new(),
        }
    }
}

impl Reranked {
    /// How many candidates were scored.
    pub fn count(&self) -> usize {
        self.scores.len()
    }

    /// What it made of a candidate.
    pub fn rescored(&self, at: usize) -> Option<Rescored> {
        self.scores.get(&at).copied()
    }

    /// The score that a candidate stands by.
    pub fn score(&self, at: usize, fused: f32) -> f32 {
        match (self.rescored(at), self.rule) {
            (None, _) => fused,
            (Some(rescored), RerankRule::Replace) => self.floor + rescored.share,
            (Some(rescored), RerankRule::Sum(weight)) => fused + weight * rescored.share,
        }
    }

    /// The amounts that add up to that score, from those of the fused one.
    pub fn parts(&self, at: usize, mut fused: Vec<(&'static str, f32)>) -> Vec<(&'static str, f32)> {
        match (self.rescored(at), self.rule) {
            (None, _) => {}
            (Some(rescored), RerankRule::Replace) => fused = vec![("floor", self.floor), ("reranker", rescored.share)],
            (Some(rescored), RerankRule::Sum(weight)) => fused.push(("reranker", weight * rescored.share)),
        }
        fused
    }
}

/// What the first hits of one question are reranked by.
#[derive(Clone, Copy)]
pub struct Rerank<'a> {
    /// The model.
    pub reranker: &'a dyn Reranker,
    /// How many it scores, and what its scores do.
    pub how: Reranking,
    /// The question.
    pub query: &'a str,
    /// Reads passages.
    pub asked: &'a dyn Asked,
}

impl Rerank<'_> {
    /// Has the first of `order` scored, as many as the time allows, and puts them in their new order. Also says why
    /// fewer were scored than should have been, if so: too little time, or a reranker that fails, which costs its own
    /// work alone.
    ///
    /// # Errors
    /// Those of reading the passages.
    pub fn run(self, order: &mut [usize], scored: &Scored, budget: Budget) -> Result<(Reranked, Option<String>)> {
        let wanted = self.how.first.min(order.len());
        let refs: Vec<PassageRef> = order[..wanted].iter().map(|&at| scored.passages[at]).collect();
        let stored = self.asked.fetch(&refs, budget)?;
        let texts: Vec<String> = stored.iter().map(|passage| passage.embedded_text()).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let relevances = self
            .reranker
            .rerank(self.query, &texts, budget.leaving_time(Instant::now()));
        let (relevances, reason) = match relevances {
            Ok(relevances) if relevances.len() < wanted => {
                let count = relevances.len();
                let reason = format!(
                    "only the first {count} of {wanted} hits were reranked: for more the reranker failed, or took too long"
                );
                (relevances, Some(reason))
            }
            Ok(relevances) => (relevances, None),
            Err(error) => {
                let reason = format!("reranking failed, so the order is that of the fusion: {error}");
                (Vec::new(), Some(reason))
            }
        };
        let fused = |at: usize| scored.ranked[at].score;
        let is_share = self.reranker.is_from_0_to_1();
        Ok((reorder(order, &relevances, is_share, &fused, self.how.rule), reason))
    }
}

/// Puts the first of `order`, for which there are relevances, in their new order; equal ones keep theirs, which is that
/// of the fusion and settled by id: a reranker that tells nothing apart changes nothing.
fn reorder(
    order: &mut [usize],
    relevances: &[f32],
    is_share: bool,
    fused: &dyn Fn(usize) -> f32,
    rule: RerankRule,
) -> Reranked {
    let scored = order.len().min(relevances.len());
    let (first, rest) = order.split_at_mut(scored);
    let scores = first.iter().zip(relevances).zip(1..).map(|((&at, &relevance), place)| {
        let share = if is_share {
            relevance.clamp(0.0, 1.0)
        } else {
            1.0 / (1.0 + (-relevance).exp())
        };
        (
            at,
            Rescored {
                place,
                relevance,
                share,
            },
        )
    });
    let reranked = Reranked {
        rule,
        floor: rest.first().map_or(0.0, |&at| fused(at)),
        scores: scores.collect(),
    };
    // By the relevance itself where it decides alone: shares near 0 and 1 lie too close to tell apart.
    let value = |at: usize| match (rule, reranked.rescored(at)) {
        (RerankRule::Replace, Some(rescored)) => rescored.relevance,
        _ => reranked.score(at, fused(at)),
    };
    // Stable. 0 and -0 are as good as each other.
    first.sort_by(|&a, &b| (value(b) + 0.0).total_cmp(&(value(a) + 0.0)));
    reranked
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever the rule and however far the reranker came: nothing is lost, what it did not reach stays where and
        /// what it was, scores fall, and the parts of each add up to it.
        #[test]
        fn only_what_was_scored_moves(
            mut fused in prop::collection::vec(-5f32..80.0, 1..40), reached in prop::collection::vec(-12f32..12.0, 0..40),
            weight in 0f32..50.0, replaces: bool,
        ) {
            fused.sort_by(|a, b| b.total_cmp(a));
            let rule = if replaces { RerankRule::Replace } else { RerankRule::Sum(weight) };
            let mut order: Vec<usize> = (0..fused.len()).collect();
            let before = order.clone();
            let reranked = reorder(&mut order, &reached, false, &|at| fused[at], rule);
            let scored = reached.len().min(fused.len());
            prop_assert_eq!(reranked.count(), scored);
            prop_assert_eq!(&order[scored..], &before[scored..]);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            prop_assert_eq!(&sorted, &before);
            let scores: Vec<f32> = order.iter().map(|&at| reranked.score(at, fused[at])).collect();
            prop_assert!(scores.windows(2).all(|pair| pair[0] >= pair[1]), "{:?}", scores);
            for &at in &order {
                let parts = reranked.parts(at, vec![("fused", fused[at])]);
                let sum: f32 = parts.iter().map(|(_, amount)| amount).sum();
                prop_assert!((sum - reranked.score(at, fused[at])).abs() < 1e-4);
                prop_assert_eq!(reranked.rescored(at).is_some(), before[..scored].contains(&at));
            }
        }
    }

    #[test]
    fn the_rule_decides_and_equal_ones_keep_their_order() {
        let check = |rule, relevances: &[f32], expected: &[usize]| {
            let fused = [30.0, 20.0, 19.0, 10.0];
            let mut order = vec![0, 1, 2, 3];
            reorder(&mut order, relevances, false, &|at| fused[at], rule);
            assert_eq!(order, expected);
        };
        check(RerankRule::Replace, &[0.5, 0.5, 0.5, 0.5], &[0, 1, 2, 3]);
        check(RerankRule::Replace, &[-0.0, 0.0, -0.0, 0.0], &[0, 1, 2, 3]);
        check(RerankRule::Replace, &[-3.0, 1.0, 9.0, 8.0], &[2, 3, 1, 0]);
        check(RerankRule::Replace, &[-3.0, 1.0], &[1, 0, 2, 3]);
        check(RerankRule::Replace, &[1.0, 2.0, 2.0, 3.0], &[3, 1, 2, 0]);
        check(RerankRule::Replace, &[20.0, 30.0], &[1, 0, 2, 3]);
        check(RerankRule::Sum(3.0), &[-9.0, -9.0, 9.0, 9.0], &[0, 2, 1, 3]);
        check(RerankRule::Sum(0.0), &[-9.0, 9.0], &[0, 1, 2, 3]);
        check(RerankRule::Replace, &[], &[0, 1, 2, 3]);
        let mut order = vec![7, 3, 5, 1];
        reorder(&mut order, &[2.0, 2.0, 2.0, 9.0], false, &|_| 1.0, RerankRule::Replace);
        assert_eq!(order, [1, 7, 3, 5], "whatever their numbers and ids");
    }
}
