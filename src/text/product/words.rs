//! The lists of words by which names of products are told (`index/lexicon/products.txt`).
//!
//! Owns the lists; what follows from a word is for those who ask.

use std::sync::LazyLock;

use crate::text::lines::{WordList, word_list};

pub const FILE: &str = include_str!("../../../index/lexicon/products.txt");

/// Insurance by law has no products: its titles differ by the place and by who is insured.
pub static SOCIAL: WordList = LazyLock::new(|| word_list(FILE, "no product by law"));
/// A title with these is that of a rule, a notice or an answer about products.
pub static NO_PRODUCT: WordList = LazyLock::new(|| word_list(FILE, "no product by title"));
/// How a product insures, in words that any product may have.
pub static DESCRIBED: WordList = LazyLock::new(|| word_list(FILE, "described"));
/// What it insures.
pub static INSURED: WordList = LazyLock::new(|| word_list(FILE, "insured"));
/// Words of products' names that other texts have, too.
pub static COMMON: WordList = LazyLock::new(|| word_list(FILE, "common"));
/// Insurers, as they stand before their products; the names of one are joined by `/`.
pub static INSURERS: WordList = LazyLock::new(|| word_list(FILE, "insurers"));
/// What may stand between an insurer and its product.
pub static BEHIND_INSURERS: WordList = LazyLock::new(|| word_list(FILE, "behind insurers"));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::check_lists;

    #[test]
    fn the_file_has_the_lists_that_are_asked_for() {
        let names = [
            "no product by law",
            "no product by title",
            "described",
            "insured",
            "common",
            "insurers",
            "behind insurers",
        ];
        check_lists(FILE, &names);
    }
}
