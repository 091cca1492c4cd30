//! Ranking by words over tantivy's postings: a question's terms looked up, candidates found, exact BM25F of any passage.

pub(super) mod bm25;
pub(super) mod bound;
mod evidence;
pub(super) mod postings;
pub(super) mod slate;
