//! Which sentence of a passage answers a question best, by its words, its looks and how near the window
//! around it is: a query pays microseconds for it.
//!
//! Owns everything that is known of sentences and of questions for this; never embeds and never segments.

mod condition;
mod finder;
mod question;
mod shape;
mod shown;
mod signs;
mod terms;

pub(super) use finder::{AnswerFinder, Nearness, Weighed};
pub(super) use question::{asks_for_measure, is_keywords};
