//! The methods of `SearchService`: each looks for an answer that was kept, else converts, hands over to the pool, and
//! waits.
//!
//! Nothing here computes: this code runs on async workers, which must stay free for the network while others may come
//! ([`Pool::answer`] knows). An answer that was kept is found and sent here, since waking another thread takes longer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::edge::Deadline;
use super::kept::AnswerCache;
use super::pool::{self, Pending, Pool};
use super::reply::{BatchReply, Reply};
use super::serving::search_service_server::SearchService;
use super::{Answer, convert, status, wire};
use crate::error::{Error, Fault, Result};
use crate::search::request::SearchRequest;

/// `baowen.v1.SearchService` over a core.
#[derive(Clone)]
pub struct SearchCalls {
    answer: Arc<dyn Answer>,
    pool: Arc<Pool>,
    kept: Arc<AnswerCache>,
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
    /// Bytes of answers that are kept for questions asked again; 0 keeps none.
    pub answer_cache_bytes: usize,
}

/// Where the answer to a question is to be had.
enum Next<W> {
    /// Here.
    Kept(Reply),
    /// From the core, by this work.
    Search(W),
}

/// One question of a batch that is on its way.
type Started = Result<Next<Pending<Reply>>>;

impl SearchCalls {
    /// Calls that are answered by `answer` in `pool`.
    pub fn new(answer: Arc<dyn Answer>, pool: Arc<Pool>, limits: CallLimits) -> Self {
        SearchCalls {
            answer,
            pool,
            kept: Arc::new(AnswerCache::new(limits.answer_cache_bytes)),
            limits,
        }
    }

    /// The answer that was kept, or the work that makes one.
    fn next(
        &self,
        request: wire::SearchRequest,
        deadline: Option<Instant>,
    ) -> Result<Next<impl FnOnce() -> Result<Reply> + Send + 'static>> {
        let begin = Instant::now();
        // The edition before the search: what changes meanwhile makes the answer too new for it, which harms nobody.
        let asked = self.kept.asked(self.answer.edition(), &request);
        if let Some(answer) = asked.as_ref().and_then(|asked| self.kept.find(asked)) {
            return match pool::passed(deadline) {
                true => Err(pool::late()),
                false => Ok(Next::Kept(Reply {
                    answer,
                    timings: convert::found_timings(begin.elapsed()),
                })),
            };
        }
        let request = convert::request(request, deadline)?;
        let (answer, kept) = (self.answer.clone(), self.kept.clone());
        let limit = self.limits.max_response_bytes;
        Ok(Next::Search(move || {
            let (reply, whole) = search(&*answer, &request, limit)?;
            if let Some(asked) = asked.filter(|_| whole) {
                kept.keep(asked, reply.answer.clone());
            }
            Ok(reply)
        }))
    }

    /// As [`Self::next`], with the work handed over as soon as there is room for it.
    async fn start(&self, request: wire::SearchRequest, deadline: Option<Instant>) -> Started {
        Ok(match self.next(request, deadline)? {
            Next::Kept(reply) => Next::Kept(reply),
            Next::Search(work) => Next::Search(self.pool.submit_when_room(deadline, work).await?),
        })
    }

    /// Answers a batch into `items` until it is done or nobody reads any more.
    async fn answer_batch(
        self,
        requests: Vec<wire::SearchRequest>,
        deadline: Option<Instant>,
        items: mpsc::Sender<Result<BatchReply, Status>>,
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
                Ok(Next::Kept(reply)) => Ok(reply),
                Ok(Next::Search(pending)) => tokio::select! {
                    outcome = pending.wait() => outcome,
                    () = items.closed() => return,
                },
                Err(error) => Err(error),
            };
            // The deadline is the whole call's, so it ends the call, not one item after another.
            let item = match outcome {
                Err(error) if error.fault() == Fault::Deadline => Err(status::to_status(&error)),
                outcome => Ok(BatchReply::new(index, outcome)),
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
    async fn search(&self, request: Request<wire::SearchRequest>) -> Result<Response<Reply>, Status> {
        let deadline = deadline(&request);
        let outcome = async {
            match self.next(request.into_inner(), deadline)? {
                Next::Kept(reply) => Ok(reply),
                Next::Search(work) => self.pool.answer(deadline, work).await,
            }
        };
        outcome
            .await
            .map(Response::new)
            .map_err(|error| status::to_status(&error))
    }

    type BatchSearchStream = ReceiverStream<Result<BatchReply, Status>>;

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

/// The answer as it goes out, if it may, and whether it is all that was asked for.
///
/// # Errors
/// The core's; `Exhausted` if the answer is too large: tonic would say so too, but not what helps.
fn search(core: &dyn Answer, request: &SearchRequest, limit: usize) -> Result<(Reply, bool)> {
    let answer = core.search(request)?;
    let (hits, whole) = (answer.hits.len(), answer.degraded.is_none());
    let reply = Reply::from(answer);
    // An item of a batch carries a few bytes more.
    let bytes = reply.encoded_len().saturating_add(32);
    if bytes > limit {
        return Err(Error::new(
            Fault::Exhausted,
            format!("the answer with {hits} hits takes {bytes} bytes, at most {limit} are sent"),
        )
        .help("ask for fewer hits at a time: lower top_k, and page with offset"));
    }
    Ok((reply, whole))
}

/// When the caller stops waiting, as the edge has found out.
fn deadline<T>(request: &Request<T>) -> Option<Instant> {
    request.extensions().get::<Deadline>().map(|deadline| deadline.0)
}
