//! What an evaluation says: means with intervals for every mode, paired comparisons between any two, the worst and the
//! most changed questions, over the whole corpus and over each question's own kind of passages.
//!
//! Never runs a search and never writes a file.

mod build;
mod data;
mod measured;
mod seen;
mod table;

pub use data::{
    AnswerableReport, Change, Comparison, KindMeans, ModeRun, Ordered, QuestionReport, Report, ReportOptions, Scope,
    SentenceCount,
};
pub use seen::Seen;
