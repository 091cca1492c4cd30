//! A listening service: what it serves, within which limits, when it says it is ready, and how it ends.
//!
//! Order of a life: listen, NOT_SERVING; the core is ready, SERVING; the signal to end, NOT_SERVING, no new
//! connections, calls in flight are answered; then it ends, at the latest when the grace period is over.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, HealthService};

use super::admission::Bounded;
use super::answers::Answers;
use super::calls::{CallLimits, SearchCalls};
use super::collection::CollectionCell;
use super::deadline::WithDeadlines;
use super::index_calls::IndexCalls;
use super::pool::SearchPool;
use super::wire::index_service_server::IndexServiceServer;
use super::wire::search_service_server::SearchServiceServer;
use super::{Answer, connections, wire};
use crate::compute;
use crate::error::{Context, Error, Fault, Result};

/// The names that the health service answers for: the server as a whole, and the services.
const HEALTH_NAMES: [&str; 3] = [
    "",
    <SearchServiceServer<SearchCalls> as NamedService>::NAME,
    <IndexServiceServer<IndexCalls> as NamedService>::NAME,
];
/// Calls that may take as long as there is something to send or to embed.
const INDEXING: &str = "/baowen.v1.IndexService/";
/// Calls that cut and embed articles at a time: one with a long article holds up no other.
const WRITES_AT_A_TIME: usize = 2;

/// Limits and times of a service. All have defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSettings {
    /// Searches that run at a time; 0 means one for each core.
    pub threads: usize,
    /// Threads beyond those, for searches that wait for another machine and compute nothing meanwhile.
    pub waiting: usize,
    /// Questions that may wait for a thread; more are refused with RESOURCE_EXHAUSTED.
    pub queue: usize,
    /// Largest message taken, in bytes.
    pub max_request_bytes: usize,
    /// Largest message sent, in bytes.
    pub max_response_bytes: usize,
    /// Bytes of answers that are kept for questions asked again; 0 keeps none.
    pub answer_cache_bytes: usize,
    /// Most questions of one batch.
    pub max_batch: usize,
    /// Largest message taken with articles, in bytes.
    pub max_write_bytes: usize,
    /// Calls of `IndexService` at a time; more are refused with RESOURCE_EXHAUSTED.
    pub index_calls: usize,
    /// Threads that cut and embed the articles of one call.
    pub write_threads: usize,
    /// How long a call of `IndexService` may take, whatever its own deadline says.
    pub longest_write: Duration,
    /// How long an import may wait for its client's next message.
    pub import_idle: Duration,
    /// Connections at a time; more wait to be accepted.
    pub connections: usize,
    /// How long a new connection may take to begin.
    pub handshake: Duration,
    /// Calls of one connection at a time; a client keeps further ones back.
    pub max_streams: u32,
    /// The longest a call may take, whatever its own deadline says.
    pub longest_call: Duration,
    /// How long calls in flight may go on after the signal to end.
    pub grace: Duration,
    /// How often the core is asked whether it is ready.
    pub ready_interval: Duration,
}

impl Default for ServiceSettings {
    fn default() -> Self {
        ServiceSettings {
            threads: 0,
            waiting: 0,
            queue: 256,
            max_request_bytes: 1 << 20,
            max_response_bytes: 16 << 20,
            answer_cache_bytes: 32 << 20,
            max_batch: 1_000,
            max_write_bytes: 8 << 20,
            index_calls: 32,
            write_threads: 1,
            longest_write: Duration::from_secs(24 * 3_600),
            import_idle: Duration::from_secs(60),
            connections: 1_000,
            handshake: Duration::from_secs(5),
            max_streams: 256,
            longest_call: Duration::from_secs(60),
            grace: Duration::from_secs(10),
            ready_interval: Duration::from_millis(20),
        }
    }
}

/// Serves `answer` and `collection` on `listener` until `shutdown` is done and calls in flight have been answered.
///
/// Connections live in tasks of the current runtime; those that the grace period cuts off end with it.
///
/// # Errors
/// `Unavailable` if it cannot start; `Deadline` if calls were cut off because the grace period was over.
pub async fn run(
    listener: TcpListener,
    answer: Arc<dyn Answer>,
    collection: Arc<CollectionCell>,
    settings: ServiceSettings,
    shutdown: impl Future<Output = ()>,
) -> Result<()> {
    let threads = match settings.threads {
        0 => compute::available(),
        threads => threads,
    };
    let pool = Arc::new(SearchPool::new(
        threads.saturating_add(settings.waiting),
        settings.queue,
    ));
    run_in(pool, listener, answer, collection, settings, shutdown).await
}

/// [`run`] with a pool that others can see.
pub(super) async fn run_in(
    pool: Arc<SearchPool>,
    listener: TcpListener,
    answer: Arc<dyn Answer>,
    collection: Arc<CollectionCell>,
    settings: ServiceSettings,
    shutdown: impl Future<Output = ()>,
) -> Result<()> {
    let answers = Answers::new(answer.clone(), pool.clone(), settings.answer_cache_bytes);
    let limits = CallLimits {
        max_batch: settings.max_batch,
        batch_window: pool.threads().saturating_sub(settings.waiting).max(1),
        max_response_bytes: settings.max_response_bytes,
    };
    let calls = SearchCalls::new(Arc::new(answers), limits);
    let search = SearchServiceServer::new(calls)
        .max_decoding_message_size(settings.max_request_bytes)
        .max_encoding_message_size(settings.max_response_bytes);

    // A new reporter says SERVING, so it is told otherwise before anyone can ask.
    let health = HealthReporter::new();
    report(&health, ServingStatus::NotServing).await;

    let calls = IndexCalls::new(
        collection,
        WRITES_AT_A_TIME,
        settings.write_threads,
        settings.import_idle,
    );
    let index = IndexServiceServer::new(calls)
        .max_decoding_message_size(settings.max_write_bytes)
        .max_encoding_message_size(settings.max_response_bytes);

    let routes = Routes::new(search)
        .add_service(Bounded::new(index, settings.index_calls))
        .add_service(tonic_health::pb::health_server::HealthServer::new(
            HealthService::from_health_reporter(health.clone()),
        ))
        .add_service(
            reflection()
                .build_v1()
                .or_fault(Fault::Bug, "building the reflection service")?,
        )
        .add_service(
            reflection()
                .build_v1alpha()
                .or_fault(Fault::Bug, "building the reflection service")?,
        )
        .prepare();

    let incoming = connections::incoming(listener, settings.connections, settings.handshake);
    let (stop, stopped) = oneshot::channel::<()>();
    let deadlines = WithDeadlines::new(routes, settings.longest_call).except(INDEXING, settings.longest_write);
    let server = Server::builder()
        .max_concurrent_streams(settings.max_streams)
        .http2_keepalive_interval(Some(Duration::from_secs(60)))
        .http2_keepalive_timeout(Some(Duration::from_secs(20)))
        .http2_max_header_list_size(16 * 1024)
        .serve_with_incoming_shutdown(deadlines, incoming, async {
            let _ = stopped.await;
        });
    let mut server = std::pin::pin!(server);

    tokio::select! {
        ended = &mut server => return ended.or_fault(Fault::Unavailable, "serving"),
        () = follow(answer.as_ref(), &health, settings.ready_interval) => {}
        () = shutdown => {}
    }

    report(&health, ServingStatus::NotServing).await;
    // Ends the streams of those who watch, after they have read NOT_SERVING; they would hold the drain up for ever.
    let mut watched = health.clone();
    for name in HEALTH_NAMES {
        watched.clear_service_status(name).await;
    }
    let _ = stop.send(());
    match tokio::time::timeout(settings.grace, server).await {
        Ok(ended) => ended.or_fault(Fault::Unavailable, "ending the service"),
        // Who does not read the answer that was given it holds nobody up.
        Err(_) if pool.in_flight() == 0 => Ok(()),
        Err(_) => Err(Error::new(
            Fault::Deadline,
            format!(
                "connections were still open {} s after the signal to end, {} questions in flight; they are cut off",
                settings.grace.as_secs_f32(),
                pool.in_flight()
            ),
        )
        .help("allow a longer grace period if calls need it")),
    }
}

/// Done when the process is asked to end: SIGTERM or Ctrl-C.
pub async fn asked_to_end() {
    // A signal that cannot be listened for will not come this way; the other one, or SIGKILL, still ends the process.
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let terminate = async {
            match signal(SignalKind::terminate()) {
                Ok(mut signal) => {
                    signal.recv().await;
                }
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            () = interrupt => {}
            () = terminate => {}
        }
    }
    #[cfg(not(unix))]
    interrupt.await;
}

/// Keeps the health service in step with the core; never done.
async fn follow(answer: &dyn Answer, health: &HealthReporter, interval: Duration) {
    let mut said = false;
    loop {
        let ready = answer.ready();
        if ready != said {
            let status = if ready {
                ServingStatus::Serving
            } else {
                ServingStatus::NotServing
            };
            report(health, status).await;
            said = ready;
        }
        tokio::time::sleep(interval).await;
    }
}

async fn report(health: &HealthReporter, status: ServingStatus) {
    for name in HEALTH_NAMES {
        health.set_service_status(name, status).await;
    }
}

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(wire::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}
