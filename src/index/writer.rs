//! Articles into the index: split, analysed, embedded, written; one writer at a time, one commit for everything.
//!
//! Owns what a passage's text is to each ranking. An article that is already there as it is costs a lookup and
//! nothing more.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;
use tantivy::tokenizer::PreTokenizedString;
use tantivy::{DocSet, TantivyDocument, TantivyError, Term};

use super::backend::StoredPassage;
use super::embedded::EmbeddedIndex;
use super::schema::{FORMAT_VERSION, Fields, Identity, pack_lengths};
use super::view::View;
use crate::article::{self, SplitOptions};
use crate::embed::Embedder;
use crate::error::{Context, Error, Fault, Result};
use crate::model::{Article, Passage};
use crate::text::{Analyzer, Token};

/// The longest article id, in bytes: ids are terms of the index.
const MAX_ID_BYTES: usize = 512;
/// Memory tantivy may hold before it writes a segment, in bytes.
const WRITER_MEMORY: usize = 128 << 20;
/// Tokens of title and headings that a passage's vector takes in; the rest of the embedder's room is the text's.
const MAX_CONTEXT_TOKENS: usize = 96;
/// Tokens that passages of a long article should have; about 420 characters.
const TARGET_TOKENS: usize = 300;
/// Most characters of a passage when nothing counts tokens.
const MAX_CHARS_WITHOUT_MODEL: usize = 420;

/// What makes vectors and terms; the same for indexing and for asking.
#[derive(Clone)]
pub struct Rules {
    /// Chinese analysis.
    pub analyzer: Arc<Analyzer>,
    /// Text to vector; `None` makes an index of words alone.
    pub embedder: Option<Arc<dyn Embedder>>,
}

impl Rules {
    /// The identity of an index made by these rules.
    pub fn identity(&self) -> Identity {
        Identity {
            format: FORMAT_VERSION,
            analysis: self.analyzer.fingerprint().to_string(),
            embedder: self
                .embedder
                .as_ref()
                .map_or(String::new(), |e| e.identity().to_string()),
            dimension: self.embedder.as_ref().map_or(0, |e| e.dimension()),
        }
    }
}

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

/// The one writer of an index. Nothing it was given is visible or durable before [`Writer::commit`].
pub struct Writer<'a> {
    index: &'a EmbeddedIndex,
    rules: Rules,
    writer: tantivy::IndexWriter,
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
    pub fn writer(&self, rules: Rules) -> Result<Writer<'_>> {
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
        // One thread, so that the same articles make the same segments.
        let writer = self
            .index
            .writer_with_num_threads(1, WRITER_MEMORY)
            .map_err(|error| match error {
                TantivyError::LockFailure(..) => Error::precondition(format!(
                    "another program is writing to the index in {}",
                    self.folder().display()
                ))
                .help("wait for it or stop it; a lock does not outlive its program"),
                other => Error::unavailable(format!("writing to {}: {other}", self.folder().display())),
            })?;
        self.refresh()?;
        Ok(Writer {
            index: self,
            rules,
            writer,
            base: self.view(),
            pending: HashMap::new(),
        })
    }
}

/// An article made ready to be written.
struct Prepared<'a> {
    article: &'a Article,
    hash: u64,
    passages: Vec<PreparedPassage>,
}

struct PreparedPassage {
    stored: StoredPassage,
    fields: [Vec<Token>; 4],
    embedded_text: String,
}

impl Writer<'_> {
    /// Adds articles, or replaces those of the same id. Unchanged ones are left alone. If one article is refused
    /// (a bad id), none of the call is taken.
    pub fn upsert(&mut self, articles: &[Article]) -> Result<WriteReport> {
        let mut report = WriteReport::default();
        let mut fresh = Vec::new();
        for article in articles {
            check_article_id(&article.id)?;
            let hash = fingerprint(article)?;
            let known = match self.pending.get(&article.id) {
                Some(pending) => *pending,
                None => committed_hash(&self.base, &self.index.fields, &article.id)?,
            };
            match known {
                Some(known) if known == hash => {
                    report.unchanged += 1;
                    continue;
                }
                Some(_) => report.updated += 1,
                None => report.added += 1,
            }
            self.pending.insert(article.id.clone(), Some(hash));
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
        let mut vectors = vectors.into_iter();
        for prepared in prepared {
            self.delete_term(&prepared.article.id);
            for passage in prepared.passages {
                let vector = vectors.next().unwrap_or_default();
                let document = document(&self.index.fields, prepared.article, prepared.hash, passage, &vector)?;
                self.writer
                    .add_document(document)
                    .or_fault(Fault::Unavailable, "writing a passage")?;
                report.passages += 1;
            }
        }
        Ok(report)
    }

    /// Removes articles; unknown ids are no error. Returns how many were there.
    pub fn delete(&mut self, ids: &[String]) -> Result<usize> {
        let mut removed = 0;
        for id in ids {
            let known = match self.pending.get(id) {
                Some(pending) => *pending,
                None => committed_hash(&self.base, &self.index.fields, id)?,
            };
            if known.is_some() {
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

    /// Joins all segments into one; searching one large segment is faster than many small ones.
    pub fn merge_all(&mut self) -> Result<()> {
        let doing = "merging segments";
        let segments = self
            .index
            .index
            .searchable_segment_ids()
            .or_fault(Fault::Corrupt, doing)?;
        if segments.len() > 1 {
            self.writer
                .merge(&segments)
                .wait()
                .or_fault(Fault::Unavailable, doing)?;
            self.index.refresh()?;
            self.base = self.index.view();
        }
        Ok(())
    }

    /// Waits for merges in the background and gives the lock back. Uncommitted articles are dropped.
    pub fn finish(self) -> Result<()> {
        self.writer
            .wait_merging_threads()
            .or_fault(Fault::Unavailable, "finishing merges")?;
        self.index.refresh()?;
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

fn prepare<'a>(rules: &Rules, article: &'a Article, hash: u64) -> Prepared<'a> {
    let analyzer = &rules.analyzer;
    let count = |text: &str| match &rules.embedder {
        Some(embedder) => embedder.count_tokens(text),
        None => text.chars().count(),
    };
    let room = rules
        .embedder
        .as_ref()
        .map_or(MAX_CHARS_WITHOUT_MODEL, |e| e.max_tokens());
    let budget = room
        .saturating_sub(count(&article.title).min(MAX_CONTEXT_TOKENS) + MAX_CONTEXT_TOKENS / 2)
        .max(32);
    let mut passages = article::split(
        article,
        &count,
        &SplitOptions {
            max_tokens: budget,
            target_tokens: budget.min(TARGET_TOKENS),
        },
    );
    if passages.is_empty() {
        // An article is found by its title even if nothing stands below it.
        passages.push(Passage {
            ordinal: 0,
            heading: String::new(),
            start: 0,
            end: 0,
            text: String::new(),
        });
    }
    let article_regions = analyzer.regions(&article.title);
    let article_years = analyzer.years(&article.title, article.published);
    let passages = passages
        .into_iter()
        .map(|passage| {
            let head = join_head(&article.title, &passage.heading);
            let (title, text) = (analyzer.document(&head), analyzer.document(&passage.text));
            let mut regions: Vec<(String, String)> = article_regions
                .iter()
                .cloned()
                .chain(analyzer.regions(&passage.text))
                .map(|region| (region.province, region.city.unwrap_or_default()))
                .collect();
            regions.sort();
            regions.dedup();
            let mut years: Vec<u16> = article_years.clone();
            years.extend(analyzer.years(&passage.text, article.published));
            years.sort_unstable();
            years.dedup();
            PreparedPassage {
                embedded_text: match head.is_empty() {
                    true => passage.text.clone(),
                    false => format!("{head}\n{}", passage.text),
                },
                stored: StoredPassage {
                    article_id: article.id.clone(),
                    ordinal: passage.ordinal,
                    title: article.title.clone(),
                    heading: passage.heading,
                    text: passage.text,
                    start: passage.start,
                    end: passage.end,
                    url: article.url.clone(),
                    source: article.source.clone(),
                    published: article.published,
                    kind: article.kind,
                    regions,
                    years,
                },
                fields: [title.words, title.bigrams, text.words, text.bigrams],
            }
        })
        .collect();
    Prepared {
        article,
        hash,
        passages,
    }
}

/// Title and headings as one text: what travels with each passage into both rankings.
fn join_head(title: &str, heading: &str) -> String {
    match (title.is_empty(), heading.is_empty()) {
        (_, true) => title.to_string(),
        (true, false) => heading.to_string(),
        (false, false) => format!("{title}\n{heading}"),
    }
}

fn document(
    fields: &Fields,
    article: &Article,
    hash: u64,
    passage: PreparedPassage,
    vector: &[f32],
) -> Result<TantivyDocument> {
    let PreparedPassage {
        stored, fields: tokens, ..
    } = passage;
    let mut document = TantivyDocument::new();
    document.add_text(fields.article_id, &article.id);
    document.add_u64(fields.ordinal, stored.ordinal.into());
    document.add_u64(fields.article_hash, hash);
    document.add_u64(
        fields.lengths,
        pack_lengths([0, 1, 2, 3].map(|i: usize| tokens[i].len())),
    );
    let targets = [
        fields.title_words,
        fields.title_bigrams,
        fields.text_words,
        fields.text_bigrams,
    ];
    for (field, tokens) in targets.into_iter().zip(tokens) {
        if !tokens.is_empty() {
            document.add_pre_tokenized_text(field, pre_tokenized(tokens));
        }
    }
    if let Some(source) = &article.source {
        document.add_text(fields.source, source);
    }
    if let Some(published) = article.published {
        document.add_u64(fields.published, published.number().into());
    }
    let mut names: Vec<&String> = stored.regions.iter().flat_map(|(p, c)| [p, c]).collect();
    names.retain(|name| !name.is_empty());
    names.sort();
    names.dedup();
    for name in names {
        document.add_text(fields.regions, name);
    }
    for &year in &stored.years {
        document.add_u64(fields.years, year.into());
    }
    document.add_bytes(fields.passage, &json(&stored)?);
    if stored.ordinal == 0 {
        document.add_bytes(fields.article, &json(article)?);
    }
    let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    document.add_custom(fields.vector, &bytes);
    Ok(document)
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).or_fault(Fault::Bug, "encoding a passage")
}

fn pre_tokenized(tokens: Vec<Token>) -> PreTokenizedString {
    PreTokenizedString {
        text: String::new(),
        tokens: tokens
            .into_iter()
            .map(|token| tantivy::tokenizer::Token {
                offset_from: token.start,
                offset_to: token.end,
                position: token.position,
                text: token.text,
                position_length: 1,
            })
            .collect(),
    }
}
