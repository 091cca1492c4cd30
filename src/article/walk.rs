//! Paths to files: which files lie under the named paths, in a fixed order, and the id that each gives its articles.
//!
//! Opens nothing and decides nothing by content. Hidden files are skipped, links to folders are not followed (they may
//! lead back up), links to files are.

use std::collections::HashMap;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::error::{Error, Result};

/// A file to be read.
#[derive(Debug, Clone)]
pub(super) struct SourceFile {
    pub path: PathBuf,
    /// In bytes, when it was found.
    pub size: u64,
    /// Its place below the named path, unique among the files found: `rules/ningbo` for `rules/ningbo.md`.
    pub id: String,
    /// Whether it was named itself, not only its folder.
    pub named: bool,
}

/// What lies at a place: a file, or something that is not read and why.
pub(super) type Found = std::result::Result<SourceFile, (PathBuf, String)>;

/// Everything under the named paths: the names in their order, folders by name. A name that does not exist is an error.
pub(super) fn find(paths: &[PathBuf]) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut places = Vec::new();
    for path in paths {
        let about = path.metadata().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::missing(format!("{} does not exist", path.display())),
            _ => Error::unavailable(format!("{} cannot be read: {error}", path.display())),
        })?;
        let before = found.len();
        if about.is_dir() {
            folder(path, &mut found, &mut places);
            if found.len() == before {
                found.push(Err((
                    path.clone(),
                    "the folder holds no files (hidden ones are not read)".into(),
                )));
            }
        } else if about.is_file() {
            places.push((found.len(), path.parent().unwrap_or(Path::new("")).to_path_buf()));
            found.push(Ok(SourceFile {
                path: path.clone(),
                size: about.len(),
                id: String::new(),
                named: true,
            }));
        } else {
            found.push(Err((path.clone(), "is neither a file nor a folder".into())));
        }
    }
    name(&mut found, &places);
    Ok(found)
}

/// Adds what lies under one folder.
fn folder(root: &Path, found: &mut Vec<Found>, places: &mut Vec<(usize, PathBuf)>) {
    let visible =
        |entry: &walkdir::DirEntry| entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.');
    for entry in WalkDir::new(root)
        .follow_links(false)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(visible)
    {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(root).to_path_buf();
                let reason = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                found.push(Err((path, format!("cannot be read: {reason}"))));
                continue;
            }
        };
        if entry.file_type().is_dir() || entry.depth() == 0 {
            continue;
        }
        let path = entry.into_path();
        match path.metadata() {
            Ok(about) if about.is_file() => {
                places.push((found.len(), root.to_path_buf()));
                found.push(Ok(SourceFile {
                    path,
                    size: about.len(),
                    id: String::new(),
                    named: false,
                }));
            }
            Ok(about) if about.is_dir() => {
                found.push(Err((path, "is a link to a folder, which is not followed".into())))
            }
            Ok(_) => found.push(Err((path, "is not a regular file".into()))),
            Err(error) => found.push(Err((path, format!("cannot be read: {error}")))),
        }
    }
}

/// Gives every file the shortest id that no other file here has: its path below the root without the extension, then
/// with it, then the path as it was named. A file that was found twice is kept once.
fn name(found: &mut Vec<Found>, places: &[(usize, PathBuf)]) {
    let mut seen = HashSet::new();
    let mut names: Vec<[String; 3]> = vec![Default::default(); found.len()];
    let mut again = HashSet::new();
    for (at, root) in places {
        let Ok(file) = &found[*at] else { continue };
        let canonical = file.path.canonicalize().unwrap_or_else(|_| file.path.clone());
        if !seen.insert(canonical) {
            again.insert(*at);
            continue;
        }
        let below = file.path.strip_prefix(root).unwrap_or(&file.path);
        names[*at] = [joined(&below.with_extension("")), joined(below), joined(&file.path)];
    }
    for (ladder, last) in [(0, false), (1, false), (2, true)] {
        let mut count: HashMap<String, usize> = HashMap::new();
        for (at, _) in places.iter().filter(|(at, _)| !again.contains(at)) {
            *count.entry(names[*at][ladder].clone()).or_default() += 1;
        }
        for (at, _) in places.iter().filter(|(at, _)| !again.contains(at)) {
            let name = &names[*at][ladder];
            if let Ok(file) = &mut found[*at]
                && file.id.is_empty()
                && (count[name] == 1 || last)
            {
                file.id.clone_from(name);
            }
        }
    }
    let mut at = 0;
    found.retain(|_| {
        at += 1;
        !again.contains(&(at - 1))
    });
}

/// The parts of a path joined by `/` on every system, without what only says where it starts.
fn joined(path: &Path) -> String {
    let parts = path.components().filter_map(|part| match part {
        std::path::Component::Normal(part) => Some(part.to_string_lossy().replace(char::is_control, "_")),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("/")
}
