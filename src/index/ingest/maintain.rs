//! What speeds searches up, made after the writing: graphs and forward indexes of large segments.
//!
//! May run in any thread, beside searches and beside other writing: it reads a commit and adds files that are derived
//! from it. Stopped, it goes on another time with the segments that are left.

use std::sync::atomic::AtomicBool;

use super::Progress;
use crate::compute::Budget;
use crate::error::Result;
use crate::index::embedded::EmbeddedIndex;

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
