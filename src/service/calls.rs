//! The calls of `SearchService`, whatever protocol they come in by: each reads its message, asks, and makes a message
//! of the answer.
//!
//! Nothing here computes: this code runs on async workers, which must stay free for the network. What becomes of a
//! message (`form`: as it is, or JSON) is done in the thread that made it.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::ready;
use futures_util::stream::{self, Stream, StreamExt};
use tokio::task::JoinSet;
use tracing::{Instrument as _, Span};

use super::access::count_questions;
use super::activity::{self, coming_by};
use super::answers::{Answers, WhenFull};
use super::collection::{Collection, CollectionCell, opened};
use super::completions::CompletionCache;
use super::convert::browse;
use super::limits::Limits;
use super::trace::{self, told};
use super::{convert, fitting, wire};
use crate::compute::Budget;
use crate::error::{Error, Fault, Result};
use crate::model::Filter;
use crate::search::browse::{analyze, facet_limit, facets, facets_of_hits, similar, whole_article};
use crate::search::response::{SearchResponse, Timings};
use crate::search::understood;

/// `baowen.v1.SearchService` over a core.
#[derive(Clone)]
pub struct SearchCalls {
    answers: Arc<Answers>,
    collection: Arc<CollectionCell>,
    completions: Arc<CompletionCache>,
    limits: CallLimits,
}

/// Hits of a question that its facets are counted among.
const COUNTED_HITS: u32 = 200;

/// What one call may ask for.
#[derive(Debug, Clone)]
pub struct CallLimits {
    /// Of which most questions of one batch.
    pub changing: Arc<Limits>,
    /// Questions of one batch that may be in flight at a time; so a batch slows nobody down for long.
    pub batch_window: usize,
    /// Largest answer, in bytes of its message.
    pub max_response_bytes: usize,
}

impl SearchCalls {
    /// Calls that are answered by `answers`, and about the articles of `collection` once it is open.
    pub fn new(answers: Arc<Answers>, collection: Arc<CollectionCell>, limits: CallLimits) -> Self {
        SearchCalls {
            answers,
            completions: Arc::new(CompletionCache::new(collection.clone())),
            collection,
            limits,
        }
    }

    /// Answers one question.
    ///
    /// # Errors
    /// `Caller` by the field, the core's, `form`'s, and those of the pool.
    pub async fn search<T: Send + 'static>(
        &self,
        request: wire::SearchRequest,
        deadline: Option<Instant>,
        form: fn(wire::SearchResponse) -> Result<T>,
    ) -> Result<T> {
        self.ask(request, deadline, WhenFull::Refuse, form).await
    }

    /// Answers many questions, in their order. An error ends the whole; that of one question is in its own item.
    ///
    /// # Errors
    /// `Caller` if they are too many, or none; `Exhausted` if they are more than the caller's rate.
    pub fn batch<T: Send + 'static>(
        &self,
        requests: Vec<wire::SearchRequest>,
        deadline: Option<Instant>,
        form: fn(wire::SearchResponse) -> Result<T>,
    ) -> Result<impl Stream<Item = Result<(usize, Result<T>)>> + Send + use<T>> {
        if requests.is_empty() {
            return Err(Error::caller("requests: is empty").help("name one question at least"));
        }
        let max_batch = self.limits.changing.now().max_batch;
        if requests.len() > max_batch {
            return Err(Error::caller(format!(
                "requests: has {} questions, must have 1 to {max_batch}",
                requests.len(),
            ))
            .help("send the rest in another call"));
        }
        count_questions(requests.len())?;
        let calls = self.clone();
        // A task of its own knows nothing of the call that it belongs to.
        let (connection, trace, span) = (activity::current(), trace::current(), Span::current());
        let outcomes = stream::iter(requests)
            .map(move |request| {
                let calls = calls.clone();
                // A task of its own, which ends with this: where nobody reads, a thread that it is given is used and
                // given back all the same.
                let mut asked = JoinSet::new();
                let (connection, trace) = (connection.clone(), trace.clone());
                let ask = async move { calls.ask(request, deadline, WhenFull::Wait, form).await };
                asked.spawn(told(trace, coming_by(connection, ask)).instrument(span.clone()));
                async move {
                    match asked.join_next().await {
                        Some(Ok(outcome)) => outcome,
                        _ => Err(Error::bug("a question of a batch ended without an outcome")),
                    }
                }
            })
            .buffered(self.limits.batch_window.max(1));
        // The deadline is the whole call's, so it ends the call, not one item after another.
        Ok((outcomes.enumerate()).scan(false, |has_ended, (index, outcome)| {
            let item = match outcome {
                Err(error) if error.fault() == Fault::Deadline => Err(error),
                outcome => Ok((index, outcome)),
            };
            let next = (!*has_ended).then_some(item);
            *has_ended = next.as_ref().is_none_or(Result::is_err);
            ready(next)
        }))
    }

    /// An article, or as much of it as an answer holds.
    ///
    /// # Errors
    /// `Caller` by the field, `Missing` if there is none of that id, those of the index and of the pool.
    pub async fn get_article<T: Send + 'static>(
        &self,
        request: wire::GetArticleRequest,
        deadline: Option<Instant>,
        form: fn(wire::GetArticleResponse) -> Result<T>,
    ) -> Result<T> {
        let limit = self.limits.max_response_bytes;
        self.look(deadline, move |collection, budget| {
            let article = whole_article(&*collection.snapshot()?, &request.article_id, budget)?;
            form(fitting::article(browse::article(article), &request, limit)?)
        })
        .await
    }

    /// Articles like one.
    ///
    /// # Errors
    /// `Caller` by the field, `Missing` if there is none of that id, those of the index and of the pool.
    pub async fn similar<T: Send + 'static>(
        &self,
        request: wire::SimilarRequest,
        deadline: Option<Instant>,
        form: fn(wire::SimilarResponse) -> Result<T>,
    ) -> Result<T> {
        let filter = request.filter.map_or(Ok(Filter::default()), convert::filter)?;
        let wanted = request.top_k.map(convert::size);
        self.look(deadline, move |collection, budget| {
            let filter = understood(&filter, &collection.analyzer)?;
            let (snapshot, id) = (collection.snapshot()?, &request.article_id);
            let found = similar(snapshot, &collection.analyzer, id, wanted, &filter, budget)?;
            form(browse::similar(found))
        })
        .await
    }

    /// Counts of articles.
    ///
    /// # Errors
    /// `Caller` by the field, those of the index, of the core and of the pool.
    pub async fn facets<T: Send + 'static>(
        &self,
        request: wire::FacetsRequest,
        deadline: Option<Instant>,
        form: fn(wire::FacetsResponse) -> Result<T>,
    ) -> Result<T> {
        let limit = facet_limit(request.limit.map(convert::size))?;
        if let Some(query) = request.query {
            let question = wire::SearchRequest {
                query,
                top_k: Some(COUNTED_HITS),
                filter: request.filter,
                ..Default::default()
            };
            let question = convert::request(question, deadline)?;
            let cell = self.collection.clone();
            let count = move |answer: &SearchResponse, _: &Timings| {
                form(browse::facets(facets_of_hits(
                    &answer.hits,
                    &opened(&cell)?.analyzer,
                    limit,
                )))
            };
            return self.answers.ask(question, WhenFull::Refuse, count).await;
        }
        let filter = request.filter.map_or(Ok(Filter::default()), convert::filter)?;
        self.look(deadline, move |collection, budget| {
            let counts = facets(&*collection.snapshot()?, &collection.analyzer, &filter, limit, budget)?;
            form(browse::facets(counts))
        })
        .await
    }

    /// Completions.
    ///
    /// # Errors
    /// `Caller` by the field, those of the index and of the pool.
    pub async fn suggest<T: Send + 'static>(
        &self,
        request: wire::SuggestRequest,
        deadline: Option<Instant>,
        form: fn(wire::SuggestResponse) -> Result<T>,
    ) -> Result<T> {
        let completions = self.completions.get().await?;
        let find = move || {
            form(browse::suggestions(
                completions.find(&request.query, request.top_k.map(convert::size))?,
            ))
        };
        self.answers.run(deadline, find).await
    }

    /// The questions that an operator should look at. Answered at once: nothing is computed.
    ///
    /// # Errors
    /// `form`'s.
    pub async fn questions_to_review<T>(
        &self,
        _: wire::QuestionsToReviewRequest,
        _: Option<Instant>,
        form: fn(wire::QuestionsToReviewResponse) -> Result<T>,
    ) -> Result<T> {
        form(browse::questions_to_review(self.answers.questions_to_review()))
    }

    /// What becomes of a text.
    ///
    /// # Errors
    /// `Caller` by the field, those of the index and of the pool.
    pub async fn analyze<T: Send + 'static>(
        &self,
        request: wire::AnalyzeRequest,
        deadline: Option<Instant>,
        form: fn(wire::AnalyzeResponse) -> Result<T>,
    ) -> Result<T> {
        let today = request.today.map(|text| convert::date("today", &text)).transpose()?;
        self.look(deadline, move |collection, budget| {
            let snapshot = collection.snapshot()?;
            form(browse::analysis(analyze(
                &*snapshot,
                &collection.analyzer,
                &request.text,
                today,
                budget,
            )?))
        })
        .await
    }

    async fn ask<T: Send + 'static>(
        &self,
        request: wire::SearchRequest,
        deadline: Option<Instant>,
        when_full: WhenFull,
        form: fn(wire::SearchResponse) -> Result<T>,
    ) -> Result<T> {
        let request = convert::request(request, deadline)?;
        let (limit, offset) = (self.limits.max_response_bytes, request.offset);
        let message =
            move |answer: &SearchResponse, timings: &Timings| form(fitting::hits(answer, timings, offset, limit)?);
        self.answers.ask(request, when_full, message).await
    }

    /// Looks something up in the collection, where questions are answered.
    async fn look<T: Send + 'static>(
        &self,
        deadline: Option<Instant>,
        work: impl FnOnce(&Collection, Budget) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let cell = self.collection.clone();
        let budget = Budget::single().until(deadline);
        self.answers.run(deadline, move || work(opened(&cell)?, budget)).await
    }
}
