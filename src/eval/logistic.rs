//! Owns logistic regression over a few dense features.
//!
//! Fitted by Newton steps on standardised features with an L2 penalty: convex, so it repeats to the last bit and has no
//! learning rate. Never picks its penalty itself.

use super::newton::{Derivatives, Scaling, dot, newton};
use crate::error::{Error, Result};

/// p = 1 / (1 + exp(-(bias + weights . features))), over raw features.
#[derive(Debug, Clone, PartialEq)]
pub struct Logistic {
    /// One weight a feature.
    pub weights: Vec<f64>,
    /// The constant.
    pub bias: f64,
}

/// Fits a curve that tells two groups of rows apart, each group counting the same however many rows it has: with
/// Platt's smoothed targets (1999), which keep a clean separation from becoming certainty, and the constant moved by
/// the log of the groups' ratio (King and Zeng 2001).
///
/// # Errors
/// `Caller` if a group is empty; as [`fit`].
pub fn balanced(positives: &[Vec<f64>], negatives: &[Vec<f64>], l2: f64) -> Result<Logistic> {
    if positives.is_empty() || negatives.is_empty() {
        return Err(Error::caller(format!(
            "calibration needs both groups, has {} that are answered and {} that are not",
            positives.len(),
            negatives.len()
        )));
    }
    let (yes, no) = (positives.len() as f64, negatives.len() as f64);
    let rows = [positives, negatives].concat();
    let mut targets = vec![(yes + 1.0) / (yes + 2.0); positives.len()];
    targets.resize(rows.len(), 1.0 / (no + 2.0));
    let mut fitted = fit(&rows, &targets, l2)?;
    fitted.bias += (no / yes).ln();
    Ok(fitted)
}

/// Fits rows to targets in [0, 1] (labels, or smoothed labels). `l2` is the penalty on standardised weights, a row; the
/// bias is free.
///
/// # Errors
/// `Caller` for no rows, rows of different width, other than one target a row, or numbers that are not finite or out
/// of range.
pub fn fit(rows: &[Vec<f64>], targets: &[f64], l2: f64) -> Result<Logistic> {
    let width = rows.first().map_or(0, Vec::len);
    if rows.is_empty() || rows.len() != targets.len() || rows.iter().any(|row| row.len() != width) {
        return Err(Error::caller(format!(
            "cannot fit {} rows to {} targets: both must be there, one target a row, rows of one width",
            rows.len(),
            targets.len()
        )));
    }
    if rows.iter().flatten().any(|value| !value.is_finite()) || !(l2.is_finite() && l2 >= 0.0) {
        return Err(Error::caller("a feature or the penalty is not a finite number"));
    }
    if targets.iter().any(|target| !(0.0..=1.0).contains(target)) {
        return Err(Error::caller("a target is outside [0, 1]"));
    }
    let scaling = Scaling::of(rows.iter().map(Vec::as_slice), width);
    // The last column is the bias.
    let rows: Vec<Vec<f64>> = rows
        .iter()
        .map(|row| [scaling.apply(row), vec![1.0]].concat())
        .collect();
    let penalty = |place: usize| if place < width { l2 } else { 0.0 };
    let loss = |weights: &[f64]| -> f64 {
        let fit: f64 = rows
            .iter()
            .zip(targets)
            .map(|(row, target)| cross_entropy(dot(weights, row), *target))
            .sum();
        let size: f64 = weights
            .iter()
            .enumerate()
            .map(|(place, weight)| penalty(place) * weight * weight / 2.0)
            .sum();
        fit / rows.len() as f64 + size
    };
    let derivatives = |weights: &[f64]| {
        let mut derivatives = Derivatives::new(width + 1);
        for (row, target) in rows.iter().zip(targets) {
            let probability = sigmoid(dot(weights, row));
            derivatives.add(row, probability - target, probability * (1.0 - probability));
        }
        derivatives.scale(1.0 / rows.len() as f64);
        for (place, weight) in weights.iter().enumerate() {
            derivatives.gradient[place] += penalty(place) * weight;
            derivatives.hessian[place * (width + 1) + place] += penalty(place);
        }
        derivatives
    };
    let mut weights = newton(vec![0.0; width + 1], loss, derivatives);
    let bias = weights.pop().unwrap_or(0.0);
    let (weights, shift) = scaling.undo(&weights);
    Ok(Logistic {
        weights,
        bias: bias - shift,
    })
}

/// 1 / (1 + exp(-x)), without overflow.
fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// -t log p - (1 - t) log (1 - p) for p = sigmoid(x), without overflow.
fn cross_entropy(x: f64, target: f64) -> f64 {
    x.max(0.0) - x * target + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Logistic {
        /// The probability in [0, 1] for one row; missing trailing features count as 0.
        fn probability(&self, features: &[f64]) -> f64 {
            let sum: f64 = self
                .weights
                .iter()
                .zip(features)
                .map(|(weight, value)| weight * value)
                .sum();
            sigmoid(self.bias + sum)
        }
    }

    #[test]
    fn one_feature_with_two_values_gives_the_observed_shares() {
        // 1 of 4 at x = 0, 3 of 4 at x = 1: the likelihood is greatest where the curve passes through both shares.
        let rows: Vec<Vec<f64>> = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0].map(|x| vec![x]).to_vec();
        let targets = [1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0];
        let model = fit(&rows, &targets, 0.0).unwrap();
        assert!((model.probability(&[0.0]) - 0.25).abs() < 1e-9, "{model:?}");
        assert!((model.probability(&[1.0]) - 0.75).abs() < 1e-9, "{model:?}");
        let held_back = fit(&rows, &targets, 10.0).unwrap();
        assert!(held_back.weights[0] > 0.0 && held_back.weights[0] < model.weights[0] / 10.0);
    }

    fn group(count: u32, low: f64) -> Vec<Vec<f64>> {
        (0..count)
            .map(|i| vec![low + f64::from(i) / f64::from(count)])
            .collect()
    }

    #[test]
    fn balance_takes_the_sizes_of_the_groups_out() {
        for yes in [100, 1000] {
            let curve = balanced(&group(yes, 0.5), &group(100, 0.0), 0.0).unwrap();
            assert!((curve.probability(&[0.745]) - 0.5).abs() < 0.08, "{curve:?}");
            assert!(curve.probability(&[0.0]) < 0.2 && curve.probability(&[1.5]) > 0.8);
        }
    }

    #[test]
    fn a_clean_separation_stays_short_of_certainty() {
        let curve = balanced(&group(3, 2.0), &group(3, 0.0), 0.0).unwrap();
        let chance = curve.probability(&[3.0]);
        assert!(chance > 0.7 && chance < 0.99, "{curve:?}");
        assert!(balanced(&[], &group(1, 0.0), 0.0).is_err());
    }

    #[test]
    fn features_that_never_change_or_repeat_others_do_no_harm() {
        let rows: Vec<Vec<f64>> = (0..40)
            .map(|i| vec![f64::from(i), 0.1, f64::from(2 * i), 1e12])
            .collect();
        let targets: Vec<f64> = (0..40).map(|i| f64::from(u8::from(i >= 20 || i == 3))).collect();
        let model = fit(&rows, &targets, 0.0).unwrap();
        assert!(model.weights.iter().all(|weight| weight.is_finite()) && model.bias.is_finite());
        assert_eq!((model.weights[1], model.weights[3]), (0.0, 0.0));
        assert!(model.probability(&rows[0]) < 0.2 && model.probability(&rows[39]) > 0.8);
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let check = |rows: &[Vec<f64>], targets: &[f64], l2: f64| assert!(fit(rows, targets, l2).is_err());
        check(&[], &[], 0.0);
        check(&[vec![1.0]], &[], 0.0);
        check(&[vec![1.0], vec![]], &[1.0, 0.0], 0.0);
        check(&[vec![f64::NAN]], &[1.0], 0.0);
        check(&[vec![1.0]], &[2.0], 0.0);
        check(&[vec![1.0]], &[f64::NAN], 0.0);
        check(&[vec![1.0]], &[1.0], -1.0);
    }

    #[test]
    fn separable_labels_end_with_finite_weights() {
        let rows: Vec<Vec<f64>> = (0..10).map(|i| vec![f64::from(i)]).collect();
        let targets: Vec<f64> = (0..10).map(|i| f64::from(u8::from(i >= 5))).collect();
        let model = fit(&rows, &targets, 0.0).unwrap();
        assert!(model.weights[0].is_finite() && model.weights[0] > 0.0);
        assert!(model.probability(&[4.0]) < 0.01 && model.probability(&[5.0]) > 0.99);
    }
}
