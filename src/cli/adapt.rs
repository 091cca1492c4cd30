//! `--adapter FILE`: `baowen tune` learns one from judged questions and says what it is worth on questions held out;
//! `search`, `serve` and `eval` rank with one.
//!
//! Wiring only: learning is `eval::adapter`, the file and its use are `search::Adapter`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::Args;

use super::search::Question;
use super::tune::{context, write};
use crate::compute::Budget;
use crate::error::{Error, Result};
use crate::eval::adapter::{Candidate, Lesson, Options, Passages, held_out, learn};
use crate::eval::metrics::mean;
use crate::eval::subset::{is_own_kind, kind};
use crate::eval::svd::Factors;
use crate::eval::table::align;
use crate::eval::{Dataset, Metric, bootstrap, folds, paired};
use crate::index::{Identity, PassageRef, Snapshot};
use crate::search::features::{Weights, features};
use crate::search::request::{Mode, SearchRequest};
use crate::search::{Adapter, Engine, JudgedBy, centered};

/// What an adapter is judged by.
const METRIC: Metric = Metric::Ndcg(10);
/// The feature that it makes.
const ADAPTED: &str = "adapted";

/// Which adapter to rank with.
#[derive(Args, Clone)]
pub struct AdapterFile {
    /// Rank with the adapter of this file (`baowen tune --adapter` writes one) instead of the one that is shipped.
    #[arg(long, value_name = "FILE")]
    pub adapter: Option<PathBuf>,
}

impl AdapterFile {
    /// The adapter of the file, if one was named.
    pub fn read(&self) -> Result<Option<Adapter>> {
        self.adapter.as_deref().map(Adapter::read).transpose()
    }

    /// The engine with the adapter of the file that was named, if one was.
    pub fn adapt(&self, engine: Engine) -> Result<Engine> {
        match self.read()? {
            None => Ok(engine),
            Some(adapter) => engine.with_adapter(adapter),
        }
    }
}

/// What to learn an adapter from, and where it goes.
pub struct Learning<'a> {
    /// Asks, and weighs.
    pub engine: &'a Engine,
    /// Judged questions.
    pub sets: Vec<Dataset>,
    /// How they are asked.
    pub question: &'a Question,
    /// Folds of the cross-validation.
    pub folds: usize,
    /// The adapter's file.
    pub file: &'a Path,
    /// Where every candidate's features go, the adapter's as held out.
    pub features: Option<&'a Path>,
}

/// A judged question with everything that was found for it.
struct Asked<'a> {
    id: &'a str,
    text: &'a str,
    grades: BTreeMap<&'a str, i32>,
    vector: Vec<f32>,
    found: Vec<JudgedBy>,
}

impl Learning<'_> {
    /// Measures on questions held out, learns from all, writes the file.
    pub fn run(&self) -> Result<()> {
        let weights = self.engine.weights();
        let share = weights.of(ADAPTED);
        if share <= 0.0 {
            return Err(Error::caller("the weights in force give `adapted` nothing")
                .help("leave --weights out, or give `adapted` a weight in that file"));
        }
        let snapshot = self.engine.backend().snapshot()?;
        let identity = snapshot.identity();
        if identity.dimension == 0 {
            return Err(Error::precondition("the index has no vectors to adapt"));
        }
        let mut asked = Vec::new();
        let mut sets: Vec<(&str, Range<usize>)> = Vec::new();
        for set in &self.sets {
            let start = asked.len();
            asked.extend(self.ask(set)?);
            sets.push((&set.name, start..asked.len()));
        }
        let (passages, lessons) = lessons(&*snapshot, &asked, &sets, weights)?;
        let options = Options::default();
        let ids: Vec<&str> = asked.iter().map(|asked| asked.id).collect();
        let folds = folds::split(&ids, self.folds, bootstrap::SEED);
        // Held out as it will be used: rounded to what the file holds. The mean is off already.
        let nothing = vec![0.0; identity.dimension];
        let finish = |factors: &Factors| adapter(identity, factors);
        let bind = |adapter: &Adapter, question: &[f32]| {
            adapter
                .bind(&nothing, question)
                .unwrap_or_else(|| vec![0.0; identity.dimension])
        };
        let amounts = held_out(&lessons, &folds, &passages, &options, finish, bind)?;
        println!(
            "{METRIC} of candidates without an adapter, and with one learned from the questions of the other folds \
             ({} folds by question id)",
            folds.len()
        );
        print!("{}", align(&table(&asked, &sets, &lessons, &amounts, share), false));
        if let Some(path) = self.features {
            write(path, &dump(&asked, &lessons, &amounts, share)?)?;
        }
        let all: Vec<&Lesson> = lessons.iter().collect();
        let adapter = adapter(identity, &learn(&all, &passages, &options)?)?;
        write(self.file, adapter.to_bytes())?;
        println!(
            "written to {}: rank {} for `{}`, {:016x}; use it with --adapter {}",
            self.file.display(),
            adapter.rank(),
            adapter.model(),
            adapter.fingerprint(),
            self.file.display()
        );
        println!(
            "It was learned from these very questions: what `baowen eval` measures on them with it is too good. \
             The held-out figures above are what to expect of others."
        );
        Ok(())
    }

    fn ask<'a>(&self, set: &'a Dataset) -> Result<Vec<Asked<'a>>> {
        let queries: Vec<_> = set.judged().collect();
        Budget::all().try_map(queries, |query, _| {
            let request = SearchRequest {
                mode: Mode::Hybrid,
                ..self.question.request(&query.text)
            };
            let mut found = self.engine.candidates(&request)?;
            found.sort_by(|a, b| (&a.article, a.ordinal).cmp(&(&b.article, b.ordinal)));
            let judged = set.qrels.of(&query.id).into_iter().flatten();
            Ok(Asked {
                id: &query.id,
                text: &query.text,
                grades: judged.map(|(article, grade)| (article.as_str(), *grade)).collect(),
                vector: self.engine.vector(&query.text)?,
                found,
            })
        })
    }
}

/// The adapter of learned factors. Any weights of the model that the index was made by will do: the name alone counts.
fn adapter(identity: &Identity, factors: &Factors) -> Result<Adapter> {
    let model = identity.embedder.split(' ').next().unwrap_or_default();
    Adapter::new(model, identity.dimension, &factors.left, &factors.right)
}

/// What there is to learn: distinct passages, and a lesson for each question. A question's weight falls with the cube
/// root of its set's size, 1 on average: a large set counts more than a small one, since what it teaches is surer, but
/// not by as much as it is larger. Of equal sets, equal questions and this, this was best on the smaller of two sets and
/// about as good on the larger one, held out (`docs/results/`).
fn lessons(
    snapshot: &dyn Snapshot,
    asked: &[Asked],
    sets: &[(&str, Range<usize>)],
    weights: &Weights,
) -> Result<(Passages, Vec<Lesson>)> {
    let without = weights.with(ADAPTED, 0.0);
    let mut passages = Passages::new(snapshot.identity().dimension);
    let mut rows: BTreeMap<PassageRef, usize> = BTreeMap::new();
    let unit = |vector: &[f32]| centered(snapshot.mean(), vector).unwrap_or_else(|| vec![0.0; vector.len()]);
    let mut lessons = Vec::with_capacity(asked.len());
    let relative = |size: usize| 1.0 / (size.max(1) as f32).cbrt();
    let total: f32 = sets
        .iter()
        .map(|(_, range)| range.len() as f32 * relative(range.len()))
        .sum();
    for (_, range) in sets {
        let weight = relative(range.len()) * asked.len() as f32 / total;
        for question in &asked[range.clone()] {
            let mut candidates = Vec::with_capacity(question.found.len());
            for found in &question.found {
                let row = match rows.get(&found.passage) {
                    Some(&row) => row,
                    None => {
                        let row = passages.push(&unit(snapshot.vector(found.passage)?))?;
                        rows.insert(found.passage, row);
                        row
                    }
                };
                candidates.push(Candidate {
                    row,
                    score: without.parts(context(found)).iter().sum(),
                    grade: question.grades.get(&*found.article).copied().unwrap_or(0),
                });
            }
            lessons.push(Lesson {
                weight,
                question: unit(&question.vector),
                candidates,
            });
        }
    }
    Ok((passages, lessons))
}

/// The measure of a question's articles, each at its best passage, over all kinds or over the question's own.
fn measure(asked: &Asked, score: impl Fn(usize) -> f32, own: bool) -> f64 {
    let counts = |article: &str| !own || is_own_kind(asked.id, article);
    let mut best: BTreeMap<&str, f32> = BTreeMap::new();
    for (at, found) in asked
        .found
        .iter()
        .enumerate()
        .filter(|(_, found)| counts(&found.article))
    {
        let score = score(at);
        let kept = best.entry(&found.article).or_insert(score);
        *kept = kept.max(score);
    }
    let mut ranked: Vec<(&str, f32)> = best.into_iter().collect();
    // Stable: ties stay by id.
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    let grade = |article: &str| asked.grades.get(article).copied().unwrap_or(0);
    let ranked: Vec<i32> = ranked.into_iter().map(|(article, _)| grade(article)).collect();
    let judged = asked.grades.iter().filter(|(article, _)| counts(article));
    METRIC.of_grades(&ranked, &judged.map(|(_, grade)| *grade).collect::<Vec<i32>>())
}

fn table(
    asked: &[Asked],
    sets: &[(&str, Range<usize>)],
    lessons: &[Lesson],
    amounts: &[Vec<f32>],
    share: f32,
) -> Vec<Vec<String>> {
    let header = ["set", "questions", "without", "with, held out", "difference", "95 %"];
    let mut rows = vec![header.map(String::from).to_vec()];
    for (name, range) in sets {
        let has_kinds = asked[range.clone()].iter().any(|asked| kind(asked.id).is_some());
        for own in [false, true].into_iter().take(1 + usize::from(has_kinds)) {
            let both: Vec<(f64, f64)> = range
                .clone()
                .map(|at| {
                    let without = |place: usize| lessons[at].candidates[place].score;
                    let with = |place: usize| without(place) + share * amounts[at][place];
                    (measure(&asked[at], without, own), measure(&asked[at], with, own))
                })
                .collect();
            let (before, after): (Vec<f64>, Vec<f64>) = both.into_iter().unzip();
            let differences: Vec<f64> = before.iter().zip(&after).map(|(a, b)| b - a).collect();
            let interval = paired(&differences, bootstrap::RESAMPLES, bootstrap::SEED);
            rows.push(vec![
                format!("{name}{}", if own { ", own kind" } else { "" }),
                range.len().to_string(),
                format!("{:.4}", mean(&before)),
                format!("{:.4}", mean(&after)),
                format!("{:+.4}", interval.mean),
                format!("[{:+.4}, {:+.4}]", interval.low, interval.high),
            ]);
        }
    }
    rows
}

/// Every candidate's features as JSON Lines, one an article: the passage that stands highest with the adapter.
fn dump(asked: &[Asked], lessons: &[Lesson], amounts: &[Vec<f32>], share: f32) -> Result<String> {
    let mut text = String::new();
    for ((asked, lesson), amounts) in asked.iter().zip(lessons).zip(amounts) {
        let mut best: BTreeMap<&str, (f32, usize)> = BTreeMap::new();
        for (at, found) in asked.found.iter().enumerate() {
            let score = lesson.candidates[at].score + share * amounts[at];
            let kept = best.entry(&found.article).or_insert((score, at));
            if score > kept.0 {
                *kept = (score, at);
            }
        }
        let row = |(article, (_, at)): (&str, (f32, usize))| {
            let mut found = asked.found[at].clone();
            found.evidence.adapted = amounts[at];
            serde_json::json!([article, lesson.candidates[at].grade, features(context(&found))])
        };
        let rows: Vec<serde_json::Value> = best.into_iter().map(row).collect();
        let line = serde_json::json!({ "id": asked.id, "text": asked.text, "candidates": rows });
        text.push_str(&line.to_string());
        text.push('\n');
    }
    Ok(text)
}
