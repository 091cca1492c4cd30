//! The completions of the newest commit, made when they are asked for and were not yet, off the way of whoever asks:
//! until they are there, those of the commit before are given. Only the first to ask waits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::collection::{CollectionCell, opened};
use crate::compute::Budget;
use crate::error::{Context, Fault, Result};
use crate::search::browse::Completions;

/// Making them takes at most one part in so many of the time, however fast commits come.
const PAUSE: u32 = 20;

/// Completions of a collection.
pub struct CompletionCache {
    cell: Arc<CollectionCell>,
    newest: RwLock<Option<Made>>,
    first: Arc<Mutex<()>>,
    is_making: AtomicBool,
}

/// Completions of one edition.
#[derive(Clone)]
struct Made {
    edition: u64,
    completions: Arc<Completions>,
    /// When they may be made anew.
    until: Instant,
}

impl CompletionCache {
    /// Of the collection in `cell`, once it is open.
    pub fn new(cell: Arc<CollectionCell>) -> Self {
        CompletionCache {
            cell,
            newest: RwLock::new(None),
            first: Arc::default(),
            is_making: AtomicBool::new(false),
        }
    }

    /// The completions, of the newest commit or of one shortly before.
    ///
    /// # Errors
    /// `Unavailable` before the collection is open, those of the index.
    pub async fn get(self: &Arc<Self>) -> Result<Arc<Completions>> {
        let edition = opened(&self.cell)?.backend.edition();
        let Some(made) = self.newest() else {
            // All who ask first wait for one of them, whose work goes on when it does not wait any more itself.
            let turn = self.first.clone().lock_owned().await;
            if let Some(made) = self.newest() {
                return Ok(made.completions);
            }
            let cache = self.clone();
            let make = move || {
                let _turn = turn;
                cache.make()
            };
            return spawn_blocking(make).await.or_fault(Fault::Bug, "making completions")?;
        };
        let is_due = made.edition != edition && Instant::now() >= made.until;
        if is_due && !self.is_making.swap(true, Ordering::AcqRel) {
            let cache = self.clone();
            // Nobody waits for it; if it fails, whoever asks next tries again.
            spawn_blocking(move || {
                let _ = cache.make();
                cache.is_making.store(false, Ordering::Release);
            });
        }
        Ok(made.completions)
    }

    fn newest(&self) -> Option<Made> {
        self.newest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn make(&self) -> Result<Arc<Completions>> {
        let begin = Instant::now();
        let collection = opened(&self.cell)?;
        // Read first: a commit that comes meanwhile makes another edition.
        let edition = collection.backend.edition();
        let completions = Completions::of(&*collection.snapshot()?, &collection.analyzer, Budget::single())?;
        let completions = Arc::new(completions);
        let took = begin.elapsed().max(Duration::from_millis(1));
        let made = Made {
            edition,
            completions: completions.clone(),
            until: Instant::now() + took * PAUSE,
        };
        *self.newest.write().unwrap_or_else(PoisonError::into_inner) = Some(made);
        Ok(completions)
    }
}
