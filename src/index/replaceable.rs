//! An index that can be exchanged while it is used: a service opens it again, by other rules or with another model, and
//! puts the new one in place of the old.

use std::sync::{Arc, PoisonError, RwLock};

use super::backend::{Backend, Snapshot, Writer};
use super::source_table::SourceTable;
use crate::error::Result;

/// See [the module](self).
pub struct Replaceable(RwLock<Arc<dyn Backend>>);

impl Replaceable {
    /// With this index at first.
    pub fn new(first: Arc<dyn Backend>) -> Arc<Replaceable> {
        Arc::new(Replaceable(RwLock::new(first)))
    }

    /// Puts another index in place of the one it has.
    pub fn replace(&self, next: Arc<dyn Backend>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = next;
    }

    fn now(&self) -> Arc<dyn Backend> {
        // Even after a panic elsewhere the lock holds a whole index.
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
