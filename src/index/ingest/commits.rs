//! When the commits of a living index are made, and who is told of them.
//!
//! Changes of callers that wait become durable together, a moment after the first of them; those nobody waits for,
//! within a second. Owns the writer, the time and the list of those who wait; decides nothing about articles.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::Ingest;
use super::group::{ChangeGroup, Grouped};
use crate::error::{Error, Result};
use crate::index::backend::{Backend, Writer};
use crate::index::prepare::Rules;
use crate::index::source_table::Runs;

/// How long changes wait for others to share a commit with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// After somebody has begun to wait.
    pub waited_for: Duration,
    /// Where nobody waits.
    pub unwatched: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            waited_for: Duration::from_millis(200),
            unwatched: Duration::from_secs(1),
        }
    }
}

/// Is told the commit that made a change durable, or why it is lost. Called once, from a thread that others wait for.
pub type Told = Box<dyn FnOnce(Result<u64>) + Send>;

/// Called with the error each time a write failed and what was not committed was taken back; from a thread that others
/// wait for.
pub type ToldFailure = Box<dyn Fn(&Error) + Send + Sync>;

/// An index with the writer that all callers share.
pub struct Commits {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) ingest: Ingest<Grouped>,
    pace: Pace,
    /// Taken after the writer's lock where both are held, never before it.
    state: Mutex<State>,
    wake: Condvar,
    /// Who watches over the writing, if anybody does.
    pub(super) watching: OnceLock<ToldFailure>,
    /// Whether whoever watches knows that nothing may be written now.
    is_said: AtomicBool,
}

struct State {
    session: u64,
    /// Why the session before it ended, if one did.
    failed: Option<Error>,
    /// The last group that is durable, and the newest commit's stamp.
    durable: u64,
    stamp: u64,
    /// When the next commit is due; none if nothing waits for one.
    due: Option<Instant>,
    waiting: Vec<(ChangeGroup, Told)>,
    is_closing: bool,
}

/// What is to be told to whom, once no lock is held.
pub type News = Vec<(Told, Result<u64>)>;

impl State {
    fn due_at(&mut self, at: Instant) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }
}

impl Commits {
    /// Over an engine whose writer was given nothing yet; the rules must be the index's.
    pub fn new(backend: Arc<dyn Backend>, writer: Box<dyn Writer>, rules: Rules, pace: Pace) -> Result<Commits> {
        let stamp = backend.snapshot()?.about().commit;
        let writer = Grouped::new(writer, stamp);
        let session = writer.session();
        Ok(Commits {
            backend,
            ingest: Ingest::new(writer, rules),
            pace,
            state: Mutex::new(State {
                session,
                failed: None,
                durable: 0,
                stamp,
                due: None,
                waiting: Vec::new(),
                is_closing: false,
            }),
            wake: Condvar::new(),
            watching: OnceLock::new(),
            is_said: AtomicBool::new(false),
        })
    }

    /// Takes nothing more; [`Commits::run`] ends with a last commit.
    pub fn close(&self) {
        self.state().is_closing = true;
        self.wake.notify_all();
    }

    /// Has a commit made soon, and `told` called once the change is durable, or lost; at once where it is so already.
    pub fn when_durable(&self, change: ChangeGroup, told: Told) {
        let mut state = self.state();
        let known = if change.session != state.session {
            Err(lost(state.failed.as_ref()))
        } else if change.group <= state.durable {
            Ok(state.stamp)
        } else {
            state.waiting.push((change, told));
            state.due_at(Instant::now() + self.pace.waited_for);
            self.wake.notify_all();
            let is_closing = state.is_closing;
            drop(state);
            if is_closing {
                // The thread that commits may have ended; whoever waits is told by this one.
                let _ = self.commit();
            }
            return;
        };
        drop(state);
        told(known);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Poisoned or not, each change of the state is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writer, which may write: where it may not any more, what was not committed is taken back and whoever waits
    /// for it is told.
    ///
    /// # Errors
    /// Why it may not go on.
    pub fn writer(&self) -> Result<MutexGuard<'_, Grouped>> {
        let mut writer = self.ingest.writer();
        let is_dirty = writer.is_dirty();
        writer.look();
        // What nothing waited for is no failure of writing, unless it stays.
        let news = self.recovered(&mut writer, is_dirty);
        let failure = writer.failure().cloned();
        let was_said = self.is_said.swap(failure.is_some(), Ordering::Relaxed);
        if let Some(failure) = failure.as_ref().filter(|_| !is_dirty && !was_said)
            && let Some(watching) = self.watching.get()
        {
            watching(failure);
        }
        let Some(news) = news else {
            return Ok(writer);
        };
        match (failure, news.is_empty()) {
            (Some(failure), _) => {
                drop(writer);
                tell(news);
                Err(failure)
            }
            (None, true) => Ok(writer),
            (None, false) => {
                drop(writer);
                tell(news);
                Ok(self.ingest.writer())
            }
        }
    }

    /// Whether the last who wanted to write could not, and nothing came since that could.
    pub fn refuses(&self) -> bool {
        self.is_said.load(Ordering::Relaxed)
    }

    /// Refuses what comes while it is being closed.
    pub fn check_open(&self) -> Result<()> {
        if self.state().is_closing {
            Err(closing())
        } else {
            Ok(())
        }
    }

    /// Notes that a change waits for a commit, if it does.
    pub fn changed(&self, change: ChangeGroup) {
        let mut state = self.state();
        if change.session != state.session || change.group <= state.durable {
            return;
        }
        state.due_at(Instant::now() + self.pace.unwatched);
        self.wake.notify_all();
        let is_closing = state.is_closing;
        drop(state);
        if is_closing {
            // It was under way when it was told to close, and the thread that commits may have ended.
            let _ = self.commit();
        }
    }

    /// Commits when it is time, until it closes.
    pub fn run(&self) {
        // Whoever is told and panics keeps nobody else from being told.
        while catch_unwind(AssertUnwindSafe(|| self.run_to_the_end())).is_err() {
            std::thread::sleep(self.pace.unwatched);
        }
    }

    fn run_to_the_end(&self) {
        let mut state = self.state();
        loop {
            let wait = match state.due {
                None if state.is_closing => {
                    drop(state);
                    // What came in while it was told to close.
                    let _ = self.commit();
                    return;
                }
                None => None,
                Some(due) => Some(due.saturating_duration_since(Instant::now())),
            };
            state = match wait {
                None => self.wake.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(wait) if !wait.is_zero() && !state.is_closing => {
                    let (state, _) = self
                        .wake
                        .wait_timeout(state, wait)
                        .unwrap_or_else(PoisonError::into_inner);
                    state
                }
                Some(_) => {
                    drop(state);
                    // Whoever waits is told; the next change tries again.
                    let _ = self.commit();
                    self.state()
                }
            };
        }
    }

    /// Commits what there is, and tells who waits for it.
    pub fn commit(&self) -> Result<u64> {
        self.commit_with(None, Runs::new())
    }

    /// The same, if the named session is still the one, with what runs did to those of their sources that are there.
    ///
    /// # Errors
    /// `Precondition` if another session has begun since.
    pub fn commit_with(&self, session: Option<u64>, mut runs: Runs) -> Result<u64> {
        // Looked at with the writer held: until the commit nobody else's failure can take anything back.
        let mut writer = self.writer()?;
        if session.is_some_and(|session| session != writer.session()) {
            return Err(Error::precondition(
                "session: another one has begun since, so changes that waited for a commit may be lost",
            )
            .help("send them again; what is there already costs nothing"));
        }
        runs.retain(|name, _| writer.sources().get(name).is_some());
        if !runs.is_empty() {
            writer.source_table().runs.extend(runs);
            writer.touch();
        }
        let change = writer.change();
        let committed = if writer.is_dirty() {
            // Whoever holds the writer next finds what a panic left, and takes it back.
            catch_unwind(AssertUnwindSafe(|| writer.commit()))
                .unwrap_or_else(|_| Err(Error::bug("the writer failed unexpectedly")))
        } else {
            Ok(writer.stamp())
        };
        let mut news = self.recover(&mut writer).unwrap_or_default();
        let mut state = self.state();
        state.due = None;
        if let Ok(stamp) = committed {
            state.stamp = stamp;
            state.durable = state.durable.max(change.group);
            let durable = state.durable;
            let (done, waiting) = std::mem::take(&mut state.waiting)
                .into_iter()
                .partition(|(change, _)| change.group <= durable);
            state.waiting = waiting;
            let done: Vec<(ChangeGroup, Told)> = done;
            news.extend(done.into_iter().map(|(_, told)| (told, Ok(stamp))));
        }
        drop((state, writer));
        tell(news);
        committed
    }

    /// Takes back what a failure left half done, if there was one, and finds who is to be told that a change is lost.
    pub fn recover(&self, writer: &mut Grouped) -> Option<News> {
        self.recovered(writer, true)
    }

    /// The same; who watches is told only where it is a failure of writing.
    fn recovered(&self, writer: &mut Grouped, is_failure: bool) -> Option<News> {
        let failed = writer.recover()?;
        if let Some(watching) = self.watching.get().filter(|_| is_failure) {
            watching(&failed);
        }
        let mut state = self.state();
        state.session = writer.session();
        state.failed = Some(failed.clone());
        state.due = None;
        let lost = std::mem::take(&mut state.waiting).into_iter();
        Some(lost.map(|(_, told)| (told, Err(failed.clone()))).collect())
    }

    /// What is said of a change that a failure took back.
    pub fn lost(&self) -> Error {
        lost(self.state().failed.as_ref())
    }
}

/// Tells it to those who wait.
pub fn tell(news: News) {
    for (told, result) in news {
        told(result);
    }
}

fn lost(failed: Option<&Error>) -> Error {
    let why = failed
        .map(|failed| format!(": {}", failed.message()))
        .unwrap_or_default();
    let help = failed.and_then(Error::hint);
    Error::unavailable(format!(
        "the change was lost before it was durable, since writing failed{why}"
    ))
    .help(help.unwrap_or("send it again; what is there already costs nothing"))
}

fn closing() -> Error {
    Error::unavailable("the index is being closed").help("send it again when the service is back")
}
