//! Whether every byte of an index is what was written.

use super::open::EmbeddedIndex;
use super::segment::{forward_path, graph_path, uuid_bytes};
use crate::error::{Context, Fault, Result};
use crate::index::forward::Forward;
use crate::index::graph::Graph;

impl EmbeddedIndex {
    /// Reads every byte and compares it with its checksum. Returns what is wrong, in words; empty if nothing is.
    pub fn verify(&self) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        let damaged = self
            .index
            .validate_checksum()
            .or_fault(Fault::Corrupt, format!("reading {}", self.folder().display()))?;
        for file in damaged {
            wrong.push(format!("{}: the checksum differs", file.display()));
        }
        let snapshot = self.current();
        for segment in snapshot.segments() {
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
