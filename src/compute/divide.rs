//! Work divided among the threads of a budget, for work that takes much longer than the 20 microseconds of starting a
//! thread.
//!
//! The threads are started for it and end with it: a thread that waits takes up no other work meanwhile and waits for
//! no other's. Outcomes come in the order of the items, whichever thread made them.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::Budget;
use crate::error::Result;

impl Budget {
    /// What `work` makes of each item, in their order. Each call gets its share of the budget's threads: with as many
    /// items as threads or more that is one, so that work inside is never divided again.
    pub fn map<T: Send, R: Send>(
        self,
        items: impl IntoIterator<Item = T>,
        work: impl Fn(T, Budget) -> R + Sync,
    ) -> Vec<R> {
        self.divided(items, |_| false, work)
    }

    /// As [`Self::map`], for work that may fail: nothing more is begun then.
    ///
    /// # Errors
    /// Of the items that failed the first one's error.
    pub fn try_map<T: Send, R: Send>(
        self,
        items: impl IntoIterator<Item = T>,
        work: impl Fn(T, Budget) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        // Items are begun in order, and what was begun is ended: the first of all errors is among the outcomes.
        self.divided(items, Result::is_err, work).into_iter().collect()
    }

    /// Does both, at the same time if there are threads for it; each gets half of them.
    pub fn join<A: Send, B: Send>(
        self,
        first: impl FnOnce(Budget) -> A + Send,
        second: impl FnOnce(Budget) -> B + Send,
    ) -> (A, B) {
        if self.threads <= 1 {
            return (first(self), second(self));
        }
        let half = self.threads / 2;
        let (one, other) = (self.with_threads(self.threads - half), self.with_threads(half));
        thread::scope(|scope| {
            let second = scope.spawn(move || second(other));
            (first(one), second.join().unwrap_or_else(|panic| resume_unwind(panic)))
        })
    }

    fn divided<T: Send, R: Send>(
        self,
        items: impl IntoIterator<Item = T>,
        is_last: impl Fn(&R) -> bool + Sync,
        work: impl Fn(T, Budget) -> R + Sync,
    ) -> Vec<R> {
        let items: Vec<T> = items.into_iter().collect();
        let count = items.len();
        let workers = self.threads.min(count).max(1);
        let share = self.with_threads(self.threads / workers);
        let (items, ended) = (Mutex::new(items.into_iter().enumerate()), AtomicBool::new(false));
        let some = || {
            let mut done = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                // No panic can happen while it is held.
                let next = items.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some((at, item)) = next else { break };
                let outcome = work(item, share);
                if is_last(&outcome) {
                    ended.store(true, Ordering::Relaxed);
                }
                done.push((at, outcome));
            }
            done
        };
        let mut done = thread::scope(|scope| {
            // If the system gives no thread, the others do its part.
            let helpers: Vec<_> = (1..workers)
                .filter_map(|_| thread::Builder::new().spawn_scoped(scope, some).ok())
                .collect();
            let mut done = some();
            for helper in helpers {
                done.extend(helper.join().unwrap_or_else(|panic| resume_unwind(panic)));
            }
            done
        });
        done.sort_unstable_by_key(|(at, _)| *at);
        done.into_iter().map(|(_, outcome)| outcome).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn outcomes_come_in_order_and_each_item_has_its_share() {
        let check = |threads: usize, items: u32, share: usize| {
            let done = Budget::single().with_threads(threads).map(0..items, |item, budget| {
                // Divided again, still in order.
                let inner = budget.map(0..3, |part, inner| (part, inner.threads));
                assert!(budget.threads > 1 || inner.iter().all(|(_, threads)| *threads == 1));
                (item, budget.threads, inner.len())
            });
            let expected: Vec<_> = (0..items).map(|item| (item, share, 3)).collect();
            assert_eq!(done, expected, "{threads} {items}");
        };
        check(1, 5, 1);
        check(4, 0, 4);
        check(4, 1, 4);
        check(4, 2, 2);
        check(4, 3, 1);
        check(4, 100, 1);
    }

    #[test]
    fn the_first_error_ends_it() {
        for threads in [1, 3] {
            let budget = Budget::single().with_threads(threads);
            let failed = budget.try_map(0..1_000, |item, _| match item % 7 {
                6 => Err(Error::caller(format!("item {item}"))),
                _ => Ok(item),
            });
            assert_eq!(failed.unwrap_err().message(), "item 6");
            assert_eq!(budget.try_map(0..3, |item, _| Ok(item)).unwrap(), [0, 1, 2]);
        }
    }

    #[test]
    fn both_halves_are_done_and_share_the_threads() {
        let check = |threads, expected: (usize, usize)| {
            let budget = Budget::single().with_threads(threads);
            assert_eq!(budget.join(|one| one.threads, |other| other.threads), expected);
        };
        check(1, (1, 1));
        check(2, (1, 1));
        check(5, (3, 2));
    }

    #[test]
    #[should_panic(expected = "on purpose")]
    fn a_panic_in_a_thread_goes_on_in_the_caller() {
        Budget::single()
            .with_threads(2)
            .map(0..10, |item, _| assert!(item < 5, "on purpose"));
    }
}
