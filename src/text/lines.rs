//! The lines of the lexicon's plain text files.
//!
//! Owns what is common to their formats: comments behind `#`, blank lines, lists of words by their names. What a line
//! or a word means is for its reader.

use std::sync::LazyLock;

/// The lines that say something, with their numbers from 1, comments and white space taken off.
pub(crate) fn lexicon_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.trim_start_matches('\u{feff}')
        .lines()
        .enumerate()
        .filter_map(|(index, line)| {
            let line = line.split('#').next().unwrap_or("").trim();
            (!line.is_empty()).then_some((index + 1, line))
        })
}

/// A list of words, read when it is first asked for.
pub(crate) type WordList = LazyLock<Vec<&'static str>>;

/// The words of a list in a file of lists: `name: word word ...`, on as many lines as they need. A test holds that each
/// file has the lists that are asked for (`check_lists`).
pub(crate) fn word_list(text: &'static str, name: &str) -> Vec<&'static str> {
    lexicon_lines(text)
        .filter_map(|(_, line)| line.split_once(':'))
        .filter(|(list, _)| *list == name)
        .flat_map(|(_, words)| words.split_whitespace())
        .collect()
}

/// Holds that a file has these lists and no others, each with words, and none twice.
#[cfg(test)]
pub(crate) fn check_lists(text: &'static str, names: &[&str]) {
    for (number, line) in lexicon_lines(text) {
        let name = line.split_once(':').map(|(name, _)| name);
        assert!(
            names.iter().any(|known| name == Some(*known)),
            "line {number} is of no list that is known: {line}"
        );
    }
    for name in names {
        let mut words = word_list(text, name);
        let count = words.len();
        words.sort_unstable();
        words.dedup();
        assert!(count > 0 && words.len() == count, "{name}");
    }
}
