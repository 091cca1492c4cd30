//! What becomes of a text before it is looked up: for people who want to know why something was found or was not.

use super::super::reading::QuestionReading;
use crate::compute::Budget;
use crate::error::{Error, Result};
use crate::index::Snapshot;
use crate::model::Date;
use crate::search::request::{MAX_QUERY_CHARS, SearchRequest};
use crate::search::response::Span;
use crate::text::{Analyzer, QueryTerm, Region, Token, sentences};

/// The longest text that is taken apart, in characters.
const LONGEST: usize = 10_000;

/// A term and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// As the index spells it.
    pub text: String,
    /// Where it stands in the text, in characters.
    pub span: Span,
}

/// A text taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// As segmentation sees it.
    pub normalized: String,
    /// The question that it would be read as, if that is another one.
    pub corrected: Option<String>,
    /// As a document: words by dictionary.
    pub words: Vec<Placed>,
    /// As a document: neighbouring characters.
    pub bigrams: Vec<Placed>,
    /// As a question: words to look up.
    pub word_terms: Vec<QueryTerm>,
    /// As a question: pairs to look up.
    pub bigram_terms: Vec<QueryTerm>,
    /// Words that weigh nothing in a question.
    pub dropped: Vec<String>,
    /// Places that it names, as filters name them.
    pub regions: Vec<String>,
    /// Years that it names.
    pub years: Vec<u16>,
    /// Its sentences.
    pub sentences: Vec<String>,
    /// Of the rules that took it apart.
    pub fingerprint: String,
}

/// Takes a text apart as an index and a question would be.
///
/// # Errors
/// `Caller` if it is empty or too long, those of the index.
pub fn analyze(
    snapshot: &dyn Snapshot,
    analyzer: &Analyzer,
    text: &str,
    today: Option<Date>,
    budget: Budget,
) -> Result<Analysis> {
    let length = text.chars().count();
    if !(1..=LONGEST).contains(&length) {
        let error = Error::caller(format!("text: has {length} characters, must have 1 to {LONGEST}"));
        return Err(error.help("send the text, or a part of it"));
    }
    let corrected = match length {
        ..=MAX_QUERY_CHARS => QuestionReading::new(&SearchRequest::new(text), analyzer, snapshot, budget)?.corrected,
        _ => None,
    };
    Ok(take_apart(analyzer, text, corrected, today))
}

/// The same without an index, which alone knows how a question was meant.
pub fn take_apart(analyzer: &Analyzer, text: &str, corrected: Option<String>, today: Option<Date>) -> Analysis {
    let document = analyzer.document(text);
    let query = analyzer.query(corrected.as_deref().unwrap_or(text));
    let characters = Characters::of(text);
    let placed = |tokens: Vec<Token>| {
        let place = |token: Token| Placed {
            span: Span {
                start: characters.before(token.start),
                end: characters.before(token.end),
            },
            text: token.text,
        };
        tokens.into_iter().map(place).collect()
    };
    Analysis {
        normalized: query.normalized,
        words: placed(document.words),
        bigrams: placed(document.bigrams),
        word_terms: query.words,
        bigram_terms: query.bigrams,
        dropped: query.dropped,
        regions: query.regions.iter().map(Region::key).collect(),
        years: analyzer.years(corrected.as_deref().unwrap_or(text), today),
        sentences: sentences(text)
            .into_iter()
            .map(|range| text[range].to_owned())
            .collect(),
        fingerprint: analyzer.fingerprint().to_owned(),
        corrected,
    }
}

/// How many characters stand before each byte of a text.
struct Characters(Vec<u32>);

impl Characters {
    fn of(text: &str) -> Characters {
        let mut before = Vec::with_capacity(text.len() + 1);
        for (number, character) in (0..).zip(text.chars()) {
            before.extend(std::iter::repeat_n(number, character.len_utf8()));
        }
        before.push(before.last().map_or(0, |last| last + 1));
        Characters(before)
    }

    fn before(&self, byte: usize) -> u32 {
        // Tokens stand within the text.
        self.0.get(byte).copied().unwrap_or_default()
    }
}
