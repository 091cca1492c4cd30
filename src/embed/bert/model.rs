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
use crate::embed::batches::{Batches, Input};
use crate::embed::{Embedder, Parted};
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
        // An index in which parts were texts of their own has other vectors of them.
        let identity = format!("bge-small-zh-v1.5 int8 {digest:016x} parts");
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

    /// So much of a text as may be read, which bounds the work on one that is far too long and is all of an ordinary
    /// one.
    fn readable<'a>(&self, text: &'a str) -> &'a str {
        match text.char_indices().nth(self.positions() * CHARACTERS_READ) {
            Some((at, _)) => &text[..at],
            None => text,
        }
    }

    /// What the network sees of a question.
    pub(super) fn question(&self, text: &str) -> Input {
        let text = self.readable(text);
        let ids = self.tokenizer.encode(&format!("{INSTRUCTION}{text}"));
        Input {
            ids: self.tokenizer.with_controls(&ids, self.positions()),
            parts: Vec::new(),
        }
    }

    /// What the network sees of a passage and its parts: the passage as far as it is read, and where a part lies
    /// behind that, the rest of it from there on, in as many pieces as it takes. With each piece the parts that are
    /// read in it.
    pub(super) fn pieces(&self, passage: Parted<'_>) -> Vec<(Input, Vec<usize>)> {
        let mut pieces = Vec::new();
        let (mut begin, mut left) = (0, (0..passage.parts.len()).collect::<Vec<_>>());
        loop {
            let ranges = left.iter().map(|&part| &passage.parts[part]);
            let ranges: Vec<_> = ranges.map(|range| range.start - begin..range.end - begin).collect();
            let text = self.readable(&passage.text[begin..]);
            let (ids, tokens) = self.tokenizer.encode_parts(text, &ranges);
            let ids = self.tokenizer.with_controls(&ids, self.positions());
            // A control token stands before those of the text, and one behind them.
            let end = ids.len() - 1;
            let (mut parts, mut read, mut later) = (Vec::new(), Vec::new(), Vec::new());
            for ((part, range), tokens) in left.into_iter().zip(ranges).zip(tokens) {
                let begins_it = !pieces.is_empty() && range.start == 0;
                if tokens.end < end || begins_it {
                    read.push(part);
                    parts.push(match tokens.start + 1..end.min(tokens.end + 1) {
                        // Nothing that the model knows: as the whole piece.
                        none if none.is_empty() => 0..ids.len(),
                        tokens => tokens,
                    });
                } else {
                    later.push(part);
                }
            }
            pieces.push((Input { ids, parts }, read));
            let next = later.iter().map(|&part| passage.parts[part].start).min();
            let Some(next) = next else { return pieces };
            (begin, left) = (next, later);
        }
    }

    /// What is made of each text, at once.
    fn tokenized<T: Sync, R: Send>(texts: &[T], budget: Budget, make: impl Fn(&T) -> R + Sync) -> Result<Vec<R>> {
        if let [text] = texts {
            return Ok(vec![make(text)]);
        }
        budget.try_map(texts, |text, budget| {
            budget.check()?;
            Ok(make(text))
        })
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
        let inputs = Self::tokenized(texts, budget, |text| self.question(text))?;
        batches.embed(&inputs, budget)
    }

    fn embed_passages(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        let texts: Vec<Parted> = texts.iter().map(|text| Parted::whole(text)).collect();
        self.embed_parted(&texts, budget)
    }

    fn reads_parts(&self) -> bool {
        true
    }

    fn embed_parted(&self, texts: &[Parted<'_>], budget: Budget) -> Result<Vec<Vec<f32>>> {
        let pieces = Self::tokenized(texts, budget, |text| self.pieces(*text))?;
        let counts: Vec<usize> = pieces.iter().map(Vec::len).collect();
        let (inputs, parts): (Vec<Input>, Vec<Vec<usize>>) = pieces.into_iter().flatten().unzip();
        let mut made = self.batches.embed(&inputs, budget)?.into_iter();
        let mut pieces = parts.into_iter();
        let mut vectors = Vec::new();
        for (text, count) in texts.iter().zip(counts) {
            let mut own = vec![Vec::new(); text.vectors()];
            for (at, parts) in pieces.by_ref().take(count).enumerate() {
                let piece = made.next();
                // The first piece is the passage; the others are read for their parts alone.
                if let (0, Some(passage)) = (at, piece) {
                    own[0] = passage;
                }
                for part in parts {
                    own[1 + part] = made.next().unwrap_or_default();
                }
            }
            vectors.append(&mut own);
        }
        Ok(vectors)
    }
}
