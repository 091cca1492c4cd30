//! Owns the factors of a matrix: its best approximation of a low rank (Eckart and Young 1936), which is how a learned
//! matrix is made small enough to ship.
//!
//! One-sided Jacobi (Hestenes 1958; Golub and Van Loan, section 8.6.3): exact to rounding for close and for zero
//! singular values, a few lines, and the same bits every time. Meant for some hundred rows; never for more.

/// Sweeps after which rotation ends even if some columns are not orthogonal yet; ten are usual.
const MAX_SWEEPS: usize = 40;
/// Cosine of two columns up to which they count as orthogonal.
const ORTHOGONAL: f64 = 1e-12;
/// Sums are kept in that many lanes, which a compiler turns into vector instructions without reordering anything.
const LANES: usize = 8;

/// Factors of an `n x n` matrix A: `A` is about `L Rᵀ`, the singular values shared evenly by both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Factors {
    /// Lᵀ by row: `rank` rows of n.
    pub left: Vec<f32>,
    /// Rᵀ by row: `rank` rows of n.
    pub right: Vec<f32>,
    /// All n singular values, largest first.
    pub values: Vec<f64>,
}

/// The best approximation of rank `rank` (at most n) of an `n x n` matrix given by row.
pub fn truncated(matrix: &[f32], n: usize, rank: usize) -> Factors {
    // A = U S Vᵀ: columns of A are rotated until they are orthogonal, U S; the rotations make V.
    let mut columns: Vec<Vec<f64>> = (0..n)
        .map(|column| (0..n).map(|row| f64::from(matrix[row * n + column])).collect())
        .collect();
    let mut rotations: Vec<Vec<f64>> = (0..n)
        .map(|column| (0..n).map(|row| if row == column { 1.0 } else { 0.0 }).collect())
        .collect();
    for _ in 0..MAX_SWEEPS {
        let mut squares: Vec<f64> = columns.iter().map(|column| dot(column, column)).collect();
        let mut turned = false;
        for second in 1..n {
            for first in 0..second {
                let (a, b) = (squares[first], squares[second]);
                let product = dot(&columns[first], &columns[second]);
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
    let norms: Vec<f64> = columns.iter().map(|column| dot(column, column).sqrt()).collect();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| norms[b].total_cmp(&norms[a]).then(a.cmp(&b)));
    let mut factors = Factors {
        left: Vec::with_capacity(rank * n),
        right: Vec::with_capacity(rank * n),
        values: order.iter().map(|&at| norms[at]).collect(),
    };
    for &at in order.iter().take(rank) {
        let share = norms[at].sqrt();
        let part = if share > 0.0 { 1.0 / share } else { 0.0 };
        factors.left.extend(columns[at].iter().map(|x| (x * part) as f32));
        factors.right.extend(rotations[at].iter().map(|x| (x * share) as f32));
    }
    factors
}

fn rotate(columns: &mut [Vec<f64>], first: usize, second: usize, cosine: f64, sine: f64) {
    let (before, after) = columns.split_at_mut(second);
    for (a, b) in before[first].iter_mut().zip(&mut after[0]) {
        (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(n: usize, seed: u64) -> Vec<f32> {
        let mut rng = fastrand::Rng::with_seed(seed);
        (0..n * n).map(|_| rng.f32() * 2.0 - 1.0).collect()
    }

    fn product(factors: &Factors, n: usize) -> Vec<f64> {
        let rows = |factor: &[f32]| factor.chunks_exact(n).map(<[f32]>::to_vec).collect::<Vec<_>>();
        let (left, right) = (rows(&factors.left), rows(&factors.right));
        let mut matrix = vec![0.0; n * n];
        for (l, r) in left.iter().zip(&right) {
            for row in 0..n {
                for column in 0..n {
                    matrix[row * n + column] += f64::from(l[row]) * f64::from(r[column]);
                }
            }
        }
        matrix
    }

    fn error(matrix: &[f32], found: &[f64]) -> f64 {
        let square = |(a, b): (&f32, &f64)| (f64::from(*a) - b).powi(2);
        matrix.iter().zip(found).map(square).sum::<f64>().sqrt()
    }

    #[test]
    fn a_known_matrix() {
        // A = [[3, 0], [4, 5]] has singular values sqrt(45) and sqrt(5).
        let factors = truncated(&[3.0, 0.0, 4.0, 5.0], 2, 1);
        assert!((factors.values[0] - 45f64.sqrt()).abs() < 1e-12, "{factors:?}");
        assert!((factors.values[1] - 5f64.sqrt()).abs() < 1e-12, "{factors:?}");
        // u = (1, 3) / sqrt(10), v = (1, 1) / sqrt(2), so s u vᵀ = [[1.5, 1.5], [4.5, 4.5]].
        assert!(
            error(&[1.5, 1.5, 4.5, 4.5], &product(&factors, 2)) < 1e-5,
            "{factors:?}"
        );
    }

    /// What is left out weighs exactly what the smaller singular values say: no approximation of that rank is better.
    #[test]
    fn the_error_is_that_of_the_values_left_out() {
        let n = 37;
        let matrix = random(n, 5);
        for rank in [1, 8, 36, 37] {
            let factors = truncated(&matrix, n, rank);
            let expected = factors.values[rank..].iter().map(|s| s * s).sum::<f64>().sqrt();
            let found = error(&matrix, &product(&factors, n));
            assert!(
                (found - expected).abs() < 1e-4,
                "rank {rank}: {found}, expected {expected}"
            );
            assert!(factors.values.is_sorted_by(|a, b| a >= b));
        }
        assert_eq!(truncated(&matrix, n, 8), truncated(&matrix, n, 8), "it repeats");
    }

    #[test]
    fn low_rank_equal_values_and_zeros_are_no_trouble() {
        let n = 12;
        let ones = vec![1.0; n * n];
        let factors = truncated(&ones, n, 3);
        assert!((factors.values[0] - n as f64).abs() < 1e-9 && factors.values[1] < 1e-6);
        assert!(error(&ones, &product(&factors, n)) < 1e-4);
        let zeros = truncated(&vec![0.0; n * n], n, 2);
        assert!(zeros.left.iter().chain(&zeros.right).all(|x| *x == 0.0));
        let identity: Vec<f32> = (0..n * n).map(|at| f32::from(u8::from(at % (n + 1) == 0))).collect();
        let factors = truncated(&identity, n, n);
        assert!(error(&identity, &product(&factors, n)) < 1e-5);
    }
}
