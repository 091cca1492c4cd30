//! Whole numbers in mapped files, each in as many bits as the largest of them needs; and the table of where each of
//! many lists of them begins.
//!
//! The bits are tantivy's (`tantivy-bitpacker`); this file owns the checks around them, since that crate panics where
//! bytes are missing, and that table. It trusts no byte it reads: any bytes are some numbers, beyond the end there are
//! none, and the caller checks every number it reads.

use std::ops::Range;

use tantivy_bitpacker::{BitPacker, BitUnpacker};

/// The most bits that a number may take: wherever in a byte it begins, eight bytes hold all of it.
pub const MOST_BITS: u32 = 56;

/// Where lists begin is written in groups of this many: the first one whole, each as its distance from the first.
const GROUP: usize = 64;

/// The bits that numbers up to this one need; at least 1.
pub fn bits_for(largest: u64) -> u32 {
    (u64::BITS - largest.leading_zeros()).max(1)
}

/// The bytes of so many numbers; some are added so that eight can be read wherever a number begins. None for more than
/// 2^32 numbers, which the reader cannot count, or than any memory has.
pub fn packed_bytes(count: usize, bits: u32) -> Option<usize> {
    u32::try_from(count).ok()?;
    count.checked_mul(bits as usize)?.div_ceil(8).checked_add(7)
}

/// Packs numbers of at most so many bits, at most [`MOST_BITS`].
pub fn pack(numbers: impl Iterator<Item = u64>, bits: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut packer = BitPacker::new();
    let width = bits.min(MOST_BITS) as u8;
    // Writing to memory does not fail.
    for number in numbers {
        let _ = packer.write(number, width, &mut bytes);
    }
    let _ = packer.close(&mut bytes);
    bytes.extend([0; 7]);
    bytes
}

/// Packed numbers, mapped or in memory.
#[derive(Clone, Copy)]
pub struct Packed<'a> {
    bytes: &'a [u8],
    reader: BitUnpacker,
    count: usize,
}

impl<'a> Packed<'a> {
    /// The `count` numbers in `bytes`, which [`pack`] made; none if there are too few bytes.
    pub fn new(bytes: &'a [u8], count: usize, bits: u32) -> Self {
        let whole = bits <= MOST_BITS && packed_bytes(count, bits).is_some_and(|needed| needed <= bytes.len());
        let count = if whole { count } else { 0 };
        let reader = BitUnpacker::new(bits.min(MOST_BITS) as u8);
        Packed { bytes, reader, count }
    }

    /// The numbers at these places; none if there are not so many.
    #[inline]
    pub fn stretch(self, places: Range<usize>) -> impl Iterator<Item = u64> + use<'a> {
        let places = if places.end <= self.count { places } else { 0..0 };
        // `count` numbers have whole bytes and fewer than 2^32 places: `new` checked both.
        places.map(move |at| self.reader.get(at as u32, self.bytes))
    }

    /// The number at a place.
    #[inline]
    pub fn get(self, place: usize) -> Option<u64> {
        // A place beyond the end has no next one in memory to overflow at.
        self.stretch(place..place.saturating_add(1)).next()
    }

    /// The cache lines that these places lie in, if all the bytes begin at one: to be asked for.
    #[inline]
    pub fn lines(self, places: Range<usize>) -> &'a [u8] {
        if places.start > places.end || places.end > self.count {
            return &[];
        }
        let bits = usize::from(self.reader.bit_width());
        let (start, end) = (places.start * bits / 8, (places.end * bits).div_ceil(8));
        self.bytes.get(start & !63..end).unwrap_or(&[])
    }
}

/// Where each of many stretches begins, and the last one ends, ready to be written.
pub struct StartsData {
    /// Of each group the first.
    pub firsts: Vec<u64>,
    /// Of each stretch the distance from the first of its group.
    pub distances: Vec<u8>,
    /// The bits of a distance.
    pub bits: u32,
}

impl StartsData {
    /// `starts` ascend.
    pub fn new(starts: &[u64]) -> Self {
        let groups = || starts.chunks(GROUP).filter_map(|group| Some((group.first()?, group)));
        let distances = || groups().flat_map(|(first, group)| group.iter().map(|start| start.saturating_sub(*first)));
        let bits = bits_for(distances().max().unwrap_or(0));
        StartsData {
            firsts: groups().map(|(first, _)| *first).collect(),
            distances: pack(distances(), bits),
            bits,
        }
    }

    /// How many groups that many stretches make.
    pub fn groups(stretches: usize) -> usize {
        stretches / GROUP + 1
    }
}

/// Where each of many stretches begins and ends, mapped or in memory.
#[derive(Clone, Copy)]
pub struct Starts<'a> {
    firsts: &'a [u64],
    distances: Packed<'a>,
}

impl<'a> Starts<'a> {
    /// Reads what [`StartsData`] has of so many stretches.
    pub fn new(firsts: &'a [u64], distances: &'a [u8], stretches: usize, bits: u32) -> Self {
        Starts {
            firsts,
            distances: Packed::new(distances, stretches + 1, bits),
        }
    }

    #[inline]
    fn start(self, at: usize) -> Option<usize> {
        let first = *self.firsts.get(at / GROUP)?;
        usize::try_from(first.checked_add(self.distances.get(at)?)?).ok()
    }

    /// Where a stretch lies. None if there is no such stretch; damaged ones may end before they begin.
    #[inline]
    pub fn stretch(self, at: usize) -> Option<Range<usize>> {
        Some(self.start(at)?..self.start(at.checked_add(1)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_read_as_they_were_written(
            bits in 1..=MOST_BITS,
            numbers in prop::collection::vec(any::<u64>(), 0..200),
            from in 0usize..200,
        ) {
            let numbers: Vec<u64> = numbers.iter().map(|number| number & ((1 << bits) - 1)).collect();
            let bytes = pack(numbers.iter().copied(), bits);
            prop_assert_eq!(Some(bytes.len()), packed_bytes(numbers.len(), bits));
            let packed = Packed::new(&bytes, numbers.len(), bits);
            let from = from.min(numbers.len());
            prop_assert_eq!(&packed.stretch(from..numbers.len()).collect::<Vec<_>>(), &numbers[from..]);
            prop_assert_eq!(packed.stretch(from..numbers.len() + 1).count(), 0);
            prop_assert_eq!(packed.get(from), numbers.get(from).copied());
            prop_assert_eq!(packed.get(usize::MAX), None);
            prop_assert_eq!(Packed::new(&bytes[1..], numbers.len(), bits).get(0), None);
        }

        #[test]
        fn stretches_lie_where_they_were_put(lengths in prop::collection::vec(0u64..1 << 40, 0..300)) {
            let mut starts = vec![0];
            starts.extend(lengths.iter().scan(0, |end, length| {
                *end += length;
                Some(*end)
            }));
            let data = StartsData::new(&starts);
            prop_assert_eq!(data.firsts.len(), StartsData::groups(lengths.len()));
            let read = Starts::new(&data.firsts, &data.distances, lengths.len(), data.bits);
            for (at, ends) in starts.windows(2).enumerate() {
                prop_assert_eq!(read.stretch(at), Some(ends[0] as usize..ends[1] as usize));
            }
            prop_assert!(read.stretch(lengths.len()).is_none() && read.stretch(usize::MAX).is_none());
        }

        #[test]
        fn any_bytes_are_some_numbers(
            bytes in prop::collection::vec(any::<u8>(), 0..100),
            firsts in prop::collection::vec(any::<u64>(), 0..3),
            bits in 0u32..70,
            stretches in 0usize..100,
        ) {
            let read = Starts::new(&firsts, &bytes, stretches, bits);
            for at in 0..stretches + 2 {
                if let Some(places) = read.stretch(at) {
                    let packed = Packed::new(&bytes, stretches, bits);
                    prop_assert!(packed.stretch(places.clone()).count() <= stretches);
                    prop_assert!(packed.lines(places).len() <= bytes.len());
                }
            }
        }
    }

    #[test]
    fn bits_are_as_many_as_needed() {
        let bits = [0, 1, 2, 255, 256, u64::MAX].map(bits_for);
        assert_eq!(bits, [1, 1, 2, 8, 9, 64]);
    }
}
