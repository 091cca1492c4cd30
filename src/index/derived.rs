//! Files that are derived from a segment: written whole or not at all.
//!
//! Knows nothing of what is in them.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;

use crate::error::{Context, Fault, Result};

/// Writes a file under a temporary name, syncs and renames it, so that a file under its own name is whole; what is at
/// `path` is replaced in one step. `what` names it in errors.
///
/// # Errors
/// `Unavailable` with the path if the disk refuses; the temporary file is then removed, `path` untouched.
pub fn write_whole(path: &Path, what: &str, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".tmp");
    let temporary = path.with_file_name(name);
    let written = || -> io::Result<()> {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(&temporary)?);
        write(&mut out)?;
        out.into_inner().map_err(|error| error.into_error())?.sync_all()?;
        fs::rename(&temporary, path)
    };
    let done = written();
    if done.is_err() {
        // Best effort: the first error is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    done.or_fault(Fault::Unavailable, format_args!("writing {what} {}", path.display()))?;
    // The rename itself is made durable where directories can be synced; elsewhere a lost file is made again.
    if let Some(folder) = path.parent()
        && let Ok(folder) = File::open(folder)
    {
        let _ = folder.sync_all();
    }
    Ok(())
}
