//! The words that typing errors and pinyin may have meant: those of the insurance dictionary, of the places and of the
//! synonyms, and common ones, found by how they are written and by how they sound.

use std::borrow::Cow;
use std::collections::HashMap;

use super::super::lexicon::Lexicon;
use super::super::lines::lexicon_lines;
use super::super::segment::is_cjk;
use super::sounds::{Key, Sounds, key};
use crate::error::{Error, Result};

const COMMON: &str = "common.txt";

/// A word.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::text) struct Entry {
    pub text: Cow<'static, str>,
    /// How often general Chinese has it: about 2^level times in 60 million words.
    pub level: u8,
    pub kind: Kind,
}

/// Where a word is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::text) enum Kind {
    /// General Chinese.
    Common,
    /// The names of places in our own lexicon.
    Place,
    /// The dictionary and the synonyms of our own lexicon.
    Term,
}

impl Entry {
    /// Whether our own lexicon has it.
    pub fn is_own(&self) -> bool {
        self.kind != Kind::Common
    }
}

/// How often the words of our own lexicon are written at least; common ones of it are phrases of questions (多少钱, 怎么办).
fn least(kind: Kind) -> u8 {
    match kind {
        Kind::Common => 12,
        Kind::Place | Kind::Term => 7,
    }
}

/// All of them. Takes 3 MB.
#[derive(Debug)]
pub(in crate::text) struct Vocabulary {
    entries: Vec<Entry>,
    /// Keys of their sounds and their places, by key.
    by_sound: Vec<(Key, u32)>,
}

impl Vocabulary {
    /// The words of the lexicon and the common ones.
    ///
    /// # Errors
    /// `Caller` if the list of common words is malformed, naming file and line.
    pub(in crate::text) fn new(lexicon: &Lexicon) -> Result<Self> {
        let mut own = own(lexicon);
        let mut entries = Vec::with_capacity(40_000);
        for (line, entry) in lexicon_lines(include_str!("../../../index/lexicon/common.txt")) {
            let parts = entry.split_once(':');
            let Some((level, words)) = parts.and_then(|(level, words)| Some((level.parse().ok()?, words))) else {
                return Err(Error::caller(format!(
                    "{COMMON}, line {line}: write `n: word word ...`"
                )));
            };
            entries.extend(words.split_whitespace().map(|text| {
                let kind = own.remove(text);
                Entry {
                    text: text.into(),
                    level: kind.map_or(level, |kind| level.max(least(kind))),
                    kind: kind.unwrap_or(Kind::Common),
                }
            }));
        }
        let mut own: Vec<(&str, Kind)> = own.into_iter().collect();
        own.sort_unstable();
        entries.extend(own.into_iter().map(|(text, kind)| Entry {
            text: text.to_owned().into(),
            level: least(kind),
            kind,
        }));
        let mut sounds = Sounds::new();
        let mut by_sound = Vec::with_capacity(entries.len() * 5 / 4);
        for (at, entry) in (0..).zip(&entries) {
            sounds.keys(&entry.text, |key| by_sound.push((key, at)));
        }
        by_sound.sort_unstable();
        Ok(Vocabulary { entries, by_sound })
    }

    /// The word that is written so.
    pub(super) fn written(&self, text: &str) -> Option<&Entry> {
        self.sounding(key(text)?).find(|entry| entry.text == text)
    }

    /// The words that sound so, or nearly so.
    pub(super) fn sounding(&self, key: Key) -> impl Iterator<Item = &Entry> {
        let start = self.by_sound.partition_point(|(other, _)| *other < key);
        let same = self.by_sound[start..]
            .iter()
            .take_while(move |(other, _)| *other == key);
        same.map(|&(_, at)| &self.entries[at as usize])
    }
}

/// The words and phrases of our own lexicon that sound as something, and what they are: a term before a place before a
/// phrase of questions.
fn own(lexicon: &Lexicon) -> HashMap<&str, Kind> {
    let terms = lexicon
        .words
        .iter()
        .map(|(word, _)| word)
        .chain(lexicon.synonyms.forms());
    let phrases = lexicon.stopwords.iter().map(|phrase| (phrase.as_str(), Kind::Common));
    let places = lexicon.regions.names().into_iter().map(|name| (name, Kind::Place));
    let terms = terms.map(|term| (term.as_str(), Kind::Term));
    let all = phrases.chain(places).chain(terms);
    all.filter(|(text, _)| text.chars().all(is_cjk) && text.chars().nth(1).is_some())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::lexicon::Sources;

    #[test]
    fn words_are_found_by_their_letters_and_by_their_sounds() {
        let vocabulary = Vocabulary::new(&Lexicon::parse(&Sources::built_in()).unwrap()).unwrap();
        assert!(vocabulary.written("医保").is_some_and(|entry| entry.is_own()));
        assert!(
            vocabulary
                .written("什么")
                .is_some_and(|entry| entry.level > 14 && !entry.is_own())
        );
        assert!(vocabulary.written("医宝").is_none());
        let sounding = |word: &str| -> Vec<&str> {
            let mut found = Vec::new();
            Sounds::new().keys(word, |key| {
                found.extend(vocabulary.sounding(key).map(|entry| &*entry.text))
            });
            found
        };
        assert!(sounding("医宝").contains(&"医保"));
        assert!(sounding("苏舟").contains(&"苏州"));
        assert!(sounding("理陪").contains(&"理赔"));
        assert!(!sounding("医宝").contains(&"社保"));
    }
}
