//! `baowen index PATH...`: articles from files into an index, with a progress bar and a summary that counts everything.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::options::{Credentials, IndexFolder};
use super::plural::many;
use super::remote_index::Remote;
use super::setup::{self, VectorsBy};
use crate::article::source::Sources;
use crate::compute::Budget;
use crate::error::{Error, Result};
use crate::index::EmbeddedIndex;
use crate::index::ingest::run::{Request, read_into, run};
use crate::index::ingest::summary::Summary;
use crate::index::ingest::target::Target;
use crate::index::ingest::{Counts, Progress};
use crate::service::client::ConnectOptions;

/// How many articles of a kind the summary for people names.
const NAMED: usize = 10;

/// Read articles (text, Markdown, HTML, JSON, CSV, PDF, DOCX, XLSX) and put them into an index.
#[derive(Args)]
pub struct IndexArgs {
    /// Files and folders to read.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    index: IndexFolder,
    #[cfg(feature = "milvus")]
    #[command(flatten)]
    backend: super::milvus::BackendAddress,
    /// Put them into the index of the service at this address, which was started with `--write`.
    #[arg(long, value_name = "HOST:PORT", conflicts_with_all = ["rebuild", "no_vectors"])]
    #[cfg_attr(feature = "milvus", arg(conflicts_with = "address"))]
    addr: Option<String>,
    #[command(flatten)]
    credentials: Credentials,
    /// Name the source that PATH is; without it, a folder is the source of its own name.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Delete the articles that are in the index and no longer under PATH.
    #[arg(long)]
    prune: bool,
    /// Build the index anew from PATH alone; it takes the old one's place when it is done.
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

impl IndexArgs {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        let options = Options {
            rebuild: self.rebuild,
            with_model: !self.no_vectors,
            source: self.source.clone(),
            prune: self.prune,
            commit_every: self.commit_every,
        };
        let summary = match &self.addr {
            Some(addr) => send(&self.paths, &self.credentials.at(addr)?, options)?,
            #[cfg(feature = "milvus")]
            None if let Some(address) = &self.backend.address => {
                let how = (options.with_model, options.rebuild);
                super::milvus::index(address, options.request(&self.paths), how, &Bars::new().reading())?
            }
            None => build(&self.paths, &self.index.folder, options)?,
        };
        match (self.json, &self.addr) {
            (true, _) => super::print::json(&summary)?,
            (false, Some(addr)) => print(&summary, format!("the index of {addr}")),
            #[cfg(feature = "milvus")]
            (false, None) if let Some(address) = &self.backend.address => {
                print(&summary, super::milvus::shown(address))
            }
            (false, None) => print(&summary, self.index.folder.display()),
        }
        let taken = summary.added + summary.updated + summary.unchanged + summary.moved.len() + summary.pruned;
        match summary.skipped.count() {
            0 if taken > 0 || summary.total_articles > 0 => Ok(()),
            0 => Err(Error::missing("nothing was taken in: there was nothing to read")),
            _ if taken > 0 => Ok(()),
            skipped => Err(Error::missing(format!(
                "nothing was taken in: all of it ({skipped}) was skipped"
            ))),
        }
    }
}

/// How to build.
#[derive(Default)]
pub struct Options {
    /// Start from nothing.
    pub rebuild: bool,
    /// Make vectors if the model is there.
    pub with_model: bool,
    /// The source's name, if not its folder's.
    pub source: Option<String>,
    /// Delete what is no longer there.
    pub prune: bool,
    /// Articles between commits; 0 for one at the end.
    pub commit_every: usize,
}

impl Options {
    fn request(self, paths: &[PathBuf]) -> Request {
        Request {
            paths: paths.to_vec(),
            source: self.source,
            prune: self.prune,
            commit_every: self.commit_every,
        }
    }
}

/// Reads the paths into the index of a folder, creating it if need be.
pub fn build(paths: &[PathBuf], folder: &Path, options: Options) -> Result<Summary> {
    let started = std::time::Instant::now();
    // Before anything is made for them.
    for path in paths {
        if let Err(error) = Sources::default().claim_any(path) {
            // The index may know what was there, and say what to do.
            let known = EmbeddedIndex::open(folder).and_then(|index| index.sources()).ok();
            return Err(known.and_then(|mut known| known.claim_any(path).err()).unwrap_or(error));
        }
    }
    let vectors = match (options.with_model, options.rebuild) {
        (false, _) => VectorsBy::Nothing,
        (true, true) => VectorsBy::Chosen,
        (true, false) => VectorsBy::Itself,
    };
    let (rules, cache) = setup::indexing_rules(folder, &vectors)?;
    let target = Target::open(folder, &rules, options.rebuild, Budget::all())?;
    let bars = Bars::new().reading();
    let request = options.request(paths);
    let mut summary = run(&target, rules, &request, Budget::all(), &bars)?;
    match &cache {
        Some(cache) => (summary.embedded, summary.cached) = (cache.misses(), cache.hits()),
        None if target.index().identity().dimension > 0 => {
            summary.embedded = (summary.passages + summary.given_vectors) as u64;
        }
        None => {}
    }
    target.finish_if_filled()?;
    summary.seconds = started.elapsed().as_secs_f64();
    Ok(summary)
}

/// Reads the paths into the index of a running service.
fn send(paths: &[PathBuf], connect_options: &ConnectOptions, options: Options) -> Result<Summary> {
    let started = std::time::Instant::now();
    let remote = Remote::connect(connect_options)?;
    let request = options.request(paths);
    let mut summary = read_into(&remote, &request, Budget::all(), &Bars::new().reading())?;
    let totals = remote.totals()?;
    (summary.total_articles, summary.total_passages) = (totals.articles, totals.passages);
    summary.without_vectors = totals.without_vectors;
    summary.seconds = started.elapsed().as_secs_f64();
    Ok(summary)
}

/// How far it is, on the terminal.
pub struct Bars {
    reading: ProgressBar,
    graphs: ProgressBar,
    started: std::time::Instant,
}

impl Bars {
    /// Bars that appear when there is something to show.
    pub fn new() -> Self {
        let reading = style("{bar:30} {percent:>3}% {binary_bytes}/{binary_total_bytes} {msg}, {eta} left");
        Bars {
            reading: ProgressBar::no_length().with_style(reading),
            graphs: ProgressBar::hidden(),
            started: std::time::Instant::now(),
        }
    }

    /// The same, with the one for reading shown at once: the first articles may take their time.
    fn reading(self) -> Self {
        self.reading.tick();
        self
    }
}

impl Progress for Bars {
    fn read(&self, done: u64, total: u64, counts: &Counts) {
        let rate = counts.passages as f64 / self.started.elapsed().as_secs_f64().max(1e-9);
        let articles = counts.added + counts.updated + counts.unchanged;
        self.reading.set_length(total);
        self.reading.set_position(done);
        self.reading.set_message(format!(
            "{}, {}, {rate:.0} a second",
            many(articles, "article"),
            many(counts.passages, "passage")
        ));
        if done >= total {
            self.reading.finish_and_clear();
        }
    }

    fn skipped(&self, what: &str) {
        self.reading.suspend(|| errln!("skipped {what}"));
    }

    fn noticed(&self, what: &str) {
        self.reading.suspend(|| errln!("note {what}"));
    }

    fn graphs(&self, done: usize, total: usize) {
        if self.graphs.length().is_none() {
            self.graphs.set_draw_target(indicatif::ProgressDrawTarget::stderr());
            self.graphs.set_style(style("graphs {bar:30} {pos}/{len}, {eta} left"));
            self.graphs.set_length(total as u64);
        }
        self.graphs.set_position(done as u64);
        if done >= total {
            self.graphs.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants of this file; a bad one only falls back to the plain bar.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// What was written and embedded.
fn written(summary: &Summary) -> String {
    let mut said = format!("{} written,", many(summary.passages, "passage"));
    if summary.given_vectors > 0 {
        let given = many(summary.given_vectors, "passage");
        said = format!("{given} that were there got vectors, {said}");
    }
    if summary.embedded + summary.cached > 0 {
        said += &format!(
            " their texts, windows and sentences {} embedded and {} from the cache,",
            summary.embedded, summary.cached
        );
    }
    said
}

/// The summary for people.
pub fn print(summary: &Summary, place: impl Display) {
    outln!(
        "{} read: {} added, {} updated, {} moved, {} unchanged, {} skipped",
        many(summary.articles, "article"),
        summary.added,
        summary.updated,
        summary.moved.len(),
        summary.unchanged,
        summary.skipped.count()
    );
    for moved in summary.moved.iter().take(NAMED) {
        outln!("  moved: {} is now {}", moved.from, moved.to);
    }
    if !summary.gone.is_empty() {
        let what = match summary.pruned {
            0 => "still in the index and no longer in their source; delete them with --prune",
            _ => "no longer in their source and deleted",
        };
        outln!("{} {what}:", many(summary.gone.len(), "article"));
        for id in summary.gone.iter().take(NAMED) {
            outln!("  {id}");
        }
        if let more @ 1.. = summary.gone.len().saturating_sub(NAMED) {
            outln!("  and {more} more (--json names all)");
        }
    }
    // A rebuild reads no files.
    if summary.kept_characters > 0 || summary.left_out_characters > 0 {
        outln!(
            "{} characters kept, {} left out (`baowen read` shows which and why), {} notes",
            summary.kept_characters,
            summary.left_out_characters,
            summary.noticed.count()
        );
    }
    outln!("{} in {:.1} s", written(summary), summary.seconds);
    if summary.total_articles == 0 {
        return;
    }
    outln!(
        "{place} now holds {}, {}",
        many(summary.total_articles, "article"),
        many(summary.total_passages, "passage")
    );
    if summary.without_vectors {
        outln!("It holds no vectors, so it answers by words alone. With the model here (`baowen model fetch`), the");
        outln!("next `baowen index` or `baowen rebuild` adds them.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_said() {
        let check = |passages: usize, given_vectors: usize, [embedded, cached]: [u64; 2], expected: &str| {
            let summary = Summary {
                passages,
                given_vectors,
                embedded,
                cached,
                ..Summary::default()
            };
            assert_eq!(written(&summary), expected);
        };
        check(0, 0, [0, 0], "0 passages written,");
        check(1, 0, [0, 0], "1 passage written,");
        let embedded = "their texts, windows and sentences 5 embedded and 2 from the cache,";
        check(3, 0, [5, 2], &format!("3 passages written, {embedded}"));
        // An index of words alone that gets its vectors.
        let given = "12 passages that were there got vectors, 0 passages written,";
        check(0, 12, [5, 2], &format!("{given} {embedded}"));
    }
}
