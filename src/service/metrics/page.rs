//! The numbers as an answer over HTTP: on a port of their own, and on the service's for whoever calls from this machine.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::header::CONTENT_TYPE;
use tonic::codegen::http::{HeaderValue, Request, Response, StatusCode};

use super::Metrics;

/// The path of the numbers.
pub const PATH: &str = "/metrics";

/// A server of the numbers alone.
#[derive(Debug, Clone)]
pub struct MetricsPage(pub Arc<Metrics>);

impl Service<Request<Body>> for MetricsPage {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        ready(Ok(match request.uri().path() {
            PATH => page(&self.0),
            _ => nowhere(),
        }))
    }
}

/// The numbers.
pub fn page(metrics: &Metrics) -> Response<Body> {
    let mut response = Response::new(Body::new(metrics.text()));
    let text = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}

/// There is nothing else.
pub fn nowhere() -> Response<Body> {
    let mut response = Response::new(Body::new(format!("the numbers are at {PATH}\n")));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
