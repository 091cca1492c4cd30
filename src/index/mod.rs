//! The index: what a passage is on disk, how it gets there, and how one commit of it is searched.
//!
//! tantivy holds everything, the vectors included (`vectors`), so one commit, one delete bitset and one merge serve both
//! rankings. Graphs are derived (`graph`). `backend` is the boundary that searching sees.

mod backend;
mod embedded;
mod forward;
pub mod graph;
pub mod ingest;
mod lexical;
mod packed;
mod prepare;
mod vectors;

pub use backend::{
    ArticleRef, Backend, BoundQuery, Candidate, DenseQuestion, Evidence, EvidenceSet, LexicalQuery, PassageRef,
    PreparedArticle, PreparedPassage, Snapshot, Stats, StoredPassage, TermScore, Writer,
};
pub use embedded::schema::{FORMAT_VERSION, Identity};
pub use embedded::{EmbeddedIndex, EmbeddedWriter, View, check_article_id, remove};
pub use lexical::bound::HALVED;
pub use prepare::{Rules, embedded_texts};
