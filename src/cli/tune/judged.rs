//! Judged questions with everything that a search found for them: what all parts of a profile are learned from.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Value, json};

use crate::cli::options::Question;
use crate::compute::Budget;
use crate::error::Result;
use crate::eval::metrics::mean;
use crate::eval::{Dataset, Metric, bootstrap, paired};
use crate::search::features::{Weights, features};
use crate::search::{Engine, JudgedBy};

/// What learning is judged by.
pub const METRIC: Metric = Metric::Ndcg(10);

/// The sets by name, and which of all questions are theirs.
pub type Sets = [(String, Range<usize>)];

/// A judged question with everything that was found for it.
pub struct Judged {
    /// Its id.
    pub id: String,
    /// What it asks.
    pub text: String,
    /// Its judged articles' grades.
    pub grades: BTreeMap<String, i32>,
    /// Its candidates, by article and place in it.
    pub found: Vec<JudgedBy>,
}

impl Judged {
    /// The grade of an article, 0 where it is not judged.
    pub fn grade(&self, article: &str) -> i32 {
        self.grades.get(article).copied().unwrap_or(0)
    }

    /// The features of its candidates as a line of JSON, one an article.
    pub fn features(&self, weights: &Weights) -> Value {
        let row = |found: &JudgedBy| json!([&*found.article, self.grade(&found.article), features(&found.evidence)]);
        let rows: Vec<Value> = best_of_each(&self.found, weights).into_iter().map(row).collect();
        json!({ "id": self.id, "text": self.text, "candidates": rows })
    }
}

/// Asks the judged questions of a set.
pub fn ask(engine: &Engine, set: &Dataset, question: &Question) -> Result<Vec<Judged>> {
    let queries: Vec<_> = set.judged().collect();
    Budget::all().try_map(queries, |query, budget| {
        let mut found = engine.candidates(&question.request(&query.text), budget)?;
        found.sort_by(|a, b| (&a.article, a.ordinal).cmp(&(&b.article, b.ordinal)));
        Ok(Judged {
            id: query.id.clone(),
            text: query.text.clone(),
            grades: set.qrels.of(&query.id).cloned().unwrap_or_default(),
            found,
        })
    })
}

/// A candidate's score.
pub fn score(weights: &Weights, candidate: &JudgedBy) -> f32 {
    weights.parts(&candidate.evidence).iter().sum()
}

/// Of each article the candidate that stands highest, by article.
pub fn best_of_each<'a>(found: &'a [JudgedBy], weights: &Weights) -> Vec<&'a JudgedBy> {
    let mut best: BTreeMap<&str, (f32, &JudgedBy)> = BTreeMap::new();
    for candidate in found {
        let score = score(weights, candidate);
        let held = best.entry(&candidate.article).or_insert((score, candidate));
        let earlier = |other: &JudgedBy| candidate.ordinal < other.ordinal;
        match score.total_cmp(&held.0) {
            Ordering::Greater => *held = (score, candidate),
            Ordering::Equal if earlier(held.1) => *held = (score, candidate),
            _ => {}
        }
    }
    best.into_values().map(|(_, candidate)| candidate).collect()
}

/// The header of a table of [`row`]s.
pub fn header(before: &str, after: &str) -> Vec<String> {
    ["set", "questions", before, after, "difference", "95 %"]
        .map(String::from)
        .to_vec()
}

/// A set's means before and after, and whether the interval of their difference lies below zero.
pub fn row(set: &str, before: &[f64], after: &[f64]) -> (Vec<String>, bool) {
    let differences: Vec<f64> = before.iter().zip(after).map(|(a, b)| b - a).collect();
    let interval = paired(&differences, bootstrap::RESAMPLES, bootstrap::SEED);
    let cells = vec![
        set.to_string(),
        before.len().to_string(),
        format!("{:.4}", mean(before)),
        format!("{:.4}", mean(after)),
        format!("{:+.4}", interval.mean),
        format!("[{:+.4}, {:+.4}]", interval.low, interval.high),
    ];
    (cells, interval.high < 0.0)
}
