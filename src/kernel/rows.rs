//! Steps that work on one row of activations at a time: GELU, residual with layer norm, rounding to 8 bits, the L2
//! norm. Each is one plain body compiled for every level.

use super::level::{Level, Stream, close, fma, for_each_level, level};
use super::linear::Activations;

/// Numbers handled side by side; sums are kept in that many lanes and added up at the end.
const LANES: usize = 16;

/// GELU with the exact error function, `x / 2 (1 + erf(x / sqrt 2))`, in place. Absolute error below 2e-6 for
/// |x| < 10 (tested against a series in f64).
pub fn gelu(x: &mut [f32]) {
    gelu_at(level(), x);
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
    add_layer_norm_at(level(), x, y, weight, bias, epsilon);
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
    lanes.iter().sum::<f32>() + rest.iter().map(|x| of(*x)).sum::<f32>()
}

/// Rounds rows of `inputs` numbers to 8 bits, each with its own scale `max |x| / 127`, into `out` (which is replaced).
///
/// # Panics
/// If `x` is not a whole number of rows, which is a defect of the caller.
pub fn quantize_rows(x: &[f32], inputs: usize, out: &mut Activations) {
    assert!(x.len().is_multiple_of(inputs));
    quantize_rows_at(level(), x, inputs, out);
}

for_each_level!(fn quantize_rows_at(x: &[f32], inputs: usize, out: &mut Activations) = quantize_rows_body);

#[inline(always)]
fn quantize_rows_body<const FMA: bool>(x: &[f32], inputs: usize, out: &mut Activations) {
    out.inputs = inputs;
    out.codes.resize(x.len(), 0);
    out.scales.clear();
    for (row, codes) in x.chunks_exact(inputs).zip(out.codes.chunks_exact_mut(inputs)) {
        let mut lanes = [0.0f32; LANES];
        let (chunks, rest) = row.as_chunks::<LANES>();
        for chunk in chunks {
            for (lane, x) in lanes.iter_mut().zip(chunk) {
                *lane = if x.abs() > *lane { x.abs() } else { *lane };
            }
        }
        let largest = lanes.iter().chain(rest).fold(0.0f32, |m, x| m.max(x.abs()));
        let inverse = if largest > 0.0 && largest.is_finite() { 127.0 / largest } else { 0.0 };
        let (codes, codes_rest) = codes.as_chunks_mut::<LANES>();
        for (chunk, codes) in chunks.iter().zip(codes) {
            for (x, code) in chunk.iter().zip(codes) {
                *code = code_of::<FMA>(*x, inverse);
            }
        }
        for (x, code) in rest.iter().zip(codes_rest) {
            *code = code_of::<FMA>(*x, inverse);
        }
        out.scales.push(if inverse > 0.0 { largest / 127.0 } else { 0.0 });
    }
}

/// round(x inverse) + 128 by adding 1.5 x 2^23: the sum's low mantissa bits are the integer, rounded to even.
#[inline(always)]
fn code_of<const FMA: bool>(x: f32, inverse: f32) -> u8 {
    (fma::<FMA>(x, inverse, 12_582_912.0 + 128.0).to_bits() & 0xFF) as u8
}

/// Scales a vector to length 1, in place; the zero vector stays.
pub fn normalize(v: &mut [f32]) {
    let square = super::dot_f32(v, v);
    if square > 0.0 {
        let inverse = 1.0 / square.sqrt();
        v.iter_mut().for_each(|x| *x *= inverse);
    }
}

/// Whether each step of a supported level gives what the scalar one gives.
pub(super) fn agrees(level: Level) -> bool {
    let mut stream = Stream(3);
    let input: Vec<f32> = (0..100).map(|_| 6.0 * stream.unit()).collect();
    let (y, weight, bias) = (stream.vector(100), stream.vector(50), stream.vector(50));
    let run = |level: Level| {
        let mut gelu = input.clone();
        gelu_at(level, &mut gelu);
        let mut norm = input.clone();
        add_layer_norm_at(level, &mut norm, &y, &weight, &bias, 1e-12);
        let mut rounded = Activations::default();
        quantize_rows_at(level, &input, 50, &mut rounded);
        (gelu, norm, rounded)
    };
    let (fast, plain) = (run(level), run(Level::Scalar));
    let codes = fast.2.codes.iter().zip(&plain.2.codes);
    close(&fast.0, &plain.0, 1e-5)
        && close(&fast.1, &plain.1, 1e-4)
        && close(&fast.2.scales, &plain.2.scales, 1e-6)
        && codes.into_iter().all(|(a, b)| a.abs_diff(*b) <= 1)
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
        for level in Level::usable() {
            let inputs: Vec<f32> = (-2000..2000).map(|i| i as f32 * 0.005).collect();
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
        for level in Level::usable() {
            let mut out = x.clone();
            add_layer_norm_at(level, &mut out, &y, &[2.0; 37], &[1.0; 37], 1e-12);
            for (r, row) in out.chunks(37).enumerate() {
                let mean = row.iter().sum::<f32>() / 37.0;
                let spread = (row.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 37.0).sqrt();
                assert!((mean - 1.0).abs() < 1e-4 && (spread - 2.0).abs() < 1e-4, "{mean} {spread}");
                let larger = x[r * 37] + y[r * 37] > x[r * 37 + 1] + y[r * 37 + 1];
                assert_eq!(larger, row[0] > row[1]);
            }
        }
    }

    #[test]
    fn codes_are_the_nearest_ones() {
        let mut stream = Stream(6);
        let mut x = stream.vector(4 * 21);
        x[21..42].fill(0.0);
        x[50] = 40.0;
        x[64] = f32::NAN;
        for level in Level::usable() {
            let mut out = Activations::default();
            quantize_rows_at(level, &x, 21, &mut out);
            assert_eq!(out.tokens(), 4);
            assert_eq!((out.scales[1], out.codes[30]), (0.0, 128));
            for (i, x) in x.iter().enumerate().filter(|(i, _)| *i != 64) {
                let value = (f32::from(out.codes[i]) - 128.0) * out.scales[i / 21];
                assert!((x - value).abs() <= 0.502 * out.scales[i / 21], "{}: {x} {value}", level.name());
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
