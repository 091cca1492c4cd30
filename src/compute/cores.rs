//! How the searches under way share the cores: who is alone uses several, where there are as many searches as cores each
//! has one.
//!
//! Owns the threads that help: that look words up beside meaning, that score half of the candidates. Work divided between
//! two threads where only one core is free takes longer than undivided: with 16 questions in flight on 2 cores, dividing
//! cost an eighth of what was answered a second.
//! What a search finds does not depend on how many threads it had.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, mpsc};
use std::thread;

use rayon::ThreadPool;

use super::Budget;

/// Looks for the outcome of another thread before this one sleeps: about a tenth of a millisecond, as long as waking up
/// takes.
const SPINS: usize = 4_000;

/// The cores, and what is under way on them.
pub struct Cores {
    cores: usize,
    searches: AtomicUsize,
    /// Threads that help: where one helps a search, and where two look words up; none if the system gives none. Their own,
    /// since the shared ones may be busy for long with what is being indexed. One for each search that the cores can do at
    /// a time: idle threads of a pool at work take time from the others.
    beside: [Option<ThreadPool>; 2],
}

/// A search under way, until it is dropped.
pub struct UnderWay<'a> {
    cores: &'a Cores,
    budget: Budget,
}

static PROCESS: LazyLock<Cores> = LazyLock::new(Cores::new);

/// Counts a search that may use at most this budget, until what is returned is dropped.
pub fn enter(budget: Budget) -> UnderWay<'static> {
    PROCESS.searches.fetch_add(1, Ordering::Relaxed);
    UnderWay {
        cores: &PROCESS,
        budget,
    }
}

impl Budget {
    /// Does `aside` in a thread that stands ready while this one does `here`; one after the other if the budget has one
    /// thread. Both get the whole budget: they are the parts of one search, of which one mostly waits for the other.
    ///
    /// For work of about a tenth of a millisecond and more. If no thread has begun `aside` by the time `here` is done, it
    /// is done here too: to wait for a thread that still has to wake up would take longer.
    pub fn both<A, B>(self, aside: impl FnOnce(Budget) -> A + Send + 'static, here: impl FnOnce(Budget) -> B) -> (A, B)
    where
        A: Send + 'static,
    {
        match &PROCESS.beside[1] {
            Some(threads) if self.threads > 1 => both(threads, move || aside(self), || here(self)),
            _ => {
                let here = here(self);
                (aside(self), here)
            }
        }
    }
}

impl Cores {
    /// All cores that this process may use.
    pub fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Cores {
            cores,
            searches: AtomicUsize::new(0),
            beside: [cores.div_ceil(2), cores.max(2)].map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
                pool.thread_name(|number| format!("beside-{number}")).build().ok()
            }),
        }
    }

    /// Counts a search.
    pub fn enter(&self) -> UnderWay<'_> {
        self.searches.fetch_add(1, Ordering::Relaxed);
        UnderWay {
            cores: self,
            budget: Budget::all(),
        }
    }
}

impl<'a> UnderWay<'a> {
    /// What this search may use now: its part of the cores, which changes as others come and go, within its own budget.
    pub fn budget(&self) -> Budget {
        self.budget.with_threads(self.budget.threads.min(self.cores()))
    }

    /// The cores that this search may use now, at least one.
    pub fn cores(&self) -> usize {
        // This search is counted, so there is one at least.
        (self.cores.cores / self.cores.searches.load(Ordering::Relaxed)).max(1)
    }

    /// Threads that help this search, if a core is free for it; `halved` if two of them are to look words up.
    pub fn beside(&self, halved: bool) -> Option<&'a ThreadPool> {
        let threads = self.cores.beside[usize::from(halved)].as_ref();
        threads.filter(|_| self.cores() > 1)
    }
}

/// Does `aside` in one of the threads while this one does `here`. If none has begun by the time `here` is done, `aside` is
/// done here too: to wait for a thread that still has to wake up would take longer.
pub fn both<A, B, W>(threads: &ThreadPool, aside: W, here: impl FnOnce() -> B) -> (A, B)
where
    A: Send + 'static,
    W: FnOnce() -> A + Send + 'static,
{
    let work = Arc::new(Mutex::new(Some(aside)));
    // Nothing else happens while it is held.
    let take = |work: &Mutex<Option<W>>| work.lock().unwrap_or_else(PoisonError::into_inner).take();
    let outcome = start(threads, {
        let work = Arc::clone(&work);
        move || take(&work).map(|aside| aside())
    });
    let here = here();
    match take(&work) {
        Some(aside) => (aside(), here),
        // It was begun there, so something comes of it.
        None => (
            wait(&outcome).unwrap_or_else(|| unreachable!("work begun gives an outcome")),
            here,
        ),
    }
}

/// Does the work in one of the threads.
///
/// Not rayon's `install`: whose caller is a thread of another pool would meanwhile take up that pool's work, another search
/// perhaps, and in it the next one, until its stack is full.
pub fn elsewhere<A: Send + 'static>(threads: &ThreadPool, work: impl FnOnce() -> A + Send + 'static) -> A {
    wait(&start(threads, work))
}

/// What comes of work that another thread does, or its panic.
type Outcome<A> = mpsc::Receiver<thread::Result<A>>;

fn start<A: Send + 'static>(threads: &ThreadPool, work: impl FnOnce() -> A + Send + 'static) -> Outcome<A> {
    let (sender, outcome) = mpsc::channel();
    threads.spawn(move || {
        // Nothing of what it touched is seen again: the panic goes on in the thread that waits. If none does, nobody cares.
        let _ = sender.send(catch_unwind(AssertUnwindSafe(work)));
    });
    outcome
}

/// Waits, spinning first, and does nothing else.
fn wait<A>(outcome: &Outcome<A>) -> A {
    let soon = (0..SPINS).find_map(|_| {
        std::hint::spin_loop();
        outcome.try_recv().ok()
    });
    match soon.map_or_else(|| outcome.recv(), Ok) {
        Ok(Ok(value)) => value,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => unreachable!("a thread of a pool sends what comes of all its work"),
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.cores.searches.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_done_wherever() {
        let threads = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let here = thread::current().id();
        // The thread is free: it does its part while this one waits for it.
        let (begun, has_begun) = mpsc::channel();
        let aside = move || {
            begun.send(()).unwrap();
            thread::current().id()
        };
        let (by, ()) = both(&threads, aside, || has_begun.recv().unwrap());
        assert_ne!(by, here);
        // It is not: all is done here.
        let (release, released) = mpsc::channel::<()>();
        threads.spawn(move || released.recv().unwrap());
        assert_eq!(both(&threads, || thread::current().id(), || 7), (here, 7));
        release.send(()).unwrap();
        // A panic there is a panic here, and the thread goes on.
        let (begun, has_begun) = mpsc::channel::<()>();
        let broken = move || -> u8 {
            drop(begun);
            panic!("on purpose")
        };
        let lost = catch_unwind(AssertUnwindSafe(|| {
            both(&threads, broken, || has_begun.recv().unwrap_err())
        }));
        assert!(lost.is_err());
        assert_eq!(elsewhere(&threads, || 1), 1);
    }

    /// Else a search that waits would take up the next one, and so on.
    #[test]
    fn who_waits_does_no_other_work() {
        let [threads, own] = [(); 2].map(|()| rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap());
        let done = Arc::new(AtomicUsize::new(0));
        let seen = own.install(|| {
            let other = Arc::clone(&done);
            rayon::spawn(move || other.store(1, Ordering::SeqCst));
            // Long enough for the other work to be taken up, if it is.
            let slow = |begun: mpsc::Sender<()>| {
                move || {
                    begun.send(()).unwrap();
                    thread::sleep(std::time::Duration::from_millis(5));
                }
            };
            let (begun, has_begun) = mpsc::channel();
            both(&threads, slow(begun.clone()), || has_begun.recv().unwrap());
            elsewhere(&threads, slow(begun));
            done.load(Ordering::SeqCst)
        });
        assert_eq!(seen, 0);
        own.install(|| assert_eq!(done.load(Ordering::SeqCst), 1));
    }

    #[test]
    fn searches_share_the_cores() {
        let mut cores = Cores::new();
        cores.cores = 4;
        let mut under_way = Vec::new();
        for expected in [4, 2, 1, 1, 1] {
            under_way.push(cores.enter());
            assert_eq!(under_way[0].cores(), expected);
            assert_eq!(under_way[0].beside(false).is_some(), expected > 1);
        }
        under_way.truncate(2);
        assert_eq!(under_way[1].cores(), 2);
        drop(under_way);
        cores.cores = 1;
        let alone = cores.enter();
        assert!(alone.cores() == 1 && alone.beside(true).is_none());
    }
}
