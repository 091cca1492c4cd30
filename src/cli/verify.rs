//! `baowen verify`: every byte of an index against its checksums, or over Milvus what it holds against what is counted
//! of it.

use clap::Args;
use serde_json::json;

#[cfg(feature = "milvus")]
use super::milvus;
use super::options::IndexFolder;
use super::plural::many;
use super::print;
use crate::compute::Budget;
use crate::error::{Error, Result};
use crate::files::in_command;
use crate::index::{Backend, EmbeddedIndex};

/// Read every byte of an index and compare it with its checksums; of one in Milvus, all that it holds and compare it
/// with what its newest commit says.
#[derive(Args)]
pub struct Verify {
    #[command(flatten)]
    index: IndexFolder,
    #[cfg(feature = "milvus")]
    #[command(flatten)]
    backend: super::milvus::BackendAddress,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        #[cfg(feature = "milvus")]
        if let Some(address) = &self.backend.address {
            return verify_milvus(address, self.json);
        }
        let damaged = EmbeddedIndex::damaged_in(&self.index.folder, Budget::all())?;
        if !damaged.is_empty() {
            // What is damaged is not opened: it may not let itself be.
            if self.json {
                print::json(&json!({ "damaged": damaged }))?
            } else {
                damaged.iter().for_each(|line| outln!("  damaged: {line}"))
            }
            return Err(self.is_damaged(damaged.len()));
        }
        let index = EmbeddedIndex::open(&self.index.folder)?;
        let verified = index.verified(Budget::all())?;
        let (wrong, lacking) = (verified.damaged, verified.lacking);
        let snapshot = index.snapshot()?;
        let stats = snapshot.about();
        if self.json {
            print::json(&json!({ "damaged": wrong, "lacking": lacking, "stats": stats }))?;
        } else {
            outln!(
                "{}: {}, {}, {} ({} with a graph), {:.1} MB, commit {}",
                self.index.folder.display(),
                many(stats.articles, "article"),
                many(stats.passages, "passage"),
                many(stats.segments, "segment"),
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
            for path in &lacking {
                outln!("  missing: {path}: answers are the same without it and take longer; `baowen index` makes it");
            }
        }
        if wrong.is_empty() {
            if !self.json {
                outln!("  every checksum agrees");
            }
            Ok(())
        } else {
            Err(self.lacks_derived(wrong.len()))
        }
    }

    /// All that is derived can be made anew from the rest, which is whole.
    fn lacks_derived(&self, files: usize) -> Error {
        let folder = self.index.folder.display();
        let are = if files == 1 { "is" } else { "are" };
        Error::corrupt(format!(
            "{files} of the files in {folder} that are derived from the others {are} damaged; all articles are whole"
        ))
        .help(format!(
            "`baowen index PATH... --index {}` makes them anew, and so does a service that writes; answers are the same \
             without them and take longer",
            in_command(&self.index.folder)
        ))
    }

    fn is_damaged(&self, files: usize) -> Error {
        let folder = self.index.folder.display();
        let are = if files == 1 { "is" } else { "are" };
        Error::corrupt(format!("{files} of the files in {folder} {are} damaged")).help(format!(
            "restore a snapshot of it, or make it anew with `baowen index PATH... --index {} --rebuild`; known texts are \
             not embedded again",
            in_command(&self.index.folder)
        ))
    }
}

/// Says whether an index in Milvus is whole.
#[cfg(feature = "milvus")]
fn verify_milvus(address: &str, as_json: bool) -> Result<()> {
    let index = milvus::without_model(address)?;
    let crate::index::milvus::Verified { wrong, beside } = index.verify(Budget::all())?;
    let (current, shown) = (index.current(), milvus::shown(address));
    let stats = current.about();
    if as_json {
        print::json(&json!({ "damaged": wrong, "beside": beside, "stats": stats }))?;
    } else {
        outln!(
            "{shown}: {}, {}, commit {}",
            many(stats.articles, "article"),
            many(stats.passages, "passage"),
            stats.commit
        );
        wrong.iter().for_each(|line| outln!("  damaged: {line}"));
        beside
            .iter()
            .for_each(|line| outln!("  beside it, seen by nobody: {line}"));
        if wrong.is_empty() {
            outln!("  all of it is there, and counted rightly");
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Error::corrupt(format!("the index at {shown} is damaged")).help(format!(
            "run `baowen rebuild --backend {shown}`, which makes it anew from the articles that it keeps; where these are \
             damaged, index them again with `--rebuild`"
        )))
    }
}
