//! The quantised matrix product of the model's linear layers: `y = x W^T + b`, weights of 4 bits, activations of 8.
//!
//! Weights come as Q4_0: blocks of 32 along the input, 4-bit integers -8..=7 and one f16 scale a block. They lose
//! nothing here: they stay 4 bits wide in memory (a question of 16 tokens is limited by memory as much as by
//! arithmetic), reordered into panels so that a vector holds 4 inputs of each of 8 (AVX2) or 16 (AVX-512) rows.
//! A panel is unpacked to int8 in the first-level cache once and all tokens run over it. Activations are rounded to
//! 8 bits with one scale a token.
//!
//! Why the AVX2 path is exact: `vpmaddubsw` multiplies unsigned by signed bytes and adds pairs in 16 bits with
//! saturation. With |weight| <= 8 and activations <= 255 the sum of one block's eight instructions is at most
//! 16 x 255 x 8 = 32,640 <= 32,767 a lane, so a block is summed in 16 bits without loss and widened once.
//!
//! Activations are stored as `code + 128`; the surplus `128 x sum(weights)` of a row does not depend on the token and
//! is taken off by starting each sum at its negative.

use super::level::{Level, Stream, close, level};

/// Weights of one Q4_0 block.
pub const Q4_BLOCK: usize = 32;
/// Bytes of one Q4_0 block: an f16 scale and 32 nibbles.
pub const Q4_BLOCK_BYTES: usize = 18;

/// Rows of a panel: two AVX-512 vectors of 16, four AVX2 vectors of 8.
const PANEL: usize = 32;
/// Blocks of the input that are unpacked at once: 12 KB of weights, which leaves room for activations in 32 KB.
const CHUNK: usize = 12;
/// Inputs of a chunk.
const CHUNK_INPUTS: usize = CHUNK * Q4_BLOCK;
/// Tokens that the AVX2 kernel runs at once over half a panel; chosen by measurement.
#[cfg(target_arch = "x86_64")]
const TILE_AVX2: usize = 3;
/// Tokens that the AVX-512 kernel runs at once over a whole panel.
#[cfg(target_arch = "x86_64")]
const TILE_AVX512: usize = 6;

/// 4 inputs of each of a panel's 32 rows: byte `j` holds row `j / 4`, input `j % 4` in its low nibble, and row
/// `16 + j / 4` in its high one. Nibbles are the file's, weight + 8.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// The scales of one block of a panel, f16 bits, a row each.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Scales([u16; PANEL]);

/// A chunk of a panel, unpacked.
#[repr(C, align(64))]
struct Unpacked {
    /// `[step][row][4]`, a step being 4 inputs.
    weights: [i8; PANEL * CHUNK_INPUTS],
    /// `[block][row]`.
    scales: [f32; PANEL * CHUNK],
}

/// Rows of a weight matrix as the model's file holds them, with their biases.
#[derive(Debug, Clone, Copy)]
pub struct Q4Part<'a> {
    /// Q4_0 blocks, row by row: `rows x inputs / 32 x 18` bytes.
    pub blocks: &'a [u8],
    /// One a row.
    pub bias: &'a [f32],
}

/// A linear layer with 4-bit weights, packed for the kernels.
pub struct Q4Matrix {
    rows: usize,
    inputs: usize,
    /// `[chunk][panel][step]`: the order in which the kernels read.
    lines: Vec<Line>,
    /// `[chunk][panel][block]`.
    scales: Vec<Scales>,
    /// A row's `-128 x sum of its weights`.
    start: Vec<f32>,
    bias: Vec<f32>,
}

/// 8-bit activations: what [`Q4Matrix::multiply`] takes.
#[derive(Debug, Default, Clone)]
pub struct Activations {
    pub(super) inputs: usize,
    /// `[token][input]`, code + 128.
    pub(super) codes: Vec<u8>,
    /// One a token: value = code x scale.
    pub(super) scales: Vec<f32>,
}

impl Activations {
    /// How many tokens are held.
    pub fn tokens(&self) -> usize {
        self.scales.len()
    }
}

/// The weights of Q4_0 blocks as f32, in order: block `d, qs[16]` gives `((qs[j] & 15) - 8) d` at `j` and
/// `((qs[j] >> 4) - 8) d` at `j + 16`. Whole blocks only; `out` takes 32 numbers a block, the shorter length counts.
pub fn dequantize_q4(blocks: &[u8], out: &mut [f32]) {
    for (block, out) in blocks.as_chunks::<Q4_BLOCK_BYTES>().0.iter().zip(out.as_chunks_mut::<Q4_BLOCK>().0) {
        let scale = half::f16::from_le_bytes([block[0], block[1]]).to_f32();
        for (j, byte) in block[2..].iter().enumerate() {
            out[j] = (f32::from(byte & 15) - 8.0) * scale;
            out[j + 16] = (f32::from(byte >> 4) - 8.0) * scale;
        }
    }
}

impl Q4Matrix {
    /// Packs the rows of `parts`, one after the other, as one matrix of `inputs` columns. `None` if a part's bytes do
    /// not fit its biases, if `inputs` is not a multiple of 32, or if the rows of a part are not.
    pub fn new(inputs: usize, parts: &[Q4Part]) -> Option<Self> {
        let blocks = inputs / Q4_BLOCK;
        let fits = |part: &Q4Part| {
            part.bias.len().is_multiple_of(PANEL) && part.blocks.len() == part.bias.len() * blocks * Q4_BLOCK_BYTES
        };
        if inputs == 0 || !inputs.is_multiple_of(Q4_BLOCK) || parts.is_empty() || !parts.iter().all(fits) {
            return None;
        }
        let bias: Vec<f32> = parts.iter().flat_map(|part| part.bias).copied().collect();
        let rows = bias.len();
        let panels: Vec<&[u8]> =
            parts.iter().flat_map(|part| part.blocks.chunks_exact(PANEL * blocks * Q4_BLOCK_BYTES)).collect();
        let mut lines = Vec::with_capacity(rows / PANEL * inputs / 4);
        let mut scales = Vec::with_capacity(rows / PANEL * blocks);
        let mut start = vec![0.0f32; rows];
        for first in (0..blocks).step_by(CHUNK) {
            for (panel, bytes) in panels.iter().enumerate() {
                for block in first..blocks.min(first + CHUNK) {
                    let mut packed = [Line([0; 64]); Q4_BLOCK / 4];
                    let mut scale = Scales([0; PANEL]);
                    for row in 0..PANEL {
                        let at = (row * blocks + block) * Q4_BLOCK_BYTES;
                        let source = &bytes[at..at + Q4_BLOCK_BYTES];
                        scale.0[row] = u16::from_le_bytes([source[0], source[1]]);
                        let (place, shift) = (row % 16 * 4, row / 16 * 4);
                        let mut sum = 0i32;
                        for (j, byte) in source[2..].iter().enumerate() {
                            let (low, high) = (byte & 15, byte >> 4);
                            packed[j / 4].0[place + j % 4] |= low << shift;
                            packed[4 + j / 4].0[place + j % 4] |= high << shift;
                            sum += i32::from(low) + i32::from(high) - 16;
                        }
                        start[panel * PANEL + row] -= 128.0 * sum as f32 * half::f16::from_bits(scale.0[row]).to_f32();
                    }
                    lines.extend_from_slice(&packed);
                    scales.push(scale);
                }
            }
        }
        Some(Q4Matrix { rows, inputs, lines, scales, start, bias })
    }

    /// Outputs of the layer.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Inputs of the layer.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// `out[token][row] = x[token] . W[row] + bias[row]`; `out` is resized to `tokens x rows`.
    ///
    /// # Panics
    /// If `x` has another number of inputs than the matrix, which is a defect of the caller.
    pub fn multiply(&self, x: &Activations, out: &mut Vec<f32>) {
        self.multiply_at(level(), x, out);
    }

    fn multiply_at(&self, level: Level, x: &Activations, out: &mut Vec<f32>) {
        assert_eq!(x.inputs, self.inputs, "activations of another layer");
        assert_eq!(x.codes.len(), x.tokens() * x.inputs, "activations are whole");
        let tokens = x.tokens();
        out.resize(tokens * self.rows, 0.0);
        if tokens == 0 {
            return;
        }
        let blocks = self.inputs / Q4_BLOCK;
        let panels = self.rows / PANEL;
        let mut unpacked = Unpacked { weights: [0; PANEL * CHUNK_INPUTS], scales: [0.0; PANEL * CHUNK] };
        for first in (0..blocks).step_by(CHUNK) {
            let size = CHUNK.min(blocks - first);
            for panel in 0..panels {
                let at = first * panels + panel * size;
                unpack(level, &self.lines[at * 8..(at + size) * 8], &self.scales[at..at + size], &mut unpacked);
                let row = panel * PANEL;
                let tile = Tile {
                    weights: &unpacked,
                    blocks: size,
                    codes: &x.codes[first * Q4_BLOCK..],
                    inputs: self.inputs,
                    start: (first == 0).then(|| &self.start[row..row + PANEL]),
                    finish: (first + size == blocks).then(|| (&x.scales[..], &self.bias[row..row + PANEL])),
                    rows: self.rows,
                };
                tile.run(level, tokens, &mut out[row..]);
            }
        }
    }
}

fn unpack(level: Level, lines: &[Line], scales: &[Scales], out: &mut Unpacked) {
    match level {
        // SAFETY: a level is only handed out after `Level::supported` found its instructions.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { x86::unpack_avx512(lines, scales, out) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { x86::unpack_avx2(lines, scales, out) },
        _ => unpack_scalar(lines, scales, out),
    }
}

fn unpack_scalar(lines: &[Line], scales: &[Scales], out: &mut Unpacked) {
    for (line, out) in lines.iter().zip(out.weights.as_chunks_mut::<128>().0) {
        for (j, byte) in line.0.iter().enumerate() {
            out[j] = (byte & 15) as i8 - 8;
            out[64 + j] = (byte >> 4) as i8 - 8;
        }
    }
    for (scales, out) in scales.iter().zip(out.scales.as_chunks_mut::<PANEL>().0) {
        for (scale, out) in scales.0.iter().zip(out) {
            *out = half::f16::from_bits(*scale).to_f32();
        }
    }
}

/// One chunk of one panel against all tokens.
struct Tile<'a> {
    weights: &'a Unpacked,
    /// Blocks in the chunk.
    blocks: usize,
    /// From the chunk's first input on; a token's row is `inputs` further on than the last one's.
    codes: &'a [u8],
    inputs: usize,
    /// On the first chunk: what each row's sum starts at. Later chunks go on from `out`.
    start: Option<&'a [f32]>,
    /// On the last chunk: the tokens' scales and the rows' biases.
    finish: Option<(&'a [f32], &'a [f32])>,
    /// Distance between two tokens in `out`.
    rows: usize,
}

impl Tile<'_> {
    /// `out` begins at the panel's first row of the first token.
    fn run(&self, level: Level, tokens: usize, out: &mut [f32]) {
        // What the vector kernels rely on, checked where it costs nothing.
        assert!(self.blocks <= CHUNK);
        assert!(self.codes.len() >= (tokens - 1) * self.inputs + self.blocks * Q4_BLOCK);
        assert!(out.len() >= (tokens - 1) * self.rows + PANEL);
        assert!(self.start.is_none_or(|start| start.len() >= PANEL));
        assert!(self.finish.is_none_or(|(scales, bias)| scales.len() >= tokens && bias.len() >= PANEL));
        match level {
            // SAFETY: a level is only handed out after `Level::supported` found its instructions; the assertions
            // above are the kernel's conditions.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { x86::run_avx512(self, tokens, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { x86::run_avx2(self, tokens, out) },
            _ => self.run_scalar(tokens, out),
        }
    }

    fn run_scalar(&self, tokens: usize, out: &mut [f32]) {
        for token in 0..tokens {
            let out = &mut out[token * self.rows..][..PANEL];
            if let Some(start) = self.start {
                out.copy_from_slice(&start[..PANEL]);
            }
            for block in 0..self.blocks {
                let codes = &self.codes[token * self.inputs + block * Q4_BLOCK..][..Q4_BLOCK];
                let weights = &self.weights.weights[block * Q4_BLOCK * PANEL..][..Q4_BLOCK * PANEL];
                let mut sums = [0i32; PANEL];
                for (codes, weights) in codes.as_chunks::<4>().0.iter().zip(weights.as_chunks::<128>().0) {
                    for (sum, weights) in sums.iter_mut().zip(weights.as_chunks::<4>().0) {
                        for i in 0..4 {
                            *sum += i32::from(codes[i]) * i32::from(weights[i]);
                        }
                    }
                }
                let scales = &self.weights.scales[block * PANEL..][..PANEL];
                for ((out, sum), scale) in out.iter_mut().zip(sums).zip(scales) {
                    *out += sum as f32 * scale;
                }
            }
            if let Some((scales, bias)) = self.finish {
                for (out, bias) in out.iter_mut().zip(bias) {
                    *out = *out * scales[token] + bias;
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Line, PANEL, Q4_BLOCK, Scales, TILE_AVX2, TILE_AVX512, Tile, Unpacked};
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx2,f16c")]
    pub fn unpack_avx2(lines: &[Line], scales: &[Scales], out: &mut Unpacked) {
        let (nibble, eight) = (_mm256_set1_epi8(15), _mm256_set1_epi8(8));
        for (line, out) in lines.iter().zip(out.weights.as_chunks_mut::<128>().0) {
            for half in 0..2 {
                // SAFETY: a line holds 64 bytes, `out` 128, and half <= 1; `Line` and `Unpacked` are aligned to 64.
                unsafe {
                    let packed = _mm256_load_si256(line.0.as_ptr().add(32 * half).cast());
                    let low = _mm256_sub_epi8(_mm256_and_si256(packed, nibble), eight);
                    let high = _mm256_sub_epi8(_mm256_and_si256(_mm256_srli_epi16::<4>(packed), nibble), eight);
                    _mm256_store_si256(out.as_mut_ptr().add(32 * half).cast(), low);
                    _mm256_store_si256(out.as_mut_ptr().add(64 + 32 * half).cast(), high);
                }
            }
        }
        for (scales, out) in scales.iter().zip(out.scales.as_chunks_mut::<PANEL>().0) {
            for eighth in 0..PANEL / 8 {
                // SAFETY: 8 eighth + 8 <= 32, the length of both.
                unsafe {
                    let halves = _mm_load_si128(scales.0.as_ptr().add(8 * eighth).cast());
                    _mm256_store_ps(out.as_mut_ptr().add(8 * eighth), _mm256_cvtph_ps(halves));
                }
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    pub fn unpack_avx512(lines: &[Line], scales: &[Scales], out: &mut Unpacked) {
        let (nibble, eight) = (_mm512_set1_epi8(15), _mm512_set1_epi8(8));
        for (line, out) in lines.iter().zip(out.weights.as_chunks_mut::<128>().0) {
            // SAFETY: a line holds 64 bytes, `out` 128; `Line` and `Unpacked` are aligned to 64.
            unsafe {
                let packed = _mm512_load_si512(line.0.as_ptr().cast());
                let low = _mm512_sub_epi8(_mm512_and_si512(packed, nibble), eight);
                let high = _mm512_sub_epi8(_mm512_and_si512(_mm512_srli_epi16::<4>(packed), nibble), eight);
                _mm512_store_si512(out.as_mut_ptr().cast(), low);
                _mm512_store_si512(out.as_mut_ptr().add(64).cast(), high);
            }
        }
        for (scales, out) in scales.iter().zip(out.scales.as_chunks_mut::<PANEL>().0) {
            for half in 0..2 {
                // SAFETY: 16 half + 16 <= 32, the length of both.
                unsafe {
                    let halves = _mm256_load_si256(scales.0.as_ptr().add(16 * half).cast());
                    _mm512_store_ps(out.as_mut_ptr().add(16 * half), _mm512_cvtph_ps(halves));
                }
            }
        }
    }

    /// # Safety
    /// What [`Tile::run`] asserts.
    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn run_avx2(tile: &Tile, tokens: usize, out: &mut [f32]) {
        let whole = tokens - tokens % TILE_AVX2;
        for half in 0..2 {
            for token in (0..whole).step_by(TILE_AVX2) {
                // SAFETY: token + TILE_AVX2 <= tokens.
                unsafe { tile_avx2::<TILE_AVX2>(tile, half, token, out) };
            }
            // SAFETY: whole + the remainder is tokens.
            unsafe {
                match tokens - whole {
                    1 => tile_avx2::<1>(tile, half, whole, out),
                    2 => tile_avx2::<2>(tile, half, whole, out),
                    3 => tile_avx2::<3>(tile, half, whole, out),
                    _ => {}
                }
            }
        }
    }

    /// `T` tokens against rows `16 half ..` of the panel: 2 T sums of 16 bits, widened once a block.
    ///
    /// # Safety
    /// What [`Tile::run`] asserts for `tokens = token + T`, and half <= 1.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn tile_avx2<const T: usize>(tile: &Tile, half: usize, token: usize, out: &mut [f32]) {
        // SAFETY: all offsets stay inside what the function's conditions promise: a block takes 32 inputs x 32 rows of
        // weights, 32 scales, and 32 codes of each token's row.
        unsafe {
            let out = out.as_mut_ptr().add(token * tile.rows + 16 * half);
            let mut sums = [[_mm256_setzero_ps(); 2]; T];
            for (t, sums) in sums.iter_mut().enumerate() {
                for (v, sum) in sums.iter_mut().enumerate() {
                    *sum = match tile.start {
                        Some(start) => _mm256_loadu_ps(start.as_ptr().add(16 * half + 8 * v)),
                        None => _mm256_loadu_ps(out.add(t * tile.rows + 8 * v)),
                    };
                }
            }
            let mut weights = tile.weights.weights.as_ptr().add(64 * half);
            let mut scales = tile.weights.scales.as_ptr().add(16 * half);
            let mut codes = tile.codes.as_ptr().add(token * tile.inputs);
            let ones = _mm256_set1_epi16(1);
            for _ in 0..tile.blocks {
                let mut short = [[_mm256_setzero_si256(); 2]; T];
                for step in 0..Q4_BLOCK / 4 {
                    let w0 = _mm256_load_si256(weights.add(128 * step).cast());
                    let w1 = _mm256_load_si256(weights.add(128 * step + 32).cast());
                    for (t, short) in short.iter_mut().enumerate() {
                        let x = _mm256_set1_epi32(codes.add(t * tile.inputs + 4 * step).cast::<i32>().read_unaligned());
                        short[0] = _mm256_add_epi16(short[0], _mm256_maddubs_epi16(x, w0));
                        short[1] = _mm256_add_epi16(short[1], _mm256_maddubs_epi16(x, w1));
                    }
                }
                let (s0, s1) = (_mm256_load_ps(scales), _mm256_load_ps(scales.add(8)));
                for (sums, short) in sums.iter_mut().zip(&short) {
                    let y0 = _mm256_cvtepi32_ps(_mm256_madd_epi16(short[0], ones));
                    let y1 = _mm256_cvtepi32_ps(_mm256_madd_epi16(short[1], ones));
                    sums[0] = _mm256_fmadd_ps(y0, s0, sums[0]);
                    sums[1] = _mm256_fmadd_ps(y1, s1, sums[1]);
                }
                weights = weights.add(PANEL * Q4_BLOCK);
                scales = scales.add(PANEL);
                codes = codes.add(Q4_BLOCK);
            }
            for (t, sums) in sums.iter().enumerate() {
                for (v, sum) in sums.iter().enumerate() {
                    let y = match tile.finish {
                        Some((scales, bias)) => {
                            let bias = _mm256_loadu_ps(bias.as_ptr().add(16 * half + 8 * v));
                            _mm256_fmadd_ps(*sum, _mm256_set1_ps(*scales.get_unchecked(token + t)), bias)
                        }
                        None => *sum,
                    };
                    _mm256_storeu_ps(out.add(t * tile.rows + 8 * v), y);
                }
            }
        }
    }

    /// # Safety
    /// What [`Tile::run`] asserts.
    #[target_feature(enable = "avx512f,avx512vnni")]
    pub unsafe fn run_avx512(tile: &Tile, tokens: usize, out: &mut [f32]) {
        let whole = tokens - tokens % TILE_AVX512;
        for token in (0..whole).step_by(TILE_AVX512) {
            // SAFETY: token + TILE_AVX512 <= tokens.
            unsafe { tile_avx512::<TILE_AVX512>(tile, token, out) };
        }
        // SAFETY: whole + the remainder is tokens.
        unsafe {
            match tokens - whole {
                1 => tile_avx512::<1>(tile, whole, out),
                2 => tile_avx512::<2>(tile, whole, out),
                3 => tile_avx512::<3>(tile, whole, out),
                4 => tile_avx512::<4>(tile, whole, out),
                5 => tile_avx512::<5>(tile, whole, out),
                _ => {}
            }
        }
    }

    /// `T` tokens against the whole panel: 2 T sums of 32 bits a block.
    ///
    /// # Safety
    /// What [`Tile::run`] asserts for `tokens = token + T`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vnni")]
    unsafe fn tile_avx512<const T: usize>(tile: &Tile, token: usize, out: &mut [f32]) {
        // SAFETY: all offsets stay inside what the function's conditions promise: a block takes 32 inputs x 32 rows of
        // weights, 32 scales, and 32 codes of each token's row.
        unsafe {
            let out = out.as_mut_ptr().add(token * tile.rows);
            let mut sums = [[_mm512_setzero_ps(); 2]; T];
            for (t, sums) in sums.iter_mut().enumerate() {
                for (v, sum) in sums.iter_mut().enumerate() {
                    *sum = match tile.start {
                        Some(start) => _mm512_loadu_ps(start.as_ptr().add(16 * v)),
                        None => _mm512_loadu_ps(out.add(t * tile.rows + 16 * v)),
                    };
                }
            }
            let mut weights = tile.weights.weights.as_ptr();
            let mut scales = tile.weights.scales.as_ptr();
            let mut codes = tile.codes.as_ptr().add(token * tile.inputs);
            for _ in 0..tile.blocks {
                let mut whole = [[_mm512_setzero_si512(); 2]; T];
                for step in 0..Q4_BLOCK / 4 {
                    let w0 = _mm512_load_si512(weights.add(128 * step).cast());
                    let w1 = _mm512_load_si512(weights.add(128 * step + 64).cast());
                    for (t, whole) in whole.iter_mut().enumerate() {
                        let x = _mm512_set1_epi32(codes.add(t * tile.inputs + 4 * step).cast::<i32>().read_unaligned());
                        whole[0] = _mm512_dpbusd_epi32(whole[0], x, w0);
                        whole[1] = _mm512_dpbusd_epi32(whole[1], x, w1);
                    }
                }
                let (s0, s1) = (_mm512_load_ps(scales), _mm512_load_ps(scales.add(16)));
                for (sums, whole) in sums.iter_mut().zip(&whole) {
                    sums[0] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole[0]), s0, sums[0]);
                    sums[1] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole[1]), s1, sums[1]);
                }
                weights = weights.add(PANEL * Q4_BLOCK);
                scales = scales.add(PANEL);
                codes = codes.add(Q4_BLOCK);
            }
            for (t, sums) in sums.iter().enumerate() {
                for (v, sum) in sums.iter().enumerate() {
                    let y = match tile.finish {
                        Some((scales, bias)) => {
                            let bias = _mm512_loadu_ps(bias.as_ptr().add(16 * v));
                            _mm512_fmadd_ps(*sum, _mm512_set1_ps(*scales.get_unchecked(token + t)), bias)
                        }
                        None => *sum,
                    };
                    _mm512_storeu_ps(out.add(t * tile.rows + 16 * v), y);
                }
            }
        }
    }
}

/// A matrix of fixed pseudo-random blocks and activations that reach both ends of their range.
fn example(rows: usize, inputs: usize, tokens: usize) -> (Vec<u8>, Vec<f32>, Activations) {
    let mut stream = Stream((rows * inputs * 31 + tokens) as u64);
    let mut blocks = Vec::new();
    for block in 0..rows * inputs / Q4_BLOCK {
        blocks.extend_from_slice(&half::f16::from_f32(stream.unit() * 0.02).to_le_bytes());
        match block % 5 {
            0 => blocks.extend_from_slice(&[0; 16]),
            _ => blocks.extend((0..16).map(|_| stream.bits() as u8)),
        }
    }
    let mut codes: Vec<u8> = (0..tokens * inputs).map(|_| stream.bits() as u8).collect();
    // The largest sums that a block can make: weights of -8 (above) under codes of 255.
    codes.iter_mut().take(2 * Q4_BLOCK).for_each(|code| *code = 255);
    let scales = (0..tokens).map(|_| 0.01 + 0.01 * stream.unit().abs()).collect();
    (blocks, stream.vector(rows), Activations { inputs, codes, scales })
}

/// Whether the product of a supported level gives what the scalar one gives.
pub(super) fn agrees(level: Level) -> bool {
    let (blocks, bias, x) = example(PANEL, 2 * Q4_BLOCK, 7);
    let Some(matrix) = Q4Matrix::new(x.inputs, &[Q4Part { blocks: &blocks, bias: &bias }]) else {
        return false;
    };
    let (mut fast, mut plain) = (Vec::new(), Vec::new());
    matrix.multiply_at(level, &x, &mut fast);
    matrix.multiply_at(Level::Scalar, &x, &mut plain);
    close(&fast, &plain, 1e-4)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The product by its definition, from the file's blocks.
    fn expected(blocks: &[u8], bias: &[f32], x: &Activations) -> Vec<f32> {
        let mut weights = vec![0.0; bias.len() * x.inputs];
        dequantize_q4(blocks, &mut weights);
        let value = |token: usize, i: usize| {
            (f64::from(x.codes[token * x.inputs + i]) - 128.0) * f64::from(x.scales[token])
        };
        let mut out = Vec::new();
        for token in 0..x.tokens() {
            for (row, bias) in weights.chunks(x.inputs).zip(bias) {
                let dot: f64 = row.iter().enumerate().map(|(i, w)| f64::from(*w) * value(token, i)).sum();
                out.push((dot + f64::from(*bias)) as f32);
            }
        }
        out
    }

    #[test]
    fn the_product_is_the_definition_at_every_level_and_shape() {
        for (rows, inputs) in [(32, 32), (64, 96), (96, 384), (32, 416), (64, 1536)] {
            for tokens in [0, 1, 2, 3, 4, 5, 6, 7, 11, 13] {
                let (blocks, bias, x) = example(rows, inputs, tokens);
                let matrix = Q4Matrix::new(inputs, &[Q4Part { blocks: &blocks, bias: &bias }]).unwrap();
                let expected = expected(&blocks, &bias, &x);
                for level in Level::usable() {
                    let mut out = vec![f32::NAN; 3];
                    matrix.multiply_at(level, &x, &mut out);
                    assert!(close(&out, &expected, 2e-3), "{} {rows} x {inputs}, {tokens} tokens", level.name());
                }
            }
        }
    }

    #[test]
    fn parts_are_stacked() {
        let (a, bias_a, x) = example(32, 64, 5);
        let (b, bias_b, _) = example(64, 64, 5);
        let parts = [Q4Part { blocks: &a, bias: &bias_a }, Q4Part { blocks: &b, bias: &bias_b }];
        let both = Q4Matrix::new(64, &parts).unwrap();
        assert_eq!((both.rows(), both.inputs()), (96, 64));
        let [mut out, mut first, mut second] = [Vec::new(), Vec::new(), Vec::new()];
        both.multiply(&x, &mut out);
        Q4Matrix::new(64, &parts[..1]).unwrap().multiply(&x, &mut first);
        Q4Matrix::new(64, &parts[1..]).unwrap().multiply(&x, &mut second);
        for token in 0..5 {
            assert_eq!(out[token * 96..][..32], first[token * 32..][..32]);
            assert_eq!(out[token * 96 + 32..][..64], second[token * 64..][..64]);
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        let (blocks, bias, _) = example(32, 64, 1);
        let check = |inputs: usize, bytes: usize, rows: usize| {
            Q4Matrix::new(inputs, &[Q4Part { blocks: &blocks[..bytes], bias: &bias[..rows] }]).is_some()
        };
        assert!(check(64, blocks.len(), 32));
        assert!(!check(64, blocks.len() - 1, 32));
        assert!(!check(64, blocks.len() / 32 * 31, 31));
        assert!(!check(32, blocks.len(), 32));
        assert!(!check(0, 0, 32));
        assert!(!check(33, blocks.len(), 32));
        assert!(Q4Matrix::new(64, &[]).is_none());
    }
}
