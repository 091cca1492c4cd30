//! What a run finds changed in its sources besides the articles it reads: files that are gone, files that moved, ids
//! that another file has.
//!
//! Looks at the index as it was when the run began and at the disk; writes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::article::source::{Scope, Source, Sources};
use crate::article::{ArticleReader, Rejected, Why};
use crate::compute::Budget;
use crate::error::{Error, Result};
use crate::files::in_command;
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
    /// The same of files that were read as far as they could be.
    damaged: BTreeSet<(String, String)>,
}

fn key(origin: &Origin) -> (String, String) {
    (origin.source.clone(), origin.path.clone())
}

/// Whether nothing lies at a place of a source that is read there.
fn is_missing(source: &Source, place: &str) -> bool {
    let (root, path) = (source.folder(), source.path_of(place));
    let is_link = |folder: &Path| folder.symlink_metadata().is_ok_and(|about| about.is_symlink());
    // Links to folders are not followed.
    if path.ancestors().skip(1).take_while(|above| *above != root).any(is_link) {
        return true;
    }
    match path.symlink_metadata() {
        // Another thing has its name now. Where a link leads may only be out of reach.
        Ok(about) if about.is_symlink() => path.metadata().is_ok(),
        Ok(about) => about.is_dir(),
        Err(error) => matches!(
            error.kind(),
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
        ),
    }
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
            damaged: BTreeSet::new(),
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

    /// Whether the index holds articles of a file.
    pub fn holds(&self, origin: &Origin) -> bool {
        self.held.contains_key(&key(origin))
    }

    /// Whether what is missing of a file may still be there.
    fn is_unsure(&self, file: &(String, String)) -> bool {
        self.unsure.contains(file) || self.damaged.contains(file)
    }

    /// Whether a file is neither read by this run nor on the disk. One that is there and cannot be reached is not lost.
    fn is_lost(&self, file: &(String, String)) -> bool {
        let source = self.sources.get(&file.0);
        !self.ahead.contains(file) && source.is_some_and(|source| is_missing(source, &file.1))
    }

    /// Whether a file is lost and its source's folder is there without it, or was below what is read now. A folder that
    /// is not there, or empty, may be on a disk that is away, unless the file that came is called as the lost one.
    fn has_left(&self, file: &(String, String), came: &Origin) -> bool {
        let is_namesake = Path::new(&came.path).file_name() == Path::new(&file.1).file_name();
        let is_known = |source: &Source| {
            let root = source.folder();
            let has_any = || std::fs::read_dir(&root).is_ok_and(|mut entries| entries.next().is_some());
            (has_any() || is_namesake && root.is_dir()) || self.scopes.iter().any(|scope| root.starts_with(&scope.full))
        };
        self.sources.get(&file.0).is_some_and(is_known) && self.is_lost(file)
    }

    /// Whether a source's folder is not there although the index has articles of it, as far as this run can tell.
    pub fn misses(&self, source: &Source) -> bool {
        let is_seen = || self.scopes.iter().any(|scope| source.folder().starts_with(&scope.full));
        source.is_lost() && (self.held.keys().any(|(name, _)| *name == source.name) || !is_seen())
    }

    /// Refuses an article whose id belongs to another file that is still there. Whether it comes to another source than
    /// it was in, because its file moved.
    ///
    /// # Errors
    /// `Caller`, naming both files and the way out.
    pub fn check(&self, article: &Article) -> Result<bool> {
        let Some(new) = &article.origin else { return Ok(false) };
        let Some(old) = self.before.origin(&article.id)? else {
            return Ok(false);
        };
        let path = |origin: &Origin| match self.sources.get(&origin.source) {
            Some(source) => source.path_of(&origin.path),
            None => Path::new(&origin.source).join(&origin.path),
        };
        let is_same_source = old.source == new.source;
        let file = key(&old);
        let is_read = || self.ahead.contains(&file) && !self.is_unsure(&file);
        if old == *new || is_same_source && (is_read() || self.is_lost(&file)) {
            return Ok(false);
        }
        if !is_same_source && self.has_left(&file, new) {
            return Ok(true);
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
            in_command(&article.id)
        )))
    }

    /// What an article says, as [`content`] has it, if it is new where there were others that it may have been.
    pub fn content_of_new(&self, article: &Article) -> Result<Option<u64>> {
        if self.held.is_empty() || self.before.is_there(&article.id)? {
            Ok(None)
        } else {
            content(article).map(Some)
        }
    }

    /// The article that the one of this content, which is new, was before its file moved.
    pub fn moved_from(&mut self, content: u64) -> Option<String> {
        self.lost.get_mut(&content)?.pop()
    }

    /// What articles say that the index held, by id, sorted.
    pub fn contents(&self, ids: &[String]) -> Result<Vec<(String, u64)>> {
        let mut contents = self.before.contents(ids)?;
        contents.sort();
        Ok(contents)
    }

    /// Notes that something could not be read: what is missing of that file is then not gone, be it that nothing is in
    /// it, as after an export that failed. The articles that the index holds of it, or of what lies below it, and
    /// keeps.
    pub fn rejected(&mut self, rejected: &Rejected) -> Vec<String> {
        let about = rejected.path.symlink_metadata();
        let Some(full) = self.full_path(&rejected.path) else {
            return Vec::new();
        };
        let mut kept = Vec::new();
        if let Some(origin) = self.sources.origin(&full) {
            let file = key(&origin);
            // What else stands in the file is read all the same, and the caller names one line.
            if rejected.line.is_some() {
                self.unsure.insert(file);
                return kept;
            }
            if !self.is_lost(&file) {
                kept.extend(self.held.get(&file).into_iter().flatten().cloned());
            }
            self.unsure.insert(file);
        }
        if rejected.line.is_none() && about.is_ok_and(|about| !about.is_file()) {
            let below = self.held_below(&full).filter(|(file, _)| !self.is_lost(file));
            kept.extend(below.flat_map(|(_, ids)| ids).cloned());
        }
        kept
    }

    /// Notes what was read but not as it should be: what is missing of a file that is damaged is not gone.
    pub fn noticed(&mut self, noticed: &Rejected) {
        if matches!(noticed.why, Why::Records | Why::Document | Why::Encoding) {
            self.damaged
                .extend(self.origin_of_file(&noticed.path).as_ref().map(key));
        }
    }

    /// The damaged files of which the index holds articles that were not read this time, once everything is read.
    pub fn kept_of_damaged(&self, reader: &ArticleReader) -> Vec<(PathBuf, Vec<String>)> {
        let kept_of = |file: &(String, String)| {
            let ids = self.held.get(file)?.iter().filter(|id| !reader.gave(id));
            let ids: Vec<String> = ids.cloned().collect();
            let path = self.sources.get(&file.0)?.path_of(&file.1);
            (!ids.is_empty()).then_some((path, ids))
        };
        self.damaged.iter().filter_map(kept_of).collect()
    }

    /// The files that the index holds of a folder, whatever source they belong to.
    fn held_below(&self, folder: &Path) -> impl Iterator<Item = (&(String, String), &Vec<String>)> {
        let inner = self.sources.iter().filter(|source| source.folder().starts_with(folder));
        let mut begins: Vec<_> = inner.map(|source| (source.name.clone(), String::new())).collect();
        if let Some(origin) = self.sources.origin(folder) {
            begins.push((origin.source, format!("{}/", origin.path)));
        }
        begins.into_iter().flat_map(|begin| {
            let range = self.held.range(begin.clone()..);
            range.take_while(move |(file, _)| file.0 == begin.0 && file.1.starts_with(&begin.1))
        })
    }

    fn full_path(&self, path: &Path) -> Option<PathBuf> {
        self.scopes.iter().find_map(|scope| scope.full_path(path))
    }

    /// Where a file that was found belongs, whether or not it could be read.
    fn origin_of_file(&self, path: &Path) -> Option<Origin> {
        self.sources.origin(&self.full_path(path)?)
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

    /// Whether an article's id was made of its file and its place there. One that its record was given is another
    /// article's if it changes.
    pub fn has_made_id(&self, id: &str) -> bool {
        let origin = self.before.origin(id).ok().flatten();
        origin.is_some_and(|origin| id.contains(&origin.path))
    }

    /// The articles that the sources no longer have, sorted, once everything is read.
    pub fn gone(&self, reader: &ArticleReader) -> Vec<String> {
        let is_gone = |file: &(String, String)| {
            if self.ahead.contains(file) {
                !self.is_unsure(file)
            } else {
                self.is_lost(file)
            }
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
