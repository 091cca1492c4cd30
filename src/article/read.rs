//! Files and folders to articles, one after another: the reader that indexing pulls from.
//!
//! Owns which reader gets a file of which format and the ids of articles that bring none. Holds one file's text at a
//! time, and of JSON Lines one line. Never fails half-way: what cannot be read is an event among the others.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::model::{Article, Origin};

#[cfg(feature = "documents")]
use super::documents;
use super::event::{ReadEvent, Rejected};
use super::format::{self, Document, Format};
use super::ids::Ids;
use super::json::{self, RawLine};
use super::page;
use super::reading::{self, LeftOut, Reading};
use super::record::{self, Lost, Record};
use super::source::{Scope, Sources};
use super::stream::{Lines, lines};
use super::walk::{self, FoundFile, SourceFile};
use super::why::Why;
use super::{decode, delimited, html, limits, markdown, scripts, skip, table};

/// The largest file that is read as one text, in bytes. JSON Lines has no such limit.
const MAX_FILE: u64 = 64 << 20;

/// Why a file is not read: the line that the reason lies in, why, and the reason in words.
type NotRead = (Option<usize>, Why, String);
/// What reading a file gives, or why it was not read.
type Attempt<T> = std::result::Result<T, NotRead>;

/// Reads all articles under some paths; see [`ArticleReader::open`].
#[derive(Debug)]
pub struct ArticleReader {
    files: std::vec::IntoIter<FoundFile>,
    pending: VecDeque<ReadEvent>,
    lines: Option<Lines>,
    /// Where the file that is being read belongs.
    origin: Option<Origin>,
    ids: Ids,
    bytes_total: u64,
    bytes_read: u64,
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
        let by_id = files.iter().flatten().map(|file| (file.origin.id(), file.path.clone()));
        let ids = Ids::new(by_id);
        ArticleReader {
            files: files.into_iter(),
            pending: VecDeque::new(),
            lines: None,
            origin: None,
            ids,
            bytes_total,
            bytes_read: 0,
        }
    }

    /// The files that are still to be read, by their origin.
    pub fn ahead(&self) -> impl Iterator<Item = &Origin> {
        self.files.as_slice().iter().flatten().map(|file| &file.origin)
    }

    /// Reads these files before the others.
    pub fn read_first(&mut self, is_first: impl Fn(&Origin) -> bool) {
        let mut files: Vec<FoundFile> = std::mem::take(&mut self.files).collect();
        files.sort_by_key(|found| !found.as_ref().is_ok_and(|file| is_first(&file.origin)));
        self.files = files.into_iter();
    }

    /// Whether an article of this id was given.
    pub fn gave(&self, id: &str) -> bool {
        self.ids.has(id)
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
    fn next_file(&mut self, found: FoundFile) {
        match found {
            Ok(file) => {
                if let Err((line, why, reason)) = self.read_file(&file) {
                    self.reject(&file.path, line, why, reason);
                }
            }
            Err((path, why, reason)) => self.reject(&path, None, why, reason),
        }
    }

    fn read_file(&mut self, file: &SourceFile) -> Attempt<()> {
        self.origin = Some(file.origin.clone());
        self.bytes_read += file.size;
        if file.size == 0 {
            return Err((None, Why::Empty, "is empty".into()));
        }
        if let Some(reason) = skip::part_of_dataset(&file.path, file.named) {
            return Err((None, Why::NoArticle, reason.into()));
        }
        let unreadable = |error: std::io::Error| (None, Why::Unreachable, format!("cannot be read: {error}"));
        let mut opened = File::open(&file.path).map_err(unreadable)?;
        let mut sample = Vec::new();
        opened
            .by_ref()
            .take(decode::SAMPLE as u64)
            .read_to_end(&mut sample)
            .map_err(unreadable)?;
        let format = format::of(&file.path, &sample).map_err(|reason| (None, Why::Format, reason.into()))?;
        self.ids.begin(file.path.clone());
        if format == Format::Lines {
            opened.seek(SeekFrom::Start(0)).map_err(unreadable)?;
            self.bytes_read -= file.size;
            self.lines = Some(lines(file, opened, &sample));
            return Ok(());
        }
        if let Format::Document(kind) = format {
            opened.seek(SeekFrom::Start(0)).map_err(unreadable)?;
            return self.read_document(file, kind, opened);
        }
        let mut bytes = sample;
        opened
            .take(MAX_FILE + 1 - bytes.len() as u64)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if bytes.len() as u64 > MAX_FILE {
            let reason = format!("is larger than {} MiB; only JSON Lines may be", MAX_FILE >> 20);
            return Err((None, Why::TooLarge, reason));
        }
        self.read_text(file, format, &bytes)
    }

    /// Reads a whole file of text.
    fn read_text(&mut self, file: &SourceFile, format: Format, bytes: &[u8]) -> Attempt<()> {
        let text = self.decoded(file, format, bytes)?;
        let name = walk::title_from_name(&file.path);
        let reading = match format {
            Format::Json => {
                let document = json::read_document(&text, &file.origin.id(), &name);
                let document = document.map_err(|(line, reason)| (line, Why::Records, reason))?;
                self.leave_out(&file.path, "beside the records", document.beside);
                return self.accept_records(file, document.records.into_iter().map(|record| (None, record)));
            }
            Format::Table => {
                let mut rows = delimited::read_csv(&text).map_err(|reason| (None, Why::Records, reason))?;
                if let Some((line, what)) = rows.noticed.take() {
                    self.notice(&file.path, Some(line), Why::Records, what);
                }
                let rows = table::records(rows, &file.origin.id(), &name);
                self.leave_all_out(&file.path, rows.left_out);
                return self.accept_records(file, rows.records);
            }
            Format::Markdown => markdown::read(&text, &walk::stem(&file.path)),
            Format::Html => scripts::read(&text, &name),
            _ if html::looks_like_html(&text) => scripts::read(&text, &name),
            _ => page::read(&text, &name),
        };
        self.accept_reading(file, reading, &name);
        Ok(())
    }

    /// A file's text, with its damage noticed.
    fn decoded<'a>(&mut self, file: &SourceFile, format: Format, bytes: &'a [u8]) -> Attempt<Cow<'a, str>> {
        let is_html = format == Format::Html;
        let declared = is_html.then(|| html::declared_encoding(bytes)).flatten();
        let (text, damage) = decode::decode_whole(bytes, declared).map_err(|reason| (None, Why::Encoding, reason))?;
        if let Some(damage) = damage {
            self.notice(&file.path, None, Why::Encoding, damage);
        }
        if text.trim().is_empty() {
            return Err((None, Why::Empty, "holds nothing but white space".into()));
        }
        // Some old programs end lines by a carriage return alone.
        Ok(if text.contains('\r') && !text.contains('\n') {
            Cow::Owned(text.replace('\r', "\n"))
        } else {
            text
        })
    }

    /// Reads a PDF or an office document.
    #[cfg(feature = "documents")]
    fn read_document(&mut self, file: &SourceFile, kind: Document, opened: File) -> Attempt<()> {
        if file.size > MAX_FILE {
            return Err((None, Why::TooLarge, format!("is larger than {} MiB", MAX_FILE >> 20)));
        }
        let found = documents::extract(kind, opened, MAX_FILE);
        let mut found = found.map_err(|reason| (None, Why::Document, reason))?;
        for what in std::mem::take(&mut found.noticed) {
            self.notice(&file.path, None, Why::Document, what);
        }
        for what in std::mem::take(&mut found.passed_over) {
            self.notice(&file.path, None, Why::NoArticle, what);
        }
        for (reason, text) in std::mem::take(&mut found.left_out) {
            let reason = documents::reason(&reason);
            self.leave_out(&file.path, reason, text);
        }
        let name = walk::title_from_name(&file.path);
        if !found.tables.is_empty() {
            let mut records = Vec::new();
            for rows in std::mem::take(&mut found.tables) {
                // By its sheet's name, which stays where others come and go.
                let id = format!("{}-{}", file.origin.id(), rows.key);
                let rows = table::records(rows, &id, &name);
                self.leave_all_out(&file.path, rows.left_out);
                records.extend(rows.records);
            }
            return self.accept_records(file, records);
        }
        let flow = documents::flow(&found.pages);
        self.leave_out(&file.path, "running head", flow.heads);
        self.leave_out(&file.path, "page number", flow.numbers);
        let text = if found.pages.is_empty() { found.text } else { flow.text };
        if text.trim().is_empty() {
            return Err((None, Why::Empty, "has no text".into()));
        }
        // The file's own title counts where the text does not begin with one.
        let reading = page::read(&text, found.title.as_deref().unwrap_or(&name));
        self.accept_reading(file, reading, &name);
        Ok(())
    }

    #[cfg(not(feature = "documents"))]
    fn read_document(&mut self, _: &SourceFile, kind: Document, _: File) -> Attempt<()> {
        Err((
            None,
            Why::Format,
            format!("is {kind:?}; this program was built without `documents`, which reads it"),
        ))
    }

    /// Passes on what a file of text gave.
    fn accept_reading(&mut self, file: &SourceFile, reading: Reading, name: &str) {
        for (line, why, reason) in reading.rejected {
            self.reject(&file.path, (line > 0).then_some(line), why, reason);
        }
        for (line, reason) in reading.noticed {
            self.notice(&file.path, (line > 0).then_some(line), Why::Field, reason);
        }
        if let Some(doubt) = reading::doubt(&reading.articles, &reading.left_out) {
            self.notice(&file.path, None, Why::LittleKept, doubt);
        }
        for (place, mut article) in reading.articles {
            article.id = file.origin.id();
            if reading.is_page {
                article.id.push_str(&format!("-{place}"));
            }
            match record::bounded(article, name) {
                Ok(article) => self.accept(&file.path, None, article),
                Err(reason) => self.reject(&file.path, None, Why::Record, reason),
            }
        }
        self.leave_all_out(&file.path, reading.left_out);
    }

    /// Passes on the records of a file, each with its line if it has one.
    fn accept_records(
        &mut self,
        file: &SourceFile,
        records: impl IntoIterator<Item = (Option<usize>, std::result::Result<Record, String>)>,
    ) -> Attempt<()> {
        let mut records = records.into_iter().peekable();
        if records.peek().is_none() {
            return Err((None, Why::Empty, "holds no records".into()));
        }
        let mut lost = Lost::default();
        for (line, record) in records {
            match record {
                Ok(record) => {
                    lost.add(line, record.lost);
                    self.accept(&file.path, line, record.article);
                    self.leave_all_out(&file.path, record.left_out);
                }
                Err(reason) => self.reject(&file.path, line, Why::Record, reason),
            }
        }
        for (line, said) in lost.said() {
            self.notice(&file.path, line, Why::Field, said);
        }
        Ok(())
    }

    /// Reads one line of the JSON Lines file that is open.
    fn next_line(&mut self, mut lines: Lines) {
        let (line, taken) = match json::next_line(&mut lines.reader) {
            Ok(line) => line,
            Err(error) => {
                self.bytes_read += lines.size.saturating_sub(lines.taken);
                let reason = format!("cannot be read on: {error}");
                self.reject(&lines.path, Some(lines.line + 1), Why::Unreachable, reason);
                return;
            }
        };
        // A file may grow while it is read, and UTF-16 grows as it is decoded; progress never passes the whole.
        let counted = taken.min(lines.size.saturating_sub(lines.taken));
        lines.taken += counted;
        self.bytes_read += counted;
        lines.line += 1;
        let records = match line {
            RawLine::Bytes(bytes) => json::read_line(&bytes, lines.encoding, &format!("{}-{}", lines.id, lines.line)),
            RawLine::TooLong => vec![Err(format!("is longer than {} MiB", json::MAX_LINE >> 20))],
            RawLine::End => {
                self.bytes_read += lines.size.saturating_sub(lines.taken);
                if lines.records == 0 {
                    self.reject(&lines.path, None, Why::Empty, "holds no records".into());
                }
                for (line, said) in lines.lost.said() {
                    self.notice(&lines.path, line, Why::Field, said);
                }
                return;
            }
        };
        for record in records {
            lines.records += 1;
            match record {
                Ok(record) => {
                    lines.lost.add(Some(lines.line), record.lost);
                    self.accept(&lines.path, Some(lines.line), record.article);
                    self.leave_all_out(&lines.path, record.left_out);
                }
                Err(reason) => self.reject(&lines.path, Some(lines.line), Why::Record, reason),
            }
        }
        self.lines = Some(lines);
    }

    /// Passes an article on, unless its id was seen before.
    fn accept(&mut self, path: &Path, line: Option<usize>, mut article: Article) {
        article.origin.clone_from(&self.origin);
        let taken = limits::clear(&mut article);
        if !taken.is_empty() {
            let taken: Vec<_> = taken.iter().map(|&c| format!("U+{:04X}", u32::from(c))).collect();
            let said = format!("characters that nobody sees were left out: {}", taken.join(", "));
            self.notice(path, line, Why::Field, said);
        }
        if let Err(error) = limits::check(&article) {
            let is_empty = article.title.trim().is_empty() && article.text.trim().is_empty();
            let why = if is_empty { Why::Empty } else { Why::TooLarge };
            self.reject(path, line, why, error.message().to_string());
            return;
        }
        match self.ids.give(&article.id, article.origin.as_ref(), line) {
            Ok(()) => self.pending.push_back(ReadEvent::Article(article)),
            Err(reason) => self.reject(path, line, Why::Duplicate, reason),
        }
    }

    fn leave_all_out(&mut self, path: &Path, left_out: Vec<LeftOut>) {
        let says = |left: &LeftOut| !left.text.trim().is_empty();
        let events = left_out.into_iter().filter(says);
        self.pending
            .extend(events.map(|left| ReadEvent::LeftOut(path.to_path_buf(), left)));
    }

    fn leave_out(&mut self, path: &Path, reason: &'static str, text: String) {
        self.leave_all_out(path, vec![LeftOut { reason, text }]);
    }

    fn notice(&mut self, path: &Path, line: Option<usize>, why: Why, reason: String) {
        let noticed = Rejected::new(path, line, why, reason);
        self.pending.push_back(ReadEvent::Noticed(noticed));
    }

    fn reject(&mut self, path: &Path, line: Option<usize>, why: Why, reason: String) {
        let rejected = Rejected::new(path, line, why, reason);
        self.pending.push_back(ReadEvent::Rejected(rejected));
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
