//! Where the question's terms stand in a text.
//!
//! Works on the normalised text, so that 醫療保險 is found by 医疗保险, and gives back character offsets of the text as
//! it is shown. Does not segment: looking a term up in a text of some hundred characters costs microseconds. Which
//! sentence answers is `sentence`'s business; this gives its offsets out.

use std::ops::Range;

use super::phrases::Phrases;
use super::response::Span;
use super::sentence::{AnswerFinder, Nearness, Weighed};
use crate::index::{LexicalQuery, QuestionWeights};
use crate::text::{Amount, Normalized, QueryTerm, amounts};

/// The terms of a question, ready to be looked up in texts.
pub struct TermFinder {
    words: Phrases,
    bigrams: Phrases,
    /// Amounts and days by their canonical terms: they are found however they are written, and whole.
    amounts: Vec<String>,
    answers: AnswerFinder,
}

/// An article's title, read once for all of its passages.
#[derive(Debug)]
pub struct Title {
    normalized: Normalized,
    /// The question's terms in it.
    terms: Vec<usize>,
}

/// A passage's text, read once for all that is said about it.
#[derive(Debug)]
pub struct PassageReading {
    normalized: Normalized,
    sentences: Weighed,
}

impl TermFinder {
    /// Takes the question as it was asked, and its terms with the weights that the index gave them.
    pub fn new(question: &str, query: &LexicalQuery, weights: &QuestionWeights) -> Self {
        // Canonical terms (#11000) are looked for as amounts; single characters would light up half the text.
        let visible = |terms: &[QueryTerm]| {
            let shown = |text: &&str| !text.starts_with('#') && text.chars().nth(1).is_some();
            let mut texts: Vec<&str> = terms.iter().map(|term| term.text.as_str()).filter(shown).collect();
            texts.sort_unstable();
            Phrases::new(texts.into_iter())
        };
        TermFinder {
            words: visible(&query.words),
            bigrams: visible(&query.bigrams),
            amounts: (query.words.iter())
                .filter(|term| term.text.starts_with('#'))
                .map(|term| term.text.clone())
                .collect(),
            answers: AnswerFinder::new(question, query, weights),
        }
    }

    /// Reads an article's title.
    pub fn title(&self, title: &str) -> Title {
        let normalized = Normalized::new(title);
        Title {
            terms: self.answers.terms(&normalized.text),
            normalized,
        }
    }

    /// Reads a passage of an article with this title: normalises it once and weighs its sentences as answers to the
    /// question.
    pub fn read(&self, text: &str, title: &Title, near: &Nearness<'_>) -> PassageReading {
        let normalized = Normalized::new(text);
        PassageReading {
            sentences: self.answers.weigh(text, &normalized, &title.terms, near),
            normalized,
        }
    }

    /// The question's words and amounts in a text, in order, overlapping and touching ones joined; its bigrams if there
    /// is none of them.
    pub fn highlights(&self, text: &str, normalized: &Normalized) -> Vec<Span> {
        let mut ranges = find(normalized, &self.words);
        if !self.amounts.is_empty() {
            let is_asked = |amount: &Amount| amount.terms().any(|term| self.amounts.contains(&term));
            let asked = amounts(&normalized.text).into_iter().filter(is_asked);
            ranges.extend(asked.map(|amount| normalized.original_range(amount.range)));
        }
        if ranges.is_empty() {
            ranges = find(normalized, &self.bigrams);
        }
        ranges.sort_unstable_by_key(|range| (range.start, range.end));
        let mut joined: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match joined.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => joined.push(range),
            }
        }
        to_spans(text, &joined)
    }
}

impl Title {
    /// What normalising it gave.
    pub fn normalized(&self) -> &Normalized {
        &self.normalized
    }
}

impl PassageReading {
    /// What normalising the text gave.
    pub fn normalized(&self) -> &Normalized {
        &self.normalized
    }

    /// The sentence of the text that answers the question best; `None` if it has no sentence.
    pub fn best_sentence(&self, text: &str) -> Option<Span> {
        let (_, range) = self.sentences.best(self.sentences.most_matched())?;
        to_spans(text, std::slice::from_ref(&range)).pop()
    }

    /// Its sentences, to compare them with those of other passages.
    pub fn sentences(&self) -> &Weighed {
        &self.sentences
    }
}

/// All places of the phrases, those of one phrase not overlapping, as byte ranges of the original.
fn find(text: &Normalized, phrases: &Phrases) -> Vec<Range<usize>> {
    if text.text.is_empty() || phrases.len() == 0 {
        return Vec::new();
    }
    let mut found = Vec::with_capacity(16);
    // Where each phrase's last place ended.
    let mut ends = vec![0; phrases.len()];
    phrases.each(&text.text, |at, number| {
        if at >= ends[number] {
            ends[number] = at + phrases.get(number).len();
            found.push(text.original_range(at..ends[number]));
        }
    });
    found
}

/// Byte ranges, ascending, as character spans.
fn to_spans(text: &str, ranges: &[Range<usize>]) -> Vec<Span> {
    let mut spans = Vec::with_capacity(ranges.len());
    let (mut byte, mut chars) = (0usize, 0u32);
    for range in ranges {
        chars += text[byte..range.start].chars().count() as u32;
        let start = chars;
        chars += text[range.clone()].chars().count() as u32;
        byte = range.end;
        spans.push(Span { start, end: chars });
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::TermOrigin;
    use proptest::prelude::*;

    fn finder(words: &[&str], bigrams: &[&str]) -> TermFinder {
        let terms = |texts: &[&str]| {
            let term = |text: &&str| QueryTerm {
                text: (*text).to_owned(),
                weight: 1.0,
                origin: TermOrigin::Written,
            };
            texts.iter().map(term).collect::<Vec<_>>()
        };
        let query = LexicalQuery {
            words: terms(words),
            bigrams: terms(bigrams),
            ..LexicalQuery::default()
        };
        let weights = QuestionWeights {
            words: vec![1.0; words.len()],
            bigrams: vec![1.0; bigrams.len()],
        };
        TermFinder::new("", &query, &weights)
    }

    fn highlights(finder: &TermFinder, text: &str) -> Vec<Span> {
        finder.highlights(text, &Normalized::new(text))
    }

    #[test]
    fn terms_are_shown_where_they_stand() {
        let check = |words: &[&str], bigrams: &[&str], text: &str, expected: &[&str]| {
            let found = highlights(&finder(words, bigrams), text);
            let shown: Vec<String> = found.into_iter().map(|span| span.of(text)).collect();
            assert_eq!(shown, expected, "{text}");
        };
        check(
            &["医保", "断缴"],
            &[],
            "职工医保断缴了，医保怎么办",
            &["医保断缴", "医保"],
        );
        check(&["医疗保险"], &[], "補繳醫療保險", &["醫療保險"]);
        check(&["app"], &[], "下载ＡＰＰ", &["ＡＰＰ"]);
        check(&["医保", "职工医保"], &[], "职工医保", &["职工医保"]);
        // Pairs only where no word is.
        check(&["医保"], &["保断"], "医保断了", &["医保"]);
        check(&["社保"], &["医保"], "医保断了", &["医保"]);
        check(&["保", "#11000"], &["断"], "医保断了#11000", &["11000"]);
        check(&["医保"], &[], "", &[]);
    }

    #[test]
    fn amounts_are_shown_whole_however_they_are_written() {
        let check = |words: &[&str], text: &str, expected: &[&str]| {
            let found = highlights(&finder(words, &[]), text);
            let shown: Vec<String> = found.into_iter().map(|span| span.of(text)).collect();
            assert_eq!(shown, expected, "{text}");
        };
        let term = amounts("三个月")[0].terms().next().unwrap();
        check(
            &["断缴", "三个", &term],
            "断缴满三个月的，13个月、三个工作日和3 个月",
            &["断缴", "三个月", "三个", "3 个月"],
        );
        check(&[&term], "没有", &[]);
    }

    #[test]
    fn the_best_sentence_is_given_in_characters() {
        let text = "先说别的。医保断缴可以补。完了。";
        let finder = finder(&["医保"], &[]);
        let best = |text: &str| {
            finder
                .read(text, &finder.title(""), &Nearness::default())
                .best_sentence(text)
        };
        assert_eq!(best(text).map(|span| (span.start, span.end)), Some((5, 13)));
        assert_eq!(best(" "), None);
    }

    proptest! {
        /// Looked up one after the other, as `match_indices` does.
        #[test]
        fn all_phrases_are_found(
            terms in proptest::collection::vec("[医保a]{2,10}", 0..6),
            text in "[医保醫Ａa①\u{301} \n]{0,40}",
        ) {
            let normalized = Normalized::new(&text);
            let mut sorted: Vec<&str> = terms.iter().map(String::as_str).collect();
            sorted.sort_unstable();
            let mut found = find(&normalized, &Phrases::new(sorted.iter().copied()));
            let places = |term: &&str| {
                let of = |(at, term): (usize, &str)| normalized.original_range(at..at + term.len());
                normalized.text.match_indices(*term).map(of).collect::<Vec<_>>()
            };
            let mut plain: Vec<_> = sorted.iter().flat_map(places).collect();
            plain.sort_by_key(|range| (range.start, range.end));
            found.sort_by_key(|range| (range.start, range.end));
            prop_assert_eq!(found, plain);
        }

        #[test]
        fn highlights_are_in_order_apart_and_inside(text in "(\\PC|[医保醫Ａa①\u{301}\n]){0,40}") {
            let mut last = None;
            for span in highlights(&finder(&["医保", "aa"], &["保医"]), &text) {
                prop_assert!(span.start < span.end);
                prop_assert!(last.is_none_or(|last| last < span.start));
                last = Some(span.end);
            }
            prop_assert!(last.is_none_or(|last| last as usize <= text.chars().count()));
        }
    }
}
