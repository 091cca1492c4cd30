//! Words by which amounts and sentences are told in what was found (`index/lexicon/sentences.txt`).
//!
//! Owns the lists; what follows from a word is for those who ask.

use std::sync::LazyLock;

use crate::text::{WordList, word_list};

const FILE: &str = include_str!("../../index/lexicon/sentences.txt");

/// What counts a number that is more than the number of a paragraph.
pub(super) static COUNTED: WordList = LazyLock::new(|| word_list(FILE, "counted"));
/// Between what an amount is and the amount.
pub(super) static JOINING: WordList = LazyLock::new(|| word_list(FILE, "joining"));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::check_lists;

    #[test]
    fn the_file_has_the_lists_that_are_asked_for() {
        let names = ["counted", "joining"];
        check_lists(FILE, &names);
    }
}
