//! What every engine scores by: pure functions of a question and of what an engine keeps of a passage.
//!
//! An engine finds candidates in its own way; what they are worth is computed here, so that the same passage gets the
//! same scores wherever it is kept. Reads no index.

mod applicability;
mod bm25;
mod evidence;
mod meaning;
mod sentences;
mod terms;
mod windows;

pub use applicability::{locality, locality_of_regions, timeliness};
pub use bm25::{Bm25, CollectionCounts, FIELDS, STREAMS};
pub use evidence::Evidence;
pub use meaning::DenseScores;
pub use sentences::SentenceVectors;
pub use terms::{LexicalQuery, LexicalScores, QuestionWeights, TermScore, WeighedTerm, WeighedTerms};
pub use windows::{Quantised, WindowVectors, Windows, window_bytes};
