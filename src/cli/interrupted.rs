//! Commands that write to Milvus and are told to end: before they do, they give the right to write back, so that the
//! next one need not wait until it has run out. The lock of a folder needs nobody: it ends with its process.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::remote;
use crate::compute::own_thread;
use crate::error::{Context, Fault, Result};
use crate::index::milvus::MilvusIndex;
use crate::service::signals::{Signal, asked_to_end};

/// The stack of a thread that waits for a signal, or for Milvus.
const STACK: usize = 1 << 20;
/// How long giving back may take where Milvus does not answer; a second signal ends it at once.
const LONGEST: Duration = Duration::from_secs(6);

/// Indexes whose right to write is given back where the process is told to end. Dropped when the command is done, and
/// after all that writes.
pub struct Interruptible {
    indexes: Arc<Mutex<Vec<Arc<MilvusIndex>>>>,
    /// Ends the thread when it is dropped.
    done: Option<oneshot::Sender<()>>,
    watching: Option<JoinHandle<()>>,
}

impl Interruptible {
    /// Listens for signals from now on.
    ///
    /// # Errors
    /// `Unavailable` if the system gives no thread.
    pub fn begin() -> Result<Interruptible> {
        let indexes: Arc<Mutex<Vec<Arc<MilvusIndex>>>> = Arc::default();
        let (done, is_done) = oneshot::channel();
        let runtime = remote::runtime()?;
        let of_thread = Arc::clone(&indexes);
        let watching = own_thread(STACK, move || {
            let signal = runtime.block_on(async {
                tokio::select! {
                    signal = asked_to_end() => Some(signal),
                    _ = is_done => None,
                }
            });
            if let Some(signal) = signal {
                let is_given = runtime.block_on(given_back(of_thread));
                end(signal, is_given);
            }
        });
        Ok(Interruptible {
            indexes,
            done: Some(done),
            watching: Some(watching.or_fault(Fault::Unavailable, "listening for signals")?),
        })
    }

    /// Has the right to write to an index given back, too, if the process has it then.
    pub fn gives_back(&self, index: &Arc<MilvusIndex>) {
        let mut indexes = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
        indexes.push(Arc::clone(index));
    }
}

impl Drop for Interruptible {
    fn drop(&mut self) {
        drop(self.done.take());
        // Where a signal came first, the process ends within: what failed by that is nothing to tell.
        if let Some(watching) = self.watching.take() {
            let _ = watching.join();
        }
    }
}

/// Gives all back; whether that was done in time.
async fn given_back(indexes: Arc<Mutex<Vec<Arc<MilvusIndex>>>>) -> bool {
    let (said, is_given) = oneshot::channel();
    let giving = own_thread(STACK, move || {
        let indexes = indexes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Each of them, whatever became of the one before.
        let given: Vec<bool> = indexes.iter().map(|index| index.give_back()).collect();
        // Who does not wait any more need not know.
        let _ = said.send(given.into_iter().all(|is_given| is_given));
    });
    if giving.is_err() {
        return false;
    }
    tokio::select! {
        is_given = is_given => is_given.unwrap_or(false),
        () = tokio::time::sleep(LONGEST) => false,
        _ = asked_to_end() => false,
    }
}

fn end(signal: Signal, is_given: bool) {
    errln!("baowen: ended as it was told; what was not committed is not kept");
    if !is_given {
        errln!("  -> Milvus was not told: others can write when the right to do so has run out (`?lease=SECONDS`)");
    }
    std::process::exit(signal.exit_code());
}
