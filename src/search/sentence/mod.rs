//! Which sentence of a passage answers a question best, by words alone: a query pays microseconds for it.
//!
//! Owns everything that is known of sentences and of questions for this; never embeds and never segments.

mod condition;
mod finder;
mod question;
mod shape;
mod signs;
mod terms;

pub(super) use finder::AnswerFinder;
pub(super) use question::{asks_for_measure, is_keywords};
