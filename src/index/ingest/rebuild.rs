//! Which index is written to: the one that counts, or one beside it that takes its place in one step when it is done.
//!
//! Beside it are made: a rebuild from files, a rebuild from the articles that the index keeps, and an index of words
//! alone that gets vectors. Until the end everyone is answered from what was there.

use std::path::Path;
use std::sync::Arc;

use super::maintain::maintain_fully;
use super::summary::Summary;
use super::{Counts, Ingest, Progress};
use crate::compute::Budget;
use crate::error::{Error, Fault, Result};
use crate::index::backend::Backend;
use crate::index::embedded::{EmbeddedIndex, WriteLock};
use crate::index::prepare::Rules;
use crate::model::Article;

/// Articles that are made ready together.
const BATCH: usize = 128;

/// An index to write to, with its folder's lock.
pub struct Target {
    pub(super) lock: Arc<WriteLock>,
    pub(super) index: Arc<EmbeddedIndex>,
    /// Whether it has still to take its place.
    beside: bool,
}

impl Target {
    /// The index of a folder, made if need be; `anew` leaves what is there aside. An index of words alone is made again
    /// with vectors if the rules can make them.
    ///
    /// # Errors
    /// `Precondition` if another program writes or the index is of other rules, whatever [`EmbeddedIndex::open`] says.
    pub fn open(folder: &Path, rules: &Rules, anew: bool, budget: Budget) -> Result<Target> {
        let lock = Arc::new(WriteLock::take(folder)?);
        let beside = |lock: &WriteLock| EmbeddedIndex::create_beside(lock, &rules.identity());
        if anew {
            let index = beside(&lock)?;
            return Ok(Target {
                lock,
                index,
                beside: true,
            });
        }
        let index = match EmbeddedIndex::open(folder) {
            Err(error) if error.fault() == Fault::Missing => {
                let index = beside(&lock)?;
                index.publish(&lock)?;
                index
            }
            opened => opened?,
        };
        if index.identity().dimension > 0 || rules.embedder.is_none() {
            return Ok(Target {
                lock,
                index,
                beside: false,
            });
        }
        index.check_identity(rules.analyzer.fingerprint(), None)?;
        let with_vectors = beside(&lock)?;
        copy(
            &index,
            &Ingest::open_under(&lock, &with_vectors, rules.clone())?,
            budget,
        )?;
        Ok(Target {
            lock,
            index: with_vectors,
            beside: true,
        })
    }

    /// The index.
    pub fn index(&self) -> &Arc<EmbeddedIndex> {
        &self.index
    }

    /// Lets the index take its place, if it has not.
    pub fn finish(self) -> Result<()> {
        match self.beside {
            true => self.index.publish(&self.lock),
            false => Ok(()),
        }
    }
}

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
    if old.identity().dimension > 0 && rules.embedder.is_none() && !without_vectors {
        return Err(Error::unavailable(format!(
            "the index in {} keeps vectors of `{}`, and that model is not here",
            folder.display(),
            old.identity().embedder
        ))
        .help("put it there with `baowen model fetch` or `baowen model import`, make them with another one by --model NAME, or give them up with --no-vectors"));
    }
    let index = EmbeddedIndex::create_beside(&lock, &rules.identity())?;
    let ingest = Ingest::open_under(&lock, &index, rules)?;
    let counts = copy(&old, &ingest, budget)?;
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

/// Takes all articles of an index into another one, with the table of their sources, and commits.
fn copy(from: &EmbeddedIndex, to: &Ingest, budget: Budget) -> Result<Counts> {
    from.check_undamaged()?;
    let mut counts = Counts::default();
    let mut batch: Vec<Article> = Vec::with_capacity(BATCH);
    let mut take = |batch: &mut Vec<Article>| -> Result<()> {
        budget.check()?;
        for outcome in to.upsert(std::mem::take(batch), budget) {
            counts += outcome?;
        }
        Ok(())
    };
    from.current().articles(&mut |article| {
        batch.push(article);
        match batch.len() >= BATCH {
            true => take(&mut batch),
            false => Ok(()),
        }
    })?;
    take(&mut batch)?;
    to.set_sources(from.sources()?);
    to.commit()?;
    Ok(counts)
}
