//! Text to vector: the trait [`Embedder`] and what implements it.
//!
//! - [`bert`], which `batches` runs: bge-small-zh-v1.5 on our own kernels, the default. [`fetch`]: gets models. `http`:
//!   requests, for what needs them.
//! - [`models`]: the models that are there, by name. `import`: another one taken in.
//!   `unopened`: one that cannot be opened, and says why. `folder`: one of them, in a hub's layout. `onnx` (a feature):
//!   runs one of them.
//! - [`rerank`]: question and passage to relevance, where a vector each is not enough.
//! - `cache`: vectors of texts that were embedded before, on disk; `cached`: an embedder that asks it first.
//!   `question_cache`: those of questions, in memory.
//! - [`hash_embedder`]: a stand-in without a model, for tests.
//!
//! It never knows what an article, a passage or an index is.

use std::ops::Range;

use crate::compute::Budget;
use crate::error::{Error, Result};

mod batches;
pub mod bert;
mod cache;
mod cached;
#[cfg(feature = "http")]
pub mod endpoint;
mod endpoint_identity;
pub mod fetch;
mod folder;
pub mod hash_embedder;
#[cfg(feature = "http")]
mod http;
pub mod import;
pub mod models;
#[cfg(feature = "onnx")]
pub mod onnx;
mod open;
mod question_cache;
mod rerank;
mod unopened;

pub use bert::BertModel;
pub use cache::VectorCache;
pub use cached::CachedEmbedder;
pub use endpoint_identity::model_name;
pub use fetch::{FetchStep, fetch, model_dir};
pub use folder::{ModelFolder, Pooling, Role};
pub use hash_embedder::HashEmbedder;
pub use models::Models;
pub use question_cache::QuestionCache;
pub use rerank::Reranker;
pub use unopened::Unopened;

/// Questions that wait for one endpoint at a time; more go without it at once. What answers questions needs so many
/// threads more than it computes with.
pub const QUESTIONS: usize = 32;

/// A passage and those of its parts that have vectors of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parted<'a> {
    /// The passage.
    pub text: &'a str,
    /// Ranges of its bytes, at borders of characters.
    pub parts: &'a [Range<usize>],
}

impl<'a> Parted<'a> {
    /// A passage of which no part has a vector of its own.
    pub fn whole(text: &'a str) -> Self {
        Parted { text, parts: &[] }
    }

    /// How many vectors it has: its own and one a part.
    pub fn vectors(&self) -> usize {
        1 + self.parts.len()
    }

    /// The passage, then its parts.
    pub fn texts(self) -> impl Iterator<Item = &'a str> {
        let parts = self.parts.iter().map(move |part| &self.text[part.clone()]);
        std::iter::once(self.text).chain(parts)
    }
}

/// Makes vectors of texts. Vectors are L2-normalised, so that their dot product is their cosine.
pub trait Embedder: Send + Sync {
    /// Names the model and its weights: vectors are comparable if and only if their embedders' identities are equal.
    fn identity(&self) -> &str;

    /// Names what questions are read by: that decides whether a question's vector that was kept is still the one that
    /// would be made. As a rule it is the model that passages are read by; else it begins with that one's identity.
    fn asked_by(&self) -> &str {
        self.identity()
    }

    /// Numbers in a vector.
    fn dimension(&self) -> usize;

    /// The most tokens of a text that the model reads; what lies behind them is cut off.
    fn max_tokens(&self) -> usize;

    /// One vector for each question, in order; they do not depend on the budget's threads.
    ///
    /// # Errors
    /// If the embedder is not available; never because of what a text says. `Deadline` if the budget's has passed.
    fn embed_queries(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>>;

    /// The vector of one question.
    ///
    /// # Errors
    /// As for [`Embedder::embed_queries`].
    fn embed_query(&self, text: &str, budget: Budget) -> Result<Vec<f32>> {
        let vector = self.embed_queries(&[text], budget)?.pop();
        vector.ok_or_else(|| Error::bug("a question was left without a vector"))
    }

    /// One vector for each passage, in order.
    ///
    /// # Errors
    /// As for [`Embedder::embed_queries`].
    fn embed_passages(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>>;

    /// Whether a part's vector comes out of the reading of its passage: it costs next to nothing beside the passage's,
    /// and knows what the part stands in. Otherwise a part is a text like any other.
    fn reads_parts(&self) -> bool {
        false
    }

    /// The vector of each passage and, behind it, those of its parts, all in order.
    ///
    /// # Errors
    /// As for [`Embedder::embed_queries`].
    fn embed_parted(&self, texts: &[Parted<'_>], budget: Budget) -> Result<Vec<Vec<f32>>> {
        let texts: Vec<&str> = texts.iter().copied().flat_map(Parted::texts).collect();
        self.embed_passages(&texts, budget)
    }
}
