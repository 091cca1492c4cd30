//! What is counted of a collection: articles, passages, lengths, the sum of all vectors, and in how many titles and
//! texts each term stands. Counts are added up and taken off, so that they are those of what is there.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::terms::TermId;
use crate::error::{Context, Error, Fault, Result};
use crate::index::scoring::{CollectionCounts, FIELDS};

/// Numbers of tokens by field. It has a name because `derive(Deserialize)` makes a constant `FIELDS` beside the type it
/// is for, which would be taken for ours.
pub type Tokens = [u64; FIELDS];

/// Sums over all passages.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    /// Articles.
    pub articles: u64,
    /// Passages.
    pub passages: u64,
    /// Tokens of each field.
    pub tokens: Tokens,
    /// The sum of all vectors, which `verify` compares.
    #[serde(with = "base64_f64")]
    pub vectors: Vec<f64>,
}

impl Sums {
    /// Of nothing, for vectors of so many numbers.
    pub fn new(dimension: usize) -> Self {
        Sums {
            vectors: vec![0.0; dimension],
            ..Sums::default()
        }
    }

    /// What the words are weighed by.
    pub fn counts(&self) -> CollectionCounts {
        CollectionCounts::new(self.passages, self.tokens)
    }
}

/// What a commit changes: sums, and the counts of terms.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Titles and texts that hold each term, more or less than before.
    pub terms: HashMap<TermId, [i64; 2]>,
}

impl Changes {
    /// Counts a passage in or, with -1, out.
    pub fn passage(
        &mut self,
        sums: &mut Sums,
        by: i64,
        lengths: &[u32; FIELDS],
        vector: &[f32],
        terms: impl Iterator<Item = (TermId, [u32; 2])>,
    ) -> Result<()> {
        let added = |sum: u64, number: u64| sum.checked_add_signed(by * number as i64);
        let wrong = || Error::corrupt("more is taken off the counts of the index than there is").help("copy the index");
        sums.passages = added(sums.passages, 1).ok_or_else(wrong)?;
        for (sum, length) in sums.tokens.iter_mut().zip(lengths) {
            *sum = added(*sum, u64::from(*length)).ok_or_else(wrong)?;
        }
        for (sum, x) in sums.vectors.iter_mut().zip(vector) {
            *sum += by as f64 * f64::from(*x);
        }
        for (term, held) in terms {
            let counts = self.terms.entry(term).or_default();
            (0..2).for_each(|field| counts[field] += by * i64::from(held[field].min(1)));
        }
        Ok(())
    }
}

/// Bytes as text.
pub fn encoded(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Text as the bytes that it was made of.
pub fn decoded(text: &str) -> Result<Vec<u8>> {
    STANDARD
        .decode(text)
        .or_fault(Fault::Corrupt, "reading bytes that Milvus kept")
}

/// Numbers to the last bit, and shorter than in decimals.
mod base64_f64 {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(numbers: &[f64], to: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        to.serialize_str(&super::encoded(&bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
        let bytes = super::decoded(&String::deserialize(from)?).map_err(D::Error::custom)?;
        let number = |bytes: &[u8]| bytes.try_into().map(f64::from_le_bytes).map_err(D::Error::custom);
        bytes.chunks(8).map(number).collect()
    }
}
