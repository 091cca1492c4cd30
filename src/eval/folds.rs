//! Owns the split of questions into folds for cross-validation, by a hash of their key alone.
//!
//! So a question stays in its fold when others come or go, and two programs with the same seed split alike. Questions
//! that must not be torn apart (paraphrases, questions with the same answer) are given the same key. Never shuffles
//! with a generator.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// One fold: the places of the questions to learn from and of those held out, both ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// Learn from these.
    pub train: Vec<usize>,
    /// Measure on these.
    pub held: Vec<usize>,
}

/// The fold (below `folds`) of a key. `folds` of 0 counts as 1.
pub fn fold_of(key: &str, folds: usize, seed: u64) -> usize {
    (xxh3_64_with_seed(key.as_bytes(), seed) % folds.max(1) as u64) as usize
}

/// Splits the places 0..keys.len() into `folds` folds. Every place is held out in exactly one of them; folds that
/// hold out nothing (few questions) are left out.
pub fn split<K: AsRef<str>>(keys: &[K], folds: usize, seed: u64) -> Vec<Fold> {
    let places: Vec<usize> = keys.iter().map(|key| fold_of(key.as_ref(), folds, seed)).collect();
    (0..folds.max(1))
        .map(|fold| {
            let (held, train) = (0..keys.len()).partition(|place| places[*place] == fold);
            Fold { train, held }
        })
        .filter(|fold| !fold.held.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_is_held_out_once_and_equal_keys_stay_together() {
        let keys: Vec<String> = (0..500).map(|i| format!("q{}", i / 2)).collect();
        let folds = split(&keys, 5, 7);
        assert_eq!(folds.len(), 5);
        let mut held: Vec<usize> = folds.iter().flat_map(|fold| fold.held.clone()).collect();
        held.sort_unstable();
        assert_eq!(held, (0..500).collect::<Vec<_>>());
        for fold in &folds {
            assert_eq!(fold.train.len() + fold.held.len(), 500);
            assert!(
                (60..=140).contains(&fold.held.len()),
                "{} of 500 in a fold of five",
                fold.held.len()
            );
            for place in fold.held.iter().filter(|place| **place % 2 == 0) {
                assert!(fold.held.contains(&(place + 1)));
            }
        }
        assert_ne!(split(&keys, 5, 8), folds, "the seed counts");
    }

    #[test]
    fn a_key_keeps_its_fold() {
        // Fixed values (the xxhash package of Python gives the same): a change here would silently change every
        // cross-validated number that was ever written down.
        let folds: Vec<usize> = ["clause-q0003", "clause-q0004", "zhidao-q0000"]
            .map(|key| fold_of(key, 5, 0))
            .to_vec();
        assert_eq!(folds, [2, 4, 1]);
        assert_eq!(split::<&str>(&[], 5, 0), []);
        assert_eq!(split(&["a", "b"], 0, 0).len(), 1);
    }
}
