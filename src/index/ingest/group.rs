//! The writer of a living index: which changes share the next commit, and whether an earlier one was lost.
//!
//! Every change between two commits belongs to one group. A group becomes durable as a whole or is lost as a whole:
//! when the engine fails in the middle, everything since the last commit is taken back, and a new session begins, by
//! which whoever waits can tell. Owns no thread and no time.

use crate::error::{Error, Fault, Result};
use crate::index::backend::Writer;
use crate::index::passage::PreparedArticle;
use crate::index::source_table::SourceTable;
use crate::model::Origin;

/// Names a group of changes: those of one session before one commit of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangeGroup {
    /// The stretch of a writer's life in which nothing was lost; random, so that no two lives share one.
    pub session: u64,
    /// Which commit of this writer, counted from 1, makes it durable; 0 if it is durable already.
    pub(super) group: u64,
}

/// A writer that counts its commits, and takes everything back that a failure left half done.
pub struct Grouped {
    writer: Box<dyn Writer>,
    session: u64,
    /// The group that is being filled.
    group: u64,
    is_dirty: bool,
    /// The last commit's stamp.
    stamp: u64,
    /// What failed and has to be taken back.
    failed: Option<Error>,
}

impl Grouped {
    /// Begins a session with a writer that was given nothing yet; `stamp` is the newest commit's.
    pub fn new(writer: Box<dyn Writer>, stamp: u64) -> Self {
        Grouped {
            writer,
            session: fastrand::u64(1..),
            group: 1,
            is_dirty: false,
            stamp,
            failed: None,
        }
    }

    /// The group that what was written just now belongs to; a durable one if nothing waits for a commit.
    pub fn change(&self) -> ChangeGroup {
        let (session, group) = (self.session, if self.is_dirty { self.group } else { 0 });
        ChangeGroup { session, group }
    }

    /// The stretch of life that this is.
    pub fn session(&self) -> u64 {
        self.session
    }

    /// Whether anything waits for a commit.
    pub fn is_dirty(&self) -> bool {
        self.is_dirty
    }

    /// Has the next commit made whether or not articles changed: the table of sources has.
    pub fn touch(&mut self) {
        self.is_dirty = true;
    }

    /// The last commit's stamp.
    pub fn stamp(&self) -> u64 {
        self.stamp
    }

    /// Looks whether the engine still takes what is written; if not, this writer is to be recovered.
    pub fn look(&mut self) {
        // What it says is kept for who recovers.
        let _ = self.call(|writer| writer.check());
    }

    /// Why nothing can be written now; none if it can.
    pub fn failure(&self) -> Option<&Error> {
        self.failed.as_ref()
    }

    /// Takes back what a failure left, if there was one; says which failure it was.
    pub fn recover(&mut self) -> Option<Error> {
        let failed = self.failed.take()?;
        self.session = fastrand::u64(1..);
        self.group += 1;
        self.is_dirty = false;
        match self.writer.rollback() {
            Ok(stamp) => self.stamp = stamp,
            // To be tried again before anything else is written.
            Err(error) => self.failed = Some(error),
        }
        Some(failed)
    }

    /// What a call of the engine gives; a failure that is not the article's own, or a panic, leaves this writer to be
    /// recovered.
    fn call<T>(&mut self, call: impl FnOnce(&mut dyn Writer) -> Result<T>) -> Result<T> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        // Stays where the call panics.
        self.failed = Some(Error::bug("the writer failed unexpectedly"));
        let result = call(&mut *self.writer);
        self.failed = match &result {
            Err(error) if error.fault() != Fault::Caller => Some(error.clone()),
            _ => None,
        };
        result
    }
}

impl Writer for Grouped {
    fn hash(&self, article_id: &str) -> Result<Option<u64>> {
        self.writer.hash(article_id)
    }

    fn origin(&self, article_id: &str) -> Result<Option<Origin>> {
        self.writer.origin(article_id)
    }

    fn source_table(&mut self) -> &mut SourceTable {
        self.writer.source_table()
    }

    fn upsert(&mut self, article: PreparedArticle) -> Result<()> {
        self.call(|writer| writer.upsert(article))?;
        self.is_dirty = true;
        Ok(())
    }

    fn delete(&mut self, article_id: &str) -> Result<bool> {
        let was_there = self.call(|writer| writer.delete(article_id))?;
        self.is_dirty |= was_there;
        Ok(was_there)
    }

    fn commit(&mut self) -> Result<u64> {
        let committed = self.call(|writer| writer.commit());
        if let Err(error) = &committed {
            // Whatever kept it from being made, all since the last one has to be taken back, and who waits be told.
            self.failed.get_or_insert_with(|| error.clone());
        }
        self.stamp = committed?;
        self.group += 1;
        self.is_dirty = false;
        Ok(self.stamp)
    }

    fn rollback(&mut self) -> Result<u64> {
        let asked = || Error::unavailable("everything since the last commit was taken back");
        self.failed.get_or_insert_with(asked);
        self.recover();
        self.failed.clone().map_or(Ok(self.stamp), Err)
    }

    fn close(&mut self) {
        self.writer.close();
    }
}
