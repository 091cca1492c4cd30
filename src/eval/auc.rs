//! Owns how well one score tells two groups apart (questions the collection answers, and questions nothing in it
//! answers). Never decides the threshold.

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
}
