//! The profile's curve of how likely it is that a question is answered, fitted to questions that are and questions that
//! are not.
//!
//! Wiring only: the measures are `search::confidence`, the fit is `eval::logistic`.

use crate::cli::options::Question;
use crate::compute::Budget;
use crate::error::{Error, Result};
use crate::eval::bootstrap::SEED;
use crate::eval::logistic::{Logistic, balanced};
use crate::eval::metrics::mean;
use crate::eval::table::align;
use crate::eval::{auc, folds};
use crate::profile::AnswerableCurve;
use crate::search::Engine;
use crate::search::confidence::{AnswerableSigns, chance};

/// Penalty on the standardised weights: both groups are nearly separable, and without one the curve would be a step.
const L2: f64 = 1e-3;

/// Fits the curve; answered and unanswered questions count the same in total, however many they are. Prints how well
/// the two are told apart on held-out questions.
pub fn fit(
    engine: &Engine,
    question: &Question,
    now: Option<&AnswerableCurve>,
    answered: &[&str],
    unanswered: &[&str],
    folds: usize,
) -> Result<AnswerableCurve> {
    let texts: Vec<&str> = answered.iter().chain(unanswered).copied().collect();
    let measured = measure(engine, question, &texts)?;
    let is_answered: Vec<bool> = (0..texts.len()).map(|at| at < answered.len()).collect();
    let learn = |places: &[usize]| -> Result<AnswerableCurve> {
        let rows = |wanted: bool| {
            let places = places.iter().filter(|&&at| is_answered[at] == wanted);
            places
                .map(|&at| measured[at].map(f64::from).to_vec())
                .collect::<Vec<_>>()
        };
        curve(&balanced(&rows(true), &rows(false), L2)?)
    };
    let mut held_out = vec![0.0; texts.len()];
    for fold in folds::split(&texts, folds, SEED) {
        let curve = learn(&fold.train)?;
        fold.held
            .iter()
            .for_each(|&at| held_out[at] = f64::from(chance(&curve, measured[at])));
    }
    let mut rows = vec![["curve", "AUC", "answered", "unanswered"].map(String::from).to_vec()];
    let mut push = |name: &str, chances: &[f64]| {
        let (yes, no) = chances.split_at(answered.len());
        let area = auc(yes, no).map_or_else(|| "none".into(), |area| format!("{area:.4}"));
        rows.push(vec![
            name.into(),
            area,
            format!("{:.4}", mean(yes)),
            format!("{:.4}", mean(no)),
        ]);
    };
    if let Some(now) = now {
        let chances: Vec<f64> = measured.iter().map(|&signs| f64::from(chance(now, signs))).collect();
        push("now", &chances);
    }
    push("fitted, held out", &held_out);
    outln!(
        "answerable: mean chance of {} questions that are answered and {} that are not",
        answered.len(),
        unanswered.len()
    );
    out!(align(&rows, false));
    let fitted = learn(&(0..texts.len()).collect::<Vec<_>>())?;
    say(&fitted);
    Ok(fitted)
}

fn say(fitted: &AnswerableCurve) {
    outln!(
        "fitted: cosine={} sentence={} coverage={} place_missing={} year_missing={} bias={}",
        fitted.cosine,
        fitted.sentence,
        fitted.coverage,
        fitted.place_missing,
        fitted.year_missing,
        fitted.bias
    );
}

fn curve(fitted: &Logistic) -> Result<AnswerableCurve> {
    let [cosine, coverage, place_missing, year_missing, sentence] = fitted.weights[..] else {
        return Err(Error::bug("the curve has five measures"));
    };
    Ok(AnswerableCurve {
        cosine: cosine as f32,
        sentence: sentence as f32,
        coverage: coverage as f32,
        place_missing: place_missing as f32,
        year_missing: year_missing as f32,
        bias: fitted.bias as f32,
    })
}

/// The measures of each question.
fn measure(engine: &Engine, question: &Question, texts: &[&str]) -> Result<Vec<AnswerableSigns>> {
    Budget::all().try_map(texts, |text, budget| engine.signs(&question.request(text), budget))
}
