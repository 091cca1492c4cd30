//! The words that a question's sentence is looked for by, and what each weighs.
//!
//! Owns the terms beyond those of the search: 未 for 没有, and a contract's words for spoken ones.

use std::borrow::Cow;

use super::question::formal_words;
use crate::index::{LexicalQuery, QuestionWeights};

/// 没有备案 in a question is 未备案 in an answer, and weighs this part of what is negated.
const NEGATED: f32 = 0.8;
/// A contract's word for a spoken one weighs this part of the question's mean word.
const FORMAL: f32 = 0.8;
/// A term and its weight.
pub(super) type Weighted<'a> = (Cow<'a, str>, f32);

/// The terms of a normalised question, distinct; terms and idf as the index gave them.
pub(super) fn question_terms<'a>(
    question: &str,
    query: &'a LexicalQuery,
    weights: &QuestionWeights,
) -> Vec<Weighted<'a>> {
    let mut terms: Vec<Weighted> = Vec::new();
    let words = query.words.iter().zip(&weights.words);
    let bigrams = query.bigrams.iter().zip(&weights.bigrams);
    // Canonical terms (#11000) are not in any text as such.
    for (term, &idf) in words.chain(bigrams).filter(|(term, _)| !term.text.starts_with('#')) {
        terms.push((Cow::Borrowed(&term.text), idf.max(0.0)));
    }
    terms.sort_by(|a, b| a.0.cmp(&b.0));
    // A pair that is a word too counts as both.
    terms.dedup_by(|next, before| {
        next.0 == before.0 && {
            before.1 += next.1;
            true
        }
    });
    let mut added = negated_terms(question, &terms);
    added.extend(formal_terms(question, &terms));
    terms.extend(added);
    terms
}

/// The pairs that a question negates by 没 or 没有, with 未 before them.
fn negated_terms<'a>(question: &str, terms: &[Weighted]) -> Vec<Weighted<'a>> {
    let mut found: Vec<Weighted> = Vec::new();
    for (at, no) in question.match_indices('没') {
        let rest = &question[at + no.len()..];
        let negated: String = rest.strip_prefix('有').unwrap_or(rest).chars().take(2).collect();
        if let Ok(place) = terms.binary_search_by(|(term, _)| (**term).cmp(negated.as_str())) {
            let term = (Cow::Owned(format!("未{negated}")), NEGATED * terms[place].1);
            if !found.contains(&term) {
                found.push(term);
            }
        }
    }
    found
}

/// The contracts' words for what the question says in spoken ones, where the question does not hold them itself.
fn formal_terms<'a>(question: &str, terms: &[Weighted]) -> Vec<Weighted<'a>> {
    let long = terms.iter().filter(|(term, _)| term.chars().nth(1).is_some());
    let (sum, count) = long.fold((0.0, 0u32), |(sum, count), (_, weight)| (sum + weight, count + 1));
    let weight = FORMAL * sum / count.max(1) as f32;
    let mut found: Vec<Weighted> = Vec::new();
    for formal in formal_words(question) {
        let known = |list: &[Weighted]| list.iter().any(|(term, _)| term == formal);
        if !known(terms) && !known(&found) {
            found.push((Cow::Borrowed(formal), weight));
        }
    }
    found
}
