//! Which index is written to: the one that counts, or one beside it that takes its place in one step when it is done.
//!
//! Beside it are made: an index from files anew, and an index of words alone that gets vectors. Until the end everyone
//! is answered from what was there.

use std::path::Path;
use std::sync::Arc;

use super::Ingest;
use super::rebuild::copy_embedded;
use crate::compute::Budget;
use crate::error::{Fault, Result};
use crate::index::backend::Backend as _;
use crate::index::embedded::{EmbeddedIndex, WriteLock};
use crate::index::prepare::Rules;

/// An index to write to, with its folder's lock.
pub struct Target {
    pub(super) lock: Arc<WriteLock>,
    pub(super) index: Arc<EmbeddedIndex>,
    /// Whether it has still to take its place.
    beside: bool,
    /// Whether it began with nothing.
    is_new: bool,
    /// Passages that were there without vectors and have them now.
    pub(super) given_vectors: usize,
}

impl Target {
    /// The index of a folder, made if need be; `anew` leaves what is there aside. An index of words alone is made again
    /// with vectors if the rules can make them.
    ///
    /// # Errors
    /// `Precondition` if another program writes or the index is of other rules, whatever [`EmbeddedIndex::open`] says.
    pub fn open(folder: &Path, rules: &Rules, anew: bool, budget: Budget) -> Result<Target> {
        let lock = Arc::new(WriteLock::take(folder)?);
        let beside = |lock: &WriteLock| EmbeddedIndex::create_beside(lock, &rules.identity());
        if anew {
            let index = beside(&lock)?;
            // Where none was there nobody misses anything, and a run that is cut short leaves an index.
            let is_first = !lock.holds_index()?;
            if is_first {
                index.publish(&lock)?;
            }
            return Ok(Target {
                lock,
                index,
                beside: !is_first,
                is_new: true,
                given_vectors: 0,
            });
        }
        let (index, is_new) = match EmbeddedIndex::open(folder) {
            Err(error) if error.fault() == Fault::Missing => {
                let index = beside(&lock)?;
                index.publish(&lock)?;
                (index, true)
            }
            opened => (opened?, false),
        };
        if index.identity().dimension > 0 || rules.embedder.is_none() {
            return Ok(Target {
                lock,
                index,
                beside: false,
                is_new,
                given_vectors: 0,
            });
        }
        index.check_identity(rules.analyzer.fingerprint(), None)?;
        let with_vectors = beside(&lock)?;
        let ingest = Ingest::open_under(&lock, &with_vectors, rules.clone())?;
        let given_vectors = copy_embedded(&index, &ingest, budget)?.passages;
        drop(ingest);
        Ok(Target {
            lock,
            index: with_vectors,
            beside: true,
            is_new,
            given_vectors,
        })
    }

    /// The index.
    pub fn index(&self) -> &Arc<EmbeddedIndex> {
        &self.index
    }

    /// Lets the index take its place, unless it is new and nothing came into it: then what was there before stays, if
    /// only nothing.
    pub fn finish_if_filled(self) -> Result<()> {
        if !self.is_new || self.index.snapshot()?.about().articles > 0 {
            self.finish()
        } else if self.beside {
            Ok(())
        } else {
            self.index.withdraw(&self.lock)
        }
    }

    /// Lets the index take its place, if it has not.
    pub fn finish(self) -> Result<()> {
        if self.beside {
            self.index.publish(&self.lock)
        } else {
            Ok(())
        }
    }
}
