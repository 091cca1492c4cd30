//! Lines that announce what readers wrote below an article, and the blocks that begin with one.
//!
//! Judges by the line's words and by what stands around it; what becomes of a block is for its callers to see.

use scraper::ElementRef;

use crate::text::Normalized;

use super::super::site_words::{List, listed};
use super::dom::words;
use super::measure::Measures;
use super::openers::{NEAR, REACH};

/// The longest heading of comments, in characters.
const MAX_COMMENTS: usize = 16;

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

/// The block of comments that an element is the heading of: it begins with it, and prose stands above it.
pub(super) fn commented<'a>(element: ElementRef<'a>, measures: &Measures) -> Option<ElementRef<'a>> {
    let all = |element: ElementRef<'_>| measures.of(element).all;
    if !(4..=MAX_COMMENTS).contains(&all(element)) || !announces_comments(&words(element)) {
        return None;
    }
    let above = || element.ancestors().filter_map(ElementRef::wrap);
    let block = above().take(REACH).find(|block| all(*block) > all(element))?;
    if matches!(block.value().name(), "html" | "body" | "article" | "main") {
        return None;
    }
    let inner = std::iter::once(element)
        .chain(above())
        .take_while(|inner| *inner != block)
        .last()?;
    let before = |element: ElementRef<'a>| {
        let before = element.prev_siblings().take(REACH).filter_map(ElementRef::wrap);
        before.map(|before| measures.of(before))
    };
    let first = before(inner).all(|before| before.all == 0);
    let outer = std::iter::once(block)
        .chain(block.ancestors().filter_map(ElementRef::wrap))
        .take(NEAR);
    let prose = outer.flat_map(before).any(|before| before.prose > 0);
    (first && prose).then_some(block)
}
