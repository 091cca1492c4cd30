//! The file of a forward index: layout, opening, checking.
//!
//! Little-endian. A header of 128 bytes, then each at a multiple of 64 bytes: the rows, one after the other; where each
//! row begins, in the two parts of [`StartsData`]; where the postings of each term begin, field after field, ascending
//! in each (terms x u64); the id of each of these terms (terms x u16). Opening reads the header only,
//! [`Forward::verify`] everything.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use tantivy::postings::TermInfo;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::error::{Context, Error, Fault, Result};
use crate::index::packed::{Starts, StartsData, packed_bytes};
use crate::index::scoring::STREAMS;
use crate::kernel::map::{map_file, prefetch};

/// Title words, title bigrams, text words, text bigrams.
pub(super) const FIELDS: usize = 2 * STREAMS;

const MAGIC: [u8; 8] = *b"BWFORWD\n";
const VERSION: u32 = 3;
const HEADER: usize = 128;
const ALIGNMENT: usize = 64;

// Offsets in the header. What lies behind is zero.
const AT_VERSION: usize = 8;
const AT_ROWS: usize = 12;
const AT_SEGMENT: usize = 16;
const AT_TERMS: usize = 32;
const AT_ROW_BYTES: usize = 48;
const AT_BODY_SUM: usize = 56;
const AT_BITS: usize = 64;
const AT_HEADER_SUM: usize = 72;

/// Where the sections begin, and where the file ends.
#[derive(Debug, Clone, Copy)]
struct Sections {
    /// Where rows begin: groups, then what is in them, of so many bits.
    firsts: usize,
    distances: usize,
    bits: u32,
    starts: usize,
    ids: usize,
    end: usize,
}

impl Sections {
    /// None for sizes that no file can have.
    fn new(rows: usize, row_bytes: usize, bits: u32, terms: usize) -> Option<Sections> {
        let after = |start: usize, bytes: usize| start.checked_add(bytes)?.checked_next_multiple_of(ALIGNMENT);
        let firsts = after(HEADER, row_bytes)?;
        let distances = after(firsts, StartsData::groups(rows).checked_mul(8)?)?;
        let starts = after(distances, packed_bytes(rows + 1, bits)?)?;
        let ids = after(starts, terms.checked_mul(8)?)?;
        let end = ids.checked_add(terms.checked_mul(2)?)?;
        Some(Sections {
            firsts,
            distances,
            bits,
            starts,
            ids,
            end,
        })
    }
}

/// Writes the parts of a file in their order.
pub(super) struct FileWriter<'a, W> {
    out: &'a mut W,
    sum: Xxh3,
    row_bytes: usize,
    /// Where each row begins, and the last one ends.
    offsets: Vec<u64>,
}

impl<'a, W: Write + Seek> FileWriter<'a, W> {
    /// Begins a file.
    pub fn new(out: &'a mut W) -> io::Result<Self> {
        out.write_all(&[0; HEADER])?;
        Ok(FileWriter {
            out,
            sum: Xxh3::new(),
            row_bytes: 0,
            offsets: vec![0],
        })
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.out.write_all(bytes)
    }

    /// Appends rows: their bytes, and where each ends in them.
    pub fn rows(&mut self, bytes: &[u8], ends: &[usize]) -> io::Result<()> {
        let before = self.row_bytes;
        self.offsets.extend(ends.iter().map(|&end| (before + end) as u64));
        self.row_bytes += bytes.len();
        self.put(bytes)
    }

    /// Appends the terms, `starts` and `ids` field after field with so many of each, and the header.
    pub fn finish(mut self, segment: [u8; 16], terms: [u32; FIELDS], starts: &[u64], ids: &[u16]) -> io::Result<()> {
        let rows = self.offsets.len() as u32 - 1;
        let offsets = StartsData::new(&std::mem::take(&mut self.offsets));
        let mut at = HEADER + self.row_bytes;
        for section in [
            bytemuck::cast_slice::<u64, u8>(&offsets.firsts),
            &offsets.distances,
            bytemuck::cast_slice(starts),
            bytemuck::cast_slice(ids),
        ] {
            let start = at.next_multiple_of(ALIGNMENT);
            self.put(&[0; ALIGNMENT][..start - at])?;
            self.put(section)?;
            at = start + section.len();
        }
        let mut header = [0; HEADER];
        let mut set = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
        set(0, &MAGIC);
        set(AT_VERSION, &VERSION.to_le_bytes());
        set(AT_ROWS, &rows.to_le_bytes());
        set(AT_SEGMENT, &segment);
        for (field, count) in terms.iter().enumerate() {
            set(AT_TERMS + 4 * field, &count.to_le_bytes());
        }
        set(AT_ROW_BYTES, &(self.row_bytes as u64).to_le_bytes());
        set(AT_BITS, &offsets.bits.to_le_bytes());
        set(AT_BODY_SUM, &self.sum.digest().to_le_bytes());
        let sum = xxh3_64(&header[..AT_HEADER_SUM]);
        header[AT_HEADER_SUM..AT_HEADER_SUM + 8].copy_from_slice(&sum.to_le_bytes());
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&header)
    }
}

/// A forward index, mapped from its file.
pub struct Forward {
    map: Mmap,
    layout: Sections,
    /// Of each field, its stretch of `starts` and `ids`.
    fields: [Range<usize>; FIELDS],
    rows: usize,
    path: PathBuf,
}

impl Forward {
    /// Maps the forward index at `path` if it is that of this segment and so many rows.
    ///
    /// # Errors
    /// `Unavailable` if it cannot be read, `Corrupt` if it is not a whole forward index of this segment in a version
    /// that this program reads. Use the postings then, and write it again.
    pub fn open(path: &Path, segment: [u8; 16], rows: u32) -> Result<Forward> {
        let doing = || format!("opening the forward index {}", path.display());
        if cfg!(target_endian = "big") {
            return Err(Error::unavailable("forward indexes are little-endian, this machine is not").context(doing()));
        }
        let file = File::open(path).or_fault(Fault::Unavailable, doing())?;
        let length = file.metadata().or_fault(Fault::Unavailable, doing())?.len();
        let corrupt = |what: String| Err(Error::corrupt(what).context(doing()));
        if length < HEADER as u64 {
            return corrupt(format!("{length} bytes, too short for a header"));
        }
        let map = map_file(&file).or_fault(Fault::Unavailable, doing())?;
        let Some(header) = map.first_chunk::<HEADER>() else {
            return corrupt("the file shrank while it was opened".into());
        };
        let small = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| header[at + i]));
        let large = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| header[at + i]));
        if header[..8] != MAGIC {
            return corrupt("not a forward index".into());
        }
        if small(AT_VERSION) != VERSION {
            return corrupt(format!("version {}, this program reads {VERSION}", small(AT_VERSION)));
        }
        if xxh3_64(&header[..AT_HEADER_SUM]) != large(AT_HEADER_SUM) {
            return corrupt("the header's checksum differs".into());
        }
        if header[AT_SEGMENT..AT_TERMS] != segment {
            return corrupt("it belongs to another segment".into());
        }
        if small(AT_ROWS) != rows {
            return corrupt(format!("it holds {} passages, the segment {rows}", small(AT_ROWS)));
        }
        let mut terms = 0;
        let fields = std::array::from_fn(|field| {
            let first = terms;
            terms += small(AT_TERMS + 4 * field) as usize;
            first..terms
        });
        let layout = usize::try_from(large(AT_ROW_BYTES))
            .ok()
            .and_then(|row_bytes| Sections::new(rows as usize, row_bytes, small(AT_BITS), terms));
        match layout {
            Some(layout) if layout.end == map.len() => Ok(Forward {
                layout,
                fields,
                rows: rows as usize,
                path: path.to_path_buf(),
                map,
            }),
            _ => corrupt(format!("{length} bytes are not what its header says")),
        }
    }

    /// Reads the whole file and compares its checksum.
    ///
    /// # Errors
    /// `Corrupt` with the path if any byte differs from what was written.
    pub fn verify(&self) -> Result<()> {
        let stored = &self.map[AT_BODY_SUM..AT_BODY_SUM + 8];
        if xxh3_64(&self.map[HEADER..]).to_le_bytes() != *stored {
            return Err(Error::corrupt("the checksum differs")
                .context(format_args!("the forward index {}", self.path.display())));
        }
        Ok(())
    }

    fn longs(&self, start: usize, count: usize) -> &[u64] {
        // Sections are at multiples of 64 bytes of a map, which begins at a page, and inside the file: `open` checked.
        bytemuck::cast_slice(&self.map[start..start + 8 * count])
    }

    /// The id of the term of a field whose postings these are; none if rows do not tell of it.
    pub(super) fn id(&self, field: usize, postings: &TermInfo) -> Option<u16> {
        let range = self.fields.get(field)?.clone();
        let starts = self.longs(self.layout.starts + 8 * range.start, range.len());
        let at = starts.binary_search(&(postings.postings_range.start as u64)).ok()?;
        let ids = self.layout.ids + 2 * (range.start + at);
        Some(u16::from_le_bytes(*self.map.get(ids..)?.first_chunk()?))
    }

    /// Where a passage's row lies among the rows; nowhere if the file does not say.
    fn place(&self, doc: u32) -> Range<usize> {
        let Sections {
            firsts,
            distances,
            bits,
            starts,
            ..
        } = self.layout;
        let groups = self.longs(firsts, StartsData::groups(self.rows));
        let rows = Starts::new(groups, &self.map[distances..starts], self.rows, bits);
        rows.stretch(doc as usize).unwrap_or_default()
    }

    fn rows(&self, place: Range<usize>) -> &[u8] {
        self.map[HEADER..self.layout.firsts].get(place).unwrap_or(&[])
    }

    /// A passage's row; empty if the file names no place inside itself for it.
    pub(super) fn row(&self, doc: u32) -> &[u8] {
        self.rows(self.place(doc))
    }

    /// Asks the processor for a passage's row.
    pub(super) fn prefetch(&self, doc: u32) {
        let place = self.place(doc);
        // Rows begin anywhere in a cache line, and all of it is asked for.
        let lines = place.start / ALIGNMENT * ALIGNMENT..place.end;
        prefetch(bytemuck::cast_slice(self.rows(lines)));
    }
}
