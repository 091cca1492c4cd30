//! Files and folders to articles, one after another: the reader that indexing pulls from.
//!
//! Owns the choice of a format and the ids of articles that bring none. Holds one file's text at a time, and of JSON
//! Lines one line. Never fails half-way: what cannot be read is an event among the others.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::model::{Article, Origin};

use super::decode::decode;
use super::layout::is_han;
use super::page;
use super::reading::{LeftOut, Reading};
use super::record::{self, RawLine};
use super::source::{Scope, Sources};
use super::walk::{self, Found, SourceFile};
use super::{html, markdown};

/// The largest file that is read as one text, in bytes. JSON Lines has no such limit.
const MAX_FILE: u64 = 64 << 20;

/// Something that was not read, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The file or folder.
    pub path: PathBuf,
    /// The line in it, from 1, if the reason lies in one.
    pub line: Option<usize>,
    /// Why, as the end of a sentence that begins with the place.
    pub reason: String,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// What reading comes upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadEvent {
    /// An article.
    Article(Article),
    /// A file, line or entry that could not be read.
    Rejected(Rejected),
    /// Text of a file that is in none of its articles, with the file.
    LeftOut(PathBuf, LeftOut),
    /// Something was read, but not as it should be: a date that is none, a page of which little is left.
    Noticed(Rejected),
}

/// Reads all articles under some paths; see [`ArticleReader::open`].
#[derive(Debug)]
pub struct ArticleReader {
    files: std::vec::IntoIter<Found>,
    pending: VecDeque<ReadEvent>,
    lines: Option<Lines>,
    /// Where the file that is being read belongs.
    origin: Option<Origin>,
    /// Where each id was first seen: the number of the path in `paths`, and the line (0 if it has none).
    seen: HashMap<String, (usize, usize)>,
    /// Paths that gave articles, for messages.
    paths: Vec<PathBuf>,
    bytes_total: u64,
    bytes_read: u64,
}

/// A JSON Lines file that is being read.
#[derive(Debug)]
struct Lines {
    reader: BufReader<File>,
    path: PathBuf,
    /// The number of the last line read.
    line: usize,
    /// How many records or rejections it gave.
    records: usize,
    size: u64,
    taken: u64,
}

impl ArticleReader {
    /// Looks through files and folders and prepares to read them, in the order of the names, folders sorted by name
    /// and with all below them. Hidden files are skipped. An article of JSON Lines has its record's id; one of another
    /// file has the source and the file's path in it (`rules/city/ningbo.md`; see [`super::source`]), and for pages its
    /// place in the page behind it (`news/0001.html-0`).
    ///
    /// # Errors
    /// [`Fault::Missing`](crate::error::Fault::Missing) if a named path does not exist. What is wrong inside a folder
    /// is an event.
    pub fn open(paths: &[PathBuf]) -> Result<ArticleReader> {
        let mut sources = Sources::default();
        let scopes = paths
            .iter()
            .map(|path| sources.claim_any(path))
            .collect::<Result<Vec<_>>>()?;
        Ok(ArticleReader::read(&scopes, &sources))
    }

    /// As [`ArticleReader::open`], for paths that belong to the sources of an index.
    pub fn read(scopes: &[Scope], sources: &Sources) -> ArticleReader {
        let files = walk::find(scopes, sources);
        let bytes_total = files.iter().flatten().map(|file| file.size).sum();
        ArticleReader {
            files: files.into_iter(),
            pending: VecDeque::new(),
            lines: None,
            origin: None,
            seen: HashMap::new(),
            paths: Vec::new(),
            bytes_total,
            bytes_read: 0,
        }
    }

    /// The files that are still to be read, by their origin.
    pub fn ahead(&self) -> impl Iterator<Item = &Origin> {
        self.files.as_slice().iter().flatten().map(|file| &file.origin)
    }

    /// Whether an article of this id was given.
    pub fn gave(&self, id: &str) -> bool {
        self.seen.contains_key(id)
    }

    /// The size of all files found, in bytes.
    pub fn bytes_total(&self) -> u64 {
        self.bytes_total
    }

    /// How much of that is behind the last event, in bytes; at the end all of it.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Reads the next file, or opens it if it is JSON Lines; its events become pending.
    fn next_file(&mut self, found: Found) {
        match found {
            Ok(file) => {
                if let Err((line, reason)) = self.read_file(&file) {
                    self.reject(&file.path, line, reason);
                }
            }
            Err((path, reason)) => self.reject(&path, None, reason),
        }
    }

    fn read_file(&mut self, file: &SourceFile) -> std::result::Result<(), (Option<usize>, String)> {
        self.origin = Some(file.origin.clone());
        let extension = file
            .path
            .extension()
            .map(|extension| extension.to_string_lossy().to_ascii_lowercase());
        let extension = extension.as_deref().unwrap_or("");
        let is_lines = matches!(extension, "jsonl" | "ndjson");
        if !is_lines || file.size == 0 {
            self.bytes_read += file.size;
        }
        if file.size == 0 {
            return Err((None, "is empty".into()));
        }
        if let Some(reason) = part_of_dataset(file) {
            self.bytes_read += if is_lines { file.size } else { 0 };
            return Err((None, reason.into()));
        }
        let unreadable = |error: std::io::Error| (None, format!("cannot be read: {error}"));
        let opened = File::open(&file.path).map_err(|error| {
            self.bytes_read += if is_lines { file.size } else { 0 };
            unreadable(error)
        })?;
        if is_lines {
            self.paths.push(file.path.clone());
            self.lines = Some(Lines {
                reader: BufReader::with_capacity(1 << 16, opened),
                path: file.path.clone(),
                line: 0,
                records: 0,
                size: file.size,
                taken: 0,
            });
            return Ok(());
        }
        let mut bytes = Vec::new();
        opened.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err((
                None,
                format!("is larger than {} MiB; only JSON Lines may be", MAX_FILE >> 20),
            ));
        }
        self.paths.push(file.path.clone());
        let as_html = matches!(extension, "html" | "htm" | "xhtml");
        let declared = if as_html { html::declared_encoding(&bytes) } else { None };
        let text = decode(&bytes, declared).map_err(|reason| (None, reason))?;
        if text.trim().is_empty() {
            return Err((None, "holds nothing but white space".into()));
        }
        let name = title_from_name(&file.path);
        let reading = match extension {
            "json" => return self.read_json(file, &text),
            "md" | "markdown" => {
                let article = markdown::read(&text, &stem(&file.path));
                if article.text.is_empty() {
                    return Err((None, "no text besides a title".into()));
                }
                Reading {
                    articles: vec![(0, article)],
                    ..Reading::default()
                }
            }
            _ if as_html || html::looks_like_html(&text) => html::read(&text, &name),
            _ => page::read(&text, &name),
        };
        for (line, reason) in reading.rejected {
            self.reject(&file.path, (line > 0).then_some(line), reason);
        }
        for (place, mut article) in reading.articles {
            article.id = if reading.is_page {
                format!("{}-{place}", file.origin.id())
            } else {
                file.origin.id()
            };
            self.accept(&file.path, None, article);
        }
        for (line, reason) in reading.noticed {
            self.notice(&file.path, (line > 0).then_some(line), reason);
        }
        for left in reading.left_out {
            self.pending.push_back(ReadEvent::LeftOut(file.path.clone(), left));
        }
        Ok(())
    }

    fn read_json(&mut self, file: &SourceFile, text: &str) -> std::result::Result<(), (Option<usize>, String)> {
        let records = record::read_array(text)?;
        if records.is_empty() {
            return Err((None, "holds no records".into()));
        }
        for record in records {
            match record {
                Ok(article) => self.accept(&file.path, None, article),
                Err(reason) => self.reject(&file.path, None, reason),
            }
        }
        Ok(())
    }

    /// Reads one line of the JSON Lines file that is open.
    fn next_line(&mut self, mut lines: Lines) {
        let (line, taken) = match record::next_line(&mut lines.reader) {
            Ok(line) => line,
            Err(error) => {
                self.bytes_read += lines.size.saturating_sub(lines.taken);
                self.reject(&lines.path, Some(lines.line + 1), format!("cannot be read on: {error}"));
                return;
            }
        };
        // A file may grow while it is read; progress never passes the whole.
        let counted = taken.min(lines.size.saturating_sub(lines.taken));
        lines.taken += counted;
        self.bytes_read += counted;
        lines.line += 1;
        let record = match line {
            RawLine::Bytes(bytes) => record::read_line(&bytes),
            RawLine::TooLong => Err(format!("is longer than {} MiB", record::MAX_LINE >> 20)),
            RawLine::End => {
                self.bytes_read += lines.size.saturating_sub(lines.taken);
                if lines.records == 0 {
                    self.reject(&lines.path, None, "holds no records".into());
                }
                return;
            }
        };
        match record {
            Ok(None) => {}
            Ok(Some(article)) => {
                lines.records += 1;
                self.accept(&lines.path, Some(lines.line), article);
            }
            Err(reason) => {
                lines.records += 1;
                self.reject(&lines.path, Some(lines.line), reason);
            }
        }
        self.lines = Some(lines);
    }

    /// Passes an article on, unless its id was seen before.
    fn accept(&mut self, path: &Path, line: Option<usize>, mut article: Article) {
        article.origin.clone_from(&self.origin);
        match self.seen.get(&article.id) {
            Some(&(other, first)) => {
                let mut before = self
                    .paths
                    .get(other)
                    .map(|path| path.display().to_string())
                    .unwrap_or_default();
                if first > 0 {
                    before.push_str(&format!(":{first}"));
                }
                let here = line.map(|line| format!(" (line {line})")).unwrap_or_default();
                let reason = format!(
                    "the id `{}`{here} was given to an article before, at {before}",
                    article.id
                );
                self.reject(path, line, reason);
            }
            None => {
                self.seen.insert(
                    article.id.clone(),
                    (self.paths.len().saturating_sub(1), line.unwrap_or(0)),
                );
                self.pending.push_back(ReadEvent::Article(article));
            }
        }
    }

    fn notice(&mut self, path: &Path, line: Option<usize>, reason: String) {
        self.pending.push_back(ReadEvent::Noticed(Rejected {
            path: path.to_path_buf(),
            line,
            reason,
        }));
    }

    fn reject(&mut self, path: &Path, line: Option<usize>, reason: String) {
        self.pending.push_back(ReadEvent::Rejected(Rejected {
            path: path.to_path_buf(),
            line,
            reason,
        }));
    }
}

impl Iterator for ArticleReader {
    type Item = ReadEvent;

    fn next(&mut self) -> Option<ReadEvent> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Some(event);
            }
            if let Some(lines) = self.lines.take() {
                self.next_line(lines);
            } else {
                let found = self.files.next()?;
                self.next_file(found);
            }
        }
    }
}

/// The questions and judgements that lie beside a corpus in the BEIR layout are no articles; named, they are read.
fn part_of_dataset(file: &SourceFile) -> Option<&'static str> {
    let name = file.path.file_name()?.to_str()?;
    let part = matches!(name, "queries.jsonl" | "qrels.tsv");
    let beside = file.path.with_file_name("corpus.jsonl").is_file() || file.path.with_file_name("qrels.tsv").is_file();
    (part && beside && !file.named).then_some("belongs to a set of questions and judgements; it holds no articles")
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// A file's name as a title, if it says anything: names such as `000_c5abffc0` do not.
fn title_from_name(path: &Path) -> String {
    let stem = stem(path);
    let speaks = stem.chars().any(is_han)
        || (stem.chars().any(char::is_alphabetic) && !stem.contains(|c: char| c.is_ascii_digit()));
    if speaks { stem } else { String::new() }
}
