//! Question and passage to relevance: the trait of what reads both together, which is slower and nearer the truth than
//! comparing their vectors. It never knows where the passages come from, nor what becomes of their scores.

use crate::compute::Budget;
use crate::error::Result;

/// Says how well each of a few passages answers a question.
pub trait Reranker: Send + Sync {
    /// Names the model and its weights; scores of different identities must not be compared.
    fn identity(&self) -> &str;

    /// One finite relevance a passage, higher is better, on the model's own scale. In the order of the passages, and of
    /// the first ones only where the budget's deadline comes before all are scored, or the model failed after them.
    ///
    /// # Errors
    /// If the model is not available or gives what is no number; never because of what a text says, and not for a
    /// deadline that has passed.
    fn rerank(&self, query: &str, passages: &[&str], budget: Budget) -> Result<Vec<f32>>;

    /// Whether its scale is from 0 to 1 already; else any number, 0 in the middle.
    fn is_from_0_to_1(&self) -> bool {
        false
    }
}
