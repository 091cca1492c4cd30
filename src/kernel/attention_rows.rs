//! How attention lays out what it works on; shared by its plain form and that of AVX-512.

/// Keys handled side by side.
pub(super) const LANES: usize = 16;
/// Components of a value that are weighed at once: for a few rows eight sums in registers, enough to hide their
/// latency.
pub(super) const SLICE: usize = 32;
