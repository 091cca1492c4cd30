//! Sources: what articles are read from, by name, each with the folder it lies in; and which source a path belongs to.
//!
//! An article's id begins with its source's name and goes on with its place in it, so it does not depend on what else
//! was named in the same call. A file belongs to the innermost source that holds it: a folder inside a known one is no
//! second source, and a folder that was known before the one around it stays its own. Reads no file.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::limits::is_unseen;
use super::limits::{MAX_PATH_BYTES, most};
use crate::error::{Error, Fault, Result};
use crate::files::in_command;
use crate::model::Origin;

/// The most sources of an index: all of them are written with each commit.
const MAX_SOURCES: usize = 10_000;
/// The longest name of a source, in characters.
const MAX_NAME: usize = 100;

/// What a source holds of its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// The folder with everything below it.
    Folder,
    /// Only files that lie in the folder itself: they were named one by one.
    Files,
    /// Nothing: its articles were given one by one, and there is no folder.
    Given,
}

/// Something that articles are read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Unique in an index.
    pub name: String,
    /// The folder, in full, as its articles' ids would show it; empty if there is none.
    pub root: String,
    /// What of the folder belongs to it.
    pub kind: SourceKind,
}

/// All sources of an index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sources(Vec<Source>);

/// A path to be read: as it was named, and in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// As it was named.
    pub given: PathBuf,
    /// The same without links and `..`.
    pub full: PathBuf,
}

impl Scope {
    /// A path below the one that was named, in full.
    pub fn full_path(&self, path: &Path) -> Option<PathBuf> {
        let below = path.strip_prefix(&self.given).ok()?;
        if below.as_os_str().is_empty() {
            // Joining nothing would put a slash behind a file's name.
            Some(self.full.clone())
        } else {
            Some(self.full.join(below))
        }
    }
}

impl Source {
    /// Whether a path, in full, belongs to it unless another source inside does.
    fn holds(&self, path: &Path) -> bool {
        match self.kind {
            SourceKind::Folder => path.starts_with(self.folder()),
            SourceKind::Files => path.parent() == Some(&self.folder()),
            SourceKind::Given => false,
        }
    }

    /// The folder.
    pub fn folder(&self) -> Cow<'_, Path> {
        if self.root.contains('%') {
            PathBuf::from(file_name(&self.root)).into()
        } else {
            Path::new(&self.root).into()
        }
    }

    /// Whether it has a folder that is not there, on this machine.
    pub fn is_lost(&self) -> bool {
        self.kind != SourceKind::Given && !self.folder().exists()
    }

    /// Where its articles come from, for people.
    pub fn place(&self) -> &str {
        match self.kind {
            SourceKind::Given => "articles given one by one",
            SourceKind::Folder | SourceKind::Files => &self.root,
        }
    }

    /// A file's path in full, by its path in the source.
    pub fn path_of(&self, place: &str) -> PathBuf {
        place
            .split('/')
            .fold(self.folder().into_owned(), |path, part| path.join(file_name(part)))
    }
}

impl Sources {
    /// All of them, in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.iter()
    }

    /// The source of a name.
    pub fn get(&self, name: &str) -> Option<&Source> {
        self.0.iter().find(|source| source.name == name)
    }

    /// Takes a source out; whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|source| source.name != name);
        self.0.len() < before
    }

    /// Makes sure that articles may be given to a source by its name: it becomes one if there is none, and stays what
    /// it is if it has the same folder.
    ///
    /// # Errors
    /// `Caller` for a name that is none, `Precondition` if the name is that of a source with another folder,
    /// `Exhausted` if there are as many sources as may be.
    pub fn give(&mut self, given: &Source) -> Result<()> {
        most("source.folder.root", given.root.len(), MAX_PATH_BYTES, "bytes")?;
        let count = self.0.len();
        match self.0.iter_mut().find(|source| source.name == given.name) {
            None if count >= MAX_SOURCES => {
                return Err(Error::new(
                    Fault::Exhausted,
                    format!("source: the index has {MAX_SOURCES} of them, which is as many as it may"),
                )
                .help("give these articles to one that is there"));
            }
            None => {
                check_name("source.name:", &given.name)?;
                self.0.push(given.clone());
            }
            Some(known) if known.root != given.root => return Err(other_place(known, given)),
            // A folder of which files were named one by one may be read as a whole; never the other way round.
            Some(known) if given.kind == SourceKind::Folder => known.kind = SourceKind::Folder,
            Some(_) => {}
        }
        Ok(())
    }

    /// Refuses a source whose name is that of a source with another folder.
    ///
    /// # Errors
    /// `Precondition`, naming both.
    pub fn check_same(&self, given: &Source) -> Result<()> {
        match self.get(&given.name) {
            Some(known) if known.root != given.root => Err(other_place(known, given)),
            _ => Ok(()),
        }
    }

    /// Where a file, by its path in full, belongs: the innermost source that holds it.
    pub fn origin(&self, file: &Path) -> Option<Origin> {
        let holding = self.0.iter().filter(|source| source.holds(file));
        let source = holding.max_by_key(|source| source.root.len())?;
        Some(Origin {
            source: source.name.clone(),
            path: joined(file.strip_prefix(source.folder()).ok()?),
        })
    }

    /// As [`Sources::claim`] without a name, where nothing is kept: a name that is taken is made another.
    ///
    /// # Errors
    /// If the path cannot be reached.
    pub fn claim_any(&mut self, path: &Path) -> Result<Scope> {
        match self.claim(path, None) {
            Err(error) if error.fault() == Fault::Precondition => {
                let full = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
                let folder = if full.is_dir() { Some(&*full) } else { full.parent() };
                let name = self.free_name(&printable(folder.unwrap_or(&full).as_os_str()));
                self.claim(path, Some(&name))
            }
            other => other,
        }
    }

    /// A name to propose for a folder: its own with that of the folder it lies in.
    fn free_name(&self, root: &str) -> String {
        let above = Path::new(root).parent().and_then(Path::to_str);
        let above = above.map_or_else(String::new, name_of);
        let name = format!("{above}-{}", name_of(root));
        let numbered = (2..).map(|n| format!("{name}-{n}"));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        names.find(|name| self.get(name).is_none()).unwrap_or(name)
    }

    /// Makes sure that a path which is about to be read belongs to a source, and to that of this name if one is given.
    /// Without a name a new source has that of its folder.
    ///
    /// # Errors
    /// `Missing` or `Unavailable` if the path cannot be reached, `Caller` for a name that is none, `Precondition` if
    /// the name is another folder's or the path belongs to another source. Each says what to do.
    pub fn claim(&mut self, path: &Path, name: Option<&str>) -> Result<Scope> {
        let unreachable = |error: std::io::Error| self.unreachable(path, &error);
        let full = path.canonicalize().map_err(unreachable)?;
        let is_folder = full.metadata().map_err(unreachable)?.is_dir();
        let (root, kind) = if is_folder {
            (full.clone(), SourceKind::Folder)
        } else {
            (full.parent().unwrap_or(Path::new("/")).to_path_buf(), SourceKind::Files)
        };
        let root = printable(root.as_os_str());
        let scope = Scope {
            given: path.to_path_buf(),
            full,
        };
        if let Some(name) = name {
            check_name("--source", name)?;
        }
        let belongs = |source: &&mut Source| match kind {
            SourceKind::Folder => {
                source.root == root || source.kind == SourceKind::Folder && scope.full.starts_with(source.folder())
            }
            SourceKind::Files | SourceKind::Given => source.holds(&scope.full),
        };
        let holding = self.0.iter_mut().filter(belongs).max_by_key(|source| source.root.len());
        if let Some(source) = holding {
            if let Some(name) = name.filter(|name| *name != source.name) {
                return Err(Error::precondition(format!(
                    "{} belongs to the source `{}` ({}), not to `{name}`",
                    path.display(),
                    source.name,
                    source.root
                ))
                .help(format!(
                    "leave --source out; to read it as a source of its own, first `baowen delete --source {}`",
                    in_command(&source.name)
                )));
            }
            if source.root == root && is_folder {
                source.kind = SourceKind::Folder;
            }
            return Ok(scope);
        }
        let own = name.map_or_else(|| name_of(&root), str::to_string);
        if let Some(at) = self.0.iter().position(|source| source.name == own) {
            // A source that was named is where its user says it is; one that is gone may only be unmounted.
            if name.is_some() && self.0[at].is_lost() {
                self.0[at] = Source { name: own, root, kind };
                return Ok(scope);
            }
            return Err(self.name_is_taken(&self.0[at], &root));
        }
        self.0.push(Source { name: own, root, kind });
        Ok(scope)
    }

    /// What is wrong with a path that cannot be reached; it may be the place where a source was.
    fn unreachable(&self, path: &Path, error: &std::io::Error) -> Error {
        if error.kind() != std::io::ErrorKind::NotFound {
            return Error::unavailable(format!("{} cannot be read: {error}", path.display()));
        }
        let missing = Error::missing(format!("{} does not exist", path.display()));
        let known = std::path::absolute(path).ok();
        match known.and_then(|path| self.0.iter().find(|source| source.folder() == path)) {
            Some(Source { name, .. }) => missing.help(format!(
                "it is the source `{name}`: if it moved, name its new place with `--source {word}`; if it is gone, \
                 `baowen delete --source {word}` takes its articles out",
                word = in_command(name)
            )),
            None => missing,
        }
    }

    /// Refuses a folder whose name another source has.
    fn name_is_taken(&self, by: &Source, root: &str) -> Error {
        let name = &by.name;
        let way_out = if by.is_lost() {
            format!(
                "if it is the same folder in a new place, say `--source {}`; else give it another name",
                in_command(name)
            )
        } else {
            format!(
                "give {root} a name of its own: `--source {}`",
                in_command(self.free_name(root))
            )
        };
        Error::precondition(format!(
            "the source `{name}` is {}, and {root} would take its name",
            by.place()
        ))
        .help(way_out)
    }
}

/// Refuses what cannot be the beginning of an id.
fn check_name(field: &str, name: &str) -> Result<()> {
    let bad = name.trim().is_empty()
        || name.chars().count() > MAX_NAME
        || name.contains(|c: char| c.is_control() || is_unseen(c) || matches!(c, '/' | '\\'));
    if bad {
        Err(Error::caller(format!(
            "{field} `{}`: a name has 1 to {MAX_NAME} characters, no slash, no control character and none that turns the \
             direction of writing round",
            name.escape_debug()
        )))
    } else {
        Ok(())
    }
}

/// The name that a folder's source has unless another is given; of the folder as [`printable`] shows it.
fn name_of(root: &str) -> String {
    match Path::new(root).file_name().and_then(OsStr::to_str) {
        Some(name) => name.chars().take(MAX_NAME).collect(),
        None => "root".into(),
    }
}

/// The parts of a path joined by `/` on every system.
fn joined(path: &Path) -> String {
    let parts = path.components().map(|part| printable(part.as_os_str()));
    parts.collect::<Vec<_>>().join("/")
}

/// A file's name or path as an id shows it, different for different ones: control characters, bytes that are no UTF-8,
/// and a percent sign that could be taken for the beginning of such a one, as `%` and two hexadecimal digits a byte.
fn printable(name: &OsStr) -> String {
    let mut shown = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        for (at, c) in chunk.valid().char_indices() {
            let bytes = &chunk.valid().as_bytes()[at..at + c.len_utf8()];
            if c.is_control() || c == '%' && escaped(&chunk.valid().as_bytes()[at..]).is_some() {
                bytes.iter().for_each(|byte| shown.push_str(&format!("%{byte:02x}")))
            } else {
                shown.push(c);
            }
        }
        chunk
            .invalid()
            .iter()
            .for_each(|byte| shown.push_str(&format!("%{byte:02x}")));
    }
    shown
}

/// The byte that `%` and two lower hexadecimal digits at the beginning stand for.
fn escaped(text: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = *text else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// The name or path that [`printable`] shows so. Where names are not bytes (Windows), one that holds no Unicode is not
/// found again, as if it were gone.
fn file_name(shown: &str) -> OsString {
    let (mut bytes, mut rest) = (Vec::with_capacity(shown.len()), shown.as_bytes());
    while let Some(&first) = rest.first() {
        let (byte, taken) = escaped(rest).map_or((first, 1), |byte| (byte, 3));
        bytes.push(byte);
        rest = &rest[taken..];
    }
    #[cfg(unix)]
    return std::os::unix::ffi::OsStringExt::from_vec(bytes);
    #[cfg(not(unix))]
    String::from_utf8_lossy(&bytes).into_owned().into()
}

fn other_place(known: &Source, given: &Source) -> Error {
    Error::precondition(format!(
        "source: `{}` is that of {}, not of {}",
        known.name,
        known.place(),
        given.place()
    ))
    .help("give these articles to a source of another name")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
            std::fs::write(folder.path().join(name).join("a.md"), "x").unwrap();
        }
        folder
    }

    #[test]
    fn an_id_does_not_depend_on_how_its_file_was_named() {
        let folder = folders(&["zj", "zj/city", "zj/city/deep", "hz"]);
        let at = |path: &str| folder.path().join(path);
        let check = |named: &[&str], file: &str, expected: &str| {
            let mut sources = Sources::default();
            for path in named {
                sources.claim(&at(path), None).unwrap();
            }
            let file = at(file).canonicalize().unwrap();
            let id = sources.origin(&file).map(|origin| origin.id());
            assert_eq!(id.as_deref(), Some(expected), "{named:?}");
        };
        check(&["zj"], "zj/a.md", "zj/a.md");
        check(&["zj/a.md"], "zj/a.md", "zj/a.md");
        check(&["zj/a.md", "zj"], "zj/city/a.md", "zj/city/a.md");
        check(&["hz", "zj"], "zj/a.md", "zj/a.md");
        check(&["zj", "zj/city"], "zj/city/a.md", "zj/city/a.md");
        check(&["zj", "zj/city/a.md"], "zj/city/a.md", "zj/city/a.md");
        check(&["zj/city", "zj"], "zj/city/a.md", "city/a.md");
        check(&["zj/city", "zj"], "zj/a.md", "zj/a.md");
        // A file that was named by itself claims nothing below its folder.
        check(&["zj/a.md", "zj/city"], "zj/city/a.md", "city/a.md");
    }

    #[test]
    fn different_names_make_different_ids_and_are_found_again() {
        let names: [&[u8]; 9] = [
            b"n\nl.txt",
            b"n_l.txt",
            b"n\tl.txt",
            b"n l.txt",
            b"b\xff.txt",
            b"b\xfe.txt",
            b"100%.txt",
            b"a%0a.txt",
            b"a\n.txt",
        ];
        let mut seen = std::collections::BTreeSet::new();
        for name in names {
            #[cfg(unix)]
            {
                let name: &OsStr = std::os::unix::ffi::OsStrExt::from_bytes(name);
                let shown = printable(name);
                assert_eq!(file_name(&shown), name, "{shown}");
                assert!(
                    !shown.contains(char::is_control) && seen.insert(shown.clone()),
                    "{shown}"
                );
            }
        }
        assert!(
            seen.is_empty() || seen.contains("100%.txt") && seen.contains("b%ff.txt") && seen.contains("a%250a.txt")
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_is_a_source_whatever_its_name_is() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let names: [&[u8]; 3] = [b"\xb1\xa3/a.md", b"100%25/b.md", b"%e5/\xce/c.md"];
        for (name, expected) in names.iter().zip(["%b1%a3/a.md", "100%2525/b.md", "%ce/c.md"]) {
            let file = root.join(Path::new(<OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name)));
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, "x").unwrap();
            let mut sources = Sources::default();
            sources.claim(file.parent().unwrap(), None).unwrap();
            let origin = sources.origin(&file).unwrap();
            let source = sources.get(&origin.source).unwrap();
            assert_eq!((origin.id().as_str(), source.is_lost()), (expected, false));
            assert_eq!(source.path_of(&origin.path), file);
            // Named again it is the same.
            sources.claim(file.parent().unwrap(), None).unwrap();
            assert_eq!(sources.iter().count(), 1);
        }
    }

    #[test]
    fn a_taken_name_is_refused_with_both_paths_and_the_way_out() {
        let folder = folders(&["a/docs", "b/docs", "b/docs/city"]);
        let at = |path: &str| folder.path().join(path);
        let mut sources = Sources::default();
        sources.claim(&at("a/docs"), None).unwrap();
        let error = sources.claim(&at("b/docs"), None).unwrap_err();
        assert_eq!(error.fault(), Fault::Precondition);
        assert!(
            error.message().contains("a/docs") && error.message().contains("b/docs"),
            "{error}"
        );
        assert!(error.hint().unwrap().contains("--source b-docs"), "{error}");
        sources.claim(&at("b/docs"), Some("b-docs")).unwrap();
        // Known by now, so it needs no name; another name would make copies of it.
        sources.claim(&at("b/docs"), None).unwrap();
        let error = sources.claim(&at("b/docs/city"), Some("city")).unwrap_err();
        assert!(error.message().contains("b-docs"), "{error}");
        for name in ["", "a/b", "a\nb"] {
            let error = sources.claim(&at("a/docs"), Some(name)).unwrap_err();
            assert_eq!(error.fault(), Fault::Caller, "{name:?}");
        }
    }

    #[test]
    fn a_source_that_moved_says_so_by_its_name() {
        let folder = folders(&["zj", "new/zj"]);
        let at = |path: &str| folder.path().join(path);
        let mut sources = Sources::default();
        sources.claim(&at("zj"), None).unwrap();
        std::fs::remove_dir_all(at("zj")).unwrap();
        let error = sources.claim(&at("new/zj"), None).unwrap_err();
        assert!(error.hint().unwrap().contains("--source zj"), "{error}");
        sources.claim(&at("new/zj"), Some("zj")).unwrap();
        assert!(sources.get("zj").unwrap().root.ends_with("new/zj"));
    }
}
