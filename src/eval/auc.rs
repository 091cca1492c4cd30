//! Owns how well one score tells two groups apart (questions the collection answers, and questions nothing in it
//! answers), and the curve from that score to a probability. Never decides the threshold.

use serde::{Deserialize, Serialize};

use super::logistic;
use crate::error::{Error, Result};

/// The area under the ROC curve: the chance that a score of the first group is above one of the second, ties counting
/// half (Mann and Whitney's U over the number of pairs). None if a group is empty or a score is NaN.
pub fn auc(positives: &[f64], negatives: &[f64]) -> Option<f64> {
    if positives.is_empty() || negatives.is_empty() || positives.iter().chain(negatives).any(|score| score.is_nan()) {
        return None;
    }
    let mut below = negatives.to_vec();
    below.sort_unstable_by(f64::total_cmp);
    let wins: f64 = positives
        .iter()
        .map(|score| {
            let less = below.partition_point(|other| other < score);
            let no_more = below.partition_point(|other| other <= score);
            (less + no_more) as f64 / 2.0
        })
        .sum();
    Some(wins / (positives.len() as f64 * negatives.len() as f64))
}

/// A calibrated probability from one score: p = 1 / (1 + exp(-(slope * score + bias))) (Platt 1999).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Platt {
    /// Positive where a higher score means a likelier yes.
    pub slope: f64,
    /// The constant.
    pub bias: f64,
}

impl Platt {
    /// Fits the curve to the scores of both groups, with Platt's smoothed targets, which keep a clean separation from
    /// becoming certainty. With `balanced` both groups weigh the same, however many questions each has.
    ///
    /// # Errors
    /// `Caller` if a group is empty or a score is not finite.
    pub fn fit(positives: &[f64], negatives: &[f64], balanced: bool) -> Result<Platt> {
        if positives.is_empty() || negatives.is_empty() {
            return Err(Error::caller(format!(
                "calibration needs both groups, has {} that are answered and {} that are not",
                positives.len(),
                negatives.len()
            )));
        }
        let (yes, no) = (positives.len() as f64, negatives.len() as f64);
        let rows: Vec<Vec<f64>> = positives.iter().chain(negatives).map(|score| vec![*score]).collect();
        let targets: Vec<f64> = std::iter::repeat_n((yes + 1.0) / (yes + 2.0), positives.len())
            .chain(std::iter::repeat_n(1.0 / (no + 2.0), negatives.len()))
            .collect();
        let fitted = logistic::fit(&rows, &targets, 0.0)?;
        // Sampling one group more densely moves a logistic curve by the log of the ratio (King and Zeng 2001).
        let prior = if balanced { (no / yes).ln() } else { 0.0 };
        Ok(Platt {
            slope: fitted.weights.first().copied().unwrap_or(0.0),
            bias: fitted.bias + prior,
        })
    }

    /// The probability in [0, 1].
    pub fn probability(&self, score: f64) -> f64 {
        logistic::sigmoid(self.slope * score + self.bias)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn areas_known_by_counting() {
        let check = |positives: &[f64], negatives: &[f64], expected: Option<f64>| {
            assert_eq!(auc(positives, negatives), expected, "{positives:?} {negatives:?}");
        };
        check(&[3.0, 4.0], &[1.0, 2.0], Some(1.0));
        check(&[1.0, 2.0], &[3.0, 4.0], Some(0.0));
        check(&[1.0, 3.0], &[2.0], Some(0.5));
        check(&[1.0, 1.0], &[1.0], Some(0.5));
        check(&[2.0, 1.0], &[1.0, 0.0], Some(0.875));
        check(&[f64::INFINITY], &[f64::NEG_INFINITY], Some(1.0));
        check(&[0.0], &[-0.0], Some(0.5));
        check(&[], &[1.0], None);
        check(&[1.0], &[], None);
        check(&[f64::NAN], &[1.0], None);
    }

    proptest! {
        /// Swapping the groups mirrors the area, and pairs counted one by one give the same.
        #[test]
        fn areas_mirror(a in proptest::collection::vec(-3..3i32, 1..20), b in proptest::collection::vec(-3..3i32, 1..20)) {
            let a: Vec<f64> = a.into_iter().map(f64::from).collect();
            let b: Vec<f64> = b.into_iter().map(f64::from).collect();
            let area = auc(&a, &b).unwrap();
            prop_assert!((area + auc(&b, &a).unwrap() - 1.0).abs() < 1e-12);
            let pairs = a.iter().flat_map(|x| b.iter().map(move |y| if x > y { 1.0 } else if x == y { 0.5 } else { 0.0 }));
            prop_assert!((pairs.sum::<f64>() / (a.len() * b.len()) as f64 - area).abs() < 1e-12);
        }
    }

    #[test]
    fn the_curve_rises_and_is_calibrated_in_the_middle() {
        let positives: Vec<f64> = (0..100).map(|i| 0.5 + f64::from(i) / 100.0).collect();
        let negatives: Vec<f64> = (0..100).map(|i| f64::from(i) / 100.0).collect();
        let curve = Platt::fit(&positives, &negatives, false).unwrap();
        assert!(curve.slope > 0.0);
        assert!((curve.probability(0.745) - 0.5).abs() < 0.01, "{curve:?}");
        assert!(curve.probability(0.0) < 0.2 && curve.probability(1.5) > 0.8);
    }

    #[test]
    fn balance_takes_the_sizes_of_the_groups_out() {
        let negatives: Vec<f64> = (0..100).map(|i| f64::from(i) / 100.0).collect();
        let positives: Vec<f64> = (0..1000).map(|i| 0.5 + f64::from(i) / 1000.0).collect();
        let plain = Platt::fit(&positives, &negatives, false).unwrap();
        let balanced = Platt::fit(&positives, &negatives, true).unwrap();
        assert!(plain.probability(0.745) > 0.8, "{plain:?}");
        assert!((balanced.probability(0.745) - 0.5).abs() < 0.08, "{balanced:?}");
    }

    #[test]
    fn a_clean_separation_stays_short_of_certainty() {
        let curve = Platt::fit(&[2.0, 3.0, 4.0], &[-1.0, 0.0, 1.0], false).unwrap();
        assert!(
            curve.probability(4.0) < 0.99 && curve.probability(4.0) > 0.7,
            "{curve:?}"
        );
        assert!(Platt::fit(&[], &[1.0], false).is_err());
        assert!(Platt::fit(&[f64::NAN], &[1.0], false).is_err());
        let flat = Platt::fit(&[1.0], &[1.0], false).unwrap();
        assert_eq!((flat.slope, (flat.probability(9.0) - 0.5).abs() < 1e-9), (0.0, true));
    }
}
