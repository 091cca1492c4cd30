//! Which instructions this processor runs, found once, and proven once: a level that does not reproduce its scalar
//! twin on a small fixed problem is never used, so a wrong kernel costs speed and not answers.
//!
//! The AVX-512 kernels matter most to be proven this way: not every machine that builds them can run their tests.

use std::sync::OnceLock;

/// A set of instructions that the kernels have a path for, narrowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Plain Rust: any processor.
    Scalar,
    /// AVX2 with FMA and F16C: x86-64 since about 2013.
    Avx2,
    /// AVX-512 F, BW, DQ, VL and VNNI: servers since about 2019, Zen 4 and later.
    Avx512,
}

impl Level {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Level::Scalar => "scalar",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512-vnni",
        }
    }

    /// Whether this processor has the instructions of the level.
    fn supported(self) -> bool {
        match self {
            Level::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => {
                is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")
            }
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => {
                Level::Avx2.supported()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vnni")
            }
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }

    /// Whether every kernel of the level gives what its scalar twin gives.
    fn agrees(self) -> bool {
        super::dot::agrees(self)
            && super::fixed::agrees(self)
            && super::linear::agrees(self)
            && super::attention::agrees(self)
            && super::rows::agrees(self)
    }

    /// The levels that run here and agree with the scalar twins, narrowest first. For tests and benches that compare
    /// levels; everything else takes [`level`].
    pub fn usable() -> Vec<Level> {
        [Level::Scalar, Level::Avx2, Level::Avx512]
            .into_iter()
            .filter(|level| level.supported() && level.agrees())
            .collect()
    }
}

/// The widest level that this processor supports and whose kernels agree with their scalar twins. Found on the first
/// call (well under a millisecond), one atomic load after that.
#[inline]
pub fn level() -> Level {
    static FOUND: OnceLock<Level> = OnceLock::new();
    *FOUND.get_or_init(|| {
        [Level::Avx512, Level::Avx2]
            .into_iter()
            .find(|level| level.supported() && level.agrees())
            .unwrap_or(Level::Scalar)
    })
}

/// Defines `$name(level, args..)`, which runs the always-inlined `$body::<FMA>(args..)` compiled for that level: one
/// body, as many instruction sets as there are levels. `FMA` tells the body that a fused multiply-add is one
/// instruction (without it `f32::mul_add` is a slow library call).
///
/// The level must come from [`level`] or [`Level::usable`], which is what makes the call sound; both are the only
/// ways the kernel's public functions obtain one.
macro_rules! for_each_level {
    (fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:ident) => {
        fn $name(level: $crate::kernel::Level, $($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma,f16c")]
                #[allow(clippy::too_many_arguments)]
                fn avx2($($arg: $ty),*) $(-> $ret)? {
                    $body::<true>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
                #[allow(clippy::too_many_arguments)]
                fn avx512($($arg: $ty),*) $(-> $ret)? {
                    $body::<true>($($arg),*)
                }
                match level {
                    // SAFETY: a level is only handed out after `Level::supported` found its instructions.
                    $crate::kernel::Level::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: as above.
                    $crate::kernel::Level::Avx2 => return unsafe { avx2($($arg),*) },
                    $crate::kernel::Level::Scalar => {}
                }
            }
            let _ = level;
            $body::<false>($($arg),*)
        }
    };
}
pub(super) use for_each_level;

/// `a * b + c`, fused where that is one instruction.
#[inline(always)]
pub(super) fn fma<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// Folds 16 lanes pairwise: four steps that follow each other instead of sixteen.
#[inline(always)]
pub(super) fn fold(mut lanes: [f32; 16], of: impl Fn(f32, f32) -> f32) -> f32 {
    let mut width = 8;
    while width > 0 {
        for i in 0..width {
            lanes[i] = of(lanes[i], lanes[i + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// The larger of two numbers, as the one instruction that vectors have for it (which does not care for NaN).
#[inline(always)]
pub(super) fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// Fixed pseudo-random numbers for the self-checks and tests (SplitMix64, Steele et al. 2014).
#[derive(Debug, Clone)]
pub(super) struct Stream(pub u64);

impl Stream {
    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in -1 to 1.
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    }

    /// `n` numbers, uniform in -1 to 1.
    pub fn vector(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.unit()).collect()
    }
}

/// Whether two results are the same but for the order of their sums.
pub(super) fn close(a: &[f32], b: &[f32], tolerance: f32) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(x, y)| (x - y).abs() <= tolerance * (1.0 + y.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_supported_level_agrees_with_the_scalar_twins() {
        for level in [Level::Scalar, Level::Avx2, Level::Avx512] {
            if level.supported() {
                assert!(level.agrees(), "{}", level.name());
            } else {
                println!("not tried: this processor has no {}", level.name());
            }
        }
        assert_eq!(Level::usable().last().copied(), Some(level()));
    }
}
