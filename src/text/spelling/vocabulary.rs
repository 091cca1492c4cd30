//! The words that typing errors and pinyin may have meant: those of the insurance dictionary, of the places and of the
//! synonyms, and common ones, found by how they are written and by how they sound.

use std::borrow::Cow;

use super::super::lexicon::Lexicon;
use super::super::lines::lexicon_lines;
use super::super::segment::is_cjk;
use super::sounds::{Key, Sounds};
use crate::error::{Error, Result};

const COMMON: &str = "common.txt";

/// A word.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::text) struct Entry {
    pub text: Cow<'static, str>,
    /// How often general Chinese has it: about 2^level times in 60 million words.
    pub level: u8,
    /// Whether our own lexicon has it: a word of insurance, a place.
    pub is_own: bool,
}

/// How often words of our own are written that are not among the common ones.
const OWN_LEVEL: u8 = 7;

/// How often the phrases of questions (多少钱, 怎么办) are written.
const PHRASE_LEVEL: u8 = 12;

/// All of them. Takes 3 MB.
#[derive(Debug)]
pub(in crate::text) struct Vocabulary {
    /// By text.
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
        let mut entries = Vec::with_capacity(40_000);
        for (line, entry) in lexicon_lines(include_str!("../../../index/lexicon/common.txt")) {
            let parts = entry.split_once(':');
            let Some((level, words)) = parts.and_then(|(level, words)| Some((level.parse().ok()?, words))) else {
                return Err(Error::caller(format!(
                    "{COMMON}, line {line}: write `n: word word ...`"
                )));
            };
            entries.extend(words.split_whitespace().map(|text| Entry {
                text: text.into(),
                level,
                is_own: false,
            }));
        }
        let words = lexicon.words.iter().map(|(word, _)| word.as_str());
        let places = lexicon.regions.names();
        let forms = lexicon.synonyms.keys().map(String::as_str);
        let own = words.chain(places).chain(forms).filter(|word| word.chars().all(is_cjk));
        entries.extend(own.filter(|word| word.chars().nth(1).is_some()).map(|text| Entry {
            text: text.to_owned().into(),
            level: OWN_LEVEL,
            is_own: true,
        }));
        let phrases = lexicon
            .stopwords
            .iter()
            .filter(|phrase| phrase.chars().nth(1).is_some());
        entries.extend(phrases.filter(|phrase| phrase.chars().all(is_cjk)).map(|text| Entry {
            text: text.clone().into(),
            level: PHRASE_LEVEL,
            is_own: false,
        }));
        entries.sort_unstable_by(|a, b| a.text.cmp(&b.text));
        entries.dedup_by(|later, first| {
            let is_same = later.text == first.text;
            if is_same {
                first.level = first.level.max(later.level);
                first.is_own |= later.is_own;
            }
            is_same
        });
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
        let found = self.entries.binary_search_by(|entry| (*entry.text).cmp(text));
        found.ok().map(|at| &self.entries[at])
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::lexicon::Sources;

    #[test]
    fn words_are_found_by_their_letters_and_by_their_sounds() {
        let vocabulary = Vocabulary::new(&Lexicon::parse(&Sources::built_in()).unwrap()).unwrap();
        assert!(vocabulary.written("医保").is_some_and(|entry| entry.is_own));
        assert!(
            vocabulary
                .written("什么")
                .is_some_and(|entry| entry.level > 14 && !entry.is_own)
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
