//! What an amount of a text is of, by the words beside it, and how that is shown.
//!
//! Owns where such a label begins and ends, and which labels say nothing. What is compared by them is `differences`' to
//! say.

use super::wording::JOINING;

/// A label of more characters is cut, and begins with an ellipsis then.
const LABEL: usize = 12;
/// Right behind an amount, and no part of what the next one is (2倍以上5倍以下).
const BEHIND: [&str; 10] = ["以上", "以下", "以内", "以外", "年度", "及", "和", "内", "后", "起"];
/// Words that only begin like those.
const WORDS: [&str; 7] = ["起付", "后续", "内科", "内镜", "和解", "及时", "后期"];
/// What stands behind an amount that somebody has is a name up to so many characters.
const NOUN: usize = 8;
/// Labels that say of nothing what it is.
const EMPTY: [&str; 40] = [
    "一般", "不", "且", "为期", "也", "于", "仅", "从", "以", "会", "但", "例如", "其", "其中", "则", "到", "只", "可",
    "合计", "如", "将", "就", "已", "应", "应当", "并", "或", "无", "有", "比如", "由", "给予", "若", "还", "通常",
    "都", "需", "须", "至", "达到",
];
/// Before a part of a clause that reads by itself, and after a word that joins it to the one before.
const BEFORE: [&str; 5] = ["应当", "自", "从", "每", "按"];
const AFTER: [&str; 3] = ["或者", "以及", "或"];
/// Of a year or month that was written apart from what it counts (24 年缴费基数).
const TORN: [&str; 4] = ["年度", "年", "月份", "月"];

/// What an amount is, by what stands before it in its clause: 犹豫期 of 本合同的犹豫期为. `follows`: whether the amount
/// before it stands right before that text.
pub fn label(before: &str, follows: bool) -> String {
    let before = before.trim_end();
    let clause = before.rfind(is_apart);
    let mut label = clause.map_or(before, |at| before[at..].trim_start_matches(is_apart));
    let is_behind_digits = |at: usize| before[at..].starts_with(|c: char| c.is_ascii_digit());
    if clause.map_or(follows, is_behind_digits) {
        let rest = TORN.iter().find_map(|word| label.strip_prefix(word));
        label = rest.unwrap_or(label);
    }
    while let Some(rest) = JOINING.iter().find_map(|word| label.strip_suffix(word)) {
        label = rest;
    }
    // 以上 of 1倍以上3倍 belongs to what stands before.
    let mut follows = follows && clause.is_none();
    while follows {
        let is_word = WORDS.iter().any(|word| label.starts_with(word));
        let rest = BEHIND.iter().find_map(|word| label.strip_prefix(word));
        follows = !is_word && rest.is_some();
        label = rest.filter(|_| !is_word).unwrap_or(label);
    }
    label.to_owned()
}

/// The noun that an amount is said of, where it stands behind it: 犹豫期 of 20天的犹豫期.
pub fn owned(behind: &str) -> Option<&str> {
    let noun = behind.strip_prefix('的')?;
    let noun = &noun[..noun.find(is_apart).unwrap_or(noun.len())];
    (1..=NOUN).contains(&noun.chars().count()).then_some(noun)
}

/// Whether a label ends at a character.
fn is_apart(c: char) -> bool {
    !c.is_alphanumeric() || c == '的' || c.is_ascii_digit()
}

/// A label as it is shown, whole or from where a part of it reads by itself (…应当交纳首期保险费之日起); else none.
pub fn shown(label: &str) -> String {
    if EMPTY.contains(&label) || label.chars().all(is_of_number) {
        return String::new();
    }
    let Some(skipped) = label.chars().count().checked_sub(LABEL + 1) else {
        return label.to_owned();
    };
    // A word that joins may end right before what is left.
    let places = label.char_indices().map(|(at, _)| at).skip(skipped);
    let begins = |at: usize| {
        let rest = &label[at..];
        if WORDS.iter().any(|word| rest.starts_with(word)) {
            return None;
        }
        let is_before = BEFORE.iter().any(|word| rest.starts_with(word));
        let after = AFTER.iter().find_map(|word| rest.strip_prefix(word));
        after.or(is_before.then_some(rest))
    };
    let fits = |part: &&str| (2..=LABEL).contains(&part.chars().count());
    let part = places.filter_map(begins).find(fits);
    part.map_or_else(String::new, |part| format!("…{part}"))
}

/// Whether a character is one of those that numbers are written with.
pub fn is_of_number(c: char) -> bool {
    c.is_ascii_digit() || "零〇一二两三四五六七八九十百千万亿".contains(c)
}
