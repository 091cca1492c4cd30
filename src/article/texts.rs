//! What a record says as text: the fields that are texts by their names, what else in it reads as sentences, or else
//! all its values by their names.
//!
//! Owns that no sentence of a record goes where nobody searches; what the other fields mean is for `record`.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::field_text::{lists_texts, take_text};
use super::fields::{Role, has_role, has_text, is_class, is_known, says_more, take_all};
use super::html::push_fragment;
use super::layout::{Layout, is_han};
use super::limits::MAX_ATTRIBUTE_BYTES;
use super::lines::unwrapped;
use super::said::{Said, is_sentence};

/// All that the texts of a record say, taken out of it, each once, with blank lines between. Where it has no title,
/// what else it says stands before its sentences: they may be about that (药品, 机构). Beside a text by name these are
/// short words alone; the rest describes the record. Of a row of a table its table tells them.
///
/// # Errors
/// Why it says nothing.
pub(super) fn texts(fields: &mut Map<String, Value>, is_titled: bool, is_row: bool) -> Result<String, String> {
    let is_named = has_text(fields.keys().map(String::as_str));
    let mut said = Said::default();
    let mut silent = None;
    let mut rest = Vec::new();
    for (name, mut value) in take_all(fields, Role::Ask) {
        if is_known(&name) || has_sentences(&value) {
            add(&mut said, &mut value);
        }
        rest.push((name, value));
    }
    for (name, mut value) in take_all(fields, Role::Text) {
        if !add_all(&mut said, &name, &mut value) {
            let why = match &value {
                Value::String(_) | Value::Null => format!("its `{name}` is empty"),
                Value::Array(_) | Value::Object(_) => {
                    format!("`{name}` is {} in which no text is known", kind_of(&value))
                }
                other => format!("`{name}` is {}, not a string", kind_of(other)),
            };
            silent = silent.or(Some(why));
        }
        rest.push((name, value));
    }
    let is_told = |value: &Value| has_sentences(value) || lists_texts(value) || is_too_long(value);
    for (name, value) in fields
        .iter_mut()
        .filter(|(name, value)| !is_known(name) && is_told(value))
    {
        add_under(&mut said, name, value);
        // What lies in it by names that nobody knows.
        take_sentences(name, value, &mut said);
        if is_too_long(value) {
            take_words(value, &mut said);
        }
    }
    for (name, mut value) in take_all(fields, Role::Brief) {
        if said.is_empty() {
            add(&mut said, &mut value);
        } else if has_sentences(&value) {
            let mut brief = value.clone();
            if shown(&mut brief).is_some_and(|text| said.add_before(text)) {
                value = brief;
            }
        }
        rest.push((name, value));
    }
    fields.extend(rest.into_iter().filter(|(_, value)| says_more(value)));
    fields.retain(|name, value| is_known(name) || says_more(value));
    if said.is_empty() && silent.is_none() || !(is_titled || is_named) {
        add_row(&mut said, as_row(fields, |_, _| true));
    } else if !(is_titled || is_row || said.is_empty()) {
        add_row(&mut said, as_row(fields, is_words));
    }
    match (said.is_empty(), silent) {
        (false, _) => Ok(said.all()),
        (true, Some(why)) => Err(why),
        (true, None) => Err(says_nothing(fields)),
    }
}

/// Why a record says nothing: which fields it has.
fn says_nothing(fields: &Map<String, Value>) -> String {
    let names = fields.iter().filter(|(_, value)| !value.is_null()).take(8);
    let names: Vec<String> = names.map(|(name, _)| format!("`{}`", short(name))).collect();
    if names.is_empty() {
        "has no `text` (or `content`)".into()
    } else {
        format!("has no `text` (or `content`) but {}; name one so", names.join(", "))
    }
}

/// Adds what a value says, out of it; whether it says anything.
fn add(said: &mut Said, value: &mut Value) -> bool {
    let text = shown(value);
    let says = text.is_some();
    if let Some(text) = text {
        said.add(text);
    }
    says
}

/// The same, with what lies in the value by names that nobody knows.
fn add_all(said: &mut Said, name: &str, value: &mut Value) -> bool {
    let says = add(said, value);
    if !value.is_string() {
        take_sentences(name, value, said);
    }
    says
}

fn add_row(said: &mut Said, row: Option<String>) {
    if let Some(row) = row {
        said.add_before(row);
    }
}

/// Adds what a value says, out of it, behind its name: what nobody knows by that is understood by it.
fn add_under(said: &mut Said, name: &str, value: &mut Value) {
    if let Some(text) = shown(value) {
        said.add_under(name, text);
    }
}

/// What a value says as it is shown, out of it.
fn shown(value: &mut Value) -> Option<String> {
    let text = match value {
        Value::String(text) => std::mem::take(text),
        Value::Object(fields) if says_twice(fields) => {
            let mut said = Said::default();
            for (_, mut text) in take_all(fields, Role::Text) {
                add(&mut said, &mut text);
            }
            return Some(said.all());
        }
        Value::Array(_) | Value::Object(_) => take_text(value),
        _ => String::new(),
    };
    let text = without_tags(&text).unwrap_or(text);
    let text = unwrapped(&text).unwrap_or(text);
    Some(text).filter(|text| !text.trim().is_empty())
}

/// Whether a value may say one text in two ways: `{"html": ..., "text": ...}`.
fn says_twice(fields: &Map<String, Value>) -> bool {
    let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
    let told = fields.iter().filter(|(_, value)| says_more(value));
    let told: Vec<bool> = told
        .map(|(name, value)| has_role(name, Role::Text) && is_text(value))
        .collect();
    told.len() > 1 && told.into_iter().all(|is| is)
}

/// Whether a value is words and too long to be kept as an attribute.
fn is_too_long(value: &Value) -> bool {
    let mut texts = Vec::new();
    texts_of(value, &mut texts);
    value.to_string().len() > MAX_ATTRIBUTE_BYTES && texts.iter().any(|text| text.contains(is_han))
}

/// Takes all words out of a value, a line each.
fn take_words(value: &mut Value, said: &mut Said) {
    let mut texts = Vec::new();
    texts_of(value, &mut texts);
    add(said, &mut Value::String(texts.join("\n\n")));
    *value = Value::Null;
}

/// The texts in a value, in its order.
pub(super) fn texts_of(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if !text.trim().is_empty() => found.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| texts_of(value, found)),
        Value::Object(fields) => fields.values().for_each(|value| texts_of(value, found)),
        _ => {}
    }
}

/// Whether a value that is an object, a list or a text has sentences.
pub(super) fn has_sentences(value: &Value) -> bool {
    match value {
        Value::String(text) => is_sentence(text),
        Value::Array(values) => values.iter().any(has_sentences),
        Value::Object(fields) => fields.values().any(has_sentences),
        _ => false,
    }
}

/// Takes what the parts of a list say by the one name that holds words in them, if some of it reads as sentences: the
/// paragraphs of a text, of which one may be a heading or end in a comma.
fn take_parts(values: &mut [Value]) -> Option<String> {
    let has_words = |value: &Value| value.as_str().is_some_and(|text| text.contains(is_han));
    let fields = values.iter().filter_map(Value::as_object).flatten();
    let mut names: Vec<String> = fields
        .filter(|(_, value)| has_words(value))
        .map(|(name, _)| name.clone())
        .collect();
    names.dedup();
    let [name] = names.as_slice() else { return None };
    let is_text = |part: &Value| part.get(name).and_then(Value::as_str).is_some_and(is_sentence);
    if values.len() < 2 || has_role(name, Role::Aside) || !values.iter().any(is_text) {
        return None;
    }
    let texts = values.iter_mut().filter_map(|part| match part.get_mut(name)? {
        Value::String(text) => Some(std::mem::take(text)),
        _ => None,
    });
    Some(texts.collect::<Vec<_>>().join("\n\n"))
}

fn take_sentences(name: &str, value: &mut Value, said: &mut Said) {
    match value {
        Value::String(text) if is_sentence(text) => add_under(said, name, value),
        Value::Array(values) => {
            if let Some(text) = take_parts(values) {
                add_under(said, name, &mut Value::String(text));
            }
            values.iter_mut().for_each(|value| take_sentences(name, value, said));
        }
        Value::Object(fields) => fields
            .iter_mut()
            .filter(|(name, _)| !has_role(name, Role::Aside))
            .for_each(|(name, value)| take_sentences(name, value, said)),
        _ => {}
    }
}

/// The longest words that may say what a record is about, in characters.
const MAX_WORDS: usize = 40;

/// Whether a field says short words that may be what a record is about.
fn is_words(name: &str, value: &Value) -> bool {
    let is_short = |text: &str| text.contains(is_han) && text.chars().count() <= MAX_WORDS;
    !is_class(name) && value.as_str().is_some_and(is_short)
}

/// What a record says by names that nobody knows as a row of a table: `name：value`, one a line, of the fields that are
/// `wanted`. None if no value is a word.
fn as_row(fields: &Map<String, Value>, wanted: impl Fn(&str, &Value) -> bool) -> Option<String> {
    let told: Vec<(&String, String)> = fields
        .iter()
        .filter(|(name, value)| !is_known(name) && wanted(name, value))
        .filter_map(|(name, value)| match value {
            Value::String(text) if !text.trim().is_empty() => Some((name, text.clone())),
            Value::Number(number) => Some((name, number.to_string())),
            _ => None,
        })
        .collect();
    let has_words = told.iter().any(|(_, text)| text.contains(is_han));
    let lines = || {
        told.iter()
            .map(|(name, text)| format!("{name}：{text}"))
            .collect::<Vec<_>>()
    };
    has_words.then(|| lines().join("\n\n"))
}

/// The tags that tell that a text was written as HTML.
const TAGS: &[&str] = &[
    "p", "div", "span", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "section", "strong", "b", "em",
    "i", "u", "font", "a", "h1", "h2", "h3", "h4", "h5", "h6", "br",
];

/// A line in which characters are written as HTML writes them (`&#8211;`, `&amp;`), with these characters.
pub(super) fn decoded(line: String) -> String {
    if line.contains('<') || !line.split_once('&').is_some_and(|(_, behind)| behind.contains(';')) {
        return line;
    }
    let mut layout = Layout::default();
    push_fragment(&line, &mut layout);
    Some(layout.finish())
        .filter(|text| !text.trim().is_empty())
        .unwrap_or(line)
}

/// What a text says that was written as HTML, if it was: it has a closing tag or a line break of it, perhaps with the
/// brackets escaped, as some programs store it.
pub(super) fn without_tags(text: &str) -> Option<String> {
    if !text.contains('<') && !text.contains("&lt;") {
        return None;
    }
    let text = with_brackets(text);
    let lower = text.to_ascii_lowercase();
    let is_html = lower.contains("<br>")
        || lower.contains("<br/>")
        || lower.contains("<br />")
        || TAGS.iter().any(|tag| lower.contains(&format!("</{tag}>")));
    if !is_html {
        return None;
    }
    let mut layout = Layout::default();
    push_fragment(&text, &mut layout);
    Some(layout.finish()).filter(|text| !text.trim().is_empty())
}

/// The text with the brackets of escaped tags as brackets; other escaped ones stay: `bmi&lt;24`.
fn with_brackets(text: &str) -> Cow<'_, str> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once("&lt;") {
        let name = behind.strip_prefix('/').unwrap_or(behind);
        let name = &name[..name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len())];
        let is_tag = TAGS.contains(&name.to_ascii_lowercase().as_str());
        // Within a tag no other begins.
        let end = || behind[..behind.find("&lt;").unwrap_or(behind.len())].find("&gt;");
        match is_tag.then(end).flatten() {
            Some(end) => {
                out.extend([before, "<", &behind[..end], ">"]);
                rest = &behind[end + "&gt;".len()..];
            }
            None => {
                out.extend([before, "&lt;"]);
                rest = behind;
            }
        }
    }
    if out.is_empty() {
        text.into()
    } else {
        (out + rest).into()
    }
}

/// The beginning of a text, for a message.
pub(super) fn short(text: &str) -> String {
    text.trim().chars().take(40).collect()
}

pub(super) fn kind_of(value: &Value) -> &'static str {
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
    use super::*;

    #[test]
    fn brackets_without_tags_take_time_in_proportion() {
        let text = "&lt;".repeat(1 << 20);
        assert_eq!(without_tags(&text), None);
        let text = "&lt;p&lt;".repeat(1 << 19) + "&lt;b&gt;等待。&lt;/b&gt;";
        assert!(without_tags(&text).unwrap().ends_with("等待。"));
    }
}
