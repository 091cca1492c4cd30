//! The folder of a tantivy index: its files mapped, as tantivy's own directory maps them, but for the stored passages.
//!
//! Owns how the bytes of a file are reached, that another user than the writer may reach them, and that what is written
//! is known by its checksums (see [`super::seal`] and [`super::parts`]); all else is `MmapDirectory`'s. An answer reads
//! a few blocks of 8 KB from anywhere in the stored passages, which are the texts themselves and by far not all read
//! again: mapped, each block leaves pages that count as the process's memory for as long as it runs (400 MB after 1,000
//! questions to a million passages). Read from the file, they are in the system's cache only.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use tantivy::HasLen;
use tantivy::directory::error::{DeleteError, LockError, OpenDirectoryError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    AntiCallToken, Directory, DirectoryLock, FileHandle, Lock, META_LOCK, MmapDirectory, OwnedBytes, TerminatingWrite,
    WatchCallback, WatchHandle, WritePtr,
};

use super::parts::{Known, PartSums};
use super::seal::{Files, Summed, seal, unseal};
use crate::files::write_whole;

/// Where tantivy keeps what a commit is.
pub const META: &str = "meta.json";
/// Where tantivy keeps the names of the files that are its own.
pub const MANAGED: &str = ".managed.json";

/// Extension of the files with stored passages.
const STORED: &str = "store";

/// Extension of the files that say which passages of a segment are deleted.
const DELETED: &str = "del";

/// Said of a file of a commit that is gone, or longer or shorter than it was written.
pub const NOT_AS_WRITTEN: &str = "is not as it was written";

/// Ranges up to this long are read, longer ones mapped: only a merge and a check of everything ask for those, and they
/// should not hold them in memory.
const READ: usize = 1 << 20;

/// A folder of tantivy's files.
#[derive(Clone, Debug)]
pub struct Folder {
    mapped: MmapDirectory,
    path: PathBuf,
    /// What the files of the last commit and those written since hold.
    files: Arc<Mutex<Files>>,
    /// Which parts of open files are what was written.
    known: Known,
    /// This folder, whatever its name leads to later. Held open: the number of one that is gone is given out again.
    itself: Itself,
}

#[cfg(unix)]
type Itself = Arc<File>;

#[cfg(unix)]
fn itself(path: &Path) -> io::Result<Itself> {
    File::open(path).map(Arc::new)
}

#[cfg(unix)]
fn is_same(itself: &Itself, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    let which = |about: fs::Metadata| (about.dev(), about.ino());
    Ok(which(fs::metadata(path)?) == which(itself.metadata()?))
}

/// Elsewhere a folder with open files cannot be moved.
#[cfg(not(unix))]
type Itself = ();

#[cfg(not(unix))]
fn itself(_: &Path) -> io::Result<Itself> {
    Ok(())
}

#[cfg(not(unix))]
fn is_same(_: &Itself, _: &Path) -> io::Result<bool> {
    Ok(true)
}

impl Folder {
    /// Opens a folder that exists.
    pub fn open(path: &Path) -> Result<Folder, OpenDirectoryError> {
        Ok(Folder {
            mapped: MmapDirectory::open(path)?,
            path: path.to_path_buf(),
            files: Arc::default(),
            known: Known::default(),
            itself: itself(path).map_err(|error| OpenDirectoryError::wrap_io_error(error, path.to_path_buf()))?,
        })
    }

    /// Refuses to change another folder that was put in the place of this one: a merge goes on by itself, and its end
    /// would be written over what stands there now.
    fn check_same(&self) -> io::Result<()> {
        if is_same(&self.itself, &self.path)? {
            return Ok(());
        }
        let folder = self.path.display();
        Err(io::Error::other(format!(
            "another folder was put in the place of {folder}, and nothing is written to that"
        )))
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        // Poisoned or not, each entry is whole.
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the files of a commit hold, whose text is about to be written.
    fn files_of(&self, meta: &[u8]) -> io::Result<Files> {
        let mut files = self.files();
        match self.mapped.atomic_read(Path::new(META)) {
            Err(OpenReadError::FileDoesNotExist(_)) => files.whole = true,
            Err(error) => return Err(io::Error::other(error.to_string())),
            // What is damaged on the disk is written anew, and this process may know what its files hold.
            Ok(before) => {
                if let Ok((_, before)) = unseal(&before) {
                    let before = before.unwrap_or_default();
                    files.whole = before.whole;
                    files.files.extend(before.files);
                }
            }
        }
        let live = live(meta)?;
        let is_live = |name: &str| match name.split_once('.') {
            Some((_, kind)) if kind.ends_with(DELETED) => live.contains(name),
            Some((segment, _)) => live.contains(segment),
            None => false,
        };
        let mut of_commit = files.clone();
        of_commit.files.retain(|name, _| is_live(name));
        Ok(of_commit)
    }

    /// Refuses a commit that could not be opened: one of its files is gone, or is not as long as it was written. Looked
    /// at, not read.
    fn check_there(&self, files: &Files) -> io::Result<()> {
        for (name, written) in &files.files {
            let path = self.path.join(name);
            let found = match fs::metadata(&path) {
                Ok(about) if about.len() == written.bytes => continue,
                Ok(about) => format!("has {} bytes instead of {}", about.len(), written.bytes),
                Err(error) if error.kind() == io::ErrorKind::NotFound => "is gone".to_string(),
                Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
            };
            let what = format!("{} {NOT_AS_WRITTEN}: it {found}", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        Ok(())
    }

    /// The names of the files that lie here, for a list of them that is lost or damaged.
    fn names(&self) -> Option<Vec<u8>> {
        let entries = fs::read_dir(&self.path).ok()?.flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let names: BTreeSet<String> = names.filter(|name| !name.starts_with('.')).collect();
        serde_json::to_vec(&names).ok()
    }
}

impl Directory for Folder {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        let mapped = self.mapped.get_file_handle(path)?;
        let failed = |error| OpenReadError::wrap_io_error(error, path.to_path_buf());
        // Elsewhere the standard library cannot read at a position without moving another reader's.
        let is_read = cfg!(unix) && path.extension().is_some_and(|extension| extension == STORED);
        let file: Arc<dyn FileHandle> = if is_read {
            let file = File::open(self.path.join(path)).map_err(failed)?;
            Arc::new(Stored { file, mapped })
        } else {
            mapped
        };
        self.known.watched(path, file).map_err(failed)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.check_same().map_err(|error| DeleteError::IoError {
            io_error: Arc::new(error),
            filepath: path.to_path_buf(),
        })?;
        self.files().files.remove(&*path.to_string_lossy());
        self.mapped.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.mapped.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        self.check_same()
            .map_err(|error| OpenWriteError::wrap_io_error(error, path.to_path_buf()))?;
        let opened = match self.mapped.open_write(path) {
            // Named by a segment and the number of the operation that the next commit ends at. A writer that died
            // before its commit counted leaves one, and the writer after it may come to the same number. No commit
            // names it: their numbers only grow.
            Err(OpenWriteError::FileAlreadyExists(_)) if path.extension().is_some_and(|it| it == DELETED) => {
                self.mapped
                    .delete(path)
                    .map_err(|error| OpenWriteError::wrap_io_error(io::Error::other(error), path.to_path_buf()))?;
                self.mapped.open_write(path)?
            }
            opened => opened?,
        };
        Ok(BufWriter::new(Box::new(Counted {
            out: opened,
            summed: Summed::default(),
            parts: PartSums::default(),
            name: path.to_string_lossy().into_owned(),
            files: self.files.clone(),
        })))
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        let is_managed = path == Path::new(MANAGED);
        let bytes = match self.mapped.atomic_read(path) {
            Err(OpenReadError::FileDoesNotExist(_)) if is_managed && let Some(names) = self.names() => {
                return Ok(names);
            }
            read => read?,
        };
        let text = unseal(&bytes).map(|(text, _)| text);
        match text {
            // The list of tantivy's files says what may be removed, and what lies here can be counted again.
            Ok(text) if is_managed && serde_json::from_slice::<BTreeSet<String>>(text).is_err() => {
                Ok(self.names().unwrap_or_else(|| text.to_vec()))
            }
            Ok(text) => Ok(text.to_vec()),
            Err(_) if is_managed && let Some(names) = self.names() => Ok(names),
            Err(why) => {
                let damaged = io::Error::new(io::ErrorKind::InvalidData, why);
                Err(OpenReadError::wrap_io_error(damaged, path.to_path_buf()))
            }
        }
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        self.check_same()?;
        let files = if path == Path::new(META) {
            let files = self.files_of(data)?;
            self.check_there(&files)?;
            files
        } else {
            Files::default()
        };
        // tantivy's own leaves the file to its owner alone, and another user could not serve the index.
        write_whole(&self.path.join(path), "the index's", |out| {
            out.write_all(&seal(data, &files))
        })
        .map_err(|error| io::Error::other(error.to_string()))
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.mapped.sync_directory()
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        let failed = |error: io::Error| LockError::IoError(Arc::new(error));
        let path = self.path.join(&lock.filepath);
        let mut how = File::options();
        how.write(true).truncate(false);
        if !lock.is_blocking {
            // Only who writes makes files here: the lock that he takes, and the one that readers take meanwhile.
            how.create(true);
            how.open(self.path.join(&META_LOCK.filepath)).map_err(failed)?;
        }
        let file = match how.open(&path) {
            // Who may only read takes the lock on what is there; it keeps a file from going while it is being opened,
            // and a file that went is met by opening once more.
            Err(error) if lock.is_blocking && (is_forbidden(&error) || error.kind() == io::ErrorKind::NotFound) => {
                let file = File::open(&path).ok();
                if let Some(file) = &file {
                    let _ = file.lock_shared();
                }
                return Ok(DirectoryLock::from(Box::new(file.map(Locked))));
            }
            opened => opened.map_err(failed)?,
        };
        if lock.is_blocking {
            file.lock().map_err(failed)?;
        } else {
            file.try_lock().map_err(|refused| match refused {
                TryLockError::WouldBlock => LockError::LockBusy,
                TryLockError::Error(error) => failed(error),
            })?;
        }
        Ok(DirectoryLock::from(Box::new(Locked(file))))
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.mapped.watch(callback)
    }
}

/// The segments that the text of a commit names, and their files of deleted passages.
fn live(meta: &[u8]) -> io::Result<BTreeSet<String>> {
    #[derive(Deserialize)]
    struct Commit {
        segments: Vec<Named>,
    }
    #[derive(Deserialize)]
    struct Named {
        segment_id: String,
        deletes: Option<Deletes>,
    }
    #[derive(Deserialize)]
    struct Deletes {
        opstamp: u64,
    }
    let commit: Commit = serde_json::from_slice(meta)?;
    let mut live = BTreeSet::new();
    for segment in commit.segments {
        let id = segment.segment_id.replace('-', "");
        live.extend(
            segment
                .deletes
                .map(|deletes| format!("{id}.{}.{DELETED}", deletes.opstamp)),
        );
        live.insert(id);
    }
    Ok(live)
}

/// Whether a folder or its disk may only be read.
fn is_forbidden(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}

/// A file that is being written; at its end come the checksums of its parts, and it is known what it holds.
struct Counted {
    out: WritePtr,
    summed: Summed,
    parts: PartSums,
    name: String,
    files: Arc<Mutex<Files>>,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.summed.update(&bytes[..written]);
        self.parts.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl TerminatingWrite for Counted {
    fn terminate_ref(&mut self, token: AntiCallToken) -> io::Result<()> {
        let end = std::mem::take(&mut self.parts).end();
        self.out.write_all(&end)?;
        self.summed.update(&end);
        self.out.terminate_ref(token)?;
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.files.insert(self.name.clone(), self.summed.written());
        Ok(())
    }
}

/// A file that is locked. It is unlocked by name: a child process that is just being started holds a copy of the file
/// until it has replaced itself, and closing alone, as tantivy's own lock does, would leave the lock with it.
struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// A file with stored passages. Like a map, it stays readable after the file is deleted.
struct Stored {
    file: File,
    mapped: Arc<dyn FileHandle>,
}

impl FileHandle for Stored {
    fn read_bytes(&self, range: Range<usize>) -> io::Result<OwnedBytes> {
        if range.start > range.end || range.end > self.len() {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("bytes {range:?} of a file with {}", self.len()),
            ));
        }
        #[cfg(unix)]
        if range.len() <= READ {
            use std::os::unix::fs::FileExt;
            let mut bytes = vec![0; range.len()];
            self.file.read_exact_at(&mut bytes, range.start as u64)?;
            return Ok(OwnedBytes::new(bytes));
        }
        self.mapped.read_bytes(range)
    }
}

impl HasLen for Stored {
    fn len(&self) -> usize {
        self.mapped.len()
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stored passages, {:?} of {} bytes", self.file, self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A writer that was killed before its commit counted; the kills of `tests/it/crash.rs` meet it now and then.
    #[test]
    fn what_a_dead_writer_left_of_a_commit_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let opened = Folder::open(folder.path()).unwrap();
        for name in ["a.7.del", "a.idx"] {
            std::fs::write(folder.path().join(name), "left").unwrap();
        }
        let mut file = opened.open_write(Path::new("a.7.del")).unwrap();
        file.write_all(b"new").unwrap();
        tantivy::directory::TerminatingWrite::terminate(file).unwrap();
        let new = opened.get_file_handle(Path::new("a.7.del")).unwrap();
        assert_eq!(&*new.read_bytes(0..new.len()).unwrap(), b"new");
        assert!(matches!(
            opened.open_write(Path::new("a.idx")),
            Err(OpenWriteError::FileAlreadyExists(_))
        ));
    }

    /// As somebody does who moves an index away, or puts a copy in its place, while a merge is under way.
    #[cfg(unix)]
    #[test]
    fn nothing_is_written_to_what_was_put_in_its_place() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("segments");
        fs::create_dir(&path).unwrap();
        let opened = Folder::open(&path).unwrap();
        let empty = br#"{"segments": []}"#;
        opened.atomic_write(Path::new(META), empty).unwrap();
        fs::rename(&path, place.path().join("moved")).unwrap();
        for is_there in [false, true] {
            if is_there {
                fs::create_dir(&path).unwrap();
                fs::write(path.join("a.idx"), "another's").unwrap();
            }
            assert!(opened.atomic_write(Path::new(META), empty).is_err(), "{is_there}");
            assert!(opened.open_write(Path::new("b.idx")).is_err(), "{is_there}");
            assert!(opened.delete(Path::new("a.idx")).is_err(), "{is_there}");
        }
        let left: Vec<_> = fs::read_dir(&path)
            .unwrap()
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        assert_eq!(left, ["a.idx"]);
        // Put back, it is written to again.
        fs::rename(&path, place.path().join("another")).unwrap();
        fs::rename(place.path().join("moved"), &path).unwrap();
        opened.atomic_write(Path::new(META), empty).unwrap();
    }

    #[test]
    fn what_the_system_refuses_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let opened = Folder::open(folder.path()).unwrap();
        // A file where a folder should be: ENOTDIR, whoever asks.
        fs::write(folder.path().join("a"), "").unwrap();
        let mut files = Files::default();
        files.files.insert("a/b.idx".into(), Summed::default().written());
        let refused = opened.check_there(&files).unwrap_err();
        let said = refused.to_string();
        assert!(said.contains("a/b.idx: ") && said.contains("os error"), "{said}");
    }

    /// As a child process does that is being started while the writer ends.
    #[test]
    fn a_copy_of_its_file_does_not_keep_a_lock() {
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join("lock")).unwrap();
        file.lock().unwrap();
        let copy = file.try_clone().unwrap();
        drop(Locked(file));
        let opened = Folder::open(folder.path()).unwrap();
        let lock = |is_blocking| {
            opened.acquire_lock(&Lock {
                filepath: "lock".into(),
                is_blocking,
            })
        };
        let held = lock(false).unwrap();
        assert!(matches!(lock(false), Err(LockError::LockBusy)));
        drop(held);
        drop(lock(true).unwrap());
        drop(copy);
    }

    #[test]
    fn stored_passages_are_what_the_file_holds_however_they_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..READ + 5000).map(|at| (at % 251) as u8).collect();
        let path = Path::new("a.store");
        std::fs::write(folder.path().join(path), &bytes).unwrap();
        std::fs::write(folder.path().join("a.idx"), &bytes).unwrap();
        let opened = Folder::open(folder.path()).unwrap();
        let stored = opened.get_file_handle(path).unwrap();
        let mapped = opened.get_file_handle(Path::new("a.idx")).unwrap();
        assert_eq!((stored.len(), mapped.len()), (bytes.len(), bytes.len()));
        opened.delete(path).unwrap();
        assert!(opened.get_file_handle(path).is_err() && !opened.exists(path).unwrap());
        for range in [
            0..0,
            0..1,
            4096..12_000,
            7..7 + READ,
            3..bytes.len(),
            bytes.len()..bytes.len(),
        ] {
            for file in [&stored, &mapped] {
                assert_eq!(&*file.read_bytes(range.clone()).unwrap(), &bytes[range.clone()]);
            }
        }
        assert!(stored.read_bytes(0..bytes.len() + 1).is_err());
    }
}
