//! The deadline of every call, whatever it asks: fixed when the call arrives, and kept.
//!
//! tonic ends a call at its `grpc-timeout` too, but answers CANCELLED; this measures from the same moment and is
//! looked at first, so the caller reads DEADLINE_EXCEEDED. tonic also answers OUT_OF_RANGE to a message above the
//! limit, where the rest of the world (and our status table) says RESOURCE_EXHAUSTED, and INTERNAL to what it cannot
//! read, which is its sender's fault.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::header::CONTENT_TYPE;
use tonic::codegen::http::{HeaderValue, Request, Response, Version};
use tonic::service::Routes;
use tonic::{Code, Status};

use super::limits::Limits;
use super::methods::{Limit, path_info};
use super::refusal::{Protocol, refuse};
use super::{convert, status};
use crate::compute::late;
use crate::error::{Error, Result};

/// How an HTTP call says how many seconds it may take, as a header or a parameter.
pub const TIMEOUT: &str = "timeout";

/// When the caller stops waiting, as found in a request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(pub Instant);

/// The message of a call, and when its caller stops waiting.
pub fn parts<T>(request: tonic::Request<T>) -> (T, Option<Instant>) {
    let deadline = request.extensions().get::<Deadline>().map(|deadline| deadline.0);
    (request.into_inner(), deadline)
}

/// All services of one server, each call with a deadline.
#[derive(Debug, Clone)]
pub struct WithDeadlines {
    routes: Routes,
    limits: Arc<Limits>,
}

impl WithDeadlines {
    /// Gives every call of `routes` a deadline; one that allows more time than the longest of its method, or does not
    /// say, gets that.
    pub fn new(routes: Routes, limits: Arc<Limits>) -> Self {
        WithDeadlines { routes, limits }
    }
}

/// Calls by gRPC: a page of another origin may send bytes to any address, but not of this type.
const GRPC_ONLY: [&str; 2] = ["/baowen.", "/grpc."];

/// Kinds of gRPC-Web that are taken, as the library takes them.
const WEB: [&[u8]; 4] = [
    b"application/grpc-web",
    b"application/grpc-web+proto",
    b"application/grpc-web-text",
    b"application/grpc-web-text+proto",
];

impl Service<Request<Body>> for WithDeadlines {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<Body>>::poll_ready(&mut self.routes, cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        // Here and not in the future: this runs before tonic starts its own clock.
        let protocol = Protocol::of(&request);
        if let Err(error) = speaks_grpc(protocol, &request) {
            return Box::pin(async move { Ok(refuse(Protocol::Http, &error)) });
        }
        let asked = match asked(protocol, &request) {
            Ok(asked) => asked,
            Err(error) => return Box::pin(async move { Ok(refuse(protocol, &error)) }),
        };
        let longest = match path_info(request.uri().path()).limit {
            Limit::Call => self.limits.now().longest.call,
            Limit::Batch => self.limits.now().longest.batch,
            Limit::Write => self.limits.now().longest.write,
        };
        let deadline = Instant::now() + asked.map_or(longest, |asked| asked.min(longest));
        request.extensions_mut().insert(Deadline(deadline));
        let answer = self.routes.call(request);
        Box::pin(async move {
            match tokio::time::timeout_at(deadline.into(), answer).await {
                Ok(Ok(response)) => Ok(with_our_code(response)),
                Ok(Err(never)) => match never {},
                Err(_) => Ok(refuse(protocol, &late())),
            }
        })
    }
}

/// Refuses what goes to an address of gRPC and is no gRPC that HTTP/1 or HTTP/2 can carry.
fn speaks_grpc<B>(protocol: Protocol, request: &Request<B>) -> Result<()> {
    if !GRPC_ONLY.iter().any(|path| request.uri().path().starts_with(path)) {
        return Ok(());
    }
    let content = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let is_web = content.is_some_and(|content| WEB.contains(&content));
    match protocol {
        Protocol::Http => {
            Err(Error::caller("content-type: must be application/grpc").help("/v1 speaks JSON, see docs/API.md"))
        }
        Protocol::Grpc if request.version() < Version::HTTP_2 && !is_web => Err(Error::caller(
            "content-type: is not application/grpc-web+proto, and gRPC itself needs HTTP/2",
        )
        .help("/v1 speaks JSON over HTTP/1, see docs/API.md")),
        Protocol::Grpc => Ok(()),
    }
}

/// How long the caller allows: the header of its protocol, for HTTP also the parameter of the same name.
fn asked<B>(protocol: Protocol, request: &Request<B>) -> Result<Option<Duration>> {
    if protocol == Protocol::Grpc {
        let Some(value) = request.headers().get("grpc-timeout") else {
            return Ok(None);
        };
        let allowed = value.to_str().ok().and_then(convert::timeout);
        let none =
            || Error::caller("grpc-timeout: says no time; it has up to eight digits and one of H, M, S, m, u, n");
        return allowed.map(Some).ok_or_else(none);
    }
    let header = request.headers().get(TIMEOUT).map(|value| value.as_bytes().to_vec());
    let query = request.uri().query().unwrap_or_default();
    let parameter = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == TIMEOUT);
    let parameter = parameter.map(|(_, value)| value.into_owned().into_bytes());
    let Some(value) = header.or(parameter) else {
        return Ok(None);
    };
    let seconds = std::str::from_utf8(&value)
        .ok()
        .and_then(|text| text.trim().parse::<f64>().ok());
    let allowed = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let none = || Error::caller("timeout: says no time; it is a number of seconds, as 2 or 0.5");
    allowed.map(Some).ok_or_else(none)
}

/// Says RESOURCE_EXHAUSTED where tonic says that a message is too large, and INVALID_ARGUMENT where it could not read
/// what came in.
fn with_our_code(mut response: Response<Body>) -> Response<Body> {
    if status::is_unreadable(response.headers()) {
        let invalid = HeaderValue::from(Code::InvalidArgument as i32);
        response.headers_mut().insert(Status::GRPC_STATUS, invalid);
    }
    status::name_too_large(response.headers_mut());
    response
}
