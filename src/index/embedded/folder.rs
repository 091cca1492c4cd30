//! What lies in an index folder: generations of the index, the one that counts, the lock of whoever writes.
//!
//! `generation-N/` holds an index; `current` names the one that counts, and is replaced in one step: a rebuild is made
//! beside and then takes the place of what was there, so that nobody ever finds an empty or half index. `write.lock` is
//! held by whoever writes, whichever generation; a dead process does not keep it. Knows nothing of what is in a
//! generation.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::guard::told_from_damage;
use super::seal::{Files, seal, unseal};
use crate::error::{Context, Error, Fault, Result};
use crate::files::write_whole;

pub(super) const CURRENT: &str = "current";
const GENERATION: &str = "generation-";
const LOCK: &str = "write.lock";
/// Lies in a generation that never counted, until it does.
const BEGUN: &str = "begun";
/// What an index of format 2 lay in.
const OLD_PARTS: [&str; 2] = ["segments", "graphs"];

/// Bytes that are read of what the holder of a lock says.
const MOST_ANNOUNCED: u64 = 1_000;

/// How often and how long a writer waits for another one's lock. A child process that is just being started keeps a
/// copy of a lock that was released meanwhile, until it runs its own program.
const LOCK_PAUSES: usize = 20;
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);

/// The right to write in an index folder, until it is dropped.
#[derive(Debug)]
pub struct WriteLock {
    folder: PathBuf,
    file: File,
    /// Generations that were begun and do not count yet.
    begun: Mutex<Vec<PathBuf>>,
}

impl WriteLock {
    /// Takes the lock of a folder, which is made if need be, and removes what a rebuild left that never finished.
    ///
    /// # Errors
    /// `Precondition` if another program writes or something else lies in the folder, `Unavailable` if it cannot be
    /// written to.
    pub fn take(folder: &Path) -> Result<WriteLock> {
        Self::taken(folder).map_err(told_from_damage)
    }

    fn taken(folder: &Path) -> Result<WriteLock> {
        if let Some(stranger) = strangers(folder)? {
            return Err(Error::precondition(format!(
                "{} is not an index folder: it holds `{stranger}`",
                folder.display()
            ))
            .help(format!(
                "move `{stranger}` out of it if the index is yours (snapshots belong beside it), or name an empty or new folder \
                 with --index"
            )));
        }
        let doing = || format!("writing to {}", folder.display());
        fs::create_dir_all(folder).or_fault(Fault::Unavailable, doing())?;
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(folder.join(LOCK))
            .or_fault(Fault::Unavailable, doing())?;
        let mut pauses = std::iter::repeat_n(LOCK_PAUSE, LOCK_PAUSES);
        while let Err(refused) = file.try_lock() {
            match (refused, pauses.next()) {
                (fs::TryLockError::WouldBlock, Some(pause)) => std::thread::sleep(pause),
                (fs::TryLockError::WouldBlock, None) => {
                    return Err(Error::precondition(format!(
                        "another program is writing to the index in {}",
                        folder.display()
                    ))
                    .help(
                        announced(&file)
                            .unwrap_or_else(|| "wait for it or stop it; a lock does not outlive its program".into()),
                    ));
                }
                (fs::TryLockError::Error(cause), _) => return Err(cause).or_fault(Fault::Unavailable, doing()),
            }
        }
        let lock = WriteLock {
            folder: folder.to_path_buf(),
            file,
            begun: Mutex::default(),
        };
        lock.check()?;
        // What a program said that died.
        lock.announce("");
        lock.sweep()?;
        Ok(lock)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether this is still the lock of the folder. Somebody may have moved the folder, or put another in its place,
    /// whose lock another program can take.
    ///
    /// # Errors
    /// `Unavailable` if it is not.
    pub fn check(&self) -> Result<()> {
        if is_same(&self.file, &self.folder.join(LOCK)) {
            return Ok(());
        }
        Err(Error::unavailable(format!(
            "the folder {} is gone, or another one has been put in its place, and nothing is written to that",
            self.folder.display()
        ))
        .help("put it back; where the other one is to be written to, end this program and start it again"))
    }

    /// Whether an index lies in the folder, of this program or an older one.
    ///
    /// # Errors
    /// `Corrupt` if what says which generation counts does not, `Unavailable` if the folder cannot be read.
    pub fn holds_index(&self) -> Result<bool> {
        Ok(current(&self.folder)?.is_some() || is_old(&self.folder))
    }

    /// What others read that find the lock taken: who holds it, and what they can do. What cannot be written is not
    /// said.
    pub(super) fn announce(&self, how: &str) {
        let mut file = &self.file;
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(how.as_bytes()));
    }

    /// A folder for a new generation, made.
    pub(super) fn new_generation(&self) -> Result<PathBuf> {
        let last = entries(&self.folder)?.iter().filter_map(|name| number(name)).max();
        let generation = self.folder.join(format!("{GENERATION}{}", last.unwrap_or(0) + 1));
        self.begun().push(generation.clone());
        let doing = || format!("creating {}", generation.display());
        fs::create_dir(&generation).or_fault(Fault::Unavailable, doing())?;
        // Whoever comes after a process that died here must not take it for one that counted.
        fs::write(generation.join(BEGUN), "").or_fault(Fault::Unavailable, doing())?;
        Ok(generation)
    }

    /// Makes a generation the one that counts, in one step, and removes what was before.
    pub(super) fn publish(&self, generation: &Path) -> Result<()> {
        let name = generation.file_name().unwrap_or_default().to_string_lossy();
        // First: what counts never looks as if it did not.
        match fs::remove_file(generation.join(BEGUN)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).or_fault(Fault::Unavailable, format!("publishing {}", generation.display()));
            }
            _ => {}
        }
        write_whole(
            &self.folder.join(CURRENT),
            "the name of the index's generation",
            |out| out.write_all(&names(&name)),
        )?;
        self.begun().clear();
        self.sweep()
    }

    /// Has a generation that counts be one that was only begun: it goes with this lock.
    pub(super) fn withdraw(&self, generation: &Path) -> Result<()> {
        let doing = || format!("taking {} back", generation.display());
        fs::write(generation.join(BEGUN), "").or_fault(Fault::Unavailable, doing())?;
        fs::remove_file(self.folder.join(CURRENT)).or_fault(Fault::Unavailable, doing())?;
        self.begun().push(generation.to_path_buf());
        Ok(())
    }

    fn begun(&self) -> MutexGuard<'_, Vec<PathBuf>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes what was begun here and does not count. By name: where nothing counts yet, what is full looks like an
    /// index that lost the name of its generation.
    fn remove_begun(&self) {
        let begun = std::mem::take(&mut *self.begun());
        let counts = match current(&self.folder) {
            Ok(counts) => counts,
            Err(error) if error.fault() == Fault::Corrupt => None,
            // Which one counts cannot be read.
            Err(_) => return,
        };
        for generation in begun.iter().filter(|begun| counts.as_ref() != Some(begun)) {
            // The next writer tries again.
            let _ = fs::remove_dir_all(generation);
        }
    }

    /// Removes all generations but the one that counts.
    fn sweep(&self) -> Result<()> {
        let current = current(&self.folder)?;
        let Some(current) = current.as_deref().and_then(Path::file_name) else {
            // What counts may still be an index of an older program: nothing of that is touched.
            return self.remove(|name| name.starts_with(GENERATION));
        };
        self.remove(|name| (name.starts_with(GENERATION) && *name != *current) || OLD_PARTS.contains(&name))
    }

    fn remove(&self, which: impl Fn(&str) -> bool) -> Result<()> {
        for name in entries(&self.folder)?.iter().filter(|name| which(name)) {
            let path = self.folder.join(name);
            fs::remove_dir_all(&path).or_fault(Fault::Unavailable, format!("removing {}", path.display()))?;
        }
        Ok(())
    }
}

impl Drop for WriteLock {
    /// Gives the lock back by name: a child process that is just being started holds a copy of the file until it has
    /// replaced itself, and closing alone would leave the lock with it. A generation that does not count failed to:
    /// it would keep a full disk full.
    fn drop(&mut self) {
        if self.check().is_ok() {
            self.remove_begun();
        }
        self.announce("");
        let _ = self.file.unlock();
    }
}

/// Whether an open file is the one of that name.
#[cfg(unix)]
fn is_same(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let which = |about: fs::Metadata| (about.dev(), about.ino());
    let named = fs::metadata(path).ok().map(which);
    named.is_some() && named == file.metadata().ok().map(which)
}

/// Elsewhere a file that is open cannot be moved.
#[cfg(not(unix))]
fn is_same(_: &File, path: &Path) -> bool {
    path.exists()
}

/// What the holder of a lock says, if it says anything.
fn announced(lock: &File) -> Option<String> {
    let mut how = String::new();
    lock.take(MOST_ANNOUNCED).read_to_string(&mut how).ok()?;
    (!how.is_empty() && !how.contains(char::is_control)).then_some(how)
}

/// What `current` holds when it names this generation.
pub(super) fn names(generation: &str) -> Vec<u8> {
    seal(generation.as_bytes(), &Files::default())
}

/// The generation that counts; `None` if there is no index.
///
/// # Errors
/// `Precondition` if it is an index of an older program; `Unavailable` if the folder cannot be read, `Corrupt` if what
/// says which generation counts does not.
pub(super) fn current(folder: &Path) -> Result<Option<PathBuf>> {
    let pointer = folder.join(CURRENT);
    let bytes = match fs::read(&pointer) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return match filled(folder).filter(|_| !is_old(folder)) {
                Some(generation) => Err(damaged(
                    format!("{} is missing, and {generation} lies beside it", pointer.display()),
                    &pointer,
                )),
                None => Ok(None),
            };
        }
        Err(error) => return Err(error).or_fault(Fault::Unavailable, format!("reading {}", pointer.display())),
    };
    let name = unseal(&bytes).ok().and_then(|(name, _)| std::str::from_utf8(name).ok());
    match name.map(str::trim).filter(|name| number(name).is_some()) {
        Some(name) => Ok(Some(folder.join(name))),
        None => Err(damaged(
            format!("{} names no generation of the index", pointer.display()),
            &pointer,
        )),
    }
}

fn damaged(what: String, pointer: &Path) -> Error {
    Error::corrupt(what).help(format!(
        "write the name of the `{GENERATION}N` beside it into {}, or take the folder away and index again",
        pointer.display()
    ))
}

/// The number of a generation by its name.
fn number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(GENERATION)?;
    digits
        .parse()
        .ok()
        .filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A generation that holds more than one that was just begun: what counted, where nothing says any more which one does.
/// One that says itself that it never did is none.
fn filled(folder: &Path) -> Option<String> {
    let is_filled = |name: &String| {
        if folder.join(name).join(BEGUN).exists() {
            return false;
        }
        let parts = fs::read_dir(folder.join(name)).into_iter().flatten().flatten();
        let files = parts.flat_map(|part| fs::read_dir(part.path()).into_iter().flatten().flatten());
        let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
        number(name).is_some() && names.filter(|name| !name.starts_with('.')).count() > 1
    };
    entries(folder).ok()?.into_iter().find(is_filled)
}

/// Whether an index of an older program lies in the folder.
pub(super) fn is_old(folder: &Path) -> bool {
    folder.join("segments").join("meta.json").exists()
}

/// A file of a generation that this user may not read: what looks like damage then is none.
pub(super) fn forbidden(generation: &Path) -> Option<PathBuf> {
    let files = walkdir::WalkDir::new(generation).into_iter();
    let is_forbidden = |error: std::io::Error| error.kind() == ErrorKind::PermissionDenied;
    files
        .filter_map(|entry| match entry {
            Ok(entry) if entry.file_type().is_file() => {
                let path = entry.into_path();
                File::open(&path).is_err_and(is_forbidden).then_some(path)
            }
            Ok(_) => None,
            Err(error) => {
                let path = error.path().map(Path::to_path_buf);
                path.filter(|_| error.into_io_error().is_some_and(is_forbidden))
            }
        })
        .next()
}

/// The first entry of a folder that is not ours.
fn strangers(folder: &Path) -> Result<Option<String>> {
    if !folder.exists() {
        return Ok(None);
    }
    let ours = |name: &str| {
        [CURRENT, LOCK].contains(&name)
            || OLD_PARTS.contains(&name)
            || name.starts_with(GENERATION)
            // A file that was being written when its program died.
            || (name.starts_with('.') && name.ends_with(".tmp"))
    };
    let mut names = entries(folder)?;
    names.retain(|name| !ours(name));
    names.sort();
    Ok(names.into_iter().next())
}

fn entries(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).or_fault(Fault::Unavailable, format!("reading {}", folder.display()))?;
    Ok(entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As an index that was committed to.
    fn fill(generation: &Path) {
        let segments = generation.join("segments");
        fs::create_dir(&segments).unwrap();
        for name in ["meta.json", "a.store"] {
            fs::write(segments.join(name), "x").unwrap();
        }
    }

    fn generations(folder: &Path) -> Vec<String> {
        let mut names = entries(folder).unwrap();
        names.retain(|name| number(name).is_some());
        names.sort();
        names
    }

    #[test]
    fn what_was_begun_and_never_counted_goes_with_its_writer() {
        let folder = tempfile::tempdir().unwrap();
        let begin = || {
            let lock = WriteLock::take(folder.path()).unwrap();
            let generation = lock.new_generation().unwrap();
            fill(&generation);
            (lock, generation)
        };
        let (lock, _) = begin();
        fill(&lock.new_generation().unwrap());
        assert_eq!(generations(folder.path()).len(), 2);
        drop(lock);
        assert!(generations(folder.path()).is_empty(), "nothing ever counted");
        let (lock, generation) = begin();
        lock.publish(&generation).unwrap();
        drop(lock);
        assert_eq!(generations(folder.path()), ["generation-1"]);
        drop(begin());
        assert_eq!(generations(folder.path()), ["generation-1"], "one counts already");
        assert!(WriteLock::take(folder.path()).unwrap().holds_index().unwrap());
    }

    #[test]
    fn what_a_process_left_that_died_before_it_counted_goes_with_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let lock = WriteLock::take(folder.path()).unwrap();
        let generation = lock.new_generation().unwrap();
        fill(&generation);
        // As a process that dies: the system unlocks its file, and nothing else is done.
        lock.file.unlock().unwrap();
        std::mem::forget(lock);
        assert_eq!(
            current(folder.path()).unwrap(),
            None,
            "there is no index, and none that lost its name"
        );
        let lock = WriteLock::take(folder.path()).unwrap();
        assert!(!generation.exists() && !lock.holds_index().unwrap());
        let generation = lock.new_generation().unwrap();
        fill(&generation);
        lock.publish(&generation).unwrap();
        drop(lock);
        // One that counted is kept, whatever became of the file that says so.
        fs::remove_file(folder.path().join(CURRENT)).unwrap();
        assert_eq!(WriteLock::take(folder.path()).unwrap_err().fault(), Fault::Corrupt);
        assert!(generation.exists());
    }

    #[test]
    fn nothing_is_removed_that_may_count() {
        let folder = tempfile::tempdir().unwrap();
        let lock = WriteLock::take(folder.path()).unwrap();
        let generation = lock.new_generation().unwrap();
        // Written, but whoever wrote it was told that it was not.
        fs::write(folder.path().join(CURRENT), names("generation-1")).unwrap();
        drop(lock);
        assert!(generation.exists());
        let lock = WriteLock::take(folder.path()).unwrap();
        let generation = lock.new_generation().unwrap();
        fs::remove_file(folder.path().join(CURRENT)).unwrap();
        fs::create_dir(folder.path().join(CURRENT)).unwrap();
        drop(lock);
        assert!(generation.exists(), "what counts cannot be read");
    }
}
