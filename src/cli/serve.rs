//! `baowen serve`: listens at once, opens the index behind the listener, answers until it is told to end.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use clap::Args;
use tokio::net::TcpListener;

use super::options::{DEFAULT_LISTEN, IndexFolder, ProfileFile, RerankerName};
use super::setup::{self, VectorsBy};
use crate::compute;
use crate::compute::Budget;
use crate::error::{Context, Error, Fault, Result};
use crate::index::ingest::live::{Live, Pace};
use crate::index::ingest::maintain::Background;
use crate::index::ingest::target::Target;
use crate::index::{EmbeddedIndex, Followed};
use crate::profile::Profile;
use crate::search::Engine;
use crate::search::request::{Mode, SearchRequest};
use crate::search::response::SearchResponse;
use crate::service::collection::{Collection, CollectionCell, SnapshotMade, TakeSnapshot};
use crate::service::server::{self, ServiceSettings};
use crate::service::{Answer, ReadyCell};

/// How often a running service looks for a newer commit, and for something to maintain.
const REFRESH: Duration = Duration::from_secs(1);
/// How long the question asked at the start may wait for models behind an address.
const WARM_UP: Duration = Duration::from_secs(2);
/// The longest name of a snapshot, in bytes.
const MAX_SNAPSHOT_NAME: usize = 100;

/// Answer questions over gRPC.
#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    index: IndexFolder,
    /// Where to listen.
    #[arg(long, value_name = "HOST:PORT", env = "BAOWEN_LISTEN", default_value = DEFAULT_LISTEN)]
    listen: String,
    #[command(flatten)]
    profile: ProfileFile,
    #[command(flatten)]
    reranker: RerankerName,
    /// Threads that answer; 0 for one each core.
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// Questions that may wait for a thread before more are refused.
    #[arg(long, value_name = "N", default_value_t = 256)]
    queue: usize,
    /// Megabytes of answers that are kept for questions asked again while the index has not changed; 0 keeps none.
    #[arg(long, value_name = "MB", env = "BAOWEN_ANSWER_CACHE_MB", default_value_t = 32)]
    answer_cache_mb: usize,
    /// Take articles over the wire as well. The service is then the one that writes to the index, which is made if it is
    /// not there.
    #[arg(long)]
    write: bool,
    /// Threads that cut and embed the articles of one call; 0 for half of the cores.
    #[arg(long, value_name = "N", default_value_t = 0)]
    write_threads: usize,
    /// Where snapshots are put that are asked for over the wire; without it there are none.
    #[arg(long, value_name = "DIR")]
    snapshots: Option<PathBuf>,
    /// Seconds that calls in flight may go on after the signal to end.
    #[arg(long, value_name = "S", default_value_t = 10)]
    grace: u64,
}

/// The engine as the service sees it.
struct Served {
    engine: Engine,
}

impl Answer for Served {
    fn search(&self, request: &SearchRequest) -> Result<SearchResponse> {
        self.engine.search(request, Budget::all())
    }

    fn ready(&self) -> bool {
        true
    }

    fn edition(&self) -> Option<u64> {
        Some(self.engine.backend().edition())
    }
}

impl Serve {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        let settings = ServiceSettings {
            threads: self.threads,
            queue: self.queue,
            answer_cache_bytes: self.answer_cache_mb.saturating_mul(1 << 20),
            grace: Duration::from_secs(self.grace),
            write_threads: match self.write_threads {
                0 => compute::available().div_ceil(2),
                threads => threads,
            },
            ..ServiceSettings::default()
        };
        let opening = Opening {
            profile: self.profile.read()?,
            reranker: self.reranker.name.clone(),
            writes: self.write,
            snapshots: self.snapshots.clone(),
        };
        let runtime = runtime()?;
        let served = runtime.block_on(serve(&self.index.folder, &self.listen, opening, settings, |address| {
            eprintln!("listening on {address}; end with Ctrl-C or SIGTERM");
        }));
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

/// How an index is opened for a service.
pub struct Opening {
    /// All learned numbers.
    pub profile: Profile,
    /// A reranker of the model folder for the first ones.
    pub reranker: Option<String>,
    /// Whether the service writes.
    pub writes: bool,
    /// Where its snapshots are put.
    pub snapshots: Option<PathBuf>,
}

/// Serves the index of a folder. `ready` is called with the address once questions are answered. Ends on SIGTERM or
/// Ctrl-C, or with an error if the index cannot be opened.
pub async fn serve(
    folder: &Path,
    listen: &str,
    opening: Opening,
    settings: ServiceSettings,
    ready: impl FnOnce(std::net::SocketAddr) + Send + 'static,
) -> Result<()> {
    let listener = TcpListener::bind(listen).await.map_err(|cause| {
        Error::unavailable(format!("cannot listen on {listen}: {cause}"))
            .help("name another address with --listen, or stop the program that listens there")
    })?;
    let address = listener
        .local_addr()
        .or_fault(Fault::Unavailable, "reading the listener's address")?;
    let settings = ServiceSettings {
        waiting: setup::questions_that_wait(folder, opening.reranker.as_deref()),
        ..settings
    };
    let cell = Arc::new(ReadyCell::new());
    let collection = Arc::new(CollectionCell::new());
    let maintenance = Arc::new(OnceLock::new());
    let opening = {
        let (cell, collection, folder) = (cell.clone(), collection.clone(), folder.to_path_buf());
        let maintenance = maintenance.clone();
        async move {
            let opened = tokio::task::spawn_blocking(move || open_and_warm(&folder, &opening, address)).await;
            let opened = opened.or_fault(Fault::Bug, "opening the index")??;
            // The cells are filled once, here.
            let _ = collection.set(opened.collection);
            let _ = maintenance.set(opened.maintenance);
            let _ = cell.set(opened.served);
            ready(address);
            follow_commits(opened.index).await
        }
    };
    let mut failed_with = None;
    let shutdown = async {
        tokio::select! {
            () = server::asked_to_end() => {}
            Err(error) = opening => failed_with = Some(error),
        }
    };
    let ended = server::run(listener, cell, collection.clone(), settings, shutdown).await;
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

/// An index opened for a service.
struct OpenedForService {
    served: Arc<dyn Answer>,
    collection: Collection,
    index: Arc<Followed>,
    maintenance: Option<Background>,
}

fn open_and_warm(folder: &Path, opening: &Opening, address: SocketAddr) -> Result<OpenedForService> {
    if opening.writes
        && let Err(error) = EmbeddedIndex::identity_in(folder)
        && error.fault() == Fault::Missing
    {
        let (rules, _) = setup::indexing_rules(folder, &VectorsBy::Chosen)?;
        Target::open(folder, &rules, false, Budget::all())?.finish()?;
    }
    let opened = setup::open(folder, &opening.profile)?;
    let (live, maintenance) = match opening.writes {
        true => {
            let how = format!(
                "it is the service at {address}: write through it with `baowen index PATH... --addr {address}` or `baowen \
                 delete ... --addr {address}`, or end it"
            );
            let index = opened.index.index();
            let live = Live::open(&index, opened.rules()?, Pace::default(), &how)?;
            let said = |error: &Error| eprintln!("baowen: maintaining the index: {error}");
            let maintenance = Background::start(index, Budget::single(), REFRESH, said)?;
            (Some(Arc::new(live)), Some(maintenance))
        }
        false => (None, None),
    };
    let collection = Collection {
        backend: opened.index.clone(),
        analyzer: opened.analyzer.clone(),
        live,
        snapshots: opening.snapshots.as_ref().map(|into| snapshots(folder, into)),
    };
    let opened = opened.with_reranker(opening.reranker.as_deref())?;
    let served = Served { engine: opened.engine };
    warm(&served.engine)?;
    Ok(OpenedForService {
        served: Arc::new(served),
        collection,
        index: opened.index,
        maintenance,
    })
}

/// Asks the first question, which pages in the model and the postings; better ours than a caller's. First by words, for
/// which there is always time; then a model behind an address has its moment. It does not keep the service from opening:
/// what it says instead of answering is told once.
fn warm(engine: &Engine) -> Result<()> {
    let mut request = SearchRequest::new("医保断缴了怎么办");
    request.mode = Mode::Lexical;
    engine.search(&request, Budget::all())?;
    (request.mode, request.deadline) = (Mode::Hybrid, Some(Instant::now() + WARM_UP));
    let reason = match engine.search(&request, Budget::all()) {
        Ok(response) => response.degraded,
        Err(late) if late.fault() == Fault::Deadline => Some("the first question was not answered in time".into()),
        Err(error) => return Err(error),
    };
    if let Some(reason) = reason {
        eprintln!("baowen: questions are answered by words for now: {reason}");
    }
    Ok(())
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

/// Takes over newer commits and rebuilds for as long as the service lives.
async fn follow_commits(index: Arc<Followed>) -> Result<std::convert::Infallible> {
    let mut said = false;
    loop {
        tokio::time::sleep(REFRESH).await;
        let index = index.clone();
        let refreshed = tokio::task::spawn_blocking(move || index.refresh()).await;
        match refreshed.or_fault(Fault::Bug, "opening a commit")? {
            Ok(_) => said = false,
            // The commit before goes on being served; once is enough to say so.
            Err(error) if !said => {
                eprintln!("baowen: keeping the last good commit: {error}");
                said = true;
            }
            Err(_) => {}
        }
    }
}
