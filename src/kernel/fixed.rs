//! Rows of 16-bit fixed-point numbers, kept as two rows of bytes: the high ones, which alone are a coarse form of the
//! row, and the low ones.

use super::lanes::fma;
use super::level::{Chosen, Level, for_each_level};
use super::selfcheck::{Stream, close};

/// The level of the kernels in this file.
pub(super) static CHOSEN: Chosen = Chosen::new(agrees);

/// `out[i] = mean[i] + unit * (256 high[i] + low[i])`; the shortest length counts, what lies beyond it in `out` stays.
///
/// The last bit may differ between machines; on one machine the same input gives the same bits.
pub fn decode_fixed(high: &[i8], low: &[i8], unit: f32, mean: &[f32], out: &mut [f32]) {
    decode_fixed_at(CHOSEN.level(), high, low, unit, mean, out);
}

for_each_level!(
    fn decode_fixed_at(high: &[i8], low: &[i8], unit: f32, mean: &[f32], out: &mut [f32]) = decode_fixed_body
);

#[inline(always)]
fn decode_fixed_body<const FMA: bool>(high: &[i8], low: &[i8], unit: f32, mean: &[f32], out: &mut [f32]) {
    let n = high.len().min(low.len()).min(mean.len()).min(out.len());
    let rows = out[..n].iter_mut().zip(&mean[..n]).zip(high[..n].iter().zip(&low[..n]));
    for ((out, mean), (high, low)) in rows {
        let value = (i32::from(*high) << 8) + i32::from(*low);
        *out = fma::<FMA>(value as f32, unit, *mean);
    }
}

/// Whether a supported level gives what the scalar one gives.
fn agrees(level: Level) -> bool {
    let mut stream = Stream(4);
    let (high, low): (Vec<i8>, Vec<i8>) = (0..211).map(|_| (stream.bits() as i8, stream.bits() as i8)).unzip();
    let mean = stream.vector(211);
    let run = |level: Level, n: usize| {
        let mut out = vec![0.0; 211];
        decode_fixed_at(level, &high[..n], &low, 1e-4, &mean, &mut out);
        out
    };
    [211, 64, 7, 0]
        .into_iter()
        .all(|n| close(&run(level, n), &run(Level::Scalar, n), 1e-6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_bytes_count_with_their_signs() {
        for level in CHOSEN.usable() {
            let mut out = [9.0; 5];
            let (high, low) = ([-128, -1, 0, 127], [-128, 127, -1, 127]);
            decode_fixed_at(level, &high, &low, 0.5, &[1.0; 9], &mut out);
            assert_eq!(out, [-16_447.0, -63.5, 0.5, 16_320.5, 9.0], "{}", level.name());
        }
    }

    #[test]
    fn every_length_ends_where_it_should_at_every_level() {
        let (high, low): (Vec<i8>, Vec<i8>) = (0..140usize)
            .map(|i| ([i8::MIN, i8::MAX, 0, -1][i % 4], [i8::MIN, i8::MAX, -1][i % 3]))
            .unzip();
        for level in CHOSEN.usable() {
            for n in 0..high.len() {
                let mut out = vec![9.0; high.len()];
                decode_fixed_at(level, &high[..n], &low, 0.5, &[1.0; 140], &mut out);
                let value = |i: usize| 1.0 + 0.5 * (256.0 * f32::from(high[i]) + f32::from(low[i]));
                assert!((0..n).all(|i| out[i] == value(i)), "{} {n}", level.name());
                assert!(out[n..].iter().all(|x| *x == 9.0), "{} {n}", level.name());
            }
        }
    }
}
