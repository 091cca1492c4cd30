//! Where in a graph's file each array lies: a pure function of the sizes that the header names.
//!
//! Rows of nodes, nodes of rows, the lists of neighbours, then what vectors are made of. Lists are packed one behind
//! the other, those of the base first, then level 1, 2 and so on.

use super::codes::{LINE, fine_stride, stride};
use super::shape::upper_lists;
use crate::index::packed::{StartsData, bits_for, packed_bytes};

/// Bytes before the first array.
pub(super) const HEADER: usize = 256;

/// Where each array begins, and where the file ends.
pub(super) struct Sections {
    pub(super) node_rows: usize,
    pub(super) row_nodes: usize,
    /// Where lists begin: the first of each group, then distances from it.
    pub(super) firsts: usize,
    pub(super) distances: usize,
    pub(super) links: usize,
    pub(super) mean: usize,
    /// The nodes whose vectors are kept as they are, and those.
    pub(super) exact_nodes: usize,
    pub(super) exact: usize,
    pub(super) codes: usize,
    pub(super) low: usize,
    pub(super) end: usize,
}

impl Sections {
    /// `neighbours`: those of all lists together; `bits`: those of where a list begins in its group; `exact`: how many
    /// vectors are kept as they are. None for sizes that no file can have.
    pub(super) fn new(
        [rows, dim]: [usize; 2],
        counts: &[u32],
        neighbours: usize,
        bits: u32,
        exact: usize,
    ) -> Option<Sections> {
        let lists = rows + upper_lists(counts);
        let mut end = HEADER;
        let mut next = |bytes: usize| {
            let start = end.next_multiple_of(LINE);
            end = start.checked_add(bytes).filter(|&end| end <= isize::MAX as usize)?;
            Some(start)
        };
        Some(Sections {
            node_rows: next(rows * 4)?,
            row_nodes: next(rows * 4)?,
            firsts: next(StartsData::groups(lists) * 8)?,
            distances: next(packed_bytes(lists + 1, bits)?)?,
            links: next(packed_bytes(neighbours, node_bits(rows))?)?,
            mean: next(dim * 4)?,
            exact_nodes: next(exact.checked_mul(4)?)?,
            exact: next(exact.checked_mul(dim)?.checked_mul(4)?)?,
            codes: next(rows * stride(dim))?,
            low: next(rows * fine_stride(dim))?,
            end,
        })
    }
}

/// The bits that the number of a node takes in a graph of so many rows.
pub(super) fn node_bits(rows: usize) -> u32 {
    bits_for(rows.saturating_sub(1) as u64)
}
