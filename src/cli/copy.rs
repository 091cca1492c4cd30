//! `baowen copy FROM TO`: an index from one engine into another, either way.

use std::path::Path;

use clap::Args;

use super::index::{Bars, print};
use super::milvus::{copy_between, shown};
use crate::error::Result;

/// Copy an index into another one, each a folder or milvus://HOST:PORT/NAME. Articles are taken as they were indexed;
/// texts whose vectors are in the cache are not embedded again. An index in Milvus answers as before until all is
/// there.
#[derive(Args)]
pub struct Copy {
    /// Where it is.
    from: String,
    /// Where it shall be.
    to: String,
    /// Let it take the place of what an index in Milvus holds; a folder must hold none.
    #[arg(long)]
    replace: bool,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

impl Copy {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        copied(&self.from, &self.to, self.replace, self.json)
    }
}

/// Copies an index in Milvus into a folder without one.
pub fn into_folder(from: &str, to: &Path, as_json: bool) -> Result<()> {
    copied(from, &to.to_string_lossy(), false, as_json)
}

fn copied(from: &str, to: &str, replace: bool, as_json: bool) -> Result<()> {
    let summary = copy_between(from, to, replace, &Bars::new())?;
    if as_json {
        super::print::json(&summary)
    } else {
        print(&summary, shown(to));
        Ok(())
    }
}
