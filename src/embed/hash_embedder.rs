//! A test double: an embedder without a model, for tests that need vectors and not meaning.
//!
//! Texts that share characters get close vectors, nothing more. No command and no setting can choose it; it is not
//! behind `cfg(test)` only because integration tests link the library as anyone else does.

use xxhash_rust::xxh3::xxh3_64;

use super::Embedder;
use crate::compute::Budget;
use crate::error::Result;
use crate::kernel::normalize;

/// The test double: hashed character 1-grams and 2-grams, deterministic on every machine.
#[derive(Debug, Clone)]
pub struct HashEmbedder {
    identity: String,
    dimension: usize,
}

impl HashEmbedder {
    /// A double with vectors of `dimension` numbers (at least 1).
    pub fn new(dimension: usize) -> Self {
        let dimension = dimension.max(1);
        HashEmbedder {
            identity: format!("test double {dimension}"),
            dimension,
        }
    }

    fn vector(&self, text: &str) -> Vec<f32> {
        let mut out = vec![0.0; self.dimension];
        let mut add = |gram: &[u8]| {
            let hash = xxh3_64(gram);
            let sign = if hash >> 63 == 0 { 1.0 } else { -1.0 };
            out[(hash % self.dimension as u64) as usize] += sign;
        };
        let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        starts.windows(2).for_each(|w| add(&text.as_bytes()[w[0]..w[1]]));
        starts.windows(3).for_each(|w| add(&text.as_bytes()[w[0]..w[2]]));
        if out.iter().all(|x| *x == 0.0) {
            out[0] = 1.0;
        }
        normalize(&mut out);
        out
    }
}

impl Embedder for HashEmbedder {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn max_tokens(&self) -> usize {
        500
    }

    fn embed_queries(&self, texts: &[&str], _: Budget) -> Result<Vec<Vec<f32>>> {
        Ok(texts.iter().map(|text| self.vector(text)).collect())
    }

    fn embed_passages(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        self.embed_queries(texts, budget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::dot_f32;

    #[test]
    fn equal_texts_are_equal_and_shared_characters_are_close() {
        let double = HashEmbedder::new(64);
        let v = double
            .embed_passages(
                &["医保报销比例", "医保报销多少", "天气预报", "", "医保报销比例"],
                Budget::single(),
            )
            .unwrap();
        assert!(v.iter().all(|v| v.len() == 64 && (dot_f32(v, v) - 1.0).abs() < 1e-5));
        assert_eq!(v[0], v[4]);
        assert!(dot_f32(&v[0], &v[1]) > dot_f32(&v[0], &v[2]) + 0.2);
        assert_eq!(
            double.embed_queries(&["医保报销比例"], Budget::single()).unwrap()[0],
            v[0]
        );
    }
}
