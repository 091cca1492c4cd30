//! multilingual-e5-small, run by this program on this machine.
//!
//! A text of more than 512 tokens, prefix and control tokens included, is read up to there and what follows is not seen,
//! as is what follows the first 32,768 characters; passages are split to fit before they get here.

use std::path::Path;
use std::sync::Arc;

use super::batches::Batches;
use super::file::ModelFile;
use super::forward::E5;
use super::tokenizer::Tokenizer;
use super::{CountTokens, Embedder};
use crate::compute::Budget;
use crate::error::Result;

/// What a text is to be compared as; the model was trained with a prefix for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Query,
    Passage,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Kind::Query => "query: ",
            Kind::Passage => "passage: ",
        }
    }
}

/// multilingual-e5-small, loaded.
pub struct E5Model {
    file: Arc<ModelFile>,
    identity: String,
    tokenizer: Tokenizer,
    batches: Batches<E5>,
    max_tokens: usize,
}

impl E5Model {
    /// Loads the model from its file.
    ///
    /// # Errors
    /// Those of [`ModelFile::open`], and `Corrupt` if the file holds another kind of model.
    pub fn open(path: &Path) -> Result<Self> {
        let file = Arc::new(ModelFile::open(path)?);
        let ((tokenizer, digest), network) = Budget::all().join(
            |budget| budget.join(|_| Tokenizer::new(&file), |_| file.digest()),
            |budget| E5::new(Arc::clone(&file), budget),
        );
        let (tokenizer, network) = (tokenizer?, network?);
        let prefix = tokenizer.encode(Kind::Passage.prefix().trim_end()).len();
        Ok(E5Model {
            identity: format!("multilingual-e5-small q4 {digest:016x}"),
            max_tokens: file.shape().positions.saturating_sub(2 + prefix),
            tokenizer,
            batches: Batches::new(network),
            file,
        })
    }

    /// The tokenizer, for what wants the ids themselves.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The file, for what wants to describe the model.
    pub fn file(&self) -> &ModelFile {
        &self.file
    }

    /// The ids that the network sees for a text: control tokens around prefix and text, cut at its positions.
    pub(super) fn input(&self, kind: Kind, text: &str) -> Vec<u32> {
        let shape = self.file.shape();
        let [begin, end, ..] = shape.controls;
        // Bounds the work on a text that is far too long without changing what is read of an ordinary one.
        let text = match text.char_indices().nth(shape.positions * CHARACTERS_READ) {
            Some((at, _)) => &text[..at],
            None => text,
        };
        let content = self.tokenizer.encode(&format!("{}{text}", kind.prefix()));
        let content = content.iter().take(shape.positions - 2);
        std::iter::once(begin)
            .chain(content.copied())
            .chain(std::iter::once(end))
            .collect()
    }
}

/// Characters of a text that are tokenised for each position of the model; no ordinary text needs more than the
/// longest piece, 16 characters, and the rest is blanks.
const CHARACTERS_READ: usize = 64;

impl CountTokens for E5Model {
    fn count_tokens(&self, text: &str) -> usize {
        self.tokenizer.encode(text).len()
    }

    fn max_tokens(&self) -> usize {
        self.max_tokens
    }
}

impl Embedder for E5Model {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn dimension(&self) -> usize {
        self.file.shape().hidden
    }

    fn embed_queries(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        self.batches.embed(texts, |text| self.input(Kind::Query, text), budget)
    }

    fn embed_passages(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        self.batches
            .embed(texts, |text| self.input(Kind::Passage, text), budget)
    }
}
