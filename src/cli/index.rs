//! `baowen index PATH...`: articles from files into an index, with a progress bar and a summary that counts everything.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::{IndexFolder, setup};
use crate::article::{ArticleReader, ReadEvent, Rejected};
use crate::embed::CachedEmbedder;
use crate::error::{Fault, Result};
use crate::index::{Backend, EmbeddedIndex, EmbeddedWriter, Rules, WriteReport};
use crate::model::Article;

/// Articles analysed and embedded together: enough to keep every core busy, few enough to show progress.
const BATCH: usize = 128;
/// A run that writes at least one in so many of the index's passages joins all segments at its end.
const WORTH_MERGING: u64 = 2;

/// Read articles (text, Markdown, HTML, JSON Lines; UTF-8 or GB18030) and put them into an index.
#[derive(Args)]
pub struct IndexArgs {
    /// Files and folders to read.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    index: IndexFolder,
    /// Throw the index away first and build it anew.
    #[arg(long)]
    rebuild: bool,
    /// Index words alone, without vectors.
    #[arg(long)]
    no_vectors: bool,
    /// Make what was read so far durable after this many articles.
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    commit_every: usize,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

/// What indexing did.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Articles read.
    pub articles: usize,
    /// Of these: not there before.
    pub added: usize,
    /// Of these: replaced an earlier text.
    pub updated: usize,
    /// Of these: were there as they are.
    pub unchanged: usize,
    /// Passages written.
    pub passages: usize,
    /// Passages whose vector was computed.
    pub embedded: u64,
    /// Passages whose vector was known.
    pub cached: u64,
    /// What could not be read: path, line, reason.
    pub skipped: Vec<String>,
    /// Articles in the index now.
    pub total_articles: u64,
    /// Passages in the index now.
    pub total_passages: u64,
    /// Seconds it took.
    pub seconds: f64,
}

impl IndexArgs {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        let summary = build(
            &self.paths,
            &self.index.folder,
            Options {
                rebuild: self.rebuild,
                with_model: !self.no_vectors,
                commit_every: self.commit_every.max(1),
            },
        )?;
        if self.json {
            return super::print::json(&summary);
        }
        summary.print(&self.index.folder);
        Ok(())
    }
}

/// How to build.
pub struct Options {
    /// Start from nothing.
    pub rebuild: bool,
    /// Make vectors if the model is there.
    pub with_model: bool,
    /// Articles between commits.
    pub commit_every: usize,
}

/// Reads the paths into the index of a folder, creating it if need be.
pub fn build(paths: &[PathBuf], folder: &Path, options: Options) -> Result<Summary> {
    let started = std::time::Instant::now();
    let reader = ArticleReader::open(paths)?;
    let (rules, cache) = setup::indexing_rules(options.with_model)?;
    if options.rebuild {
        crate::index::remove(folder)?;
    }
    let index = match EmbeddedIndex::open(folder) {
        Ok(index) => index,
        Err(error) if error.fault() == Fault::Missing => EmbeddedIndex::create(folder, &rules.identity())?,
        Err(error) => return Err(error),
    };
    let mut summary = Summary::default();
    fill(&index, rules, reader, &options, &mut summary)?;
    build_graphs(&index)?;
    let stats = index.snapshot()?.stats()?;
    summary.total_articles = stats.articles;
    summary.total_passages = stats.passages;
    match &cache {
        Some(cache) => cached_counts(cache, &mut summary),
        None if stats.identity.dimension > 0 => summary.embedded = summary.passages as u64,
        None => {}
    }
    summary.seconds = started.elapsed().as_secs_f64();
    Ok(summary)
}

fn cached_counts(cache: &Arc<CachedEmbedder>, summary: &mut Summary) {
    summary.embedded = cache.misses();
    summary.cached = cache.hits();
}

fn fill(
    index: &EmbeddedIndex,
    rules: Rules,
    mut reader: ArticleReader,
    options: &Options,
    summary: &mut Summary,
) -> Result<()> {
    let mut writer = index.writer(rules)?;
    let bar = ProgressBar::new(reader.bytes_total()).with_style(style(
        "{bar:30} {percent:>3}% {binary_bytes}/{binary_total_bytes} {msg} 剩余 {eta}",
    ));
    let started = std::time::Instant::now();
    let mut batch: Vec<Article> = Vec::with_capacity(BATCH);
    let mut report = WriteReport::default();
    let mut since_commit = 0;
    loop {
        let event = reader.next();
        let end = event.is_none();
        match event {
            Some(ReadEvent::Article(article)) => {
                summary.articles += 1;
                batch.push(article);
            }
            Some(ReadEvent::Rejected(rejected)) => skip(&rejected, &bar, summary),
            Some(ReadEvent::LeftOut(..) | ReadEvent::Noticed(_)) | None => {}
        }
        if batch.len() >= BATCH || end {
            since_commit += batch.len();
            report += take(&mut writer, &mut batch, &bar, summary)?;
            bar.set_position(reader.bytes_read());
            let rate = report.passages as f64 / started.elapsed().as_secs_f64().max(1e-9);
            bar.set_message(format!(
                "{} 篇 {} 段 {rate:.0} 段/秒",
                summary.articles, report.passages
            ));
            if writer.is_dirty() && (since_commit >= options.commit_every || end) {
                writer.commit()?;
                since_commit = 0;
            }
        }
        if end {
            break;
        }
    }
    bar.finish_and_clear();
    (summary.added, summary.updated) = (report.added, report.updated);
    (summary.unchanged, summary.passages) = (report.unchanged, report.passages);
    let passages = index.snapshot()?.stats()?.passages;
    if report.passages as u64 * WORTH_MERGING >= passages {
        writer.finish_as_one()
    } else {
        writer.finish()
    }
}

fn skip(rejected: &Rejected, bar: &ProgressBar, summary: &mut Summary) {
    bar.suspend(|| eprintln!("skipped {rejected}"));
    summary.skipped.push(rejected.to_string());
}

/// Writes a batch. An article that the index refuses (its id) is skipped by name and the rest goes on.
fn take(
    writer: &mut EmbeddedWriter,
    batch: &mut Vec<Article>,
    bar: &ProgressBar,
    summary: &mut Summary,
) -> Result<WriteReport> {
    batch.retain(|article| match crate::index::check_article_id(&article.id) {
        Ok(()) => true,
        Err(error) => {
            bar.suspend(|| eprintln!("skipped {error}"));
            summary.skipped.push(error.to_string());
            false
        }
    });
    let report = writer.upsert(batch)?;
    batch.clear();
    Ok(report)
}

fn build_graphs(index: &EmbeddedIndex) -> Result<()> {
    let bar = ProgressBar::hidden();
    let progress = |done: usize, total: usize| {
        if bar.length().is_none() {
            bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
            bar.set_style(style("建图 {bar:30} {pos}/{len} 剩余 {eta}"));
            bar.set_length(total as u64);
        }
        bar.set_position(done as u64);
    };
    index.build_graphs(&progress, &AtomicBool::new(false))?;
    bar.finish_and_clear();
    Ok(())
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants of this file; a bad one only falls back to the plain bar.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Summary {
    /// The summary for people.
    pub fn print(&self, folder: &Path) {
        println!(
            "{} articles read: {} added, {} updated, {} unchanged, {} skipped",
            self.articles,
            self.added,
            self.updated,
            self.unchanged,
            self.skipped.len()
        );
        println!(
            "{} passages written ({} embedded, {} from the cache) in {:.1} s",
            self.passages, self.embedded, self.cached, self.seconds
        );
        println!(
            "{} now holds {} articles, {} passages",
            folder.display(),
            self.total_articles,
            self.total_passages
        );
    }
}
