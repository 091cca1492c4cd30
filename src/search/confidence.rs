//! How likely it is that something in the collection answers the question.
//!
//! A logistic function of two exact measures: the highest cosine of any candidate, and the largest share of the
//! question's bigram mass that one of the first hits holds. `baowen tune` fits it on judged questions against questions
//! that nothing there answers. Cosines of another model mean something else, so for any other model there is no such
//! number.

use crate::index::Evidence;
use crate::profile::AnswerableCurve;

/// How many of the first hits are looked at for shared words.
pub const FIRST: usize = 5;

/// What the chance is computed from: the highest cosine among `all` candidates, and the largest bigram coverage among
/// the best passages of the first hits (the first [`FIRST`] of `hits` count).
pub fn signs<'a>(all: impl Iterator<Item = &'a Evidence>, hits: impl Iterator<Item = &'a Evidence>) -> [f32; 2] {
    let cosine = all.map(|evidence| evidence.cosine).fold(0.0, f32::max);
    let coverage = hits
        .take(FIRST)
        .map(|evidence| evidence.bigram_coverage)
        .fold(0.0, f32::max);
    [cosine, coverage]
}

/// The chance that the question is answered, 0 to 1.
pub fn chance(curve: &AnswerableCurve, [cosine, coverage]: [f32; 2]) -> f32 {
    1.0 / (1.0 + (-(curve.cosine * cosine + curve.coverage * coverage + curve.bias)).exp())
}
