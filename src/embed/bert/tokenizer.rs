//! Text to token ids: BERT's basic tokenizer, then WordPiece (Devlin et al. 2018, arXiv 1810.04805), as
//! `tokenizer.json` says. Made to give the ids that the `tokenizers` library gives.
//!
//! Control characters are dropped, blanks divide words, punctuation and CJK characters are words of their own; a word
//! is read piece by piece, the longest one first, and is unknown as a whole where that fails. Names of control tokens
//! (`[CLS]`) in a text are text like any other. Any text is accepted, and the time is linear in its length.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use unicode_categories::UnicodeCategories as _;

use super::config::{corrupt, read_json};
use crate::error::Result;

/// What pieces begin with that go on a word.
const CONTINUES: &str = "##";

/// The parts of `tokenizer.json` that decide on ids.
#[derive(serde::Deserialize)]
struct Json {
    normalizer: Normalizer,
    pre_tokenizer: PreTokenizer,
    model: Model,
}

#[derive(PartialEq, serde::Deserialize)]
struct Normalizer {
    r#type: String,
    clean_text: bool,
    handle_chinese_chars: bool,
    strip_accents: Option<bool>,
    lowercase: bool,
}

#[derive(PartialEq, serde::Deserialize)]
struct PreTokenizer {
    r#type: String,
}

#[derive(serde::Deserialize)]
struct Model {
    r#type: String,
    unk_token: String,
    continuing_subword_prefix: String,
    max_input_chars_per_word: usize,
    vocab: HashMap<String, u32>,
}

/// The model's tokenizer.
pub struct Tokenizer {
    /// Pieces that begin a word.
    first: HashMap<String, u32>,
    /// Pieces that go on a word, without what they begin with.
    rest: HashMap<String, u32>,
    /// Characters of the longest piece.
    longest: usize,
    /// Characters of the longest word that is read; longer ones are unknown.
    longest_word: usize,
    unknown: u32,
    /// Before and after a text.
    controls: [u32; 2],
}

impl Tokenizer {
    /// Reads the file at `path` for a model with so many rows of word embeddings.
    ///
    /// # Errors
    /// `Missing` or `Unavailable` if it cannot be read, `Corrupt` if it describes another tokenizer or an id is no row.
    pub(super) fn read(path: &Path, rows: usize) -> Result<Self> {
        Self::of(read_json(path)?, rows).map_err(|cause| corrupt(path, cause))
    }

    fn of(json: Json, rows: usize) -> Result<Self, String> {
        let Json {
            normalizer,
            pre_tokenizer,
            model,
        } = json;
        let bert = normalizer.r#type == "BertNormalizer"
            && normalizer.clean_text
            && normalizer.handle_chinese_chars
            && normalizer.strip_accents != Some(true)
            && !normalizer.lowercase;
        if !bert || pre_tokenizer.r#type != "BertPreTokenizer" {
            return Err("only BERT's basic tokenizer runs here, without lower-casing".into());
        }
        if model.r#type != "WordPiece" || model.continuing_subword_prefix != CONTINUES {
            return Err(format!("only WordPiece with {CONTINUES} runs here"));
        }
        if let Some((piece, id)) = model.vocab.iter().find(|(_, id)| **id as usize >= rows) {
            return Err(format!("piece {piece} has the id {id}, and the model {rows} rows"));
        }
        let id = |piece: &str| {
            let id = model.vocab.get(piece).copied();
            id.ok_or_else(|| format!("the vocabulary has no piece {piece}"))
        };
        let (unknown, controls) = (id(&model.unk_token)?, [id("[CLS]")?, id("[SEP]")?]);
        let longest = model.vocab.keys().map(|piece| piece.chars().count()).max();
        let mut tokenizer = Tokenizer {
            first: HashMap::with_capacity(model.vocab.len()),
            rest: HashMap::new(),
            longest: longest.unwrap_or(0),
            longest_word: model.max_input_chars_per_word,
            unknown,
            controls,
        };
        for (piece, id) in model.vocab {
            match piece.strip_prefix(CONTINUES) {
                Some(piece) => tokenizer.rest.insert(piece.to_owned(), id),
                None => tokenizer.first.insert(piece, id),
            };
        }
        Ok(tokenizer)
    }

    /// The ids of a text, without control tokens.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        self.encode_parts(text, &[]).0
    }

    /// The ids of a text, and which of them each of its `parts` has (ranges of bytes). A word belongs to the part that
    /// it begins in, so that a part changes no id.
    pub(super) fn encode_parts(&self, text: &str, parts: &[Range<usize>]) -> (Vec<u32>, Vec<Range<usize>>) {
        let mut ids = Vec::with_capacity(text.len() / 3 + 1);
        // Where the word of each id begins; of no use without parts.
        let mut starts = Vec::new();
        let mut push = |word: &str, at: usize, ids: &mut Vec<u32>| {
            self.word(word, ids);
            if !parts.is_empty() {
                starts.resize(ids.len(), at);
            }
        };
        let (mut word, mut begin) = (String::new(), 0);
        for (at, c) in text.char_indices() {
            if is_dropped(c) {
                continue;
            }
            let is_alone = is_cjk(c) || c.is_ascii_punctuation() || c.is_punctuation();
            if is_alone || c.is_whitespace() {
                push(&word, begin, &mut ids);
                word.clear();
            }
            if is_alone {
                push(c.encode_utf8(&mut [0; 4]), at, &mut ids);
            } else if !c.is_whitespace() {
                if word.is_empty() {
                    begin = at;
                }
                word.push(c);
            }
        }
        push(&word, begin, &mut ids);
        let before = |byte: usize| starts.partition_point(|start| *start < byte);
        let parts = parts.iter().map(|part| before(part.start)..before(part.end));
        let parts = parts.collect();
        (ids, parts)
    }

    /// The ids that the network sees for ids of a text, of which it reads `most`.
    pub(super) fn with_controls(&self, ids: &[u32], most: usize) -> Vec<u32> {
        let [begin, end] = self.controls;
        let read = ids.iter().copied().take(most.saturating_sub(2));
        std::iter::once(begin).chain(read).chain(std::iter::once(end)).collect()
    }

    /// Appends the ids of a word's pieces; nothing for the empty word.
    fn word(&self, word: &str, ids: &mut Vec<u32>) {
        if let Some(id) = self.first.get(word) {
            ids.push(*id);
            return;
        }
        let ends: Vec<usize> = word.char_indices().map(|(at, c)| at + c.len_utf8()).collect();
        let before = ids.len();
        let (mut start, mut next) = (0, 0);
        while next < ends.len() {
            let table = if next == 0 { &self.first } else { &self.rest };
            let reached = ends.len().min(next + self.longest);
            let longest = (next..reached)
                .rev()
                .find_map(|last| table.get(&word[start..ends[last]]).map(|id| (*id, last)));
            match longest {
                Some((id, last)) if ends.len() <= self.longest_word => {
                    ids.push(id);
                    (start, next) = (ends[last], last + 1);
                }
                _ => {
                    ids.truncate(before);
                    ids.push(self.unknown);
                    return;
                }
            }
        }
    }
}

/// Characters that are not seen: control, format and private ones, but for those that are blanks.
fn is_dropped(c: char) -> bool {
    matches!(c, '\0' | '\u{FFFD}') || (c.is_other() && !matches!(c, '\t' | '\n' | '\r'))
}

/// The blocks that BERT takes for Chinese, with the gap that the library leaves before U+2B920.
fn is_cjk(c: char) -> bool {
    matches!(
        u32::from(c),
        0x4E00..=0x9FFF
            | 0x3400..=0x4DBF
            | 0x20000..=0x2A6DF
            | 0x2A700..=0x2B81F
            | 0x2B920..=0x2CEAF
            | 0xF900..=0xFAFF
            | 0x2F800..=0x2FA1F
    )
}
