//! What reading comes upon, one thing after another: articles, what is left out of them, what could not be read.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::model::Article;

use super::reading::LeftOut;
use super::why::Why;

/// Something that was not read, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The file or folder.
    pub path: PathBuf,
    /// The line in it, from 1, if the reason lies in one.
    pub line: Option<usize>,
    /// Why, for programs.
    pub why: Why,
    /// Why, as the end of a sentence that begins with the place.
    pub reason: String,
}

impl Rejected {
    /// What was not read of a file, and why.
    pub(super) fn new(path: &Path, line: Option<usize>, why: Why, reason: String) -> Rejected {
        let path = path.to_path_buf();
        Rejected {
            path,
            line,
            why,
            reason,
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// What reading comes upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadEvent {
    /// An article.
    Article(Article),
    /// A file, line or entry that could not be read.
    Rejected(Rejected),
    /// Text of a file that is in none of its articles, with the file.
    LeftOut(PathBuf, LeftOut),
    /// Something was read, but not as it should be: a field whose date cannot be read, a page of which little is left.
    Noticed(Rejected),
}
