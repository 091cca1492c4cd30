//! `baowen synonyms`: what each line of the synonyms gains and costs on judged questions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::eval::ranking;
use super::options::{IndexFolder, JudgedSets, ProfileFile, Question};
use super::print;
use super::setup;
use crate::compute::Budget;
use crate::error::{Context as _, Error, Fault, Result};
use crate::eval::table::align;
use crate::eval::{Dataset, Metric, Query};
use crate::search::Engine;
use crate::search::request::SearchRequest;
use crate::text::{BUILT_IN_SYNONYMS, Synonyms};

const METRIC: Metric = Metric::Ndcg(10);

/// Tell of each line of the synonyms which judged questions it changes, and what it gains and costs there.
#[derive(Args)]
pub struct SynonymsArgs {
    #[command(flatten)]
    sets: JudgedSets,
    /// Try the lines of this file instead of those compiled in.
    #[arg(long = "file", value_name = "FILE")]
    lines: Option<PathBuf>,
    #[command(flatten)]
    index: IndexFolder,
    #[command(flatten)]
    profile: ProfileFile,
    #[command(flatten)]
    question: Question,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

/// A question of a set, and how well it is answered.
struct Asked<'a> {
    set: usize,
    query: &'a Query,
    score: f64,
}

/// What a line is worth on a set.
#[derive(Default, Clone, Copy, Serialize)]
struct Worth {
    /// Questions whose terms it changes.
    questions: usize,
    /// Of these, how many are answered better with it, and how many worse.
    better: usize,
    worse: usize,
    /// The sum over these of nDCG@10 with the line less that without it.
    gain: f64,
}

/// A line and its worth on each set.
#[derive(Serialize)]
struct Line<'a> {
    line: usize,
    text: &'a str,
    sets: BTreeMap<&'a str, Worth>,
}

impl SynonymsArgs {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        let text = match &self.lines {
            Some(file) => std::fs::read_to_string(file).or_fault(Fault::Missing, naming(file))?,
            None => BUILT_IN_SYNONYMS.to_owned(),
        };
        let all = Synonyms::parse(&text).map_err(|error| match &self.lines {
            Some(file) => error.context(naming(file)),
            None => error,
        })?;
        let opened = setup::open(&self.index.folder, &self.profile.read()?)?;
        let analyzer = opened.engine.analyzer().clone();
        let with_all = opened.engine.reading_by(analyzer.clone().with_synonyms(all));
        let datasets = self.sets.open()?;
        let asked = self.ask_all(&with_all, &datasets)?;
        let mut lines = Vec::new();
        for (number, entry) in Synonyms::lines(&text) {
            let others = Synonyms::parse(&without(&text, number))?;
            let without = with_all.reading_by(analyzer.clone().with_synonyms(others));
            let sets = self.worth(&with_all, &without, &datasets, &asked)?;
            lines.push(Line {
                line: number,
                text: entry,
                sets,
            });
        }
        if self.json {
            return print::json(&lines);
        }
        let mean = |set: usize| {
            let scores: Vec<f64> = asked.iter().filter(|a| a.set == set).map(|a| a.score).collect();
            scores.iter().sum::<f64>() / scores.len().max(1) as f64
        };
        for (at, dataset) in datasets.iter().enumerate() {
            outln!("{} {:.4} with all lines", dataset.name, mean(at));
        }
        out!(table(&lines));
        Ok(())
    }

    /// All judged questions with their scores.
    fn ask_all<'a>(&self, engine: &Engine, datasets: &'a [Dataset]) -> Result<Vec<Asked<'a>>> {
        let queries = (0..)
            .zip(datasets)
            .flat_map(|(set, dataset)| dataset.judged().map(move |query| (set, query)));
        Budget::all().try_map(queries, |(set, query), budget| {
            let score = self.score(engine, &datasets[set], query, budget)?;
            Ok(Asked { set, query, score })
        })
    }

    fn score(&self, engine: &Engine, dataset: &Dataset, query: &Query, budget: Budget) -> Result<f64> {
        let request = SearchRequest {
            top_k: Some(10),
            ..self.question.request(&query.text)
        };
        let response = engine.search(&request, budget)?;
        if let Some(reason) = response.degraded {
            return Err(Error::unavailable(format!("question {}: {reason}", query.id)));
        }
        let ranking = ranking(&response.hits);
        let judged = dataset.qrels.of(&query.id);
        Ok(judged.map_or(0.0, |judged| METRIC.of(&ranking, judged)))
    }

    /// What a line is worth on each set: the questions that are analysed otherwise without it are asked again.
    fn worth<'a>(
        &self,
        with: &Engine,
        without: &Engine,
        datasets: &'a [Dataset],
        asked: &[Asked],
    ) -> Result<BTreeMap<&'a str, Worth>> {
        let scores = Budget::all().try_map(asked, |asked, budget| {
            let text = &asked.query.text;
            if with.analyzer().query(text) == without.analyzer().query(text) {
                Ok(None)
            } else {
                self.score(without, &datasets[asked.set], asked.query, budget).map(Some)
            }
        })?;
        let mut sets = BTreeMap::new();
        for (asked, score) in asked.iter().zip(scores) {
            let Some(score) = score else { continue };
            let worth: &mut Worth = sets.entry(datasets[asked.set].name.as_str()).or_default();
            let gain = asked.score - score;
            worth.questions += 1;
            worth.better += usize::from(gain > 0.0);
            worth.worse += usize::from(gain < 0.0);
            worth.gain += gain;
        }
        Ok(sets)
    }
}

fn naming(file: &Path) -> String {
    format!("reading {}", file.display())
}

/// A text with one of its lines empty.
fn without(text: &str, number: usize) -> String {
    let lines = text.lines().enumerate();
    lines
        .map(|(at, line)| {
            if at + 1 == number {
                "\n".into()
            } else {
                format!("{line}\n")
            }
        })
        .collect()
}

fn table(lines: &[Line]) -> String {
    let mut rows = vec![
        ["line", "set", "questions", "better", "worse", "gain", "text"]
            .map(String::from)
            .to_vec(),
    ];
    for line in lines {
        for (set, worth) in &line.sets {
            rows.push(vec![
                line.line.to_string(),
                (*set).to_string(),
                worth.questions.to_string(),
                worth.better.to_string(),
                worth.worse.to_string(),
                format!("{:+.3}", worth.gain),
                line.text.to_string(),
            ]);
        }
    }
    let unused = lines.iter().filter(|line| line.sets.is_empty()).count();
    format!("{}{unused} lines change no question\n", align(&rows, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_left_out_and_the_others_keep_their_numbers() {
        let text = "# 注\na, b\nc, d\n";
        let lines = |text: &str| {
            Synonyms::lines(text)
                .map(|(n, l)| (n, l.to_owned()))
                .collect::<Vec<_>>()
        };
        assert_eq!(lines(&without(text, 2)), [(3, "c, d".to_owned())]);
    }
}
