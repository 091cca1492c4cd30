//! A cross-encoder out of a model's folder: question and passage, read together by an ONNX graph, to relevance.

use super::graph::Graph;
use super::identity::identity;
use super::tokens::Tokens;
use crate::compute::Budget;
use crate::embed::Reranker;
use crate::embed::folder::{ModelFolder, Role};
use crate::error::{Error, Result};

/// The output of a classifier.
const OUTPUTS: [&str; 1] = ["logits"];
/// A pair that every model can score.
const PROBE: &str = "医保";

/// An ONNX cross-encoder, loaded. Its relevance is the logit of its one output.
pub struct OnnxReranker {
    identity: String,
    tokens: Tokens,
    graph: Graph,
}

impl OnnxReranker {
    /// Opens the model of a folder and scores a first pair with it.
    ///
    /// # Errors
    /// `Caller` for an encoder's folder, `Corrupt` for damaged files and for a graph of more than one score,
    /// `Unavailable` if a file cannot be read.
    pub fn open(folder: &ModelFolder) -> Result<Self> {
        let at = folder.path.display();
        if folder.role != Role::Reranker {
            return Err(Error::caller(format!("{at} holds an encoder, which scores no pairs"))
                .help("a reranker's config.json names an architecture that ends in ForSequenceClassification"));
        }
        let reranker = OnnxReranker {
            identity: identity(folder)?,
            tokens: Tokens::open(&folder.tokenizer, folder.most_tokens)?,
            graph: Graph::open(&folder.graph, &OUTPUTS)?,
        };
        reranker.relevance(PROBE, PROBE, 1).map_err(|error| error.context(at))?;
        Ok(reranker)
    }

    fn relevance(&self, query: &str, passage: &str, threads: usize) -> Result<f32> {
        let output = self.graph.run(&self.tokens.pair(query, passage)?, threads)?;
        match output.numbers[..] {
            [relevance] => Ok(relevance),
            _ => Err(Error::corrupt(format!(
                "the graph gives {} numbers for a pair; a reranker gives one",
                output.numbers.len()
            ))),
        }
    }
}

impl Reranker for OnnxReranker {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn rerank(&self, query: &str, passages: &[&str], budget: Budget) -> Result<Vec<f32>> {
        let scored = budget.try_map(passages, |passage, budget| match budget.check() {
            Ok(()) => self.relevance(query, passage, budget.threads).map(Some),
            // Nobody waits for it any more; those before it were scored in time.
            Err(_) => Ok(None),
        })?;
        Ok(scored.into_iter().map_while(|relevance| relevance).collect())
    }
}
