//! What single fields of a record say: its id, its title, its day, its places and years, its publisher.
//!
//! A field is taken out of the record as far as it is understood; what is not stays in it, and is told in `lost`.

use serde_json::{Map, Value};

use crate::model::{ArticleKind, Date};
use crate::text::{WrittenDate, find_date};

use super::field_text::take_text;
use super::fields::{Role, says_more, take, take_all};
use super::limits::{MAX_ID_BYTES as MAX_ID, MAX_PUBLISHER_BYTES as MAX_PUBLISHER};
use super::texts::{decoded, kind_of, short, without_tags};

/// Fields that could not be read: what is wrong with such a field, and the value, shortened.
type LostFields = Vec<(&'static str, String)>;

/// A record's id: its own, else the one that it is given.
///
/// # Errors
/// Why it has none.
pub(super) fn record_id(fields: &mut Map<String, Value>, given: Option<String>) -> Result<String, String> {
    let own = match take(fields, Role::Id) {
        Some((_, Value::String(id))) => Some(id).filter(|id| !id.trim().is_empty()),
        Some((_, Value::Number(id))) => Some(id.to_string()),
        Some((name, other)) => return Err(format!("`{name}` is {}, not a string or a number", kind_of(&other))),
        None => None,
    };
    let Some(id) = own.or(given) else {
        return Err("has no `_id` (or `id`); give each record one that stays".into());
    };
    if id.len() > MAX_ID || id.contains(char::is_control) {
        return Err(format!(
            "its `_id` is longer than {MAX_ID} bytes or has control characters"
        ));
    }
    Ok(id)
}

/// The day of publication; of a date that is no whole day the year goes to `years`.
pub(super) fn day(fields: &mut Map<String, Value>, years: &mut Vec<u16>, lost: &mut LostFields) -> Option<Date> {
    let (name, value) = take(fields, Role::Date)?;
    if matches!(&value, Value::String(day) if day.trim().is_empty()) {
        return None;
    }
    let date = date_of(&value);
    let day = date.and_then(WrittenDate::day);
    if day.is_some() {
        return day;
    }
    let what = match date.and_then(|date| date.year) {
        // A month is no day, but it has a year.
        Some(year) => {
            years.push(year);
            "date is no whole day; its year counts, and it was kept as an attribute"
        }
        None => "date is not a day and was kept as an attribute",
    };
    lost.push((what, shown(&value)));
    fields.insert(name, value);
    None
}

/// Whole article or summary.
pub(super) fn kind(fields: &mut Map<String, Value>) -> ArticleKind {
    match fields.remove("kind") {
        Some(Value::String(kind)) if kind == "summary" => ArticleKind::Summary,
        Some(Value::String(kind)) if kind == "full" => ArticleKind::Full,
        other => {
            fields.extend(other.map(|other| ("kind".to_string(), other)));
            ArticleKind::Full
        }
    }
}

/// The places that a record names; its years go to `years`.
pub(super) fn places(fields: &mut Map<String, Value>, years: &mut Vec<u16>, lost: &mut LostFields) -> Vec<String> {
    let mut regions = Vec::new();
    // Province and city may stand in two fields; both name the place.
    let is_empty = |value: &Value| matches!(value, Value::String(text) if text.trim().is_empty());
    let mut not_understood = Vec::new();
    for (name, value) in take_all(fields, Role::Region) {
        if !names(&value, &mut regions) && !is_empty(&value) {
            lost.push(("region is no name and was kept as an attribute", shown(&value)));
        }
        // A place that the gazetteer does not know is still shown.
        not_understood.push((name, value));
    }
    for (name, value) in take_all(fields, Role::Year) {
        let before = years.len();
        calendar_years(&value, years);
        if years.len() == before && !is_empty(&value) {
            lost.push(("year is none and was kept as an attribute", shown(&value)));
            not_understood.push((name, value));
        }
    }
    for (name, value) in not_understood {
        fields.insert(name, value);
    }
    regions
}

/// Who published it.
pub(super) fn publisher(fields: &mut Map<String, Value>, lost: &mut LostFields) -> Option<String> {
    // Who provides what linked data describe. A company that provides a product is a fact about it, and is said as
    // text.
    let provides = |fields: &mut Map<String, Value>| {
        let kind = fields.get("@type").and_then(Value::as_str).unwrap_or_default();
        if kind.contains("Product") || kind.contains("Service") {
            return None;
        }
        let is_named = fields.get("provider")?.get("name")?.is_string();
        is_named
            .then(|| fields.remove("provider"))
            .flatten()
            .map(|value| ("provider".to_string(), value))
    };
    let (field, mut value) = take(fields, Role::Source).or_else(|| provides(fields))?;
    // `{"name": ...}` is said by its name; the rest stays.
    let name = value.as_object_mut().and_then(|inner| inner.remove("name"));
    let source = match name {
        Some(name) if says_more(&value) => {
            fields.insert(field.clone(), value);
            (format!("{field} name"), name)
        }
        name => (field, name.unwrap_or(value)),
    };
    bounded_text(source, MAX_PUBLISHER, fields, lost)
}

/// What a field says as text; what is too long stays a field.
pub(super) fn bounded_text(
    (name, value): (String, Value),
    most: usize,
    fields: &mut Map<String, Value>,
    lost: &mut LostFields,
) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text,
        other => other.to_string(),
    };
    if text.len() > most {
        lost.push((
            "address or publisher is too long and was kept as an attribute",
            short(&text),
        ));
        fields.insert(name, Value::String(text));
        return None;
    }
    Some(text).filter(|text| !text.trim().is_empty())
}

/// A record's title, and what else its question says.
pub(super) fn title(fields: &mut Map<String, Value>, lost: &mut LostFields) -> (String, String) {
    match take(fields, Role::Title) {
        Some((_, Value::String(title))) => (without_tags(&title).unwrap_or_else(|| decoded(title)), String::new()),
        Some((_, Value::Number(title))) => (title.to_string(), String::new()),
        Some((name, mut other)) => {
            let said = if other.is_object() {
                take_text(&mut other)
            } else {
                String::new()
            };
            let (title, more) = said.split_once("\n\n").unwrap_or((&said, ""));
            if title.is_empty() {
                lost.push(("title is not a text and was kept as an attribute", shown(&other)));
            }
            if says_more(&other) {
                fields.insert(name, other);
            }
            (decoded(title.to_string()), more.to_string())
        }
        None => Default::default(),
    }
}

/// The date that a value says, as far as it says one: as text, or as a number in any of the usual ways.
fn date_of(value: &Value) -> Option<WrittenDate> {
    match value {
        Value::String(text) => find_date(text),
        Value::Number(number) => {
            let whole = number
                .as_i64()
                .or_else(|| number.as_f64().map(|seconds| seconds as i64))?;
            find_date(&whole.to_string())
        }
        _ => None,
    }
}

/// The names in a value: one text, a list of them, or an object ({"省": "浙江", "市": "杭州"}). Whether all of it was
/// taken.
fn names(value: &Value, found: &mut Vec<String>) -> bool {
    match value {
        Value::String(text) => {
            let parts = text.split([',', '、', ';', '/', '\u{ff0c}', '\u{ff1b}']).map(str::trim);
            let mut all = true;
            for part in parts.filter(|part| !part.is_empty()) {
                if found.iter().any(|known| known == part) {
                    continue;
                }
                if part.len() <= 60 && found.len() < 64 {
                    found.push(part.to_string());
                } else {
                    all = false;
                }
            }
            all
        }
        // Each of them, also behind one that was not taken.
        Value::Array(values) => values.iter().filter(|value| !names(value, found)).count() == 0,
        Value::Object(fields) => fields.values().filter(|value| !names(value, found)).count() == 0,
        Value::Null => true,
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The years in a value: a number, a text that holds some, or a list.
fn calendar_years(value: &Value, found: &mut Vec<u16>) {
    let mut add = |number: u64| {
        if let Some(year) = u16::try_from(number).ok().filter(|year| (1900..=2100).contains(year))
            && !found.contains(&year)
            && found.len() < 64
        {
            found.push(year);
        }
    };
    match value {
        Value::Number(number) => add(number.as_u64().unwrap_or(0)),
        Value::String(text) => text
            .split(|c: char| !c.is_ascii_digit())
            .filter(|digits| digits.len() == 4)
            .for_each(|digits| add(digits.parse().unwrap_or(0))),
        Value::Array(values) => values
            .iter()
            .filter(|value| !value.is_array())
            .for_each(|value| calendar_years(value, found)),
        _ => {}
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => short(text),
        other => short(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_number_is_a_day_or_none(number in any::<i64>()) {
            let _ = date_of(&Value::from(number));
        }
    }
}
