//! A listening service: what it serves, within which limits, when it says it is ready, and how it ends.
//!
//! Order of a life: listen, NOT_SERVING; the core is ready, SERVING; the signal to end, NOT_SERVING, no new
//! connections, calls in flight are answered; then it ends, at the latest when the grace period is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tonic::codec::CompressionEncoding;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use tonic_web::GrpcWebLayer;
use tower_http::cors::Cors;

use super::access::{Access, Guarded, Hosts};
use super::activity::Connections;
use super::admission::{Bounded, Room};
use super::answers::{Answers, SlowLog};
use super::calls::{CallLimits, SearchCalls};
use super::collection::CollectionCell;
use super::connections::Entrance;
use super::deadline::{Longest, WithDeadlines};
use super::ending::{Ending, cut_off, ending};
use super::health::{self, Watched};
use super::http::{self, Services};
use super::index_calls::{ImportEnds, IndexCalls};
use super::methods::Rpc;
use super::metrics::page::{MetricsPage, WithPage};
use super::metrics::{IndexNow, Metrics, Now};
use super::observed::Observed;
use super::pace::Pace;
use super::patience::Patience;
use super::pool::SearchPool;
use super::tls::Tls;
use super::trace::Traces;
use super::wire::index_service_server::IndexServiceServer;
use super::wire::search_service_server::SearchServiceServer;
use super::{Answer, connections, reflection};
use crate::compute;
use crate::error::{Context, Fault, Result};

/// Calls whose body comes in any number of messages, of which each may take its time.
const SLOW_BODIES: &[&str] = &[
    "/baowen.v1.IndexService/ImportArticles",
    "/grpc.reflection.",
    "/v1/articles:import",
];
/// Files that are read or wait for it: each is held whole, and the last one waits for those before it.
const FILES_READ: usize = 4;
/// Calls that cut and embed articles at a time: one with a long article holds up no other.
const WRITES_AT_A_TIME: usize = 2;
/// Bytes of a call that come before they are read. Few, since an import is read no faster than it is written, and by
/// half of the connection's the library bounds what it spends on frames: a client that sends each short article by
/// itself, as many do, would be cut off.
const STREAM_WINDOW: u32 = 128 << 10;
/// The same of all calls of a connection together. Only imports are not read at once.
const CONNECTION_WINDOW: u32 = 16 << 20;
/// How often a silent connection is asked whether it is there, so that a client that vanished is found out: not
/// measured.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// How long it may take to say so: the library's own default.
const KEEPALIVE_PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of the headers of one call: the library's own default.
const MAX_HEADERS: u32 = 16 << 10;
/// Connections that look at the metrics at a time.
const MOST_LOOKING: usize = 32;

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
    /// Largest message sent, in bytes. More than 4 MiB is more than clients of other languages take unless told to.
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
    /// How long an import may wait for its client's next message.
    pub import_idle: Duration,
    /// How long the body of any other call may stand still, and how long it may be slower than the least.
    pub body_pause: Duration,
    /// Bytes that it brings at least in each second that it is waited for, on average.
    pub body_least: usize,
    /// Origins whose pages may ask from a browser, as `https://example.org`, with commas between them; `*` for all.
    pub cors_origins: Option<String>,
    /// Connections at a time; above it the one without a call for longest gives its place, or one whose calls only
    /// wait.
    pub connections: usize,
    /// How long a new connection may take to begin.
    pub handshake: Duration,
    /// Calls of one connection at a time; a client keeps further ones back.
    pub max_streams: usize,
    /// The longest that calls may take, whatever their own deadlines say.
    pub longest: Longest,
    /// How long calls in flight may go on after the signal to end.
    pub grace: Duration,
    /// The longest that an answer may stand unread before its connection is cut off.
    pub unread: Duration,
    /// Bytes of unread answers of all connections; above it the connection that holds most is cut off.
    pub unread_bytes: usize,
    /// Bytes of bodies of all connections that have not come to their end.
    pub body_bytes: usize,
    /// The longest that a connection may be without a call.
    pub idle: Duration,
    /// Questions that take at least so long are written down with their stages; zero writes down none.
    pub slow: Duration,
    /// Whether the text of slow questions is written down as well.
    pub log_questions: bool,
    /// How often the core is asked whether it is ready.
    pub ready_interval: Duration,
}

/// What a service has around it. By default: nobody needs a token, nothing is private, nobody counts.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Who may call.
    pub access: Arc<Access>,
    /// How connections become private, if they do.
    pub tls: Option<Arc<Tls>>,
    /// Where everything is counted.
    pub metrics: Arc<Metrics>,
    /// Who else is told of each call.
    pub traces: Option<Arc<dyn Traces>>,
}

impl Default for ServiceSettings {
    fn default() -> Self {
        ServiceSettings {
            threads: 0,
            waiting: 0,
            queue: 256,
            max_request_bytes: 4 << 20,
            max_response_bytes: 4 << 20,
            answer_cache_bytes: 32 << 20,
            max_batch: 1_000,
            max_write_bytes: 8 << 20,
            index_calls: 32,
            write_threads: 1,
            import_idle: Duration::from_secs(60),
            body_pause: Duration::from_secs(10),
            body_least: 1_000,
            cors_origins: None,
            connections: 1_000,
            handshake: Duration::from_secs(5),
            max_streams: 256,
            longest: Longest::default(),
            grace: Duration::from_secs(10),
            unread: Duration::from_secs(60),
            unread_bytes: 256 << 20,
            body_bytes: 256 << 20,
            idle: Duration::from_secs(900),
            slow: Duration::ZERO,
            log_questions: false,
            ready_interval: Duration::from_millis(20),
        }
    }
}

impl ServiceSettings {
    fn patience(&self) -> Patience {
        Patience {
            unread: self.unread,
            unread_bytes: self.unread_bytes,
            body_bytes: self.body_bytes,
            idle: self.idle,
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
    around: Surroundings,
    shutdown: impl Future<Output = ()>,
) -> Result<()> {
    let threads = match settings.threads {
        0 => compute::available(),
        threads => threads,
    };
    let pool = SearchPool::new(threads.saturating_add(settings.waiting), settings.queue);
    let pool = Arc::new(pool.counted_by(around.metrics.clone()));
    run_in(pool, listener, answer, collection, settings, around, shutdown).await
}

/// [`run`] with a pool that others can see.
pub(super) async fn run_in(
    pool: Arc<SearchPool>,
    listener: TcpListener,
    answer: Arc<dyn Answer>,
    collection: Arc<CollectionCell>,
    settings: ServiceSettings,
    around: Surroundings,
    shutdown: impl Future<Output = ()>,
) -> Result<()> {
    let connections = Arc::new(Connections::new(settings.patience()));
    report_state(&around.metrics, &answer, &pool, &connections, &collection);
    // A new reporter says SERVING, so it is told otherwise before anyone can ask.
    let reporter = HealthReporter::new();
    let is_serving = Arc::new(AtomicBool::new(false));
    health::report(&reporter, &is_serving, ServingStatus::NotServing).await;
    let (end, ending) = ending();

    let services = Services {
        search: search_calls(answer.clone(), &pool, collection.clone(), &settings, &around.metrics),
        index: index_calls(collection, &settings, ending.clone()),
        room: Room::new(settings.index_calls, "write or describe the index"),
        reading_room: Room::new(FILES_READ, "have a file read"),
        is_serving: is_serving.clone(),
        max_request_bytes: settings.max_request_bytes,
        max_write_bytes: settings.max_write_bytes,
    };
    let routes = routes(&services, &reporter, ending.clone(), settings.max_response_bytes)?;
    let entrance = Entrance {
        most: settings.connections,
        handshake: settings.handshake,
        tls: around.tls.clone(),
        connections,
        metrics: around.metrics.clone(),
    };
    let incoming = connections::incoming(listener, entrance);
    let unanswered = Arc::new(AtomicUsize::new(0));
    let layered = layered(routes, &settings, around, unanswered.clone(), &ending)?;
    let server = bounded_server(settings.max_streams).serve_with_incoming_shutdown(layered, incoming, ending.begun());
    let mut server = std::pin::pin!(server);

    tokio::select! {
        ended = &mut server => return ended.or_fault(Fault::Unavailable, "serving"),
        () = health::follow(answer.as_ref(), &reporter, &is_serving, settings.ready_interval) => {}
        () = shutdown => {}
    }
    health::report(&reporter, &is_serving, ServingStatus::NotServing).await;
    // Ends the streams of those who watch, after they have read NOT_SERVING; they would hold the drain up for ever.
    let mut watched = reporter.clone();
    for name in health::NAMES {
        watched.clear_service_status(name).await;
    }
    end.begin();
    match tokio::time::timeout(settings.grace, server).await {
        Ok(ended) => ended.or_fault(Fault::Unavailable, "ending the service"),
        Err(_) => cut_off(settings.grace, unanswered.load(Ordering::Acquire), pool.in_flight()),
    }
}

/// The methods of `SearchService`.
fn search_calls(
    answer: Arc<dyn Answer>,
    pool: &Arc<SearchPool>,
    collection: Arc<CollectionCell>,
    settings: &ServiceSettings,
    metrics: &Arc<Metrics>,
) -> SearchCalls {
    let slow = SlowLog {
        least: settings.slow,
        with_question: settings.log_questions,
    };
    let answers = Answers::new(answer, pool.clone(), settings.answer_cache_bytes);
    let answers = answers.reported_to(metrics.clone(), slow);
    let limits = CallLimits {
        max_batch: settings.max_batch,
        batch_window: pool.threads().saturating_sub(settings.waiting).max(1),
        max_response_bytes: settings.max_response_bytes,
    };
    SearchCalls::new(Arc::new(answers), collection, limits)
}

/// The methods of `IndexService`.
fn index_calls(collection: Arc<CollectionCell>, settings: &ServiceSettings, ending: Ending) -> IndexCalls {
    let ends = ImportEnds {
        idle: settings.import_idle,
        ending,
    };
    IndexCalls::new(collection, WRITES_AT_A_TIME, settings.write_threads, ends)
}

/// Everything that the port answers, by all protocols.
fn routes(services: &Services, reporter: &HealthReporter, ending: Ending, max_response_bytes: usize) -> Result<Routes> {
    let search = SearchServiceServer::new(services.search.clone())
        .accept_compressed(CompressionEncoding::Gzip)
        .send_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(services.max_request_bytes)
        .max_encoding_message_size(max_response_bytes);
    let index = IndexServiceServer::new(services.index.clone())
        .accept_compressed(CompressionEncoding::Gzip)
        .send_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(services.max_write_bytes)
        .max_encoding_message_size(max_response_bytes);
    let read_file = (Rpc::ReadFile.method().grpc, services.reading_room.clone());
    let health = Watched::new(HealthService::from_health_reporter(reporter.clone()));
    let routes = Routes::new(search)
        .add_service(Bounded::new(index, services.room.clone(), read_file))
        .add_service(HealthServer::new(health))
        .into_axum_router()
        .merge(reflection::routes(ending)?)
        .layer(GrpcWebLayer::new())
        .merge(http::routes(services))
        .fallback(http::not_found);
    Ok(Routes::from(routes).prepare())
}

/// What every call goes through: from the outside it is observed, told which origins may ask, let in, and given its
/// deadline.
fn layered(
    routes: Routes,
    settings: &ServiceSettings,
    around: Surroundings,
    unanswered: Arc<AtomicUsize>,
    ending: &Ending,
) -> Result<Observed<Cors<Guarded<WithPage<WithDeadlines>>>>> {
    let deadlines = WithDeadlines::new(routes, settings.longest);
    let with_page = WithPage::new(deadlines, around.metrics.clone());
    let guarded = Guarded::new(with_page, around.access, around.metrics.clone());
    let guarded = http::with_origins(guarded, settings.cors_origins.as_deref().unwrap_or_default())?;
    let pace = Pace {
        pause: settings.body_pause,
        least: settings.body_least,
        ending: ending.clone(),
    };
    let observed = Observed::new(guarded, around.metrics, unanswered);
    let observed = observed.while_bodies_go_on(pace, SLOW_BODIES);
    Ok(observed.traced_by(around.traces))
}

/// A server with the bounds on its connections.
fn bounded_server(max_streams: usize) -> Server {
    Server::builder()
        // Browsers and curl; gRPC goes on over HTTP/2.
        .accept_http1(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(u32::try_from(max_streams).unwrap_or(u32::MAX))
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE_PATIENCE))
        .http2_max_header_list_size(MAX_HEADERS)
}

/// Shows the metrics alone on a listener of their own, to whoever calls it by one of these names, until it is dropped.
pub async fn show_metrics(listener: TcpListener, metrics: Arc<Metrics>, hosts: Hosts) {
    let entrance = Entrance {
        most: MOST_LOOKING,
        handshake: Duration::from_secs(5),
        tls: None,
        connections: Arc::new(Connections::new(Patience {
            unread: Duration::from_secs(30),
            unread_bytes: 64 << 20,
            body_bytes: 1 << 20,
            idle: Duration::from_secs(300),
        })),
        // They do not count themselves.
        metrics: Arc::default(),
    };
    let incoming = connections::incoming(listener, entrance);
    let server = Server::builder().accept_http1(true);
    let served = server
        .serve_with_incoming(MetricsPage { metrics, hosts }, incoming)
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "showing the metrics");
    }
}

/// Has the metrics look at the service whenever somebody looks at them.
fn report_state(
    metrics: &Metrics,
    answer: &Arc<dyn Answer>,
    pool: &Arc<SearchPool>,
    connections: &Arc<Connections>,
    collection: &Arc<CollectionCell>,
) {
    let (answer, pool) = (answer.clone(), pool.clone());
    let (connections, collection) = (connections.clone(), collection.clone());
    metrics.look_by(move || {
        let about = collection.get().and_then(|collection| collection.snapshot().ok());
        Now {
            ready: answer.ready(),
            searches: pool.in_flight(),
            unread: connections.unread(),
            bodies: connections.bodies(),
            index: about.map(|snapshot| {
                let about = snapshot.about();
                IndexNow {
                    articles: about.articles,
                    passages: about.passages,
                    segments: about.segments,
                    graphs: about.graphs,
                    bytes: about.bytes,
                    commit: about.commit,
                }
            }),
        }
    });
}
