//! What one input gave: its articles, what was left out of them and why, and what in it could not be read.
//!
//! Every visible character of an input is in an article, in one of its fields,
//! or left out with a reason. Decides nothing by itself: the readers say what they leave out.

use crate::model::Article;

/// Text that is visible in an input and in no article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// What it was taken for, in one or two words (`navigation`, `related entries`).
    pub reason: &'static str,
    /// The text, in the order of the input.
    pub text: String,
}

/// What one file says: its article or articles, without ids, and what in it is none.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Each with its place in the file: 0 the main article, related entries from 1.
    pub articles: Vec<(usize, Article)>,
    /// Whether the file is a page that may hold several articles, so that their ids name the place.
    pub is_page: bool,
    /// What could not be read: line (from 1, 0 if it lies in none) and reason.
    pub rejected: Vec<(usize, String)>,
    /// What is in no article, in the order of the file.
    pub left_out: Vec<LeftOut>,
    /// What was read but for a part (a date that is none): line as above, and what is missing.
    pub noticed: Vec<(usize, String)>,
}

impl Reading {
    /// Leaves a text out; white space alone is nothing.
    pub fn leave_out(&mut self, reason: &'static str, text: impl Into<String>) {
        let text = text.into();
        if !text.trim().is_empty() {
            self.left_out.push(LeftOut { reason, text });
        }
    }
}
