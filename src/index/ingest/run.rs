//! Files into an index: read in order, taken in batches, committed as they come, maintained at the end.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;

use super::batch::Batch;
use super::changes::Changes;
use super::destination::{Destination, Written};
use super::maintain::maintain_fully;
use super::records::Records;
use super::summary::{Moved, Summary};
use super::target::Target;
use super::{Counts, Ingest, Outcome, Progress};
use crate::article::{ArticleReader, ReadEvent};
use crate::compute::Budget;
use crate::error::{Error, Fault, Result};
use crate::files::in_command;
use crate::index::backend::Backend;
use crate::index::prepare::Rules;
use crate::model::Article;

/// A run that writes at least one in so many of the index's passages joins all segments at its end: one large segment
/// is searched faster than many small ones, and joining costs about as much as the run itself.
const WORTH_JOINING: u64 = 2;

/// What to read, and how.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// The source they belong to, if not that of their folder's name.
    pub source: Option<String>,
    /// Whether to delete what the sources no longer have.
    pub prune: bool,
    /// Articles between two commits; 0 for one at the end.
    pub commit_every: usize,
}

/// Takes everything under the paths into the index and maintains it.
///
/// # Errors
/// As [`Ingest::open`] and [`read_into`].
pub fn run(
    target: &Target,
    rules: Rules,
    request: &Request,
    budget: Budget,
    progress: &dyn Progress,
) -> Result<Summary> {
    let index = &target.index;
    let written = Written {
        before: index.clone(),
        ingest: Ingest::open_under(&target.lock, index, rules)?,
    };
    let mut summary = read_into(&written, request, budget, progress)?;
    let passages = index.snapshot()?.about().passages;
    let writer = written.ingest.into_writer();
    if summary.passages as u64 * WORTH_JOINING >= passages {
        writer.finish_as_one()?;
    } else {
        writer.finish()?;
    }
    maintain_fully(index, budget, progress)?;
    let snapshot = index.snapshot()?;
    let about = snapshot.about();
    (summary.total_articles, summary.total_passages) = (about.articles, about.passages);
    summary.without_vectors = about.identity.dimension == 0;
    summary.given_vectors = target.given_vectors;
    Ok(summary)
}

/// Takes everything under the paths to a destination, with a last commit. What the index holds in all is not counted.
///
/// # Errors
/// As [`Sources::claim`](crate::article::source::Sources::claim); `Unavailable` if the disk or the embedder fails,
/// `Deadline` if the budget's passes, with all commits before that kept. What is wrong with single articles is in the
/// summary.
pub fn read_into(
    destination: &dyn Destination,
    request: &Request,
    budget: Budget,
    progress: &dyn Progress,
) -> Result<Summary> {
    let before = destination.sources()?;
    let mut sources = before.clone();
    let claim = |path: &PathBuf| sources.claim(path, request.source.as_deref());
    let scopes = request.paths.iter().map(claim).collect::<Result<Vec<_>>>()?;
    let held = destination.begin(&sources, &scopes)?;
    let mut reader = ArticleReader::read(&scopes, &sources);
    let changes = Changes::new(held, &sources, &scopes, &reader, budget)?;
    // What has an id already keeps it: a file that is new does not take it from one that is read later.
    reader.read_first(|origin| changes.holds(origin));
    let mut run = Run {
        destination,
        progress,
        budget,
        changes,
        summary: Summary::default(),
        counts: Counts::default(),
        records: Records::default(),
        dirty: false,
        has_written: false,
        left: Vec::new(),
        fresh: HashMap::new(),
    };
    let missed: Vec<_> = sources.iter().filter(|source| run.changes.misses(source)).collect();
    for source in missed {
        run.notice(format!(
            "the source `{}` ({}) is not there; if its folder moved, name the new place with `--source {word}`, if it is \
             gone, `baowen delete --source {word}` takes its articles out",
            source.name,
            source.root,
            word = in_command(&source.name)
        ));
    }
    run.take_all(&mut reader, request.commit_every)?;
    run.finish(&reader, request.prune)?;
    run.dirty |= sources != before && run.summary.articles > 0;
    run.record();
    run.commit()?;
    let Run {
        mut summary, counts, ..
    } = run;
    (summary.added, summary.updated) = (counts.added, counts.updated);
    (summary.unchanged, summary.passages) = (counts.unchanged, counts.passages);
    Ok(summary)
}

/// How many characters of a text are seen.
fn characters(text: &str) -> u64 {
    text.chars().filter(|c| !c.is_whitespace()).count() as u64
}

/// The source of an article, and its place there.
fn place_of(article: &Article) -> (String, String) {
    let origin = article.origin.clone().unwrap_or_default();
    (origin.source, origin.path)
}

/// A run under way.
struct Run<'a> {
    destination: &'a dyn Destination,
    progress: &'a dyn Progress,
    budget: Budget,
    changes: Changes,
    summary: Summary,
    counts: Counts,
    /// What was done, by source.
    records: Records,
    /// Whether anything waits for a commit.
    dirty: bool,
    /// Whether there was a commit.
    has_written: bool,
    /// Articles that have moved since the last commit, by the ids they had.
    left: Vec<String>,
    /// Articles that were added, each with its source, by what they say.
    fresh: HashMap<u64, VecDeque<(String, String)>>,
}

/// What is known of an article while it is written.
struct Seen {
    id: String,
    source: String,
    path: String,
    /// What it says, if it is new.
    content: Option<u64>,
    /// The id it had before its file moved.
    moved_from: Option<String>,
}

impl Run<'_> {
    /// Writes everything that is read.
    fn take_all(&mut self, reader: &mut ArticleReader, commit_every: usize) -> Result<()> {
        let commit_every = match commit_every {
            0 => usize::MAX,
            articles => articles,
        };
        let at_a_time = self.destination.at_a_time().min(commit_every);
        let mut batch = Batch::default();
        let mut since_commit = 0;
        while let Some(event) = reader.next() {
            self.note(event, &mut batch);
            if batch.is_full(at_a_time) {
                let articles = batch.take();
                since_commit += articles.len();
                self.take(articles)?;
                self.progress
                    .read(reader.bytes_read(), reader.bytes_total(), &self.counts);
                if since_commit >= commit_every {
                    self.commit()?;
                    since_commit = 0;
                }
            }
        }
        self.take(batch.take())?;
        self.progress
            .read(reader.bytes_read(), reader.bytes_total(), &self.counts);
        Ok(())
    }

    /// Puts an article into the batch, and says of everything else what it was.
    fn note(&mut self, event: ReadEvent, batch: &mut Batch) {
        match event {
            ReadEvent::Article(article) => {
                self.summary.kept_characters += characters(&article.text);
                batch.push(article);
            }
            ReadEvent::Rejected(rejected) => {
                let kept = self.changes.rejected(&rejected);
                let source = self.changes.source_of_file(&rejected.path);
                self.records.rejected(source, &rejected);
                self.skip(match (&kept[..], rejected.line) {
                    ([], _) | (_, Some(_)) => rejected.to_string(),
                    ([first], None) => format!("{rejected}; what the index holds of it (`{first}`) stays"),
                    ([first, ..], None) => format!(
                        "{rejected}; the {} articles that the index holds of it (`{first}`, ...) stay",
                        kept.len()
                    ),
                });
            }
            ReadEvent::LeftOut(path, left) => {
                let left_out = characters(&left.text);
                self.summary.left_out_characters += left_out;
                let source = self.changes.source_of_file(&path);
                self.records.left_out(source, path, left.reason, left_out);
            }
            ReadEvent::Noticed(noticed) => {
                self.changes.noticed(&noticed);
                self.notice(noticed.to_string());
            }
        }
    }

    /// Writes a batch.
    fn take(&mut self, batch: Vec<Article>) -> Result<()> {
        self.budget.check()?;
        self.summary.articles += batch.len();
        let mut taken = Vec::with_capacity(batch.len());
        let mut seen = Vec::with_capacity(batch.len());
        let mut handed_on = Vec::new();
        for article in batch {
            match self.changes.check(&article) {
                Ok(is_from_another) => {
                    if is_from_another {
                        handed_on.push(article.id.clone());
                    }
                    let (source, path) = place_of(&article);
                    let content = self.changes.content_of_new(&article)?;
                    seen.push(Seen {
                        id: article.id.clone(),
                        source,
                        path,
                        content,
                        moved_from: content.and_then(|content| self.changes.moved_from(content)),
                    });
                    taken.push(article);
                }
                Err(error) if error.fault() == Fault::Caller => self.refuse(place_of(&article), &error),
                Err(error) => return Err(error),
            }
        }
        self.destination.hand_on(&handed_on)?;
        let ids: HashSet<String> = taken.iter().map(|article| article.id.clone()).collect();
        let taken = self.destination.upsert(taken, self.budget);
        for (result, seen) in taken.into_iter().zip(seen) {
            match result {
                Ok(outcome) => {
                    self.dirty |= outcome != Outcome::Unchanged;
                    self.records.taken(&seen.source, outcome);
                    self.counts += outcome;
                    match (outcome, seen.moved_from, seen.content) {
                        (_, Some(from), _) => self.moved(from, seen.id, &seen.source),
                        (Outcome::Added(_), None, Some(content)) => {
                            self.fresh.entry(content).or_default().push_back((seen.id, seen.source));
                        }
                        _ => {}
                    }
                }
                // The article's fault: it is left out by name, and the rest goes on.
                Err(error) if error.fault() == Fault::Caller => self.refuse((seen.source, seen.path), &error),
                Err(error) => return Err(error),
            }
        }
        // Another file may give again what an equal text was taken to have moved from.
        self.left.retain(|id| !ids.contains(id));
        let before = self.summary.moved.len();
        self.summary.moved.retain(|moved| !ids.contains(&moved.from));
        self.counts.added += before - self.summary.moved.len();
        Ok(())
    }

    /// Notes that an article that was added is one that was there by another id.
    fn moved(&mut self, from: String, to: String, source: &str) {
        // Through a service somebody else may have added it meanwhile.
        self.counts.added = self.counts.added.saturating_sub(1);
        self.records.has_moved(source);
        self.left.push(from.clone());
        self.dirty = true;
        self.summary.moved.push(Moved { from, to });
    }

    /// Finds those that are gone from files that are still there among what was added: their ids changed. The others.
    fn moved_within(&mut self, gone: Vec<String>) -> Result<Vec<String>> {
        if self.fresh.is_empty() || gone.is_empty() {
            return Ok(gone);
        }
        let mut moved = HashSet::new();
        let made: Vec<String> = gone.iter().filter(|id| self.changes.has_made_id(id)).cloned().collect();
        for (from, content) in self.changes.contents(&made)? {
            let to = self.fresh.get_mut(&content).and_then(VecDeque::pop_front);
            if let Some((to, source)) = to {
                moved.insert(from.clone());
                self.moved(from, to, &source);
            }
        }
        Ok(gone.into_iter().filter(|id| !moved.contains(id)).collect())
    }

    fn commit(&mut self) -> Result<()> {
        if self.dirty {
            // What articles moved from goes in the commit that has where they are now.
            if !self.left.is_empty() {
                self.destination.delete(&std::mem::take(&mut self.left))?;
            }
            self.destination.commit()?;
            self.progress.committed();
            self.has_written = true;
            self.dirty = false;
        }
        Ok(())
    }

    /// Names what the sources no longer have, and deletes it if that is asked for.
    fn finish(&mut self, reader: &ArticleReader, prune: bool) -> Result<()> {
        let mut gone = self.changes.gone(reader);
        let moved: HashSet<&str> = self.summary.moved.iter().map(|moved| moved.from.as_str()).collect();
        gone.retain(|id| !moved.contains(id.as_str()));
        let mut gone = self.moved_within(gone)?;
        for (path, ids) in self.changes.kept_of_damaged(reader) {
            self.notice(format!(
                "{}: is damaged, so the {} articles that the index holds of it and that were not read (`{}`, ...) stay",
                path.display(),
                ids.len(),
                ids[0]
            ));
        }
        if prune {
            let emptied = self.changes.emptied();
            let is_kept = |id: &String| {
                let source = self.changes.source_of(id);
                source.is_some_and(|source| emptied.contains(&source))
            };
            let (kept, rest): (Vec<String>, Vec<String>) = gone.into_iter().partition(is_kept);
            gone = rest;
            if !kept.is_empty() {
                self.skip(format!(
                    "not one file was found where {} articles came from ({}, ...), so they are not deleted: a disk may be \
                     away; `baowen delete ID...` deletes those that are gone for good",
                    kept.len(),
                    kept[0]
                ));
            }
            self.summary.pruned = self.destination.delete(&gone)?;
            self.dirty |= self.summary.pruned > 0;
            for source in gone.iter().filter_map(|id| self.changes.source_of(id)) {
                self.records.deleted(source);
            }
        }
        self.summary.gone = gone;
        Ok(())
    }

    /// Has the last commit hold what was done. A run that wrote nothing leaves nothing: it makes no commit.
    fn record(&mut self) {
        if self.dirty || self.has_written {
            self.destination.record(std::mem::take(&mut self.records).finish());
            self.dirty = true;
        }
    }

    /// Leaves an article out by name.
    fn refuse(&mut self, (source, path): (String, String), error: &Error) {
        self.records.skipped(source, &path, error.message());
        self.skip(error.to_string());
    }

    fn notice(&mut self, what: String) {
        self.progress.noticed(&what);
        self.summary.noticed.push(what);
    }

    fn skip(&mut self, what: String) {
        self.progress.skipped(&what);
        self.summary.skipped.push(what);
    }
}
