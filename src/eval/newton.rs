//! Owns the minimising of a convex loss over a few weights: Newton steps with halving, standardised features, and the
//! linear solver of a step. Knows no loss: `logistic` and `linear` bring theirs.

/// Newton steps at most; a convex problem of this size needs about ten.
const STEPS: usize = 100;

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Mean and spread of each feature, so that one penalty means the same for all.
pub(super) struct Scaling {
    mean: Vec<f64>,
    /// 0 for a feature that never changes: its standardised value is 0 and its weight stays 0.
    inverse: Vec<f64>,
}

impl Scaling {
    pub(super) fn of<'a>(rows: impl Iterator<Item = &'a [f64]>, width: usize) -> Self {
        let (mut count, mut mean, mut squares) = (0.0, vec![0.0; width], vec![0.0; width]);
        // Welford's update: exact enough for features of any size.
        for row in rows {
            count += 1.0;
            for (place, value) in row.iter().enumerate() {
                let before = value - mean[place];
                mean[place] += before / count;
                squares[place] += before * (value - mean[place]);
            }
        }
        let inverse = squares
            .iter()
            .zip(&mean)
            .map(|(squares, mean)| {
                let deviation = (squares / f64::max(count, 1.0)).sqrt();
                // Below this it is rounding of a constant, not a spread.
                if deviation > 1e-9 * mean.abs().max(1e-9) {
                    1.0 / deviation
                } else {
                    0.0
                }
            })
            .collect();
        Scaling { mean, inverse }
    }

    pub(super) fn apply(&self, row: &[f64]) -> Vec<f64> {
        row.iter()
            .enumerate()
            .map(|(place, value)| (value - self.mean[place]) * self.inverse[place])
            .collect()
    }

    /// Weights for raw features, and the constant that the raw sum has more than the standardised one.
    pub(super) fn undo(&self, weights: &[f64]) -> (Vec<f64>, f64) {
        let raw: Vec<f64> = weights
            .iter()
            .zip(&self.inverse)
            .map(|(weight, inverse)| weight * inverse)
            .collect();
        let shift = dot(&raw, &self.mean);
        (raw, shift)
    }
}

/// Gradient and Hessian (row-major) of a loss.
#[derive(Clone)]
pub(super) struct Derivatives {
    pub(super) gradient: Vec<f64>,
    pub(super) hessian: Vec<f64>,
}

impl Derivatives {
    pub(super) fn new(width: usize) -> Self {
        Derivatives {
            gradient: vec![0.0; width],
            hessian: vec![0.0; width * width],
        }
    }

    /// Adds `slope * row` to the gradient and `curvature * row row'` to the Hessian.
    pub(super) fn add(&mut self, row: &[f64], slope: f64, curvature: f64) {
        let width = self.gradient.len();
        for (i, a) in row.iter().enumerate() {
            self.gradient[i] += slope * a;
            for (j, b) in row.iter().enumerate() {
                self.hessian[i * width + j] += curvature * a * b;
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Derivatives) {
        self.gradient
            .iter_mut()
            .zip(&other.gradient)
            .for_each(|(sum, value)| *sum += value);
        self.hessian
            .iter_mut()
            .zip(&other.hessian)
            .for_each(|(sum, value)| *sum += value);
    }

    pub(super) fn scale(&mut self, factor: f64) {
        self.gradient
            .iter_mut()
            .chain(&mut self.hessian)
            .for_each(|value| *value *= factor);
    }
}

/// Minimises a convex loss from `weights` by Newton steps, each halved until the loss falls.
pub(super) fn newton(
    mut weights: Vec<f64>,
    loss: impl Fn(&[f64]) -> f64,
    derivatives: impl Fn(&[f64]) -> Derivatives,
) -> Vec<f64> {
    let mut current = loss(&weights);
    for _ in 0..STEPS {
        let Derivatives { gradient, hessian } = derivatives(&weights);
        let step = solve(hessian, gradient.clone());
        let promised = dot(&gradient, &step);
        // Half the promise is what a quadratic would give; below this nothing is left to gain.
        if !promised.is_finite() || promised <= 1e-14 {
            break;
        }
        let mut share = 1.0;
        let next = loop {
            let tried: Vec<f64> = weights
                .iter()
                .zip(&step)
                .map(|(weight, step)| weight - share * step)
                .collect();
            let value = loss(&tried);
            if value <= current - 1e-4 * share * promised {
                break Some((tried, value));
            }
            share /= 2.0;
            if share < 1e-10 {
                break None;
            }
        };
        let Some((tried, value)) = next else { break };
        (weights, current) = (tried, value);
    }
    weights
}

/// Solves `matrix x = right` for a symmetric matrix with no negative eigenvalue, by Cholesky factors. A direction with
/// no curvature (a feature that says what others say, or nothing) is left at 0.
fn solve(mut matrix: Vec<f64>, mut right: Vec<f64>) -> Vec<f64> {
    let width = right.len();
    let largest = (0..width).map(|i| matrix[i * width + i]).fold(0.0, f64::max);
    let floor = (largest * 1e-10).max(f64::MIN_POSITIVE);
    for j in 0..width {
        let used: f64 = (0..j).map(|k| matrix[j * width + k].powi(2)).sum();
        let pivot = matrix[j * width + j] - used;
        let diagonal = if pivot > floor { pivot.sqrt() } else { 0.0 };
        matrix[j * width + j] = diagonal;
        for i in j + 1..width {
            let used: f64 = (0..j).map(|k| matrix[i * width + k] * matrix[j * width + k]).sum();
            let rest = matrix[i * width + j] - used;
            matrix[i * width + j] = if diagonal > 0.0 { rest / diagonal } else { 0.0 };
        }
    }
    let divide = |value: f64, diagonal: f64| if diagonal > 0.0 { value / diagonal } else { 0.0 };
    for i in 0..width {
        let known: f64 = (0..i).map(|k| matrix[i * width + k] * right[k]).sum();
        right[i] = divide(right[i] - known, matrix[i * width + i]);
    }
    for i in (0..width).rev() {
        let known: f64 = (i + 1..width).map(|k| matrix[k * width + i] * right[k]).sum();
        right[i] = divide(right[i] - known, matrix[i * width + i]);
    }
    right
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The solver solves: A'A + I is symmetric and positive.
        #[test]
        fn solutions_fulfil_their_equations(
            values in proptest::collection::vec(-3.0..3.0f64, 16), right in proptest::collection::vec(-3.0..3.0f64, 4)
        ) {
            let mut matrix = vec![0.0; 16];
            for i in 0..4 {
                for j in 0..4 {
                    let sum: f64 = (0..4).map(|k| values[k * 4 + i] * values[k * 4 + j]).sum();
                    matrix[i * 4 + j] = sum + f64::from(u8::from(i == j));
                }
            }
            let x = solve(matrix.clone(), right.clone());
            for i in 0..4 {
                prop_assert!((dot(&matrix[i * 4..i * 4 + 4], &x) - right[i]).abs() < 1e-8);
            }
        }
    }
}
