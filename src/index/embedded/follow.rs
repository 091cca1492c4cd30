//! The index of a folder as a service sees it: the newest commit of whichever generation counts.
//!
//! A rebuild changes the generation; what is asked meanwhile is answered from the one before. Writes nothing.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::open::EmbeddedIndex;
use crate::error::{Error, Result};
use crate::index::backend::{Backend, Snapshot, Writer};
use crate::index::source_table::SourceTable;
use crate::profile::Bm25Params;

/// An index that is followed through rebuilds.
pub struct Followed {
    folder: PathBuf,
    bm25: Bm25Params,
    /// The generation that answers now, and the sum of the editions of all generations before it.
    current: RwLock<(Arc<EmbeddedIndex>, u64)>,
    refreshing: Mutex<()>,
}

impl Followed {
    /// Opens the index of a folder; words are ranked by these constants.
    ///
    /// # Errors
    /// As [`EmbeddedIndex::open`].
    pub fn open(folder: &Path, bm25: Bm25Params) -> Result<Arc<Followed>> {
        Ok(Arc::new(Followed {
            folder: folder.to_path_buf(),
            bm25,
            current: RwLock::new((EmbeddedIndex::open_with(folder, bm25)?, 0)),
            refreshing: Mutex::new(()),
        }))
    }

    /// The generation that is answered from now.
    pub fn index(&self) -> Arc<EmbeddedIndex> {
        self.read().0
    }

    fn read(&self) -> (Arc<EmbeddedIndex>, u64) {
        // Even after a panic elsewhere the lock holds a whole index.
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks for a newer commit or another generation; says whether there was one.
    ///
    /// # Errors
    /// If it cannot be opened; `Precondition` if it was made by other rules than the one before, so that whoever asks
    /// needs another model, too. Then that one is answered from as before.
    pub fn refresh(&self) -> Result<bool> {
        let _one_at_a_time = self.refreshing.lock().unwrap_or_else(PoisonError::into_inner);
        let (index, before) = self.read();
        if index.is_current()? {
            match index.refresh() {
                Err(error) if index.is_current()? => return Err(error),
                // The generation was taken away while it was looked at.
                Err(_) => {}
                done => return done,
            }
        }
        let next = EmbeddedIndex::open_with(&self.folder, self.bm25)?;
        let (old, new) = (index.identity(), next.identity());
        if old != new {
            return Err(Error::precondition(format!(
                "the index in {} was made anew by other rules or another model",
                self.folder.display()
            )));
        }
        let before = before + index.edition() + 1;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = (next, before);
        Ok(true)
    }
}

impl Backend for Followed {
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>> {
        self.index().snapshot()
    }

    fn edition(&self) -> u64 {
        let (index, before) = self.read();
        before + index.edition()
    }

    fn source_table(&self) -> Result<SourceTable> {
        self.index().source_table()
    }

    fn writer(self: Arc<Self>) -> Result<Box<dyn Writer>> {
        Ok(Box::new(self.index().writer()?))
    }
}
