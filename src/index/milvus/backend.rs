//! What the seam asks of an index as a whole: its newest commit, and the right to write.

use std::sync::Arc;

use super::open::MilvusIndex;
use super::standby::Standby;
use super::writer::{MilvusWriter, Purpose};
use crate::error::Result;
use crate::index::backend::{Backend, Snapshot, Writer};
use crate::index::passage::Identity;
use crate::index::source_table::SourceTable;

impl MilvusIndex {
    /// A writer of a new generation, made by this identity, which counts from its first commit on. Until then everybody
    /// is answered from what was there; the generation before is removed by who begins to write a minute later or more.
    pub fn writer_anew(self: Arc<Self>, identity: &Identity) -> Result<Box<dyn Writer>> {
        Ok(Box::new(MilvusWriter::take(self, Purpose::Anew(identity))?))
    }

    /// The right to write, so that nobody else does while the index is read; also where it is not whole.
    pub fn held(self: Arc<Self>) -> Result<Box<dyn Writer>> {
        Ok(Box::new(MilvusWriter::take(self, Purpose::Reading)?))
    }

    /// A writer for a service, by the index's own rules: it takes the right to write when that is free, and again after
    /// it was lost.
    pub fn standby(self: Arc<Self>) -> Box<dyn Writer> {
        let identity = self.identity();
        Box::new(Standby::new(self, identity))
    }
}

impl Backend for MilvusIndex {
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>> {
        Ok(self.current())
    }

    fn edition(&self) -> u64 {
        self.current().state.stamp
    }

    fn source_table(&self) -> Result<SourceTable> {
        self.sources_of(&self.current().state)
    }

    fn writer(self: Arc<Self>) -> Result<Box<dyn Writer>> {
        Ok(Box::new(MilvusWriter::take(self, Purpose::Adding)?))
    }
}
