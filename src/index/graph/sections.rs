//! Where in a graph's file each array lies: a pure function of the sizes that the header names.
//!
//! Rows of nodes, nodes of rows, the lists of neighbours, then what vectors are made of. Lists are packed one behind the
//! other, those of the lowest level first, then level 1, 2 and so on; before version 3 each had its own fixed room.

use super::codes::{LINE, stride};
use super::shape::upper_lists;
use crate::index::packed::{StartsData, bits_for, packed_bytes};

/// Bytes before the first array.
pub(super) const HEADER: usize = 256;

/// How the lists of neighbours are kept.
#[derive(Clone, Copy)]
pub(super) enum Lists {
    /// A room of `2 * m`, above the lowest level `m`, for each list.
    Wide,
    /// So many neighbours in all, so many bits for where a list begins in its group.
    Packed { neighbours: usize, bits: u32 },
}

/// Where each array begins, and where the file ends.
pub(super) struct Sections {
    pub(super) node_rows: usize,
    pub(super) row_nodes: usize,
    pub(super) lists: Lists,
    /// Where lists begin: groups, then what is in them. Nothing in a file of wide lists.
    pub(super) firsts: usize,
    pub(super) distances: usize,
    pub(super) links: usize,
    /// Nothing in a file of packed lists.
    pub(super) upper: usize,
    pub(super) mean: usize,
    pub(super) inexact: usize,
    pub(super) codes: usize,
    pub(super) low: usize,
    pub(super) end: usize,
}

impl Sections {
    /// None for sizes that no file can have.
    pub(super) fn new(rows: usize, dim: usize, m: usize, counts: &[u32], lists: Lists) -> Option<Sections> {
        let all = rows + upper_lists(counts);
        let [firsts, distances, links, upper] = match lists {
            Lists::Wide => [0, 0, rows * 2 * m * 4, upper_lists(counts) * m * 4],
            Lists::Packed { neighbours, bits } => [
                StartsData::groups(all) * 8,
                packed_bytes(all + 1, bits)?,
                packed_bytes(neighbours, node_bits(rows))?,
                0,
            ],
        };
        let mut end = HEADER;
        let mut next = |bytes: usize| {
            let start = end.next_multiple_of(LINE);
            end = start.checked_add(bytes).filter(|&end| end <= isize::MAX as usize)?;
            Some(start)
        };
        Some(Sections {
            node_rows: next(rows * 4)?,
            row_nodes: next(rows * 4)?,
            lists,
            firsts: next(firsts)?,
            distances: next(distances)?,
            links: next(links)?,
            upper: next(upper)?,
            mean: next(dim * 4)?,
            inexact: next(rows.div_ceil(64) * 8)?,
            codes: next(rows * stride(dim))?,
            low: next(rows * stride(dim))?,
            end,
        })
    }
}

/// The bits of a node among so many.
pub(super) fn node_bits(rows: usize) -> u32 {
    bits_for(rows.saturating_sub(1) as u64)
}
