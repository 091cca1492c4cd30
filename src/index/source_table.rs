//! The table of an index's sources, as a commit holds it: each source, and what the last run that wrote to it did.
//!
//! A run's record is a field of its source's row that may be missing: tables of earlier programs are read, and earlier
//! programs read these. Everything in it is bounded, since all of it is written with each commit.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::article::source::{Source, Sources};
use crate::error::{Context, Fault, Result};

/// Most files or records of a run that are named with why they were skipped.
pub const MOST_NAMED: usize = 20;
/// The longest path and the longest reason among them, in characters.
const LONGEST: usize = 200;
/// Most bytes of a run's paths and reasons.
const NAMED_BYTES: usize = 4 << 10;
/// Most reasons for which text was left out; there are about as many in all.
const MOST_REASONS: usize = 40;
/// What the numbers of a text that was left out take in a table, with their names, in bytes.
const LEFT_OUT_BYTES: usize = 64;
/// Most bytes of paths and reasons in a table; beyond them the oldest runs give only numbers.
const TABLE_BYTES: usize = 256 << 10;

/// A file or record that a run skipped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The file, or the article's id where there is none; shortened where it is very long.
    pub path: String,
    /// The line in it, from 1, if the reason lies in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Why, by the name that programs know; empty if a program wrote this that knew none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// Why, as the end of a sentence that begins with the place.
    pub reason: String,
}

/// What a run left out of articles for one reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOutBy {
    /// What it was taken for (`navigation`).
    pub reason: String,
    /// Characters, white space aside.
    pub characters: u64,
    /// Files that had such text.
    pub files: u64,
}

/// What a run did to one source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceRun {
    /// When it ended, in seconds since 1970 (UTC).
    pub ended: u64,
    /// Articles that were not there before.
    pub added: u64,
    /// Articles that replaced an earlier text.
    pub updated: u64,
    /// Articles that were there as they are.
    pub unchanged: u64,
    /// Articles whose file moved.
    pub moved: u64,
    /// Articles that were taken out, since their file was gone.
    pub deleted: u64,
    /// Files and records that were skipped.
    pub skipped: u64,
    /// The first of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub first_skipped: Vec<Skipped>,
    /// What was left out of articles, most characters first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOutBy>,
}

/// The last runs, by the names of their sources.
pub type Runs = BTreeMap<String, SourceRun>;

impl SourceRun {
    /// Whether it changed anything in its source.
    pub fn has_written(&self) -> bool {
        [self.added, self.updated, self.moved, self.deleted]
            .iter()
            .any(|count| *count > 0)
    }

    /// Counts something skipped, and names it if it is among the first.
    pub fn skip(&mut self, skipped: &Skipped) {
        self.skipped += 1;
        self.name(skipped);
    }

    fn name(&mut self, skipped: &Skipped) {
        let named = Skipped {
            path: shortened(&skipped.path),
            line: skipped.line,
            why: shortened(&skipped.why),
            reason: shortened(&skipped.reason),
        };
        let fits = self.named_bytes() + size(&named) <= NAMED_BYTES;
        if self.first_skipped.len() < MOST_NAMED && fits {
            self.first_skipped.push(named);
        }
    }

    /// The record cut to what a table may hold, as one from elsewhere may exceed it.
    pub fn bounded(mut self) -> SourceRun {
        for named in std::mem::take(&mut self.first_skipped) {
            self.name(&named);
        }
        self.left_out
            .sort_by(|a, b| b.characters.cmp(&a.characters).then_with(|| a.reason.cmp(&b.reason)));
        self.left_out.truncate(MOST_REASONS);
        for left in &mut self.left_out {
            left.reason = shortened(&left.reason);
        }
        self
    }

    fn named_bytes(&self) -> usize {
        self.first_skipped.iter().map(size).sum()
    }

    /// What its lists take of a table, nearly.
    fn listed_bytes(&self) -> usize {
        let left_out = self.left_out.iter().map(|left| left.reason.len() + LEFT_OUT_BYTES);
        self.named_bytes() + left_out.sum::<usize>()
    }
}

fn size(named: &Skipped) -> usize {
    named.path.len() + named.why.len() + named.reason.len()
}

/// A text with its middle left out where it is very long.
fn shortened(text: &str) -> String {
    let length = text.chars().count();
    if length <= LONGEST {
        return text.to_owned();
    }
    let half = LONGEST / 2;
    let end = text.chars().skip(length - half + 1);
    text.chars().take(half).chain(['…']).chain(end).collect()
}

/// The sources of a commit with their last runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceTable {
    /// The sources, in the order they came.
    pub sources: Sources,
    /// What the last run that wrote to each did, where it is known.
    pub runs: Runs,
}

#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    source: &'a Source,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_run: Option<&'a SourceRun>,
}

#[derive(Deserialize)]
struct LastRun {
    name: String,
    #[serde(default)]
    last_run: Option<SourceRun>,
}

impl SourceTable {
    /// The table as text, for a commit. Runs of sources that are gone are forgotten.
    pub fn encoded(&mut self) -> Result<String> {
        let known: HashSet<&str> = self.sources.iter().map(|source| &*source.name).collect();
        self.runs.retain(|name, _| known.contains(&**name));
        self.keep_within(TABLE_BYTES);
        let row = |source| Row {
            source,
            last_run: self.runs.get(&source.name),
        };
        let rows: Vec<Row> = self.sources.iter().map(row).collect();
        serde_json::to_string(&rows).or_fault(Fault::Bug, "encoding the table of sources")
    }

    /// Reads what [`Self::encoded`] wrote.
    pub fn decoded(text: &str) -> Result<SourceTable> {
        let doing = "reading the table of sources";
        let runs: Vec<LastRun> = serde_json::from_str(text).or_fault(Fault::Corrupt, doing)?;
        Ok(SourceTable {
            sources: serde_json::from_str(text).or_fault(Fault::Corrupt, doing)?,
            runs: runs
                .into_iter()
                .filter_map(|row| Some((row.name, row.last_run?)))
                .collect(),
        })
    }

    /// Forgets what the oldest runs skipped and left out, until all of it takes at most so many bytes.
    fn keep_within(&mut self, most: usize) {
        let mut bytes: usize = self.runs.values().map(SourceRun::listed_bytes).sum();
        if bytes <= most {
            return;
        }
        let mut oldest_first: Vec<&mut SourceRun> = self.runs.values_mut().collect();
        oldest_first.sort_by_key(|run| run.ended);
        for run in oldest_first {
            if bytes <= most {
                return;
            }
            bytes -= run.listed_bytes();
            run.first_skipped.clear();
            run.left_out.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skipped(path: &str, line: Option<u64>, reason: &str) -> Skipped {
        Skipped {
            path: path.into(),
            line,
            why: "encoding".into(),
            reason: reason.into(),
        }
    }
    use crate::article::source::SourceKind;

    fn given(name: &str) -> Source {
        let (name, root) = (name.to_owned(), String::new());
        let kind = SourceKind::Given;
        Source { name, root, kind }
    }

    fn table(names: &[&str]) -> SourceTable {
        let mut table = SourceTable::default();
        names.iter().for_each(|name| table.sources.give(&given(name)).unwrap());
        table
    }

    #[test]
    fn tables_of_earlier_and_later_programs_are_read() {
        let mut table = table(&["甲", "乙"]);
        let earlier = serde_json::to_string(&table.sources).unwrap();
        assert_eq!(table.encoded().unwrap(), earlier, "nothing is written of no runs");
        assert_eq!(SourceTable::decoded(&earlier).unwrap(), table);
        let mut run = SourceRun {
            ended: 5,
            added: 1,
            ..SourceRun::default()
        };
        run.skip(&skipped("a.bin", None, "is no text"));
        table.runs.insert("乙".into(), run);
        let text = table.encoded().unwrap();
        assert_eq!(SourceTable::decoded(&text).unwrap(), table);
        // As a program reads it that knows no runs.
        assert_eq!(serde_json::from_str::<Sources>(&text).unwrap(), table.sources);
        // A field that is not known yet, and one that is missing.
        let later = text.replace("\"added\":1", "\"later\":[]");
        assert_eq!(SourceTable::decoded(&later).unwrap().runs["乙"].added, 0);
    }

    #[test]
    fn a_source_that_went_takes_its_run_along() {
        let mut table = table(&["甲"]);
        table.runs.insert("没有".into(), SourceRun::default());
        table.encoded().unwrap();
        assert!(table.runs.is_empty());
    }

    #[test]
    fn a_run_is_bounded_whatever_it_met() {
        let mut run = SourceRun::default();
        for line in 0..1_000 {
            run.skip(&skipped(&"路".repeat(5_000), Some(line), &"因".repeat(5_000)));
        }
        assert_eq!(run.skipped, 1_000);
        assert!(run.named_bytes() <= NAMED_BYTES && !run.first_skipped.is_empty());
        let mut short = SourceRun::default();
        (0..100).for_each(|_| short.skip(&skipped("a", None, "b")));
        assert_eq!(short.first_skipped.len(), MOST_NAMED);
        let left = |at: u64| LeftOutBy {
            reason: format!("reason {at}"),
            characters: at,
            files: 1,
        };
        let mut foreign = SourceRun {
            first_skipped: vec![run.first_skipped[0].clone(); 500],
            left_out: (0..500).map(left).collect(),
            ..SourceRun::default()
        };
        foreign.first_skipped[0].path = "长".repeat(9_999);
        let foreign = foreign.bounded();
        assert!(foreign.named_bytes() <= NAMED_BYTES);
        assert_eq!(foreign.left_out.len(), MOST_REASONS);
        assert_eq!(foreign.left_out[0].characters, 499);
    }

    #[test]
    fn a_table_is_bounded_and_the_newest_runs_keep_their_names() {
        let names: Vec<String> = (0..200).map(|at| format!("源{at}")).collect();
        let mut table = table(&names.iter().map(String::as_str).collect::<Vec<_>>());
        for (name, ended) in names.iter().zip(0..) {
            let mut run = SourceRun {
                ended,
                ..SourceRun::default()
            };
            (0..50).for_each(|_| run.skip(&skipped(&"p".repeat(150), None, &"r".repeat(150))));
            // As much as a client may have made up.
            run.left_out = (0..MOST_REASONS as u64)
                .map(|at| LeftOutBy {
                    reason: "因".repeat(LONGEST),
                    characters: at,
                    files: 1,
                })
                .collect();
            table.runs.insert(name.clone(), run);
        }
        assert!(table.encoded().unwrap().len() < 2 * TABLE_BYTES);
        let oldest = &table.runs["源0"];
        assert!(oldest.first_skipped.is_empty() && oldest.left_out.is_empty());
        assert_eq!(table.runs["源0"].skipped, 50);
        let newest = &table.runs["源199"];
        assert!(!newest.first_skipped.is_empty() && newest.left_out.len() == MOST_REASONS);
    }
}
