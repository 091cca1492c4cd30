//! Whether a single file of an index is what was written. Knows nothing of what it is for.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use super::directory::META;
use super::seal::{FileSum, Files, unseal};
use crate::error::{Error, Result};

/// Refuses a commit of which a file is longer or shorter than it was written: a look at each, without reading it. One
/// that is not there is found when it is opened, or has gone with an older commit.
///
/// # Errors
/// `Corrupt`, naming the file.
pub(super) fn check_lengths(segments: &Path) -> Result<()> {
    let listed = sealed(&segments.join(META))?.ok().flatten().unwrap_or_default();
    check_listed(segments, &listed)
}

fn check_listed(segments: &Path, listed: &Files) -> Result<()> {
    for (name, written) in &listed.files {
        let path = segments.join(name);
        if let Ok(about) = path.metadata()
            && about.len() != written.bytes
        {
            let (has, was) = (about.len(), written.bytes);
            return Err(Error::corrupt(format!(
                "{} has {has} bytes, was written with {was}",
                path.display()
            )));
        }
    }
    Ok(())
}

/// The same of a commit whose files nobody takes away meanwhile: none of them may be missing.
///
/// # Errors
/// `Corrupt`, naming the file.
pub(super) fn check_there(segments: &Path, listed: &Files) -> Result<()> {
    let path = |name: &String| segments.join(name);
    match listed.files.keys().map(path).find(|path| !path.exists()) {
        Some(gone) => Err(Error::corrupt(format!("{} is missing", gone.display()))),
        None => check_listed(segments, listed),
    }
}

/// What is wrong with a file, in words, or what it gives.
pub(super) type Found<T> = Result<T, String>;

/// The list of files that a small file carries, if it is sealed.
pub(super) fn sealed(path: &Path) -> Result<Found<Option<Files>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(unseal(&bytes).map(|(_, files)| files).map_err(str::to_string)),
        Err(error) => unreadable(path, &error).map(Err),
    }
}

/// Whether a file holds what was written, read to its end.
pub(super) fn compared(path: &Path, written: FileSum) -> Result<Found<()>> {
    let read = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
    let (bytes, file) = match read {
        Ok(read) => read,
        Err(error) => return unreadable(path, &error).map(Err),
    };
    if bytes != written.bytes {
        return Ok(Err(format!("has {bytes} bytes, was written with {}", written.bytes)));
    }
    match FileSum::of(file) {
        Ok(found) if found == written => Ok(Ok(())),
        Ok(_) => Ok(Err("the checksum differs".into())),
        Err(error) => unreadable(path, &error).map(Err),
    }
}

/// What is said of a file that is missing; an error where the system refused it.
fn unreadable(path: &Path, error: &std::io::Error) -> Result<String> {
    match error.kind() {
        ErrorKind::NotFound => Ok("is missing".into()),
        // Told from damage where it goes through the guard.
        _ => Err(Error::corrupt(format!("reading {}: {error}", path.display()))),
    }
}
