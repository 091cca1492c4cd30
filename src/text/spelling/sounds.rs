//! How characters sound: syllables of pinyin without tones, and which of them are taken for one another.
//!
//! The one file that knows the crate `pinyin`. A syllable is written in lower case with `v` for ü; words are compared
//! by [`Key`], into which the syllables of up to [`LONGEST`] characters fit.

use std::collections::HashSet;
use std::sync::LazyLock;

use pinyin::{ToPinyin, ToPinyinMulti};

/// The most characters of a word that has a key.
pub(super) const LONGEST: usize = 5;
/// So many readings of a character count, the commonest first.
const READINGS: usize = 3;
/// A word has at most so many keys.
const KEYS: usize = 8;
/// The unified ideographs: no other character has a reading that anybody types.
const IDEOGRAPHS: std::ops::RangeInclusive<char> = '\u{4e00}'..='\u{9fff}';

/// Bits of a syllable in a key: five letters of five, and no syllable has more once near ones are alike.
const BITS: u32 = 25;

/// The syllables of a word as one number; near ones are the same, words of other lengths have other keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Key(u128);

impl Key {
    /// The key of the word with one more syllable behind it.
    pub fn and(self, syllable: &str) -> Key {
        self.with(packed(syllable))
    }

    fn with(self, syllable: u32) -> Key {
        Key(self.0 << BITS | u128::from(syllable))
    }
}

/// The key of a word as its characters are mostly read; none if one of them has no reading.
pub(super) fn key(word: &str) -> Option<Key> {
    word.chars().try_fold(Key::default(), |key, character| {
        Some(key.and(readings(character).next()?))
    })
}

/// The letters of a syllable, near ones alike, five bits each.
fn packed(syllable: &str) -> u32 {
    near(syllable).fold(0, |packed, letter| packed << 5 | u32::from(letter & 31))
}

fn plain(reading: pinyin::Pinyin) -> &'static str {
    match reading.plain() {
        "lü" => "lv",
        "lüe" => "lve",
        "nü" => "nv",
        "nüe" => "nve",
        plain => plain,
    }
}

/// Interjections (m, hm, ng, ê) are nothing that anybody spells.
fn is_spelled(syllable: &str) -> bool {
    syllable.is_ascii() && syllable.contains(['a', 'e', 'i', 'o', 'u', 'v'])
}

/// The readings of a character, the commonest first; none for what is no Chinese character.
pub(super) fn readings(character: char) -> impl Iterator<Item = &'static str> {
    let mut seen = [""; READINGS];
    let mut count = 0;
    for reading in character.to_pinyin_multi().into_iter().flatten().map(plain) {
        if count < READINGS && is_spelled(reading) && !seen[..count].contains(&reading) {
            seen[count] = reading;
            count += 1;
        }
    }
    seen.into_iter().take(count)
}

/// A text as it is typed in pinyin, whole and by first letters: 医保 is `yibao` and `yb`. Latin letters and digits stay,
/// in lower case; what nobody types is left out.
pub fn spelt(text: &str) -> (String, String) {
    let (mut whole, mut initials) = (String::new(), String::new());
    for character in text.chars() {
        match readings(character).next() {
            Some(reading) => {
                whole.push_str(reading);
                initials.extend(reading.chars().next());
            }
            None if character.is_ascii_alphanumeric() => {
                whole.push(character.to_ascii_lowercase());
                initials.push(character.to_ascii_lowercase());
            }
            None => {}
        }
    }
    (whole, initials)
}

/// Whether some character is read so: `zhuang` is a syllable, `zhua` too, `zhu1` and `zha ` are not.
pub(super) fn is_syllable(letters: &str) -> bool {
    static ALL: LazyLock<HashSet<&str>> = LazyLock::new(|| {
        let first = IDEOGRAPHS.filter_map(|character| character.to_pinyin()).map(plain);
        first.filter(|reading| is_spelled(reading)).collect()
    });
    ALL.contains(letters)
}

/// How alike two characters sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Likeness {
    /// As each is mostly read.
    Same,
    /// As each is mostly read by many who take one sound for another (n/l, zh/z, in/ing, hu/f and their kind).
    Near,
}

/// How alike two characters sound; none if they do not.
pub(super) fn likeness(written: char, meant: char) -> Option<Likeness> {
    let (one, other) = (readings(written).next()?, readings(meant).next()?);
    if one == other {
        Some(Likeness::Same)
    } else {
        near(one).eq(near(other)).then_some(Likeness::Near)
    }
}

/// The letters of a syllable as those speak who do not tell zh from z, n from l, ng from n, hu from f.
fn near(syllable: &str) -> impl Iterator<Item = u8> + Clone {
    let (initial, rest): (&str, &str) = match syllable.as_bytes() {
        [b'z' | b'c' | b's', b'h', ..] => (&syllable[..1], &syllable[2..]),
        [b'n', ..] => ("l", &syllable[1..]),
        b"hui" => ("f", "ei"),
        b"hun" => ("f", "en"),
        b"hu" => ("f", "u"),
        [b'h', b'u', ..] => ("f", &syllable[2..]),
        _ => ("", syllable),
    };
    let is_open = ["ang", "eng", "ing"].iter().any(|end| rest.ends_with(end));
    let rest = if is_open { &rest[..rest.len() - 1] } else { rest };
    initial.bytes().chain(rest.bytes())
}

/// What keys of many words need of their characters, each worked out once.
pub(super) struct Sounds(Vec<Option<[u32; READINGS]>>);

impl Sounds {
    /// Nothing worked out yet.
    pub fn new() -> Self {
        Sounds(vec![None; IDEOGRAPHS.count()])
    }

    fn of(&mut self, character: char) -> [u32; READINGS] {
        let mut sounds = [0; READINGS];
        let work_out = || {
            sounds
                .iter_mut()
                .zip(readings(character))
                .for_each(|(sound, reading)| *sound = packed(reading));
            sounds
        };
        let place = (character as u32).checked_sub(*IDEOGRAPHS.start() as u32);
        match place.and_then(|place| self.0.get_mut(place as usize)) {
            Some(known) => *known.get_or_insert_with(work_out),
            None => sounds,
        }
    }

    /// Hands over every key that a word may have by the readings of its characters; none if it is too long or holds
    /// something else than Chinese characters.
    pub fn keys(&mut self, word: &str, mut found: impl FnMut(Key)) {
        if word.chars().nth(LONGEST).is_some() {
            return;
        }
        let mut keys = [Key::default(); KEYS];
        let mut count = 1;
        for character in word.chars() {
            let shorter = keys;
            let longer = self.of(character).into_iter().filter(|&sound| sound > 0);
            let mut length = 0;
            for key in longer.flat_map(|sound| shorter[..count].iter().map(move |key| key.with(sound))) {
                if length < KEYS && !keys[..length].contains(&key) {
                    keys[length] = key;
                    length += 1;
                }
            }
            count = length;
        }
        keys[..count].iter().for_each(|&key| found(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_sound_as_they_are_spelled() {
        let check = |character: char, first: &str, others: &[&str]| {
            let found: Vec<&str> = readings(character).collect();
            assert_eq!(found[0], first, "{found:?}");
            assert!(others.iter().all(|other| found.contains(other)), "{found:?}");
        };
        check('保', "bao", &[]);
        check('率', "lv", &["shuai"]);
        check('行', "xing", &["hang"]);
        check('重', "zhong", &["chong"]);
        assert_eq!(readings('a').chain(readings('。')).count(), 0);
    }

    #[test]
    fn syllables_are_those_of_pinyin() {
        let check = |letters: &str, expected| assert_eq!(is_syllable(letters), expected, "{letters}");
        for syllable in [
            "yi",
            "bao",
            "zhuang",
            "lv",
            "e",
            "shenme".get(..4).unwrap(),
            "xian",
            "zen",
        ] {
            check(syllable, true);
        }
        for other in ["", "x", "ng", "pt", "bao1", "baox", "app", "yiba", "ue"] {
            check(other, false);
        }
    }

    #[test]
    fn a_syllable_fits_into_its_part_of_a_key() {
        for reading in IDEOGRAPHS.flat_map(readings) {
            assert!(packed(reading) < 1 << BITS, "{reading}");
        }
        assert!(BITS as usize * LONGEST <= 128);
    }

    #[test]
    fn some_sounds_are_taken_for_others() {
        let check =
            |written: char, meant: char, expected| assert_eq!(likeness(written, meant), expected, "{written}{meant}");
        check('陪', '赔', Some(Likeness::Same));
        check('路', '怒', Some(Likeness::Near));
        check('知', '资', Some(Likeness::Near));
        check('银', '赢', Some(Likeness::Near));
        check('胡', '福', Some(Likeness::Near));
        check('黄', '方', Some(Likeness::Near));
        check('灰', '飞', Some(Likeness::Near));
        check('保', '险', None);
        check('东', '敦', None);
        check('租', '除', None);
        check('a', '啊', None);
    }

    #[test]
    fn words_that_sound_alike_have_a_key_in_common() {
        let mut sounds = Sounds::new();
        let mut keys = |word: &str| {
            let mut found = Vec::new();
            sounds.keys(word, |key| found.push(key));
            found
        };
        let mut alike = |one: &str, other: &str| keys(one).iter().any(|key| keys(other).contains(key));
        assert!(alike("医保", "一包") && alike("理赔", "泥陪") && alike("银行", "引航"));
        assert!(!alike("医保", "医保费") && !alike("医保", "社保"));
        assert!(!keys("失业保险金").is_empty() && keys("城乡居民医保").is_empty() && keys("a股").is_empty());
        assert!(keys("医保").contains(&Key::default().and("yi").and("bao")));
    }
}
