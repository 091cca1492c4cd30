//! How a call is refused, by the protocol it came in: a gRPC status, or an HTTP code with a body of JSON that says the
//! same.
//!
//! The one place where an error becomes an answer on the wire, for handlers and for layers around them alike.

use serde::Serialize;
use tonic::Code;
use tonic::body::Body;
use tonic::codegen::http::header::CONTENT_TYPE;
use tonic::codegen::http::{HeaderValue, Request, Response};

use super::status;
use crate::error::{Error, Fault};

/// What a call came in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC, or gRPC-Web, which says how it went the same way.
    Grpc,
    /// Plain HTTP with JSON.
    Http,
}

impl Protocol {
    /// The protocol of a request, by its content type.
    pub fn of<B>(request: &Request<B>) -> Self {
        let content = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        if content.is_some_and(|content| content.starts_with(b"application/grpc")) {
            Protocol::Grpc
        } else {
            Protocol::Http
        }
    }
}

/// The code that a refusal over HTTP says in its body, for whoever counts answers; beside the response, not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusedAs(pub Code);

/// An error as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The name of its gRPC code (INVALID_ARGUMENT).
    pub code: &'static str,
    /// What was wrong.
    pub message: String,
    /// The field that was; empty if it was no field.
    pub field: String,
    /// What helps; empty if nothing is known to.
    pub help: String,
}

impl Refusal {
    /// The error in these words.
    pub fn new(error: &Error) -> Self {
        Refusal::with_code(status::code(error.fault()), error)
    }

    fn with_code(code: Code, error: &Error) -> Self {
        Refusal {
            code: status::code_name(code),
            message: error.message().to_owned(),
            field: field(error).unwrap_or_default().to_owned(),
            help: error.hint().unwrap_or_default().to_owned(),
        }
    }
}

/// The answer to a call that failed.
pub fn refuse(protocol: Protocol, error: &Error) -> Response<Body> {
    refuse_with(protocol, status::code(error.fault()), error)
}

/// The same by a code that no fault of the core means: who calls is not known, or may not.
pub fn refuse_with(protocol: Protocol, code: Code, error: &Error) -> Response<Body> {
    match protocol {
        Protocol::Grpc => status::with_code(code, error).into_http(),
        Protocol::Http => {
            // Texts alone, which cannot fail to become JSON.
            let body = serde_json::to_string(&Refusal::with_code(code, error)).unwrap_or_default();
            let mut response = Response::new(Body::new(body));
            *response.status_mut() = status::http_of(error.fault(), code);
            response.extensions_mut().insert(RefusedAs(code));
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
            response
        }
    }
}

/// The field that was wrong: messages about one begin with it (`filter.years: ...`).
fn field(error: &Error) -> Option<&str> {
    if !matches!(error.fault(), Fault::Caller | Fault::Missing) {
        return None;
    }
    let (field, _) = error.message().split_once(": ")?;
    let is_of_a_field = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.[]".contains(c);
    (!field.is_empty() && field.chars().all(is_of_a_field)).then_some(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_what_the_message_begins_with() {
        let check = |error: Error, expected: &str| assert_eq!(Refusal::new(&error).field, expected, "{error}");
        check(Error::caller("top_k: 0 is too few"), "top_k");
        check(Error::caller("filter.years: `1` is none"), "filter.years");
        check(Error::caller("requests[3].query: is empty"), "requests[3].query");
        check(Error::missing("article_id: there is none"), "article_id");
        check(Error::caller("no such path: there is none"), "");
        check(Error::caller("nothing"), "");
        check(Error::unavailable("disk: is full"), "");
    }

    #[test]
    fn both_protocols_say_the_same() {
        let error = Error::caller("top_k: 0 is too few").help("1 to 1000");
        let grpc = refuse(Protocol::Grpc, &error);
        assert_eq!(grpc.headers()["grpc-status"], "3");
        let http = refuse(Protocol::Http, &error);
        assert_eq!(http.status(), 400);
        assert_eq!(http.headers()[CONTENT_TYPE], "application/json");
        let said = serde_json::to_value(Refusal::new(&error)).unwrap();
        let expected = serde_json::json!({
            "code": "INVALID_ARGUMENT", "message": "top_k: 0 is too few", "field": "top_k", "help": "1 to 1000",
        });
        assert_eq!(said, expected);
    }
}
