//! The AVX2 and AVX-512 VNNI kernels of the product of 8-bit weights; what they compute and why it is exact stands in
//! `int8`, whose scalar loop is their twin.

use std::arch::x86_64::*;

use super::int8_tile::{GROUP, Step, Tile};

/// Tokens that the AVX-512 kernel runs at once over 32 rows: 24 sums in 32 registers. As many sums over 64 rows and
/// half the tokens would bring each weight near twice as often.
const TILE_AVX512: usize = 12;
/// Rows that the AVX-512 kernel takes at once.
const ROWS_AVX512: usize = 32;
/// Tokens that the AVX2 kernel runs at once over 16 rows: 8 sums in 16 registers.
const TILE_AVX2: usize = 4;
/// Rows that the AVX2 kernel takes at once.
const ROWS_AVX2: usize = 16;

/// Four bytes as they lie in memory.
///
/// # Safety
/// `bytes` points to four bytes.
#[inline(always)]
unsafe fn four(bytes: *const u8) -> i32 {
    // SAFETY: the function's condition.
    unsafe { bytes.cast::<i32>().read_unaligned() }
}

/// # Safety
/// What [`Tile::run`] asserts.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run_avx2(tile: &Tile, out: &mut [f32]) {
    let tokens = tile.x.tokens();
    for row in (0..GROUP).step_by(ROWS_AVX2) {
        for token in (0..tokens).step_by(TILE_AVX2) {
            // SAFETY: as many tokens as are left, and whole rows of the group.
            unsafe {
                match tokens - token {
                    1 => tile_avx2::<1>(tile, row, token, out),
                    2 => tile_avx2::<2>(tile, row, token, out),
                    3 => tile_avx2::<3>(tile, row, token, out),
                    _ => tile_avx2::<TILE_AVX2>(tile, row, token, out),
                }
            }
        }
    }
}

/// `T` tokens against 16 rows.
///
/// # Safety
/// What [`Tile::run`] asserts, `token + T` tokens at least, and row + 16 <= [`GROUP`].
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn tile_avx2<const T: usize>(tile: &Tile, row: usize, token: usize, out: &mut [f32]) {
    // SAFETY: all offsets stay inside what the function's conditions promise: a step takes 64 bytes of its weights and
    // four codes of each token.
    unsafe {
        let inputs = tile.x.inputs();
        let x = tile.x.codes().as_ptr().add(token * inputs);
        let ones = _mm256_set1_epi16(1);
        let mut sums = [[_mm256_setzero_si256(); 2]; T];
        for (step, Step(weights)) in tile.weights.iter().enumerate() {
            let weights = weights.as_ptr().add(row).cast::<__m256i>();
            let w = [_mm256_load_si256(weights), _mm256_load_si256(weights.add(1))];
            for (t, sums) in sums.iter_mut().enumerate() {
                let codes = _mm256_set1_epi32(four(x.add(t * inputs + 4 * step)));
                let pairs = w.map(|w| _mm256_madd_epi16(_mm256_maddubs_epi16(codes, w), ones));
                sums[0] = _mm256_add_epi32(sums[0], pairs[0]);
                sums[1] = _mm256_add_epi32(sums[1], pairs[1]);
                // An empty step that may touch memory: the compiler must load and add in the order written.
                std::arch::asm!(
                    "/* {0} {1} */", inout(ymm_reg) sums[0], inout(ymm_reg) sums[1],
                    options(nostack, preserves_flags)
                );
            }
        }
        let mut totals = [[0i32; ROWS_AVX2]; T];
        for (sums, totals) in sums.iter().zip(&mut totals) {
            let to = totals.as_mut_ptr().cast::<__m256i>();
            _mm256_storeu_si256(to, sums[0]);
            _mm256_storeu_si256(to.add(1), sums[1]);
        }
        for (token, totals) in (token..).zip(&totals) {
            let span = *tile.x.spans().get_unchecked(token);
            let missed = tile.x.all_missed().as_ptr().add(token * tile.exact.len());
            let (scale, least) = (_mm256_set1_ps(span.scale), _mm256_set1_ps(span.least));
            for (total, row) in totals.as_chunks::<8>().0.iter().zip((row..).step_by(8)) {
                let factor = _mm256_mul_ps(scale, _mm256_loadu_ps(tile.scales.as_ptr().add(row)));
                let mut rest = _mm256_fmadd_ps(
                    least,
                    _mm256_loadu_ps(tile.sums.as_ptr().add(row)),
                    _mm256_loadu_ps(tile.bias.as_ptr().add(row)),
                );
                for (column, weights) in tile.exact.iter().enumerate() {
                    let missed = _mm256_set1_ps(*missed.add(column));
                    rest = _mm256_fmadd_ps(missed, _mm256_loadu_ps(weights.as_ptr().add(row)), rest);
                }
                let total = _mm256_cvtepi32_ps(_mm256_loadu_si256(total.as_ptr().cast()));
                let to = out.as_mut_ptr().add(token * tile.rows + row);
                _mm256_storeu_ps(to, _mm256_fmadd_ps(total, factor, rest));
            }
        }
    }
}

/// # Safety
/// What [`Tile::run`] asserts.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) unsafe fn run_avx512(tile: &Tile, out: &mut [f32]) {
    let tokens = tile.x.tokens();
    // Tiles of nearly the same size: one of a single token would load as much as a full one.
    let tiles = tokens.div_ceil(TILE_AVX512);
    for row in (0..GROUP).step_by(ROWS_AVX512) {
        for nth in 0..tiles {
            let (token, end) = (tokens * nth / tiles, tokens * (nth + 1) / tiles);
            // SAFETY: no more tokens than are left, and whole rows of the group.
            unsafe {
                match end - token {
                    1 => tile_avx512::<1>(tile, row, token, out),
                    2 => tile_avx512::<2>(tile, row, token, out),
                    3 => tile_avx512::<3>(tile, row, token, out),
                    4 => tile_avx512::<4>(tile, row, token, out),
                    5 => tile_avx512::<5>(tile, row, token, out),
                    6 => tile_avx512::<6>(tile, row, token, out),
                    7 => tile_avx512::<7>(tile, row, token, out),
                    8 => tile_avx512::<8>(tile, row, token, out),
                    9 => tile_avx512::<9>(tile, row, token, out),
                    10 => tile_avx512::<10>(tile, row, token, out),
                    11 => tile_avx512::<11>(tile, row, token, out),
                    _ => tile_avx512::<TILE_AVX512>(tile, row, token, out),
                }
            }
        }
    }
}

/// `T` tokens against 32 rows.
///
/// # Safety
/// What [`Tile::run`] asserts, `token + T` tokens at least, and row + 32 <= [`GROUP`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn tile_avx512<const T: usize>(tile: &Tile, row: usize, token: usize, out: &mut [f32]) {
    // SAFETY: all offsets stay inside what the function's conditions promise: a step takes 128 bytes of its weights
    // and four codes of each token.
    unsafe {
        let inputs = tile.x.inputs();
        let x = tile.x.codes().as_ptr().add(token * inputs);
        let mut sums = [[_mm512_setzero_si512(); 2]; T];
        for (step, Step(weights)) in tile.weights.iter().enumerate() {
            let weights = weights.as_ptr().add(row).cast::<__m512i>();
            let w = [_mm512_load_si512(weights), _mm512_load_si512(weights.add(1))];
            for (t, sums) in sums.iter_mut().enumerate() {
                let codes = _mm512_set1_epi32(four(x.add(t * inputs + 4 * step)));
                sums[0] = _mm512_dpbusd_epi32(sums[0], codes, w[0]);
                sums[1] = _mm512_dpbusd_epi32(sums[1], codes, w[1]);
                // As in the AVX2 kernel: keeps loads and sums in the order written.
                std::arch::asm!(
                    "/* {0} {1} */", inout(zmm_reg) sums[0], inout(zmm_reg) sums[1],
                    options(nostack, preserves_flags)
                );
            }
        }
        // By way of memory: where what follows reads the sums in a loop, they would lie there from the beginning.
        let mut totals = [[0i32; ROWS_AVX512]; T];
        for (sums, totals) in sums.iter().zip(&mut totals) {
            let to = totals.as_mut_ptr().cast::<__m512i>();
            _mm512_storeu_si512(to, sums[0]);
            _mm512_storeu_si512(to.add(1), sums[1]);
        }
        for (token, totals) in (token..).zip(&totals) {
            finish(tile, row, token, totals, out);
        }
    }
}

/// From sums of products to outputs, for one token.
///
/// # Safety
/// What [`Tile::run`] asserts, `token + 1` tokens at least, and as many totals, in whole vectors, as the group has rows
/// from `first` on, or fewer.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn finish(tile: &Tile, first: usize, token: usize, totals: &[i32], out: &mut [f32]) {
    // SAFETY: the function's conditions.
    unsafe {
        let span = *tile.x.spans().get_unchecked(token);
        let missed = tile.x.all_missed().as_ptr().add(token * tile.exact.len());
        let (scale, least) = (_mm512_set1_ps(span.scale), _mm512_set1_ps(span.least));
        for (total, row) in totals.as_chunks::<16>().0.iter().zip((first..).step_by(16)) {
            let factor = _mm512_mul_ps(scale, _mm512_loadu_ps(tile.scales.as_ptr().add(row)));
            let mut rest = _mm512_fmadd_ps(
                least,
                _mm512_loadu_ps(tile.sums.as_ptr().add(row)),
                _mm512_loadu_ps(tile.bias.as_ptr().add(row)),
            );
            for (column, weights) in tile.exact.iter().enumerate() {
                let missed = _mm512_set1_ps(*missed.add(column));
                rest = _mm512_fmadd_ps(missed, _mm512_loadu_ps(weights.as_ptr().add(row)), rest);
            }
            let total = _mm512_cvtepi32_ps(_mm512_loadu_si512(total.as_ptr().cast()));
            let to = out.as_mut_ptr().add(token * tile.rows + row);
            _mm512_storeu_ps(to, _mm512_fmadd_ps(total, factor, rest));
        }
    }
}
