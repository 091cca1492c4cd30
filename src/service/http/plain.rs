//! JSON as the proto3 mapping allows it, in the plainer form that the generated readers take: without fields that are
//! null, with `3` for `3.0`; and what is no number or none of an enum's names, in words that are not those of a
//! library.

use std::ops::RangeInclusive;

use serde_json::{Number, Value};

use super::schema::{Field, Kind, SCHEMA};
use crate::error::{Error, Result};

/// Makes a message of this name plain, and says whether it was not. What is unknown stays, for the reader to refuse.
///
/// # Errors
/// `Caller`, naming the field by its path.
pub fn make(name: &str, value: &mut Value) -> Result<bool> {
    of_message(name, value, "").map_err(|error| error.help(FIELDS))
}

/// Where the fields are documented.
pub const FIELDS: &str = "the fields of each call are in /openapi.json";

fn of_message(name: &str, value: &mut Value, path: &str) -> Result<bool> {
    let (Some(message), Value::Object(fields)) = (SCHEMA.message(name), value) else {
        return Ok(false);
    };
    let before = fields.len();
    fields.retain(|key, value| !value.is_null() || message.field(key).is_none());
    let mut is_changed = fields.len() < before;
    for (key, value) in fields {
        let Some(field) = message.field(key) else { continue };
        let at = match path {
            "" => key.clone(),
            path => format!("{path}.{key}"),
        };
        match value {
            Value::Array(values) if field.is_list => {
                for (place, value) in values.iter_mut().enumerate() {
                    is_changed |= of_field(field, value, &format!("{at}[{place}]"))?;
                }
            }
            value if field.is_list => {
                return Err(Error::caller(format!("{at}: {} is not a list", shown(value))));
            }
            value => is_changed |= of_field(field, value, &at)?,
        }
    }
    Ok(is_changed)
}

fn of_field(field: &Field, value: &mut Value, path: &str) -> Result<bool> {
    match &field.kind {
        Kind::Int32(true) => whole(
            value,
            path,
            i32::MIN.into()..=i32::MAX.into(),
            "from -2147483648 to 2147483647",
        ),
        Kind::Int32(false) => whole(value, path, 0.0..=u32::MAX.into(), "from 0 to 4294967295"),
        Kind::Int64 => whole(value, path, 0.0..=u64::MAX as f64, "from 0 to 18446744073709551615"),
        Kind::Float if !value.is_number() && !value.is_string() => {
            Err(Error::caller(format!("{path}: {} is not a number", shown(value))))
        }
        Kind::Text if !value.is_string() => Err(Error::caller(format!("{path}: {} is not a text", shown(value)))),
        Kind::Bool if !value.is_boolean() => Err(Error::caller(format!(
            "{path}: {} is neither true nor false",
            shown(value)
        ))),
        Kind::Enum(name) => {
            let values = SCHEMA.enumeration(name).map_or(&[][..], |of| &of.values);
            let is_one = match &*value {
                Value::String(text) => values.iter().any(|(name, _)| name == text),
                value => value.as_u64().is_some_and(|number| number < values.len() as u64),
            };
            let names: Vec<&str> = values.iter().map(|(name, _)| &**name).collect();
            if is_one {
                Ok(false)
            } else {
                Err(Error::caller(format!(
                    "{path}: {} is none of {}",
                    shown(value),
                    names.join(", ")
                )))
            }
        }
        Kind::Message(_) if !value.is_object() => {
            Err(Error::caller(format!("{path}: {} is not an object", shown(value))))
        }
        Kind::Message(name) => of_message(name, value, path),
        _ => Ok(false),
    }
}

/// Makes a number that was written as a fraction or a text, and is neither, a whole one.
fn whole(value: &mut Value, path: &str, allowed: RangeInclusive<f64>, said: &str) -> Result<bool> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    let number = number.filter(|number: &f64| number.fract() == 0.0 && allowed.contains(number));
    let Some(number) = number else {
        let shown = shown(value);
        return Err(Error::caller(format!("{path}: {shown} is not a whole number {said}")));
    };
    let is_written_so = value.is_u64() || value.is_i64();
    if is_written_so || number.abs() >= EXACT {
        return Ok(false);
    }
    *value = Value::Number(Number::from(number as i64));
    Ok(true)
}

/// Numbers below it are the same as fractions and as whole numbers.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A value as a message quotes it.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("`{}...`", &text[..end]),
        None => format!("`{text}`"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_mapping_allows_becomes_what_is_read() {
        let check = |mut value: Value, expected: Value| {
            let given = value.clone();
            let is_changed = make("SearchRequest", &mut value).unwrap();
            assert_eq!(is_changed, value != given, "{given}");
            assert_eq!(value, expected);
        };
        check(
            json!({"query": null, "top_k": 3.0, "filter": {"years": [2025.0], "regions": null}}),
            json!({"top_k": 3, "filter": {"years": [2025]}}),
        );
        check(json!({"topK": "3", "x": null}), json!({"topK": 3, "x": null}));
        check(json!({"mode": 1, "explain": true}), json!({"mode": 1, "explain": true}));
        check(json!([1]), json!([1]));
    }

    #[test]
    fn what_it_does_not_is_said_in_plain_words() {
        let check = |mut value: Value, expected: &str| {
            let error = make("SearchRequest", &mut value).unwrap_err();
            assert!(error.message().starts_with(expected), "{error}");
        };
        check(
            json!({"top_k": -1}),
            "top_k: `-1` is not a whole number from 0 to 4294967295",
        );
        check(json!({"top_k": 3.5}), "top_k: `3.5` is not");
        check(json!({"top_k": 1e20}), "top_k: `1e+20` is not");
        check(json!({"top_k": "three"}), "top_k: `\"three\"` is not");
        check(
            json!({"filter": {"years": [2025, "x"]}}),
            "filter.years[1]: `\"x\"` is not",
        );
        check(
            json!({"mode": "MODE_SLOW"}),
            "mode: `\"MODE_SLOW\"` is none of MODE_UNSPECIFIED, ",
        );
        check(json!({"mode": 7}), "mode: `7` is none of");
        check(json!({"query": 3}), "query: `3` is not a text");
        check(json!({"explain": "yes"}), "explain: `\"yes\"` is neither");
        check(
            json!({"filter": {"regions": "杭州"}}),
            "filter.regions: `\"杭州\"` is not a list",
        );
        check(json!({"filter": 3}), "filter: `3` is not an object");
    }
}
