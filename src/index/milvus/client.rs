//! Calls of Milvus: connections, time limits, what is tried again. Whose fault it is that one failed says `failure`.
//!
//! The seam is synchronous, the network is not. A call runs on the client's own runtime and whoever made it waits in
//! its own thread, so calls may be made from anywhere. All calls can be repeated without harm: rows are written by
//! their keys.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tonic::Request;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, CertificateDer, Channel, ClientTlsConfig, Endpoint};

use super::address::Address;
use super::failure::Failed;
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

/// How often it is looked whether calls have ended.
const LOOKING: Duration = Duration::from_millis(5);

/// The path of a call.
const SERVICE: &str = "/milvus.proto.milvus.MilvusService/";

/// A server, or a cluster, of Milvus. Cheap to clone.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    address: Address,
    channels: Vec<Channel>,
    next: AtomicUsize,
    authorization: Option<MetadataValue<Ascii>>,
    /// Calls that were begun and have not ended.
    under_way: AtomicUsize,
    /// Whether a call was ever answered.
    has_answered: AtomicBool,
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

/// Counts a call for as long as it lasts.
struct UnderWay<'a>(&'a AtomicUsize);

impl<'a> UnderWay<'a> {
    fn begun(calls: &'a AtomicUsize) -> Self {
        calls.fetch_add(1, Ordering::SeqCst);
        UnderWay(calls)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Whose certificates are believed: those of the authority that the address names, or that the system trusts.
fn tls(address: &Address) -> Result<ClientTlsConfig> {
    let Some(file) = &address.authority else {
        return Ok(ClientTlsConfig::new().with_native_roots());
    };
    let doing = || format!("reading the authority of certificates in {}", file.display());
    let pem = std::fs::read(file).or_fault(Fault::Caller, doing())?;
    match CertificateDer::pem_slice_iter(&pem).next() {
        Some(Ok(_)) => Ok(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem))),
        _ => Err(Error::caller(format!("{} holds no certificate in PEM", file.display()))),
    }
}

/// What tells Milvus who asks.
fn authorization(token: &str) -> Result<MetadataValue<Ascii>> {
    let encoded = STANDARD.encode(token).parse::<MetadataValue<Ascii>>();
    let mut value = encoded.or_fault(Fault::Caller, "reading the token")?;
    value.set_sensitive(true);
    Ok(value)
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
    /// `Caller` if the address cannot be one, or names a file with an authority's certificate that holds none.
    pub fn new(address: Address) -> Result<Client> {
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
                .tls_config(tls(&address)?)
                .or_fault(Fault::Caller, "setting up TLS")
                .map_err(|error| error.help("`&ca=FILE` behind `tls=true` names the authority of its certificate"))?;
        }
        let authorization = address.token.as_deref().map(authorization).transpose()?;
        // Last of what can fail: it cannot be dropped everywhere.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("milvus")
            .enable_all()
            .build()
            .or_fault(Fault::Unavailable, "starting the threads that talk to Milvus")?;
        let channels = {
            let _inside = runtime.enter();
            (0..CHANNELS).map(|_| endpoint.connect_lazy()).collect()
        };
        Ok(Client(Arc::new(Shared {
            address,
            channels,
            next: AtomicUsize::new(0),
            authorization,
            under_way: AtomicUsize::new(0),
            has_answered: AtomicBool::new(false),
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

    /// Waits until no call is under way, for so long at most.
    pub fn wait_idle(&self, longest: Duration) {
        let until = Instant::now() + longest;
        while self.0.under_way.load(Ordering::SeqCst) > 0 && Instant::now() < until {
            std::thread::sleep(LOOKING);
        }
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
        let _under_way = UnderWay::begun(&self.0.under_way);
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
        let has_answered = self.0.has_answered.load(Ordering::Relaxed);
        grpc.ready()
            .await
            .map_err(|error| Failed::unreachable(&error).on_the_way(&self.0.address, has_answered))?;
        let mut request = Request::new(message);
        request.set_timeout(left);
        if let Some(authorization) = &self.0.authorization {
            request.metadata_mut().insert("authorization", authorization.clone());
        }
        let path: PathAndQuery = format!("{SERVICE}{method}").parse().map_err(|_| Failed::bug(method))?;
        let codec = tonic_prost::ProstCodec::default();
        let answer: A = match grpc.unary(request, path, codec).await {
            Ok(answer) => answer.into_inner(),
            Err(status) => return Err(Failed::of_grpc(method, &status).on_the_way(&self.0.address, has_answered)),
        };
        self.0.has_answered.store(true, Ordering::Relaxed);
        match answer.status() {
            Some(status) if status.code != 0 || status.error_code != 0 => {
                Err(Failed::of_milvus(method, status).on_the_way(&self.0.address, true))
            }
            Some(_) => Ok(answer),
            // It may be cut: what it does not say to be done is not done.
            None => Err(Failed::unsaid(method)),
        }
    }

    fn context(&self) -> String {
        format!("Milvus at {}", self.0.address.host)
    }
}
