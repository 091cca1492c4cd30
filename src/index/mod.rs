//! The index: what a passage is on disk, how it gets there, and how one commit of it is searched.
//!
//! [`backend`] is the seam that searching sees, [`scoring`] what every engine scores by, [`embedded`] the engine of
//! this machine: tantivy holds everything, the vectors included (`vectors`), so one commit, one delete bitset and one
//! merge serve both rankings; graphs and forward indexes are derived.

mod backend;
mod component;
mod embedded;
mod facets;
mod forward;
pub mod graph;
pub mod ingest;
mod lexical;
#[cfg(feature = "milvus")]
pub mod milvus;
mod packed;
mod passage;
mod prepare;
mod replaceable;
pub mod scoring;
mod source_table;
mod vectors;
mod windows;

pub use backend::{About, ArticleRef, Asked, Backend, Candidate, Judged, PassageRef, Snapshot, Writer};
pub use embedded::{
    Backup, EmbeddedIndex, EmbeddedSnapshot, EmbeddedWriter, Followed, Verified, WriteLock, check_article_id,
    is_guarded, what_helps,
};
pub use facets::FacetCounts;
pub use passage::{FORMAT_VERSION, Identity, PassageKey, PreparedArticle, PreparedPassage, StoredPassage};
pub use prepare::{EmbeddedTexts, PlacesAndYears, Rules, embedded_texts, prepare};
pub use replaceable::Replaceable;
pub use scoring::{Evidence, LexicalQuery, QuestionWeights, TermScore};
pub use source_table::{LeftOutBy, MOST_NAMED, Runs, Skipped, SourceRun, SourceTable};
