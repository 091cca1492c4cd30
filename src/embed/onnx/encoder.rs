//! An encoder out of a model's folder: text to vector by an ONNX graph.

use super::graph::{Graph, Output};
use super::identity::identity;
use super::tokens::Tokens;
use crate::compute::Budget;
use crate::embed::Embedder;
use crate::embed::folder::{ModelFolder, Pooling, Role};
use crate::error::{Error, Result};
use crate::kernel::normalize;

/// Outputs that hold text or token vectors, the first that is there is taken.
const OUTPUTS: [&str; 3] = ["sentence_embedding", "last_hidden_state", "token_embeddings"];
/// A text that every model can embed.
const PROBE: &str = "医保";

/// An ONNX encoder, loaded.
pub struct OnnxEncoder {
    identity: String,
    dimension: usize,
    max_tokens: usize,
    tokens: Tokens,
    graph: Graph,
    pooling: Option<Pooling>,
    query_prompt: String,
    passage_prompt: String,
}

impl OnnxEncoder {
    /// Opens the model of a folder and embeds a first text with it.
    ///
    /// # Errors
    /// `Caller` for a reranker's folder and one that does not say how to pool token vectors, `Corrupt` for damaged
    /// files, `Unavailable` if one cannot be read.
    pub fn open(folder: &ModelFolder) -> Result<Self> {
        let at = folder.path.display();
        if folder.role != Role::Encoder {
            return Err(Error::caller(format!("{at} holds a reranker, which makes no vectors")));
        }
        let tokens = Tokens::open(&folder.tokenizer, folder.most_tokens)?;
        let prompts = [&folder.query_prompt, &folder.passage_prompt];
        let mut taken = 0;
        for prompt in prompts {
            taken = taken.max(tokens.text(prompt)?.ids.len());
        }
        if taken >= folder.most_tokens {
            return Err(Error::corrupt(format!(
                "{at}: a prompt leaves no room for a text: {taken} of {} tokens",
                folder.most_tokens
            )));
        }
        let mut encoder = OnnxEncoder {
            identity: identity(folder)?,
            dimension: 0,
            max_tokens: folder.most_tokens - taken,
            tokens,
            graph: Graph::open(&folder.graph, &OUTPUTS)?,
            pooling: folder.pooling,
            query_prompt: folder.query_prompt.clone(),
            passage_prompt: folder.passage_prompt.clone(),
        };
        encoder.dimension = encoder.vector("", PROBE, 1).map_err(|error| error.context(at))?.len();
        Ok(encoder)
    }

    fn vector(&self, prompt: &str, text: &str, threads: usize) -> Result<Vec<f32>> {
        let input = self.tokens.text(&format!("{prompt}{text}"))?;
        let output = self.graph.run(&input, threads)?;
        let mut vector = self.pooled(output, input.ids.len())?;
        if self.dimension != 0 && vector.len() != self.dimension {
            return Err(Error::corrupt(format!(
                "a vector of {} numbers came back, before they had {}",
                vector.len(),
                self.dimension
            )));
        }
        normalize(&mut vector);
        // All zeros have no direction.
        if vector.iter().all(|x| x.is_finite()) && vector.iter().any(|x| *x != 0.0) {
            Ok(vector)
        } else {
            Err(Error::corrupt(
                "the vector of a text has no direction: it is zero, or as good as",
            ))
        }
    }

    fn pooled(&self, output: Output, tokens: usize) -> Result<Vec<f32>> {
        let Output { shape, numbers } = output;
        match (&shape[..], self.pooling) {
            // The graph has pooled already.
            (&[width], _) if width > 1 => Ok(numbers),
            (&[found, width], Some(pooling)) if found == tokens && width > 1 => Ok(match pooling {
                Pooling::First => numbers[..width].to_vec(),
                Pooling::Mean => mean(&numbers, width),
            }),
            (&[found, _], None) if found == tokens => Err(Error::caller(
                "the graph gives a vector a token, and the folder does not say how they become one",
            )
            .help("say it with `baowen model import DIR --pooling cls|mean`, which writes 1_Pooling/config.json")),
            _ => Err(Error::corrupt(format!(
                "the graph's output has the shape {shape:?} for a text of {tokens} tokens; \
                 a vector, or one a token, is needed"
            ))),
        }
    }

    fn embed(&self, prompt: &str, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        budget.try_map(texts, |text, budget| {
            budget.check()?;
            self.vector(prompt, text, budget.threads)
        })
    }
}

/// The mean of rows of this width; there is at least one.
fn mean(rows: &[f32], width: usize) -> Vec<f32> {
    let mut sum = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    let count = (rows.len() / width) as f32;
    sum.iter_mut().for_each(|sum| *sum /= count);
    sum
}

impl Embedder for OnnxEncoder {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    fn embed_queries(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        self.embed(&self.query_prompt, texts, budget)
    }

    fn embed_passages(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        self.embed(&self.passage_prompt, texts, budget)
    }
}
