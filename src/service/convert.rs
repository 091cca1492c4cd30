//! The one place where wire types and core types meet: requests in, answers out, and both the other way for clients
//! (in [`ask`]).
//!
//! What the wire cannot say plainly (an unknown enum number, a day that is none, a filter on a field that does not
//! exist) is refused here by field. Limits on values are the core's own and are not repeated.

pub mod articles;
pub mod ask;
pub mod browse;
pub mod reading;

use std::time::{Duration, Instant};

use super::refusal::Refusal;
use super::status;
use super::wire;
use crate::error::{Error, Result};
use crate::model::{ArticleKind, Date, Force};
use crate::search::request::{Filter, FusionMethod, FusionRequest, Grouping, Mode, SearchRequest};
use crate::search::response::{Applies, Explanation, Fit, Hit, Lack, RankPart, SearchResponse, Span, Timings};
use crate::text;

/// The fields a filter may name in its open form.
const FILTER_FIELDS: [&str; 7] = [
    "article_ids",
    "sources",
    "regions",
    "years",
    "published_from",
    "published_to",
    "kinds",
];

/// The time a call allows, from the value of its `grpc-timeout` header: up to eight digits and a unit. None if it is
/// not one.
pub fn timeout(header: &str) -> Option<Duration> {
    let unit_at = header.len().checked_sub(1)?;
    let (digits, unit) = (header.get(..unit_at)?, header.get(unit_at..)?);
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(amount * 3_600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}

/// A question as it came in, checked.
///
/// # Errors
/// `Caller`, naming the field and the reason.
pub fn request(wire: wire::SearchRequest, deadline: Option<Instant>) -> Result<SearchRequest> {
    let request = SearchRequest {
        mode: match wire::Mode::try_from(wire.mode) {
            Ok(wire::Mode::Unspecified) => Mode::default(),
            Ok(wire::Mode::Hybrid) => Mode::Hybrid,
            Ok(wire::Mode::Lexical) => Mode::Lexical,
            Ok(wire::Mode::Dense) => Mode::Dense,
            Err(_) => return Err(unknown("mode", wire.mode, "1 hybrid, 2 lexical, 3 dense")),
        },
        grouping: match wire::Grouping::try_from(wire.grouping) {
            Ok(wire::Grouping::Unspecified) => Grouping::default(),
            Ok(wire::Grouping::Article) => Grouping::Article,
            Ok(wire::Grouping::Passage) => Grouping::Passage,
            Err(_) => return Err(unknown("grouping", wire.grouping, "1 article, 2 passage")),
        },
        query: wire.query,
        top_k: wire.top_k.map(size),
        offset: wire.offset.map_or(0, size),
        fusion: wire.fusion.map_or(Ok(FusionRequest::default()), fusion)?,
        filter: wire.filter.map_or(Ok(Filter::default()), filter)?,
        explain: wire.explain,
        candidates: wire.candidates.map(size),
        ef_search: wire.ef_search.map(size),
        exact: wire.exact,
        today: wire.today.map(|text| date("today", &text)).transpose()?,
        as_of: wire.as_of.map(|text| date("as_of", &text)).transpose()?,
        deadline,
    };
    request.check()?;
    Ok(request)
}

fn fusion(wire: wire::Fusion) -> Result<FusionRequest> {
    let method = match wire::FusionMethod::try_from(wire.method) {
        Ok(wire::FusionMethod::Unspecified) => FusionMethod::default(),
        Ok(wire::FusionMethod::Learned) => FusionMethod::Learned,
        Ok(wire::FusionMethod::Convex) => FusionMethod::Convex,
        Ok(wire::FusionMethod::Rrf) => FusionMethod::Rrf,
        Err(_) => return Err(unknown("fusion.method", wire.method, "1 learned, 2 convex, 3 rrf")),
    };
    Ok(FusionRequest {
        method,
        dense_weight: wire.dense_weight,
        rrf_k: wire.rrf_k,
    })
}

pub(super) fn filter(wire: wire::Filter) -> Result<Filter> {
    let mut filter = Filter {
        article_ids: wire.article_ids,
        sources: wire.sources,
        regions: wire.regions,
        years: wire
            .years
            .iter()
            .map(|year| checked_year(*year))
            .collect::<Result<_>>()?,
        published_from: wire
            .published_from
            .map(|text| date("filter.published_from", &text))
            .transpose()?,
        published_to: wire
            .published_to
            .map(|text| date("filter.published_to", &text))
            .transpose()?,
        kinds: wire.kinds.into_iter().map(wanted_kind).collect::<Result<_>>()?,
    };
    for wire::FieldFilter { name, values } in wire.fields {
        match name.as_str() {
            "article_ids" => filter.article_ids.extend(values),
            "sources" => filter.sources.extend(values),
            "regions" => filter.regions.extend(values),
            "years" => {
                for value in values {
                    let year = value.trim().parse().map_err(|_| not_a_year(&value))?;
                    filter.years.push(checked_year(year)?);
                }
            }
            "kinds" => {
                for value in values {
                    let kind = wire::ArticleKind::from_str_name(&value).unwrap_or_default();
                    let kind = core_kind(kind).ok_or_else(|| no_kind(format!("`{value}`")))?;
                    filter.kinds.push(kind);
                }
            }
            "published_from" => single_date("filter.published_from", &values, &mut filter.published_from)?,
            "published_to" => single_date("filter.published_to", &values, &mut filter.published_to)?,
            _ => {
                return Err(Error::caller(format!(
                    "filter.{name}: there is no such field; known are {}",
                    FILTER_FIELDS.join(", ")
                )));
            }
        }
    }
    Ok(filter)
}

/// A kind that a filter asks for by its number.
fn wanted_kind(number: i32) -> Result<ArticleKind> {
    let kind = wire::ArticleKind::try_from(number).unwrap_or_default();
    core_kind(kind).ok_or_else(|| no_kind(number))
}

fn core_kind(wire: wire::ArticleKind) -> Option<ArticleKind> {
    match wire {
        wire::ArticleKind::Unspecified => None,
        wire::ArticleKind::Full => Some(ArticleKind::Full),
        wire::ArticleKind::Summary => Some(ArticleKind::Summary),
    }
}

fn no_kind(value: impl std::fmt::Display) -> Error {
    let known = ArticleKind::ALL.map(|known| kind(known).as_str_name()).join(", ");
    Error::caller(format!(
        "filter.kinds: {value} is no kind of article; known are {known}"
    ))
}

fn single_date(field: &str, values: &[String], slot: &mut Option<Date>) -> Result<()> {
    match (values, &slot) {
        ([value], None) => {
            *slot = Some(date(field, value)?);
            Ok(())
        }
        ([_], Some(_)) => Err(Error::caller(format!("{field}: is set twice"))),
        _ => Err(Error::caller(format!(
            "{field}: has {} values, takes exactly one day",
            values.len()
        ))),
    }
}

fn checked_year(year: u32) -> Result<u16> {
    match u16::try_from(year) {
        Ok(short @ (0..=99 | 1000..=9999)) => Ok(short),
        _ => Err(not_a_year(year)),
    }
}

fn not_a_year(value: impl std::fmt::Display) -> Error {
    Error::caller(format!("filter.years: `{value}` is not a year from 1000 to 9999")).help("write a year such as 2023")
}

pub(super) fn date(field: &str, text: &str) -> Result<Date> {
    text::day(text).map_err(|cause| cause.context(field))
}

fn unknown(field: &str, value: i32, known: &str) -> Error {
    Error::caller(format!("{field}: {value} means nothing; known are {known}"))
}

/// A count or a size as the wire has it; one that does not fit is sent as the largest.
pub(super) fn narrow(number: impl TryInto<u32>) -> u32 {
    number.try_into().unwrap_or(u32::MAX)
}

/// A number of the wire; where `usize` is narrower it saturates and fails the core's limits.
pub(super) fn size(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn lack(core: Lack) -> wire::Lack {
    match core {
        Lack::Meaning => wire::Lack::Meaning,
        Lack::Words => wire::Lack::Words,
        Lack::Reranking => wire::Lack::Reranking,
    }
}

/// An answer as it goes out, with what it took this time.
pub fn response(core: &SearchResponse, took: &Timings) -> wire::SearchResponse {
    let made_by = &core.provenance;
    wire::SearchResponse {
        hits: core.hits.iter().map(hit).collect(),
        candidates: core.candidates as u64,
        corrected: core.corrected.clone().unwrap_or_default(),
        degraded: core.degraded.clone(),
        lacking: core.lacking.iter().map(|lack| i32::from(self::lack(*lack))).collect(),
        next_offset: None,
        answerable: core.answerable,
        reranked: core.reranked.map(narrow),
        missing: core.missing.as_ref().map(|missing| wire::Missing {
            places: missing.places.clone(),
            years: missing.years.iter().copied().map(u32::from).collect(),
            nowhere: missing.nowhere,
            sentence: missing.sentence.clone(),
            products: missing.products.clone(),
        }),
        timings: Some(timings(took)),
        provenance: Some(wire::Provenance {
            commit: made_by.commit,
            analysis: made_by.analysis.clone(),
            model: made_by.model.clone(),
            weights: made_by.weights.clone(),
        }),
    }
}

/// One outcome of a batch as it goes out.
pub fn batch_item(index: usize, outcome: Result<wire::SearchResponse>) -> wire::BatchSearchResponse {
    use wire::batch_search_response::Outcome;
    wire::BatchSearchResponse {
        index: narrow(index),
        outcome: Some(match outcome {
            Ok(answer) => Outcome::Response(answer),
            Err(error) => Outcome::Error(item_error(&error)),
        }),
    }
}

/// Why one of several things that were asked for failed.
fn item_error(error: &Error) -> wire::ItemError {
    let Refusal { field, help, .. } = Refusal::new(error);
    wire::ItemError {
        code: status::code(error.fault()).into(),
        message: status::message(error),
        field,
        help,
    }
}

/// How long the stages took.
fn timings(core: &Timings) -> wire::Timings {
    wire::Timings {
        total_micros: micros(core.total),
        stages: core
            .stages()
            .map(|(stage, time)| wire::StageTime {
                stage: stage.to_owned(),
                micros: micros(time),
            })
            .collect(),
        cached: core.cached,
    }
}

fn hit(core: &Hit) -> wire::Hit {
    let best_sentence = core.best_sentence.map(|place| wire::BestSentence {
        text: place.of(&core.text),
        span: Some(span(place)),
    });
    wire::Hit {
        article_id: core.article_id.clone(),
        passage_id: core.passage_id.clone(),
        title: core.title.clone(),
        text: core.text.clone(),
        score: core.score,
        heading: core.heading.clone(),
        span: Some(span(core.span)),
        source: core.source.clone(),
        url: core.url.clone(),
        published: core.published.map(|day| day.to_string()),
        kind: kind(core.kind).into(),
        highlights: core.highlights.iter().copied().map(span).collect(),
        title_highlights: core.title_highlights.iter().copied().map(span).collect(),
        best_sentence,
        explanation: core.explanation.as_ref().map(explanation),
        duplicates: core.duplicates.clone(),
        near_copies: core
            .near_copies
            .iter()
            .map(|copy| wire::NearCopy {
                passage_id: copy.passage_id.clone(),
                title: copy.title.clone(),
                difference: copy.difference.clone(),
                newer: copy.newer,
            })
            .collect(),
        attributes: core.attributes.clone(),
        regions: core.regions.clone(),
        years: core.years.iter().copied().map(u32::from).collect(),
        applies: (core.applies != Applies::default()).then(|| wire::Applies {
            place: fit(core.applies.place).into(),
            year: fit(core.applies.year).into(),
            product: fit(core.applies.product).into(),
        }),
        validity: (!core.validity.is_unsaid()).then(|| wire::Validity {
            effective: core.validity.effective.map(|day| day.to_string()),
            expired: core.validity.expired.map(|day| day.to_string()),
            force: force(core.force).into(),
        }),
    }
}

fn force(core: Option<Force>) -> wire::Force {
    match core {
        None | Some(Force::NotSaid) => wire::Force::Unspecified,
        Some(Force::Holds) => wire::Force::Holds,
        Some(Force::Ended) => wire::Force::Ended,
        Some(Force::NotYet) => wire::Force::NotYet,
    }
}

fn kind(core: ArticleKind) -> wire::ArticleKind {
    match core {
        ArticleKind::Full => wire::ArticleKind::Full,
        ArticleKind::Summary => wire::ArticleKind::Summary,
    }
}

fn fit(core: Option<Fit>) -> wire::Fit {
    match core {
        None => wire::Fit::Unspecified,
        Some(Fit::Same) => wire::Fit::Same,
        Some(Fit::Wider) => wire::Fit::Wider,
        Some(Fit::Other) => wire::Fit::Other,
        Some(Fit::NotSaid) => wire::Fit::NotSaid,
    }
}

fn explanation(core: &Explanation) -> wire::Explanation {
    wire::Explanation {
        reranker: core.reranker.map(rank_part),
        lexical: core.lexical.map(rank_part),
        dense: core.dense.map(rank_part),
        terms: core
            .terms
            .iter()
            .map(|term| wire::TermMatch {
                term: term.term.clone(),
                score: term.score,
                synonym: term.synonym,
            })
            .collect(),
        contributions: core
            .contributions
            .iter()
            .map(|(name, amount)| wire::Contribution {
                name: name.clone(),
                amount: *amount,
            })
            .collect(),
        swap_weight: core.swap_weight,
        summary: core.summary.clone(),
    }
}

fn rank_part(core: RankPart) -> wire::RankPart {
    wire::RankPart {
        rank: core.rank,
        score: core.score,
        normalized: core.normalized,
    }
}

fn span(core: Span) -> wire::Span {
    wire::Span {
        start: core.start,
        end: core.end,
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::Fault;

    #[test]
    fn timeouts_read_as_the_protocol_says() {
        let check = |header: &str, expected: Option<Duration>| assert_eq!(timeout(header), expected, "{header}");
        check("1H", Some(Duration::from_secs(3_600)));
        check("2M", Some(Duration::from_secs(120)));
        check("3S", Some(Duration::from_secs(3)));
        check("250m", Some(Duration::from_millis(250)));
        check("99999999u", Some(Duration::from_micros(99_999_999)));
        check("0n", Some(Duration::ZERO));
        check("123456789m", None);
        check("m", None);
        check("", None);
        check("1", None);
        check("-1S", None);
        check("1.5S", None);
        check("1时", None);
        check("99999999H", Some(Duration::from_secs(99_999_999 * 3_600)));
    }

    fn asked(change: impl FnOnce(&mut wire::SearchRequest)) -> wire::SearchRequest {
        let mut wire = wire::SearchRequest {
            query: "医保断缴怎么办".into(),
            ..Default::default()
        };
        change(&mut wire);
        wire
    }

    fn by_field(name: &str, values: &[&str]) -> wire::Filter {
        wire::Filter {
            fields: vec![wire::FieldFilter {
                name: name.into(),
                values: values.iter().map(|value| (*value).to_owned()).collect(),
            }],
            ..Default::default()
        }
    }

    #[test]
    fn what_is_not_set_is_the_default() {
        let request = request(asked(|_| {}), None).unwrap();
        assert_eq!(request.mode, Mode::Hybrid);
        assert_eq!(request.grouping, Grouping::Article);
        assert_eq!(request.fusion, FusionRequest::default());
        assert_eq!(
            (request.top_k, request.offset, request.candidates, request.ef_search),
            (None, 0, None, None)
        );
        assert!(request.filter.is_empty());
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_field() {
        let check = |change: &dyn Fn(&mut wire::SearchRequest), start: &str| {
            let error = request(asked(change), None).unwrap_err();
            assert_eq!(error.fault(), Fault::Caller);
            assert!(error.message().starts_with(start), "{error}, expected {start}");
        };
        check(&|r| r.query = String::new(), "query:");
        check(&|r| r.top_k = Some(0), "top_k:");
        check(&|r| r.top_k = Some(1_000_000), "top_k:");
        check(&|r| r.offset = Some(u32::MAX), "offset:");
        check(&|r| r.mode = 9, "mode:");
        check(&|r| r.grouping = -1, "grouping:");
        check(&|r| r.today = Some("昨天".into()), "today:");
        let fusion = |fusion| move |r: &mut wire::SearchRequest| r.fusion = Some(fusion);
        check(
            &fusion(wire::Fusion {
                method: 7,
                ..Default::default()
            }),
            "fusion.method:",
        );
        check(
            &fusion(wire::Fusion {
                dense_weight: Some(f32::NAN),
                ..Default::default()
            }),
            "fusion.dense_weight:",
        );
        check(
            &|r| {
                r.filter = Some(wire::Filter {
                    years: vec![70_000],
                    ..Default::default()
                })
            },
            "filter.years:",
        );
        check(
            &|r| {
                r.filter = Some(wire::Filter {
                    published_to: Some(String::new()),
                    ..Default::default()
                })
            },
            "filter.published_to:",
        );
        let open = |name: &'static str, values: &'static [&'static str]| {
            move |r: &mut wire::SearchRequest| r.filter = Some(by_field(name, values))
        };
        check(
            &open("author", &["x"]),
            "filter.author: there is no such field; known are article_ids, sources",
        );
        check(&open("", &[]), "filter.: there is no such field");
        check(&open("years", &["2025", "今年"]), "filter.years: `今年`");
        check(&open("years", &["99999"]), "filter.years: `99999`");
        check(&open("published_from", &[]), "filter.published_from: has 0 values");
        check(
            &open("published_from", &["2025-01-01", "2025-01-02"]),
            "filter.published_from: has 2 values",
        );
        check(
            &|r| {
                r.filter = Some(wire::Filter {
                    kinds: vec![0],
                    ..Default::default()
                })
            },
            "filter.kinds: 0 is no kind of article; known are ARTICLE_KIND_FULL, ARTICLE_KIND_SUMMARY",
        );
        check(&open("kinds", &["full"]), "filter.kinds: `full` is no kind of article");
        check(
            &open("published_from", &["2025-02-30"]),
            "filter.published_from: `2025-02-30`",
        );
        check(
            &|r| {
                let mut filter = by_field("published_to", &["2025-01-01"]);
                filter.published_to = Some("2025-01-01".into());
                r.filter = Some(filter);
            },
            "filter.published_to: is set twice",
        );
    }

    #[test]
    fn the_open_form_of_a_filter_equals_the_typed_one() {
        let typed = wire::Filter {
            article_ids: vec!["a".into(), "b".into()],
            sources: vec!["宁波医保".into()],
            regions: vec!["浙江".into()],
            years: vec![2019, 2025],
            published_from: Some("2019-01-01".into()),
            published_to: Some("2025-04-19".into()),
            kinds: vec![wire::ArticleKind::Full.into(), wire::ArticleKind::Summary.into()],
            fields: Vec::new(),
        };
        let mut open = wire::Filter::default();
        for (name, values) in [
            ("article_ids", &["a", "b"][..]),
            ("sources", &["宁波医保"]),
            ("regions", &["浙江"]),
            ("years", &["2019", "2025"]),
            ("published_from", &["2019-01-01"]),
            ("published_to", &["2025-04-19"]),
            ("kinds", &["ARTICLE_KIND_FULL", "ARTICLE_KIND_SUMMARY"]),
        ] {
            open.fields.extend(by_field(name, values).fields);
        }
        assert_eq!(filter(typed).unwrap(), filter(open).unwrap());
    }

    fn any_date() -> impl Strategy<Value = Date> {
        (1000..=9999_u32, 1..=12_u32, 1..=28_u32).prop_filter_map("a day", |(y, m, d)| Date::new(y, m, d))
    }

    prop_compose! {
        fn any_request()(
            query in "[医保a-z]{1,20}",
            (top_k, offset) in (prop::option::of(1..=1_000_usize), 0..=9_000_usize),
            mode in prop::sample::select(vec![Mode::Hybrid, Mode::Lexical, Mode::Dense]),
            method in prop::sample::select(vec![FusionMethod::Learned, FusionMethod::Convex, FusionMethod::Rrf]),
            (dense_weight, rrf_k) in (prop::option::of(0.0..=1.0_f32), prop::option::of(0.5..1_000.0_f32)),
            (article_ids, sources, regions) in
                (prop::collection::vec("[a-z]{1,4}", 0..3), prop::collection::vec("[a-z]{1,4}", 0..3),
                 prop::collection::vec("[a-z]{1,4}", 0..3)),
            years in prop::collection::vec(1000..=9999_u16, 0..3),
            (published_from, today, as_of) in
                (prop::option::of(any_date()), prop::option::of(any_date()), prop::option::of(any_date())),
            kinds in prop::collection::vec(prop::sample::select(ArticleKind::ALL.to_vec()), 0..3),
            grouping in prop::sample::select(vec![Grouping::Article, Grouping::Passage]),
            (explain, exact) in (any::<bool>(), any::<bool>()),
            (candidates, ef_search) in (prop::option::of(1..=10_000_usize), prop::option::of(1..=10_000_usize)),
        ) -> SearchRequest {
            SearchRequest {
                query, top_k, offset, mode, grouping, explain, candidates, ef_search, today, as_of, exact,
                fusion: FusionRequest { method, dense_weight, rrf_k },
                filter: Filter { article_ids, sources, regions, years, published_from, published_to: None, kinds },
                deadline: None,
            }
        }
    }

    proptest! {
        #[test]
        fn a_request_survives_the_wire(core in any_request()) {
            let back = request(ask::request(&core), None).unwrap();
            prop_assert_eq!(format!("{back:?}"), format!("{core:?}"));
        }

        #[test]
        fn no_timeout_header_panics(header in ".{0,12}") {
            let _ = timeout(&header);
        }
    }

    #[test]
    fn an_answer_survives_the_wire_and_shows_its_best_sentence() {
        let answer = super::super::tests::full_answer();
        let sent = response(&answer, &answer.timings);
        assert_eq!(sent.hits[0].best_sentence.as_ref().unwrap().text, "可以补缴。");
        assert_eq!(sent.timings.as_ref().unwrap().stages.len(), 7);
        assert_eq!(ask::response(sent).unwrap(), answer);
    }

    #[test]
    fn spans_beyond_the_text_are_cut_short() {
        let check = |start, end, expected: &str| assert_eq!(Span { start, end }.of("医保断缴"), expected);
        check(0, 2, "医保");
        check(2, 99, "断缴");
        check(9, 99, "");
        check(3, 1, "");
        check(0, u32::MAX, "医保断缴");
    }
}
