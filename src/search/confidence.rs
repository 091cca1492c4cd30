//! How likely it is that something in the collection answers the question.
//!
//! A logistic function of two exact measures: the highest cosine of any candidate, and the largest share of the
//! question's bigram mass that one of the first hits holds. Fitted on judged questions of three sets against questions
//! that nothing there answers (`docs/results/`); cosines of another model mean something else, so for any other
//! model there is no such number.

use super::score::Scored;

/// The model whose cosines the constants were fitted to.
const MODEL: &str = "multilingual-e5-small";
/// How many of the first passages are looked at for shared words.
const FIRST: usize = 5;
const COSINE: f32 = 138.8;
const COVERAGE: f32 = 8.79;
const BIAS: f32 = -127.4;

/// The chance that the question is answered, 0 to 1; `None` for a model that it is not fitted to, or without vectors.
/// `order` are positions in `scored.ranked`, best first.
pub fn answerable(scored: &Scored, order: &[usize], model: &str, has_vector: bool) -> Option<f32> {
    if !has_vector || !model.contains(MODEL) {
        return None;
    }
    let evidence = &scored.evidence.passages;
    let cosine = evidence.iter().map(|e| e.cosine).fold(0.0, f32::max);
    let first = order.iter().take(FIRST).map(|&at| evidence[at].bigram_coverage);
    let coverage = first.fold(0.0, f32::max);
    Some(1.0 / (1.0 + (-(COSINE * cosine + COVERAGE * coverage + BIAS)).exp()))
}
