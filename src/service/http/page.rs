//! The files of the question page and of the operator's page, as they were compiled in (`src/service/page`).
//!
//! The browser is told to run and load nothing but them, and to ask each time whether they have changed.

use axum::Router;
use axum::extract::Request;
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use xxhash_rust::xxh3::xxh3_64;

/// Nothing from elsewhere, nothing that stands in a page itself, and no page of others around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

/// Address, type and content of every file.
const FILES: [(&str, &str, &[u8]); 5] = [
    ("/", HTML, include_bytes!("../page/dist/index.html")),
    ("/page.css", CSS, include_bytes!("../page/dist/page.css")),
    ("/page.js", JS, include_bytes!("../page/dist/page.js")),
    ("/admin", HTML, include_bytes!("../page/dist/admin.html")),
    ("/admin.js", JS, include_bytes!("../page/dist/admin.js")),
];

/// The addresses of the files.
pub fn routes() -> Router {
    FILES.into_iter().fold(Router::new(), |router, (path, kind, content)| {
        let tag = format!("\"{:016x}\"", xxh3_64(content));
        let serve = move |headers: HeaderMap| {
            let response = file(&headers, kind, content, &tag);
            async { response }
        };
        router.route(path, get(serve))
    })
}

/// Whether a browser asks for something to show. Programs may ask for HTML among others, but not for XHTML.
pub fn is_looked_at(request: &Request) -> bool {
    let accepted = request.headers().get(ACCEPT).and_then(|types| types.to_str().ok());
    request.method() == Method::GET
        && accepted.is_some_and(|types| types.contains("text/html") && types.contains("application/xhtml+xml"))
}

/// The question page in place of a refusal, which it says to people.
pub fn instead(status: StatusCode) -> Response {
    let [(_, kind, content), ..] = FILES;
    (status, sent(content, kind)).into_response()
}

/// A file as every one goes out.
fn sent(content: impl IntoResponse, kind: &'static str) -> impl IntoResponse {
    let fixed: [(HeaderName, &'static str); 5] = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-cache"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    (fixed, content)
}

fn file(headers: &HeaderMap, kind: &'static str, content: &'static [u8], tag: &str) -> Response {
    let known = headers.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    // A proxy that packs the file makes the tag a weak one.
    let is_known = known.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag));
    let mut response = if is_known {
        sent(StatusCode::NOT_MODIFIED, kind).into_response()
    } else {
        sent(content, kind).into_response()
    };
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::access::rights::Need;
    use crate::service::methods::path_info;

    #[test]
    fn what_a_browser_loads_first_needs_no_token() {
        for (path, ..) in FILES {
            assert_eq!(
                (path_info(path).rule.need, path_info(path).label),
                (Need::Nothing, path)
            );
        }
    }
}
