//! `baowen tune`: the ranking's weights, or an adapter (`adapt`), fitted to judged questions, and what that is worth on
//! questions held out.
//!
//! Wiring only: features are `search::features`, learners and folds are `eval`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::adapt::Learning;
use super::search::Question;
use super::{IndexFolder, setup};
use crate::compute::Budget;
use crate::error::{Context as _, Error, Fault, Result};
use crate::eval::choice::cross_validate;
use crate::eval::linear::{self, softmax};
use crate::eval::metrics::mean;
use crate::eval::table::align;
use crate::eval::{Dataset, Metric, Query, bootstrap, folds, paired};
use crate::search::features::{COUNT, Context, FEATURES, Weights, features};
use crate::search::request::SearchRequest;
use crate::search::{Engine, JudgedBy};

/// What the fit is judged by.
const METRIC: Metric = Metric::Ndcg(10);

/// Fit the ranking's weights, or an adapter of the question, to judged questions, with cross-validation.
#[derive(Args)]
pub struct Tune {
    /// A folder with queries.jsonl and qrels.tsv (repeat for several; for weights each counts the same).
    #[arg(long, value_name = "DIR", required = true)]
    dataset: Vec<PathBuf>,
    #[command(flatten)]
    index: IndexFolder,
    #[command(flatten)]
    question: Question,
    /// Only the first N questions of each set.
    #[arg(long, value_name = "N")]
    first: Option<usize>,
    /// Folds of the cross-validation.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(2..=100))]
    folds: u16,
    /// Penalty on large weights.
    #[arg(long, value_name = "L2", default_value_t = 0.001)]
    l2: f64,
    /// Write the fitted weights here; search, serve and eval take them with --weights.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Learn an adapter of the question instead of weights, and write it here; search, serve and eval take it with
    /// --adapter.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["out", "l2"])]
    adapter: Option<PathBuf>,
    /// Write every candidate's features as JSON Lines, for other learners.
    #[arg(long, value_name = "FILE")]
    features: Option<PathBuf>,
}

impl Tune {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        let opened = setup::open(&self.index.folder)?;
        let engine = self.question.weigh(opened.engine)?;
        if let Some(file) = &self.adapter {
            return Learning {
                engine: &engine,
                sets: self.open_sets()?,
                question: &self.question,
                folds: self.folds.into(),
                file,
                features: self.features.as_deref(),
            }
            .run();
        }
        let mut questions = Vec::new();
        let mut sets: Vec<(String, std::ops::Range<usize>)> = Vec::new();
        let mut dump = Vec::new();
        for dataset in self.open_sets()? {
            let start = questions.len();
            for (question, line) in self.collect(&engine, &dataset)? {
                questions.push(question);
                dump.push(line);
            }
            let count = questions.len() - start;
            questions[start..]
                .iter_mut()
                .for_each(|q| q.weight = 1.0 / count.max(1) as f64);
            sets.push((dataset.name.clone(), start..questions.len()));
        }
        if let Some(path) = &self.features {
            write(path, dump.join("\n") + "\n")?;
        }
        self.fit(&engine, &questions, &sets)
    }

    fn open_sets(&self) -> Result<Vec<Dataset>> {
        let open = |folder: &PathBuf| {
            let dataset = Dataset::open(folder, None)?;
            Ok(match self.first {
                Some(first) => dataset.first(first),
                None => dataset,
            })
        };
        self.dataset.iter().map(open).collect()
    }

    /// Every judged question with its candidates: one an article, the passage that stands highest now.
    fn collect(&self, engine: &Engine, dataset: &Dataset) -> Result<Vec<(linear::Question, String)>> {
        let queries: Vec<&Query> = dataset.judged().collect();
        Budget::all().try_map(queries, |query, _| {
            let judged = dataset.qrels.of(&query.id);
            let grade = |id: &str| judged.and_then(|grades| grades.get(id)).copied().unwrap_or(0);
            let all = judged
                .map(|grades| grades.values().copied().collect())
                .unwrap_or_default();
            let mut question = linear::Question::new(&query.id, COUNT, all);
            let mut rows = Vec::new();
            for candidate in best_of_each(engine, self.question.request(&query.text))? {
                let values = features(context(&candidate));
                question.push(&values, grade(&candidate.article))?;
                rows.push(serde_json::json!([
                    &*candidate.article,
                    grade(&candidate.article),
                    values
                ]));
            }
            let line = serde_json::json!({ "id": query.id, "text": query.text, "candidates": rows });
            Ok((question, line.to_string()))
        })
    }

    fn fit(
        &self,
        engine: &Engine,
        questions: &[linear::Question],
        sets: &[(String, std::ops::Range<usize>)],
    ) -> Result<()> {
        let all: Vec<&linear::Question> = questions.iter().collect();
        let now = linear::LinearModel {
            weights: engine.weights().0.to_vec(),
        };
        let before = now.measure(&all, METRIC);
        let ids: Vec<&str> = questions.iter().map(|q| q.id.as_str()).collect();
        let folds = folds::split(&ids, self.folds.into(), bootstrap::SEED);
        let held_out = cross_validate(questions, &folds, METRIC, |train| {
            softmax(train, self.l2, Budget::all())
        })?;
        let model = softmax(&all, self.l2, Budget::all())?;
        let mut rows = vec![
            ["set", "questions", "now", "fitted, held out", "difference", "95 %"]
                .map(String::from)
                .to_vec(),
        ];
        let mut lowered = false;
        for (name, range) in sets {
            let differences: Vec<f64> = range.clone().map(|at| held_out.values[at] - before[at]).collect();
            let interval = paired(&differences, bootstrap::RESAMPLES, bootstrap::SEED);
            lowered |= interval.high < 0.0;
            rows.push(vec![
                name.clone(),
                range.len().to_string(),
                format!("{:.4}", mean(&before[range.clone()])),
                format!("{:.4}", mean(&held_out.values[range.clone()])),
                format!("{:+.4}", interval.mean),
                format!("[{:+.4}, {:+.4}]", interval.low, interval.high),
            ]);
        }
        println!("{METRIC} of candidates as the weights rank them");
        print!("{}", align(&rows, false));
        if lowered {
            println!(
                "The fitted weights are worse than those in force on at least one set; they are no better default."
            );
        }
        println!(
            "An adapter that was learned from these questions (the shipped one from the sets clause and zhidao) is too \
             good on them, and so is any weight fitted to `adapted` here; `--adapter FILE --features FILE` writes it held out."
        );
        let fitted = Weights(scaled(&model.weights));
        println!("fitted: {}", fitted.describe());
        match &self.out {
            Some(path) => {
                write(path, fitted.to_json()?)?;
                println!(
                    "written to {}; use it with --weights {}",
                    path.display(),
                    path.display()
                );
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// What the features of a candidate are computed from.
pub fn context(candidate: &JudgedBy) -> Context<'_> {
    Context {
        evidence: &candidate.evidence,
        lexical_bound: candidate.lexical_bound,
    }
}

fn best_of_each(engine: &Engine, request: SearchRequest) -> Result<Vec<JudgedBy>> {
    let weights = engine.weights();
    let score = |candidate: &JudgedBy| weights.parts(context(candidate)).iter().sum::<f32>();
    let mut candidates = engine.candidates(&request)?;
    candidates.sort_by(|a, b| {
        let by_article = a.article.cmp(&b.article);
        by_article
            .then_with(|| score(b).total_cmp(&score(a)))
            .then(a.ordinal.cmp(&b.ordinal))
    });
    candidates.dedup_by(|later, kept| later.article == kept.article);
    Ok(candidates)
}

/// The weights on the scale of the defaults: bigrams weigh 1. A fit that gives them nothing keeps its own scale.
fn scaled(weights: &[f32]) -> [f32; COUNT] {
    let bigrams = FEATURES.iter().position(|feature| feature.name == "bigrams");
    let scale = bigrams.map_or(1.0, |at| weights[at]);
    let scale = if scale > 1e-6 { scale } else { 1.0 };
    std::array::from_fn(|at| weights.get(at).map_or(0.0, |weight| weight / scale))
}

/// Writes a file that the user named.
pub fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    if path.is_dir() {
        return Err(Error::caller(format!("{} is a folder; name a file", path.display())));
    }
    std::fs::write(path, content).or_fault(Fault::Unavailable, format!("writing {}", path.display()))
}
