//! What the seam asks of an index as a whole: its newest commit, and the right to write.

use std::sync::Arc;

use super::lease::Lease;
use super::marking::clean;
use super::open::{MilvusIndex, making};
use super::schema::{Generation, Maker};
use super::state::State;
use super::writer::MilvusWriter;
use crate::article::source::Sources;
use crate::error::{Error, Result};
use crate::index::backend::{Backend, Snapshot, Writer};
use crate::index::passage::Identity;

impl MilvusIndex {
    /// A writer of a new generation, made by this identity, which counts from its first commit on. Until then everybody is
    /// answered from what was there; the generation before is removed when somebody writes the next time.
    pub fn writer_anew(self: Arc<Self>, identity: &Identity) -> Result<Box<dyn Writer>> {
        self.begin(Some(identity))
    }

    fn begin(self: Arc<Self>, anew: Option<&Identity>) -> Result<Box<dyn Writer>> {
        if !self.begin_writing() {
            return Err(Error::precondition("somebody else in this process writes to the index"));
        }
        let writer = self.open_writer(anew);
        if writer.is_err() {
            self.end_writing();
        }
        Ok(Box::new(writer?))
    }

    fn open_writer(self: &Arc<Self>, anew: Option<&Identity>) -> Result<MilvusWriter> {
        let (lease, state) = Lease::take(self.client(), self.meta())?;
        let name = &self.client().address().name;
        // What another one left that died in the middle.
        clean(self.client(), &state.names(name), &state, self.bm25())?;
        lease.enter(&state)?;
        self.install(state.clone());
        let maker = Maker {
            client: self.client(),
            budget: making(),
        };
        maker.remove_generation(&Generation::new(name, state.generation - 1))?;
        let sources = self.sources_of(&state)?;
        let state = match anew {
            None => state,
            Some(identity) => {
                let new = State::empty(state.generation + 1, state.stamp, identity.clone());
                maker.generation(&new.names(name), identity.dimension)?;
                new
            }
        };
        MilvusWriter::new(Arc::clone(self), lease, state, sources)
    }
}

impl Backend for MilvusIndex {
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>> {
        Ok(self.current())
    }

    fn edition(&self) -> u64 {
        self.current().state.stamp
    }

    fn sources(&self) -> Result<Sources> {
        self.sources_of(&self.current().state)
    }

    fn writer(self: Arc<Self>) -> Result<Box<dyn Writer>> {
        self.begin(None)
    }
}
