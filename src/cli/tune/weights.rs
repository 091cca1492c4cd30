//! The profile's weights: one a feature, fitted to judged questions.
//!
//! Wiring only: features are `search::features`, the learner is `eval::linear`.

use super::judged::{Judged, METRIC, Sets, best_of_each, header, row};
use crate::compute::Budget;
use crate::error::Result;
use crate::eval::folds::Fold;
use crate::eval::linear::{LinearModel, Question, held_out, softmax};
use crate::eval::table::align;
use crate::search::features::{COUNT, FEATURES, Weights, features};

/// Fits weights to all questions, each set counting the same, and prints how well such weights rank held-out questions.
/// A feature in which no two candidates differ (no rule had ended on the day asked for) keeps its weight: nothing was
/// learned about it.
pub fn fit(now: &Weights, asked: &[Judged], sets: &Sets, folds: &[Fold], l2: f64) -> Result<Weights> {
    let mut questions = Vec::with_capacity(asked.len());
    let mut first: Option<[f32; COUNT]> = None;
    let mut differs = [false; COUNT];
    for (_, range) in sets {
        for asked in &asked[range.clone()] {
            let mut question = Question::new(&asked.id, COUNT, asked.grades.values().copied().collect());
            question.weight = 1.0 / range.len() as f64;
            for candidate in best_of_each(&asked.found, now) {
                let row = features(&candidate.evidence);
                let first = first.get_or_insert(row);
                for (at, differs) in differs.iter_mut().enumerate() {
                    *differs |= first[at] != row[at];
                }
                question.push(&row, asked.grade(&candidate.article))?;
            }
            questions.push(question);
        }
    }
    let all: Vec<&Question> = questions.iter().collect();
    let before = LinearModel {
        weights: now.0.to_vec(),
    }
    .measure(&all, METRIC);
    let after = held_out(&questions, folds, METRIC, |train| softmax(train, l2, Budget::all()))?;
    let mut rows = vec![header("now", "fitted, held out")];
    let mut lowered = false;
    for (name, range) in sets {
        let (cells, below) = row(name, &before[range.clone()], &after[range.clone()]);
        rows.push(cells);
        lowered |= below;
    }
    outln!("weights: {METRIC} of candidates as they rank them");
    out!(align(&rows, false));
    if lowered {
        outln!("The fitted weights are worse than those in force on at least one set; they are no better default.");
    }
    let mut fitted = Weights(scaled(&softmax(&all, l2, Budget::all())?.weights));
    for (at, differs) in differs.into_iter().enumerate() {
        if !differs {
            fitted.0[at] = now.0[at];
        }
    }
    outln!("fitted: {}", fitted.describe());
    Ok(fitted)
}

/// The weights on the scale of the defaults: bigrams weigh 1. A fit that gives them nothing keeps its own scale.
fn scaled(weights: &[f32]) -> [f32; COUNT] {
    let bigrams = FEATURES.iter().position(|feature| feature.name == "bigrams");
    let scale = bigrams.map_or(1.0, |at| weights[at]);
    let scale = if scale > 1e-6 { scale } else { 1.0 };
    std::array::from_fn(|at| weights.get(at).map_or(0.0, |weight| weight / scale))
}
