//! A few threads that work in step on one short piece, such as the layers of a model on one question, and meet at a
//! barrier after every step.
//!
//! Such threads must all run at the same time, so there is one set of them in the process and one piece of work has it;
//! whoever comes meanwhile works alone. What comes out must not depend on that.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::ThreadPool;

use super::{Budget, SpinBarrier, available};

/// The most threads that work in step; more would wait for each other longer than they work.
pub const MOST_IN_STEP: usize = 4;

struct Team {
    /// The helpers; none on one core, or if the system gives none.
    helpers: Option<ThreadPool>,
    /// Pieces of work under way, those of one thread included.
    claims: AtomicUsize,
}

static TEAM: LazyLock<Team> = LazyLock::new(|| {
    let threads = available().min(MOST_IN_STEP) - 1;
    let builder = rayon::ThreadPoolBuilder::new().thread_name(|number| format!("in-step-{number}"));
    Team {
        helpers: (threads > 0)
            .then(|| builder.num_threads(threads).build().ok())
            .flatten(),
        claims: AtomicUsize::new(0),
    }
});

/// A claim to the threads that work in step, held until this is dropped; another claim meanwhile gets one thread.
pub struct InStep {
    threads: usize,
}

impl Budget {
    /// Claims the threads that work in step; if another piece of work has them, this one gets its own thread alone.
    pub fn in_step(self) -> InStep {
        let is_alone = TEAM.claims.fetch_add(1, Ordering::Relaxed) == 0;
        InStep {
            threads: match &TEAM.helpers {
                Some(helpers) if is_alone => self.threads.min(helpers.current_num_threads() + 1),
                _ => 1,
            },
        }
    }
}

impl InStep {
    /// Threads that were given, the caller's among them; 1 to [`MOST_IN_STEP`].
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Calls `work` for every part at the same time, each in its thread, the first one's the caller's. All get the same
    /// barrier, for as many threads as there are parts. There must be at most [`InStep::threads`] parts.
    ///
    /// # Panics
    /// If there are more parts than threads (they would wait for each other for ever), and if `work` does.
    pub fn run<S: Send>(&self, parts: &mut [S], work: impl Fn(usize, &mut S, &SpinBarrier) + Sync) {
        assert!(parts.len() <= self.threads, "more parts than threads");
        let barrier = SpinBarrier::new(parts.len());
        let Some((mine, others)) = parts.split_first_mut() else {
            return;
        };
        let one = |part: usize, state: &mut S| {
            let _guard = barrier.guard();
            work(part, state, &barrier);
        };
        match &TEAM.helpers {
            Some(helpers) if !others.is_empty() => helpers.in_place_scope(|scope| {
                let one = &one;
                for (part, state) in (1..).zip(others) {
                    scope.spawn(move |_| one(part, state));
                }
                one(0, mine);
            }),
            _ => one(0, mine),
        }
    }
}

impl Drop for InStep {
    fn drop(&mut self) {
        TEAM.claims.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_done_and_sees_what_the_others_did() {
        let sums = [const { AtomicUsize::new(0) }; MOST_IN_STEP];
        let in_step = Budget::all().in_step();
        let mut parts = vec![0; in_step.threads()];
        in_step.run(&mut parts, |part, seen, barrier| {
            sums[part].store(part + 1, Ordering::Relaxed);
            assert!(barrier.wait());
            *seen = sums.iter().map(|sum| sum.load(Ordering::Relaxed)).sum();
        });
        let all = (1..=parts.len()).sum::<usize>();
        assert!(parts.iter().all(|&seen| seen == all), "{parts:?}");
        // Whoever comes meanwhile works alone.
        assert_eq!(Budget::all().in_step().threads(), 1);
        assert_eq!(Budget::single().in_step().threads(), 1);
    }
}
