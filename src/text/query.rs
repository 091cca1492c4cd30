//! Turns a question into weighted terms: stop words out, synonyms in, numbers in their canonical form.
//!
//! Owns everything that happens to a question and not to a document. Segmentation, bigrams and canonical terms are
//! the document's own, so that a term of a question is spelt as the index spells it.

use std::collections::HashMap;
use std::ops::Range;

use serde::Serialize;

use super::analyzer::{Analyzer, Gram, bigrams};
use super::normalize::Normalized;
use super::quantity::{Amount, amounts};
use super::region::Region;
use super::segment::{self, Script, Word};
use super::synonyms::Expansion;

/// Why a term is in a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TermOrigin {
    /// The asker wrote it.
    Written,
    /// It is the canonical form of a number or a date the asker wrote.
    Canonical,
    /// It belongs to a synonym of what the asker wrote.
    Synonym,
}

/// A term to look up, and how much a match counts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QueryTerm {
    /// As the index spells it.
    pub text: String,
    /// 1 for the asker's own words, less for words inside them and for synonyms; in (0, 1].
    pub weight: f32,
    /// Where it comes from; of several origins the one with the highest weight.
    pub origin: TermOrigin,
}

/// A question, analysed. Terms are unique, in order of first appearance; of a term that appears more than once the
/// highest weight counts, not the sum: saying a word twice makes a question longer, not clearer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnalyzedQuery {
    /// The question as segmentation saw it.
    pub normalized: String,
    /// Terms for the word field. Empty if the question holds no letter and no digit.
    pub words: Vec<QueryTerm>,
    /// Terms for the bigram field. A pair both of whose characters belong to dropped words is not among them, nor is
    /// a single character of one; a pair that only touches one weighs less.
    pub bigrams: Vec<QueryTerm>,
    /// The regions it names.
    pub regions: Vec<Region>,
    /// The stop words that weigh nothing, in order. Empty if the question holds nothing else, since they are all
    /// there is to search for then.
    pub dropped: Vec<String>,
}

/// What the same amount in another unit weighs beside the written one: 90天 where 三个月 was asked for. Set by hand, not
/// measured.
const EQUAL_AMOUNT: f32 = 0.75;

/// No stop phrase and no synonym is longer, in words.
const LONGEST_PHRASE: usize = 8;

/// Terms by first appearance, with the highest weight each.
#[derive(Default)]
struct Terms {
    terms: Vec<QueryTerm>,
    places: HashMap<String, usize>,
}

impl Terms {
    fn add(&mut self, text: &str, weight: f32, origin: TermOrigin) {
        match self.places.get(text) {
            Some(&place) if self.terms[place].weight >= weight => {}
            Some(&place) => {
                self.terms[place].weight = weight;
                self.terms[place].origin = origin;
            }
            None => {
                self.places.insert(text.to_owned(), self.terms.len());
                let text = text.to_owned();
                self.terms.push(QueryTerm { text, weight, origin });
            }
        }
    }
}

impl Analyzer {
    /// The terms of a question. Never fails: a question of punctuation alone has no terms.
    pub fn query(&self, text: &str) -> AnalyzedQuery {
        let normalized = Normalized::new(text).text;
        let runs = segment::runs(&normalized);
        let amounts = amounts(&normalized);
        let words = self.segment(&normalized, &runs, &amounts);
        let (kept, dropped) = self.keep(&normalized, &words);
        let (mut word_terms, mut bigram_terms) = (Terms::default(), Terms::default());
        let weights = &self.weights;
        let written = written_amounts(&normalized, &amounts);
        let in_amount = |range: &Range<usize>| overlap(&written, range) != Overlap::None;

        self.words(&normalized, &words, &amounts, |range, text, position| {
            if text.starts_with('#') {
                word_terms.add(text, 1.0, TermOrigin::Canonical);
            } else if kept[position] {
                let weight = if in_amount(&range) {
                    weights.written_amount
                } else if range == words[position].range {
                    1.0
                } else {
                    weights.sub_word
                };
                word_terms.add(text, weight, TermOrigin::Written);
            }
        });
        for equal in amounts.iter().filter_map(Amount::equal_term) {
            word_terms.add(&equal, EQUAL_AMOUNT, TermOrigin::Synonym);
        }
        let silent = silent_ranges(&words, &kept);
        bigrams(&normalized, &runs, |range, _, gram| {
            let weight = match overlap(&silent, &range) {
                Overlap::None => 1.0,
                Overlap::Part => weights.touching_pair,
                Overlap::Whole => return,
            };
            let weight = match gram {
                _ if in_amount(&range) => weight * weights.written_amount,
                Gram::Single => weight * weights.single_character,
                Gram::Pair | Gram::Whole => weight,
            };
            bigram_terms.add(&normalized[range], weight, TermOrigin::Written);
        });
        self.expand(&normalized, &words, &mut word_terms, &mut bigram_terms);

        AnalyzedQuery {
            words: word_terms.terms,
            bigrams: bigram_terms.terms,
            regions: self.lexicon().regions.find(&normalized, &words),
            dropped,
            normalized,
        }
    }

    /// Which words count, and the stop words that do not. Stop phrases may span words; if nothing would be left,
    /// everything counts.
    fn keep(&self, text: &str, words: &[Word]) -> (Vec<bool>, Vec<String>) {
        let mut kept = vec![true; words.len()];
        let mut dropped = Vec::new();
        let mut index = 0;
        while index < words.len() {
            match longest_phrase(text, &words[index..], |phrase| {
                self.lexicon().stopwords.contains(phrase)
            }) {
                Some((count, phrase)) => {
                    kept[index..index + count].fill(false);
                    dropped.push(phrase.to_owned());
                    index += count;
                }
                None => index += 1,
            }
        }
        if kept.contains(&true) {
            (kept, dropped)
        } else {
            (vec![true; words.len()], Vec::new())
        }
    }

    /// Adds the synonyms of the longest known forms, from the left, none overlapping. A word that has none itself
    /// gives those of the forms inside it: 医保断缴 those of 医保 and of 断缴.
    fn expand(&self, text: &str, words: &[Word], word_terms: &mut Terms, bigram_terms: &mut Terms) {
        let synonyms = self.synonyms();
        let mut add = |form: &str| {
            for expansion in synonyms.of(form) {
                self.add_synonym(expansion, word_terms, bigram_terms);
            }
        };
        let mut index = 0;
        while index < words.len() {
            match longest_phrase(text, &words[index..], |phrase| synonyms.has(phrase)) {
                Some((count, form)) => {
                    add(form);
                    index += count;
                }
                None => {
                    forms_inside(&text[words[index].range.clone()], |form| synonyms.has(form), &mut add);
                    index += 1;
                }
            }
        }
    }

    fn add_synonym(&self, expansion: &Expansion, word_terms: &mut Terms, bigram_terms: &mut Terms) {
        let text = expansion.text.as_str();
        let runs = segment::runs(text);
        let words = self.segment(text, &runs, &[]);
        let weight = expansion.weight.unwrap_or(self.weights.synonym);
        // One synonym of several words counts once, not once a word. Its sub-words count for nothing: they are mostly
        // the asker's own (医保 in 居民医保), or too general.
        let share = weight / words.len().max(1) as f32;
        for word in words.iter().map(|word| &text[word.range.clone()]) {
            if !self.lexicon().stopwords.contains(word) {
                word_terms.add(word, share, TermOrigin::Synonym);
            }
        }
        bigrams(text, &runs, |range, _, gram| {
            if gram != Gram::Single {
                let weight = weight * self.weights.synonym_bigrams;
                bigram_terms.add(&text[range], weight, TermOrigin::Synonym);
            }
        });
    }
}

/// Hands the known parts of a word to `found`, the longest at each place, from the left, none overlapping, none of a
/// single character (报 in 申报 is not 报销).
fn forms_inside(word: &str, known: impl Fn(&str) -> bool, found: &mut impl FnMut(&str)) {
    let bounds: Vec<usize> = word.char_indices().map(|(at, _)| at).chain([word.len()]).collect();
    let mut from = 0;
    while from + 2 < bounds.len() {
        let longest = (from + 2..bounds.len().min(from + 1 + LONGEST_FORM))
            .rev()
            .find(|&to| known(&word[bounds[from]..bounds[to]]));
        match longest {
            Some(to) => {
                found(&word[bounds[from]..bounds[to]]);
                from = to;
            }
            None => from += 1,
        }
    }
}

/// In characters: no form inside a word is longer.
const LONGEST_FORM: usize = 12;

/// The longest phrase of adjacent words, from the first on, that is known: how many words, and the phrase.
fn longest_phrase<'t>(text: &'t str, words: &[Word], known: impl Fn(&str) -> bool) -> Option<(usize, &'t str)> {
    let start = words[0].range.start;
    let mut best = None;
    let mut end = start;
    for (index, word) in words.iter().take(LONGEST_PHRASE).enumerate() {
        if word.range.start != end {
            break;
        }
        end = word.range.end;
        let phrase = &text[start..end];
        if known(phrase) {
            best = Some((index + 1, phrase));
        }
    }
    best
}

/// Where amounts are written, 元 behind them included. Their canonical terms say what they are; the characters they are
/// written with (万元 of 2万元) are those of other amounts too.
fn written_amounts(text: &str, amounts: &[Amount]) -> Vec<Range<usize>> {
    let with_unit = |amount: &Amount| {
        let Range { start, end } = amount.range;
        let unit = text[end..]
            .chars()
            .next()
            .filter(|unit| matches!(unit, '元' | '圆' | '块'));
        start..end + unit.map_or(0, char::len_utf8)
    };
    amounts.iter().map(with_unit).collect()
}

/// The stretches covered by dropped Chinese words and dropped Latin ones, adjacent ones joined.
fn silent_ranges(words: &[Word], kept: &[bool]) -> Vec<Range<usize>> {
    let mut silent: Vec<Range<usize>> = Vec::new();
    for (word, _) in words.iter().zip(kept).filter(|(_, kept)| !**kept) {
        match silent.last_mut() {
            Some(last) if last.end == word.range.start && word.script == Script::Cjk => last.end = word.range.end,
            _ => silent.push(word.range.clone()),
        }
    }
    silent
}

/// How much of a term lies in stretches that are in order and do not overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Overlap {
    None,
    Part,
    Whole,
}

fn overlap(stretches: &[Range<usize>], range: &Range<usize>) -> Overlap {
    // The first stretch that ends behind the term's start: adjacent dropped words are joined, so it alone can hold it.
    let Some(first) = stretches.get(stretches.partition_point(|stretch| stretch.end <= range.start)) else {
        return Overlap::None;
    };
    if first.start <= range.start && range.end <= first.end {
        Overlap::Whole
    } else if first.start < range.end {
        Overlap::Part
    } else {
        Overlap::None
    }
}
