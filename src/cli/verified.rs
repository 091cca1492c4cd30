//! Every byte of a service's index compared with its checksum: before anything is answered, or while it is, and after
//! damage was found again with the rebuild that takes its place.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::attempts::Attempts;
use super::served::Served;
use crate::compute::{Budget, own_thread};
use crate::error::{Context, Error, Fault, Result};
use crate::index::{EmbeddedIndex, what_helps};

/// The stack of the thread that checks every byte.
const STACK: usize = 4 << 20;
/// Between one that could not judge and the next.
const PAUSE: Duration = Duration::from_secs(30);

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
    /// The generation that the last one judged; none before the first has come to an end.
    checked: Mutex<Option<PathBuf>>,
    attempts: Mutex<Attempts>,
    runs: AtomicBool,
}

/// Says that a check runs, until it is dropped.
struct Runs<'a>(&'a AtomicBool);

impl Drop for Runs<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Checks {
    /// None so far, of what is served.
    pub fn new(served: Arc<Served>, read_only: bool) -> Arc<Checks> {
        Arc::new(Checks {
            served,
            read_only,
            checked: Mutex::default(),
            attempts: Mutex::new(Attempts::new(PAUSE)),
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

    /// Begins another one where the last could not judge, or found damage and a rebuild took the place of that: a
    /// commit over damaged files may have copied what is wrong in them, with right checksums.
    pub fn again(self: &Arc<Self>, index: Arc<EmbeddedIndex>) {
        let is_owed = match self.checked().as_deref() {
            None => true,
            Some(judged) => self.served.is_damaged() && judged != index.generation(),
        };
        if is_owed
            && !self.runs.load(Ordering::Acquire)
            && self.attempts().may(Instant::now())
            && let Err(error) = self.begin(index)
        {
            tracing::error!("the index could not be checked: {error}");
        }
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        // Poisoned or not, it is whole.
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn checked(&self) -> MutexGuard<'_, Option<PathBuf>> {
        // Poisoned or not, it is whole.
        self.checked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, index: &EmbeddedIndex) {
        let _runs = Runs(&self.runs);
        let judged = check(index, self.read_only, Budget::single());
        let is_judged = judged
            .as_ref()
            .err()
            .is_none_or(|error| error.fault() == Fault::Corrupt);
        self.attempts().tried(Instant::now(), is_judged);
        // What it read is what counted meanwhile: another one than what is searched, perhaps, which will be looked at.
        if !matches!(index.is_current(), Ok(true)) {
            return;
        }
        match judged {
            Ok(()) => {
                self.served.set_damaged(false);
                tracing::info!("every byte of the index is what was written");
            }
            Err(error) if error.fault() == Fault::Corrupt => {
                self.served.set_damaged(true);
                tracing::error!("no longer serving: {error}");
            }
            // It is tried again after a while.
            Err(error) => {
                tracing::error!("the index could not be checked: {error}");
                return;
            }
        }
        *self.checked() = Some(index.generation().to_path_buf());
    }
}
