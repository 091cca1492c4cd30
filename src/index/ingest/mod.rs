//! Articles into an index: who is new, what is prepared and written, when it is committed, what is made afterwards.
//!
//! [`Ingest`] is what callers share: each gets an outcome for each of its articles, and what fails for one caller fails
//! for no other. [`run`] reads files through it, [`maintain`] makes what speeds searches up. Nothing here prints; a
//! caller that wants to show progress gives a [`Progress`].

mod batch;
mod changes;
mod commits;
pub mod destination;
mod group;
pub mod live;
pub mod maintain;
pub mod rebuild;
mod records;
pub mod run;
pub mod selection;
pub mod summary;
pub mod target;
#[cfg(feature = "milvus")]
pub mod through;

pub use changes::{Held, content as content_fingerprint};
pub use records::{Records, now};

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::backend::Writer;
use super::embedded::{EmbeddedIndex, EmbeddedWriter, WriteLock, check_article_id};
use super::prepare::{Rules, fingerprint, prepare};
use super::source_table::SourceTable;
use crate::article::source::Sources;
use crate::compute::Budget;
use crate::error::Result;
use crate::model::Article;

/// What became of an article that was not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was not there before and has so many passages.
    Added(usize),
    /// It replaced an earlier text and has so many passages.
    Updated(usize),
    /// It was there as it is; nothing was written.
    Unchanged,
}

/// How many articles were added, updated or left as they were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Articles that were not there before.
    pub added: usize,
    /// Articles that replaced an earlier text.
    pub updated: usize,
    /// Articles that were there as they are.
    pub unchanged: usize,
    /// Passages written.
    pub passages: usize,
}

impl std::ops::AddAssign<Outcome> for Counts {
    fn add_assign(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Added(passages) => {
                self.added += 1;
                self.passages += passages;
            }
            Outcome::Updated(passages) => {
                self.updated += 1;
                self.passages += passages;
            }
            Outcome::Unchanged => self.unchanged += 1,
        }
    }
}

impl FromIterator<Outcome> for Counts {
    fn from_iter<I: IntoIterator<Item = Outcome>>(outcomes: I) -> Self {
        let mut counts = Counts::default();
        outcomes.into_iter().for_each(|outcome| counts += outcome);
        counts
    }
}

/// Is told how far long work has come. Calls may come from any thread.
pub trait Progress: Sync {
    /// `done` of `total` bytes are read; `counts` is what became of the articles up to here.
    fn read(&self, done: u64, total: u64, counts: &Counts) {
        let _ = (done, total, counts);
    }

    /// Something is left out; the text names it and says why.
    fn skipped(&self, what: &str) {
        let _ = what;
    }

    /// Something was read, but not as it should be; the text names it.
    fn noticed(&self, what: &str) {
        let _ = what;
    }

    /// A commit is finished: durable, and seen by whoever opens the index from now on.
    fn committed(&self) {}

    /// `done` of `total` vectors are in their graphs.
    fn graphs(&self, done: usize, total: usize) {
        let _ = (done, total);
    }
}

/// Reports nothing.
impl Progress for () {}

/// The one way of articles into an index, for any number of callers at the same time.
pub struct Ingest<W = EmbeddedWriter> {
    rules: Rules,
    writer: Mutex<W>,
}

impl Ingest {
    /// Takes the writer's lock of an embedded index.
    ///
    /// # Errors
    /// [`Fault::Precondition`](crate::error::Fault::Precondition) if another program writes, or the rules are not those
    /// of the index; `Unavailable` if the index keeps vectors and the rules have no embedder.
    pub fn open(index: &Arc<EmbeddedIndex>, rules: Rules) -> Result<Ingest> {
        let rules = rules_for(index, rules)?;
        Ok(Ingest::new(index.writer()?, rules))
    }

    /// The writer and the rules by themselves.
    pub(super) fn into_parts(self) -> (EmbeddedWriter, Rules) {
        (
            self.writer.into_inner().unwrap_or_else(PoisonError::into_inner),
            self.rules,
        )
    }

    /// As [`Ingest::open`], under a lock that is held already.
    ///
    /// # Errors
    /// As [`Ingest::open`].
    pub fn open_under(lock: &Arc<WriteLock>, index: &Arc<EmbeddedIndex>, rules: Rules) -> Result<Ingest> {
        let rules = rules_for(index, rules)?;
        Ok(Ingest::new(index.writer_under(lock)?, rules))
    }
}

/// The rules as far as they are the index's.
fn rules_for(index: &EmbeddedIndex, rules: Rules) -> Result<Rules> {
    let embedder = rules.embedder.as_ref().map(|e| (e.identity(), e.dimension()));
    index.check_identity(rules.analyzer.fingerprint(), embedder)?;
    let identity = index.identity();
    rules.check_vectors_of(identity, &format!("the index in {}", index.folder().display()))?;
    Ok(Rules {
        embedder: rules.embedder.filter(|_| identity.dimension > 0),
        ..rules
    })
}

impl<W: Writer> Ingest<W> {
    /// Prepares by these rules, which must be the index's, and writes with this writer.
    pub fn new(writer: W, rules: Rules) -> Self {
        Ingest {
            rules,
            writer: Mutex::new(writer),
        }
    }

    pub(super) fn writer(&self) -> MutexGuard<'_, W> {
        // Poisoned or not, an article is in the writer as a whole or not at all.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes these the sources of the index with the next commit.
    pub fn set_sources(&self, sources: Sources) {
        *self.writer().sources() = sources;
    }

    /// Makes this the table of sources with the next commit.
    pub fn set_source_table(&self, table: SourceTable) {
        *self.writer().source_table() = table;
    }

    /// Adds articles, or replaces those of the same id; the unchanged cost a lookup. One result for each, in their
    /// order: what is refused or fails leaves the others alone. Cutting, analysing and embedding take the budget's
    /// threads and hold up no other caller.
    pub fn upsert(&self, articles: Vec<Article>, budget: Budget) -> Vec<Result<Outcome>> {
        self.upsert_if(articles, budget, |_, _| Ok(()), |_| ()).0
    }

    /// As [`Ingest::upsert`], for whoever goes on with none after the first that fails.
    ///
    /// # Errors
    /// Its error.
    fn upsert_all(&self, articles: Vec<Article>, budget: Budget, counts: &mut Counts) -> Result<()> {
        for outcome in self.upsert(articles, budget) {
            *counts += outcome?;
        }
        Ok(())
    }

    /// As [`Ingest::upsert`], but an article that `may` refuses stays out; it is asked before the work and again before
    /// the writing. `then` sees the writer before anybody else writes.
    pub(super) fn upsert_if<T>(
        &self,
        articles: Vec<Article>,
        budget: Budget,
        may: impl Fn(&mut W, &Article) -> Result<()>,
        then: impl FnOnce(&mut W) -> T,
    ) -> (Vec<Result<Outcome>>, T) {
        let mut fresh = Vec::new();
        let mut results: Vec<Result<Outcome>> = Vec::with_capacity(articles.len());
        // Before the writer is locked: it takes as long as the articles are.
        let hashes: Vec<Result<u64>> = articles.iter().map(fingerprint).collect();
        {
            let mut writer = self.writer();
            for (article, hash) in articles.into_iter().zip(hashes) {
                let differs = || {
                    check_article_id(&article.id)?;
                    may(&mut writer, &article)?;
                    let hash = hash?;
                    Ok((writer.hash(&article.id)? != Some(hash)).then_some(hash))
                };
                let differs = differs();
                if let Ok(Some(hash)) = differs {
                    fresh.push((results.len(), (article, hash)));
                }
                // What differs gets its outcome below.
                results.push(differs.map(|_| Outcome::Unchanged));
            }
        }
        let (places, fresh): (Vec<usize>, Vec<_>) = fresh.into_iter().unzip();
        let prepared = prepare(&self.rules, fresh, budget);
        // What nobody waits for any more is not written either.
        let in_time = budget.check();
        let mut writer = self.writer();
        for (place, prepared) in places.into_iter().zip(prepared) {
            results[place] = in_time.clone().and(prepared).and_then(|article| {
                // Asked again: another caller, or the same article earlier in this call, may have come first.
                may(&mut writer, &article.article)?;
                let known = writer.hash(&article.article.id)?;
                if known == Some(article.hash) {
                    return Ok(Outcome::Unchanged);
                }
                let passages = article.passages.len();
                writer.upsert(article)?;
                Ok(match known {
                    None => Outcome::Added(passages),
                    Some(_) => Outcome::Updated(passages),
                })
            });
        }
        let then = then(&mut writer);
        (results, then)
    }

    /// Removes articles; unknown ids are no error. Returns how many were there.
    pub fn delete<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> Result<usize> {
        let mut writer = self.writer();
        let mut removed = 0;
        for id in ids {
            removed += usize::from(writer.delete(id)?);
        }
        Ok(removed)
    }

    /// Makes everything so far durable and visible, all of it or none: where that fails, or an article could not be
    /// written before, all since the last commit is taken back. Returns the commit's stamp.
    pub fn commit(&self) -> Result<u64> {
        let mut writer = self.writer();
        let committed = writer.commit();
        if committed.is_err() {
            // Where that fails, too, the writer goes on refusing.
            let _ = writer.rollback();
        }
        committed
    }

    /// The writer back, for what only its own kind can do.
    pub fn into_writer(self) -> W {
        self.writer.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
