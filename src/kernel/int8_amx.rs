//! The AMX kernel of the product of 8-bit weights, for server processors since about 2023: 16 tokens by 16 rows by 64
//! inputs in one instruction. Its sums are the same whole numbers as those of the other kernels, and it ends as the
//! AVX-512 one does.
//!
//! Rust has no names for these instructions yet, so they stand here as assembly. The compiler uses no tile registers by
//! itself, so what they hold stays from one piece of assembly to the next.

use std::arch::asm;
use std::arch::x86_64::{__cpuid, __cpuid_count};

use super::int8_tile::{GROUP, Step, Tile};
use super::int8_x86::finish;

/// Tokens, and rows, of a tile.
const SIDE: usize = 16;
/// Inputs that one instruction takes.
pub(super) const DEPTH: usize = 64;

/// Shapes of the tile registers: all of 16 rows of 64 bytes.
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    start: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

static SHAPES: Shapes = Shapes {
    palette: 1,
    start: 0,
    reserved: [0; 14],
    row_bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// Whether the processor has the instructions and the system lets this process use them. Asks the system for leave.
#[cfg(target_os = "linux")]
pub(super) fn allowed() -> bool {
    /// Leaf 7: tiles, and products of bytes.
    const TILES: u32 = 1 << 24 | 1 << 25;
    /// The states of tiles that the system must save.
    const SAVED: u32 = 0b11 << 17;
    /// arch_prctl, and its request for the state number 18, that of the tiles' contents.
    const ARCH_PRCTL: isize = 158;
    const REQUEST: usize = 0x1023;
    const CONTENTS: usize = 18;
    if __cpuid(0).eax < 7 || __cpuid(1).ecx & (1 << 27) == 0 || __cpuid_count(7, 0).edx & TILES != TILES {
        return false;
    }
    let saved: u32;
    let outcome: isize;
    // SAFETY: bit 27 of leaf 1 says that xgetbv is there. The call changes nothing but what this process may use.
    unsafe {
        asm!("xgetbv", in("ecx") 0, out("eax") saved, out("edx") _, options(nomem, nostack));
        if saved & SAVED != SAVED {
            return false;
        }
        asm!(
            "syscall", inlateout("rax") ARCH_PRCTL => outcome, in("rdi") REQUEST, in("rsi") CONTENTS,
            out("rcx") _, out("r11") _, options(nostack)
        );
    }
    outcome == 0
}

#[cfg(not(target_os = "linux"))]
pub(super) fn allowed() -> bool {
    false
}

/// The tile registers in their shapes, for this thread, until dropped.
pub(super) struct Tiles(());

impl Tiles {
    /// # Safety
    /// [`allowed`] must have said so.
    pub unsafe fn shape() -> Self {
        // SAFETY: the function's condition; the shapes are valid ones.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const SHAPES, options(nostack, readonly)) };
        Tiles(())
    }

    /// One group against all tokens.
    ///
    /// # Safety
    /// What [`Tile::run`] asserts, inputs in a multiple of [`DEPTH`], and codes for a multiple of 16 tokens.
    #[target_feature(enable = "avx512f")]
    pub unsafe fn run(&self, tile: &Tile, out: &mut [f32]) {
        let (tokens, inputs) = (tile.x.tokens(), tile.x.inputs());
        let mut totals = Totals([[0; 2 * SIDE]; 2 * SIDE]);
        for row in (0..GROUP).step_by(2 * SIDE) {
            for token in (0..tokens).step_by(2 * SIDE) {
                // SAFETY: the codes reach to the end of each tile of tokens; where there is no second one the first is
                // taken twice and the outcome not used.
                unsafe {
                    let first = tile.x.codes().as_ptr().add(token * inputs);
                    let second = if tokens - token > SIDE {
                        first.add(SIDE * inputs)
                    } else {
                        first
                    };
                    let weights = tile.weights.as_ptr().cast::<[i8; 4]>().add(row);
                    product(first, second, weights, inputs, &mut totals);
                    for (token, totals) in (token..tokens).zip(&totals.0) {
                        finish(tile, row, token, totals, out);
                    }
                }
            }
        }
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: tiles were shaped, so the instruction is there.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}

/// Sums of products, `[token][row]`.
#[repr(C, align(64))]
struct Totals([[i32; 2 * SIDE]; 2 * SIDE]);

/// Two tiles of tokens by two of rows, over all inputs.
///
/// # Safety
/// Tiles are shaped, each pointer of codes has 16 rows of `inputs` bytes, and that of weights a step for each 4 inputs.
#[inline]
unsafe fn product(first: *const u8, second: *const u8, weights: *const [i8; 4], inputs: usize, totals: &mut Totals) {
    // SAFETY: the function's condition; a step of the loop takes 64 bytes of each token and 16 steps of weights.
    unsafe {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            "2:",
            "tileloadd tmm4, [{first} + {inputs}]",
            "tileloadd tmm6, [{weights} + {step}]",
            "tdpbusd tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{weights} + {step} + 64]",
            "tdpbusd tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{second} + {inputs}]",
            "tdpbusd tmm2, tmm5, tmm6",
            "tdpbusd tmm3, tmm5, tmm7",
            "add {first}, 64",
            "add {second}, 64",
            "add {weights}, {deep}",
            "dec {left}",
            "jnz 2b",
            "tilestored [{totals} + {width}], tmm0",
            "tilestored [{totals} + {width} + 64], tmm1",
            "tilestored [{totals} + {width} + 2048], tmm2",
            "tilestored [{totals} + {width} + 2112], tmm3",
            first = inout(reg) first => _,
            second = inout(reg) second => _,
            weights = inout(reg) weights => _,
            left = inout(reg) inputs / DEPTH => _,
            inputs = in(reg) inputs,
            step = in(reg) size_of::<Step>(),
            deep = const size_of::<Step>() * DEPTH / 4,
            totals = in(reg) totals.0.as_mut_ptr(),
            width = in(reg) size_of::<[i32; 2 * SIDE]>(),
            options(nostack),
        );
    }
}
