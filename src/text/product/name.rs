//! The name of the insurance product in a title, and where a question has it.
//!
//! Titles put the insurer before it and what is insured, for whom and in which edition behind it; people say the name
//! itself and as much of the rest as they like. Owns that difference. Says nothing of titles that are no product's.

use std::ops::Range;

use super::insurer::{self, Insurer};
use super::words::{COMMON, DESCRIBED, INSURED, NO_PRODUCT, SOCIAL};
use crate::text::Normalized;

/// A name of so many characters beside words that any product may have is known by itself.
const NAME: usize = 4;
/// A shorter one, of at least so many, is known where what it insures or its edition stands right behind it.
const SHORT: usize = 2;
/// A name with all that it describes has at least so many.
const WHOLE: usize = 7;
/// The name of an insurer that is none of the known ones has at most so many, and fewer than the product's own.
const INSURER: usize = 4;
/// Between a name and what is insured stand at most so many characters of another product's name.
const BETWEEN: usize = 6;
/// Titles and questions are compared up to here.
const LONGEST: usize = 200;
/// With these behind it 险 ends no name: 保险金, 保险人, 保险单.
const NO_NAME: [&str; 6] = ["金", "人", "单", "公司", "标的", "事故"];
/// Stands in a key for any Latin letter.
pub const ANY_LETTER: char = '*';
/// Different words for the same.
const SAME: [(&str, &str); 3] = [("重疾", "重大疾病"), ("家财", "财产"), ("防癌", "癌")];

/// How a name in a question meets a product's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameFit {
    /// It is another edition's, another insurer's, or differs by one letter.
    Other,
    /// It is this one's.
    Same,
}

/// The product that a title names. All texts are normalised, of letters and digits alone.
pub struct ProductName {
    /// The whole title.
    title: String,
    /// Up to its last 险, without insurer's firm, brackets, year and edition.
    whole: String,
    /// What stands before what is insured and how, without an edition within it and with it.
    own: [String; 2],
    /// What tells one edition from another: the letter of A款, a numeral.
    editions: Vec<String>,
    /// Whose it is, if that is known.
    insurers: Vec<Insurer>,
}

/// The letters and digits of a text, normalised; up to 200.
pub fn letters(text: &str) -> String {
    alphanumeric(&Normalized::new(text).text)
}

fn alphanumeric(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).take(LONGEST).collect()
}

/// Whether a title may be a product's: it speaks of insurance, not of that by law, and is no rule or answer about it.
pub fn is_product(title: &str) -> bool {
    let has_sign = title.contains(['险', '険', '險']);
    has_sign && {
        let title = Normalized::new(title).text;
        !has_any(&title, &SOCIAL) && !has_any(&title, &NO_PRODUCT)
    }
}

/// Whether a question, normalised, speaks of insurance by law.
pub fn speaks_of_law(question: &str) -> bool {
    has_any(question, &SOCIAL)
}

fn has_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

impl ProductName {
    /// That of a title; none of insurance by law, of rules and answers about products, or where no 险 stands.
    pub fn of(title: &str) -> Option<Self> {
        if !is_product(title) {
            return None;
        }
        let title = Normalized::new(title).text;
        let mut editions = Vec::new();
        let name = letters_of_name(&title, &mut editions);
        let end = name.rfind('险')? + '险'.len_utf8();
        editions.extend(edition_of(&name[end..]).map(|(edition, _)| edition.to_owned()));
        let begin = name[..end].rfind("公司").map_or(0, |at| at + "公司".len());
        let begin = begin + mark_before(&name[begin..end]);
        let mut whole = name[begin..end].to_owned();
        let with_edition = own_name(&whole).to_owned();
        // 泰康D款团体重大疾病保险, 健康随心Ⅲ终身寿险.
        while let Some((at, edition)) = edition_within(&whole) {
            editions.push(edition.0);
            whole.replace_range(at..at + edition.1, "");
        }
        let own = own_name(&whole).to_owned();
        let title = alphanumeric(&title);
        Some(ProductName {
            insurers: insurer::of_title(&title),
            title,
            whole,
            own: [own, with_edition],
            editions,
        })
    }

    /// The names that a question may have of it, each with whether it is sure to be one.
    fn names(&self) -> impl Iterator<Item = (&str, bool)> {
        let wholes = names(&self.whole).filter(|(whole, is_sure)| {
            let is_long = whole.chars().count() >= WHOLE;
            is_long && (*is_sure || beyond(whole, &[&DESCRIBED, &INSURED]) >= SHORT)
        });
        let owns = self.own.iter().flat_map(|own| names(own));
        wholes.chain(owns.filter(|(own, _)| beyond(own, &[&DESCRIBED, &INSURED]) >= SHORT))
    }

    /// What a question must hold to name it or a sister: its names, with [`ANY_LETTER`] for a letter of one that sisters
    /// have another for.
    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.names().map(|(name, _)| name.to_owned()).collect();
        keys.extend(self.letter().map(|at| {
            let letters = self.own[0].chars().enumerate();
            letters
                .map(|(place, c)| if place == at { ANY_LETTER } else { c })
                .collect()
        }));
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Where a question, of letters, has the name: this product's, or one that differs by its edition or by one letter
    /// of its name alone (A款 and C款). Of several places the longest.
    pub fn named_in(&self, question: &str) -> Option<(NameFit, Range<usize>)> {
        let written = self.names().filter(|(name, _)| question.contains(name));
        let found = written.flat_map(|(name, is_sure)| {
            let places = question.match_indices(name).map(|(at, name)| at..at + name.len());
            places.filter_map(move |place| self.meets(question, place, is_sure))
        });
        let best = found.max_by_key(|(fit, range)| (*fit, range.len()));
        best.or_else(|| self.sister_by_letter(question))
    }

    /// Where a Latin letter stands in its name beside enough other characters, by characters.
    fn letter(&self) -> Option<usize> {
        let own = &self.own[0];
        let is_long = own.chars().filter(|c| !c.is_ascii()).count() >= SHORT;
        own.chars().position(|c| c.is_ascii_alphabetic()).filter(|_| is_long)
    }

    /// How the product whose name stands at a place of the question meets this one, and how far it is written. What may be
    /// a part of a name (`is_sure`) is none by itself.
    fn meets(&self, question: &str, place: Range<usize>, is_sure: bool) -> Option<(NameFit, Range<usize>)> {
        let name = &question[place.clone()];
        // How far words are read, and how far they are the product's: 安康欣悦意外受伤 of a medical insurance.
        let (mut at, mut end) = (place.end, place.end);
        let mut asked = Vec::new();
        let (mut is_name, mut is_of_others) = (false, false);
        loop {
            let rest = &question[at..];
            let mut insured = INSURED.iter().filter(|word| rest.starts_with(**word));
            let mut described = DESCRIBED.iter().filter(|word| rest.starts_with(**word));
            if let Some((edition, length)) = edition_of(rest).filter(|_| !is_of_others) {
                asked.push(edition.to_owned());
                at += length;
            } else if let Some(length) = year_of(rest).filter(|_| !is_of_others) {
                at += length;
                is_name |= question[..at].ends_with(['版', '款']);
            } else if let Some(word) = insured.next().or_else(|| described.next()) {
                is_of_others |= INSURED.contains(word) && !self.insures(word);
                let is_end = word.ends_with('险') && !NO_NAME.iter().any(|no| rest[word.len()..].starts_with(no));
                if is_end && is_of_others {
                    return None;
                }
                is_name |= is_end;
                at += word.len();
            } else {
                break;
            }
            if !is_of_others {
                end = at;
            }
        }
        let rest = &question[end..];
        // A longer number or word of letters: 健康随心II in 健康随心III.
        let goes_on = |c: char| c.is_ascii_alphanumeric();
        if end == place.end && name.ends_with(goes_on) && rest.starts_with(goes_on) {
            return None;
        }
        // Words of its own stand between: 安康欣悦尊享意外险.
        let between = rest.find('险').map_or("", |at| &rest[..at]);
        let is_near = between.chars().count() <= BETWEEN;
        if is_near && INSURED.iter().any(|word| between.contains(word) && !self.insures(word)) {
            return None;
        }
        let is_long = is_sure && beyond(name, &[&DESCRIBED, &INSURED, &COMMON]) >= NAME;
        if !is_long && !is_name && asked.is_empty() && !name.contains('险') {
            return None;
        }
        let mut start = place.start;
        if let Some((edition, length)) = edition_before(&question[..start]) {
            asked.push(edition);
            start -= length;
        }
        let is_other = asked.iter().any(|asked| !self.editions.contains(asked));
        // 团体意外伤害保险 is anybody's.
        let is_anybodys = beyond(name, &[&DESCRIBED, &INSURED]) < SHORT && name.len() < self.whole.len();
        let Some((at, insurer)) = insurer::before(&question[..start]).filter(|_| !self.insurers.is_empty()) else {
            if is_anybodys && asked.is_empty() {
                return None;
            }
            return Some((if is_other { NameFit::Other } else { NameFit::Same }, start..end));
        };
        let is_beside = insurer::begins_with(&question[at..]).is_some_and(|(length, _)| at + length == start);
        match self.insurers.contains(&insurer) {
            false if is_anybodys => None,
            // 长安责任保险的物流责任险: another one's.
            false => Some((NameFit::Other, at..end)),
            true if is_other => Some((NameFit::Other, if is_beside { at } else { start }..end)),
            true => Some((NameFit::Same, start..end)),
        }
    }

    /// Whether it insures what a word says.
    fn insures(&self, word: &str) -> bool {
        let other = SAME.iter().find(|(one, _)| *one == word).map(|(_, other)| other);
        self.title.contains(word) || other.is_some_and(|other| self.title.contains(other))
    }

    /// A name that differs from this one's by a single Latin letter: 乐享f生 of 乐享e生.
    fn sister_by_letter(&self, question: &str) -> Option<(NameFit, Range<usize>)> {
        let letter = self.letter()?;
        let own: Vec<char> = self.own[0].chars().collect();
        let asked: Vec<(usize, char)> = question.char_indices().collect();
        let is_sister = |window: &&[(usize, char)]| {
            let mut pairs = window.iter().zip(&own).enumerate();
            let is_other = |c: char| c.is_ascii_alphabetic() && c != own[letter];
            pairs.all(|(at, (&(_, asked), own))| if at == letter { is_other(asked) } else { asked == *own })
        };
        let found = asked.windows(own.len()).find(is_sister)?;
        let (last, c) = *found.last()?;
        Some((NameFit::Other, found[0].0..last + c.len_utf8()))
    }
}

/// The letters of a normalised title without what stands in brackets, and without years; what tells its edition there
/// (（B款）, （III）, （2021-A款）) is added to the editions.
fn letters_of_name(title: &str, editions: &mut Vec<String>) -> String {
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
fn year_of(text: &str) -> Option<usize> {
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
fn edition_of(text: &str) -> Option<(&str, usize)> {
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
fn edition_within(text: &str) -> Option<(usize, (String, usize))> {
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
fn edition_before(text: &str) -> Option<(String, usize)> {
    let mut starts = text.char_indices().rev().map(|(at, _)| at).skip(1).take(2);
    starts.find_map(|at| {
        let (edition, length) = edition_of(&text[at..])?;
        (at + length == text.len()).then(|| (edition.to_owned(), length))
    })
}

/// A name as it is and without its insurer's: where that is a known one the rest is sure to be the product's, and no
/// insurer is a product.
fn names(name: &str) -> impl Iterator<Item = (&str, bool)> {
    let insurer = insurer::begins_with(name).map(|(length, _)| length);
    let begins = name.char_indices().map(|(at, _)| at).take(INSURER + 1);
    let unknown = begins.enumerate().skip(1).filter(move |(skipped, at)| {
        let is_long = name[*at..].chars().count() > *skipped;
        is_long && Some(*at) != insurer
    });
    let unknown = unknown.map(|(_, at)| (&name[at..], false));
    let all = std::iter::once((name, true))
        .chain(insurer.map(|at| (&name[at..], true)))
        .chain(unknown);
    all.filter(|(name, _)| insurer::begins_with(name).is_none_or(|(length, _)| length < name.len()))
}

/// How much of a name is a mark of whoever keeps the file, of letters and digits: onsale1.
fn mark_before(name: &str) -> usize {
    let end = name.find(|c: char| !c.is_ascii()).unwrap_or(0);
    let is_mark = end >= NAME && insurer::begins_with(name).is_none();
    if is_mark { end } else { 0 }
}

/// The product's own part of a name: what stands before what it insures and how.
fn own_name(whole: &str) -> &str {
    let mut name = whole;
    loop {
        let before = name;
        for word in INSURED.iter().chain(DESCRIBED.iter()) {
            name = name.strip_suffix(word).unwrap_or(name);
        }
        if before == name {
            break;
        }
    }
    // 某某财险某某: the insurer's again.
    name.rfind('险').map_or(name, |at| &name[at + '险'.len_utf8()..])
}

/// How many characters of a name are no part of these words.
fn beyond(name: &str, words: &[&[&str]]) -> usize {
    let mut rest = name.to_owned();
    for word in words.iter().copied().flatten() {
        if rest.contains(word) {
            rest = rest.replace(word, " ");
        }
    }
    rest.chars().filter(|c| !c.is_whitespace()).count()
}

/// Whether a name, of letters, has more than words that any product may have: it is one product's.
pub fn is_distinct(name: &str) -> bool {
    let has_edition = name.char_indices().any(|(at, _)| edition_of(&name[at..]).is_some());
    has_edition || beyond(name, &[&DESCRIBED, &INSURED, &COMMON]) >= SHORT
}
