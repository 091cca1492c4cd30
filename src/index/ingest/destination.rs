//! Where the articles of a run go: an index that this process writes to, or one behind a service.

use std::sync::Arc;

use super::batch::BATCH;
use super::changes::Held;
use super::{Ingest, Outcome};
use crate::article::source::{Scope, Sources};
use crate::compute::Budget;
use crate::error::Result;
use crate::index::backend::Writer;
use crate::index::embedded::EmbeddedIndex;
use crate::index::source_table::Runs;
use crate::model::Article;

/// Where articles go.
pub trait Destination {
    /// How many articles it is given together.
    fn at_a_time(&self) -> usize {
        BATCH
    }

    /// The sources that it knows.
    fn sources(&self) -> Result<Sources>;

    /// Begins a run over these scopes: the sources are the index's from now on. What it held before.
    fn begin(&self, sources: &Sources, scopes: &[Scope]) -> Result<Arc<dyn Held>>;

    /// Lets articles that are given next come to another source than they were in. An index that this process writes to
    /// asks nothing for that.
    fn hand_on(&self, ids: &[String]) -> Result<()> {
        let _ = ids;
        Ok(())
    }

    /// As [`Ingest::upsert`].
    fn upsert(&self, articles: Vec<Article>, budget: Budget) -> Vec<Result<Outcome>>;

    /// Removes articles; unknown ids are no error. Returns how many were there.
    fn delete(&self, ids: &[String]) -> Result<usize>;

    /// Has the next commit hold what a run did to these sources, in place of what they had.
    fn record(&self, runs: Runs);

    /// Makes everything so far durable and visible.
    fn commit(&self) -> Result<()>;
}

/// An index as it was before a run.
pub trait Before {
    /// Its sources.
    fn sources(&self) -> Result<Sources>;

    /// What it held.
    fn held(&self) -> Result<Arc<dyn Held>>;
}

impl Before for Arc<EmbeddedIndex> {
    fn sources(&self) -> Result<Sources> {
        EmbeddedIndex::sources(self)
    }

    fn held(&self) -> Result<Arc<dyn Held>> {
        Ok(self.current())
    }
}

/// An index that this process writes to, whatever keeps it.
pub struct Written<B, W> {
    /// What it was before.
    pub before: B,
    /// What is written by.
    pub ingest: Ingest<W>,
}

impl<B: Before, W: Writer> Destination for Written<B, W> {
    fn sources(&self) -> Result<Sources> {
        self.before.sources()
    }

    fn begin(&self, sources: &Sources, _: &[Scope]) -> Result<Arc<dyn Held>> {
        self.ingest.set_sources(sources.clone());
        self.before.held()
    }

    fn upsert(&self, articles: Vec<Article>, budget: Budget) -> Vec<Result<Outcome>> {
        self.ingest.upsert(articles, budget)
    }

    fn delete(&self, ids: &[String]) -> Result<usize> {
        self.ingest.delete(ids.iter().map(String::as_str))
    }

    fn record(&self, runs: Runs) {
        self.ingest.writer().source_table().runs.extend(runs);
    }

    fn commit(&self) -> Result<()> {
        self.ingest.commit().map(drop)
    }
}
