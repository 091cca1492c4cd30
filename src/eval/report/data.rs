//! What an evaluation says, as plain data: it serialises for `--json`. Never computes anything.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::eval::bootstrap::{self, Interval};
use crate::eval::metrics::Metric;
use crate::eval::run::Run;

/// What a report holds and how its chances are drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportOptions {
    /// The measures, in the order of the columns; the first one decides which questions are worst or changed.
    pub metrics: Vec<Metric>,
    /// Bootstrap resamples.
    pub resamples: usize,
    /// Bootstrap seed.
    pub seed: u64,
    /// How many of the worst and of the most changed questions are listed.
    pub listed: usize,
}

impl Default for ReportOptions {
    fn default() -> Self {
        ReportOptions {
            metrics: Metric::STANDARD.to_vec(),
            resamples: bootstrap::RESAMPLES,
            seed: bootstrap::SEED,
            listed: 10,
        }
    }
}

/// The rankings of one mode (or one fusion, or one setting).
#[derive(Debug, Clone)]
pub struct ModeRun {
    /// Its name, as reports print it.
    pub mode: String,
    /// Its rankings over the whole corpus.
    pub run: Run,
    /// Its rankings over the question's own kind, if they were searched for; else `run` is cut down to them, which
    /// leaves fewer places than were asked for.
    pub own_kind: Option<Run>,
}

/// Everything that one evaluation says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The set's name.
    pub dataset: String,
    /// Questions in the file.
    pub questions: usize,
    /// Questions with judgements, over which every mean is taken.
    pub judged: usize,
    /// Questions without judgements, which count nowhere.
    pub unjudged: usize,
    /// Judged ids that the question file does not have, which count nowhere.
    pub orphans: usize,
    /// Bootstrap resamples.
    pub resamples: usize,
    /// Bootstrap seed.
    pub seed: u64,
    /// Over the whole corpus.
    #[serde(flatten)]
    pub whole: Scope,
    /// Over the question's own kind of passages; none if ids have no kinds, or a mode ranked only one kind anyway.
    pub own_kind: Option<Scope>,
    /// The last mode by each kind of question; empty if the set names no kinds.
    pub kinds: Ordered<KindMeans>,
    /// How well the last mode tells what it can answer from what it cannot; none if the set does not ask.
    pub answerable: Option<AnswerableReport>,
    /// How often the last mode shows a sentence that answers; none if the set does not say which do.
    pub best_sentence: Option<SentenceCount>,
    /// The last mode's questions with the lowest value, worst first.
    pub worst: Vec<QuestionReport>,
    /// The questions that differ most between the first and the last mode, largest change first.
    pub changed: Vec<Change>,
    /// Every judged question, in the order of the file.
    pub per_question: Vec<QuestionReport>,
    /// What made the report (index commit, model, weights, command): added by the caller.
    pub made_by: BTreeMap<String, String>,
}

/// What is measured of the questions of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KindMeans {
    /// Judged questions of this kind.
    pub questions: usize,
    /// Measure, then mean.
    pub means: Ordered<f64>,
    /// Of those whose sentences are known.
    pub best_sentence: Option<SentenceCount>,
}

/// How well `answerable` tells questions apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnswerableReport {
    /// Judged questions.
    pub answered: usize,
    /// Questions that nothing answers, by how they fail (`near`, `far`).
    pub unanswerable: BTreeMap<String, usize>,
    /// The chance that a judged question is given more than one of these: `all`, and by how they fail.
    pub auc: BTreeMap<String, f64>,
}

/// Sentences that were shown, against those that were judged to answer. Only articles whose sentences were judged can
/// count, so both numbers are lower bounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SentenceCount {
    /// Questions with a judged sentence.
    pub questions: usize,
    /// Of these: an article with a judged sentence is among the first ten.
    pub found: usize,
    /// Of these: the first such article shows a judged sentence.
    pub right: usize,
    /// Questions whose very first article shows a judged sentence.
    pub right_first: usize,
}

/// Means and comparisons over one choice of passages.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scope {
    /// Mode, then measure, then mean.
    pub modes: Ordered<Ordered<f64>>,
    /// Mode, then measure, then the 95 % bootstrap interval of the mean.
    pub intervals: Ordered<Ordered<[f64; 2]>>,
    /// How many judged questions each mode found nothing for; they count as 0.
    pub empty: Ordered<usize>,
    /// Every two modes by every measure.
    pub comparisons: Vec<Comparison>,
}

/// Two modes by one measure: `difference` is `after` less `before`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The measure's name.
    pub metric: String,
    /// The mode that is taken away.
    pub before: String,
    /// The mode that it is taken from.
    pub after: String,
    /// The mean difference, its interval and p value.
    #[serde(flatten)]
    pub difference: Interval,
    /// Questions where `after` is better.
    pub wins: usize,
    /// Questions where `after` is worse.
    pub losses: usize,
}

/// One question in every mode.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QuestionReport {
    /// Its id.
    pub id: String,
    /// What it asks.
    pub text: String,
    /// Mode, then measure, then value.
    pub values: Ordered<Ordered<f64>>,
    /// Mode, then the rank of the first relevant article, if it was found.
    pub first_relevant: Ordered<Option<usize>>,
    /// Mode, then the article that stands first, if any does.
    pub first: Ordered<Option<String>>,
    /// The relevant articles by id.
    pub relevant: Vec<String>,
}

/// One question whose value differs between two modes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Its id.
    pub id: String,
    /// What it asks.
    pub text: String,
    /// The value in the first mode.
    pub before: f64,
    /// The value in the last mode.
    pub after: f64,
    /// The rank of the first relevant article in the first mode.
    pub rank_before: Option<usize>,
    /// The same in the last mode.
    pub rank_after: Option<usize>,
}

/// Named values in an order that means something; a map in JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Ordered<T>(pub Vec<(String, T)>);

impl<T> Ordered<T> {
    /// The value under a name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}
