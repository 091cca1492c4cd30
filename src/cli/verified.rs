//! Every byte of a service's index compared with its checksum: before anything is answered, or while it is, and after
//! damage was found again with whatever takes the damaged commit's place.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::served::Served;
use crate::compute::{Budget, own_thread};
use crate::error::{Context, Error, Fault, Result};
use crate::index::{EmbeddedIndex, what_helps};

/// The stack of the thread that checks every byte.
const STACK: usize = 4 << 20;

/// Refuses an index of which any byte is not what was written. Damaged files that are derived are taken away where that
/// may be, and it is searched without them; where nothing may be changed they count like the others.
///
/// # Errors
/// `Corrupt`, naming the files; `Unavailable` if a file may not be read.
pub fn check(index: &EmbeddedIndex, read_only: bool, budget: Budget) -> Result<()> {
    let folder = index.folder();
    let mut damaged = EmbeddedIndex::damaged_in(folder, budget)?;
    if damaged.is_empty() && read_only {
        damaged = index.verify(budget)?;
    } else if damaged.is_empty() {
        match index.drop_damaged(budget) {
            Ok(true) => drop(index.refresh()?),
            Ok(false) => {}
            Err(_) => damaged = index.verify(budget)?,
        }
    }
    if damaged.is_empty() {
        Ok(())
    } else {
        Err(Error::corrupt(format!(
            "the index in {} is damaged: {}",
            folder.display(),
            damaged.join("; ")
        ))
        .help(what_helps(folder)))
    }
}

/// [`check`] while questions are answered, one at a time.
pub struct Checks {
    served: Arc<Served>,
    read_only: bool,
    /// What was searched when the last one began.
    checked: AtomicU64,
    runs: AtomicBool,
}

impl Checks {
    /// None so far, of what is served.
    pub fn new(served: Arc<Served>, read_only: bool) -> Arc<Checks> {
        Arc::new(Checks {
            served,
            read_only,
            checked: AtomicU64::new(0),
            runs: AtomicBool::new(false),
        })
    }

    /// Begins one in a thread of its own.
    ///
    /// # Errors
    /// `Unavailable` if the system gives none.
    pub fn begin(self: &Arc<Self>, index: Arc<EmbeddedIndex>) -> Result<()> {
        self.runs.store(true, Ordering::Release);
        let checks = self.clone();
        // It ends by itself; nobody waits for it.
        let begun = own_thread(STACK, move || checks.run(&index)).map(drop);
        if begun.is_err() {
            self.runs.store(false, Ordering::Release);
        }
        begun.or_fault(Fault::Unavailable, "starting the check")
    }

    /// Begins another one where damage was found and something else is searched since.
    pub fn again(self: &Arc<Self>, index: Arc<EmbeddedIndex>) {
        let is_another = self.checked.load(Ordering::Relaxed) != self.served.searched();
        if self.served.is_damaged()
            && is_another
            && !self.runs.load(Ordering::Acquire)
            && let Err(error) = self.begin(index)
        {
            tracing::error!("the index could not be checked: {error}");
        }
    }

    fn run(&self, index: &EmbeddedIndex) {
        // Before it reads: what is taken over meanwhile is another one.
        self.checked.store(self.served.searched(), Ordering::Relaxed);
        match check(index, self.read_only, Budget::single()) {
            Ok(()) => {
                self.served.set_damaged(false);
                tracing::info!("every byte of the index is what was written");
            }
            Err(error) if error.fault() == Fault::Corrupt => {
                self.served.set_damaged(true);
                tracing::error!("no longer serving: {error}");
            }
            Err(error) => tracing::error!("the index could not be checked: {error}"),
        }
        self.runs.store(false, Ordering::Release);
    }
}
