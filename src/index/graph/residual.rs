//! The vectors themselves, out of a graph's file: four more bits for each value, behind the codes.
//!
//! A code names the step that a value is nearest to; the four bits say where in that step it lies, in 16ths. Both
//! together are mostly off by 1/32 of a step, at most by 1/16: 2e-5 in a cosine of sentence vectors as a rule, never
//! more than 1e-4, enough to score by. Scores come out of three eighths of the bytes of the f32 rows, two thirds of
//! which the walk reads anyway. So a segment with a graph is searched without its f32 rows in memory (at a million
//! passages 770 MB instead of 2 GB).
//!
//! The few rows that 12 bits do not hold are kept as they are, behind: those with a value beyond the codes' reach (some
//! of 1,000 real ones), zero vectors, what is no number. Read from the f32 rows, each of them would bring 64 KB of its
//! neighbours into memory. The f32 rows stay what everything is made from.

use super::codes::{Scale, fine_stride, stride};
use super::rows::NodeVectors;
use crate::compute::Budget;
use crate::kernel;

/// What refines the codes of all rows, and what they are to be read with, as slices.
#[derive(Clone, Copy)]
pub(super) struct Residual<'a> {
    /// What the codes were centred by.
    pub mean: &'a [f32],
    /// What 1 in the lowest bits stands for.
    pub unit: f32,
    /// By node, like the codes.
    pub low: &'a [u8],
    /// The nodes whose vectors are kept as they are, ascending.
    pub exact_nodes: &'a [u32],
    /// Those vectors.
    pub exact: &'a [f32],
}

impl<'a> Residual<'a> {
    /// What refines the code of a node; none for a node that does not exist.
    #[inline]
    pub(super) fn low(&self, node: u32) -> Option<&'a [u8]> {
        let stride = fine_stride(self.mean.len());
        let at = node as usize * stride;
        self.low.get(at..at + stride)
    }

    /// The vector of a node, whose code is `code`: one that is kept as it is, or what is read into `out`. None if the
    /// file does not have it.
    #[inline]
    pub(super) fn vector<'v>(&self, node: u32, code: &[i8], out: &'v mut Vec<f32>) -> Option<&'v [f32]>
    where
        'a: 'v,
    {
        let dim = self.mean.len();
        // A few of a thousand, so this looks at ten numbers that stay in the cache.
        if let Ok(at) = self.exact_nodes.binary_search(&node) {
            return self.exact.get(at * dim..(at + 1) * dim);
        }
        let low = self.low(node)?;
        out.resize(dim, 0.0);
        kernel::decode_fixed(code, low, self.unit, self.mean, out);
        Some(out)
    }
}

/// Units that a value may be off by: one where it lies half a step above its code, and the rounding of f32.
const OFF: f32 = 1.25;

/// [`Residual`] in memory.
pub(super) struct ResidualData {
    mean: Vec<f32>,
    unit: f32,
    low: Vec<u8>,
    exact_nodes: Vec<u32>,
    exact: Vec<f32>,
}

impl ResidualData {
    /// What refines `codes` to the nodes' vectors, which `scale` made of them in this order.
    pub(super) fn new(nodes: NodeVectors<'_>, codes: &[i8], scale: &Scale, budget: Budget) -> Self {
        /// Words of marks that a thread makes at once.
        const WORDS: usize = 16;
        let dim = scale.mean().len();
        let (stride, fine, unit) = (stride(dim), fine_stride(dim), scale.unit());
        let count = nodes.node_rows.len();
        let mut low = vec![0; count * fine];
        let mut inexact = vec![0u64; count.div_ceil(64)];
        let shares = low
            .chunks_mut(64 * WORDS * fine)
            .zip(inexact.chunks_mut(WORDS))
            .enumerate();
        budget.map(shares, |(share, (low, marks)), _| {
            let mut read = vec![0.0; dim];
            for (at, low) in low.chunks_exact_mut(fine).enumerate() {
                let node = share * 64 * WORDS + at;
                let (vector, code) = (nodes.of(node as u32), &codes[node * stride..][..stride]);
                scale.refine(vector, code, low);
                kernel::decode_fixed(code, low, unit, scale.mean(), &mut read);
                let near = |(read, value): (&f32, &f32)| (read - value).abs() <= OFF * unit;
                let is_zero = vector.iter().all(|&value| value == 0.0);
                marks[at / 64] |= u64::from(is_zero || !read.iter().zip(vector).all(near)) << (at % 64);
            }
        });
        let is_marked = |node: &u32| inexact[*node as usize / 64] >> (node % 64) & 1 == 1;
        let exact_nodes: Vec<u32> = (0..count as u32).filter(is_marked).collect();
        ResidualData {
            mean: scale.mean().to_vec(),
            unit,
            low,
            exact: exact_nodes.iter().flat_map(|&node| nodes.of(node)).copied().collect(),
            exact_nodes,
        }
    }

    pub(super) fn view(&self) -> Residual<'_> {
        Residual {
            mean: &self.mean,
            unit: self.unit,
            low: &self.low,
            exact_nodes: &self.exact_nodes,
            exact: &self.exact,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::ArrayView2;
    use proptest::prelude::*;

    proptest! {
        /// What is read back lies within one unit of the value, and what cannot is kept as it is.
        #[test]
        fn rows_are_read_back_or_kept(
            rows in prop::collection::vec(prop::collection::vec(-1f32..1.0, 70), 1..140),
            odd in prop::collection::vec((0usize..140, 0usize..70, prop::sample::select(vec![
                f32::NAN, f32::INFINITY, 0.0, 30.0, -3.0, 1e38,
            ])), 0..5),
        ) {
            let dim = 70;
            let mut vectors = rows.concat();
            for (row, at, value) in odd {
                if let Some(slot) = vectors.get_mut(row * dim + at) {
                    *slot = value;
                }
            }
            vectors[..dim].fill(0.0);
            let order: Vec<u32> = (0..rows.len() as u32).rev().collect();
            let matrix = ArrayView2::from_shape((rows.len(), dim), &vectors).unwrap();
            let scale = Scale::of(matrix, Budget::single()).unwrap();
            let mut codes = vec![0; order.len() * stride(dim)];
            for (code, &row) in codes.chunks_exact_mut(stride(dim)).zip(&order) {
                scale.quantise(&vectors[row as usize * dim..][..dim], code);
            }
            let data = ResidualData::new(NodeVectors { vectors: matrix, node_rows: &order }, &codes, &scale, Budget::single());
            let residual = data.view();
            let mut out = Vec::new();
            for (node, (&row, code)) in (0..).zip(order.iter().zip(codes.chunks_exact(stride(dim)))) {
                let vector = &vectors[row as usize * dim..][..dim];
                let read = residual.vector(node, code, &mut out).unwrap();
                if residual.exact_nodes.contains(&node) {
                    let same = |(read, value): (&f32, &f32)| read.to_bits() == value.to_bits();
                    prop_assert!(read.len() == dim && read.iter().zip(vector).all(same));
                    let reach = 126.4 * 16.0 * residual.unit;
                    let inside = |(value, mean): (&f32, &f32)| (value - mean).abs() < reach;
                    prop_assert!(row == 0 || residual.unit == 0.0 || !vector.iter().zip(residual.mean).all(inside));
                } else {
                    prop_assert!(row > 0, "a zero vector stays exactly zero");
                    prop_assert!(read.iter().zip(vector).all(|(read, value)| (read - value).abs() <= OFF * residual.unit));
                }
            }
            prop_assert!(residual.vector(order.len() as u32, &codes, &mut out).is_none());
        }
    }
}
