//! What is derived from large segments (graphs, forward indexes), made where it is missing and removed where its
//! segment is gone. Searches find the same without it, only later.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use super::guard::guarded;
use super::open::EmbeddedIndex;
use super::segment::{GRAPH_ROWS, forward_path, graph_path, uuid_bytes};
use super::snapshot::EmbeddedSnapshot;
use crate::compute::Budget;
use crate::error::{Context, Fault, Result};
use crate::index::forward;
use crate::index::graph::{self, GraphParams};

impl EmbeddedIndex {
    /// Builds the graphs and forward indexes that large segments lack and removes those whose segment is gone.
    /// `progress` is told `(rows done, rows in all)` of the graphs built, which take nearly all of the time. Says
    /// whether all is done: not so if `cancel` turned true or the budget's deadline passed between two steps; what was
    /// built until then stays.
    ///
    /// # Errors
    /// Those of the files; `Deadline` if it passes within the check of a file.
    pub fn build_derived(&self, budget: Budget, progress: &dyn Fn(usize, usize), cancel: &AtomicBool) -> Result<bool> {
        guarded(self.folder(), || self.derive(budget, progress, cancel))
    }

    fn derive(&self, budget: Budget, progress: &dyn Fn(usize, usize), cancel: &AtomicBool) -> Result<bool> {
        self.refresh()?;
        if self.drop_damaged(budget)? {
            self.refresh()?;
        }
        let snapshot = self.current();
        self.drop_stale(&snapshot)?;
        if !self.write_forward_indexes(budget, &snapshot, cancel)? {
            return Ok(false);
        }
        let lacking: Vec<_> = snapshot
            .segments()
            .iter()
            .filter(|segment| segment.graph().is_none())
            .filter(|segment| segment.vectors.dimension() > 0 && segment.vectors.rows() as usize >= GRAPH_ROWS)
            .collect();
        let total = lacking.iter().map(|segment| segment.vectors.rows() as usize).sum();
        let mut done = 0;
        for segment in lacking {
            if budget.check().is_err() {
                return Ok(false);
            }
            self.create_graphs_folder()?;
            let data = graph::build(
                budget,
                segment.vectors.view(),
                &GraphParams::default(),
                &|rows| progress(done + rows, total),
                cancel,
            )?;
            let Some(data) = data else { return Ok(false) };
            let id = segment.id();
            data.write(&graph_path(&self.derived(), id), uuid_bytes(id))?;
            self.refresh()?;
            done += segment.vectors.rows() as usize;
        }
        Ok(true)
    }

    /// Takes damaged files away, of each segment once; whether there were any.
    ///
    /// # Errors
    /// `Deadline` if the budget's passes.
    pub fn drop_damaged(&self, budget: Budget) -> Result<bool> {
        let mut found = false;
        for segment in self
            .current()
            .segments()
            .iter()
            .filter(|segment| segment.is_unchecked())
        {
            budget.check()?;
            for path in self.damaged_of(segment) {
                match std::fs::remove_file(&path) {
                    // Another one that looked took it away.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    removed => removed.or_fault(Fault::Unavailable, format!("removing {}", path.display()))?,
                }
                segment.mark_outdated();
                found = true;
            }
            segment.set_checked();
        }
        Ok(found)
    }

    fn create_graphs_folder(&self) -> Result<()> {
        let graphs = self.derived();
        std::fs::create_dir_all(&graphs).or_fault(Fault::Unavailable, format!("creating {}", graphs.display()))
    }

    /// Writes the forward indexes that large segments lack; whether all are there: not so if `cancel` turned true or
    /// the deadline passed.
    fn write_forward_indexes(&self, budget: Budget, snapshot: &EmbeddedSnapshot, cancel: &AtomicBool) -> Result<bool> {
        for segment in snapshot.segments() {
            if cancel.load(Ordering::Relaxed) || budget.check().is_err() {
                return Ok(false);
            }
            if segment.forward().is_none() && segment.rows as usize >= GRAPH_ROWS {
                self.create_graphs_folder()?;
                let id = segment.id();
                let path = forward_path(&self.derived(), id);
                forward::write(budget, &path, uuid_bytes(id), segment.rows, &segment.words)?;
                self.refresh()?;
            }
        }
        Ok(true)
    }

    fn drop_stale(&self, snapshot: &EmbeddedSnapshot) -> Result<()> {
        let Ok(entries) = std::fs::read_dir(self.derived()) else {
            return Ok(());
        };
        let live: Vec<PathBuf> = snapshot
            .segments()
            .iter()
            .flat_map(|segment| [graph_path, forward_path].map(|of| of(&self.derived(), segment.id())))
            .collect();
        for entry in entries.flatten() {
            if !live.contains(&entry.path()) {
                // A file that cannot be removed now is removed another time; it is never read.
                let _ = std::fs::remove_file(entry.path());
            }
        }
        Ok(())
    }
}
