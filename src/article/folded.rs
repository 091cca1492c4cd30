//! Records whose fields lie below a name of their own (`_source`, `meta`, `$date`): brought to the record's top.
//!
//! Knows names by their roles only; what a field says is for `record`.

use serde_json::{Map, Value};

use super::fields::{Role, has_role, has_text, says_already};
use super::repeated;

/// How deep the fields of a record may lie in it.
const MAX_FOLDS: usize = 4;

/// Whether a value is a record with a text, or one whose fields lie below a name.
pub(super) fn holds_text(record: &Value) -> bool {
    match record {
        Value::Object(fields) => {
            has_text(fields.keys().map(String::as_str))
                || fields
                    .values()
                    .any(|inner| matches!(inner, Value::Object(inner) if has_text(inner.keys().map(String::as_str))))
        }
        _ => false,
    }
}

/// Whether a value is a text or has one in it.
fn holds_words(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Array(values) => values.iter().any(holds_words),
        Value::Object(fields) => fields.values().any(holds_words),
        _ => false,
    }
}

/// A record with its fields at its top, where they lie below one name, as search engines (`_source`) and others
/// (`node`, `attributes`) export them; what stands beside them stays.
pub(super) fn unfolded(record: Value) -> Value {
    let mut record = record;
    for _ in 0..MAX_FOLDS {
        let Value::Object(mut fields) = record else {
            return record;
        };
        let inner = if has_text(fields.keys().map(String::as_str)) {
            None
        } else {
            fields
                .iter()
                .find(|(_, value)| holds_text(value))
                .map(|(name, _)| name.clone())
        };
        let Some(Value::Object(mut inside)) = inner.and_then(|name| fields.remove(&name)) else {
            return Value::Object(fields);
        };
        for (name, value) in fields {
            // Numbers and such by other names with a mark in front are the engine's own: how well the record fits.
            let is_engines = name.starts_with('_') && name != "_id" && !holds_words(&value);
            if !is_engines {
                repeated::add(&mut inside, name, value, 2);
            }
        }
        record = Value::Object(inside);
    }
    record
}

/// Puts in the place of a value what lies in it as some databases write ids, days and numbers: `{"$oid": "..."}`.
pub(super) fn unwrap_typed(fields: &mut Map<String, Value>) {
    for value in fields.values_mut() {
        let inner = value.as_object_mut().filter(|inner| inner.len() == 1);
        if let Some((name, inner)) = inner.and_then(|inner| inner.iter_mut().next())
            && name.starts_with('$')
        {
            *value = inner.take();
        }
    }
}

/// Makes the fields that lie below `meta` or such a name the record's own, but for an id, which others may share, and
/// for what the record says itself.
pub(super) fn lift(fields: &mut Map<String, Value>) {
    let is_about = |(name, value): (&String, &Value)| value.is_object() && has_role(name, Role::About);
    let names: Vec<String> = fields
        .iter()
        .filter(|field| is_about(*field))
        .map(|(name, _)| name.clone())
        .collect();
    for name in names {
        let Some(Value::Object(inner)) = fields.remove(&name) else {
            continue;
        };
        let mut rest = Map::new();
        for (field, value) in inner {
            if says_already(fields, &field) || field == name || has_role(&field, Role::Id) {
                rest.insert(field, value)
            } else {
                fields.insert(field, value)
            };
        }
        if !rest.is_empty() {
            fields.insert(name, Value::Object(rest));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_stands_beside_the_record_is_kept() {
        let record =
            json!({"_id": "1", "_score": 2, "_tags": ["备案"], "title": "外", "node": {"title": "内", "text": "x"}});
        let expected = json!({"_id": "1", "_tags": ["备案"], "title": "内", "title 2": "外", "text": "x"});
        assert_eq!(unfolded(record), expected);
    }

    #[test]
    fn what_describes_a_record_is_its_own() {
        let check = |record: Value, expected: Value| {
            let Value::Object(mut fields) = record else {
                panic!("{record} is no record")
            };
            lift(&mut fields);
            unwrap_typed(&mut fields);
            assert_eq!(Value::Object(fields), expected);
        };
        check(
            json!({"text": "x", "meta": {"title": "甲", "pubdate": {"$date": "2024-04-10"}}}),
            json!({"text": "x", "title": "甲", "pubdate": "2024-04-10"}),
        );
        // An id that others may share, and what the record says itself.
        check(
            json!({"text": "x", "title": "自己的", "元数据": {"id": 7, "title": "别的", "标签": ["甲"]}}),
            json!({"text": "x", "title": "自己的", "元数据": {"id": 7, "title": "别的"}, "标签": ["甲"]}),
        );
        // The same by another name.
        check(
            json!({"text": "x", "标题": "自己的", "meta": {"title": "别的", "author": "甲"}}),
            json!({"text": "x", "标题": "自己的", "meta": {"title": "别的"}, "author": "甲"}),
        );
        // A better name.
        check(
            json!({"text": "x", "name": "文件1", "meta": {"title": "甲"}}),
            json!({"text": "x", "name": "文件1", "title": "甲"}),
        );
        check(json!({"text": "x", "meta": "甲"}), json!({"text": "x", "meta": "甲"}));
    }
}
