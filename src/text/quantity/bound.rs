//! Whether an amount in a text is the least or the most of something: 超过3个月, 3个月内.
//!
//! Owns the reading of the lexicon's `bounds.txt`. Knows amounts only by where they stand.

use std::ops::Range;
use std::sync::LazyLock;

use super::super::lines::lexicon_lines;

/// What an amount bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// So much or more.
    Least,
    /// So much or less.
    Most,
}

/// The words that stand right before and right behind an amount.
#[derive(Debug, Default)]
struct Words {
    before: Vec<&'static str>,
    behind: Vec<&'static str>,
}

/// Those of the most, then those of the least: 不超过 ends in 超过. The file is compiled in, and the tests read it.
static WORDS: LazyLock<[(Bound, Words); 2]> = LazyLock::new(|| {
    let text = include_str!("../../../index/lexicon/bounds.txt");
    [(Bound::Most, read(text, "most")), (Bound::Least, read(text, "least"))]
});

fn read(text: &'static str, name: &str) -> Words {
    let mut words = Words::default();
    let entries = lexicon_lines(text).filter_map(|(_, line)| line.split_once(':'));
    for word in entries
        .filter(|(of, _)| *of == name)
        .flat_map(|(_, all)| all.split_whitespace())
    {
        words.before.extend(word.strip_suffix('+'));
        words.behind.extend(word.strip_prefix('+'));
    }
    words
}

/// What the amount at `range` of a normalised text bounds, if a word beside it says so.
pub fn bound(text: &str, range: &Range<usize>) -> Option<Bound> {
    let (before, behind) = (text[..range.start].trim_end(), text[range.end..].trim_start());
    let says = |words: &Words| {
        words.before.iter().any(|word| before.ends_with(word))
            || words.behind.iter().any(|word| behind.starts_with(word))
    };
    WORDS.iter().find(|(_, words)| says(words)).map(|(bound, _)| *bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_beside_an_amount_bound_it() {
        let check = |before: &str, behind: &str, expected: Option<Bound>| {
            let text = format!("{before}3个月{behind}");
            let range = before.len()..before.len() + "3个月".len();
            assert_eq!(bound(&text, &range), expected, "{text}");
        };
        check("断缴超过", "的", Some(Bound::Least));
        check("断缴不超过", "的", Some(Bound::Most));
        check("满 ", "后", Some(Bound::Least));
        check("不满", "的", Some(Bound::Most));
        check("", "以上的", Some(Bound::Least));
        check("", " 内补缴", Some(Bound::Most));
        check("等待", "。", None);
        check("", "", None);
    }

    #[test]
    fn every_line_of_the_file_is_read() {
        let text = include_str!("../../../index/lexicon/bounds.txt");
        let written = lexicon_lines(text)
            .flat_map(|(_, line)| line.split_whitespace().skip(1))
            .count();
        let read: usize = WORDS
            .iter()
            .map(|(_, words)| words.before.len() + words.behind.len())
            .sum();
        assert_eq!(read, written);
    }
}
