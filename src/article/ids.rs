//! The ids of a run's articles: which file each belongs to, and where it was given.
//!
//! An id is given once, and one that a file's own articles have is no other file's. What an index holds is not known
//! here.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::model::Origin;

/// The ids of a run.
#[derive(Debug)]
pub(super) struct Ids {
    /// All files that were found, by the ids of their articles.
    files: HashMap<String, PathBuf>,
    /// Where each id was given: the number of the path in `paths`, and the line (0 if it has none).
    given: HashMap<String, (usize, usize)>,
    /// Paths that gave articles.
    paths: Vec<PathBuf>,
}

impl Ids {
    /// Of a run over these files, each with the id of its article.
    pub fn new(files: impl Iterator<Item = (String, PathBuf)>) -> Ids {
        Ids {
            files: files.collect(),
            given: HashMap::new(),
            paths: Vec::new(),
        }
    }

    /// What follows is of this file.
    pub fn begin(&mut self, path: PathBuf) {
        self.paths.push(path);
    }

    /// Whether an id was given.
    pub fn has(&self, id: &str) -> bool {
        self.given.contains_key(id)
    }

    /// Gives an id to an article of this origin, or says why it may not have it.
    pub fn give(&mut self, id: &str, origin: Option<&Origin>, line: Option<usize>) -> Result<(), String> {
        if let Some(owner) = self.owner(id, origin) {
            return Err(format!(
                "the id `{id}` belongs to {}, whose articles are called so; give the record another one",
                owner.display()
            ));
        }
        if let Some(&(file, first)) = self.given.get(id) {
            let path = self.paths.get(file).map(|path| path.display().to_string());
            let mut before = path.unwrap_or_default();
            if first > 0 {
                before.push_str(&format!(":{first}"));
            }
            let here = line.map(|line| format!(" (line {line})")).unwrap_or_default();
            return Err(format!(
                "the id `{id}`{here} was given to an article before, at {before}"
            ));
        }
        let place = (self.paths.len().saturating_sub(1), line.unwrap_or(0));
        self.given.insert(id.to_string(), place);
        Ok(())
    }

    /// The other file whose id this is, or begins with as the ids of that file's records and entries do.
    fn owner(&self, id: &str, origin: Option<&Origin>) -> Option<&PathBuf> {
        let is_own = |origin: &Origin| {
            let rest = id.strip_prefix(&*origin.id());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        if !id.contains('/') || origin.is_some_and(is_own) {
            return None;
        }
        let mut begins = id.match_indices('-').map(|(at, _)| &id[..at]).chain([id]);
        begins.find_map(|begin| self.files.get(begin))
    }
}
