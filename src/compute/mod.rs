//! The process's threads: the one place that starts any, and that says who may use how many.
//!
//! A piece of work gets a [`Budget`] and passes it on, or a part of it; nothing decides by the thread it happens to run
//! on. Work divided by [`Budget::map`] gives each part its share, so that an evaluation on all cores gives every search
//! in it one thread. Memory that pieces of work use in turn is kept here too ([`ScratchPool`]). Knows nothing of what
//! is computed.

mod barrier;
mod budget;
mod cores;
mod divide;
mod in_step;
mod scratch;

use std::sync::LazyLock;
use std::thread::JoinHandle;

pub use barrier::SpinBarrier;
pub use budget::{Budget, late};
pub use cores::{UnderWay, enter};
pub use in_step::{InStep, MOST_IN_STEP};
pub use scratch::ScratchPool;

/// Starts a thread with a stack of so many bytes, for one piece of work that goes deep, that waits for another process,
/// or that lasts as long as what it serves.
///
/// # Errors
/// If the system gives no thread.
pub fn own_thread<T: Send + 'static>(
    stack: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<JoinHandle<T>> {
    std::thread::Builder::new().stack_size(stack).spawn(work)
}

/// Cores that this process may use, at least one; as many as at its start.
pub fn available() -> usize {
    // Asked for with every question, and the system reads files to answer.
    static AVAILABLE: LazyLock<usize> = LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));
    *AVAILABLE
}
