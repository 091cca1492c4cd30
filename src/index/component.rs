//! What the segment components of our own (`vectors`, `windows`) have in common as parts of a tantivy index: how a
//! passage's value reaches them, and that both keep the order of the documents. Owns no format.

use tantivy::indexer::doc_id_mapping::{DocIdMapping, MappingType};
use tantivy::plugin::PluginMergeContext;
use tantivy::schema::document::ErasedDocument;
use tantivy::schema::{Field, Value};
use tantivy::{HasLen, SegmentReader, TantivyDocument, TantivyError, index::SegmentComponent};

use crate::error::Error;

/// Bytes that are read at a time where all are: ranges up to this long are compared with their checksums.
pub const PIECE: usize = 1 << 20;

/// What a document gives for a field of ours; empty if it gives nothing.
pub fn value(doc: &dyn ErasedDocument, field: Field) -> &[u8] {
    doc.as_any()
        .downcast_ref::<TantivyDocument>()
        .and_then(|doc| doc.get_first(field))
        .and_then(|value| value.as_custom())
        .unwrap_or(&[])
}

/// Refuses a merge that reorders documents: those of a merged segment are the live ones of each reader in turn, and
/// only sorting would reorder them.
pub fn refuse_sorted_merge(ctx: &PluginMergeContext) -> tantivy::Result<()> {
    if ctx.doc_id_mapping.mapping_type() == MappingType::Shuffled {
        Err(sorted())
    } else {
        Ok(())
    }
}

/// Refuses a new segment whose documents are reordered.
pub fn refuse_sorted_segment(map: Option<&DocIdMapping>) -> tantivy::Result<()> {
    match map {
        Some(_) => Err(sorted()),
        None => Ok(()),
    }
}

fn sorted() -> TantivyError {
    TantivyError::InvalidArgument("vectors and windows cannot follow an index that is sorted by a field".into())
}

/// Reads all of a component by pieces, each of which is compared with its checksums: what a merge copies gets new ones,
/// by which damage would be right.
pub fn check_all(reader: &SegmentReader, component: SegmentComponent) -> tantivy::Result<()> {
    let file = reader.open_read(component)?;
    for start in (0..file.len()).step_by(PIECE) {
        file.read_bytes_slice(start..file.len().min(start + PIECE))?;
    }
    Ok(())
}

/// An error of ours as tantivy passes it on.
pub fn passed_on(error: Error) -> TantivyError {
    TantivyError::InternalError(error.to_string())
}
