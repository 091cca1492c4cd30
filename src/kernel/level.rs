//! Which instructions this processor runs, found once, and proven once for each family of kernels: a level that does
//! not reproduce the scalar twins on a small fixed problem is never used, so a wrong kernel costs speed and not
//! answers.
//!
//! The AVX-512 kernels matter most to be proven this way: not every machine that builds them can run their tests.

use std::sync::OnceLock;

/// A set of instructions that the kernels have a path for, narrowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Plain Rust: any processor.
    Scalar,
    /// AVX2 with FMA and F16C: x86-64 since about 2013.
    Avx2,
    /// AVX-512 F, BW, DQ, VL and VNNI: servers since about 2019, Zen 4 and later.
    Avx512,
}

impl Level {
    /// Its name, for the messages of tests.
    #[cfg(test)]
    pub fn name(self) -> &'static str {
        match self {
            Level::Scalar => "scalar",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512-vnni",
        }
    }

    /// Whether this processor has the instructions of the level.
    pub fn supported(self) -> bool {
        match self {
            Level::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
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
}

/// The level that one family of kernels runs at: the widest that this processor supports and at which the family gives
/// what its scalar twins give.
pub(super) struct Chosen {
    level: OnceLock<Level>,
    agrees: fn(Level) -> bool,
}

impl Chosen {
    /// `agrees` tells whether all kernels of the family give at a supported level what they give at the scalar one.
    pub const fn new(agrees: fn(Level) -> bool) -> Self {
        Chosen {
            level: OnceLock::new(),
            agrees,
        }
    }

    /// Found on the first call (well under a millisecond), one atomic load after that.
    #[inline]
    pub fn level(&self) -> Level {
        *self.level.get_or_init(|| {
            [Level::Avx512, Level::Avx2]
                .into_iter()
                .find(|&level| self.is_usable(level))
                .unwrap_or(Level::Scalar)
        })
    }

    fn is_usable(&self, level: Level) -> bool {
        level.supported() && (self.agrees)(level)
    }

    /// The levels that run here and agree, narrowest first: for tests that compare levels.
    #[cfg(test)]
    pub fn usable(&self) -> Vec<Level> {
        let all = [Level::Scalar, Level::Avx2, Level::Avx512];
        all.into_iter().filter(|&level| self.is_usable(level)).collect()
    }
}

/// Defines `$name(level, args..)`, which runs the always-inlined `$body::<FMA>(args..)` compiled for that level: one
/// body, as many instruction sets as there are levels. `FMA` tells the body that a fused multiply-add is one
/// instruction (without it `f32::mul_add` is a slow library call).
///
/// The level must come from a [`Chosen`], which is what makes the call sound: no public function obtains one elsewhere.
macro_rules! for_each_level {
    (fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:ident) => {
        fn $name(level: $crate::kernel::level::Level, $($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                #[allow(clippy::too_many_arguments)]
                fn avx2($($arg: $ty),*) $(-> $ret)? {
                    $body::<true>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
                #[allow(clippy::too_many_arguments)]
                fn avx512($($arg: $ty),*) $(-> $ret)? {
                    $body::<true>($($arg),*)
                }
                match level {
                    // SAFETY: a level is only handed out after `Level::supported` found its instructions.
                    $crate::kernel::level::Level::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: as above.
                    $crate::kernel::level::Level::Avx2 => return unsafe { avx2($($arg),*) },
                    $crate::kernel::level::Level::Scalar => {}
                }
            }
            let _ = level;
            $body::<false>($($arg),*)
        }
    };
}
pub(super) use for_each_level;
