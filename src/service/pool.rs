//! The way from the async edge into the synchronous core: how many searches run at a time, and how many may wait.
//!
//! No async worker computes, ever: work runs on the runtime's threads for blocking work, or in a worker's place once
//! another thread has taken over the worker's duties; health, streams and other calls are answered meanwhile. Work
//! beyond the bound is refused at once rather than kept waiting without end; work whose caller has gone, or whose
//! deadline has passed, never starts; a panic in the core becomes an error of that one call.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, block_in_place, spawn_blocking};

use super::batch_line::BatchLine;
use super::caller::CALLER;
use super::metrics::Metrics;
use super::shares::{SHARE_OF_FREE, Share, Shares};
use super::turns::{Ahead, Turn, Turns};
use crate::compute::late;
use crate::error::{Error, Fault, Result};

/// Bounds on the searches of one service.
#[derive(Debug)]
pub struct SearchPool {
    /// A permit for each search that may run or wait, but for the patient ones.
    admission: Arc<Semaphore>,
    /// A turn for each that may run: callers take turns, the searches of one start in the order in which they came.
    turns: Turns,
    /// A permit for each that waits rather than fails, as many as there are threads: all batches together, however many
    /// there are, have no more in line before a question that came by itself, and never make it be refused.
    patient: Arc<Semaphore>,
    /// Those of them that wait for a thread.
    batches: BatchLine,
    capacity: usize,
    at_a_time: usize,
    /// How many searches each caller has running or waiting.
    callers: Shares,
    /// How long a search keeps a thread from the next one, in microseconds, the last ones counting most.
    usual: Arc<AtomicU64>,
    /// Since when each thread that searches nothing has been free. The pause before a search counts as its time, too,
    /// or waits are guessed too short.
    free: Arc<Mutex<VecDeque<Instant>>>,
    metrics: Option<Arc<Metrics>>,
}

/// A question is taken in if so many times the wait that is guessed is left. The longest waits were twice what was
/// guessed (`benches/overload.py`, with the clients on the service's own cores).
const SAFETY: u32 = 3;

/// The usual time is an exponential moving average over about so many searches. Not measured.
const AVERAGED_OVER: u64 = 32;

impl SearchPool {
    /// At most `threads` searches (at least one) at a time, before which `queue` may wait.
    pub fn new(threads: usize, queue: usize) -> Self {
        let threads = threads.clamp(1, Semaphore::MAX_PERMITS);
        let capacity = threads.saturating_add(queue).min(Semaphore::MAX_PERMITS);
        SearchPool {
            admission: Arc::new(Semaphore::new(capacity)),
            turns: Turns::new(threads),
            patient: Arc::new(Semaphore::new(threads)),
            batches: BatchLine::default(),
            capacity,
            at_a_time: threads,
            callers: Shares::default(),
            usual: Arc::default(),
            free: Arc::default(),
            metrics: None,
        }
    }

    /// The same, of which a caller has no more than `most` threads while another one waits for any.
    #[must_use]
    pub fn leaving_room(self, most: usize) -> Self {
        self.turns.leave_room(most);
        self
    }

    /// The same, with refusals counted.
    #[must_use]
    pub fn counted_by(self, metrics: Arc<Metrics>) -> Self {
        SearchPool {
            metrics: Some(metrics),
            ..self
        }
    }

    /// Searches that run at a time.
    pub fn threads(&self) -> usize {
        self.at_a_time
    }

    /// Searches that run now.
    pub fn running(&self) -> usize {
        self.turns.taken()
    }

    /// Searches that run or wait now.
    pub fn in_flight(&self) -> usize {
        let patient = self.at_a_time - self.patient.available_permits();
        self.capacity - self.admission.available_permits() + patient
    }

    /// Does the work off the async workers, if there is room for it. Dropping the future withdraws the work if it has
    /// not started. For one piece of work a task: a lone one runs in the task's place.
    ///
    /// # Errors
    /// The work's; `Exhausted` if as many searches as may wait do and none of another caller's is shed for this one, if
    /// as many of this caller do as leave room for others, if this one is shed for another caller's, or if so many wait
    /// that this one would not be answered by its deadline; `Deadline` as soon as the deadline passes (where
    /// the work runs alone, as soon as it looks at the deadline).
    pub async fn run<T, F>(&self, deadline: Option<Instant>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        let admitted = self.admit(deadline).inspect_err(|_| self.count("queue"))?;
        until(deadline, self.start(admitted, deadline, may_block_in_place(), work)).await?
    }

    /// A place for one more search, running or waiting.
    fn admit(&self, deadline: Option<Instant>) -> Result<Admitted> {
        let (place, has_share) = self.place()?;
        // Questions of batches go before this one is refused, but none for one that would be late without them all.
        if let Some(late) = self.late(deadline, self.batches.count(), 0) {
            return Err(late);
        }
        let mut taken = Vec::new();
        while let Some(late) = self.late(deadline, taken.len(), self.batches.count()) {
            taken.push(self.batches.take_oldest().ok_or(late)?);
        }
        let free = || self.admission.clone().try_acquire_owned().ok();
        let room = if has_share {
            free().or_else(|| taken.pop().or_else(|| self.batches.take_oldest()))
        } else {
            None
        };
        let shed = || CALLER.try_with(|caller| self.turns.shed(caller)).ok().flatten();
        let room = room.or_else(shed).ok_or_else(|| self.full())?;
        Ok(Admitted {
            at: Instant::now(),
            room: Some(room),
            _place: place,
        })
    }

    /// Why one more search would not be answered by its deadline, if so; `taken` of those in flight make room for it,
    /// and so many `batches` wait with it.
    fn late(&self, deadline: Option<Instant>, taken: usize, batches: usize) -> Option<Error> {
        let usual = Duration::from_micros(self.usual.load(Ordering::Relaxed));
        let waiting = self.in_flight().saturating_sub(self.at_a_time + taken);
        let all = Ahead {
            searches: waiting,
            time: waiting as u128 * usual.as_nanos(),
            own: usual.as_nanos(),
        };
        // Callers take turns: one that asks little waits little, however many of another one's wait.
        let ahead = match CALLER.try_with(|caller| self.turns.ahead(caller, batches, usual)) {
            Ok(ahead) if waiting > 0 => ahead,
            _ => all,
        };
        // Those before it, those that run, and itself.
        let wait = ahead.time / self.at_a_time as u128 + usual.as_nanos() + ahead.own;
        let wait = Duration::from_nanos(u64::try_from(wait).unwrap_or(u64::MAX));
        let before = ahead.searches.min(waiting);
        let left = deadline?.saturating_duration_since(Instant::now());
        (before > 0 && wait.saturating_mul(SAFETY) > left).then(|| {
            Error::new(
                Fault::Exhausted,
                format!(
                    "{before} questions go before this one, which would hardly be answered by its deadline: it takes about {} ms",
                    wait.as_millis()
                ),
            )
            .help("ask again in a moment, or allow more time")
        })
    }

    /// One more place of the caller's, if it is known, and whether that leaves room for others: else it may only have
    /// the room of one that is shed for it.
    fn place(&self) -> Result<(Option<Share>, bool)> {
        let Ok(caller) = CALLER.try_with(Clone::clone) else {
            return Ok((None, true));
        };
        let free = self.admission.available_permits() + self.batches.count();
        let may_shed = self.turns.may_shed(&caller);
        let mut has_share = false;
        let place = self.callers.join(caller, |own| {
            has_share = own == 0 || own <= free.saturating_mul(SHARE_OF_FREE);
            has_share || may_shed
        });
        let place = place.map_err(|own| self.greedy(own))?;
        Ok((Some(place), has_share))
    }

    fn greedy(&self, own: usize) -> Error {
        Error::new(
            Fault::Exhausted,
            format!("{own} questions of this caller are in flight, and the room that is left is for others"),
        )
        .help("ask again in a moment, or ask fewer at a time")
    }

    /// As [`Self::run`], but none is refused, however many wait: for callers whose number is bounded before.
    ///
    /// # Errors
    /// The work's; `Deadline` as soon as the deadline passes.
    pub async fn run_in_turn<T, F>(&self, deadline: Option<Instant>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        let admitted = Admitted {
            at: Instant::now(),
            room: None,
            _place: None,
        };
        until(deadline, self.start(admitted, deadline, false, work)).await?
    }

    /// As [`Self::run`] as soon as there is room, for callers that slow down rather than fail (a batch).
    ///
    /// # Errors
    /// The work's; `Exhausted` if it gave its place in line to a question that came by itself; `Deadline` as soon as
    /// the deadline passes.
    pub async fn run_when_room<T, F>(&self, deadline: Option<Instant>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        let admitted = async {
            let permit = self.patient.clone().acquire_owned().await.map_err(|_| stopping())?;
            let at = Instant::now();
            let (place, gone) = self.batches.join(permit);
            let thread = tokio::select! {
                biased;
                _ = gone => None,
                thread = self.turns.take(None, None) => Some(thread.ok_or_else(stopping)?),
            };
            let (Some(thread), Some(permit)) = (thread, place.leave()) else {
                self.count("batch");
                return Err(gave_way());
            };
            let admitted = Admitted {
                at,
                room: Some(permit),
                _place: None,
            };
            // Others of the same task wait to be polled.
            self.start_on(thread, admitted, deadline, false, work).await
        };
        until(deadline, admitted).await?
    }

    async fn start<T, F>(&self, mut admitted: Admitted, deadline: Option<Instant>, in_place: bool, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        let caller = CALLER.try_with(Clone::clone).ok();
        let thread = self.turns.take(caller, admitted.room.take()).await;
        let thread = thread.ok_or_else(shed).inspect_err(|_| self.count("queue"))?;
        self.start_on(thread, admitted, deadline, in_place, work).await
    }

    async fn start_on<T, F>(
        &self,
        thread: Turn,
        admitted: Admitted,
        deadline: Option<Instant>,
        in_place: bool,
        work: F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        let is_alone = self.turns.taken() == 1;
        let (usual, free) = (self.usual.clone(), self.free.clone());
        let freed = free.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let begin = freed.map_or(admitted.at, |freed| freed.max(admitted.at));
        let work = move || {
            let is_late = passed(deadline);
            let result = if is_late { Err(late()) } else { work() };
            let end = Instant::now();
            // What is too late, or refused after all, takes no time; were it counted, more would be let in and be late,
            // too.
            let is_refused = matches!(&result, Err(error) if error.fault() == Fault::Exhausted);
            if !is_late && !is_refused {
                remember(&usual, end - begin);
            }
            free.lock().unwrap_or_else(PoisonError::into_inner).push_back(end);
            // Before the answer, so that who has it can hand over the next piece at once.
            drop((thread, admitted));
            result
        };
        if in_place && is_alone {
            // No second thread is woken, and the caches are warm: 0.12 ms less a question.
            block_in_place(|| catch_unwind(AssertUnwindSafe(work))).unwrap_or_else(|panic| Err(panicked(&*panic)))
        } else {
            spawn_blocking(work).await.unwrap_or_else(|error| Err(failed(error)))
        }
    }

    fn count(&self, reason: &'static str) {
        self.metrics.as_ref().inspect(|metrics| metrics.refused(reason));
    }

    fn full(&self) -> Error {
        let capacity = self.capacity;
        Error::new(
            Fault::Exhausted,
            format!("{capacity} questions are in flight, which is as many as this service takes"),
        )
        .help("ask again in a moment, or ask fewer at a time")
    }
}

/// A search's place among those that run or wait.
struct Admitted {
    at: Instant,
    /// None while it waits in line with it, or has it with its turn.
    room: Option<OwnedSemaphorePermit>,
    _place: Option<Share>,
}

/// Lets a search's time count in what is usual. A time that another thread puts in between is lost, which does not
/// matter.
fn remember(usual: &AtomicU64, time: Duration) {
    let time = u64::try_from(time.as_micros()).unwrap_or(u64::MAX).min(1 << 40);
    let now = match usual.load(Ordering::Relaxed) {
        0 => time,
        before => (before * (AVERAGED_OVER - 1) + time) / AVERAGED_OVER,
    };
    usual.store(now, Ordering::Relaxed);
}

/// Whether this runtime can hand a worker's duties to another thread.
pub(super) fn may_block_in_place() -> bool {
    Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
}

/// Does what may take a while where others need the worker that this runs on.
pub(super) fn beside_worker<R>(work: impl FnOnce() -> R) -> R {
    if may_block_in_place() {
        block_in_place(work)
    } else {
        work()
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

/// Whether nobody waits any more.
pub(super) fn passed(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| Instant::now() >= deadline)
}

fn gave_way() -> Error {
    Error::new(
        Fault::Exhausted,
        "as many questions are in flight as this service takes, and those that come by themselves go before a batch's",
    )
    .help("ask this one again in a moment")
}

fn shed() -> Error {
    Error::new(
        Fault::Exhausted,
        "as many questions are in flight as this service takes, more of them of this caller than of one that came",
    )
    .help("ask again in a moment, or ask fewer at a time")
}

fn stopping() -> Error {
    Error::unavailable("the service is shutting down").help("ask another instance, or ask again later")
}

/// Why a piece of work gave nothing: it panicked, or the runtime ends.
fn failed(error: JoinError) -> Error {
    match error.try_into_panic() {
        Ok(panic) => panicked(&*panic),
        Err(_) => stopping(),
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let reason = reason(panic);
    Error::bug(format!("the work failed unexpectedly: {reason}"))
        .help("this is a defect; please report it with what was asked")
}

fn reason(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason given")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use tokio::sync::oneshot;
    use tokio::task::JoinHandle;

    use super::super::caller::Caller;
    use super::*;

    /// A pool of one thread that is held by one piece of work, and the sender that lets it go.
    async fn held(queue: usize) -> (Arc<SearchPool>, JoinHandle<Result<()>>, oneshot::Sender<()>) {
        let pool = Arc::new(SearchPool::new(1, queue));
        let (release, released) = oneshot::channel::<()>();
        let (started, has_started) = oneshot::channel();
        let first = tokio::spawn({
            let pool = pool.clone();
            async move {
                let work = move || {
                    started.send(()).unwrap();
                    let _ = released.blocking_recv();
                    Ok(())
                };
                pool.run(None, work).await
            }
        });
        has_started.await.unwrap();
        (pool, first, release)
    }

    /// However many of another caller wait, and none of them is refused.
    #[tokio::test]
    async fn work_in_turn_waits_for_one_of_each_other_caller() {
        let (pool, first, release) = held(0).await;
        let (done, mut order) = tokio::sync::mpsc::unbounded_channel();
        let run = |name: &'static str| {
            let (pool, done) = (pool.clone(), done.clone());
            let work = move || done.send(name).map_err(|_| Error::bug("nobody listens"));
            let run = async move { pool.run_in_turn(None, work).await };
            Box::pin(CALLER.scope(Caller(name.into()), run))
        };
        let mut greedy: Vec<_> = (0..9).map(|_| run("greedy")).collect();
        let mut other = run("other");
        for waiting in greedy.iter_mut().chain([&mut other]) {
            // In line from here on.
            assert!(futures_util::poll!(waiting).is_pending());
        }
        release.send(()).unwrap();
        first.await.unwrap().unwrap();
        let (ended, other) = tokio::join!(futures_util::future::join_all(greedy), other);
        assert!(ended.iter().all(Result::is_ok) && other.is_ok());
        let order: Vec<&str> = std::iter::from_fn(|| order.try_recv().ok()).collect();
        assert!(order[..2].contains(&"other"), "{order:?}");
    }

    #[tokio::test]
    async fn work_beyond_the_bound_is_refused_and_room_comes_back() {
        let (pool, first, release) = held(1).await;
        let second = pool.run(None, || Ok(2));
        let third = async {
            // The second is admitted by now.
            assert_eq!(pool.in_flight(), 2);
            assert_eq!(pool.run(None, || Ok(3)).await.unwrap_err().fault(), Fault::Exhausted);
            release.send(()).unwrap();
        };
        let (second, ()) = tokio::join!(second, third);
        assert_eq!(second.unwrap(), 2);
        first.await.unwrap().unwrap();
        assert_eq!(pool.in_flight(), 0);
        assert_eq!(pool.run(None, || Ok(3)).await.unwrap(), 3);
    }

    /// Twenty batches wait with a hundred questions each, and one question comes by itself.
    #[tokio::test]
    async fn a_lone_question_waits_for_no_batch_and_is_not_refused() {
        let (pool, first, release) = held(1).await;
        let begun = Arc::new(AtomicUsize::new(0));
        let item = |pool: Arc<SearchPool>, begun: Arc<AtomicUsize>| async move {
            pool.run_when_room(None, move || Ok(begun.fetch_add(1, Ordering::SeqCst)))
                .await
        };
        let batches: Vec<_> = (0..2_000)
            .map(|_| tokio::spawn(item(pool.clone(), begun.clone())))
            .collect();
        tokio::task::yield_now().await;
        let lone = {
            let begun = begun.clone();
            pool.run(None, move || Ok(begun.load(Ordering::SeqCst)))
        };
        let mut lone = Box::pin(lone);
        assert!(futures_util::poll!(&mut lone).is_pending(), "it is not refused, either");
        release.send(()).unwrap();
        first.await.unwrap().unwrap();
        assert!(
            lone.await.unwrap() <= 1,
            "one question of a batch was before it, and no more"
        );
        for batch in batches {
            batch.await.unwrap().unwrap();
        }
    }

    /// Ten questions of a batch wait, of which one is in line; then the queue fills up with others.
    #[tokio::test]
    async fn a_batchs_question_goes_before_a_lone_one_is_refused() {
        let (pool, first, release) = held(1).await;
        let batch: Vec<_> = (0..10)
            .map(|number| Box::pin(pool.run_when_room(None, move || Ok(number))))
            .collect();
        let mut waiting = VecDeque::new();
        for mut question in batch {
            assert!(futures_util::poll!(&mut question).is_pending());
            waiting.push_back(question);
        }
        let mut lone: Vec<_> = (0..3).map(|_| Box::pin(pool.run(None, || Ok(())))).collect();
        assert!(futures_util::poll!(&mut lone[0]).is_pending(), "there is room for one");
        assert!(
            futures_util::poll!(&mut waiting[0]).is_pending(),
            "nobody needs its place"
        );
        assert!(
            futures_util::poll!(&mut lone[1]).is_pending(),
            "it has the place of the batch's"
        );
        let gone = waiting.pop_front().unwrap().await.unwrap_err();
        assert!(
            gone.fault() == Fault::Exhausted && gone.message().contains("batch"),
            "{gone}"
        );
        assert!(
            futures_util::poll!(&mut waiting[0]).is_pending(),
            "its place is taken, so the next one waits for it"
        );
        let std::task::Poll::Ready(full) = futures_util::poll!(&mut lone[2]) else {
            panic!("nobody is left to give way");
        };
        assert_eq!(full.unwrap_err().fault(), Fault::Exhausted);
        release.send(()).unwrap();
        first.await.unwrap().unwrap();
        lone.truncate(2);
        for question in lone {
            question.await.unwrap();
        }
        let answers = futures_util::future::join_all(waiting).await;
        let answers: Vec<i32> = answers.into_iter().map(|answer| answer.unwrap()).collect();
        assert_eq!(
            answers,
            (1..10).collect::<Vec<_>>(),
            "the rest of the batch is answered"
        );
        assert_eq!(pool.in_flight(), 0);
    }

    /// A deadline that waiting questions of a batch alone would make late.
    #[tokio::test]
    async fn a_batchs_question_goes_before_a_lone_one_would_be_late() {
        let (pool, first, release) = held(8).await;
        pool.usual.store(3_600_000_000, Ordering::Relaxed);
        let mut batch = Box::pin(pool.run_when_room(None, || Ok(())));
        assert!(futures_util::poll!(&mut batch).is_pending());
        let soon = Some(Instant::now() + Duration::from_secs(60));
        let mut lone = Box::pin(pool.run(soon, || Ok(())));
        assert!(
            futures_util::poll!(&mut lone).is_pending(),
            "the batch's question makes room"
        );
        assert_eq!(batch.await.unwrap_err().fault(), Fault::Exhausted);
        release.send(()).unwrap();
        first.await.unwrap().unwrap();
        lone.await.unwrap();
        assert_eq!(pool.in_flight(), 0);
    }

    /// A caller that asks without end, and another one that comes when it has taken all that it gets.
    #[tokio::test]
    async fn a_caller_leaves_room_for_others() {
        let (pool, first, release) = held(8).await;
        let named = |name: &str| Caller(name.into());
        let greedy: Vec<_> = (0..20)
            .map(|_| Box::pin(CALLER.scope(named("greedy"), pool.run(None, || Ok(())))))
            .collect();
        let mut waiting = Vec::new();
        for mut question in greedy {
            match futures_util::poll!(&mut question) {
                std::task::Poll::Pending => waiting.push(question),
                std::task::Poll::Ready(refused) => assert_eq!(refused.unwrap_err().fault(), Fault::Exhausted),
            }
        }
        // Nine places, of which one is taken: when it has six, two are free, and it gets one of them.
        assert_eq!(waiting.len(), 7);
        let mut other = Box::pin(CALLER.scope(named("other"), pool.run(None, || Ok(()))));
        assert!(futures_util::poll!(&mut other).is_pending(), "it is not refused");
        release.send(()).unwrap();
        first.await.unwrap().unwrap();
        let (waited, other) = tokio::join!(futures_util::future::join_all(waiting), other);
        assert!(waited.into_iter().all(|question| question.is_ok()));
        other.unwrap();
        assert!(pool.callers.is_empty());
    }

    /// Several callers have filled the queue together; one that has nothing in it is answered all the same.
    #[tokio::test]
    async fn who_has_nothing_in_line_takes_a_place_of_who_has_most() {
        let (pool, first, release) = held(8).await;
        let ask = |name: &str| Box::pin(CALLER.scope(Caller(name.into()), pool.run(None, || Ok(()))));
        let mut greedy: Vec<_> = ["a", "a", "a", "a", "a", "b", "b", "c"].map(ask).into();
        for question in &mut greedy {
            assert!(futures_util::poll!(question).is_pending());
        }
        let mut other = ask("other");
        assert!(futures_util::poll!(&mut other).is_pending(), "it is not refused");
        let mut second = ask("other");
        assert!(
            futures_util::poll!(&mut second).is_pending(),
            "one of two is half of four"
        );
        // However many come at once, before those that were shed have seen it.
        for _ in 0..9 {
            let refused = ask("other").await.unwrap_err();
            assert_eq!(refused.fault(), Fault::Exhausted, "a third one is not");
        }
        for _ in 0..2 {
            let shed = greedy.remove(3).await.unwrap_err();
            assert!(
                shed.fault() == Fault::Exhausted && shed.message().contains("caller"),
                "{shed}"
            );
        }
        release.send(()).unwrap();
        first.await.unwrap().unwrap();
        let (greedy, other, second) = tokio::join!(futures_util::future::join_all(greedy), other, second);
        assert!(greedy.into_iter().all(|question| question.is_ok()));
        other.and(second).unwrap();
        assert!(pool.callers.is_empty());
        assert_eq!(pool.in_flight(), 0);
    }

    /// Whoever cannot be answered in time is told at once, not when its time is over.
    #[tokio::test]
    async fn what_would_be_late_is_refused_at_once() {
        let (pool, first, release) = held(8).await;
        pool.usual.store(3_600_000_000, Ordering::Relaxed);
        let soon = Some(Instant::now() + Duration::from_secs(60));
        let mut second = Box::pin(pool.run(soon, || Ok(())));
        assert!(
            futures_util::poll!(&mut second).is_pending(),
            "nobody knows when the first one ends"
        );
        let mut third = Box::pin(pool.run(soon, || Ok(())));
        let std::task::Poll::Ready(third) = futures_util::poll!(&mut third) else {
            panic!("it waits");
        };
        assert!(third.unwrap_err().message().contains("deadline"));
        release.send(()).unwrap();
        first.await.unwrap().unwrap();
        second.await.unwrap();
    }

    /// A queue grows shorter by what lies between two searches, too: answers sent, other calls refused, threads woken.
    #[tokio::test]
    async fn what_lies_between_searches_counts_as_their_time() {
        let between = Duration::from_millis(50);
        let (pool, first, release) = held(1).await;
        let mut second = Box::pin(pool.run(None, || Ok(())));
        assert!(futures_util::poll!(&mut second).is_pending());
        release.send(()).unwrap();
        while pool.free.lock().unwrap().is_empty() {
            std::thread::yield_now();
        }
        pool.usual.store(0, Ordering::Relaxed);
        // The runtime is busy with something else.
        std::thread::sleep(between);
        second.await.unwrap();
        first.await.unwrap().unwrap();
        assert!(Duration::from_micros(pool.usual.load(Ordering::Relaxed)) >= between);
    }

    #[tokio::test]
    async fn withdrawn_and_late_work_is_never_started() {
        let (pool, first, release) = held(10).await;
        let runs = Arc::new(AtomicUsize::new(0));
        let count = |deadline| {
            let runs = runs.clone();
            pool.run(deadline, move || Ok(runs.fetch_add(1, Ordering::SeqCst)))
        };
        let withdrawn = count(None);
        let mut withdrawn = Box::pin(withdrawn);
        assert!(futures_util::poll!(&mut withdrawn).is_pending());
        drop(withdrawn);
        let late = count(Some(Instant::now() + Duration::from_millis(1))).await;
        assert_eq!(late.unwrap_err().fault(), Fault::Deadline);
        let late = count(Some(Instant::now())).await;
        assert_eq!(late.unwrap_err().fault(), Fault::Deadline);
        assert_eq!(pool.in_flight(), 1, "whoever is gone takes no room");
        release.send(()).unwrap();
        first.await.unwrap().unwrap();
        count(None).await.unwrap();
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_panic_of_a_lone_search_is_an_error_of_one_call() {
        let pool = Arc::new(SearchPool::new(1, 0));
        let panicking = pool.clone();
        let lone = tokio::spawn(async move { panicking.run::<(), _>(None, || panic!("index out of bounds")).await });
        assert_eq!(lone.await.unwrap().unwrap_err().fault(), Fault::Bug);
        assert_eq!(pool.in_flight(), 0);
        assert_eq!(pool.run(None, || Ok(1)).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_of_one_call() {
        let pool = SearchPool::new(1, 0);
        let error = pool
            .run::<(), _>(None, || panic!("index out of bounds"))
            .await
            .unwrap_err();
        assert_eq!(error.fault(), Fault::Bug);
        assert!(error.message().contains("index out of bounds"), "{error}");
        assert_eq!(pool.run(None, || Ok(1)).await.unwrap(), 1);
    }

    /// On a runtime of one worker, whatever the core does, the worker is free.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn the_worker_is_free_while_every_thread_works() {
        let (pool, first, release) = held(0).await;
        // Sent from the worker: only if that is free the core is let go.
        release.send(()).unwrap();
        first.await.unwrap().unwrap();
        assert_eq!(pool.in_flight(), 0);
    }
}
