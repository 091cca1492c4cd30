//! From two rankings to one: pure functions over exact scores, the formulas in their docs, ties left to the caller.
//!
//! Every candidate comes with both exact scores, so no formula ever guesses a missing one. Ranks count from 1.

use super::features::{FEATURES, Weights};
use super::request::{FusionMethod, FusionRequest};
use crate::index::Evidence;
use crate::profile::FusionDefaults;

/// One candidate as fusion sees it.
#[derive(Debug, Clone, Copy)]
pub struct Fusable<'a> {
    /// Its exact scores.
    pub evidence: &'a Evidence,
    /// Its place in the list by words, from 1.
    pub lexical_rank: Option<u32>,
    /// Its place in the list by meaning, from 1.
    pub dense_rank: Option<u32>,
}

/// A fusion with all its numbers filled in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fusion {
    /// The sum of the exact features of [`super::features`] times their weights.
    Linear(Weights),
    /// `(1 - a)·lexical / bound + a·max(meaning, 0)`, a in 0..=1: both parts lie in 0..=1 by bounds that hold for every
    /// passage, not only for those in the list (Bruch, Gai, Ingber 2022, <https://arxiv.org/abs/2210.11934>).
    Convex {
        /// a
        dense_weight: f32,
    },
    /// `1/(k + lexical rank) + 1/(k + dense rank)`; a list that does not hold the candidate adds nothing.
    Rrf {
        /// k
        k: f32,
    },
}

impl Fusion {
    /// The fusion a checked request asks for, with what it leaves out filled in.
    pub fn of(request: &FusionRequest, weights: &Weights, defaults: &FusionDefaults) -> Fusion {
        match request.method {
            FusionMethod::Learned => Fusion::Linear(*weights),
            FusionMethod::Convex => Fusion::Convex {
                dense_weight: request.dense_weight.unwrap_or(defaults.dense_weight),
            },
            FusionMethod::Rrf => Fusion::Rrf {
                k: request.rrf_k.unwrap_or(defaults.rrf_k),
            },
        }
    }

    /// The formula and its numbers, for the answer's provenance.
    pub fn describe(&self) -> String {
        match self {
            Fusion::Linear(weights) => format!("linear {}", weights.describe()),
            Fusion::Convex { dense_weight } => format!("convex dense_weight={dense_weight}"),
            Fusion::Rrf { k } => format!("rrf k={k}"),
        }
    }

    /// The score of a candidate. `lexical_bound` is what its lexical score can never exceed.
    pub fn score(&self, candidate: Fusable, lexical_bound: f32) -> f32 {
        match self {
            Fusion::Linear(weights) => weights.parts(candidate.evidence).iter().sum(),
            _ => self
                .parts(candidate, lexical_bound)
                .iter()
                .map(|(_, amount)| amount)
                .sum(),
        }
    }

    /// The amounts that add up to the score, by name.
    pub fn parts(&self, candidate: Fusable, lexical_bound: f32) -> Vec<(&'static str, f32)> {
        let evidence = candidate.evidence;
        match *self {
            Fusion::Linear(weights) => {
                let parts = weights.parts(evidence);
                FEATURES.iter().map(|feature| feature.name).zip(parts).collect()
            }
            Fusion::Convex { dense_weight } => vec![
                ("lexical", (1.0 - dense_weight) * lexical_share(evidence, lexical_bound)),
                ("dense", dense_weight * evidence.meaning().clamp(0.0, 1.0)),
            ],
            Fusion::Rrf { k } => {
                let part = |rank: Option<u32>| rank.map_or(0.0, |rank| 1.0 / (k + rank as f32));
                vec![
                    ("lexical", part(candidate.lexical_rank)),
                    ("dense", part(candidate.dense_rank)),
                ]
            }
        }
    }
}

/// The lexical score as a share of its bound, 0 to 1.
pub fn lexical_share(evidence: &Evidence, lexical_bound: f32) -> f32 {
    if lexical_bound > 0.0 {
        ((evidence.words + evidence.bigrams) / lexical_bound).clamp(0.0, 1.0)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn evidence(words: f32, meaning: f32) -> Evidence {
        Evidence {
            words,
            bigrams: words / 2.0,
            cosine: meaning,
            window: meaning,
            ..Evidence::default()
        }
    }

    fn fusions() -> [Fusion; 3] {
        [
            Fusion::Linear(Weights::named(&crate::profile::Profile::shipped().weights).unwrap()),
            Fusion::Convex { dense_weight: 0.4 },
            Fusion::Rrf { k: 60.0 },
        ]
    }

    proptest! {
        /// A candidate that is at least as good in both rankings is never ranked lower.
        #[test]
        fn fusion_is_monotone(
            words in 0f32..50.0, meaning in -1f32..1.0, more_words in 0f32..50.0, more_meaning in 0f32..1.0,
            lexical_rank in 1u32..200, dense_rank in 1u32..200, up in 0u32..100,
        ) {
            let worse = evidence(words, meaning);
            let better = evidence(words + more_words, (meaning + more_meaning).min(1.0));
            for fusion in fusions() {
                let fuse = |evidence: &Evidence, up: u32| {
                    let rank = |rank: u32| Some(rank.saturating_sub(up).max(1));
                    fusion.score(
                        Fusable { evidence, lexical_rank: rank(lexical_rank), dense_rank: rank(dense_rank) },
                        150.0,
                    )
                };
                prop_assert!(fuse(&better, up) >= fuse(&worse, 0) - 1e-5);
            }
        }

        /// Convex scores stay within 0 and 1 for anything, so that weights mean what they say.
        #[test]
        fn convex_is_bounded(words in 0f32..1e6, meaning in -2f32..2.0, bound in 0f32..1e3, weight in 0f32..=1.0) {
            let evidence = evidence(words, meaning);
            let fused = Fusion::Convex { dense_weight: weight }
                .score(Fusable { evidence: &evidence, lexical_rank: None, dense_rank: None }, bound);
            prop_assert!((0.0..=1.0001).contains(&fused));
        }
    }

    #[test]
    fn reciprocal_ranks_count_from_one() {
        let evidence = Evidence::default();
        let fused = Fusion::Rrf { k: 60.0 }.parts(
            Fusable {
                evidence: &evidence,
                lexical_rank: Some(1),
                dense_rank: None,
            },
            0.0,
        );
        assert_eq!(fused, [("lexical", 1.0 / 61.0), ("dense", 0.0)]);
    }
}
