//! What a question was meant to say: typing errors and pinyin become words.
//!
//! Owns how words sound, which characters look alike, which words may have been meant, and when a question is changed
//! at all. Knows no index: how often a collection writes something is asked of [`Usage`]. Documents are never changed.

mod latin;
mod shapes;
mod sounds;
mod spelled;
mod spelled_words;
#[cfg(test)]
mod tests;
mod typing;
mod usage;
pub(super) mod vocabulary;

use super::analyzer::Analyzer;
use super::normalize::Normalized;
use super::quantity::amounts;
use super::segment;
use crate::error::Result;

pub use sounds::spelt;
use usage::Edit;
pub use usage::Usage;

/// A question as it was probably meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// The question with what was changed; all else is as it was written.
    pub text: String,
    /// Whether all that was changed was pinyin: then what was written means nothing by itself.
    pub is_spelled: bool,
}

impl Analyzer {
    /// A question as it was probably meant; none if nothing in it has to be changed, which is said of nearly all.
    ///
    /// # Errors
    /// Those of `usage`.
    pub fn correct(&self, question: &str, usage: &dyn Usage) -> Result<Option<Correction>> {
        let normalized = Normalized::new(question);
        let text = &normalized.text;
        let runs = segment::runs(text);
        let words = self.segment(text, &runs, &amounts(text));
        let mut edits = spelled::edits(text, &runs, || self.vocabulary(), usage)?;
        let typed = typing::edits(text, &words, || self.vocabulary(), usage)?;
        let is_spelled = typed.is_empty();
        edits.extend(typed);
        edits.sort_by_key(|edit| edit.range.start);
        if edits.is_empty() {
            return Ok(None);
        }
        let mut corrected = String::with_capacity(question.len());
        let mut end = 0;
        for Edit { range, text } in edits {
            let original = normalized.original_range(range);
            corrected.push_str(&question[end..original.start.max(end)]);
            corrected.push_str(&text);
            end = original.end.max(end);
        }
        corrected.push_str(&question[end..]);
        Ok(Some(Correction {
            text: corrected,
            is_spelled,
        }))
    }
}
