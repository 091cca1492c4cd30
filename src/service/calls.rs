//! The methods of `SearchService`: each reads its message, asks, and makes a message of the answer.
//!
//! Nothing here computes: this code runs on async workers, which must stay free for the network.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::ready;
use futures_util::stream::{self, Stream, StreamExt};
use prost::Message;
use tonic::{Request, Response, Status};

use super::answers::{Answers, WhenFull};
use super::deadline::Deadline;
use super::wire::search_service_server::SearchService;
use super::{convert, status, wire};
use crate::error::{Error, Fault, Result};
use crate::search::response::{SearchResponse, Timings};

/// `baowen.v1.SearchService` over a core.
#[derive(Clone)]
pub struct SearchCalls {
    answers: Arc<Answers>,
    limits: CallLimits,
}

/// What one call may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimits {
    /// Most questions of one batch.
    pub max_batch: usize,
    /// Questions of one batch that may be in flight at a time; so a batch slows nobody down for long.
    pub batch_window: usize,
    /// Largest answer, in bytes of its message.
    pub max_response_bytes: usize,
}

impl SearchCalls {
    /// Calls that are answered by `answers`.
    pub fn new(answers: Arc<Answers>, limits: CallLimits) -> Self {
        SearchCalls { answers, limits }
    }

    async fn ask(
        &self,
        request: wire::SearchRequest,
        deadline: Option<Instant>,
        when_full: WhenFull,
    ) -> Result<wire::SearchResponse> {
        let request = convert::request(request, deadline)?;
        let limit = self.limits.max_response_bytes;
        let message = move |answer: &SearchResponse, timings: &Timings| message(answer, timings, limit);
        self.answers.ask(request, when_full, message).await
    }
}

#[tonic::async_trait]
impl SearchService for SearchCalls {
    async fn search(&self, request: Request<wire::SearchRequest>) -> Result<Response<wire::SearchResponse>, Status> {
        let deadline = deadline(&request);
        let answer = self.ask(request.into_inner(), deadline, WhenFull::Refuse).await;
        answer.map(Response::new).map_err(|error| status::to_status(&error))
    }

    type BatchSearchStream = Pin<Box<dyn Stream<Item = Result<wire::BatchSearchResponse, Status>> + Send>>;

    async fn batch_search(
        &self,
        request: Request<wire::BatchSearchRequest>,
    ) -> Result<Response<Self::BatchSearchStream>, Status> {
        let deadline = deadline(&request);
        let requests = request.into_inner().requests;
        if requests.is_empty() || requests.len() > self.limits.max_batch {
            let error = Error::caller(format!(
                "requests: has {} questions, must have 1 to {}",
                requests.len(),
                self.limits.max_batch
            ))
            .help("send the rest in another call");
            return Err(status::to_status(&error));
        }
        let calls = self.clone();
        let outcomes = stream::iter(requests)
            .map(move |request| {
                let calls = calls.clone();
                async move { calls.ask(request, deadline, WhenFull::Wait).await }
            })
            .buffered(self.limits.batch_window.max(1));
        // The deadline is the whole call's, so it ends the call, not one item after another.
        let items = (outcomes.enumerate()).scan(false, |has_ended, (index, outcome)| {
            let item = match outcome {
                Err(error) if error.fault() == Fault::Deadline => Err(status::to_status(&error)),
                outcome => Ok(convert::batch_item(index, outcome)),
            };
            let next = (!*has_ended).then_some(item);
            *has_ended = next.as_ref().is_none_or(Result::is_err);
            ready(next)
        });
        Ok(Response::new(Box::pin(items)))
    }
}

/// The answer as it goes out, if it may.
///
/// # Errors
/// `Exhausted` if the answer is too large: tonic would say so too, but not what helps.
fn message(answer: &SearchResponse, timings: &Timings, limit: usize) -> Result<wire::SearchResponse> {
    let message = convert::response(answer, timings);
    // An item of a batch carries a few bytes more.
    let bytes = message.encoded_len().saturating_add(32);
    if bytes > limit {
        let hits = answer.hits.len();
        return Err(Error::new(
            Fault::Exhausted,
            format!("the answer with {hits} hits takes {bytes} bytes, at most {limit} are sent"),
        )
        .help("ask for fewer hits at a time: lower top_k, and page with offset"));
    }
    Ok(message)
}

/// When the caller stops waiting, as [`super::deadline`] has found out.
fn deadline<T>(request: &Request<T>) -> Option<Instant> {
    request.extensions().get::<Deadline>().map(|deadline| deadline.0)
}
