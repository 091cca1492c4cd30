//! Dot products of int8 vectors with vectors of 4 bits a value.

#[cfg(target_arch = "x86_64")]
use super::dot::x86::sum8_i32;
use super::level::{Chosen, Level};
use super::selfcheck::Stream;

/// The level of the kernels in this file.
pub(super) static CHOSEN: Chosen = Chosen::new(agrees);

/// The sum of `(codes[i] & 15) * low[i] + (codes[i] >> 4) * high[i]`: a vector of values from 0 to 15, two a byte, with
/// an int8 vector whose first half is `low` and whose second one is `high`.
///
/// The shortest length counts; exact up to 2^19 bytes of codes.
#[inline]
pub fn dot_nibbles(codes: &[u8], low: &[i8], high: &[i8]) -> i32 {
    dot_at(CHOSEN.level(), codes, low, high)
}

#[inline]
fn dot_at(level: Level, codes: &[u8], low: &[i8], high: &[i8]) -> i32 {
    match level {
        // SAFETY: a level is only handed out after `Level::supported` found its instructions.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { dot_avx512(codes, low, high) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { dot_avx2(codes, low, high) },
        _ => dot_scalar(codes, low, high),
    }
}

fn dot_scalar(codes: &[u8], low: &[i8], high: &[i8]) -> i32 {
    codes
        .iter()
        .zip(low.iter().zip(high))
        .map(|(code, (&low, &high))| i32::from(code & 15) * i32::from(low) + i32::from(code >> 4) * i32::from(high))
        .fold(0, i32::wrapping_add)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn dot_avx2(codes: &[u8], low: &[i8], high: &[i8]) -> i32 {
    use std::arch::x86_64::*;

    let n = codes.len().min(low.len()).min(high.len());
    let (codes, codes_rest) = codes[..n].as_chunks::<32>();
    let (low, low_rest) = low[..n].as_chunks::<32>();
    let (high, high_rest) = high[..n].as_chunks::<32>();
    let (mask, ones) = (_mm256_set1_epi8(15), _mm256_set1_epi16(1));
    let mut sum = _mm256_setzero_si256();
    for ((codes, low), high) in codes.iter().zip(low).zip(high) {
        // SAFETY: each of them holds 32 bytes.
        let (codes, low, high) = unsafe {
            (
                _mm256_loadu_si256(codes.as_ptr().cast()),
                _mm256_loadu_si256(low.as_ptr().cast()),
                _mm256_loadu_si256(high.as_ptr().cast()),
            )
        };
        // Four products of 15 and -128 are far from what 16 bits hold.
        let low = _mm256_maddubs_epi16(_mm256_and_si256(codes, mask), low);
        let high = _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16::<4>(codes), mask), high);
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_add_epi16(low, high), ones));
    }
    sum8_i32(sum).wrapping_add(dot_scalar(codes_rest, low_rest, high_rest))
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot_avx512(codes: &[u8], low: &[i8], high: &[i8]) -> i32 {
    use std::arch::x86_64::*;

    let n = codes.len().min(low.len()).min(high.len());
    let (codes, codes_rest) = codes[..n].as_chunks::<64>();
    let (low, low_rest) = low[..n].as_chunks::<64>();
    let (high, high_rest) = high[..n].as_chunks::<64>();
    let mask = _mm512_set1_epi8(15);
    let (mut lows, mut highs) = (_mm512_setzero_si512(), _mm512_setzero_si512());
    for ((codes, low), high) in codes.iter().zip(low).zip(high) {
        // SAFETY: each of them holds 64 bytes.
        let (codes, low, high) = unsafe {
            (
                _mm512_loadu_si512(codes.as_ptr().cast()),
                _mm512_loadu_si512(low.as_ptr().cast()),
                _mm512_loadu_si512(high.as_ptr().cast()),
            )
        };
        lows = _mm512_dpbusd_epi32(lows, _mm512_and_si512(codes, mask), low);
        let codes = _mm512_and_si512(_mm512_srli_epi16::<4>(codes), mask);
        highs = _mm512_dpbusd_epi32(highs, codes, high);
    }
    _mm512_reduce_add_epi32(_mm512_add_epi32(lows, highs)).wrapping_add(dot_scalar(codes_rest, low_rest, high_rest))
}

/// Whether a supported level gives what the scalar one gives.
fn agrees(level: Level) -> bool {
    let mut stream = Stream(6);
    let codes: Vec<u8> = (0..211).map(|_| stream.bits() as u8).collect();
    let (mut low, high): (Vec<i8>, Vec<i8>) = (0..211).map(|_| (stream.bits() as i8, stream.bits() as i8)).unzip();
    low[0] = i8::MIN;
    (0..=211)
        .rev()
        .step_by(13)
        .all(|n| dot_at(level, &codes[..n], &low, &high) == dot_scalar(&codes[..n], &low, &high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn both_halves_of_each_byte_count_at_every_level(
            triples in prop::collection::vec((any::<u8>(), any::<i8>(), any::<i8>()), 0..400),
        ) {
            let codes: Vec<u8> = triples.iter().map(|of| of.0).collect();
            let (low, high): (Vec<i8>, Vec<i8>) = triples.iter().map(|of| (of.1, of.2)).unzip();
            let whole: i64 = triples
                .iter()
                .map(|&(code, low, high)| i64::from(code % 16) * i64::from(low) + i64::from(code / 16) * i64::from(high))
                .sum();
            for level in CHOSEN.usable() {
                prop_assert_eq!(i64::from(dot_at(level, &codes, &low, &high)), whole);
            }
        }
    }

    #[test]
    fn every_length_and_every_extreme_is_exact_at_every_level() {
        let ends = [
            (0xff, i8::MIN, i8::MIN),
            (0xff, 127, 127),
            (0xf0, i8::MIN, 127),
            (0, 1, 1),
        ];
        for level in CHOSEN.usable() {
            for (code, low, high) in ends {
                let each = i32::from(code & 15) * i32::from(low) + i32::from(code >> 4) * i32::from(high);
                for n in (0..=193).chain([1 << 19]) {
                    // What lies behind the shortest one does not count.
                    let (codes, low, high) = (vec![code; n], vec![low; n + 70], vec![high; n + 7]);
                    assert_eq!(
                        dot_at(level, &codes, &low, &high),
                        each * n as i32,
                        "{} {n}",
                        level.name()
                    );
                    assert_eq!(
                        dot_at(level, &[&codes[..], &[0xff; 70]].concat(), &low[..n], &high),
                        each * n as i32
                    );
                }
            }
        }
        assert_eq!(dot_nibbles(&[0x21, 0x43], &[1, 10], &[100, -1]), 1 + 200 + 30 - 4);
    }
}
