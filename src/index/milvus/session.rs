//! What a writer did since the last commit, and what that makes of the counts.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::counts::{Changes, Sums};
use super::rows::{ArticleRows, Kept};
use super::state::State;
use super::vector_lengths::VectorLengths;
use crate::error::Result;
use crate::index::source_table::SourceTable;

/// What is asked of an article before it is written again.
#[derive(Debug, Clone)]
pub struct Known {
    pub hash: u64,
    /// As it is kept.
    pub origin: String,
}

/// What is done since the last commit.
pub struct Session {
    pub sums: Sums,
    pub changes: Changes,
    /// What is not sent yet.
    pub held: BTreeMap<String, ArticleRows>,
    pub bytes: usize,
    /// Articles given; none for those deleted.
    pub pending: HashMap<String, Option<Known>>,
    /// Of these the ones with rows that were sent.
    pub sent: HashSet<String>,
    pub passages: i64,
    pub articles: i64,
    pub vector_lengths: Option<VectorLengths>,
    /// Milvus' time of the last write.
    pub written: u64,
    pub table: SourceTable,
    /// Whether Milvus was told anything.
    pub is_dirty: bool,
    /// Whether some of it failed.
    pub has_failed: bool,
}

impl Session {
    /// After a commit.
    pub fn new(state: &State, table: &SourceTable) -> Self {
        Session {
            sums: state.sums.clone(),
            changes: Changes::default(),
            held: BTreeMap::new(),
            bytes: 0,
            pending: HashMap::new(),
            sent: HashSet::new(),
            passages: 0,
            articles: 0,
            vector_lengths: state.vector_lengths,
            written: state.written,
            table: table.clone(),
            is_dirty: false,
            has_failed: false,
        }
    }

    /// Counts out a passage that was read.
    pub fn count_out(&mut self, kept: &Kept) -> Result<()> {
        let terms = kept.counted()?.into_iter();
        self.changes
            .passage(&mut self.sums, -1, &kept.lengths, &kept.vector, terms)
    }
}
