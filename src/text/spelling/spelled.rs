//! Pinyin: `yibao duanjiao zenmeban` becomes 医保断缴怎么办.
//!
//! Letters are cut into syllables in every way there is, syllables make words of the vocabulary, and of all ways
//! through them the likeliest is taken by how often the collection and general Chinese have the words, and how often
//! the collection has the characters where words meet. Latin words that the collection writes stay what they are.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use super::super::lines::lexicon_lines;
use super::super::segment::{Run, Script};
use super::sounds::{Key, LONGEST, is_syllable, readings};
use super::usage::{Edit, Usage};
use super::vocabulary::{Entry, Vocabulary};
use crate::error::Result;

/// No syllable has more letters.
const LETTERS: usize = 6;
/// Longer than any question that somebody spells.
const MOST_LETTERS: usize = 300;
/// Syllables that a question must spell unless all it spells are words of our own.
const ENOUGH: usize = 4;
/// Ways that are followed from each place, and words that each stretch of syllables may be.
const WAYS: usize = 5;
const WORDS: usize = 8;
/// Words of general Chinese that the levels of the vocabulary count in, and words of a passage.
const GENERAL: f32 = 6e7;
const OF_PASSAGE: f32 = 60.0;
/// How often a passage that holds a character has it as a word of its own, about.
const ALONE: f32 = 0.15;
/// Share of general Chinese in how likely a word is, and weight of how well neighbours go together.
const GENERAL_SHARE: f32 = 0.3;
const TOGETHER: f32 = 0.5;
const NEVER: f32 = -4.0;
/// Syllables that a question must spell beside Chinese characters, if all of them are common words of two characters or
/// more (医保断缴 zenme ban).
const ENOUGH_BESIDE: usize = 3;
/// How common such words are at least.
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

static INITIALS: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let lines = lexicon_lines(include_str!("../../../index/lexicon/initials.txt"));
    lines.filter_map(|(_, line)| line.split_once(' ')).collect()
});

/// Latin words that stand side by side and are all pinyin.
struct Group {
    /// In the text, bytes.
    range: Range<usize>,
    letters: String,
    /// Places in the letters where a syllable cannot run on: ends of words, tones.
    ends: Vec<bool>,
    /// Of these, the ends of Latin words, if one of the words has more than one syllable.
    words: Vec<usize>,
    has_words: bool,
    /// Whether the question ends behind it.
    is_last: bool,
    /// Stretches that are first letters of a term, and the term.
    initials: Vec<(Range<usize>, &'static str)>,
    /// At least so many.
    syllables: usize,
}

/// A word and where it stands in the letters.
struct Edge {
    end: usize,
    word: Box<str>,
    syllables: usize,
    is_own: bool,
    /// Whether it is a common word of more than one character.
    is_common: bool,
    /// Natural logarithm.
    likely: f32,
    /// Passages that may hold it; none for a single character.
    held: Option<u64>,
}

/// A way to a place: how likely, the last edge and the way before it.
#[derive(Clone)]
struct Way {
    likely: f32,
    last: char,
    words: Vec<(usize, usize)>,
}

/// What to write in place of pinyin, in order.
///
/// # Errors
/// Those of `usage`.
pub(super) fn edits<'v>(
    text: &str,
    runs: &[Run],
    vocabulary: impl FnOnce() -> Result<&'v Vocabulary>,
    usage: &dyn Usage,
) -> Result<Vec<Edit>> {
    let groups = groups(text, runs, usage)?;
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let vocabulary = vocabulary()?;
    let is_mixed = runs.iter().any(|run| run.script == Script::Cjk);
    let total: usize = groups.iter().map(|group| group.syllables).sum();
    let mut edits = Vec::new();
    for group in groups {
        let edges = edges(&group, vocabulary, usage)?;
        let Some(words) = likeliest(&edges, group.letters.len(), usage)? else {
            continue;
        };
        let words: Vec<&Edge> = words.into_iter().map(|(at, nth)| &edges[at][nth]).collect();
        let in_words: usize = words
            .iter()
            .filter(|edge| edge.held.is_some())
            .map(|edge| edge.syllables)
            .sum();
        let all: usize = words.iter().map(|edge| edge.syllables).sum();
        let is_held = words.iter().any(|edge| edge.held.is_some_and(|held| held > 0));
        let is_own = words.iter().all(|edge| edge.is_own);
        let is_beside = is_mixed && total >= ENOUGH_BESIDE && words.iter().all(|edge| edge.is_common || edge.is_own);
        if is_held && 2 * in_words >= all && (is_own || total >= ENOUGH || is_beside) {
            edits.push(Edit {
                range: group.range,
                text: words.iter().map(|edge| &*edge.word).collect(),
            });
        }
    }
    Ok(edits)
}

/// The stretches of a text that may be pinyin.
fn groups(text: &str, runs: &[Run], usage: &dyn Usage) -> Result<Vec<Group>> {
    let mut groups: Vec<Group> = Vec::new();
    let mut letters = 0;
    for run in runs.iter().filter(|run| run.script == Script::Alphabetic) {
        let written = &text[run.range.clone()];
        let Some((spelled, ends)) = spelled(written) else {
            continue;
        };
        letters += spelled.len();
        if letters > MOST_LETTERS {
            return Ok(Vec::new());
        }
        let initials = INITIALS.get(written).copied();
        let syllables = match (syllables(&spelled, &ends), initials) {
            (Some(syllables), _) => syllables,
            (None, Some(_)) => 0,
            (None, None) => continue,
        };
        // A word of another language, or a name, that the collection knows.
        if syllables > 1 && usage.holding(&[written])? != [0] {
            continue;
        }
        let joins = |group: &&mut Group| {
            let between = &text[group.range.end..run.range.start];
            between.chars().all(|c| matches!(c, ' ' | '\'' | '-'))
        };
        if groups.last_mut().filter(joins).is_none() {
            groups.push(Group {
                range: run.range.clone(),
                letters: String::new(),
                ends: vec![true],
                words: Vec::new(),
                has_words: false,
                is_last: false,
                initials: Vec::new(),
                syllables: 0,
            });
        }
        let Some(group) = groups.last_mut() else { continue };
        let start = group.letters.len();
        group.range.end = run.range.end;
        group.letters += &spelled;
        group.ends.extend_from_slice(&ends[1..]);
        group.syllables += syllables;
        group.words.push(group.letters.len());
        group.has_words |= syllables > 1;
        group.is_last = !text[run.range.end..].contains(char::is_alphanumeric);
        if syllables == 0
            && let Some(term) = initials
        {
            group.initials.push((start..group.letters.len(), term));
        }
    }
    groups.retain(|group| group.syllables > 1);
    Ok(groups)
}

/// The letters of a Latin word without tones, and where no syllable runs on; none if it holds anything else.
fn spelled(written: &str) -> Option<(String, Vec<bool>)> {
    let mut letters = String::with_capacity(written.len());
    let mut ends = vec![true];
    for c in written.chars() {
        match c {
            'a'..='z' => {
                letters.push(c);
                ends.push(false);
            }
            'ü' => {
                letters.push('v');
                ends.push(false);
            }
            marked if let Some(letter) = unmarked(marked) => {
                letters.push(letter);
                ends.push(false);
            }
            '1'..='5' if ends.last() == Some(&false) => *ends.last_mut()? = true,
            _ => return None,
        }
    }
    *ends.last_mut()? = true;
    Some((letters, ends))
}

/// The letter under the mark of a tone.
fn unmarked(letter: char) -> Option<char> {
    const MARKED: [(&str, char); 6] = [
        ("āáǎà", 'a'),
        ("ēéěè", 'e'),
        ("īíǐì", 'i'),
        ("ōóǒò", 'o'),
        ("ūúǔù", 'u'),
        ("ǖǘǚǜ", 'v'),
    ];
    MARKED
        .into_iter()
        .find(|(marked, _)| marked.contains(letter))
        .map(|(_, plain)| plain)
}

/// Into how few syllables letters can be cut; none if they cannot.
fn syllables(letters: &str, ends: &[bool]) -> Option<usize> {
    let mut fewest: Vec<Option<usize>> = vec![None; letters.len() + 1];
    fewest[0] = Some(0);
    for start in 0..letters.len() {
        let Some(count) = fewest[start] else { continue };
        for end in next(letters, ends, start) {
            fewest[end] = Some(fewest[end].map_or(count + 1, |other| other.min(count + 1)));
        }
    }
    fewest[letters.len()]
}

/// Where the syllables end that begin in a place.
fn next(letters: &str, ends: &[bool], start: usize) -> impl Iterator<Item = usize> {
    let last = (start + 1..letters.len())
        .find(|&end| ends[end])
        .unwrap_or(letters.len());
    (start + 1..=last.min(start + LETTERS)).filter(move |&end| is_syllable(&letters[start..end]))
}

/// The words that may begin in each place.
fn edges(group: &Group, vocabulary: &Vocabulary, usage: &dyn Usage) -> Result<Vec<Vec<Edge>>> {
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

/// The likeliest way through all the letters: of each word its place and its number there.
fn likeliest(edges: &[Vec<Edge>], length: usize, usage: &dyn Usage) -> Result<Option<Vec<(usize, usize)>>> {
    let mut ways: Vec<Vec<Way>> = vec![Vec::new(); length + 1];
    ways[0].push(Way {
        likely: 0.0,
        last: ' ',
        words: Vec::new(),
    });
    for at in 0..length {
        let here = std::mem::take(&mut ways[at]);
        if here.is_empty() {
            continue;
        }
        let firsts: Vec<char> = edges[at].iter().filter_map(|edge| edge.word.chars().next()).collect();
        let mut terms: Vec<String> = here
            .iter()
            .map(|way| way.last)
            .chain(firsts.iter().copied())
            .map(String::from)
            .collect();
        terms.extend(
            here.iter()
                .flat_map(|way| firsts.iter().map(|first| [way.last, *first].iter().collect())),
        );
        let terms: Vec<&str> = terms.iter().map(String::as_str).collect();
        let holding = usage.holding(&terms)?;
        let (alone, together) = holding.split_at(here.len() + firsts.len());
        let (lasts, firsts) = alone.split_at(here.len());
        for (number, way) in here.iter().enumerate() {
            for (nth, edge) in edges[at].iter().enumerate() {
                let expected = (lasts[number] + 1) as f32 * (firsts[nth] + 1) as f32 / usage.passages().max(1) as f32;
                let together = together[number * firsts.len() + nth] as f32;
                let fits = ((together + 0.1) / (expected + 0.1)).ln();
                let fits = match way.words.last() {
                    None => 0.0,
                    // Two characters that mostly stand together are a word that the vocabulary lacks.
                    Some(&(at, nth)) if edges[at][nth].held.is_none() && edge.held.is_none() => fits.clamp(-1.0, 6.0),
                    // What the collection never writes is less likely than what it writes seldom.
                    Some(_) if together < 1.0 => TOGETHER * fits.clamp(NEVER, 3.0),
                    Some(_) => TOGETHER * fits.clamp(-2.0, 3.0),
                };
                let longer = Way {
                    likely: way.likely + edge.likely + fits,
                    last: edge.word.chars().next_back().unwrap_or(' '),
                    words: way.words.iter().copied().chain([(at, nth)]).collect(),
                };
                keep(&mut ways[edge.end], longer);
            }
        }
    }
    let best = ways.pop().and_then(|ways| ways.into_iter().next());
    Ok(best.map(|way| way.words))
}

/// Keeps the likeliest ways to a place, the likeliest first, one for each last character.
fn keep(ways: &mut Vec<Way>, way: Way) {
    if let Some(same) = ways.iter().position(|other| other.last == way.last) {
        if ways[same].likely >= way.likely {
            return;
        }
        ways.remove(same);
    }
    let place = ways.partition_point(|other| other.likely >= way.likely);
    ways.insert(place, way);
    ways.truncate(WAYS);
}
