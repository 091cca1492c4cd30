//! bge-small-zh-v1.5, run by this program on this machine.
//!
//! A text of more than 512 tokens, instruction and control tokens included, is read up to there and what follows is not
//! seen, as is what follows the first 32,768 characters; passages are split to fit before they get here.

use std::path::Path;

use super::config::Config;
use super::forward::Bert;
use super::onnx::OnnxFile;
use super::questions::QuestionTuning;
use super::tokenizer::Tokenizer;
use crate::compute::Budget;
use crate::embed::Embedder;
use crate::embed::batches::Batches;
use crate::error::{Error, Result};

/// What the model was trained to see before a question; before a passage it saw nothing.
const INSTRUCTION: &str = "为这个句子生成表示以用于检索相关文章：";

/// Characters of a text that are tokenised for each position of the model; no ordinary text needs more than a few, and
/// the rest is blanks.
const CHARACTERS_READ: usize = 64;

/// The weights that the shipped profile was learned for, by [`OnnxFile::digest`]: a damaged file is no other model.
pub(super) const DIGEST: u64 = 0xc35a_53cb_9a6e_eb71;

/// bge-small-zh-v1.5, loaded.
pub struct BertModel {
    identity: String,
    /// Which weights questions are read by.
    asked_by: String,
    tokenizer: Tokenizer,
    batches: Batches<Bert>,
    /// For questions, where something was learned about how people ask.
    questions: Option<Batches<Bert>>,
}

impl BertModel {
    /// Loads the model from its folder: `config.json`, `tokenizer.json` and `onnx/model_quantized.onnx`.
    ///
    /// # Errors
    /// `Missing` if a file is not there, `Unavailable` if one cannot be read, `Corrupt` if one is damaged or of a model
    /// that does not run here.
    pub fn open(folder: &Path, budget: Budget) -> Result<Self> {
        let tuning = QuestionTuning::shipped()?;
        BertModel::open_as(folder, Some(DIGEST), Some(&tuning), budget)
    }

    /// As [`BertModel::open`], whatever weights they are (the tests have small ones), and with questions read by a
    /// change of them if it was learned for these.
    pub(super) fn open_as(
        folder: &Path,
        expected: Option<u64>,
        tuning: Option<&QuestionTuning>,
        budget: Budget,
    ) -> Result<Self> {
        let config = Config::read(&folder.join("config.json"))?;
        let words = config.words;
        let (tokenizer, network) = budget.join(
            |_| Tokenizer::read(&folder.join("tokenizer.json"), words),
            |budget| {
                let file = OnnxFile::open(&folder.join("onnx/model_quantized.onnx"))?;
                let network = Bert::new(&file, config, budget)?;
                let tuning = tuning.filter(|tuning| tuning.is_of(file.digest()));
                let questions = tuning.map(|tuning| network.tuned(&file, tuning, budget)).transpose()?;
                Ok((file.digest(), network, questions))
            },
        );
        let (tokenizer, (digest, network, questions)) = (tokenizer?, network?);
        if let Some(expected) = expected
            && digest != expected
        {
            return Err(Error::corrupt(format!(
                "the model's file in {} is damaged, or of another model",
                folder.display()
            ))
            .help(
                "run `baowen model fetch`, which replaces it; another model is taken in by `baowen model import DIR`",
            ));
        }
        let identity = format!("bge-small-zh-v1.5 int8 {digest:016x}");
        let asked_by = match (tuning, &questions) {
            (Some(tuning), Some(_)) => format!("{identity} questions {:016x}", tuning.fingerprint()),
            _ => identity.clone(),
        };
        Ok(BertModel {
            identity,
            asked_by,
            tokenizer,
            batches: Batches::new(network),
            questions: questions.map(Batches::new),
        })
    }

    /// The tokenizer, for what wants the ids themselves.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    fn positions(&self) -> usize {
        self.batches.network().config().positions
    }

    /// The ids that the network sees for a text, cut at its positions.
    fn input(&self, instruction: &str, text: &str) -> Vec<u32> {
        // Bounds the work on a text that is far too long without changing what is read of an ordinary one.
        let text = match text.char_indices().nth(self.positions() * CHARACTERS_READ) {
            Some((at, _)) => &text[..at],
            None => text,
        };
        let ids = self.tokenizer.encode(&format!("{instruction}{text}"));
        self.tokenizer.with_controls(&ids, self.positions())
    }

    /// The ids that the network sees for a question.
    pub(super) fn question(&self, text: &str) -> Vec<u32> {
        self.input(INSTRUCTION, text)
    }

    /// The ids that the network sees for a passage.
    pub(super) fn passage(&self, text: &str) -> Vec<u32> {
        self.input("", text)
    }
}

impl Embedder for BertModel {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn asked_by(&self) -> &str {
        &self.asked_by
    }

    fn dimension(&self) -> usize {
        self.batches.network().config().hidden
    }

    fn max_tokens(&self) -> usize {
        self.positions() - 2
    }

    fn embed_queries(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        let batches = self.questions.as_ref().unwrap_or(&self.batches);
        batches.embed(texts, |text| self.question(text), budget)
    }

    fn embed_passages(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        self.batches.embed(texts, |text| self.passage(text), budget)
    }
}
