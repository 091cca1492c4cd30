//! `baowen verify`: every byte of an index against its checksums.

use clap::Args;
use serde_json::json;

use super::options::IndexFolder;
use super::print;
use crate::error::{Error, Result};
use crate::index::{Backend, EmbeddedIndex};

/// Read every byte of an index and compare it with its checksums.
#[derive(Args)]
pub struct Verify {
    #[command(flatten)]
    index: IndexFolder,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        let index = EmbeddedIndex::open(&self.index.folder)?;
        let wrong = index.verify()?;
        let snapshot = index.snapshot()?;
        let stats = snapshot.about();
        if self.json {
            print::json(&json!({ "damaged": wrong, "stats": stats }))?;
        } else {
            outln!(
                "{}: {} articles, {} passages, {} segments ({} with a graph), {:.1} MB, commit {}",
                self.index.folder.display(),
                stats.articles,
                stats.passages,
                stats.segments,
                stats.graphs,
                stats.bytes as f64 / 1e6,
                stats.commit
            );
            outln!(
                "  analysis {}, model {}",
                stats.identity.analysis,
                match stats.identity.embedder.as_str() {
                    "" => "none (words alone)",
                    name => name,
                }
            );
            for line in &wrong {
                outln!("  damaged: {line}");
            }
        }
        match wrong.is_empty() {
            true => {
                if !self.json {
                    outln!("  every checksum agrees");
                }
                Ok(())
            }
            false => Err(Error::corrupt(format!(
                "{} of the files in {} are damaged",
                wrong.len(),
                self.index.folder.display()
            ))
            .help(format!(
                "run `baowen index PATH... --index {} --rebuild`; known texts are not embedded again",
                self.index.folder.display()
            ))),
        }
    }
}
