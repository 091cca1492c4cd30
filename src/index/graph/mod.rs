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
mod fine;
mod layout;
mod links;
mod mend;
mod pool;
mod search;

#[cfg(test)]
mod tests;

pub use build::{GraphData, build};
pub use codes::Codes;
pub use exact::{exact, exact_by_codes};
pub use file::Graph;
pub use fine::VectorReader;
pub use pool::{Scratch, Scratches};

/// Width of a walk that finds 99 % of the 10 nearest among 100,000 real vectors with noise (64 does, just).
pub const DEFAULT_EF: usize = 80;

/// How a graph is built. The defaults give, after [`mend`] has chosen links again, the recall that hnswlib's have at the
/// same width of search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GraphParams {
    /// Links a node keeps on each upper level, and half of what it keeps on the lowest; 2 to 64.
    pub m: usize,
    /// Candidates looked at: half as many when a row is added, twice as many when its links are chosen again. More make
    /// a better graph, in proportion slower; 1 to 65,536.
    pub ef_construction: usize,
}

impl Default for GraphParams {
    fn default() -> Self {
        GraphParams {
            m: 16,
            ef_construction: 100,
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
    /// Walk the graph.
    Graph {
        /// How many of the allowed candidates are kept and walked on from.
        ef: usize,
        /// How many of the others are walked through.
        bridges: usize,
    },
}

/// Chooses between the graph and a scan for a segment of `rows` rows of which `allowed` may be returned, when the `k`
/// best are wanted and `ef` is the width of a search without a filter.
///
/// Measured with 100,000 real vectors with noise, `k` 10, `ef` 80, recall 0.993 without a filter: a filter that leaves
/// 2 % takes 1.8 times as long (a scan, exact), 20 % 1.7 times (0.991), 50 % 1.3 times (0.993); between 3 % and 12 %,
/// where neither way is good, 2 to 4 times.
pub fn plan(rows: usize, allowed: usize, k: usize, ef: usize) -> Plan {
    let ef = ef.max(k).max(1);
    let share = allowed as f64 / rows.max(1) as f64;
    let spread = (ef - k) as f64;
    let k = k as f64;
    // The fewer are allowed, the wider the way through the others, and the less is left to wander among the allowed.
    let wanted = k + spread * share.sqrt();
    // Before the `k`-th best allowed row lie `k (1 - share) / share` others, give or take the root of `k` of them.
    let others = ((k + 2.0 * k.sqrt()) * (1.0 - share) / share.max(1e-9)).max(ef as f64 / 2.0);
    let (wanted, bridges) = (
        wanted.ceil() as usize,
        if allowed < rows { others.ceil() as usize } else { 0 },
    );
    if allowed as f64 <= scan_worth(wanted, bridges) {
        return Plan::Exact;
    }
    Plan::Graph { ef: wanted, bridges }
}

/// How many rows a scan scores in the time of a walk of these widths (measured as for [`plan`]).
fn scan_worth(ef: usize, bridges: usize) -> f64 {
    27.0 * ef.saturating_add(bridges) as f64
}
