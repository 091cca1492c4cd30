//! `baowen snapshot`: an index as it is now, in a folder of its own, whoever writes to it meanwhile.

use std::path::PathBuf;

use clap::Args;

use super::options::{Credentials, IndexFolder};
use super::plural::many;
use super::{print, remote};
use crate::error::Result;
use crate::files::in_command;
use crate::index::EmbeddedIndex;
use crate::service::collection::SnapshotMade;
use crate::service::convert::articles;
use crate::service::index_client::IndexClient;

/// Write an index as it is now into a new folder: links to its files where the system can, copies otherwise. It may be
/// written to meanwhile. A copy of that folder restores it.
#[derive(Args)]
pub struct Snapshot {
    /// The folder, which is absent or empty; with --addr its name among the service's snapshots.
    #[arg(value_name = "DIR")]
    to: PathBuf,
    #[command(flatten)]
    index: IndexFolder,
    #[cfg(feature = "milvus")]
    #[command(flatten)]
    backend: super::milvus::BackendAddress,
    /// Have the service at this address do it, which was started with `--snapshots`.
    #[arg(long, value_name = "HOST:PORT")]
    #[cfg_attr(feature = "milvus", arg(conflicts_with = "address"))]
    addr: Option<String>,
    #[command(flatten)]
    credentials: Credentials,
    /// Print as JSON, as the service answers (`SnapshotResponse`); of Milvus the summary of `baowen copy`.
    #[arg(long)]
    json: bool,
}

impl Snapshot {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        #[cfg(feature = "milvus")]
        if let Some(address) = &self.backend.address {
            // Milvus has no files that could be linked: it is the copy into a folder.
            return super::copy::into_folder(address, &self.to, self.json);
        }
        let made = match &self.addr {
            Some(addr) => {
                let options = self.credentials.at(addr)?;
                let name = self.to.to_string_lossy();
                remote::runtime()?.block_on(async { IndexClient::connect(options).await?.snapshot(&name).await })?
            }
            None => {
                let backup = EmbeddedIndex::back_up(&self.index.folder, &self.to)?;
                SnapshotMade {
                    path: self.to.clone(),
                    commit: backup.commit,
                    files: backup.files,
                    copied: backup.copied,
                }
            }
        };
        if self.json {
            return print::json(&articles::snapshot_made(&made));
        }
        let linked = many(made.files - made.copied, "file");
        outln!(
            "{} holds commit {}: {linked} linked or written, {} copied",
            made.path.display(),
            made.commit,
            made.copied
        );
        let path = in_command(&made.path);
        outln!("Restore it by copying it: cp -r {path} DIR; `baowen verify --index {path}` checks it.");
        Ok(())
    }
}
