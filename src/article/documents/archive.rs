//! The archives that office documents are: opened, measured, unpacked a part at a time within bounds.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::super::decode::decode;

/// The largest part of an archive, unpacked, and all parts together, in bytes.
const MAX_PART: u64 = 64 << 20;
const MAX_WHOLE: u64 = 256 << 20;
/// Most files in an archive.
const MAX_FILES: usize = 10_000;
/// Refuses an archive that unpacks to more than any document needs.
pub(super) fn check_archive(bytes: &[u8]) -> Result<(), String> {
    let mut archive = open(bytes)?;
    let mut whole = 0u64;
    for at in 0..archive.len() {
        let size = archive.by_index_raw(at).map_or(0, |part| part.size());
        whole = whole.saturating_add(size);
        if size > MAX_PART || whole > MAX_WHOLE {
            return Err(format!(
                "unpacks to more than {} MiB; no document needs so much",
                if size > MAX_PART {
                    MAX_PART >> 20
                } else {
                    MAX_WHOLE >> 20
                }
            ));
        }
    }
    Ok(())
}

pub(super) fn open(bytes: &[u8]) -> Result<ZipArchive<Cursor<&[u8]>>, String> {
    let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| format!("is a damaged archive: {error}"))?;
    if archive.len() > MAX_FILES {
        Err(format!("is an archive of more than {MAX_FILES} files"))
    } else {
        Ok(archive)
    }
}

/// A part as text, if it is there.
pub(super) fn part(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str) -> Result<Option<String>, String> {
    let Ok(file) = archive.by_name(name) else {
        return Ok(None);
    };
    if file.encrypted() {
        return Err("has a password; save it without one".into());
    }
    let mut bytes = Vec::new();
    // The size that an archive states may be wrong.
    file.take(MAX_PART + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("is damaged: {name}: {error}"))?;
    if bytes.len() as u64 > MAX_PART {
        return Err(format!("unpacks to more than {} MiB", MAX_PART >> 20));
    }
    let text = decode(&bytes, None).map_err(|reason| format!("{name} {reason}"))?;
    Ok(Some(text.into_owned()))
}
