//! Messages out of the parameters of an address: `q=医保&top_k=5&region=浙江`.
//!
//! A parameter is a field by its name, those of messages within by a path (`filter.regions`, `fusion.dense_weight`);
//! lists are given by repeating it. What people ask for most has a shorter name.

use serde_json::{Map, Number, Value};

use super::schema::{Field, Kind, Message, SCHEMA, Schema};
use crate::error::{Error, Result};
use crate::service::deadline::TIMEOUT;

/// Shorter names, where the message has no field of that name.
const SHORT: [(&str, &str); 9] = [
    ("q", "query"),
    ("article_id", "article_ids"),
    ("article_id", "filter.article_ids"),
    ("source", "filter.sources"),
    ("region", "filter.regions"),
    ("year", "filter.years"),
    ("kind", "filter.kinds"),
    ("published_from", "filter.published_from"),
    ("published_to", "filter.published_to"),
];

/// The fields of a message of this name, as parameters say them.
///
/// # Errors
/// `Caller`, naming the parameter.
pub fn read(message: &str, query: &str) -> Result<Map<String, Value>> {
    let mut read = Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name != TIMEOUT {
            put(&SCHEMA, message, &name, &value, &mut read)?;
        }
    }
    Ok(read)
}

/// The names of the parameters of a message, with the fields behind them; shorter names where there are some.
pub fn names(message: &str) -> Vec<(String, &'static Field)> {
    let mut names = Vec::new();
    let Some(of) = SCHEMA.message(message) else {
        return names;
    };
    for field in &of.fields {
        match &field.kind {
            Kind::Message(_) if field.is_list => {}
            Kind::Message(name) => {
                let within = SCHEMA.message(name).map_or(&[][..], |message| &message.fields);
                let plain = within.iter().filter(|field| !matches!(field.kind, Kind::Message(_)));
                names.extend(plain.map(|inner| (format!("{}.{}", field.name, inner.name), inner)));
            }
            _ => names.push((field.name.clone(), field)),
        }
    }
    for (name, _) in &mut names {
        // Of two fields that could have it, the first one has the shorter name.
        let meant = |short: &str| {
            SHORT
                .iter()
                .find(|(known, path)| *known == short && leads(&SCHEMA, of, path))
        };
        let is_short = |(short, path): &&(&str, &str)| {
            path == name && of.field(short).is_none() && meant(short).is_some_and(|(_, path)| path == name)
        };
        if let Some((short, _)) = SHORT.iter().find(is_short) {
            *name = (*short).to_owned();
        }
    }
    names
}

fn put(schema: &'static Schema, message: &str, name: &str, value: &str, into: &mut Map<String, Value>) -> Result<()> {
    let unknown = || {
        let shown: String = name.chars().take(100).collect();
        Error::caller(format!("{shown}: is not a parameter of this call")).help("they are listed in /openapi.json")
    };
    let of = schema.message(message).ok_or_else(unknown)?;
    let long = match of.field(name) {
        Some(_) => name,
        None => {
            let stands_for = |(short, path): &&(&str, &str)| *short == name && leads(schema, of, path);
            SHORT.iter().find(stands_for).map_or(name, |(_, path)| path)
        }
    };
    let Some((outer, inner)) = long.split_once('.') else {
        let field = of.field(long).ok_or_else(unknown)?;
        return add(field, name, value, into);
    };
    match of.field(outer).map(|field| (&field.kind, field.is_list)) {
        Some((Kind::Message(message), false)) => {
            let within = into.entry(outer).or_insert_with(|| Value::Object(Map::new()));
            // Nothing else is ever put under the name of a message.
            let Value::Object(within) = within else {
                return Err(unknown());
            };
            put(schema, message, inner, value, within).map_err(|error| named(error, inner, name))
        }
        _ => Err(unknown()),
    }
}

/// Whether a path is one of fields.
fn leads(schema: &Schema, of: &Message, path: &str) -> bool {
    match path.split_once('.') {
        None => of.field(path).is_some(),
        Some((outer, inner)) => of.field(outer).is_some_and(|field| match &field.kind {
            Kind::Message(name) => schema.message(name).is_some_and(|of| leads(schema, of, inner)),
            _ => false,
        }),
    }
}

/// The error under the parameter's name rather than that of the field within.
fn named(error: Error, field: &str, name: &str) -> Error {
    match error.message().strip_prefix(field) {
        Some(rest) => {
            let renamed = Error::new(error.fault(), format!("{name}{rest}"));
            match error.hint() {
                Some(help) => renamed.help(help),
                None => renamed,
            }
        }
        None => error,
    }
}

fn add(field: &Field, name: &str, value: &str, into: &mut Map<String, Value>) -> Result<()> {
    let wrong = |what: &str| {
        let shown: String = value.chars().take(100).collect();
        Error::caller(format!("{name}: `{shown}` is not {what}")).help("parameters are listed in /openapi.json")
    };
    let value = match &field.kind {
        Kind::Text | Kind::Enum(_) => Value::from(value),
        Kind::Bool => Value::from(truth(value).ok_or_else(|| wrong("true or false"))?),
        Kind::Int32(true) => Value::from(value.parse::<i32>().map_err(|_| wrong("a whole number"))?),
        Kind::Int32(false) => Value::from(value.parse::<u32>().map_err(|_| wrong("a whole number from 0"))?),
        Kind::Int64 => Value::from(
            value
                .parse::<u64>()
                .map_err(|_| wrong("a whole number from 0"))?
                .to_string(),
        ),
        Kind::Float => {
            let number = value.parse::<f64>().ok().and_then(Number::from_f64);
            Value::from(number.ok_or_else(|| wrong("a number"))?)
        }
        Kind::Message(_) | Kind::Map => {
            return Err(
                Error::caller(format!("{name}: holds more than a parameter can say")).help("send it as JSON by POST")
            );
        }
    };
    if field.is_list {
        let list = into.entry(&field.name).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = list {
            list.push(value);
        }
    } else if into.insert(field.name.clone(), value).is_some() {
        return Err(Error::caller(format!("{name}: is given twice")).help("give it once, or send JSON by POST"));
    }
    Ok(())
}

/// True or false as programs write them in addresses: Python's `True`, and `1`.
fn truth(value: &str) -> Option<bool> {
    let is = |words: [&str; 2]| words.iter().any(|word| value.eq_ignore_ascii_case(word));
    is(["true", "1"])
        .then_some(true)
        .or(is(["false", "0"]).then_some(false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parameters_are_fields() {
        let check = |message: &str, query: &str, expected: Value| {
            assert_eq!(Value::Object(read(message, query).unwrap()), expected, "{query}");
        };
        check("SearchRequest", "", json!({}));
        check(
            "SearchRequest",
            "q=%E5%8C%BB%E4%BF%9D+2025&top_k=5&explain=true&timeout=2",
            json!({"query": "医保 2025", "top_k": 5, "explain": true}),
        );
        check(
            "SearchRequest",
            "query=a&region=浙江&region=宁波&year=2025&fusion.dense_weight=0.5&published_from=2025-01-01",
            json!({
                "query": "a",
                "filter": {"regions": ["浙江", "宁波"], "years": [2025], "published_from": "2025-01-01"},
                "fusion": {"dense_weight": 0.5},
            }),
        );
        check("SearchRequest", "explain=True", json!({"explain": true}));
        check(
            "SearchRequest",
            "explain=1&exact=0",
            json!({"explain": true, "exact": false}),
        );
        check("GetArticleRequest", "article_id=a/b", json!({"article_id": "a/b"}));
        check(
            "ListArticlesRequest",
            "source=s&article_id=a&article_id=b",
            json!({"source": "s", "article_ids": ["a", "b"]}),
        );
        check(
            "ListArticlesRequest",
            "region=杭州&page_size=20&page_token=a",
            json!({"filter": {"regions": ["杭州"]}, "page_size": 20, "page_token": "a"}),
        );
    }

    #[test]
    fn what_is_none_is_refused_by_its_name() {
        let check = |query: &str, start: &str| {
            let error = read("SearchRequest", query).unwrap_err().to_string();
            assert!(error.starts_with(start), "{query}: {error}");
        };
        check("topk=3", "topk: is not");
        check("filter.yeers=3", "filter.yeers: is not");
        check("top_k=three", "top_k: `three`");
        check("year=x", "year: `x`");
        check("q=a&q=b", "q: is given twice");
        check("filter=x", "filter: holds more");
        check("filter.fields=x", "filter.fields: holds more");
        check("query.x=1", "query.x: is not");
        check("explain=yes", "explain: `yes`");
    }

    #[test]
    fn no_call_has_two_parameters_of_a_name() {
        for message in [
            "SearchRequest",
            "ListArticlesRequest",
            "FacetsRequest",
            "SimilarRequest",
        ] {
            let mut names: Vec<String> = names(message).into_iter().map(|(name, _)| name).collect();
            names.sort();
            let of_one = names.windows(2).find(|two| two[0] == two[1]);
            assert_eq!(of_one, None, "{message}");
        }
    }

    #[test]
    fn the_short_names_are_the_documented_ones() {
        let names: Vec<String> = names("SearchRequest").into_iter().map(|(name, _)| name).collect();
        for name in [
            "q",
            "top_k",
            "region",
            "year",
            "source",
            "article_id",
            "fusion.dense_weight",
            "exact",
        ] {
            assert!(names.iter().any(|known| known == name), "{name} in {names:?}");
        }
    }
}
