//! Words by which products, amounts and sentences are told in what was found (`index/lexicon/sentences.txt`).
//!
//! Owns the lists; what follows from a word is for those who ask.

use std::sync::LazyLock;

use crate::text::{WordList, word_list};

const FILE: &str = include_str!("../../index/lexicon/sentences.txt");

/// Insurance by law has no products: its titles differ by the place and by who is insured.
pub(super) static SOCIAL: WordList = LazyLock::new(|| word_list(FILE, "no product by law"));
/// A title with these is that of a rule, a notice or an answer about products.
pub(super) static NO_PRODUCT: WordList = LazyLock::new(|| word_list(FILE, "no product by title"));
/// What counts a number that is more than the number of a paragraph.
pub(super) static COUNTED: WordList = LazyLock::new(|| word_list(FILE, "counted"));
/// Between what an amount is and the amount.
pub(super) static JOINING: WordList = LazyLock::new(|| word_list(FILE, "joining"));

/// How a product insures, in words that any product may have.
pub(super) static DESCRIBED: WordList = LazyLock::new(|| word_list(FILE, "described"));
/// What it insures.
pub(super) static INSURED: WordList = LazyLock::new(|| word_list(FILE, "insured"));
/// Words of products' names that other texts have, too.
pub(super) static COMMON: WordList = LazyLock::new(|| word_list(FILE, "common"));
/// Insurers, as they stand before their products; the names of one are joined by `/`.
pub(super) static INSURERS: WordList = LazyLock::new(|| word_list(FILE, "insurers"));
/// What may stand between an insurer and its product.
pub(super) static BEHIND_INSURERS: WordList = LazyLock::new(|| word_list(FILE, "behind insurers"));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::check_lists;

    #[test]
    fn the_file_has_the_lists_that_are_asked_for() {
        let names = [
            "no product by law",
            "no product by title",
            "counted",
            "joining",
            "described",
            "insured",
            "common",
            "insurers",
            "behind insurers",
        ];
        check_lists(FILE, &names);
    }
}
