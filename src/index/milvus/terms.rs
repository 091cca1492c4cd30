//! The terms of a passage as they are kept: as a sparse vector that finds it, and as counts that it is scored by.
//!
//! A term is known by 36 bits of its hash, beside its counts and among the collection's terms: of two million terms
//! some thirty pairs are taken for one. Of these, 31 bits are its place in the sparse vector.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use crate::index::scoring::{Bm25, FIELDS, STREAMS};
use crate::text::Token;

/// Bits of a term's hash.
const BITS: u32 = 36;
/// Bits of a place in a half of the sparse vector.
const PLACE_BITS: u32 = 31;
/// The largest place that Milvus allows.
const LAST_PLACE: u32 = u32::MAX - 1;

/// A term: its stream (0 words, 1 bigrams) and its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TermId {
    stream: usize,
    hash: u64,
}

impl TermId {
    /// Of a term.
    pub fn new(stream: usize, text: &str) -> Self {
        TermId {
            stream,
            hash: xxh3_64(text.as_bytes()) >> (64 - BITS),
        }
    }

    /// Its key among the collection's terms.
    pub fn key(self) -> i64 {
        (self.hash | (self.stream as u64) << BITS) as i64
    }

    /// Its place in a sparse vector: words in the lower half, bigrams in the upper.
    pub fn place(self) -> u32 {
        let place = (self.hash >> (BITS - PLACE_BITS)) as u32;
        (place | (self.stream as u32) << PLACE_BITS).min(LAST_PLACE - 1)
    }
}

/// How often terms stand in a passage's title and text.
pub type Counted = BTreeMap<TermId, [u32; 2]>;

/// Counts the terms of a passage: title words, title bigrams, text words, text bigrams.
pub fn counted(tokens: &[Vec<Token>; FIELDS]) -> Counted {
    let mut counted = Counted::new();
    for (field, tokens) in tokens.iter().enumerate() {
        let (stream, is_text) = (field % STREAMS, field / STREAMS);
        for token in tokens {
            counted.entry(TermId::new(stream, &token.text)).or_default()[is_text] += 1;
        }
    }
    counted
}

/// The sparse vector of a passage: what each term of weight 1 adds to its score. Its inner product with a question's
/// weights is BM25F by the average lengths that `bm25` knows; see
/// [`VectorLengths`](super::vector_lengths::VectorLengths).
pub fn sparse(counted: &Counted, lengths: &[u32; FIELDS], bm25: &Bm25) -> Vec<(u32, f32)> {
    let shares = bm25.shares(lengths);
    let mut places: BTreeMap<u32, f32> = BTreeMap::new();
    for (term, [in_title, in_text]) in counted {
        *places.entry(term.place()).or_default() += bm25.exact(term.stream, *in_title, *in_text, &shares).0;
    }
    if places.is_empty() {
        // Not every server takes a vector without any value. This place is no term's.
        places.insert(LAST_PLACE, f32::MIN_POSITIVE);
    }
    places.into_iter().collect()
}

/// Writes counts as bytes: for each stream the number of its terms, then for each, in order, the distance of its hash
/// from the one before, and how often it stands in title and text; all as LEB128.
pub fn write(counted: &Counted) -> Vec<u8> {
    let mut bytes = Vec::new();
    for stream in 0..STREAMS {
        let of_stream = || counted.iter().filter(|(term, _)| term.stream == stream);
        number(of_stream().count() as u64, &mut bytes);
        let mut before = 0;
        for (term, [in_title, in_text]) in of_stream() {
            number(term.hash - before, &mut bytes);
            number((*in_title).into(), &mut bytes);
            number((*in_text).into(), &mut bytes);
            before = term.hash;
        }
    }
    bytes
}

/// Tells `visit` of all terms in order, and how often each stands in title and text.
///
/// # Errors
/// `Corrupt` if the bytes are none that [`write`] made.
pub fn read(bytes: &[u8], mut visit: impl FnMut(TermId, [u32; 2])) -> Result<()> {
    let mut rest = bytes;
    let mut next = || read_number(&mut rest).ok_or_else(|| Error::corrupt("the terms of a passage are damaged"));
    for stream in 0..STREAMS {
        let terms = next()?;
        let mut hash = 0u64;
        for _ in 0..terms {
            hash = hash.wrapping_add(next()?);
            let counts = [next()? as u32, next()? as u32];
            visit(TermId { stream, hash }, counts);
        }
    }
    Ok(())
}

/// Terms that are looked for, in the order in which they are met.
pub struct Wanted {
    terms: Vec<TermId>,
    /// Their places in `terms`, by their order.
    order: Vec<usize>,
}

impl Wanted {
    /// Of a question's terms.
    pub fn new(terms: Vec<TermId>) -> Self {
        let mut order: Vec<usize> = (0..terms.len()).collect();
        order.sort_by_key(|&at| terms[at]);
        Wanted { terms, order }
    }

    /// How often each stands in a passage's title and text. Errors as [`read`].
    pub fn counts(&self, bytes: &[u8]) -> Result<Vec<[u32; 2]>> {
        let mut found = vec![[0; 2]; self.terms.len()];
        let mut order = self.order.iter().peekable();
        read(bytes, |term, counts| {
            while let Some(&&at) = order.peek() {
                if self.terms[at] > term {
                    break;
                }
                if self.terms[at] == term {
                    found[at] = counts;
                }
                order.next();
            }
        })?;
        Ok(found)
    }
}

fn number(mut value: u64, bytes: &mut Vec<u8>) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn read_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_counted_is_read(
            held in proptest::collection::btree_map(("[a-f]{1,3}", 0usize..2), (0u32..3, 0u32..400), 0..40),
            others in proptest::collection::vec(("[a-f]{1,3}", 0usize..2), 0..40),
        ) {
            let counted: Counted = held.iter().map(|((text, stream), &(a, b))| (TermId::new(*stream, text), [a, b])).collect();
            let asked: Vec<(String, usize)> = others.into_iter().chain(held.keys().cloned()).collect();
            let wanted: Vec<TermId> = asked.iter().map(|(text, stream)| TermId::new(*stream, text)).collect();
            let found = Wanted::new(wanted).counts(&write(&counted)).unwrap();
            for (asked, found) in asked.iter().zip(found) {
                let expected = held.get(asked).map_or([0; 2], |&(a, b)| [a, b]);
                prop_assert_eq!(found, expected);
            }
        }

        #[test]
        fn any_bytes_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let wanted: Vec<TermId> = ["a", "b"].iter().map(|text| TermId::new(0, text)).collect();
            let _ = Wanted::new(wanted).counts(&bytes);
        }
    }
}
