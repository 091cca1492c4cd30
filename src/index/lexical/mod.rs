//! Ranking by words over tantivy's postings: a question's terms looked up, candidates found, exact BM25F of any
//! passage.

mod best;
pub(super) mod bound;
mod candidates;
mod exact;
pub(super) mod postings;
pub(super) mod rough;
pub(super) mod workspace;
