//! Owns the paired bootstrap: how sure a difference of means is, given the questions it was measured on.
//!
//! Questions are drawn with replacement; both runs keep their values for the drawn question, so that what is hard for
//! both does not blur the difference (Efron and Tibshirani 1993, chapters 13 and 16; Sakai 2006 for retrieval). Never
//! draws without a seed that the caller gave.

use fastrand::Rng;
use serde::Serialize;

use super::metrics::mean;

/// Resamples that a report takes.
pub const RESAMPLES: usize = 10_000;

/// The seed that a report uses, so that two people get the same interval.
pub const SEED: u64 = 20_250_419;

/// A mean with its interval and the chance of one as large under no difference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The mean of the values (for a comparison: of the per-question differences).
    pub mean: f64,
    /// Lower end of the 95 % percentile interval.
    pub low: f64,
    /// Upper end of the 95 % percentile interval.
    pub high: f64,
    /// Two-sided: how often the mean of resampled values, shifted to mean zero, is at least as far from zero as the
    /// mean is; never below 1 / (resamples + 1).
    pub p: f64,
}

/// A difference is clear below this p, as outside of an interval of 95 in 100.
const CLEAR: f64 = 0.05;

impl Interval {
    /// Whether it is clear of zero: by the interval and by p, which near the border do not always agree.
    pub fn clear_of_zero(&self) -> bool {
        (self.low > 0.0 || self.high < 0.0) && self.p < CLEAR
    }
}

/// The bootstrap over per-question values: differences of two runs for a comparison, or plain values for the interval
/// of one mean. The same values, resamples and seed give the same result. Nothing at all gives zeros and p = 1.
pub fn paired(values: &[f64], resamples: usize, seed: u64) -> Interval {
    // One row in, one interval out; `paired_rows` gives as many as it gets.
    paired_rows(&[values], resamples, seed).pop().unwrap_or(NOTHING)
}

const NOTHING: Interval = Interval {
    mean: 0.0,
    low: 0.0,
    high: 0.0,
    p: 1.0,
};

/// [`paired`] for many rows of values over the same questions at once: every row sees the same resamples, and each
/// gets what it would get alone. Questions past the end of the shortest row are not seen.
pub fn paired_rows<R: AsRef<[f64]>>(rows: &[R], resamples: usize, seed: u64) -> Vec<Interval> {
    let width = rows.len();
    let count = rows.iter().map(|row| row.as_ref().len()).min().unwrap_or(0);
    let centres: Vec<f64> = rows.iter().map(|row| mean(&row.as_ref()[..count])).collect();
    if count == 0 || resamples == 0 {
        return centres
            .into_iter()
            .map(|mean| Interval {
                mean,
                low: mean,
                high: mean,
                ..NOTHING
            })
            .collect();
    }
    // Question by question, so that one draw adds one contiguous stretch.
    let by_question: Vec<f64> = (0..count)
        .flat_map(|place| rows.iter().map(move |row| row.as_ref()[place]))
        .collect();
    let mut rng = Rng::with_seed(seed);
    let mut drawn: Vec<Vec<f64>> = vec![Vec::with_capacity(resamples); width];
    let mut sums = vec![0.0; width];
    for _ in 0..resamples {
        sums.fill(0.0);
        for _ in 0..count {
            let start = rng.usize(..count) * width;
            sums.iter_mut()
                .zip(&by_question[start..start + width])
                .for_each(|(sum, value)| *sum += value);
        }
        drawn
            .iter_mut()
            .zip(&sums)
            .for_each(|(means, sum)| means.push(sum / count as f64));
    }
    drawn
        .into_iter()
        .zip(centres)
        .map(|(means, centre)| interval(means, centre))
        .collect()
}

fn interval(mut means: Vec<f64>, centre: f64) -> Interval {
    // Sums of the same numbers in another order differ in the last bits, which must not decide.
    const ROUNDING: f64 = 1e-12;
    let extreme = means
        .iter()
        .filter(|drawn| (*drawn - centre).abs() + ROUNDING >= centre.abs())
        .count();
    means.sort_unstable_by(f64::total_cmp);
    Interval {
        mean: centre,
        low: quantile(&means, 0.025),
        high: quantile(&means, 0.975),
        p: (extreme + 1) as f64 / (means.len() + 1) as f64,
    }
}

/// The quantile of ascending values (not empty), linear between neighbours (Hyndman and Fan 1996, type 7).
fn quantile(ascending: &[f64], share: f64) -> f64 {
    let place = share * (ascending.len() - 1) as f64;
    let below = ascending[place.floor() as usize];
    let above = ascending[place.ceil() as usize];
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values spread evenly over `centre` ± `spread`.
    fn even(count: usize, centre: f64, spread: f64) -> Vec<f64> {
        (0..count)
            .map(|i| centre + spread * (2.0 * i as f64 / (count - 1) as f64 - 1.0))
            .collect()
    }

    #[test]
    fn the_interval_is_the_normal_one_for_many_values() {
        let values = even(400, 0.02, 0.5);
        let result = paired(&values, RESAMPLES, SEED);
        let variance = values.iter().map(|v| (v - 0.02f64).powi(2)).sum::<f64>() / 400.0;
        let error = (variance / 400.0).sqrt();
        assert!((result.mean - 0.02).abs() < 1e-12);
        assert!((result.low - (0.02 - 1.96 * error)).abs() < 0.05 * error, "{result:?}");
        assert!((result.high - (0.02 + 1.96 * error)).abs() < 0.05 * error, "{result:?}");
        // 0.02 is 1.383 standard errors: p = 0.167 by the normal distribution.
        assert!((result.p - 0.167).abs() < 0.015, "{result:?}");
        assert!(!result.clear_of_zero());
    }

    #[test]
    fn p_and_interval_at_the_ends() {
        let check = |values: &[f64], clear: bool, p: std::ops::RangeInclusive<f64>| {
            let result = paired(values, 1000, 1);
            assert_eq!(result.clear_of_zero(), clear, "{result:?}");
            assert!(p.contains(&result.p), "{result:?}");
            assert!(result.low <= result.mean && result.mean <= result.high, "{result:?}");
        };
        check(&[], false, 1.0..=1.0);
        check(&[0.0; 50], false, 1.0..=1.0);
        let between = Interval {
            low: 0.001,
            p: 0.052,
            ..paired(&[0.125; 50], 1000, 1)
        };
        assert!(!between.clear_of_zero(), "{between:?}");
        check(&[0.125; 50], true, 0.0..=0.001);
        check(&[-0.125; 50], true, 0.0..=0.001);
        check(&even(100, 0.5, 0.4), true, 0.0..=0.001);
        check(&even(100, 0.0, 0.4), false, 0.98..=1.0);
        check(&[1.0], true, 0.0..=0.001);
    }

    #[test]
    fn the_seed_decides_and_nothing_else() {
        let values = even(37, 0.1, 1.0);
        assert_eq!(paired(&values, 500, 3), paired(&values, 500, 3));
        assert_ne!(paired(&values, 500, 3), paired(&values, 500, 4));
    }

    #[test]
    fn rows_together_get_what_they_get_alone() {
        let rows = [even(37, 0.1, 1.0), even(37, -0.2, 0.5), vec![0.0; 37]];
        let alone: Vec<Interval> = rows.iter().map(|row| paired(row, 500, 3)).collect();
        assert_eq!(paired_rows(&rows, 500, 3), alone);
        assert_eq!(paired_rows(&[&rows[0][..0], &rows[1]], 500, 3), [NOTHING; 2]);
        assert!(paired_rows::<&[f64]>(&[], 500, 3).is_empty());
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.5), 2.5);
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.0), 1.0);
        assert_eq!(quantile(&[7.0], 0.975), 7.0);
    }
}
