//! An index that a running service writes to, as the command line reads files into it, one call after the other.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::Runtime;

use super::remote;
use crate::article::source::{Scope, Source, SourceKind, Sources};
use crate::compute::Budget;
use crate::error::{Error, Fault, Result};
use crate::index::Runs;
use crate::index::ingest::destination::Destination;
use crate::index::ingest::{Held, Outcome};
use crate::model::{Article, Origin};
use crate::service::client::ConnectOptions;
use crate::service::index_client::{IndexClient, Totals};

/// Articles that are sent together: few, so that whoever watches sees how far it is while the service embeds them.
const FEW: usize = 16;

/// A connection that waits for each answer.
pub struct Remote {
    waits: Arc<Waits>,
    state: RefCell<State>,
}

/// Where a command waits for the answers of one service.
struct Waits {
    runtime: Runtime,
    addr: String,
    /// Articles that were sent, and those of them that are durable.
    sent: AtomicUsize,
    durable: AtomicUsize,
}

impl Waits {
    /// What a call gave; a service that went away is named, with what to do.
    fn on<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime.block_on(call).map_err(|error| match error.fault() {
            Fault::Unavailable => error
                .context(format!("writing through the service at {}", self.addr))
                .help(format!(
                    "{} articles were durable before; run the command again when the service is there: what it has already \
                     costs nothing",
                    self.durable.load(Ordering::Relaxed)
                )),
            _ => error,
        })
    }
}

struct State {
    client: IndexClient,
    sources: Sources,
    /// The session of the first articles: if it ends before they are durable, they may be lost.
    session: Option<u64>,
    /// What the next commit is to hold of the run.
    runs: Runs,
}

impl Remote {
    /// Connects to a service that writes.
    ///
    /// # Errors
    /// `Unavailable` if nothing answers, `Precondition` if it only reads.
    pub fn connect(options: &ConnectOptions) -> Result<Remote> {
        let addr = &options.addr;
        let waits = Waits {
            runtime: remote::runtime()?,
            addr: addr.clone(),
            sent: AtomicUsize::new(0),
            durable: AtomicUsize::new(0),
        };
        let client = waits.runtime.block_on(IndexClient::connect(options))?;
        let remote = Remote {
            waits: Arc::new(waits),
            state: RefCell::new(State {
                client,
                sources: Sources::default(),
                session: None,
                runs: Runs::new(),
            }),
        };
        if remote.totals()?.writes {
            Ok(remote)
        } else {
            Err(Error::precondition(format!("the service at {addr} only reads"))
                .help("start it with `baowen serve --write` to write through it"))
        }
    }

    /// What the index is now.
    pub fn totals(&self) -> Result<Totals> {
        self.waits.on(self.state.borrow_mut().client.totals())
    }
}

impl Destination for Remote {
    fn at_a_time(&self) -> usize {
        FEW
    }

    fn sources(&self) -> Result<Sources> {
        self.waits.on(self.state.borrow_mut().client.sources())
    }

    fn begin(&self, sources: &Sources, scopes: &[Scope]) -> Result<Arc<dyn Held>> {
        let mut state = self.state.borrow_mut();
        state.sources = sources.clone();
        let may_be_in = |source: &&Source| {
            let root = source.folder();
            let overlaps = |scope: &Scope| root.starts_with(&scope.full) || scope.full.starts_with(&root);
            source.kind != SourceKind::Given && scopes.iter().any(overlaps)
        };
        let mut origins = BTreeMap::new();
        for source in sources.iter().filter(may_be_in) {
            let listed = self.waits.on(state.client.articles(&source.name, &[]))?;
            origins.extend(
                listed
                    .into_iter()
                    .filter_map(|listed| Some((listed.id, listed.origin?))),
            );
        }
        Ok(Arc::new(Listing {
            waits: self.waits.clone(),
            client: state.client.clone(),
            origins,
        }))
    }

    fn hand_on(&self, ids: &[String]) -> Result<()> {
        match ids {
            [] => Ok(()),
            // A service gives no source what another one has.
            ids => self.delete(ids).map(drop),
        }
    }

    fn upsert(&self, articles: Vec<Article>, _: Budget) -> Vec<Result<Outcome>> {
        let mut outcomes: Vec<Result<Outcome>> = Vec::with_capacity(articles.len());
        let source_of = |article: &Article| article.origin.as_ref().map(|origin| origin.source.clone());
        let mut articles = articles.into_iter().peekable();
        let mut failed: Option<Error> = None;
        while let Some(first) = articles.next() {
            // Those of one source that follow each other go together.
            let name = source_of(&first);
            let mut group = vec![first];
            while let Some(article) = articles.next_if(|article| source_of(article) == name) {
                group.push(article);
            }
            let count = group.len();
            let given = match &failed {
                Some(error) => Err(error.clone()),
                None => self.give(name.as_deref().unwrap_or_default(), group),
            };
            match given {
                Ok(given) => outcomes.extend(given),
                Err(error) => {
                    outcomes.extend(std::iter::repeat_with(|| Err(error.clone())).take(count));
                    failed = Some(error);
                }
            }
        }
        outcomes
    }

    fn delete(&self, ids: &[String]) -> Result<usize> {
        self.waits.on(self.state.borrow_mut().client.delete_ids(ids))
    }

    fn record(&self, runs: Runs) {
        self.state.borrow_mut().runs = runs;
    }

    fn commit(&self) -> Result<()> {
        let mut state = self.state.borrow_mut();
        let session = state.session;
        let runs = std::mem::take(&mut state.runs);
        self.waits.on(state.client.commit(session, &runs))?;
        let sent = self.waits.sent.load(Ordering::Relaxed);
        self.waits.durable.store(sent, Ordering::Relaxed);
        Ok(())
    }
}

impl Remote {
    fn give(&self, source: &str, articles: Vec<Article>) -> Result<Vec<Result<Outcome>>> {
        let mut state = self.state.borrow_mut();
        let source = state.sources.get(source).cloned();
        let source = source.ok_or_else(|| Error::bug("an article of a source that nobody named"))?;
        let (outcomes, session) = self.waits.on(state.client.upsert(&source, articles))?;
        self.waits.sent.fetch_add(outcomes.len(), Ordering::Relaxed);
        // The first one stays: a commit in it makes everything durable that came in it, and in another one fails.
        state.session = state.session.or(session);
        Ok(outcomes)
    }
}

/// What the index held of the sources that a run may touch.
struct Listing {
    waits: Arc<Waits>,
    client: IndexClient,
    origins: BTreeMap<String, Origin>,
}

impl Held for Listing {
    fn origins(&self, _: Budget, each: &mut dyn FnMut(&str, Option<Origin>) -> Result<()>) -> Result<()> {
        self.origins
            .iter()
            .try_for_each(|(id, origin)| each(id, Some(origin.clone())))
    }

    fn origin(&self, id: &str) -> Result<Option<Origin>> {
        Ok(self.origins.get(id).cloned())
    }

    fn is_there(&self, id: &str) -> Result<bool> {
        Ok(self.origins.contains_key(id))
    }

    fn contents(&self, ids: &[String]) -> Result<Vec<(String, u64)>> {
        let mut by_source: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for id in ids {
            if let Some(origin) = self.origins.get(id) {
                by_source.entry(&origin.source).or_default().push(id.clone());
            }
        }
        let mut contents = Vec::new();
        for (source, ids) in by_source {
            let listed = self.waits.on(self.client.clone().articles(source, &ids))?;
            contents.extend(
                listed
                    .into_iter()
                    .filter_map(|listed| Some((listed.id, listed.content?))),
            );
        }
        Ok(contents)
    }
}
