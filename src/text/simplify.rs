//! Traditional to simplified Chinese, and radicals to the characters they stand for, one character at a time.
//!
//! Owns the table only (`traditional.txt`). It is free of context on purpose: a character must become the same in a
//! question and in a document whatever stands beside it, which matters more here than the orthography of rare words.
//! Characters that are themselves simplified are left alone even where a traditional text means another (覆, 著).

use std::borrow::Cow;
use std::sync::LazyLock;

/// First and last code point of the table: radicals, extension A and the unified ideographs. The rarer extensions hold
/// no character that an article or a question is likely to use in its traditional form.
const FIRST: u32 = 0x2e80;
const LAST: u32 = 0x9fff;

/// By code point from [`FIRST`]; NUL where a character stays as it is.
static TABLE: LazyLock<Vec<char>> = LazyLock::new(|| {
    let mut table = vec!['\0'; (LAST - FIRST + 1) as usize];
    for (from, to) in pairs() {
        if let Some(slot) = (from as u32)
            .checked_sub(FIRST)
            .and_then(|index| table.get_mut(index as usize))
        {
            *slot = to;
        }
    }
    table
});

/// Which code points the table changes, in so few bytes that a text's every character can be looked up cheaply.
pub(super) struct Traditional(Vec<u64>);

static TRADITIONAL: LazyLock<Traditional> = LazyLock::new(|| {
    let mut bits = vec![0u64; TABLE.len().div_ceil(64)];
    for (index, &simple) in TABLE.iter().enumerate() {
        bits[index / 64] |= u64::from(simple != '\0') << (index % 64);
    }
    Traditional(bits)
});

/// The code points that [`simplify`] changes.
pub(super) fn traditional() -> &'static Traditional {
    &TRADITIONAL
}

impl Traditional {
    /// Whether [`simplify`] changes this code point.
    pub(super) fn has(&self, code: u32) -> bool {
        let index = code.wrapping_sub(FIRST) as usize;
        self.0.get(index / 64).is_some_and(|bits| bits >> (index % 64) & 1 == 1)
    }
}

fn pairs() -> impl Iterator<Item = (char, char)> {
    let lines = include_str!("traditional.txt")
        .lines()
        .filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_whitespace).filter_map(|pair| {
        let mut characters = pair.chars();
        Some((characters.next()?, characters.next()?))
    })
}

/// The simplified form of a character; itself if it has none. Applying it twice changes nothing more.
pub(super) fn simplify(character: char) -> char {
    let index = (character as u32).wrapping_sub(FIRST) as usize;
    match TABLE.get(index) {
        Some(&simple) if simple != '\0' => simple,
        _ => character,
    }
}

/// A text as models read it, questions and passages alike: simplified, letters and digits of ordinary width.
/// Punctuation stays: a model knows the Chinese forms from its training.
pub fn model_form(text: &str) -> Cow<'_, str> {
    let form = |character: char| match character {
        '\u{3000}' => ' ',
        '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' => char::from_u32(character as u32 - 0xfee0).unwrap_or(character),
        _ => simplify(character),
    };
    if text.chars().any(|character| form(character) != character) {
        Cow::Owned(text.chars().map(form).collect())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_become_simplified_whatever_stands_beside_them() {
        let check = |from: &str, to: &str| assert_eq!(from.chars().map(simplify).collect::<String>(), to);
        check("醫療保險報銷", "医疗保险报销");
        check("農村合作醫療繳費", "农村合作医疗缴费");
        check("關於臺灣瞭解", "关于台湾了解");
        check("尊嚴", "尊严");
        check("什麼時候為爲裏裡", "什么时候为为里里");
        check("癌症麻痺小兒麻痺後遺症", "癌症麻痹小儿麻痹后遗症");
        check("疊加僱主責任險", "叠加雇主责任险");
        check("⻓期⻔⻅⻑", "长期门见长");
    }

    #[test]
    fn models_read_one_script_and_width() {
        let check = |text: &str, expected: &str| assert_eq!(model_form(text), expected);
        check("２０２４年度籌資標準，ＡｂＣ？", "2024年度筹资标准，AbC？");
        check("医保（职工）：70%！", "医保（职工）：70%！");
        check("", "");
    }

    #[test]
    fn simplified_text_stays_as_it_is() {
        let text = "覆盖捍卫呵护顽皮彷徨显著沈阳医保abc１，。后里干面发复台系征准余只范谷云";
        assert_eq!(text.chars().map(simplify).collect::<String>(), text);
    }

    #[test]
    fn every_pair_is_one_and_twice_is_once() {
        let (mut count, mut seen) = (0, std::collections::HashSet::new());
        for (from, to) in pairs() {
            count += 1;
            assert!(seen.insert(from), "{from} stands twice");
            assert_eq!((simplify(from), simplify(to)), (to, to));
        }
        assert!(count > 3000, "{count}");
    }
}
