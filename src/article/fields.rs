//! What the fields of records and the columns of tables are called (`index/lexicon/fields.txt`).
//!
//! Owns the names and how one is compared with a field's, and finds the text of a field that is no string. What follows from
//! a field is for `record`.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::text::lexicon_lines;

/// What a field is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Role {
    Id,
    Title,
    Text,
    /// A text where there is no other.
    Brief,
    /// What a text lies in that is no string.
    Inside,
    Url,
    Source,
    Date,
    Region,
    Year,
    /// What a name in a form ends in.
    Form,
}

const ROLES: &[(&str, Role)] = &[
    ("id", Role::Id),
    ("title", Role::Title),
    ("text", Role::Text),
    ("brief", Role::Brief),
    ("inside", Role::Inside),
    ("url", Role::Url),
    ("source", Role::Source),
    ("date", Role::Date),
    ("region", Role::Region),
    ("year", Role::Year),
    ("form", Role::Form),
];

/// How deep a text may lie in a field.
const MAX_DEPTH: usize = 8;

struct Names {
    /// The roles of a name, with its place among the role's.
    roles: HashMap<String, Vec<(Role, usize)>>,
    /// What may stand before a name.
    of: Vec<String>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let mut names = Names {
        roles: HashMap::new(),
        of: Vec::new(),
    };
    for (_, line) in lexicon_lines(include_str!("../../index/lexicon/fields.txt")) {
        let (role, said) = line.split_once(':').unwrap_or(("", line));
        let said = said.split_whitespace().map(plain);
        match ROLES.iter().find(|(name, _)| *name == role) {
            Some(&(_, role)) => {
                let from = names.roles.values().flatten().filter(|(of, _)| *of == role).count();
                for (at, name) in said.enumerate() {
                    names.roles.entry(name).or_default().push((role, from + at));
                }
            }
            None => names.of.extend(said),
        }
    }
    names
});

/// A name as names are compared.
fn plain(name: &str) -> String {
    let kept = name.chars().filter(|&c| !matches!(c, '_' | '-') && !c.is_whitespace());
    kept.flat_map(char::to_lowercase).collect()
}

/// How well a field fits a role, the best least, if it does: its own name before one that says of what it is.
fn fit(field: &str, role: Role) -> Option<(bool, usize)> {
    let place = |name: &str| {
        let (_, place) = NAMES.roles.get(name)?.iter().find(|(of, _)| *of == role)?;
        Some(*place)
    };
    let name = plain(field);
    if let Some(place) = place(&name) {
        return Some((false, place));
    }
    let said = NAMES.of.iter().filter_map(|of| place(name.strip_prefix(of.as_str())?));
    said.min().map(|place| (true, place))
}

/// Whether a field is one of this role.
pub(super) fn is(field: &str, role: Role) -> bool {
    fit(field, role).is_some()
}

/// Whether a record of these fields has a text by a name that is known.
pub(super) fn has_text<'a>(mut fields: impl Iterator<Item = &'a str>) -> bool {
    fields.any(|field| is(field, Role::Text))
}

/// Whether this is a name in a form, of what an office says of a thing: `办理条件`.
pub(super) fn is_of_form(name: &str) -> bool {
    let ends = |(word, roles): (&String, &Vec<(Role, usize)>)| {
        roles.iter().any(|(role, _)| *role == Role::Form) && name.ends_with(word.as_str())
    };
    name.chars().count() <= 10 && NAMES.roles.iter().any(ends)
}

/// The field of a role, out of the record: the best that is there, not null, and no empty text behind which another may
/// stand.
pub(super) fn take(record: &mut Map<String, Value>, role: Role) -> Option<(String, Value)> {
    let says = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        _ => true,
    };
    let fitting = record
        .iter()
        .filter_map(|(field, value)| Some((fit(field, role)?, field, value)));
    let best = fitting.min_by_key(|(fit, _, value)| (!says(value), *fit));
    let field = best.filter(|(_, _, value)| !value.is_null())?.1.clone();
    record.remove(&field).map(|value| (field, value))
}

/// Takes what is said by a value that may be a list of texts or lie deeper (`{"rendered": ...}`, answers with their
/// authors, blocks of an editor), part by part with blank lines between; what is left of the value says the rest.
pub(super) fn take_text(value: &mut Value) -> String {
    let mut parts = Vec::new();
    take_parts(value, &mut parts, 0);
    parts.join("\n\n")
}

fn take_parts(value: &mut Value, parts: &mut Vec<String>, depth: usize) {
    match value {
        Value::String(text) if !text.trim().is_empty() => parts.push(std::mem::take(text)),
        Value::Array(values) if depth < MAX_DEPTH => {
            values.iter_mut().for_each(|value| take_parts(value, parts, depth + 1));
            values.retain(says_more);
        }
        Value::Object(fields) if depth < MAX_DEPTH => {
            // A part's title stands above it.
            for role in [Role::Title, Role::Text, Role::Inside] {
                let before = parts.len();
                let Some((name, mut inner)) = take(fields, role) else {
                    continue;
                };
                take_parts(&mut inner, parts, depth + 1);
                if says_more(&inner) {
                    fields.insert(name, inner);
                }
                if role == Role::Text && parts.len() > before {
                    break;
                }
            }
        }
        _ => {}
    }
}

/// Whether anything is left in a value.
pub(super) fn says_more(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(values) => values.iter().any(says_more),
        Value::Object(fields) => fields.values().any(says_more),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_table_says_of_every_line_what_it_is() {
        for (number, line) in lexicon_lines(include_str!("../../index/lexicon/fields.txt")) {
            let role = line.split_once(':').map(|(role, _)| role);
            let is_known = role == Some("of") || ROLES.iter().any(|(name, _)| role == Some(name));
            assert!(is_known, "line {number}: {line}");
        }
    }

    #[test]
    fn fields_are_known_by_the_names_that_people_give_them() {
        let check = |field: &str, role: Role, expected: bool| assert_eq!(is(field, role), expected, "{field}");
        check("Title", Role::Title, true);
        check(" 标题 ", Role::Title, true);
        check("articleTitle", Role::Title, true);
        check("news_title", Role::Title, true);
        check("siteTitle", Role::Title, false);
        check("信件标题", Role::Title, true);
        check("publish_time", Role::Date, true);
        check("articleContent", Role::Text, true);
        check("commentContent", Role::Text, false);
        check("question", Role::Title, true);
        check("articleId", Role::Id, true);
        check("questionText", Role::Text, false);
        check("userId", Role::Id, false);
        check("项目内容", Role::Text, false);
    }

    #[test]
    fn the_best_field_of_a_role_is_taken() {
        let check = |record: Value, role: Role, expected: Option<&str>| {
            let Value::Object(mut fields) = record else {
                unreachable!("the table holds objects")
            };
            assert_eq!(
                take(&mut fields, role).map(|(name, _)| name).as_deref(),
                expected,
                "{fields:?}"
            );
        };
        check(json!({"id": 1, "_id": "a"}), Role::Id, Some("_id"));
        check(json!({"id": 7, "_id": null}), Role::Id, Some("id"));
        check(json!({"articleTitle": "a", "标题": "b"}), Role::Title, Some("标题"));
        check(json!({"text": "", "content": "x"}), Role::Text, Some("content"));
        check(json!({"text": ""}), Role::Text, Some("text"));
        check(json!({"text": null}), Role::Text, None);
        check(
            json!({"updateTime": "2024", "createTime": "2023"}),
            Role::Date,
            Some("createTime"),
        );
    }

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
        check(json!(7), "", json!(7));
    }
}
