//! Owns what a choice is worth on questions that did not make it: cross-validation of a learner, and the choice among
//! settings that were measured in a grid.
//!
//! Never learns itself and never splits (`folds.rs` does).

use super::folds::Fold;
use super::linear::{LinearModel, Question};
use super::metrics::{Metric, mean};
use crate::error::Result;

/// What cross-validation says: values that no question helped to learn its own model for.
#[derive(Debug, Clone, PartialEq)]
pub struct CrossValidated<M> {
    /// The held-out value of each question, in the order given.
    pub values: Vec<f64>,
    /// The model of each fold.
    pub models: Vec<M>,
}

impl<M> CrossValidated<M> {
    /// The mean of the held-out values.
    pub fn mean(&self) -> f64 {
        mean(&self.values)
    }
}

/// Learns on each fold's training questions with `learn` and measures on those held out.
///
/// # Errors
/// What `learn` says of a fold.
pub fn cross_validate(
    questions: &[Question],
    folds: &[Fold],
    metric: Metric,
    learn: impl Fn(&[&Question]) -> Result<LinearModel>,
) -> Result<CrossValidated<LinearModel>> {
    let pick = |places: &[usize]| {
        places
            .iter()
            .filter_map(|place| questions.get(*place))
            .collect::<Vec<_>>()
    };
    let mut values = vec![0.0; questions.len()];
    let mut models = Vec::with_capacity(folds.len());
    for (number, fold) in folds.iter().enumerate() {
        let model = learn(&pick(&fold.train)).map_err(|error| error.context(format!("fold {}", number + 1)))?;
        let held = model.measure(&pick(&fold.held), metric);
        for (place, value) in fold.held.iter().filter(|place| **place < questions.len()).zip(held) {
            values[*place] = value;
        }
        models.push(model);
    }
    Ok(CrossValidated { values, models })
}

/// All points of a grid: every value of the first axis with every value of the second and so on, the last axis
/// turning fastest.
pub fn grid(axes: &[Vec<f64>]) -> Vec<Vec<f64>> {
    axes.iter().fold(vec![Vec::new()], |points, axis| {
        let extend = |point: &Vec<f64>| {
            axis.iter()
                .map(|value| [point.as_slice(), &[*value]].concat())
                .collect::<Vec<_>>()
        };
        points.iter().flat_map(extend).collect()
    })
}

/// The setting with the best mean over the questions at `places`; the first of equal ones. `values`: one row a
/// setting, one value a question. None if there are no settings.
pub fn best_setting(values: &[Vec<f64>], places: &[usize]) -> Option<usize> {
    let mean_of = |row: &Vec<f64>| {
        mean(
            &places
                .iter()
                .filter_map(|place| row.get(*place).copied())
                .collect::<Vec<_>>(),
        )
    };
    let means: Vec<f64> = values.iter().map(mean_of).collect();
    (0..means.len()).reduce(|best, next| if means[next] > means[best] { next } else { best })
}

/// What choosing a setting by measurement is worth on questions that did not choose it: each fold takes the setting
/// that is best on its training questions. `models` are the chosen settings' places.
pub fn cross_fitted(values: &[Vec<f64>], folds: &[Fold]) -> CrossValidated<usize> {
    let mut held = vec![0.0; values.first().map_or(0, Vec::len)];
    let mut models = Vec::with_capacity(folds.len());
    for fold in folds {
        let Some(setting) = best_setting(values, &fold.train) else {
            continue;
        };
        for place in &fold.held {
            if let (Some(slot), Some(value)) = (held.get_mut(*place), values[setting].get(*place)) {
                *slot = *value;
            }
        }
        models.push(setting);
    }
    CrossValidated { values: held, models }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::Budget;
    use crate::eval::folds::split;
    use crate::eval::linear::softmax;
    use crate::eval::linear::tests::questions;

    const NDCG: Metric = Metric::Ndcg(10);

    #[test]
    fn cross_validation_measures_each_question_by_a_model_that_never_saw_it() {
        let questions = questions(50);
        let ids: Vec<&str> = questions.iter().map(|question| question.id.as_str()).collect();
        let folds = split(&ids, 5, 0);
        let result = cross_validate(&questions, &folds, NDCG, |train| softmax(train, 1e-3, Budget::all())).unwrap();
        assert_eq!((result.values.len(), result.models.len()), (50, 5));
        let best_possible = 1.0 / (1.0 + 1.0 / 3f64.log2());
        assert!(
            result.mean() > 0.7 * best_possible && result.mean() <= best_possible + 1e-12,
            "{}",
            result.mean()
        );
        for (fold, model) in folds.iter().zip(&result.models) {
            let train: Vec<&Question> = fold.train.iter().map(|place| &questions[*place]).collect();
            assert_eq!(&softmax(&train, 1e-3, Budget::all()).unwrap(), model);
        }
    }

    #[test]
    fn grids_and_choices() {
        assert_eq!(
            grid(&[vec![1.0, 2.0], vec![3.0, 4.0]]),
            [[1.0, 3.0], [1.0, 4.0], [2.0, 3.0], [2.0, 4.0]]
        );
        assert_eq!(grid(&[]), [Vec::<f64>::new()]);
        assert!(grid(&[vec![1.0], vec![]]).is_empty());
        let values = [vec![0.1, 0.9], vec![0.9, 0.1], vec![0.9, 0.1]];
        assert_eq!(best_setting(&values, &[0]), Some(1));
        assert_eq!(best_setting(&values, &[0, 1]), Some(0));
        assert_eq!(best_setting(&[], &[0]), None);
        let folds = [
            Fold {
                train: vec![1],
                held: vec![0],
            },
            Fold {
                train: vec![0],
                held: vec![1],
            },
        ];
        let fitted = cross_fitted(&values, &folds);
        assert_eq!((fitted.values, fitted.models), (vec![0.1, 0.1], vec![0, 1]));
    }
}
