//! Questions of batches that wait in line for a thread: where there is no room for a question that came by itself, the
//! oldest of them gives it its place.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// All that wait, oldest first. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct BatchLine(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    line: VecDeque<One>,
    /// How many have joined; the number of the last one.
    joined: u64,
}

#[derive(Debug)]
struct One {
    number: u64,
    permit: OwnedSemaphorePermit,
    /// Tells it that its place is gone.
    gone: oneshot::Sender<()>,
}

/// A place in the line; dropping it leaves the line.
#[derive(Debug)]
pub struct PlaceInLine {
    line: BatchLine,
    number: u64,
}

impl BatchLine {
    /// Joins the line with the permit to be in it. What is given beside the place ends when somebody else has it.
    pub fn join(&self, permit: OwnedSemaphorePermit) -> (PlaceInLine, oneshot::Receiver<()>) {
        let (gone, is_gone) = oneshot::channel();
        let mut waiting = self.waiting();
        waiting.joined += 1;
        let number = waiting.joined;
        waiting.line.push_back(One { number, permit, gone });
        let line = self.clone();
        (PlaceInLine { line, number }, is_gone)
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        self.waiting().line.len()
    }

    /// The place of the one that waits longest, which is told.
    pub fn take_oldest(&self) -> Option<OwnedSemaphorePermit> {
        let oldest = self.waiting().line.pop_front()?;
        // Whoever does not listen any more has left.
        let _ = oldest.gone.send(());
        Some(oldest.permit)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Each change is one step, so a poisoned line is still a good one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PlaceInLine {
    /// Leaves the line for a thread, with the permit; none if somebody else has it.
    pub fn leave(&self) -> Option<OwnedSemaphorePermit> {
        let mut waiting = self.line.waiting();
        let at = waiting.line.iter().position(|one| one.number == self.number)?;
        waiting.line.remove(at).map(|one| one.permit)
    }
}

impl Drop for PlaceInLine {
    fn drop(&mut self) {
        self.leave();
    }
}
