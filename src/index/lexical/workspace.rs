//! The memory that a search by words works in, used again by the next search: allocating it anew would cost more than
//! the search of a small index.

use std::sync::{Mutex, PoisonError};

use crate::error::Result;

/// The memory of one search. Between searches all of it is zero.
#[derive(Default)]
pub struct Workspace {
    /// A score for each document of a window of a segment.
    pub scores: Vec<f32>,
    /// For each document of a segment: 1 + its place among the documents named, or 0.
    pub places: Vec<u32>,
    /// A table of frequencies in title and text: a row for each document named, a column for each term.
    pub frequencies: Vec<[u32; 2]>,
}

/// Workspaces that are used again: each search takes one and gives it back.
#[derive(Default)]
pub struct Workspaces(Mutex<Vec<Workspace>>);

impl Workspaces {
    /// Runs `work` with a workspace that is all zeros and has to be so again afterwards.
    pub fn with<T>(&self, work: impl FnOnce(&mut Workspace) -> Result<T>) -> Result<T> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = lock().pop();
        let mut workspace = taken.unwrap_or_default();
        // After an error the workspace may not be clean, so it is not given back.
        let result = work(&mut workspace)?;
        lock().push(workspace);
        Ok(result)
    }
}
