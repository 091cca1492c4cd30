//! The quantised matrix product of the model's linear layers: `y = x W^T + b`, weights of 4 bits, activations of 8.
//!
//! Weights come as Q4_0: blocks of 32 along the input, 4-bit integers and one f16 scale a block. They lose nothing
//! here: they stay 4 bits wide in memory (a question of 16 tokens is limited by memory as much as by arithmetic),
//! reordered into panels so that a vector holds 4 inputs of each of 8 (AVX2) or 16 (AVX-512) rows. A panel is unpacked
//! to bytes in the first-level cache once and all tokens run over it. Activations are rounded to 8 bits with one scale
//! for each block of 32 of a token: with one scale a token a few large values cost the others their precision, and
//! the worst cosine to f32 of the 40 reference texts was 0.998 instead of 0.9998.
//!
//! Why the AVX2 path loses nothing but last bits: `vpmaddubsw` multiplies unsigned by signed bytes and adds pairs in 16
//! bits with saturation. Nibbles are used as they are stored, weight + 8, so 0 to 15, and codes are -127 to 127: a pair is at
//! most 3,810 and never saturates. The surplus of a block, 8 x sum(codes), does not depend on the row; each of the two
//! 16-bit lanes that make up a row starts at -4 x sum(codes). A lane's last value is then at most
//! 16 x 127 x 11 + 16 x 127 x 4 = 30,480 <= 32,767 in size, and what wraps before it does not matter. So a block is
//! summed in 16 bits without loss and widened once.

use super::level::{Chosen, Level};
use super::selfcheck::{Stream, close};
use super::tile::{
    Activations, Block, CHUNK, CHUNK_INPUTS, PANEL, Packed, Q4_BLOCK, Q4_BLOCK_BYTES, STEP, Tile, Unpacked,
};

/// The level of the kernels in this file.
pub(super) static CHOSEN: Chosen = Chosen::new(agrees);

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
    /// `[chunk][panel][block]`.
    packed: Vec<Packed>,
    bias: Vec<f32>,
}

/// The weights of Q4_0 blocks as f32, in order: block `d, qs[16]` gives `((qs[j] & 15) - 8) d` at `j` and
/// `((qs[j] >> 4) - 8) d` at `j + 16`. Whole blocks only; `out` takes 32 numbers a block, the shorter length counts.
pub fn dequantize_q4(blocks: &[u8], out: &mut [f32]) {
    for (block, out) in blocks
        .as_chunks::<Q4_BLOCK_BYTES>()
        .0
        .iter()
        .zip(out.as_chunks_mut::<Q4_BLOCK>().0)
    {
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
            part.bias.len().is_multiple_of(2 * PANEL) && part.blocks.len() == part.bias.len() * blocks * Q4_BLOCK_BYTES
        };
        if inputs == 0 || !inputs.is_multiple_of(Q4_BLOCK) || parts.is_empty() || !parts.iter().all(fits) {
            return None;
        }
        let bias: Vec<f32> = parts.iter().flat_map(|part| part.bias).copied().collect();
        let rows = bias.len();
        let panels: Vec<&[u8]> = parts
            .iter()
            .flat_map(|part| part.blocks.chunks_exact(PANEL * blocks * Q4_BLOCK_BYTES))
            .collect();
        let mut packed = Vec::with_capacity(rows / PANEL * blocks);
        for first in (0..blocks).step_by(CHUNK) {
            for bytes in &panels {
                for block in first..blocks.min(first + CHUNK) {
                    packed.push(pack(bytes, blocks, block));
                }
            }
        }
        Some(Q4Matrix {
            rows,
            inputs,
            packed,
            bias,
        })
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
        self.multiply_at(CHOSEN.level(), x, out);
    }

    fn multiply_at(&self, level: Level, x: &Activations, out: &mut Vec<f32>) {
        assert_eq!(x.inputs, self.inputs, "activations of another layer");
        let tokens = x.tokens();
        out.resize(tokens * self.rows, 0.0);
        if tokens == 0 {
            return;
        }
        let blocks = self.inputs / Q4_BLOCK;
        let panels = self.rows / PANEL;
        // Pairs of panels, because the AVX-512 kernel takes two at once; `new` made sure that they are even.
        let mut unpacked = [Unpacked::EMPTY; 2];
        for first in (0..blocks).step_by(CHUNK) {
            let size = CHUNK.min(blocks - first);
            for panel in (0..panels).step_by(2) {
                let row = panel * PANEL;
                let tile = Tile {
                    blocks: size,
                    x: &x.blocks[first..],
                    units: &x.units,
                    per_token: blocks,
                    bias: (first == 0).then(|| &self.bias[row..row + 2 * PANEL]),
                    rows: self.rows,
                };
                let packed = [0, 1].map(|i| &self.packed[first * panels + (panel + i) * size..][..size]);
                tile.run(level, packed, &mut unpacked, tokens, &mut out[row..]);
            }
        }
    }
}

impl Tile<'_> {
    /// `out` begins at the pair's first row of the first token.
    fn run(&self, level: Level, packed: [&[Packed]; 2], unpacked: &mut [Unpacked; 2], tokens: usize, out: &mut [f32]) {
        // What the vector kernels rely on, checked where it costs nothing.
        assert!(tokens > 0 && self.blocks <= CHUNK);
        assert!(packed.iter().all(|panel| panel.len() == self.blocks));
        assert!(self.x.len() >= (tokens - 1) * self.per_token + self.blocks && self.units.len() >= tokens);
        assert!(out.len() >= (tokens - 1) * self.rows + 2 * PANEL);
        assert!(self.bias.is_none_or(|bias| bias.len() >= 2 * PANEL));
        match level {
            // SAFETY: a level is only handed out after `Level::supported` found its instructions; the assertions
            // above are the kernel's conditions.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { super::linear_x86::run_avx512(self, packed, unpacked, tokens, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { super::linear_x86::run_avx2(self, packed, &mut unpacked[0], tokens, out) },
            _ => {
                for (panel, packed) in packed.iter().enumerate() {
                    unpack(packed, &mut unpacked[0]);
                    self.run_scalar(&unpacked[0], panel, tokens, &mut out[panel * PANEL..]);
                }
            }
        }
    }

    fn run_scalar(&self, panel: &Unpacked, number: usize, tokens: usize, out: &mut [f32]) {
        for token in 0..tokens {
            let out = &mut out[token * self.rows..][..PANEL];
            if let Some(bias) = self.bias {
                out.copy_from_slice(&bias[number * PANEL..][..PANEL]);
            }
            for block in 0..self.blocks {
                let x = &self.x[token * self.per_token + block];
                let weights = &panel.weights[block * Q4_BLOCK * PANEL..][..Q4_BLOCK * PANEL];
                let mut sums = [2 * i32::from(x.start[0]); PANEL];
                for (codes, weights) in x.codes.as_chunks::<4>().0.iter().zip(weights.as_chunks::<STEP>().0) {
                    for (sum, weights) in sums.iter_mut().zip(weights.as_chunks::<4>().0) {
                        for i in 0..4 {
                            *sum += i32::from(codes[i]) * i32::from(weights[i]);
                        }
                    }
                }
                let scales = &panel.scales[block * PANEL..][..PANEL];
                for ((out, sum), scale) in out.iter_mut().zip(sums).zip(scales) {
                    *out += sum as f32 * (scale * x.scale);
                }
            }
        }
    }
}

/// One block of a panel, from the panel's rows of `blocks` Q4_0 blocks each.
fn pack(rows: &[u8], blocks: usize, block: usize) -> Packed {
    let mut packed = Packed {
        scales: [0; PANEL],
        steps: [[0; 32]; Q4_BLOCK / 4],
    };
    for row in 0..PANEL {
        let at = (row * blocks + block) * Q4_BLOCK_BYTES;
        let source = &rows[at..at + Q4_BLOCK_BYTES];
        packed.scales[row] = u16::from_le_bytes([source[0], source[1]]);
        let (place, shift) = (row % 8 * 4, row / 8 * 4);
        for (j, byte) in source[2..].iter().enumerate() {
            // Inputs j and 16 + j.
            packed.steps[j / 4][place + j % 4] |= (byte & 15) << shift;
            packed.steps[4 + j / 4][place + j % 4] |= (byte >> 4) << shift;
        }
    }
    packed
}

fn unpack(packed: &[Packed], out: &mut Unpacked) {
    let steps = packed.iter().flat_map(|block| &block.steps);
    for (step, out) in steps.zip(out.weights.as_chunks_mut::<STEP>().0) {
        for (j, byte) in step.iter().enumerate() {
            out[j] = byte & 15;
            out[32 + j] = byte >> 4;
        }
    }
    let scales = packed.iter().flat_map(|block| &block.scales);
    for (scale, out) in scales.zip(&mut out.scales) {
        *out = half::f16::from_bits(*scale).to_f32();
    }
}

/// A matrix of fixed pseudo-random blocks and activations that reach both ends of their range.
fn example(rows: usize, inputs: usize, tokens: usize) -> (Vec<u8>, Vec<f32>, Activations) {
    let mut stream = Stream((rows * inputs * 31 + tokens) as u64);
    let mut blocks = Vec::new();
    for block in 0..rows * inputs / Q4_BLOCK {
        blocks.extend_from_slice(&half::f16::from_f32(stream.unit() * 0.02).to_le_bytes());
        match block % 3 {
            0 => blocks.extend_from_slice(&[0; 16]),
            _ => blocks.extend((0..16).map(|_| stream.bits() as u8)),
        }
    }
    let mut x: Vec<Block> = (0..tokens * inputs / Q4_BLOCK)
        .map(|_| Block {
            scale: 0.01 + 0.01 * stream.unit().abs(),
            share: [0; 2],
            start: [0; 2],
            codes: std::array::from_fn(|_| (stream.bits() as i8).max(-127)),
        })
        .collect();
    // The largest sums that a block can make: weights of -8 (above) under codes of one sign, and of both.
    for (i, block) in x.iter_mut().take(4).enumerate() {
        let largest = |j: usize| {
            if (j / 4).is_multiple_of(2) == (i == 2) || i == 1 {
                127
            } else {
                -127
            }
        };
        block.codes = std::array::from_fn(largest);
    }
    for block in &mut x {
        block.start = [-4 * block.codes.iter().map(|code| i16::from(*code)).sum::<i16>(); 2];
    }
    let mut x = Activations {
        inputs,
        blocks: x,
        units: Vec::new(),
    };
    x.share();
    (blocks, stream.vector(rows), x)
}

/// Whether the product of a supported level gives what the scalar one gives, with as many tokens as any tile takes and
/// with one chunk or two.
fn agrees(level: Level) -> bool {
    let one_chunk = (1..=7).map(|tokens| (2 * Q4_BLOCK, tokens));
    one_chunk.chain([(CHUNK_INPUTS + Q4_BLOCK, 2)]).all(|(inputs, tokens)| {
        let (blocks, bias, x) = example(2 * PANEL, inputs, tokens);
        let part = Q4Part {
            blocks: &blocks,
            bias: &bias,
        };
        Q4Matrix::new(inputs, &[part]).is_some_and(|matrix| {
            let (mut fast, mut plain) = (Vec::new(), Vec::new());
            matrix.multiply_at(level, &x, &mut fast);
            matrix.multiply_at(Level::Scalar, &x, &mut plain);
            close(&fast, &plain, 1e-4)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The product by its definition, from the file's blocks.
    fn expected(blocks: &[u8], bias: &[f32], x: &Activations) -> Vec<f32> {
        let mut weights = vec![0.0; bias.len() * x.inputs];
        dequantize_q4(blocks, &mut weights);
        let value = |token: usize, i: usize| {
            let block = &x.blocks[(token * x.inputs + i) / Q4_BLOCK];
            f64::from(block.codes[i % Q4_BLOCK]) * f64::from(block.scale)
        };
        let mut out = Vec::new();
        for token in 0..x.tokens() {
            for (row, bias) in weights.chunks(x.inputs).zip(bias) {
                let dot: f64 = row
                    .iter()
                    .enumerate()
                    .map(|(i, w)| f64::from(*w) * value(token, i))
                    .sum();
                out.push((dot + f64::from(*bias)) as f32);
            }
        }
        out
    }

    fn of_one_part(inputs: usize, blocks: &[u8], bias: &[f32]) -> Q4Matrix {
        Q4Matrix::new(inputs, &[Q4Part { blocks, bias }]).unwrap()
    }

    #[test]
    fn the_product_is_the_definition_at_every_level_and_shape() {
        for (rows, inputs) in [(32, 32), (64, 96), (96, 384), (32, 416), (64, 1536)] {
            for tokens in [0, 1, 2, 3, 4, 5, 6, 7, 11, 13] {
                let (blocks, bias, x) = example(rows, inputs, tokens);
                let matrix = of_one_part(inputs, &blocks, &bias);
                let expected = expected(&blocks, &bias, &x);
                for level in CHOSEN.usable() {
                    let mut out = vec![f32::NAN; 3];
                    matrix.multiply_at(level, &x, &mut out);
                    assert!(
                        close(&out, &expected, 2e-3),
                        "{} {rows} x {inputs}, {tokens} tokens",
                        level.name()
                    );
                }
            }
        }
    }

    #[test]
    fn parts_are_stacked() {
        let (a, bias_a, x) = example(32, 64, 5);
        let (b, bias_b, _) = example(64, 64, 5);
        let parts = [
            Q4Part {
                blocks: &a,
                bias: &bias_a,
            },
            Q4Part {
                blocks: &b,
                bias: &bias_b,
            },
        ];
        let both = Q4Matrix::new(64, &parts).unwrap();
        assert_eq!((both.rows(), both.inputs()), (96, 64));
        let [mut out, mut first, mut second] = [Vec::new(), Vec::new(), Vec::new()];
        let [one, two] = [&parts[..1], &parts[1..]].map(|part| Q4Matrix::new(64, part).unwrap());
        for level in CHOSEN.usable() {
            both.multiply_at(level, &x, &mut out);
            one.multiply_at(level, &x, &mut first);
            two.multiply_at(level, &x, &mut second);
            for token in 0..5 {
                assert_eq!(out[token * 96..][..32], first[token * 32..][..32], "{}", level.name());
                assert_eq!(
                    out[token * 96 + 32..][..64],
                    second[token * 64..][..64],
                    "{}",
                    level.name()
                );
            }
        }
    }

    #[test]
    fn the_largest_sums_do_not_saturate_at_any_level() {
        // 25 blocks: a whole chunk and the first block of another. Scales are powers of two, so sums are exact.
        let inputs = 25 * Q4_BLOCK;
        for (nibbles, weights) in [(0x00, [-8, -8]), (0xFF, [7, 7]), (0xF0, [-8, 7]), (0x88, [0, 0])] {
            let mut block = half::f16::from_f32(0.125).to_le_bytes().to_vec();
            block.extend([nibbles; 16]);
            let (blocks, bias) = (block.repeat(32 * 25), vec![3.0; 32]);
            let matrix = of_one_part(inputs, &blocks, &bias);
            // The codes of the first and of the second half of a block.
            for codes in [[127, 127], [-127, -127], [127, -127], [-127, 127]] {
                let block = Block {
                    scale: 0.5,
                    share: [0; 2],
                    start: [-4 * 16 * (codes[0] + codes[1]); 2],
                    codes: std::array::from_fn(|i| codes[i / 16] as i8),
                };
                let sum: i16 = (0..2).map(|half| 16 * codes[half] * weights[half]).sum();
                let expected = 3.0 + 25.0 * 0.125 * 0.5 * f32::from(sum);
                for tokens in 1..=8 {
                    let mut x = Activations {
                        inputs,
                        blocks: vec![block; tokens * 25],
                        units: Vec::new(),
                    };
                    x.share();
                    for level in CHOSEN.usable() {
                        let mut out = Vec::new();
                        matrix.multiply_at(level, &x, &mut out);
                        let case = format!("{} {nibbles:x} {codes:?} {tokens}", level.name());
                        assert!(close(&out, &vec![expected; 32 * tokens], 1e-5), "{case}: {}", out[0]);
                    }
                }
            }
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        let (blocks, bias, _) = example(32, 64, 1);
        let check = |inputs: usize, bytes: usize, rows: usize| {
            Q4Matrix::new(
                inputs,
                &[Q4Part {
                    blocks: &blocks[..bytes],
                    bias: &bias[..rows],
                }],
            )
            .is_some()
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
