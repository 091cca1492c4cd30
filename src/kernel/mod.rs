//! The arithmetic that everything numeric stands on: dot products, quantised matrix products, and the row-wise steps
//! of a transformer (softmax attention, GELU, layer norm). And the one place that maps files into memory and has the
//! allocator give some back.
//!
//! The only module with `unsafe`. Every function here has a scalar twin that says what it computes, a dispatcher that
//! picks the widest instructions this processor has (`level`), and a safe signature. It knows nothing of models,
//! files' formats or texts.

mod attention;
mod attention_rows;
#[cfg(target_arch = "x86_64")]
mod attention_x86;
mod bytes;
mod dot;
mod fixed;
pub mod heap;
mod int8;
#[cfg(target_arch = "x86_64")]
mod int8_amx;
mod int8_tile;
#[cfg(target_arch = "x86_64")]
mod int8_x86;
mod lanes;
mod level;
pub mod map;
mod nibbles;
mod rows;
mod selfcheck;

pub use attention::{AttentionScratch, HEADS, attend};
pub use bytes::Bytes;
pub use dot::{dot_and_square, dot_f32, dot_i8};
pub use fixed::decode_fixed;
pub use int8::{Int8Matrix, Int8Part};
pub use int8_tile::GROUP;
pub use nibbles::dot_nibbles;
pub use rows::{add_layer_norm, gelu, normalize};

#[cfg(test)]
mod tests {
    use super::level::Level;
    use super::{attention, bytes, dot, fixed, int8, nibbles, rows};

    #[test]
    fn every_supported_level_agrees_with_the_scalar_twins() {
        let families = [
            ("attention", &attention::CHOSEN),
            ("bytes", &bytes::CHOSEN),
            ("dot", &dot::CHOSEN),
            ("fixed", &fixed::CHOSEN),
            ("int8", &int8::CHOSEN),
            ("nibbles", &nibbles::CHOSEN),
            ("rows", &rows::CHOSEN),
        ];
        for (name, family) in families {
            let usable = family.usable();
            for level in [Level::Scalar, Level::Avx2, Level::Avx512] {
                assert_eq!(usable.contains(&level), level.supported(), "{name} at {}", level.name());
            }
            assert_eq!(usable.last().copied(), Some(family.level()), "{name}");
        }
    }
}
