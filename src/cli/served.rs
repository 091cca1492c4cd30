//! The engine that a service answers with, and how newer commits and other engines take its place: when the index was
//! made anew by other rules, the model that it names now is opened and answers from then on.
//!
//! What cannot be opened leaves what was there, and the health of writing says so; what is found damaged is not
//! searched until something whole takes its place.

use std::convert::Infallible;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::attempts::Attempts;
use super::setup::{self, Opened};
use crate::compute::Budget;
use crate::error::{Context, Error, Fault, Result};
use crate::index::{Backend, Followed, Replaceable};
use crate::profile::Profile;
use crate::search::Engine;
use crate::search::request::{Mode, SearchRequest};
use crate::search::response::SearchResponse;
use crate::service::Answer;
use crate::service::metrics::Metrics;

/// How often a running service looks for a newer commit.
const REFRESH: Duration = Duration::from_secs(1);
/// How long it waits before it tries again to open an index that was made by other rules.
const REOPEN: Duration = Duration::from_secs(30);
/// How long the question asked at the start may wait for models behind an address.
const WARM_UP: Duration = Duration::from_secs(2);

/// The engine as the service sees it.
pub struct Served {
    /// The engine that answers now, and the sum of the editions of all before it.
    current: RwLock<(Arc<Engine>, u64)>,
    is_unwell: AtomicBool,
    is_behind: AtomicBool,
    is_unwritable: AtomicBool,
    is_damaged: AtomicBool,
}

impl Served {
    /// Begins with this engine.
    pub fn new(engine: Engine) -> Served {
        Served {
            current: RwLock::new((Arc::new(engine), 0)),
            is_unwell: AtomicBool::new(false),
            is_behind: AtomicBool::new(false),
            is_unwritable: AtomicBool::new(false),
            is_damaged: AtomicBool::new(false),
        }
    }

    /// Answers with another engine from now on; searches that run end with the one they began with.
    pub fn replace(&self, engine: Engine) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let before = current.1 + current.0.backend().edition() + 1;
        *current = (Arc::new(engine), before);
    }

    /// Says from now on whether something keeps it from serving.
    #[cfg(feature = "milvus")]
    pub fn set_unwell(&self, is_unwell: bool) {
        self.is_unwell.store(is_unwell, Ordering::Relaxed);
    }

    /// Says from now on whether what is newer cannot be taken over.
    pub fn set_behind(&self, is_behind: bool) {
        self.is_behind.store(is_behind, Ordering::Relaxed);
    }

    /// Says from now on whether nothing can be written.
    pub fn set_unwritable(&self, is_unwritable: bool) {
        self.is_unwritable.store(is_unwritable, Ordering::Relaxed);
    }

    /// Says from now on whether what is searched was found damaged.
    pub fn set_damaged(&self, is_damaged: bool) {
        self.is_damaged.store(is_damaged, Ordering::Relaxed);
    }

    /// Whether what is searched was found damaged.
    pub fn is_damaged(&self) -> bool {
        self.is_damaged.load(Ordering::Relaxed)
    }

    /// A number that grows with whatever is searched.
    pub fn searched(&self) -> u64 {
        let (engine, before) = self.now();
        before + engine.backend().edition()
    }

    fn now(&self) -> (Arc<Engine>, u64) {
        // Poisoned or not, the place always holds a whole engine.
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Answer for Served {
    fn search(&self, request: &SearchRequest) -> Result<SearchResponse> {
        if self.is_damaged() {
            // Which files is in the log: askers have no business with them.
            return Err(
                Error::unavailable("the index was found damaged, and what it answers may be wrong").help(
                    "ask another instance; the operator's log names the files and what helps, and questions are answered \
                     again as soon as a whole index is in its place",
                ),
            );
        }
        self.now().0.search(request, Budget::all())
    }

    fn ready(&self) -> bool {
        !self.is_unwell.load(Ordering::Relaxed) && !self.is_damaged()
    }

    fn follows(&self) -> bool {
        !self.is_behind.load(Ordering::Relaxed) && !self.is_unwritable.load(Ordering::Relaxed)
    }

    fn edition(&self) -> Option<u64> {
        // What was kept of a damaged index may be wrong, too.
        (!self.is_damaged()).then(|| self.searched())
    }
}

/// Asks the first question, which pages in the model and the postings; better ours than a caller's. First by words, for
/// which there is always time; then a model behind an address has its moment. It does not keep the service from
/// opening: what it says instead of answering is told once.
pub fn warm(engine: &Engine, metrics: &Metrics) -> Result<()> {
    let mut request = SearchRequest::new("医保断缴了怎么办");
    request.mode = Mode::Lexical;
    engine.search(&request, Budget::all())?;
    (request.mode, request.deadline) = (Mode::Hybrid, Some(Instant::now() + WARM_UP));
    let reason = match engine.search(&request, Budget::all()) {
        Ok(response) => {
            metrics.asked_by_meaning(&response);
            response.degraded
        }
        Err(late) if late.fault() == Fault::Deadline => Some("the first question was not answered in time".into()),
        Err(error) => return Err(error),
    };
    if let Some(reason) = reason {
        tracing::warn!("questions are answered by words for now: {reason}");
    }
    Ok(())
}

/// Opens an index with the models that it names by then.
type Open<I> = Box<dyn Fn() -> Result<(Arc<I>, Engine)> + Send>;

/// An index that a service follows, with what is answered and described from it. Where it is made anew by other rules,
/// what is opened then takes the place of all three.
pub struct Following<I> {
    /// The index that is answered from.
    pub index: Arc<I>,
    /// Where it is described.
    pub described: Arc<Replaceable>,
    /// What answers.
    pub served: Arc<Served>,
    open: Open<I>,
}

impl<I: Backend + 'static> Following<I> {
    /// Begins with this index; `open` opens it again.
    pub fn new(index: Arc<I>, engine: Engine, open: impl Fn() -> Result<(Arc<I>, Engine)> + Send + 'static) -> Self {
        Following {
            described: Replaceable::new(index.clone()),
            served: Arc::new(Served::new(engine)),
            index,
            open: Box::new(open),
        }
    }

    /// Opens the index with the model that it names now, and puts it in place; what was there stays where that fails.
    ///
    /// # Errors
    /// `Bug` if that panics.
    pub async fn reopened(mut self, metrics: Arc<Metrics>) -> Result<(Self, Result<()>)> {
        let reopen = move || {
            let opened = (self.open)().and_then(|(index, engine)| warm(&engine, &metrics).map(|()| (index, engine)));
            let reopened = opened.map(|(index, engine)| {
                self.described.replace(index.clone());
                self.served.replace(engine);
                self.index = index;
            });
            (self, reopened)
        };
        tokio::task::spawn_blocking(reopen)
            .await
            .or_fault(Fault::Bug, "opening the index anew")
    }
}

impl Following<Followed> {
    /// Begins with the index of a folder, ranked by this profile and perhaps a reranker.
    pub fn of(opened: Opened, folder: &Path, profile: &Profile, reranker: Option<&str>) -> Self {
        let (folder, profile) = (folder.to_path_buf(), profile.clone());
        let reranker = reranker.map(str::to_owned);
        Following::new(opened.index, opened.engine, move || {
            let opened = setup::open(&folder, &profile)?.with_reranker(reranker.as_deref())?;
            Ok((opened.index, opened.engine))
        })
    }

    /// Takes over newer commits and rebuilds for as long as the service lives; `looked` is told each time it looked.
    pub async fn follow(
        self,
        metrics: Arc<Metrics>,
        looked: impl Fn(&Followed) + Send + 'static,
    ) -> Result<Infallible> {
        let mut following = self;
        let (mut said, mut attempts) = (false, Attempts::new(REOPEN));
        let mut seen = following.commit();
        loop {
            tokio::time::sleep(REFRESH).await;
            let index = following.index.clone();
            let refreshed = tokio::task::spawn_blocking(move || index.refresh()).await;
            let mut refreshed = refreshed.or_fault(Fault::Bug, "opening a commit")?;
            let is_of_other_rules = refreshed
                .as_ref()
                .is_err_and(|error| error.fault() == Fault::Precondition);
            if is_of_other_rules && attempts.may(Instant::now()) {
                let reopened;
                (following, reopened) = following.reopened(metrics.clone()).await?;
                attempts.tried(Instant::now(), reopened.is_ok());
                refreshed = reopened.map(|()| true);
            }
            following.served.set_behind(refreshed.is_err());
            match refreshed {
                Ok(is_newer) => {
                    said = false;
                    // What the service itself commits is taken over where it is written.
                    let commit = following.commit();
                    if is_newer || commit != seen {
                        metrics.took_over();
                        seen = commit;
                    }
                    if is_newer {
                        tracing::info!("a newer commit is searched");
                    }
                }
                // The commit before goes on being served; once is enough to say so.
                Err(error) => {
                    metrics.refresh_failed();
                    if !said {
                        tracing::error!("keeping the last good commit: {error}");
                    }
                    said = true;
                }
            }
            looked(&following.index);
        }
    }

    /// The stamp of the commit that is searched.
    fn commit(&self) -> Option<u64> {
        self.index.snapshot().ok().map(|snapshot| snapshot.about().commit)
    }
}
