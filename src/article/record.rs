//! JSON Lines, and JSON files that hold the same records in one array: one article a record, its text to the letter.
//!
//! Reads line by line, so a file may be larger than memory; knows nothing of ids in other files.

use std::io::{self, BufRead};

use serde_json::{Map, Value};

use crate::model::{Article, ArticleKind};

use super::byline::find_date;
use super::decode::decode;

/// The longest line that is read, in bytes: beyond it a file is broken, not long.
pub(super) const MAX_LINE: usize = 16 << 20;

/// The longest id, in bytes.
const MAX_ID: usize = 512;

/// One line of a file.
pub(super) enum RawLine {
    /// The line without its line break.
    Bytes(Vec<u8>),
    /// A line longer than [`MAX_LINE`], skipped.
    TooLong,
    /// The end of the file.
    End,
}

/// Reads the next line and says how many bytes it took.
pub(super) fn next_line(reader: &mut impl BufRead) -> io::Result<(RawLine, u64)> {
    let mut line = Vec::new();
    let (mut taken, mut too_long) = (0u64, false);
    loop {
        let buffer = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if buffer.is_empty() {
            break;
        }
        let newline = buffer.iter().position(|&byte| byte == b'\n');
        let length = newline.unwrap_or(buffer.len());
        too_long |= line.len() + length > MAX_LINE;
        if too_long {
            line = Vec::new();
        } else {
            line.extend_from_slice(&buffer[..length]);
        }
        let used = length + usize::from(newline.is_some());
        reader.consume(used);
        taken += used as u64;
        if newline.is_some() {
            break;
        }
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(match taken {
        0 => (RawLine::End, 0),
        _ if too_long => (RawLine::TooLong, taken),
        _ => (RawLine::Bytes(line), taken),
    })
}

/// The record in a line, `None` if the line is blank, or why it is none.
pub(super) fn read_line(bytes: &[u8]) -> Result<Option<Article>, String> {
    let text = decode(bytes, None).map_err(|reason| format!("the line {reason}"))?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    let value = serde_json::from_str(&text).map_err(|error| format!("is not valid JSON: {}", place(&error)))?;
    read_record(value).map(Some)
}

/// A record's article, or why it is none.
pub(super) type Record = Result<Article, String>;

/// The records of a JSON file: an array of them, or a single one.
pub(super) fn read_array(text: &str) -> Result<Vec<Record>, (Option<usize>, String)> {
    match serde_json::from_str(text) {
        Ok(Value::Array(records)) => {
            let numbered = records.into_iter().enumerate();
            Ok(numbered
                .map(|(at, record)| read_record(record).map_err(|why| format!("record {}: {why}", at + 1)))
                .collect())
        }
        Ok(record) => Ok(vec![read_record(record)]),
        Err(error) => Err((Some(error.line()), format!("is not valid JSON: {}", place(&error)))),
    }
}

/// serde_json's message with the column only: the line is the file's, and named elsewhere.
fn place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let what = message
        .rsplit_once(" at line ")
        .map_or(message.as_str(), |(what, _)| what);
    format!("{what} at column {}", error.column())
}

/// An article from a record: `_id` or `id`, `title`, `text` or `content`, `url`, `source`, `published` or `date`, `kind`.
fn read_record(value: Value) -> Result<Article, String> {
    let Value::Object(mut record) = value else {
        return Err(format!("is {}, not an object with `_id` and `text`", kind_of(&value)));
    };
    let id = match take(&mut record, &["_id", "id"]) {
        Some((_, Value::String(id))) => id,
        Some((_, Value::Number(id))) => id.to_string(),
        Some((name, other)) => return Err(format!("`{name}` is {}, not a string or a number", kind_of(&other))),
        None => return Err("has no `_id` (or `id`)".into()),
    };
    if id.trim().is_empty() {
        return Err("its `_id` is empty".into());
    }
    if id.len() > MAX_ID || id.contains(char::is_control) {
        return Err(format!(
            "its `_id` is longer than {MAX_ID} bytes or has control characters"
        ));
    }
    let text = string(&mut record, &["text", "content"])?.ok_or("has no `text` (or `content`)")?;
    if text.trim().is_empty() {
        return Err("its `text` is empty".into());
    }
    let published = match string(&mut record, &["published", "date"])?.filter(|day| !day.trim().is_empty()) {
        None => None,
        Some(day) => Some(find_date(&day).ok_or_else(|| {
            let shown: String = day.chars().take(40).collect();
            format!("its date `{shown}` is not a day; write it as 2025-04-19")
        })?),
    };
    let kind = match string(&mut record, &["kind"])?.as_deref() {
        Some("summary") => ArticleKind::Summary,
        _ => ArticleKind::Full,
    };
    let known = |value: Option<String>| value.filter(|text| !text.trim().is_empty());
    Ok(Article {
        id,
        title: string(&mut record, &["title"])?.unwrap_or_default(),
        text,
        url: known(string(&mut record, &["url"])?),
        source: known(string(&mut record, &["source"])?),
        published,
        kind,
        ..Article::default()
    })
}

/// The first of these fields that is there and not null.
fn take<'a>(record: &mut Map<String, Value>, names: &[&'a str]) -> Option<(&'a str, Value)> {
    names.iter().find_map(|&name| {
        record
            .remove(name)
            .filter(|value| !value.is_null())
            .map(|value| (name, value))
    })
}

fn string(record: &mut Map<String, Value>, names: &[&str]) -> Result<Option<String>, String> {
    match take(record, names) {
        None => Ok(None),
        Some((_, Value::String(text))) => Ok(Some(text)),
        Some((name, other)) => Err(format!("`{name}` is {}, not a string", kind_of(&other))),
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn records_are_read_to_the_letter() {
        let line = r#"{"_id": "a1", "title": " 断缴 ", "text": " 第一行\n\n 第二行 ", "url": "https://example.org", "source": "社保网", "published": "2025-04-19 08:00", "other": [1]}"#;
        let article = read_line(line.as_bytes()).unwrap().unwrap();
        assert_eq!(article.id, "a1");
        assert_eq!(article.title, " 断缴 ");
        assert_eq!(article.text, " 第一行\n\n 第二行 ");
        assert_eq!(article.url.as_deref(), Some("https://example.org"));
        assert_eq!(article.source.as_deref(), Some("社保网"));
        assert_eq!(article.published.unwrap().to_string(), "2025-04-19");
        let article = read_line(br#"{"id": 7, "_id": null, "content": "x", "url": "", "date": null}"#)
            .unwrap()
            .unwrap();
        assert_eq!(
            (article.id.as_str(), article.text.as_str(), article.title.as_str()),
            ("7", "x", "")
        );
        assert_eq!((article.url, article.published), (None, None));
        assert!(read_line(b"  \r").unwrap().is_none());
        let gb = encoding_rs::GB18030
            .encode("{\"_id\": \"一\", \"text\": \"医保断缴三个月\"}")
            .0
            .into_owned();
        assert_eq!(read_line(&gb).unwrap().unwrap().text, "医保断缴三个月");
    }

    #[test]
    fn bad_records_say_what_is_wrong() {
        let check = |line: &str, expected: &str| {
            let reason = read_line(line.as_bytes()).unwrap_err();
            assert!(reason.contains(expected), "{line}: {reason}");
        };
        check("{\"_id\": 1, \"text\"", "is not valid JSON");
        check("[1]", "is an array, not an object");
        check("7", "is a number");
        check(r#"{"text": "x"}"#, "has no `_id`");
        check(r#"{"_id": true, "text": "x"}"#, "`_id` is a truth value");
        check(r#"{"_id": "", "text": "x"}"#, "`_id` is empty");
        check(r#"{"_id": "a\nb", "text": "x"}"#, "control characters");
        check(r#"{"_id": "a"}"#, "has no `text`");
        check(r#"{"_id": "a", "text": null}"#, "has no `text`");
        check(r#"{"_id": "a", "text": 5}"#, "`text` is a number, not a string");
        check(r#"{"_id": "a", "text": " \n"}"#, "`text` is empty");
        check(r#"{"_id": "a", "text": "x", "title": ["t"]}"#, "`title` is an array");
        check(r#"{"_id": "a", "text": "x", "date": "yesterday"}"#, "is not a day");
        check(r#"{"_id": "a", "text": "\ud800"}"#, "is not valid JSON");
        check(&"[".repeat(100_000), "is not valid JSON");
    }

    #[test]
    fn lines_of_any_length_are_passed() {
        let long = vec![b'x'; MAX_LINE + 1];
        let mut file = [&long[..], b"\nabc\r\n\nlast"].concat();
        let total = file.len() as u64;
        let mut reader = io::BufReader::with_capacity(1000, io::Cursor::new(std::mem::take(&mut file)));
        let (mut kinds, mut sum) = (Vec::new(), 0);
        loop {
            let (line, taken) = next_line(&mut reader).unwrap();
            sum += taken;
            kinds.push(match line {
                RawLine::TooLong => "long".to_string(),
                RawLine::Bytes(bytes) => String::from_utf8(bytes).unwrap(),
                RawLine::End => break,
            });
        }
        assert_eq!(kinds, ["long", "abc", "", "last"]);
        assert_eq!(sum, total);
    }

    proptest! {
        #[test]
        fn any_line_is_survived(line in "[{}\\[\\]\":,0-9a-z_ \\\\]{0,60}|\\PC{0,60}") {
            let _ = read_line(line.as_bytes());
        }
    }
}
