//! The methods of `IndexService`: each reads its message, has the work done off the async workers, and waits for the
//! commit where it is asked to.
//!
//! Cutting and embedding of all callers run in one small pool of their own, so that searches keep their threads.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{self, Stream};
use tokio::sync::oneshot;
use tonic::{Request, Response, Status, Streaming};

use super::collection::{Collection, CollectionCell};
use super::convert::articles as convert;
use super::deadline::Deadline;
use super::pool::SearchPool;
use super::wire::index_service_server::IndexService;
use super::{status, wire};
use crate::article::source::Source;
use crate::compute::{Budget, late};
use crate::error::{Error, Result};
use crate::index::ingest::live::Change;
use crate::index::ingest::{Counts, Outcome};

/// Most articles, or ids, of one call.
const MAX_ARTICLES: usize = 1_000;
/// Most failures of an import that are named in its answer.
const MAX_FAILURES: usize = 1_000;
/// Most ids of deleted articles in an answer.
const MAX_DELETED: usize = 10_000;
/// Articles of a list in one message.
const LISTED: usize = 500;

/// `baowen.v1.IndexService` over an index.
#[derive(Clone)]
pub struct IndexCalls {
    cell: Arc<CollectionCell>,
    /// Where articles are cut and embedded.
    writing: Arc<SearchPool>,
    /// Where the index is described.
    describing: Arc<SearchPool>,
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
            cell,
            // Whoever is admitted waits; that they are not too many is for the bound before them.
            writing: Arc::new(SearchPool::new(at_a_time, usize::MAX)),
            describing: Arc::new(SearchPool::new(1, usize::MAX)),
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
        let work = move || {
            let collection = cell.get().ok_or_else(|| {
                Error::unavailable("the index is still being opened")
                    .help("send it again in a moment; the health service says SERVING when it is ready")
            })?;
            work(collection, budget)
        };
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

    async fn upsert(
        &self,
        request: wire::UpsertArticlesRequest,
        deadline: Option<Instant>,
    ) -> Result<wire::UpsertArticlesResponse> {
        check_count("articles", request.articles.len())?;
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

    async fn import(
        &self,
        mut messages: Streaming<wire::ImportArticlesRequest>,
        deadline: Option<Instant>,
    ) -> Result<wire::ImportArticlesResponse, Status> {
        let failed = |error: Error| status::to_status(&error);
        let (mut source, mut last) = (None, None);
        let (mut counts, mut failures, mut failed_count) = (Counts::default(), Vec::new(), 0);
        loop {
            let silent = || {
                Error::new(
                    crate::error::Fault::Deadline,
                    format!("nothing was sent for {} s", self.idle.as_secs()),
                )
                .help("what was taken so far is kept; send the rest in another call")
            };
            let next = tokio::time::timeout(self.idle, messages.message()).await;
            let Some(message) = next.map_err(|_| failed(silent()))?? else {
                break;
            };
            if let Some(named) = message.source {
                source = Some(convert::source(Some(named)).map_err(failed)?);
            }
            let source = source
                .clone()
                .map_or_else(|| convert::source(None), Ok)
                .map_err(failed)?;
            let taken = self.take(source, Given::new(message.articles), deadline).await;
            let (outcomes, change) = taken.map_err(failed)?;
            if last.is_some_and(|last: Change| last.session != change.session) {
                return Err(failed(lost()));
            }
            last = Some(change);
            for (id, outcome) in outcomes {
                match outcome {
                    Ok(outcome) => counts += outcome,
                    Err(_) => {
                        failed_count += 1;
                        if failures.len() < MAX_FAILURES {
                            failures.push(convert::result(id, &outcome));
                        }
                    }
                }
            }
        }
        let session = last.map(|change| change.session);
        let commit = self
            .with(&self.writing, deadline, move |collection, _| {
                collection.live()?.commit(session)
            })
            .await
            .map_err(failed)?;
        Ok(wire::ImportArticlesResponse {
            commit,
            ..convert::imported(&counts, failed_count, failures)
        })
    }

    async fn delete(
        &self,
        request: wire::DeleteArticlesRequest,
        deadline: Option<Instant>,
    ) -> Result<wire::DeleteArticlesResponse> {
        if request.article_ids.len() > MAX_ARTICLES {
            check_count("article_ids", request.article_ids.len())?;
        }
        let selection = convert::selection(request.article_ids, request.source, request.filter)?;
        let (selected, change) = if request.dry_run {
            let selected = self.with(&self.describing, deadline, move |collection, budget| {
                collection.selected(&selection, budget)
            });
            (selected.await?, None)
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
}

fn check_count(field: &str, count: usize) -> Result<()> {
    match count {
        1..=MAX_ARTICLES => Ok(()),
        _ => Err(
            Error::caller(format!("{field}: has {count} values, must have 1 to {MAX_ARTICLES}"))
                .help("send the rest in another call"),
        ),
    }
}

fn lost() -> Error {
    Error::unavailable("writing failed in the middle of the import, and what was not yet durable is lost")
        .help("send it again; what is there already costs nothing")
}

/// When the caller stops waiting, as [`super::deadline`] has found out, and the message.
fn parts<T>(request: Request<T>) -> (T, Option<Instant>) {
    let deadline = request.extensions().get::<Deadline>().map(|deadline| deadline.0);
    (request.into_inner(), deadline)
}

fn answered<T>(result: Result<T>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(|error| status::to_status(&error))
}

#[tonic::async_trait]
impl IndexService for IndexCalls {
    async fn upsert_articles(
        &self,
        request: Request<wire::UpsertArticlesRequest>,
    ) -> Result<Response<wire::UpsertArticlesResponse>, Status> {
        let (request, deadline) = parts(request);
        answered(self.upsert(request, deadline).await)
    }

    async fn import_articles(
        &self,
        request: Request<Streaming<wire::ImportArticlesRequest>>,
    ) -> Result<Response<wire::ImportArticlesResponse>, Status> {
        let (messages, deadline) = parts(request);
        self.import(messages, deadline).await.map(Response::new)
    }

    async fn delete_articles(
        &self,
        request: Request<wire::DeleteArticlesRequest>,
    ) -> Result<Response<wire::DeleteArticlesResponse>, Status> {
        let (request, deadline) = parts(request);
        answered(self.delete(request, deadline).await)
    }

    async fn commit(&self, request: Request<wire::CommitRequest>) -> Result<Response<wire::CommitResponse>, Status> {
        let (request, deadline) = parts(request);
        let commit = self.with(&self.writing, deadline, move |collection, _| {
            collection.live()?.commit(request.session)
        });
        answered(commit.await.map(|commit| wire::CommitResponse { commit }))
    }

    async fn stats(&self, request: Request<wire::StatsRequest>) -> Result<Response<wire::StatsResponse>, Status> {
        let (_, deadline) = parts(request);
        let stats = self.with(&self.describing, deadline, |collection, _| {
            Ok(convert::stats(
                collection.snapshot()?.about(),
                collection.live.is_some(),
            ))
        });
        answered(stats.await)
    }

    async fn list_sources(
        &self,
        request: Request<wire::ListSourcesRequest>,
    ) -> Result<Response<wire::ListSourcesResponse>, Status> {
        let (_, deadline) = parts(request);
        let sources = self.with(&self.describing, deadline, |collection, budget| {
            collection.sources(budget)
        });
        let out = |sources: Vec<super::collection::SourceCount>| wire::ListSourcesResponse {
            sources: sources
                .iter()
                .map(|count| wire::SourceStats {
                    source: Some(convert::source_out(&count.source)),
                    articles: count.articles,
                })
                .collect(),
        };
        answered(sources.await.map(out))
    }

    type ListArticlesStream = Pin<Box<dyn Stream<Item = Result<wire::ListArticlesResponse, Status>> + Send>>;

    async fn list_articles(
        &self,
        request: Request<wire::ListArticlesRequest>,
    ) -> Result<Response<Self::ListArticlesStream>, Status> {
        let (request, deadline) = parts(request);
        if request.article_ids.len() > MAX_ARTICLES {
            answered(check_count("article_ids", request.article_ids.len()))?;
        }
        let listed = self.with(&self.describing, deadline, move |collection, budget| {
            collection.articles(&request.source, &request.article_ids, budget)
        });
        let listed = listed.await.map_err(|error| status::to_status(&error))?;
        let messages: Vec<_> = listed
            .chunks(LISTED)
            .map(|chunk| {
                let articles = chunk.iter().map(|listed| wire::ListedArticle {
                    id: listed.id.clone(),
                    path: listed.path.clone(),
                    content: listed.content,
                });
                Ok(wire::ListArticlesResponse {
                    articles: articles.collect(),
                })
            })
            .collect();
        Ok(Response::new(Box::pin(stream::iter(messages))))
    }

    async fn snapshot(
        &self,
        request: Request<wire::SnapshotRequest>,
    ) -> Result<Response<wire::SnapshotResponse>, Status> {
        let (request, deadline) = parts(request);
        let made = self.with(&self.describing, deadline, move |collection, _| {
            collection.take_snapshot(&request.name)
        });
        answered(made.await.map(|made| wire::SnapshotResponse {
            path: made.path.display().to_string(),
            commit: made.commit,
            files: u32::try_from(made.files).unwrap_or(u32::MAX),
            copied: u32::try_from(made.copied).unwrap_or(u32::MAX),
        }))
    }
}
