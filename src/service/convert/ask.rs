//! The client's half of the conversions: questions of the core go out, answers come back.

use std::time::Duration;

use super::super::{status, wire};
use super::{kind, narrow};
use crate::error::{Error, Fault, Result};
use crate::model::{ArticleKind, Date, Filter, Force, Validity};
use crate::search::request::{FusionMethod, FusionRequest, Grouping, Mode, SearchRequest};
use crate::search::response::{
    Applies, Explanation, Fit, Hit, Lack, Missing, NearCopy, Provenance, RankPart, STAGES, SearchResponse, Span,
    TermMatch, Timings,
};

/// The outcome of one question of a batch as a client received it.
///
/// # Errors
/// The item's own error, or `Corrupt` if it holds neither an answer nor an error.
pub fn batch_item(wire: wire::BatchSearchResponse) -> Result<SearchResponse> {
    use wire::batch_search_response::Outcome;
    match wire.outcome {
        Some(Outcome::Response(answer)) => response(answer),
        Some(Outcome::Error(error)) => Err(status::from_status(&tonic::Status::new(
            error.code.into(),
            error.message,
        ))),
        None => Err(Error::corrupt(format!(
            "item {} of the batch holds neither an answer nor an error",
            wire.index
        ))),
    }
}

/// A question as a client sends it. The deadline does not travel in the message but as the call's timeout.
pub fn request(core: &SearchRequest) -> wire::SearchRequest {
    wire::SearchRequest {
        query: core.query.clone(),
        top_k: core.top_k.map(narrow),
        mode: match core.mode {
            Mode::Hybrid => wire::Mode::Hybrid,
            Mode::Lexical => wire::Mode::Lexical,
            Mode::Dense => wire::Mode::Dense,
        }
        .into(),
        offset: (core.offset > 0).then_some(narrow(core.offset)),
        filter: filter(&core.filter),
        fusion: (core.fusion != FusionRequest::default()).then(|| wire::Fusion {
            method: match core.fusion.method {
                FusionMethod::Learned => wire::FusionMethod::Learned,
                FusionMethod::Convex => wire::FusionMethod::Convex,
                FusionMethod::Rrf => wire::FusionMethod::Rrf,
            }
            .into(),
            dense_weight: core.fusion.dense_weight,
            rrf_k: core.fusion.rrf_k,
        }),
        grouping: match core.grouping {
            Grouping::Article => wire::Grouping::Article,
            Grouping::Passage => wire::Grouping::Passage,
        }
        .into(),
        explain: core.explain,
        candidates: core.candidates.map(narrow),
        ef_search: core.ef_search.map(narrow),
        exact: core.exact,
        today: core.today.map(|day| day.to_string()),
        as_of: core.as_of.map(|day| day.to_string()),
    }
}

/// A filter as a client sends it; none where it lets everything through.
pub fn filter(core: &Filter) -> Option<wire::Filter> {
    (!core.is_empty()).then(|| wire::Filter {
        article_ids: core.article_ids.clone(),
        sources: core.sources.clone(),
        regions: core.regions.clone(),
        years: core.years.iter().copied().map(u32::from).collect(),
        published_from: core.published_from.map(|day| day.to_string()),
        published_to: core.published_to.map(|day| day.to_string()),
        kinds: core.kinds.iter().map(|&of| kind(of).into()).collect(),
        fields: Vec::new(),
    })
}

/// What an answer lacks; what a newer service may lack is passed over.
fn lack(wire: i32) -> Option<Lack> {
    match wire::Lack::try_from(wire).ok()? {
        wire::Lack::Unspecified => None,
        wire::Lack::Meaning => Some(Lack::Meaning),
        wire::Lack::Words => Some(Lack::Words),
        wire::Lack::Reranking => Some(Lack::Reranking),
    }
}

/// An answer as a client received it. Stages it does not know are passed over.
///
/// # Errors
/// `Corrupt` if a day in it is none.
pub fn response(wire: wire::SearchResponse) -> Result<SearchResponse> {
    let provenance = wire.provenance.unwrap_or_default();
    Ok(SearchResponse {
        hits: wire.hits.into_iter().map(hit).collect::<Result<_>>()?,
        candidates: usize::try_from(wire.candidates).unwrap_or(usize::MAX),
        corrected: (!wire.corrected.is_empty()).then_some(wire.corrected),
        lacking: wire.lacking.iter().filter_map(|lack| self::lack(*lack)).collect(),
        degraded: wire.degraded,
        answerable: wire.answerable,
        reranked: wire.reranked.map(|count| count as usize),
        missing: wire.missing.map(|missing| Missing {
            places: missing.places,
            years: years(missing.years),
            nowhere: missing.nowhere,
            sentence: missing.sentence,
            products: missing.products,
        }),
        timings: timings(&wire.timings.unwrap_or_default()),
        provenance: Provenance {
            commit: provenance.commit,
            analysis: provenance.analysis,
            model: provenance.model,
            weights: provenance.weights,
        },
    })
}

/// The stages of an answer as a client received them; stages it does not know are passed over.
fn timings(wire: &wire::Timings) -> Timings {
    let mut timings = Timings {
        total: Duration::from_micros(wire.total_micros),
        cached: wire.cached,
        ..Timings::default()
    };
    for stage in &wire.stages {
        if let Some((_, time)) = STAGES.iter().find(|(name, _)| *name == stage.stage) {
            *time(&mut timings) = Duration::from_micros(stage.micros);
        }
    }
    timings
}

fn hit(wire: wire::Hit) -> Result<Hit> {
    let day = |text: Option<String>| {
        let day = text.map(|text| text.parse::<Date>()).transpose();
        day.map_err(|cause| {
            Error::new(Fault::Corrupt, cause.message().to_owned())
                .context(format_args!("reading the answer's hit {}", wire.passage_id))
        })
    };
    let published = day(wire.published)?;
    let said = wire.validity.unwrap_or_default();
    let force = force(said.force);
    let (effective, expired) = (day(said.effective)?, day(said.expired)?);
    let validity = Validity {
        effective,
        expired,
        ended: force == Some(Force::Ended) && expired.is_none(),
    };
    Ok(Hit {
        kind: match wire::ArticleKind::try_from(wire.kind) {
            Ok(wire::ArticleKind::Summary) => ArticleKind::Summary,
            _ => ArticleKind::Full,
        },
        article_id: wire.article_id,
        passage_id: wire.passage_id,
        title: wire.title,
        heading: wire.heading,
        text: wire.text,
        span: span(wire.span.unwrap_or_default()),
        score: wire.score,
        source: wire.source,
        url: wire.url,
        published,
        highlights: wire.highlights.into_iter().map(span).collect(),
        title_highlights: wire.title_highlights.into_iter().map(span).collect(),
        best_sentence: wire.best_sentence.and_then(|sentence| sentence.span).map(span),
        explanation: wire.explanation.map(explanation),
        duplicates: wire.duplicates,
        near_copies: wire
            .near_copies
            .into_iter()
            .map(|copy| NearCopy {
                passage_id: copy.passage_id,
                title: copy.title,
                difference: copy.difference,
                newer: copy.newer,
            })
            .collect(),
        attributes: wire.attributes,
        regions: wire.regions,
        years: years(wire.years),
        applies: wire.applies.map_or_else(Applies::default, |applies| Applies {
            place: fit(applies.place),
            year: fit(applies.year),
            product: fit(applies.product),
        }),
        validity,
        force,
    })
}

/// Four digits each, or the service is another one.
fn years(wire: Vec<u32>) -> Vec<u16> {
    wire.into_iter().filter_map(|year| u16::try_from(year).ok()).collect()
}

/// A number that this client does not know says nothing.
fn fit(wire: i32) -> Option<Fit> {
    match wire::Fit::try_from(wire).ok()? {
        wire::Fit::Unspecified => None,
        wire::Fit::Same => Some(Fit::Same),
        wire::Fit::Wider => Some(Fit::Wider),
        wire::Fit::Other => Some(Fit::Other),
        wire::Fit::NotSaid => Some(Fit::NotSaid),
    }
}

fn force(wire: i32) -> Option<Force> {
    match wire::Force::try_from(wire).ok()? {
        wire::Force::Unspecified => None,
        wire::Force::Holds => Some(Force::Holds),
        wire::Force::Ended => Some(Force::Ended),
        wire::Force::NotYet => Some(Force::NotYet),
    }
}

fn explanation(wire: wire::Explanation) -> Explanation {
    let part = |part: wire::RankPart| RankPart {
        rank: part.rank,
        score: part.score,
        normalized: part.normalized,
    };
    Explanation {
        reranker: wire.reranker.map(part),
        lexical: wire.lexical.map(part),
        dense: wire.dense.map(part),
        terms: wire
            .terms
            .into_iter()
            .map(|term| TermMatch {
                term: term.term,
                score: term.score,
                synonym: term.synonym,
            })
            .collect(),
        contributions: wire
            .contributions
            .into_iter()
            .map(|part| (part.name, part.amount))
            .collect(),
        swap_weight: wire.swap_weight,
        summary: wire.summary,
    }
}

fn span(wire: wire::Span) -> Span {
    Span {
        start: wire.start,
        end: wire.end,
    }
}
