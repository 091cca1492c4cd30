//! The two products of attention in AVX-512, whose registers hold twice the sums of AVX2; `attention` says what they
//! compute. Written out, because the compiler makes gathers of the plain form with so many rows.

use std::arch::x86_64::*;

use super::attention_rows::{LANES, SLICE};

/// Dot products of a tile of queries with all keys, a row of scores for each.
#[target_feature(enable = "avx512f")]
pub(super) fn score<const HEAD: usize, const TILE: usize>(
    queries: [&[f32; HEAD]; TILE],
    keys: &[[[f32; LANES]; HEAD]],
    scores: &mut [f32],
) {
    let row = scores.len() / TILE;
    for (group, keys) in keys.iter().enumerate() {
        let mut sums = [_mm512_setzero_ps(); TILE];
        for d in 0..HEAD {
            // SAFETY: 16 numbers.
            let key = unsafe { _mm512_loadu_ps(keys[d].as_ptr()) };
            for t in 0..TILE {
                sums[t] = _mm512_fmadd_ps(_mm512_set1_ps(queries[t][d]), key, sums[t]);
            }
        }
        for (t, sum) in sums.iter().enumerate() {
            let out: &mut [f32] = &mut scores[t * row + group * LANES..][..LANES];
            // SAFETY: room for 16 numbers.
            unsafe { _mm512_storeu_ps(out.as_mut_ptr(), *sum) };
        }
    }
}

/// For a few rows of weights, a slice of the weighted sums of all values.
#[target_feature(enable = "avx512f")]
pub(super) fn weigh<const HEAD: usize, const WEIGHED: usize>(
    rows: [&[f32]; WEIGHED],
    values: &[[f32; HEAD]],
    slice: usize,
) -> [[f32; SLICE]; WEIGHED] {
    assert!(slice + SLICE <= HEAD && rows.iter().all(|row| row.len() >= values.len()));
    let mut sums = [[_mm512_setzero_ps(); 2]; WEIGHED];
    for (token, value) in values.iter().enumerate() {
        // SAFETY: a slice is 32 numbers, and each row has one for each value: asserted above.
        unsafe {
            let value = value.as_ptr().add(slice);
            let (first, second) = (_mm512_loadu_ps(value), _mm512_loadu_ps(value.add(LANES)));
            for t in 0..WEIGHED {
                let weight = _mm512_set1_ps(*rows[t].get_unchecked(token));
                sums[t][0] = _mm512_fmadd_ps(weight, first, sums[t][0]);
                sums[t][1] = _mm512_fmadd_ps(weight, second, sums[t][1]);
            }
        }
    }
    let mut out = [[0.0; SLICE]; WEIGHED];
    for t in 0..WEIGHED {
        // SAFETY: room for 32 numbers.
        unsafe {
            _mm512_storeu_ps(out[t].as_mut_ptr(), sums[t][0]);
            _mm512_storeu_ps(out[t].as_mut_ptr().add(LANES), sums[t][1]);
        }
    }
    out
}
