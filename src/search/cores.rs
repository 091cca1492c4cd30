//! How the searches under way share the cores: who is alone uses several, where there are as many searches as cores each
//! has one.
//!
//! Owns the threads that look words up beside meaning. Work divided between two threads where only one core is free takes
//! longer than undivided: with 16 questions in flight on 2 cores, dividing cost an eighth of what was answered a second.
//! What a search finds does not depend on how many threads it had.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rayon::ThreadPool;

/// The cores, and what is under way on them.
pub(super) struct Cores {
    cores: usize,
    searches: AtomicUsize,
    /// Threads that look words up while meaning is looked up, where one thread looks and where two do; none if the system
    /// gives none. Their own, since the shared ones may be busy for long with what is being indexed. One for each search
    /// that the cores can do at a time: idle threads of a pool at work take time from the others.
    beside: [Option<ThreadPool>; 2],
}

/// A search under way, until it is dropped.
pub(super) struct UnderWay<'a> {
    cores: &'a Cores,
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
                pool.thread_name(|number| format!("words-{number}")).build().ok()
            }),
        }
    }

    /// Counts a search.
    pub fn enter(&self) -> UnderWay<'_> {
        self.searches.fetch_add(1, Ordering::Relaxed);
        UnderWay { cores: self }
    }
}

impl<'a> UnderWay<'a> {
    /// The cores that this search may use now, at least one.
    pub fn cores(&self) -> usize {
        // This search is counted, so there is one at least.
        (self.cores.cores / self.cores.searches.load(Ordering::Relaxed)).max(1)
    }

    /// Threads for looking words up while this one looks meaning up, if a core is free for it; `halved` if they are to
    /// share the work.
    pub fn beside(&self, halved: bool) -> Option<&'a ThreadPool> {
        let threads = self.cores.beside[usize::from(halved)].as_ref();
        threads.filter(|_| self.cores() > 1)
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
