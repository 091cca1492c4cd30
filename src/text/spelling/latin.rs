//! Which Latin words of a text may be pinyin: those that can be cut into syllables, or are the first letters of a term.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use super::super::lines::lexicon_lines;
use super::super::segment::{Run, Script};
use super::sounds::is_syllable;
use super::usage::Usage;
use crate::error::Result;

/// No syllable has more letters.
const LETTERS: usize = 6;
/// Longer than any question that somebody spells.
const MOST_LETTERS: usize = 300;

static INITIALS: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let lines = lexicon_lines(include_str!("../../../index/lexicon/initials.txt"));
    lines.filter_map(|(_, line)| line.split_once(' ')).collect()
});

/// Latin words that stand side by side and are all pinyin.
pub(super) struct Group {
    /// In the text, bytes.
    pub range: Range<usize>,
    pub letters: String,
    /// Places in the letters where a syllable cannot run on: ends of words, tones.
    pub ends: Vec<bool>,
    /// Of these, the ends of Latin words, if one of the words has more than one syllable.
    pub words: Vec<usize>,
    pub has_words: bool,
    /// Whether the question ends behind it.
    pub is_last: bool,
    /// Stretches that are first letters of a term, and the term.
    pub initials: Vec<(Range<usize>, &'static str)>,
    /// At least so many.
    pub syllables: usize,
}

/// The stretches of a text that may be pinyin.
pub(super) fn groups(text: &str, runs: &[Run], usage: &dyn Usage) -> Result<Vec<Group>> {
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
pub(super) fn next(letters: &str, ends: &[bool], start: usize) -> impl Iterator<Item = usize> {
    let last = (start + 1..letters.len())
        .find(|&end| ends[end])
        .unwrap_or(letters.len());
    (start + 1..=last.min(start + LETTERS)).filter(move |&end| is_syllable(&letters[start..end]))
}
