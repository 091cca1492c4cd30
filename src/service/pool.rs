//! The way from the async edge into the synchronous core: a fixed number of OS threads behind a bounded queue.
//!
//! No async worker computes while anybody else asks. Work beyond the bound is refused at once rather than kept waiting
//! without end; work whose caller has gone, or whose deadline has passed, is dropped before it starts; a panic in the
//! core becomes an error of that one call, and its thread goes on.
//!
//! To hand work over and its outcome back wakes two threads, which takes about a tenth of a millisecond, as long as a
//! retriever. So who has been alone for a while is answered where the question arrived ([`Pool::answer`]). The network
//! thread is not free meanwhile and would not see others come: every so often the work is handed over after all, and if
//! others are seen then, all work is handed over until everybody has been alone again for a while.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::error::{Context, Error, Fault, Result};

type Job = Box<dyn FnOnce() + Send>;

/// Pieces of work in a row with no other in flight after which work is done where it arrives.
const ALONE: u32 = 64;
/// Of these, one in so many is handed over all the same, to see whether others come.
const LOOK_UP: u32 = 16;

/// A bounded pool of threads. Dropping it lets work that has started end, and drops work that has not.
#[derive(Debug)]
pub struct Pool {
    shared: Arc<Shared>,
    /// One permit for each piece of work that may run or wait.
    room: Arc<Semaphore>,
    capacity: usize,
    threads: usize,
    /// Pieces of work in a row that came while no other was in flight.
    alone: AtomicU32,
}

struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
}

/// Work that was accepted; dropping it withdraws the work if it has not started.
#[derive(Debug)]
pub struct Pending<T> {
    outcome: oneshot::Receiver<Result<T>>,
    deadline: Option<Instant>,
}

impl Pool {
    /// Starts `threads` threads (at least one) before which `queue` pieces of work may wait.
    ///
    /// # Errors
    /// `Unavailable` if the system gives no thread.
    pub fn new(threads: usize, queue: usize) -> Result<Self> {
        let threads = threads.max(1);
        let capacity = threads.saturating_add(queue).min(Semaphore::MAX_PERMITS);
        // Made first: if a later thread cannot be started, dropping it ends the earlier ones.
        let pool = Pool {
            shared: Arc::new(Shared {
                queue: Mutex::default(),
                wake: Condvar::new(),
            }),
            room: Arc::new(Semaphore::new(capacity)),
            capacity,
            threads,
            alone: AtomicU32::new(0),
        };
        for number in 0..threads {
            let shared = pool.shared.clone();
            thread::Builder::new()
                .name(format!("search-{number}"))
                .spawn(move || shared.work())
                .or_fault(
                    Fault::Unavailable,
                    format_args!("starting search thread {number} of {threads}"),
                )?;
        }
        Ok(pool)
    }

    /// Threads that work.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Pieces of work that run or wait now.
    pub fn in_flight(&self) -> usize {
        self.capacity - self.room.available_permits()
    }

    /// Does the work, here if no other has been in flight for a while, else in a thread of the pool.
    ///
    /// # Errors
    /// The work's, and those of [`Pool::submit`]. `Deadline` as soon as the deadline passes, but for work that is done
    /// here: that has to look at its deadline itself.
    pub async fn answer<T, F>(&self, deadline: Option<Instant>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        let alone = match self.in_flight() {
            0 => self.alone.fetch_add(1, Ordering::Relaxed),
            _ => {
                self.alone.store(0, Ordering::Relaxed);
                0
            }
        };
        if alone < ALONE || alone.is_multiple_of(LOOK_UP) {
            return self.submit(deadline, work)?.wait().await;
        }
        let _permit = self.permit()?;
        if passed(deadline) {
            return Err(late());
        }
        guarded(work)
    }

    /// Hands work over if there is room for it.
    ///
    /// # Errors
    /// `Exhausted` if as much work as the pool may hold is in flight, `Deadline` if the deadline has passed already.
    pub fn submit<T, F>(&self, deadline: Option<Instant>, work: F) -> Result<Pending<T>>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        self.hand_over(self.permit()?, deadline, work)
    }

    fn permit(&self) -> Result<OwnedSemaphorePermit> {
        self.room.clone().try_acquire_owned().map_err(|_| {
            Error::new(
                Fault::Exhausted,
                format!(
                    "{} questions are in flight, which is as many as this service takes",
                    self.capacity
                ),
            )
            .help("ask again in a moment, or ask fewer at a time")
        })
    }

    /// Hands work over as soon as there is room for it, for callers that slow down rather than fail (a batch).
    ///
    /// # Errors
    /// `Deadline` if the deadline passes first.
    pub async fn submit_when_room<T, F>(&self, deadline: Option<Instant>, work: F) -> Result<Pending<T>>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        match until(deadline, self.room.clone().acquire_owned()).await? {
            Ok(permit) => self.hand_over(permit, deadline, work),
            Err(_) => Err(stopping()),
        }
    }

    fn hand_over<T, F>(&self, permit: OwnedSemaphorePermit, deadline: Option<Instant>, work: F) -> Result<Pending<T>>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        if passed(deadline) {
            return Err(late());
        }
        let (sender, outcome) = oneshot::channel();
        let job: Job = Box::new(move || {
            if sender.is_closed() {
                return;
            }
            let result = if passed(deadline) { Err(late()) } else { guarded(work) };
            // Before the answer, so that who has it can hand over the next piece at once.
            drop(permit);
            // Fails if the caller has gone meanwhile, which is their right.
            let _ = sender.send(result);
        });
        self.shared.lock().jobs.push_back(job);
        self.shared.wake.notify_one();
        Ok(Pending { outcome, deadline })
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let waiting = {
            let mut queue = self.shared.lock();
            queue.closed = true;
            std::mem::take(&mut queue.jobs)
        };
        self.shared.wake.notify_all();
        drop(waiting);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // No panic can happen while it is held, and a queue has no half-made state.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        loop {
            let job = {
                let mut queue = self.lock();
                loop {
                    if let Some(job) = queue.jobs.pop_front() {
                        break job;
                    }
                    if queue.closed {
                        return;
                    }
                    queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
                }
            };
            // The work itself is guarded inside; this is for a result whose drop panics.
            let _ = catch_unwind(AssertUnwindSafe(job));
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl<T> Pending<T> {
    /// The outcome, or `Deadline` as soon as the deadline passes.
    pub async fn wait(self) -> Result<T> {
        match until(self.deadline, self.outcome).await? {
            Ok(result) => result,
            Err(_) => Err(stopping()),
        }
    }
}

/// What the future gives, or `Deadline` if the deadline passes first.
async fn until<F: Future>(deadline: Option<Instant>, future: F) -> Result<F::Output> {
    match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline.into(), future)
            .await
            .map_err(|_| late()),
        None => Ok(future.await),
    }
}

/// What the work gives; a panic in it is an error.
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    // The work owns what it touches or shares it behind the core's own locks, and nothing of it is seen again after a
    // panic.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
}

/// Whether nobody waits any more.
pub(super) fn passed(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| Instant::now() >= deadline)
}

/// The error of a call whose deadline passed.
pub(super) fn late() -> Error {
    Error::new(Fault::Deadline, "the deadline passed before the answer was ready")
        .help("allow more time, or ask for fewer hits")
}

fn stopping() -> Error {
    Error::unavailable("the service is shutting down").help("ask another instance, or ask again later")
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let reason = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason given");
    Error::bug(format!("the search failed unexpectedly: {reason}"))
        .help("this is a defect; please report it with the question")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
    }

    /// A pool of one thread that is held by one piece of work, and the sender that lets it go.
    fn held(queue: usize) -> (Pool, Pending<()>, mpsc::Sender<()>) {
        let pool = Pool::new(1, queue).unwrap();
        let (release, released) = mpsc::channel::<()>();
        let (started, has_started) = mpsc::channel();
        let pending = pool
            .submit(None, move || {
                started.send(()).unwrap();
                let _ = released.recv();
                Ok(())
            })
            .unwrap();
        has_started.recv().unwrap();
        (pool, pending, release)
    }

    #[test]
    fn work_beyond_the_bound_is_refused_and_room_comes_back() {
        let (pool, first, release) = held(1);
        let second = pool.submit(None, || Ok(2)).unwrap();
        assert_eq!(pool.in_flight(), 2);
        assert_eq!(pool.submit(None, || Ok(3)).unwrap_err().fault(), Fault::Exhausted);
        release.send(()).unwrap();
        runtime().block_on(async {
            first.wait().await.unwrap();
            assert_eq!(second.wait().await.unwrap(), 2);
            assert_eq!(pool.in_flight(), 0);
            assert_eq!(pool.submit(None, || Ok(3)).unwrap().wait().await.unwrap(), 3);
        });
    }

    #[test]
    fn withdrawn_and_late_work_is_never_started() {
        let (pool, first, release) = held(10);
        let runs = Arc::new(AtomicUsize::new(0));
        let count = |deadline| {
            let runs = runs.clone();
            pool.submit(deadline, move || Ok(runs.fetch_add(1, Ordering::SeqCst)))
        };
        drop(count(None).unwrap());
        // Refused at once where this machine is slow, which is as good.
        let late = count(Some(Instant::now() + Duration::from_millis(1)));
        let kept = count(None).unwrap();
        assert_eq!(count(Some(Instant::now())).unwrap_err().fault(), Fault::Deadline);
        runtime().block_on(async {
            if let Ok(late) = late {
                assert_eq!(late.wait().await.unwrap_err().fault(), Fault::Deadline);
            }
            release.send(()).unwrap();
            first.wait().await.unwrap();
            kept.wait().await.unwrap();
        });
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_panic_is_an_error_of_one_call() {
        let pool = Pool::new(1, 10).unwrap();
        runtime().block_on(async {
            let broken = pool.submit::<(), _>(None, || panic!("index out of bounds")).unwrap();
            let error = broken.wait().await.unwrap_err();
            assert_eq!(error.fault(), Fault::Bug);
            assert!(error.message().contains("index out of bounds"), "{error}");
            assert_eq!(pool.submit(None, || Ok(1)).unwrap().wait().await.unwrap(), 1);
        });
    }

    #[test]
    fn a_pool_that_goes_answers_what_it_drops() {
        let (pool, first, release) = held(10);
        let waiting = pool.submit(None, || Ok(1)).unwrap();
        drop(pool);
        runtime().block_on(async {
            assert_eq!(waiting.wait().await.unwrap_err().fault(), Fault::Unavailable);
            release.send(()).unwrap();
            first.wait().await.unwrap();
        });
    }

    #[test]
    fn who_is_alone_is_answered_here_until_others_come() {
        let pool = Pool::new(1, 10).unwrap();
        let here = thread::current().id();
        runtime().block_on(async {
            let is_here = || pool.answer(None, move || Ok(thread::current().id() == here));
            let mut last = [false; 3 * ALONE as usize];
            for done_here in &mut last {
                *done_here = is_here().await.unwrap();
            }
            for (number, done_here) in (0..).zip(last) {
                assert_eq!(done_here, number >= ALONE && number % LOOK_UP != 0, "{number}");
            }
            let broken = pool.answer::<(), _>(None, || Ok(())).await;
            assert!(broken.is_ok(), "one that looks up");
            let broken = pool.answer::<(), _>(None, || panic!("on purpose")).await;
            assert_eq!(broken.unwrap_err().fault(), Fault::Bug);
            let late = pool.answer(Some(Instant::now()), || Ok(())).await;
            assert_eq!(late.unwrap_err().fault(), Fault::Deadline);

            let (release, released) = mpsc::channel::<()>();
            let other = pool.submit(None, move || Ok(released.recv().is_ok())).unwrap();
            let waiting = is_here();
            let let_go = async { release.send(()).unwrap() };
            let (done_here, ()) = tokio::join!(waiting, let_go);
            assert!(!done_here.unwrap(), "handed over, since another was in flight");
            assert!(other.wait().await.unwrap());
            for _ in 0..ALONE {
                assert!(!is_here().await.unwrap());
            }
        });
        assert_eq!(pool.in_flight(), 0);
    }

    #[test]
    fn patient_work_waits_for_room_until_its_deadline() {
        let (pool, first, release) = held(0);
        runtime().block_on(async {
            let soon = Some(Instant::now() + Duration::from_millis(1));
            assert_eq!(
                pool.submit_when_room(soon, || Ok(1)).await.unwrap_err().fault(),
                Fault::Deadline
            );
            release.send(()).unwrap();
            let second = pool.submit_when_room(None, || Ok(2)).await.unwrap();
            assert_eq!(second.wait().await.unwrap(), 2);
            first.wait().await.unwrap();
        });
    }
}
