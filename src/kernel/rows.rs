//! Steps that work on one row of activations at a time: GELU, residual with layer norm, rounding to 8 bits, the L2
//! norm. Each is one plain body compiled for every level.

use super::dot::dot_f32;
use super::lanes::{fma, fold};
use super::level::{Chosen, Level, for_each_level};
use super::selfcheck::{Stream, close};
use super::tile::{Activations, Block, Q4_BLOCK};

/// The level of the kernels in this file.
pub(super) static CHOSEN: Chosen = Chosen::new(agrees);

/// Numbers handled side by side; sums are kept in that many lanes and added up at the end.
const LANES: usize = 16;

/// GELU with the exact error function, `x / 2 (1 + erf(x / sqrt 2))`, in place. Absolute error below 2e-6 for
/// |x| < 10 (tested against a series in f64).
pub fn gelu(x: &mut [f32]) {
    gelu_at(CHOSEN.level(), x);
}

for_each_level!(fn gelu_at(x: &mut [f32]) = gelu_body);

#[inline(always)]
fn gelu_body<const FMA: bool>(x: &mut [f32]) {
    let (lanes, rest) = x.as_chunks_mut::<LANES>();
    for lane in lanes {
        for value in lane {
            *value = gelu_one::<FMA>(*value);
        }
    }
    for value in rest {
        *value = gelu_one::<FMA>(*value);
    }
}

/// erf by the rational approximation that Eigen and XLA use for f32: odd polynomial of degree 13 over even polynomial
/// of degree 8 on [-4, 4], where erf is 1 to within f32.
#[inline(always)]
fn gelu_one<const FMA: bool>(x: f32) -> f32 {
    let z = (x * std::f32::consts::FRAC_1_SQRT_2).clamp(-4.0, 4.0);
    let z2 = z * z;
    let mut p = -2.726_142_3e-10;
    for c in [
        2.770_681_4e-8,
        -2.101_024e-6,
        -5.692_506_4e-5,
        -7.349_906_3e-4,
        -2.954_6e-3,
        -1.609_603_3e-2,
    ] {
        p = fma::<FMA>(p, z2, c);
    }
    let mut q = -1.456_607_2e-5;
    for c in [-2.133_740_6e-4, -1.682_827e-3, -7.373_329e-3, -1.426_473_9e-2] {
        q = fma::<FMA>(q, z2, c);
    }
    let half = 0.5 * x;
    fma::<FMA>(half, z * p / q, half)
}

/// `x = LN(x + y) * weight + bias` for each row of `weight.len()` numbers, with variance + `epsilon` under the root.
/// `y` may be empty: then `x = LN(x)`.
///
/// # Panics
/// If the lengths do not fit each other, which is a defect of the caller.
pub fn add_layer_norm(x: &mut [f32], y: &[f32], weight: &[f32], bias: &[f32], epsilon: f32) {
    assert!(weight.len() == bias.len() && (y.is_empty() || x.len() == y.len()) && x.len().is_multiple_of(weight.len()));
    add_layer_norm_at(CHOSEN.level(), x, y, weight, bias, epsilon);
}

for_each_level!(fn add_layer_norm_at(x: &mut [f32], y: &[f32], w: &[f32], b: &[f32], epsilon: f32) = add_layer_norm_body);

#[inline(always)]
fn add_layer_norm_body<const FMA: bool>(x: &mut [f32], y: &[f32], weight: &[f32], bias: &[f32], epsilon: f32) {
    let width = weight.len();
    for (i, row) in x.chunks_exact_mut(width).enumerate() {
        if !y.is_empty() {
            for (x, y) in row.iter_mut().zip(&y[i * width..(i + 1) * width]) {
                *x += y;
            }
        }
        let mean = sum(row, |x| x) / width as f32;
        // Two passes: the variance of numbers far from zero does not cancel.
        let variance = sum(row, |x| (x - mean) * (x - mean)) / width as f32;
        let inverse = 1.0 / (variance + epsilon).sqrt();
        for ((x, w), b) in row.iter_mut().zip(weight).zip(bias) {
            *x = fma::<FMA>((*x - mean) * inverse, *w, *b);
        }
    }
}

#[inline(always)]
fn sum(row: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += of(*x);
        }
    }
    fold(lanes, |a, b| a + b) + rest.iter().map(|x| of(*x)).sum::<f32>()
}

/// Rounds rows of `inputs` numbers (a multiple of 32) to 8 bits, each block of 32 with its own scale `max |x| / 127`,
/// into `out`, which is replaced. A block that holds an infinity or no number at all becomes zero.
///
/// # Panics
/// If `x` is not a whole number of rows or rows not of blocks, which is a defect of the caller.
pub fn quantize_rows(x: &[f32], inputs: usize, out: &mut Activations) {
    assert!(inputs > 0 && inputs.is_multiple_of(Q4_BLOCK) && x.len().is_multiple_of(inputs));
    quantize_rows_at(CHOSEN.level(), x, inputs, out);
}

fn quantize_rows_at(level: Level, x: &[f32], inputs: usize, out: &mut Activations) {
    let (blocks, _) = x.as_chunks::<Q4_BLOCK>();
    out.inputs = inputs;
    out.blocks.resize(blocks.len(), Block::default());
    match level {
        // SAFETY: a level is only handed out after `Level::supported` found its instructions.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx2 => unsafe { quantize_blocks_avx2(blocks, out) },
        _ => quantize_blocks(blocks, out),
    }
}

/// What the largest size in a block makes of it: the scale, and what to multiply by; `None` for a block of zeros, or
/// one that holds an infinity or what is no number.
#[inline(always)]
fn scale_of(largest: f32) -> Option<(f32, f32)> {
    (largest > 0.0 && largest.is_finite()).then(|| (largest * (1.0 / 127.0), 127.0 / largest))
}

fn quantize_blocks(blocks: &[[f32; Q4_BLOCK]], activations: &mut Activations) {
    for (block, out) in blocks.iter().zip(&mut activations.blocks) {
        // Without their sign, numbers of either kind are in the order of their bits; what is no number comes last.
        let largest = f32::from_bits(block.iter().fold(0, |m, x| m.max(x.abs().to_bits())));
        *out = Block::default();
        if let Some((scale, inverse)) = scale_of(largest) {
            let codes = block.map(|x| (x * inverse).round_ties_even() as i8);
            let start = [-4 * codes.iter().map(|code| i16::from(*code)).sum::<i16>(); 2];
            *out = Block {
                scale,
                share: [0; 2],
                start,
                codes,
            };
        }
    }
    activations.share();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn quantize_blocks_avx2(blocks: &[[f32; Q4_BLOCK]], activations: &mut Activations) {
    use std::arch::x86_64::*;
    let sign = _mm256_set1_ps(-0.0);
    // Packing works within halves of a vector; this puts the eight groups of four back in their order.
    let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    for (block, out) in blocks.iter().zip(&mut activations.blocks) {
        let (eights, _) = block.as_chunks::<8>();
        // SAFETY: each group holds eight numbers.
        let x: [__m256; 4] = std::array::from_fn(|i| unsafe { _mm256_loadu_ps(eights[i].as_ptr()) });
        let size = x.map(|x| _mm256_castps_si256(_mm256_andnot_ps(sign, x)));
        let most = _mm256_max_epu32(_mm256_max_epu32(size[0], size[1]), _mm256_max_epu32(size[2], size[3]));
        let most = _mm_max_epu32(_mm256_castsi256_si128(most), _mm256_extracti128_si256::<1>(most));
        let most = _mm_max_epu32(most, _mm_shuffle_epi32::<0b01_00_11_10>(most));
        let most = _mm_max_epu32(most, _mm_shuffle_epi32::<0b10_11_00_01>(most));
        let largest = f32::from_bits(_mm_cvtsi128_si32(most) as u32);
        let Some((scale, inverse)) = scale_of(largest) else {
            *out = Block::default();
            continue;
        };
        let inverse = _mm256_set1_ps(inverse);
        // Rounds to even, as nothing in this program changes the rounding mode.
        let whole = x.map(|x| _mm256_cvtps_epi32(_mm256_mul_ps(x, inverse)));
        let pairs = [
            _mm256_packs_epi32(whole[0], whole[1]),
            _mm256_packs_epi32(whole[2], whole[3]),
        ];
        let bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(pairs[0], pairs[1]), order);
        // SAFETY: a block has 32 codes.
        unsafe { _mm256_storeu_si256(out.codes.as_mut_ptr().cast(), bytes) };
        // Sums of eight bytes each, made unsigned by adding 128.
        let sums = _mm256_sad_epu8(
            _mm256_xor_si256(bytes, _mm256_set1_epi8(i8::MIN)),
            _mm256_setzero_si256(),
        );
        let sums = _mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
        let sum = _mm_cvtsi128_si32(_mm_add_epi64(sums, _mm_unpackhi_epi64(sums, sums))) - 128 * Q4_BLOCK as i32;
        out.scale = scale;
        out.start = [(-4 * sum) as i16; 2];
    }
    activations.share();
}

/// Scales a vector to length 1, in place; the zero vector stays.
pub fn normalize(v: &mut [f32]) {
    let square = dot_f32(v, v);
    if square > 0.0 {
        let inverse = 1.0 / square.sqrt();
        v.iter_mut().for_each(|x| *x *= inverse);
    }
}

/// Whether each step of a supported level gives what the scalar one gives.
fn agrees(level: Level) -> bool {
    let mut stream = Stream(3);
    let input: Vec<f32> = (0..128).map(|_| 6.0 * stream.unit()).collect();
    let (y, weight, bias) = (stream.vector(128), stream.vector(64), stream.vector(64));
    let run = |level: Level| {
        let mut gelu = input.clone();
        gelu_at(level, &mut gelu);
        let mut norm = input.clone();
        add_layer_norm_at(level, &mut norm, &y, &weight, &bias, 1e-12);
        let mut rounded = Activations::default();
        quantize_rows_at(level, &input, 64, &mut rounded);
        (gelu, norm, rounded)
    };
    let (fast, plain) = (run(level), run(Level::Scalar));
    let blocks = |x: &(Vec<f32>, Vec<f32>, Activations)| x.2.blocks.clone();
    let same = |a: &Block, b: &Block| {
        close(&[a.scale], &[b.scale], 1e-6) && a.codes.iter().zip(&b.codes).all(|(a, b)| a.abs_diff(*b) <= 1)
    };
    close(&fast.0, &plain.0, 1e-5)
        && close(&fast.1, &plain.1, 1e-4)
        && blocks(&fast).iter().zip(&blocks(&plain)).all(|(a, b)| same(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// erf by its Maclaurin series, in f64; good to 1e-9 below 4.
    fn erf(x: f64) -> f64 {
        if x.abs() > 5.0 {
            return x.signum();
        }
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * 2.0 / std::f64::consts::PI.sqrt()
    }

    #[test]
    fn gelu_is_the_exact_one_within_two_millionths() {
        for level in CHOSEN.usable() {
            // 4,001 numbers: the last one is in no vector.
            let inputs: Vec<f32> = (-2000..=2000).map(|i| i as f32 * 0.005).collect();
            let mut out = inputs.clone();
            gelu_at(level, &mut out);
            let worst = inputs
                .iter()
                .zip(&out)
                .map(|(&x, &y)| {
                    let x = f64::from(x);
                    (0.5 * x * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2)) - f64::from(y)).abs()
                })
                .fold(0.0, f64::max);
            assert!(worst < 2e-6, "{}: {worst}", level.name());
        }
    }

    #[test]
    fn layer_norm_has_the_mean_and_spread_it_should() {
        let mut stream = Stream(5);
        let (x, y) = (stream.vector(3 * 37), stream.vector(3 * 37));
        for level in CHOSEN.usable() {
            let mut out = x.clone();
            add_layer_norm_at(level, &mut out, &y, &[2.0; 37], &[1.0; 37], 1e-12);
            for (r, row) in out.chunks(37).enumerate() {
                let mean = row.iter().sum::<f32>() / 37.0;
                let spread = (row.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 37.0).sqrt();
                assert!(
                    (mean - 1.0).abs() < 1e-4 && (spread - 2.0).abs() < 1e-4,
                    "{mean} {spread}"
                );
                let larger = x[r * 37] + y[r * 37] > x[r * 37 + 1] + y[r * 37 + 1];
                assert_eq!(larger, row[0] > row[1]);
            }
        }
    }

    #[test]
    fn codes_are_the_nearest_ones() {
        let mut stream = Stream(6);
        let mut x = stream.vector(4 * 64);
        x[32..64].fill(0.0);
        x[70] = 40.0;
        x[100] = f32::NAN;
        for level in CHOSEN.usable() {
            let mut out = Activations::default();
            quantize_rows_at(level, &x, 64, &mut out);
            assert_eq!(out.tokens(), 4);
            let shares: Vec<i16> = out
                .blocks
                .chunks(2)
                .map(|token| token[0].share[0].max(token[1].share[0]))
                .collect();
            assert_eq!(shares, [i16::MAX; 4]);
            for (i, block) in out.blocks.iter().enumerate() {
                assert!((f32::from(block.share[0]) * out.units[i / 2] - block.scale).abs() <= 0.51 * out.units[i / 2]);
            }
            assert_eq!(out.blocks[1], Block::default());
            assert_eq!(out.blocks[3], Block::default(), "not a number");
            for (i, x) in x.iter().enumerate().filter(|(i, _)| i / 32 != 3) {
                let block = &out.blocks[i / 32];
                let error = (x - f32::from(block.codes[i % 32]) * block.scale).abs();
                assert!(error <= 0.502 * block.scale, "{}: {x}", level.name());
            }
            for block in &out.blocks {
                let sum: i16 = block.codes.iter().map(|code| i16::from(*code)).sum();
                assert_eq!(block.start, [-4 * sum; 2]);
                assert_eq!(block.share[0], block.share[1]);
            }
        }
    }

    #[test]
    fn normalized_vectors_have_length_one() {
        let mut v = vec![3.0, 4.0];
        normalize(&mut v);
        assert_eq!(v, [0.6, 0.8]);
        let mut zero = vec![0.0; 3];
        normalize(&mut zero);
        assert_eq!(zero, [0.0; 3]);
    }
}
