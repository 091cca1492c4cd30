//! What tells one edition of a product from another: the letter of A款, a numeral (Ⅲ), a year (2021版).
//!
//! Owns how editions are written in titles and questions. All texts are normalised.

use super::words::{DESCRIBED, INSURED};

/// Titles and questions are compared up to here, in characters.
const LONGEST: usize = 200;

/// The letters and digits of a text.
pub fn alphanumeric(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).take(LONGEST).collect()
}

/// The letters of a normalised title without what stands in brackets, and without years; what tells its edition there
/// (（B款）, （III）, （2021-A款）) is added to the editions.
pub fn letters_of_name(title: &str, editions: &mut Vec<String>) -> String {
    let mut left = String::new();
    let mut rest = title;
    while let Some(open) = rest.find('(') {
        let Some(close) = rest[open..].find(')').map(|at| open + at) else {
            break;
        };
        left.push_str(&rest[..open]);
        let mut inside = alphanumeric(&rest[open..close]);
        if let Some((at, (edition, _))) = edition_within(&inside) {
            inside.truncate(at);
            editions.push(edition);
        } else if numeral(&inside).is_some_and(|length| length == inside.len()) {
            editions.push(inside);
        }
        rest = &rest[close..];
    }
    left += rest;
    let letters = alphanumeric(&left);
    let mut without = String::with_capacity(letters.len());
    let mut rest = letters.as_str();
    while let Some(next) = rest.chars().next() {
        let year = if without.ends_with(|c: char| c.is_ascii_digit()) {
            None
        } else {
            year_of(rest)
        };
        let length = year.unwrap_or(next.len_utf8());
        if year.is_none() {
            without.push(next);
        }
        rest = &rest[length..];
    }
    without
}

/// How long the year of an edition is that a text begins with: 2021版, 2021年, 2021.
pub fn year_of(text: &str) -> Option<usize> {
    let is_year = text
        .get(..4)
        .is_some_and(|year| year.parse().is_ok_and(|year: u16| (1990..=2099).contains(&year)));
    let rest = text
        .get(4..)
        .filter(|rest| is_year && !rest.starts_with(|c: char| c.is_ascii_digit()))?;
    let suffix = ["年版", "年款", "年", "版", "款"]
        .iter()
        .find(|suffix| rest.starts_with(**suffix));
    Some(4 + suffix.map_or(0, |suffix| suffix.len()))
}

/// A name as a question has it, up to the year of an edition (安康欣悦2021版).
pub fn before_year(name: &str) -> &str {
    let mut starts = name.char_indices().map(|(at, _)| at).skip(1);
    let year = starts.find(|&at| year_of(&name[at..]).is_some());
    year.map_or(name, |at| name[..at].trim_end())
}

/// The edition that a text begins with, and how long it is: A款, III.
pub fn edition_of(text: &str) -> Option<(&str, usize)> {
    let letter = text
        .get(..1)
        .filter(|letter| letter.starts_with(|c: char| c.is_ascii_alphabetic()));
    if let Some(letter) = letter.filter(|_| text[1..].starts_with(['款', '版', '型'])) {
        return Some((letter, 1 + '款'.len_utf8()));
    }
    numeral(text).map(|length| (&text[..length], length))
}

/// The Roman numeral or the short number that a text begins with: how long it is.
fn numeral(text: &str) -> Option<usize> {
    let end = |is_part: fn(char) -> bool| text.find(|c: char| !is_part(c)).unwrap_or(text.len());
    let roman = end(|c| matches!(c, 'i' | 'v' | 'x'));
    let digits = end(|c| c.is_ascii_digit());
    let length = roman.max(digits);
    let rest = &text[length..];
    let is_whole = !rest.starts_with(|c: char| c.is_ascii_alphanumeric());
    // 30天 and 65岁 are no editions, nor is the letter of 为i保.
    let is_edition = match roman {
        0 => digits == 1 && rest.starts_with(['号', '代', '版', '款']),
        1 => {
            rest.is_empty()
                || DESCRIBED
                    .iter()
                    .chain(INSURED.iter())
                    .any(|word| rest.starts_with(word))
        }
        2..=4 => true,
        _ => false,
    };
    (is_whole && is_edition).then_some(length)
}

/// The first edition within a text behind at least one character of a name: where, what, and how long.
pub fn edition_within(text: &str) -> Option<(usize, (String, usize))> {
    let mut starts = text
        .char_indices()
        .map(|(at, _)| at)
        .skip(usize::from(!text.starts_with(|c: char| c.is_ascii())));
    let found = |at: usize| {
        // Not within a word of letters: e生 of 乐享e生 is none, nor the last letter of VIP款.
        let is_begun = text[..at].ends_with(|c: char| c.is_ascii_alphabetic());
        let (edition, length) = edition_of(&text[at..]).filter(|_| !is_begun)?;
        Some((at, (edition.to_owned(), length)))
    };
    starts.find_map(found)
}

/// The edition that a text ends with, and how long it is: 泰康K款 before 团体重大疾病保险.
pub fn edition_before(text: &str) -> Option<(String, usize)> {
    let mut starts = text.char_indices().rev().map(|(at, _)| at).skip(1).take(2);
    starts.find_map(|at| {
        let (edition, length) = edition_of(&text[at..])?;
        (at + length == text.len()).then(|| (edition.to_owned(), length))
    })
}
