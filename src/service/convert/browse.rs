//! The conversions of what is asked beside questions: whole articles, articles like one, counts, completions, analyses,
//! questions that an operator should look at.

use std::time::UNIX_EPOCH;

use super::super::questions_to_review::{Lists, QuestionToReview};
use super::super::wire;
use super::{kind, narrow, span};
use crate::model::ArticleKind;
use crate::search::browse::{Analysis, Facets, Placed, SimilarArticle, Suggestion, SuggestionKind, WholeArticle};
use crate::text::{QueryTerm, TermOrigin};

/// A whole article as it goes out.
pub fn article(core: WholeArticle) -> wire::GetArticleResponse {
    let article = core.article;
    wire::GetArticleResponse {
        article_id: article.id,
        title: article.title,
        text: article.text,
        source: article.source,
        url: article.url,
        published: article.published.map(|day| day.to_string()),
        kind: kind(article.kind).into(),
        regions: core.regions,
        years: core.years.into_iter().map(u32::from).collect(),
        attributes: article.attributes,
        passages: core
            .passages
            .into_iter()
            .map(|place| wire::PassagePlace {
                passage_id: place.passage_id,
                heading: place.heading,
                span: Some(span(place.span)),
            })
            .collect(),
        next_start: None,
    }
}

/// Articles like one as they go out.
pub fn similar(core: Vec<SimilarArticle>) -> wire::SimilarResponse {
    let article = |core: SimilarArticle| wire::SimilarArticle {
        article_id: core.passage.article_id,
        title: core.passage.title,
        score: core.score,
        source: core.passage.source,
        url: core.passage.url,
        published: core.passage.published.map(|day| day.to_string()),
        kind: kind(core.passage.kind).into(),
        passage_id: core.passage_id,
        text: core.passage.text,
    };
    wire::SimilarResponse {
        articles: core.into_iter().map(article).collect(),
    }
}

/// Counts as they go out.
pub fn facets(core: Facets) -> wire::FacetsResponse {
    let by_kind = |(of, count): (ArticleKind, u64)| (kind(of).as_str_name().to_owned(), count);
    wire::FacetsResponse {
        total: narrow(core.total),
        sources: values(core.sources),
        regions: values(core.regions),
        years: values(core.years.into_iter().map(|(year, count)| (year.to_string(), count))),
        kinds: values(core.kinds.into_iter().map(by_kind)),
    }
}

fn values(counts: impl IntoIterator<Item = (String, u64)>) -> Vec<wire::FacetValue> {
    let value = |(value, count)| wire::FacetValue {
        value,
        count: narrow(count),
    };
    counts.into_iter().map(value).collect()
}

/// Completions as they go out.
pub fn suggestions(core: Vec<Suggestion>) -> wire::SuggestResponse {
    let suggestion = |core: Suggestion| wire::Suggestion {
        text: core.text,
        kind: match core.kind {
            SuggestionKind::Term => wire::SuggestionKind::Term,
            SuggestionKind::Title => wire::SuggestionKind::Title,
        }
        .into(),
        article_id: core.article_id,
    };
    wire::SuggestResponse {
        suggestions: core.into_iter().map(suggestion).collect(),
    }
}

/// An analysis as it goes out.
pub fn analysis(core: Analysis) -> wire::AnalyzeResponse {
    let token = |placed: Placed| wire::Token {
        text: placed.text,
        span: Some(span(placed.span)),
    };
    let words = core.word_terms.into_iter().map(|term| looked_up(term, "words"));
    let bigrams = core.bigram_terms.into_iter().map(|term| looked_up(term, "bigrams"));
    wire::AnalyzeResponse {
        normalized: core.normalized,
        corrected: core.corrected.unwrap_or_default(),
        words: core.words.into_iter().map(token).collect(),
        bigrams: core.bigrams.into_iter().map(token).collect(),
        terms: words.chain(bigrams).collect(),
        dropped: core.dropped,
        regions: core.regions,
        years: core.years.into_iter().map(u32::from).collect(),
        sentences: core.sentences,
        fingerprint: core.fingerprint,
    }
}

fn looked_up(core: QueryTerm, stream: &str) -> wire::LookedUpTerm {
    wire::LookedUpTerm {
        text: core.text,
        stream: stream.to_owned(),
        weight: core.weight,
        origin: match core.origin {
            TermOrigin::Written => wire::TermOrigin::Written,
            TermOrigin::Canonical => wire::TermOrigin::Canonical,
            TermOrigin::Synonym => wire::TermOrigin::Synonym,
        }
        .into(),
    }
}

/// Questions that an operator should look at, as they go out.
pub fn questions_to_review(core: Lists) -> wire::QuestionsToReviewResponse {
    let question = |core: QuestionToReview| wire::QuestionToReview {
        // A clock before 1970 says nothing.
        unix_seconds: core.at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        text: core.text,
        characters: narrow(core.characters),
        micros: u64::try_from(core.took.as_micros()).unwrap_or(u64::MAX),
        hits: narrow(core.hits),
        answerable: core.answerable,
        times: core.times,
    };
    wire::QuestionsToReviewResponse {
        slowest: core.slowest.into_iter().map(question).collect(),
        unanswered: core.unanswered.into_iter().map(question).collect(),
    }
}
