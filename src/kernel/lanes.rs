//! Small steps that the plain kernel bodies are written with, in the form that compilers turn into vectors.

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
