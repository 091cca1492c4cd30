//! `baowen serve`: listens at once, opens the index behind the listener, answers until it is told to end.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;

use super::options::{DEFAULT_LISTEN, IndexFolder, ProfileFile, RerankerName};
use super::setup;
use crate::compute;
use crate::compute::Budget;
use crate::error::{Context, Error, Fault, Result};
use crate::index::Followed;
use crate::profile::Profile;
use crate::search::Engine;
use crate::search::request::SearchRequest;
use crate::search::response::SearchResponse;
use crate::service::server::{self, ServiceSettings};
use crate::service::{Answer, ReadyCell};

/// How often a running service looks for a newer commit.
const REFRESH: Duration = Duration::from_secs(1);

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
            ..ServiceSettings::default()
        };
        let ranked = RankedBy {
            profile: self.profile.read()?,
            reranker: self.reranker.name.clone(),
        };
        let runtime = runtime()?;
        let served = runtime.block_on(serve(&self.index.folder, &self.listen, ranked, settings, |address| {
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

/// What ranks the hits of a service.
pub struct RankedBy {
    /// All learned numbers.
    pub profile: Profile,
    /// A reranker of the model folder for the first ones.
    pub reranker: Option<String>,
}

/// Serves the index of a folder. `ready` is called with the address once questions are answered. Ends on SIGTERM or
/// Ctrl-C, or with an error if the index cannot be opened.
pub async fn serve(
    folder: &Path,
    listen: &str,
    ranked: RankedBy,
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
    let cell = Arc::new(ReadyCell::new());
    let opening = {
        let (cell, folder) = (cell.clone(), folder.to_path_buf());
        async move {
            let opened = tokio::task::spawn_blocking(move || open_and_warm(&folder, &ranked)).await;
            let (served, index) = opened.or_fault(Fault::Bug, "opening the index")??;
            // The cell is filled once, here.
            let _ = cell.set(served);
            ready(address);
            follow_commits(index).await
        }
    };
    let mut failed_with = None;
    let shutdown = async {
        tokio::select! {
            () = server::asked_to_end() => {}
            Err(error) = opening => failed_with = Some(error),
        }
    };
    let ended = server::run(listener, cell, settings, shutdown).await;
    match failed_with {
        Some(error) => Err(error),
        None => ended,
    }
}

fn open_and_warm(folder: &Path, ranked: &RankedBy) -> Result<(Arc<dyn Answer>, Arc<Followed>)> {
    let opened = setup::open(folder, &ranked.profile)?.with_reranker(ranked.reranker.as_deref())?;
    let served = Served { engine: opened.engine };
    // The first question pages in the model and the postings; better ours than a caller's.
    served
        .engine
        .search(&SearchRequest::new("医保断缴了怎么办"), Budget::all())?;
    Ok((Arc::new(served), opened.index))
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
