//! What tells one edition of a product from another: the letter of A款, a numeral (Ⅲ), a year (2021版).
//!
//! Owns how editions are written in titles and questions. All texts are normalised.

use super::words::{DESCRIBED, INSURED};

/// Titles and questions are compared up to here, in characters.
const LONGEST: usize = 200;

/// What editions are told apart by beside Latin letters: 甲款.
const LETTERS: [char; 5] = ['甲', '乙', '丙', '丁', '戊'];
const ROMAN: [&str; 10] = ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x"];
const CHINESE: [char; 10] = ['一', '二', '三', '四', '五', '六', '七', '八', '九', '十'];

/// The letters and digits of a text.
pub fn alphanumeric(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).take(LONGEST).collect()
}

/// The letters of a normalised title without what stands in brackets, and without years; what tells its edition there
/// (（B款）, （III）, （2021-A款）) is added to the editions.
pub fn letters_of_name(title: &str, editions: &mut Vec<String>) -> String {
    let title = title.replace(['[', '【'], "(").replace([']', '】'], ")");
    let mut left = String::new();
    let mut rest = title.as_str();
    while let Some(open) = rest.find('(') {
        let Some(close) = rest[open..].find(')').map(|at| open + at) else {
            break;
        };
        left.push_str(&rest[..open]);
        let mut inside = alphanumeric(&rest[open..close]);
        while let Some((at, (edition, length))) = edition_within(&inside) {
            inside.replace_range(at..at + length, "");
            editions.push(edition);
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

/// The edition that a text begins with, and how long it is: A款, J1款, 甲款, III, 3号, 五号. Numerals are told in digits.
pub fn edition_of(text: &str) -> Option<(String, usize)> {
    let first = text.chars().next()?;
    if first.is_ascii_alphabetic() {
        let end = 1 + usize::from(text[1..].starts_with(|c: char| c.is_ascii_digit()));
        if text[end..].starts_with(['款', '版', '型']) {
            return Some((text[..end].to_owned(), end + '款'.len_utf8()));
        }
    } else if LETTERS.contains(&first) && text[first.len_utf8()..].starts_with('款') {
        return Some((first.to_string(), 2 * '款'.len_utf8()));
    }
    numeral(text)
}

/// The numeral or the short number that a text begins with, in digits, and how long it is with its 号 or 代.
fn numeral(text: &str) -> Option<(String, usize)> {
    let end = |is_part: fn(char) -> bool| text.find(|c: char| !is_part(c)).unwrap_or(text.len());
    let roman = &text[..end(|c| matches!(c, 'i' | 'v' | 'x'))];
    let digits = &text[..end(|c| c.is_ascii_digit())];
    let first = text.chars().next()?;
    let chinese = CHINESE.iter().position(|numeral| *numeral == first);
    let (number, length) = if let Some(at) = ROMAN.iter().position(|numeral| *numeral == roman) {
        ((at + 1).to_string(), roman.len())
    } else if (1..=2).contains(&digits.len()) {
        (digits.to_owned(), digits.len())
    } else {
        ((chinese? + 1).to_string(), first.len_utf8())
    };
    let rest = &text[length..];
    if rest.starts_with(['号', '代', '版', '款']) && (chinese.is_none() || rest.starts_with(['号', '代'])) {
        return Some((number, length + '号'.len_utf8()));
    }
    // 30天 and 65岁 are no editions, nor is the letter of 为i保, and 一生 is a name.
    let is_before = || {
        DESCRIBED
            .iter()
            .chain(INSURED.iter())
            .any(|word| rest.starts_with(word))
    };
    let is_whole = !rest.starts_with(|c: char| c.is_ascii_alphanumeric());
    let is_edition = rest.is_empty() || roman.len() > 1 && is_whole || is_before();
    (chinese.is_none() && is_edition).then_some((number, length))
}

/// The first edition within a text behind at least one character of a name: where, what, and how long.
pub fn edition_within(text: &str) -> Option<(usize, (String, usize))> {
    let is_name = |c: char| !c.is_ascii();
    let mut starts = text
        .char_indices()
        .map(|(at, _)| at)
        .skip(usize::from(text.starts_with(is_name)));
    starts.find_map(|at| {
        // Not within a word of letters, as the last one of VIP款, nor the last digit of 2021版.
        let class = |c: char| (c.is_ascii_alphabetic(), c.is_ascii_digit());
        let before = text[..at].chars().next_back().filter(char::is_ascii).map(class);
        let is_begun = before.is_some() && before == text[at..].chars().next().map(class);
        Some((at, edition_of(&text[at..]).filter(|_| !is_begun)?))
    })
}

/// The edition that a text ends with, and how long it is: 泰康K款 before 团体重大疾病保险.
pub fn edition_before(text: &str) -> Option<(String, usize)> {
    let mut starts = text.char_indices().rev().map(|(at, _)| at).skip(1).take(2);
    starts.find_map(|at| {
        let (edition, length) = edition_of(&text[at..])?;
        (at + length == text.len()).then_some((edition, length))
    })
}
