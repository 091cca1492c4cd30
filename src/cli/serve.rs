//! `baowen serve`: listens at once, opens the index behind the listener, answers until it is told to end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use clap::Args;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::opening::{Opening, Place};
use super::reload::Again;
#[cfg(feature = "milvus")]
use super::serve_milvus;
use super::settings_again::SettingsAgain;
use super::settings_given::SettingsGiven;
use super::{logging, reload, serve_folder, setup, surroundings};
use crate::compute;
#[cfg(feature = "milvus")]
use crate::embed::QUESTIONS;
use crate::error::{Context, Error, Fault, Result};
use crate::index::ingest::maintain::Background;
use crate::service::access::Hosts;
use crate::service::collection::CollectionCell;
use crate::service::metrics::Metrics;
use crate::service::server::{self, ServiceSettings, Surroundings};
use crate::service::{ReadyCell, memory, signals};
use crate::settings::Settings;

/// Answer questions over HTTP and gRPC, with a page for browsers, and take articles in with --write.
#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    settings: SettingsGiven,
}

impl Serve {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        let resolved = self.settings.resolve().inspect_err(|_| {
            if self.settings.want_json() {
                let settings = Settings {
                    log_format: "json",
                    ..Settings::default()
                };
                logging::begin(&settings);
            }
        })?;
        let settings = resolved.settings;
        let log = logging::begin(&settings);
        for doubt in &resolved.doubts {
            tracing::warn!("{doubt}");
        }
        let around = surroundings::open(&settings)?;
        let runtime = runtime()?;
        let traces = {
            let _within = runtime.enter();
            surroundings::traces(&settings)?
        };
        let around = Surroundings {
            traces: traces.clone(),
            ..around
        };
        let is_for_people = settings.log_format == "text";
        let ready = move |address| {
            if is_for_people {
                errln!("listening on {address}; end with Ctrl-C or SIGTERM")
            } else {
                tracing::info!(%address, "listening")
            }
        };
        let place = Place::of(&settings)?;
        let opening = Opening::of(&settings)?;
        let again = {
            let given = self.settings.clone();
            let read = move || given.resolve();
            SettingsAgain::new(settings.clone(), read, around.limits.clone(), move |to| log.set(to))
        };
        let (service, listening) = Listening::of(settings, around, again)?;
        let served = runtime.block_on(serve(place, listening, opening, service, ready));
        // An error is said by whoever ends the process.
        if served.is_ok() {
            tracing::info!("ended");
        }
        if let Some(traces) = traces {
            traces.finish();
        }
        // A search that the grace period has cut off must not hold the end up.
        runtime.shutdown_background();
        served
    }
}

/// Cores that share one network thread. The network's part of an answer takes at most a tenth of the search's, and
/// where there are more threads than work they wake each other, which takes longer than the work.
const CORES_PER_NETWORK_THREAD: usize = 8;

/// How long a thread that searched stays for the next search. To start one takes longer than to wake it.
const THREADS_STAY: Duration = Duration::from_secs(3_600);

/// A runtime for the service.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(compute::available().div_ceil(CORES_PER_NETWORK_THREAD))
        .thread_keep_alive(THREADS_STAY)
        .enable_all()
        .build()
        .or_fault(Fault::Unavailable, "starting the service")
}

/// Where a service listens, and what it has around it.
pub struct Listening {
    /// `HOST:PORT`.
    pub listen: String,
    /// Whether others may reach it without TLS.
    pub insecure: bool,
    /// Where the metrics are by themselves, and the names they may be called by there.
    pub metrics: Option<(String, Hosts)>,
    /// The file of tokens, to be read again.
    pub tokens: Option<PathBuf>,
    /// The settings, to be read again.
    pub again: Option<SettingsAgain>,
    /// Certificates, tokens, numbers.
    pub around: Surroundings,
}

impl Listening {
    /// As settings say, with what the service itself is told.
    fn of(settings: Settings, around: Surroundings, again: SettingsAgain) -> Result<(ServiceSettings, Listening)> {
        let service = ServiceSettings {
            write_threads: match settings.service.write_threads {
                0 => compute::available().div_ceil(2),
                threads => threads,
            },
            ..settings.service
        };
        let names = settings.hosts.as_deref().unwrap_or_default();
        let metrics = match settings.metrics_listen {
            Some(listen) => Some((listen.clone(), Hosts::parse(names, &listen)?)),
            None => None,
        };
        let listening = Listening {
            listen: settings.listen,
            insecure: settings.insecure,
            metrics,
            tokens: settings.tokens,
            again: Some(again),
            around,
        };
        Ok((service, listening))
    }
}

async fn bind(listen: &str, flag: &str) -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(listen).await.map_err(|cause| {
        Error::unavailable(format!("cannot listen on {listen}: {cause}")).help(format!(
            "name another address with {flag}, or stop the program that listens there"
        ))
    })?;
    let address = listener
        .local_addr()
        .or_fault(Fault::Unavailable, "reading the listener's address")?;
    Ok((listener, address))
}

/// What is filled as soon as the index is open.
#[derive(Clone)]
struct Cells {
    served: Arc<ReadyCell>,
    collection: Arc<CollectionCell>,
    maintenance: Arc<OnceLock<Option<Background>>>,
}

/// Serves the index of a place. `ready` is called with the address once questions are answered. Ends on SIGTERM or
/// Ctrl-C, or with an error if the index cannot be opened.
pub async fn serve(
    place: Place,
    listening: Listening,
    opening: Opening,
    settings: ServiceSettings,
    ready: impl FnOnce(SocketAddr) + Send + 'static,
) -> Result<()> {
    let around = listening.around.clone();
    let (listener, address) = bind(&listening.listen, "--listen").await?;
    let is_private = around.tls.is_some();
    surroundings::may_listen(address, is_private, listening.insecure)?;
    let numbers = match &listening.metrics {
        Some((listen, hosts)) => Some((bind(listen, "--metrics-listen").await?, hosts.clone())),
        None => None,
    };
    let tokens = around.access.tokens().map_or(0, |tokens| tokens.count());
    tracing::info!(%address, tls = is_private, tokens, "opening {place}");
    let _beside = beside(&around, (listening.tokens, listening.again), numbers);
    let settings = ServiceSettings {
        waiting: match &place {
            Place::Folder(folder) => setup::questions_that_wait(folder, opening.reranker.as_deref()),
            #[cfg(feature = "milvus")]
            Place::Milvus(_) => QUESTIONS,
        },
        ..settings
    };
    let cells = Cells {
        served: Arc::new(ReadyCell::new()),
        collection: Arc::new(CollectionCell::new()),
        maintenance: Arc::new(OnceLock::new()),
    };
    let metrics = around.metrics.clone();
    let following = open_and_follow(place, opening, (address, is_private), cells.clone(), metrics, ready);
    let mut failed_with = None;
    let shutdown = async {
        tokio::select! {
            _ = signals::asked_to_end() => tracing::info!("asked to end"),
            Err(error) = following => failed_with = Some(error),
        }
    };
    let ended = server::run(
        listener,
        cells.served.clone(),
        cells.collection.clone(),
        settings,
        around,
        shutdown,
    )
    .await;
    close(cells).await?;
    match failed_with {
        Some(error) => Err(error),
        None => ended,
    }
}

/// What runs beside the service until it is dropped: what was read is read again, freed memory is given back, the
/// numbers are shown.
fn beside(
    around: &Surroundings,
    (tokens, settings): (Option<PathBuf>, Option<SettingsAgain>),
    numbers: Option<((TcpListener, SocketAddr), Hosts)>,
) -> JoinSet<()> {
    let again = Again {
        tls: around.tls.clone(),
        tokens,
        access: around.access.clone(),
        settings,
    };
    let (mut beside, metrics) = (JoinSet::new(), around.metrics.clone());
    beside.spawn(reload::follow(again, metrics.clone()));
    beside.spawn(memory::given_back());
    if let Some(((listener, address), hosts)) = numbers {
        tracing::info!(%address, "metrics");
        beside.spawn(server::show_metrics(listener, metrics, hosts));
    }
    beside
}

/// Opens the index behind the listener and keeps it at what is newest; ends only with an error.
async fn open_and_follow(
    place: Place,
    opening: Opening,
    reached_at: (SocketAddr, bool),
    cells: Cells,
    metrics: Arc<Metrics>,
    ready: impl FnOnce(SocketAddr),
) -> Result<Infallible> {
    let counted = metrics.clone();
    #[cfg(feature = "milvus")]
    let waiting = cells.served.clone();
    let begin = Instant::now();
    let open = move || match &place {
        Place::Folder(folder) => serve_folder::open(folder, &opening, reached_at, &counted),
        #[cfg(feature = "milvus")]
        Place::Milvus(at) => serve_milvus::open(at, &opening, &waiting, &counted),
    };
    let opened = tokio::task::spawn_blocking(open).await;
    let opened = opened.or_fault(Fault::Bug, "opening the index")??;
    // The cells are filled once, here.
    let _ = cells.collection.set(opened.collection);
    let _ = cells.maintenance.set(opened.maintenance);
    let _ = cells.served.set(opened.served);
    drop(cells);
    metrics.took_over();
    tracing::info!(seconds = begin.elapsed().as_secs_f64(), "ready");
    ready(reached_at.0);
    opened.following.await
}

/// Ends writing: what nobody waited for is kept, too, and maintenance is cancelled.
async fn close(cells: Cells) -> Result<()> {
    let Cells {
        served,
        collection,
        maintenance,
    } = cells;
    // Nobody asks any more: the engine's memory is free before the last commit is made.
    drop(served);
    let live = collection.get().and_then(|collection| collection.live.clone());
    let Some(live) = live else { return Ok(()) };
    let close = move || {
        drop(maintenance);
        live.close();
    };
    let closed = tokio::task::spawn_blocking(close).await;
    closed.or_fault(Fault::Bug, "closing the index")
}
