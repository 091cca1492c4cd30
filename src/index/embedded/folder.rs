//! What may lie in an index folder: telling it from a stranger's, emptying it.

use std::path::Path;

use crate::error::{Context, Error, Fault, Result};

/// Removes what this program keeps in an index folder, and nothing else.
///
/// # Errors
/// [`Fault::Precondition`] if something else lies in the folder.
pub fn remove(folder: &Path) -> Result<()> {
    if let Some(stranger) = strangers(folder)? {
        return Err(Error::precondition(format!(
            "{} is not an index folder: it holds `{stranger}`",
            folder.display()
        )));
    }
    let lock = folder.join("segments").join(".tantivy-writer.lock");
    if let Ok(file) = std::fs::File::open(&lock)
        && let Err(std::fs::TryLockError::WouldBlock) = file.try_lock()
    {
        return Err(Error::precondition(format!(
            "another program is writing to the index in {}",
            folder.display()
        ))
        .help("wait for it or stop it"));
    }
    clear(folder)
}

pub(super) fn clear(folder: &Path) -> Result<()> {
    for part in ["segments", "graphs"] {
        let path = folder.join(part);
        if path.exists() {
            std::fs::remove_dir_all(&path).or_fault(Fault::Unavailable, format!("removing {}", path.display()))?;
        }
    }
    Ok(())
}

/// The first entry of a folder that is not ours.
pub(super) fn strangers(folder: &Path) -> Result<Option<String>> {
    if !folder.exists() {
        return Ok(None);
    }
    let entries = std::fs::read_dir(folder).or_fault(Fault::Unavailable, format!("reading {}", folder.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != "segments" && name != "graphs")
        .collect();
    names.sort();
    Ok(names.into_iter().next())
}
