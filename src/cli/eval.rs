//! `baowen eval`: an index's answers against judged questions, in every mode, with the run for other tools.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::ProgressBar;

use super::options::{ProfileFile, Question, RerankerName, mode_name};
use super::{index, print, setup};
use crate::compute::Budget;
use crate::embed::Models;
use crate::error::{Error, Fault, Result};
use crate::eval::report::{ModeRun, Seen};
use crate::eval::{Dataset, Metric, Query, Ranked, Report, ReportOptions, Run};
use crate::index::Snapshot;
use crate::search::Engine;
use crate::search::request::{Mode, SearchRequest};
use crate::search::response::{Hit, SearchResponse};

/// Articles asked for each question: enough for Recall@100 and for a run that other tools read.
const DEPTH: usize = 100;
/// Articles whose sentences are looked at.
const LOOKED_AT: usize = 10;
/// Articles asked for where only the question's own kind is kept afterwards.
const OWN_KIND_DEPTH: usize = 300;

/// Measure an index's answers against judged questions (BEIR layout).
#[derive(Args)]
pub struct Eval {
    /// The folder with queries.jsonl and qrels.tsv.
    #[arg(long, value_name = "DIR")]
    dataset: PathBuf,
    /// The articles, if not corpus.jsonl in the dataset's folder or the one above.
    #[arg(long, value_name = "FILE")]
    corpus: Option<PathBuf>,
    /// An index that was built from the corpus; without it one is built and kept for the next time.
    #[arg(long, value_name = "DIR")]
    index: Option<PathBuf>,
    #[cfg(feature = "milvus")]
    #[command(flatten)]
    backend: super::milvus::BackendAddress,
    #[command(flatten)]
    question: Question,
    #[command(flatten)]
    profile: ProfileFile,
    #[command(flatten)]
    reranker: RerankerName,
    /// Only the first N questions.
    #[arg(long, value_name = "N")]
    first: Option<usize>,
    /// Write the run of the mode that --mode names in the TREC format.
    #[arg(long, value_name = "FILE")]
    run: Option<PathBuf>,
    /// Print everything as JSON.
    #[arg(long)]
    json: bool,
}

impl Eval {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        let mut dataset = Dataset::open(&self.dataset, self.corpus.as_deref())?;
        if let Some(first) = self.first {
            dataset = dataset.first(first);
        }
        let engine = self.open(&dataset)?;
        let snapshot = engine.backend().snapshot()?;
        say_absent(&dataset, &*snapshot)?;
        let mut made_by = BTreeMap::new();
        let mut seen = BTreeMap::new();
        let runs = self.rank_all(&engine, &*snapshot, &dataset, &mut made_by, &mut seen)?;
        if let Some(path) = &self.run {
            let wanted = mode_name(self.question.mode);
            let run = runs.iter().find(|run| run.mode == wanted);
            let run = run.ok_or_else(|| Error::bug(format!("there is no run of mode {wanted}")))?;
            run.run.write(path, &format!("baowen-{wanted}"))?;
        }
        let mut options = ReportOptions::default();
        if dataset.is_graded() {
            options.metrics.extend(Metric::GRADED);
        }
        let mut report = Report::new(&dataset, &runs, &options)?;
        report.add_seen(&dataset, &seen);
        report.made_by = made_by;
        if self.json {
            print::json(&report)
        } else {
            out!(report.to_table());
            Ok(())
        }
    }

    /// What answers: an index that was named, or one of the corpus.
    fn open(&self, dataset: &Dataset) -> Result<Engine> {
        let (profile, reranker) = (self.profile.read()?, self.reranker.name.as_deref());
        #[cfg(feature = "milvus")]
        if let Some(address) = &self.backend.address {
            return super::milvus::open(address, &profile, reranker).map(|opened| opened.engine);
        }
        let folder = match &self.index {
            Some(folder) => folder.clone(),
            None => self.build(dataset.corpus()?)?,
        };
        Ok(setup::open(&folder, &profile)?.with_reranker(reranker)?.engine)
    }

    /// Builds, or brings up to date, an index of the corpus in a folder of its own.
    fn build(&self, corpus: &Path) -> Result<PathBuf> {
        let full = corpus.canonicalize().unwrap_or_else(|_| corpus.to_path_buf());
        let name = xxhash_rust::xxh3::xxh3_64(full.as_os_str().as_encoded_bytes());
        // One for each model, since an index keeps its own.
        let model = Models::here()
            .chosen()?
            .map_or(String::new(), |model| format!("-{model}"));
        let folder = Path::new("index/data").join(format!("eval-{name:016x}{model}"));
        let build = |rebuild| {
            let options = index::Options {
                rebuild,
                with_model: true,
                ..index::Options::default()
            };
            index::build(&[corpus.to_path_buf()], &folder, options)
        };
        let summary = match build(false) {
            Ok(summary) => summary,
            // Ours alone, made from the corpus: other rules now simply mean another index.
            Err(error) if matches!(error.fault(), Fault::Precondition | Fault::Corrupt) => build(true)?,
            Err(error) => return Err(error),
        };
        if !self.json {
            index::print(&summary, folder.display());
        }
        Ok(folder)
    }

    fn rank_all(
        &self,
        engine: &Engine,
        snapshot: &dyn Snapshot,
        dataset: &Dataset,
        made_by: &mut BTreeMap<String, String>,
        seen: &mut BTreeMap<String, Seen>,
    ) -> Result<Vec<ModeRun>> {
        let mut modes = vec![Mode::Lexical];
        if snapshot.about().identity.dimension > 0 {
            modes.extend([Mode::Dense, Mode::Hybrid]);
        }
        let kinds = dataset
            .judged()
            .any(|query| crate::eval::own_kind::kind(&query.id).is_some());
        let queries: Vec<&Query> = dataset.judged().collect();
        let bar = ProgressBar::new((queries.len() * modes.len()) as u64);
        let mut runs = Vec::new();
        for mode in modes {
            let rankings = Budget::all().try_map(&queries, |query, budget| {
                let request = SearchRequest {
                    top_k: Some(if kinds { OWN_KIND_DEPTH } else { DEPTH }),
                    mode,
                    ..self.question.request(&query.text)
                };
                let response = engine.search(&request, budget)?;
                if let Some(reason) = response.degraded {
                    return Err(Error::unavailable(format!("question {}: {reason}", query.id)));
                }
                bar.inc(1);
                Ok(response)
            })?;
            let (mut run, mut own) = (Run::default(), Run::default());
            for (query, response) in queries.iter().zip(rankings) {
                // Of the last mode, which is the one that people get.
                seen.insert(query.id.clone(), shown(&response));
                let SearchResponse { hits, provenance, .. } = response;
                let ranked = ranking(&hits);
                let of_kind = ranked
                    .iter()
                    .filter(|ranked| crate::eval::own_kind::is_own_kind(&query.id, &ranked.doc));
                own.insert(&query.id, of_kind.take(DEPTH).cloned().collect())?;
                run.insert(&query.id, ranked.into_iter().take(DEPTH).collect())?;
                made_by.insert("weights".into(), provenance.weights);
                made_by.insert("analysis".into(), provenance.analysis);
                made_by.insert("model".into(), provenance.model);
                made_by.insert("commit".into(), provenance.commit.to_string());
            }
            runs.push(ModeRun {
                mode: mode_name(mode).to_string(),
                run,
                own_kind: kinds.then_some(own),
            });
        }
        bar.finish_and_clear();
        self.ask_unanswerable(engine, dataset, seen)?;
        Ok(runs)
    }

    /// What is shown to who asks what nothing answers.
    fn ask_unanswerable(&self, engine: &Engine, dataset: &Dataset, seen: &mut BTreeMap<String, Seen>) -> Result<()> {
        let queries = dataset.queries.iter();
        let queries: Vec<&Query> = queries
            .filter(|query| dataset.unanswerable.iter().any(|other| other.id == query.id))
            .collect();
        let responses = Budget::all().try_map(&queries, |query, budget| {
            engine.search(&self.question.request(&query.text), budget)
        })?;
        let responses = queries.iter().zip(&responses);
        seen.extend(responses.map(|(query, response)| (query.id.clone(), shown(response))));
        Ok(())
    }
}

/// Says how many of the articles judged right the index does not have: no answer can hold them.
fn say_absent(dataset: &Dataset, snapshot: &dyn Snapshot) -> Result<()> {
    let right = dataset
        .judged()
        .filter_map(|query| dataset.qrels.of(&query.id))
        .flatten();
    let right: BTreeSet<&str> = right.filter(|(_, grade)| **grade > 0).map(|(id, _)| &**id).collect();
    let mut absent = Vec::new();
    for id in &right {
        if snapshot.article(id, Budget::all())?.is_none() {
            absent.push(*id);
        }
    }
    if let Some(first) = absent.first() {
        errln!(
            "baowen: of {} articles judged right the index does not have {} (such as `{first}`), which count as not found; was it \
             built from this dataset's corpus?",
            right.len(),
            absent.len()
        );
    }
    Ok(())
}

/// The articles of an answer, best first, each once: of a hit first its own, then those whose copies of it are folded.
pub(super) fn ranking(hits: &[Hit]) -> Vec<Ranked> {
    let mut seen = std::collections::HashSet::new();
    let mut ranked = Vec::with_capacity(hits.len());
    for hit in hits {
        let copies = hit.duplicates.iter().filter_map(|passage| passage.rsplit_once('#'));
        for article in std::iter::once(hit.article_id.as_str()).chain(copies.map(|(article, _)| article)) {
            if seen.insert(article) {
                ranked.push(Ranked::new(article, f64::from(hit.score)));
            }
        }
    }
    ranked
}

/// What a person sees of an answer beside the order of its articles.
fn shown(response: &SearchResponse) -> Seen {
    let sentence = |hit: &Hit| hit.best_sentence.map(|span| span.of(&hit.text));
    let hits = response.hits.iter().take(LOOKED_AT);
    Seen {
        answerable: response.answerable,
        sentences: hits.map(|hit| (hit.article_id.clone(), sentence(hit))).collect(),
    }
}
