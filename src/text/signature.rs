//! What tells most texts apart without reading them: a signature of fixed length, made when a passage is indexed.
//!
//! Owns when two texts are near copies of each other, the signature that says which pairs may be, and what titles of
//! one series have in common. All of it is a function of title and text alone, so every engine keeps the same numbers.
//! What becomes of copies is not decided here.

use std::cell::OnceCell;

use xxhash_rust::xxh3::xxh3_64;

use super::{Normalized, is_numeral};

/// Characters that are compared as one.
const GRAM: usize = 5;
/// Numbers are divided into so many parts, of each of which the smallest is compared.
const PARTS: usize = 64;
/// More parts differ in 4 of 10^11 pairs of near copies at most: each does with a chance of at most 3 in 10.
const MOST_DIFFERING: usize = 44;
/// Letters that titles of a series have in common at least.
const SERIES: usize = 6;
/// The same where the title names its year, and so is of a series.
const SERIES_OF_YEARS: usize = 4;
/// 2^64 divided by the golden ratio, odd: Knuth's multiplicative hashing.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a passage is told apart by. A change of how it is made is a change of the index's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    sketch: Sketch,
    /// The hash of [`series`]; 0 where there is none.
    series: u64,
}

impl Signature {
    /// Numbers that it is kept as.
    pub const WORDS: usize = PARTS / 8 + 2;

    /// That of a passage: of its article's title and its own text.
    pub fn new(title: &str, text: &str) -> Self {
        Signature {
            sketch: Grams::of(text).sketch,
            series: series(title).map_or(0, |series| xxh3_64(series.as_bytes())),
        }
    }

    /// Whether the texts may be near copies; where not, they are none (see [`MOST_DIFFERING`]).
    pub fn may_be_near(&self, other: &Signature) -> bool {
        self.sketch.may_be_near(&other.sketch)
    }

    /// Whether the titles are of one series.
    pub fn is_of_series(&self, other: &Signature) -> bool {
        self.series != 0 && self.series == other.series
    }

    /// As it is kept.
    pub fn words(&self) -> [u64; Self::WORDS] {
        let mut words = [0; Self::WORDS];
        for (word, parts) in words.iter_mut().zip(self.sketch.least.as_chunks().0) {
            *word = u64::from_le_bytes(*parts);
        }
        words[Self::WORDS - 2] = self.sketch.stretches.into();
        words[Self::WORDS - 1] = self.series;
        words
    }

    /// As it was kept.
    pub fn of_words(words: [u64; Self::WORDS]) -> Self {
        let mut least = [0; PARTS];
        for (parts, word) in least.as_chunks_mut().0.iter_mut().zip(words) {
            *parts = word.to_le_bytes();
        }
        Signature {
            sketch: Sketch {
                least,
                stretches: words[Self::WORDS - 2] as u32,
            },
            series: words[Self::WORDS - 1],
        }
    }
}

/// What most texts are told apart by (MinHash).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sketch {
    /// Of each part of all numbers the last bits of the smallest one that the text has.
    least: [u8; PARTS],
    /// How many stretches the text has, repeated ones included.
    stretches: u32,
}

impl Sketch {
    fn may_be_near(&self, other: &Sketch) -> bool {
        let differing = self.least.iter().zip(&other.least).filter(|(a, b)| a != b).count();
        // In a part that differs there is a stretch of one text alone. Of all that near copies have, at most 3 in 10
        // are such; each of the others counts twice in the sum of both, so of that they are at most 3 in 17.
        let stretches = u64::from(self.stretches) + u64::from(other.stretches);
        differing <= MOST_DIFFERING && 17 * differing as u64 <= 3 * stretches
    }
}

/// The stretches of [`GRAM`] letters and digits of a text, as numbers.
pub struct Grams {
    /// In the order of the text.
    written: Vec<u64>,
    sketch: Sketch,
    /// Ascending, each once; made when another text may be a copy.
    sorted: OnceCell<Vec<u64>>,
}

impl Grams {
    /// Those of a text.
    pub fn of(text: &str) -> Self {
        // Neighbours in order, whatever stands between them: copies differ in spaces and in the width of punctuation.
        let letters: Vec<u64> = text.chars().filter(|&c| is_letter(c)).map(u64::from).collect();
        let windows = letters.windows(GRAM.min(letters.len()).max(1));
        let number = |gram: &[u64]| {
            mixed(
                gram.iter()
                    .fold(0, |number, letter| number.wrapping_mul(GOLDEN) ^ letter),
            )
        };
        let written: Vec<u64> = windows.map(number).collect();
        let mut least = [u32::MAX; PARTS];
        for number in &written {
            let part = &mut least[(number >> 32) as usize % PARTS];
            *part = (*part).min(*number as u32);
        }
        Grams {
            sketch: Sketch {
                // The first bits of small numbers are alike, the last ones are not.
                least: least.map(|least| least as u8),
                stretches: u32::try_from(written.len()).unwrap_or(u32::MAX),
            },
            written,
            sorted: OnceCell::new(),
        }
    }

    /// Whether both have at least 7 of 10 stretches of either in common (Jaccard).
    pub fn is_near(&self, other: &Grams) -> bool {
        if !self.sketch.may_be_near(&other.sketch) {
            return false;
        }
        let (one, two) = (self.sorted(), other.sorted());
        let both = count_common(one, two);
        // In whole numbers.
        both > 0 && 10 * both >= 7 * (one.len() + two.len() - both)
    }

    fn sorted(&self) -> &[u64] {
        self.sorted.get_or_init(|| {
            let mut sorted = self.written.clone();
            sorted.sort_unstable();
            sorted.dedup();
            sorted
        })
    }
}

/// How many numbers two ascending lists have in common.
fn count_common(one: &[u64], two: &[u64]) -> usize {
    let (mut at, mut other, mut common) = (0, 0, 0);
    while at < one.len() && other < two.len() {
        let order = one[at].cmp(&two[other]);
        at += usize::from(order.is_le());
        other += usize::from(order.is_ge());
        common += usize::from(order.is_eq());
    }
    common
}

/// Letters and digits; most are ideographs, which need no table.
fn is_letter(character: char) -> bool {
    matches!(character, '\u{4e00}'..='\u{9fff}') || character.is_alphanumeric()
}

/// Spreads numbers over all 64 bits, so that the part of a gram and its place in the part say nothing of its letters.
fn mixed(value: u64) -> u64 {
    let value = (value ^ value >> 32).wrapping_mul(GOLDEN);
    value ^ value >> 29
}

/// What titles of a series have in common, of which one title may be all: a title without its numbers and years
/// (2024年度缴费标准, 2025年度缴费标准). None for what is too short to say what it is about, and for one article of a law
/// (第六十条), whose neighbours are about something else.
pub fn series(title: &str) -> Option<String> {
    let title = Normalized::new(title).text;
    let is_number = |c: char| c.is_ascii_digit() || is_numeral(c);
    let is_article = title.match_indices('第').any(|(at, of)| {
        let rest = title[at + of.len()..].trim_start_matches(is_number);
        rest.starts_with(['条', '章', '节', '款'])
    });
    let mut key = String::new();
    let mut names_year = false;
    for character in title.chars().filter(|c| c.is_alphanumeric()) {
        // Of 2024年度 nothing stays.
        match character {
            c if is_number(c) => key.push('0'),
            '年' | '度' if key.ends_with('0') => names_year |= character == '年' && key.ends_with("0000"),
            c => key.push(c),
        }
    }
    key.retain(|c| c != '0');
    let least = if names_year { SERIES_OF_YEARS } else { SERIES };
    (!is_article && key.chars().count() >= least).then_some(key)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn titles_of_a_series_differ_in_numbers_alone() {
        // Two articles of a law are no series.
        assert_eq!(series("工伤保险条例 第六十条"), None);
        let is_one = |one: &str, other: &str| Signature::new(one, "").is_of_series(&Signature::new(other, ""));
        assert!(is_one("绥化市2023年度缴费公告", "绥化市2024年度缴费公告"));
        assert!(is_one("2024年度缴费标准", "2025年度缴费标准"));
        assert!(is_one("2025年医保待遇", "二〇二四年医保待遇"));
        assert!(is_one("2024年度居民缴费标准", "居民缴费标准"));
        assert!(!is_one("绥化市2023年度缴费公告", "黑河市2023年度缴费公告"));
        // Too short to say what it is about.
        assert_eq!(
            [series("缴费标准"), series("2025年公告"), series("5年期保险")],
            [None, None, None]
        );
        assert!(!is_one("缴费标准", "缴费标准"));
    }

    /// As it is said: sets, their intersection, their union.
    pub(crate) fn is_near(one: &str, two: &str) -> bool {
        let grams = |text: &str| -> HashSet<Vec<char>> {
            let letters: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).collect();
            letters
                .windows(GRAM.min(letters.len()).max(1))
                .map(<[char]>::to_vec)
                .collect()
        };
        let (one, two) = (grams(one), grams(two));
        let both = one.intersection(&two).count();
        both > 0 && both as f64 >= 0.7 * one.union(&two).count() as f64 - 1e-9
    }

    /// Texts of any length that are just near, hardly not, and not at all.
    #[test]
    fn no_near_copy_is_told_apart_and_most_others_are() {
        let mut seed = fastrand::Rng::with_seed(7);
        let mut letters = |count: usize| -> String {
            (0..count)
                .filter_map(|_| char::from_u32(seed.u32(0x4e00..0x5800)))
                .collect()
        };
        let (mut near, mut all) = (0, 0);
        let (mut others, mut likely) = (0, 0);
        for length in [20, 60, 100, 170, 230, 450, 900].repeat(60) {
            let (start, end) = (letters(length / 2), letters(length / 2));
            for changed in [0, 30, 120, 150, 170, 200, 900] {
                let changed = changed * length / 900;
                let (one, two) = (
                    format!("{start}{}{end}", letters(changed)),
                    format!("{start}{}{end}", letters(changed)),
                );
                let expected = is_near(&one, &two);
                let may_be = Signature::new("", &one).may_be_near(&Signature::new("", &two));
                assert!(may_be || !expected, "{length} {changed}");
                assert_eq!(
                    Grams::of(&one).is_near(&Grams::of(&two)),
                    expected,
                    "{length} {changed}"
                );
                near += usize::from(expected);
                all += 1;
            }
            let may_be = Signature::new("", &letters(length)).may_be_near(&Signature::new("", &letters(length)));
            others += 1;
            likely += usize::from(may_be);
        }
        assert!(near > all / 3 && near < all);
        assert!(10 * likely < others, "{likely} of {others}");
    }

    proptest! {
        #[test]
        fn near_is_what_it_is_said_to_be(start in "[医保断缴，]{0,40}", one in "[医保]{0,6}", two in "[医保]{0,6}", end in "[医保报销 ]{0,40}") {
            let (one, two) = (format!("{start}{one}{end}"), format!("{start}{two}{end}"));
            prop_assert_eq!(Grams::of(&one).is_near(&Grams::of(&two)), is_near(&one, &two));
        }

        #[test]
        fn what_was_kept_is_what_was_made(title in ".{0,20}", text in ".{0,300}") {
            let made = Signature::new(&title, &text);
            prop_assert_eq!(Signature::of_words(made.words()), made);
        }
    }
}
