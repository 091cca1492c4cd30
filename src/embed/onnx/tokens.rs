//! Text to the ids that a graph takes, by the model's own `tokenizer.json`.
//!
//! Limits and padding that the file may ask for are put aside: a text is cut where the model's positions end, and never
//! padded. Hostile files are errors: a panic in the library is caught here.

use std::path::Path;

use tokenizers::{PostProcessor as _, Tokenizer, TruncationParams, truncate_encodings};

use super::guard::guarded;
use crate::error::{Context as _, Error, Fault, Result};

/// The largest tokenizers, of 250,000 pieces, have 20 MB.
const MOST_BYTES: u64 = 128 << 20;

/// Characters of a text that are tokenised for each token that can be read. No ordinary text needs more, and the work
/// on one that is far too long is bounded.
const CHARACTERS_READ: usize = 64;

/// What a graph takes for one text or pair: equally long lists of ids and of which part each belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Token ids, control tokens included.
    pub ids: Vec<i32>,
    /// 0 for the first text's tokens, 1 for the second's, as far as the model tells them apart.
    pub types: Vec<i32>,
}

/// A model's tokenizer.
pub struct Tokens {
    tokenizer: Tokenizer,
    most: usize,
}

impl Tokens {
    /// Reads `tokenizer.json`; inputs have at most `most` tokens, control tokens included.
    ///
    /// # Errors
    /// `Corrupt` for a file that is no tokenizer, `Unavailable` if it cannot be read.
    pub fn open(path: &Path, most: usize) -> Result<Self> {
        let doing = || format!("reading the tokenizer {}", path.display());
        let size = std::fs::metadata(path).or_fault(Fault::Unavailable, doing())?.len();
        if size > MOST_BYTES {
            return Err(
                Error::corrupt(format!("{size} bytes are no tokenizer, at most {MOST_BYTES} are")).context(doing()),
            );
        }
        let bytes = std::fs::read(path).or_fault(Fault::Unavailable, doing())?;
        let tokenizer = guarded(doing(), || {
            let mut tokenizer = Tokenizer::from_bytes(&bytes)?;
            tokenizer.with_padding(None).with_truncation(None)?;
            Ok(tokenizer)
        })?;
        Ok(Tokens { tokenizer, most })
    }

    /// The input for one text, cut off where the model's positions end.
    ///
    /// # Errors
    /// `Corrupt` if the tokenizer cannot do it, which it can for every text unless its file is wrong.
    pub fn text(&self, text: &str) -> Result<Input> {
        self.encode(text, None)
    }

    /// The input for two texts, the longer one cut off first.
    ///
    /// # Errors
    /// As [`Tokens::text`].
    pub fn pair(&self, first: &str, second: &str) -> Result<Input> {
        self.encode(first, Some(second))
    }

    fn encode(&self, first: &str, second: Option<&str>) -> Result<Input> {
        guarded("tokenising", || {
            let first = self.tokenizer.encode_fast(self.cut(first), false)?;
            let mut second = second
                .map(|text| self.tokenizer.encode_fast(self.cut(text), false))
                .transpose()?;
            if let Some(second) = &mut second {
                // Some tokenizers leave that to who brings the parts together.
                second.set_type_ids(vec![1; second.len()]);
            }
            let controls = self
                .tokenizer
                .get_post_processor()
                .map_or(0, |p| p.added_tokens(second.is_some()));
            let room = TruncationParams {
                max_length: self
                    .most
                    .checked_sub(controls)
                    .ok_or("control tokens leave no room for a text")?,
                ..TruncationParams::default()
            };
            let (first, second) = truncate_encodings(first, second, &room)?;
            let encoding = self.tokenizer.post_process(first, second, true)?;
            // Ids of a vocabulary of any size that a graph can hold fit.
            let number = |id: &u32| i32::try_from(*id).map_err(|_| format!("the tokenizer gives the id {id}"));
            Ok(Input {
                ids: encoding.get_ids().iter().map(number).collect::<Result<_, _>>()?,
                types: encoding.get_type_ids().iter().map(number).collect::<Result<_, _>>()?,
            })
        })
    }

    fn cut<'a>(&self, text: &'a str) -> &'a str {
        match text.char_indices().nth(self.most * CHARACTERS_READ) {
            Some((at, _)) => &text[..at],
            None => text,
        }
    }
}
