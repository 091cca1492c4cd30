//! What sites put around their articles, in words (`index/lexicon/site.txt`).
//!
//! Owns the lists; what follows from a word, and where its line must stand, is for those who ask.

use std::sync::LazyLock;

use crate::text::lexicon_lines;

/// A list of words, called as in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    Ending,
    Paging,
    Cards,
    BehindEnding,
    Statement,
    StatementWords,
    Comments,
    Related,
    Prompt,
    Invite,
    Offer,
    AsksToWrite,
    Tool,
    ToolUnit,
    LabelSource,
    LabelDay,
    LabelUnsaidDay,
    Label,
    LabelOfPages,
    LabelOfTexts,
    LabelDayOfTexts,
    LabelLink,
    LabelBar,
    Reporter,
    Ago,
    PublisherEnds,
    BelowSignature,
    Post,
    PostAlone,
    PostWithNumber,
    PostCount,
    PostDated,
    FirstPosts,
    ExpertCard,
    AuthorCard,
    DatedFact,
    Imprint,
    ImprintAddress,
    Foot,
    Footer,
    Notice,
    MedicalNotice,
    MissingPage,
    Question,
    Greeting,
}

const LISTS: &[(&str, List)] = &[
    ("ending", List::Ending),
    ("paging", List::Paging),
    ("cards", List::Cards),
    ("behind ending", List::BehindEnding),
    ("statement", List::Statement),
    ("statement words", List::StatementWords),
    ("comments", List::Comments),
    ("related", List::Related),
    ("prompt", List::Prompt),
    ("invite", List::Invite),
    ("offer", List::Offer),
    ("asks to write", List::AsksToWrite),
    ("tool", List::Tool),
    ("tool unit", List::ToolUnit),
    ("label source", List::LabelSource),
    ("label day", List::LabelDay),
    ("label unsaid day", List::LabelUnsaidDay),
    ("label", List::Label),
    ("label of pages", List::LabelOfPages),
    ("label of texts", List::LabelOfTexts),
    ("label day of texts", List::LabelDayOfTexts),
    ("label link", List::LabelLink),
    ("label bar", List::LabelBar),
    ("reporter", List::Reporter),
    ("ago", List::Ago),
    ("publisher ends", List::PublisherEnds),
    ("below signature", List::BelowSignature),
    ("post", List::Post),
    ("post alone", List::PostAlone),
    ("post with number", List::PostWithNumber),
    ("post count", List::PostCount),
    ("post dated", List::PostDated),
    ("first posts", List::FirstPosts),
    ("expert card", List::ExpertCard),
    ("author card", List::AuthorCard),
    ("dated fact", List::DatedFact),
    ("imprint", List::Imprint),
    ("imprint address", List::ImprintAddress),
    ("foot", List::Foot),
    ("footer", List::Footer),
    ("notice", List::Notice),
    ("medical notice", List::MedicalNotice),
    ("missing page", List::MissingPage),
    ("question", List::Question),
    ("greeting", List::Greeting),
];

static WORDS: LazyLock<Vec<Vec<&'static str>>> = LazyLock::new(|| {
    let mut lists = vec![Vec::new(); LISTS.len()];
    for (_, line) in lexicon_lines(FILE) {
        // A test holds that each line is of a list that is known.
        let (name, words) = line.split_once(':').unwrap_or(("", line));
        if let Some((_, list)) = LISTS.iter().find(|(known, _)| *known == name) {
            lists[*list as usize].extend(words.split_whitespace());
        }
    }
    lists
});

const FILE: &str = include_str!("../../index/lexicon/site.txt");

/// The words of a list.
pub(super) fn listed(list: List) -> &'static [&'static str] {
    &WORDS[list as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_and_the_lists_agree() {
        for (number, line) in lexicon_lines(FILE) {
            let name = line.split_once(':').map(|(name, _)| name);
            assert!(
                LISTS.iter().any(|(known, _)| name == Some(known)),
                "line {number}: {line}"
            );
        }
        for (place, (name, list)) in LISTS.iter().enumerate() {
            assert_eq!(*list as usize, place, "{name}");
            let mut words = listed(*list).to_vec();
            let count = words.len();
            words.sort();
            words.dedup();
            assert!(count > 0 && words.len() == count, "{name}");
        }
    }
}
