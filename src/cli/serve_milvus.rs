//! A service over an index in Milvus: opened as soon as Milvus is there, followed as others write to it, and not
//! serving while Milvus is away.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::attempts::Attempts;
use super::counted::counted;
use super::milvus;
use super::opening::{OpenedForService, Opening, watched};
use super::served::{Following, warm};
use crate::error::{Error, Fault, Result};
use crate::index::Backend as _;
use crate::index::ingest::live::{Live, Pace};
use crate::index::milvus::MilvusIndex;
use crate::profile::Profile;
use crate::search::Engine;
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
/// What waiting for Milvus does not mend: no index there and nobody to make one, other rules, a model that is named or
/// that writing needs and that is not here.
pub fn open(address: &str, opening: &Opening, cell: &ReadyCell, metrics: &Arc<Metrics>) -> Result<OpenedForService> {
    let profile = &opening.profile;
    let index = match until_there(cell, || milvus::reached(address, profile)) {
        Err(missing) if opening.writes && missing.fault() == Fault::Missing => {
            let identity = milvus::identity_of_new()?;
            until_there(cell, || milvus::reached_or_made(address, profile, &identity))
        }
        index => index,
    };
    let opened = milvus::with_models(index?, profile, opening.reranker.as_deref())?;
    until_there(cell, || warm(&opened.engine, metrics))?;
    let index = opened.index.clone();
    let live = if opening.writes {
        let writer = index.clone().standby();
        let live = Live::new(
            index.clone(),
            writer,
            counted(opened.rules()?, metrics),
            Pace::default(),
        )?;
        Some(watched(live, metrics))
    } else {
        None
    };
    let shown = milvus::shown(address);
    let following = Following::of_milvus(index, opened.engine, address, profile, opening.reranker.as_deref());
    let collection = Collection {
        backend: following.described.clone(),
        analyzer: opened.analyzer,
        live,
        snapshots: Some(Box::new(move |_| Err(no_snapshots(&shown)))),
    };
    Ok(OpenedForService {
        served: following.served.clone(),
        collection,
        following: Box::pin(following.follow(metrics.clone())),
        maintenance: None,
    })
}

/// What Milvus is asked for, asked again while Milvus is away; `cell` says why meanwhile. Nothing else may be asked for
/// here: a model that is not there does not come by waiting.
fn until_there<T>(cell: &ReadyCell, ask: impl Fn() -> Result<T>) -> Result<T> {
    let mut said = String::new();
    loop {
        match ask() {
            Err(error) if error.is_passing() => {
                let why = error.to_string();
                cell.wait_for(why.clone());
                if why != said {
                    tracing::error!("waiting for Milvus: {why}");
                }
                said = why;
                std::thread::sleep(AGAIN);
            }
            answered => return answered,
        }
    }
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

impl Following<MilvusIndex> {
    /// Begins with an index at an address, ranked by this profile and perhaps a reranker.
    pub fn of_milvus(
        index: Arc<MilvusIndex>,
        engine: Engine,
        address: &str,
        profile: &Profile,
        reranker: Option<&str>,
    ) -> Self {
        let (address, profile) = (address.to_owned(), profile.clone());
        let reranker = reranker.map(str::to_owned);
        Following::new(index, engine, move || {
            let opened = milvus::open(&address, &profile, reranker.as_deref())?;
            Ok((opened.index, opened.engine))
        })
    }

    /// Tells how Milvus is and counts what is taken over, and opens the index anew where somebody made it by other
    /// rules; for as long as the service lives.
    pub async fn follow(mut self, metrics: Arc<Metrics>) -> Result<Infallible> {
        let (mut edition, mut attempts) = (self.index.edition(), Attempts::new(REOPEN));
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
            self.served.set_unwell(problem.is_some());
            if self.index.edition() != edition {
                edition = self.index.edition();
                metrics.took_over();
                tracing::info!("a newer commit is searched");
            }
            if self.index.is_remade() && attempts.may(Instant::now()) {
                let reopened;
                (self, reopened) = self.reopened(metrics.clone()).await?;
                attempts.tried(Instant::now(), reopened.is_ok());
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
}
