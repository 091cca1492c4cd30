//! The calls of `IndexService`, whatever protocol they come in by: each reads its message, has the work done off the
//! async workers, and waits for the commit where it is asked to.
//!
//! Cutting and embedding of all callers run in one small pool of their own, so that searches keep their threads;
//! callers take turns there, and none has all of it while another one waits. What embeds nothing, commits and what
//! takes articles out, has a pool beside it and waits for no embedding.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use super::collection::{Collection, CollectionCell, opened};
use super::convert::articles as convert;
use super::describe_calls::DescribeCalls;
use super::ending::Ending;
use super::limits::Limits;
use super::pool::SearchPool;
use super::read_calls::ReadCalls;
use super::wire;
use crate::article::source::Source;
use crate::compute::{Budget, late};
use crate::error::{Error, Result};
use crate::index::Runs;
use crate::index::ingest::live::ChangeGroup;
use crate::index::ingest::{Outcome, now};

/// `baowen.v1.IndexService` over an index.
#[derive(Clone)]
pub struct IndexCalls {
    cell: Arc<CollectionCell>,
    /// Where articles are cut and embedded.
    writing: Arc<SearchPool>,
    /// Where articles are taken out and commits are made.
    committing: Arc<SearchPool>,
    /// What describes the index.
    pub describing: DescribeCalls,
    /// What reads files that were sent to be looked at.
    pub reading: ReadCalls,
    /// Where it is copied, which takes as long as the disk does.
    copying: Arc<SearchPool>,
    budget: Budget,
    pub(super) import_ends: ImportEnds,
}

/// What ends an import that its client does not end.
#[derive(Clone)]
pub struct ImportEnds {
    /// Of which how long it may wait for its client's next message.
    pub limits: Arc<Limits>,
    /// The end of the service.
    pub ending: Ending,
}

/// What became of each article of a call, by its id.
pub(super) type Outcomes = Vec<(String, Result<Outcome>)>;

impl IndexCalls {
    /// Calls about the index in `cell`, once it is open. At most `at_a_time` of them cut and embed at a time, each with
    /// `threads` threads.
    pub fn new(cell: Arc<CollectionCell>, at_a_time: usize, threads: usize, import_ends: ImportEnds) -> Self {
        IndexCalls {
            describing: DescribeCalls::new(cell.clone(), threads),
            reading: ReadCalls::new(cell.clone()),
            cell,
            // Whoever is admitted waits; that they are not too many is for the bound before them.
            writing: Arc::new(SearchPool::new(at_a_time, 0).leaving_room(at_a_time.saturating_sub(1))),
            committing: Arc::new(SearchPool::new(at_a_time, 0)),
            copying: Arc::new(SearchPool::new(1, 0)),
            budget: Budget::single().with_threads(threads),
            import_ends,
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
        pool.run_in_turn(deadline, move || work(opened(&cell)?, budget)).await
    }

    /// Takes articles of a source. Those that the wire garbled keep nobody else's out, nor do those that are not ready
    /// at `until`.
    pub(super) async fn take(
        &self,
        source: Source,
        articles: Vec<wire::Article>,
        until: Option<Instant>,
        deadline: Option<Instant>,
    ) -> Result<(Outcomes, ChangeGroup)> {
        let take = move |collection: &Collection, budget: Budget| {
            let budget = budget.until(until);
            let mut outcomes: Outcomes = Vec::with_capacity(articles.len());
            let (mut places, mut good) = (Vec::new(), Vec::new());
            for article in articles {
                let id = article.id.clone();
                let outcome = convert::article(article).map(|article| {
                    places.push(outcomes.len());
                    good.push(article);
                    Outcome::Unchanged
                });
                outcomes.push((id, outcome));
            }
            let taken = collection.live()?.upsert(&source, good, budget)?;
            for (place, outcome) in places.into_iter().zip(taken.outcomes) {
                outcomes[place].1 = outcome;
            }
            Ok((outcomes, taken.change))
        };
        self.with(&self.writing, deadline, take).await
    }

    /// Commits everything so far, with what runs did to their sources, if nothing was lost since the session began.
    pub(super) async fn commit_session(
        &self,
        session: Option<u64>,
        runs: Runs,
        deadline: Option<Instant>,
    ) -> Result<u64> {
        self.with(&self.committing, deadline, move |collection, _| {
            collection.live()?.commit_with(session, runs)
        })
        .await
    }

    /// The commit that makes a change durable.
    async fn durable(&self, change: ChangeGroup, deadline: Option<Instant>) -> Result<u64> {
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
        let (outcomes, change) = self.take(source, request.articles, deadline, deadline).await?;
        if let Some(failed) = failed_by_the_service(&outcomes) {
            return Err(failed);
        }
        let commit = if request.wait.unwrap_or(true) {
            Some(self.durable(change, deadline).await?)
        } else {
            None
        };
        let results = outcomes.into_iter().map(|(id, outcome)| convert::result(id, &outcome));
        Ok(wire::UpsertArticlesResponse {
            results: results.collect(),
            commit,
            session: change.session,
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
            let deleted = self.with(&self.committing, deadline, move |collection, budget| {
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
            missing_ids: selected.missing,
            session: change.map_or(0, |change| change.session),
            ..convert::deleted(selected.found.len(), selected.found, commit)
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
        let commit = self.commit_session(request.session, runs, deadline).await?;
        Ok(wire::CommitResponse { commit })
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
        Ok(convert::snapshot_made(&made))
    }
}

/// Why a call failed of which no article was taken, where it is the service's fault for all: such a call must not look
/// as if it went well, to monitors least of all.
fn failed_by_the_service(outcomes: &[(String, Result<Outcome>)]) -> Option<Error> {
    let own = |(_, outcome): &(String, Result<Outcome>)| outcome.as_ref().is_err_and(|e| !e.fault().is_callers());
    let first = outcomes.first().filter(|_| outcomes.iter().all(own))?;
    first.1.as_ref().err().cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn commits_and_deletes_wait_for_no_embedding() {
        let ends = ImportEnds {
            limits: Arc::default(),
            ending: crate::service::ending::ending().1,
        };
        let calls = IndexCalls::new(Arc::default(), 2, 1, ends);
        let mut held = Vec::new();
        for _ in 0..2 {
            let (writing, (release, released)) = (calls.writing.clone(), std::sync::mpsc::channel::<()>());
            let embed = async move { writing.run_in_turn(None, move || Ok(released.recv().is_ok())).await };
            held.push((tokio::spawn(embed), release));
        }
        while calls.writing.running() < 2 {
            tokio::task::yield_now().await;
        }
        // Not open: they came as far as the index. Where they waited for a slot they would run out of time.
        let deadline = Some(Instant::now() + std::time::Duration::from_secs(60));
        let commit = calls.commit(wire::CommitRequest::default(), deadline).await;
        assert!(commit.unwrap_err().message().contains("still being opened"));
        let request = wire::DeleteArticlesRequest {
            article_ids: vec!["a".into()],
            ..Default::default()
        };
        let deleted = calls.delete(request, deadline).await;
        assert!(deleted.unwrap_err().message().contains("still being opened"));
        for (embedding, release) in held {
            drop(release);
            assert!(!embedding.await.unwrap().unwrap());
        }
    }

    #[test]
    fn a_call_of_which_nothing_was_taken_fails_where_the_service_is_at_fault() {
        let disk = || Err(Error::unavailable("no space left"));
        let check = |outcomes: Vec<Result<Outcome>>, expected: Option<&str>| {
            let outcomes: Outcomes = outcomes.into_iter().map(|outcome| ("a".to_owned(), outcome)).collect();
            let failed = failed_by_the_service(&outcomes);
            assert_eq!(failed.as_ref().map(Error::message), expected);
        };
        check(vec![disk(), disk()], Some("no space left"));
        check(vec![disk(), Ok(Outcome::Unchanged)], None);
        check(vec![disk(), Err(Error::caller("id: is empty"))], None);
        check(Vec::new(), None);
    }
}
