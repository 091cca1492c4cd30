//! The text of a field that is no string: lists of texts, answers with their authors, blocks and spans of an editor.
//!
//! Takes the text out of the value; what names mean is for `fields`.

use serde_json::Value;

use super::fields::{Role, has_role, says_more, take_all};

/// How deep a text may lie in a field.
const MAX_DEPTH: usize = 32;

/// Takes what is said by a value that may be a list of texts or lie deeper (`{"rendered": ...}`, answers with their
/// authors, blocks and spans of an editor), part by part with blank lines between; what is left of the value says the
/// rest.
pub(super) fn take_text(value: &mut Value) -> String {
    let mut parts = Vec::new();
    take_parts(value, &mut parts, 0);
    parts.join("\n\n")
}

fn take_parts(value: &mut Value, parts: &mut Vec<String>, depth: usize) {
    match value {
        Value::String(text) if !text.trim().is_empty() => parts.push(std::mem::take(text)),
        Value::Array(_) if depth >= MAX_DEPTH => {}
        Value::Array(values) if values.iter().any(Value::is_array) && values.iter().all(is_row) => {
            parts.push(values.iter().map(told_row).collect::<Vec<_>>().join("\n"));
            values.clear();
        }
        // Spans of one line.
        Value::Array(values)
            if values.iter().any(is_span) && values.iter().all(|value| is_span(value) || is_break(value)) =>
        {
            let mut spans = Vec::new();
            values.iter_mut().for_each(|value| {
                if is_break(value) {
                    spans.push("\n".to_string());
                } else {
                    take_parts(value, &mut spans, depth + 1)
                }
            });
            parts.push(spans.concat());
            values.retain(says_more);
        }
        Value::Array(values) => {
            values.iter_mut().for_each(|value| take_parts(value, parts, depth + 1));
            values.retain(says_more);
        }
        Value::Object(fields) if depth < MAX_DEPTH => {
            // A part's title stands above it.
            for role in [Role::Title, Role::Text, Role::Inside] {
                let mut taken = take_all(fields, role);
                for (_, inner) in &mut taken {
                    take_parts(inner, parts, depth + 1);
                }
                fields.extend(taken.into_iter().filter(|(_, inner)| says_more(inner)));
            }
            // Records with texts, whatever their list is called.
            let is_list = |(name, value): &(&String, &mut Value)| !has_role(name, Role::Aside) && lists_texts(value);
            for (_, list) in fields.iter_mut().filter(is_list) {
                take_parts(list, parts, depth + 1);
            }
        }
        _ => {}
    }
}

/// Whether a value is a list of records of which one has a text.
pub(super) fn lists_texts(value: &Value) -> bool {
    let has_text = |part: &Value| {
        let fields = part.as_object().into_iter().flatten();
        fields
            .into_iter()
            .any(|(name, value)| has_role(name, Role::Text) && says_more(value))
    };
    value.as_array().is_some_and(|parts| parts.iter().any(has_text))
}

/// Whether a value is a row of a table: plain values.
fn is_row(value: &Value) -> bool {
    let is_plain = |cell: &Value| !cell.is_array() && !cell.is_object();
    value.as_array().is_some_and(|cells| cells.iter().all(is_plain))
}

fn told_row(row: &Value) -> String {
    let cells = row.as_array().map_or(&[][..], Vec::as_slice).iter();
    let told = cells.map(|cell| match cell {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    told.collect::<Vec<_>>().join(" | ")
}

/// Whether a value is a piece of a line, as editors cut lines where the look changes.
fn is_span(value: &Value) -> bool {
    let Some(fields) = value.as_object() else { return false };
    let is_text = fields.get("type").is_some_and(|kind| kind == "text");
    (is_text && fields.contains_key("text")) || fields.get("insert").is_some_and(Value::is_string)
}

fn is_break(value: &Value) -> bool {
    matches!(
        value.get("type").and_then(Value::as_str),
        Some("hardBreak" | "hard_break" | "br")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_found_inside_a_field_and_the_rest_stays() {
        let check = |mut value: Value, text: &str, rest: Value| {
            assert_eq!(take_text(&mut value), text);
            assert_eq!(value, rest);
        };
        check(
            json!({"rendered": "<p>甲</p>", "protected": false}),
            "<p>甲</p>",
            json!({"protected": false}),
        );
        check(json!(["甲", "", "乙"]), "甲\n\n乙", json!([]));
        check(
            json!([{"user": "a", "content": "甲", "score": 5}, {"content": "乙"}]),
            "甲\n\n乙",
            json!([{"user": "a", "score": 5}]),
        );
        check(
            json!([
                {"type": "header", "data": {"text": "产品", "level": 2}},
                {"type": "list", "data": {"style": "ul", "items": ["甲", "乙"]}}
            ]),
            "产品\n\n甲\n\n乙",
            json!([{"type": "header", "data": {"level": 2}}, {"type": "list", "data": {"style": "ul"}}]),
        );
        check(json!([{"title": "一", "content": "甲"}]), "一\n\n甲", json!([]));
        check(
            json!([{"name": "一", "chapters": [{"title": "二", "text": "甲"}], "related": [{"text": "乙"}]}]),
            "一\n\n二\n\n甲",
            json!([{"chapters": [], "related": [{"text": "乙"}]}]),
        );
        check(json!({"text": "甲", "items": ["乙"]}), "甲\n\n乙", json!({}));
        check(
            json!([["级别", "起付线"], ["三级", 900]]),
            "级别 | 起付线\n三级 | 900",
            json!([]),
        );
        check(
            json!([{"type": "text", "text": "起付线"}, {"type": "text", "text": "九百元", "marks": ["b"]}]),
            "起付线九百元",
            json!([{"type": "text"}, {"type": "text", "marks": ["b"]}]),
        );
        check(
            json!({"ops": [{"insert": "甲"}, {"insert": "乙\n"}]}),
            "甲乙\n",
            json!({}),
        );
        let deep = (0..12).fold(json!("甲"), |inner, _| json!({"content": [inner]}));
        check(deep, "甲", json!({}));
        check(json!(7), "", json!(7));
    }
}
