//! Reading one term's postings in one field of a segment: all of them, or those of named documents.
//!
//! Owns the dealing with tantivy's blocks of 128 postings. Knows nothing of questions and little of scores.

use std::sync::Arc;

use tantivy::SegmentReader;
use tantivy::index::InvertedIndexReader;
use tantivy::postings::{BlockSegmentPostings, TermInfo};
use tantivy::schema::{Field, IndexRecordOption};

use super::rough::RoughBm25;
use crate::error::{Context, Fault, Result};

/// What is being done where postings cannot be read.
pub const READING: &str = "reading postings";

/// One field of a segment, as searching by words reads it.
pub struct WordField {
    /// tantivy's dictionary and postings.
    pub index: Arc<InvertedIndexReader>,
    /// tantivy's length class of each document: its own copy, since looking one up goes through two branches.
    classes: Box<[u8]>,
}

impl WordField {
    /// Opens a field that is indexed with frequencies and lengths.
    pub fn new(reader: &SegmentReader, field: Field) -> Result<Self> {
        let doing = "opening a segment's words";
        let norms = reader.get_fieldnorms_reader(field).or_fault(Fault::Corrupt, doing)?;
        let documents = reader.max_doc().min(norms.num_docs());
        Ok(WordField {
            index: reader.inverted_index(field).or_fault(Fault::Corrupt, doing)?,
            classes: (0..documents).map(|doc| norms.fieldnorm_id(doc)).collect(),
        })
    }

    /// The postings of a term of this field.
    pub fn open(&self, info: &TermInfo) -> Result<BlockSegmentPostings> {
        self.index
            .read_block_postings_from_terminfo(info, IndexRecordOption::WithFreqs)
            .or_fault(Fault::Corrupt, READING)
    }
}

/// Reads a list of postings from its first to its last.
#[inline]
pub fn for_each(mut postings: BlockSegmentPostings, mut visit: impl FnMut(u32, u32)) {
    while postings.block_len() > 0 {
        for (&doc, &tf) in postings.docs().iter().zip(postings.freqs()) {
            visit(doc, tf);
        }
        postings.advance();
    }
}

/// Looks up documents, ascending, in a list of postings: `visit` is told `(position in docs, frequency)`.
pub fn seek(mut postings: BlockSegmentPostings, docs: &[u32], mut visit: impl FnMut(usize, u32)) {
    for (at, &doc) in docs.iter().enumerate() {
        let place = postings.seek(doc);
        if place < postings.block_len() && postings.doc(place) == doc {
            visit(at, postings.freq(place));
        }
    }
}

/// One term's postings in one field, on the way through them.
pub struct Cursor<'a> {
    postings: BlockSegmentPostings,
    /// The next posting of the block.
    at: usize,
    classes: &'a [u8],
    field: usize,
    weight: f32,
}

impl<'a> Cursor<'a> {
    /// The postings from document `first` on; `weight` is the term's.
    pub fn new(words: &'a WordField, info: &TermInfo, field: usize, weight: f32, first: u32) -> Result<Self> {
        let mut postings = words.open(info)?;
        let at = if first > 0 { postings.seek(first) } else { 0 };
        Ok(Cursor {
            postings,
            at,
            classes: &words.classes,
            field,
            weight,
        })
    }

    /// Adds what the postings before document `first + scores.len()` contribute; `scores` begins at document `first`.
    /// Whether there are more.
    pub fn add_up(&mut self, bm25: &RoughBm25, first: u32, scores: &mut [f32]) -> bool {
        let end = first.saturating_add(scores.len() as u32);
        while self.postings.block_len() > self.at {
            let docs = &self.postings.docs()[self.at..];
            let inside = if docs.last().is_some_and(|&last| last < end) {
                docs.len()
            } else {
                docs.partition_point(|&doc| doc < end)
            };
            for (&doc, &tf) in docs[..inside].iter().zip(&self.postings.freqs()[self.at..]) {
                // What a damaged list names elsewhere is passed over.
                let score = scores.get_mut(doc.wrapping_sub(first) as usize);
                if let (Some(score), Some(&class)) = (score, self.classes.get(doc as usize)) {
                    *score += self.weight * bm25.score(self.field, class, tf);
                }
            }
            if inside < docs.len() {
                self.at += inside;
                return true;
            }
            self.postings.advance();
            self.at = 0;
        }
        false
    }
}
