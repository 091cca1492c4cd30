//! The vectors of a segment: one contiguous matrix in doc-id order, written and merged with the segment by tantivy.
//!
//! Owns the file format of the `vec` segment component and its reader. Because tantivy writes, merges, deletes and
//! collects the file with the segment, words and vectors can never be of different commits. Knows nothing of search.
//!
//! File: 64 bytes of header (magic `BWVEC003`, u32 dimension, u32 rows, zeros), the matrix (rows x dimension x f32),
//! all little-endian; tantivy appends its checksum footer.

use std::any::Any;
use std::io::Write;
use std::sync::Arc;

use ndarray::{ArrayView2, Axis};
use tantivy::directory::OwnedBytes;
use tantivy::indexer::doc_id_mapping::DocIdMapping;
use tantivy::plugin::{PluginMergeContext, PluginWriter, PluginWriterContext, SegmentPlugin};
use tantivy::schema::document::ErasedDocument;
use tantivy::schema::{Field, Schema};
use tantivy::{DocId, Segment, SegmentReader, TantivyError, index::SegmentComponent};

use super::component;
use super::embedded::schema;
use crate::error::{Error, Fault, Result};

const EXTENSION: &str = "vec";
const MAGIC: &[u8; 8] = b"BWVEC003";
const HEADER: usize = 64;

fn segment_file() -> SegmentComponent {
    SegmentComponent::Custom(EXTENSION.to_string())
}

/// The vectors' part in writing and merging segments; registered with every index that is opened or created.
pub struct VectorPlugin;

impl SegmentPlugin for VectorPlugin {
    fn extensions(&self) -> &[&str] {
        &[EXTENSION]
    }

    fn create_writer(&self, ctx: &PluginWriterContext) -> tantivy::Result<Box<dyn PluginWriter>> {
        let schema = ctx.segment.schema();
        Ok(Box::new(VectorWriter {
            field: schema.get_field("vector")?,
            dimension: schema::dimension(&schema)?,
            rows: Vec::new(),
            count: 0,
        }))
    }

    fn merge(&self, ctx: PluginMergeContext) -> tantivy::Result<()> {
        component::refuse_sorted_merge(&ctx)?;
        let dimension = schema::dimension(ctx.schema)?;
        let sources = ctx
            .readers
            .iter()
            .map(|reader| {
                component::check_all(reader, segment_file())?;
                Ok((reader, SegmentVectors::open(reader).map_err(component::passed_on)?))
            })
            .collect::<tantivy::Result<Vec<_>>>()?;
        let rows = sources.iter().flat_map(|(reader, vectors)| {
            let vectors = vectors.view();
            let rows = reader.doc_ids_alive();
            rows.filter_map(move |doc| vectors.index_axis_move(Axis(0), doc as usize).to_slice())
        });
        let count = ctx.readers.iter().map(|reader| reader.num_docs()).sum();
        write_file(ctx.target_segment, dimension, count, rows)
    }
}

/// Collects the vectors of the documents of a new segment.
struct VectorWriter {
    field: Field,
    dimension: usize,
    rows: Vec<f32>,
    count: u32,
}

impl PluginWriter for VectorWriter {
    fn add_document(&mut self, _: DocId, doc: &dyn ErasedDocument, _: &Schema) -> tantivy::Result<()> {
        let bytes = component::value(doc, self.field);
        if bytes.len() != self.dimension * 4 {
            return Err(TantivyError::InvalidArgument(format!(
                "a passage has a vector of {} bytes, this index keeps {} numbers of 4 bytes",
                bytes.len(),
                self.dimension
            )));
        }
        self.rows
            .extend(bytes.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)));
        self.count += 1;
        Ok(())
    }

    fn serialize(self: Box<Self>, segment: &Segment, doc_id_map: Option<&DocIdMapping>) -> tantivy::Result<()> {
        component::refuse_sorted_segment(doc_id_map)?;
        let rows = self.rows.chunks_exact(self.dimension.max(1));
        write_file(segment, self.dimension, self.count, rows)
    }

    fn mem_usage(&self) -> usize {
        self.rows.capacity() * 4
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

fn write_file<'a>(
    segment: &Segment,
    dimension: usize,
    count: u32,
    rows: impl Iterator<Item = &'a [f32]>,
) -> tantivy::Result<()> {
    use tantivy::directory::TerminatingWrite;
    let mut file = segment.open_write(segment_file())?;
    let mut head = [0u8; HEADER];
    head[..8].copy_from_slice(MAGIC);
    head[8..12].copy_from_slice(&(dimension as u32).to_le_bytes());
    head[12..16].copy_from_slice(&count.to_le_bytes());
    file.write_all(&head)?;
    for row in rows {
        if cfg!(target_endian = "little") {
            file.write_all(bytemuck::cast_slice(row))?;
        } else {
            for x in row {
                file.write_all(&x.to_le_bytes())?;
            }
        }
    }
    file.terminate()?;
    Ok(())
}

enum Floats {
    /// Bytes of the mapped file, checked to be aligned for f32.
    Mapped(OwnedBytes),
    /// A copy, where the bytes were not aligned or the machine is big-endian.
    Copied(Vec<f32>),
}

/// The vectors of one segment, mapped. Row = doc id. Cheap to clone.
#[derive(Clone)]
pub struct SegmentVectors {
    dimension: usize,
    rows: u32,
    floats: Arc<Floats>,
}

impl SegmentVectors {
    /// Maps the vectors of a segment and checks that header and length agree.
    ///
    /// # Errors
    /// [`Fault::Corrupt`] if the file is missing, cut off, or not of this segment's size.
    pub fn open(reader: &SegmentReader) -> Result<SegmentVectors> {
        let name = || format!("vectors of segment {}", reader.segment_id().uuid_string());
        let corrupt = |what: String| Error::new(Fault::Corrupt, format!("{}: {what}", name()));
        let bytes = reader
            .open_read(segment_file())
            .map_err(|e| corrupt(e.to_string()))?
            .read_bytes()
            .map_err(|e| corrupt(e.to_string()))?;
        let number = |at: usize| -> Option<u32> { Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?)) };
        let (Some(magic), Some(dimension), Some(rows)) = (bytes.get(..8), number(8), number(12)) else {
            return Err(corrupt("the header is cut off".into()));
        };
        if magic != MAGIC {
            return Err(corrupt("the file is of another format".into()));
        }
        let dimension = dimension as usize;
        let matrix = (rows as usize)
            .checked_mul(dimension)
            .and_then(|numbers| numbers.checked_mul(4));
        if rows != reader.max_doc() || matrix.and_then(|matrix| matrix.checked_add(HEADER)) != Some(bytes.len()) {
            return Err(corrupt(format!(
                "{rows} rows of {dimension} in {} bytes, for {} passages",
                bytes.len(),
                reader.max_doc()
            )));
        }
        let data = bytes.slice(HEADER..bytes.len());
        let mappable = cfg!(target_endian = "little") && bytemuck::try_cast_slice::<u8, f32>(&data).is_ok();
        let floats = if mappable {
            Floats::Mapped(data)
        } else {
            Floats::Copied(decode(&data))
        };
        Ok(SegmentVectors {
            dimension,
            rows,
            floats: Arc::new(floats),
        })
    }

    /// All rows, as one matrix.
    pub fn view(&self) -> ArrayView2<'_, f32> {
        let floats = match &*self.floats {
            // The cast was tried when the file was opened; an empty slice never fails it.
            Floats::Mapped(bytes) => bytemuck::try_cast_slice(bytes).unwrap_or(&[]),
            Floats::Copied(floats) => floats.as_slice(),
        };
        // `open` compared the file's length with this shape, so this cannot fail.
        ArrayView2::from_shape((self.rows as usize, self.dimension), floats).expect("the shape was checked")
    }

    /// The vector of a passage; empty for a passage that does not exist.
    pub fn row(&self, doc: DocId) -> &[f32] {
        if doc >= self.rows {
            return &[];
        }
        let row = self.view().index_axis_move(Axis(0), doc as usize);
        // A row of a matrix in row-major order is one slice.
        row.to_slice().unwrap_or(&[])
    }

    /// Numbers a vector has.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Vectors in the segment, deleted passages included.
    pub fn rows(&self) -> u32 {
        self.rows
    }
}

fn decode(bytes: &[u8]) -> Vec<f32> {
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|&b| f32::from_le_bytes(b))
        .collect()
}
