//! JSON: records one a line, or in one document.
//!
//! Lines are read one by one, so a file may be larger than memory. Parses, so that no digit and no repeated name is
//! lost; leaves to
//! `shapes` where the records lie and to `record` what is in them.

use std::borrow::Cow;
use std::io::{self, BufRead};

use encoding_rs::Encoding;
use serde_json::{Map, Value};

use super::decode::decode;
use super::folded::unfolded;
use super::record::read_record;
use super::repeated::Kept;
use super::shapes::{Document, Reading, below_top, numbered};
use super::texts::{kind_of, texts_of};

/// The longest line that is read, in bytes: beyond it a file is broken, not long.
pub(super) const MAX_LINE: usize = 16 << 20;

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

/// The record in a line, none if the line is blank, several where some stand behind one another; or why it is none.
/// `declared`: what the file's beginning was found to be in.
pub(super) fn read_line(bytes: &[u8], declared: Option<&'static Encoding>, id: &str) -> Vec<Reading> {
    let text = match decode(bytes, declared) {
        Ok(text) if text.trim().is_empty() => return Vec::new(),
        Ok(text) => text,
        Err(reason) => return vec![Err(format!("the line {reason}"))],
    };
    if let Some(why) = too_many_values(&text, false) {
        return vec![Err(why)];
    }
    let values = match parsed(&text) {
        Ok(value) => vec![value],
        Err(error) => match several(&text) {
            Some(values) => values,
            None => return vec![Err(format!("is not valid JSON: {}", place(&error)))],
        },
    };
    let numbered = values.into_iter().zip(1..);
    let record = |(value, number)| {
        let id = match number {
            1 => id.to_string(),
            number => format!("{id}-{number}"),
        };
        read_record(unfolded(value), Some(id))
    };
    numbered.map(record).collect()
}

/// The objects that a line is, if it is nothing but several.
fn several(line: &str) -> Option<Vec<Value>> {
    let line = with_long_numbers_as_texts(line);
    let (mut end, mut found) = (0, Vec::new());
    for (to, value) in values(&line) {
        (end, _) = (to, found.push(value));
    }
    let is_whole = line[end..].trim().is_empty() && found.iter().all(Value::is_object);
    (is_whole && found.len() > 1).then_some(found)
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

/// What a list, an object and any value take in memory once they are read, in bytes: as much as small ones took when it
/// was measured.
const LIST_BYTES: usize = 160;
const OBJECT_BYTES: usize = 600;
const VALUE_BYTES: usize = 64;
/// The most that all values of a text may take.
const MAX_VALUES_BYTES: usize = 200 << 20;

/// Why a text is not read whose values would take too much memory, however short it is; `of_first`: its first list or
/// object alone.
fn too_many_values(text: &str, of_first: bool) -> Option<String> {
    let (mut taken, mut depth, mut is_inside, mut is_escaped) = (0_usize, 0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_inside,
            b'"' => is_inside = !is_inside,
            _ if is_inside => {}
            b',' => taken += VALUE_BYTES,
            b'[' | b'{' => {
                taken += if byte == b'[' { LIST_BYTES } else { OBJECT_BYTES };
                depth += 1;
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if of_first && depth == 0 {
                    break;
                }
            }
            _ => {}
        }
    }
    (taken > MAX_VALUES_BYTES).then(|| {
        format!(
            "holds so many values that they would take some {} MB of memory, over the {} that are allowed: write its \
             records one a line (JSON Lines), or into several files",
            taken >> 20,
            MAX_VALUES_BYTES >> 20
        )
    })
}

/// A JSON value in which numbers that would lose digits, such as those of policies and cards, are texts, and a repeated
/// name loses nothing.
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

/// The records of a document, or why there are none. `id`: the file's, by which, the names above its list and its
/// number a record is named that brings none; `name`: what the file is called.
pub(super) fn read_document(text: &str, id: &str, name: &str) -> Result<Document, (Option<usize>, String)> {
    if let Some(why) = too_many_values(text, false) {
        return Err((None, why));
    }
    let root = parsed(text).map_err(|error| (Some(error.line()), format!("is not valid JSON: {}", place(&error))))?;
    // Some programs write JSON into JSON.
    let root = match root {
        Value::String(inner) if inner.trim_start().starts_with(['{', '[']) => match too_many_values(&inner, false) {
            Some(why) => return Err((None, why)),
            None => parsed(&inner).unwrap_or(Value::String(inner)),
        },
        root => root,
    };
    document(root, id, name).map_err(|why| (None, why))
}

/// The records of a value, as [`read_document`] finds them.
pub(super) fn document(root: Value, id: &str, name: &str) -> Result<Document, String> {
    let mut fields = match root {
        Value::Array(records) => {
            return Ok(Document {
                records: numbered(records, id, name, ""),
                ..Document::default()
            });
        }
        Value::Object(fields) => fields,
        other => return Err(format!("is {}, not a list of records", kind_of(&other))),
    };
    let records = below_top(&mut fields, id, name);
    let mut beside = Vec::new();
    texts_of(&Value::Object(fields), &mut beside);
    Ok(Document {
        records,
        beside: beside.join("\n"),
    })
}

/// The values of JSON that a text begins with, one behind the other, each with where it ends; up to what is none. A
/// text whose first one is too large has none.
pub(super) fn values(text: &str) -> impl Iterator<Item = (usize, Value)> {
    let text = if too_many_values(text, true).is_some() {
        ""
    } else {
        text
    };
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Kept>();
    std::iter::from_fn(move || {
        let Kept(value) = values.next()?.ok()?;
        Some((values.byte_offset(), value))
    })
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

    fn one(mut records: Vec<Reading>) -> Reading {
        assert_eq!(records.len(), 1);
        records.remove(0)
    }

    #[test]
    fn what_names_and_tables_say_is_not_lost() {
        let check = |text: &str, expected: &[(&str, &str)]| {
            let records = read_document(text, "f", "文件").unwrap().records;
            let found: Vec<_> = records.iter().map(|record| &record.as_ref().unwrap().article).collect();
            let found: Vec<_> = found.iter().map(|a| (a.title.as_str(), a.text.as_str())).collect();
            assert_eq!(found, expected, "{text}");
        };
        let (one, two) = ("三个月内补缴的，待遇不受影响。", "按照月平均工资计发。");
        check(
            &format!(r#"{{"医保":{{"断缴怎么办？":"{one}"}}}}"#),
            &[("断缴怎么办？", one)],
        );
        check(
            &format!(r#"{{"医保":[{{"断缴怎么办？":"{one}"}},{{"津贴怎么算？":"{two}"}}]}}"#),
            &[("断缴怎么办？", one), ("津贴怎么算？", two)],
        );
        // Steps by their names, and questions on a product.
        check(
            &format!(r#"{{"title":"申领","办理流程":{{"第一步":"{one}","第二步":"{two}"}}}}"#),
            &[("申领", &format!("第一步：{one}\n\n第二步：{two}"))],
        );
        let product =
            |title: &str| format!(r#"{{"title":"{title}","intro":"{one}","faq":[{{"q":"多久？","a":"{two}"}}]}}"#);
        let text = format!("多久？\n\n{two}\n\n{one}");
        check(&product("甲险"), &[("甲险", &text)]);
        check(
            &format!("[{},{}]", product("甲险"), product("乙险")),
            &[("甲险", &text), ("乙险", &text)],
        );
        // What is above the rows of a table, and its header.
        let rows = r#"[["2025年门诊政策"],["标题","正文"],["甲","正文一。"],["乙","正文二。"]]"#;
        let records = read_document(rows, "f", "文件").unwrap().records;
        let left: Vec<_> = records[0]
            .as_ref()
            .unwrap()
            .left_out
            .iter()
            .map(|left| left.text.as_str())
            .collect();
        assert_eq!(left, ["标题 | 正文 | 2025年门诊政策"]);
    }

    #[test]
    fn a_line_is_a_record_or_says_why_not() {
        let line = |text: &str| read_line(text.as_bytes(), None, "f-1");
        assert!(line("  \r").is_empty());
        let ids = |text: &str| {
            let found = line(text).into_iter();
            found
                .map(|record| record.map_or_else(|why| why, |record| record.article.id))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            ids(r#"{"_id": "a", "text": "x"} {"text": "y"}{"_id": "c"}"#)[..2],
            ["a", "f-1-2"]
        );
        assert_eq!(ids("{\"text\": \"x\"}\r{\"text\": \"y\"}\r"), ["f-1", "f-1-2"]);
        assert_eq!(ids(r#"{"id": "", "text": "x"}"#), ["f-1"]);
        assert!(ids(r#"{"text": "x"} 7"#)[0].contains("is not valid JSON"));
        let gb = encoding_rs::GB18030
            .encode("{\"_id\": \"一\", \"text\": \"医保断缴三个月\"}")
            .0
            .into_owned();
        assert_eq!(one(read_line(&gb, None, "f-1")).unwrap().article.text, "医保断缴三个月");
        for bad in [
            "{\"_id\": 1, \"text\"",
            r#"{"_id": "a", "text": "\ud800"}"#,
            &"[".repeat(100_000),
        ] {
            let reason = one(line(bad)).unwrap_err();
            assert!(reason.contains("is not valid JSON"), "{reason}");
        }
    }

    #[test]
    fn values_that_would_take_too_much_memory_are_refused() {
        let check = |item: &str, count: usize, is_read: bool| {
            let list = format!("[{}]", vec![item; count].join(","));
            let record = format!(r#"{{"_id": "a", "text": "x", "list": {list}}}"#);
            let told = [
                read_document(&list, "f", "文件").err().map(|(_, why)| why),
                one(read_line(record.as_bytes(), None, "f")).err(),
            ];
            for why in told {
                let is_told = why.as_ref().is_some_and(|why| why.contains("MB of memory"));
                assert_eq!(is_told, !is_read, "{item} {count}: {why:?}");
            }
        };
        check(r#"{"a":0}"#, 400_000, false);
        check("[0]", 1_000_000, false);
        check("0", 3_400_000, false);
        // Signs in texts are none.
        check(r#""[{,\"[{,""#, 10_000, true);
        check(r#"{"title":"t","text":"文"}"#, 1_000, true);
    }

    #[test]
    fn long_numbers_keep_their_digits() {
        let check = |json: &str, expected: &str| {
            let json = format!(r#"{{"_id": "a", "text": "x \" 12345678901234567890123", "n": {json}}}"#);
            let article = one(read_line(json.as_bytes(), None, "f-1")).unwrap().article;
            assert_eq!(article.text, "x \" 12345678901234567890123", "{json}");
            assert_eq!(article.attributes["n"], expected, "{json}");
        };
        check("62284801234567890123456", "62284801234567890123456");
        check("-12345678901234567890", "-12345678901234567890");
        check("1234567890123456789", "1234567890123456789");
        check("0.12345678901234567", "0.12345678901234567");
        check("1.5", "1.5");
        assert!(
            one(read_line(
                b"{\"_id\": 1-23456789012345678901234, \"text\": \"x\"}",
                None,
                "f-1"
            ))
            .is_err()
        );
        assert!(one(read_line(b"{\"_id\": 123456789012345678901234x}", None, "f-1")).is_err());
    }

    #[test]
    fn records_are_found_in_a_document() {
        let check = |text: &str, expected: &[&str]| {
            let found: Vec<String> = match read_document(text, "f", "文件") {
                Ok(document) => document
                    .records
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
        // What any other file may call its records is no id.
        check(r#"{"policy": {"text": "x"}}"#, &["f-policy"]);
        check(r#"{"P-01": {"text": "x"}}"#, &["P-01"]);
        check(r#"{"1": {"text": "x"}, "02": {"text": "y"}}"#, &["f-02", "f-1"]);
        check(
            r#"{"第1条": {"text": "x"}, "等待期多久？": {"text": "y"}, "part one": {"text": "z"}}"#,
            &["f-part one", "f-第1条", "f-等待期多久？"],
        );
        check(
            r#"{"faq": [{"_id": "a", "text": "x"}], "rules": [{"_id": "b", "text": "x"}]}"#,
            &["a", "b"],
        );
        check(
            r#"{"faq": [{"text": "x"}, {"size": 5}], "rules": [{"text": "x"}]}"#,
            &["f-faq-1", "record of `faq` 2: has no `text`", "f-rules-1"],
        );
        check(r#"{"data": []}"#, &["has no `text`"]);
        // Groups of records, at any depth; parts of one record; what belongs to others.
        check(
            r#"{"data": {"kinds": [{"id": 1, "name": "账户", "items": [{"q": "甲", "a": "x"}]}, {"id": 2, "name": "利息", "items": [{"q": "乙", "a": "y"}, {"q": "丙", "a": "z"}]}]}}"#,
            &["f-data/kinds-1", "f-data/kinds-2", "f-data/kinds-3"],
        );
        check(
            r#"{"title": "甲", "messages": [{"title": "一", "text": "x"}, {"title": "二", "text": "y"}]}"#,
            &["f-1"],
        );
        check(
            r#"{"post": {"id": "a", "text": "x"}, "ads": [{"id": "b", "text": "y"}]}"#,
            &["a"],
        );
        check(r#"{"ads": [{"id": "b", "text": "y"}]}"#, &["b"]);
        check(r#"{"code": 0, "data": {"title": "t", "content": "x"}}"#, &["f-data"]);
        check(
            r#"{"code": 0, "data": {"title": "t", "content": "x"}, "more": {"title": "s", "content": "y"}}"#,
            &["f-data", "f-more"],
        );
        check(
            r#"{"result": {"article": {"id": "a", "blocks": [{"data": {"text": "x"}}]}}}"#,
            &["a"],
        );
        check(r#"{"多少钱": "每年一百元。", "何时生效": "七日后"}"#, &["f-1"]);
        check(
            r#"{"多少钱": "每年一百元。", "何时生效": "七日后。"}"#,
            &["f-何时生效", "f-多少钱"],
        );
        let long = "在甲地".repeat(30);
        let told = format!(
            r#"{{"{long}退休后如何参保？": "按月。", "{long}断缴后如何参保？": "补缴。", "怎么\n办": "去窗口。"}}"#
        );
        let found = read_document(&told, "f", "文件").unwrap().records;
        let mut ids: Vec<String> = found.into_iter().map(|record| record.unwrap().article.id).collect();
        ids.dedup();
        assert!(
            ids.len() == 3 && ids.iter().all(|id| id.chars().count() < 80),
            "{ids:?}"
        );
        assert!(ids.contains(&"f-怎么 办".to_string()), "{ids:?}");
        check(r#"[["标题", "正文"], ["一", "x"], ["二", "y"]]"#, &["f-2", "f-3"]);
        check(r#"{"rows": [["id", "text"], [1, "x"]]}"#, &["1"]);
        check(r#"[[{"_id": "a", "text": "x"}], [{"text": "y"}], []]"#, &["a", "f-2"]);
        check("[[1, 2], [3, 4]]", &["record 1: is an array", "record 2"]);
        check(r#"["a"]"#, &["record 1: is a string, not an object"]);
        check("7", &["is a number, not a list of records"]);
        check("[1,", &["is not valid JSON"]);
    }

    #[test]
    fn records_that_are_refused_are_counted_where_they_are_many() {
        let many = format!("[{}{{\"text\": \"x\"}}]", "{},".repeat(1_200));
        let records = read_document(&many, "f", "文件").unwrap().records;
        assert_eq!((records.len(), records[1_000].is_ok()), (1_002, true));
        assert_eq!(records[1_001].as_ref().unwrap_err(), "200 more records are refused");
    }

    #[test]
    fn what_stands_beside_the_records_is_told() {
        let json =
            r#"{"note": "不含生育保险。", "list": [{"_id": "a", "text": "x"}], "more": [{"size": "大"}], "total": 1}"#;
        let document = read_document(json, "f", "文件").unwrap();
        assert_eq!(
            (document.records.len(), document.beside.as_str()),
            (1, "大\n不含生育保险。")
        );
        let line = read_line(
            br#"{"_index": "i", "_id": "a", "_source": {"text": "x"}, "tag": "t"}"#,
            None,
            "f-1",
        );
        let article = one(line).unwrap().article;
        assert_eq!((article.id.as_str(), article.attributes["tag"].as_str()), ("a", "t"));
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

    /// Values as documents hold them, each text another.
    fn value() -> impl Strategy<Value = Value> {
        let name = proptest::sample::select(
            &[
                "title", "text", "content", "answers", "data", "list", "note", "甲", "items", "id",
            ][..],
        );
        let leaf = prop_oneof![
            (0..1_000_000u32).prop_map(|number| Value::String(format!("句{number}。"))),
            Just(Value::Null),
            Just(Value::from(7)),
        ];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                proptest::collection::hash_map(name.clone().prop_map(str::to_string), inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_text_of_a_document_is_lost_in_silence(value in value()) {
            let Ok(document) = read_document(&value.to_string(), "f", "文件") else { return Ok(()) };
            // A record that is refused is named whole.
            prop_assume!(document.records.iter().all(Result::is_ok));
            let kept: String = document.records.iter().flatten().map(|record| {
                let article = &record.article;
                format!("{}{}{}{:?}{:?}", article.id, article.title, article.text, article.attributes, article.source)
            }).chain([document.beside]).collect();
            let mut texts = Vec::new();
            texts_of(&value, &mut texts);
            for text in texts {
                prop_assert!(kept.contains(&text), "{text} of {value} is not in {kept}");
            }
        }

        #[test]
        fn any_line_is_survived(line in "[{}\\[\\]\":,0-9a-z_ \\\\]{0,60}|\\PC{0,60}") {
            let _ = (read_line(line.as_bytes(), None, "f-1"), read_document(&line, "f", "文件"), is_lines(&line));
            // What is JSON stays JSON.
            prop_assert!(serde_json::from_str::<Value>(&line).is_err() || parsed(&line).is_ok());
        }
    }
}
