//! The windows of a passage by meaning: their vectors in 8 bits, and the cosine of the one nearest to a question.
//!
//! Windows are scored for candidates only, never searched, so they need no graph and no f32 form: 8 bits with a scale
//! of its own for each vector are off by about 0.0005 in a cosine. The integer products are exact, so the score does
//! not depend on the processor. The bytes are the same in memory and in a segment's file: for each window its scale
//! (f32, little-endian), then its codes.

use crate::kernel::dot_i8;

/// Bytes of a window's scale.
const SCALE: usize = 4;

/// The vectors of one passage's windows, owned; see [`WindowVectors`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Windows(Vec<u8>);

impl Windows {
    /// Makes them of L2-normalised vectors, all of one dimension.
    pub fn new<'a>(vectors: impl IntoIterator<Item = &'a [f32]>) -> Windows {
        let mut bytes = Vec::new();
        for vector in vectors {
            let (codes, scale) = quantise(vector);
            bytes.extend(scale.to_le_bytes());
            bytes.extend_from_slice(bytemuck::cast_slice(&codes));
        }
        Windows(bytes)
    }

    /// The bytes, as a segment keeps them.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The vectors, of so many values each.
    pub fn vectors(&self, dimension: usize) -> WindowVectors<'_> {
        WindowVectors::new(&self.0, dimension)
    }
}

/// Bytes of one window's vector.
pub fn window_bytes(dimension: usize) -> usize {
    SCALE + dimension
}

/// The vectors of one passage's windows, as they lie in memory.
#[derive(Debug, Clone, Copy, Default)]
pub struct WindowVectors<'a> {
    bytes: &'a [u8],
    dimension: usize,
}

impl<'a> WindowVectors<'a> {
    /// Reads bytes made by [`Windows`]; what is left over behind whole windows is not looked at.
    pub fn new(bytes: &'a [u8], dimension: usize) -> Self {
        WindowVectors { bytes, dimension }
    }

    /// Each window's scale and codes.
    fn each(self) -> impl Iterator<Item = (f32, &'a [i8])> {
        self.bytes
            .chunks_exact(window_bytes(self.dimension))
            .filter_map(|window| {
                let (scale, codes) = window.split_first_chunk::<SCALE>()?;
                Some((f32::from_le_bytes(*scale), bytemuck::cast_slice(codes)))
            })
    }

    /// Each window's cosine with a question, in their order; none if there are no windows, or of another dimension.
    pub fn cosines(self, question: &Quantised) -> impl Iterator<Item = f32> {
        let same = question.codes.len() == self.dimension;
        let cosine = |(scale, codes)| scale * question.scale * dot_i8(&question.codes, codes) as f32;
        self.each().filter(move |_| same).map(cosine)
    }

    /// The highest cosine of a window with a question; none if there are no windows, or of another dimension.
    pub fn nearest(self, question: &Quantised) -> Option<f32> {
        self.cosines(question).max_by(f32::total_cmp)
    }
}

/// A question's vector as it is compared with windows.
#[derive(Debug, Clone)]
pub struct Quantised {
    codes: Vec<i8>,
    scale: f32,
}

impl Quantised {
    /// Makes it of an L2-normalised vector.
    pub fn new(vector: &[f32]) -> Quantised {
        let (codes, scale) = quantise(vector);
        Quantised { codes, scale }
    }
}

/// Codes of -127 to 127, and what 1 in them stands for. A vector with a value that is not finite counts as zeros.
fn quantise(vector: &[f32]) -> (Vec<i8>, f32) {
    let largest = vector.iter().fold(0f32, |largest, x| largest.max(x.abs()));
    if largest <= 0.0 || !vector.iter().all(|x| x.is_finite()) {
        return (vec![0; vector.len()], 0.0);
    }
    let scale = largest / 127.0;
    // Within -127 and 127: no value is larger than the largest.
    let codes = vector.iter().map(|x| (x / scale).round() as i8).collect();
    (codes, scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{dot_f32, normalize};

    fn vector(seed: u64, dimension: usize) -> Vec<f32> {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut vector: Vec<f32> = (0..dimension).map(|_| random.f32() - 0.4).collect();
        normalize(&mut vector);
        vector
    }

    #[test]
    fn the_nearest_window_is_found_within_a_thousandth() {
        for dimension in [1, 8, 384, 512] {
            let question = vector(1, dimension);
            let vectors: Vec<Vec<f32>> = (2..7).map(|seed| vector(seed, dimension)).collect();
            let exact = vectors
                .iter()
                .map(|v| dot_f32(v, &question))
                .max_by(f32::total_cmp)
                .unwrap();
            let windows = Windows::new(vectors.iter().map(Vec::as_slice));
            assert_eq!(windows.bytes().len(), 5 * window_bytes(dimension));
            let quantised = Quantised::new(&question);
            let found = windows.vectors(dimension).nearest(&quantised).unwrap();
            assert_eq!(windows.vectors(dimension).cosines(&quantised).count(), 5);
            assert!(
                (found - exact).abs() < 0.01 / (dimension as f32).sqrt().max(1.0) + 0.002,
                "{found} {exact}"
            );
        }
    }

    #[test]
    fn without_windows_or_with_others_there_is_none() {
        let question = Quantised::new(&vector(1, 8));
        assert_eq!(Windows::default().vectors(8).nearest(&question), None);
        assert_eq!(Windows::new([&vector(2, 4)[..]]).vectors(4).nearest(&question), None);
        assert_eq!(WindowVectors::default().nearest(&question), None);
        for hostile in [vec![f32::NAN; 8], vec![0.0; 8], vec![f32::INFINITY; 8]] {
            let windows = Windows::new([&hostile[..]]);
            assert_eq!(windows.vectors(8).nearest(&question), Some(0.0));
        }
    }
}
