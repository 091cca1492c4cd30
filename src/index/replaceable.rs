//! A place for the index that is described now: another is put there when it is opened anew, by other rules or another
//! model.

use std::sync::{Arc, PoisonError, RwLock};

use super::backend::{Backend, Snapshot, Writer};
use super::source_table::SourceTable;
use crate::error::Result;

/// See [the module](self).
pub struct Replaceable(RwLock<Arc<dyn Backend>>);

impl Replaceable {
    /// Begins with this one.
    pub fn new(first: Arc<dyn Backend>) -> Arc<Replaceable> {
        Arc::new(Replaceable(RwLock::new(first)))
    }

    /// Puts another in its place.
    pub fn replace(&self, next: Arc<dyn Backend>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = next;
    }

    fn now(&self) -> Arc<dyn Backend> {
        // Poisoned or not, the place always holds a whole one.
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Backend for Replaceable {
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>> {
        self.now().snapshot()
    }

    fn edition(&self) -> u64 {
        self.now().edition()
    }

    fn source_table(&self) -> Result<SourceTable> {
        self.now().source_table()
    }

    fn writer(self: Arc<Self>) -> Result<Box<dyn Writer>> {
        self.now().writer()
    }
}
