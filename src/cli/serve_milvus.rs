//! A service over an index in Milvus: opened as soon as Milvus is there, followed as others write to it, and not
//! serving while Milvus is away.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::milvus::{self, Opened};
use super::opening::{OpenedForService, Opening, watched};
use super::served::{Served, warm};
use crate::error::{Context as _, Error, Fault, Result};
use crate::index::ingest::live::{Live, Pace};
use crate::index::milvus::MilvusIndex;
use crate::index::{Backend as _, Replaceable};
use crate::profile::Profile;
use crate::service::ReadyCell;
use crate::service::collection::Collection;
use crate::service::metrics::Metrics;

/// How often it is tried to open an index whose Milvus is away, and looked what has become of an open one.
const AGAIN: Duration = Duration::from_secs(1);
/// How long it waits before it tries again to open an index that was made by other rules.
const REOPEN: Duration = Duration::from_secs(10);

/// Opens the index at an address, however long Milvus is away; `cell` says meanwhile why nothing is answered.
///
/// # Errors
/// What waiting does not mend: no index there and nobody to make one, other rules, a model that writing needs and that
/// is not here.
pub fn open(address: &str, opening: &Opening, cell: &ReadyCell, metrics: &Arc<Metrics>) -> Result<OpenedForService> {
    let mut said = String::new();
    let opened = loop {
        match open_once(address, opening) {
            Err(error) if is_away(&error) => {
                let why = error.to_string();
                cell.wait_for(why.clone());
                if why != said {
                    tracing::error!("waiting for Milvus: {why}");
                }
                said = why;
                std::thread::sleep(AGAIN);
            }
            opened => break opened?,
        }
    };
    let Opened { index, analyzer, .. } = &opened;
    let live = match opening.writes {
        true => {
            let writer = index.clone().standby();
            let live = Live::new(index.clone(), writer, opened.rules()?, Pace::default())?;
            Some(watched(live, metrics))
        }
        false => None,
    };
    let described = Replaceable::new(index.clone());
    let shown = milvus::shown(address);
    let collection = Collection {
        backend: described.clone(),
        analyzer: analyzer.clone(),
        live,
        snapshots: Some(Box::new(move |_| Err(no_snapshots(&shown)))),
    };
    let served = Arc::new(Served::new(opened.engine));
    let following = Following {
        address: address.to_owned(),
        index: opened.index,
        described,
        served: served.clone(),
        profile: opening.profile.clone(),
        reranker: opening.reranker.clone(),
    };
    Ok(OpenedForService {
        served,
        collection,
        following: Box::pin(following.follow(metrics.clone())),
        maintenance: None,
    })
}

/// Whether it helps to wait.
fn is_away(error: &Error) -> bool {
    matches!(error.fault(), Fault::Unavailable | Fault::Exhausted | Fault::Deadline)
}

fn open_once(address: &str, opening: &Opening) -> Result<Opened> {
    if opening.writes {
        milvus::create_missing(address)?;
    }
    let opened = milvus::open(address, &opening.profile, opening.reranker.as_deref())?;
    warm(&opened.engine)?;
    Ok(opened)
}

fn no_snapshots(address: &str) -> Error {
    Error::precondition(format!(
        "an index in Milvus has no snapshots, and this one is at {address}"
    ))
    .help(format!(
        "`baowen copy {address} DIR` takes it into a folder when the services that write to it have ended; Milvus makes \
         backups of its own"
    ))
}

/// What a service follows, and what it needs to open it anew.
struct Following {
    address: String,
    index: Arc<MilvusIndex>,
    described: Arc<Replaceable>,
    served: Arc<Served>,
    profile: Profile,
    reranker: Option<String>,
}

impl Following {
    /// Tells how Milvus is and counts what is taken over, and opens the index anew where somebody made it by other
    /// rules; for as long as the service lives.
    async fn follow(mut self, metrics: Arc<Metrics>) -> Result<Infallible> {
        let (mut edition, mut tried) = (self.index.edition(), None::<Instant>);
        let mut was_well = true;
        loop {
            tokio::time::sleep(AGAIN / 4).await;
            let problem = self.index.problem();
            match &problem {
                Some(problem) if was_well => {
                    metrics.refresh_failed();
                    tracing::error!("not serving: {problem}");
                }
                None if !was_well => tracing::info!("serving again"),
                _ => {}
            }
            was_well = problem.is_none();
            self.served.set_problem(problem.map(|problem| problem.to_string()));
            if self.index.edition() != edition {
                edition = self.index.edition();
                metrics.took_over();
                tracing::info!("a newer commit is searched");
            }
            if self.index.is_remade() && tried.is_none_or(|tried| tried.elapsed() > REOPEN) {
                tried = Some(Instant::now());
                let reopened;
                (self, reopened) = tokio::task::spawn_blocking(move || self.reopen())
                    .await
                    .or_fault(Fault::Bug, "opening the index anew")?;
                self.served.set_behind(reopened.is_err());
                match reopened {
                    Ok(()) => edition = 0,
                    Err(error) => {
                        metrics.refresh_failed();
                        tracing::error!("keeping what was there: {error}");
                    }
                }
            }
        }
    }

    /// Opens the index with the model that it names now, and puts both in place; what was there stays where that fails.
    fn reopen(mut self) -> (Following, Result<()>) {
        let opened = milvus::open(&self.address, &self.profile, self.reranker.as_deref());
        let opened = opened.and_then(|opened| warm(&opened.engine).map(|()| opened));
        match opened {
            Ok(opened) => {
                self.described.replace(opened.index.clone());
                self.index = opened.index;
                self.served.replace(opened.engine);
                (self, Ok(()))
            }
            Err(error) => (self, Err(error)),
        }
    }
}
