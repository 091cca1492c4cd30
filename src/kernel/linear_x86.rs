//! The AVX2 and AVX-512 VNNI kernels of the quantised matrix product; what they compute and why it is exact stands in
//! `linear`, whose scalar loop is their twin.

use std::arch::x86_64::*;

use super::tile::{PANEL, Packed, Q4_BLOCK, STEP, Tile, Unpacked};

/// Tokens that the AVX-512 kernel runs at once over a pair of panels: 12 sums of 32 bits and 12 of f32 in 32 registers.
const TILE_AVX512: usize = 6;
/// Lines of the next pair that the AVX-512 kernel asks for before a tile, for each block of it.
const PREFETCH: usize = 3;
/// Tiles during which the next panel (4.5 cache lines a block) is asked for, a line a block in each.
const AHEAD: usize = 5;

/// # Safety
/// What [`Tile::run`] asserts.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) unsafe fn run_avx2(
    tile: &Tile,
    packed: [&[Packed]; 2],
    unpacked: &mut Unpacked,
    tokens: usize,
    out: &mut [f32],
) {
    for (panel, packed) in packed.iter().enumerate() {
        let (mut token, mut ahead) = (0, 0);
        while token < tokens {
            let left = tokens - token;
            // Threes, and fours where a single token would be left over: it would load as much as three.
            let size = if left % 3 == 1 && left >= 4 { 4 } else { left.min(3) };
            // SAFETY: token + size <= tokens, and the first tile fills `unpacked`.
            unsafe {
                match (size, token) {
                    (1, 0) => tile_avx2::<1, true>(tile, panel, packed, unpacked, token, ahead, out),
                    (2, 0) => tile_avx2::<2, true>(tile, panel, packed, unpacked, token, ahead, out),
                    (3, 0) => tile_avx2::<3, true>(tile, panel, packed, unpacked, token, ahead, out),
                    (_, 0) => tile_avx2::<4, true>(tile, panel, packed, unpacked, token, ahead, out),
                    (1, _) => tile_avx2::<1, false>(tile, panel, packed, unpacked, token, ahead, out),
                    (2, _) => tile_avx2::<2, false>(tile, panel, packed, unpacked, token, ahead, out),
                    (3, _) => tile_avx2::<3, false>(tile, panel, packed, unpacked, token, ahead, out),
                    (_, _) => tile_avx2::<4, false>(tile, panel, packed, unpacked, token, ahead, out),
                }
            }
            token += size;
            ahead += 1;
        }
    }
}

/// Four bytes in each place of a vector.
///
/// # Safety
/// `bytes` points to four bytes.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn four<B>(bytes: *const B) -> __m256i {
    // SAFETY: the function's condition.
    _mm256_set1_epi32(unsafe { bytes.cast::<i32>().read_unaligned() })
}

/// `T` tokens against one panel: 2 T sums of 16 bits, widened once a block. With `FIRST` the weights come from `packed`
/// and are left in `unpacked` for the other tokens; unpacking on the way hides its stores behind the arithmetic.
///
/// # Safety
/// What [`Tile::run`] asserts for `tokens = token + T`, and panel <= 1.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn tile_avx2<const T: usize, const FIRST: bool>(
    tile: &Tile,
    panel: usize,
    packed: &[Packed],
    unpacked: &mut Unpacked,
    token: usize,
    ahead: usize,
    out: &mut [f32],
) {
    // SAFETY: all offsets stay inside what the function's conditions promise: a block takes one packed block, 8
    // steps of weights, 16 scales, and one block of each token's row. Prefetching cannot fault.
    unsafe {
        let out = out.as_mut_ptr().add(token * tile.rows + panel * PANEL);
        let mut sums = [[_mm256_setzero_ps(); 2]; T];
        let mut source = packed.as_ptr();
        let mut weights = unpacked.weights.as_mut_ptr();
        let mut scales = unpacked.scales.as_mut_ptr();
        let mut x = tile.x.as_ptr().add(token * tile.per_token);
        let nibble = _mm256_set1_epi8(15);
        // The next panel lies behind this one. When all of it has been asked for, ask for one line of it again and
        // again: that is cheaper than a branch.
        let mut next = packed
            .as_ptr_range()
            .end
            .cast::<[u8; 64]>()
            .wrapping_add(ahead.min(AHEAD) * tile.blocks);
        let further = usize::from(ahead < AHEAD);
        for _ in 0..tile.blocks {
            _mm_prefetch::<_MM_HINT_T0>(next.cast());
            next = next.wrapping_add(further);
            let mut short = [[_mm256_setzero_si256(); 2]; T];
            for (t, short) in short.iter_mut().enumerate() {
                *short = [four(&raw const (*x.add(t * tile.per_token)).start); 2];
            }
            for step in 0..Q4_BLOCK / 4 {
                let place = weights.add(STEP * step).cast::<__m256i>();
                let (w0, w1) = if FIRST {
                    let both = _mm256_load_si256((&raw const (*source).steps[step]).cast());
                    let w0 = _mm256_and_si256(both, nibble);
                    let w1 = _mm256_and_si256(_mm256_srli_epi16::<4>(both), nibble);
                    _mm256_store_si256(place, w0);
                    _mm256_store_si256(place.add(1), w1);
                    (w0, w1)
                } else {
                    (_mm256_load_si256(place), _mm256_load_si256(place.add(1)))
                };
                for (t, short) in short.iter_mut().enumerate() {
                    let x = four(
                        (&raw const (*x.add(t * tile.per_token)).codes)
                            .cast::<[i8; 4]>()
                            .add(step),
                    );
                    short[0] = _mm256_add_epi16(short[0], _mm256_maddubs_epi16(w0, x));
                    short[1] = _mm256_add_epi16(short[1], _mm256_maddubs_epi16(w1, x));
                    // An empty step that may touch memory: the compiler must load and add in the order written. Left
                    // alone it goes token by token, loads all of a block's weights first and spills them.
                    std::arch::asm!(
                        "/* {0} {1} */", inout(ymm_reg) short[0], inout(ymm_reg) short[1],
                        options(nostack, preserves_flags)
                    );
                }
            }
            let (s0, s1) = if FIRST {
                let halves = (&raw const (*source).scales).cast::<__m128i>();
                let s0 = _mm256_cvtph_ps(_mm_load_si128(halves));
                let s1 = _mm256_cvtph_ps(_mm_load_si128(halves.add(1)));
                _mm256_store_ps(scales, s0);
                _mm256_store_ps(scales.add(8), s1);
                (s0, s1)
            } else {
                (_mm256_load_ps(scales), _mm256_load_ps(scales.add(8)))
            };
            for (t, (sums, short)) in sums.iter_mut().zip(&short).enumerate() {
                let share = four(&raw const (*x.add(t * tile.per_token)).share);
                let y0 = _mm256_cvtepi32_ps(_mm256_madd_epi16(short[0], share));
                let y1 = _mm256_cvtepi32_ps(_mm256_madd_epi16(short[1], share));
                sums[0] = _mm256_fmadd_ps(y0, s0, sums[0]);
                sums[1] = _mm256_fmadd_ps(y1, s1, sums[1]);
            }
            source = source.add(1);
            weights = weights.add(PANEL * Q4_BLOCK);
            scales = scales.add(PANEL);
            x = x.add(1);
        }
        for (t, sums) in sums.iter().enumerate() {
            let unit = _mm256_set1_ps(*tile.units.get_unchecked(token + t));
            for (v, sum) in sums.iter().enumerate() {
                let out = out.add(t * tile.rows + 8 * v);
                let base = match tile.bias {
                    Some(bias) => _mm256_loadu_ps(bias.as_ptr().add(panel * PANEL + 8 * v)),
                    None => _mm256_loadu_ps(out),
                };
                _mm256_storeu_ps(out, _mm256_fmadd_ps(*sum, unit, base));
            }
        }
    }
}

#[target_feature(enable = "avx2,f16c")]
fn unpack(packed: &[Packed], out: &mut Unpacked) {
    let nibble = _mm256_set1_epi8(15);
    let weights = out.weights.as_chunks_mut::<{ PANEL * Q4_BLOCK }>().0;
    let scales = out.scales.as_chunks_mut::<PANEL>().0;
    for ((block, weights), scales) in packed.iter().zip(weights).zip(scales) {
        // SAFETY: a block has 8 steps of 32 bytes, which make 64 each, and 16 scales; `Packed` is aligned to 32 and
        // `Unpacked` to 64, and all offsets are multiples of that.
        unsafe {
            let place = weights.as_mut_ptr().cast::<__m256i>();
            for (step, bytes) in block.steps.iter().enumerate() {
                let both = _mm256_load_si256(bytes.as_ptr().cast());
                _mm256_store_si256(place.add(2 * step), _mm256_and_si256(both, nibble));
                let high = _mm256_and_si256(_mm256_srli_epi16::<4>(both), nibble);
                _mm256_store_si256(place.add(2 * step + 1), high);
            }
            for half in 0..2 {
                let halves = _mm_load_si128(block.scales.as_ptr().cast::<__m128i>().add(half));
                _mm256_store_ps(scales.as_mut_ptr().add(8 * half), _mm256_cvtph_ps(halves));
            }
        }
    }
}

/// # Safety
/// What [`Tile::run`] asserts.
#[target_feature(enable = "avx2,f16c,avx512f,avx512bw,avx512vnni")]
pub(super) unsafe fn run_avx512(
    tile: &Tile,
    packed: [&[Packed]; 2],
    unpacked: &mut [Unpacked; 2],
    tokens: usize,
    out: &mut [f32],
) {
    for (packed, unpacked) in packed.iter().zip(unpacked.iter_mut()) {
        unpack(packed, unpacked);
    }
    // The next pair lies behind this one; asked for while the first tiles run.
    let end = packed[1].as_ptr_range().end.cast::<[u8; 64]>();
    let lines = 2 * std::mem::size_of_val(packed[0]) / 64;
    let mut token = 0;
    while token < tokens {
        let size = (tokens - token).min(TILE_AVX512);
        let asked = token / TILE_AVX512 * PREFETCH * tile.blocks;
        for line in asked..lines.min(asked + PREFETCH * tile.blocks) {
            _mm_prefetch::<_MM_HINT_T1>(end.wrapping_add(line).cast());
        }
        // SAFETY: token + size <= tokens.
        unsafe {
            match size {
                1 => tile_avx512::<1>(tile, unpacked, token, out),
                2 => tile_avx512::<2>(tile, unpacked, token, out),
                3 => tile_avx512::<3>(tile, unpacked, token, out),
                4 => tile_avx512::<4>(tile, unpacked, token, out),
                5 => tile_avx512::<5>(tile, unpacked, token, out),
                _ => tile_avx512::<TILE_AVX512>(tile, unpacked, token, out),
            }
        }
        token += size;
    }
}

/// `T` tokens against both panels: 2 T sums of 32 bits a block.
///
/// # Safety
/// What [`Tile::run`] asserts for `tokens = token + T`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn tile_avx512<const T: usize>(tile: &Tile, unpacked: &[Unpacked; 2], token: usize, out: &mut [f32]) {
    // SAFETY: all offsets stay inside what the function's conditions promise: a block takes 8 steps of weights and 16
    // scales of each panel, and one block of each token's row.
    unsafe {
        let out = out.as_mut_ptr().add(token * tile.rows);
        let mut sums = [[_mm512_setzero_ps(); 2]; T];
        for (t, sums) in sums.iter_mut().enumerate() {
            for (v, sum) in sums.iter_mut().enumerate() {
                *sum = match tile.bias {
                    Some(bias) => _mm512_loadu_ps(bias.as_ptr().add(PANEL * v)),
                    None => _mm512_loadu_ps(out.add(t * tile.rows + PANEL * v)),
                };
            }
        }
        let mut x = tile.x.as_ptr().add(token * tile.per_token);
        let ones = _mm512_set1_epi16(1);
        for block in 0..tile.blocks {
            let weights = unpacked
                .each_ref()
                .map(|u| u.weights.as_ptr().add(block * PANEL * Q4_BLOCK));
            let scales = unpacked
                .each_ref()
                .map(|u| _mm512_load_ps(u.scales.as_ptr().add(block * PANEL)));
            let mut whole = [[_mm512_setzero_si512(); 2]; T];
            for (t, whole) in whole.iter_mut().enumerate() {
                let start = (&raw const (*x.add(t * tile.per_token)).start)
                    .cast::<i32>()
                    .read_unaligned();
                *whole = [_mm512_madd_epi16(_mm512_set1_epi32(start), ones); 2];
            }
            for step in 0..Q4_BLOCK / 4 {
                let w = weights.map(|weights| _mm512_load_si512(weights.add(STEP * step).cast()));
                for (t, whole) in whole.iter_mut().enumerate() {
                    let codes = (&raw const (*x.add(t * tile.per_token)).codes).cast::<i32>().add(step);
                    let codes = _mm512_set1_epi32(codes.read_unaligned());
                    whole[0] = _mm512_dpbusd_epi32(whole[0], w[0], codes);
                    whole[1] = _mm512_dpbusd_epi32(whole[1], w[1], codes);
                    // As in the AVX2 kernel: keeps loads and sums in the order written.
                    std::arch::asm!(
                        "/* {0} {1} */", inout(zmm_reg) whole[0], inout(zmm_reg) whole[1],
                        options(nostack, preserves_flags)
                    );
                }
            }
            for (t, (sums, whole)) in sums.iter_mut().zip(&whole).enumerate() {
                let scale = _mm512_set1_ps((*x.add(t * tile.per_token)).scale);
                for v in 0..2 {
                    let y = _mm512_cvtepi32_ps(whole[v]);
                    sums[v] = _mm512_fmadd_ps(y, _mm512_mul_ps(scales[v], scale), sums[v]);
                }
            }
            x = x.add(1);
        }
        for (t, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                _mm512_storeu_ps(out.add(t * tile.rows + PANEL * v), *sum);
            }
        }
    }
}
