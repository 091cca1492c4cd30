//! A model that an index names and that cannot be opened, in its place: whatever it is asked, it says why.

use super::Embedder;
use crate::compute::Budget;
use crate::error::{Error, Result};

/// Stands for a model that cannot be opened.
pub struct Unopened {
    identity: String,
    dimension: usize,
    why: Error,
}

impl Unopened {
    /// In the place of the model of this identity, whose vectors have so many numbers.
    pub fn new(identity: &str, dimension: usize, why: Error) -> Self {
        Unopened {
            identity: identity.to_owned(),
            dimension,
            why,
        }
    }
}

impl Embedder for Unopened {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn max_tokens(&self) -> usize {
        usize::MAX
    }

    fn embed_queries(&self, _: &[&str], _: Budget) -> Result<Vec<Vec<f32>>> {
        Err(self.why.clone())
    }

    fn embed_passages(&self, _: &[&str], _: Budget) -> Result<Vec<Vec<f32>>> {
        Err(self.why.clone())
    }
}
