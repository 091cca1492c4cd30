//! What a run did to each source that it read, as the index keeps it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::Outcome;
use crate::article::{Rejected, Why};
use crate::index::source_table::{LeftOutBy, Runs, Skipped, SourceRun};

/// Text left out for one reason so far.
#[derive(Default)]
struct LeftOutSoFar {
    characters: u64,
    files: u64,
    /// The last file that had some: what is left out of a file comes together.
    last: PathBuf,
}

/// What a run did so far, by source.
#[derive(Default)]
pub struct Records {
    runs: Runs,
    left_out: BTreeMap<(String, &'static str), LeftOutSoFar>,
}

impl Records {
    fn of(&mut self, source: String) -> &mut SourceRun {
        self.runs.entry(source).or_default()
    }

    /// An article was taken.
    pub fn taken(&mut self, source: &str, outcome: Outcome) {
        let run = self.of(source.to_owned());
        match outcome {
            Outcome::Added(_) => run.added += 1,
            Outcome::Updated(_) => run.updated += 1,
            Outcome::Unchanged => run.unchanged += 1,
        }
    }

    /// An article that was added was there before by another id.
    pub fn has_moved(&mut self, source: &str) {
        let run = self.of(source.to_owned());
        run.added = run.added.saturating_sub(1);
        run.moved += 1;
    }

    /// An article was taken out.
    pub fn deleted(&mut self, source: String) {
        self.of(source).deleted += 1;
    }

    /// A file or record could not be read; nothing is kept of one that belongs to no source.
    pub fn rejected(&mut self, source: Option<String>, rejected: &Rejected) {
        if let Some(source) = source {
            self.of(source).skip(&Skipped {
                path: rejected.path.to_string_lossy().into_owned(),
                line: rejected.line.map(|line| line as u64),
                why: rejected.why.name().to_owned(),
                reason: rejected.reason.clone(),
            });
        }
    }

    /// An article was refused.
    pub fn skipped(&mut self, source: String, path: &str, reason: &str) {
        self.of(source).skip(&Skipped {
            path: path.to_owned(),
            line: None,
            why: Why::Refused.name().to_owned(),
            reason: reason.to_owned(),
        });
    }

    /// Text of a file is in none of its articles.
    pub fn left_out(&mut self, source: Option<String>, file: PathBuf, reason: &'static str, characters: u64) {
        if let Some(source) = source {
            self.of(source.clone());
            let so_far = self.left_out.entry((source, reason)).or_default();
            so_far.characters += characters;
            so_far.files += u64::from(so_far.last != Path::new(&file));
            so_far.last = file;
        }
    }

    /// All of it, as ended now, of the sources that were written to: where nothing changed, what the run before did
    /// stays.
    pub fn finish(mut self) -> Runs {
        for ((source, reason), so_far) in self.left_out {
            self.runs.entry(source).or_default().left_out.push(LeftOutBy {
                reason: reason.to_owned(),
                characters: so_far.characters,
                files: so_far.files,
            });
        }
        let ended = now();
        let ended_now = |run: SourceRun| SourceRun { ended, ..run.bounded() };
        self.runs
            .into_iter()
            .filter(|(_, run)| run.has_written())
            .map(|(name, run)| (name, ended_now(run)))
            .collect()
    }
}

/// Seconds since 1970.
pub fn now() -> u64 {
    // A clock before 1970 says nothing that could be kept.
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
