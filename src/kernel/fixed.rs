//! Rows of 12-bit fixed-point numbers, kept as a row of bytes, which alone is a coarse form of the row, and a row of
//! the four bits below each of them, two a byte.

use super::lanes::fma;
use super::level::{Chosen, Level, for_each_level};
use super::selfcheck::{Stream, close};

/// The level of the kernels in this file.
pub(super) static CHOSEN: Chosen = Chosen::new(agrees);

/// `out[i] = mean[i] + unit * (16 high[i] + low of i)`: the low of the first `low.len()` numbers are the lower halves
/// of its bytes, those of the others the upper ones, from -8 to 7. The shortest length counts, and none beyond twice
/// that of `low`; what lies beyond it in `out` stays.
///
/// The last bit may differ between machines; on one machine the same input gives the same bits.
pub fn decode_fixed(high: &[i8], low: &[u8], unit: f32, mean: &[f32], out: &mut [f32]) {
    decode_fixed_at(CHOSEN.level(), high, low, unit, mean, out);
}

for_each_level!(
    fn decode_fixed_at(high: &[i8], low: &[u8], unit: f32, mean: &[f32], out: &mut [f32]) = decode_fixed_body
);

#[inline(always)]
fn decode_fixed_body<const FMA: bool>(high: &[i8], low: &[u8], unit: f32, mean: &[f32], out: &mut [f32]) {
    let n = high.len().min(2 * low.len()).min(mean.len()).min(out.len());
    let first = n.min(low.len());
    let (out, out_rest) = out[..n].split_at_mut(first);
    let (mean, mean_rest) = mean[..n].split_at(first);
    let (high, high_rest) = high[..n].split_at(first);
    for ((out, mean), (high, low)) in out.iter_mut().zip(mean).zip(high.iter().zip(low)) {
        let value = 16 * i32::from(*high) + i32::from((*low << 4) as i8 >> 4);
        *out = fma::<FMA>(value as f32, unit, *mean);
    }
    for ((out, mean), (high, low)) in out_rest.iter_mut().zip(mean_rest).zip(high_rest.iter().zip(low)) {
        let value = 16 * i32::from(*high) + i32::from(*low as i8 >> 4);
        *out = fma::<FMA>(value as f32, unit, *mean);
    }
}

/// Whether a supported level gives what the scalar one gives.
fn agrees(level: Level) -> bool {
    let mut stream = Stream(4);
    let (high, low): (Vec<i8>, Vec<u8>) = (0..211).map(|_| (stream.bits() as i8, stream.bits() as u8)).unzip();
    let mean = stream.vector(211);
    let run = |level: Level, n: usize| {
        let mut out = vec![0.0; 211];
        decode_fixed_at(level, &high[..n], &low[..106], 1e-4, &mean, &mut out);
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
    fn all_bits_count_with_their_signs() {
        for level in CHOSEN.usable() {
            let mut out = [9.0; 5];
            let (high, low) = ([-128, -1, 0, 127], [0xf8, 0x77]);
            decode_fixed_at(level, &high, &low, 0.5, &[1.0; 9], &mut out);
            assert_eq!(out, [-1_027.0, -3.5, 0.5, 1_020.5, 9.0], "{}", level.name());
        }
    }

    #[test]
    fn every_length_ends_where_it_should_at_every_level() {
        let (high, low): (Vec<i8>, Vec<u8>) = (0..140usize)
            .map(|i| ([i8::MIN, i8::MAX, 0, -1][i % 4], [0x88, 0x7f, 0xf0][i % 3]))
            .unzip();
        for (level, half) in CHOSEN
            .usable()
            .into_iter()
            .flat_map(|level| [70, 64, 9, 0].map(|half| (level, half)))
        {
            let nibble = |i: usize| if i < half { low[i] & 15 } else { low[i - half] >> 4 };
            for n in 0..high.len() {
                let mut out = vec![9.0; high.len()];
                decode_fixed_at(level, &high[..n], &low[..half], 0.5, &[1.0; 140], &mut out);
                let fine = |i: usize| f32::from(nibble(i)) - if nibble(i) > 7 { 16.0 } else { 0.0 };
                let value = |i: usize| 1.0 + 0.5 * (16.0 * f32::from(high[i]) + fine(i));
                let n = n.min(2 * half);
                assert!((0..n).all(|i| out[i] == value(i)), "{} {n}", level.name());
                assert!(out[n..].iter().all(|x| *x == 9.0), "{} {n}", level.name());
            }
        }
    }
}
