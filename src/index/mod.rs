//! The index: what a passage is on disk, how it gets there, and how one commit of it is searched.
//!
//! tantivy holds everything, the vectors included (`vectors`), so one commit, one delete bitset and one merge serve both
//! rankings. Graphs are derived (`graph`). `backend` is the boundary that searching sees.

mod backend;
mod bm25;
mod dense;
mod derived;
mod directory;
mod embedded;
mod evidence;
mod filter;
mod forward;
pub mod graph;
mod lexical;
mod packed;
mod postings;
mod prepare;
mod schema;
mod segment;
mod slate;
mod terms;
mod vectors;
mod view;
mod writer;

pub use backend::{
    ArticleRef, Backend, BoundQuery, Candidate, DenseQuestion, Evidence, EvidenceSet, LexicalQuery, PassageRef,
    Snapshot, Stats, StoredPassage, TermScore,
};
pub use bm25::Bm25Params;
pub use embedded::{EmbeddedIndex, remove};
pub use lexical::HALVED;
pub use prepare::{Rules, embedded_texts};
pub use schema::{FORMAT_VERSION, Identity};
pub use view::View;
pub use writer::{WriteReport, Writer, check_article_id};
