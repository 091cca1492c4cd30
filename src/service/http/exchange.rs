//! One call over HTTP: its message out of the address or the body, its answer into a response. Knows no call.

use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Version, request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{json, page, params, plain};
use crate::error::{Error, Fault, Result};
use crate::service::deadline::{Deadline, TIMEOUT};
use crate::service::drained::cut_off;
use crate::service::intake::{LARGE, reading_json};
use crate::service::refusal::{Protocol, refuse};

/// Whether a call changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It answers.
    Reads,
    /// It writes, so it must say that its body is JSON: a browser sends that for a page of another origin only where it
    /// was allowed to.
    Writes,
}

/// A call as it came in.
pub struct Call {
    /// Address and headers.
    head: request::Parts,
    body: Body,
}

impl Call {
    /// The call of a request.
    pub fn new(request: Request) -> Self {
        let (head, body) = request.into_parts();
        Call { head, body }
    }

    /// When its caller stops waiting.
    pub fn deadline(&self) -> Option<Instant> {
        self.head.extensions.get::<Deadline>().map(|deadline| deadline.0)
    }

    /// The parameters of its address, as they came.
    pub fn query(&self) -> &str {
        self.head.uri.query().unwrap_or_default()
    }

    /// Its message: from the address, where it is asked by GET, else from the body.
    ///
    /// # Errors
    /// `Caller` by the field, `TooLarge` if the body has more than `most` bytes.
    pub async fn message<T: DeserializeOwned + Send + 'static>(
        self,
        name: &'static str,
        effect: Effect,
        most: usize,
    ) -> Result<T> {
        if self.head.method != Method::POST {
            return of_parameters(name, params::read(name, self.query())?);
        }
        self.no_parameters_but(&[], "put it into the body")?;
        if effect == Effect::Writes {
            says_what_it_is(&self.head.headers, "application/json")?;
        }
        let body = without_mark(self.whole(most).await?);
        // Until it is read it is held, however many wait for that.
        reading_json(body, move |body| json::read(name, body)).await
    }

    /// What is asked of the article that the path names, by the parameters behind it.
    ///
    /// # Errors
    /// `Caller` by the parameter.
    pub fn about_article<T: DeserializeOwned>(self, name: &'static str, article_id: String) -> Result<T> {
        let mut asked = params::read(name, self.query())?;
        if asked.insert(ARTICLE_ID.to_owned(), article_id.into()).is_some() {
            return Err(Error::caller("article_id: is in the path already").help("leave out the parameter"));
        }
        of_parameters(name, asked)
    }

    /// The one value of a parameter of a call whose body says everything else; none if it has none.
    ///
    /// # Errors
    /// `Caller` if it is given twice, or there is another parameter.
    pub fn parameter(&self, name: &str) -> Result<Option<String>> {
        self.no_parameters_but(&[name], "see /openapi.json")?;
        let named = form_urlencoded::parse(self.query().as_bytes()).filter(|(key, _)| key == name);
        let mut named = named.map(|(_, value)| value.into_owned());
        let value = named.next();
        match named.next() {
            Some(_) => Err(Error::caller(format!("{name}: is given twice"))),
            None => Ok(value),
        }
    }

    /// Its body in parts as they come.
    ///
    /// # Errors
    /// `Caller` if the headers do not say what it is.
    pub fn lines(self) -> Result<Body> {
        says_what_it_is(&self.head.headers, "application/x-ndjson")?;
        Ok(self.body)
    }

    /// Refuses parameters of calls whose body says everything but these.
    fn no_parameters_but(&self, known: &[&str], help: &str) -> Result<()> {
        let mut names = form_urlencoded::parse(self.query().as_bytes()).map(|(name, _)| name);
        match names.find(|name| name != TIMEOUT && !known.contains(&&**name)) {
            None => Ok(()),
            Some(name) => {
                let shown: String = name.chars().take(100).collect();
                Err(Error::caller(format!("{shown}: is not a parameter of this call")).help(help))
            }
        }
    }

    async fn whole(self, most: usize) -> Result<Bytes> {
        let declared = self
            .head
            .headers
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok());
        let declared = declared.and_then(|length| length.parse::<usize>().ok()).unwrap_or(0);
        if declared > most {
            return Err(too_large(most));
        }
        // No more before it comes: who declares much may send nothing.
        let mut whole = Vec::with_capacity(declared.min(LARGE));
        let mut parts = self.body.into_data_stream();
        loop {
            let Some(part) = parts.next().await else { break };
            let part = part.map_err(|cause| cut_off(&cause))?;
            if whole.len() + part.len() > most {
                return Err(too_large(most));
            }
            whole.extend_from_slice(&part);
        }
        Ok(whole.into())
    }
}

/// The field that the path of an article names.
const ARTICLE_ID: &str = "article_id";

/// The message that parameters make.
fn of_parameters<T: DeserializeOwned>(name: &str, parameters: Map<String, Value>) -> Result<T> {
    let mut value = Value::Object(parameters);
    // Says in plain words what is none of an enum's names.
    plain::make(name, &mut value)?;
    json::read_from(value)
}

/// A body without the mark that some programs begin a text in UTF-8 with; one of nothing is a message of no fields.
fn without_mark(body: Bytes) -> Bytes {
    let rest = body
        .strip_prefix(b"\xef\xbb\xbf")
        .map_or(body.clone(), |rest| body.slice_ref(rest));
    if rest.trim_ascii().is_empty() {
        Bytes::from_static(b"{}")
    } else {
        rest
    }
}

fn too_large(most: usize) -> Error {
    Error::new(Fault::TooLarge, format!("the body is larger than {most} bytes")).help("send it in several calls")
}

/// Refuses what would be read as something else than was sent: an address whose bytes are no UTF-8, and what names two
/// hosts or none, since whatever is in front of the service may have taken another one for it.
pub async fn only_what_is_read_rightly(request: Request, next: Next) -> Response {
    match readable(&request) {
        Ok(()) => next.run(request).await,
        Err(_) if page::is_looked_at(&request) => page::instead(StatusCode::BAD_REQUEST),
        Err(error) => failed(&error),
    }
}

fn readable(request: &Request) -> Result<()> {
    let is_text = |part: &&str| percent_decode_str(part).decode_utf8().is_ok();
    let query = request.uri().query().unwrap_or_default();
    if let Some(pair) = query.split('&').find(|pair| !is_text(pair)) {
        let name: String = pair.split('=').next().unwrap_or_default().chars().take(100).collect();
        return Err(Error::caller(format!("{name}: is not UTF-8")).help("encode addresses by UTF-8"));
    }
    if !is_text(&request.uri().path()) {
        return Err(Error::caller("the address is not UTF-8").help("encode addresses by UTF-8"));
    }
    let hosts = request.headers().get_all(HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        let said = format!("host: the header stands {hosts} times in the request");
        return Err(Error::caller(said).help("send it once"));
    }
    Ok(())
}

/// Refuses a body whose type a browser sends for any page without asking first.
fn says_what_it_is(headers: &HeaderMap, wanted: &str) -> Result<()> {
    let content = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = content.split(';').next().unwrap_or_default().trim();
    let known = ["application/json", "application/x-ndjson", "application/jsonl"];
    if known.iter().any(|known| essence.eq_ignore_ascii_case(known)) {
        Ok(())
    } else {
        Err(Error::caller(format!("content-type: must be {wanted}"))
            .help(format!("with curl: -H 'content-type: {wanted}'")))
    }
}

/// JSON, or why there is none.
pub fn respond(answer: Result<Vec<u8>>) -> Response {
    match answer {
        Ok(json) => ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], json).into_response(),
        Err(error) => failed(&error),
    }
}

/// The response to a call that failed.
pub fn failed(error: &Error) -> Response {
    refuse(Protocol::Http, error).map(Body::new)
}

/// The same by a code that HTTP alone has.
pub fn failed_as(status: StatusCode, error: &Error) -> Response {
    let mut response = failed(error);
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_says_once_whom_it_is_for() {
        let check = |version, hosts: &[&str], is_readable: bool| {
            let mut request = axum::http::Request::builder().version(version);
            for host in hosts {
                request = request.header(HOST, *host);
            }
            let request = request.body(Body::empty()).unwrap();
            assert_eq!(readable(&request).is_ok(), is_readable, "{version:?} {hosts:?}");
        };
        check(Version::HTTP_11, &["localhost"], true);
        check(Version::HTTP_11, &[], false);
        check(Version::HTTP_11, &["localhost", "localhost"], false);
        check(Version::HTTP_10, &[], true);
        check(Version::HTTP_10, &["a", "b"], false);
        // The address has it.
        check(Version::HTTP_2, &[], true);
    }
}
