//! Models that a user brings, as ONNX graphs in the layout of a model hub: encoders and cross-encoders of the BERT and
//! XLM-RoBERTa kind.
//!
//! - [`encoder`], [`cross_encoder`]: what is made of a folder (`super::folder`).
//! - [`tokens`]: text to ids, by the `tokenizers` crate. [`graph`]: ids to numbers, by the `rten` crate.
//! - [`identity`]: a name that changes with whatever changes a vector.
//! - [`guard`]: errors and panics of both become our errors.
//!
//! Slower than the default model on our own kernels and made for any model; behind the feature `onnx`.

mod cross_encoder;
mod encoder;
mod graph;
mod guard;
mod identity;
#[cfg(test)]
mod tests;
mod tokens;

pub use cross_encoder::OnnxReranker;
pub use encoder::OnnxEncoder;
