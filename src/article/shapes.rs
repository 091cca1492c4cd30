//! Where the records lie in a document of JSON: in lists, in rows below a header, by their ids, answers by their
//! questions, one alone, all of them also below names such as `data`.
//!
//! Takes them out of the document, so that what is left stands beside them and can be told. What is in a record is for
//! `record`.

use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_64;

use super::cells::Table;
use super::fields::{self, Role, has_text};
use super::folded::{holds_text, unfolded};
use super::groups::{has_own_sentences, has_own_text, has_title, is_described, is_group, ungrouped};
use super::layout::{is_han, is_stop};
use super::record::{Record, read_record};
use super::record_question::asks;
use super::refused::with_few_reasons;
use super::table;
use super::texts::has_sentences;

/// How deep below the top records are looked for.
const MAX_DEPTH: usize = 6;
/// A record, or why it cannot be read.
pub(super) type Reading = Result<Record, String>;

/// The records of a document.
#[derive(Default)]
pub(super) struct Document {
    /// Each record, or why it is none.
    pub records: Vec<Reading>,
    /// The texts that stand beside the records, a line each.
    pub beside: String,
}

/// The records in an object, taken out of it.
pub(super) fn below_top(fields: &mut Map<String, Value>, id: &str, name: &str) -> Vec<Reading> {
    let one = |record: &mut Map<String, Value>| {
        vec![read_record(
            Value::Object(std::mem::take(record)),
            Some(format!("{id}-1")),
        )]
    };
    if is_record(fields) {
        return one(fields);
    }
    if let Some(rows) = rows_beside_columns(fields) {
        return numbered(rows, id, name, "");
    }
    if is_by_id(fields) {
        let records = std::mem::take(fields).into_iter().map(|(key, record)| {
            let own = if is_id(&key) {
                key.clone()
            } else {
                format!("{id}-{}", key_of(&key))
            };
            let record = match record {
                Value::Object(mut fields) if asks(&key) && !has_title(&fields) => {
                    fields.insert("title".into(), Value::String(key.clone()));
                    Value::Object(fields)
                }
                record => record,
            };
            read_record(record, Some(own)).map_err(|why| format!("record `{key}`: {why}"))
        });
        return records.collect();
    }
    if is_told(fields) {
        return told(std::mem::take(fields), id, name);
    }
    if is_described(fields) {
        return one(fields);
    }
    let has_own = below(fields, |value| is_one(value) || is_list(value))
        .iter()
        .any(|path| is_own(path));
    let records = below_names(fields, id, name, has_own);
    if !records.is_empty() {
        return records;
    }
    // Questions by their names below another.
    let is_asked = |value: &Value| matches!(value, Value::Object(fields) if is_told(fields) && fields.keys().any(|name| asks(name)));
    let mut records = Vec::new();
    for path in own_below(fields, is_asked, has_own) {
        if let Some(Value::Object(questions)) = at(fields, &path).map(Value::take) {
            records.extend(told(questions, &format!("{id}-{}", path.join("/")), name));
        }
    }
    if !records.is_empty() {
        return records;
    }
    one(fields)
}

fn is_one(value: &Value) -> bool {
    matches!(value, Value::Object(fields) if is_record(fields))
}

/// Whether what stands there belongs to the object, not to something beside it.
fn is_own(path: &[String]) -> bool {
    !path.iter().any(|name| fields::has_role(name, Role::Aside))
}

/// As [`below`]; what belongs to others is read where there is nothing else.
fn own_below(fields: &Map<String, Value>, wanted: impl Fn(&Value) -> bool, has_own: bool) -> Vec<Vec<String>> {
    let mut paths = below(fields, wanted);
    paths.retain(|path| !has_own || is_own(path));
    paths
}

/// The records that stand below names in an object, by themselves and in lists.
fn below_names(fields: &mut Map<String, Value>, id: &str, name: &str, has_own: bool) -> Vec<Reading> {
    let mut records = Vec::new();
    // One record may stand beside lists of others.
    let ones = own_below(fields, is_one, has_own);
    for path in &ones {
        if let Some(record) = at(fields, path) {
            // By its place, which stays where others come beside it.
            records.push(read_record(record.take(), Some(format!("{id}-{}", path.join("/")))));
        }
    }
    // By names that are known, else by what reads as sentences, else by words.
    let mut lists = own_below(fields, is_list, has_own);
    if lists.is_empty() && ones.is_empty() {
        lists = own_below(fields, |value| is_list_of(value, has_sentences), has_own);
    }
    if lists.is_empty() && ones.is_empty() {
        lists = own_below(fields, |value| is_list_of(value, has_words), has_own);
    }
    for path in &lists {
        let of = if lists.len() > 1 {
            format!("of `{}` ", path.join("."))
        } else {
            String::new()
        };
        let rows = list(fields, path);
        records.extend(numbered(rows, &format!("{id}-{}", path.join("/")), name, &of));
    }
    // What stands beside the records may be an article itself: a product beside its questions.
    if !records.is_empty() && has_title(fields) && has_own_sentences(fields) {
        records.push(read_record(
            Value::Object(std::mem::take(fields)),
            Some(format!("{id}-0")),
        ));
    }
    records
}

/// Whether an object is a record: it has a text, or values in which one lies (answers, the parts of a dialogue) and a
/// title or an id beside them.
fn is_record(fields: &Map<String, Value>) -> bool {
    let says = |value: &Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
    let has = |role: Role| {
        fields.iter().any(|(name, value)| {
            fields::has_role(name, role) && (says(value) || (role == Role::Id && value.is_number()))
        })
    };
    // A question and its answer may both be objects.
    let is_asked = |(name, value): (&String, &Value)| fields::has_role(name, Role::Title) && value.is_object();
    let is_parts = |(name, value): (&String, &Value)| {
        let says = |parts: &Vec<Value>| parts.iter().any(holds_text);
        fields::has_role(name, Role::Parts) && value.as_array().is_some_and(says)
    };
    has(Role::Text)
        || ((has_own_text(fields) || fields.iter().any(is_parts))
            && (has(Role::Title) || has(Role::Id) || fields.iter().any(is_asked)))
}

/// Texts by their names: an article a question, or one of all names and what they say.
fn told(fields: Map<String, Value>, id: &str, name: &str) -> Vec<Reading> {
    let questions = fields.keys().filter(|name| asks(name)).count();
    let texts = fields
        .into_iter()
        .map(|(name, value)| (name, value.as_str().unwrap_or("").to_string()));
    let record = |title: &str, text: String, id: String| {
        let fields = [("title", title.to_string()), ("text", text)];
        let fields = fields
            .into_iter()
            .map(|(name, text)| (name.to_string(), Value::String(text)));
        read_record(Value::Object(fields.collect()), Some(id))
    };
    let texts: Vec<(String, String)> = texts.filter(|(_, text)| !text.trim().is_empty()).collect();
    if 2 * questions > texts.len() {
        let of = texts
            .into_iter()
            .map(|(question, answer)| record(&question, answer, format!("{id}-{}", key_of(&question))));
        return of.collect();
    }
    let lines: Vec<String> = texts
        .into_iter()
        .map(|(name, text)| format!("{name}：{text}"))
        .collect();
    vec![record(name, lines.join("\n\n"), format!("{id}-1"))]
}

/// The most characters of a question that stand in an id.
const MAX_KEY: usize = 60;

/// What a question's id has of it, which stays when others are added: of a long one its beginning, and what tells it
/// apart from others that begin so.
fn key_of(question: &str) -> String {
    let shown = |text: &str| text.replace(char::is_control, " ");
    match question.char_indices().nth(MAX_KEY) {
        None => shown(question),
        Some((end, _)) => format!(
            "{}~{:08x}",
            shown(&question[..end]),
            xxh3_64(question.as_bytes()) as u32
        ),
    }
}

/// The records of a list, or of its rows below a header. `of` says which list, where there are several.
pub(super) fn numbered(records: Vec<Value>, id: &str, name: &str, of: &str) -> Vec<Reading> {
    // Pages of records, one list behind the other.
    let is_page = |page: &Value| matches!(page, Value::Array(records) if records.iter().all(Value::is_object));
    let records = if !records.is_empty() && records.iter().all(is_page) {
        records
            .into_iter()
            .flat_map(|page| match page {
                Value::Array(records) => records,
                record => vec![record],
            })
            .collect()
    } else {
        records
    };
    if is_rows(&records) {
        let names = records[0].as_array().map_or(&[][..], Vec::as_slice).iter();
        let names_columns = names.filter_map(Value::as_str).any(fields::is_known);
        let rows = records.into_iter().enumerate().map(|(at, row)| {
            let Value::Array(cells) = row else {
                return (at + 1, Vec::new());
            };
            (at + 1, cells.into_iter().map(cell).collect())
        });
        let table = Table {
            rows: rows.collect(),
            header_rows: usize::from(names_columns),
            ..Table::default()
        };
        let rows = table::records(table, id, name);
        let mut left_out = rows.left_out;
        left_out.retain(|left| !left.text.trim().is_empty());
        let mut records: Vec<Reading> = rows
            .records
            .into_iter()
            .map(|(row, record)| record.map_err(|why| format!("row {of}{}: {why}", row.unwrap_or(0))))
            .collect();
        // The first record brings what is in none.
        match records.iter_mut().find_map(|record| record.as_mut().ok()) {
            Some(record) => record.left_out.extend(left_out),
            None => records.extend(
                left_out
                    .into_iter()
                    .map(|left| Err(format!("{}: {}", left.reason, left.text))),
            ),
        }
        return records;
    }
    let records = ungrouped(records).into_iter().enumerate().map(|(at, record)| {
        let number = at + 1;
        let record = read_record(unfolded(record), Some(format!("{id}-{number}")));
        (None, record.map_err(|why| format!("record {of}{number}: {why}")))
    });
    let read = with_few_reasons(records, of).into_iter();
    read.map(|(_, record)| record).collect()
}

/// Whether a list is a table: rows of plain values, the first of names of columns that are known, or of words; a
/// sentence is no name.
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
        && header
            .filter(|names| !names.iter().any(|name| name.contains(is_stop)))
            .is_some_and(|names| {
                names.iter().any(|name| fields::is_known(name)) || names.iter().all(|name| name.contains(is_han))
            })
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
                // What lies in a record is its own.
                Value::Object(fields) if path.len() < MAX_DEPTH && !is_record(fields) => open.push((to(), fields)),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// Whether a value is a list of records with a text, or of rows.
fn is_list(value: &Value) -> bool {
    matches!(value, Value::Array(records) if records.iter().any(|record| holds_text(record) || is_group(record)) || is_rows(records))
}

/// Whether all values are records and the names their ids; one alone may lie in a wrapper.
fn is_by_id(fields: &Map<String, Value>) -> bool {
    let is_wrapper = |(name, value): (&String, &Value)| {
        let is_record = value
            .as_object()
            .is_some_and(|inner| has_text(inner.keys().map(String::as_str)));
        fields::has_role(name, Role::Wrapper) || !is_record
    };
    !fields.is_empty() && fields.values().all(holds_text) && !(fields.len() == 1 && fields.iter().any(is_wrapper))
}

/// Whether a name is its record's id, which no other file has: letters with digits (P-01). A number counts records, and
/// a word, a question or the name of a part stands in any file (policy, 等待期多久, 第一条).
fn is_id(name: &str) -> bool {
    let has = |fits: fn(&u8) -> bool| name.bytes().any(|byte| fits(&byte));
    !has(|byte| !byte.is_ascii_graphic()) && has(u8::is_ascii_digit) && has(|byte| !byte.is_ascii_digit())
}

/// Whether all values are texts, most of them sentences, and no name is known.
fn is_told(fields: &Map<String, Value>) -> bool {
    let is_sentence = |value: &Value| value.as_str().is_some_and(|text| text.contains(['。', '！', '；']));
    let sentences = fields.values().filter(|value| is_sentence(value)).count();
    (fields.len() > 1 || fields.keys().all(|name| asks(name)))
        && fields.values().all(Value::is_string)
        && 2 * sentences > fields.len()
        && !fields.keys().any(|name| fields::is_known(name))
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

/// Rows whose columns are named beside them: a list of names, and a list of rows of as many values.
fn rows_beside_columns(fields: &mut Map<String, Value>) -> Option<Vec<Value>> {
    let is_names =
        |value: &Value| matches!(value, Value::Array(names) if names.len() > 1 && names.iter().all(Value::is_string));
    let names = fields
        .iter()
        .find(|(_, value)| is_names(value))
        .map(|(name, _)| name.clone())?;
    let wide = fields[&names].as_array().map_or(0, Vec::len);
    let is_row = |row: &Value| matches!(row, Value::Array(cells) if cells.len() == wide && cells.iter().all(|cell| !cell.is_array() && !cell.is_object()));
    let is_rows = |value: &Value| matches!(value, Value::Array(rows) if !rows.is_empty() && rows.iter().all(is_row));
    let rows = fields
        .iter()
        .find(|(_, value)| is_rows(value))
        .map(|(name, _)| name.clone())?;
    let (Some(header), Some(Value::Array(rows))) = (fields.remove(&names), fields.remove(&rows)) else {
        return None;
    };
    Some(std::iter::once(header).chain(rows).collect())
}

/// Whether a value has a text of words.
fn has_words(value: &Value) -> bool {
    let is_word = |value: &Value| value.as_str().is_some_and(|text| text.contains(is_han));
    value
        .as_object()
        .is_some_and(|fields| fields.len() > 1 && fields.values().any(is_word))
}

/// Whether a value is a list of objects of which one is `wanted`.
fn is_list_of(value: &Value, wanted: impl Fn(&Value) -> bool) -> bool {
    matches!(value, Value::Array(records) if records.iter().all(Value::is_object) && records.iter().any(wanted))
}
