//! The days that a page states out of its text: in the names and values of its head, its linked data, its scripts, its
//! address.
//!
//! Only reads them; which of them is the article's is for `about` to say.

use crate::model::Date;

use serde_json::Value;

use super::super::byline::{find_date, source_name};

/// What a day in a page's head is the day of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stated {
    Publication,
    Change,
}

/// What the day is of that the head gives under a name, if it is one of these.
pub(super) fn stated_date(key: &str) -> Option<Stated> {
    let key: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
    let names = |words: &[&str]| words.iter().any(|word| key.contains(word));
    if !names(&[
        "date",
        "time",
        "issued",
        "modified",
        "createat",
        "createdat",
        "publishedat",
    ]) || names(&["expir", "valid"])
    {
        None
    } else if names(&["mod", "update", "revis", "last"]) {
        Some(Stated::Change)
    } else if names(&["pub", "release", "issued", "create"])
        || matches!(&*key, "date" | "dcdate" | "articledate" | "ogtime")
    {
        Some(Stated::Publication)
    } else {
        None
    }
}

/// The day of publication in a page's linked data (JSON-LD), which need not be valid JSON.
pub(super) fn linked_data_date(json: &str) -> Option<Date> {
    let at = ["\"datePublished\"", "\"pubDate\""]
        .iter()
        .find_map(|key| json.find(key).map(|at| at + key.len()))?;
    let value: String = json[at..].chars().take(40).collect();
    find_date(value.trim_start_matches([' ', ':', '"', '\n', '\t']))
}

/// Who published it by a page's linked data (JSON-LD): the name of a `publisher`, of the first part that has one.
pub(super) fn linked_data_publisher(json: &str) -> Option<String> {
    let data: Value = serde_json::from_str(json.trim()).ok()?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    let parts = list(&data).into_iter().flat_map(|part| {
        let inner = part.get("@graph").map(list).unwrap_or_default();
        std::iter::once(part).chain(inner)
    });
    let name = |part: Value| {
        let publisher = part.get("publisher")?;
        let name = publisher.get("name").unwrap_or(publisher);
        source_name(name.as_str()?)
    };
    parts.take(MAX_PARTS).find_map(name)
}

/// What scripts call the day that they show.
const SCRIPTED: [&str; 9] = [
    "ct",
    "createtime",
    "createdate",
    "publishtime",
    "publishdate",
    "pubtime",
    "pubdate",
    "releasetime",
    "releasedate",
];
/// How many parts of linked data are looked at.
const MAX_PARTS: usize = 64;
/// The longest value that is such a day, in characters.
const MAX_VALUE: usize = 40;

/// The day that a script gives to a name for it: `var ct = "1740359400"`, `var publishDate = '20240501100000'`.
pub(super) fn script_date(script: &str) -> Option<Date> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    script.match_indices('=').find_map(|(at, _)| {
        let before = script[..at].trim_end();
        let name = &before[before.trim_end_matches(is_of_name).len()..];
        let name = name.replace('_', "").to_ascii_lowercase();
        let value = script[at + 1..].trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let value: String = value
            .chars()
            .skip(1)
            .take(MAX_VALUE)
            .take_while(|c| *c != quote)
            .collect();
        let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
        // Seconds since 1970, or a day with its time in one number.
        let value = match value.len() {
            14 if is_number => &value[..8],
            10 => &value,
            _ if name == "ct" => return None,
            _ => &value,
        };
        SCRIPTED.contains(&name.as_str()).then(|| find_date(value))?
    })
}

/// The day in an address: `/2020-02/19/`, `/20200219/`, `/2020/02/19/`.
pub(super) fn date_in_url(url: &str) -> Option<Date> {
    let digits = |text: &str| text.parse::<u32>().ok();
    let parts: Vec<&str> = url.split(['/', '-']).collect();
    parts.iter().enumerate().find_map(|(at, part)| match part.len() {
        8 => Date::from_number(digits(part)?).filter(|date| (1990..2100).contains(&date.year())),
        4 => {
            let (year, month, day) = (digits(part)?, digits(parts.get(at + 1)?)?, digits(parts.get(at + 2)?)?);
            (1990..2100)
                .contains(&year)
                .then(|| Date::new(year, month, day))
                .flatten()
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linked_data_name_who_published_it() {
        let check = |json: &str, expected: Option<&str>| {
            assert_eq!(linked_data_publisher(json).as_deref(), expected, "{json}");
        };
        check(
            r#"{"publisher":{"@type":"Organization","name":"青禾晚报"}}"#,
            Some("青禾晚报"),
        );
        check(
            r#"{"@graph":[{"name":"甲"},{"publisher":"青禾晚报"}]}"#,
            Some("青禾晚报"),
        );
        check(
            r#"[{"publisher":{"@id":"a"}},{"publisher":{"name":"乙社"}}]"#,
            Some("乙社"),
        );
        // Who wrote a book that is spoken of, an address, broken data.
        check(r#"{"mentions":{"publisher":{"name":"某出版社"}}}"#, None);
        check(r#"{"publisher":{"name":"2024"}}"#, None);
        check(r#"{"publisher":{"name":"青禾晚报"}"#, None);
    }

    #[test]
    fn a_script_names_the_day_that_it_shows() {
        let check = |script: &str, day: Option<&str>| {
            let found = script_date(script).map(|day| day.to_string());
            assert_eq!(found.as_deref(), day, "{script}");
        };
        check("var n = 1; var ct = \"1740359400\";", Some("2025-02-24"));
        check("window.create_time='2024-05-01 10:00';", Some("2024-05-01"));
        check("var publishDate=\"20240501100000\"", Some("2024-05-01"));
        check("var ct = \"12\"; var ct = ct", None);
        check("var endTime = '2024-05-01'", None);
        check("publishTime = '", None);
    }
}
