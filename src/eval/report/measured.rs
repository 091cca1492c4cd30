//! Modes measured over the same questions: their means with intervals, every two of them compared, each question's
//! values. Never searches.

use std::collections::BTreeMap;

use super::data::{Comparison, ModeRun, Ordered, QuestionReport, ReportOptions, Scope};
use crate::error::Result;
use crate::eval::bootstrap::paired_rows;
use crate::eval::dataset::{Qrels, Query};
use crate::eval::metrics::{Evaluation, Metric, evaluate, first_relevant, grades};
use crate::eval::run::Run;

/// Modes with their runs and what was measured of them, all over the same questions.
pub struct Measured<'a> {
    names: Vec<&'a str>,
    runs: Vec<&'a Run>,
    evaluations: Vec<Evaluation>,
    metrics: &'a [Metric],
}

impl<'a> Measured<'a> {
    /// Measures these runs, one a mode.
    pub fn new(
        modes: &'a [ModeRun],
        runs: &[&'a Run],
        qrels: &Qrels,
        questions: &[&Query],
        metrics: &'a [Metric],
    ) -> Self {
        let evaluate = |run: &&Run| evaluate(run, qrels, questions.iter().map(|query| query.id.as_str()), metrics);
        Measured {
            names: modes.iter().map(|mode| mode.mode.as_str()).collect(),
            runs: runs.to_vec(),
            evaluations: runs.iter().map(evaluate).collect(),
            metrics,
        }
    }

    /// One value a mode.
    fn by_mode<T>(&self, value: impl Fn(usize) -> T) -> Ordered<T> {
        Ordered(
            self.names
                .iter()
                .enumerate()
                .map(|(place, name)| ((*name).to_owned(), value(place)))
                .collect(),
        )
    }

    /// One value a measure.
    fn by_metric<T>(&self, value: impl Fn(usize, Metric) -> T) -> Ordered<T> {
        Ordered(
            self.metrics
                .iter()
                .enumerate()
                .map(|(column, metric)| (metric.to_string(), value(column, *metric)))
                .collect(),
        )
    }

    /// Means, intervals and comparisons.
    pub fn scope(&self, options: &ReportOptions) -> Result<Scope> {
        let modes = self.names.len();
        let pairs: Vec<(usize, usize)> = (0..modes)
            .flat_map(|after| (0..after).map(move |before| (before, after)))
            .collect();
        // All rows share their resamples: first each mode by each measure, then each pair by each measure.
        let mut rows: Vec<Vec<f64>> = Vec::new();
        for evaluation in &self.evaluations {
            rows.extend(self.metrics.iter().map(|metric| evaluation.values(*metric).to_vec()));
        }
        for (before, after) in &pairs {
            for metric in self.metrics {
                rows.push(self.evaluations[*before].differences(&self.evaluations[*after], *metric)?);
            }
        }
        let intervals = paired_rows(&rows, options.resamples, options.seed);
        let width = self.metrics.len();
        let of_mode = |mode: usize, column: usize| &intervals[mode * width + column];
        let comparisons = pairs.iter().enumerate().flat_map(|(pair, (before, after))| {
            let first = (modes + pair) * width;
            let (rows, intervals) = (&rows, &intervals);
            self.metrics.iter().enumerate().map(move |(column, metric)| Comparison {
                metric: metric.to_string(),
                before: self.names[*before].to_owned(),
                after: self.names[*after].to_owned(),
                difference: intervals[first + column],
                wins: rows[first + column]
                    .iter()
                    .filter(|difference| **difference > 0.0)
                    .count(),
                losses: rows[first + column]
                    .iter()
                    .filter(|difference| **difference < 0.0)
                    .count(),
            })
        });
        let empty = |mode: usize| {
            self.evaluations[mode]
                .queries
                .iter()
                .filter(|q| self.runs[mode].of(q).is_empty())
                .count()
        };
        Ok(Scope {
            modes: self.by_mode(|mode| self.by_metric(|column, _| of_mode(mode, column).mean)),
            intervals: self
                .by_mode(|mode| self.by_metric(|column, _| [of_mode(mode, column).low, of_mode(mode, column).high])),
            empty: self.by_mode(empty),
            comparisons: comparisons.collect(),
        })
    }

    /// One question in every mode, by its place.
    pub fn question(&self, place: usize, query: &Query, qrels: &Qrels) -> QuestionReport {
        let nothing = BTreeMap::new();
        let judgements = qrels.of(&query.id).unwrap_or(&nothing);
        let value =
            |mode: usize, metric: Metric| self.evaluations[mode].values(metric).get(place).copied().unwrap_or(0.0);
        let ranking = |mode: usize| self.runs[mode].of(&query.id);
        QuestionReport {
            id: query.id.clone(),
            text: query.text.clone(),
            values: self.by_mode(|mode| self.by_metric(|_, metric| value(mode, metric))),
            first_relevant: self.by_mode(|mode| first_relevant(&grades(ranking(mode), judgements))),
            first: self.by_mode(|mode| ranking(mode).first().map(|ranked| ranked.doc.clone())),
            relevant: judgements
                .iter()
                .filter(|(_, grade)| **grade >= 1)
                .map(|(doc, _)| doc.clone())
                .collect(),
        }
    }
}
