//! The lists of neighbours of a graph, in the two ways they are kept.
//!
//! While a graph is built each list has room for as many as it may hold. In its file they are packed, one behind the
//! other, each neighbour in as many bits as a place needs: a quarter of the bytes, and most lists in one cache line.
//! Where a list begins must be looked up then, but the table that says so is small enough to stay in the cache.

use super::search::NONE;
use crate::index::packed::{Packed, Starts};
use crate::kernel;

/// Lists of places, by number.
#[derive(Clone, Copy)]
pub(super) enum Links<'a> {
    /// `width` slots for each list, those not used filled with [`NONE`].
    Wide { slots: &'a [u32], width: usize },
    /// Lists of at most `width`, from that of number `first` on.
    Packed {
        starts: Starts<'a>,
        places: Packed<'a>,
        first: usize,
        width: usize,
    },
}

impl Links<'_> {
    /// Tells `visit` of the places in a list; none beyond the last list.
    #[inline]
    pub(super) fn each(&self, list: usize, mut visit: impl FnMut(u32)) {
        match *self {
            Links::Wide { slots, width } => {
                let slots = slots.get(list * width..(list + 1) * width).unwrap_or(&[]);
                slots.iter().take_while(|&&to| to != NONE).for_each(|&to| visit(to));
            }
            Links::Packed {
                starts,
                places,
                first,
                width,
            } => {
                if let Some(list) = starts.stretch(first + list) {
                    // A damaged list may be long. A place has 30 bits at most.
                    places.stretch(list).take(width).for_each(|to| visit(to as u32));
                }
            }
        }
    }

    /// Asks for a list.
    #[inline]
    pub(super) fn prefetch(&self, list: u32) {
        let list = list as usize;
        let bytes = match *self {
            Links::Wide { slots, width } => {
                bytemuck::cast_slice(slots.get(list * width..(list + 1) * width).unwrap_or(&[]))
            }
            Links::Packed {
                starts, places, first, ..
            } => starts.stretch(first + list).map_or(&[][..], |list| places.lines(list)),
        };
        kernel::map::prefetch(bytemuck::cast_slice(bytes));
    }
}
