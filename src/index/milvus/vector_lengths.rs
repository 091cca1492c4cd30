//! By which lengths the sparse vectors of a generation are made.
//!
//! A sparse vector says what each of its terms adds to a passage's score, and that depends on how long the passage is
//! beside the average of the collection. The average changes with every commit, the vectors stay as they were sent; so
//! the lengths of what is sent first are taken for the average as long as the generation lives. What is found so is
//! scored again by the true averages, so these only have to be about right.

use serde::{Deserialize, Serialize};

use super::counts::Tokens;
use crate::index::scoring::{Bm25, CollectionCounts, FIELDS};
use crate::profile::Bm25Params;

/// So many typical passages are counted in besides: lengths that the first ones happen to have, such as no titles at
/// all, must not decide for good how words find passages.
const TYPICAL: u64 = 200;
/// Title words, title bigrams, text words, text bigrams of a typical passage.
const TYPICAL_TOKENS: Tokens = [8, 14, 90, 160];

/// Numbers of passages and of their tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VectorLengths {
    passages: u64,
    tokens: Tokens,
}

impl VectorLengths {
    /// Of a generation whose first passages are of these lengths.
    pub fn of<'a>(first: impl Iterator<Item = &'a [u32; FIELDS]>) -> Self {
        let mut lengths = VectorLengths {
            passages: TYPICAL,
            tokens: TYPICAL_TOKENS.map(|tokens| tokens * TYPICAL),
        };
        for passage in first {
            lengths.passages += 1;
            for (sum, tokens) in lengths.tokens.iter_mut().zip(passage) {
                *sum += u64::from(*tokens);
            }
        }
        lengths
    }

    /// What vectors are made by.
    pub fn bm25(&self, params: Bm25Params) -> Bm25 {
        Bm25::new(params, CollectionCounts::new(self.passages, self.tokens))
    }
}
