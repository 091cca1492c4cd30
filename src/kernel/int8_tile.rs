//! What the product of 8-bit weights works on: the layout of the weights in memory, and the piece that one kernel call
//! takes. Shared by the scalar kernel and those of each level; computes nothing.

use super::bytes::Bytes;

/// Rows of a group.
pub const GROUP: usize = 64;

/// 4 inputs of each row of a group: `[row][input]`.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Step(pub [[i8; 4]; GROUP]);

/// One group against all tokens.
pub(super) struct Tile<'a> {
    /// A step for each 4 inputs.
    pub weights: &'a [Step],
    pub scales: &'a [f32; GROUP],
    pub sums: &'a [f32; GROUP],
    pub bias: &'a [f32; GROUP],
    /// Weights of the columns that count in full, as numbers.
    pub exact: &'a [[f32; GROUP]],
    pub x: &'a Bytes,
    /// Distance between two tokens in the output.
    pub rows: usize,
}
