//! The sentences of a passage by meaning: their vectors in 2 bits a value, read with the passage when it is shown.
//!
//! They tell which sentence of a hit answers, and rank nothing, so they lie with the passage's text and cost no memory.
//! By 2 bits the right sentence is chosen as often as by the vectors themselves (`docs/results/2026-11-30-answers.md`);
//! of a window (`windows`), whose cosine is part of a score, 4 bits are kept.
//!
//! The bytes: of each sentence how much of its passage's vector it holds and the scale of the rest (f16,
//! little-endian), then four codes a byte, the first in the lowest bits. Codes 0 to 3 stand for -3, -1, 1 and 3.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use half::f16;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::windows::{coded, largest};
use crate::kernel::dot_f32;

/// Bytes of a sentence's share and scale.
const HEAD: usize = 4;

/// The vectors of one passage's sentences, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SentenceVectors(Vec<u8>);

impl SentenceVectors {
    /// Makes them of L2-normalised vectors, all of the dimension of their passage's vector. One with a value that is
    /// not finite counts as zeros.
    pub fn new<'a>(passage: &[f32], vectors: impl IntoIterator<Item = &'a [f32]>) -> Self {
        let mut bytes = Vec::new();
        for vector in vectors {
            let share = f16::from_f32(dot_f32(vector, passage));
            let share = if share.is_finite() { share } else { f16::ZERO };
            let rest: Vec<f32> = (vector.iter().zip(passage))
                .map(|(x, of)| x - share.to_f32() * of)
                .collect();
            let (scale, codes) = match largest(&rest) {
                Some(largest) if largest > 0.0 => coded::<4>(&rest, largest),
                _ => (0.0, vec![0; rest.len()]),
            };
            bytes.extend(share.to_le_bytes());
            bytes.extend(f16::from_f32(scale).to_le_bytes());
            let four = |codes: &[u8]| codes.iter().rev().fold(0, |byte, code| byte << 2 | code);
            bytes.extend(codes.chunks(4).map(four));
        }
        SentenceVectors(bytes)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bytes they take.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }

    /// Each sentence's cosine with a question of the same model; `passage` is its passage's. What is left over behind
    /// whole sentences is not looked at.
    pub fn cosines(&self, question: &[f32], passage: f32) -> Vec<f32> {
        let cosine = |bytes: &[u8]| {
            let [share, scale] =
                [[bytes[0], bytes[1]], [bytes[2], bytes[3]]].map(|two| f16::from_le_bytes(two).to_f32());
            let numbers = |(byte, values): (&u8, &[f32])| -> f32 {
                let number = |at: usize| f32::from(byte >> (2 * at) & 3) * 2.0 - 3.0;
                values.iter().enumerate().map(|(at, value)| number(at) * value).sum()
            };
            let rest: f32 = bytes[HEAD..].iter().zip(question.chunks(4)).map(numbers).sum();
            let cosine = share * passage + scale * rest;
            // Damaged bytes may say anything.
            if cosine.is_finite() {
                cosine.clamp(-1.0, 1.0)
            } else {
                0.0
            }
        };
        self.0
            .chunks_exact(HEAD + question.len().div_ceil(4))
            .map(cosine)
            .collect()
    }
}

impl Serialize for SentenceVectors {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for SentenceVectors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64
            .decode(text)
            .map(SentenceVectors)
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::super::windows::tests::vector;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cosines_are_near_the_real_ones_and_are_read_back(
            dimension in prop::sample::select(vec![1usize, 3, 8, 33, 384, 512]),
            seed in 10u64..1_000,
        ) {
            let (question, passage) = (vector(seed, dimension), vector(seed + 1_000, dimension));
            let vectors: Vec<Vec<f32>> = (1..5).map(|at| vector(seed + 2_000 * at, dimension)).collect();
            let sentences = SentenceVectors::new(&passage, vectors.iter().map(Vec::as_slice));
            let text = serde_json::to_string(&sentences).unwrap();
            prop_assert_eq!(&serde_json::from_str::<SentenceVectors>(&text).unwrap(), &sentences);
            let found = sentences.cosines(&question, dot_f32(&question, &passage));
            prop_assert_eq!(found.len(), 4);
            for (found, vector) in found.iter().zip(&vectors) {
                let exact = dot_f32(vector, &question);
                let allowed = 2.0 / (dimension as f32).sqrt() + 0.001;
                prop_assert!((found - exact).abs() < allowed.min(0.4 + 1.0 / dimension as f32), "{found} {exact}");
            }
        }

        /// No bytes of a damaged file and no values of a foreign vector end a search.
        #[test]
        fn any_bytes_and_any_values_are_taken(
            bytes in prop::collection::vec(any::<u8>(), 0..60),
            values in prop::collection::vec(any::<f32>(), 0..20),
            passage in prop::collection::vec(any::<f32>(), 0..20),
        ) {
            let made = SentenceVectors::new(&passage, [&values[..]]);
            prop_assert!(!made.is_empty());
            let read = SentenceVectors(bytes.clone());
            for cosines in [made.cosines(&passage, 0.5), read.cosines(&values, 0.5)] {
                prop_assert!(cosines.len() <= made.bytes().max(bytes.len()) && cosines.iter().all(|x| x.abs() <= 1.0));
            }
        }
    }
}
