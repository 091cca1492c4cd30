//! The arithmetic that everything numeric stands on: dot products, quantised matrix products, and the row-wise steps
//! of a transformer (softmax attention, GELU, layer norm). And the one place that maps files into memory.
//!
//! The only module with `unsafe`. Every function here has a scalar twin that says what it computes, a dispatcher that
//! picks the widest instructions this processor has ([`Level`]), and a safe signature. It knows nothing of models,
//! files' formats or texts.

mod attention;
mod dot;
mod fixed;
mod level;
mod linear;
#[cfg(target_arch = "x86_64")]
mod linear_x86;
pub mod map;
mod rows;

pub use attention::{AttentionScratch, HEAD, attend};
pub use dot::{dot_f32, dot_i8, dots_f32, quantize_i8};
pub use fixed::decode_fixed;
pub use level::{Level, level};
pub use linear::{Activations, Q4_BLOCK, Q4_BLOCK_BYTES, Q4Matrix, Q4Part, dequantize_q4};
pub use rows::{add_layer_norm, gelu, normalize, quantize_rows};
