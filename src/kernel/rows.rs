//! Steps that work on one row of activations at a time: GELU, residual with layer norm, the L2 norm. Each is one
//! plain body compiled for every level.

use super::dot::dot_f32;
use super::lanes::{fma, fold};
use super::level::{Chosen, Level, for_each_level};
use super::selfcheck::{Stream, close};

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
        (gelu, norm)
    };
    let (fast, plain) = (run(level), run(Level::Scalar));
    close(&fast.0, &plain.0, 1e-5) && close(&fast.1, &plain.1, 1e-4)
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
    fn normalized_vectors_have_length_one() {
        let mut v = vec![3.0, 4.0];
        normalize(&mut v);
        assert_eq!(v, [0.6, 0.8]);
        let mut zero = vec![0.0; 3];
        normalize(&mut zero);
        assert_eq!(zero, [0.0; 3]);
    }
}
