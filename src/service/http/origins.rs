//! Which pages of other origins a browser lets ask, what they may send, and what of an answer they may read.

use std::time::Duration;

use axum::http::{HeaderName, Method};
use tower_http::cors::{AllowOrigin, Cors};

use crate::error::{Error, Result};

/// Services that tell browsers which origins may ask, for every protocol, also where they refuse a call; without
/// origins browsers are told nothing, and ask nothing. Whoever asks by OPTIONS what it may send is answered here.
///
/// # Errors
/// `Caller` if one is not written as browsers write them.
pub fn with_origins<S>(inner: S, allowed: &str) -> Result<Cors<S>> {
    let allowed: Vec<&str> = allowed
        .split(',')
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .collect();
    let cors = Cors::new(inner);
    if allowed.is_empty() {
        return Ok(cors);
    }
    let origin = |text: &&str| {
        let is_one = text.starts_with("http://") || text.starts_with("https://");
        let value = text.parse().ok().filter(|_| is_one && !text.ends_with('/'));
        value.ok_or_else(|| {
            Error::caller(format!("cors_origins: `{text}` is no origin"))
                .help("write it as https://example.org, without a path, or `*`")
        })
    };
    let allow = if allowed.contains(&"*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(allowed.iter().map(origin).collect::<Result<Vec<_>>>()?)
    };
    let names = |names: &'static [&'static str]| names.iter().copied().map(HeaderName::from_static);
    Ok(cors
        .allow_origin(allow)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(names(ALLOWED_HEADERS).collect::<Vec<_>>())
        .expose_headers(names(SHOWN_HEADERS).collect::<Vec<_>>())
        .max_age(REMEMBERED))
}

/// How long a browser may remember what it was told of an origin. Not measured.
const REMEMBERED: Duration = Duration::from_secs(600);
/// What a page of another origin may send: for JSON, and for gRPC-Web.
const ALLOWED_HEADERS: &[&str] = &[
    "authorization",
    "content-encoding",
    "content-type",
    "grpc-timeout",
    "timeout",
    "traceparent",
    "tracestate",
    "x-grpc-web",
    "x-request-id",
    "x-user-agent",
];
/// What it may read.
const SHOWN_HEADERS: &[&str] = &[
    "grpc-message",
    "grpc-status",
    "grpc-status-details-bin",
    "retry-after",
    "x-request-id",
];
