//! What the matrix product works on: packed weights, rounded activations, and the piece of both that one kernel call takes.
//!
//! Owns the layout in memory that the scalar kernel and those of each level share; computes nothing of the product.

/// Weights of one Q4_0 block.
pub const Q4_BLOCK: usize = 32;
/// Bytes of one Q4_0 block: an f16 scale and 32 nibbles.
pub const Q4_BLOCK_BYTES: usize = 18;

/// Rows of a panel: one AVX-512 vector of 16, two AVX2 vectors of 8.
pub(super) const PANEL: usize = 16;
/// Bytes of a step: 4 inputs of each row of a panel.
pub(super) const STEP: usize = 4 * PANEL;
/// Blocks of the input that are unpacked at once: 12 KB of weights a panel, which leaves room for activations in 32 KB.
pub(super) const CHUNK: usize = 24;
/// Inputs of a chunk.
pub(super) const CHUNK_INPUTS: usize = CHUNK * Q4_BLOCK;
/// 32 inputs of a panel as they are stored: one stream, in the order in which the kernels read.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(32))]
pub(super) struct Packed {
    /// f16 bits, a row each.
    pub scales: [u16; PANEL],
    /// Byte `j` of a step holds row `j / 4`, input `j % 4` in its low nibble and row `8 + j / 4` in its high one.
    /// Nibbles are the file's, weight + 8.
    pub steps: [[u8; 32]; Q4_BLOCK / 4],
}

/// A chunk of a panel, unpacked.
#[repr(C, align(64))]
pub(super) struct Unpacked {
    /// `[step][row][4]`; weight + 8.
    pub weights: [u8; PANEL * CHUNK_INPUTS],
    /// `[block][row]`.
    pub scales: [f32; PANEL * CHUNK],
}

impl Unpacked {
    pub const EMPTY: Unpacked = Unpacked {
        weights: [0; PANEL * CHUNK_INPUTS],
        scales: [0.0; PANEL * CHUNK],
    };
}

/// 32 activations of a token: value = code x scale. Together, so that a kernel needs one address for each token.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[repr(C)]
pub(super) struct Block {
    pub scale: f32,
    /// `scale` in parts of the token's own, twice: where sums of 16 bits are widened by a multiplication anyway, it
    /// costs nothing to multiply by this.
    pub share: [i16; 2],
    /// What the two lanes of a row start at, -4 x sum of the codes each.
    pub start: [i16; 2],
    /// -127 to 127.
    pub codes: [i8; Q4_BLOCK],
}

/// 8-bit activations: what [`super::Q4Matrix::multiply`] takes and [`super::quantize_rows`] makes.
#[derive(Debug, Default, Clone)]
pub struct Activations {
    pub(super) inputs: usize,
    /// `[token][block]`.
    pub(super) blocks: Vec<Block>,
    /// One a token: `scale = share x unit` for each of its blocks, to within half a `unit`.
    pub(super) units: Vec<f32>,
}

impl Activations {
    /// How many tokens are held.
    pub fn tokens(&self) -> usize {
        self.units.len()
    }

    /// Finds units and shares from the scales of the blocks.
    #[inline(always)]
    pub(super) fn share(&mut self) {
        /// 1.5 x 2^23: adding it leaves the rounded integer in the low bits.
        const ROUND: f32 = 12_582_912.0;
        let tokens = self.blocks.chunks_exact_mut((self.inputs / Q4_BLOCK).max(1));
        self.units.clear();
        self.units.extend(tokens.map(|blocks| {
            let largest = blocks.iter().fold(0.0f32, |m, block| m.max(block.scale));
            let inverse = if largest > 0.0 {
                f32::from(i16::MAX) / largest
            } else {
                0.0
            };
            for block in blocks {
                block.share = [(block.scale * inverse + ROUND).to_bits() as i16; 2];
            }
            largest / f32::from(i16::MAX)
        }));
    }
}

/// One chunk of a pair of panels against all tokens.
pub(super) struct Tile<'a> {
    /// Blocks in the chunk.
    pub blocks: usize,
    /// From the chunk's first block on.
    pub x: &'a [Block],
    /// One a token.
    pub units: &'a [f32],
    /// Distance between two tokens in `x`.
    pub per_token: usize,
    /// On the first chunk: what each row's sum starts at. Later chunks go on from the output.
    pub bias: Option<&'a [f32]>,
    /// Distance between two tokens in the output.
    pub rows: usize,
}
