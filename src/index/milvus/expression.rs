//! What is asked of rows, in Milvus' language: filters, keys, and which rows count at a commit.

use super::schema::{ARTICLE, GONE, ID, PUBLISHED, REGIONS, SOURCE, YEARS};
use crate::model::Filter;

/// `gone` of a row that is not gone.
pub const NEVER: i64 = 1 << 62;

/// The first key of the rows that a commit wrote.
pub fn first_key(stamp: u64) -> i64 {
    (stamp as i64) << 32
}

/// The rows that count at a commit.
pub fn visible(stamp: u64) -> String {
    format!("{ID} < {} and {GONE} > {stamp}", first_key(stamp + 1))
}

/// A text in quotation marks.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Texts as a list.
pub fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = texts.into_iter().map(quoted).collect();
    format!("[{}]", quoted.join(", "))
}

/// Numbers as a list.
pub fn numbers<N: ToString>(numbers: impl IntoIterator<Item = N>) -> String {
    let written: Vec<String> = numbers.into_iter().map(|number| number.to_string()).collect();
    format!("[{}]", written.join(", "))
}

/// A publisher as it is kept: one that is empty differs from none.
pub fn kept_source(source: Option<&str>) -> String {
    source.map_or_else(String::new, |source| format!("={source}"))
}

/// The rows that count at a commit and that a filter lets through.
pub fn filtered(stamp: u64, filter: &Filter) -> String {
    let mut all = vec![visible(stamp)];
    if !filter.article_ids.is_empty() {
        let ids = texts(filter.article_ids.iter().map(String::as_str));
        all.push(format!("{ARTICLE} in {ids}"));
    }
    if !filter.sources.is_empty() {
        let kept: Vec<String> = filter.sources.iter().map(|source| kept_source(Some(source))).collect();
        all.push(format!("{SOURCE} in {}", texts(kept.iter().map(String::as_str))));
    }
    if !filter.regions.is_empty() {
        let regions = texts(filter.regions.iter().map(String::as_str));
        all.push(format!("array_contains_any({REGIONS}, {regions})"));
    }
    if !filter.years.is_empty() {
        all.push(format!("array_contains_any({YEARS}, {})", numbers(&filter.years)));
    }
    if let Some(from) = filter.published_from {
        all.push(format!("{PUBLISHED} >= {}", from.number()));
    }
    if let Some(to) = filter.published_to {
        // Who was never published has a 0.
        all.push(format!("{PUBLISHED} <= {} and {PUBLISHED} > 0", to.number()));
    }
    all.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_written() {
        let check = |filter: Filter, expected: &str| {
            let expected = match expected {
                "" => "id < 34359738368 and gone > 7".to_owned(),
                more => format!("id < 34359738368 and gone > 7 and {more}"),
            };
            assert_eq!(filtered(7, &filter), expected);
        };
        check(Filter::default(), "");
        let filter = Filter {
            article_ids: vec!["a\"b\\".into(), "行\n".into()],
            sources: vec![String::new(), "站".into()],
            years: vec![2024, 2025],
            published_from: "2025-01-02".parse().ok(),
            published_to: "2025-03-04".parse().ok(),
            ..Filter::default()
        };
        check(
            filter,
            "article in [\"a\\\"b\\\\\", \"行\\n\"] and source in [\"=\", \"=站\"] and array_contains_any(years, [2024, 2025]) \
             and published >= 20250102 and published <= 20250304 and published > 0",
        );
    }
}
