//! Owns the measures of one ranking against its judgements, and their means over the judged questions.
//!
//! Conventions are trec_eval's (Buckley; as ir_measures calls it through pytrec_eval), so that the numbers agree with
//! other tools to the last digits that matter: linear gain, discount 1 / log2(rank + 1), grades below 1 gain nothing,
//! relevant means grade >= 1 (but for the two measures that say otherwise), a question that was judged but has no
//! relevant article or no ranking scores 0 and counts. It never looks at scores: the order of a [`Run`] is the ranking.

use std::collections::BTreeMap;
use std::fmt;
#[cfg(test)]
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::dataset::Qrels;
use super::run::{Ranked, Run};
use crate::error::{Error, Result};

/// A measure of one ranking; every one lies in [0, 1] and is better when higher. Cutoffs are at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Normalised discounted cumulative gain of the first k (Järvelin and Kekäläinen 2002, linear gain).
    Ndcg(usize),
    /// The same with the gain 2^grade - 1, which counts a full answer much more than a part of one (Burges et al.
    /// 2005).
    NdcgExponential(usize),
    /// Whether the first k hold an article of at least this grade.
    Success(usize, i32),
    /// One over the rank of the first relevant article, 0 if it is not among the first k.
    Mrr(usize),
    /// The share of the relevant articles that stand among the first k.
    Recall(usize),
}

impl Metric {
    /// What `baowen eval` reports.
    pub const STANDARD: [Metric; 4] = [
        Metric::Ndcg(10),
        Metric::Mrr(10),
        Metric::Recall(10),
        Metric::Recall(100),
    ];

    /// What is reported beside these where articles have more than one grade above 0.
    pub const GRADED: [Metric; 3] = [
        Metric::NdcgExponential(10),
        Metric::Success(1, 2),
        Metric::Success(3, 2),
    ];

    /// The measure of a ranking given as grades: `ranked` the grade at each rank, best first, 0 where the article is
    /// not judged; `judged` the grades of all judged articles of the question, in any order, found or not.
    pub fn of_grades(self, ranked: &[i32], judged: &[i32]) -> f64 {
        let relevant = judged.iter().filter(|grade| **grade >= 1).count();
        if relevant == 0 {
            return 0.0;
        }
        let hits = |k: usize| ranked.iter().take(k).filter(|grade| **grade >= 1).count() as f64;
        match self {
            Metric::Ndcg(k) => ndcg(ranked, judged, k, f64::from),
            Metric::NdcgExponential(k) => ndcg(ranked, judged, k, |grade| f64::from(grade).exp2() - 1.0),
            Metric::Success(k, least) => {
                let found = ranked.iter().take(k).any(|grade| *grade >= least);
                f64::from(u8::from(found))
            }
            Metric::Mrr(k) => match first_relevant(ranked) {
                Some(rank) if rank <= k => 1.0 / rank as f64,
                _ => 0.0,
            },
            Metric::Recall(k) => hits(k) / relevant as f64,
        }
    }

    /// The measure of a ranking against the judgements of its question.
    pub fn of(self, ranking: &[Ranked], judgements: &BTreeMap<String, i32>) -> f64 {
        let judged: Vec<i32> = judgements.values().copied().collect();
        self.of_grades(&grades(ranking, judgements), &judged)
    }
}

/// Discounted cumulative gain of the first k grades, over that of the best order.
fn ndcg(ranked: &[i32], judged: &[i32], k: usize, gain: fn(i32) -> f64) -> f64 {
    let mut ideal = judged.to_vec();
    ideal.sort_unstable_by(|a, b| b.cmp(a));
    dcg(ranked, k, gain) / dcg(&ideal, k, gain)
}

fn dcg(grades: &[i32], k: usize, gain: fn(i32) -> f64) -> f64 {
    let gains = grades.iter().take(k).enumerate().filter(|(_, grade)| **grade >= 1);
    // Not `sum`: the sum of no floats is -0, which would be printed.
    gains.fold(0.0, |sum, (place, grade)| {
        sum + gain(*grade) / ((place + 2) as f64).log2()
    })
}

/// The grade at each rank, 0 where the article is not judged.
pub fn grades(ranking: &[Ranked], judgements: &BTreeMap<String, i32>) -> Vec<i32> {
    ranking
        .iter()
        .map(|ranked| judgements.get(&ranked.doc).copied().unwrap_or(0))
        .collect()
}

/// The rank (from 1) of the first relevant article.
pub fn first_relevant(grades: &[i32]) -> Option<usize> {
    grades.iter().position(|grade| *grade >= 1).map(|place| place + 1)
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Metric::Ndcg(k) => write!(f, "nDCG@{k}"),
            Metric::NdcgExponential(k) => write!(f, "nDCG@{k} (2^grade-1)"),
            Metric::Success(k, grade) => write!(f, "Success@{k} (grade {grade})"),
            Metric::Mrr(k) => write!(f, "MRR@{k}"),
            Metric::Recall(k) => write!(f, "Recall@{k}"),
        }
    }
}

#[cfg(test)]
impl FromStr for Metric {
    type Err = Error;

    /// Reads the names that are printed and those of ir_measures (`RR@10`, `R@100`), in any case.
    fn from_str(text: &str) -> Result<Self> {
        let lower = text.trim().to_lowercase();
        let (name, cutoff) = match lower.split_once('@') {
            Some((name, k)) => (name, k.parse::<usize>().ok().filter(|k| *k >= 1)),
            None => (lower.as_str(), None),
        };
        match (name, cutoff) {
            ("ndcg", Some(k)) => Ok(Metric::Ndcg(k)),
            ("mrr" | "rr", Some(k)) => Ok(Metric::Mrr(k)),
            ("recall" | "r", Some(k)) => Ok(Metric::Recall(k)),
            _ => Err(Error::caller(format!("`{text}` is not a measure"))
                .help("known are nDCG@k, MRR@k and Recall@k, with k at least 1")),
        }
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Measures of one run over the judged questions of a set.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The questions, in the order of the values.
    pub queries: Vec<String>,
    metrics: Vec<Metric>,
    /// One row a metric, one value a question.
    values: Vec<Vec<f64>>,
}

impl Evaluation {
    /// The value of each question, in the order of [`Evaluation::queries`]; empty if `metric` was not measured.
    pub fn values(&self, metric: Metric) -> &[f64] {
        let place = self.metrics.iter().position(|known| *known == metric);
        place.map_or(&[], |place| self.values[place].as_slice())
    }

    /// The mean over the questions; 0 if there is none or `metric` was not measured.
    pub fn mean(&self, metric: Metric) -> f64 {
        mean(self.values(metric))
    }

    /// Per question, what `after` has more than this evaluation. Both must be over the same questions.
    ///
    /// # Errors
    /// `Bug` if they are not.
    pub fn differences(&self, after: &Evaluation, metric: Metric) -> Result<Vec<f64>> {
        let (before_values, after_values) = (self.values(metric), after.values(metric));
        if self.queries != after.queries || before_values.len() != after_values.len() {
            return Err(Error::bug(format!(
                "{metric} of two runs was taken over different questions"
            )));
        }
        Ok(before_values
            .iter()
            .zip(after_values)
            .map(|(before, after)| after - before)
            .collect())
    }
}

/// The arithmetic mean; 0 of nothing.
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        0.0
    } else {
        values.iter().sum::<f64>() / values.len() as f64
    }
}

/// Measures `run` over `queries`, which are taken in the given order. A question without a ranking scores 0; one
/// without judgements is left out.
pub fn evaluate<'a>(
    run: &Run,
    qrels: &Qrels,
    queries: impl IntoIterator<Item = &'a str>,
    metrics: &[Metric],
) -> Evaluation {
    let mut evaluation = Evaluation {
        queries: Vec::new(),
        metrics: metrics.to_vec(),
        values: vec![Vec::new(); metrics.len()],
    };
    for query in queries {
        let Some(judgements) = qrels.of(query) else { continue };
        let judged: Vec<i32> = judgements.values().copied().collect();
        let ranked = grades(run.of(query), judgements);
        evaluation.queries.push(query.to_owned());
        for (metric, values) in metrics.iter().zip(&mut evaluation.values) {
            values.push(metric.of_grades(&ranked, &judged));
        }
    }
    evaluation
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    /// The committed expected values: what ir_measures says of the same run and judgements.
    fn agrees_with_ir_measures(case: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/eval").join(case);
        let run = Run::read(&folder.join("run.trec")).unwrap();
        let qrels = Qrels::read(&folder.join("qrels.tsv")).unwrap();
        let text = std::fs::read_to_string(folder.join("expected.json")).unwrap();
        let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut compared = 0;
        for (name, values) in expected["measures"].as_object().unwrap() {
            // What ir_measures knows beside ours.
            if name.starts_with("P@") || name == "AP" || name == "MAP" {
                continue;
            }
            let metric: Metric = name.parse().unwrap();
            let ours = evaluate(&run, &qrels, qrels.iter().map(|(query, _)| query), &[metric]);
            let theirs = values["by_query"].as_object().unwrap();
            assert_eq!(ours.queries.len(), theirs.len());
            for (query, value) in ours.queries.iter().zip(ours.values(metric)) {
                let wanted = theirs[query].as_f64().unwrap();
                assert!(
                    (value - wanted).abs() < 1e-6,
                    "{case} {name} {query}: {value}, ir_measures {wanted}"
                );
                compared += 1;
            }
            let wanted = values["mean"].as_f64().unwrap();
            let ours = ours.mean(metric);
            assert!(
                (ours - wanted).abs() < 1e-6,
                "{case} {name}: mean {ours}, ir_measures {wanted}"
            );
        }
        assert!(compared >= 4 * 4, "only {compared} values were compared");
    }

    #[test]
    fn agrees_with_ir_measures_on_ties_gaps_and_grades() {
        agrees_with_ir_measures("small");
    }

    #[test]
    fn agrees_with_ir_measures_on_a_longer_run() {
        agrees_with_ir_measures("medium");
    }

    #[test]
    fn values_that_can_be_worked_out_by_hand() {
        let check = |metric: &str, ranked: &[i32], judged: &[i32], expected: f64| {
            let value = metric.parse::<Metric>().unwrap().of_grades(ranked, judged);
            assert!(
                (value - expected).abs() < 1e-12,
                "{metric} {ranked:?} {judged:?}: {value}, not {expected}"
            );
        };
        check("nDCG@10", &[2, 1], &[1, 2], 1.0);
        check("nDCG@10", &[0, 1], &[1], 1.0 / 3f64.log2());
        check("nDCG@1", &[1, 2], &[2, 1], 0.5);
        check("nDCG@10", &[1], &[2], 0.5);
        check("nDCG@10", &[-1, 1], &[1, -1], 1.0 / 3f64.log2());
        let exponential = Metric::NdcgExponential(10).of_grades(&[1, 2], &[2, 1, 0]);
        let expected = (1.0 + 3.0 / 3f64.log2()) / (3.0 + 1.0 / 3f64.log2());
        assert!((exponential - expected).abs() < 1e-12, "{exponential}");
        for (ranked, k, expected) in [(&[1, 2][..], 1, 0.0), (&[1, 2], 3, 1.0), (&[2], 1, 1.0), (&[], 3, 0.0)] {
            assert_eq!(
                Metric::Success(k, 2).of_grades(ranked, &[2, 1]),
                expected,
                "{ranked:?} {k}"
            );
        }
        check("MRR@10", &[0, 0, 1, 2], &[1, 2], 1.0 / 3.0);
        check("MRR@2", &[0, 0, 1], &[1], 0.0);
        check("Recall@2", &[1, 0, 1], &[1, 1, 1, 0], 1.0 / 3.0);
        for metric in ["nDCG@10", "MRR@10", "Recall@10"] {
            check(metric, &[0, 0], &[0, -2], 0.0);
            check(metric, &[], &[1], 0.0);
            check(metric, &[], &[], 0.0);
            let nothing = metric.parse::<Metric>().unwrap().of_grades(&[0], &[1]);
            assert!(nothing.is_sign_positive(), "{metric} of nothing found is printed as -0");
        }
    }

    #[test]
    fn names_are_read_and_printed() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(
                text.parse::<Metric>().ok().map(|m| m.to_string()).as_deref(),
                expected,
                "{text}"
            );
        };
        check("ndcg@10", Some("nDCG@10"));
        check("RR@5", Some("MRR@5"));
        check("R@100", Some("Recall@100"));
        check("AP", None);
        check("nDCG", None);
        check("nDCG@0", None);
        check("nDCG@-1", None);
        check("", None);
    }

    #[test]
    fn questions_without_judgements_are_left_out_and_without_ranking_count_as_zero() {
        let mut qrels = Qrels::default();
        qrels.set("a", "d", 1);
        qrels.set("b", "d", 1);
        let mut run = Run::default();
        run.insert("a", vec![Ranked::new("d", 1.0)]).unwrap();
        run.insert("c", vec![Ranked::new("d", 1.0)]).unwrap();
        let evaluation = evaluate(&run, &qrels, ["c", "b", "a"], &[Metric::Ndcg(10)]);
        assert_eq!(evaluation.queries, ["b", "a"]);
        assert_eq!(evaluation.values(Metric::Ndcg(10)), [0.0, 1.0]);
        assert_eq!(evaluation.mean(Metric::Ndcg(10)), 0.5);
        assert_eq!(evaluation.mean(Metric::Recall(10)), 0.0);
    }

    proptest! {
        /// Any ranking of judged articles lies in [0, 1], and the ideal order of all of them reaches 1.
        #[test]
        fn measures_stay_in_range(judged in proptest::collection::vec(-2..4i32, 1..20), k in 1..15usize) {
            for metric in [Metric::Ndcg(k), Metric::NdcgExponential(k), Metric::Success(k, 2), Metric::Mrr(k), Metric::Recall(k)] {
                let value = metric.of_grades(&judged, &judged);
                prop_assert!((0.0..=1.0 + 1e-12).contains(&value), "{} {}", metric, value);
            }
            let mut ideal = judged.clone();
            ideal.sort_unstable_by(|a, b| b.cmp(a));
            if ideal[0] >= 1 {
                prop_assert!((Metric::Ndcg(k).of_grades(&ideal, &judged) - 1.0).abs() < 1e-12);
            }
        }
    }
}
