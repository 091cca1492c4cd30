//! A writer that outlives its right to write: it takes the right when that is free, and takes it again after it was
//! lost. For services, of which several may stand ready while one of them writes; everybody else wants to be told at
//! once.
//!
//! Whoever writes through it sees a lost right as any other failure: what was not committed is gone, and
//! [`Writer::rollback`] makes it usable again once the right can be had.

use std::sync::Arc;

use super::open::MilvusIndex;
use super::writer::{MilvusWriter, Purpose};
use crate::error::{Error, Result};
use crate::index::backend::Writer;
use crate::index::passage::{Identity, PreparedArticle};
use crate::index::source_table::SourceTable;
use crate::model::Origin;

/// See [the module](self).
pub struct Standby {
    index: Arc<MilvusIndex>,
    /// What is written is made by this.
    identity: Identity,
    writer: Option<MilvusWriter>,
    /// Lent where nothing can be written; never kept.
    nothing: SourceTable,
}

impl Standby {
    /// Takes the right to write where it is free.
    pub fn new(index: Arc<MilvusIndex>, identity: Identity) -> Self {
        let mut standby = Standby {
            index,
            identity,
            writer: None,
            nothing: SourceTable::default(),
        };
        // Whoever writes first is told why it cannot be had, if that is still so.
        let _ = standby.take();
        standby
    }

    fn take(&mut self) -> Result<u64> {
        // Given back first: this process has the right once.
        self.writer = None;
        let writer = MilvusWriter::take(Arc::clone(&self.index), Purpose::Adding)?;
        if writer.state.identity != self.identity {
            return Err(
                Error::precondition("the index was made anew by other rules than this service writes by")
                    .help("end the service and start it again"),
            );
        }
        let stamp = writer.state.stamp;
        self.writer = Some(writer);
        Ok(stamp)
    }

    fn writing(&self) -> Result<&MilvusWriter> {
        self.writer.as_ref().ok_or_else(not_held)
    }

    fn writing_mut(&mut self) -> Result<&mut MilvusWriter> {
        self.writer.as_mut().ok_or_else(not_held)
    }
}

fn not_held() -> Error {
    Error::unavailable("this process does not have the right to write")
}

impl Writer for Standby {
    fn check(&self) -> Result<()> {
        self.writing()?.check()
    }

    fn hash(&self, article_id: &str) -> Result<Option<u64>> {
        self.writing()?.hash(article_id)
    }

    fn origin(&self, article_id: &str) -> Result<Option<Origin>> {
        self.writing()?.origin(article_id)
    }

    fn source_table(&mut self) -> &mut SourceTable {
        match &mut self.writer {
            Some(writer) => writer.source_table(),
            None => &mut self.nothing,
        }
    }

    fn upsert(&mut self, article: PreparedArticle) -> Result<()> {
        self.writing_mut()?.upsert(article)
    }

    fn delete(&mut self, article_id: &str) -> Result<bool> {
        self.writing_mut()?.delete(article_id)
    }

    fn commit(&mut self) -> Result<u64> {
        self.writing_mut()?.commit()
    }

    fn rollback(&mut self) -> Result<u64> {
        if let Some(writer) = &mut self.writer
            && writer.check().is_ok()
        {
            match writer.rollback() {
                // The right was lost on the way.
                Err(_) if writer.check().is_err() => {}
                done => return done,
            }
        }
        self.nothing = SourceTable::default();
        self.take()
    }

    fn close(&mut self) {
        self.writer = None;
    }
}
