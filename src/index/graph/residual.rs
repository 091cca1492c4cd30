//! The vectors themselves, out of a graph's file: a second byte for each value, behind the codes.
//!
//! A code names the step that a value is nearest to; the second byte says where in that step it lies, in 256ths. Both
//! together are off by 1/512 of a step, which is 1e-6 in a cosine of sentence vectors: exact scores, out of half the
//! bytes of the f32 rows, half of which the walk reads anyway. So a segment with a graph is searched without its f32
//! rows in memory (at a million passages 370 MB instead of 1.5 GB).
//!
//! The f32 rows stay what everything is made from. They are read for the few rows that 16 bits do not hold: those with
//! a value beyond the codes' reach (1 or 2 of 1,000 real ones), zero vectors, what is no number.

use super::codes::{Scale, stride};
use super::rows::NodeVectors;
use crate::compute::Budget;
use crate::kernel;

/// The second bytes of all rows, and what they are to be read with, as slices.
#[derive(Clone, Copy)]
pub(super) struct Residual<'a> {
    /// What the codes were centred by.
    pub mean: &'a [f32],
    /// What 1 in the second byte stands for.
    pub unit: f32,
    /// By node, like the codes.
    pub low: &'a [i8],
    /// Bit `node % 64` of word `node / 64`: the row is read from the f32 vectors.
    pub inexact: &'a [u64],
}

impl<'a> Residual<'a> {
    /// The second bytes of a node; none for a node that does not exist or is read from the f32 vectors.
    #[inline]
    pub(super) fn low(&self, node: u32) -> Option<&'a [i8]> {
        let word = self.inexact.get(node as usize / 64)?;
        if word >> (node % 64) & 1 == 1 {
            return None;
        }
        let stride = stride(self.mean.len());
        let at = node as usize * stride;
        self.low.get(at..at + stride)
    }

    /// Writes the vector of a node, whose code is `code`, into `out`; false if it is read from the f32 vectors.
    #[inline]
    pub(super) fn decode(&self, node: u32, code: &[i8], out: &mut Vec<f32>) -> bool {
        let Some(low) = self.low(node) else { return false };
        out.resize(self.mean.len(), 0.0);
        kernel::decode_fixed(code, low, self.unit, self.mean, out);
        true
    }
}

/// Units that a value may be off by: one where it lies half a step above its code, and the rounding of f32.
const OFF: f32 = 1.25;

/// [`Residual`] in memory.
pub(super) struct ResidualData {
    mean: Vec<f32>,
    unit: f32,
    low: Vec<i8>,
    inexact: Vec<u64>,
}

impl ResidualData {
    /// The second bytes of the nodes' vectors to `codes`, which `scale` made of them in this order.
    pub(super) fn new(nodes: NodeVectors<'_>, codes: &[i8], scale: &Scale, budget: Budget) -> Self {
        /// Words of marks that a thread makes at once.
        const WORDS: usize = 16;
        let dim = scale.mean().len();
        let (stride, unit) = (stride(dim), scale.unit());
        let count = nodes.node_rows.len();
        let mut low = vec![0; count * stride];
        let mut inexact = vec![0u64; count.div_ceil(64)];
        let shares = low
            .chunks_mut(64 * WORDS * stride)
            .zip(inexact.chunks_mut(WORDS))
            .enumerate();
        budget.map(shares, |(share, (low, marks)), _| {
            let mut read = vec![0.0; dim];
            for (at, low) in low.chunks_exact_mut(stride).enumerate() {
                let node = share * 64 * WORDS + at;
                let (vector, code) = (nodes.of(node as u32), &codes[node * stride..][..stride]);
                scale.refine(vector, code, low);
                kernel::decode_fixed(code, low, unit, scale.mean(), &mut read);
                let near = |(read, value): (&f32, &f32)| (read - value).abs() <= OFF * unit;
                let is_zero = vector.iter().all(|&value| value == 0.0);
                marks[at / 64] |= u64::from(is_zero || !read.iter().zip(vector).all(near)) << (at % 64);
            }
        });
        ResidualData {
            mean: scale.mean().to_vec(),
            unit,
            low,
            inexact,
        }
    }

    pub(super) fn view(&self) -> Residual<'_> {
        Residual {
            mean: &self.mean,
            unit: self.unit,
            low: &self.low,
            inexact: &self.inexact,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::ArrayView2;
    use proptest::prelude::*;

    proptest! {
        /// What is read back lies within one unit of the value, and what cannot is marked.
        #[test]
        fn rows_are_read_back_or_marked(
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
                if residual.decode(node, code, &mut out) {
                    prop_assert!(row > 0, "a zero vector stays exactly zero");
                    prop_assert!(out.iter().zip(vector).all(|(read, value)| (read - value).abs() <= OFF * residual.unit));
                } else {
                    let reach = 126.4 * 256.0 * residual.unit;
                    let inside = |(value, mean): (&f32, &f32)| (value - mean).abs() < reach;
                    prop_assert!(row == 0 || residual.unit == 0.0 || !vector.iter().zip(residual.mean).all(inside));
                }
            }
            prop_assert!(!residual.decode(order.len() as u32, &codes, &mut out));
        }
    }
}
