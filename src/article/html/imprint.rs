//! The words in which a site says who keeps it and where, told from the addresses of offices that an article lists.
//!
//! Judges words; where they stand is for `furniture` to see.

use super::super::site_words::{List, listed};

/// How many characters a block has that may be a site's own footer.
pub(super) const FOOTER: std::ops::RangeInclusive<usize> = 20..=400;
/// Whether words are those in which a site says who keeps it, where, and by which licence.
pub(super) fn is_imprint(words: &str) -> bool {
    let count = listed(List::Imprint)
        .iter()
        .filter(|mark| words.contains(*mark))
        .count();
    let start = listed(List::Imprint).iter().any(|mark| words.starts_with(mark));
    start && count >= 3 && !words.contains('。')
}

/// Whether an imprint says more than where an office can be found.
pub(super) fn names_site(words: &str) -> bool {
    listed(List::Imprint)
        .iter()
        .any(|mark| words.contains(mark) && !listed(List::ImprintAddress).contains(mark))
}
