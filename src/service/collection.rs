//! The index as the service describes it and writes to it, in core types. Runs on the calling thread and may take all
//! its time; knows no protocol.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use crate::article::source::Source;
use crate::compute::Budget;
use crate::error::{Error, Result};
use crate::index::ingest::content_fingerprint;
use crate::index::ingest::live::{Deleted, Live};
use crate::index::ingest::selection::{Selected, Selection};
use crate::index::{Backend, Snapshot, SourceRun, SourceTable};
use crate::model::{Article, Filter, Origin};
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
    /// What the last run did that wrote to it, where it is known.
    pub last_run: Option<SourceRun>,
}

/// Which articles are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The source they belong to; none for any.
    pub source: Option<String>,
    /// Those of which a passage passes.
    pub filter: Filter,
    /// At most so many, with what is known of each; all of them by name and place alone if not set.
    pub page_size: Option<usize>,
    /// Those that come after this id.
    pub after: String,
}

/// An article by its name and place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// The source it belongs to, and where in that it was read.
    pub origin: Option<Origin>,
    /// What it says, as [`content_fingerprint`] has it; where it was asked for.
    pub content: Option<u64>,
    /// The article itself, without its text; on a page.
    pub about: Option<Article>,
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
        // Read once, so that both are of one commit.
        let SourceTable { sources, mut runs } = self.backend.source_table()?;
        let mut counts: Vec<_> = sources
            .iter()
            .map(|source| SourceCount {
                source: source.clone(),
                articles: 0,
                last_run: runs.remove(&source.name),
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

    /// The articles that a listing names, sorted by id, and whether there are more behind them.
    ///
    /// # Errors
    /// `Missing` for a source that is none; those of the index.
    pub fn listed(&self, listing: &Listing, budget: Budget) -> Result<(Vec<Listed>, bool)> {
        self.check_source(listing.source.as_deref())?;
        let snapshot = self.snapshot()?;
        let filter = understood(&listing.filter, &self.analyzer)?;
        let passing = if filter.is_empty() {
            None
        } else {
            Some(snapshot.passing(&filter, budget)?)
        };
        let most = listing.page_size.unwrap_or(usize::MAX);
        let mut found: BTreeMap<String, Option<Origin>> = BTreeMap::new();
        let mut has_more = false;
        snapshot.origins(budget, &mut |id, origin| {
            let is_of_source = |source: &String| origin.as_ref().is_some_and(|origin| origin.source == *source);
            let is_named = id > listing.after.as_str()
                && listing.source.as_ref().is_none_or(is_of_source)
                && passing.as_ref().is_none_or(|passing| passing.contains_key(id));
            if is_named {
                found.insert(id.to_owned(), origin);
                // No more are held than are wanted, however many there are.
                if found.len() > most {
                    found.pop_last();
                    has_more = true;
                }
            }
            Ok(())
        })?;
        let mut listed = Vec::with_capacity(found.len());
        for (id, origin) in found {
            let about = match listing.page_size {
                None => None,
                Some(_) => {
                    budget.check()?;
                    snapshot.article(&id, budget)?.map(|article| Article {
                        text: String::new(),
                        ..article
                    })
                }
            };
            listed.push(Listed {
                id,
                origin,
                about,
                ..Listed::default()
            });
        }
        Ok((listed, has_more))
    }

    /// Those of these articles that are there and of a source (of any, if none is named), sorted by id, with what they
    /// say.
    pub fn fingerprinted(&self, source: Option<&str>, ids: &[String], budget: Budget) -> Result<Vec<Listed>> {
        self.check_source(source)?;
        let snapshot = self.snapshot()?;
        let mut listed = Vec::new();
        for id in ids {
            budget.check()?;
            let Some(article) = snapshot.article(id, budget)? else {
                continue;
            };
            let is_of = |source: &str| article.origin.as_ref().is_some_and(|origin| origin.source == source);
            if source.is_none_or(is_of) {
                listed.push(Listed {
                    id: id.clone(),
                    content: Some(content_fingerprint(&article)?),
                    origin: article.origin,
                    about: None,
                });
            }
        }
        listed.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(listed)
    }

    /// What a selection names in the newest commit, for whoever asks what would go.
    pub fn selected(&self, selection: &Selection, budget: Budget) -> Result<Selected> {
        let selection = self.understood(selection)?;
        self.check_source(selection.source.as_deref())?;
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

    /// Refuses a source that is not there.
    fn check_source(&self, name: Option<&str>) -> Result<()> {
        match name {
            Some(name) if self.backend.sources()?.get(name).is_none() => {
                Err(Error::missing(format!("source: there is none of the name `{name}`")))
            }
            _ => Ok(()),
        }
    }

    fn understood(&self, selection: &Selection) -> Result<Selection> {
        Ok(Selection {
            filter: understood(&selection.filter, &self.analyzer)?,
            ..selection.clone()
        })
    }
}
