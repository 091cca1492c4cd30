//! `baowen rebuild`: an index made again from the articles it keeps.

use clap::Args;

use super::index::{Bars, print};
use super::options::IndexFolder;
use super::setup::{self, VectorsBy};
use crate::compute::Budget;
use crate::error::Result;
use crate::index::ingest::rebuild::rebuild;

/// Make an index again from the articles it keeps: by this version's rules, with vectors if the model is here. Nothing
/// but the index is read. It goes on answering from what was there until it is done.
#[derive(Args)]
pub struct Rebuild {
    #[command(flatten)]
    index: IndexFolder,
    #[cfg(feature = "milvus")]
    #[command(flatten)]
    backend: super::milvus::BackendAddress,
    /// Make the vectors with this model (`baowen model list`) instead of the one that made those that are there.
    #[arg(long, value_name = "NAME", conflicts_with = "no_vectors")]
    model: Option<String>,
    /// Keep words alone, without vectors.
    #[arg(long)]
    no_vectors: bool,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

impl Rebuild {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        let started = std::time::Instant::now();
        let vectors = match &self.model {
            Some(name) => VectorsBy::Named(name),
            None if self.no_vectors => VectorsBy::Nothing,
            None => VectorsBy::Itself,
        };
        #[cfg(feature = "milvus")]
        if let Some(address) = &self.backend.address {
            let summary = super::milvus::rebuild(address, &vectors)?;
            if self.json {
                return super::print::json(&summary);
            }
            print(&summary, super::milvus::shown(address));
            return Ok(());
        }
        let (rules, cache) = setup::indexing_rules(&self.index.folder, &vectors)?;
        let mut summary = rebuild(&self.index.folder, rules, self.no_vectors, Budget::all(), &Bars::new())?;
        if let Some(cache) = cache {
            (summary.embedded, summary.cached) = (cache.misses(), cache.hits());
        }
        summary.seconds = started.elapsed().as_secs_f64();
        if self.json {
            super::print::json(&summary)
        } else {
            print(&summary, self.index.folder.display());
            Ok(())
        }
    }
}
