//! BERT encoders of the usual folder layout on our own kernels: bge-small-zh-v1.5, in the int8 form that ONNX's tools
//! make.
//!
//! - `config`: the sizes that `config.json` states.
//! - `onnx`: the weights, out of the ONNX file; of its graph only which weight a node takes.
//! - `tokenizer`: text to ids, as `tokenizer.json` says.
//! - `layer`: the weights of a transformer layer, packed. `forward`: the forward pass.
//! - `questions`: what was learned about how people ask, which changes the weights that questions are read by.
//! - `model`: the five together.
//!
//! Other graphs, and tokenizers of another kind, are refused with what is different.

mod config;
mod forward;
mod layer;
mod model;
mod onnx;
mod questions;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
mod tokenizer;

pub use model::BertModel;
