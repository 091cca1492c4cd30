//! How the searches that run share the cores: a search that runs alone may use several, and with as many searches as
//! cores each uses one.
//!
//! Owns the threads that stand ready to do a part of a search, such as searching by words while another searches by
//! meaning. Work divided between two threads where only one core is free takes longer than undivided: with 16 questions
//! in flight on 2 cores, dividing cost an eighth of what was answered a second. What a search finds does not depend on
//! how many threads it had.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, mpsc};
use std::thread;

use rayon::ThreadPool;

use super::{Budget, available};

/// How often a thread looks for the outcome of another one before it sleeps: for about a tenth of a millisecond, as
/// long as waking up takes.
const SPINS: usize = 4_000;

/// Searches under way on the cores.
struct Cores {
    count: usize,
    searches: AtomicUsize,
}

static CORES: LazyLock<Cores> = LazyLock::new(|| Cores {
    count: available(),
    searches: AtomicUsize::new(0),
});

/// The threads that stand ready; none if the system gives none. One for each search that the cores can divide at a
/// time: idle threads of a pool at work take time from the others.
static READY: LazyLock<Option<ThreadPool>> = LazyLock::new(|| {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(CORES.count.div_ceil(2));
    pool.thread_name(|number| format!("aside-{number}")).build().ok()
});

/// A search under way, until it is dropped.
pub struct UnderWay<'a> {
    cores: &'a Cores,
    budget: Budget,
}

/// Counts a search that may use at most this budget, until what is returned is dropped.
pub fn enter(budget: Budget) -> UnderWay<'static> {
    CORES.enter(budget)
}

impl Cores {
    fn enter(&self, budget: Budget) -> UnderWay<'_> {
        self.searches.fetch_add(1, Ordering::Relaxed);
        UnderWay { cores: self, budget }
    }
}

impl UnderWay<'_> {
    /// What this search may use now: its part of the cores, which changes as others come and go, within its own budget.
    pub fn budget(&self) -> Budget {
        // This search is counted, so there is one at least.
        let share = self.cores.count / self.cores.searches.load(Ordering::Relaxed).max(1);
        self.budget.with_threads(self.budget.threads.min(share))
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.cores.searches.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Budget {
    /// Does `aside` in a thread that stands ready while this one does `here`; one after the other if the budget has one
    /// thread. Both get the whole budget: they are the parts of one search, of which one mostly waits for the other.
    ///
    /// For work of about a tenth of a millisecond and more. If no thread has begun `aside` by the time `here` is done,
    /// it is done here too: to wait for a thread that still has to wake up would take longer.
    pub fn both<A, B>(self, aside: impl FnOnce(Budget) -> A + Send + 'static, here: impl FnOnce(Budget) -> B) -> (A, B)
    where
        A: Send + 'static,
    {
        match &*READY {
            Some(threads) if self.threads > 1 => both(threads, move || aside(self), || here(self)),
            _ => {
                let here = here(self);
                (aside(self), here)
            }
        }
    }
}

fn both<A, B, W>(threads: &ThreadPool, aside: W, here: impl FnOnce() -> B) -> (A, B)
where
    A: Send + 'static,
    W: FnOnce() -> A + Send + 'static,
{
    let work = Arc::new(Mutex::new(Some(aside)));
    // Nothing else happens while it is held.
    let take = |work: &Mutex<Option<W>>| work.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (sender, outcome) = mpsc::channel();
    threads.spawn({
        let work = Arc::clone(&work);
        move || {
            if let Some(aside) = take(&work) {
                // Nothing of what it touched is seen again: the panic goes on in the thread that waits. If none does,
                // nobody cares.
                let _ = sender.send(catch_unwind(AssertUnwindSafe(aside)));
            }
        }
    });
    let here = here();
    match take(&work) {
        Some(aside) => (aside(), here),
        None => (wait(&outcome), here),
    }
}

/// Waits for what comes of work that has begun in another thread, spinning first, and does nothing else.
///
/// Not rayon's `install` or `join`: whose caller is a thread of a pool would meanwhile take up that pool's work,
/// another search perhaps, and in it the next one, until its stack is full.
fn wait<A>(outcome: &mpsc::Receiver<thread::Result<A>>) -> A {
    let soon = (0..SPINS).find_map(|_| {
        std::hint::spin_loop();
        outcome.try_recv().ok()
    });
    match soon.map_or_else(|| outcome.recv(), Ok) {
        Ok(Ok(value)) => value,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => unreachable!("work that has begun sends what comes of it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_thread() -> ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap()
    }

    #[test]
    fn both_are_done_wherever() {
        let threads = one_thread();
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
        assert_eq!(both(&threads, || 1, || 2), (1, 2));
    }

    /// Else a search that waits would take up the next one, and so on.
    #[test]
    fn who_waits_does_no_other_work() {
        let [threads, own] = [one_thread(), one_thread()];
        let done = Arc::new(AtomicUsize::new(0));
        let seen = own.install(|| {
            let other = Arc::clone(&done);
            rayon::spawn(move || other.store(1, Ordering::SeqCst));
            let (begun, has_begun) = mpsc::channel();
            let slow = move || {
                begun.send(()).unwrap();
                // Long enough for the other work to be taken up, if it is.
                thread::sleep(std::time::Duration::from_millis(5));
            };
            both(&threads, slow, || has_begun.recv().unwrap());
            done.load(Ordering::SeqCst)
        });
        assert_eq!(seen, 0);
        own.install(|| assert_eq!(done.load(Ordering::SeqCst), 1));
    }

    #[test]
    fn searches_share_the_cores_within_their_own_budgets() {
        let cores = Cores {
            count: 4,
            searches: AtomicUsize::new(0),
        };
        let all = Budget::single().with_threads(8);
        let mut under_way = Vec::new();
        for expected in [4, 2, 1, 1, 1] {
            under_way.push(cores.enter(all));
            assert_eq!(under_way[0].budget().threads, expected);
        }
        under_way.truncate(1);
        assert_eq!(under_way[0].budget().threads, 4);
        drop(under_way);
        // As an evaluation on all cores asks: alone or not, a search in it has one thread.
        assert_eq!(cores.enter(all.with_threads(1)).budget().threads, 1);
        let late = all.until(Some(std::time::Instant::now()));
        assert!(cores.enter(late).budget().check().is_err());
    }

    #[test]
    fn one_thread_does_both_itself() {
        let here = thread::current().id();
        let ids = Budget::single().both(|_| thread::current().id(), |_| thread::current().id());
        assert_eq!(ids, (here, here));
    }
}
