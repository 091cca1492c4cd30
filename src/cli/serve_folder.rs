//! A service over an index in a folder: opened, made where there is none and it writes, and maintained behind.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::counted::counted;
use super::opening::{OpenedForService, Opening, watched};
use super::served::{self, Following, Served};
use super::setup::{self, VectorsBy};
use super::verified::{self, Checks};
use crate::compute::Budget;
use crate::error::{Error, Fault, Result};
use crate::index::ingest::live::{Live, Pace};
use crate::index::ingest::maintain::Background;
use crate::index::ingest::target::Target;
use crate::index::{EmbeddedIndex, Followed};
use crate::service::collection::{Collection, SnapshotMade, TakeSnapshot};
use crate::service::metrics::Metrics;

/// How often a running service looks for something to maintain.
const REFRESH: Duration = Duration::from_secs(1);
/// The longest name of a snapshot, in bytes.
const MAX_SNAPSHOT_NAME: usize = 100;

/// How clients on this machine name a service that listens there.
fn reached_at(address: SocketAddr, is_private: bool) -> String {
    let port = address.port();
    match address.ip() {
        // Its certificate holds for names, and which ones is not known here.
        _ if is_private => format!("https://HOST:{port}"),
        IpAddr::V4(any) if any.is_unspecified() => format!("{}:{port}", Ipv4Addr::LOCALHOST),
        IpAddr::V6(any) if any.is_unspecified() => format!("[{}]:{port}", Ipv6Addr::LOCALHOST),
        _ => address.to_string(),
    }
}

/// Opens the index of a folder, makes it where there is none and the service writes, and warms it. Whoever finds it
/// locked is told the service's address.
///
/// # Errors
/// Those of opening, of the check on opening, and of warming.
pub fn open(
    folder: &Path,
    opening: &Opening,
    (address, is_private): (SocketAddr, bool),
    metrics: &Arc<Metrics>,
) -> Result<OpenedForService> {
    if opening.writes
        && let Err(error) = EmbeddedIndex::identity_in(folder)
        && error.fault() == Fault::Missing
    {
        let (rules, _) = setup::indexing_rules(folder, &VectorsBy::Chosen)?;
        Target::open(folder, &rules, false, Budget::all())?.finish()?;
    }
    if let Some(into) = &opening.snapshots {
        EmbeddedIndex::check_snapshots_outside(folder, into)?;
    }
    let opened = setup::open(folder, &opening.profile)?;
    let index = opened.index.index();
    for refused in index.refused() {
        tracing::warn!("searching without a file that is derived and not what was written: {refused}");
    }
    if opening.verify == "on-open" {
        verified::check(&index, opening.read_only, Budget::all())?;
    }
    let live = if opening.writes {
        let how = held_by(address, is_private);
        let live = Live::open(&index, counted(opened.rules()?, metrics), Pace::default(), &how)?;
        Some(watched(live, metrics))
    } else {
        None
    };
    let maintenance = live.is_some().then(|| maintained(index, metrics)).transpose()?;
    let analyzer = opened.analyzer.clone();
    let reranker = opening.reranker.as_deref();
    let opened = opened.with_reranker(reranker)?;
    served::warm(&opened.engine, metrics)?;
    let following = Following::of(opened, folder, &opening.profile, reranker);
    let served = following.served.clone();
    let checks = (opening.verify == "background").then(|| Checks::new(served.clone(), opening.read_only));
    if let Some(checks) = &checks {
        checks.begin(following.index.index())?;
    }
    let (writing, told) = (live.clone(), served.clone());
    let looked = move |index: &Followed| {
        checks.iter().for_each(|checks| checks.again(index.index()));
        look_at_writing(writing.as_ref(), &told);
    };
    let collection = Collection {
        backend: following.described.clone(),
        analyzer,
        live,
        snapshots: opening.snapshots.as_ref().map(|into| snapshots(folder, into)),
    };
    Ok(OpenedForService {
        served,
        collection,
        following: Box::pin(following.follow(metrics.clone(), looked)),
        maintenance,
    })
}

/// Who holds the right to write, for others that want it.
fn held_by(address: SocketAddr, is_private: bool) -> String {
    let reach = reached_at(address, is_private);
    format!(
        "it is the service at {address}: write through it with `baowen index PATH... --addr {reach}` or `baowen delete ... \
         --addr {reach}`; for anything else end it first"
    )
}

/// Says whether the index can be written to, and looks again if not: nobody writes to what says that it cannot be.
fn look_at_writing(live: Option<&Arc<Live>>, served: &Served) {
    let refusing = live.filter(|live| live.refuses());
    served.set_unwritable(refusing.is_some());
    if let Some(live) = refusing.cloned() {
        tokio::task::spawn_blocking(move || live.look());
    }
}

/// Graphs and forward indexes, made behind as they are wanted.
fn maintained(index: Arc<EmbeddedIndex>, metrics: &Arc<Metrics>) -> Result<Background> {
    let metrics = metrics.clone();
    let said = move |error: &Error| {
        metrics.maintenance_failed();
        tracing::error!(%error, "maintaining the index");
    };
    Background::start(index, Budget::single(), REFRESH, said)
}

/// Snapshots of the index in a folder, put into another one by a name that cannot lead out of it.
fn snapshots(folder: &Path, into: &Path) -> TakeSnapshot {
    let (folder, into) = (folder.to_path_buf(), into.to_path_buf());
    Box::new(move |name| {
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > MAX_SNAPSHOT_NAME || name.starts_with('.') || !name.chars().all(is_plain) {
            return Err(Error::caller(format!(
                "name: `{name}` is none; it has 1 to {MAX_SNAPSHOT_NAME} bytes of letters, digits, `-`, `_` and `.`, not at \
                 the beginning"
            )));
        }
        let path = into.join(name);
        let backup = EmbeddedIndex::back_up(&folder, &path)?;
        Ok(SnapshotMade {
            path,
            commit: backup.commit,
            files: backup.files,
            copied: backup.copied,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_finds_the_index_locked_is_told_an_address_that_can_be_called() {
        let check = |address: &str, is_private, expected: &str| {
            assert_eq!(reached_at(address.parse().unwrap(), is_private), expected);
        };
        check("127.0.0.1:5", false, "127.0.0.1:5");
        check("0.0.0.0:5", false, "127.0.0.1:5");
        check("[::]:5", false, "[::1]:5");
        check("10.0.0.1:5", false, "10.0.0.1:5");
        check("0.0.0.0:5", true, "https://HOST:5");
    }
}
