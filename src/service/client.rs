//! The other end of the wire, for the command line: one connection, questions in core types.

use std::time::{Duration, Instant};

use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use super::convert::ask;
use super::wire::search_service_client::SearchServiceClient;
use super::{status, wire};
use crate::compute::late;
use crate::error::{Error, Result};
use crate::search::request::SearchRequest;
use crate::search::response::SearchResponse;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer taken, in bytes.
pub(super) const MAX_RESPONSE_BYTES: usize = 64 << 20;

/// A connection to a running service. Clones share it.
#[derive(Debug, Clone)]
pub struct Client {
    inner: SearchServiceClient<Channel>,
}

impl Client {
    /// Connects to `HOST:PORT` (also `http://HOST:PORT`).
    ///
    /// # Errors
    /// `Caller` if the address is none, `Unavailable` if nothing answers there.
    pub async fn connect(addr: &str) -> Result<Self> {
        Ok(Client {
            inner: SearchServiceClient::new(channel(addr).await?).max_decoding_message_size(MAX_RESPONSE_BYTES),
        })
    }

    /// Asks one question. The request's deadline becomes the call's.
    ///
    /// # Errors
    /// What the service answered, as the fault it was made from.
    pub async fn search(&mut self, request: &SearchRequest) -> Result<SearchResponse> {
        let answer = self
            .call(ask::request(request), request.deadline)
            .await
            .map_err(|status| status::from_status(&status))?;
        ask::response(answer)
    }

    /// Asks one question in the types of the wire, for measurements that must not include more than the call.
    ///
    /// # Errors
    /// The status as it came.
    pub async fn call(
        &mut self,
        request: wire::SearchRequest,
        deadline: Option<Instant>,
    ) -> Result<wire::SearchResponse, Status> {
        let mut request = Request::new(request);
        if let Some(deadline) = deadline {
            request.set_timeout(deadline.saturating_duration_since(Instant::now()));
        }
        match self.inner.search(request).await {
            Ok(response) => Ok(response.into_inner()),
            Err(status) => Err(as_deadline(status, deadline)),
        }
    }

    /// Asks many questions in one call; outcomes in their order.
    ///
    /// # Errors
    /// What ended the call as a whole; a question that could not be answered is an `Err` in the list.
    pub async fn batch(&mut self, requests: &[SearchRequest]) -> Result<Vec<Result<SearchResponse>>> {
        let message = wire::BatchSearchRequest {
            requests: requests.iter().map(ask::request).collect(),
        };
        let failed = |status: Status| status::from_status(&status);
        let mut items = self.inner.batch_search(message).await.map_err(failed)?.into_inner();
        let mut outcomes = Vec::with_capacity(requests.len());
        while let Some(item) = items.message().await.map_err(failed)? {
            outcomes.push(ask::batch_item(item));
        }
        Ok(outcomes)
    }
}

/// A connection to `HOST:PORT` (also `http://HOST:PORT`).
///
/// # Errors
/// `Caller` if the address is none, `Unavailable` if nothing answers there.
pub(super) async fn channel(addr: &str) -> Result<Channel> {
    let uri = if addr.contains("://") {
        addr.to_owned()
    } else {
        format!("http://{addr}")
    };
    let endpoint = Endpoint::from_shared(uri)
        .map_err(|cause| Error::caller(format!("`{addr}` is not an address: {}", root(&cause))))?
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true);
    endpoint.connect().await.map_err(|cause| {
        Error::unavailable(format!("no service answers at {addr}: {}", root(&cause)))
            .help("start one with `baowen serve`, or give the address of one that runs")
    })
}

/// tonic's client keeps the deadline too, but calls it a cancellation.
fn as_deadline(status: Status, deadline: Option<Instant>) -> Status {
    match deadline {
        Some(deadline) if status.code() == Code::Cancelled && Instant::now() >= deadline => status::to_status(&late()),
        _ => status,
    }
}

/// The innermost cause, which is what a reader can act on; tonic's outer texts are `transport error`.
fn root(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
