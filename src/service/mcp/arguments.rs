//! What a model gives to a tool. The comments of the schemas are what it reads, so they are Chinese.

use rmcp::model::JsonObject;
use rmcp::schemars;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::search::request::within;
use crate::service::http::plain;
use crate::service::wire;

/// Hits given if it is not said how many: a model reads all of them.
const DEFAULT_HITS: u32 = 5;
/// The most that may be asked for.
const MOST_HITS: usize = 20;

/// Arguments of `search`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub struct Search {
    /// As it was asked.
    #[schemars(
        description = "用户的问题，用原话即可，不必拆成关键词；地点和年份留在问题里，会自动识别。1 到 1000 个字。"
    )]
    pub query: String,
    /// Hits wanted.
    #[serde(default)]
    #[schemars(description = "要几条，1 到 20，默认 5。", range(min = 1, max = 20))]
    pub top_k: Option<u32>,
    /// What may be returned.
    #[serde(default)]
    #[schemars(description = "只在部分文章中找；用户没有限定时不填。")]
    pub filter: Option<Only>,
    /// The day that answers should hold for.
    #[serde(default)]
    #[schemars(description = "答案应在哪一天有效，如 2025-04-19；默认今天。已废止或尚未施行的排在后面并注明。")]
    pub as_of: Option<String>,
}

/// What articles must be like.
#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars", description = "只要这样的文章。")]
pub struct Only {
    /// Regions.
    #[serde(default)]
    #[schemars(description = "只要关于这些地区的，如 [\"杭州\"]。")]
    pub regions: Vec<String>,
    /// Years.
    #[serde(default)]
    #[schemars(description = "只要关于这些年份的，如 [2025]。")]
    pub years: Vec<u32>,
    /// Publishers.
    #[serde(default)]
    #[schemars(description = "只要这些发布者的，须与 facets 给出的完全相同。")]
    pub sources: Vec<String>,
    /// Whole articles or summaries.
    #[serde(default)]
    #[schemars(description = "只要完整的文章（ARTICLE_KIND_FULL）或只要摘要（ARTICLE_KIND_SUMMARY）。")]
    pub kinds: Vec<String>,
    /// Published on this day or later.
    #[serde(default)]
    #[schemars(description = "只要这一天及以后发布的，如 2025-04-19。")]
    pub published_from: Option<String>,
    /// Published on this day or earlier.
    #[serde(default)]
    #[schemars(description = "只要这一天及以前发布的，如 2025-04-19。")]
    pub published_to: Option<String>,
}

/// Arguments of `get_article`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub struct GetArticle {
    /// Its id.
    #[schemars(description = "文章的 article_id，照搜索结果原样填写。")]
    pub article_id: String,
    /// Where to begin.
    #[serde(default)]
    #[schemars(description = "从第几个字开始，默认 0；长文章一次给不完时，填上次返回的 next_start。")]
    pub start: Option<u32>,
}

/// Arguments of `similar`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub struct Similar {
    /// The id of the one.
    #[schemars(description = "文章的 article_id，照搜索结果原样填写。")]
    pub article_id: String,
    /// Articles wanted.
    #[serde(default)]
    #[schemars(description = "要几篇，1 到 20，默认 5。", range(min = 1, max = 20))]
    pub top_k: Option<u32>,
}

/// Arguments of `facets`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub struct Facets {
    /// A question whose hits are counted.
    #[serde(default)]
    #[schemars(description = "只统计与这个问题有关的文章；不填则统计全部。")]
    pub query: Option<String>,
    /// What is counted.
    #[serde(default)]
    #[schemars(description = "只统计部分文章；不填则统计全部。")]
    pub filter: Option<Only>,
    /// Values of each kind.
    #[serde(default)]
    #[schemars(description = "每类最多列出几个，1 到 100，默认 20。", range(min = 1, max = 100))]
    pub limit: Option<u32>,
}

/// The arguments of a tool out of those that were given, which are fields of the message of this name.
///
/// # Errors
/// `Caller` by the argument, in the words of other calls.
pub fn read<T: DeserializeOwned>(message: &str, given: JsonObject) -> Result<T> {
    let mut given = Value::Object(given);
    plain::make(message, &mut given)?;
    serde_path_to_error::deserialize(given).map_err(|cause| {
        let path = cause.path().to_string();
        refused(path.trim_matches('.'), &cause.into_inner().to_string())
    })
}

/// What the library says of an argument, by its path.
fn refused(path: &str, reason: &str) -> Error {
    let mut names = reason.split('`').skip(1).step_by(2);
    let named = |name: &str| match path {
        "" => name.to_owned(),
        path if path.ends_with(name) => path.to_owned(),
        path => format!("{path}.{name}"),
    };
    match names.next() {
        Some(name) if reason.starts_with("missing field") => Error::caller(format!("{}: is not set", named(name))),
        Some(name) if reason.starts_with("unknown field") => {
            let known: Vec<&str> = names.collect();
            Error::caller(format!("{}: is not an argument here", named(name)))
                .help(format!("there are {}", known.join(", ")))
        }
        _ => Error::caller(format!("{path}: {reason}")),
    }
}

/// How many hits are given.
///
/// # Errors
/// `Caller` if they are more than may be.
pub fn hits(top_k: Option<u32>) -> Result<u32> {
    let count = top_k.unwrap_or(DEFAULT_HITS);
    within("top_k", count as usize, MOST_HITS).map(|_| count)
}

impl Only {
    /// As a filter of a message; none where it lets everything through.
    pub fn message(only: Option<Only>) -> Option<wire::Filter> {
        let only = only?;
        // `read` let names of the protocol through alone.
        let kind = |name: &String| wire::ArticleKind::from_str_name(name).unwrap_or_default().into();
        let filter = wire::Filter {
            kinds: only.kinds.iter().map(kind).collect(),
            sources: only.sources,
            regions: only.regions,
            years: only.years,
            published_from: only.published_from,
            published_to: only.published_to,
            ..Default::default()
        };
        (filter != wire::Filter::default()).then_some(filter)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_are_refused_in_the_words_of_other_calls() {
        let check = |given: Value, expected: &str| {
            let Value::Object(given) = given else {
                panic!("no arguments")
            };
            let error = read::<Search>("SearchRequest", given).map(drop).unwrap_err();
            assert_eq!(error.message(), expected);
        };
        check(json!({}), "query: is not set");
        check(json!({"query": 3}), "query: `3` is not a text");
        check(
            json!({"query": "医保", "top_k": "x"}),
            "top_k: `\"x\"` is not a whole number from 0 to 4294967295",
        );
        check(
            json!({"query": "医保", "mode": "MODE_LEXICAL"}),
            "mode: is not an argument here",
        );
        check(
            json!({"query": "医保", "filter": {"regoins": ["杭州"]}}),
            "filter.regoins: is not an argument here",
        );
        check(
            json!({"query": "医保", "filter": {"regions": "杭州"}}),
            "filter.regions: `\"杭州\"` is not a list",
        );
        check(
            json!({"query": "医保", "filter": {"years": [2025.5]}}),
            "filter.years[0]: `2025.5` is not a whole number from 0 to 4294967295",
        );
        check(json!({"query": "医保", "filter": 3}), "filter: `3` is not an object");
        let Value::Object(given) = json!({"query": "医保", "top_k": "3"}) else {
            unreachable!()
        };
        assert_eq!(read::<Search>("SearchRequest", given).unwrap().top_k, Some(3));
    }
}
