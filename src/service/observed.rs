//! Every call of a server from its first byte to its last: named, counted, timed, and kept from piling up unread.
//!
//! A call is known by its `x-request-id`, the caller's or one of ours, which is in every line that is written about it
//! and comes back with the answer. The answer goes on in small pieces, each only when the client takes it, and what it
//! has not taken is counted (`activity`). Outside of everything else, so that refusals are seen as well.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::future::{Either, Ready, ready};
use http_body::{Frame, SizeHint};
use tonic::body::Body;
use tonic::codegen::http::{HeaderMap, HeaderValue, Request, Response};
use tonic::codegen::{Body as _, Bytes, Service};
use tonic::{Code, Status};
use tracing::{Instrument as _, Span};

use super::activity::{Activity, Call, Peer, Waits, check_room, coming_by};
use super::caller::ByToken;
use super::drained::Drained;
use super::intake::{Account, counted};
use super::methods::path_info;
use super::metrics::Metrics;
use super::pace::Pace;
use super::refusal::{Protocol, RefusedAs, refuse};
use super::status;
use super::trace::{Trace, Traces, told};

/// The header that a call is known by.
pub const REQUEST_ID: &str = "x-request-id";
/// The longest id taken from a caller, in bytes.
const MAX_ID: usize = 128;
/// Bytes of an answer that go on at a time: what the library holds of one that is not read.
const PIECE: usize = 16 << 10;
/// Calls that go on for as long as their clients like and only tell them news.
const NEWS: [&str; 2] = ["/grpc.reflection.", "/grpc.health.v1.Health/Watch"];
/// The lines about calls that have ended, as logs name them.
pub const ACCESS: &str = "access";

/// All services of one server, seen from outside.
#[derive(Debug, Clone)]
pub struct Observed<S> {
    inner: S,
    metrics: Arc<Metrics>,
    traces: Option<Arc<dyn Traces>>,
    /// Calls whose answer is still being made.
    unanswered: Arc<AtomicUsize>,
    /// How fast bodies must come, but for paths that begin with one of these.
    pace: Option<(Pace, &'static [&'static str])>,
}

impl<S> Observed<S> {
    /// Sees the calls of `inner`; those whose answer is still being made, as a whole or in part, are counted in
    /// `unanswered`, those whose answer only waits for its reader are not.
    pub fn new(inner: S, metrics: Arc<Metrics>, unanswered: Arc<AtomicUsize>) -> Self {
        Observed {
            inner,
            metrics,
            traces: None,
            unanswered,
            pace: None,
        }
    }

    /// The same, in which the bodies of calls come at this pace and are counted as held, but for paths that begin with
    /// one of these.
    #[must_use]
    pub fn while_bodies_go_on(self, pace: Pace, except: &'static [&'static str]) -> Self {
        let pace = Some((pace, except));
        Observed { pace, ..self }
    }

    /// The same, with somebody else who is told of each call.
    #[must_use]
    pub fn traced_by(self, traces: Option<Arc<dyn Traces>>) -> Self {
        Observed { traces, ..self }
    }
}

/// A call whose answer is still being made.
struct Unanswered(Arc<AtomicUsize>);

impl Unanswered {
    fn one(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Unanswered(count.clone())
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl<S> Observed<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    /// Lets a call through, unless its connection reads no answers.
    fn pass(
        &mut self,
        request: Request<Body>,
        connection: Option<&Arc<Activity>>,
    ) -> Either<S::Future, Ready<Refused>> {
        let protocol = Protocol::of(&request);
        match check_room(connection) {
            Ok(()) => Either::Left(self.inner.call(request)),
            Err(error) => {
                self.metrics.refused("unread");
                Either::Right(ready(Ok(refuse(protocol, &error))))
            }
        }
    }

    /// The pace at which the body of a call must come.
    fn pace_of(&self, path: &str) -> Option<&Pace> {
        let (pace, except) = self.pace.as_ref()?;
        let may_take_its_time = except.iter().any(|begin| path.starts_with(begin));
        (!may_take_its_time).then_some(pace)
    }
}

/// What a call comes to that is not let through.
type Refused = Result<Response<Body>, Infallible>;

impl<S> Service<Request<Body>> for Observed<S>
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

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let token = ByToken::default();
        request.extensions_mut().insert(token.clone());
        let id = id(request.headers());
        let method = path_info(request.uri().path()).label;
        let peer = request.extensions().get::<Peer>().cloned();
        let named = id.to_str().unwrap_or_default();
        let span = tracing::info_span!("call", id = named);
        let traces = self.traces.as_ref();
        let trace = traces.map(|traces| traces.begin(method, named, request.headers()));
        let record = Record {
            metrics: self.metrics.clone(),
            method,
            begin: Instant::now(),
            code: None,
            bytes: 0,
            span: span.clone(),
            trace: trace.clone(),
            peer: address_of(peer.as_ref()),
            token,
        };
        self.metrics.call_began();
        let connection = peer.map(|peer| peer.activity);
        let call = connection.as_ref().map(Activity::call);
        let tells_news = NEWS.iter().any(|begin| request.uri().path().starts_with(begin));
        let waits = connection.as_ref().filter(|_| tells_news).map(Activity::waits);
        let pace = connection.as_ref().zip(self.pace_of(request.uri().path()));
        let account = pace.map(|(connection, pace)| (Account::new(connection.clone(), self.metrics.clone()), pace));
        let (request, account) = Drained::request(request, account);
        let answer = counted(account, self.pass(request, connection.as_ref()));
        let count = self.unanswered.clone();
        let unanswered = Unanswered::one(&count);
        let answered = async move {
            let mut response = coming_by(connection, answer).await?;
            response.headers_mut().insert(REQUEST_ID, id);
            let mut record = record;
            record.note_begin(&response);
            let (parts, body) = response.into_parts();
            let mut body = Answered {
                inner: body,
                rest: Bytes::new(),
                count,
                unanswered: Some(unanswered),
                is_whole: false,
                call,
                _waits: waits,
                record,
            };
            // Whatever there is of the answer is counted from now on, although nobody takes it.
            let first = std::future::poll_fn(|cx| Poll::Ready(body.poll_fill(cx))).await;
            let first = match first {
                Poll::Ready(Some(frame)) => Some(frame),
                _ => None,
            };
            let body = WithFirst { first, body };
            Ok(Response::from_parts(parts, Body::new(body)))
        };
        Box::pin(told(trace, answered).instrument(span))
    }
}

fn address_of(peer: Option<&Peer>) -> Option<String> {
    Some(peer?.address?.to_string())
}

/// The caller's id where it can be written down, else one of ours.
fn id(headers: &HeaderMap) -> HeaderValue {
    let theirs = headers.get(REQUEST_ID).filter(|id| {
        let id = id.as_bytes();
        !id.is_empty() && id.len() <= MAX_ID && id.iter().all(u8::is_ascii_graphic)
    });
    theirs.cloned().unwrap_or_else(|| {
        let id = format!("{:016x}", fastrand::u64(..));
        HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("none"))
    })
}

/// Whether an answer says how it went in its trailers. One of gRPC-Web says it in its body, which nobody reads here.
fn is_grpc(headers: &HeaderMap) -> bool {
    let content = headers.get("content-type").map(HeaderValue::as_bytes);
    content.is_some_and(|content| {
        content.starts_with(b"application/grpc") && !content.starts_with(b"application/grpc-web")
    })
}

/// What is known of a call; said when it is dropped, with or without an end.
struct Record {
    metrics: Arc<Metrics>,
    method: &'static str,
    begin: Instant,
    code: Option<&'static str>,
    bytes: usize,
    span: Span,
    trace: Option<Arc<dyn Trace>>,
    peer: Option<String>,
    token: ByToken,
}

impl Record {
    /// Takes the code out of an answer, if it is there: over HTTP it always is.
    fn note_begin(&mut self, response: &Response<Body>) {
        self.note(response.headers());
        if self.code.is_none() && !is_grpc(response.headers()) {
            let said = response.extensions().get::<RefusedAs>();
            let said = said.map(|code| status::code_name(code.0));
            self.code = Some(said.unwrap_or_else(|| status::http_name(response.status().as_u16())));
        }
    }

    /// Takes the code out of headers or trailers, if it is there.
    fn note(&mut self, headers: &HeaderMap) {
        if let Some(code) = headers.get(Status::GRPC_STATUS) {
            self.code = Some(status::code_name(Code::from_bytes(code.as_bytes())));
        }
    }

    /// Nobody waited for the end.
    fn is_left(&mut self) {
        self.code = self.code.filter(|code| *code != "OK");
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let code = self.code.unwrap_or("CANCELLED");
        let time = self.begin.elapsed();
        self.metrics.call_ended(self.method, code, time);
        if let Some(trace) = &self.trace {
            trace.ended(code, self.bytes);
        }
        // To the microsecond: more digits are those of binary fractions.
        let milliseconds = (time.as_secs_f64() * 1_000_000.0).round() / 1_000.0;
        tracing::info!(
            target: ACCESS,
            parent: &self.span,
            method = self.method,
            code,
            ms = milliseconds,
            bytes = self.bytes,
            peer = self.peer.as_deref().unwrap_or_default(),
            token = self.token.0.get().map(|name| &**name),
        );
    }
}

/// An answer on its way.
struct Answered {
    inner: Body,
    /// What was made and not taken.
    rest: Bytes,
    count: Arc<AtomicUsize>,
    /// Set while more of it is being made.
    unanswered: Option<Unanswered>,
    /// Whether the last of it was made.
    is_whole: bool,
    call: Option<Call>,
    _waits: Option<Waits>,
    record: Record,
}

type Next = Option<Result<Frame<Bytes>, Status>>;

impl Answered {
    /// Has something of the answer ready; gives what is no data, or the end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        while self.rest.is_empty() {
            let Poll::Ready(next) = Pin::new(&mut self.inner).poll_frame(cx) else {
                self.unanswered.get_or_insert_with(|| Unanswered::one(&self.count));
                return Poll::Pending;
            };
            self.unanswered = None;
            match next.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => {
                    if let Some(call) = &self.call {
                        call.hold(data.len());
                    }
                    self.record.bytes += data.len();
                    self.rest = data;
                }
                Some(Ok(Err(frame))) => {
                    if let Some(trailers) = frame.trailers_ref() {
                        self.record.note(trailers);
                        self.is_whole = true;
                    }
                    return Poll::Ready(Some(Ok(frame)));
                }
                Some(Err(status)) => {
                    self.record.code = Some(status::code_name(status.code()));
                    return Poll::Ready(Some(Err(status)));
                }
                None => {
                    self.is_whole = true;
                    return Poll::Ready(None);
                }
            }
        }
        Poll::Pending
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        // What says how it goes before it is made says nothing of who went away meanwhile.
        if !(self.is_whole || self.rest.is_empty() && self.inner.is_end_stream()) {
            self.record.is_left();
        }
        if let Some(call) = &self.call {
            call.release(self.rest.len());
        }
    }
}

/// An answer of which something may have been seen before.
struct WithFirst {
    first: Next,
    body: Answered,
}

impl http_body::Body for WithFirst {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Next> {
        let body = &mut self.body;
        if body.rest.is_empty() {
            if let Some(first) = self.first.take() {
                return Poll::Ready(Some(first));
            }
            // It is pending with something to take, or for more to come.
            if let Poll::Ready(next) = self.body.poll_fill(cx) {
                return Poll::Ready(next);
            }
        }
        let body = &mut self.body;
        if body.rest.is_empty() {
            return Poll::Pending;
        }
        let piece = body.rest.split_to(PIECE.min(body.rest.len()));
        if let Some(call) = &body.call {
            call.release(piece.len());
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.body.rest.is_empty() && self.body.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (mut hint, rest) = (self.body.inner.size_hint(), self.body.rest.len() as u64);
        if let Some(upper) = hint.upper() {
            // The larger bound first, which the smaller one may not pass.
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, StreamExt as _};

    use super::*;
    use crate::error::Error;
    use crate::service::refusal::{Protocol, refuse};

    /// A service that answers nothing but what it was made with, once.
    #[derive(Clone)]
    struct Fixed(Arc<std::sync::Mutex<Option<Response<Body>>>>);

    impl Service<Request<Body>> for Fixed {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Response<Body>, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<Body>) -> Self::Future {
            std::future::ready(Ok(self.0.lock().unwrap().take().unwrap()))
        }
    }

    async fn observed(answer: Response<Body>, path: &str) -> (Response<Body>, Arc<Metrics>, Arc<AtomicUsize>) {
        let (metrics, count) = (Arc::new(Metrics::new()), Arc::default());
        let fixed = Fixed(Arc::new(std::sync::Mutex::new(Some(answer))));
        let mut observed = Observed::new(fixed, metrics.clone(), Arc::clone(&count));
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let answer = observed.call(request).await.unwrap();
        (answer, metrics, count)
    }

    #[tokio::test]
    async fn a_call_is_counted_by_the_code_that_its_answer_says() {
        let check = async |answer: Response<Body>, status: u16, code: &str| {
            let mut answer = answer;
            *answer.status_mut() = status.try_into().unwrap();
            let (answer, metrics, _) = observed(answer, "/v1/search").await;
            drop(answer);
            let expected = format!(r#"baowen_requests_total{{method="/v1/search",code="{code}"}} 1"#);
            let said = metrics.text();
            assert!(said.contains(&expected), "{expected} in {said}");
        };
        let refused = |error| refuse(Protocol::Http, &error);
        let plain = || Response::new(Body::empty());
        check(refused(Error::caller("no")), 405, "INVALID_ARGUMENT").await;
        check(refused(Error::precondition("no")), 400, "FAILED_PRECONDITION").await;
        check(refused(Error::corrupt("no")), 500, "DATA_LOSS").await;
        check(plain(), 200, "OK").await;
        check(plain(), 304, "OK").await;
        check(plain(), 413, "RESOURCE_EXHAUSTED").await;
        check(plain(), 405, "INVALID_ARGUMENT").await;
    }

    #[tokio::test]
    async fn a_call_is_unanswered_until_the_last_of_its_answer_is_made() {
        let (give, mut given) = tokio::sync::mpsc::channel::<Result<Bytes, Infallible>>(1);
        let parts = futures_util::stream::poll_fn(move |cx| given.poll_recv(cx));
        let answer = Response::new(Body::new(axum::body::Body::from_stream(parts)));
        let (answer, _, count) = observed(answer, "/v1/search:batch").await;
        let mut read = axum::body::Body::new(answer.into_body()).into_data_stream();
        let unanswered = || count.load(Ordering::Acquire);
        assert_eq!(unanswered(), 1, "nothing of it is there");
        give.send(Ok("a".into())).await.unwrap();
        assert_eq!(read.next().await.unwrap().unwrap(), "a");
        assert_eq!(unanswered(), 0, "what there is waits for its reader");
        assert!(read.next().now_or_never().is_none());
        assert_eq!(unanswered(), 1, "the rest is being made");
        drop(give);
        assert!(read.next().await.is_none());
        assert_eq!(unanswered(), 0);
    }

    #[tokio::test]
    async fn an_answer_that_nobody_waits_for_is_cancelled() {
        let check = async |reads: usize, code: &str| {
            let parts = futures_util::stream::iter(["a", "b"]).map(|part| Ok::<_, Infallible>(Bytes::from(part)));
            let answer = Response::new(Body::new(axum::body::Body::from_stream(parts)));
            let (answer, metrics, _) = observed(answer, "/v1/search:batch").await;
            let mut read = axum::body::Body::new(answer.into_body()).into_data_stream();
            for _ in 0..reads {
                read.next().await;
            }
            drop(read);
            let expected = format!(r#"baowen_requests_total{{method="/v1/search:batch",code="{code}"}} 1"#);
            let said = metrics.text();
            assert!(said.contains(&expected), "{expected} in {said}");
        };
        check(1, "CANCELLED").await;
        check(3, "OK").await;
    }
}
