//! Words beside a place's name that say whose or what it is (`index/lexicon/place-words.txt`).
//!
//! Owns the lists; what follows from a word is for those who ask.

use std::sync::LazyLock;

use super::super::lines::{WordList, word_list};

const FILE: &str = include_str!("../../../index/lexicon/place-words.txt");

/// What has numbered houses.
pub(super) static STREETS: WordList = LazyLock::new(|| word_list(FILE, "street"));
/// Words that no name of a street or a firm holds: what follows is not the place's own (广州市民请到解放路1号).
pub(super) static APART: WordList = LazyLock::new(|| word_list(FILE, "apart"));
/// The same in names of firms; streets hold them (林和中路).
pub(super) static APART_FIRM: WordList = LazyLock::new(|| word_list(FILE, "apart from a firm"));
/// What a city has and a product or a feeling has not.
pub(super) static CITY_HAS: WordList = LazyLock::new(|| word_list(FILE, "city has"));
/// Before a bare name of two characters that people have too; characters that hardly stand there as words.
pub(super) static SURNAMES: LazyLock<Vec<char>> =
    LazyLock::new(|| word_list(FILE, "surname").into_iter().flat_map(str::chars).collect());

#[cfg(test)]
mod tests {
    use super::super::super::lines::check_lists;
    use super::*;

    #[test]
    fn the_file_has_the_lists_that_are_asked_for() {
        check_lists(FILE, &["street", "apart", "apart from a firm", "city has", "surname"]);
    }
}
