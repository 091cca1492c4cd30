//! The seam as a place that files are read into, and the way of articles from one engine to another.

use std::path::Path;
use std::sync::Arc;

use super::batch::{BATCH, Batch};
use super::changes::{Held, contents_of};
use super::destination::Before;
use super::maintain::maintain_fully;
use super::{Counts, Ingest, Progress};
use crate::article::source::Sources;
use crate::compute::Budget;
use crate::error::{Error, Result};
use crate::index::backend::{Backend, Snapshot, Writer};
use crate::index::embedded::{EmbeddedIndex, WriteLock};
use crate::index::prepare::Rules;
use crate::model::{Article, Origin};

/// What an index behind the seam held when a run began; nothing of one that begins with nothing.
struct AtFirst(Option<Arc<dyn Snapshot>>);

impl AtFirst {
    fn article(&self, id: &str) -> Result<Option<Article>> {
        self.0
            .as_ref()
            .map_or(Ok(None), |snapshot| snapshot.article(id, Budget::single()))
    }
}

impl Held for AtFirst {
    fn origins(&self, budget: Budget, each: &mut dyn FnMut(&str, Option<Origin>) -> Result<()>) -> Result<()> {
        self.0
            .as_ref()
            .map_or(Ok(()), |snapshot| snapshot.origins(budget, each))
    }

    fn origin(&self, id: &str) -> Result<Option<Origin>> {
        Ok(self.article(id)?.and_then(|article| article.origin))
    }

    fn is_there(&self, id: &str) -> Result<bool> {
        Ok(self.article(id)?.is_some())
    }

    fn contents(&self, ids: &[String]) -> Result<Vec<(String, u64)>> {
        contents_of(ids, |id| self.article(id))
    }
}

impl Before for Option<Arc<dyn Backend>> {
    fn sources(&self) -> Result<Sources> {
        self.as_ref().map_or(Ok(Sources::default()), |before| before.sources())
    }

    fn held(&self) -> Result<Arc<dyn Held>> {
        let snapshot = self.as_ref().map(|before| before.snapshot()).transpose()?;
        Ok(Arc::new(AtFirst(snapshot)))
    }
}

/// Takes all articles of an index into another one, whatever keeps either, with the table of their sources, and commits
/// once. `each` is told how many are done.
///
/// # Errors
/// `Unavailable` if an article is gone that was there at the beginning; else whatever either engine says. Nothing of it
/// is seen then.
pub fn copy<W: Writer>(
    from: &Arc<dyn Backend>,
    to: &Ingest<W>,
    budget: Budget,
    each: &mut dyn FnMut(usize, usize),
) -> Result<Counts> {
    let snapshot = from.snapshot()?;
    let ids = snapshot.article_ids(budget)?;
    let mut counts = Counts::default();
    let mut batch = Batch::default();
    for (before, id) in ids.iter().enumerate() {
        budget.check()?;
        let article = snapshot.article(id, budget)?.ok_or_else(|| {
            Error::unavailable(format!("article `{id}` is gone: the index changed while it was copied"))
                .help("run it again while nobody writes to it")
        })?;
        batch.push(article);
        let done = before + 1;
        if batch.is_full(BATCH) || done == ids.len() {
            to.upsert_all(batch.take(), budget, &mut counts)?;
            each(done, ids.len());
        }
    }
    to.set_source_table(from.source_table()?);
    to.commit()?;
    Ok(counts)
}

/// As [`copy`], into a folder without an index, which has one when all is there.
///
/// # Errors
/// `Precondition` if there is an index; else as [`copy`].
pub fn copy_into_folder(
    from: &Arc<dyn Backend>,
    folder: &Path,
    rules: Rules,
    budget: Budget,
    progress: &dyn Progress,
) -> Result<(Arc<EmbeddedIndex>, Counts)> {
    let lock = Arc::new(WriteLock::take(folder)?);
    if lock.holds_index()? {
        let shown = folder.display();
        return Err(Error::precondition(format!("there is an index in {shown}")).help("name another folder"));
    }
    let index = EmbeddedIndex::create_beside(&lock, &rules.identity())?;
    let ingest = Ingest::open_under(&lock, &index, rules)?;
    let counts = copy(from, &ingest, budget, &mut |_, _| ())?;
    progress.committed();
    ingest.into_writer().finish_as_one()?;
    maintain_fully(&index, budget, progress)?;
    index.publish(&lock)?;
    Ok((index, counts))
}
