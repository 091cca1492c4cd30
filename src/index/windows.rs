//! The window vectors of a segment: those of all its passages in doc-id order, written and merged with the segment.
//!
//! Owns the file format of the `win` segment component and its reader. Like the vectors (`vectors`) they are tantivy's
//! to write, merge, delete and collect, so no commit can lack them. Knows nothing of search.
//!
//! File: 64 bytes of header (magic `BWWIN002`, u32 dimension, u32 rows, u64 windows, zeros), for each row and behind
//! the last the number of windows before it (u64), the windows as `scoring::Windows` has them; all little-endian;
//! tantivy appends its checksum footer.

use std::any::Any;
use std::io::Write;

use tantivy::directory::OwnedBytes;
use tantivy::indexer::doc_id_mapping::DocIdMapping;
use tantivy::plugin::{PluginMergeContext, PluginWriter, PluginWriterContext, SegmentPlugin};
use tantivy::schema::document::ErasedDocument;
use tantivy::schema::{Field, Schema};
use tantivy::{DocId, Segment, SegmentReader, TantivyError, index::SegmentComponent};

use super::component;
use super::embedded::schema;
use super::scoring::{WindowVectors, window_bytes};
use crate::error::{Error, Fault, Result};
use crate::kernel;

const EXTENSION: &str = "win";
const MAGIC: &[u8; 8] = b"BWWIN002";
const HEADER: usize = 64;
/// Bytes of a number of windows.
const COUNT: usize = 8;

fn segment_file() -> SegmentComponent {
    SegmentComponent::Custom(EXTENSION.to_string())
}

/// The windows' part in writing and merging segments; registered with every index that is opened or created.
pub struct WindowPlugin;

impl SegmentPlugin for WindowPlugin {
    fn extensions(&self) -> &[&str] {
        &[EXTENSION]
    }

    fn create_writer(&self, ctx: &PluginWriterContext) -> tantivy::Result<Box<dyn PluginWriter>> {
        let schema = ctx.segment.schema();
        Ok(Box::new(WindowWriter {
            field: schema.get_field("windows")?,
            dimension: schema::dimension(&schema)?,
            rows: Rows::default(),
        }))
    }

    fn merge(&self, ctx: PluginMergeContext) -> tantivy::Result<()> {
        component::refuse_sorted_merge(&ctx)?;
        let sources = ctx
            .readers
            .iter()
            .map(|reader| {
                component::check_all(reader, segment_file())?;
                Ok((reader, SegmentWindows::open(reader).map_err(component::passed_on)?))
            })
            .collect::<tantivy::Result<Vec<_>>>()?;
        let rows = || {
            sources
                .iter()
                .flat_map(|(reader, windows)| reader.doc_ids_alive().map(|doc| windows.bytes(doc)))
        };
        write_file(ctx.target_segment, schema::dimension(ctx.schema)?, rows)
    }
}

/// The windows of some passages, one after the other.
#[derive(Default)]
struct Rows {
    bytes: Vec<u8>,
    /// Where each passage's windows end.
    ends: Vec<usize>,
}

/// Collects the windows of the documents of a new segment.
struct WindowWriter {
    field: Field,
    dimension: usize,
    rows: Rows,
}

impl PluginWriter for WindowWriter {
    fn add_document(&mut self, _: DocId, doc: &dyn ErasedDocument, _: &Schema) -> tantivy::Result<()> {
        let bytes = component::value(doc, self.field);
        if !bytes.len().is_multiple_of(window_bytes(self.dimension)) {
            return Err(TantivyError::InvalidArgument(format!(
                "a passage has windows of {} bytes, this index keeps vectors of {} numbers",
                bytes.len(),
                self.dimension
            )));
        }
        self.rows.bytes.extend_from_slice(bytes);
        self.rows.ends.push(self.rows.bytes.len());
        Ok(())
    }

    fn serialize(self: Box<Self>, segment: &Segment, doc_id_map: Option<&DocIdMapping>) -> tantivy::Result<()> {
        component::refuse_sorted_segment(doc_id_map)?;
        let Rows { bytes, ends } = &self.rows;
        let rows = || {
            let starts = std::iter::once(0).chain(ends.iter().copied());
            starts.zip(ends).map(|(start, &end)| &bytes[start..end])
        };
        write_file(segment, self.dimension, rows)
    }

    fn mem_usage(&self) -> usize {
        self.rows.bytes.capacity() + self.rows.ends.capacity() * size_of::<usize>()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

fn write_file<'a, I: Iterator<Item = &'a [u8]>>(
    segment: &Segment,
    dimension: usize,
    rows: impl Fn() -> I,
) -> tantivy::Result<()> {
    use tantivy::directory::TerminatingWrite;
    let mut file = segment.open_write(segment_file())?;
    let mut ends = vec![0u64];
    for row in rows() {
        let windows = (row.len() / window_bytes(dimension)) as u64;
        ends.push(ends[ends.len() - 1] + windows);
    }
    let mut head = [0u8; HEADER];
    head[..8].copy_from_slice(MAGIC);
    head[8..12].copy_from_slice(&(dimension as u32).to_le_bytes());
    head[12..16].copy_from_slice(&(ends.len() as u32 - 1).to_le_bytes());
    head[16..24].copy_from_slice(&ends[ends.len() - 1].to_le_bytes());
    file.write_all(&head)?;
    for end in &ends {
        file.write_all(&end.to_le_bytes())?;
    }
    for row in rows() {
        file.write_all(row)?;
    }
    file.terminate()?;
    Ok(())
}

/// The window vectors of one segment, mapped. Cheap to clone.
#[derive(Clone)]
pub struct SegmentWindows {
    dimension: usize,
    rows: u32,
    bytes: OwnedBytes,
}

impl SegmentWindows {
    /// Maps the windows of a segment and checks that header and length agree.
    ///
    /// # Errors
    /// [`Fault::Corrupt`] if the file is missing, cut off, or not of this segment's size.
    pub fn open(reader: &SegmentReader) -> Result<SegmentWindows> {
        let corrupt = |what: String| {
            let segment = reader.segment_id().uuid_string();
            Error::new(Fault::Corrupt, format!("windows of segment {segment}: {what}"))
        };
        let bytes = reader
            .open_read(segment_file())
            .map_err(|e| corrupt(e.to_string()))?
            .read_bytes()
            .map_err(|e| corrupt(e.to_string()))?;
        let number = |at: usize| -> Option<u32> { Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?)) };
        let (Some(magic), Some(dimension), Some(rows), Some(windows)) =
            (bytes.get(..8), number(8), number(12), long(&bytes, 16))
        else {
            return Err(corrupt("the header is cut off".into()));
        };
        if magic != MAGIC {
            return Err(corrupt("the file is of another format".into()));
        }
        let dimension = dimension as usize;
        let length = usize::try_from(windows)
            .ok()
            .and_then(|windows| windows.checked_mul(window_bytes(dimension)))
            .and_then(|bytes| bytes.checked_add(HEADER + (rows as usize + 1) * COUNT));
        if rows != reader.max_doc() || length != Some(bytes.len()) {
            return Err(corrupt(format!(
                "{windows} windows of {dimension} numbers in {} bytes, for {} passages",
                bytes.len(),
                reader.max_doc()
            )));
        }
        Ok(SegmentWindows { dimension, rows, bytes })
    }

    /// The windows of a passage; none of a passage that does not exist, or where the file is damaged.
    #[inline]
    pub fn of(&self, doc: DocId) -> WindowVectors<'_> {
        WindowVectors::new(self.bytes(doc), self.dimension)
    }

    /// Asks the processor to bring a passage's windows nearer, which will be read soon.
    #[inline]
    pub fn prefetch(&self, doc: DocId) {
        kernel::map::prefetch(bytemuck::cast_slice(self.bytes(doc)));
    }

    fn bytes(&self, doc: DocId) -> &[u8] {
        let before = |doc: usize| long(&self.bytes, HEADER + doc * COUNT);
        let found = || {
            if doc >= self.rows {
                return None;
            }
            let (from, to) = (before(doc as usize)?, before(doc as usize + 1)?);
            let first = HEADER + (self.rows as usize + 1) * COUNT;
            let at = |windows: u64| {
                let bytes = usize::try_from(windows).ok()?.checked_mul(window_bytes(self.dimension));
                bytes?.checked_add(first)
            };
            self.bytes.get(at(from)?..at(to)?)
        };
        found().unwrap_or(&[])
    }
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
