//! JSON: records one a line, or in one document: as lists, as rows below a header, by their ids, answers by their questions,
//! one alone, all of them also below names such as `data`.
//!
//! Lines are read one by one, so a file may be larger than memory. Finds the records and leaves to `record` what is in
//! them.

use std::borrow::Cow;
use std::io::{self, BufRead};

use encoding_rs::Encoding;
use serde_json::{Map, Value};

use super::decode::decode;
use super::fields::has_text;
use super::record::{Record, kind_of, read_record};
use super::repeated::Kept;
use super::table::{self, Table};

/// The longest line that is read, in bytes: beyond it a file is broken, not long.
pub(super) const MAX_LINE: usize = 16 << 20;

/// How deep below the top a list of records is looked for.
const MAX_DEPTH: usize = 3;

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

/// The record in a line, `None` if the line is blank, or why it is none. `declared`: what the file's beginning was found
/// to be in.
pub(super) fn read_line(bytes: &[u8], declared: Option<&'static Encoding>, id: &str) -> Result<Option<Record>, String> {
    let text = decode(bytes, declared).map_err(|reason| format!("the line {reason}"))?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    let value = parsed(&text).map_err(|error| format!("is not valid JSON: {}", place(&error)))?;
    read_record(value, Some(id.to_string())).map(Some)
}

/// Whether a text is JSON Lines whatever it is called: its first line is a whole object and something stands below.
pub(super) fn is_lines(text: &str) -> bool {
    let text = text.trim_start();
    let Some((first, rest)) = text.split_once('\n') else {
        return false;
    };
    first.starts_with('{')
        && rest.trim_start().starts_with('{')
        && serde_json::from_str::<Map<String, Value>>(first).is_ok()
}

/// A JSON value in which numbers that would lose digits, such as those of policies and cards, are texts, and a repeated name
/// loses nothing.
fn parsed(text: &str) -> serde_json::Result<Value> {
    serde_json::from_str(&with_long_numbers_as_texts(text)).map(|Kept(value)| value)
}

/// The digits that every number keeps as it is read, a whole one and one with a fraction or an exponent.
const WHOLE_DIGITS: usize = 19;
const FRACTION_DIGITS: usize = 15;

/// The same JSON with quotes round numbers of more digits than a number keeps.
fn with_long_numbers_as_texts(text: &str) -> Cow<'_, str> {
    let is_of_number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
    let bytes = text.as_bytes();
    let (mut out, mut copied) = (String::new(), 0);
    let (mut at, mut is_inside) = (0, false);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if is_inside => at += 1,
            b'"' => is_inside = !is_inside,
            b'-' | b'0'..=b'9' if !is_inside => {
                let length = bytes[at..].iter().take_while(|byte| is_of_number(byte)).count();
                let number = &text[at..at + length];
                let digits = number.bytes().filter(u8::is_ascii_digit).count();
                let is_whole = number.bytes().skip(1).all(|byte| byte.is_ascii_digit());
                let most = if is_whole { WHOLE_DIGITS } else { FRACTION_DIGITS };
                if digits > most && number.parse::<f64>().is_ok() {
                    out.extend([&text[copied..at], "\"", number, "\""]);
                    copied = at + length;
                }
                at += length;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    match copied {
        0 => text.into(),
        _ => (out + &text[copied..]).into(),
    }
}

/// A record, or why it cannot be read.
type Reading = Result<Record, String>;

/// The records of a document, each with its number from 1 where it has one, or why there are none. `id`: the file's, by
/// which and its number a record is named that brings none; `name`: what the file is called.
pub(super) fn read_document(text: &str, id: &str, name: &str) -> Result<Vec<Reading>, (Option<usize>, String)> {
    let root = parsed(text).map_err(|error| (Some(error.line()), format!("is not valid JSON: {}", place(&error))))?;
    let mut fields = match root {
        Value::Array(records) => return Ok(numbered(records, id, name, "")),
        Value::Object(fields) => fields,
        other => return Err((None, format!("is {}, not a list of records", kind_of(&other)))),
    };
    let one = |fields| Ok(vec![read_record(Value::Object(fields), Some(format!("{id}-1")))]);
    if has_text(fields.keys().map(String::as_str)) {
        return one(fields);
    }
    match below(&fields, is_list).as_slice() {
        [] => {}
        [path] => return Ok(numbered(list(&mut fields, path), id, name, "")),
        several => {
            let lists = several.iter().flat_map(|path| {
                let from = path.join(".");
                let records = list(&mut fields, path);
                numbered(records, &format!("{id}-{from}"), name, &format!("of `{from}` "))
            });
            return Ok(lists.collect());
        }
    }
    if is_by_question(&fields) || is_by_id(&fields) {
        let records = fields.into_iter().map(|(key, value)| {
            let value = match value {
                Value::String(answer) => Value::Object(Map::from_iter([
                    ("title".into(), Value::String(key.clone())),
                    ("text".into(), Value::String(answer)),
                ])),
                record => record,
            };
            read_record(value, Some(key.clone())).map_err(|why| format!("record `{key}`: {why}"))
        });
        return Ok(records.collect());
    }
    match below(&fields, holds_text).as_slice() {
        [path] => match at(&mut fields, path) {
            Some(Value::Object(record)) => one(std::mem::take(record)),
            _ => one(fields),
        },
        _ => one(fields),
    }
}

/// The records of a list, or of its rows below a header. `of` says which list, where there are several.
fn numbered(records: Vec<Value>, id: &str, name: &str, of: &str) -> Vec<Reading> {
    // Pages of records, one list behind the other.
    let is_page = |page: &Value| matches!(page, Value::Array(records) if records.iter().all(Value::is_object));
    let records = match !records.is_empty() && records.iter().all(is_page) {
        true => records
            .into_iter()
            .flat_map(|page| match page {
                Value::Array(records) => records,
                record => vec![record],
            })
            .collect(),
        false => records,
    };
    if is_rows(&records) {
        let rows = records.into_iter().enumerate().map(|(at, row)| {
            let Value::Array(cells) = row else {
                return (at + 1, Vec::new());
            };
            (at + 1, cells.into_iter().map(cell).collect())
        });
        let table = Table {
            rows: rows.collect(),
            header_rows: 1,
            ..Table::default()
        };
        let rows = table::records(table, id, name).records;
        return rows.into_iter().map(|(_, record)| record).collect();
    }
    let numbered = records.into_iter().enumerate();
    numbered
        .map(|(at, record)| {
            let number = at + 1;
            read_record(found_below(record), Some(format!("{id}-{number}")))
                .map_err(|why| format!("record {of}{number}: {why}"))
        })
        .collect()
}

/// Whether a list is a table: rows of plain values, the first the names of columns of which one is a text.
fn is_rows(records: &[Value]) -> bool {
    let plain = |value: &Value| !value.is_array() && !value.is_object();
    let is_row = |row: &Value| row.as_array().is_some_and(|cells| cells.iter().all(plain));
    let names = |row: &Value| -> Option<Vec<String>> {
        row.as_array()?
            .iter()
            .map(|cell| Some(cell.as_str()?.to_string()))
            .collect()
    };
    let header = records.first().and_then(names);
    records.len() > 1
        && records.iter().all(is_row)
        && header.is_some_and(|names| has_text(names.iter().map(String::as_str)))
}

fn cell(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// The paths below the top, by names, to the highest values that are `wanted`.
fn below(fields: &Map<String, Value>, wanted: impl Fn(&Value) -> bool) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut open: Vec<(Vec<String>, &Map<String, Value>)> = vec![(Vec::new(), fields)];
    while let Some((path, fields)) = open.pop() {
        for (name, value) in fields {
            let to = || path.iter().chain([name]).cloned().collect::<Vec<String>>();
            match value {
                value if wanted(value) => found.push(to()),
                Value::Object(fields) if path.len() < MAX_DEPTH => open.push((to(), fields)),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// Whether a value is a list of records with a text, or of rows.
fn is_list(value: &Value) -> bool {
    matches!(value, Value::Array(records) if records.iter().take(8).any(holds_text) || is_rows(records))
}

fn holds_text(record: &Value) -> bool {
    match record {
        Value::Object(fields) => {
            has_text(fields.keys().map(String::as_str))
                || matches!(fields.get("_source"), Some(Value::Object(inner)) if has_text(inner.keys().map(String::as_str)))
        }
        _ => false,
    }
}

/// Whether all values are records and the names their ids.
fn is_by_id(fields: &Map<String, Value>) -> bool {
    fields.len() > 1 && fields.values().all(holds_text)
}

/// Whether the names are questions or headings and the values what answers them: texts, most of them sentences.
fn is_by_question(fields: &Map<String, Value>) -> bool {
    let ends = |value: &Value| value.as_str().is_some_and(|text| text.contains(['。', '！', '；']));
    let sentences = fields.values().filter(|value| ends(value)).count();
    fields.len() > 1 && fields.values().all(Value::is_string) && 2 * sentences > fields.len()
}

/// The value at a path that [`below`] found.
fn at<'a>(fields: &'a mut Map<String, Value>, path: &[String]) -> Option<&'a mut Value> {
    let (first, rest) = path.split_first()?;
    match fields.get_mut(first)? {
        value if rest.is_empty() => Some(value),
        Value::Object(fields) => at(fields, rest),
        _ => None,
    }
}

/// The list at such a path.
fn list(fields: &mut Map<String, Value>, path: &[String]) -> Vec<Value> {
    match at(fields, path) {
        Some(Value::Array(records)) => std::mem::take(records),
        _ => Vec::new(),
    }
}

/// A record as search engines export it: its fields below `_source`, its `_id` beside.
fn found_below(record: Value) -> Value {
    let Value::Object(mut fields) = record else {
        return record;
    };
    match fields.remove("_source") {
        Some(Value::Object(mut inner)) if !has_text(fields.keys().map(String::as_str)) => {
            if let Some(id) = fields.remove("_id") {
                inner.insert("_id".into(), id);
            }
            Value::Object(inner)
        }
        Some(other) => {
            fields.insert("_source".into(), other);
            Value::Object(fields)
        }
        None => Value::Object(fields),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_is_a_record_or_says_why_not() {
        let line = |text: &str| read_line(text.as_bytes(), None, "f-1");
        assert!(line("  \r").unwrap().is_none());
        let gb = encoding_rs::GB18030
            .encode("{\"_id\": \"一\", \"text\": \"医保断缴三个月\"}")
            .0
            .into_owned();
        assert_eq!(
            read_line(&gb, None, "f-1").unwrap().unwrap().article.text,
            "医保断缴三个月"
        );
        for bad in [
            "{\"_id\": 1, \"text\"",
            r#"{"_id": "a", "text": "\ud800"}"#,
            &"[".repeat(100_000),
        ] {
            let reason = line(bad).unwrap_err();
            assert!(reason.contains("is not valid JSON"), "{reason}");
        }
    }

    #[test]
    fn long_numbers_keep_their_digits() {
        let check = |json: &str, expected: &str| {
            let json = format!(r#"{{"_id": "a", "text": "x \" 12345678901234567890123", "n": {json}}}"#);
            let article = read_line(json.as_bytes(), None, "f-1").unwrap().unwrap().article;
            assert_eq!(article.text, "x \" 12345678901234567890123", "{json}");
            assert_eq!(article.attributes["n"], expected, "{json}");
        };
        check("62284801234567890123456", "62284801234567890123456");
        check("-12345678901234567890", "-12345678901234567890");
        check("1234567890123456789", "1234567890123456789");
        check("0.12345678901234567", "0.12345678901234567");
        check("1.5", "1.5");
        assert!(read_line(b"{\"_id\": 1-23456789012345678901234, \"text\": \"x\"}", None, "f-1").is_err());
        assert!(read_line(b"{\"_id\": 123456789012345678901234x}", None, "f-1").is_err());
    }

    #[test]
    fn records_are_found_in_a_document() {
        let check = |text: &str, expected: &[&str]| {
            let found: Vec<String> = match read_document(text, "f", "文件") {
                Ok(records) => records
                    .into_iter()
                    .map(|record| record.map_or_else(|why| why, |record| record.article.id))
                    .collect(),
                Err((_, why)) => vec![why],
            };
            let fits = found.len() == expected.len() && found.iter().zip(expected).all(|(f, e)| f.contains(e));
            assert!(fits, "{text}: {found:?}");
        };
        check(
            r#"[{"_id": "a", "text": "x"}, {"id": 2}]"#,
            &["a", "record 2: has no `text`"],
        );
        check(r#"{"_id": "a", "text": "x"}"#, &["a"]);
        check(
            r#"[{"ID": "a", "Text": "x"}, {"text": "x"}, {"编号": "c", "正文": "x"}]"#,
            &["a", "f-2", "f-3"],
        );
        check(r#"{"text": "x"}"#, &["f-1"]);
        check(r#"{"code": 0, "items": [{"_id": "a", "text": "x"}]}"#, &["a"]);
        check(r#"{"data": {"list": [{"_id": "a", "内容": "x"}], "total": 1}}"#, &["a"]);
        check(
            r#"{"hits": {"hits": [{"_id": "a", "_source": {"content": "x"}}]}}"#,
            &["a"],
        );
        check(r#"{"a": {"text": "x"}, "b": {"text": "y", "title": "t"}}"#, &["a", "b"]);
        check(
            r#"{"faq": [{"_id": "a", "text": "x"}], "rules": [{"_id": "b", "text": "x"}]}"#,
            &["a", "b"],
        );
        check(
            r#"{"faq": [{"text": "x"}, {"size": 5}], "rules": [{"text": "x"}]}"#,
            &["f-faq-1", "record of `faq` 2: has no `text`", "f-rules-1"],
        );
        check(r#"{"data": []}"#, &["has no `text` (or `content`) but `data`"]);
        check(r#"{"code": 0, "data": {"title": "t", "content": "x"}}"#, &["f-1"]);
        check(
            r#"{"result": {"article": {"id": "a", "blocks": [{"data": {"text": "x"}}]}}}"#,
            &["a"],
        );
        check(
            r#"{"多少钱": "每年一百元。", "何时生效": "七日后"}"#,
            &["has no `text`"],
        );
        check(
            r#"{"多少钱": "每年一百元。", "何时生效": "七日后。"}"#,
            &["何时生效", "多少钱"],
        );
        check(r#"[["标题", "正文"], ["一", "x"], ["二", "y"]]"#, &["f-2", "f-3"]);
        check(r#"{"rows": [["id", "text"], [1, "x"]]}"#, &["1"]);
        check(r#"[[{"_id": "a", "text": "x"}], [{"text": "y"}], []]"#, &["a", "f-2"]);
        check("[[1, 2], [3, 4]]", &["record 1: is an array", "record 2"]);
        check(r#"["a"]"#, &["record 1: is a string, not an object"]);
        check("7", &["is a number, not a list of records"]);
        check("[1,", &["is not valid JSON"]);
    }

    #[test]
    fn lines_by_another_name_are_known() {
        let check = |text: &str, expected: bool| assert_eq!(is_lines(text), expected, "{text}");
        check("{\"a\": 1}\n{\"a\": 2}", true);
        check("\n{\"a\": 1}\r\n\n{\"a\":", true);
        check("{\"a\": 1}", false);
        check("{\"a\": 1}\n", false);
        check("{\n\"a\": 1}\n{}", false);
        check("[{\"a\": 1},\n{}]", false);
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
            let _ = (read_line(line.as_bytes(), None, "f-1"), read_document(&line, "f", "文件"), is_lines(&line));
            // What is JSON stays JSON.
            prop_assert!(serde_json::from_str::<Value>(&line).is_err() || parsed(&line).is_ok());
        }
    }
}
