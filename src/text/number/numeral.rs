//! The characters that numbers are written with, and what they make of a text: items, a form, a number.
//!
//! Owns the digits and places, small and capital; the rules by which they make a value are in `places`.

use super::decimal::Decimal;

/// How a number is written, which decides what may be read into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Arabic digits, with or without 万 behind them.
    Arabic,
    /// One Chinese digit or 十: a number only if something is counted.
    Single,
    /// Chinese digits without places, of this length: 二〇二五.
    Positional(usize),
    /// A Chinese numeral with places: 一万一千, 二十.
    Places,
}

/// A number found in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number {
    /// Byte behind it.
    pub end: usize,
    pub value: Decimal,
    pub form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    Arabic { value: Decimal, digits: usize },
    Digit(u64),
    Zero,
    Unit(u64),
}

pub(super) fn digit(character: char, formal: bool) -> Option<u64> {
    Some(match character {
        '一' => 1,
        '二' | '两' => 2,
        '三' => 3,
        '四' => 4,
        '五' => 5,
        '六' => 6,
        '七' => 7,
        '八' => 8,
        '九' => 9,
        '壹' if formal => 1,
        '贰' if formal => 2,
        '叁' if formal => 3,
        '肆' if formal => 4,
        '伍' if formal => 5,
        '陆' if formal => 6,
        '柒' if formal => 7,
        '捌' if formal => 8,
        '玖' if formal => 9,
        _ => return None,
    })
}

pub(super) fn unit(character: char, formal: bool) -> Option<u64> {
    Some(match character {
        '十' => 10,
        '百' => 100,
        '千' => 1000,
        '万' => 10_000,
        '亿' => 100_000_000,
        '拾' if formal => 10,
        '佰' if formal => 100,
        '仟' if formal => 1000,
        _ => return None,
    })
}

/// Whether a character could be part of a number, so that one does not begin in the middle of another.
pub fn is_numeral(character: char) -> bool {
    character.is_ascii_digit()
        || matches!(character, '零' | '〇')
        || digit(character, false).is_some()
        || unit(character, false).is_some()
}

/// What stands before the number that a text ends with: 三十, 1.5, 两年半, 数; nothing if it ends with none.
pub fn before_number(text: &str) -> Option<&str> {
    let text = text.trim_end();
    let before = text.trim_end_matches(|c| is_numeral(c) || matches!(c, '.' | '半' | '数'));
    (before.len() < text.len()).then_some(before)
}

/// Whether it is one of the digits that cannot be tampered with: 壹, 贰.
pub fn is_capital(character: char) -> bool {
    digit(character, true).is_some() && digit(character, false).is_none()
}
