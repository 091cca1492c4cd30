//! `baowen generate`: a synthetic collection in a folder, with its vectors where `baowen index` looks for them and
//! where other programs can read them.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::ProgressBar;
use ndarray::Array2;
use serde_json::json;

use super::plural::many;
use super::questions;
use super::setup::{self, VectorsBy};
use crate::article::{ArticleReader, ReadEvent};
use crate::compute::Budget;
use crate::embed::{Embedder, Models, VectorCache};
use crate::error::{Context, Error, Fault, Result};
use crate::eval::npy;
use crate::eval::synthetic::{Generator, Source, Synthetic};
use crate::files::{NewFile, in_command};
use crate::index::embedded_texts;
use crate::model::Article;

/// Passages made before they are written.
const BATCH: usize = 4_096;

/// Make passages that look like those of a real collection, with vectors, to measure large indexes.
///
/// Writes into the folder: corpus.jsonl, vectors.bin (the cache that `BAOWEN_CACHE_DIR=DIR baowen index` takes every
/// vector from), vectors.npy (the same in the order of corpus.jsonl), queries.txt and queries.npy (the questions'
/// vectors), generated.json (what it was made from).
#[derive(Args)]
pub struct Generate {
    /// The real collection: a folder with corpus.jsonl and, if it has them, vectors.npy in the same order.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Passages to make; each is an article of its own.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    passages: u64,
    /// The folder to make; must be empty or not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The same seed, source and program make the same passages.
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
    /// Folders with queries.jsonl to draw questions from; without any, sentences of the collection are asked.
    #[arg(long, value_name = "DIR")]
    questions: Vec<PathBuf>,
    /// Questions to draw; each is embedded by the model.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    question_count: usize,
    /// Print what was done as JSON.
    #[arg(long)]
    json: bool,
}

impl Generate {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        let started = std::time::Instant::now();
        let models = Models::here();
        let model = &*models.chosen_encoder(Budget::all())?;
        empty_folder(&self.out)?;
        let articles = read(&self.from.join("corpus.jsonl"))?;
        let vectors = self.real_vectors(&articles)?;
        let source = Source::new(&articles, vectors, model.dimension(), Budget::all())?;
        let prepared = started.elapsed().as_secs_f64();
        self.write_passages(&source, model)?;
        let seconds = started.elapsed().as_secs_f64() - prepared;
        let questions = self.write_questions(&source, model)?;
        let summary = json!({
            "passages": self.passages,
            "questions": questions,
            "seed": self.seed,
            "source_articles": articles.len(),
            "model": model.identity(),
            "version": env!("CARGO_PKG_VERSION"),
        });
        put(&self.out, "generated.json", |file| {
            serde_json::to_writer_pretty(file, &summary).map_err(std::io::Error::from)
        })?;
        let rate = self.passages as f64 / seconds.max(1e-9);
        if self.json {
            let mut printed = summary;
            printed["seconds"] = json!(seconds);
            printed["passages_per_second"] = json!(rate);
            return super::print::json(&printed);
        }
        outln!(
            "{}: {} from {} in {seconds:.1} s ({rate:.0} a second), {}",
            self.out.display(),
            many(self.passages, "passage"),
            many(articles.len(), "article"),
            many(questions, "question"),
        );
        outln!(
            "  -> BAOWEN_CACHE_DIR={} baowen index {} --index INDEX",
            in_command(&self.out),
            in_command(self.out.join("corpus.jsonl"))
        );
        Ok(())
    }

    /// The collection's vectors: those beside it, else the model's, from the cache where it has them.
    fn real_vectors(&self, articles: &[Article]) -> Result<Array2<f32>> {
        let file = self.from.join("vectors.npy");
        if file.exists() {
            return npy::read(&file);
        }
        let (rules, _cache) = setup::indexing_rules(&self.out, &VectorsBy::Chosen)?;
        let embedder = rules
            .embedder
            .ok_or_else(|| Error::unavailable("the model went away").help("run `baowen model fetch`"))?;
        let bar = ProgressBar::new(articles.len() as u64);
        let mut numbers = Vec::with_capacity(articles.len() * embedder.dimension());
        for batch in articles.chunks(64) {
            let texts: Vec<String> = batch
                .iter()
                .flat_map(|article| embedded_texts(article).into_iter().next())
                .map(|texts| texts.passage)
                .collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            numbers.extend(embedder.embed_passages(&texts, Budget::all())?.concat());
            bar.inc(batch.len() as u64);
        }
        bar.finish_and_clear();
        Array2::from_shape_vec((articles.len(), embedder.dimension()), numbers)
            .or_fault(Fault::Bug, "one vector for each article")
    }

    fn write_passages(&self, source: &Source, model: &dyn Embedder) -> Result<()> {
        let cache = VectorCache::open(&setup::cache_file_in(&self.out), model.dimension())?;
        let mut corpus = part(&self.out, "corpus.jsonl")?;
        let vectors = part(&self.out, "vectors.npy")?;
        let rows = usize::try_from(self.passages).or_fault(Fault::Caller, "--passages")?;
        let mut vectors = npy::Writer::new(vectors, rows, model.dimension())?;
        let mut generator = Generator::new(source, self.seed);
        let bar = ProgressBar::new(self.passages);
        let mut left = rows;
        while left > 0 {
            let made = generator.batch(left.min(BATCH), Budget::all())?;
            left -= made.len();
            for passage in &made {
                write_record(&mut corpus, passage)
                    .or_fault(Fault::Unavailable, format!("writing to {}", self.out.display()))?;
                vectors.row(&passage.vector)?;
            }
            let entries: Vec<_> = made.iter().flat_map(Synthetic::vectors).collect();
            cache.insert_passages(model, &entries)?;
            bar.inc(made.len() as u64);
        }
        bar.finish_and_clear();
        vectors.finish()?.finish()?;
        corpus.finish()
    }

    /// Writes the questions and their vectors; returns how many.
    fn write_questions(&self, source: &Source, model: &dyn Embedder) -> Result<usize> {
        let mut questions = Vec::new();
        for folder in &self.questions {
            questions.extend(questions::read(&folder.join("queries.jsonl"))?);
        }
        if self.questions.is_empty() {
            questions = source.draw_sentences(self.question_count, self.seed);
        }
        // One a line, each once: a question asked again would be answered from a cache.
        for question in &mut questions {
            *question = question.split_whitespace().collect::<Vec<_>>().join(" ");
        }
        questions.sort();
        questions.dedup();
        fastrand::Rng::with_seed(self.seed).shuffle(&mut questions);
        questions.truncate(self.question_count);
        let texts: Vec<&str> = questions.iter().map(String::as_str).collect();
        let mut vectors = npy::Writer::new(part(&self.out, "queries.npy")?, texts.len(), model.dimension())?;
        for row in model.embed_queries(&texts, Budget::all())? {
            vectors.row(&row)?;
        }
        vectors.finish()?.finish()?;
        put(&self.out, "queries.txt", |file| {
            questions.iter().try_for_each(|question| writeln!(file, "{question}"))
        })?;
        Ok(questions.len())
    }
}

/// Every article of a file; one that cannot be read is an error, because vectors go by place.
fn read(file: &Path) -> Result<Vec<Article>> {
    ArticleReader::open(&[file.to_path_buf()])?
        .filter_map(|event| match event {
            ReadEvent::Article(article) => Some(Ok(article)),
            ReadEvent::Rejected(rejected) => Some(Err(Error::caller(rejected.to_string()))),
            ReadEvent::LeftOut(..) | ReadEvent::Noticed(_) => None,
        })
        .collect()
}

/// Makes the folder, or sees that nothing is in it: vectors of another run under the same texts would be wrong ones.
fn empty_folder(folder: &Path) -> Result<()> {
    let doing = || format!("making {}", folder.display());
    std::fs::create_dir_all(folder).or_fault(Fault::Unavailable, doing())?;
    let mut inside = std::fs::read_dir(folder).or_fault(Fault::Unavailable, doing())?;
    match inside.next() {
        None => Ok(()),
        Some(_) => Err(Error::precondition(format!("{} is not empty", folder.display()))
            .help("name a folder that is not there yet")),
    }
}

fn write_record(out: &mut impl Write, passage: &Synthetic) -> std::io::Result<()> {
    let article = &passage.article;
    let record = json!({ "_id": article.id, "title": article.title, "text": article.text });
    serde_json::to_writer(&mut *out, &record)?;
    out.write_all(b"\n")
}

/// A file that gets its name when it is whole.
fn part(folder: &Path, name: &str) -> Result<NewFile> {
    NewFile::create(&folder.join(name), "the generated collection")
}

fn put(folder: &Path, name: &str, write: impl FnOnce(&mut NewFile) -> std::io::Result<()>) -> Result<()> {
    let mut out = part(folder, name)?;
    write(&mut out).or_fault(Fault::Unavailable, format!("writing {name}"))?;
    out.finish()
}
