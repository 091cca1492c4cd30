//! One passage's row of the forward index: which of the common terms it holds, and how often.
//!
//! n bytes, each the distance to the next term's id, then n frequencies of two bits, in each byte from the lowest on. A
//! distance above 255 is written as several entries, the first ones with frequency 0; a frequency above 3 as several
//! entries, the later ones with distance 0. Reading only adds both up: a branch for the rare case would cost more time
//! than the additional bytes do.

/// Terms that have an id; ids are below. At a million passages half as many are slower by a tenth and save little
/// memory, twice as many take 60 MB more and are no faster.
pub const TERMS: usize = 1_024;

/// The most that one entry can say.
const FARTHEST: u16 = 0xff;
const MOST: u32 = 0b11;

/// Appends a row: `(id, frequency)`, ids strictly ascending and below [`TERMS`], frequencies at least 1.
pub fn write(entries: impl Iterator<Item = (u16, u32)>, bytes: &mut Vec<u8>) {
    let mut frequencies = Vec::new();
    let mut before = 0;
    for (id, mut tf) in entries {
        let mut distance = id.saturating_sub(before);
        while distance > FARTHEST {
            bytes.push(FARTHEST as u8);
            frequencies.push(0);
            distance -= FARTHEST;
        }
        loop {
            bytes.push(distance as u8);
            frequencies.push(tf.min(MOST) as u8);
            tf = tf.saturating_sub(MOST);
            distance = 0;
            if tf == 0 {
                break;
            }
        }
        before = id;
    }
    let packed = |four: &[u8]| four.iter().rev().fold(0, |byte, tf| byte << 2 | tf);
    bytes.extend(frequencies.chunks(4).map(packed));
}

/// Tells `visit` of the ids whose place in `wanted` is not 0: `(that number, frequency)`; the frequencies of one number
/// add up. Any bytes can be read.
#[inline]
pub fn meet(row: &[u8], wanted: &[u16; TERMS], mut visit: impl FnMut(u16, u32)) {
    // n entries take n + ceil(n / 4) bytes.
    let (distances, frequencies) = row.split_at(row.len() * 4 / 5);
    let mut id = 0;
    for (at, &distance) in distances.iter().enumerate() {
        id = (id + usize::from(distance)) % TERMS;
        let number = wanted[id];
        if number != 0 {
            let four = frequencies.get(at / 4).copied().unwrap_or(0);
            visit(number, u32::from(four >> (at % 4 * 2)) & MOST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    proptest! {
        #[test]
        fn what_was_written_is_met(
            far in proptest::collection::btree_map(0u16..TERMS as u16, 1u32..50, 0..60),
            near in proptest::collection::btree_map(0u16..300, 1u32..4, 0..60),
            others in proptest::collection::btree_set(0u16..300, 0..60),
        ) {
            let mut entries = far;
            entries.extend(near);
            let mut bytes = Vec::new();
            write(entries.iter().map(|(&id, &tf)| (id, tf)), &mut bytes);
            let asked: BTreeSet<u16> = others.into_iter().chain(entries.keys().copied().step_by(2)).collect();
            let mut wanted = [0; TERMS];
            asked.iter().for_each(|&id| wanted[usize::from(id)] = id + 1);
            let mut met = BTreeMap::new();
            meet(&bytes, &wanted, |number, tf| *met.entry(number - 1).or_default() += tf);
            // An entry that only covers a distance may fall on a wanted id.
            met.retain(|_, tf| *tf > 0);
            let expected: BTreeMap<_, _> = asked.iter().filter_map(|id| Some((*id, *entries.get(id)?))).collect();
            prop_assert_eq!(met, expected);
        }

        #[test]
        fn any_bytes_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut visits = 0;
            meet(&bytes, &[1; TERMS], |number, tf| {
                assert!(number == 1 && tf <= MOST);
                visits += 1;
            });
            prop_assert_eq!(visits, bytes.len() * 4 / 5);
        }
    }
}
