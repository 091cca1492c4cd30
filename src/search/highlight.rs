//! Where the question's terms stand in a text.
//!
//! Works on the normalised text, so that 醫療保險 is found by 医疗保险, and gives back character offsets of the text as
//! it is shown. Does not segment: looking a term up in a text of some hundred characters costs microseconds. Which
//! sentence answers is `sentence`'s business; this gives its offsets out.

use std::ops::Range;

use super::response::Span;
use super::sentence::AnswerFinder;
use crate::index::{EvidenceSet, LexicalQuery};
use crate::text::{Normalized, QueryTerm};

/// The terms of a question, ready to be looked up in texts.
pub struct TermFinder {
    words: Vec<String>,
    bigrams: Vec<String>,
    answers: AnswerFinder,
}

impl TermFinder {
    /// Takes the question as it was asked, and its terms with the weights that the index gave them.
    pub fn new(question: &str, query: &LexicalQuery, evidence: &EvidenceSet) -> Self {
        // Canonical terms (#11000) are not in any text as such; single characters would light up half the text.
        let visible = |terms: &[QueryTerm]| {
            let shown = |text: &&str| !text.starts_with('#') && text.chars().nth(1).is_some();
            let texts = terms.iter().map(|term| term.text.as_str());
            texts.filter(shown).map(str::to_owned).collect()
        };
        TermFinder {
            words: visible(&query.words),
            bigrams: visible(&query.bigrams),
            answers: AnswerFinder::new(question, query, evidence),
        }
    }

    /// The question's words in a text, in order, overlapping and touching ones joined; its bigrams if no word is there.
    pub fn highlights(&self, text: &str) -> Vec<Span> {
        let normalized = Normalized::new(text);
        let mut ranges = find(&normalized, &self.words);
        if ranges.is_empty() {
            ranges = find(&normalized, &self.bigrams);
        }
        ranges.sort_by_key(|range| (range.start, range.end));
        let mut joined: Vec<Range<usize>> = Vec::new();
        for range in ranges {
            match joined.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => joined.push(range),
            }
        }
        to_spans(text, &joined)
    }

    /// The sentence of a passage that answers the question best, `title` being its article's; `None` if the passage
    /// has no sentence. Takes some tens of microseconds for a passage of 400 characters.
    pub fn best_sentence(&self, text: &str, title: &str) -> Option<Span> {
        let (_, range) = self.answers.best(text, title)?;
        to_spans(text, &[range]).pop()
    }

    /// How well the passage's best sentence answers: comparable between passages of one article for this question.
    pub fn best_score(&self, text: &str, title: &str) -> f32 {
        self.answers.best(text, title).map_or(0.0, |(score, _)| score)
    }
}

/// All places of the terms, as byte ranges of the original.
fn find(text: &Normalized, terms: &[String]) -> Vec<Range<usize>> {
    let places = |term: &String| {
        let length = term.len();
        let starts: Vec<usize> = text.text.match_indices(term.as_str()).map(|(at, _)| at).collect();
        starts.into_iter().map(move |at| at..at + length)
    };
    terms
        .iter()
        .flat_map(places)
        .map(|range| text.original_range(range))
        .collect()
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
        let evidence = EvidenceSet {
            word_idf: vec![1.0; words.len()],
            bigram_idf: vec![1.0; bigrams.len()],
            ..EvidenceSet::default()
        };
        TermFinder::new("", &query, &evidence)
    }

    fn cut(text: &str, span: Span) -> String {
        let length = (span.end - span.start) as usize;
        text.chars().skip(span.start as usize).take(length).collect()
    }

    #[test]
    fn terms_are_shown_where_they_stand() {
        let check = |words: &[&str], bigrams: &[&str], text: &str, expected: &[&str]| {
            let found = finder(words, bigrams).highlights(text);
            let shown: Vec<String> = found.into_iter().map(|span| cut(text, span)).collect();
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
        check(&["保", "#11000"], &["断"], "医保断了#11000", &[]);
        check(&["医保"], &[], "", &[]);
    }

    #[test]
    fn the_best_sentence_is_given_in_characters() {
        let text = "先说别的。医保断缴可以补。完了。";
        let span = finder(&["医保"], &[]).best_sentence(text, "").unwrap();
        assert_eq!((span.start, span.end), (5, 13));
        assert_eq!(finder(&["医保"], &[]).best_sentence(" ", ""), None);
    }

    proptest! {
        #[test]
        fn highlights_are_in_order_apart_and_inside(text in "(\\PC|[医保醫Ａa①\u{301}\n]){0,40}") {
            let mut last = None;
            for span in finder(&["医保", "aa"], &["保医"]).highlights(&text) {
                prop_assert!(span.start < span.end);
                prop_assert!(last.is_none_or(|last| last < span.start));
                last = Some(span.end);
            }
            prop_assert!(last.is_none_or(|last| last as usize <= text.chars().count()));
        }
    }
}
