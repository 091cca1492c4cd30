//! The name of the insurance product in a title, and where a question has it.
//!
//! Titles put the insurer before it and what is insured, for whom and in which edition behind it; people say the name
//! itself and as much of the rest as they like. Owns that difference. Says nothing of titles that are no product's.

use std::ops::Range;

use super::edition::{alphanumeric, edition_before, edition_of, edition_within, letters_of_name, year_of};
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
/// With these behind it 险 ends no name: 保险金, 保险人, 保险单.
const NO_NAME: [&str; 6] = ["金", "人", "单", "公司", "标的", "事故"];
/// The names of insurers that are no known ones end with these.
const FIRMS: [&str; 3] = ["人寿", "财险", "产险"];
/// With them they have at most so many characters.
const FIRM: usize = 6;
/// Of two such words a product is one alone.
const APART: [&[&str]; 6] = [
    &["终身", "定期"],
    &["长期", "短期"],
    &["团体", "个人"],
    &["境内", "境外"],
    &["少儿", "老年", "成人"],
    &["高端", "中端"],
];
/// With these before it a name begins.
const BEFORE_NAMES: [char; 15] = [
    '的', '了', '买', '在', '和', '与', '跟', '过', '个', '款', '份', '有', '投', '保', '是',
];
/// Between two editions that are asked for: A款和B款.
const BETWEEN_EDITIONS: [char; 6] = ['和', '与', '跟', '或', '及', '还'];
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

/// What a question says right behind a name.
struct Behind {
    /// How far it is the product's: 安康欣悦 of 安康欣悦意外受伤, where that is a medical insurance.
    end: usize,
    /// The editions it names.
    asked: Vec<String>,
    /// Whether it says that what stands before is a product's name.
    is_name: bool,
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

/// Whether a title may be a product's: it speaks of insurance, not of that by law, and is no rule or answer about it.
pub fn is_product(title: &str) -> bool {
    product_title(title).is_some()
}

/// A title that may be a product's, normalised.
fn product_title(title: &str) -> Option<String> {
    if !title.contains(['险', '険', '險']) {
        return None;
    }
    let title = Normalized::new(title).text;
    (!has_any(&title, &SOCIAL) && !has_any(&title, &NO_PRODUCT)).then_some(title)
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
        let title = product_title(title)?;
        let mut editions = Vec::new();
        let name = letters_of_name(&title, &mut editions);
        let end = name.rfind('险')? + '险'.len_utf8();
        editions.extend(edition_of(&name[end..]).map(|(edition, _)| edition));
        let begin = firm_before(&name[..end]);
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

    /// What a question must hold to name it or a sister: its names, with [`ANY_LETTER`] for a letter of one that
    /// sisters have another for.
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

    /// How the product whose name stands at a place of the question meets this one, and how far it is written. What is
    /// not sure to be a name (`is_sure`) is none by itself.
    fn meets(&self, question: &str, place: Range<usize>, is_sure: bool) -> Option<(NameFit, Range<usize>)> {
        let name = &question[place.clone()];
        let Behind {
            end,
            mut asked,
            is_name,
        } = self.behind(question, place.end)?;
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
        // 人生 of 幸福人生 in 瑞祥人生, where 幸福 is an insurer, too.
        let is_cut = name != self.whole && !self.own.iter().any(|own| own == name);
        let before = &question[..place.start];
        let is_begun = || before.is_empty() || before.ends_with(BEFORE_NAMES) || insurer::before(before).is_some();
        if is_cut && beyond(name, &[&DESCRIBED, &INSURED]) < NAME && !is_begun() {
            return None;
        }
        let mut start = place.start;
        if let Some((edition, length)) = edition_before(&question[..start]) {
            asked.push(edition);
            start -= length;
        }
        let is_held = asked.is_empty() || asked.iter().any(|asked| self.editions.contains(asked));
        let fit = if is_held { NameFit::Same } else { NameFit::Other };
        // 团体意外伤害保险 is anybody's, and so is 公众责任保险.
        let is_part = beyond(name, &[&DESCRIBED, &INSURED]) < SHORT && name.len() < self.whole.len();
        let is_common = name.chars().count() < WHOLE && beyond(name, &[&DESCRIBED, &INSURED, &COMMON]) < SHORT;
        let Some((at, insurer)) = insurer::before(&question[..start]).filter(|_| !self.insurers.is_empty()) else {
            if (is_part || is_common) && asked.is_empty() {
                return None;
            }
            return Some((fit, start..end));
        };
        if self.insurers.contains(&insurer) {
            return Some((fit, at..end));
        }
        // 长安责任保险的物流责任险: another one's.
        (!is_part).then_some((NameFit::Other, at..end))
    }

    /// What stands right behind a name in a question; none where it is of another kind of insurance.
    fn behind(&self, question: &str, from: usize) -> Option<Behind> {
        let mut behind = Behind {
            end: from,
            asked: Vec::new(),
            is_name: false,
        };
        let (mut at, mut is_of_others) = (from, false);
        loop {
            let rest = &question[at..];
            let mut insured = INSURED.iter().filter(|word| rest.starts_with(**word));
            let mut described = DESCRIBED.iter().filter(|word| rest.starts_with(**word));
            let joined = rest.strip_prefix(BETWEEN_EDITIONS).filter(|_| !behind.asked.is_empty());
            let edition = edition_of(rest).or_else(|| {
                let (edition, length) = edition_of(joined?)?;
                Some((edition, length + '和'.len_utf8()))
            });
            if let Some((edition, length)) = edition.filter(|_| !is_of_others) {
                behind.asked.push(edition);
                at += length;
            } else if let Some(length) = year_of(rest).filter(|_| !is_of_others) {
                at += length;
                behind.is_name |= question[..at].ends_with(['版', '款']);
            } else if let Some(word) = insured.next().or_else(|| described.next()) {
                is_of_others |= INSURED.contains(word) && !self.insures(word) || self.is_apart_from(word);
                let is_end = word.ends_with('险') && !NO_NAME.iter().any(|no| rest[word.len()..].starts_with(no));
                if is_end && is_of_others {
                    return None;
                }
                behind.is_name |= is_end;
                at += word.len();
            } else {
                return Some(behind);
            }
            if !is_of_others {
                behind.end = at;
            }
        }
    }

    /// Whether it is described by another word than this one where a product has one of them alone.
    fn is_apart_from(&self, word: &str) -> bool {
        let mut groups = APART.iter().filter(|group| group.contains(&word));
        let has = |word: &&str| self.title.contains(word);
        groups.any(|group| !self.title.contains(word) && group.iter().any(has))
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

/// A name as it is and without its insurer's: where that is a known one the rest is sure to be the product's, and no
/// insurer is a product.
fn names(name: &str) -> impl Iterator<Item = (&str, bool)> {
    let insurer = insurer::begins_with(name).map(|(length, _)| length);
    let begins = name.char_indices().map(|(at, _)| at).take(INSURER + 1);
    let unknown = begins.enumerate().skip(1).filter(move |(skipped, at)| {
        let is_long = beyond(&name[*at..], &[&DESCRIBED, &INSURED]) >= NAME.max(skipped + 1);
        is_long && Some(*at) != insurer
    });
    let unknown = unknown.map(|(_, at)| (&name[at..], false));
    let all = std::iter::once((name, true))
        .chain(insurer.map(|at| (&name[at..], true)))
        .chain(unknown);
    all.filter(|(name, _)| insurer::begins_with(name).is_none_or(|(length, _)| length < name.len()))
}

/// How much of a name is its insurer's firm: 某某人寿保险有限公司, 某某人寿.
fn firm_before(name: &str) -> usize {
    if let Some(at) = name.rfind("公司") {
        return at + "公司".len();
    }
    let ends = FIRMS.iter().filter_map(|firm| Some(name.find(firm)? + firm.len()));
    let near = ends.filter(|&end| name[..end].chars().count() <= FIRM && insurer::begins_with(name).is_none());
    near.max().unwrap_or(0)
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
