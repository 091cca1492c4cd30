//! What a run did, for people and programs.

use serde::Serialize;

/// An article that has another id since its file moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// Its id before.
    pub from: String,
    /// Its id now.
    pub to: String,
}

/// What a run did.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Articles read.
    pub articles: usize,
    /// Of these: not there before.
    pub added: usize,
    /// Of these: replaced an earlier text.
    pub updated: usize,
    /// Of these: were there as they are.
    pub unchanged: usize,
    /// Passages written.
    pub passages: usize,
    /// Passages whose vector was computed.
    pub embedded: u64,
    /// Passages whose vector was known.
    pub cached: u64,
    /// What could not be read: path, line, reason.
    pub skipped: Vec<String>,
    /// Articles whose file moved with its content unchanged.
    pub moved: Vec<Moved>,
    /// Articles that their sources no longer have.
    pub gone: Vec<String>,
    /// Of these: deleted.
    pub pruned: usize,
    /// Whether the index answers by words alone.
    pub without_vectors: bool,
    /// Characters that were read into articles, white space aside.
    pub kept_characters: u64,
    /// Characters that were left out of them, each with a reason (`baowen read` shows them).
    pub left_out_characters: u64,
    /// What was read but not as it should be: fields that say nothing, pages of which little was kept.
    pub noticed: Vec<String>,
    /// Articles in the index now.
    pub total_articles: u64,
    /// Passages in the index now.
    pub total_passages: u64,
    /// Seconds it took.
    pub seconds: f64,
}
