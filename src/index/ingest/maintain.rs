//! What speeds searches up, made after the writing: graphs and forward indexes of large segments.
//!
//! May run in any thread, beside searches and beside other writing: it reads a commit and adds files that are derived
//! from it. Stopped, it goes on another time with the segments that are left.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Progress;
use crate::compute::{Budget, own_thread};
use crate::error::{Context, Error, Fault, Result};
use crate::index::backend::Backend;
use crate::index::embedded::EmbeddedIndex;

/// The stack of the thread in the background.
const STACK: usize = 4 << 20;
/// How long it waits after a failure before it tries again.
const PAUSE: Duration = Duration::from_secs(60);

/// Makes what the index's segments lack, with the threads of the budget, until it is done, `cancel` turns true or the
/// budget's deadline passes. Says whether it is done.
///
/// # Errors
/// `Unavailable` if the disk refuses, `Corrupt` if the index is damaged.
pub fn maintain(index: &EmbeddedIndex, budget: Budget, cancel: &AtomicBool, progress: &dyn Progress) -> Result<bool> {
    index.build_derived(budget, &|done, total| progress.graphs(done, total), cancel)
}

/// [`maintain`] to the end, whatever it takes.
///
/// # Errors
/// As [`maintain`].
pub fn maintain_fully(index: &EmbeddedIndex, budget: Budget, progress: &dyn Progress) -> Result<()> {
    maintain(index, budget, &AtomicBool::new(false), progress)?;
    Ok(())
}

/// [`maintain`] in a thread of its own, again whenever the index has changed, until it is dropped.
pub struct Background {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Stop {
    /// Seen by the work itself.
    cancel: AtomicBool,
    is_stopped: Mutex<bool>,
    wake: Condvar,
}

impl Stop {
    /// Waits so long, or until it is stopped; whether it is.
    fn wait(&self, time: Duration) -> bool {
        let stopped = self.is_stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.wake.wait_timeout_while(stopped, time, |stopped| !*stopped);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Background {
    /// Looks at the index `every` so often, and at once; works with the threads of the budget. `failed` is told why it
    /// could not; it tries again later.
    ///
    /// # Errors
    /// `Unavailable` if the system gives no thread.
    pub fn start(
        index: Arc<EmbeddedIndex>,
        budget: Budget,
        every: Duration,
        failed: impl Fn(&Error) + Send + 'static,
    ) -> Result<Background> {
        let stop = Arc::new(Stop::default());
        let work = {
            let stop = stop.clone();
            move || {
                let mut seen = None;
                loop {
                    let edition = index.edition();
                    let mut pause = every;
                    if seen != Some(edition) {
                        match maintain(&index, budget, &stop.cancel, &()) {
                            Ok(true) => seen = Some(edition),
                            Ok(false) => {}
                            Err(error) => {
                                failed(&error);
                                pause = PAUSE;
                            }
                        }
                    }
                    if stop.wait(pause) {
                        return;
                    }
                }
            }
        };
        let thread = own_thread(STACK, work).or_fault(Fault::Unavailable, "starting maintenance")?;
        Ok(Background {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Background {
    /// Cancels the work and waits until it has stopped: at most about a second.
    fn drop(&mut self) {
        self.stop.cancel.store(true, Ordering::Relaxed);
        *self.stop.is_stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has stopped.
            let _ = thread.join();
        }
    }
}
