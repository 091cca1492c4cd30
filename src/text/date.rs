//! Reads one date, however it is written: 2025-04-19, 2025/4/19, 25/04/19, 2025年4月19日, 二〇二五年四月, 4月19日.
//!
//! Owns the shapes of written dates for the whole program: analysis, the pages' bylines and the fields of records.
//! What a date is about (a publication, a time limit) is for the caller to know.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::model::Date;

use super::normalize::Normalized;
use super::number::{self, Form, Number, is_numeral};

/// A date as far as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenDate {
    /// 1900 to 2100.
    pub year: Option<u16>,
    /// 1 to 12.
    pub month: Option<u8>,
    /// A day that the month has.
    pub day: Option<u8>,
}

impl WrittenDate {
    /// The calendar day, if all of it is written.
    pub fn day(self) -> Option<Date> {
        Date::new(self.year?.into(), self.month?.into(), self.day?.into())
    }
}

impl From<Date> for WrittenDate {
    fn from(day: Date) -> Self {
        WrittenDate {
            year: Some(day.year() as u16),
            month: Some((day.number() / 100 % 100) as u8),
            day: Some((day.number() % 100) as u8),
        }
    }
}

impl std::fmt::Display for WrittenDate {
    /// `2025-04-19`, `2025-04`, `2025`, `--04-19`, `--04`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.year {
            Some(year) => write!(f, "{year}")?,
            None => f.write_str("-")?,
        }
        for part in [self.month, self.day].into_iter().flatten() {
            write!(f, "-{part:02}")?;
        }
        Ok(())
    }
}

/// More bytes than the longest date has, so that one is looked for in these and not in all that follows.
const LONGEST: usize = 96;

/// The day that a text, which need not be normalised, names first at byte `from` or behind it, and where.
pub fn next_day(text: &str, from: usize) -> Option<(Range<usize>, Date)> {
    scan(text, from, |at| {
        let near = &text[at..text.floor_char_boundary(at + LONGEST)];
        // Many write the circle for the nought, 二○二四年; it has as many bytes.
        let circled = near.contains('○').then(|| near.replace('○', "〇"));
        let (length, date) = full_year(circled.as_deref().unwrap_or(near), 0)?;
        Some((at..at + length, date.day()?))
    })
}

/// A date with a year of four digits: 25/04/19 may be anything where no text round it tells.
fn full_year(text: &str, at: usize) -> Option<(usize, WrittenDate)> {
    let digits = text[at..].find(|c: char| !c.is_ascii_digit());
    read_date(text, at).filter(|_| digits != Some(2))
}

/// The date that a field says: the first whole day in it, or else the first month or year; a number alone may be
/// `20250419`, `202504`, `2025`, or seconds or milliseconds since 1970, of which the day is China's.
pub fn find_date(text: &str) -> Option<WrittenDate> {
    let text = Normalized::new(text).text;
    if let Ok(number) = text.parse::<u64>() {
        return from_number(number, text.len());
    }
    let day = next_day(&text, 0).map(|(_, day)| day.into());
    let month = || scan(&text, 0, |at| full_year(&text, at)).map(|(_, date)| date);
    let year = || {
        scan(&text, 0, |at| {
            let number = number::parse(&text, at)?;
            after(&text, number.end, &["年"])?;
            year_only(number.value.integer()?)
        })
    };
    day.or_else(|| english(&text)).or_else(month).or_else(year)
}

/// The day in `Wed, 06 Nov 2024 10:00:00 +0800` (RFC 5322, as feeds write it) or `November 6, 2024`.
fn english(text: &str) -> Option<WrittenDate> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let words: Vec<&str> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let number = |at: Option<usize>, digits: std::ops::RangeInclusive<usize>| {
        let word = words.get(at?)?;
        word.parse::<u32>().ok().filter(|_| digits.contains(&word.len()))
    };
    words.iter().enumerate().find_map(|(at, word)| {
        let name = word.to_ascii_lowercase();
        let month = MONTHS.iter().position(|month| *month == name || month[..3] == name)? as u32 + 1;
        let (day, year) = match number(at.checked_sub(1), 1..=2) {
            Some(day) => (day, number(Some(at + 1), 4..=4)?),
            None => (number(Some(at + 1), 1..=2)?, number(Some(at + 2), 4..=4)?),
        };
        Some(WrittenDate::from(Date::new(year, month, day)?))
    })
}

/// The day that a field must say.
///
/// # Errors
/// `Caller` if it says none.
pub fn day(text: &str) -> Result<Date> {
    // As it is printed, with any year, or as people write it.
    let day = text.parse().ok().or_else(|| find_date(text)?.day());
    day.ok_or_else(|| {
        Error::caller(format!(
            "`{text}` is not a day of the years 1000 to 9999; write it as 2025-04-19"
        ))
    })
}

fn from_number(number: u64, digits: usize) -> Option<WrittenDate> {
    let seconds = match digits {
        4 => return year_only(number),
        6 => return written(year_only(number / 100)?.year, (number % 100) as u32, None, 0).map(|(_, date)| date),
        8 => return Date::from_number(number as u32).map(WrittenDate::from),
        10 => number,
        13 => number / 1000,
        _ => return None,
    };
    const CHINA: i64 = 8 * 3600;
    let day = time::OffsetDateTime::from_unix_timestamp(seconds as i64 + CHINA)
        .ok()?
        .date();
    year_only(day.year() as u64)?;
    Date::new(day.year() as u32, u8::from(day.month()).into(), day.day().into()).map(WrittenDate::from)
}

fn year_only(year: u64) -> Option<WrittenDate> {
    (1900..=2100).contains(&year).then_some(WrittenDate {
        year: Some(year as u16),
        month: None,
        day: None,
    })
}

/// What `read` reads at the first numeral, from byte `from` on, at which it can.
fn scan<T>(text: &str, from: usize, read: impl Fn(usize) -> Option<T>) -> Option<T> {
    let mut at = from;
    while let Some(first) = text[at..].chars().next() {
        if !is_numeral(first) {
            at += first.len_utf8();
            continue;
        }
        if let Some(found) = read(at) {
            return Some(found);
        }
        // Nothing begins inside a number.
        let rest = &text[at..];
        let inside = |c: char| is_numeral(c) && c.is_ascii() == first.is_ascii();
        at += rest.find(|c| !inside(c)).unwrap_or(rest.len());
    }
    None
}

/// The date that begins at byte `at` and names its year and its month, and the byte behind it. Whether one may begin
/// there is for the caller to see.
pub fn read_date(text: &str, at: usize) -> Option<(usize, WrittenDate)> {
    if let Some(found) = numeric(text, at) {
        return Some(found);
    }
    let number = number::parse(text, at)?;
    let year = match (number.form, number.value.integer()?) {
        (Form::Arabic | Form::Positional(4), year @ 1900..=2100) => year as u16,
        (Form::Arabic, year @ 0..=99) if number.end == at + 2 => 2000 + year as u16,
        _ => return None,
    };
    let end = after(text, number.end, &["年"])?;
    // 15年1个月 is a span: 月 must stand right behind the number.
    let (end, month) = part(text, end, &["月份", "月"])?;
    let day = day_at(text, end).filter(|&(_, day)| Date::new(year.into(), month, day).is_some());
    written(Some(year), month, day, end)
}

/// 4月19日, 四月十九号, 四月, 4月份: the date that this number begins, and the byte behind it.
pub(super) fn month_day(text: &str, number: &Number) -> Option<(usize, WrittenDate)> {
    let month = u32::try_from(number.value.integer()?).ok()?;
    let end = after(text, number.end, &["月份", "月"])?;
    // A leap year, so that 2月29日 is a day.
    let day = day_at(text, end).filter(|&(_, day)| Date::new(2024, month, day).is_some());
    written(None, month, day, end)
}

fn written(year: Option<u16>, month: u32, day: Option<(usize, u32)>, month_end: usize) -> Option<(usize, WrittenDate)> {
    let month = u8::try_from(month).ok().filter(|month| (1..=12).contains(month))?;
    let date = WrittenDate {
        year,
        month: Some(month),
        // At most 31: it was checked with its month.
        day: day.map(|(_, day)| day as u8),
    };
    Some((day.map_or(month_end, |(end, _)| end), date))
}

/// The byte behind one of the names, if it stands at `at`, one space allowed before it.
fn after(text: &str, at: usize, names: &[&str]) -> Option<usize> {
    let rest = &text[at..];
    let trimmed = rest.strip_prefix(' ').unwrap_or(rest);
    let space = rest.len() - trimmed.len();
    let name = names.iter().find(|name| trimmed.starts_with(**name))?;
    Some(at + space + name.len())
}

/// A small number with one of the names behind it, one space allowed before each.
fn part(text: &str, at: usize, names: &[&str]) -> Option<(usize, u32)> {
    let start = at + usize::from(text[at..].starts_with(' '));
    let number = number::parse(text, start)?;
    let value = u32::try_from(number.value.integer()?).ok()?;
    Some((after(text, number.end, names)?, value))
}

fn day_at(text: &str, at: usize) -> Option<(usize, u32)> {
    part(text, at, &["日", "号"])
}

/// 2025-04-19, 2025/4/19, 2025.4.19, 25/04/19, 2025-04.
fn numeric(text: &str, at: usize) -> Option<(usize, WrittenDate)> {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes.iter().skip(from).take_while(|b| b.is_ascii_digit()).count();
    let value = |from: usize, count: usize| text[from..from + count].parse::<u32>().ok();
    let first = digits(at);
    let separator = *bytes.get(at + first)?;
    let year = match (first, separator) {
        (4, b'-' | b'/' | b'.') => value(at, 4)?,
        (2, b'/') => 2000 + value(at, 2)?,
        _ => return None,
    };
    let year = u16::try_from(year).ok().filter(|year| (1900..=2100).contains(year))?;
    let month_at = at + first + 1;
    let months = digits(month_at);
    let month = value(month_at, months).filter(|_| (1..=2).contains(&months))?;
    let end = month_at + months;
    if bytes.get(end) == Some(&separator) {
        let days = digits(end + 1);
        let day = value(end + 1, days).filter(|_| (1..=2).contains(&days))?;
        Date::new(year.into(), month, day)?;
        return written(Some(year), month, Some((end + 1 + days, day)), end);
    }
    let plain = separator == b'-' && first == 4 && months == 2;
    plain.then(|| written(Some(year), month, None, end))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_are_read_as_far_as_they_are_written() {
        let check = |text: &str, expected: Option<&str>| {
            let read = read_date(text, 0).map(|(_, date)| date.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        };
        check("2025-04-19", Some("2025-04-19"));
        check("2025/4/9 08:00", Some("2025-04-09"));
        check("25/04/19", Some("2025-04-19"));
        check("2025 年 4 月 19 号", Some("2025-04-19"));
        check("二〇二五年四月十九日", Some("2025-04-19"));
        check("2025年4月", Some("2025-04"));
        check("2025-04起", Some("2025-04"));
        check("2025年2月30日", Some("2025-02"));
        check("2025-02-30", None);
        check("2025-13", None);
        check("15年1个月", None);
        check("25.04.19", None);
        check("2025", None);
        check("", None);
    }

    #[test]
    fn fields_say_a_day_a_month_or_a_year() {
        let check = |text: &str, expected: Option<&str>| {
            let read = find_date(text).map(|date| date.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        };
        check("2025-04-19", Some("2025-04-19"));
        check("2025-04-19T08:00:00+08:00", Some("2025-04-19"));
        check("发布于2025年4月9日上午", Some("2025-04-09"));
        check("２０２５年４月９日", Some("2025-04-09"));
        check("二〇二四年五月一日", Some("2024-05-01"));
        check("二○二四年十二月二十日", Some("2024-12-20"));
        check("2024.5.1 发布", Some("2024-05-01"));
        check("2025-13-19,其后 2024.02.29", Some("2024-02-29"));
        check("20250419", Some("2025-04-19"));
        check("1714521600", Some("2024-05-01"));
        check("1714521600000", Some("2024-05-01"));
        check("2024-05", Some("2024-05"));
        check("202405", Some("2024-05"));
        check("2024年5月", Some("2024-05"));
        check("2024", Some("2024"));
        check("Wed, 06 Nov 2024 10:00:00 +0800", Some("2024-11-06"));
        check("november 6, 2024", Some("2024-11-06"));
        check("Market 5 2024", None);
        check("二〇二四年", Some("2024"));
        for text in [
            "",
            "未知",
            "-",
            "05/01/2024",
            "25/04/19",
            "12025-04-19",
            "2025-",
            "12345",
            "99999999",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn days_of_a_long_line_are_found_one_after_another() {
        let line = "二○二四年五月一日 2024-05-02\u{3000}".repeat(50_000);
        let (mut found, mut from) = (0, 0);
        while let Some((range, day)) = next_day(&line, from) {
            assert_eq!(day.to_string(), format!("2024-05-0{}", found % 2 + 1));
            (found, from) = (found + 1, range.end);
        }
        assert_eq!(found, 100_000);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "[0-9二〇四年月日: TtZ./号-]{0,40}|([0-9]{1,4} |Nov |,){0,8}|\\PC{0,40}") {
            find_date(&text);
            if let Some((range, _)) = next_day(&text, 0) {
                prop_assert!(text.get(range).is_some());
            }
        }
    }
}
