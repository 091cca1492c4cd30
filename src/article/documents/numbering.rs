//! The numbers that a Word document shows before its paragraphs and does not write: 第一条, （二）, 3., a.

use std::collections::HashMap;

use super::xml::{Step, attribute, walk};

/// How a level of a list counts.
#[derive(Clone, Default)]
pub(super) struct Level {
    format: String,
    text: String,
    start: usize,
}

/// The lists of a document and how far each has counted.
#[derive(Default)]
pub(super) struct Numbers {
    /// From the number that paragraphs name to the list, and from the list to its levels.
    lists: HashMap<String, String>,
    levels: HashMap<String, Vec<Level>>,
    counts: HashMap<String, Vec<usize>>,
}

pub(super) fn read_numbering(xml: &str) -> Result<Numbers, String> {
    let mut numbers = Numbers::default();
    let (mut list, mut number) = (None::<String>, None::<String>);
    walk(xml, |step| {
        match step {
            Step::Open(element, "abstractNum") => list = attribute(element, "abstractNumId"),
            Step::Open(element, "num") => number = attribute(element, "numId"),
            Step::Open(element, "abstractNumId") => {
                if let (Some(number), Some(value)) = (&number, attribute(element, "val")) {
                    numbers.lists.insert(number.clone(), value);
                }
            }
            Step::Open(element, "lvl") if number.is_none() => {
                if let Some(list) = &list {
                    let levels = numbers.levels.entry(list.clone()).or_default();
                    let at = attribute(element, "ilvl")
                        .and_then(|n| n.parse::<usize>().ok())
                        .unwrap_or(0)
                        .min(8);
                    levels.resize(
                        levels.len().max(at + 1),
                        Level {
                            start: 1,
                            ..Level::default()
                        },
                    );
                }
            }
            Step::Open(element, name @ ("numFmt" | "lvlText" | "start")) if number.is_none() => {
                let value = attribute(element, "val").unwrap_or_default();
                if let Some(level) = list
                    .as_ref()
                    .and_then(|list| numbers.levels.get_mut(list))
                    .and_then(|l| l.last_mut())
                {
                    match name {
                        "numFmt" => level.format = value,
                        "lvlText" => level.text = value,
                        _ => level.start = value.parse().unwrap_or(1),
                    }
                }
            }
            Step::Close("num") => number = None,
            Step::Close("abstractNum") => list = None,
            _ => {}
        }
        Ok(())
    })?;
    Ok(numbers)
}

impl Numbers {
    /// The mark of the next paragraph of a list, as it is shown.
    pub fn mark(&mut self, number: &str, level: usize) -> Option<String> {
        let list = self.lists.get(number)?;
        let levels = self.levels.get(list)?;
        let level = level.min(levels.len().checked_sub(1)?);
        let counts = self.counts.entry(list.clone()).or_insert_with(|| vec![0; 9]);
        for (at, count) in counts.iter_mut().enumerate() {
            if at < level && *count == 0 {
                *count = levels.get(at).map_or(1, |level| level.start);
            } else if at > level {
                *count = 0;
            }
        }
        counts[level] = match counts[level] {
            0 => levels[level].start,
            count => count.saturating_add(1),
        };
        if levels[level].format == "bullet" {
            return Some("-".into());
        }
        if levels[level].format == "none" {
            return None;
        }
        let mut mark = levels[level].text.clone();
        for (at, &count) in counts.iter().enumerate().take(level + 1) {
            let format = levels.get(at).map_or("decimal", |level| level.format.as_str());
            mark = mark.replace(&format!("%{}", at + 1), &counted(count, format));
        }
        Some(mark).filter(|mark| !mark.trim().is_empty())
    }
}

/// A number in the digits of a format.
pub(super) fn counted(number: usize, format: &str) -> String {
    let letter = |base: u8| char::from(base + ((number.max(1) - 1) % 26) as u8).to_string();
    match format {
        "chineseCounting"
        | "chineseCountingThousand"
        | "japaneseCounting"
        | "taiwaneseCountingThousand"
        | "ideographDigital"
        | "chineseLegalSimplified" => chinese(number),
        "lowerLetter" => letter(b'a'),
        "upperLetter" => letter(b'A'),
        "decimalEnclosedCircle" | "decimalEnclosedCircleChinese" if (1..=20).contains(&number) => {
            char::from_u32(0x2460 + number as u32 - 1).map_or_else(|| number.to_string(), String::from)
        }
        "lowerRoman" | "upperRoman" => {
            const DIGITS: [(usize, &str); 9] = [
                (100, "c"),
                (90, "xc"),
                (50, "l"),
                (40, "xl"),
                (10, "x"),
                (9, "ix"),
                (5, "v"),
                (4, "iv"),
                (1, "i"),
            ];
            let (mut rest, mut roman) = (number.min(399), String::new());
            for (value, digits) in DIGITS {
                while rest >= value {
                    roman.push_str(digits);
                    rest -= value;
                }
            }
            if format == "upperRoman" {
                roman.to_uppercase()
            } else {
                roman
            }
        }
        _ => number.to_string(),
    }
}

/// A number below ten thousand in Chinese digits.
pub(super) fn chinese(number: usize) -> String {
    const DIGITS: [&str; 10] = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    if number == 0 || number > 9_999 {
        return number.to_string();
    }
    let (mut text, mut gap) = (String::new(), false);
    for (value, unit) in [(1_000, "千"), (100, "百"), (10, "十"), (1, "")] {
        let digit = number / value % 10;
        if digit == 0 {
            gap = !text.is_empty();
            continue;
        }
        if gap {
            text.push('零');
            gap = false;
        }
        if !(value == 10 && digit == 1 && text.is_empty()) {
            text.push_str(DIGITS[digit]);
        }
        text.push_str(unit);
    }
    text
}
