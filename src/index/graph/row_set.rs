//! The rows of a segment that a search may return, as a bitset.

/// The rows that a search may return, as a bitset: bit `row % 64` of word `row / 64`.
#[derive(Debug, Clone, Copy)]
pub struct RowSet<'a> {
    bits: &'a [u64],
    count: usize,
}

impl<'a> RowSet<'a> {
    /// The rows of `bits`, of which `count` are set, none of them beyond the segment's rows.
    pub fn new(bits: &'a [u64], count: usize) -> Self {
        RowSet { bits, count }
    }

    /// The first `rows` bits of `bits`, counted; bits beyond `rows` do not count.
    #[cfg(test)]
    pub fn counted(bits: &'a [u64], rows: usize) -> Self {
        let bits = &bits[..bits.len().min(rows.div_ceil(64))];
        let mut count: usize = bits.iter().map(|word| word.count_ones() as usize).sum();
        if let Some(&last) = bits.get(rows / 64) {
            count -= (last >> (rows % 64)).count_ones() as usize;
        }
        RowSet { bits, count }
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
