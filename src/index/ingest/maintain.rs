//! What searches go faster by, made after the writing: graphs and forward indexes of large segments.

use std::sync::atomic::AtomicBool;

use super::Progress;
use crate::error::Result;
use crate::index::embedded::EmbeddedIndex;

/// Makes what the index's segments lack, in the calling thread, to the end.
pub fn maintain(index: &EmbeddedIndex, progress: &dyn Progress) -> Result<()> {
    index.build_graphs(&|done, total| progress.graphs(done, total), &AtomicBool::new(false))?;
    Ok(())
}
