//! The default embedder: the model file run by this program on this machine.
//!
//! A single text runs on the caller's thread, helped by others if the caller allows it and the model is not working on
//! anything else. Several texts are laid into batches of about equal length and the batches are divided among the threads,
//! longest first. A text of more than 512 tokens, prefix and control tokens included, is read up to there and what
//! follows is not seen, as is what follows the first 32,768 characters; passages are split to fit before they get here.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::fetch::E5_FILE;
use super::file::ModelFile;
use super::forward::{Network, Scratch};
use super::tokenizer::Tokenizer;
use super::{CountTokens, Embedder};
use crate::compute::Budget;
use crate::error::Result;

/// Tokens of a batch, unless a single text has more: enough to unpack the weights seldom, few enough for their
/// activations to stay in the second-level cache.
const BATCH: usize = 256;
/// Below this many tokens a batch is not split further to keep another core busy.
const SMALL_BATCH: usize = 64;
/// A single text is shared between threads so that each has at least so many tokens.
const SMALL_PART: usize = 4;

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
pub struct LocalModel {
    file: Arc<ModelFile>,
    identity: String,
    tokenizer: Tokenizer,
    network: Network,
    max_tokens: usize,
    /// Buffers of finished runs; at most as many as ran at once.
    scratch: Mutex<Vec<Scratch>>,
}

impl LocalModel {
    /// Loads the model from its folder (see [`super::model_dir`]).
    ///
    /// # Errors
    /// Those of [`ModelFile::open`], and `Corrupt` if the file holds another kind of model.
    pub fn open(folder: &Path) -> Result<Self> {
        Self::open_file(&folder.join(E5_FILE))
    }

    /// Loads the model from a file of any name.
    ///
    /// # Errors
    /// As for [`LocalModel::open`].
    pub fn open_file(path: &Path) -> Result<Self> {
        let file = Arc::new(ModelFile::open(path)?);
        let ((tokenizer, digest), network) = Budget::all().join(
            |budget| budget.join(|_| Tokenizer::new(&file), |_| file.digest()),
            |budget| Network::new(Arc::clone(&file), budget),
        );
        let (tokenizer, network) = (tokenizer?, network?);
        let prefix = tokenizer.encode(Kind::Passage.prefix().trim_end()).len();
        Ok(LocalModel {
            identity: format!("multilingual-e5-small q4 {digest:016x}"),
            max_tokens: file.shape().positions.saturating_sub(2 + prefix),
            tokenizer,
            network,
            file,
            scratch: Mutex::default(),
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

    fn embed(&self, kind: Kind, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        if let [text] = texts {
            let vector = self.run_single(&self.input(kind, text), budget);
            return vector.map(|vector| vec![vector]);
        }
        let inputs: Vec<Vec<u32>> = budget.map(texts, |text, _| self.input(kind, text));
        let mut order: Vec<usize> = (0..inputs.len()).collect();
        order.sort_by_key(|&i| (std::cmp::Reverse(inputs[i].len()), i));
        let total: usize = inputs.iter().map(Vec::len).sum();
        let room = (total / budget.threads).clamp(SMALL_BATCH, BATCH);
        let mut batches: Vec<Vec<usize>> = Vec::new();
        let mut filled = usize::MAX;
        for i in order {
            match batches.last_mut() {
                Some(batch) if filled + inputs[i].len() <= room => batch.push(i),
                _ => {
                    batches.push(vec![i]);
                    filled = 0;
                }
            }
            filled += inputs[i].len();
        }
        let results = budget.try_map(&batches, |batch, budget| {
            budget.check()?;
            self.run(&batch.iter().map(|&i| inputs[i].as_slice()).collect::<Vec<_>>())
        })?;
        let mut vectors = vec![Vec::new(); texts.len()];
        for (i, vector) in batches.iter().flatten().zip(results.into_iter().flatten()) {
            vectors[*i] = vector;
        }
        Ok(vectors)
    }

    fn run_single(&self, input: &[u32], budget: Budget) -> Result<Vec<f32>> {
        let in_step = budget.in_step();
        let parts = in_step.threads().min(input.len() / SMALL_PART);
        if parts <= 1 {
            return Ok(self.run(&[input])?.pop().unwrap_or_default());
        }
        let pool = || self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratches: Vec<Scratch> = {
            let mut pool = pool();
            (0..parts).map(|_| pool.pop().unwrap_or_default()).collect()
        };
        let vector = self.network.run_shared(input, &mut scratches, &in_step);
        pool().extend(scratches);
        vector
    }

    fn run(&self, inputs: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
        // A thread that panicked while it held the pool left it whole: it only pushes and pops.
        let pool = || self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = pool().pop().unwrap_or_default();
        let vectors = self.network.run(inputs, &mut scratch);
        pool().push(scratch);
        vectors
    }
}

/// Characters of a text that are tokenised for each position of the model; no ordinary text needs more than the
/// longest piece, 16 characters, and the rest is blanks.
const CHARACTERS_READ: usize = 64;

impl CountTokens for LocalModel {
    fn count_tokens(&self, text: &str) -> usize {
        self.tokenizer.encode(text).len()
    }

    fn max_tokens(&self) -> usize {
        self.max_tokens
    }
}

impl Embedder for LocalModel {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn dimension(&self) -> usize {
        self.file.shape().hidden
    }

    fn embed_queries(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        self.embed(Kind::Query, texts, budget)
    }

    fn embed_passages(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        self.embed(Kind::Passage, texts, budget)
    }
}
