//! The header of a graph's file: what it says, where each number stands, its checksum. Knows nothing of what is behind
//! it.

use xxhash_rust::xxh3::xxh3_64;

use super::sections::HEADER;
use super::shape::MAX_UPPER;

const MAGIC: [u8; 8] = *b"BWGRAPH\n";
const VERSION: u32 = 4;

// Offsets. What lies between and behind is zero.
const AT_VERSION: usize = 8;
const AT_ROWS: usize = 12;
const AT_DIM: usize = 16;
const AT_M: usize = 20;
const AT_EF: usize = 24;
const AT_LEVELS: usize = 28;
const AT_SEGMENT: usize = 32;
const AT_COUNTS: usize = 48;
const AT_UNIT: usize = AT_COUNTS + 4 * MAX_UPPER;
const AT_BITS: usize = AT_UNIT + 4;
const AT_NEIGHBOURS: usize = AT_BITS + 4;
const AT_EXACT: usize = AT_NEIGHBOURS + 8;
const AT_BODY_SUM: usize = 240;
const AT_SUM: usize = 248;

/// What a header says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Header {
    /// The segment whose vectors the graph holds.
    pub segment: [u8; 16],
    /// How many vectors.
    pub rows: u32,
    /// Numbers of a vector.
    pub dim: u32,
    /// Links of a node above the base.
    pub m: u32,
    /// The width that it was built with.
    pub ef_construction: u32,
    /// Nodes of each level above the base.
    pub counts: Vec<u32>,
    /// The unit of the residual bits.
    pub unit: f32,
    /// Bits of where a list begins in its group.
    pub bits: u32,
    /// Links in all lists together.
    pub neighbours: u64,
    /// Vectors that are kept as they are.
    pub exact: u32,
    /// XXH3 of all bytes behind the header.
    pub body_sum: u64,
}

impl Header {
    /// As it is written; `counts` has at most [`MAX_UPPER`] levels.
    pub fn to_bytes(&self) -> [u8; HEADER] {
        let mut bytes = [0u8; HEADER];
        bytes[..8].copy_from_slice(&MAGIC);
        let numbers = [
            (AT_VERSION, VERSION),
            (AT_ROWS, self.rows),
            (AT_DIM, self.dim),
            (AT_M, self.m),
            (AT_EF, self.ef_construction),
            (AT_LEVELS, self.counts.len() as u32),
            (AT_UNIT, self.unit.to_bits()),
            (AT_BITS, self.bits),
            (AT_EXACT, self.exact),
        ];
        let counts = self.counts.iter().enumerate();
        let counts = counts.map(|(level, &count)| (AT_COUNTS + 4 * level, count));
        for (at, number) in numbers.into_iter().chain(counts) {
            bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
        }
        bytes[AT_SEGMENT..AT_COUNTS].copy_from_slice(&self.segment);
        bytes[AT_NEIGHBOURS..AT_NEIGHBOURS + 8].copy_from_slice(&self.neighbours.to_le_bytes());
        bytes[AT_BODY_SUM..AT_SUM].copy_from_slice(&self.body_sum.to_le_bytes());
        let sum = xxh3_64(&bytes[..AT_SUM]);
        bytes[AT_SUM..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// What it says, or why it is none of this program's.
    pub fn read(bytes: &[u8; HEADER]) -> Result<Header, String> {
        let small = |at: usize| u32::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]));
        let large = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]));
        if bytes[..8] != MAGIC {
            return Err("not a graph".into());
        }
        if small(AT_VERSION) != VERSION {
            return Err(format!("version {}, this program reads {VERSION}", small(AT_VERSION)));
        }
        if xxh3_64(&bytes[..AT_SUM]) != large(AT_SUM) {
            return Err("the header's checksum differs".into());
        }
        let levels = small(AT_LEVELS) as usize;
        if levels > MAX_UPPER {
            return Err("sizes beyond what a graph can have".into());
        }
        Ok(Header {
            segment: std::array::from_fn(|byte| bytes[AT_SEGMENT + byte]),
            rows: small(AT_ROWS),
            dim: small(AT_DIM),
            m: small(AT_M),
            ef_construction: small(AT_EF),
            counts: (0..levels).map(|level| small(AT_COUNTS + 4 * level)).collect(),
            unit: f32::from_bits(small(AT_UNIT)),
            bits: small(AT_BITS),
            neighbours: large(AT_NEIGHBOURS),
            exact: small(AT_EXACT),
            body_sum: large(AT_BODY_SUM),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_no_byte_of_it_may_differ() {
        let header = Header {
            segment: std::array::from_fn(|at| at as u8),
            rows: 1 << 20,
            dim: 512,
            m: 16,
            ef_construction: 200,
            counts: (1..=MAX_UPPER as u32).collect(),
            unit: 0.25,
            bits: 11,
            neighbours: 1 << 40,
            exact: 300,
            body_sum: u64::MAX - 1,
        };
        let bytes = header.to_bytes();
        assert_eq!(Header::read(&bytes).unwrap(), header);
        for at in 0..HEADER {
            let mut wrong = bytes;
            wrong[at] ^= 1;
            assert!(Header::read(&wrong).is_err(), "byte {at}");
        }
    }
}
