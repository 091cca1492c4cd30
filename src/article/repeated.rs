//! JSON in which a name that an object has twice loses nothing.
//!
//! A parser keeps the last value of such a name and says nothing. Here the others are kept beside the first, as those
//! of columns of one name in a table are. Knows nothing of which name means what but that texts go on.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::fields;

/// A value of JSON as it is written.
pub(super) struct Kept(pub Value);

/// Adds a field to a record: of two of one name, the second says more of a text, and is a field of its own else, called
/// by the number `nth` behind its name or the next one that is free; gives the number behind that. What is empty says
/// nothing.
pub(super) fn add(fields: &mut Map<String, Value>, name: String, value: Value, nth: usize) -> usize {
    let is_empty = |value: &Value| value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
    let is_text = fields::has_text(std::iter::once(name.as_str()));
    match (fields.get_mut(&name), value) {
        (Some(before), value) if is_empty(before) => *before = value,
        (Some(_), value) if is_empty(&value) => {}
        (Some(Value::String(before)), Value::String(more)) if is_text => {
            before.push('\n');
            before.push_str(&more);
        }
        (Some(before), value) if *before == value => {}
        (Some(_), value) => {
            let mut nth = nth;
            while fields.contains_key(&format!("{name} {nth}")) {
                nth += 1;
            }
            fields.insert(format!("{name} {nth}"), value);
            return nth + 1;
        }
        (None, value) => {
            fields.insert(name, value);
        }
    }
    nth
}

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Kept, D::Error> {
        from.deserialize_any(Values).map(Kept)
    }
}

struct Values;

impl<'de> Visitor<'de> for Values {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value, E> {
        let number = Number::from_f64(number).ok_or_else(|| E::custom("a number that is none"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Kept(value)) = values.next_element()? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        // One object of nothing but repeated names would be looked through again for each.
        const MOST: usize = 1_000;
        let (mut fields, mut repeated) = (Map::new(), 0);
        let mut next: HashMap<String, usize> = HashMap::new();
        while let Some((name, Kept(value))) = entries.next_entry::<String, Kept>()? {
            let is_repeated = fields.contains_key(&name);
            repeated += usize::from(is_repeated);
            if repeated > MOST {
                return Err(A::Error::custom(format_args!(
                    "more than {MOST} repeated names in an object"
                )));
            }
            if is_repeated {
                let nth = next.entry(name.clone()).or_insert(2);
                *nth = add(&mut fields, name, value, *nth);
            } else {
                fields.insert(name, value);
            }
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn of_a_repeated_name_nothing_is_lost() {
        let check = |text: &str, expected: Value| {
            assert_eq!(serde_json::from_str::<Kept>(text).unwrap().0, expected, "{text}");
        };
        check(
            r#"{"text": "甲。", "text": "乙。", "备注": 1, "备注": 2, "备注": 3, "id": "a", "id": "a"}"#,
            json!({"text": "甲。\n乙。", "备注": 1, "备注 2": 2, "备注 3": 3, "id": "a"}),
        );
        check(
            r#"[{"a": null, "a": {"b": [1.5, -2, true], "b": "c"}}]"#,
            json!([{"a": {"b": [1.5, -2, true], "b 2": "c"}}]),
        );
        // What is empty says nothing, wherever it stands.
        check(
            r#"{"text": null, "text": "甲。", "title": " ", "title": "乙", "id": 1, "id": null, "text": ""}"#,
            json!({"text": "甲。", "title": "乙", "id": 1}),
        );
        check(r#"{"a": 1, "a 2": 2, "a": 3}"#, json!({"a": 1, "a 2": 2, "a 3": 3}));
        let many = format!("{{{}}}", vec!["\"a\": 1"; 1_003].join(","));
        assert!(serde_json::from_str::<Kept>(&many).is_err());
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::from),
            (-1e9..1e9f64).prop_map(Value::from),
            "\\PC{0,6}".prop_map(Value::String),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                proptest::collection::hash_map("[a-d]", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// Without repeated names it is what the library reads.
        #[test]
        fn other_values_are_as_ever(value in value()) {
            let text = value.to_string();
            let plain = serde_json::from_str::<Value>(&text).unwrap();
            prop_assert_eq!(serde_json::from_str::<Kept>(&text).unwrap().0, plain);
        }

        #[test]
        fn what_is_no_json_stays_none(text in "(\\[|\\]|\\{|\\}|,|:|\"[abc]\"|-?[0-9]{1,3}(\\.5)?|true|null| ){0,24}") {
            let plain = serde_json::from_str::<Value>(&text).is_ok();
            prop_assert_eq!(plain, serde_json::from_str::<Kept>(&text).is_ok());
        }
    }
}
