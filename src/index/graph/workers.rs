//! The threads of a build: shares of nodes are worked on at the same time, with progress and a flag that cancels.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

use super::scratch::Scratch;
use crate::compute::{Budget, ScratchPool};

/// The threads of a build, and what they and its caller tell each other.
pub(super) struct Workers<'a> {
    pub(super) budget: Budget,
    scratches: ScratchPool<Scratch>,
    progress: &'a dyn Fn(usize),
    /// The work that is done, and that of one row in the whole build, both as the sum of the widths of searches.
    done: Cell<usize>,
    of_row: usize,
    cancel: &'a AtomicBool,
}

impl<'a> Workers<'a> {
    pub(super) fn new(budget: Budget, of_row: usize, progress: &'a dyn Fn(usize), cancel: &'a AtomicBool) -> Self {
        Workers {
            budget,
            scratches: ScratchPool::default(),
            progress,
            done: Cell::new(0),
            of_row,
            cancel,
        }
    }

    /// Whether the build is to end early: somebody says so, or its time is over.
    pub(super) fn is_cancelled(&self) -> bool {
        is_over(self.cancel, self.budget)
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
        // Without the parts that only the caller's thread may touch.
        let &Workers { budget, cancel, .. } = self;
        let scratches = &self.scratches;
        for (round, out) in out.chunks_mut(ROUND * width).enumerate() {
            budget.map(out.chunks_mut(SHARE * width).enumerate(), |(share, slots), _| {
                if is_over(cancel, budget) {
                    return;
                }
                let first = round * ROUND + share * SHARE;
                scratches.with(|scratch| {
                    let nodes = slots.chunks_exact_mut(width).enumerate();
                    nodes.for_each(|(at, slots)| work(first + at, slots, scratch));
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

fn is_over(cancel: &AtomicBool, budget: Budget) -> bool {
    cancel.load(Ordering::Relaxed) || budget.check().is_err()
}
