//! What sites put around their articles, in words (`index/lexicon/site.txt`).
//!
//! Owns the lists; what follows from a word, and where its line must stand, is for those who ask.

use std::sync::LazyLock;

use crate::text::word_list;

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
    LabelOfLetter,
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
    OfSite,
    Foot,
    Footer,
    Notice,
    MedicalNotice,
    MissingPage,
    Question,
    Greeting,
    DayPublished,
    DayChanged,
    DayWritten,
    DayElse,
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
    ("label of letter", List::LabelOfLetter),
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
    ("of site", List::OfSite),
    ("foot", List::Foot),
    ("footer", List::Footer),
    ("notice", List::Notice),
    ("medical notice", List::MedicalNotice),
    ("missing page", List::MissingPage),
    ("question", List::Question),
    ("greeting", List::Greeting),
    ("day published", List::DayPublished),
    ("day changed", List::DayChanged),
    ("day written", List::DayWritten),
    ("day else", List::DayElse),
];

static WORDS: LazyLock<Vec<Vec<&'static str>>> =
    LazyLock::new(|| LISTS.iter().map(|(name, _)| word_list(FILE, name)).collect());

const FILE: &str = include_str!("../../index/lexicon/site.txt");

/// The words of a list.
pub(super) fn listed(list: List) -> &'static [&'static str] {
    &WORDS[list as usize]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::check_lists;

    #[test]
    fn the_file_and_the_lists_agree() {
        let names: Vec<&str> = LISTS.iter().map(|(name, _)| *name).collect();
        check_lists(FILE, &names);
        for (place, (name, list)) in LISTS.iter().enumerate() {
            assert_eq!(*list as usize, place, "{name}");
        }
    }
}
