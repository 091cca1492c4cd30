//! The gRPC service: what comes over the wire becomes a request of the core, and its answer goes back.
//!
//! Owns the protocol, the pool through which the async edge enters the synchronous core, health and shutdown. It never
//! ranks, reads or writes anything itself: what answers is whatever implements [`Answer`], what writes is
//! [`crate::index::ingest::live`].
//!
//! | file | one concern |
//! |---|---|
//! | `wire` | the generated protocol |
//! | `codec` | bytes to messages |
//! | `convert` | wire types to core types and back; the only place that knows both |
//! | `status` | faults to gRPC codes and back |
//! | `methods` | every method with its addresses, who may call it and how long it may take |
//! | `deadline` | deadlines of all calls |
//! | `drained` | bodies of calls until their end, and what a refused call had still to send |
//! | `pace` | how fast bodies must come |
//! | `intake` | how much of a call's body is held |
//! | `ending` | word for long calls that the service is about to end, and when nobody is left to wait for |
//! | `answers` | where questions are asked, whatever protocol they came in |
//! | `fitting` | how much of an answer goes out |
//! | `pool` | how many searches run at a time, and how many wait |
//! | `turns`, `shares` | whose search runs next, and how many places each caller has |
//! | `batch_line` | questions of batches that wait for a thread, and give way |
//! | `cache` | the answers given last, for questions asked again |
//! | `calls`, `search_grpc` | the methods of `SearchService`, and as tonic takes them |
//! | `collection` | the index as it is described and written to |
//! | `index_calls`, `index_grpc` | the methods of `IndexService`, and as tonic takes them |
//! | `describe_calls`, `read_calls` | those that describe the index, and the one that reads a file |
//! | `import` | articles in any number of messages |
//! | `connections` | how many connections there are, and which are cut off |
//! | `admission` | how many calls of a service may be under way |
//! | `activity` | what each connection holds, and when it is cut off |
//! | `patience` | how much of it a connection may hold, and how long it may stand still |
//! | `tls` | certificates, replaced while the service runs |
//! | `access` | tokens, rights and rates |
//! | `caller` | who calls |
//! | `questions_to_review` | questions that an operator should look at |
//! | `observed` | every call from its first byte to its last: its name, its numbers, its line in the log |
//! | `trace`, `otel` | calls as others follow them through several programs, and as OpenTelemetry has it |
//! | `metrics` | what is counted and measured |
//! | `memory` | freed memory, given back to the system |
//! | `reflection` | the protocol as the service itself describes it |
//! | `service_settings`, `limits` | limits and times, and those of them that change while it runs |
//! | `server` | a listening service: health, limits, shutdown |
//! | `mcp` | the collection as tools of a language model |
//! | `client`, `index_client` | the other end, for the command line |

pub mod access;
pub mod activity;
pub mod admission;
pub mod answers;
pub mod batch_line;
pub mod cache;
pub mod caller;
pub mod calls;
pub mod client;
pub mod codec;
pub mod collection;
pub mod completions;
pub mod connections;
pub mod convert;
pub mod deadline;
pub mod describe_calls;
pub mod drained;
pub mod ending;
pub mod fitting;
pub mod health;
pub mod http;
pub mod import;
pub mod index_calls;
pub mod index_client;
pub mod index_grpc;
pub mod intake;
pub mod limits;
#[cfg(feature = "mcp")]
pub mod mcp;
pub mod memory;
pub mod methods;
pub mod metrics;
pub mod observed;
#[cfg(feature = "otel")]
pub mod otel;
pub mod pace;
pub mod patience;
pub mod pool;
pub mod questions_to_review;
pub mod read_calls;
pub mod reading;
pub mod reflection;
pub mod refusal;
pub mod search_grpc;
pub mod server;
pub mod service_settings;
pub mod shares;
pub mod signals;
pub mod status;
#[cfg(test)]
mod tests;
pub mod tls;
pub mod trace;
pub mod turns;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::error::{Error, Result};
use crate::search::request::SearchRequest;
use crate::search::response::SearchResponse;

/// The protocol `baowen.v1`, generated from `proto/`.
#[allow(clippy::all, clippy::pedantic, missing_docs)]
pub mod wire {
    tonic::include_proto!("baowen.v1");
    include!(concat!(env!("OUT_DIR"), "/baowen.v1.serde.rs"));

    /// The protocol's descriptors, comments included, as reflection serves them.
    pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/baowen.v1.bin"));
}

/// The core as the service sees it.
pub trait Answer: Send + Sync + 'static {
    /// Answers one question; checks the request itself, runs on the calling thread, and may take all its time.
    ///
    /// # Errors
    /// Whatever keeps it from answering; the fault decides the gRPC code.
    fn search(&self, request: &SearchRequest) -> Result<SearchResponse>;

    /// Whether a question asked now would be answered at full speed. Called often; must be cheap.
    fn ready(&self) -> bool;

    /// Whether what is newer is taken over, and what may be written can be; if not, questions are answered from what
    /// was there. Called often.
    fn follows(&self) -> bool {
        true
    }

    /// A number that has grown whenever an equal question may get another answer than before; asked for every question,
    /// so it must be cheap. Without one, no answer is kept.
    fn edition(&self) -> Option<u64> {
        None
    }
}

/// A place for a core that is not there yet, so that the service can listen, and say so, while the index is opened.
#[derive(Default)]
pub struct ReadyCell {
    answer: OnceLock<Arc<dyn Answer>>,
    waits_for: Mutex<Option<String>>,
}

impl ReadyCell {
    /// An empty place.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says why the core is not there yet.
    pub fn wait_for(&self, why: String) {
        *self.waits_for.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    /// Puts the core in its place; from then on questions are answered. Returns it if the place was taken.
    ///
    /// # Errors
    /// The argument, if there is a core already.
    pub fn set(&self, answer: Arc<dyn Answer>) -> Result<(), Arc<dyn Answer>> {
        self.answer.set(answer)
    }
}

impl Answer for ReadyCell {
    fn search(&self, request: &SearchRequest) -> Result<SearchResponse> {
        match self.answer.get() {
            Some(answer) => answer.search(request),
            None => {
                let why = self.waits_for.lock().unwrap_or_else(PoisonError::into_inner);
                let why = why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
                Err(Error::unavailable(format!("the index is still being opened{why}"))
                    .help("ask again in a moment; the health service says SERVING when it is ready"))
            }
        }
    }

    fn ready(&self) -> bool {
        self.answer.get().is_some_and(|answer| answer.ready())
    }

    fn follows(&self) -> bool {
        self.answer.get().is_none_or(|answer| answer.follows())
    }

    fn edition(&self) -> Option<u64> {
        self.answer.get()?.edition()
    }
}

impl std::fmt::Debug for ReadyCell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadyCell").field("ready", &self.ready()).finish()
    }
}
