//! The other end of the wire, for the command line: one connection, questions in core types.

use std::time::{Duration, Instant};

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
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

/// How a service is reached: where it is, who asks, whom both believe.
#[derive(Clone, Default)]
pub struct ConnectOptions {
    /// `HOST:PORT`, or with `http://` or `https://` before it.
    pub addr: String,
    /// A token that the service knows.
    pub token: Option<String>,
    /// Authorities that the service's certificate may come from, as PEM; without them, those of the system.
    pub authority: Option<String>,
    /// The caller's own certificate and its key, as PEM.
    pub identity: Option<(String, String)>,
}

impl std::fmt::Debug for ConnectOptions {
    /// Without what is secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectOptions")
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}

impl From<&str> for ConnectOptions {
    fn from(addr: &str) -> Self {
        ConnectOptions {
            addr: addr.to_owned(),
            ..ConnectOptions::default()
        }
    }
}

impl From<&String> for ConnectOptions {
    fn from(addr: &String) -> Self {
        addr.as_str().into()
    }
}

impl From<&ConnectOptions> for ConnectOptions {
    fn from(options: &ConnectOptions) -> Self {
        options.clone()
    }
}

/// Puts the token into every call.
#[derive(Debug, Clone)]
pub struct WithToken(Option<MetadataValue<Ascii>>);

impl Interceptor for WithToken {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

/// A channel whose calls bring their token.
pub(super) type Way = InterceptedService<Channel, WithToken>;

/// A connection to a running service. Clones share it.
#[derive(Debug, Clone)]
pub struct Client {
    inner: SearchServiceClient<Way>,
}

impl Client {
    /// Connects to a service.
    ///
    /// # Errors
    /// `Caller` if the address is none, `Unavailable` if nothing answers there.
    pub async fn connect(options: impl Into<ConnectOptions>) -> Result<Self> {
        Ok(Client {
            inner: SearchServiceClient::new(channel(&options.into()).await?)
                .max_decoding_message_size(MAX_RESPONSE_BYTES),
        })
    }

    /// Asks one question. The request's deadline becomes the call's.
    ///
    /// # Errors
    /// What the service answered, as the fault it was made from.
    pub async fn search(&mut self, request: &SearchRequest) -> Result<SearchResponse> {
        let asked = ask::request(request);
        let answer = self.call(asked.clone(), request.deadline).await;
        let answer = answer.map_err(|status| status::from_status(&status))?;
        self.whole(asked, answer, request.deadline).await
    }

    /// The answer with the hits that did not fit its message.
    async fn whole(
        &mut self,
        asked: wire::SearchRequest,
        mut answer: wire::SearchResponse,
        deadline: Option<Instant>,
    ) -> Result<SearchResponse> {
        while let Some(next) = answer.next_offset {
            let missing = asked
                .offset
                .unwrap_or(0)
                .saturating_add(asked.top_k.unwrap_or(0))
                .saturating_sub(next);
            let rest = wire::SearchRequest {
                offset: Some(next),
                top_k: Some(missing.max(1)),
                ..asked.clone()
            };
            let rest = self.call(rest, deadline).await;
            let rest = rest.map_err(|status| status::from_status(&status))?;
            // It gives one hit at least, and ends where none is left.
            answer.next_offset = rest.next_offset.filter(|further| *further > next);
            answer.hits.extend(rest.hits);
        }
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
        let mut cut_off = Vec::new();
        while let Some(item) = items.message().await.map_err(failed)? {
            if let Some(wire::batch_search_response::Outcome::Response(answer)) = &item.outcome
                && answer.next_offset.is_some()
            {
                cut_off.push((outcomes.len(), answer.clone()));
            }
            outcomes.push(ask::batch_item(item));
        }
        for (at, answer) in cut_off {
            outcomes[at] = self.whole(ask::request(&requests[at]), answer, None).await;
        }
        Ok(outcomes)
    }
}

/// A connection to a service.
///
/// # Errors
/// `Caller` if the address, the token or a certificate is none, `Unavailable` if nothing answers there.
pub(super) async fn channel(options: &ConnectOptions) -> Result<Way> {
    let addr = &options.addr;
    let uri = if addr.contains("://") {
        addr.clone()
    } else {
        format!("http://{addr}")
    };
    let is_private = uri.starts_with("https://");
    let mut endpoint = Endpoint::from_shared(uri)
        .map_err(|cause| Error::caller(format!("`{addr}` is not an address: {}", root(&cause))))?
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true);
    if is_private {
        let mut tls = match &options.authority {
            Some(authority) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority)),
            None => ClientTlsConfig::new().with_native_roots(),
        };
        if let Some((certificate, key)) = &options.identity {
            tls = tls.identity(Identity::from_pem(certificate, key));
        }
        endpoint = endpoint
            .tls_config(tls)
            .map_err(|cause| Error::caller(format!("a certificate for {addr} is none: {}", root(&cause))))?;
    }
    let token = match &options.token {
        None => None,
        Some(token) => {
            // Nothing of the token is said.
            let value = format!("Bearer {token}").parse::<MetadataValue<Ascii>>();
            let mut value = value.map_err(|_| Error::caller("the token has characters that no token has"))?;
            value.set_sensitive(true);
            Some(value)
        }
    };
    let channel = endpoint.connect().await.map_err(|cause| {
        let root = root(&cause);
        let help = if !is_private {
            "start one with `baowen serve`, or give the address of one that runs (https://HOST:PORT for TLS)"
        } else if root.contains("CaUsedAsEndEntity") {
            "its certificate is marked as that of an authority, which no service may show: make one with \
             `basicConstraints=CA:FALSE`, as docs/OPERATING.md shows"
        } else {
            "start one with `baowen serve`, or name the authority of its certificate with --tls-ca, and a \
             certificate of yours, if it wants one, with --client-cert and --client-key"
        };
        Error::unavailable(format!("no service answers at {addr}: {root}")).help(help)
    })?;
    Ok(InterceptedService::new(channel, WithToken(token)))
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
