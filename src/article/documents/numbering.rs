//! The numbers that a Word document shows before its paragraphs and does not write: 第一条, （二）, 3., a.

use std::collections::HashMap;

use quick_xml::events::BytesStart;

use super::super::layout::{letters, roman};
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
    /// At which levels a number begins its list anew, and with what.
    restarts: HashMap<String, Vec<(usize, usize)>>,
}

pub(super) fn read_numbering(xml: &str) -> Result<Numbers, String> {
    let mut numbers = Numbers::default();
    let (mut list, mut number, mut level) = (None::<String>, None::<String>, 0);
    walk(xml, |step| {
        match step {
            Step::Open(element, "abstractNum") => list = attribute(element, "abstractNumId"),
            Step::Open(element, "num") => number = attribute(element, "numId"),
            Step::Open(element, "abstractNumId") => {
                if let (Some(number), Some(value)) = (&number, attribute(element, "val")) {
                    numbers.lists.insert(number.clone(), value);
                }
            }
            Step::Open(element, "lvlOverride") => {
                level = level_of(element);
            }
            Step::Open(element, "startOverride") => {
                let start = attribute(element, "val").and_then(|n| n.parse().ok());
                if let (Some(number), Some(start)) = (&number, start) {
                    numbers.restarts.entry(number.clone()).or_default().push((level, start));
                }
            }
            Step::Open(element, "lvl") if number.is_none() => {
                if let Some(list) = &list {
                    let levels = numbers.levels.entry(list.clone()).or_default();
                    level = level_of(element);
                    levels.resize(
                        levels.len().max(level + 1),
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
                    .and_then(|levels| levels.get_mut(level))
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

/// Which level an element is about, from 0.
fn level_of(element: &BytesStart<'_>) -> usize {
    let level = attribute(element, "ilvl").and_then(|n| n.parse::<usize>().ok());
    level.unwrap_or(0).min(8)
}

impl Numbers {
    /// The mark of the next paragraph of a list, as it is shown.
    pub fn mark(&mut self, number: &str, level: usize) -> Option<String> {
        let list = self.lists.get(number)?;
        let levels = self.levels.get(list)?;
        let level = level.min(levels.len().checked_sub(1)?);
        let counts = self.counts.entry(list.clone()).or_insert_with(|| vec![0; 9]);
        // The first paragraph of such a number begins anew; those behind it go on.
        let restarts = self.restarts.remove(number).unwrap_or_default();
        for &(at, _) in &restarts {
            counts[at] = 0;
        }
        let start = restarts.iter().find(|(at, _)| *at == level).map(|(_, start)| *start);
        for (at, count) in counts.iter_mut().enumerate() {
            if at < level && *count == 0 {
                *count = levels.get(at).map_or(1, |level| level.start);
            } else if at > level {
                *count = 0;
            }
        }
        counts[level] = match counts[level] {
            0 => start.unwrap_or(levels[level].start),
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
    match format {
        "chineseCounting"
        | "chineseCountingThousand"
        | "japaneseCounting"
        | "taiwaneseCountingThousand"
        | "ideographDigital"
        | "chineseLegalSimplified" => chinese(number),
        "lowerLetter" => letters(number),
        "upperLetter" => letters(number).to_ascii_uppercase(),
        "decimalEnclosedCircle" | "decimalEnclosedCircleChinese" if (1..=20).contains(&number) => {
            char::from_u32(0x2460 + number as u32 - 1).map_or_else(|| number.to_string(), String::from)
        }
        "lowerRoman" if number < 4000 => roman(number),
        "upperRoman" if number < 4000 => roman(number).to_ascii_uppercase(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_counts_as_it_says_wherever_it_stands() {
        let level = |at: usize, format: &str, text: &str| {
            format!("<w:lvl w:ilvl=\"{at}\"><w:numFmt w:val=\"{format}\"/><w:lvlText w:val=\"{text}\"/></w:lvl>")
        };
        let xml = format!(
            "<w:numbering xmlns:w=\"w\"><w:abstractNum w:abstractNumId=\"7\">{}{}</w:abstractNum><w:num w:numId=\"1\"><w:abstractNumId w:val=\"7\"/></w:num></w:numbering>",
            level(1, "lowerLetter", "%2)"),
            level(0, "chineseCounting", "第%1条")
        );
        let mut numbers = read_numbering(&xml).unwrap();
        let marks = [0, 1, 1, 0].map(|level| numbers.mark("1", level).unwrap());
        assert_eq!(marks, ["第一条", "a)", "b)", "第二条"]);
    }

    #[test]
    fn a_number_may_begin_its_list_anew() {
        let xml = "<n><abstractNum abstractNumId=\"7\"><lvl ilvl=\"0\"><numFmt val=\"decimal\"/><lvlText val=\"%1.\"/></lvl></abstractNum>\
            <num numId=\"1\"><abstractNumId val=\"7\"/></num><num numId=\"2\"><abstractNumId val=\"7\"/>\
            <lvlOverride ilvl=\"0\"><startOverride val=\"1\"/></lvlOverride></num></n>";
        let mut numbers = read_numbering(xml).unwrap();
        let marks = ["1", "1", "2", "2", "1"].map(|number| numbers.mark(number, 0).unwrap());
        assert_eq!(marks, ["1.", "2.", "1.", "2.", "3."]);
    }

    #[test]
    fn numbers_are_counted_in_the_digits_of_their_format() {
        let check = |number: usize, format: &str, expected: &str| assert_eq!(counted(number, format), expected);
        check(27, "lowerLetter", "aa");
        check(3, "upperLetter", "C");
        check(442, "lowerRoman", "cdxlii");
        check(2024, "upperRoman", "MMXXIV");
        check(4000, "upperRoman", "4000");
        check(3, "decimalEnclosedCircle", "③");
        check(12, "chineseCounting", "十二");
        check(7, "decimal", "7");
    }
}
