//! The threads of a build: shares of nodes are worked on at the same time, with progress and a flag that cancels.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::scratch::{Scratch, ScratchPool};
use crate::error::{Context as _, Fault, Result};

/// The threads of a build, and what they and its caller tell each other.
pub(super) struct Workers<'a> {
    pub(super) pool: rayon::ThreadPool,
    scratches: ScratchPool,
    progress: &'a dyn Fn(usize),
    /// The work that is done, and that of one row in the whole build: widths of searches, added up.
    done: Cell<usize>,
    of_row: usize,
    cancel: &'a AtomicBool,
}

impl<'a> Workers<'a> {
    /// # Errors
    /// `Unavailable` if the system gives no threads.
    pub(super) fn new(
        threads: usize,
        of_row: usize,
        progress: &'a dyn Fn(usize),
        cancel: &'a AtomicBool,
    ) -> Result<Self> {
        // Threads of their own: the shared ones may be asked to embed a question meanwhile.
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|number| format!("graph-{number}"))
            .build()
            .or_fault(Fault::Unavailable, "starting the threads that build a graph")?;
        Ok(Workers {
            pool,
            scratches: ScratchPool::new(),
            progress,
            done: Cell::new(0),
            of_row,
            cancel,
        })
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    /// Gives each `width` values of `out`, those of one node, to `work`, with their number, in any order. `ef` is the
    /// width of the search that `work` makes, 0 for none. False if cancelled.
    pub(super) fn each(
        &self,
        out: &mut [u32],
        width: usize,
        ef: usize,
        work: impl Fn(usize, &mut [u32], &mut Scratch) + Sync,
    ) -> bool {
        /// Nodes that one thread takes at once.
        const SHARE: usize = 32;
        /// Nodes between two reports of progress.
        const ROUND: usize = 64 * SHARE;
        let Workers { scratches, cancel, .. } = self;
        for (round, out) in out.chunks_mut(ROUND * width).enumerate() {
            self.pool.install(|| {
                let shares = out.par_chunks_mut(SHARE * width).enumerate();
                shares.for_each(|(share, slots)| {
                    if cancel.load(Ordering::Relaxed) {
                        return;
                    }
                    let first = round * ROUND + share * SHARE;
                    scratches.with(|scratch| {
                        let nodes = slots.chunks_exact_mut(width).enumerate();
                        nodes.for_each(|(at, slots)| work(first + at, slots, scratch));
                    });
                });
            });
            if self.is_cancelled() {
                return false;
            }
            self.done.set(self.done.get() + ef * (out.len() / width));
            (self.progress)(self.done.get() / self.of_row);
        }
        true
    }
}
