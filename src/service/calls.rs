//! The methods of `SearchService`: each converts, hands over to the pool, and waits.
//!
//! Nothing here computes: this code runs on async workers, which must stay free for the network.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::edge::Deadline;
use super::pool::{Pending, Pool};
use super::wire::search_service_server::SearchService;
use super::{Answer, convert, status, wire};
use crate::error::{Error, Fault, Result};
use crate::search::response::SearchResponse;

/// `baowen.v1.SearchService` over a core.
#[derive(Clone)]
pub struct SearchCalls {
    answer: Arc<dyn Answer>,
    pool: Arc<Pool>,
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
    /// Calls that are answered by `answer` in `pool`.
    pub fn new(answer: Arc<dyn Answer>, pool: Arc<Pool>, limits: CallLimits) -> Self {
        SearchCalls { answer, pool, limits }
    }

    async fn start(
        &self,
        request: wire::SearchRequest,
        deadline: Option<Instant>,
    ) -> Result<Pending<wire::SearchResponse>> {
        let request = convert::request(request, deadline)?;
        let answer = self.answer.clone();
        let limit = self.limits.max_response_bytes;
        self.pool
            .submit_when_room(deadline, move || fitting(answer.search(&request)?, limit))
            .await
    }

    /// Answers a batch into `items` until it is done or nobody reads any more.
    async fn answer_batch(
        self,
        requests: Vec<wire::SearchRequest>,
        deadline: Option<Instant>,
        items: mpsc::Sender<Result<wire::BatchSearchResponse, Status>>,
    ) {
        let window = self.limits.batch_window.max(1);
        let mut requests = requests.into_iter();
        let mut in_flight = VecDeque::with_capacity(window);
        let mut index = 0;
        loop {
            while in_flight.len() < window
                && let Some(request) = requests.next()
            {
                // Someone who reads no more is noticed here too, not only when an answer is sent.
                tokio::select! {
                    started = self.start(request, deadline) => in_flight.push_back(started),
                    () = items.closed() => return,
                }
            }
            let Some(next) = in_flight.pop_front() else { return };
            let outcome = match next {
                Ok(pending) => tokio::select! {
                    outcome = pending.wait() => outcome,
                    () = items.closed() => return,
                },
                Err(error) => Err(error),
            };
            // The deadline is the whole call's, so it ends the call, not one item after another.
            let item = match outcome {
                Err(error) if error.fault() == Fault::Deadline => Err(status::to_status(&error)),
                outcome => Ok(convert::batch_item(index, outcome)),
            };
            let ends = item.is_err();
            if items.send(item).await.is_err() || ends {
                return;
            }
            index += 1;
        }
    }
}

#[tonic::async_trait]
impl SearchService for SearchCalls {
    async fn search(&self, request: Request<wire::SearchRequest>) -> Result<Response<wire::SearchResponse>, Status> {
        let deadline = deadline(&request);
        let outcome = async {
            let request = convert::request(request.into_inner(), deadline)?;
            let answer = self.answer.clone();
            let limit = self.limits.max_response_bytes;
            let pending = self
                .pool
                .submit(deadline, move || fitting(answer.search(&request)?, limit))?;
            pending.wait().await
        };
        outcome
            .await
            .map(Response::new)
            .map_err(|error| status::to_status(&error))
    }

    type BatchSearchStream = ReceiverStream<Result<wire::BatchSearchResponse, Status>>;

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
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(self.clone().answer_batch(requests, deadline, sender));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

/// The answer as it goes out, if it may.
///
/// # Errors
/// `Exhausted` if it is too large: tonic would say so too, but not what helps.
fn fitting(answer: SearchResponse, limit: usize) -> Result<wire::SearchResponse> {
    let hits = answer.hits.len();
    let message = convert::response(answer);
    // An item of a batch carries a few bytes more.
    let bytes = message.encoded_len().saturating_add(32);
    if bytes > limit {
        return Err(Error::new(
            Fault::Exhausted,
            format!("the answer with {hits} hits takes {bytes} bytes, at most {limit} are sent"),
        )
        .help("ask for fewer hits at a time: lower top_k, and page with offset"));
    }
    Ok(message)
}

/// When the caller stops waiting, as the edge has found out.
fn deadline<T>(request: &Request<T>) -> Option<Instant> {
    request.extensions().get::<Deadline>().map(|deadline| deadline.0)
}
