//! The words that letters may spell from each place on, and how likely each of them is by itself.

use super::latin::{Group, next};
use super::sounds::{Key, LONGEST, readings};
use super::usage::Usage;
use super::vocabulary::{Entry, Vocabulary};
use crate::error::Result;

/// Words that each stretch of syllables may be.
const WORDS: usize = 8;
/// Words of general Chinese that the levels of the vocabulary count in, and words of a passage.
const GENERAL: f32 = 6e7;
const OF_PASSAGE: f32 = 60.0;
/// How often a passage that holds a character has it as a word of its own, about.
const ALONE: f32 = 0.15;
/// How common a common word is at least.
const COMMON: u8 = 12;
/// What a word over the end of a Latin one costs where those are words (da ma is not 大麻), not single syllables.
const ACROSS: f32 = 2.5;
/// Words of one character that a question has more often than other texts, anywhere and at its end, and by how much.
const ASKING: &str = "谁哪几啥咋";
const AT_THE_END: &str = "吗呢吧";
const ASKED: f32 = 2.0;
const ENDING: f32 = 5.0;
/// What the second and the third reading of a character cost.
const RARITY: [f32; 3] = [0.0, 3.0, 6.0];
/// Share of general Chinese in how likely a word is.
const GENERAL_SHARE: f32 = 0.3;

/// A word and where it stands in the letters.
pub(super) struct Edge {
    pub end: usize,
    pub word: Box<str>,
    pub syllables: usize,
    pub is_own: bool,
    /// Whether it is a common word of more than one character.
    pub is_common: bool,
    /// Natural logarithm.
    pub likely: f32,
    /// Passages that may hold it; none for a single character.
    pub held: Option<u64>,
}

/// The words that may begin in each place.
pub(super) fn edges(group: &Group, vocabulary: &Vocabulary, usage: &dyn Usage) -> Result<Vec<Vec<Edge>>> {
    let mut edges: Vec<Vec<Edge>> = Vec::new();
    for start in 0..group.letters.len() {
        let mut found: Vec<(usize, usize, &Entry, f32)> = Vec::new();
        let mut stack = vec![(start, Vec::<&str>::new(), Key::default())];
        while let Some((at, spelled, key)) = stack.pop() {
            if !spelled.is_empty() {
                let read = |entry| Some((at, spelled.len(), entry, rarity(entry, &spelled)?));
                let mut words: Vec<_> = vocabulary.sounding(key).filter_map(read).collect();
                words.sort_by(|a, b| (prior(b.2) - b.3).total_cmp(&(prior(a.2) - a.3)));
                words.truncate(WORDS);
                found.extend(words);
            }
            if spelled.len() < LONGEST {
                for end in next(&group.letters, &group.ends, at) {
                    let syllable = &group.letters[at..end];
                    let longer = spelled.iter().copied().chain([syllable]).collect();
                    stack.push((end, longer, key.and(syllable)));
                }
            }
        }
        let initials = group.initials.iter().filter(|(range, _)| range.start == start);
        let own = initials
            .filter_map(|(range, term)| Some((range.end, term.chars().count(), vocabulary.written(term)?, 0.0)));
        found.extend(own);
        let pairs: Vec<Vec<String>> = found.iter().map(|(_, _, entry, _)| parts(&entry.text)).collect();
        let terms: Vec<&str> = pairs.iter().flatten().map(String::as_str).collect();
        let mut holding = usage.holding(&terms)?.into_iter();
        let here = found
            .into_iter()
            .zip(pairs)
            .map(|((end, syllables, entry, rarity), pairs)| {
                let held = holding.by_ref().take(pairs.len()).min().unwrap_or(0);
                let likely = likely(entry, held as f32, usage);
                let held = Some(held).filter(|_| entry.text.chars().nth(1).is_some());
                let is_across = group.has_words && group.words.iter().any(|word| (start + 1..end).contains(word));
                let across = if is_across { ACROSS } else { 0.0 };
                let ends = group.is_last && end == group.letters.len() && AT_THE_END.contains(&*entry.text);
                let asked = match (ends, ASKING.contains(&*entry.text)) {
                    (true, _) => ENDING,
                    (_, true) => ASKED,
                    _ => 0.0,
                };
                Edge {
                    end,
                    word: entry.text.as_ref().into(),
                    syllables,
                    is_own: entry.is_own(),
                    is_common: entry.level >= COMMON && held.is_some(),
                    likely: likely.ln() - rarity - across + asked,
                    held,
                }
            });
        edges.push(here.collect());
    }
    Ok(edges)
}

/// How likely a word is by how often people write it and how many passages hold it, which puts 领 before 另.
fn likely(entry: &Entry, held: f32, usage: &dyn Usage) -> f32 {
    let general = f32::from(entry.level).exp2() / GENERAL;
    let share = |held: f32| held / (usage.passages() as f32 * OF_PASSAGE).max(1.0);
    if entry.text.chars().nth(1).is_none() {
        (general * ALONE * share(held + 0.5)).sqrt()
    } else {
        GENERAL_SHARE * general + (1.0 - GENERAL_SHARE) * share(held)
    }
}

/// How likely a word is before the collection is asked, in natural logarithms from anywhere.
fn prior(entry: &Entry) -> f32 {
    f32::from(entry.level) * std::f32::consts::LN_2 + if entry.is_own() { 3.0 } else { 0.0 }
}

/// What reading a word so costs: 银行 is yin hang, while 行 alone is xing; none if it is not read so.
fn rarity(entry: &Entry, syllables: &[&str]) -> Option<f32> {
    let mut rarity = 0.0;
    for (character, syllable) in entry.text.chars().zip(syllables) {
        let place = readings(character).position(|reading| reading == *syllable)?;
        rarity += RARITY[place.min(RARITY.len() - 1)];
    }
    Some(rarity)
}

/// What a collection is asked for to tell how often it has a word: its pairs of characters, or its only one.
fn parts(word: &str) -> Vec<String> {
    let characters: Vec<char> = word.chars().collect();
    let length = characters.len().min(2);
    characters
        .windows(length.max(1))
        .map(|part| part.iter().collect())
        .collect()
}
