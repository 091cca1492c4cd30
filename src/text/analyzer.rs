//! Turns a document's text into its two token streams, words and bigrams, with offsets into the original.
//!
//! Owns the analyser and its fingerprint. The query side is in `query`, over the same segmentation, so that both
//! sides always agree.

use std::ops::{Range, RangeInclusive};
use std::sync::{Arc, LazyLock, OnceLock};

use jieba_rs::Jieba;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::model::Date;
use crate::profile::TermWeights;

use super::lexicon::{Lexicon, Sources};
use super::normalize::Normalized;
use super::quantity::{Amount, amounts};
use super::region::{Region, Regions};
use super::segment::{self, Run, Script, Word};
use super::spelling::vocabulary::Vocabulary;
use super::synonyms::Synonyms;
use super::year;

/// Raised whenever the same text and lexicon would give other tokens than before: a rule here, the segmenter's
/// version, the tables of normalisation. An index built under another version refuses to open.
const RULES: &str = "text-5";

/// Whether the segmenter guesses words that no dictionary holds. Off: it ranks alike (differences below 0.002 on both
/// development sets), and a guess depends on its neighbours, which are others in a question than in its answer.
const HMM: bool = false;

/// Whether the bigram stream holds single characters beside the pairs. They double the stream and lift users'
/// questions from nDCG@10 0.299 to 0.324 by this stream alone, 0.316 to 0.327 together with words.
const UNIGRAMS: bool = true;

/// A term of a document and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Token {
    /// Normalised; canonical terms begin with `#`.
    pub text: String,
    /// First byte in the original text, on a character boundary.
    pub start: usize,
    /// Byte behind it in the original text, on a character boundary.
    pub end: usize,
    /// Place in its stream, from 0. A word's sub-words and the canonical term of a number share its place.
    pub position: usize,
}

/// Both token streams of a text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Tokens {
    /// Words by dictionary, each followed by its sub-words, and canonical terms.
    pub words: Vec<Token>,
    /// Overlapping pairs of Chinese characters, a character that stands alone, Latin words and numbers whole.
    pub bigrams: Vec<Token>,
}

/// The analyser: segmenter, lexicon and rules. Immutable, shared between threads; cloning it copies a pointer.
#[derive(Debug, Clone)]
pub struct Analyzer {
    parts: Arc<Parts>,
    /// What the terms of questions weigh.
    pub(super) weights: TermWeights,
    synonyms: Arc<Synonyms>,
}

#[derive(Debug)]
struct Parts {
    jieba: Jieba,
    lexicon: Lexicon,
    fingerprint: String,
    /// Made when the first question needs it.
    vocabulary: OnceLock<Result<Vocabulary>>,
}

impl Analyzer {
    /// The analyser with the built-in lexicon. Made once for the process, since the segmenter's dictionary takes a
    /// tenth of a second to load; further calls share it.
    ///
    /// # Errors
    /// Only if the lexicon compiled in is malformed, which a test rules out.
    pub fn new() -> Result<Analyzer> {
        static BUILT_IN: LazyLock<Result<Analyzer>> = LazyLock::new(|| Analyzer::from_sources(&Sources::built_in()));
        BUILT_IN.clone()
    }

    /// The analyser with a lexicon of these files.
    ///
    /// # Errors
    /// `Caller` if one is malformed, naming file and line.
    pub(super) fn from_sources(sources: &Sources) -> Result<Analyzer> {
        let lexicon = Lexicon::parse(sources)?;
        let mut jieba = Jieba::new();
        for name in lexicon.regions.names() {
            if !jieba.has_word(name) {
                jieba.add_word(name, None, None);
            }
        }
        for (word, frequency) in &lexicon.words {
            jieba.add_word(word, *frequency, None);
        }
        let rules = format!("{RULES} hmm={HMM} unigrams={UNIGRAMS}\n{}", lexicon.index_parts);
        let fingerprint = format!("{:016x}", xxhash_rust::xxh3::xxh3_64(rules.as_bytes()));
        let synonyms = Arc::clone(&lexicon.synonyms);
        let parts = Parts {
            jieba,
            lexicon,
            fingerprint,
            vocabulary: OnceLock::new(),
        };
        Ok(Analyzer {
            parts: Arc::new(parts),
            weights: TermWeights::default(),
            synonyms,
        })
    }

    /// The same analyser with other weights for the terms of questions; documents are analysed alike by both.
    #[must_use]
    pub fn with_weights(mut self, weights: TermWeights) -> Analyzer {
        self.weights = weights;
        self
    }

    /// The same analyser with other synonyms in questions.
    #[must_use]
    pub fn with_synonyms(mut self, synonyms: Synonyms) -> Analyzer {
        self.synonyms = Arc::new(synonyms);
        self
    }

    pub(super) fn synonyms(&self) -> &Synonyms {
        &self.synonyms
    }

    /// Identifies what a document's tokens depend on: the rules' version, the dictionary and the regions. 16 hex
    /// digits. Synonyms and stop words act on questions only and do not change it.
    pub fn fingerprint(&self) -> &str {
        &self.parts.fingerprint
    }

    /// The terms of the insurance dictionary, normalised.
    pub fn terms(&self) -> impl Iterator<Item = &str> {
        self.parts.lexicon.words.iter().map(|(word, _)| word.as_str())
    }

    /// The tokens of a document's text.
    pub fn document(&self, text: &str) -> Tokens {
        let normalized = Normalized::new(text);
        let runs = segment::runs(&normalized.text);
        let amounts = amounts(&normalized.text);
        let words = self.segment(&normalized.text, &runs, &amounts);
        let mut tokens = Tokens {
            words: Vec::with_capacity(words.len() * 5 / 4),
            bigrams: Vec::with_capacity(normalized.text.len() * 2 / 3),
        };
        self.words(&normalized.text, &words, &amounts, |range, text, position| {
            let Range { start, end } = normalized.original_range(range);
            let text = text.to_owned();
            tokens.words.push(Token {
                text,
                start,
                end,
                position,
            });
        });
        bigrams(&normalized.text, &runs, |range, position, _| {
            let text = normalized.text[range.clone()].to_owned();
            let Range { start, end } = normalized.original_range(range);
            tokens.bigrams.push(Token {
                text,
                start,
                end,
                position,
            });
        });
        tokens
    }

    /// The regions a text names, in order of first appearance, each once; 浙江省杭州市 is 杭州 alone.
    pub fn regions(&self, text: &str) -> Vec<Region> {
        let text = Normalized::new(text).text;
        self.parts
            .lexicon
            .regions
            .find(&text, &self.segment(&text, &segment::runs(&text), &[]))
    }

    /// The regions that a document's text is about: without those in firms' names and, where others are named, in
    /// addresses.
    pub fn regions_about(&self, text: &str) -> Vec<Region> {
        let text = Normalized::new(text).text;
        let words = self.segment(&text, &segment::runs(&text), &[]);
        self.parts.lexicon.regions.find_about(&text, &words)
    }

    /// The regions that a text names only to leave them out: 南京 of 江苏省，南京除外. Texts that hold no word for that cost
    /// nothing.
    pub fn left_out(&self, text: &str) -> Vec<Region> {
        if !Regions::may_leave_out(text) {
            return Vec::new();
        }
        let text = Normalized::new(text).text;
        let words = self.segment(&text, &segment::runs(&text), &[]);
        self.parts.lexicon.regions.left_out(&text, &words)
    }

    /// The regions that the fields of a record name, each in any of its forms: 浙江省, 粤, 余杭. One that several places
    /// have is told by those before it.
    pub fn regions_named(&self, names: &[String]) -> Vec<Region> {
        let mut found: Vec<Region> = Vec::new();
        let mut before = String::new();
        for name in names {
            let one = self
                .region_of(name)
                .or_else(|_| self.region_of(&format!("{before}{name}")));
            let several = match one {
                Ok(region) => vec![region],
                Err(_) => self.regions(name),
            };
            found.extend(several);
            before.clone_from(name);
        }
        found
    }

    /// The region that a name given alone means, in any of its forms: 浙江省, 杭州, 粤, 余杭, 北京朝阳区.
    ///
    /// # Errors
    /// `Caller` if no region is called so, or several districts are; the message names those that may be meant.
    pub fn region_of(&self, name: &str) -> Result<Region> {
        self.parts.lexicon.regions.resolve(name)
    }

    /// The years a text names, in order of first appearance, each once. 去年, 今年 and 明年 count from `today`, and say
    /// nothing if it is not given.
    pub fn years(&self, text: &str, today: Option<Date>) -> Vec<u16> {
        year::years(&Normalized::new(text).text, today)
    }

    /// From which to which year each span goes that a text speaks of: 2021至2025年.
    pub fn year_spans(&self, text: &str) -> Vec<RangeInclusive<u16>> {
        year::spans(&Normalized::new(text).text)
    }

    /// The years that a text states otherwise than as those of an edition (2021版) or of a document's number.
    pub fn stated_years(&self, text: &str) -> Vec<u16> {
        year::stated(&Normalized::new(text).text)
    }

    pub(super) fn lexicon(&self) -> &Lexicon {
        &self.parts.lexicon
    }

    /// The words that may have been meant by others.
    pub(super) fn vocabulary(&self) -> Result<&Vocabulary> {
        let made = self
            .parts
            .vocabulary
            .get_or_init(|| Vocabulary::new(&self.parts.lexicon));
        made.as_ref().map_err(Error::clone)
    }

    pub(super) fn segment(&self, text: &str, runs: &[Run], amounts: &[Amount]) -> Vec<Word> {
        segment::words(&self.parts.jieba, text, runs, amounts, HMM)
    }

    /// Hands every term of the word stream to `emit` with its range in the normalised text and its position: each
    /// word, its sub-words, and the canonical term of the quantity or date that begins in it.
    pub(super) fn words(
        &self,
        text: &str,
        words: &[Word],
        amounts: &[Amount],
        mut emit: impl FnMut(Range<usize>, &str, usize),
    ) {
        let mut amounts = amounts.iter().peekable();
        for (position, word) in words.iter().enumerate() {
            let written = &text[word.range.clone()];
            emit(word.range.clone(), written, position);
            if word.script == Script::Cjk {
                segment::sub_words(&self.parts.jieba, written, |range| {
                    let range = word.range.start + range.start..word.range.start + range.end;
                    emit(range.clone(), &text[range], position);
                });
            }
            while let Some(amount) = amounts.next_if(|amount| amount.range.start < word.range.end) {
                for term in amount.terms() {
                    emit(amount.range.clone(), &term, position);
                }
            }
        }
    }
}

/// What a term of the bigram stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gram {
    /// Two adjacent characters.
    Pair,
    /// One character of a run of several.
    Single,
    /// A run that is one term: a character that stands alone, a Latin word, a number.
    Whole,
}

/// Hands every term of the bigram stream to `emit`: its range in the normalised text, its position and its kind.
pub(super) fn bigrams(text: &str, runs: &[Run], mut emit: impl FnMut(Range<usize>, usize, Gram)) {
    let mut position = 0;
    for run in runs {
        let mut characters = text[run.range.clone()]
            .char_indices()
            .map(|(at, _)| run.range.start + at)
            .skip(1);
        let second = characters.next().filter(|_| run.script == Script::Cjk);
        let Some(mut middle) = second else {
            emit(run.range.clone(), position, Gram::Whole);
            position += 1;
            continue;
        };
        let mut start = run.range.start;
        for end in characters.chain([run.range.end]) {
            if UNIGRAMS {
                emit(start..middle, position, Gram::Single);
            }
            emit(start..end, position, Gram::Pair);
            (start, middle) = (middle, end);
            position += 1;
        }
        if UNIGRAMS {
            emit(start..middle, position, Gram::Single);
            position += 1;
        }
    }
}
