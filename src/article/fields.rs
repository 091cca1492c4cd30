//! What the fields of records and the columns of tables are called (`index/lexicon/fields.txt`).
//!
//! Owns the names and how one is compared with a field's. What a field says that is no string is for `field_text`, what
//! follows from a field for `record`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::text::{is_numeral, lexicon_lines};

/// What a field is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Role {
    Id,
    Title,
    /// What somebody asks in his own words.
    Ask,
    Text,
    /// A text that others may say, too.
    Brief,
    /// What a text lies in that is no string.
    Inside,
    /// What one record alone may lie in.
    Wrapper,
    /// What describes the record.
    About,
    /// A list whose records are parts of one.
    Parts,
    /// Who speaks.
    Speaker,
    Url,
    Source,
    Date,
    Region,
    Year,
    /// A number of the row or of visits.
    Count,
    /// Another article, an author, the site.
    Aside,
}

const ROLES: &[(&str, Role)] = &[
    ("id", Role::Id),
    ("title", Role::Title),
    ("ask", Role::Ask),
    ("text", Role::Text),
    ("brief", Role::Brief),
    ("inside", Role::Inside),
    ("wrap", Role::Wrapper),
    ("about", Role::About),
    ("parts", Role::Parts),
    ("speaker", Role::Speaker),
    ("url", Role::Url),
    ("source", Role::Source),
    ("date", Role::Date),
    ("region", Role::Region),
    ("year", Role::Year),
    ("count", Role::Count),
    ("aside", Role::Aside),
];

/// The longest name in a form, in characters.
const MAX_FORM_NAME: usize = 10;
/// How many characters may stand before a name that ends another.
const MAX_BEFORE: usize = 4;

/// Where a name stands among those of its role: its line, and its place on that.
type PlaceOfName = (usize, usize);

struct Names {
    /// The roles of a name, with its place among the role's.
    roles: HashMap<String, Vec<(Role, PlaceOfName)>>,
    /// What may stand before a name.
    of: Vec<String>,
    /// Names that end others, and what may not stand before them.
    endings: Vec<(Role, String)>,
    not: Vec<String>,
    /// Who speaks in a dialogue: who asks, and what a program is told.
    askers: Vec<String>,
    prompts: Vec<String>,
    /// What a name in a form ends in.
    form: Vec<String>,
    /// What the name of a field ends in that says of which kind a record is.
    class: Vec<String>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let mut names = Names {
        roles: HashMap::new(),
        of: Vec::new(),
        endings: Vec::new(),
        not: Vec::new(),
        askers: Vec::new(),
        prompts: Vec::new(),
        form: Vec::new(),
        class: Vec::new(),
    };
    for (number, line) in lexicon_lines(include_str!("../../index/lexicon/fields.txt")) {
        // A test holds that each line has a role that is known.
        let (role, said) = line.split_once(':').unwrap_or(("", line));
        let said = said.split_whitespace().map(plain);
        let ends = role.strip_prefix("ends ");
        let known = ROLES.iter().find(|(name, _)| *name == ends.unwrap_or(role));
        match (role, known) {
            (_, Some(&(_, role))) if ends.is_some() => names.endings.extend(said.map(|name| (role, name))),
            (_, Some(&(_, role))) => {
                for (at, name) in said.enumerate() {
                    names.roles.entry(name).or_default().push((role, (number, at)));
                }
            }
            ("form", _) => names.form.extend(said),
            ("class", _) => names.class.extend(said),
            ("not", _) => names.not.extend(said),
            ("asker", _) => names.askers.extend(said),
            ("prompt", _) => names.prompts.extend(said),
            _ => names.of.extend(said),
        }
    }
    names
});

/// A name as names are compared: `_id` stays apart from `id`.
fn plain(name: &str) -> String {
    let name = name.trim();
    let kept = name
        .char_indices()
        .filter(|&(at, c)| !(c.is_whitespace() || c == '-' || (c == '_' && at > 0)));
    kept.flat_map(|(_, c)| c.to_lowercase()).collect()
}

/// How well a field fits a role; the least fits best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    nearness: Nearness,
    place: PlaceOfName,
}

/// How near a field's name is to one of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    Same,
    /// A word before the name says of what it is.
    Prefixed,
    /// It ends so.
    Ending,
}

/// What a field's name says.
#[derive(Clone, Copy, Default)]
struct Known {
    /// How well it fits each role.
    fits: [Option<Fit>; ROLES.len()],
    is_own: bool,
}

/// How many names are remembered: rows of a table share a few, names that stand once each gain nothing.
const MAX_REMEMBERED: usize = 1_000;
/// The longest name that is remembered, in bytes.
const MAX_REMEMBERED_NAME: usize = 60;

thread_local! {
    static REMEMBERED: RefCell<HashMap<String, Known>> = RefCell::default();
}

/// What a field's name says, as it was found before where it was asked for: a file's records have the same names.
fn with_known<T>(field: &str, read: impl FnOnce(&Known) -> T) -> T {
    if field.len() > MAX_REMEMBERED_NAME {
        return read(&known(field));
    }
    REMEMBERED.with_borrow_mut(|names| {
        if let Some(known) = names.get(field) {
            return read(known);
        }
        if names.len() >= MAX_REMEMBERED {
            names.clear();
        }
        read(names.entry(field.to_string()).or_insert(known(field)))
    })
}

fn known(field: &str) -> Known {
    let name = plain(field);
    let mut known = Known {
        is_own: is_own(&name),
        ..Known::default()
    };
    for (_, role) in ROLES {
        known.fits[*role as usize] = fit_of(&name, *role);
    }
    known
}

fn fit(field: &str, role: Role) -> Option<Fit> {
    with_known(field, |known| known.fits[role as usize])
}

fn fit_of(name: &str, role: Role) -> Option<Fit> {
    let place = |name: &str| {
        let (_, place) = NAMES.roles.get(name)?.iter().find(|(of, _)| *of == role)?;
        Some(*place)
    };
    let fit = |nearness: Nearness| move |place: PlaceOfName| Fit { nearness, place };
    let prefixed = || names_behind(name).filter_map(place).min().filter(|_| role != Role::Id);
    place(name)
        .map(fit(Nearness::Same))
        .or_else(|| prefixed().map(fit(Nearness::Prefixed)))
        .or_else(|| ending(name, role).map(|at| fit(Nearness::Ending)((0, at))))
}

/// The place of the ending of a role that a name has, if a short word stands before it that does not turn its sense.
fn ending(name: &str, role: Role) -> Option<usize> {
    let is_word = |before: &str| {
        let length = if before.is_ascii() { 3 * MAX_BEFORE } else { MAX_BEFORE };
        !before.is_empty()
            && before.chars().count() <= length
            && before.chars().all(|c| c.is_alphabetic() && !is_numeral(c))
            && !NAMES.not.iter().any(|word| before.starts_with(word.as_str()))
    };
    NAMES
        .endings
        .iter()
        .position(|(of, ending)| *of == role && name.strip_suffix(ending.as_str()).is_some_and(is_word))
}

/// What is left of a name behind each word that may stand before one.
fn names_behind(name: &str) -> impl Iterator<Item = &str> {
    NAMES.of.iter().filter_map(|of| name.strip_prefix(of.as_str()))
}

/// The place of the field that fits a role best.
pub(super) fn best<'a>(fields: impl Iterator<Item = &'a str>, role: Role) -> Option<usize> {
    let fits = fields
        .enumerate()
        .filter_map(|(at, field)| Some((fit(field, role)?, at)));
    fits.min().map(|(_, at)| at)
}

/// What somebody is in a dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    Asker,
    /// What a program is told before.
    Prompt,
    Other,
}

/// Who speaks in a part of a dialogue, if a field says so.
pub(super) fn speaker(part: &Map<String, Value>) -> Option<Speaker> {
    let said = part.iter().find(|(name, _)| has_role(name, Role::Speaker));
    let who = plain(said?.1.as_str()?);
    Some(if NAMES.askers.contains(&who) {
        Speaker::Asker
    } else if NAMES.prompts.contains(&who) {
        Speaker::Prompt
    } else {
        Speaker::Other
    })
}

/// Whether a field is one of this role.
pub(super) fn has_role(field: &str, role: Role) -> bool {
    fit(field, role).is_some()
}

/// Whether a field has a role of a record's own by its whole name.
pub(super) fn is_known(field: &str) -> bool {
    with_known(field, |known| known.is_own)
}

fn is_own(name: &str) -> bool {
    let has = |name: &str, is_wanted: &dyn Fn(&Role) -> bool| {
        let roles = NAMES.roles.get(name);
        roles.is_some_and(|roles| roles.iter().any(|(role, _)| is_wanted(role)))
    };
    let of_others = [Role::Inside, Role::Wrapper, Role::About, Role::Parts, Role::Speaker];
    let is_own = |role: &Role| !of_others.contains(role);
    // No word stands before an id.
    let is_own_behind = |role: &Role| is_own(role) && *role != Role::Id;
    has(name, &is_own) || names_behind(name).any(|name| has(name, &is_own_behind))
}

/// Whether a record says already what a field of another's would say of it: by the same name, or by one of the same
/// role that stands no lower in the table.
pub(super) fn says_already(record: &Map<String, Value>, field: &str) -> bool {
    let tier = |name: &str, role: Role| fit(name, role).map(|fit| (fit.nearness, fit.place.0));
    let fits = |name: &String, role: Role| match (tier(name, role), tier(field, role)) {
        (Some(own), Some(other)) => own <= other,
        _ => false,
    };
    let of_one = [Role::Title, Role::Url, Role::Source, Role::Date];
    record.contains_key(field)
        || record
            .iter()
            .any(|(name, value)| says_more(value) && of_one.iter().any(|&role| fits(name, role)))
}

/// Whether a record of these fields has a text by a name that is known.
pub(super) fn has_text<'a>(mut fields: impl Iterator<Item = &'a str>) -> bool {
    fields.any(|field| has_role(field, Role::Text))
}

/// Whether this is a name in a form, of what an office says of a thing: `办理条件`; what it ends in.
pub(super) fn form_ending(name: &str) -> Option<&'static str> {
    let ending = NAMES.form.iter().find(|word| name.ends_with(word.as_str()));
    ending
        .filter(|_| name.chars().count() <= MAX_FORM_NAME)
        .map(String::as_str)
}

/// Whether a field of this name says of which kind a record is, and not what it is about.
pub(super) fn is_class(name: &str) -> bool {
    let name = plain(name);
    // The second of its name has a number behind it.
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit());
    NAMES.class.iter().any(|word| name.ends_with(word.as_str()))
}

/// The field of a role, out of the record: the best that is there, not null, and none that says nothing (an empty text,
/// a truth value for a day) where another does.
pub(super) fn take(record: &mut Map<String, Value>, role: Role) -> Option<(String, Value)> {
    let (_, field) = fitting(record, role).min()?;
    let field = field.clone();
    record.remove(&field).map(|value| (field, value))
}

/// All fields of a role, out of the record, the best first.
pub(super) fn take_all(record: &mut Map<String, Value>, role: Role) -> Vec<(String, Value)> {
    let mut found: Vec<_> = fitting(record, role).collect();
    found.sort();
    let names: Vec<String> = found.into_iter().map(|(_, field)| field.clone()).collect();
    let taken = names
        .into_iter()
        .filter_map(|name| record.remove(&name).map(|value| (name, value)));
    taken.collect()
}

/// The fields of a role that are not null, each behind how well it fits: whether it is silent, and its name.
fn fitting(record: &Map<String, Value>, role: Role) -> impl Iterator<Item = ((bool, Fit), &String)> {
    let is_silent = move |value: &Value| match value {
        Value::String(text) => text.trim().is_empty(),
        Value::Bool(_) => role == Role::Date,
        _ => false,
    };
    record
        .iter()
        .filter(|(_, value)| !value.is_null())
        .filter_map(move |(field, value)| Some(((is_silent(value), fit(field, role)?), field)))
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
            let others = ["of", "not", "form", "class", "asker", "prompt"];
            let name = role.map(|role| role.strip_prefix("ends ").unwrap_or(role));
            let is_known = others
                .iter()
                .chain(ROLES.iter().map(|(name, _)| name))
                .any(|known| name == Some(known));
            assert!(is_known, "line {number}: {line}");
        }
    }

    #[test]
    fn fields_are_known_by_the_names_that_people_give_them() {
        let check = |field: &str, role: Role, expected: bool| assert_eq!(has_role(field, role), expected, "{field}");
        check("Title", Role::Title, true);
        check(" 标题 ", Role::Title, true);
        check("articleTitle", Role::Title, true);
        check("news_title", Role::Title, true);
        check("siteTitle", Role::Title, false);
        check("信件标题", Role::Title, true);
        check("publish_time", Role::Date, true);
        check("articleContent", Role::Text, true);
        check("commentContent", Role::Text, false);
        check("docId", Role::Id, false);
        check("_source", Role::Source, false);
        check("question", Role::Title, true);
        check("articleId", Role::Id, true);
        check("questionText", Role::Text, false);
        check("userId", Role::Id, false);
        check("项目内容", Role::Text, false);
        check("标准答案", Role::Text, true);
        check("std_answer", Role::Text, true);
        check("是否答复", Role::Text, false);
        check("is_answer", Role::Text, false);
        check("五日内答复", Role::Text, false);
        check("收到来信后答复", Role::Text, false);
        check("客户问题", Role::Ask, true);
        check("问题类型", Role::Ask, false);
        assert!(!is_known("客户问题") && !is_known("标准答案"));
    }

    #[test]
    fn who_speaks_is_known_by_his_part() {
        let check = |part: Value, expected: Option<Speaker>| {
            assert_eq!(part.as_object().and_then(speaker), expected, "{part}");
        };
        check(json!({"role": "user", "content": "甲"}), Some(Speaker::Asker));
        check(json!({"from": "human", "value": "甲"}), Some(Speaker::Asker));
        check(json!({"role": "System", "content": "甲"}), Some(Speaker::Prompt));
        check(json!({"role": "assistant", "content": "甲"}), Some(Speaker::Other));
        check(json!({"content": "甲"}), None);
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
        check(json!({"ID": 1, "_id": "a"}), Role::Id, Some("_id"));
        check(json!({"published": true, "date": "2024"}), Role::Date, Some("date"));
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
}
