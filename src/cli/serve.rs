//! `baowen serve`: listens at once, opens the index behind the listener, answers until it is told to end.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use clap::Args;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::opening::{OpenedForService, Opening, Place, watched};
use super::options::profile;
#[cfg(feature = "milvus")]
use super::serve_milvus;
use super::served::{self, Following};
use super::settings_given::SettingsGiven;
use super::setup::{self, VectorsBy};
use super::{logging, reload, surroundings};
use crate::compute;
use crate::compute::Budget;
#[cfg(feature = "milvus")]
use crate::embed::QUESTIONS;
use crate::error::{Context, Error, Fault, Result};
use crate::index::EmbeddedIndex;
use crate::index::ingest::live::{Live, Pace};
use crate::index::ingest::maintain::Background;
use crate::index::ingest::target::Target;
use crate::service::access::Hosts;
use crate::service::collection::{Collection, CollectionCell, SnapshotMade, TakeSnapshot};
use crate::service::metrics::Metrics;
use crate::service::server::{self, ServiceSettings, Surroundings};
use crate::service::{ReadyCell, signals};

/// How often a running service looks for something to maintain.
const REFRESH: Duration = Duration::from_secs(1);
/// The longest name of a snapshot, in bytes.
const MAX_SNAPSHOT_NAME: usize = 100;

/// Answer questions over HTTP and gRPC, with a page for browsers, and take articles in with --write.
#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    settings: SettingsGiven,
}

impl Serve {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        let resolved = self.settings.resolve()?;
        let settings = resolved.settings;
        logging::begin(&settings);
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
        let place = Place::of(&settings)?;
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
            around,
        };
        let opening = Opening {
            profile: profile(settings.profile.as_deref())?,
            reranker: settings.reranker,
            writes: settings.write,
            read_only: settings.read_only,
            snapshots: settings.snapshots,
            verify: settings.verify,
        };
        let is_for_people = settings.log_format == "text";
        let served = runtime.block_on(serve(
            place,
            listening,
            opening,
            service,
            move |address| match is_for_people {
                true => errln!("listening on {address}; end with Ctrl-C or SIGTERM"),
                false => tracing::info!(%address, "listening"),
            },
        ));
        match &served {
            Ok(()) => tracing::info!("ended"),
            Err(error) => tracing::error!(%error, "ended"),
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
    /// Certificates, tokens, numbers.
    pub around: Surroundings,
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

/// Serves the index of a place. `ready` is called with the address once questions are answered. Ends on SIGTERM or
/// Ctrl-C, or with an error if the index cannot be opened.
pub async fn serve(
    place: Place,
    listening: Listening,
    opening: Opening,
    settings: ServiceSettings,
    ready: impl FnOnce(std::net::SocketAddr) + Send + 'static,
) -> Result<()> {
    let Listening {
        listen,
        insecure,
        metrics: alone,
        tokens,
        around,
    } = listening;
    let (listener, address) = bind(&listen, "--listen").await?;
    surroundings::may_listen(address, around.tls.is_some(), insecure)?;
    let numbers = match alone {
        Some((listen, hosts)) => Some((bind(&listen, "--metrics-listen").await?, hosts)),
        None => None,
    };
    let is_private = around.tls.is_some();
    tracing::info!(%address, tls = is_private, tokens = around.access.tokens().map_or(0, |tokens| tokens.count()), "opening {place}");
    let renewing = reload::follow(
        around.tls.clone(),
        tokens,
        around.access.clone(),
        around.metrics.clone(),
    );
    let metrics = around.metrics.clone();
    let mut beside = JoinSet::new();
    beside.spawn(renewing);
    if let Some(((listener, address), hosts)) = numbers {
        tracing::info!(%address, "metrics");
        beside.spawn(server::show_metrics(listener, metrics.clone(), hosts));
    }
    let settings = ServiceSettings {
        waiting: match &place {
            Place::Folder(folder) => setup::questions_that_wait(folder, opening.reranker.as_deref()),
            #[cfg(feature = "milvus")]
            Place::Milvus(_) => QUESTIONS,
        },
        ..settings
    };
    let cell = Arc::new(ReadyCell::new());
    let collection = Arc::new(CollectionCell::new());
    let maintenance = Arc::new(OnceLock::new());
    let opening = {
        let (cell, collection) = (cell.clone(), collection.clone());
        let maintenance = maintenance.clone();
        async move {
            let counted = metrics.clone();
            #[cfg(feature = "milvus")]
            let waiting = cell.clone();
            let begin = Instant::now();
            let open = move || match &place {
                Place::Folder(folder) => open_and_warm(folder, &opening, (address, is_private), &counted),
                #[cfg(feature = "milvus")]
                Place::Milvus(at) => serve_milvus::open(at, &opening, &waiting, &counted),
            };
            let opened = tokio::task::spawn_blocking(open).await;
            let opened = opened.or_fault(Fault::Bug, "opening the index")??;
            // The cells are filled once, here.
            let _ = collection.set(opened.collection);
            let _ = maintenance.set(opened.maintenance);
            let _ = cell.set(opened.served);
            metrics.took_over();
            tracing::info!(seconds = begin.elapsed().as_secs_f64(), "ready");
            ready(address);
            opened.following.await
        }
    };
    let mut failed_with = None;
    let shutdown = async {
        tokio::select! {
            () = signals::asked_to_end() => tracing::info!("asked to end"),
            Err(error) = opening => failed_with = Some(error),
        }
    };
    let ended = server::run(listener, cell, collection.clone(), settings, around, shutdown).await;
    if let Some(live) = collection.get().and_then(|collection| collection.live.clone()) {
        // What nobody waited for is kept, too. Maintenance is cancelled.
        let close = move || {
            drop(maintenance);
            live.close();
        };
        let closed = tokio::task::spawn_blocking(close).await;
        closed.or_fault(Fault::Bug, "closing the index")?;
    }
    match failed_with {
        Some(error) => Err(error),
        None => ended,
    }
}

/// How clients on this machine name a service that listens there.
fn reached_at(address: SocketAddr, is_private: bool) -> String {
    let port = address.port();
    match address.ip() {
        // Its certificate holds for names, and which ones is not known here.
        _ if is_private => format!("https://HOST:{port}"),
        IpAddr::V4(any) if any.is_unspecified() => format!("{}:{port}", Ipv4Addr::LOCALHOST),
        IpAddr::V6(any) if any.is_unspecified() => format!("[{}]:{port}", Ipv6Addr::LOCALHOST),
        _ => address.to_string(),
    }
}

fn open_and_warm(
    folder: &Path,
    opening: &Opening,
    (address, is_private): (SocketAddr, bool),
    metrics: &Arc<Metrics>,
) -> Result<OpenedForService> {
    let reach = reached_at(address, is_private);
    if opening.writes
        && let Err(error) = EmbeddedIndex::identity_in(folder)
        && error.fault() == Fault::Missing
    {
        let (rules, _) = setup::indexing_rules(folder, &VectorsBy::Chosen)?;
        Target::open(folder, &rules, false, Budget::all())?.finish()?;
    }
    if let Some(into) = &opening.snapshots {
        EmbeddedIndex::check_snapshots_outside(folder, into)?;
    }
    let opened = setup::open(folder, &opening.profile)?;
    if opening.verify == "on-open" {
        served::check(&opened.index.index(), opening.read_only, Budget::all())?;
    }
    let (live, maintenance) = match opening.writes {
        true => {
            let how = format!(
                "it is the service at {address}: write through it with `baowen index PATH... --addr {reach}` or `baowen \
                 delete ... --addr {reach}`; for anything else end it first"
            );
            let index = opened.index.index();
            let live = Live::open(&index, opened.rules()?, Pace::default(), &how)?;
            let live = watched(live, metrics);
            let metrics = metrics.clone();
            let said = move |error: &Error| {
                metrics.maintenance_failed();
                tracing::error!(%error, "maintaining the index");
            };
            let maintenance = Background::start(index, Budget::single(), REFRESH, said)?;
            (Some(live), Some(maintenance))
        }
        false => (None, None),
    };
    let analyzer = opened.analyzer.clone();
    let reranker = opening.reranker.as_deref();
    let opened = opened.with_reranker(reranker)?;
    served::warm(&opened.engine)?;
    let following = Following::of(opened, folder, &opening.profile, reranker);
    let served = following.served.clone();
    if opening.verify == "background" {
        served::check_behind(following.index.index(), opening.read_only, served.clone())?;
    }
    let collection = Collection {
        backend: following.described.clone(),
        analyzer,
        live,
        snapshots: opening.snapshots.as_ref().map(|into| snapshots(folder, into)),
    };
    Ok(OpenedForService {
        served,
        collection,
        following: Box::pin(following.follow(metrics.clone())),
        maintenance,
    })
}

/// Snapshots of the index in a folder, put into another one by a name that cannot lead out of it.
fn snapshots(folder: &Path, into: &Path) -> TakeSnapshot {
    let (folder, into) = (folder.to_path_buf(), into.to_path_buf());
    Box::new(move |name| {
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > MAX_SNAPSHOT_NAME || name.starts_with('.') || !name.chars().all(is_plain) {
            return Err(Error::caller(format!(
                "name: `{name}` is none; it has 1 to {MAX_SNAPSHOT_NAME} bytes of letters, digits, `-`, `_` and `.`, not at \
                 the beginning"
            )));
        }
        let path = into.join(name);
        let backup = EmbeddedIndex::back_up(&folder, &path)?;
        Ok(SnapshotMade {
            path,
            commit: backup.commit,
            files: backup.files,
            copied: backup.copied,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_finds_the_index_locked_is_told_an_address_that_can_be_called() {
        let check = |address: &str, is_private, expected: &str| {
            assert_eq!(reached_at(address.parse().unwrap(), is_private), expected);
        };
        check("127.0.0.1:5", false, "127.0.0.1:5");
        check("0.0.0.0:5", false, "127.0.0.1:5");
        check("[::]:5", false, "[::1]:5");
        check("10.0.0.1:5", false, "10.0.0.1:5");
        check("0.0.0.0:5", true, "https://HOST:5");
    }
}
