//! The forward index of a segment: for each passage the common terms it holds, next to the postings, which hold the
//! same by term.
//!
//! Exact scores of a few hundred candidates need every term of a question in each of them. For common terms, by
//! postings, that means looking through lists that are the longer the larger the collection; by passage it means
//! reading some hundred bytes a candidate, whatever the collection's size. The lists of all but the commonest terms are
//! short enough.
//!
//! Derived from the postings, in one file a segment, checked and mapped like a graph: missing or damaged, the postings
//! answer, with the same scores to the last bit. Knows no scores.

mod build;
mod file;
mod row;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tantivy::postings::TermInfo;

pub use build::write;
pub use file::Forward;
use row::TERMS;

/// A question's terms as one segment's forward index knows them.
pub struct Lookup {
    forward: Arc<Forward>,
    /// By id 1 + twice the term's number, + 1 in the text; 0 for terms that are not asked for.
    wanted: Box<[u16; TERMS]>,
    /// By the same numbers less 1.
    held: Vec<bool>,
}

impl Lookup {
    /// Binds so many terms: `(field, term number, side, postings)`, the side 0 for the title, 1 for the text.
    pub fn new<'a>(
        forward: Arc<Forward>,
        terms: usize,
        fields: impl Iterator<Item = (usize, usize, usize, &'a TermInfo)>,
    ) -> Lookup {
        let mut wanted = Box::new([0; TERMS]);
        let mut held = vec![false; 2 * terms];
        for (field, term, side, info) in fields {
            let place = 2 * term + side;
            // A question of more terms than that has the rest looked up in the postings.
            let Ok(number) = u16::try_from(place + 1) else { continue };
            if let (Some(id), Some(held)) = (forward.id(field, info), held.get_mut(place)) {
                wanted[usize::from(id) % TERMS] = number;
                *held = true;
            }
        }
        Lookup { forward, wanted, held }
    }

    /// Whether rows tell of a term on this side.
    pub fn holds(&self, term: usize, side: usize) -> bool {
        self.held.get(2 * term + side).copied().unwrap_or(false)
    }

    /// Adds the frequencies in title and text of a passage, by term number, of the terms that rows tell of.
    pub fn read(&self, doc: u32, frequencies: &mut [[u32; 2]]) {
        let cells = frequencies.as_flattened_mut();
        row::meet(self.forward.row(doc), &self.wanted, |number, tf| {
            if let Some(cell) = cells.get_mut(usize::from(number) - 1) {
                *cell += tf;
            }
        });
    }

    /// Asks for a passage's row some passages before its turn.
    pub fn prefetch(&self, doc: u32) {
        self.forward.prefetch(doc);
    }
}
