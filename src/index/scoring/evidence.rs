//! Everything that a ranking may weigh of one passage for one question, none of it guessed: words exactly, cosines to
//! what a graph and windows keep of vectors (1e-4 and some 0.003).

use super::bm25::{FIELDS, STREAMS};
use super::meaning::DenseScores;
use super::terms::LexicalScores;
use crate::model::Validity;

/// Exact scores of one passage for one question, all of them computed, none guessed.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Evidence {
    /// BM25F over title and text, dictionary words.
    pub words: f32,
    /// BM25F over title and text, character bigrams.
    pub bigrams: f32,
    /// What `words` and `bigrams` together would be by the title alone.
    pub title: f32,
    /// Share of the question's idf mass (words) that the passage holds, 0 to 1.
    pub coverage: f32,
    /// Share of the question's idf mass (bigrams) that the passage holds, 0 to 1.
    pub bigram_coverage: f32,
    /// Share of the question's amounts and dates that the passage holds, however either writes them, 0 to 1.
    pub amounts: f32,
    /// Cosine of question and passage; 0 if either has no vector.
    pub cosine: f32,
    /// Cosine of the question and the nearest window of the passage; that of the passage itself where it is too short
    /// for windows, 0 if either has no vector.
    pub window: f32,
    /// Tokens of the passage's text (bigram stream).
    pub length: u32,
    /// Whether the article has a title.
    pub titled: bool,
    /// See [`locality`](super::locality).
    pub locality: f32,
    /// See [`timeliness`](super::timeliness).
    pub timeliness: f32,
    /// 1 where the passage is about the place asked for and the question asks for an amount, a duration or a standard,
    /// else 0. An engine leaves it 0: what a question asks for is read by searching, which sets it.
    pub same_place: f32,
    /// From when to when its article holds.
    pub validity: Validity,
    /// 1 where the article does not hold on the day asked for, not any more or not yet, else 0. Set by searching, too.
    pub out_of_force: f32,
    /// 1 where the article is that of the product which the question names, else 0. Set by searching, too.
    pub same_product: f32,
}

impl Evidence {
    /// All that is known of a passage; `lengths` are its tokens by field.
    pub fn new(
        lexical: LexicalScores,
        dense: DenseScores,
        lengths: &[u32; FIELDS],
        locality: f32,
        timeliness: f32,
        validity: Validity,
    ) -> Self {
        Evidence {
            words: lexical.words,
            bigrams: lexical.bigrams,
            title: lexical.title,
            coverage: lexical.coverage,
            bigram_coverage: lexical.bigram_coverage,
            amounts: lexical.amounts,
            cosine: dense.cosine,
            window: dense.window,
            length: lengths[STREAMS + 1],
            titled: lengths[1] > 0,
            locality,
            timeliness,
            same_place: 0.0,
            validity,
            out_of_force: 0.0,
            same_product: 0.0,
        }
    }

    /// What meaning says by itself: how near the passage is as a whole and in its nearest part, -1 to 1. Either alone
    /// ranks worse on every set that was measured.
    pub fn meaning(&self) -> f32 {
        (self.cosine + self.window) / 2.0
    }
}
