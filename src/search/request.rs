//! What may be asked: the request as a caller states it, and the checks that turn it into one that can be answered.
//!
//! Knows no wire format; the service converts into these types in one file. Checking reports the field and the reason,
//! and happens before any work is done.

use std::time::Instant;

use crate::error::{Error, Result};
use crate::model::Date;
pub use crate::model::Filter;

/// The most characters a question may have; the embedder reads 512 tokens and a question is not a document.
pub const MAX_QUERY_CHARS: usize = 1_000;
/// The most hits one page of an answer may have.
pub const MAX_TOP_K: usize = 1_000;
/// What may close a question, or be left out there: the question is the same one. With blanks.
const CLOSING: [char; 20] = [
    '?', '？', '﹖', '!', '！', '﹗', '.', '．', '。', '｡', '…', '⋯', '~', '～', ',', '，', '、', ';', '；', '﹔',
];
/// What helps where a number is none that can be.
const LEAVE_OUT: &str = "leave it out for the default";
/// The deepest hit that paging reaches (offset + top_k).
pub const MAX_DEPTH: usize = 10_000;
/// The most values one list of a filter may have.
pub const MAX_FILTER_VALUES: usize = 1_000;
/// Hits returned if the request does not say.
pub const DEFAULT_TOP_K: usize = 10;

/// Which rankings take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// Words and meaning.
    #[default]
    Hybrid,
    /// Words alone (BM25).
    Lexical,
    /// Meaning alone (cosine).
    Dense,
}

/// How the two rankings become one; see `fusion.rs` for the formulas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FusionMethod {
    /// The sum of the exact features times the weights of the ranking profile.
    #[default]
    Learned,
    /// Convex combination of normalised scores.
    Convex,
    /// Reciprocal rank fusion.
    Rrf,
}

/// What the fusion is told; an absent number is the default, never zero.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FusionRequest {
    /// The formula.
    pub method: FusionMethod,
    /// Share of the dense score in a convex combination, 0 to 1.
    pub dense_weight: Option<f32>,
    /// The constant of reciprocal rank fusion, above 0.
    pub rrf_k: Option<f32>,
}

/// Whether an article may appear more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Grouping {
    /// One hit an article: its best passage.
    #[default]
    Article,
    /// Every passage for itself.
    Passage,
}

/// One question.
#[derive(Debug, Clone, Default)]
pub struct SearchRequest {
    /// The question in plain language.
    pub query: String,
    /// Hits wanted; absent means [`DEFAULT_TOP_K`].
    pub top_k: Option<usize>,
    /// Hits to pass over before the first one returned.
    pub offset: usize,
    /// Which rankings take part.
    pub mode: Mode,
    /// How they are merged.
    pub fusion: FusionRequest,
    /// Which passages may be returned.
    pub filter: Filter,
    /// One hit an article, or every passage.
    pub grouping: Grouping,
    /// Whether each hit explains its place.
    pub explain: bool,
    /// Candidates taken from each ranking; absent means the default.
    pub candidates: Option<usize>,
    /// Breadth of the graph search; absent means the default.
    pub ef_search: Option<usize>,
    /// Today, for words such as 去年; absent means that they are not resolved.
    pub today: Option<Date>,
    /// The day that answers should hold for. Absent, what does not hold `today` ranks lower only beside what took its
    /// place.
    pub as_of: Option<Date>,
    /// Whether the question is taken as it is written: nothing in it is corrected.
    pub exact: bool,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
}

/// What a request asks for ([`SearchRequest::normal`]): a key by which answers can be kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NormalRequest {
    /// Without what closes it.
    query: String,
    top_k: usize,
    offset: usize,
    mode: Mode,
    method: FusionMethod,
    /// The bits of the number.
    dense_weight: Option<u32>,
    /// The bits of the number.
    rrf_k: Option<u32>,
    /// Its lists are sorted, without repetitions.
    filter: Filter,
    grouping: Grouping,
    explain: bool,
    candidates: Option<usize>,
    ef_search: Option<usize>,
    today: Option<Date>,
    as_of: Option<Date>,
    exact: bool,
}

impl NormalRequest {
    /// What it takes in memory, nearly.
    pub fn bytes(&self) -> usize {
        let lists = [&self.filter.article_ids, &self.filter.sources, &self.filter.regions];
        let texts = lists
            .into_iter()
            .flatten()
            .map(|value| size_of::<String>() + value.len());
        size_of::<Self>()
            + self.query.len()
            + texts.sum::<usize>()
            + size_of_val(&*self.filter.years)
            + size_of_val(&*self.filter.kinds)
    }
}

impl SearchRequest {
    /// A request with all defaults.
    pub fn new(query: impl Into<String>) -> Self {
        SearchRequest {
            query: query.into(),
            ..SearchRequest::default()
        }
    }

    /// The question without the marks that close it and the blanks around it: people write one, another one or none,
    /// and get the same answer.
    pub fn asked(&self) -> &str {
        let is_closing = |c: char| c.is_whitespace() || CLOSING.contains(&c);
        let opened = self.query.trim_start();
        match opened.trim_end_matches(is_closing) {
            // Nothing but marks, which is refused.
            "" => opened,
            asked => asked,
        }
    }

    /// What is asked for, without the deadline, so that requests that ask the same are equal.
    pub fn normal(&self) -> NormalRequest {
        fn sorted<T: Ord + Clone>(values: &[T]) -> Vec<T> {
            let mut values = values.to_vec();
            values.sort_unstable();
            values.dedup();
            values
        }
        NormalRequest {
            query: self.asked().to_owned(),
            top_k: self.wanted(),
            offset: self.offset,
            mode: self.mode,
            method: self.fusion.method,
            dense_weight: self.fusion.dense_weight.map(f32::to_bits),
            rrf_k: self.fusion.rrf_k.map(f32::to_bits),
            filter: Filter {
                article_ids: sorted(&self.filter.article_ids),
                sources: sorted(&self.filter.sources),
                regions: sorted(&self.filter.regions),
                years: sorted(&self.filter.years),
                published_from: self.filter.published_from,
                published_to: self.filter.published_to,
                kinds: sorted(&self.filter.kinds),
            },
            grouping: self.grouping,
            explain: self.explain,
            candidates: self.candidates,
            ef_search: self.ef_search,
            today: self.today,
            as_of: self.as_of,
            exact: self.exact,
        }
    }

    /// The day that answers should hold for.
    pub fn day(&self) -> Option<Date> {
        self.as_of.or(self.today)
    }

    /// Hits wanted, with the default filled in.
    pub fn wanted(&self) -> usize {
        self.top_k.unwrap_or(DEFAULT_TOP_K)
    }

    /// Refuses what cannot be answered; every message names the field and the reason.
    pub fn check(&self) -> Result<()> {
        if self.query.trim().is_empty() {
            return Err(Error::caller("query: is empty").help("write a question"));
        }
        let chars = self.query.chars().count();
        if chars > MAX_QUERY_CHARS {
            return Err(Error::caller(format!(
                "query: has {chars} characters, at most {MAX_QUERY_CHARS} are allowed"
            ))
            .help("ask a shorter question"));
        }
        if !self.query.chars().any(char::is_alphanumeric) {
            return Err(Error::caller("query: holds neither a letter nor a digit").help("write a question in words"));
        }
        let top_k = self.wanted();
        within("top_k", top_k, MAX_TOP_K)?;
        if self.offset.saturating_add(top_k) > MAX_DEPTH {
            return Err(Error::caller(format!(
                "offset: offset + top_k is {}, at most {MAX_DEPTH} hits can be paged through",
                self.offset.saturating_add(top_k)
            ))
            .help("narrow the question by a filter, or ask in other words"));
        }
        if let Some(weight) = self.fusion.dense_weight
            && !(0.0..=1.0).contains(&weight)
        {
            return Err(Error::caller(format!(
                "fusion.dense_weight: is {weight}, must be a number from 0 to 1"
            ))
            .help(LEAVE_OUT));
        }
        if let Some(k) = self.fusion.rrf_k
            && !(k.is_finite() && k > 0.0 && k <= 100_000.0)
        {
            return Err(Error::caller(format!(
                "fusion.rrf_k: is {k}, must be a number above 0, at most 100000"
            ))
            .help(LEAVE_OUT));
        }
        for (name, value) in [("candidates", self.candidates), ("ef_search", self.ef_search)] {
            if let Some(value) = value {
                within(name, value, MAX_DEPTH)?;
            }
        }
        check_filter(&self.filter)
    }
}

/// The number, if it is 1 to `most`.
///
/// # Errors
/// `Caller` by the name of its field.
pub fn within(name: &str, number: usize, most: usize) -> Result<usize> {
    if (1..=most).contains(&number) {
        Ok(number)
    } else {
        Err(Error::caller(format!("{name}: is {number}, must be 1 to {most}")).help(LEAVE_OUT))
    }
}

/// Refuses a filter that cannot match: too many values, empty ones, days between which none lies.
pub(super) fn check_filter(filter: &Filter) -> Result<()> {
    for (name, count) in [
        ("article_ids", filter.article_ids.len()),
        ("sources", filter.sources.len()),
        ("regions", filter.regions.len()),
        ("years", filter.years.len()),
        ("kinds", filter.kinds.len()),
    ] {
        if count > MAX_FILTER_VALUES {
            return Err(Error::caller(format!(
                "filter.{name}: has {count} values, at most {MAX_FILTER_VALUES} are allowed"
            ))
            .help("ask several times"));
        }
    }
    for (name, values) in [
        ("article_ids", &filter.article_ids),
        ("sources", &filter.sources),
        ("regions", &filter.regions),
    ] {
        if values.iter().any(|value| value.trim().is_empty()) {
            return Err(Error::caller(format!("filter.{name}: holds an empty value"))
                .help("leave the list empty for no restriction"));
        }
    }
    if let (Some(from), Some(to)) = (filter.published_from, filter.published_to)
        && from > to
    {
        return Err(Error::caller(format!(
            "filter.published_from: {from} is after published_to {to}, so nothing can match"
        ))
        .help("name the earlier day first"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fault;

    #[test]
    fn what_closes_a_question_is_none_of_it() {
        let check = |query: &str, asked: &str| {
            let request = SearchRequest::new(query);
            assert_eq!(request.asked(), asked, "{query}");
            let is_same = request.normal() == SearchRequest::new(asked).normal();
            assert!(is_same, "{query}");
        };
        let asked = "医保断缴怎么办";
        for around in [
            "",
            "?",
            "？",
            "？？",
            "?!",
            "！",
            "。",
            "……",
            "...",
            "~",
            "，",
            " ",
            "\u{3000}",
            " ？",
            "？\u{3000}\n",
            "﹖",
        ] {
            check(&format!("{asked}{around}"), asked);
            check(&format!(" \u{3000}{asked}{around}"), asked);
        }
        // What stands within it is its own.
        check("断缴了？怎么办？", "断缴了？怎么办");
        check("断缴了。", "断缴了");
        check("“断缴”怎么办", "“断缴”怎么办");
        check("什么是“断缴”？", "什么是“断缴”");
        check("什么是“断缴？”", "什么是“断缴？”");
        check("缴费比例是8%？", "缴费比例是8%");
        check("2.0版（2021）？", "2.0版（2021）");
        check("？医保", "？医保");
        check("？！", "？！");
        check("", "");
    }

    #[test]
    fn bad_requests_are_refused_by_field() {
        let check = |change: &dyn Fn(&mut SearchRequest), expected: Option<&str>| {
            let mut request = SearchRequest::new("医保断缴怎么办");
            change(&mut request);
            match (request.check(), expected) {
                (Ok(()), None) => {}
                (Err(error), Some(start)) => {
                    assert_eq!(error.fault(), Fault::Caller);
                    assert!(error.message().starts_with(start), "{error}");
                }
                (outcome, expected) => panic!("{outcome:?}, expected {expected:?}"),
            }
        };
        check(&|_| {}, None);
        check(&|r| r.query = " \u{3000}\n".into(), Some("query:"));
        check(&|r| r.query = "？！。…".into(), Some("query:"));
        check(&|r| r.query = "医".repeat(100_000), Some("query:"));
        check(&|r| r.top_k = Some(0), Some("top_k:"));
        check(&|r| r.top_k = Some(1_000_000), Some("top_k:"));
        check(&|r| r.offset = usize::MAX, Some("offset:"));
        check(
            &|r| r.fusion.dense_weight = Some(f32::NAN),
            Some("fusion.dense_weight:"),
        );
        check(&|r| r.fusion.dense_weight = Some(-0.1), Some("fusion.dense_weight:"));
        check(&|r| r.fusion.rrf_k = Some(0.0), Some("fusion.rrf_k:"));
        check(&|r| r.fusion.rrf_k = Some(f32::INFINITY), Some("fusion.rrf_k:"));
        check(&|r| r.candidates = Some(0), Some("candidates:"));
        check(&|r| r.filter.sources = vec!["".into()], Some("filter.sources:"));
        check(
            &|r| r.filter.article_ids = vec!["a".into(); 1_001],
            Some("filter.article_ids:"),
        );
        check(
            &|r| {
                r.filter.published_from = "2025-05-01".parse().ok();
                r.filter.published_to = "2025-04-01".parse().ok();
            },
            Some("filter.published_from:"),
        );
    }
}
