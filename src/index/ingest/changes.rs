//! What a run finds changed in its sources besides the articles it reads: files that are gone, files that moved, ids
//! that another file has.
//!
//! Looks at the index as it was when the run began and at the disk; writes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use crate::article::source::{Scope, Sources};
use crate::article::{ArticleReader, Rejected};
use crate::compute::Budget;
use crate::error::{Error, Result};
use crate::index::backend::Snapshot;
use crate::index::embedded::EmbeddedSnapshot;
use crate::index::prepare::fingerprint;
use crate::model::{Article, Origin};

/// What an index held when a run began, wherever it is kept.
pub trait Held {
    /// Tells `each` the id of every article that may be of the run's files and where it was read, in no particular
    /// order.
    fn origins(&self, budget: Budget, each: &mut dyn FnMut(&str, Option<Origin>) -> Result<()>) -> Result<()>;

    /// Where such an article was read; `None` if there is none or it came another way than by a file.
    fn origin(&self, id: &str) -> Result<Option<Origin>>;

    /// Whether there is such an article.
    fn is_there(&self, id: &str) -> Result<bool>;

    /// What articles say, as [`content`] has it, by id; those that are not there are left out.
    fn contents(&self, ids: &[String]) -> Result<Vec<(String, u64)>>;
}

impl Held for EmbeddedSnapshot {
    fn origins(&self, budget: Budget, each: &mut dyn FnMut(&str, Option<Origin>) -> Result<()>) -> Result<()> {
        EmbeddedSnapshot::origins(self, budget, each)
    }

    fn origin(&self, id: &str) -> Result<Option<Origin>> {
        EmbeddedSnapshot::origin(self, id)
    }

    fn is_there(&self, id: &str) -> Result<bool> {
        Ok(self.article_hash(id)?.is_some())
    }

    fn contents(&self, ids: &[String]) -> Result<Vec<(String, u64)>> {
        contents_of(ids, |id| self.article(id, Budget::single()))
    }
}

/// What [`Held::contents`] gives, of articles that are looked up one by one.
pub fn contents_of(ids: &[String], article: impl Fn(&str) -> Result<Option<Article>>) -> Result<Vec<(String, u64)>> {
    let mut contents = Vec::new();
    for id in ids {
        if let Some(article) = article(id)? {
            contents.push((id.clone(), content(&article)?));
        }
    }
    Ok(contents)
}

/// What the index held of the files that a run is about to read.
pub struct Changes {
    before: Arc<dyn Held>,
    sources: Sources,
    scopes: Vec<Scope>,
    /// Articles by file. Only files in the run's scopes.
    held: BTreeMap<(String, String), Vec<String>>,
    /// Files that the run reads.
    ahead: HashSet<(String, String)>,
    /// Articles of files that are not there any more, by what they say.
    lost: HashMap<u64, Vec<String>>,
    /// Files of which something could not be read, so that what is missing of them may still be there.
    unsure: HashSet<(String, String)>,
}

fn key(origin: &Origin) -> (String, String) {
    (origin.source.clone(), origin.path.clone())
}

/// A fingerprint of what an article says, wherever it lies and whatever its file is called.
pub fn content(article: &Article) -> Result<u64> {
    fingerprint(&Article {
        id: String::new(),
        title: String::new(),
        origin: None,
        ..article.clone()
    })
}

impl Changes {
    /// Looks what the index holds of the scopes.
    pub fn new(
        before: Arc<dyn Held>,
        sources: &Sources,
        scopes: &[Scope],
        reader: &ArticleReader,
        budget: Budget,
    ) -> Result<Changes> {
        let mut held: BTreeMap<_, Vec<String>> = BTreeMap::new();
        let in_scope = |path: &Path| scopes.iter().any(|scope| path.starts_with(&scope.full));
        before.origins(budget, &mut |id, origin| {
            let Some(origin) = origin else { return Ok(()) };
            let path = sources.get(&origin.source).map(|source| source.path_of(&origin.path));
            if path.is_some_and(|path| in_scope(&path)) {
                held.entry(key(&origin)).or_default().push(id.to_string());
            }
            Ok(())
        })?;
        let mut changes = Changes {
            before,
            sources: sources.clone(),
            scopes: scopes.to_vec(),
            held,
            ahead: reader.ahead().map(key).collect(),
            lost: HashMap::new(),
            unsure: HashSet::new(),
        };
        let lost: Vec<String> = changes
            .held
            .iter()
            .filter(|(file, _)| changes.is_lost(file))
            .flat_map(|(_, ids)| ids)
            .cloned()
            .collect();
        let mut by_content: HashMap<u64, Vec<String>> = HashMap::new();
        if !lost.is_empty() {
            for (id, content) in changes.before.contents(&lost)? {
                by_content.entry(content).or_default().push(id);
            }
        }
        // Taken from the end below; of several that say the same, the first goes first.
        by_content.values_mut().for_each(|ids| ids.sort_by(|a, b| b.cmp(a)));
        changes.lost = by_content;
        Ok(changes)
    }

    /// Whether a file is neither read by this run nor on the disk. One that is there and cannot be reached is not lost.
    fn is_lost(&self, file: &(String, String)) -> bool {
        let Some(source) = self.sources.get(&file.0) else {
            return false;
        };
        let is_missing = |path: &Path| match path.symlink_metadata() {
            // Another thing has its name now.
            Ok(about) => about.is_dir(),
            Err(error) => matches!(
                error.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
            ),
        };
        !self.ahead.contains(file) && is_missing(&source.path_of(&file.1))
    }

    /// Refuses an article whose id belongs to an article of another source, or of another file that is still there.
    ///
    /// # Errors
    /// `Caller`, naming both files and the way out.
    pub fn check(&self, article: &Article) -> Result<()> {
        let Some(new) = &article.origin else { return Ok(()) };
        let Some(old) = self.before.origin(&article.id)? else {
            return Ok(());
        };
        let path = |origin: &Origin| match self.sources.get(&origin.source) {
            Some(source) => source.path_of(&origin.path),
            None => Path::new(&origin.source).join(&origin.path),
        };
        let same_source = old.source == new.source;
        if old == *new || same_source && (self.ahead.contains(&key(&old)) || !path(&old).exists()) {
            return Ok(());
        }
        Err(Error::caller(format!(
            "{}: the id `{}` is taken by {} (source `{}`), which stays as it is",
            path(new).display(),
            article.id,
            path(&old).display(),
            old.source
        ))
        .help(format!(
            "give one of them another id, or first take the other out: `baowen delete {}`",
            article.id
        )))
    }

    /// The article that this one, which is new, was before its file moved.
    pub fn moved_from(&mut self, article: &Article) -> Result<Option<String>> {
        if self.lost.is_empty() || self.before.is_there(&article.id)? {
            return Ok(None);
        }
        Ok(self.lost.get_mut(&content(article)?).and_then(Vec::pop))
    }

    /// Notes that something could not be read: what is missing of that file is then not gone. Whether the index holds
    /// articles of the file.
    pub fn rejected(&mut self, rejected: &Rejected) -> bool {
        let is_empty = rejected
            .path
            .metadata()
            .is_ok_and(|about| about.is_file() && about.len() == 0);
        let Some(origin) = self.origin_of_file(&rejected.path).filter(|_| !is_empty) else {
            return false;
        };
        let file = key(&origin);
        let is_held = self.held.contains_key(&file);
        self.unsure.insert(file);
        is_held
    }

    /// Where a file that was found belongs, whether or not it could be read.
    fn origin_of_file(&self, path: &Path) -> Option<Origin> {
        let full = self.scopes.iter().find_map(|scope| scope.full_path(path))?;
        self.sources.origin(&full)
    }

    /// The source of a file that was found.
    pub fn source_of_file(&self, path: &Path) -> Option<String> {
        Some(self.origin_of_file(path)?.source)
    }

    /// The source of an article that the index held.
    pub fn source_of(&self, id: &str) -> Option<String> {
        Some(self.before.origin(id).ok()??.source)
    }

    /// The sources of which the index holds articles and in whose folder not one file was found: it may be another
    /// disk's that is not there now.
    pub fn emptied(&self) -> BTreeSet<String> {
        let found: BTreeSet<&String> = self.ahead.iter().map(|(source, _)| source).collect();
        let held = self.held.keys().map(|(source, _)| source);
        held.filter(|source| !found.contains(source)).cloned().collect()
    }

    /// The articles that the sources no longer have, sorted, once everything is read.
    pub fn gone(&self, reader: &ArticleReader) -> Vec<String> {
        let is_gone = |file: &(String, String)| match self.ahead.contains(file) {
            true => !self.unsure.contains(file),
            false => self.is_lost(file),
        };
        let mut gone: Vec<String> = self
            .held
            .iter()
            .filter(|(file, _)| is_gone(file))
            .flat_map(|(_, ids)| ids)
            .filter(|id| !reader.gave(id))
            .cloned()
            .collect();
        gone.sort();
        gone
    }
}
