//! The sizes of a model, from its `config.json`: each checked, and whatever the forward pass does not do refused.

use std::path::Path;

use crate::error::{Context as _, Error, Fault, Result};
use crate::kernel::{GROUP, HEADS};

/// The longest `config.json` and `tokenizer.json` that are read, in bytes.
const LONGEST: u64 = 64 << 20;

/// The sizes of a model.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
pub(super) struct Config {
    /// Width of a token's activations, and of the embedding.
    #[serde(rename = "hidden_size")]
    pub hidden: usize,
    /// Transformer layers.
    #[serde(rename = "num_hidden_layers")]
    pub layers: usize,
    /// Attention heads.
    #[serde(rename = "num_attention_heads")]
    pub heads: usize,
    /// Width between the two linear layers of a feed-forward block.
    #[serde(rename = "intermediate_size")]
    pub feed_forward: usize,
    /// Rows of the word embedding.
    #[serde(rename = "vocab_size")]
    pub words: usize,
    /// The longest input, control tokens included.
    #[serde(rename = "max_position_embeddings")]
    pub positions: usize,
    /// Rows of the token type embedding; only the first is used.
    #[serde(rename = "type_vocab_size")]
    pub types: usize,
    /// Added to the variance in each layer norm.
    #[serde(rename = "layer_norm_eps")]
    pub epsilon: f32,
    model_type: String,
    hidden_act: String,
    #[serde(default = "absolute")]
    position_embedding_type: String,
}

fn absolute() -> String {
    "absolute".into()
}

impl Config {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// `Missing` or `Unavailable` if it cannot be read, `Corrupt` if it describes no model that runs here.
    pub fn read(path: &Path) -> Result<Self> {
        let config: Config = read_json(path)?;
        config.check().map_err(|cause| corrupt(path, cause))?;
        Ok(config)
    }

    /// Components of an attention head.
    pub fn head(&self) -> usize {
        self.hidden / self.heads
    }

    fn check(&self) -> Result<(), String> {
        let sizes = [
            ("hidden_size", self.hidden, 1 << 12),
            ("num_hidden_layers", self.layers, 1 << 7),
            ("num_attention_heads", self.heads, 1 << 7),
            ("intermediate_size", self.feed_forward, 1 << 14),
            ("vocab_size", self.words, 1 << 20),
            ("max_position_embeddings", self.positions, 1 << 13),
            ("type_vocab_size", self.types, 1 << 10),
        ];
        if let Some((name, size, most)) = sizes.iter().find(|(_, size, most)| !(1..=*most).contains(size)) {
            return Err(format!("{name} is {size}, not in 1 to {most}"));
        }
        for (name, size) in [("hidden_size", self.hidden), ("intermediate_size", self.feed_forward)] {
            if !size.is_multiple_of(GROUP) {
                return Err(format!("{name} is {size}, not a multiple of {GROUP}"));
            }
        }
        if !self.hidden.is_multiple_of(self.heads) || !HEADS.contains(&self.head()) {
            return Err(format!(
                "{} heads in {} make none of the widths {HEADS:?}",
                self.heads, self.hidden
            ));
        }
        if self.positions < 8 || !(self.epsilon.is_finite() && self.epsilon >= 0.0) {
            let (positions, epsilon) = (self.positions, self.epsilon);
            return Err(format!("{positions} positions and epsilon {epsilon} make no model"));
        }
        for (name, value, expected) in [
            ("model_type", &self.model_type, "bert"),
            ("hidden_act", &self.hidden_act, "gelu"),
            ("position_embedding_type", &self.position_embedding_type, "absolute"),
        ] {
            if value != expected {
                return Err(format!("{name} is {value:?}, and only {expected:?} runs here"));
            }
        }
        Ok(())
    }
}

/// Reads a JSON file of the model's folder.
///
/// # Errors
/// `Missing` or `Unavailable` if it cannot be read, `Corrupt` if it is too long or not of the form expected.
pub(super) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let doing = || format!("reading {}", path.display());
    let length =
        std::fs::metadata(path).map_err(|cause| Error::new(Fault::of_io(&cause), format!("{}: {cause}", doing())))?;
    if length.len() > LONGEST {
        return Err(corrupt(path, format!("it has {} bytes", length.len())));
    }
    let text = std::fs::read(path).or_fault(Fault::Unavailable, doing())?;
    serde_json::from_slice(&text).map_err(|cause| corrupt(path, cause))
}

/// An error about a file of the model.
pub(super) fn corrupt(path: &Path, cause: impl std::fmt::Display) -> Error {
    Error::corrupt(format!("the embedding model's {}: {cause}", path.display())).help("run `baowen model fetch`")
}
