//! The windows of a passage by meaning: their vectors in 4 bits a value, the cosine of the one nearest to a question.
//!
//! Windows are scored for candidates only, never searched, so they need no graph and no f32 form. Their passage's own
//! vector is at hand whenever they are scored, and holds most of what they say: of a window is kept which share of its
//! passage's vector it holds, and the rest of it in 16 steps of one width. So a cosine is off by about 0.003; of the
//! whole vector in 4 bits it would be 0.005, in 8 bits it is 0.0005 for twice the bytes. The products with codes are
//! whole numbers, so they do not depend on the processor.
//!
//! The bytes are the same in memory and in a segment's file. Of each window: its share and the scale of its codes (f16,
//! little-endian), then two codes a byte, the first half of the values in the low bits and the second in the high ones.
//! A code from 0 to 15 stands for an odd number from -15 to 15.

use half::f16;

use crate::kernel::{dot_and_square, dot_f32, dot_nibbles};

/// Bytes of a window's share and scale.
const HEAD: usize = 4;

/// The vectors of one passage's windows, owned; see [`WindowVectors`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Windows(Vec<u8>);

impl Windows {
    /// Makes them of L2-normalised vectors, all of the dimension of their passage's vector.
    pub fn new<'a>(passage: &[f32], vectors: impl IntoIterator<Item = &'a [f32]>) -> Windows {
        let mut bytes = Vec::new();
        for vector in vectors {
            let Coded { share, scale, codes } = Coded::new(passage, vector);
            bytes.extend(share.to_le_bytes());
            bytes.extend(scale.to_le_bytes());
            let (low, high) = codes.split_at(vector.len().div_ceil(2));
            let high = high.iter().chain(std::iter::repeat(&0));
            bytes.extend(low.iter().zip(high).map(|(low, high)| low | high << 4));
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
    HEAD + dimension.div_ceil(2)
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

    /// Each window's share, scale and codes.
    fn each(self) -> impl Iterator<Item = ([f32; 2], &'a [u8])> {
        self.bytes
            .chunks_exact(window_bytes(self.dimension))
            .filter_map(|window| {
                let (&[a, b, c, d], codes) = window.split_first_chunk::<HEAD>()?;
                Some(([[a, b], [c, d]].map(|bytes| f16::from_le_bytes(bytes).to_f32()), codes))
            })
    }

    /// Each window's cosine with a question, in their order, of which their passage's is `passage`; none if there are
    /// no windows, or of another dimension.
    pub fn cosines(self, question: &Quantised<'_>, passage: f32) -> impl Iterator<Item = f32> {
        let same = question.vector.len() == self.dimension;
        let (low, high) = question.codes.split_at(question.codes.len() / 2);
        let cosine = move |([share, scale], codes): ([f32; 2], &[u8])| {
            // A code is half of the number above -15 that it stands for.
            let product = 2 * dot_nibbles(codes, low, high) - question.offset;
            share * passage + scale * question.scale * product as f32
        };
        self.each().filter(move |_| same).map(cosine)
    }

    /// The highest of [`Self::cosines`].
    pub fn nearest(self, question: &Quantised<'_>, passage: f32) -> Option<f32> {
        self.cosines(question, passage).max_by(f32::total_cmp)
    }
}

/// A question's vector as it is compared with windows.
#[derive(Debug, Clone)]
pub struct Quantised<'a> {
    vector: &'a [f32],
    /// From -127 to 127; one more than there are values if those are odd in number.
    codes: Vec<i8>,
    /// What 1 in a code stands for.
    scale: f32,
    /// 15 times the sum of all codes.
    offset: i32,
}

impl<'a> Quantised<'a> {
    /// Makes it of an L2-normalised vector. One with a value that is not finite counts as zeros.
    pub fn new(vector: &'a [f32]) -> Self {
        let largest = largest(vector).unwrap_or(0.0);
        let scale = largest / 127.0;
        // Within -127 and 127: no value is larger than the largest. Zeros have no quotient.
        let mut codes: Vec<i8> = if largest > 0.0 {
            vector.iter().map(|x| (x / scale).round() as i8).collect()
        } else {
            vec![0; vector.len()]
        };
        codes.resize(vector.len().next_multiple_of(2), 0);
        let offset = 15 * codes.iter().map(|&code| i32::from(code)).sum::<i32>();
        Quantised {
            vector,
            codes,
            scale,
            offset,
        }
    }

    /// The question's vector as it was given.
    pub fn vector(&self) -> &'a [f32] {
        self.vector
    }

    /// The question's cosine with a passage, to the bit as [`DenseScores`](super::DenseScores) has it.
    pub fn cosine(&self, passage: &[f32]) -> f32 {
        dot_and_square(passage, self.vector).0
    }
}

/// The largest absolute value; none if one is not finite.
pub(super) fn largest(vector: &[f32]) -> Option<f32> {
    let all_finite = vector.iter().all(|x| x.is_finite());
    all_finite.then(|| vector.iter().fold(0f32, |largest, x| largest.max(x.abs())))
}

/// A window's vector as it is kept: `share` times its passage's vector and `scale` times what the codes stand for.
struct Coded {
    share: f16,
    scale: f16,
    codes: Vec<u8>,
}

impl Coded {
    /// One with a value that is not finite, or beside such a passage, counts as zeros.
    fn new(passage: &[f32], vector: &[f32]) -> Coded {
        let of_passage = passage.iter().copied().chain(std::iter::repeat(0.0));
        let share = f16::from_f32(dot_f32(vector, passage));
        let rest: Vec<f32> = vector
            .iter()
            .zip(of_passage)
            .map(|(x, of)| x - share.to_f32() * of)
            .collect();
        let zeros = |share| Coded {
            share,
            scale: f16::ZERO,
            codes: vec![0; vector.len()],
        };
        match largest(&rest) {
            None => zeros(f16::ZERO),
            Some(0.0) => zeros(share),
            Some(largest) => {
                let (scale, codes) = coded::<16>(&rest, largest);
                let scale = f16::from_f32(scale);
                let found = Coded { share, scale, codes };
                if scale.is_finite() { found } else { zeros(f16::ZERO) }
            }
        }
    }
}

/// The codes of values, not all of which are zero, and what 1 in the numbers that they stand for is worth.
///
/// Steps that do not reach the largest value are finer for all others: of some widths the one whose codes lie nearest
/// in their direction. The scale makes the codes' product with the values themselves right, so that large cosines are
/// not told as smaller than they are.
///
/// A code counts `STEPS` steps, the number that it stands for is odd: -15 to 15 of 16 steps, -3 to 3 of four.
pub(super) fn coded<const STEPS: u8>(values: &[f32], largest: f32) -> (f32, Vec<u8>) {
    /// Parts of the largest value, in 16ths, that may be reached.
    const WIDTHS: std::ops::RangeInclusive<u8> = 4..=16;
    let last = f32::from(STEPS - 1);
    let square = dot_f32(values, values);
    let mut best = (f32::NEG_INFINITY, 0.0, 0.0);
    for width in WIDTHS {
        let step = 2.0 * largest * f32::from(width) / 16.0 / last;
        let (mut by_values, mut by_itself) = (0f32, 0f32);
        for &value in values {
            let number = 2.0 * f32::from(code::<STEPS>(value, step)) - last;
            by_values += number * value;
            by_itself += number * number;
        }
        let nearness = by_values * by_values / by_itself;
        if nearness > best.0 {
            best = (nearness, step, square / by_values);
        }
    }
    let (_, step, scale) = best;
    (scale, values.iter().map(|&value| code::<STEPS>(value, step)).collect())
}

/// The code whose step a value lies in.
fn code<const STEPS: u8>(value: f32, step: f32) -> u8 {
    // A cast rounds towards zero, and what is below it becomes zero.
    ((value / step + f32::from(STEPS / 2)) as u8).min(STEPS - 1)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::kernel::normalize;
    use proptest::prelude::*;

    /// An L2-normalised vector of its own for each seed.
    pub fn vector(seed: u64, dimension: usize) -> Vec<f32> {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut vector: Vec<f32> = (0..dimension).map(|_| random.f32() - 0.4).collect();
        normalize(&mut vector);
        vector
    }

    /// Windows with something of their passage in them, which is `share` of the sum.
    fn windows_of(passage: &[f32], share: f32) -> Vec<Vec<f32>> {
        let mix = |seed| {
            let other = vector(seed, passage.len());
            let mut mixed: Vec<f32> = passage
                .iter()
                .zip(other)
                .map(|(p, x)| share * p + (1.0 - share) * x)
                .collect();
            normalize(&mut mixed);
            mixed
        };
        (3..8).map(mix).collect()
    }

    proptest! {
        /// What is off is a part of what the passage's vector does not hold, and falls with the number of values.
        #[test]
        fn cosines_are_near_the_real_ones(
            dimension in prop::sample::select(vec![1usize, 2, 3, 8, 33, 384, 512]),
            share in prop::sample::select(vec![0.0f32, 0.3, 0.6, 1.0]),
            seed in 10u64..1_000,
        ) {
            let (question, passage) = (vector(seed, dimension), vector(seed + 1_000, dimension));
            let vectors = windows_of(&passage, share);
            let windows = Windows::new(&passage, vectors.iter().map(Vec::as_slice));
            prop_assert_eq!(windows.bytes().len(), 5 * window_bytes(dimension));
            let quantised = Quantised::new(&question);
            let cosine = quantised.cosine(&passage);
            let found: Vec<f32> = windows.vectors(dimension).cosines(&quantised, cosine).collect();
            prop_assert_eq!(found.len(), 5);
            for (found, vector) in found.iter().zip(&vectors) {
                let of_passage = dot_f32(vector, &passage);
                let rest = (1.0 - of_passage * of_passage).max(0.0).sqrt();
                let allowed = (0.5 * rest + 0.02) / (dimension as f32).sqrt() + 0.001;
                let exact = dot_f32(vector, &question);
                prop_assert!((found - exact).abs() < allowed, "{found} {exact} {allowed}");
            }
            let nearest = windows.vectors(dimension).nearest(&quantised, cosine);
            prop_assert_eq!(nearest, found.into_iter().max_by(f32::total_cmp));
        }

        /// No bytes of a damaged file and no values of a foreign vector end a search.
        #[test]
        fn any_bytes_and_any_values_are_taken(
            bytes in prop::collection::vec(any::<u8>(), 0..60),
            values in prop::collection::vec(any::<f32>(), 0..20),
            passage in prop::collection::vec(any::<f32>(), 0..20),
        ) {
            let windows = Windows::new(&passage, [&values[..]]);
            prop_assert_eq!(windows.bytes().len(), window_bytes(values.len()));
            let question = Quantised::new(&values);
            let found = windows.vectors(values.len()).cosines(&question, 0.5);
            prop_assert!(values.iter().any(|x| x.abs() > 1e9) || found.into_iter().all(f32::is_finite));
            prop_assert!(WindowVectors::new(&bytes, values.len()).cosines(&question, 0.5).count() <= bytes.len());
        }
    }

    #[test]
    fn a_window_that_is_its_passage_is_as_near_as_that() {
        let (question, passage) = (vector(1, 512), vector(2, 512));
        let question = Quantised::new(&question);
        let cosine = question.cosine(&passage);
        let windows = Windows::new(&passage, [&passage[..]]);
        let found = windows.vectors(512).nearest(&question, cosine).unwrap();
        assert!((found - cosine).abs() < 1e-4, "{found} {cosine}");
    }

    #[test]
    fn of_a_question_that_is_a_window_nothing_is_taken_off() {
        // Codes nearest to the values themselves would say 0.99.
        let zeros = vec![0.0; 512];
        for window in windows_of(&vector(2, 512), 0.4) {
            let question = Quantised::new(&window);
            let windows = Windows::new(&zeros, [&window[..]]);
            let found = windows.vectors(512).nearest(&question, 0.0).unwrap();
            assert!((found - 1.0).abs() < 0.002, "{found}");
        }
    }

    #[test]
    fn without_windows_or_with_others_there_is_none() {
        let (vector_8, vector_4) = (vector(1, 8), vector(2, 4));
        let question = Quantised::new(&vector_8);
        assert_eq!(Windows::default().vectors(8).nearest(&question, 0.5), None);
        let others = Windows::new(&vector_4, [&vector_4[..]]);
        assert_eq!(others.vectors(4).nearest(&question, 0.5), None);
        assert_eq!(WindowVectors::default().nearest(&question, 0.5), None);
        for hostile in [
            vec![f32::NAN; 8],
            vec![0.0; 8],
            vec![f32::INFINITY; 8],
            vec![f32::MAX; 8],
        ] {
            let windows = Windows::new(&vector_8, [&hostile[..]]);
            assert_eq!(windows.vectors(8).nearest(&question, 0.5), Some(0.0));
        }
    }
}
