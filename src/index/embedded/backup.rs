//! A commit written into another folder while the index lives on: links to its files where the system can, copies
//! otherwise.
//!
//! Files of a commit never change, so a link is as good as a copy, costs nothing, and outlives its first name. The lock
//! under which tantivy's writers take files away, and commits end, is held only while files are linked or, those to be
//! copied, opened.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tantivy::Directory as _;
use tantivy::directory::META_LOCK;

use super::directory::{Folder, MANAGED, META};
use super::folder;
use super::guard::guarded;
use super::open::{EmbeddedIndex, GRAPHS, SEGMENTS, described, nothing_in};
use super::seal::{Files, seal, unseal};
use super::segment::{forward_path, graph_path};
use super::whole::check_there;
use crate::error::{Context, Error, Fault, Result};
use crate::files::write_whole;

/// The generation of a snapshot.
const FIRST: &str = "generation-1";
/// How often a commit may come between the reading of what it holds and the naming of its files. Not measured.
const TRIES: usize = 100;

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backup {
    /// The commit's stamp.
    pub commit: u64,
    /// Files.
    pub files: usize,
    /// Of these: copied, since they could not be linked.
    pub copied: usize,
}

impl EmbeddedIndex {
    /// Refuses a place for snapshots that lies in the index's own folder: a writer finds strange things there, and
    /// takes away what is named like a generation.
    ///
    /// # Errors
    /// `Precondition`, with another place.
    pub fn check_snapshots_outside(index: &Path, place: &Path) -> Result<()> {
        let (inner, outer) = (in_full(place), in_full(index));
        if !inner.starts_with(&outer) {
            return Ok(());
        }
        let beside = index.with_extension("snapshots");
        Err(Error::precondition(format!(
            "{} lies in the folder of the index {}, where snapshots cannot be",
            place.display(),
            index.display()
        ))
        .help(format!("name a folder outside of it, such as {}", beside.display())))
    }

    /// Writes the newest commit of the index in a folder into another folder, which is absent or empty. It appears
    /// whole or not at all; a copy of it is an index like any other. Whoever writes to the index, in this process or
    /// another, goes on.
    ///
    /// # Errors
    /// [`Fault::Corrupt`] if one of its files is gone, or longer or shorter than it was written (the bytes are not
    /// read), [`Fault::Missing`] if there is no index, [`Fault::Precondition`] if something lies in the other folder,
    /// [`Fault::Unavailable`] if the disk refuses.
    pub fn back_up(from: &Path, to: &Path) -> Result<Backup> {
        Self::check_snapshots_outside(from, to)?;
        if fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_some()) || to.is_file() {
            return Err(Error::precondition(format!("{} is there already", to.display())).help("name a new folder"));
        }
        let name = to
            .file_name()
            .ok_or_else(|| Error::caller(format!("{} names no folder", to.display())))?;
        let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        let doing = || format!("writing a snapshot to {}", to.display());
        fs::create_dir_all(parent).or_fault(Fault::Unavailable, doing())?;
        sweep(parent);
        let stage = parent.join(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id()));
        // What a process of the same number left that died.
        let _ = fs::remove_dir_all(&stage);
        let written = guarded(from, || write(from, &stage))
            .map_err(|error| error.context(doing()))
            .and_then(|backup| {
                fs::rename(&stage, to).or_fault(Fault::Unavailable, doing())?;
                synced(parent);
                Ok(backup)
            });
        if written.is_err() {
            let _ = fs::remove_dir_all(&stage);
        }
        written
    }
}

/// Takes away what snapshots left in a folder whose process was killed. One that still lives goes on; where nobody says
/// which processes live, nothing is taken away.
fn sweep(parent: &Path) {
    let processes = Path::new("/proc");
    if !processes.join(std::process::id().to_string()).exists() {
        return;
    }
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(process) = name.to_str().and_then(staged_by) else {
            continue;
        };
        if !processes.join(process.to_string()).exists() && is_stage(&entry.path()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether a folder holds what a snapshot holds, and nothing else: others may name theirs alike.
fn is_stage(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    let is_ours = |name: &str| name == FIRST || name == folder::CURRENT || name.starts_with('.');
    entries
        .flatten()
        .all(|entry| entry.file_name().to_str().is_some_and(is_ours))
}

/// The process that stages a snapshot in a folder of this name.
fn staged_by(name: &str) -> Option<u32> {
    let (name, process) = name.strip_prefix('.')?.strip_suffix(".tmp")?.rsplit_once('.')?;
    process.parse().ok().filter(|_| !name.is_empty())
}

/// Writes the newest commit into a new folder.
fn write(from: &Path, stage: &Path) -> Result<Backup> {
    for _ in 0..TRIES {
        let generation = folder::current(from)?.ok_or_else(|| nothing_in(from))?;
        match write_generation(from, &generation, stage) {
            Ok(Some(backup)) => return Ok(backup),
            Ok(None) => {}
            // A rebuild took its place meanwhile.
            Err(_) if folder::current(from)?.is_some_and(|now| now != generation) => {}
            Err(error) => return Err(error),
        }
        fs::remove_dir_all(stage).or_fault(Fault::Unavailable, format!("removing {}", stage.display()))?;
    }
    Err(Error::unavailable("commits came faster than their files could be named").help("try again in a moment"))
}

/// The empty folders of a snapshot's generation.
fn new_generation(stage: &Path) -> Result<PathBuf> {
    let copy = stage.join(FIRST);
    for folder in [&copy.join(SEGMENTS), &copy.join(GRAPHS)] {
        fs::create_dir_all(folder).or_fault(Fault::Unavailable, format!("creating {}", folder.display()))?;
    }
    Ok(copy)
}

/// As [`write`]; `None` if a commit came between.
fn write_generation(from: &Path, generation: &Path, stage: &Path) -> Result<Option<Backup>> {
    let copy = new_generation(stage)?;
    let segments = generation.join(SEGMENTS);
    let read = |name: &str| {
        let path = segments.join(name);
        fs::read(&path).or_fault(Fault::Unavailable, format!("reading {}", path.display()))
    };
    let directory = Folder::open(&segments).or_fault(Fault::Unavailable, format!("reading {}", segments.display()))?;
    let lock = directory.acquire_lock(&META_LOCK);
    let lock = lock.or_fault(Fault::Unavailable, format!("locking {}", segments.display()))?;
    let meta = read(META)?;
    let (index, _) = described(from, generation)?;
    let metas = index.load_metas().or_fault(Fault::Corrupt, "reading the commit")?;
    if read(META)? != meta {
        return Ok(None);
    }
    // Nobody takes its files away while the lock is held.
    if let Ok((_, Some(files))) = unseal(&meta) {
        check_there(&segments, &files)?;
    }
    let mut backup = Backup {
        commit: metas.opstamp,
        ..Backup::default()
    };
    let mut unlinked = Vec::new();
    let mut names: Vec<PathBuf> = metas.list_segment_files().into_iter().collect();
    // Not every segment has every file.
    names.retain(|name| segments.join(name).exists());
    names.sort();
    for name in &names {
        backup.take(&segments.join(name), copy.join(SEGMENTS).join(name), &mut unlinked)?;
    }
    for segment in &metas.segments {
        for path in [graph_path, forward_path].map(|of| of(&generation.join(GRAPHS), segment.id())) {
            backup.take_derived(&path, &copy.join(GRAPHS), &mut unlinked)?;
        }
    }
    drop(lock);
    for (from, to) in unlinked {
        copy_out(from, &to)?;
    }
    names.push(META.into());
    let managed = serde_json::to_vec(&names).or_fault(Fault::Bug, "naming the files of a snapshot")?;
    let managed = seal(&managed, &Files::default());
    let current = folder::names(FIRST);
    for (path, bytes) in [
        (copy.join(SEGMENTS).join(META), meta),
        (copy.join(SEGMENTS).join(MANAGED), managed),
        (stage.join(folder::CURRENT), current),
    ] {
        write_whole(&path, "a snapshot's", |out| std::io::Write::write_all(out, &bytes))?;
        backup.files += 1;
    }
    for folder in [&copy.join(SEGMENTS), &copy.join(GRAPHS), &copy, stage] {
        synced(folder);
    }
    Ok(Some(backup))
}

/// Copies a file that is open: it stays what it was, whoever takes its name away.
fn copy_out(mut from: File, to: &Path) -> Result<()> {
    let doing = || format!("writing {}", to.display());
    let mut copy = File::create(to).or_fault(Fault::Unavailable, doing())?;
    std::io::copy(&mut from, &mut copy).or_fault(Fault::Unavailable, doing())?;
    copy.sync_all().or_fault(Fault::Unavailable, doing())
}

impl Backup {
    /// As [`Backup::take`] for a file that is made anew where it is missing, into a folder.
    fn take_derived(&mut self, from: &Path, into: &Path, unlinked: &mut Vec<(File, PathBuf)>) -> Result<()> {
        let Some(name) = from.file_name().filter(|_| from.exists()) else {
            return Ok(());
        };
        match self.take(from, into.join(name), unlinked) {
            // It went meanwhile.
            Err(_) if !from.exists() => Ok(()),
            taken => taken,
        }
    }

    /// Links a file, or opens it to be copied.
    fn take(&mut self, from: &Path, to: PathBuf, unlinked: &mut Vec<(File, PathBuf)>) -> Result<()> {
        let doing = || format!("{} to {}", from.display(), to.display());
        match fs::hard_link(from, &to) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(error).or_fault(Fault::Unavailable, doing());
            }
            // Another disk, a system without links, another user's files.
            Err(_) => {
                unlinked.push((File::open(from).or_fault(Fault::Unavailable, doing())?, to));
                self.copied += 1;
            }
        }
        self.files += 1;
        Ok(())
    }
}

/// A path without links and steps back, as far as it exists.
fn in_full(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    for there in absolute.ancestors() {
        if let Ok(real) = there.canonicalize() {
            // An ancestor is a prefix.
            return real.join(absolute.strip_prefix(there).unwrap_or(Path::new("")));
        }
    }
    absolute
}

/// Makes the names in a folder durable, where folders can be synced.
fn synced(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_killed_snapshots_left_is_taken_away_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        // No process has a number beyond the largest.
        let dead = ".snapshot.4294967295.tmp";
        let others = [
            format!(".snapshot.{}.tmp", std::process::id()),
            "snapshot.4294967295.tmp".to_owned(),
            ".4294967295.tmp".to_owned(),
            ".snapshot.4294967295".to_owned(),
            "snapshot".to_owned(),
        ];
        for name in others.iter().map(String::as_str).chain([dead]) {
            fs::create_dir_all(folder.path().join(name).join(FIRST)).unwrap();
        }
        sweep(folder.path());
        assert!(!folder.path().join(dead).exists());
        for name in &others {
            assert!(folder.path().join(name).exists(), "{name}");
        }
    }
}
