//! What is asked of rows, in Milvus' language: filters, keys, and which rows count at a commit.

use super::schema::{ARTICLE, GONE, ID, KIND, PUBLISHED, REGIONS, SOURCE, YEARS};
use super::state::View;
use crate::model::Filter;

/// `gone` of a row that is not gone.
pub const NEVER: i64 = 1 << 62;

/// The first key of the rows that a commit wrote.
pub fn first_key(stamp: u64) -> i64 {
    (stamp as i64) << 32
}

/// The rows that count at a commit: its own and older ones, unless they were replaced by then. A row of a skipped stamp
/// counts as never written, one that was replaced under it as never replaced.
pub fn visible(view: &View) -> String {
    let written = format!("{ID} < {}", first_key(view.stamp + 1));
    let gone = format!("{GONE} > {}", view.stamp);
    if view.skipped.is_empty() {
        return format!("{written} and {gone}");
    }
    let unwritten = view.skipped.iter().map(|&stamp| {
        let (from, to) = (first_key(stamp), first_key(stamp + 1));
        format!(" and ({ID} < {from} or {ID} >= {to})")
    });
    let unwritten: String = unwritten.collect();
    format!(
        "{written}{unwritten} and ({gone} or {GONE} in {})",
        numbers(&view.skipped)
    )
}

/// The rows that were replaced by a commit or before it.
pub fn replaced(view: &View) -> String {
    let gone = format!("{GONE} <= {}", view.stamp);
    if view.skipped.is_empty() {
        gone
    } else {
        format!("{gone} and {GONE} not in {}", numbers(&view.skipped))
    }
}

/// The rows of articles or passages that were sent under a stamp.
pub fn sent(stamp: u64) -> String {
    format!("{ID} >= {} and {ID} < {}", first_key(stamp), first_key(stamp + 1))
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
pub fn filtered(view: &View, filter: &Filter) -> String {
    let mut all = vec![visible(view)];
    if !filter.article_ids.is_empty() {
        let ids = texts(filter.article_ids.iter().map(String::as_str));
        all.push(format!("{ARTICLE} in {ids}"));
    }
    if !filter.sources.is_empty() {
        let kept: Vec<String> = filter.sources.iter().map(|source| kept_source(Some(source))).collect();
        all.push(format!("{SOURCE} in {}", texts(kept.iter().map(String::as_str))));
    }
    if !filter.kinds.is_empty() {
        let kinds = texts(filter.kinds.iter().map(|kind| kind.name()));
        all.push(format!("{KIND} in {kinds}"));
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
    use crate::model::ArticleKind;

    #[test]
    fn filters_are_written() {
        let check = |filter: Filter, expected: &str| {
            let expected = match expected {
                "" => "id < 34359738368 and gone > 7".to_owned(),
                more => format!("id < 34359738368 and gone > 7 and {more}"),
            };
            let view = View {
                stamp: 7,
                skipped: Vec::new(),
            };
            assert_eq!(filtered(&view, &filter), expected);
        };
        check(Filter::default(), "");
        let filter = Filter {
            article_ids: vec!["a\"b\\".into(), "行\n".into()],
            sources: vec![String::new(), "站".into()],
            years: vec![2024, 2025],
            published_from: "2025-01-02".parse().ok(),
            published_to: "2025-03-04".parse().ok(),
            kinds: vec![ArticleKind::Full, ArticleKind::Summary],
            ..Filter::default()
        };
        check(
            filter,
            "article in [\"a\\\"b\\\\\", \"行\\n\"] and source in [\"=\", \"=站\"] and kind in [\"full\", \"summary\"] \
             and array_contains_any(years, [2024, 2025]) and published >= 20250102 and published <= 20250304 and published > 0",
        );
    }

    #[test]
    fn what_is_skipped_was_never_written_and_replaced_nothing() {
        let view = View {
            stamp: 4,
            skipped: vec![1, 3],
        };
        assert_eq!(
            visible(&view),
            "id < 21474836480 and (id < 4294967296 or id >= 8589934592) and (id < 12884901888 or id >= 17179869184) \
             and (gone > 4 or gone in [1, 3])"
        );
        assert_eq!(replaced(&view), "gone <= 4 and gone not in [1, 3]");
    }
}
