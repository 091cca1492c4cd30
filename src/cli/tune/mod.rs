//! `baowen tune`: a ranking profile learned from judged questions, and what its parts are worth on questions held out.
//!
//! Wiring only: each part's learner is in `eval`. The same index, judgements and profile to begin with give the same
//! file, byte for byte.

mod answerable;
mod judged;
mod weights;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use self::judged::Judged;
use super::options::{IndexFolder, JudgedSets, ProfileFile, Question};
use super::{questions, setup};
use crate::embed::model_name;
use crate::error::{Context as _, Error, Fault, Result};
use crate::eval::{Dataset, bootstrap, folds};
use crate::profile::{Judgements, Learned, Profile, sha256};
use crate::search::Ranking;
use crate::search::request::{FusionMethod, Mode};

/// Learn a ranking profile from judged questions, with cross-validation.
#[derive(Args)]
pub struct Tune {
    #[command(flatten)]
    sets: JudgedSets,
    /// Questions that nothing in the index answers, one a line or JSON Lines with `text`; `answerable` needs them.
    #[arg(long, value_name = "FILE")]
    unanswerable: Option<PathBuf>,
    /// Which parts of the profile to learn, in this order; the others stay as they are.
    #[arg(long, value_name = "PARTS", value_delimiter = ',', default_values = ["weights", "answerable"])]
    learn: Vec<Part>,
    #[command(flatten)]
    index: IndexFolder,
    #[command(flatten)]
    profile: ProfileFile,
    #[command(flatten)]
    question: Question,
    /// Folds of the cross-validation.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(2..=100))]
    folds: u16,
    /// Penalty on large weights.
    #[arg(long, value_name = "L2", default_value_t = 0.001)]
    l2: f64,
    /// Write the profile here; search, serve and eval take it with --profile.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write every candidate's features as JSON Lines, for other learners.
    #[arg(long, value_name = "FILE")]
    features: Option<PathBuf>,
}

/// A part of a profile that can be learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Weights,
    Answerable,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Part::Weights => "weights",
            Part::Answerable => "answerable",
        }
    }
}

impl Tune {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        if (self.question.mode, self.question.fusion) != (Mode::Hybrid, FusionMethod::Learned) {
            return Err(Error::caller(
                "a profile is learned for the hybrid ranking; leave --mode and --fusion out",
            ));
        }
        let unanswered = self.unanswered()?;
        let mut profile = self.profile.read()?;
        let engine = setup::open(&self.index.folder, &profile)?.engine;
        let datasets = self.sets.open()?;
        let mut asked: Vec<Judged> = Vec::new();
        let mut sets = Vec::new();
        for dataset in &datasets {
            let start = asked.len();
            asked.extend(judged::ask(&engine, dataset, &self.question)?);
            sets.push((dataset.name.clone(), start..asked.len()));
        }
        let ids: Vec<&str> = asked.iter().map(|asked| asked.id.as_str()).collect();
        let folds = folds::split(&ids, self.folds.into(), bootstrap::SEED);
        let from = judgements(&datasets, &sets)?;

        if let Some(path) = &self.features {
            let weights = &engine.ranking().weights;
            let lines = asked.iter().map(|asked| asked.features(weights).to_string() + "\n");
            write(path, &lines.collect::<String>())?;
        }
        if self.learns(Part::Weights) {
            let fitted = weights::fit(&engine.ranking().weights, &asked, &sets, &folds, self.l2)?;
            profile.weights = fitted.by_name();
        }
        if self.learns(Part::Answerable) {
            let engine = engine.with_ranking(Ranking::of(&profile)?);
            let answered: Vec<&str> = asked.iter().map(|asked| asked.text.as_str()).collect();
            let unanswered: Vec<&str> = unanswered.iter().map(String::as_str).collect();
            let fitted = answerable::fit(
                &engine,
                &self.question,
                profile.answerable.as_ref(),
                &answered,
                &unanswered,
                self.folds.into(),
            )?;
            profile.answerable = Some(fitted);
            // A curve counts for the model that it was fitted to alone.
            let snapshot = engine.backend().snapshot()?;
            profile.model = model_name(&snapshot.about().identity.embedder).into();
        }
        self.record(&mut profile, &from, unanswered.len())?;
        match &self.out {
            Some(path) => save(&mut profile, path),
            None => Ok(()),
        }
    }

    fn learns(&self, part: Part) -> bool {
        self.learn.contains(&part)
    }

    /// The questions that nothing in the index answers.
    fn unanswered(&self) -> Result<Vec<String>> {
        match &self.unanswerable {
            Some(file) => questions::read(file),
            None if self.learns(Part::Answerable) => Err(Error::caller(
                "`answerable` is learned against questions that nothing answers",
            )
            .help("name them with --unanswerable FILE, or leave it out of --learn weights")),
            None => Ok(Vec::new()),
        }
    }

    /// Writes into the profile what each part that was learned now was learned from.
    fn record(&self, profile: &mut Profile, from: &[Judgements], unanswered: usize) -> Result<()> {
        let learned_now = |part: &str| self.learn.iter().any(|learned| learned.name() == part);
        profile.learned.retain(|learned| !learned_now(&learned.part));
        let parts = [Part::Weights, Part::Answerable];
        for part in parts.into_iter().filter(|&part| self.learns(part)) {
            let mut from = from.to_vec();
            if let (Part::Answerable, Some(file)) = (part, &self.unanswerable) {
                from.push(Judgements {
                    set: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                    questions: unanswered,
                    queries_sha256: sum(file)?,
                    qrels_sha256: String::new(),
                });
            }
            profile.learned.push(Learned {
                part: part.name().into(),
                how: "baowen tune".into(),
                from,
            });
        }
        Ok(())
    }
}

fn save(profile: &mut Profile, path: &Path) -> Result<()> {
    profile.write(path)?;
    let shown = path.display();
    outln!("written to {shown}; use it with --profile {shown}");
    outln!(
        "It was learned from these very questions: what `baowen eval` measures on them with it is too good. The \
         held-out figures above are what to expect of others."
    );
    Ok(())
}

/// What is learned from, as the profile records it.
fn judgements(datasets: &[Dataset], sets: &judged::Sets) -> Result<Vec<Judgements>> {
    let of = |(dataset, (name, range)): (&Dataset, &(String, std::ops::Range<usize>))| {
        Ok(Judgements {
            set: name.clone(),
            questions: range.len(),
            queries_sha256: sum(&dataset.queries_file)?,
            qrels_sha256: sum(&dataset.qrels_file)?,
        })
    };
    datasets.iter().zip(sets).map(of).collect()
}

fn sum(file: &Path) -> Result<String> {
    let bytes = std::fs::read(file).or_fault(Fault::Missing, format!("reading {}", file.display()))?;
    Ok(sha256(&bytes))
}

/// Writes a file that the user named.
fn write(path: &Path, content: &str) -> Result<()> {
    if path.is_dir() {
        return Err(Error::caller(format!("{} is a folder; name a file", path.display())));
    }
    std::fs::write(path, content).or_fault(Fault::Unavailable, format!("writing {}", path.display()))
}
