//! Making a forward index from a segment's postings: some passages at a time, so that memory stays bounded.

use std::path::Path;

use tantivy::postings::TermInfo;

use super::file::{FIELDS, FileWriter};
use super::row::{self, TERMS};
use crate::compute::Budget;
use crate::error::{Context, Fault, Result};
use crate::files::NewFile;
use crate::index::lexical::postings::{READING, WordField};

/// Passages that are turned at once; some 250 common terms each, 12 bytes a term, twice.
const PASSAGES: u32 = 1 << 15;

/// A term of one field.
struct Term {
    field: usize,
    postings: TermInfo,
    id: u16,
}

/// Writes the forward index of a segment's `rows` passages to `path`.
///
/// The commonest terms of all fields are numbered, the commonest first: then nearly all distances in a row fit into a
/// byte.
///
/// # Errors
/// `Unavailable` if the disk refuses, `Corrupt` if the postings cannot be read, `Deadline` if the budget has one that
/// passes.
pub fn write(budget: Budget, path: &Path, segment: [u8; 16], rows: u32, fields: &[WordField; FIELDS]) -> Result<()> {
    let mut terms: Vec<Term> = Vec::new();
    for (field, words) in fields.iter().enumerate() {
        let mut stream = words.index.terms().stream().or_fault(Fault::Corrupt, READING)?;
        while stream.advance() {
            let postings = stream.value().clone();
            terms.push(Term { field, postings, id: 0 });
        }
    }
    terms.sort_by_key(|term| std::cmp::Reverse(term.postings.doc_freq));
    terms.truncate(TERMS);
    for (id, term) in (0..).zip(&mut terms) {
        term.id = id;
    }
    let mut listed: Vec<&Term> = terms.iter().collect();
    listed.sort_unstable_by_key(|term| (term.field, term.postings.postings_range.start));
    let starts: Vec<u64> = listed
        .iter()
        .map(|term| term.postings.postings_range.start as u64)
        .collect();
    let ids: Vec<u16> = listed.iter().map(|term| term.id).collect();
    let counts = std::array::from_fn(|field| terms.iter().filter(|term| term.field == field).count() as u32);

    let mut out = NewFile::create(path, "the forward index")?;
    let writing = || format!("writing the forward index {}", path.display());
    let mut file = FileWriter::new(&mut out).or_fault(Fault::Unavailable, writing())?;
    let firsts: Vec<u32> = (0..rows).step_by(PASSAGES as usize).collect();
    for firsts in firsts.chunks(budget.threads) {
        budget.check()?;
        let turned = budget.try_map(firsts, |&first, _| {
            turn(first, rows.min(first + PASSAGES), &terms, fields)
        })?;
        for (bytes, ends) in turned {
            file.rows(&bytes, &ends).or_fault(Fault::Unavailable, writing())?;
        }
    }
    file.finish(segment, counts, &starts, &ids)
        .or_fault(Fault::Unavailable, writing())?;
    out.finish()
}

/// The rows of the passages `first..end`: their bytes, and where each ends.
fn turn(first: u32, end: u32, terms: &[Term], fields: &[WordField; FIELDS]) -> Result<(Vec<u8>, Vec<usize>)> {
    let count = (end - first) as usize;
    // By ascending term, so that a stable sort by passage leaves every row ascending.
    let mut found: Vec<(u32, u16, u32)> = Vec::new();
    let mut held = vec![0usize; count + 1];
    for term in terms {
        let mut postings = fields[term.field].open(&term.postings)?;
        let mut at = postings.seek(first);
        while postings.block_len() > at {
            let within = postings.docs()[at..].iter().zip(&postings.freqs()[at..]);
            for (&doc, &tf) in within.take_while(|(doc, _)| **doc < end) {
                // A damaged list may go back.
                let Some(doc) = doc.checked_sub(first) else { continue };
                held[doc as usize + 1] += 1;
                found.push((doc, term.id, tf.max(1)));
            }
            if postings.docs().last().is_none_or(|&last| last >= end) {
                break;
            }
            postings.advance();
            at = 0;
        }
    }
    for doc in 0..count {
        held[doc + 1] += held[doc];
    }
    let mut next = held.clone();
    let mut sorted = vec![(0u16, 0u32); found.len()];
    for (doc, id, tf) in found {
        let slot = &mut next[doc as usize];
        sorted[*slot] = (id, tf);
        *slot += 1;
    }
    let mut bytes = Vec::with_capacity(2 * sorted.len());
    let mut ends = Vec::with_capacity(count);
    for doc in 0..count {
        row::write(sorted[held[doc]..held[doc + 1]].iter().copied(), &mut bytes);
        ends.push(bytes.len());
    }
    Ok((bytes, ends))
}
