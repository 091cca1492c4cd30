//! The checksums of a segment file's parts, which lie behind what tantivy wrote in it.
//!
//! A library that parses damaged bytes may ask for more memory than there is, which ends the process, may panic on a
//! thread of its own, or may find other passages without a word. So a part is compared with its checksum before its
//! bytes are handed out for the first time, and what differs is an error of that read. Only the large files of vectors
//! are compared at the borders of what is read alone, unless a merge copies them: nothing in them is a length that
//! anyone allocates by, and they are mapped to be read a little at a time. Files of an earlier program have no such
//! checksums and are read as they are.
//!
//! File: what tantivy wrote; the XXH3 of each part of [`PART`] bytes of it (u64); at the end the number of bytes that
//! tantivy wrote (u64), the XXH3 of the checksums and that number (u64), the mark; all little-endian.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tantivy::HasLen;
use tantivy::directory::{FileHandle, OwnedBytes};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::index::component;

/// Bytes of a part: what a stored passage is read with is not much more than itself, and the checksums are a
/// two-thousandth of the file.
const PART: usize = 16 << 10;
/// Bytes of a checksum.
const SUM: usize = 8;
/// At the end of a file with checksums.
const MARK: &[u8; 8] = b"BWPARTS1";
/// Bytes behind the checksums: length, checksum, mark.
const END: usize = 24;
/// Extensions of the files of vectors.
const VECTORS: [&str; 2] = ["vec", "win"];
/// Ranges of vectors up to this long are compared in all of their parts.
const SHORT: usize = component::PIECE;

/// The checksums of a file that is being written.
#[derive(Default)]
pub struct PartSums {
    part: Xxh3,
    /// Bytes of the part until now.
    held: usize,
    bytes: u64,
    sums: Vec<u8>,
}

impl PartSums {
    /// So much more was written.
    pub fn update(&mut self, mut bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, rest) = bytes.split_at(bytes.len().min(PART - self.held));
            self.part.update(now);
            self.held += now.len();
            if self.held == PART {
                self.close_part();
            }
            bytes = rest;
        }
    }

    /// What comes behind the bytes that were written.
    pub fn end(mut self) -> Vec<u8> {
        if self.held > 0 {
            self.close_part();
        }
        let mut end = self.sums;
        end.extend(self.bytes.to_le_bytes());
        end.extend(xxh3_64(&end).to_le_bytes());
        end.extend(MARK);
        end
    }

    fn close_part(&mut self) {
        self.sums.extend(self.part.digest().to_le_bytes());
        self.part.reset();
        self.held = 0;
    }
}

/// The checksums of a file, and which parts were compared with theirs.
struct Parts {
    bytes: usize,
    sums: OwnedBytes,
    /// The checksum of the checksums.
    sum: u64,
    /// A bit for each part.
    known: Box<[AtomicU64]>,
}

impl Parts {
    /// Those of a file of which the end is known.
    fn of(file: &dyn FileHandle, end: End) -> io::Result<Parts> {
        let sums = end.bytes.div_ceil(PART) * SUM;
        let is_whole = file.len() == end.bytes + sums + END;
        let tail = is_whole
            .then(|| file.read_bytes(end.bytes..file.len() - END + SUM))
            .transpose()?;
        match tail.filter(|tail| xxh3_64(tail) == end.sum) {
            Some(tail) => Ok(Parts {
                bytes: end.bytes,
                sums: tail.slice(0..sums),
                sum: end.sum,
                known: (0..end.bytes.div_ceil(PART).div_ceil(64))
                    .map(|_| AtomicU64::new(0))
                    .collect(),
            }),
            None => Err(damaged("its checksums are not those that were written")),
        }
    }

    /// Whether the parts that a range touches are what was written; `read` gives the bytes of a part.
    fn check(&self, range: Range<usize>, read: impl Fn(Range<usize>) -> io::Result<OwnedBytes>) -> io::Result<()> {
        if range.start > range.end || range.end > self.bytes {
            let what = format!("bytes {range:?} of a file with {}", self.bytes);
            return Err(io::Error::new(ErrorKind::UnexpectedEof, what));
        }
        for part in range.start / PART..range.end.div_ceil(PART) {
            let (known, bit) = (&self.known[part / 64], 1u64 << (part % 64));
            if known.load(Ordering::Relaxed) & bit != 0 {
                continue;
            }
            let bytes = part * PART..self.bytes.min((part + 1) * PART);
            let sum = self.sums[part * SUM..]
                .first_chunk()
                .map(|sum| u64::from_le_bytes(*sum));
            if Some(xxh3_64(&read(bytes.clone())?)) != sum {
                return Err(damaged(&format!("bytes {bytes:?} are not those that were written")));
            }
            known.fetch_or(bit, Ordering::Relaxed);
        }
        Ok(())
    }
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

/// What the end of a file says.
#[derive(Clone, Copy)]
struct End {
    bytes: usize,
    sum: u64,
}

impl End {
    /// `None` if it is a file without checksums.
    fn of(file: &dyn FileHandle) -> io::Result<Option<End>> {
        let Some(start) = file.len().checked_sub(END) else {
            return Ok(None);
        };
        let end = file.read_bytes(start..file.len())?;
        let number = |at: usize| end[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        if end[2 * SUM..] != MARK[..] {
            return Ok(None);
        }
        let bytes = usize::try_from(number(0)).ok().filter(|bytes| *bytes <= start);
        let bytes = bytes.ok_or_else(|| damaged("its end is not what was written"))?;
        Ok(Some(End {
            bytes,
            sum: number(SUM),
        }))
    }
}

/// What is known of the files of a folder that are open: a segment is opened once more for each commit and merge, and
/// its parts need not be compared again.
#[derive(Clone, Debug, Default)]
pub struct Known(Arc<Mutex<HashMap<PathBuf, Weak<Parts>>>>);

impl Known {
    /// A file as tantivy wrote it, whose bytes are compared as they are read.
    ///
    /// # Errors
    /// `InvalidData` if its checksums are damaged; so is each later read of a damaged part.
    pub fn watched(&self, path: &Path, file: Arc<dyn FileHandle>) -> io::Result<Arc<dyn FileHandle>> {
        let named = |error| of_file(path, error);
        let Some(end) = End::of(&*file).map_err(named)? else {
            return Ok(file);
        };
        // Poisoned or not, each entry is whole.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |parts: &Arc<Parts>| (parts.bytes, parts.sum) == (end.bytes, end.sum);
        let parts = match known.get(path).and_then(Weak::upgrade).filter(same) {
            Some(parts) => parts,
            None => {
                let parts = Arc::new(Parts::of(&*file, end).map_err(named)?);
                known.retain(|_, parts| parts.strong_count() > 0);
                known.insert(path.to_path_buf(), Arc::downgrade(&parts));
                parts
            }
        };
        let extension = path.extension().and_then(|extension| extension.to_str());
        Ok(Arc::new(Watched {
            path: path.to_path_buf(),
            is_vectors: extension.is_some_and(|extension| VECTORS.contains(&extension)),
            file,
            parts,
        }))
    }
}

fn of_file(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// A file whose bytes are compared as they are read.
struct Watched {
    path: PathBuf,
    is_vectors: bool,
    file: Arc<dyn FileHandle>,
    parts: Arc<Parts>,
}

impl FileHandle for Watched {
    fn read_bytes(&self, range: Range<usize>) -> io::Result<OwnedBytes> {
        let check = |range: Range<usize>| {
            let checked = self.parts.check(range, |part| self.file.read_bytes(part));
            checked.map_err(|error| of_file(&self.path, error))
        };
        if self.is_vectors && range.len() > SHORT {
            check(range.start..range.start + 1)?;
            check(range.end - 1..range.end)?;
        } else {
            check(range.clone())?;
        }
        self.file.read_bytes(range)
    }
}

impl HasLen for Watched {
    fn len(&self) -> usize {
        self.parts.bytes
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} bytes, compared as it is read",
            self.path.display(),
            self.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|at| (at % 251) as u8).collect()
    }

    /// Written in pieces of a length.
    fn written(text: &[u8], piece: usize) -> Vec<u8> {
        let mut sums = PartSums::default();
        text.chunks(piece).for_each(|piece| sums.update(piece));
        [text, &sums.end()].concat()
    }

    fn open(path: &str, file: Vec<u8>) -> io::Result<Arc<dyn FileHandle>> {
        Known::default().watched(Path::new(path), Arc::new(OwnedBytes::new(file)))
    }

    #[test]
    fn what_was_written_is_read_however_long_it_is_and_however_it_came() {
        for bytes in [0, 1, PART - 1, PART, PART + 1, 70 * PART + 5] {
            let text = text(bytes);
            for piece in [1, 1_000, PART, usize::MAX] {
                let opened = open("a.idx", written(&text, piece)).unwrap();
                assert_eq!(opened.len(), bytes);
                for range in [0..0, 0..bytes, bytes / 3..bytes / 2, bytes..bytes] {
                    assert_eq!(&*opened.read_bytes(range.clone()).unwrap(), &text[range]);
                }
                assert!(
                    opened.read_bytes(0..bytes + 1).is_err(),
                    "the checksums are not the file's"
                );
            }
        }
    }

    #[test]
    fn a_file_without_checksums_is_read_as_it_is() {
        for bytes in [0, 5, END, 3 * PART] {
            assert_eq!(open("a.idx", text(bytes)).unwrap().len(), bytes);
        }
    }

    #[test]
    fn large_vectors_are_compared_at_the_borders_of_what_is_read() {
        let text = text(2 * SHORT);
        let damaged_at = |at: usize| {
            let mut file = written(&text, usize::MAX);
            file[at] ^= 1;
            let reads = |path: &str| open(path, file.clone()).unwrap().read_bytes(0..text.len()).is_ok();
            (reads("a.vec"), reads("a.idx"))
        };
        assert_eq!(damaged_at(5), (false, false));
        assert_eq!(damaged_at(SHORT), (true, false));
        assert_eq!(damaged_at(2 * SHORT - 5), (false, false));
    }

    #[test]
    fn what_is_open_is_compared_once() {
        let known = Known::default();
        let (path, text) = (Path::new("a.idx"), text(3 * PART));
        let mut file = written(&text, usize::MAX);
        let whole = known.watched(path, Arc::new(OwnedBytes::new(file.clone()))).unwrap();
        whole.read_bytes(0..text.len()).unwrap();
        file[9] ^= 1;
        let again = || known.watched(path, Arc::new(OwnedBytes::new(file.clone()))).unwrap();
        assert!(again().read_bytes(0..20).is_ok());
        drop(whole);
        assert!(again().read_bytes(0..20).is_err());
        assert!(again().read_bytes(PART..2 * PART).is_ok(), "the other parts are whole");
    }

    proptest! {
        /// Whatever is flipped: an error, or what was written.
        #[test]
        fn no_other_byte_is_ever_read(bytes in 0..3 * PART, flips in prop::collection::vec((0usize..usize::MAX, 0u8..8), 1..4), from in 0usize..usize::MAX, to in 0usize..usize::MAX) {
            let text = text(bytes);
            let mut file = written(&text, usize::MAX);
            for (at, bit) in flips {
                let at = at % file.len();
                file[at] ^= 1 << bit;
            }
            let (from, to) = (from % (bytes + 1), to % (bytes + 1));
            let range = from.min(to)..from.max(to);
            // Without its mark it is a file of another length, which tantivy refuses by its own mark.
            if let Ok(opened) = open("a.idx", file)
                && opened.len() == bytes
                && let Ok(read) = opened.read_bytes(range.clone())
            {
                prop_assert_eq!(&*read, &text[range]);
            }
        }
    }
}
