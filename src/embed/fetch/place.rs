//! Files on their way into a model's folder: received under no name, checked, and put in place once all are right.
//!
//! What is received lies in unnamed files, which vanish with the process that holds them however it ends. Names are
//! given in one step a file, out of a working folder beside; one that a killed process left is removed by the next
//! fetch. Only one fetch at a time works on a folder: the folder itself is locked, so that no lock file stays behind
//! either.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::catalogue::{Model, Pinned};
use super::watch::{FetchStep, Watch};
use crate::error::{Context as _, Error, Fault, Result};

/// How the names of working folders begin.
const WORK: &str = ".fetch-";

/// A file that came and was found right.
pub struct Received {
    /// Which one it is.
    pub file: &'static Pinned,
    /// Its bytes; the file has no name yet.
    pub content: File,
}

/// The files of a model that are not in place as they should be.
///
/// # Errors
/// `Unavailable` if one that is there cannot be read.
pub fn missing(home: &Path, model: &Model, watch: &mut Watch) -> Result<Vec<&'static Pinned>> {
    let mut missing = Vec::new();
    for file in model.files {
        let path = home.join(file.path);
        let has_length = path.metadata().is_ok_and(|m| m.is_file() && m.len() == file.bytes);
        if !has_length {
            missing.push(file);
            continue;
        }
        watch.step(FetchStep::Checking)?;
        let doing = || format!("reading {}", path.display());
        let mut sum = Sha256::new();
        let mut from = File::open(&path).or_fault(Fault::Unavailable, doing())?;
        copy(&mut from, &mut sum, |_| Ok(())).and_then(|copied| copied.or_fault(Fault::Unavailable, doing()))?;
        if hex(sum) != file.sha256 {
            missing.push(file);
        }
    }
    Ok(missing)
}

/// The lock of a folder of models, held until it is dropped. `None` where the file system or the operating system has
/// none for folders: then fetches that meet do the work twice, and no harm.
pub fn lock(folder: &Path, watch: &mut Watch) -> Result<Option<File>> {
    let Ok(handle) = File::open(folder) else {
        return Ok(None);
    };
    loop {
        match handle.try_lock() {
            Ok(()) => return Ok(Some(handle)),
            Err(TryLockError::WouldBlock) => {
                watch.pause(Duration::MAX, FetchStep::Waiting)?;
            }
            Err(TryLockError::Error(_)) => return Ok(None),
        }
    }
}

/// Removes what fetches that were killed have left. To be called under the lock: whoever made it is dead.
pub fn sweep(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        if entry.file_name().to_string_lossy().starts_with(WORK) {
            // What cannot be removed now is in nobody's way.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The same where no fetch is under way.
pub fn sweep_if_idle(folder: &Path) {
    if let Ok(handle) = File::open(folder)
        && handle.try_lock().is_ok()
    {
        sweep(folder);
    }
}

/// A working folder beside the models, removed when dropped.
pub fn work_folder(folder: &Path) -> Result<TempDir> {
    let made = tempfile::Builder::new().prefix(WORK).tempdir_in(folder);
    made.or_fault(Fault::Unavailable, writing(folder))
}

/// Bytes of one file as they arrive, in an unnamed file.
pub struct Arriving {
    file: &'static Pinned,
    content: File,
    sum: Sha256,
    done: u64,
    restarts: u32,
}

impl Arriving {
    /// Nothing yet; it will lie on the disk of `folder`.
    pub fn new(file: &'static Pinned, folder: &Path) -> Result<Self> {
        Ok(Arriving {
            file,
            content: tempfile::tempfile_in(folder).or_fault(Fault::Unavailable, writing(folder))?,
            sum: Sha256::new(),
            done: 0,
            restarts: 0,
        })
    }

    /// Bytes that have arrived.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// Whether all have arrived.
    pub fn is_complete(&self) -> bool {
        self.done == self.file.bytes
    }

    /// Takes what `from` gives until it ends; `report` hears how many bytes there are.
    ///
    /// # Errors
    /// The outer one ends the fetch: the disk refuses, the fetch is to stop, or more comes than the file has bytes. The
    /// inner one is the reader's; what came before it is kept.
    pub fn take(&mut self, from: &mut dyn Read, mut report: impl FnMut(u64) -> Result<()>) -> Result<io::Result<()>> {
        let Arriving {
            file,
            content,
            sum,
            done,
            ..
        } = self;
        copy(from, sum, |bytes| {
            if *done + bytes.len() as u64 > file.bytes {
                return Err(Error::corrupt(format!(
                    "{} is longer than its {} bytes",
                    file.path, file.bytes
                )));
            }
            content
                .write_all(bytes)
                .or_fault(Fault::Unavailable, "writing the download")?;
            *done += bytes.len() as u64;
            report(*done)
        })
    }

    /// Whether what arrived is the file.
    ///
    /// # Errors
    /// `Corrupt` with both checksums if it is not.
    pub fn check(&self) -> Result<()> {
        let (found, file) = (hex(self.sum.clone()), self.file);
        if found == file.sha256 && self.is_complete() {
            Ok(())
        } else {
            Err(Error::corrupt(format!(
                "{} has {} bytes and SHA-256 {found}, not {} and {}",
                file.path, self.done, file.bytes, file.sha256
            )))
        }
    }

    /// The file, if what arrived is it.
    ///
    /// # Errors
    /// As for [`Arriving::check`].
    pub fn finish(mut self) -> Result<Received> {
        self.check()?;
        let begun = self.content.seek(SeekFrom::Start(0));
        begun.or_fault(Fault::Unavailable, "reading the download")?;
        Ok(Received {
            file: self.file,
            content: self.content,
        })
    }

    /// Bytes that it will have.
    pub fn expected(&self) -> u64 {
        self.file.bytes
    }

    /// Forgets what has arrived.
    pub fn restart(&mut self) -> Result<()> {
        let emptied = self.content.set_len(0);
        let begun = emptied.and_then(|()| self.content.seek(SeekFrom::Start(0)));
        begun.or_fault(Fault::Unavailable, "writing the download")?;
        (self.sum, self.done) = (Sha256::new(), 0);
        self.restarts += 1;
        Ok(())
    }

    /// How often it began anew.
    pub fn restarts(&self) -> u32 {
        self.restarts
    }
}

/// Puts files in place, in the model's order, each whole and durable before it has its name.
///
/// # Errors
/// `Unavailable` if the disk refuses; what was in place under a name stays until it is replaced.
pub fn install(folder: &Path, home: &Path, model: &Model, received: &mut [Received]) -> Result<()> {
    let work = work_folder(folder)?;
    received.sort_by_key(|one| model.files.iter().position(|file| file.path == one.file.path));
    for one in received.iter_mut() {
        let target = home.join(one.file.path);
        let staged = work.path().join("file");
        let mut put = || -> io::Result<()> {
            let parent = target.parent().unwrap_or(home);
            fs::create_dir_all(parent)?;
            let mut out = File::create(&staged)?;
            io::copy(&mut one.content, &mut out)?;
            out.sync_all()?;
            drop(out);
            fs::rename(&staged, &target)?;
            // The name is made durable too where folders can be synced.
            let _ = File::open(parent).and_then(|parent| parent.sync_all());
            Ok(())
        };
        put().or_fault(Fault::Unavailable, format!("writing {}", target.display()))?;
    }
    Ok(())
}

/// Reads to the end, hashing; `each` gets every piece. The outer error is its, the inner the reader's.
fn copy(from: &mut dyn Read, sum: &mut Sha256, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<io::Result<()>> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let length = match from.read(&mut buffer) {
            Ok(0) => return Ok(Ok(())),
            Ok(length) => length,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
            Err(cause) => return Ok(Err(cause)),
        };
        each(&buffer[..length])?;
        sum.update(&buffer[..length]);
    }
}

fn writing(folder: &Path) -> String {
    format!("writing in the model folder {}", folder.display())
}

fn hex(sum: Sha256) -> String {
    sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
