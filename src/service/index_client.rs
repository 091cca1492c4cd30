//! The other end of `IndexService`, for the command line: one connection, articles and sources in core types.
//!
//! Splits what it is given by bytes and numbers, so that no message is larger than a service takes; waits where the
//! service is full. Nothing it sends is durable before [`IndexClient::commit`].

use std::path::PathBuf;
use std::time::Duration;

use tonic::{Code, Status};

use super::client::{ConnectOptions, Way};
use super::collection::{Listed, SnapshotMade};
use super::convert::articles as convert;
use super::wire::index_service_client::IndexServiceClient;
use super::{client, status, wire};
use crate::article::source::{Source, Sources};
use crate::error::{Error, Fault, Result};
use crate::index::Runs;
use crate::index::ingest::Outcome;
use crate::index::ingest::selection::{Selected, Selection};
use crate::model::{Article, Origin};

/// Most bytes of articles in one message; an article that is larger goes alone.
const MESSAGE_BYTES: usize = 256 << 10;
/// Most articles in one message, and ids in one request.
const MESSAGE_ARTICLES: usize = 100;
/// What an article takes beside its texts.
const ARTICLE_BYTES: usize = 64;
/// How often, and after how long, it asks again where the service is full: for a minute. Not measured.
const TRIES: usize = 300;
const PAUSE: Duration = Duration::from_millis(200);

/// A connection to a service that writes. Clones share it.
#[derive(Debug, Clone)]
pub struct IndexClient {
    inner: IndexServiceClient<Way>,
}

/// What an index is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// Articles.
    pub articles: u64,
    /// Passages.
    pub passages: u64,
    /// Whether it keeps no vectors.
    pub without_vectors: bool,
    /// Whether the service writes to it.
    pub writes: bool,
}

/// What was taken out, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    /// How many articles.
    pub count: usize,
    /// Their ids as far as they were said, and those that are not there.
    pub selected: Selected,
    /// The last commit that made it durable; none if nothing was taken out.
    pub commit: Option<u64>,
}

impl IndexClient {
    /// Connects to a service.
    ///
    /// # Errors
    /// `Caller` if the address is none, `Unavailable` if nothing answers there.
    pub async fn connect(options: impl Into<ConnectOptions>) -> Result<Self> {
        let inner = IndexServiceClient::new(client::channel(&options.into()).await?);
        Ok(IndexClient {
            inner: inner.max_decoding_message_size(client::MAX_RESPONSE_BYTES),
        })
    }

    /// What the index is now.
    pub async fn totals(&mut self) -> Result<Totals> {
        let stats = self
            .inner
            .stats(wire::StatsRequest {})
            .await
            .map_err(failed)?
            .into_inner();
        Ok(Totals {
            articles: stats.articles,
            passages: stats.passages,
            without_vectors: stats.model.is_empty(),
            writes: stats.writes,
        })
    }

    /// The sources of the index.
    pub async fn sources(&mut self) -> Result<Sources> {
        let request = wire::ListSourcesRequest {};
        let listed = self.inner.list_sources(request).await.map_err(failed)?.into_inner();
        let mut sources = Sources::default();
        for stats in listed.sources {
            sources.give(&convert::source(stats.source)?)?;
        }
        Ok(sources)
    }

    /// The articles of a source with where they were read; of these ids only, with what they say, if any are named.
    /// A source that is not there has none.
    pub async fn articles(&mut self, source: &str, ids: &[String]) -> Result<Vec<Listed>> {
        // All of them, or some at a time.
        let chunks = match ids {
            [] => vec![ids],
            ids => ids.chunks(MESSAGE_ARTICLES).collect(),
        };
        let mut all = Vec::new();
        for ids in chunks {
            let request = wire::ListArticlesRequest {
                source: source.to_owned(),
                article_ids: ids.to_vec(),
                ..Default::default()
            };
            let mut messages = match self.inner.list_articles(request).await {
                Ok(listed) => listed.into_inner(),
                // The first articles of a source make it.
                Err(status) if status.code() == Code::NotFound => return Ok(all),
                Err(status) => return Err(failed(status)),
            };
            while let Some(message) = messages.message().await.map_err(failed)? {
                all.extend(message.articles.into_iter().map(|listed| Listed {
                    id: listed.id,
                    origin: Some(Origin {
                        source: source.to_owned(),
                        path: listed.path,
                    }),
                    content: listed.content,
                    about: None,
                }));
            }
        }
        Ok(all)
    }

    /// Gives articles to a source: one outcome for each, in their order, and the session in which all were taken.
    ///
    /// # Errors
    /// What ended a call as a whole; `Unavailable` also if the service began anew in between, so that some may be lost.
    pub async fn upsert(
        &mut self,
        source: &Source,
        articles: Vec<Article>,
    ) -> Result<(Vec<Result<Outcome>>, Option<u64>)> {
        let (mut outcomes, mut session) = (Vec::with_capacity(articles.len()), None);
        for articles in messages(articles) {
            let count = articles.len();
            let request = wire::UpsertArticlesRequest {
                source: Some(convert::source_out(source)),
                articles: articles.into_iter().map(convert::article_out).collect(),
                wait: Some(false),
            };
            let client = &self.inner;
            let upsert = || {
                let (mut client, request) = (client.clone(), request.clone());
                async move { client.upsert_articles(request).await }
            };
            let answer = when_there_is_room(upsert).await?;
            if answer.results.len() != count {
                return Err(Error::corrupt(format!(
                    "{count} articles came back as {} results",
                    answer.results.len()
                )));
            }
            if session.is_some_and(|session| session != answer.session) {
                return Err(began_anew());
            }
            session = Some(answer.session);
            outcomes.extend(answer.results.into_iter().map(convert::outcome));
        }
        Ok((outcomes, session))
    }

    /// Takes articles out, durably, or says which would go. Many ids go in several calls, each of which is durable by
    /// itself.
    pub async fn delete(&mut self, selection: &Selection, dry_run: bool) -> Result<Removed> {
        let mut removed = Removed::default();
        // All that the rest names, or some ids at a time.
        let chunks = match &*selection.ids {
            [] => vec![Vec::new()],
            ids => ids.chunks(MESSAGE_ARTICLES).map(<[String]>::to_vec).collect(),
        };
        for ids in chunks {
            let some = Selection {
                ids,
                ..selection.clone()
            };
            let request = convert::selection_out(&some, dry_run);
            let client = &self.inner;
            let delete = || {
                let (mut client, request) = (client.clone(), request.clone());
                async move { client.delete_articles(request).await }
            };
            let answer = when_there_is_room(delete).await.map_err(|error| match removed.count {
                0 => error,
                deleted => error.context(format!("{deleted} articles are deleted already")),
            })?;
            removed.count += usize::try_from(answer.deleted).unwrap_or(usize::MAX);
            removed.selected.found.extend(answer.article_ids);
            removed.selected.missing.extend(answer.missing_ids);
            removed.commit = answer.commit;
        }
        Ok(removed)
    }

    /// [`IndexClient::delete`] for any number of ids; those that are not there are no error.
    pub async fn delete_ids(&mut self, ids: &[String]) -> Result<usize> {
        if ids.is_empty() {
            return Ok(0);
        }
        let selection = Selection {
            ids: ids.to_vec(),
            ..Selection::default()
        };
        Ok(self.delete(&selection, false).await?.count)
    }

    /// Makes everything durable that was taken in this session, with what runs did to their sources. Returns the
    /// commit's stamp.
    ///
    /// # Errors
    /// `Precondition` if the service began another session since.
    pub async fn commit(&mut self, session: Option<u64>, runs: &Runs) -> Result<u64> {
        let runs: Vec<_> = runs.iter().map(|(source, run)| convert::run_out(source, run)).collect();
        // Some at a time; one commit at least.
        let mut chunks = runs.chunks(MESSAGE_ARTICLES);
        let mut runs = chunks.next().unwrap_or_default();
        loop {
            let client = &self.inner;
            let commit = || {
                let (mut client, runs) = (client.clone(), runs.to_vec());
                async move { client.commit(wire::CommitRequest { session, runs }).await }
            };
            let stamp = when_there_is_room(commit).await?.commit;
            match chunks.next() {
                Some(more) => runs = more,
                None => return Ok(stamp),
            }
        }
    }

    /// Has the newest commit written into a new folder of this name, among the service's snapshots.
    pub async fn snapshot(&mut self, name: &str) -> Result<SnapshotMade> {
        let request = wire::SnapshotRequest { name: name.to_owned() };
        let made = self.inner.snapshot(request).await.map_err(failed)?.into_inner();
        Ok(SnapshotMade {
            path: PathBuf::from(made.path),
            commit: made.commit,
            files: made.files as usize,
            copied: made.copied as usize,
        })
    }
}

/// What a call gives, made again where the service is full; what is too large is so however often it is sent.
async fn when_there_is_room<T, F>(call: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<tonic::Response<T>, Status>>,
{
    let mut tries = TRIES;
    loop {
        let status = match call().await {
            Ok(answer) => return Ok(answer.into_inner()),
            Err(status) => status,
        };
        let is_full = status.code() == Code::ResourceExhausted;
        let error = failed(status);
        if !is_full || error.fault() == Fault::TooLarge || tries == 0 {
            return Err(error);
        }
        tries -= 1;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Articles divided into messages, in their order.
fn messages(articles: Vec<Article>) -> Vec<Vec<Article>> {
    let mut messages: Vec<Vec<Article>> = Vec::new();
    let mut bytes = 0;
    for article in articles {
        let size = size_of_article(&article);
        match messages.last_mut() {
            Some(last) if bytes + size <= MESSAGE_BYTES && last.len() < MESSAGE_ARTICLES => {
                bytes += size;
                last.push(article);
            }
            _ => {
                bytes = size;
                messages.push(vec![article]);
            }
        }
    }
    messages
}

/// What an article takes in a message, nearly.
fn size_of_article(article: &Article) -> usize {
    let attributes = article
        .attributes
        .iter()
        .map(|(name, value)| 16 + name.len() + value.len());
    let may_be = [&article.url, &article.source].into_iter().flatten().map(String::len);
    let path = article.origin.as_ref().map_or(0, |origin| origin.path.len());
    ARTICLE_BYTES
        + article.id.len()
        + article.title.len()
        + article.text.len()
        + path
        + attributes.sum::<usize>()
        + may_be.sum::<usize>()
        + article.regions.iter().map(|region| 8 + region.len()).sum::<usize>()
}

/// A status as an error; what the connection itself says is no word of the service, and no reader's.
fn failed(status: Status) -> Error {
    status::from_status(&status)
}

fn began_anew() -> Error {
    Error::new(
        Fault::Unavailable,
        "the service began anew in the middle, and what was not yet durable is lost",
    )
    .help("run the command again; what is there already costs nothing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_service_is_asked_again_and_what_is_too_large_is_not_sent_again() {
        let check = async |first: Fault, expected: Result<(), Fault>, tries: usize| {
            let tried = std::cell::Cell::new(0);
            let call = || {
                tried.set(tried.get() + 1);
                let answer = match tried.get() {
                    1 => Err(status::to_status(&Error::new(first, "no"))),
                    _ => Ok(tonic::Response::new(())),
                };
                async move { answer }
            };
            let found = when_there_is_room(call).await;
            assert_eq!(found.map_err(|error| error.fault()), expected);
            assert_eq!(tried.get(), tries, "{first:?}");
        };
        check(Fault::Exhausted, Ok(()), 2).await;
        check(Fault::TooLarge, Err(Fault::TooLarge), 1).await;
    }

    #[test]
    fn messages_are_bounded_by_bytes_and_by_numbers() {
        let check = |texts: &[usize], expected: &[usize]| {
            let article = |bytes: &usize| Article {
                text: "x".repeat(*bytes),
                ..Article::default()
            };
            let sizes: Vec<usize> = messages(texts.iter().map(article).collect())
                .iter()
                .map(Vec::len)
                .collect();
            assert_eq!(sizes, expected, "{texts:?}");
        };
        check(&[], &[]);
        check(&[1_000; 250], &[100, 100, 50]);
        check(&[200_000, 40_000, 40_000], &[2, 1]);
        check(&[1, 4 << 20, 1], &[1, 1, 1]);
    }
}
