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
use super::deadline::WithDeadlines;
use super::ending::{Ending, cut_off, ending, until_quiet};
use super::health::{self, Watched};
use super::http::{self, Services};
use super::index_calls::{ImportEnds, IndexCalls};
use super::limits::Limits;
use super::methods::Rpc;
use super::metrics::page::{MetricsPage, WithPage};
use super::metrics::{IndexNow, Metrics, Now};
use super::observed::Observed;
use super::pace::Pace;
use super::patience::Patience;
use super::pool::SearchPool;
pub use super::service_settings::ServiceSettings;
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
    /// What may change while the service runs; begins as its settings say.
    pub limits: Arc<Limits>,
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
    let (limits, metrics) = (around.limits.clone(), around.metrics.clone());
    limits.set(&settings);
    let connections = Arc::new(Connections::new(settings.patience()));
    report_state(&around.metrics, &answer, &pool, &connections, &collection);
    // A new reporter says SERVING, so it is told otherwise before anyone can ask.
    let reporter = HealthReporter::new();
    let is_serving = Arc::new(AtomicBool::new(false));
    health::report(&reporter, &is_serving, ServingStatus::NotServing).await;
    let (end, ending) = ending();

    let services = Services {
        search: search_calls(answer.clone(), &pool, collection.clone(), &settings, &around),
        index: index_calls(collection, &settings, &around, ending.clone()),
        room: Room::new(settings.index_calls, "write to the index"),
        describing_room: Room::new(settings.index_calls, "describe the index"),
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
    drain(server, limits.now().grace, (&unanswered, &pool), &metrics).await
}

/// Has calls in flight answered, within the grace period; who only holds a socket is not waited for.
async fn drain(
    server: impl Future<Output = Result<(), tonic::transport::Error>>,
    grace: Duration,
    (unanswered, pool): (&AtomicUsize, &SearchPool),
    metrics: &Metrics,
) -> Result<()> {
    let unanswered = || unanswered.load(Ordering::Acquire);
    tokio::select! {
        ended = tokio::time::timeout(grace, server) => match ended {
            Ok(ended) => ended.or_fault(Fault::Unavailable, "ending the service"),
            Err(_) => cut_off(grace, unanswered(), pool.in_flight()),
        },
        () = until_quiet(|| unanswered() + pool.in_flight(), || metrics.moved()) => Ok(()),
    }
}

/// The methods of `SearchService`.
fn search_calls(
    answer: Arc<dyn Answer>,
    pool: &Arc<SearchPool>,
    collection: Arc<CollectionCell>,
    settings: &ServiceSettings,
    around: &Surroundings,
) -> SearchCalls {
    let slow = SlowLog {
        limits: around.limits.clone(),
        with_question: settings.log_questions,
    };
    let answers = Answers::new(answer, pool.clone(), settings.answer_cache_bytes);
    let answers = answers.reported_to(around.metrics.clone(), slow);
    let limits = CallLimits {
        changing: around.limits.clone(),
        batch_window: pool.threads().saturating_sub(settings.waiting).max(1),
        max_response_bytes: settings.max_response_bytes,
    };
    SearchCalls::new(Arc::new(answers), collection, limits)
}

/// The methods of `IndexService`.
fn index_calls(
    collection: Arc<CollectionCell>,
    settings: &ServiceSettings,
    around: &Surroundings,
    ending: Ending,
) -> IndexCalls {
    let ends = ImportEnds {
        limits: around.limits.clone(),
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
    let describing = [Rpc::Stats, Rpc::ListSources, Rpc::ListArticles].map(|rpc| (rpc, &services.describing_room));
    let apart = describing.into_iter().chain([(Rpc::ReadFile, &services.reading_room)]);
    let apart = apart.map(|(rpc, room)| (rpc.method().grpc, room.clone())).collect();
    let health = Watched::new(HealthService::from_health_reporter(reporter.clone()));
    let routes = Routes::new(search)
        .add_service(Bounded::new(index, services.room.clone(), apart))
        .add_service(HealthServer::new(health).accept_compressed(CompressionEncoding::Gzip))
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
    let deadlines = WithDeadlines::new(routes, around.limits);
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
            running: pool.running(),
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
