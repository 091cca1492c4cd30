//! The calls of `IndexService`, whatever protocol they come in by: each reads its message, has the work done off the
//! async workers, and waits for the commit where it is asked to.
//!
//! Cutting and embedding of all callers run in one small pool of their own, so that searches keep their threads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{Stream, StreamExt};
use tokio::sync::oneshot;

use super::collection::{Collection, CollectionCell, opened};
use super::convert::articles as convert;
use super::describe_calls::DescribeCalls;
use super::pool::SearchPool;
use super::read_calls::ReadCalls;
use super::wire;
use crate::article::source::Source;
use crate::compute::{Budget, late};
use crate::error::{Error, Result};
use crate::index::ingest::live::Change;
use crate::index::ingest::{Counts, Outcome, Records, now};

/// Most failures of an import that are named in its answer.
const MAX_FAILURES: usize = 1_000;
/// Most ids of deleted articles in an answer.
const MAX_DELETED: usize = 10_000;

/// `baowen.v1.IndexService` over an index.
#[derive(Clone)]
pub struct IndexCalls {
    cell: Arc<CollectionCell>,
    /// Where articles are cut and embedded.
    writing: Arc<SearchPool>,
    /// What describes the index.
    pub describing: DescribeCalls,
    /// What reads files that were sent to be looked at.
    pub reading: ReadCalls,
    /// Where it is copied, which takes as long as the disk does.
    copying: Arc<SearchPool>,
    budget: Budget,
    /// How long an import may wait for its client's next message.
    idle: Duration,
}

/// Articles of a call, apart from those that the wire garbled.
struct Given {
    ids: Vec<String>,
    articles: Vec<Result<crate::model::Article>>,
}

impl Given {
    fn new(articles: Vec<wire::Article>) -> Given {
        Given {
            ids: articles.iter().map(|article| article.id.clone()).collect(),
            articles: articles.into_iter().map(convert::article).collect(),
        }
    }
}

impl IndexCalls {
    /// Calls about the index in `cell`, once it is open. At most `at_a_time` of them cut and embed at a time, each with
    /// `threads` threads.
    pub fn new(cell: Arc<CollectionCell>, at_a_time: usize, threads: usize, idle: Duration) -> Self {
        IndexCalls {
            describing: DescribeCalls::new(cell.clone(), threads),
            reading: ReadCalls::new(cell.clone()),
            cell,
            // Whoever is admitted waits; that they are not too many is for the bound before them.
            writing: Arc::new(SearchPool::new(at_a_time, usize::MAX)),
            copying: Arc::new(SearchPool::new(1, usize::MAX)),
            budget: Budget::single().with_threads(threads),
            idle,
        }
    }

    async fn with<T: Send + 'static>(
        &self,
        pool: &SearchPool,
        deadline: Option<Instant>,
        work: impl FnOnce(&Collection, Budget) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let cell = self.cell.clone();
        let budget = self.budget.until(deadline);
        let work = move || work(opened(&cell)?, budget);
        pool.run_when_room(deadline, work).await
    }

    /// Takes articles of a source.
    async fn take(
        &self,
        source: Source,
        given: Given,
        deadline: Option<Instant>,
    ) -> Result<(Vec<(String, Result<Outcome>)>, Change)> {
        let take = move |collection: &Collection, budget: Budget| {
            let mut outcomes: Vec<Result<Outcome>> = Vec::with_capacity(given.ids.len());
            let (mut places, mut good) = (Vec::new(), Vec::new());
            for article in given.articles {
                match article {
                    Ok(article) => {
                        places.push(outcomes.len());
                        good.push(article);
                        outcomes.push(Ok(Outcome::Unchanged));
                    }
                    Err(error) => outcomes.push(Err(error)),
                }
            }
            let taken = collection.live()?.upsert(&source, good, budget)?;
            for (place, outcome) in places.into_iter().zip(taken.outcomes) {
                outcomes[place] = outcome;
            }
            Ok((given.ids.into_iter().zip(outcomes).collect(), taken.change))
        };
        self.with(&self.writing, deadline, take).await
    }

    /// The commit that makes a change durable.
    async fn durable(&self, change: Change, deadline: Option<Instant>) -> Result<u64> {
        let (tell, told) = oneshot::channel();
        let ended = || Error::unavailable("the service is shutting down").help("send it again when it is back");
        let collection = self.cell.get().ok_or_else(ended)?;
        // Whoever is gone meanwhile is not told.
        let tell = move |result| drop(tell.send(result));
        collection.live()?.when_durable(change, Box::new(tell));
        let told = async { told.await.unwrap_or_else(|_| Err(ended())) };
        match deadline {
            Some(deadline) => tokio::time::timeout_at(deadline.into(), told)
                .await
                .unwrap_or_else(|_| Err(late())),
            None => told.await,
        }
    }

    /// Adds and replaces articles.
    ///
    /// # Errors
    /// `Caller` by the field; those of writing.
    pub async fn upsert(
        &self,
        request: wire::UpsertArticlesRequest,
        deadline: Option<Instant>,
    ) -> Result<wire::UpsertArticlesResponse> {
        convert::check_count("articles", request.articles.len())?;
        let source = convert::source(request.source)?;
        let (outcomes, change) = self.take(source, Given::new(request.articles), deadline).await?;
        let commit = match request.wait.unwrap_or(true) {
            true => Some(self.durable(change, deadline).await?),
            false => None,
        };
        let results = outcomes.into_iter().map(|(id, outcome)| convert::result(id, &outcome));
        Ok(wire::UpsertArticlesResponse {
            results: results.collect(),
            commit,
            session: change.session,
        })
    }

    /// Adds and replaces articles as they come.
    ///
    /// # Errors
    /// That of the stream; `Caller` by the field; those of writing; `Deadline` if nothing comes for long.
    pub async fn import<E: From<Error>>(
        &self,
        messages: impl Stream<Item = Result<wire::ImportArticlesRequest, E>>,
        deadline: Option<Instant>,
    ) -> Result<wire::ImportArticlesResponse, E> {
        let mut messages = std::pin::pin!(messages);
        let (mut source, mut last) = (None, None);
        let (mut counts, mut failures, mut failed_count) = (Counts::default(), Vec::new(), 0);
        let mut records = Records::default();
        loop {
            let silent = || {
                Error::new(
                    crate::error::Fault::Deadline,
                    format!("nothing was sent for {} s", self.idle.as_secs()),
                )
                .help("what was taken so far is kept; send the rest in another call")
            };
            let next = tokio::time::timeout(self.idle, messages.next()).await;
            let Some(message) = next.map_err(|_| silent())? else {
                break;
            };
            let message = message?;
            if let Some(named) = message.source {
                source = Some(convert::source(Some(named))?);
            }
            let source = source.clone().map_or_else(|| convert::source(None), Ok)?;
            let name = source.name.clone();
            let (outcomes, change) = self.take(source, Given::new(message.articles), deadline).await?;
            if last.is_some_and(|last: Change| last.session != change.session) {
                return Err(lost().into());
            }
            last = Some(change);
            for (id, outcome) in outcomes {
                match &outcome {
                    Ok(outcome) => {
                        counts += *outcome;
                        records.taken(&name, *outcome, false);
                    }
                    Err(error) => {
                        failed_count += 1;
                        records.skipped(name.clone(), &id, error.message());
                        if failures.len() < MAX_FAILURES {
                            failures.push(convert::result(id, &outcome));
                        }
                    }
                }
            }
        }
        let session = last.map(|change| change.session);
        let runs = records.finish();
        let commit = self
            .with(&self.writing, deadline, move |collection, _| {
                collection.live()?.commit_with(session, runs)
            })
            .await?;
        Ok(wire::ImportArticlesResponse {
            commit,
            ..convert::imported(&counts, failed_count, failures)
        })
    }

    /// Takes articles out.
    ///
    /// # Errors
    /// `Caller` by the field; those of writing.
    pub async fn delete(
        &self,
        request: wire::DeleteArticlesRequest,
        deadline: Option<Instant>,
    ) -> Result<wire::DeleteArticlesResponse> {
        if !request.article_ids.is_empty() {
            convert::check_count("article_ids", request.article_ids.len())?;
        }
        let selection = convert::selection(request.article_ids, request.source, request.filter)?;
        let (selected, change) = if request.dry_run {
            (self.describing.selected(selection, deadline).await?, None)
        } else {
            let deleted = self.with(&self.writing, deadline, move |collection, budget| {
                collection.delete(&selection, budget)
            });
            let deleted = deleted.await?;
            (deleted.selected, Some(deleted.change))
        };
        let commit = match change {
            Some(change) if request.wait.unwrap_or(true) => Some(self.durable(change, deadline).await?),
            _ => None,
        };
        Ok(wire::DeleteArticlesResponse {
            deleted: selected.found.len() as u64,
            article_ids: selected.found.into_iter().take(MAX_DELETED).collect(),
            missing_ids: selected.missing,
            commit,
            session: change.map_or(0, |change| change.session),
        })
    }

    /// Makes everything that was taken durable.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn commit(
        &self,
        request: wire::CommitRequest,
        deadline: Option<Instant>,
    ) -> Result<wire::CommitResponse> {
        let runs = convert::runs(request.runs, now())?;
        let commit = self.with(&self.writing, deadline, move |collection, _| {
            collection.live()?.commit_with(request.session, runs)
        });
        commit.await.map(|commit| wire::CommitResponse { commit })
    }

    /// Writes the newest commit into a folder.
    ///
    /// # Errors
    /// `Precondition` if there is no folder for it; those of writing files.
    pub async fn snapshot(
        &self,
        request: wire::SnapshotRequest,
        deadline: Option<Instant>,
    ) -> Result<wire::SnapshotResponse> {
        let made = self.with(&self.copying, deadline, move |collection, _| {
            collection.take_snapshot(&request.name)
        });
        let made = made.await?;
        Ok(wire::SnapshotResponse {
            path: made.path.display().to_string(),
            commit: made.commit,
            files: u32::try_from(made.files).unwrap_or(u32::MAX),
            copied: u32::try_from(made.copied).unwrap_or(u32::MAX),
        })
    }
}

fn lost() -> Error {
    Error::unavailable("writing failed in the middle of the import, and what was not yet durable is lost")
        .help("send it again; what is there already costs nothing")
}
