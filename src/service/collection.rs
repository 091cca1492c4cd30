//! The index as the service describes it and writes to it, in core types. Runs on the calling thread and may take all its
//! time; knows no protocol.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use crate::article::source::Source;
use crate::compute::Budget;
use crate::error::{Error, Result};
use crate::index::ingest::content_fingerprint;
use crate::index::ingest::live::{Deleted, Live};
use crate::index::ingest::selection::{Selected, Selection};
use crate::index::{Backend, Snapshot};
use crate::search::understood;
use crate::text::Analyzer;

/// A place for an index that is not open yet.
pub type CollectionCell = OnceLock<Collection>;

/// A snapshot that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotMade {
    /// Its folder.
    pub path: PathBuf,
    /// The commit it holds.
    pub commit: u64,
    /// Files in it.
    pub files: usize,
    /// Of these: copied, since they could not be linked.
    pub copied: usize,
}

/// Writes the newest commit into a new folder of this name.
pub type TakeSnapshot = Box<dyn Fn(&str) -> Result<SnapshotMade> + Send + Sync>;

/// An index of one service.
pub struct Collection {
    /// What is searched.
    pub backend: Arc<dyn Backend>,
    /// What reads the names in filters.
    pub analyzer: Arc<Analyzer>,
    /// What writes; none if the service only reads.
    pub live: Option<Arc<Live>>,
    /// How snapshots are made, if they may be.
    pub snapshots: Option<TakeSnapshot>,
}

/// A source with what the index holds of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceCount {
    /// The source.
    pub source: Source,
    /// Its articles.
    pub articles: u64,
}

/// An article by its name and place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// Where in its source it was read.
    pub path: String,
    /// What it says, as [`content_fingerprint`] has it.
    pub content: Option<u64>,
}

/// The index, once it is open.
///
/// # Errors
/// `Unavailable` before that.
pub fn opened(cell: &CollectionCell) -> Result<&Collection> {
    cell.get().ok_or_else(|| {
        Error::unavailable("the index is still being opened")
            .help("send it again in a moment; the health service says SERVING when it is ready")
    })
}

impl Collection {
    /// What writes.
    ///
    /// # Errors
    /// `Precondition` if the service only reads.
    pub fn live(&self) -> Result<&Arc<Live>> {
        self.live.as_ref().ok_or_else(|| {
            Error::precondition("this service only reads")
                .help("start it with `baowen serve --write` to write through it")
        })
    }

    /// What is searched now.
    pub fn snapshot(&self) -> Result<Arc<dyn Snapshot>> {
        self.backend.snapshot()
    }

    /// The sources of the newest commit with how many articles each has.
    pub fn sources(&self, budget: Budget) -> Result<Vec<SourceCount>> {
        let sources = self.backend.sources()?;
        let mut counts: Vec<_> = sources
            .iter()
            .map(|source| SourceCount {
                source: source.clone(),
                articles: 0,
            })
            .collect();
        let places = counts.iter().map(|count| count.source.name.clone()).zip(0..);
        let places: HashMap<String, usize> = places.collect();
        self.snapshot()?.origins(budget, &mut |_, origin| {
            let place = origin.and_then(|origin| places.get(&origin.source));
            place.into_iter().for_each(|&place| counts[place].articles += 1);
            Ok(())
        })?;
        Ok(counts)
    }

    /// The articles of a source, sorted by id, or those of these ids with what they say.
    pub fn articles(&self, source: &str, ids: &[String], budget: Budget) -> Result<Vec<Listed>> {
        let snapshot = self.snapshot()?;
        let mut listed = Vec::new();
        if ids.is_empty() {
            snapshot.origins(budget, &mut |id, origin| {
                if let Some(origin) = origin.filter(|origin| origin.source == source) {
                    listed.push(Listed {
                        id: id.to_string(),
                        path: origin.path,
                        content: None,
                    });
                }
                Ok(())
            })?;
        }
        for id in ids {
            let article = snapshot.article(id)?;
            if let Some(article) = article
                && let Some(origin) = article.origin.as_ref().filter(|origin| origin.source == source)
            {
                listed.push(Listed {
                    id: id.clone(),
                    path: origin.path.clone(),
                    content: Some(content_fingerprint(&article)?),
                });
            }
        }
        listed.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(listed)
    }

    /// What a selection names in the newest commit, for whoever asks what would go.
    pub fn selected(&self, selection: &Selection, budget: Budget) -> Result<Selected> {
        let selection = self.understood(selection)?;
        if let Some(name) = &selection.source
            && self.backend.sources()?.get(name).is_none()
        {
            return Err(Error::missing(format!("source: there is none of the name `{name}`")));
        }
        selection.find(&*self.snapshot()?, budget)
    }

    /// Takes out what a selection names.
    pub fn delete(&self, selection: &Selection, budget: Budget) -> Result<Deleted> {
        let selection = self.understood(selection)?;
        self.live()?.delete(&selection, budget)
    }

    /// Writes the newest commit into a new folder of this name.
    ///
    /// # Errors
    /// `Precondition` if no folder for snapshots was named.
    pub fn take_snapshot(&self, name: &str) -> Result<SnapshotMade> {
        let take = self.snapshots.as_ref().ok_or_else(|| {
            Error::precondition("this service has no folder for snapshots").help(
                "name one with `baowen serve --snapshots DIR`, or use `baowen snapshot DIR --index DIR` on its machine",
            )
        })?;
        take(name)
    }

    fn understood(&self, selection: &Selection) -> Result<Selection> {
        Ok(Selection {
            filter: understood(&selection.filter, &self.analyzer)?,
            ..selection.clone()
        })
    }
}
