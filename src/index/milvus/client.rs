//! Calls of Milvus: connections, time limits, what is tried again, and whose fault an error is.
//!
//! The seam is synchronous, the network is not. A call runs on the client's own runtime and whoever made it waits in
//! its own thread, so calls may be made from anywhere. All calls can be repeated without harm: rows are written by
//! their keys.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request};

use super::address::Address;
use super::wire::{self, Answer, Call};
use crate::compute::{Budget, late};
use crate::error::{Context, Error, Fault, Result};

/// Connections: one alone would make a small answer wait behind a large one.
const CHANNELS: usize = 4;
/// How long a call may take where its caller sets no limit.
const PATIENCE: Duration = Duration::from_secs(60);
const CONNECTING: Duration = Duration::from_secs(5);
/// The largest message that is read or sent, in bytes; a server takes 64 MiB unless it is told otherwise.
const LARGEST_MESSAGE: usize = 256 << 20;
/// How often a call is made at most.
const ATTEMPTS: u32 = 6;
/// Before the second attempt; doubled before each further one.
const PAUSE: Duration = Duration::from_millis(50);

/// Milvus' codes for calls that are wrong in themselves.
const WRONG_CALL: std::ops::Range<i32> = 1_100..1_200;
/// Milvus' code for too many calls.
const RATE_LIMITED: i32 = 8;
/// Milvus' code for a collection that has to be loaded, as after a restart.
const NOT_LOADED: i32 = 101;
/// Milvus' code for a collection that is not there.
const NO_COLLECTION: i32 = 100;
/// The same in the numbers of before 2.3, which a server gives where it gives no code. (Among the codes of today 4
/// means that there are too many calls.)
const OLD_NO_COLLECTION: i32 = 4;
/// Too many calls in the old numbers.
const OLD_RATE_LIMITED: i32 = 49;

/// The path of a call.
const SERVICE: &str = "/milvus.proto.milvus.MilvusService/";

/// A server, or a cluster, of Milvus. Cheap to clone.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    address: Address,
    channels: Vec<Channel>,
    next: AtomicUsize,
    authorization: Option<MetadataValue<tonic::metadata::Ascii>>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Waiting for it is not allowed everywhere, and nothing in it is worth waiting for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A call under way.
pub struct Pending<A>(mpsc::Receiver<Result<A>>);

impl<A> Pending<A> {
    /// Waits for its answer.
    pub fn wait(self) -> Result<A> {
        // The task that sends is only dropped with the runtime, which the client outlives.
        self.0
            .recv()
            .unwrap_or_else(|_| Err(Error::unavailable("the connection to Milvus was closed")))
    }
}

impl Client {
    /// Connects when the first call is made.
    ///
    /// # Errors
    /// `Caller` if the address cannot be one.
    pub fn new(address: Address) -> Result<Client> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("milvus")
            .enable_all()
            .build()
            .or_fault(Fault::Unavailable, "starting the threads that talk to Milvus")?;
        let scheme = if address.tls { "https" } else { "http" };
        let mut endpoint = Endpoint::from_shared(format!("{scheme}://{}", address.host))
            .or_fault(Fault::Caller, format!("reading the address {address}"))?
            .connect_timeout(CONNECTING)
            .http2_keep_alive_interval(Duration::from_secs(30))
            .tcp_nodelay(true)
            .initial_stream_window_size(4 << 20)
            .initial_connection_window_size(16 << 20);
        if address.tls {
            endpoint = endpoint
                .tls_config(ClientTlsConfig::new().with_native_roots())
                .or_fault(Fault::Caller, "setting up TLS")?;
        }
        let authorization = match &address.token {
            Some(token) => Some(
                STANDARD
                    .encode(token)
                    .parse()
                    .or_fault(Fault::Caller, "reading the token")?,
            ),
            None => None,
        };
        let channels = {
            let _inside = runtime.enter();
            (0..CHANNELS).map(|_| endpoint.connect_lazy()).collect()
        };
        Ok(Client(Arc::new(Shared {
            address,
            channels,
            next: AtomicUsize::new(0),
            authorization,
            runtime: Some(runtime),
        })))
    }

    /// Where it is.
    pub fn address(&self) -> &Address {
        &self.0.address
    }

    /// Runs something on the client's threads, until it ends or the client is dropped.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> Option<tokio::task::AbortHandle> {
        let runtime = self.0.runtime.as_ref()?;
        Some(runtime.spawn(work).abort_handle())
    }

    /// Makes a call and waits for its answer. `collection` is the one it is about.
    ///
    /// # Errors
    /// `Deadline` if the budget's passed, `Unavailable` if Milvus is not there, busy or failing, `Exhausted` if it
    /// takes no more calls for now, `Missing` if there is no such collection, `Precondition` if it lets nobody in with
    /// this token or the message is too large for it, `Bug` if it finds the call itself wrong.
    pub fn call<A: Answer>(
        &self,
        method: &'static str,
        collection: &str,
        request: impl Call,
        budget: Budget,
    ) -> Result<A> {
        self.start(method, collection, request, budget).wait()
    }

    /// Makes a call whose answer is waited for later. Errors as [`Client::call`].
    pub fn start<A: Answer>(
        &self,
        method: &'static str,
        collection: &str,
        request: impl Call,
        budget: Budget,
    ) -> Pending<A> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let (client, collection) = (self.clone(), collection.to_owned());
        self.spawn(async move {
            let answer = client.answer(method, &collection, request, budget).await;
            // Who does not wait any more needs no answer.
            let _ = sender.send(answer);
        });
        Pending(receiver)
    }

    /// As [`Client::call`], from the client's own threads.
    pub async fn answer<A: Answer>(
        &self,
        method: &'static str,
        collection: &str,
        request: impl Call,
        budget: Budget,
    ) -> Result<A> {
        let until = budget.deadline.unwrap_or_else(|| Instant::now() + PATIENCE);
        let mut pause = PAUSE;
        let mut attempt = 1;
        loop {
            budget.check()?;
            let left = until.saturating_duration_since(Instant::now());
            let failed = match tokio::time::timeout(left, self.once::<A>(method, request.clone(), left)).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(failed)) => failed.about(method, collection),
                Err(_) => return Err(self.too_slow(method, budget)),
            };
            // A server that gave up at the same moment says so in its own words.
            budget.check()?;
            if !failed.again || attempt == ATTEMPTS || until.saturating_duration_since(Instant::now()) < pause {
                return Err(failed.error.context(self.context()));
            }
            if failed.not_loaded {
                let left = until.saturating_duration_since(Instant::now());
                match tokio::time::timeout(left, self.load(collection, left)).await {
                    Ok(loaded) => loaded.map_err(|error| error.context(self.context()))?,
                    Err(_) => return Err(self.too_slow("LoadCollection", budget)),
                }
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
            attempt += 1;
        }
    }

    fn too_slow(&self, method: &str, budget: Budget) -> Error {
        if budget.deadline.is_some() {
            return late().context(method).context(self.context());
        }
        let seconds = PATIENCE.as_secs();
        Error::unavailable(format!("{method} was not answered within {seconds} s")).context(self.context())
    }

    /// What names a collection.
    pub fn reference(&self, collection: &str) -> wire::CollectionRef {
        wire::CollectionRef {
            db_name: self.0.address.database.clone(),
            collection_name: collection.to_owned(),
        }
    }

    /// Has a collection loaded, after which it can be searched.
    async fn load(&self, collection: &str, left: Duration) -> Result<()> {
        let request = self.reference(collection);
        let loading = self.once::<wire::Status>("LoadCollection", request, left).await;
        loading.map(|_| ()).map_err(|failed| failed.error)
    }

    async fn once<A: Answer>(&self, method: &'static str, message: impl Call, left: Duration) -> Result<A, Failed> {
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        let channel = self.0.channels[number % CHANNELS].clone();
        let mut grpc = tonic::client::Grpc::new(channel)
            .max_decoding_message_size(LARGEST_MESSAGE)
            .max_encoding_message_size(LARGEST_MESSAGE);
        grpc.ready()
            .await
            .map_err(|error| Failed::unreachable(&causes(&error)))?;
        let mut request = Request::new(message);
        request.set_timeout(left);
        if let Some(authorization) = &self.0.authorization {
            request.metadata_mut().insert("authorization", authorization.clone());
        }
        let path: PathAndQuery = format!("{SERVICE}{method}").parse().map_err(|_| Failed::bug(method))?;
        let codec = tonic_prost::ProstCodec::default();
        let answer: A = match grpc.unary(request, path, codec).await {
            Ok(answer) => answer.into_inner(),
            Err(status) => return Err(Failed::of_grpc(method, &status)),
        };
        match answer.status() {
            Some(status) if status.code != 0 || status.error_code != 0 => Err(Failed::of_milvus(method, status)),
            Some(_) => Ok(answer),
            // It may be cut: what it does not say to be done is not done.
            None => Err(Failed {
                error: Error::unavailable(format!("{method}: the answer does not say how it went")),
                again: true,
                not_loaded: false,
            }),
        }
    }

    fn context(&self) -> String {
        format!("Milvus at {}", self.0.address.host)
    }
}

/// A call that failed, and whether it may go through when it is made again.
struct Failed {
    error: Error,
    again: bool,
    not_loaded: bool,
}

impl Failed {
    /// Whoever works with a collection has seen it: one that is gone is nothing that its caller named wrongly.
    fn about(self, method: &str, collection: &str) -> Failed {
        if self.error.fault() != Fault::Missing || ["HasCollection", "DropCollection"].contains(&method) {
            return self;
        }
        let error = Error::unavailable(format!("{method}: the collection `{collection}` is not there"))
            .help("`baowen verify` says whether the index is whole; an index that is being made again comes back");
        Failed { error, ..self }
    }

    /// No connection, for these reasons.
    fn unreachable(causes: &str) -> Failed {
        let error = Error::unavailable(format!("it cannot be reached: {causes}"));
        Failed {
            error,
            again: true,
            not_loaded: false,
        }
        .told_from_plain_text()
    }

    /// A server that answers TLS in plain text will do so the next time.
    fn told_from_plain_text(self) -> Failed {
        // What the TLS library says of such an answer.
        if !self.error.message().contains("InvalidContentType") {
            return self;
        }
        let help = "it does not speak TLS on this port: leave `tls=true` away, or ask another port";
        Failed {
            error: self.error.help(help),
            again: false,
            ..self
        }
    }

    fn bug(method: &str) -> Failed {
        Failed {
            error: Error::bug(format!("`{method}` is no name of a call")),
            again: false,
            not_loaded: false,
        }
    }

    fn of_grpc(method: &str, status: &tonic::Status) -> Failed {
        let said = match std::error::Error::source(status) {
            Some(source) => format!("{}: {}", status.message(), causes(source)),
            None => status.message().to_owned(),
        };
        let is_too_large = said.contains("arger than max") || said.contains("too large");
        let (fault, again) = match status.code() {
            Code::ResourceExhausted if is_too_large => (Fault::Precondition, false),
            // Nobody's deadline has passed here, so it is one of the server's own.
            Code::DeadlineExceeded | Code::Cancelled => (Fault::Unavailable, true),
            Code::Unavailable | Code::ResourceExhausted | Code::Aborted => (Fault::Unavailable, true),
            Code::Unauthenticated | Code::PermissionDenied | Code::Unimplemented => (Fault::Precondition, false),
            _ => (Fault::Unavailable, false),
        };
        let code = status.code();
        let error = Error::new(fault, format!("{method}: {said} ({code:?})"));
        Failed {
            error: if is_too_large {
                error.help("send less at a time (`?batch=KB`), or let Milvus take larger messages")
            } else {
                error
            },
            again,
            not_loaded: false,
        }
        .told_from_plain_text()
    }

    fn of_milvus(method: &str, status: &wire::Status) -> Failed {
        let (code, is_gone, is_limited) = match (status.code, status.error_code) {
            (0, old) => (old, old == OLD_NO_COLLECTION, old == OLD_RATE_LIMITED),
            (code, _) => (code, code == NO_COLLECTION, code == RATE_LIMITED),
        };
        let not_loaded = status.code == NOT_LOADED || status.reason.contains("not loaded");
        let fault = match (is_gone, is_limited) {
            (true, _) => Fault::Missing,
            (_, true) => Fault::Exhausted,
            _ if WRONG_CALL.contains(&status.code) => Fault::Bug,
            _ => Fault::Unavailable,
        };
        Failed {
            error: Error::new(fault, format!("{method}: {} (code {code})", status.reason)),
            again: !is_gone && (not_loaded || status.retriable || is_limited),
            not_loaded,
        }
    }
}

/// An error with its causes in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        next = cause.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_in_the_numbers_that_they_are_of() {
        let check = |code: i32, error_code: i32, retriable: bool, expected: (Fault, bool, bool)| {
            let status = wire::Status {
                code,
                error_code,
                retriable,
                ..wire::Status::default()
            };
            let failed = Failed::of_milvus("Query", &status);
            let found = (failed.error.fault(), failed.again, failed.not_loaded);
            assert_eq!(found, expected, "code {code}, error_code {error_code}");
        };
        check(100, 4, false, (Fault::Missing, false, false));
        check(100, 0, true, (Fault::Missing, false, false));
        check(0, 4, false, (Fault::Missing, false, false));
        // Too many calls: nothing is missing.
        check(4, 1, true, (Fault::Unavailable, true, false));
        check(4, 4, true, (Fault::Unavailable, true, false));
        check(8, 0, false, (Fault::Exhausted, true, false));
        check(0, 49, false, (Fault::Exhausted, true, false));
        check(101, 0, false, (Fault::Unavailable, true, true));
        check(1_100, 0, false, (Fault::Bug, false, false));
        check(1_200, 0, false, (Fault::Unavailable, false, false));
    }

    #[test]
    fn a_server_without_tls_is_told_as_such() {
        let check = |causes: &str, expected: bool| {
            let failed = Failed::unreachable(causes);
            assert_eq!(
                (failed.error.hint().is_some(), failed.again),
                (expected, !expected),
                "{causes}"
            );
        };
        check(
            "transport error: received corrupt message of type InvalidContentType",
            true,
        );
        check("tcp connect error: Connection refused", false);
    }

    #[test]
    fn a_collection_that_is_gone_is_no_mistake_of_the_caller() {
        let gone = wire::Status {
            code: NO_COLLECTION,
            ..wire::Status::default()
        };
        let check = |method: &str, expected: Fault| {
            let failed = Failed::of_milvus(method, &gone).about(method, "articles_v1");
            assert_eq!(failed.error.fault(), expected, "{method}: {}", failed.error);
            failed.error
        };
        check("HasCollection", Fault::Missing);
        check("DropCollection", Fault::Missing);
        assert!(check("Query", Fault::Unavailable).to_string().contains("articles_v1"));
    }

    #[test]
    fn what_is_too_large_is_not_sent_again() {
        let check = |status: tonic::Status, expected: (Fault, bool)| {
            let failed = Failed::of_grpc("Upsert", &status);
            assert_eq!((failed.error.fault(), failed.again), expected, "{status}");
        };
        let large = "grpc: received message larger than max (9 vs. 8)";
        check(tonic::Status::resource_exhausted(large), (Fault::Precondition, false));
        check(tonic::Status::resource_exhausted("memory"), (Fault::Unavailable, true));
        check(tonic::Status::deadline_exceeded("its own"), (Fault::Unavailable, true));
        check(tonic::Status::unauthenticated("who?"), (Fault::Precondition, false));
    }
}
