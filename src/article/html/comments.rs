//! Lines that announce what readers wrote below an article.
//!
//! Judges one line by its words; what stands below it is for its callers to see.

use crate::text::Normalized;

use super::super::site_words::{List, listed};

/// The longest such line that is looked at, in letters.
const MAX_LETTERS: usize = 24;

/// Whether a line announces what readers wrote, and nothing else: `网友评论（12）`.
pub(super) fn announces_comments(line: &str) -> bool {
    let letters = line.chars().filter(|c| c.is_alphabetic());
    let word: String = letters.take(MAX_LETTERS).collect();
    let count = ['共', '条', '个'];
    let word = word.trim_start_matches(count).trim_end_matches(count);
    let word = Normalized::new(word).text;
    listed(List::Comments).contains(&word.as_str())
}

/// Whether a line begins with what announces comments.
pub(super) fn starts_comments(line: &str) -> bool {
    listed(List::Comments).iter().any(|start| line.starts_with(start))
}
