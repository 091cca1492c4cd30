//! The nearest vectors of one segment: an HNSW graph (Malkov and Yashunin, arXiv 1603.09320) as a flat, mapped file, and
//! exact search for where a graph does not pay.
//!
//! A graph is derived data: [`build`] makes it from the segment's vectors, [`GraphData::write`] puts it in one file,
//! [`Graph::open`] maps it, and any damage is an error after which the caller searches exactly. So nothing here can lose
//! an article. Deletes are not graph surgery: a deleted row is one that [`Allowed`] does not hold.
//!
//! It never reads or writes the segment itself: vectors come in as a slice, rows go out as numbers.

mod build;
mod codes;
mod exact;
mod file;
mod mend;
mod search;

#[cfg(test)]
mod tests;

pub use build::{GraphData, build};
pub use codes::Codes;
pub use exact::{exact, exact_by_codes};
pub use file::Graph;
pub use search::{Scratch, Scratches};

/// Width of a walk that finds 99 % of the 10 nearest among 100,000 vectors (measured; see `docs/results`).
pub const DEFAULT_EF: usize = 96;

/// How a graph is built. The defaults are hnswlib's for text embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GraphParams {
    /// Links a node keeps on each upper level, and half of what it keeps on the lowest; 2 to 64.
    pub m: usize,
    /// Candidates looked at for each inserted row: more make a better graph, in proportion slower; 1 to 65,536.
    pub ef_construction: usize,
}

impl Default for GraphParams {
    fn default() -> Self {
        GraphParams {
            m: 16,
            ef_construction: 200,
        }
    }
}

/// The rows that a search may return, as a bitset: bit `row % 64` of word `row / 64`.
#[derive(Debug, Clone, Copy)]
pub struct Allowed<'a> {
    bits: &'a [u64],
    count: usize,
}

impl<'a> Allowed<'a> {
    /// The first `rows` bits of `bits`; rows beyond its end are not allowed, bits beyond `rows` do not count. Counting
    /// takes a microsecond for each 200,000 rows or so, so keep the value for as long as the filter stands.
    pub fn new(bits: &'a [u64], rows: usize) -> Self {
        let bits = &bits[..bits.len().min(rows.div_ceil(64))];
        let mut count: usize = bits.iter().map(|word| word.count_ones() as usize).sum();
        if let Some(&last) = bits.get(rows / 64) {
            count -= (last >> (rows % 64)).count_ones() as usize;
        }
        Allowed { bits, count }
    }

    /// How many rows are allowed.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether a row is allowed; false beyond the end.
    #[inline]
    pub fn contains(&self, row: u32) -> bool {
        let word = self.bits.get(row as usize / 64).copied().unwrap_or(0);
        word >> (row % 64) & 1 == 1
    }

    /// The allowed rows below `rows`, ascending.
    pub fn rows(&self, rows: usize) -> impl Iterator<Item = u32> + use<'a> {
        let bits = self.bits;
        let words = bits.iter().enumerate().flat_map(|(at, &word)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros();
                left &= left.wrapping_sub(1);
                (bit < 64).then_some(at as u32 * 64 + bit)
            })
        });
        words.take_while(move |&row| (row as usize) < rows)
    }
}

/// How a segment is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Scan the allowed rows.
    Exact,
    /// Walk the graph until `ef` candidates of all rows, and `allowed` of the allowed ones, are closer than any node
    /// that is left.
    Graph {
        /// Candidates of all rows, allowed or not.
        ef: usize,
        /// Candidates that are allowed.
        allowed: usize,
    },
}

/// Chooses between the graph and a scan for a segment of `rows` rows of which `allowed` may be returned, when the `k`
/// best are wanted and `ef` is the width of a search without a filter.
pub fn plan(rows: usize, allowed: usize, k: usize, ef: usize) -> Plan {
    let ef = ef.max(k).max(1);
    let share = allowed as f64 / rows.max(1) as f64;
    // Without a filter the walk is `ef` wide to find `k`. With one, the `k`-th best allowed row is about the
    // `k / share`-th best of all; the margin of `ef - k` stays, and holds `share` of it allowed rows.
    let wanted = k as f64 + (ef - k.min(ef)) as f64 * share;
    let walked = wanted / share.max(1e-9);
    // A step of the walk scores about `VISITS` rows for each candidate of its width, and each costs about `COST` of a
    // row in a scan (measured; the vectors of a walk lie apart, those of a scan in order).
    const VISITS: f64 = 16.0;
    const COST: f64 = 1.5;
    if (allowed as f64) < VISITS * COST * walked {
        return Plan::Exact;
    }
    Plan::Graph {
        ef,
        allowed: (wanted.ceil() as usize).min(allowed),
    }
}
