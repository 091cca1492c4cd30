//! Whether a question names the product of a title whose year is that of its edition: 2021年某某医疗险 and
//! 某某（2021版）医疗保险.
//!
//! Owns what of a title is the product's own name. Questions shorten names, so that less must be the same here than
//! where sisters are told apart (`product`): what is told is the year alone.

use super::wording::{DESCRIBED, INSURED, NO_PRODUCT, SOCIAL};
use crate::text::Normalized;

/// A name of fewer characters, beside words that any product may have, is not told from other words.
const NAME: usize = 4;
/// A name with all that it describes has at least so many.
const WHOLE: usize = 7;
/// The insurer's name before it, which questions leave out, has at most so many, and fewer than the product's own.
const INSURER: usize = 4;
/// Titles and questions are compared up to here.
const LONGEST: usize = 200;
/// Different words for the same.
const SAME: [(&str, &str); 3] = [("重疾", "重大疾病"), ("家财", "财产"), ("防癌", "癌")];

/// Whether the question names the product of a title that is called by one of these years.
pub(super) fn names_edition(question: &str, title: &str, years: &[u16]) -> bool {
    let is_written = |year: &u16| title.contains(&year.to_string());
    if !years.iter().any(is_written) {
        return false;
    }
    let question = letters(&Normalized::new(question).text);
    let title = Normalized::new(title).text;
    let has = |text: &str, words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&question, &SOCIAL) || has(&title, &SOCIAL) || has(&title, &NO_PRODUCT) {
        return false;
    }
    if !has_same_letter(&question, &letters(&title)) {
        return false;
    }
    let title = letters(&without_edition(&title, years));
    let Some(whole) = whole_name(&title) else { return false };
    let own = own_name(whole);
    let mut wholes = without_insurer(whole).filter(|whole| whole.chars().count() >= WHOLE);
    let mut owns = without_insurer(own).filter(|own| beyond_described(own) >= NAME);
    let insures_the_same = |own: &str| {
        let mut found = question.match_indices(own);
        found.any(|(at, own)| {
            let behind = &question[at + own.len()..];
            let goes_on = |c: char| c.is_ascii_alphanumeric();
            // 健康随心II in 健康随心III.
            !(own.ends_with(goes_on) && behind.starts_with(goes_on)) && insures_the_same(behind, &title)
        })
    };
    wholes.any(|whole| question.contains(whole)) || owns.any(insures_the_same)
}

/// A name as it is, and as it is left where some of its first characters are the insurer's.
fn without_insurer(name: &str) -> impl Iterator<Item = &str> {
    let begins = name.char_indices().map(|(at, _)| at).take(INSURER + 1);
    let names = begins.enumerate().map(|(skipped, at)| (skipped, &name[at..]));
    names
        .filter(|(skipped, own)| own.chars().count() > *skipped)
        .map(|(_, own)| own)
}

/// The letters and digits of a normalised text.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).take(LONGEST).collect()
}

/// A title, normalised, without the brackets in which one of the years or an edition's letter stands, and without such
/// a year elsewhere: 某某(2021版)医疗保险.
fn without_edition(title: &str, years: &[u16]) -> String {
    let years: Vec<String> = years.iter().map(u16::to_string).collect();
    let has_year = |text: &str| years.iter().any(|year| text.contains(year.as_str()));
    let mut left = String::new();
    let mut rest = title;
    while let Some(open) = rest.find('(') {
        let Some(close) = rest[open..].find(')').map(|at| open + at) else {
            break;
        };
        let inside = &rest[open..close];
        let is_edition = has_year(inside) || inside.ends_with('款') || inside.ends_with('版');
        left.push_str(if is_edition { &rest[..open] } else { &rest[..close] });
        // A bracket is no letter.
        rest = &rest[close..];
    }
    left += rest;
    for year in &years {
        for suffix in ["年版", "年", "版", "款", ""] {
            left = left.replace(&format!("{year}{suffix}"), "");
        }
    }
    left
}

/// The name in a title of letters up to its last 险, behind its insurer's whole name (某某人寿保险有限公司).
fn whole_name(title: &str) -> Option<&str> {
    let end = title.rfind('险')? + '险'.len_utf8();
    let begin = title[..end].rfind("公司").map_or(0, |at| at + "公司".len());
    title.get(begin..end)
}

/// The product's own part of a name: what stands before what it insures and how, without an edition's letter (A款).
fn own_name(whole: &str) -> &str {
    let mut name = whole;
    loop {
        let before = name;
        for word in INSURED.iter().chain(DESCRIBED.iter()) {
            name = name.strip_suffix(word).unwrap_or(name);
        }
        name = edition_letter(name).map_or(name, |(before, _)| before);
        if before == name {
            break;
        }
    }
    // 某某财险某某: the insurer's again.
    name.rfind('险').map_or(name, |at| &name[at + '险'.len_utf8()..])
}

/// A text that ends with an edition's letter, without it: 某某a款.
fn edition_letter(text: &str) -> Option<(&str, char)> {
    let before = text.strip_suffix(['款', '版', '型'])?;
    let letter = before.chars().next_back().filter(char::is_ascii_alphabetic)?;
    Some((&before[..before.len() - 1], letter))
}

/// Whether a title does not bear another edition's letter than the question asks for.
fn has_same_letter(question: &str, title: &str) -> bool {
    let letters = |text: &str| -> Vec<char> {
        let marks = text.match_indices(['款', '版', '型']);
        let of = marks.filter_map(|(at, mark)| Some(edition_letter(&text[..at + mark.len()])?.1));
        of.collect()
    };
    let (asked, held) = (letters(question), letters(title));
    asked.is_empty() || asked.iter().any(|letter| held.contains(letter))
}

/// How many characters of a name are no part of words that any product may have.
fn beyond_described(name: &str) -> usize {
    let mut rest = name.to_owned();
    for word in DESCRIBED.iter().chain(INSURED.iter()) {
        rest = rest.replace(word, " ");
    }
    rest.chars().filter(|c| !c.is_whitespace()).count()
}

/// Whether all that is insured by the words right behind a product's name is in the title, too.
fn insures_the_same(mut behind: &str, title: &str) -> bool {
    let is_in_title = |word: &str| {
        let other = SAME.iter().find(|(one, _)| *one == word).map(|(_, other)| other);
        title.contains(word) || other.is_some_and(|other| title.contains(other))
    };
    loop {
        let insured = INSURED.iter().find_map(|word| Some((word, behind.strip_prefix(word)?)));
        if let Some((word, rest)) = insured {
            if !is_in_title(word) {
                return false;
            }
            behind = rest;
            continue;
        }
        match DESCRIBED.iter().find_map(|word| behind.strip_prefix(word)) {
            Some(rest) => behind = rest,
            // Words of its own stand between: 尊享意外险.
            None => {
                let named = behind.find('险').map_or("", |at| &behind[..at]);
                return INSURED.iter().all(|word| !named.contains(word) || is_in_title(word));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edition_is_told_by_its_products_name() {
        let check = |question: &str, title: &str, expected: bool| {
            assert_eq!(
                names_edition(question, title, &[2021]),
                expected,
                "{question} / {title}"
            );
        };
        let title = "安联安康欣悦（2021版）医疗保险条款";
        // As people shorten it.
        check("2021年安康欣悦怎么赔", title, true);
        check("2021年安康欣悦医疗险怎么赔", title, true);
        check("安联安康欣悦2021年的医疗保险意外受伤赔不赔", title, true);
        check("2021年安康欣悦意外险怎么赔", title, false);
        check("2021年安康欣悦尊享意外险怎么赔", title, false);
        check("2021年健康随心Ⅲ终身寿险", "健康随心Ⅱ终身寿险（2021版）", false);
        check("2021年健康随心Ⅱ终身寿险", "健康随心Ⅱ终身寿险（2021版）", true);
        check("2021年安康欣悦怎么赔", "安联2021年安康欣悦医疗保险", true);
        check("2021年安康怎么赔", title, false);
        check("2021年康欣悦的医疗险", title, false);
        check("2021年安康欣享医疗险怎么赔", title, false);
        check("2021年安联医疗险怎么赔", title, false);
        check("2021年医疗险怎么赔", title, false);
        // With a letter, before or behind.
        check(
            "2021年健康有约重疾险",
            "泰康健康有约团体终身重大疾病保险D款（2021版）",
            true,
        );
        check(
            "2021年逸升汇赢年金险",
            "安联逸升汇赢A款（2021）终身年金保险（分红型）条款",
            true,
        );
        check("2021年逸升汇赢A款年金险", "安联逸升汇赢A款（2021）终身年金保险", true);
        check("2021年逸升汇赢B款年金险", "安联逸升汇赢A款（2021）终身年金保险", false);
        check("2021年逸升汇赢年金险", "安联逸升汇赢（B款）（2021）终身年金保险", true);
        check(
            "2021年关爱无忧医疗险",
            "PICC人保寿险关爱无忧2021医疗保险_产品条款",
            true,
        );
        check(
            "2021年都会传家",
            "中美联泰大都会人寿保险有限公司都会传家（2021）终身寿险（分红型）",
            true,
        );
        check(
            "2021年都会传家重疾险",
            "中美联泰大都会人寿保险有限公司都会传家（2021）终身寿险",
            false,
        );
        check("2021年境外医疗保险怎么赔", "安联寰球臻享境外医疗保险（2021）", false);
        check("2021年臻享境外怎么赔", "安联寰球臻享境外医疗保险（2021）", false);
        check("2021年寰球臻享怎么赔", "安联寰球臻享境外医疗保险（2021）", true);
        check(
            "2021年泰康团体长期补充医疗保险",
            "泰康团体长期补充医疗保险A款（2021版）",
            true,
        );
        check(
            "2021年泰康团体长期补充医疗保险B款",
            "泰康团体长期补充医疗保险A款（2021版）",
            false,
        );
        // Words that any product has, rules, and other years.
        check("2021年少儿百万医疗险", "少儿百万医疗保险（2021版）", false);
        check("2021年团体意外险", "安联团体（2021）意外伤害保险", false);
        check("2021年重疾险", "重疾险（2021版）", false);
        check("2021年城乡居民医疗保险", "某某城乡居民补充医疗保险（2021版）", false);
        check("2021年安康欣悦怎么赔", "安联安康欣悦（2018版）医疗保险条款", false);
        check("2021年安康欣悦怎么赔", "安联安康欣悦（2021版）医疗保险问答", false);
        check("", "", false);
    }
}
