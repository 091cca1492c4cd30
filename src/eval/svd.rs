//! Owns the factors of a matrix: its best approximation of a low rank (Eckart and Young 1936), which is how a learned
//! matrix is made small enough to ship.
//!
//! One-sided Jacobi (Hestenes 1958; Golub and Van Loan, section 8.6.3): exact to rounding for close and for zero
//! singular values, a few lines, and the same bits every time. Meant for some hundred rows; never for more.

use ndarray::{Array2, ArrayView2, Zip, s};

/// Sweeps after which rotation ends even if some columns are not orthogonal yet; ten are usual.
const MAX_SWEEPS: usize = 40;
/// Cosine of two columns up to which they count as orthogonal.
const ORTHOGONAL: f64 = 1e-12;
/// Factors of an `n x n` matrix A: `A` is about `L Rᵀ`, the singular values shared evenly by both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Factors {
    /// Lᵀ, `rank x n`.
    pub left: Array2<f32>,
    /// Rᵀ, `rank x n`.
    pub right: Array2<f32>,
    /// All n singular values, largest first.
    pub values: Vec<f64>,
}

/// The best approximation of rank `rank` (at most n) of an `n x n` matrix.
pub fn truncated(matrix: ArrayView2<f32>, rank: usize) -> Factors {
    let n = matrix.nrows();
    // A = U S Vᵀ: columns of A (rows here) are rotated until they are orthogonal, U S; the rotations make V.
    let mut columns = Array2::from_shape_fn((n, n), |(column, row)| f64::from(matrix[[row, column]]));
    let mut rotations = Array2::<f64>::eye(n);
    for _ in 0..MAX_SWEEPS {
        let mut squares: Vec<f64> = columns.rows().into_iter().map(|column| column.dot(&column)).collect();
        let mut turned = false;
        for second in 1..n {
            for first in 0..second {
                let (a, b) = (squares[first], squares[second]);
                let product = columns.row(first).dot(&columns.row(second));
                if product.abs() <= ORTHOGONAL * (a * b).sqrt() || product == 0.0 {
                    continue;
                }
                turned = true;
                let slope = (b - a) / (2.0 * product);
                let tangent = slope.signum() / (slope.abs() + (1.0 + slope * slope).sqrt());
                let cosine = 1.0 / (1.0 + tangent * tangent).sqrt();
                rotate(&mut columns, first, second, cosine, cosine * tangent);
                rotate(&mut rotations, first, second, cosine, cosine * tangent);
                squares[first] = (a - tangent * product).max(0.0);
                squares[second] = (b + tangent * product).max(0.0);
            }
        }
        if !turned {
            break;
        }
    }
    let norms: Vec<f64> = columns
        .rows()
        .into_iter()
        .map(|column| column.dot(&column).sqrt())
        .collect();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| norms[b].total_cmp(&norms[a]).then(a.cmp(&b)));
    let values = order.iter().map(|&at| norms[at]).collect();
    order.truncate(rank);
    let scaled = |rows: &Array2<f64>, scale: &dyn Fn(f64) -> f64| {
        Array2::from_shape_fn((order.len(), n), |(place, x)| {
            let at = order[place];
            (rows[[at, x]] * scale(norms[at].sqrt())) as f32
        })
    };
    Factors {
        left: scaled(&columns, &|share| if share > 0.0 { 1.0 / share } else { 0.0 }),
        right: scaled(&rotations, &|share| share),
        values,
    }
}

fn rotate(rows: &mut Array2<f64>, first: usize, second: usize, cosine: f64, sine: f64) {
    let (first, second) = rows.multi_slice_mut((s![first, ..], s![second, ..]));
    Zip::from(first)
        .and(second)
        .for_each(|a, b| (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b));
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn random(n: usize, seed: u64) -> Array2<f32> {
        let mut rng = fastrand::Rng::with_seed(seed);
        Array2::from_shape_simple_fn((n, n), || rng.f32() * 2.0 - 1.0)
    }

    /// How far the factors' product is from a matrix.
    fn error(matrix: &Array2<f32>, factors: &Factors) -> f64 {
        let wide = |matrix: &Array2<f32>| matrix.mapv(f64::from);
        let product = wide(&factors.left).t().dot(&wide(&factors.right));
        (wide(matrix) - product).mapv(|x| x * x).sum().sqrt()
    }

    #[test]
    fn a_known_matrix() {
        // A = [[3, 0], [4, 5]] has singular values sqrt(45) and sqrt(5).
        let factors = truncated(array![[3.0, 0.0], [4.0, 5.0]].view(), 1);
        assert!((factors.values[0] - 45f64.sqrt()).abs() < 1e-12, "{factors:?}");
        assert!((factors.values[1] - 5f64.sqrt()).abs() < 1e-12, "{factors:?}");
        // u = (1, 3) / sqrt(10), v = (1, 1) / sqrt(2), so s u vᵀ = [[1.5, 1.5], [4.5, 4.5]].
        assert!(error(&array![[1.5, 1.5], [4.5, 4.5]], &factors) < 1e-5, "{factors:?}");
    }

    /// What is left out weighs exactly what the smaller singular values say: no approximation of that rank is better.
    #[test]
    fn the_error_is_that_of_the_values_left_out() {
        let n = 37;
        let matrix = random(n, 5);
        for rank in [1, 8, 36, 37] {
            let factors = truncated(matrix.view(), rank);
            let expected = factors.values[rank..].iter().map(|s| s * s).sum::<f64>().sqrt();
            let found = error(&matrix, &factors);
            assert!(
                (found - expected).abs() < 1e-4,
                "rank {rank}: {found}, expected {expected}"
            );
            assert!(factors.values.is_sorted_by(|a, b| a >= b));
        }
        assert_eq!(truncated(matrix.view(), 8), truncated(matrix.view(), 8), "it repeats");
    }

    #[test]
    fn low_rank_equal_values_and_zeros_are_no_trouble() {
        let n = 12;
        let ones = Array2::ones((n, n));
        let factors = truncated(ones.view(), 3);
        assert!((factors.values[0] - n as f64).abs() < 1e-9 && factors.values[1] < 1e-6);
        assert!(error(&ones, &factors) < 1e-4);
        let zeros = truncated(Array2::zeros((n, n)).view(), 2);
        assert!(zeros.left.iter().chain(&zeros.right).all(|x| *x == 0.0));
        let identity = Array2::eye(n);
        let factors = truncated(identity.view(), n);
        assert!(error(&identity, &factors) < 1e-5);
    }
}
