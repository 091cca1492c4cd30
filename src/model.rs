//! The plain types every layer shares: articles, passages, dates. No behaviour beyond checking and printing them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A calendar day, ordered, stored as the number `yyyymmdd`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date(u32);

impl Date {
    /// The day of this year (1000 to 9999), month (1 to 12) and day of the month, if there is one.
    pub fn new(year: u32, month: u32, day: u32) -> Option<Self> {
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        ((1000..=9999).contains(&year) && (1..=days).contains(&day)).then_some(Date(year * 10_000 + month * 100 + day))
    }

    /// Today by the machine's clock (UTC), for words such as 去年.
    pub fn today() -> Option<Self> {
        let (year, month, day) = time::OffsetDateTime::now_utc().date().to_calendar_date();
        Date::new(u32::try_from(year).ok()?, u32::from(u8::from(month)), u32::from(day))
    }

    /// The number `yyyymmdd`.
    pub fn number(self) -> u32 {
        self.0
    }

    /// The day behind a number `yyyymmdd`, if it is one.
    pub fn from_number(number: u32) -> Option<Self> {
        Date::new(number / 10_000, number / 100 % 100, number % 100)
    }

    /// The year.
    pub fn year(self) -> u32 {
        self.0 / 10_000
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:04}-{:02}-{:02}",
            self.0 / 10_000,
            self.0 / 100 % 100,
            self.0 % 100
        )
    }
}

impl FromStr for Date {
    type Err = Error;

    /// Reads `2025-04-19`, as it is printed; `text` reads dates as people write them.
    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.split('-').map(|part| part.parse().ok());
        match (
            parts.next().flatten(),
            parts.next().flatten(),
            parts.next().flatten(),
            parts.next(),
        ) {
            (Some(year), Some(month), Some(day), None) => Date::new(year, month, day),
            _ => None,
        }
        .ok_or_else(|| {
            Error::caller(format!(
                "`{text}` is not a day of the years 1000 to 9999; write it as 2025-04-19"
            ))
        })
    }
}

impl Date {
    /// The day after; none after the last day of 9999.
    pub fn next(self) -> Option<Self> {
        let (year, month, day) = (self.year(), self.0 / 100 % 100, self.0 % 100);
        Date::new(year, month, day + 1)
            .or_else(|| Date::new(year, month + 1, 1))
            .or_else(|| Date::new(year + 1, 1, 1))
    }

    /// The same day so many years later; the day after where that year has none (29 February).
    pub fn years_later(self, years: u32) -> Option<Self> {
        let (year, month, day) = (self.year().checked_add(years)?, self.0 / 100 % 100, self.0 % 100);
        Date::new(year, month, day).or_else(|| Date::new(year, month + 1, 1))
    }
}

/// From when to when an article holds, as far as it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Validity {
    /// The first day on which it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective: Option<Date>,
    /// The first day on which it does not hold any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expired: Option<Date>,
    /// Whether it is said that it does not hold any more, and not since when.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended: bool,
}

impl Validity {
    /// Whether nothing is said.
    pub fn is_unsaid(&self) -> bool {
        *self == Validity::default()
    }

    /// Whether it holds on a day.
    pub fn on(&self, day: Date) -> Force {
        match (self.effective, self.expired) {
            _ if self.ended => Force::Ended,
            (_, Some(expired)) if expired <= day => Force::Ended,
            (Some(effective), _) if effective > day => Force::NotYet,
            (None, None) => Force::NotSaid,
            _ => Force::Holds,
        }
    }

    /// Whether nothing says that it does not hold on a day.
    pub fn may_hold(&self, day: Date) -> bool {
        matches!(self.on(day), Force::Holds | Force::NotSaid)
    }
}

/// Whether an article holds on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    /// It does not say from when to when it holds.
    NotSaid,
    /// It holds.
    Holds,
    /// It does not hold any more.
    Ended,
    /// It does not hold yet.
    NotYet,
}

impl TryFrom<String> for Date {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Date> for String {
    fn from(date: Date) -> String {
        date.to_string()
    }
}

/// Whether an article is here as a whole or only as a teaser of one that is elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ArticleKind {
    /// The whole article.
    #[default]
    Full,
    /// A summary, cut off by whoever published it.
    Summary,
}

impl ArticleKind {
    /// All there are.
    pub const ALL: [ArticleKind; 2] = [ArticleKind::Full, ArticleKind::Summary];

    /// What it is called in an index and by people who filter by it.
    pub fn name(self) -> &'static str {
        match self {
            ArticleKind::Full => "full",
            ArticleKind::Summary => "summary",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Where an article was read: the source, and the file in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Origin {
    /// The source's name, unique in an index.
    pub source: String,
    /// The file's path in the source, its parts joined by `/`.
    pub path: String,
}

impl Origin {
    /// The id of the file's article: `source/path/in/it.ext`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.source, self.path)
    }
}

/// One article as it was read: cleaned of furniture, its structure kept in the text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Article {
    /// Unique in an index, stable between runs over the same input.
    pub id: String,
    /// May be empty (answers of a forum have none).
    pub title: String,
    /// The text that passages are cut from; character offsets of passages count in it.
    pub text: String,
    /// Where it was published, if known.
    pub url: Option<String>,
    /// Who published it (a column, a site, a file), if known. Filterable.
    pub source: Option<String>,
    /// When it was published, if known. Filterable.
    pub published: Option<Date>,
    /// Whole or summary. Filterable.
    #[serde(default)]
    pub kind: ArticleKind,
    /// Places that its source record gives for it in a field, as written there; those named in title and text are found
    /// there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
    /// Years that its source record gives for it in a field; those named in title and text are found there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub years: Vec<u16>,
    /// The other fields of its source record, by their names; values that are not text are kept as JSON.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// Where it was read; none if it did not come from a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// A piece of one article, small enough for the embedder to read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Its place among the article's passages, from 0.
    pub ordinal: u32,
    /// The headings above it, outermost first, joined by ` > `; empty if there are none. Never includes the title.
    pub heading: String,
    /// Where it lies in [`Article::text`], in characters (Unicode scalar values), end exclusive.
    pub start: u32,
    /// See `start`.
    pub end: u32,
    /// `Article::text[start..end]`, to the letter.
    pub text: String,
}

/// Which passages may be returned. Lists are alternatives; different fields must all hold. Empty means any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Articles by id.
    pub article_ids: Vec<String>,
    /// Publishers, to the letter.
    pub sources: Vec<String>,
    /// Regions by canonical name (`浙江`, `兰州`).
    pub regions: Vec<String>,
    /// Years that the passage is about.
    pub years: Vec<u16>,
    /// Published on this day or later; passages without a date are left out.
    pub published_from: Option<Date>,
    /// Published on this day or earlier; passages without a date are left out.
    pub published_to: Option<Date>,
    /// Whole articles or summaries.
    pub kinds: Vec<ArticleKind>,
}

impl Filter {
    /// Whether nothing is asked of the passages.
    pub fn is_empty(&self) -> bool {
        *self == Filter::default()
    }
}

/// The id of a passage: its article's id and its ordinal.
pub fn passage_id(article_id: &str, ordinal: u32) -> String {
    format!("{article_id}#{ordinal}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_follow_each_other_and_articles_hold_between_them() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        let check = |from: &str, next: &str| assert_eq!(day(from).next(), Some(day(next)), "{from}");
        check("2024-02-28", "2024-02-29");
        check("2025-02-28", "2025-03-01");
        check("2025-12-31", "2026-01-01");
        assert_eq!(day("9999-12-31").next(), None);
        assert_eq!(day("2024-02-29").years_later(1), Some(day("2025-03-01")));
        let held = Validity {
            effective: Some(day("2024-01-01")),
            expired: Some(day("2025-01-01")),
            ended: false,
        };
        for (on, expected) in [
            ("2023-12-31", Force::NotYet),
            ("2024-01-01", Force::Holds),
            ("2024-12-31", Force::Holds),
            ("2025-01-01", Force::Ended),
        ] {
            assert_eq!(held.on(day(on)), expected, "{on}");
        }
        assert_eq!(Validity::default().on(day("2025-01-01")), Force::NotSaid);
    }

    #[test]
    fn dates_are_checked_and_ordered() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(
                text.parse::<Date>().ok().map(|d| d.to_string()).as_deref(),
                expected,
                "{text}"
            );
        };
        check("2025-04-19", Some("2025-04-19"));
        check("2025/4/9", None);
        check("2025-04-19T08:00:00Z", None);
        check("2025-02-29", None);
        check("2025-13-01", None);
        check("yesterday", None);
        check("", None);
        assert!("2025-04-19".parse::<Date>().unwrap() < "2025-05-01".parse::<Date>().unwrap());
        assert_eq!(Date::from_number(20250419).unwrap().to_string(), "2025-04-19");
    }
}
