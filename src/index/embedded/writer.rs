//! Articles into the index: split, analysed, embedded, written; one writer at a time, one commit for everything.
//!
//! An article that is already there as it is costs a lookup and
//! nothing more.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;
use tantivy::merge_policy::NoMergePolicy;
use tantivy::{DocSet, IndexWriter, TantivyError, Term};

use super::open::EmbeddedIndex;
use super::schema::Fields;
use super::view::View;
use crate::error::{Context, Error, Fault, Result};
use crate::index::prepare::{Prepared, Rules, document, prepare};
use crate::model::Article;

/// The longest article id, in bytes: ids are terms of the index.
const MAX_ID_BYTES: usize = 512;
/// Memory tantivy may hold before it writes a segment, in bytes.
const WRITER_MEMORY: usize = 128 << 20;

/// How often and how long a writer waits for another one's lock: one that was just let go lives on in a child that the
/// program starts at that moment, until it is a program of its own.
const LOCK_PAUSES: usize = 20;
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);

/// What one or more upserts did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WriteReport {
    /// Articles that were not there before.
    pub added: usize,
    /// Articles that replaced an earlier text.
    pub updated: usize,
    /// Articles that were there as they are.
    pub unchanged: usize,
    /// Passages written.
    pub passages: usize,
}

impl std::ops::AddAssign for WriteReport {
    fn add_assign(&mut self, other: Self) {
        self.added += other.added;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.passages += other.passages;
    }
}

/// The one writer of an index. Nothing it was given is visible or durable before [`EmbeddedWriter::commit`].
pub struct EmbeddedWriter<'a> {
    index: &'a EmbeddedIndex,
    rules: Rules,
    writer: IndexWriter,
    /// The commit that what is unchanged is judged against.
    base: Arc<View>,
    /// Articles given since the last commit: their fingerprint, or `None` if deleted.
    pending: HashMap<String, Option<u64>>,
}

impl EmbeddedIndex {
    /// Takes the writer's lock.
    ///
    /// # Errors
    /// [`Fault::Precondition`] if another program writes, or the rules are not those of the index.
    pub fn writer(&self, rules: Rules) -> Result<EmbeddedWriter<'_>> {
        let embedder = rules.embedder.as_ref().map(|e| (e.identity(), e.dimension()));
        self.check_identity(rules.analyzer.fingerprint(), embedder)?;
        if self.identity().dimension > 0 && rules.embedder.is_none() {
            return Err(Error::unavailable(format!(
                "the index in {} keeps vectors of `{}`, and that model is not here",
                self.folder().display(),
                self.identity().embedder
            ))
            .help("run `baowen model fetch`"));
        }
        // An index of words alone stays one, whatever model has come since.
        let rules = Rules {
            embedder: rules.embedder.filter(|_| self.identity().dimension > 0),
            ..rules
        };
        let writer = self.take_lock()?;
        self.refresh()?;
        Ok(EmbeddedWriter {
            index: self,
            rules,
            writer,
            base: self.view(),
            pending: HashMap::new(),
        })
    }

    fn take_lock(&self) -> Result<IndexWriter> {
        // One thread, so that the same articles make the same segments.
        let mut pauses = std::iter::repeat_n(LOCK_PAUSE, LOCK_PAUSES);
        let opened = loop {
            match (self.index.writer_with_num_threads(1, WRITER_MEMORY), pauses.next()) {
                (Err(TantivyError::LockFailure(..)), Some(pause)) => std::thread::sleep(pause),
                (opened, _) => break opened,
            }
        };
        opened.map_err(|error| match error {
            TantivyError::LockFailure(..) => Error::precondition(format!(
                "another program is writing to the index in {}",
                self.folder().display()
            ))
            .help("wait for it or stop it; a lock does not outlive its program"),
            other => Error::unavailable(format!("writing to {}: {other}", self.folder().display())),
        })
    }
}

impl EmbeddedWriter<'_> {
    /// Adds articles, or replaces those of the same id. Unchanged ones are left alone. If one article is refused
    /// (a bad id), none of the call is taken.
    pub fn upsert(&mut self, articles: &[Article]) -> Result<WriteReport> {
        let mut report = WriteReport::default();
        let mut fresh = Vec::new();
        // Told apart from `pending` until everything is written: what fails now must not count as known next time.
        let mut given: HashMap<&str, u64> = HashMap::new();
        for article in articles {
            check_article_id(&article.id)?;
            let hash = fingerprint(article)?;
            let known = match given.get(article.id.as_str()) {
                Some(&hash) => Some(hash),
                None => self.known(&article.id)?,
            };
            match known {
                Some(known) if known == hash => {
                    report.unchanged += 1;
                    continue;
                }
                Some(_) => report.updated += 1,
                None => report.added += 1,
            }
            given.insert(&article.id, hash);
            fresh.push((article, hash));
        }
        let rules = &self.rules;
        let prepared: Vec<Prepared> = fresh
            .into_par_iter()
            .map(|(article, hash)| prepare(rules, article, hash))
            .collect();
        let texts: Vec<&str> = prepared
            .iter()
            .flat_map(|p| p.passages.iter().map(|passage| passage.embedded_text.as_str()))
            .collect();
        let vectors = match &self.rules.embedder {
            Some(embedder) => embedder.embed_passages(&texts)?,
            None => vec![Vec::new(); texts.len()],
        };
        if vectors.len() != texts.len() {
            return Err(Error::bug(format!(
                "{} texts came back as {} vectors",
                texts.len(),
                vectors.len()
            )));
        }
        match self.write(prepared, vectors) {
            Ok(passages) => report.passages = passages,
            Err(error) => {
                // Half an article must never be committed; only the writer as a whole can be taken back.
                self.pending.clear();
                self.writer
                    .rollback()
                    .or_fault(Fault::Unavailable, "taking back a failed write")?;
                return Err(error.context("everything since the last commit was dropped"));
            }
        }
        let given = given.into_iter().map(|(id, hash)| (id.to_string(), Some(hash)));
        self.pending.extend(given);
        Ok(report)
    }

    /// Writes prepared articles in place of those of the same id; returns how many passages they have.
    fn write(&mut self, prepared: Vec<Prepared>, vectors: Vec<Vec<f32>>) -> Result<usize> {
        let mut vectors = vectors.into_iter();
        let mut passages = 0;
        for prepared in prepared {
            self.delete_term(&prepared.article.id);
            for passage in prepared.passages {
                let vector = vectors.next().unwrap_or_default();
                let document = document(&self.index.fields, prepared.article, prepared.hash, passage, &vector)?;
                self.writer
                    .add_document(document)
                    .or_fault(Fault::Unavailable, "writing a passage")?;
                passages += 1;
            }
        }
        Ok(passages)
    }

    /// The fingerprint of an article as the next commit would have it; `None` if it would have none.
    fn known(&self, id: &str) -> Result<Option<u64>> {
        match self.pending.get(id) {
            Some(pending) => Ok(*pending),
            None => committed_hash(&self.base, &self.index.fields, id),
        }
    }

    /// Removes articles; unknown ids are no error. Returns how many were there.
    pub fn delete(&mut self, ids: &[String]) -> Result<usize> {
        let mut removed = 0;
        for id in ids {
            if self.known(id)?.is_some() {
                removed += 1;
                self.pending.insert(id.clone(), None);
                self.delete_term(id);
            }
        }
        Ok(removed)
    }

    fn delete_term(&mut self, id: &str) {
        self.writer
            .delete_term(Term::from_field_text(self.index.fields.article_id, id));
    }

    /// Whether anything waits for a commit.
    pub fn is_dirty(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Makes everything since the last commit durable and visible, all of it or none. Returns the commit's stamp.
    pub fn commit(&mut self) -> Result<u64> {
        let stamp = self.writer.commit().or_fault(
            Fault::Unavailable,
            format!("committing to {}", self.index.folder().display()),
        )?;
        self.pending.clear();
        self.index.refresh()?;
        self.base = self.index.view();
        Ok(stamp)
    }

    /// Waits for merges in the background and gives the lock back. Uncommitted articles are dropped.
    pub fn finish(self) -> Result<()> {
        self.writer
            .wait_merging_threads()
            .or_fault(Fault::Unavailable, "finishing merges")?;
        self.index.refresh()?;
        Ok(())
    }

    /// As [`EmbeddedWriter::finish`], and joins all segments into one: to search one large segment is faster than many small
    /// ones. Another program that has taken the lock meanwhile goes on writing, and nothing is joined here.
    pub fn finish_as_one(self) -> Result<()> {
        let index = self.index;
        // A merge in the background takes segments away, and one of all that is under way then comes to nothing. It can
        // only be waited for with the writer's end.
        self.finish()?;
        let doing = "merging segments";
        let segments = || index.index.searchable_segment_ids().or_fault(Fault::Corrupt, doing);
        if segments()?.len() < 2 {
            return Ok(());
        }
        let mut writer = match index.take_lock() {
            Err(error) if error.fault() == Fault::Precondition => return Ok(()),
            writer => writer?,
        };
        writer.set_merge_policy(Box::new(NoMergePolicy));
        writer.merge(&segments()?).wait().or_fault(Fault::Unavailable, doing)?;
        writer.wait_merging_threads().or_fault(Fault::Unavailable, doing)?;
        index.refresh()?;
        Ok(())
    }
}

/// Refuses an article id that cannot be a term of the index, saying why.
pub fn check_article_id(id: &str) -> Result<()> {
    if id.trim().is_empty() {
        return Err(Error::caller("article id: is empty"));
    }
    if id.len() > MAX_ID_BYTES {
        return Err(Error::caller(format!(
            "article id: `{}...` has {} bytes, at most {MAX_ID_BYTES} are allowed",
            id.chars().take(40).collect::<String>(),
            id.len()
        )));
    }
    if id.chars().any(char::is_control) {
        return Err(Error::caller(format!("article id: {id:?} holds a control character")));
    }
    Ok(())
}

/// A fingerprint of everything an article says. Rules are not part of it: an index has one set of rules.
fn fingerprint(article: &Article) -> Result<u64> {
    let bytes = serde_json::to_vec(article).or_fault(Fault::Bug, "encoding an article")?;
    Ok(xxhash_rust::xxh3::xxh3_64(&bytes))
}

fn committed_hash(view: &View, fields: &Fields, id: &str) -> Result<Option<u64>> {
    let term = Term::from_field_text(fields.article_id, id);
    let doing = "looking up an article";
    for segment in &view.segments {
        let postings = segment
            .reader
            .inverted_index(fields.article_id)
            .or_fault(Fault::Corrupt, doing)?
            .read_postings(&term, tantivy::schema::IndexRecordOption::Basic)
            .or_fault(Fault::Corrupt, doing)?;
        let Some(mut postings) = postings else { continue };
        while postings.doc() != tantivy::TERMINATED {
            if !segment.reader.is_deleted(postings.doc()) {
                let hashes = segment
                    .reader
                    .fast_fields()
                    .u64("article_hash")
                    .or_fault(Fault::Corrupt, doing)?;
                return Ok(hashes.first(postings.doc()));
            }
            postings.advance();
        }
    }
    Ok(None)
}
