//! Paths to files: which files lie under the named paths, in a fixed order, and the source that each belongs to.
//!
//! Opens nothing and decides nothing by content. Hidden files and folders of an index are passed over, those that
//! `skip` knows by name are named, links to folders are not followed (they may lead back up), links to files are where
//! these lie in the folder of their source.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::layout::is_han;
use super::skip;
use super::source::{Scope, Sources};
use super::why::Why;
use crate::model::Origin;

/// A file to be read.
#[derive(Debug, Clone)]
pub(super) struct SourceFile {
    pub path: PathBuf,
    /// In bytes, when it was found.
    pub size: u64,
    /// Where it belongs; the id of its article.
    pub origin: Origin,
    /// Whether it was named itself, not only its folder.
    pub named: bool,
}

/// What lies at a place: a file, or something that is not read and why.
pub(super) type FoundFile = std::result::Result<SourceFile, (PathBuf, Why, String)>;

/// Everything under the named paths, which belong to these sources: the paths in their order, folders by name. A file
/// that is found twice, under two of the paths or by a link, is kept once.
pub(super) fn find(scopes: &[Scope], sources: &Sources) -> Vec<FoundFile> {
    let mut found = Gathered::default();
    for scope in scopes {
        match scope.full.metadata() {
            Ok(about) if about.is_dir() => folder(scope, sources, &mut found),
            Ok(about) if about.is_file() => found.file(scope, scope.given.clone(), about.len(), sources),
            Ok(_) => found.refuse(&scope.given, Why::NoArticle, "is neither a file nor a folder".into()),
            Err(error) => found.refuse(&scope.given, Why::Unreachable, format!("cannot be read: {error}")),
        }
    }
    // A link to a file that is found by itself too would be a copy of it.
    for (target, at) in found.links {
        if found.files.contains(&target)
            && let Ok(link) = &found.all[at]
        {
            found.all[at] = Err((link.path.clone(), Why::Link, another_link(&target)));
        }
    }
    found.all
}

fn another_link(target: &Path) -> String {
    format!("is a link to {}, which is read already", target.display())
}

/// What was found so far.
#[derive(Default)]
struct Gathered {
    all: Vec<FoundFile>,
    ids: HashSet<String>,
    /// Where links to files lead, with the place in `all` of the first that leads there.
    links: HashMap<PathBuf, usize>,
    /// All other files, in full.
    files: HashSet<PathBuf>,
}

impl Gathered {
    fn refuse(&mut self, path: &Path, why: Why, reason: String) {
        self.all.push(Err((path.to_path_buf(), why, reason)));
    }

    fn file(&mut self, scope: &Scope, path: PathBuf, size: u64, sources: &Sources) {
        let full = scope.full_path(&path).unwrap_or_else(|| path.clone());
        let Some(origin) = sources.origin(&full) else {
            return self.refuse(&path, Why::Link, "belongs to no source".into());
        };
        if !self.ids.insert(origin.id()) {
            return;
        }
        let named = path == scope.given;
        if !named && path.is_symlink() {
            let target = full.canonicalize().unwrap_or(full);
            // Who may write into a folder of articles may not thereby read what lies elsewhere.
            let root = sources.get(&origin.source).map(|source| source.folder());
            if !target.starts_with(&scope.full) && root.is_none_or(|root| !target.starts_with(root)) {
                return self.refuse(
                    &path,
                    Why::Link,
                    format!("is a link to {}, outside of the folder", target.display()),
                );
            }
            // Of several links to one file that lies elsewhere, the first is read.
            if self.links.contains_key(&target) {
                return self.refuse(&path, Why::Link, another_link(&target));
            }
            self.links.insert(target, self.all.len());
        } else {
            self.files.insert(full);
        }
        self.all.push(Ok(SourceFile {
            path,
            size,
            origin,
            named,
        }));
    }
}

/// Whether an index of ours lies in a folder: it may lie among what it is made from.
fn is_index(folder: &Path) -> bool {
    folder.join("current").is_file() && folder.join("write.lock").is_file()
}

/// Adds what lies under one folder.
fn folder(scope: &Scope, sources: &Sources, found: &mut Gathered) {
    let before = found.all.len();
    let mut holds_files = false;
    let visible = |entry: &walkdir::DirEntry| {
        let is_hidden = || entry.file_name().to_string_lossy().starts_with('.');
        entry.depth() == 0 || !(is_hidden() || entry.file_type().is_dir() && is_index(entry.path()))
    };
    let mut entries = WalkDir::new(&scope.given)
        .follow_links(false)
        .sort_by_file_name()
        .into_iter();
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(&scope.given).to_path_buf();
                let reason = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                found.refuse(&path, Why::Unreachable, format!("cannot be read: {reason}"));
                continue;
            }
        };
        if !visible(&entry) {
            if entry.file_type().is_dir() {
                entries.skip_current_dir();
            }
            continue;
        }
        if entry.file_type().is_dir() || entry.depth() == 0 {
            if let Some(reason) = skip::folder(entry.path()).filter(|_| entry.depth() > 0) {
                entries.skip_current_dir();
                found.refuse(entry.path(), Why::NoArticle, reason.into());
            }
            continue;
        }
        holds_files = true;
        let path = entry.into_path();
        if let Some(reason) = skip::file(&path) {
            found.refuse(&path, Why::NoArticle, reason.into());
            continue;
        }
        match path.metadata() {
            Ok(about) if about.is_file() => found.file(scope, path, about.len(), sources),
            Ok(about) if about.is_dir() => {
                found.refuse(&path, Why::Link, "is a link to a folder, which is not followed".into())
            }
            Ok(_) => found.refuse(&path, Why::NoArticle, "is not a regular file".into()),
            Err(error) => found.refuse(&path, Why::Unreachable, format!("cannot be read: {error}")),
        }
    }
    if found.all.len() == before && !holds_files {
        found.refuse(
            &scope.given,
            Why::Empty,
            "the folder holds no files (hidden ones are not read)".into(),
        );
    }
}

/// A file's name without its extension.
pub(super) fn stem(path: &Path) -> String {
    path.file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// A file's name as a title, if it says anything: names such as `000_c5abffc0` do not.
pub(super) fn title_from_name(path: &Path) -> String {
    let stem = stem(path);
    let speaks = stem.chars().any(is_han)
        || (stem.chars().any(char::is_alphabetic) && !stem.contains(|c: char| c.is_ascii_digit()));
    if speaks { stem } else { String::new() }
}
