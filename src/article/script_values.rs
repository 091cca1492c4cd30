//! The data that a script holds: JSON, also in a string (`JSON.parse("...")`), and texts that are given to a name by
//! which records call theirs (`content`).
//!
//! Only reads literals; runs nothing. What is a record in a value is for `shapes`.

use serde_json::{Map, Value};

use super::fields::{Role, has_role};
use super::json;
use super::said::is_sentence;

/// How many values of one script are looked at.
const MAX_VALUES: usize = 200;

/// The data in a script: all of it, or what is given to a name.
pub(super) fn values(script: &str) -> Vec<Value> {
    // JSON has no such value; what stands for it is as long, so that all places stay.
    let script = script
        .replace(":undefined", ":null     ")
        .replace(": undefined", ": null     ");
    let mut values = Vec::new();
    let (mut name, mut rest) = ("", script.trim_start());
    for _ in 0..MAX_VALUES {
        if let Some((end, value)) = value(name, rest) {
            values.push(value);
            rest = &rest[end..];
        }
        // Nothing else of a script is data.
        let Some((before, behind)) = rest.split_once('=') else {
            break;
        };
        let before = before.trim_end();
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        name = &before[before.trim_end_matches(is_of_name).len()..];
        rest = behind.trim_start();
    }
    values
}

/// The value that a text begins with, which is given to a name, and where it ends.
fn value(name: &str, text: &str) -> Option<(usize, Value)> {
    if text.starts_with(['{', '[']) {
        return json::values(text).next();
    }
    let inner = text.strip_prefix("JSON.parse(").map_or(text, str::trim_start);
    let (length, said) = literal(inner)?;
    let end = text.len() - inner.len() + length;
    if said.trim_start().starts_with(['{', '[']) {
        let (_, value) = json::values(said.trim_start()).next()?;
        return Some((end, value));
    }
    let is_text = has_role(name, Role::Text) && is_sentence(&said);
    let field = (name.to_string(), Value::String(said));
    is_text.then(|| (end, Value::Object(Map::from_iter([field]))))
}

/// What the string says that a text begins with, and how long it is as it is written.
fn literal(text: &str) -> Option<(usize, String)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    let (mut said, mut units) = (String::new(), Vec::new());
    let mut chars = text.char_indices().skip(1);
    // Characters that are written by halves (`\ud83d\ude00`) are put together before the next other one.
    let flush = |units: &mut Vec<u16>, said: &mut String| {
        said.push_str(&String::from_utf16_lossy(units));
        units.clear();
    };
    while let Some((at, c)) = chars.next() {
        if c == quote {
            flush(&mut units, &mut said);
            return Some((at + 1, said));
        }
        if c != '\\' {
            flush(&mut units, &mut said);
            said.push(c);
            continue;
        }
        let (_, escaped) = chars.next()?;
        let digits = match escaped {
            'x' => 2,
            'u' => 4,
            _ => 0,
        };
        if digits > 0 {
            let digits: String = chars.by_ref().take(digits).map(|(_, c)| c).collect();
            units.push(u16::from_str_radix(&digits, 16).ok()?);
            continue;
        }
        flush(&mut units, &mut said);
        said.push(match escaped {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            other => other,
        });
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn data_are_found_in_scripts() {
        let check = |script: &str, expected: &[Value]| assert_eq!(values(script), expected, "{script}");
        let said = "参保人在定点医院住院，先扣起付线。";
        check(r#"var n = 1; window.a={"b": [1]}; f();"#, &[json!({"b": [1]})]);
        check(r#"{"a": undefined, "b":undefined}"#, &[json!({"a": null, "b": null})]);
        check(
            r#"window.a = JSON.parse("{\"b\": \"\\u53c2\"}"); c={"d": 2}"#,
            &[json!({"b": "参"}), json!({"d": 2})],
        );
        check(
            &format!(r"window.content_noencode = '{said}\x0a\u53c2\ud83d\ude00\'';"),
            &[json!({"content_noencode": format!("{said}\n参\u{1f600}'")})],
        );
        // A string by another name says what a button says.
        check(&format!("var tip = '{said}'; var content = '短'"), &[]);
        check("a = 'open", &[]);
    }

    proptest! {
        #[test]
        fn any_script_is_survived(script in r#"([a-z]{1,3} ?= ?|JSON.parse\(|\\x0?a?|\\u[0-9d]{0,4}|["'`{}:,]|undefined|\PC){0,30}"#) {
            values(&script);
        }
    }
}
