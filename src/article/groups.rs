//! Records that lie in groups: questions below their category, pages below their chapter.
//!
//! Takes them out of their groups, each with what its groups are called, so that each is an article of its own. A list
//! whose entries are parts of one article (answers, comments, sections) is no group.

use serde_json::{Map, Value};

use super::fields::{Role, has_role, is_known};
use super::record_question::asks;
use super::repeated;
use super::texts::has_sentences;

/// How deep groups may lie in groups.
const MAX_DEPTH: usize = 16;
/// Most bytes, as JSON, of a value of a group that each of its records is given; what is longer stands with the first
/// of them alone, or a small file would ask for memory without bound.
const MAX_SHARED: usize = 200;
/// Most questions that belong to one thing, and how many times as long they are at most as what else it says.
const MAX_FAQ: usize = 20;
const MIN_DESCRIBED: usize = 4;
/// Most values that each record of a group is given.
const MAX_SHARED_VALUES: usize = 20;

/// Whether a value is a group: no text of its own, and a list of records that each have a title and a text, or of
/// groups.
pub(super) fn is_group(value: &Value) -> bool {
    is_group_at(value, 0)
}

fn is_group_at(value: &Value, depth: usize) -> bool {
    value.as_object().is_some_and(|fields| lists_records(fields, depth))
}

fn lists_records(fields: &Map<String, Value>, depth: usize) -> bool {
    !lists(fields, depth).is_empty()
}

/// The names of a group's lists of records; none of an object that is no group.
fn lists(fields: &Map<String, Value>, depth: usize) -> Vec<&str> {
    let is_text = |name: &str| has_role(name, Role::Text);
    if depth >= MAX_DEPTH || fields.iter().any(|(name, value)| is_text(name) && !value.is_array()) {
        return Vec::new();
    }
    // What has an id is the article, unless what it lists has ids of its own.
    let has_id = fields
        .iter()
        .any(|(name, value)| has_role(name, Role::Id) && !value.is_null());
    let is_list = |(name, value): &(&String, &Value)| {
        is_of_group(name, value, depth) && !(has_id && is_text(name) && !lists_ids(value))
    };
    let (found, others): (Vec<_>, Vec<_>) = fields.iter().partition(is_list);
    if others.iter().any(|(name, _)| is_text(name)) || (!found.is_empty() && is_described(fields)) {
        return Vec::new();
    }
    found.into_iter().map(|(name, _)| name.as_str()).collect()
}

/// Whether an object has a text by a name that is known and that lists no groups.
pub(super) fn has_own_text(fields: &Map<String, Value>) -> bool {
    fields
        .iter()
        .any(|(name, value)| has_role(name, Role::Text) && !is_of_group(name, value, 0))
}

/// Whether an object is a thing with a few questions on it (a product and what people ask of it), and no group of
/// questions: it has a title, and says no less itself than a part of what these say.
pub(super) fn is_described(fields: &Map<String, Value>) -> bool {
    let asks_all = |(name, value): (&String, &Value)| is_of_group(name, value, MAX_DEPTH - 1) && is_faq(value);
    let (faqs, others): (Vec<_>, Vec<_>) = fields.iter().partition(|field| asks_all(*field));
    let length = |fields: &[(&String, &Value)]| fields.iter().map(|(_, value)| value.to_string().len()).sum::<usize>();
    !faqs.is_empty()
        && has_title(fields)
        && has_own_sentences(fields)
        && MIN_DESCRIBED * length(&others) >= length(&faqs)
}

/// Whether a value is a list of questions with their answers and no more than belong to one thing.
fn is_faq(value: &Value) -> bool {
    let asks_it = |record: &Value| {
        let fields = record.as_object().into_iter().flatten();
        let mut questions = fields.filter(|(name, _)| has_role(name, Role::Title) || has_role(name, Role::Ask));
        questions.any(|(_, value)| value.as_str().is_some_and(asks))
    };
    let records = value.as_array().map_or(&[][..], Vec::as_slice);
    (1..=MAX_FAQ).contains(&records.len()) && records.iter().all(asks_it)
}

/// Whether an object has a title.
pub(super) fn has_title(fields: &Map<String, Value>) -> bool {
    let says = |value: &Value| value.as_str().is_some_and(|title| !title.trim().is_empty());
    fields
        .iter()
        .any(|(name, value)| has_role(name, Role::Title) && says(value))
}

/// Whether a field of an object that is none of a record's own says sentences, outside lists of records.
pub(super) fn has_own_sentences(fields: &Map<String, Value>) -> bool {
    let is_own = |name: &str| has_role(name, Role::Brief) || !(is_known(name) || has_role(name, Role::Inside));
    let mut own = fields.iter().filter(|(name, _)| is_own(name));
    own.any(|(name, value)| !is_of_group(name, value, MAX_DEPTH - 1) && has_sentences(value))
}

/// Whether groups list records of which one has an id.
fn lists_ids(groups: &Value) -> bool {
    fn objects(value: &Value) -> impl Iterator<Item = &Map<String, Value>> {
        value.as_array().into_iter().flatten().filter_map(Value::as_object)
    }
    let records = objects(groups).flat_map(Map::values).flat_map(objects);
    let has_id = |record: &Map<String, Value>| record.keys().any(|name| has_role(name, Role::Id));
    records.into_iter().any(has_id)
}

/// Whether a field of a group lists its records.
fn is_of_group(name: &str, value: &Value, depth: usize) -> bool {
    let is_part = [Role::Parts, Role::Aside].iter().any(|role| has_role(name, *role));
    // `sections` are parts of an article, unless each of them lists articles itself, as those of a help desk do.
    if has_role(name, Role::Text) {
        let lists_articles = |value: &Value| {
            let mut names = value
                .as_object()
                .map(|fields| lists(fields, depth + 1))
                .into_iter()
                .flatten();
            names.any(|name| !has_role(name, Role::Inside))
        };
        let values = value.as_array().map_or(&[][..], Vec::as_slice);
        return !values.is_empty() && values.iter().all(lists_articles);
    }
    let is_record = |value: &Value| {
        let has = |fields: &Map<String, Value>, role: Role| {
            fields
                .iter()
                .any(|(name, value)| has_role(name, role) && !value.is_null())
        };
        value
            .as_object()
            .is_some_and(|fields| (has(fields, Role::Title) || has(fields, Role::Ask)) && has(fields, Role::Text))
    };
    let is_list = |values: &Vec<Value>| {
        values
            .iter()
            .any(|value| is_record(value) || is_group_at(value, depth + 1))
    };
    !is_part && value.as_array().is_some_and(is_list)
}

/// The records of a list, those of groups in the place of their group.
pub(super) fn ungrouped(records: Vec<Value>) -> Vec<Value> {
    let mut found = Vec::with_capacity(records.len());
    for record in records {
        match record {
            Value::Object(fields) if lists_records(&fields, 0) => {
                let mut once = Map::new();
                take(fields, &Map::new(), &mut once, &mut found, 0);
                // No record took it.
                if !once.is_empty() {
                    found.push(Value::Object(once));
                }
            }
            record => found.push(record),
        }
    }
    found
}

/// Takes the records out of a group. `above`: what the groups above it say, which each record is given; `once`: what
/// only the next one is.
fn take(
    fields: Map<String, Value>,
    above: &Map<String, Value>,
    once: &mut Map<String, Value>,
    found: &mut Vec<Value>,
    depth: usize,
) {
    let (lists, own): (Vec<_>, Vec<_>) = fields
        .into_iter()
        .partition(|(name, value)| is_of_group(name, value, depth));
    let mut shared = above.clone();
    for (name, value) in own {
        // What a group is called or when it was made is no title or day of its records.
        let name = if has_role(&name, Role::Title) {
            "category".to_string()
        } else if is_known(&name) {
            format!("category {name}")
        } else {
            name
        };
        let is_short = shared.len() < MAX_SHARED_VALUES && value.to_string().len() <= MAX_SHARED;
        repeated::add(if is_short { &mut shared } else { once }, name, value, 2);
    }
    for (_, list) in lists {
        let Value::Array(records) = list else { continue };
        for record in records {
            match record {
                Value::Object(fields) if lists_records(&fields, depth + 1) => {
                    take(fields, &shared, once, found, depth + 1);
                }
                Value::Object(mut fields) => {
                    let given = shared.iter().map(|(name, value)| (name.clone(), value.clone()));
                    for (name, value) in given.chain(std::mem::take(once)) {
                        repeated::add(&mut fields, name, value, 2);
                    }
                    found.push(Value::Object(fields));
                }
                other => found.push(other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn records_in_groups_know_their_groups() {
        let check = |records: Value, expected: Value| {
            let Value::Array(records) = records else {
                panic!("{records} is no list")
            };
            assert_eq!(Value::Array(ungrouped(records)), expected);
        };
        check(
            json!([
                {"id": 1, "name": "账户", "total": 1, "items": [{"q": "甲", "a": "x"}]},
                {"title": "自己的", "text": "y"}
            ]),
            json!([
                {"q": "甲", "a": "x", "category": "账户", "category id": 1, "total": 1},
                {"title": "自己的", "text": "y"}
            ]),
        );
        let long = "本类问题由经办机构答复。".repeat(9);
        check(
            json!([{"name": "账户", "说明": long, "items": [{"q": "甲", "a": "x"}, {"q": "乙", "a": "y"}]}]),
            json!([
                {"q": "甲", "a": "x", "category": "账户", "说明": long},
                {"q": "乙", "a": "y", "category": "账户"}
            ]),
        );
        check(
            json!([{"name": "知识库", "children": [{"name": "寿险", "children": [{"name": "宽限期", "body": "x", "children": []}]}]}]),
            json!([{"name": "宽限期", "body": "x", "children": [], "category": "知识库", "category 2": "寿险"}]),
        );
        // The sections of a help desk hold articles, those of an article its parts.
        let desk = |inner: &str| json!([{"name": "医保", "sections": [{"name": "住院", inner: [{"title": "甲", "body": "x"}]}]}]);
        check(
            desk("articles"),
            json!([{"title": "甲", "body": "x", "category": "医保", "category 2": "住院"}]),
        );
        check(desk("items"), desk("items"));
        // A question with its answers, an article with its sections and comments.
        for one in [
            json!([{"question": "甲", "answers": [{"title": "一", "text": "x"}]}]),
            json!([{"title": "甲", "sections": [{"heading": "一", "content": "x"}]}]),
            json!([{"id": 7, "title": "甲", "sections": [{"heading": "一", "steps": [{"title": "第一步", "text": "x"}]}]}]),
            json!([{"title": "甲", "comments": [{"name": "乙", "text": "x"}]}]),
            json!([{"title": "甲", "log": [{"by": "乙", "text": "x"}]}]),
        ] {
            check(one.clone(), one);
        }
    }
}
