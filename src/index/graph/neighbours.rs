//! The lists of neighbours of a graph, in the two ways they are kept.
//!
//! While a graph is built each list has room for as many as it may hold. In its file they are packed, one behind the
//! other, each neighbour in as many bits as a node needs: a quarter of the bytes, and most lists in one cache line.
//! Where a list begins must be looked up then, but the table that says so is small enough to stay in the cache.

use crate::index::packed::{Packed, Starts};
use crate::kernel;

/// Marks the unused end of a list.
pub(super) const NONE: u32 = u32::MAX;

/// Lists of nodes, by number.
#[derive(Clone, Copy)]
pub(super) enum Neighbours<'a> {
    /// `width` slots for each list, those not used filled with [`NONE`].
    Wide { slots: &'a [u32], width: usize },
    /// Lists of at most `width`, from that of number `first` on.
    Packed {
        starts: Starts<'a>,
        nodes: Packed<'a>,
        first: usize,
        width: usize,
    },
}

impl Neighbours<'_> {
    /// Tells `visit` of the nodes in a list; none beyond the last list.
    #[inline]
    pub(super) fn each(&self, list: usize, mut visit: impl FnMut(u32)) {
        match *self {
            Neighbours::Wide { slots, width } => {
                let slots = slots.get(list * width..(list + 1) * width).unwrap_or(&[]);
                slots.iter().take_while(|&&to| to != NONE).for_each(|&to| visit(to));
            }
            Neighbours::Packed {
                starts,
                nodes,
                first,
                width,
            } => {
                if let Some(list) = starts.stretch(first + list) {
                    // A damaged list may be long. A node has 30 bits at most.
                    nodes.stretch(list).take(width).for_each(|to| visit(to as u32));
                }
            }
        }
    }

    /// Asks for a list.
    #[inline]
    pub(super) fn prefetch(&self, list: u32) {
        let list = list as usize;
        let bytes = match *self {
            Neighbours::Wide { slots, width } => {
                bytemuck::cast_slice(slots.get(list * width..(list + 1) * width).unwrap_or(&[]))
            }
            Neighbours::Packed {
                starts, nodes, first, ..
            } => starts.stretch(first + list).map_or(&[][..], |list| nodes.lines(list)),
        };
        kernel::map::prefetch(bytemuck::cast_slice(bytes));
    }
}

/// The links of a node.
pub(super) fn list(links: &[u32], width: usize, node: usize) -> impl Iterator<Item = u32> + '_ {
    links[node * width..][..width]
        .iter()
        .copied()
        .take_while(|&to| to != NONE)
}
