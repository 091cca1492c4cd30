//! Files into an index: read in order, taken in batches, committed as they come, maintained at the end.

use std::sync::Arc;

use serde::Serialize;

use super::maintain::maintain;
use super::{Counts, Ingest, Outcome, Progress};
use crate::article::{ArticleReader, ReadEvent};
use crate::error::{Fault, Result};
use crate::index::backend::Backend;
use crate::index::embedded::EmbeddedIndex;
use crate::index::prepare::Rules;
use crate::model::Article;

/// Articles analysed and embedded together: enough to keep every core busy, few enough to show progress.
const BATCH: usize = 128;
/// A run that writes at least one in so many of the index's passages joins all segments at its end: one large segment
/// is searched faster than many small ones, and joining costs about as much as the run itself.
const WORTH_JOINING: u64 = 2;

/// What a run did.
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

/// Takes everything that the reader gives into the index and maintains it. `commit_every`: articles between two commits.
///
/// # Errors
/// As [`Ingest::open`]; `Unavailable` if the disk or the embedder fails, with all commits before that kept. What is
/// wrong with single articles is in the summary.
pub fn run(
    index: &Arc<EmbeddedIndex>,
    rules: Rules,
    mut reader: ArticleReader,
    commit_every: usize,
    progress: &dyn Progress,
) -> Result<Summary> {
    let ingest = Ingest::open(index, rules)?;
    let mut summary = Summary::default();
    let mut counts = Counts::default();
    let mut batch: Vec<Article> = Vec::with_capacity(BATCH);
    let mut since_commit = 0;
    let mut dirty = false;
    loop {
        let event = reader.next();
        let end = event.is_none();
        match event {
            Some(ReadEvent::Article(article)) => {
                summary.articles += 1;
                batch.push(article);
            }
            Some(ReadEvent::Rejected(rejected)) => skip(&mut summary, progress, rejected.to_string()),
            Some(ReadEvent::LeftOut(..) | ReadEvent::Noticed(_)) | None => {}
        }
        if batch.len() >= BATCH || end {
            since_commit += batch.len();
            for result in ingest.upsert(std::mem::take(&mut batch)) {
                match result {
                    Ok(outcome) => {
                        dirty |= outcome != Outcome::Unchanged;
                        counts += outcome;
                    }
                    // The article's fault: it is left out by name, and the rest goes on.
                    Err(error) if error.fault() == Fault::Caller => skip(&mut summary, progress, error.to_string()),
                    Err(error) => return Err(error),
                }
            }
            progress.read(reader.bytes_read(), reader.bytes_total(), &counts);
            if dirty && (since_commit >= commit_every || end) {
                ingest.commit()?;
                progress.committed();
                (since_commit, dirty) = (0, false);
            }
        }
        if end {
            break;
        }
    }
    (summary.added, summary.updated) = (counts.added, counts.updated);
    (summary.unchanged, summary.passages) = (counts.unchanged, counts.passages);
    let passages = index.snapshot()?.stats()?.passages;
    let writer = ingest.into_writer();
    if counts.passages as u64 * WORTH_JOINING >= passages {
        writer.finish_as_one()?;
    } else {
        writer.finish()?;
    }
    maintain(index, progress)?;
    let stats = index.snapshot()?.stats()?;
    (summary.total_articles, summary.total_passages) = (stats.articles, stats.passages);
    Ok(summary)
}

fn skip(summary: &mut Summary, progress: &dyn Progress, what: String) {
    progress.skipped(&what);
    summary.skipped.push(what);
}
