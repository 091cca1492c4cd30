//! Plain HTTP on the service's port: each call with JSON in and out, by the proto3 mapping. What a call does stands in
//! `calls` and `index_calls`, as for gRPC; here are its addresses.
//!
//! Limits, deadlines, admission and kept answers are those of gRPC, from the same code.
//!
//! | file | one concern |
//! |---|---|
//! | `handlers` | what stands behind each address of a method |
//! | `exchange` | one call: its message, its answer |
//! | `streams` | what is more than one message: batches and imports |
//! | `json`, `plain`, `params`, `schema` | messages as JSON and as parameters, by the protocol's descriptors |
//! | `packing` | bodies that were packed |
//! | `openapi` | the addresses as a document |
//! | `page` | the files of the pages |
//! | `origins` | which pages of other origins may ask |

mod exchange;
mod handlers;
mod json;
mod openapi;
mod origins;
mod packing;
mod page;
mod params;
pub(super) mod plain;
mod schema;
mod streams;
#[cfg(test)]
mod tests;

use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

use self::exchange::{failed, failed_as, respond};
pub use self::handlers::Services;
pub use self::origins::with_origins;
use super::refusal::Protocol;
use crate::error::Error;

/// All addresses.
pub fn routes(services: &Services) -> Router {
    #[cfg(feature = "mcp")]
    let router = {
        let mcp = super::mcp::route(services.search.clone(), services.max_request_bytes);
        Router::new().route("/mcp", mcp)
    };
    #[cfg(not(feature = "mcp"))]
    let router = Router::new();
    let is_serving = services.is_serving.clone();
    let ready = move || async move {
        if is_serving.load(Ordering::Acquire) {
            (StatusCode::OK, "SERVING\n").into_response()
        } else {
            // Why is in the log: it may name places of the operator's network, and anybody may ask.
            (StatusCode::SERVICE_UNAVAILABLE, "NOT_SERVING\n").into_response()
        }
    };
    router
        .merge(handlers::routes(services))
        .merge(page::routes())
        .route(
            "/openapi.json",
            get(async || respond(Ok(openapi::DOCUMENT.clone().into_bytes()))),
        )
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .method_not_allowed_fallback(|request: Request| async move { wrong_method(&request) })
        .layer(from_fn(packing::unpacked))
        .layer(from_fn(exchange::only_what_is_read_rightly))
        // As fast as packing goes: who asks waits for the answer, too.
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
}

/// The answer where no address is: to either protocol in its own words, to who looks by a browser in his.
pub async fn not_found(request: Request) -> Response {
    if page::is_looked_at(&request) {
        return page::instead(StatusCode::NOT_FOUND);
    }
    let path: String = request.uri().path().chars().take(200).collect();
    let error = Error::missing(format!("nothing is at {path}")).help("the addresses are in /openapi.json");
    match Protocol::of(&request) {
        Protocol::Grpc => tonic::Status::unimplemented("").into_http::<Body>(),
        Protocol::Http => failed(&error),
    }
}

fn wrong_method(request: &Request) -> Response {
    let error = Error::caller(format!("{} is not a method of this address", request.method()));
    let error = error.help("the methods are in /openapi.json");
    failed_as(StatusCode::METHOD_NOT_ALLOWED, &error)
}
