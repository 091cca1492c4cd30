//! A barrier that spins: threads that share one short piece of work wait for each other at it, step by step, where a
//! step takes about as long as waking a sleeping thread.
//!
//! A thread that panics breaks the barrier, so that nobody waits for it. Starts no threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Looks at the barrier before a waiting thread offers its processor to others.
const SPINS: usize = 2_000;

/// A barrier for a fixed number of threads, used again and again.
pub struct SpinBarrier {
    threads: usize,
    arrived: AtomicUsize,
    round: AtomicUsize,
    broken: AtomicBool,
}

impl SpinBarrier {
    /// A barrier for so many threads.
    pub fn new(threads: usize) -> Self {
        SpinBarrier {
            threads,
            arrived: AtomicUsize::new(0),
            round: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
        }
    }

    /// Waits until all threads are here; false if one of them never will be. What a thread wrote before is seen by all
    /// others afterwards.
    pub fn wait(&self) -> bool {
        let round = self.round.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.threads {
            // Nobody can arrive for the next round before this one has ended.
            self.arrived.store(0, Ordering::Relaxed);
            self.round.store(round.wrapping_add(1), Ordering::Release);
        } else {
            let mut spins = 0;
            while self.round.load(Ordering::Acquire) == round {
                if self.broken.load(Ordering::Relaxed) {
                    return false;
                }
                if spins < SPINS {
                    spins += 1;
                    std::hint::spin_loop();
                } else {
                    std::thread::yield_now();
                }
            }
        }
        !self.broken.load(Ordering::Relaxed)
    }

    /// Breaks the barrier if the thread panics before this is dropped.
    pub fn guard(&self) -> impl Drop + '_ {
        Guard(self)
    }
}

struct Guard<'a>(&'a SpinBarrier);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.broken.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_a_round_ahead() {
        let barrier = SpinBarrier::new(3);
        let done = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    // What fails in one thread fails the test, instead of leaving the others to wait.
                    let _guard = barrier.guard();
                    for round in 0..200 {
                        done.fetch_add(1, Ordering::Relaxed);
                        assert!(barrier.wait());
                        let seen = done.load(Ordering::Relaxed);
                        assert!(
                            (3 * (round + 1)..=3 * (round + 1) + 2).contains(&seen),
                            "{round} {seen}"
                        );
                        assert!(barrier.wait());
                    }
                });
            }
        });
    }

    #[test]
    fn a_panic_sets_the_others_free() {
        let barrier = SpinBarrier::new(2);
        std::thread::scope(|scope| {
            let lost = scope.spawn(|| {
                let _guard = barrier.guard();
                panic!("on purpose");
            });
            assert!(!barrier.wait());
            assert!(lost.join().is_err());
        });
    }
}
