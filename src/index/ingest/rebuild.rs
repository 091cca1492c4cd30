//! An index made again from the articles that it keeps, beside it; it takes the old one's place in one step at the end.

use std::path::Path;
use std::sync::Arc;

use super::batch::{BATCH, Batch};
use super::maintain::maintain_fully;
use super::summary::Summary;
use super::{Counts, Ingest, Progress};
use crate::compute::Budget;
use crate::error::{Error, Fault, Result};
use crate::index::backend::Backend;
use crate::index::embedded::{EmbeddedIndex, WriteLock};
use crate::index::prepare::Rules;

/// Makes an index again from the articles it keeps, by these rules.
///
/// # Errors
/// `Unavailable` if it keeps vectors and the rules make none, unless `without_vectors` says that they may go; else as
/// [`Target::open`].
pub fn rebuild(
    folder: &Path,
    rules: Rules,
    without_vectors: bool,
    budget: Budget,
    progress: &dyn Progress,
) -> Result<Summary> {
    // The lock would make a folder where there is none.
    EmbeddedIndex::open(folder)?;
    let lock = Arc::new(WriteLock::take(folder)?);
    let old = EmbeddedIndex::open(folder)?;
    if !without_vectors {
        rules.check_vectors_of(old.identity(), &format!("the index in {}", folder.display()))?;
    }
    let index = EmbeddedIndex::create_beside(&lock, &rules.identity())?;
    let ingest = Ingest::open_under(&lock, &index, rules)?;
    let counts = copy_embedded(&old, &ingest, budget).map_err(refused)?;
    progress.committed();
    ingest.into_writer().finish_as_one()?;
    maintain_fully(&index, budget, progress)?;
    index.publish(&lock)?;
    let snapshot = index.snapshot()?;
    let about = snapshot.about();
    Ok(Summary {
        articles: counts.added,
        added: counts.added,
        passages: counts.passages,
        without_vectors: about.identity.dimension == 0,
        total_articles: about.articles,
        total_passages: about.passages,
        ..Summary::default()
    })
}

/// What to do where the model refuses an article: a rebuild leaves none out, since nobody would miss it.
fn refused(error: Error) -> Error {
    if error.fault() == Fault::Caller {
        error.help(
            "the index stands as it was; let the model read more, or take the article out with `baowen delete`, and run \
             it again",
        )
    } else {
        error
    }
}

/// Takes all articles of an index into another one, with the table of their sources, and commits.
pub(super) fn copy_embedded(from: &EmbeddedIndex, to: &Ingest, budget: Budget) -> Result<Counts> {
    from.check_undamaged(budget)?;
    let mut counts = Counts::default();
    let mut batch = Batch::default();
    from.current().articles(budget, &mut |article| {
        batch.push(article);
        if batch.is_full(BATCH) {
            to.upsert_all(batch.take(), budget, &mut counts)?;
        }
        Ok(())
    })?;
    to.upsert_all(batch.take(), budget, &mut counts)?;
    to.set_source_table(from.source_table()?);
    to.commit()?;
    Ok(counts)
}
