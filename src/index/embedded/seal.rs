//! Checksums of the small files that say what an index is, and with them the list of what its segments' files hold.
//!
//! A sealed file is its text, then one line: a list of files (empty but in `meta.json`) and the checksum of everything
//! before it. The line is written in the same step as the text, so the list is always that of the commit. Files of an
//! earlier program have no such line and are read as they are. Decides nothing about what an index is worth.

use std::collections::BTreeMap;
use std::io::Read;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Begins the line. No JSON text holds it: a line break in a string is written in another way there.
const MARK: &[u8] = b"\n#seal ";
/// Digits of the checksum at the end of the line.
const DIGITS: usize = 16;
/// Bytes of a file that are read at a time.
const READ: usize = 1 << 20;

/// What a file holds, as far as a checksum tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct FileSum {
    /// Its bytes.
    pub bytes: u64,
    /// Their XXH3.
    pub sum: u64,
}

impl FileSum {
    /// What a file holds, read to its end.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn of(mut file: impl Read) -> std::io::Result<FileSum> {
        let (mut sum, mut buffer) = (Summed::default(), vec![0; READ]);
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(sum.written()),
                read => sum.update(&buffer[..read]),
            }
        }
    }
}

impl From<FileSum> for String {
    fn from(written: FileSum) -> String {
        format!("{}-{:016x}", written.bytes, written.sum)
    }
}

impl TryFrom<String> for FileSum {
    type Error = &'static str;

    fn try_from(text: String) -> Result<FileSum, Self::Error> {
        let read = || {
            let (bytes, sum) = text.split_once('-')?;
            Some(FileSum {
                bytes: bytes.parse().ok()?,
                sum: u64::from_str_radix(sum, 16).ok()?,
            })
        };
        read().ok_or("not the length and the checksum of a file")
    }
}

/// [`FileSum`] of a file that is being written.
#[derive(Default)]
pub struct Summed {
    bytes: u64,
    sum: Xxh3,
}

impl Summed {
    /// So much more was written.
    pub fn update(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.sum.update(bytes);
    }

    /// What was written until now.
    pub fn written(&self) -> FileSum {
        FileSum {
            bytes: self.bytes,
            sum: self.sum.digest(),
        }
    }
}

/// The files of a commit's segments by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files {
    /// Whether all files are here: those of segments that an earlier program wrote are not.
    #[serde(default)]
    pub whole: bool,
    /// What each holds.
    #[serde(default)]
    pub files: BTreeMap<String, FileSum>,
}

/// A text with the line that seals it.
pub fn seal(text: &[u8], files: &Files) -> Vec<u8> {
    let mut sealed = [text, MARK].concat();
    // Names and numbers always become JSON.
    sealed.extend(serde_json::to_vec(files).unwrap_or_default());
    sealed.push(b' ');
    let sum = xxh3_64(&sealed);
    sealed.extend(format!("{sum:016x}\n").into_bytes());
    sealed
}

/// The text of a file, and its list of files if it is sealed.
///
/// # Errors
/// What is wrong if the file is not what was written.
pub fn unseal(bytes: &[u8]) -> Result<(&[u8], Option<Files>), &'static str> {
    const DIFFERS: &str = "the checksum differs";
    let Some(mark) = bytes.windows(MARK.len()).position(|part| part == MARK) else {
        return Ok((bytes, None));
    };
    let line = bytes.strip_suffix(b"\n").ok_or(DIFFERS)?;
    let at = line.len().checked_sub(DIGITS).ok_or(DIFFERS)?;
    let (before, digits) = line.split_at(at);
    if format!("{:016x}", xxh3_64(before)).as_bytes() != digits {
        return Err(DIFFERS);
    }
    let files = before.get(mark + MARK.len()..).ok_or(DIFFERS)?;
    let files = serde_json::from_slice(files).map_err(|_| DIFFERS)?;
    Ok((&bytes[..mark], Some(files)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Files {
        let written = FileSum::of(&b"abc"[..]).unwrap();
        Files {
            whole: true,
            files: [("a.idx".to_string(), written)].into(),
        }
    }

    #[test]
    fn what_was_sealed_comes_back_and_what_never_was_stays_as_it_is() {
        for text in [
            &b""[..],
            b"generation-1",
            "{\n  \"源\": \"a\\n#seal b\"\n}\n".as_bytes(),
        ] {
            let sealed = seal(text, &sample());
            assert_eq!(unseal(&sealed), Ok((text, Some(sample()))));
            assert_eq!(unseal(text), Ok((text, None)));
        }
    }

    #[test]
    fn no_byte_changes_unnoticed() {
        let text = b"{\"opstamp\": 7}";
        let sealed = seal(text, &sample());
        let is_as_written =
            |bytes: &[u8]| matches!(unseal(bytes), Ok((found, Some(files))) if found == text && files == sample());
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut broken = sealed.clone();
                broken[at] ^= 1 << bit;
                assert!(!is_as_written(&broken), "bit {bit} of byte {at}");
            }
            assert!(!is_as_written(&sealed[..at]), "cut at {at}");
        }
        assert!(!is_as_written(&[sealed.clone(), sealed].concat()));
    }
}
