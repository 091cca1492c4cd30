//! Owns reading judged questions in the BEIR layout: `queries.jsonl`, `qrels.tsv`, and where `corpus.jsonl` lies.
//!
//! It never reads articles (that is the article layer's work) and never repairs data: a line that cannot be read, a
//! question or a judgement that is there twice, is an error with file and line, because a set that was silently
//! corrected measures something else than its name says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Fault, Result};

/// One question of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Unique in the set.
    pub id: String,
    /// What is asked; never blank.
    pub text: String,
    /// What kind of question it is, where the set says so.
    pub kind: Option<String>,
}

/// A question that nothing in the collection answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswerable {
    /// Its id among the set's questions.
    pub id: String,
    /// How it fails: `near` (the topic is there, the fact is not), `far`; empty where the set does not say.
    pub kind: String,
}

/// A sentence that was judged to answer a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RightSentence {
    /// The question.
    pub query: String,
    /// The article it is from.
    pub article: String,
    /// As it stands there.
    pub sentence: String,
}

/// Judgements: for each question the judged articles and their grades.
///
/// Grades are whole numbers; 1 and more is relevant, 0 and less is not (trec_eval's convention).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Qrels {
    by_query: BTreeMap<String, BTreeMap<String, i32>>,
}

impl Qrels {
    /// Reads `query-id<TAB>corpus-id<TAB>score` lines. A first line whose score is no number is the header.
    ///
    /// # Errors
    /// `Missing` if there is no such file; `Caller`, naming the line, for a line without three fields, a score that
    /// is no whole number, or a pair that was judged before.
    pub fn read(path: &Path) -> Result<Self> {
        let mut qrels = Qrels::default();
        let mut first = true;
        let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
        for_each_line(path, |number, line| {
            let is_first = std::mem::take(&mut first);
            let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
            let [query, doc, grade] = fields[..] else {
                return Err(Error::caller(format!(
                    "expected `query-id<TAB>corpus-id<TAB>score`, found {} fields",
                    fields.len()
                )));
            };
            let Ok(grade) = grade.parse::<i32>() else {
                if is_first && !grade.chars().any(|c| c.is_ascii_digit()) {
                    return Ok(());
                }
                return Err(Error::caller(format!("the score `{grade}` is not a whole number")));
            };
            if query.is_empty() || doc.is_empty() {
                return Err(Error::caller("an id is empty"));
            }
            if let Some(before) = seen.insert((query.to_owned(), doc.to_owned()), number) {
                return Err(
                    Error::caller(format!("`{doc}` was already judged for `{query}` in line {before}"))
                        .help("keep one judgement of the two"),
                );
            }
            qrels.set(query, doc, grade);
            Ok(())
        })?;
        Ok(qrels)
    }

    /// Sets one judgement, replacing an earlier one.
    pub fn set(&mut self, query: &str, doc: &str, grade: i32) {
        self.by_query
            .entry(query.to_owned())
            .or_default()
            .insert(doc.to_owned(), grade);
    }

    /// The judgements of one question, by article id.
    pub fn of(&self, query: &str) -> Option<&BTreeMap<String, i32>> {
        self.by_query.get(query)
    }

    /// All questions with their judgements, by id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &BTreeMap<String, i32>)> {
        self.by_query.iter().map(|(query, docs)| (query.as_str(), docs))
    }

    /// Only the judgements that `keep(query, doc)` accepts. A question all of whose judgements go stays, with none:
    /// it counts as zero, as it would for any other tool that sees the question.
    #[must_use]
    pub fn restrict(&self, keep: impl Fn(&str, &str) -> bool) -> Qrels {
        let by_query = self
            .by_query
            .iter()
            .map(|(query, docs)| {
                let kept = docs.iter().filter(|(doc, _)| keep(query, doc));
                (query.clone(), kept.map(|(doc, grade)| (doc.clone(), *grade)).collect())
            })
            .collect();
        Qrels { by_query }
    }
}

/// A set of judged questions.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// The folder's own name.
    pub name: String,
    /// All questions, in the order of the file.
    pub queries: Vec<Query>,
    /// The judgements.
    pub qrels: Qrels,
    /// The questions of `unanswerable.jsonl`, if the set has it.
    pub unanswerable: Vec<Unanswerable>,
    /// The sentences of `sentences.jsonl`, if the set has it.
    pub sentences: Vec<RightSentence>,
    /// The file that the questions are from.
    pub queries_file: PathBuf,
    /// The file that the judgements are from.
    pub qrels_file: PathBuf,
    corpus: Option<PathBuf>,
    folder: PathBuf,
}

impl Dataset {
    /// Opens the set in `folder`: `queries.jsonl`, judgements in `qrels.tsv` or `qrels/test.tsv`, where they are there
    /// `unanswerable.jsonl` and `sentences.jsonl` (of questions in `queries.jsonl`), the corpus at
    /// `corpus`, else `corpus.jsonl` in the folder or its parent. A missing corpus is an error only when
    /// [`Dataset::corpus`] asks for it, since a ready index needs none.
    ///
    /// # Errors
    /// `Missing` for a folder or file that is not there; `Caller`, naming file and line, for content that is wrong.
    pub fn open(folder: &Path, corpus: Option<&Path>) -> Result<Self> {
        let full = folder.canonicalize().map_err(|cause| file_error(folder, &cause))?;
        let name = full
            .file_name()
            .map_or_else(|| "dataset".to_owned(), |name| name.to_string_lossy().into_owned());
        let queries_file = folder.join("queries.jsonl");
        let queries = read_queries(&queries_file)?;
        let flat = folder.join("qrels.tsv");
        let nested = folder.join("qrels").join("test.tsv");
        let qrels_file = match (flat.is_file(), nested.is_file()) {
            (true, _) => flat,
            (false, true) => nested,
            (false, false) => {
                return Err(Error::missing(format!(
                    "no judgements: neither {} nor {} is there",
                    flat.display(),
                    nested.display()
                ))
                .help("a set needs queries.jsonl and qrels.tsv (query-id<TAB>corpus-id<TAB>score)"));
            }
        };
        let qrels = Qrels::read(&qrels_file)?;
        let corpus = match corpus {
            Some(given) if given.is_file() => Some(given.to_owned()),
            Some(given) => return Err(Error::missing(format!("the corpus {} is not a file", given.display()))),
            None => [Some(full.as_path()), full.parent()]
                .into_iter()
                .flatten()
                .map(|place| place.join("corpus.jsonl"))
                .find(|path| path.is_file()),
        };
        let dataset = Dataset {
            name,
            unanswerable: read_unanswerable(&folder.join("unanswerable.jsonl"), &queries)?,
            sentences: read_sentences(&folder.join("sentences.jsonl"), &queries)?,
            queries,
            qrels,
            queries_file,
            qrels_file,
            corpus,
            folder: folder.to_owned(),
        };
        if dataset.judged().next().is_none() {
            return Err(Error::caller(format!(
                "{}: none of the {} questions has a judgement",
                folder.display(),
                dataset.queries.len()
            ))
            .help("the ids of queries.jsonl must be those of the first column of qrels.tsv"));
        }
        Ok(dataset)
    }

    /// Where the articles are.
    ///
    /// # Errors
    /// `Missing` if there was none to be found.
    pub fn corpus(&self) -> Result<&Path> {
        self.corpus.as_deref().ok_or_else(|| {
            Error::missing(format!(
                "no corpus.jsonl in {} or the folder above it",
                self.folder.display()
            ))
            .help("name it with --corpus FILE, or give a ready index with --index DIR")
        })
    }

    /// The questions that count: those with judgements, in the order of the file.
    pub fn judged(&self) -> impl Iterator<Item = &Query> {
        self.queries.iter().filter(|query| self.qrels.of(&query.id).is_some())
    }

    /// Whether some judged article is of a higher grade than plainly relevant, so that grades say more.
    pub fn is_graded(&self) -> bool {
        let mut grades = self.qrels.iter().flat_map(|(_, docs)| docs.values());
        grades.any(|grade| *grade >= 2)
    }

    /// How many questions have no judgement at all; they are kept out of every average.
    pub fn unjudged(&self) -> usize {
        self.queries.len() - self.judged().count()
    }

    /// Judged question ids that `queries.jsonl` does not know, by id. They cannot be asked and are kept out of every
    /// average; a tool that reads only the judgements counts each as zero, so a report says how many there are.
    pub fn orphans(&self) -> Vec<&str> {
        let known: BTreeSet<&str> = self.queries.iter().map(|query| query.id.as_str()).collect();
        self.qrels
            .iter()
            .map(|(query, _)| query)
            .filter(|query| !known.contains(query))
            .collect()
    }

    /// The same set with only its first `count` questions (and their judgements).
    #[must_use]
    pub fn first(mut self, count: usize) -> Self {
        self.queries.truncate(count);
        let kept: BTreeSet<&str> = self.queries.iter().map(|query| query.id.as_str()).collect();
        self.qrels.by_query.retain(|query, _| kept.contains(query.as_str()));
        self.unanswerable.retain(|query| kept.contains(query.id.as_str()));
        self.sentences.retain(|right| kept.contains(right.query.as_str()));
        self
    }
}

/// The fields of a JSON line that matter here; the others are left alone.
#[derive(Deserialize)]
struct Record {
    #[serde(rename = "_id")]
    underscored: Option<Value>,
    id: Option<Value>,
    text: Option<String>,
    kind: Option<String>,
    article_id: Option<String>,
    sentence: Option<String>,
}

impl Record {
    /// Its id, which must be that of one of these questions.
    fn id_among(&self, queries: &[Query]) -> Result<String> {
        let id = self.id()?;
        if queries.iter().any(|query| query.id == id) {
            Ok(id)
        } else {
            Err(Error::caller(format!("queries.jsonl has no question `{id}`")))
        }
    }

    fn id(&self) -> Result<String> {
        match self.underscored.as_ref().or(self.id.as_ref()) {
            Some(Value::String(id)) if !id.trim().is_empty() => Ok(id.clone()),
            Some(Value::Number(id)) => Ok(id.to_string()),
            Some(_) => Err(Error::caller("the `_id` is neither text nor a number, or is empty")),
            None => Err(Error::caller("there is no `_id`")),
        }
    }
}

fn record(line: &str) -> Result<Record> {
    serde_json::from_str(line).map_err(|cause| Error::caller(format!("not a JSON record: {cause}")))
}

fn read_queries(path: &Path) -> Result<Vec<Query>> {
    let mut queries = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for_each_line(path, |number, line| {
        let record = record(line)?;
        let id = record.id()?;
        let text = record.text.unwrap_or_default();
        if text.trim().is_empty() {
            return Err(Error::caller(format!("the question `{id}` has no text")));
        }
        if let Some(before) = seen.insert(id.clone(), number) {
            return Err(Error::caller(format!(
                "the question `{id}` was already in line {before}"
            )));
        }
        queries.push(Query {
            id,
            text,
            kind: record.kind.filter(|kind| !kind.trim().is_empty()),
        });
        Ok(())
    })?;
    Ok(queries)
}

/// The questions that nothing answers; none if there is no such file.
fn read_unanswerable(path: &Path, queries: &[Query]) -> Result<Vec<Unanswerable>> {
    let mut found = Vec::new();
    if path.is_file() {
        for_each_line(path, |_, line| {
            let record = record(line)?;
            let id = record.id_among(queries)?;
            let kind = record.kind.unwrap_or_default();
            found.push(Unanswerable { id, kind });
            Ok(())
        })?;
    }
    Ok(found)
}

/// The sentences that answer; none if there is no such file.
fn read_sentences(path: &Path, queries: &[Query]) -> Result<Vec<RightSentence>> {
    let mut found = Vec::new();
    if path.is_file() {
        for_each_line(path, |_, line| {
            let record = record(line)?;
            let query = record.id_among(queries)?;
            let (Some(article), Some(sentence)) = (record.article_id, record.sentence) else {
                return Err(Error::caller("there is no `article_id` or no `sentence`"));
            };
            found.push(RightSentence {
                query,
                article,
                sentence,
            });
            Ok(())
        })?;
    }
    Ok(found)
}

/// Calls `each` with number (from 1) and text of every line that is not blank, a byte order mark and carriage
/// returns dropped; puts file and line before what it says is wrong.
pub(super) fn for_each_line(path: &Path, mut each: impl FnMut(usize, &str) -> Result<()>) -> Result<()> {
    let file = File::open(path).map_err(|cause| file_error(path, &cause))?;
    let mut reader = BufReader::new(file);
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        if reader
            .read_until(b'\n', &mut bytes)
            .map_err(|cause| file_error(path, &cause))?
            == 0
        {
            break;
        }
        let place = || format!("{} line {number}", path.display());
        let line = std::str::from_utf8(&bytes).map_err(|_| {
            Error::caller("not UTF-8")
                .context(place())
                .help("convert the file to UTF-8")
        })?;
        let line = line.trim_start_matches('\u{feff}').trim_end_matches(['\n', '\r']);
        if !line.trim().is_empty() {
            each(number, line).map_err(|error| error.context(place()))?;
        }
    }
    Ok(())
}

fn file_error(path: &Path, cause: &std::io::Error) -> Error {
    Error::new(Fault::of_io(cause), format!("cannot read {}: {cause}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    const QUERIES: &str = concat!(
        "\u{feff}{\"_id\": \"q1\", \"text\": \"医保\"}\r\n\n",
        "{\"_id\": 2, \"text\": \"社保\"}\n",
        "{\"id\":\"q3\",\"_id\":\"q4\",\"text\":\"无\"}"
    );
    const QRELS: &str = "query-id\tcorpus-id\tscore\r\nq1\td1\t2\r\n2\td1\t0\nq9\td2\t1\n";

    #[test]
    fn a_set_is_read_and_what_does_not_count_is_counted() {
        let dir = folder(&[
            ("s/queries.jsonl", QUERIES),
            ("s/qrels/test.tsv", QRELS),
            ("corpus.jsonl", "{\"_id\":\"d1\"}\n"),
        ]);
        let set = Dataset::open(&dir.path().join("s"), None).unwrap();
        assert_eq!(set.name, "s");
        assert_eq!(set.judged().map(|q| q.id.as_str()).collect::<Vec<_>>(), ["q1", "2"]);
        assert_eq!((set.unjudged(), set.orphans()), (1, vec!["q9"]));
        assert_eq!(set.qrels.of("q1").unwrap()["d1"], 2);
        assert!(set.queries_file.ends_with("s/queries.jsonl") && set.qrels_file.ends_with("qrels/test.tsv"));
        let one = set.first(1);
        assert_eq!((one.judged().count(), one.qrels.iter().count()), (1, 1));
    }

    #[test]
    fn the_corpus_is_the_given_one_then_the_nearest() {
        let dir = folder(&[
            ("s/queries.jsonl", QUERIES),
            ("s/qrels.tsv", QRELS),
            ("s/corpus.jsonl", ""),
            ("corpus.jsonl", ""),
            ("other", ""),
        ]);
        let set = dir.path().join("s");
        let corpus = |given: Option<&str>| {
            let given = given.map(|name| dir.path().join(name));
            let set = Dataset::open(&set, given.as_deref())?;
            let place = set.corpus()?.canonicalize().unwrap();
            Ok::<_, Error>(
                place
                    .strip_prefix(dir.path().canonicalize().unwrap())
                    .unwrap()
                    .to_owned(),
            )
        };
        assert_eq!(corpus(Some("other")).unwrap(), Path::new("other"));
        assert_eq!(corpus(None).unwrap(), Path::new("s/corpus.jsonl"));
        fs::remove_file(set.join("corpus.jsonl")).unwrap();
        assert_eq!(corpus(None).unwrap(), Path::new("corpus.jsonl"));
        fs::remove_file(dir.path().join("corpus.jsonl")).unwrap();
        assert!(Dataset::open(&set, None).is_ok(), "a ready index needs no corpus");
        assert_eq!(corpus(None).unwrap_err().fault(), Fault::Missing);
        assert_eq!(corpus(Some("nowhere")).unwrap_err().fault(), Fault::Missing);
    }

    #[test]
    fn what_is_wrong_is_named_with_file_and_line() {
        let check = |queries: &str, qrels: &str, expected: &[&str]| {
            let dir = folder(&[("queries.jsonl", queries), ("qrels.tsv", qrels)]);
            let message = Dataset::open(dir.path(), None).expect_err(qrels).message().to_owned();
            for part in expected {
                assert!(message.contains(part), "`{part}` is not in `{message}`");
            }
        };
        let query = "{\"_id\":\"q\",\"text\":\"t\"}\n";
        check(
            "{\"_id\":\"q\",\"text\":\"t\"}\nnot json",
            "q\td\t1",
            &["queries.jsonl line 2", "JSON"],
        );
        check(&query.repeat(2), "q\td\t1", &["queries.jsonl line 2", "`q`", "line 1"]);
        check("{\"_id\":\"q\"}", "q\td\t1", &["line 1", "no text"]);
        check("{\"text\":\"q\"}", "q\td\t1", &["line 1", "no `_id`"]);
        check("{\"_id\":[],\"text\":\"q\"}", "q\td\t1", &["line 1", "neither"]);
        check(
            query,
            "q\td\t1\nq\te\t1\nq\td\t0",
            &["qrels.tsv line 3", "`d`", "line 1"],
        );
        check(query, "q\td\t1\nq\td", &["qrels.tsv line 2", "2 fields"]);
        check(query, "a\tb\tscore\nc\td\tscore", &["qrels.tsv line 2", "whole number"]);
        check(query, "q\td\t1.5", &["qrels.tsv line 1", "`1.5`"]);
        check(query, "q\td\t99999999999", &["qrels.tsv line 1", "whole number"]);
        check(query, "other\td\t1", &["none of the 1 questions"]);
        check(query, "", &["none of the 1 questions"]);
    }

    #[test]
    fn missing_files_and_bytes_that_are_no_text_are_faults() {
        let dir = folder(&[("queries.jsonl", QUERIES)]);
        assert_eq!(Dataset::open(dir.path(), None).unwrap_err().fault(), Fault::Missing);
        assert_eq!(
            Dataset::open(&dir.path().join("no"), None).unwrap_err().fault(),
            Fault::Missing
        );
        fs::write(dir.path().join("qrels.tsv"), b"q1\td\t1\n\xff\xfe\t\t").unwrap();
        assert!(
            Dataset::open(dir.path(), None)
                .unwrap_err()
                .message()
                .contains("line 2: not UTF-8")
        );
    }
}
