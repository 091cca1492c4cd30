//! Which articles of a commit are named by id, by source, and by what they are about. Looks and changes nothing.

use std::collections::BTreeSet;

use crate::compute::Budget;
use crate::error::Result;
use crate::index::backend::Snapshot;
use crate::model::Filter;

/// What articles are named by; what is given must all hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Ids of articles; empty for any.
    pub ids: Vec<String>,
    /// The source they belong to.
    pub source: Option<String>,
    /// What every passage of them is; its names as the index spells them.
    pub filter: Filter,
}

/// The articles that a selection names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selected {
    /// Ids of those that are there, and for which all of it holds.
    pub found: BTreeSet<String>,
    /// Ids that were named and are not there, or for which the rest does not hold; in their order.
    pub missing: Vec<String>,
}

impl Selection {
    /// Whether nothing is named, which names no article rather than all.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.source.is_none() && self.filter.is_empty()
    }

    /// Whether a whole source is named, so that its name is free once its articles are gone.
    pub fn is_source(&self) -> bool {
        self.source.is_some() && self.ids.is_empty() && self.filter.is_empty()
    }

    /// Finds what is named in a commit.
    ///
    /// # Errors
    /// The engine's, and `Deadline`.
    pub fn find(&self, snapshot: &dyn Snapshot, budget: Budget) -> Result<Selected> {
        let mut found = BTreeSet::new();
        if !self.is_empty() {
            let named: BTreeSet<&str> = self.ids.iter().map(String::as_str).collect();
            snapshot.origins(budget, &mut |id, origin| {
                let of_source = |name: &String| origin.as_ref().is_some_and(|origin| origin.source == *name);
                if (named.is_empty() || named.contains(id)) && self.source.as_ref().is_none_or(of_source) {
                    found.insert(id.to_string());
                }
                Ok(())
            })?;
        }
        if !self.filter.is_empty() {
            let held = snapshot.wholly(&self.filter, budget)?;
            found.retain(|id| held.contains(id));
        }
        let missing = self.ids.iter().filter(|id| !found.contains(*id)).cloned().collect();
        Ok(Selected { found, missing })
    }
}
