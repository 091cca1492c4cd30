//! The numbers as an answer over HTTP: on a port of their own, and on the service's, where `access` says who may see
//! them.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tonic::Code;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::header::CONTENT_TYPE;
use tonic::codegen::http::{HeaderValue, Request, Response, StatusCode};

use super::Metrics;
use crate::service::access::Hosts;
use crate::service::activity::Peer;
use crate::service::refusal::{Protocol, refuse_with};

/// The path of the numbers.
pub const PATH: &str = "/metrics";

/// A server of the numbers alone.
#[derive(Debug, Clone)]
pub struct MetricsPage {
    /// The numbers.
    pub metrics: Arc<Metrics>,
    /// The names it may be called by: nobody needs a token here.
    pub hosts: Hosts,
}

impl Service<Request<Body>> for MetricsPage {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // Whoever never asks is cut off.
        let _asked = request.extensions().get::<Peer>().map(|peer| peer.activity.call());
        ready(Ok(match (self.hosts.check(&request), request.uri().path()) {
            (Err(foreign), _) => refuse_with(Protocol::of(&request), Code::PermissionDenied, &foreign),
            (Ok(()), PATH) => page(&self.metrics),
            (Ok(()), _) => not_found(),
        }))
    }
}

/// A service that has the numbers beside it.
#[derive(Debug, Clone)]
pub struct WithPage<S> {
    inner: S,
    metrics: Arc<Metrics>,
}

impl<S> WithPage<S> {
    /// The numbers beside `inner`.
    pub fn new(inner: S, metrics: Arc<Metrics>) -> Self {
        WithPage { inner, metrics }
    }
}

impl<S> Service<Request<Body>> for WithPage<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match request.uri().path() {
            PATH => Box::pin(ready(Ok(page(&self.metrics)))),
            _ => Box::pin(self.inner.call(request)),
        }
    }
}

/// The numbers.
pub fn page(metrics: &Metrics) -> Response<Body> {
    let mut response = Response::new(Body::new(metrics.text()));
    let text = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}

/// There is nothing.
pub fn not_found() -> Response<Body> {
    let mut response = Response::new(Body::new("there is nothing here\n".to_owned()));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
