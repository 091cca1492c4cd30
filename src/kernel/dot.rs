//! Dot products of f32 and int8 vectors.

use super::level::{Chosen, Level};
use super::selfcheck::Stream;

/// The level of the kernels in this file.
pub(super) static CHOSEN: Chosen = Chosen::new(agrees);

/// The dot product of two vectors of the same length (the shorter length counts).
///
/// The order of the sum depends on the level, so the last bits may differ between machines; on one machine the same
/// input gives the same bits.
#[inline]
pub fn dot_f32(a: &[f32], b: &[f32]) -> f32 {
    dot_f32_at(CHOSEN.level(), a, b)
}

/// The dot product of two int8 vectors of the same length (the shorter length counts); exact up to 2^17 dimensions.
#[inline]
pub fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
    dot_i8_at(CHOSEN.level(), a, b)
}

/// The dot products of a row with another and with itself (the shorter length counts), for the price of loading the row
/// once.
///
/// Their last bits may differ from those of [`dot_f32`]; otherwise what is said there holds.
#[inline]
pub fn dot_and_square(row: &[f32], other: &[f32]) -> (f32, f32) {
    dot_and_square_at(CHOSEN.level(), row, other)
}

#[inline]
fn dot_f32_at(level: Level, a: &[f32], b: &[f32]) -> f32 {
    match level {
        // SAFETY: a level is only handed out after `Level::supported` found its instructions.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { x86::dot_f32_avx512(a, b) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { x86::dot_f32_avx2(a, b) },
        _ => dot_f32_scalar(a, b),
    }
}

#[inline]
fn dot_i8_at(level: Level, a: &[i8], b: &[i8]) -> i32 {
    match level {
        // SAFETY: a level is only handed out after `Level::supported` found its instructions.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { x86::dot_i8_avx512(a, b) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { x86::dot_i8_avx2(a, b) },
        _ => dot_i8_scalar(a, b),
    }
}

fn dot_f32_scalar(a: &[f32], b: &[f32]) -> f32 {
    // Eight sums side by side, so that a compiler may vectorise what it may not reorder.
    let n = a.len().min(b.len());
    let mut lanes = [0.0f32; 8];
    let (a8, a_rest) = a[..n].as_chunks::<8>();
    let (b8, b_rest) = b[..n].as_chunks::<8>();
    for (x, y) in a8.iter().zip(b8) {
        for i in 0..8 {
            lanes[i] += x[i] * y[i];
        }
    }
    lanes.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum::<f32>()
}

fn dot_and_square_at(level: Level, row: &[f32], other: &[f32]) -> (f32, f32) {
    match level {
        // SAFETY: a level is only handed out after `Level::supported` found its instructions; AVX-512 includes AVX2's.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx2 => unsafe { x86::dot_and_square_avx2(row, other) },
        _ => dot_and_square_scalar(row, other),
    }
}

fn dot_and_square_scalar(row: &[f32], other: &[f32]) -> (f32, f32) {
    let row = &row[..row.len().min(other.len())];
    (dot_f32_scalar(row, other), dot_f32_scalar(row, row))
}

fn dot_i8_scalar(a: &[i8], b: &[i8]) -> i32 {
    a.iter()
        .zip(b)
        .map(|(&x, &y)| i32::from(x) * i32::from(y))
        .fold(0, i32::wrapping_add)
}

#[cfg(target_arch = "x86_64")]
pub(super) mod x86 {
    use std::arch::x86_64::*;

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn sum8(v: __m256) -> f32 {
        let four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn sum8_i32(v: __m256i) -> i32 {
        let four = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v));
        let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b00_00_11_10>(four));
        _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<0b00_00_00_01>(two)))
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn dot_f32_avx2(a: &[f32], b: &[f32]) -> f32 {
        let n = a.len().min(b.len());
        let (a32, a_rest) = a[..n].as_chunks::<32>();
        let (b32, b_rest) = b[..n].as_chunks::<32>();
        // Four sums hide the latency of the multiply-add.
        let mut sums = [_mm256_setzero_ps(); 4];
        for (x, y) in a32.iter().zip(b32) {
            for (i, sum) in sums.iter_mut().enumerate() {
                // SAFETY: 8 i + 8 <= 32, the length of `x` and `y`.
                let (x, y) = unsafe {
                    (
                        _mm256_loadu_ps(x.as_ptr().add(8 * i)),
                        _mm256_loadu_ps(y.as_ptr().add(8 * i)),
                    )
                };
                *sum = _mm256_fmadd_ps(x, y, *sum);
            }
        }
        let (a8, a_tail) = a_rest.as_chunks::<8>();
        let (b8, b_tail) = b_rest.as_chunks::<8>();
        for (x, y) in a8.iter().zip(b8) {
            // SAFETY: `x` and `y` hold eight numbers each.
            let (x, y) = unsafe { (_mm256_loadu_ps(x.as_ptr()), _mm256_loadu_ps(y.as_ptr())) };
            sums[0] = _mm256_fmadd_ps(x, y, sums[0]);
        }
        let tail: f32 = a_tail.iter().zip(b_tail).map(|(x, y)| x * y).sum();
        let [s0, s1, s2, s3] = sums;
        sum8(_mm256_add_ps(_mm256_add_ps(s0, s1), _mm256_add_ps(s2, s3))) + tail
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn dot_and_square_avx2(row: &[f32], other: &[f32]) -> (f32, f32) {
        let n = row.len().min(other.len());
        let (x16, x_rest) = row[..n].as_chunks::<16>();
        let (y16, y_rest) = other[..n].as_chunks::<16>();
        // Two sums a product, which hide some of the latency of the multiply-add.
        let mut dots = [_mm256_setzero_ps(); 2];
        let mut squares = [_mm256_setzero_ps(); 2];
        for (x, y) in x16.iter().zip(y16) {
            for (half, (dot, square)) in dots.iter_mut().zip(&mut squares).enumerate() {
                // SAFETY: 8 half + 8 <= 16, the length of each.
                let [x, y] = [x, y].map(|z| unsafe { _mm256_loadu_ps(z.as_ptr().add(8 * half)) });
                *dot = _mm256_fmadd_ps(x, y, *dot);
                *square = _mm256_fmadd_ps(x, x, *square);
            }
        }
        let (dot_rest, square_rest) = super::dot_and_square_scalar(x_rest, y_rest);
        let sum = |[low, high]: [__m256; 2]| sum8(_mm256_add_ps(low, high));
        (sum(dots) + dot_rest, sum(squares) + square_rest)
    }

    #[target_feature(enable = "avx512f")]
    pub fn dot_f32_avx512(a: &[f32], b: &[f32]) -> f32 {
        let n = a.len().min(b.len());
        let (a64, a_rest) = a[..n].as_chunks::<64>();
        let (b64, b_rest) = b[..n].as_chunks::<64>();
        let mut sums = [_mm512_setzero_ps(); 4];
        for (x, y) in a64.iter().zip(b64) {
            for (i, sum) in sums.iter_mut().enumerate() {
                // SAFETY: 16 i + 16 <= 64, the length of `x` and `y`.
                let (x, y) = unsafe {
                    (
                        _mm512_loadu_ps(x.as_ptr().add(16 * i)),
                        _mm512_loadu_ps(y.as_ptr().add(16 * i)),
                    )
                };
                *sum = _mm512_fmadd_ps(x, y, *sum);
            }
        }
        for (x, y) in a_rest.chunks(16).zip(b_rest.chunks(16)) {
            let mask = u16::MAX >> (16 - x.len());
            // SAFETY: the mask lets only the first `x.len()` lanes be read, and both chunks have that length.
            let (x, y) = unsafe {
                (
                    _mm512_maskz_loadu_ps(mask, x.as_ptr()),
                    _mm512_maskz_loadu_ps(mask, y.as_ptr()),
                )
            };
            sums[0] = _mm512_fmadd_ps(x, y, sums[0]);
        }
        let [s0, s1, s2, s3] = sums;
        _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(s0, s1), _mm512_add_ps(s2, s3)))
    }

    #[target_feature(enable = "avx2")]
    pub fn dot_i8_avx2(a: &[i8], b: &[i8]) -> i32 {
        let n = a.len().min(b.len());
        let (a32, a_rest) = a[..n].as_chunks::<32>();
        let (b32, b_rest) = b[..n].as_chunks::<32>();
        let mut sums = [_mm256_setzero_si256(); 2];
        for (x, y) in a32.iter().zip(b32) {
            for (i, sum) in sums.iter_mut().enumerate() {
                // SAFETY: 16 i + 16 <= 32, the length of `x` and `y`.
                let (x, y) = unsafe {
                    (
                        _mm_loadu_si128(x.as_ptr().add(16 * i).cast()),
                        _mm_loadu_si128(y.as_ptr().add(16 * i).cast()),
                    )
                };
                // Widened to 16 bits the products of a pair cannot saturate, -128 included.
                let products = _mm256_madd_epi16(_mm256_cvtepi8_epi16(x), _mm256_cvtepi8_epi16(y));
                *sum = _mm256_add_epi32(*sum, products);
            }
        }
        sum8_i32(_mm256_add_epi32(sums[0], sums[1])).wrapping_add(super::dot_i8_scalar(a_rest, b_rest))
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub fn dot_i8_avx512(a: &[i8], b: &[i8]) -> i32 {
        let n = a.len().min(b.len());
        let (a64, a_rest) = a[..n].as_chunks::<64>();
        let (b64, b_rest) = b[..n].as_chunks::<64>();
        // The instruction wants one side unsigned: (a + 128) . b - 128 sum(b). All sums wrap, so the result is exact
        // whenever it fits 32 bits.
        let flip = _mm512_set1_epi8(i8::MIN);
        let offset = _mm512_set1_epi8(i8::MIN);
        let (mut sum, mut b_sum) = (_mm512_setzero_si512(), _mm512_setzero_si512());
        for (x, y) in a64.iter().zip(b64) {
            // SAFETY: `x` and `y` hold 64 bytes each.
            let (x, y) = unsafe {
                (
                    _mm512_loadu_si512(x.as_ptr().cast()),
                    _mm512_loadu_si512(y.as_ptr().cast()),
                )
            };
            sum = _mm512_dpbusd_epi32(sum, _mm512_xor_si512(x, flip), y);
            // 128 as an unsigned byte has the bits of -128.
            b_sum = _mm512_dpbusd_epi32(b_sum, offset, y);
        }
        _mm512_reduce_add_epi32(_mm512_sub_epi32(sum, b_sum)).wrapping_add(super::dot_i8_scalar(a_rest, b_rest))
    }
}

/// Whether the dot products of a supported level give what the scalar ones give.
fn agrees(level: Level) -> bool {
    let mut stream = Stream(1);
    let (a, b) = (stream.vector(211), stream.vector(211));
    let (mut c, d): (Vec<i8>, Vec<i8>) = (0..211).map(|_| (stream.bits() as i8, stream.bits() as i8)).unzip();
    c[0] = i8::MIN;
    (0..=211).rev().step_by(13).all(|n| {
        let near = |x: f32, y: f32| (x - y).abs() < 1e-4;
        let (dot, square) = dot_and_square_at(level, &a[..n], &b);
        let (plain_dot, plain_square) = dot_and_square_scalar(&a[..n], &b);
        near(dot, plain_dot)
            && near(square, plain_square)
            && near(dot_f32_at(level, &a[..n], &b), plain_dot)
            && dot_i8_at(level, &c[..n], &d) == dot_i8_scalar(&c[..n], &d)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn dot_products_are_the_sum_of_products_at_every_level(
            pairs in prop::collection::vec((-1.0f32..1.0, -1.0f32..1.0, any::<i8>(), any::<i8>()), 0..400),
        ) {
            let (a, b): (Vec<f32>, Vec<f32>) = pairs.iter().map(|p| (p.0, p.1)).unzip();
            let (c, d): (Vec<i8>, Vec<i8>) = pairs.iter().map(|p| (p.2, p.3)).unzip();
            let real: f64 = a.iter().zip(&b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
            let whole: i64 = c.iter().zip(&d).map(|(x, y)| i64::from(*x) * i64::from(*y)).sum();
            for level in CHOSEN.usable() {
                prop_assert!((f64::from(dot_f32_at(level, &a, &b)) - real).abs() < 1e-3);
                let (dot, square) = dot_and_square_at(level, &a, &b);
                prop_assert!((f64::from(dot) - real).abs() < 1e-3);
                prop_assert!((square - dot_f32_scalar(&a, &a)).abs() < 1e-3);
                prop_assert_eq!(i64::from(dot_i8_at(level, &c, &d)), whole);
            }
        }
    }

    #[test]
    fn the_shorter_vector_counts_and_extremes_are_exact() {
        assert_eq!(dot_f32(&[1.0, 2.0, 3.0], &[4.0, 5.0]), 14.0);
        assert_eq!(dot_i8(&[1, 2, 3], &[4, 5]), 14);
        assert_eq!(dot_f32(&[], &[1.0]), 0.0);
        assert_eq!(dot_and_square(&[1.0, 2.0, 3.0], &[2.0; 2]), (6.0, 5.0));
        assert_eq!(dot_and_square(&[1.0, 2.0], &[2.0; 9]), (6.0, 5.0));
        let low = vec![i8::MIN; 1 << 16];
        for level in CHOSEN.usable() {
            assert_eq!(dot_i8_at(level, &low, &low), 1 << 30, "{}", level.name());
        }
    }

    #[test]
    fn every_length_and_place_counts_what_it_should_at_every_level() {
        let mut stream = Stream(2);
        let low_or_high = |bit| if bit { i8::MIN } else { i8::MAX };
        let ends: Vec<i8> = (0..256).map(|_| low_or_high(stream.bits() & 1 == 0)).collect();
        let any: Vec<i8> = (0..256).map(|_| stream.bits() as i8).collect();
        let codes = [vec![i8::MIN; 256], vec![i8::MAX; 256], ends, any];
        // What lies behind a vector is no number, so that a load that takes too much shows.
        let row = |n: usize| [(1..=n).map(|x| x as f32).collect(), vec![f32::NAN; 64]].concat();
        for level in CHOSEN.usable() {
            for n in 0..=193 {
                for (a, b, first) in (0..codes.len()).flat_map(|a| [0, 1, 2, 3].map(|b| (a, b, [0, 1, 17, 63][a ^ b])))
                {
                    let (a, b) = (&codes[a][first..first + n], &codes[b][..n]);
                    let whole: i32 = a.iter().zip(b).map(|(x, y)| i32::from(*x) * i32::from(*y)).sum();
                    assert_eq!(dot_i8_at(level, a, b), whole, "{} {n} from {first}", level.name());
                }
                let (row, ones) = (row(n), [1.0; 257]);
                // Whole numbers, so the sum is exact in any order.
                let sum = (n * (n + 1) / 2) as f32;
                assert_eq!(dot_f32_at(level, &row[..n], &ones), sum, "{} {n}", level.name());
                assert_eq!(dot_f32_at(level, &ones[..n], &row), sum, "{} {n}", level.name());
                let both = dot_and_square_at(level, &ones[..n], &row);
                assert_eq!(both, (sum, n as f32), "{} {n}", level.name());
            }
        }
    }
}
