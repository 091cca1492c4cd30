//! Where the question's terms stand in a text, and which sentence of it answers best.
//!
//! Works on the normalised text, so that 醫療保險 is found by 医疗保险, and gives back character offsets of the text as
//! it is shown. Does not segment: looking a term up in a text of some hundred characters costs microseconds.

use std::ops::Range;

use super::response::Span;
use crate::index::{EvidenceSet, LexicalQuery};
use crate::text::{Normalized, sentences};

/// The terms of a question with their idf, ready to be looked up in texts.
pub struct TermFinder {
    /// Longest first; text and weighted idf.
    words: Vec<(String, f32)>,
    bigrams: Vec<(String, f32)>,
}

/// A found term: bytes in the normalised text and the term's weight.
struct Found {
    range: Range<usize>,
    term: usize,
}

impl TermFinder {
    /// Takes the question's terms with the weights that the index gave them.
    pub fn new(query: &LexicalQuery, evidence: &EvidenceSet) -> Self {
        let weighted = |terms: &[crate::text::QueryTerm], idf: &[f32]| {
            let mut list: Vec<(String, f32)> = terms
                .iter()
                .zip(idf)
                // Canonical terms (#11000) are not in any text as such.
                .filter(|(term, _)| !term.text.starts_with('#'))
                .map(|(term, &idf)| (term.text.clone(), idf))
                .collect();
            list.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.0.cmp(&b.0)));
            list
        };
        TermFinder {
            words: weighted(&query.words, &evidence.word_idf),
            bigrams: weighted(&query.bigrams, &evidence.bigram_idf),
        }
    }

    /// The question's words in a text, in order, overlapping and touching ones joined; its bigrams if no word is there.
    pub fn highlights(&self, text: &str) -> Vec<Span> {
        let normalized = Normalized::new(text);
        let several = |term: &&(String, f32)| term.0.chars().nth(1).is_some();
        let mut found = find(&normalized.text, self.words.iter().filter(several));
        if found.is_empty() {
            found = find(&normalized.text, self.bigrams.iter().filter(several));
        }
        let mut ranges: Vec<Range<usize>> = found
            .into_iter()
            .map(|found| normalized.original_range(found.range))
            .collect();
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

    /// The sentence of a passage that answers best: the one that holds the most of what is rare in the question, longer
    /// sentences having to hold more, and a bare heading or question never before a statement of the same worth.
    pub fn best_sentence(&self, text: &str) -> Option<Span> {
        let ranges = sentences(text);
        let mut best: Option<(f32, usize)> = None;
        for (number, range) in ranges.iter().enumerate() {
            let score = self.sentence_score(&text[range.clone()]);
            if best.is_none_or(|(top, _)| score > top) {
                best = Some((score, number));
            }
        }
        let (_, number) = best?;
        to_spans(text, &ranges[number..=number]).pop()
    }

    fn sentence_score(&self, sentence: &str) -> f32 {
        let normalized = Normalized::new(sentence);
        let distinct = |terms: &[(String, f32)]| {
            let mut seen = vec![false; terms.len()];
            find(&normalized.text, terms.iter())
                .iter()
                .for_each(|f| seen[f.term] = true);
            terms
                .iter()
                .zip(seen)
                .filter(|(_, seen)| *seen)
                .map(|(t, _)| t.1)
                .sum::<f32>()
        };
        let matched = distinct(&self.words) + distinct(&self.bigrams);
        let chars = normalized.text.chars().count() as f32;
        let statement = match sentence.trim_end().ends_with(['?', '？', ':', '：']) {
            true => 0.6,
            false => 1.0,
        };
        // Below about a dozen characters a sentence is a label, not an answer.
        let body = (chars / 12.0).min(1.0);
        statement * (0.3 + 0.7 * body) * matched / (1.0 + chars / 80.0)
    }
}

fn find<'a>(text: &str, terms: impl Iterator<Item = &'a (String, f32)>) -> Vec<Found> {
    let mut found = Vec::new();
    for (number, (term, _)) in terms.enumerate() {
        for (start, matched) in text.match_indices(term.as_str()) {
            found.push(Found {
                range: start..start + matched.len(),
                term: number,
            });
        }
    }
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
