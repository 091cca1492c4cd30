//! Whether every byte of an index is what was written.

use std::path::Path;

use tantivy::Index;

use super::open::EmbeddedIndex;
use super::segment::{forward_path, graph_path, uuid_bytes};
use crate::compute::Budget;
use crate::error::{Context, Error, Fault, Result};
use crate::index::forward::Forward;
use crate::index::graph::Graph;

impl EmbeddedIndex {
    /// The files of the index in a folder whose bytes are not what was written, without opening it: what is damaged may
    /// not let itself be opened. Empty if all are whole.
    ///
    /// # Errors
    /// As [`EmbeddedIndex::identity_in`].
    pub fn damaged_in(folder: &Path) -> Result<Vec<String>> {
        damaged(&EmbeddedIndex::described_in(folder)?, folder)
    }

    /// The files of the index itself, not those derived from it, whose bytes are not what was written.
    fn damaged(&self) -> Result<Vec<String>> {
        damaged(&self.index, self.folder())
    }

    /// Makes sure that what the index holds may be copied: damage that is written anew has a right checksum.
    ///
    /// # Errors
    /// `Corrupt`, naming a file and the way out, if any byte is not what was written.
    pub fn check_undamaged(&self) -> Result<()> {
        match self.damaged()?.first() {
            None => Ok(()),
            Some(first) => Err(
                Error::corrupt(format!("the index in {} is damaged: {first}", self.folder().display()))
                    .help("read its folders and files again with `baowen index PATH... --rebuild`, or restore a copy"),
            ),
        }
    }

    /// Reads every byte and compares it with its checksum. Returns what is wrong, in words; empty if nothing is.
    /// tantivy's own files are read in one step, whatever the deadline.
    ///
    /// # Errors
    /// `Corrupt` if a file cannot be read, `Deadline` if nobody waits any more.
    pub fn verify(&self, budget: Budget) -> Result<Vec<String>> {
        let mut wrong = self.damaged()?;
        let snapshot = self.current();
        for segment in snapshot.segments() {
            budget.check()?;
            let id = segment.id();
            let path = graph_path(&self.derived(), id);
            // A file that is there and was not taken says itself what is wrong with it.
            let checked = match segment.graph() {
                Some(graph) => graph.verify(),
                None if !path.exists() => Ok(()),
                None => {
                    let matrix = &segment.vectors;
                    Graph::open(&path, uuid_bytes(id), matrix.rows(), matrix.dimension())
                        .and_then(|graph| graph.verify())
                }
            };
            if let Err(error) = checked {
                wrong.push(error.to_string());
            }
            let path = forward_path(&self.derived(), id);
            let checked = match segment.forward() {
                Some(forward) => forward.verify(),
                None if !path.exists() => Ok(()),
                None => Forward::open(&path, uuid_bytes(id), segment.rows).and_then(|f| f.verify()),
            };
            wrong.extend(checked.err().map(|error| error.to_string()));
        }
        wrong.sort();
        Ok(wrong)
    }
}

fn damaged(index: &Index, folder: &Path) -> Result<Vec<String>> {
    let damaged = index
        .validate_checksum()
        .or_fault(Fault::Corrupt, format!("reading {}", folder.display()))?;
    let mut damaged: Vec<String> = damaged
        .into_iter()
        .map(|file| format!("{}: the checksum differs", file.display()))
        .collect();
    damaged.sort();
    Ok(damaged)
}
