//! One segment, opened for searching: its vectors, what is derived from it, and the columns that scoring reads.
//!
//! Knows nothing of which documents are deleted, so it is opened once and shared by all commits that have it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use tantivy::columnar::{Column, StrColumn};
use tantivy::{SegmentReader, index::SegmentId};

use super::schema::{ENDED, Fields, unpack_lengths};
use crate::compute::Budget;
use crate::error::{Context, Error, Fault, Result};
use crate::index::forward::Forward;
use crate::index::graph::{Codes, Graph};
use crate::index::lexical::postings::WordField;
use crate::index::passage::PassageKey;
use crate::index::scoring::{self, FIELDS};
use crate::index::vectors::SegmentVectors;
use crate::index::windows::SegmentWindows;
use crate::model::{Date, Validity};
use crate::text::Signature;

/// Rows from which a segment gets a graph: below, a scan of int8 codes is about as fast and always right.
pub const GRAPH_ROWS: usize = 8_000;
/// Rows from which a scan goes over int8 codes first; below, making them costs more than they save.
const CODES_ROWS: usize = 1_000;

/// One segment, opened once for all commits that have it.
pub struct Segment {
    id: SegmentId,
    /// Documents, deleted ones included.
    pub rows: u32,
    /// Bytes on disk.
    pub bytes: u64,
    /// Its vectors.
    pub vectors: SegmentVectors,
    /// The vectors of its passages' windows.
    pub windows: SegmentWindows,
    /// The indexed fields: title words, title bigrams, text words, text bigrams.
    pub words: [WordField; FIELDS],
    /// The titles of products among its documents, deleted ones included.
    pub products: Arc<[String]>,
    graph: OnceLock<Arc<Graph>>,
    forward: OnceLock<Arc<Forward>>,
    codes: OnceLock<Codes>,
    /// Whether the checksums of its derived files were compared.
    checked: AtomicBool,
    /// Whether a derived file was removed, so that the next snapshot opens the segment again.
    outdated: AtomicBool,
    /// Documents that are the first of their article.
    firsts: u64,
    hashes: Column<u64>,
    lengths: Column<u64>,
    ordinals: Column<u64>,
    places: Column<u64>,
    years: Column<u64>,
    effective: Column<u64>,
    expired: Column<u64>,
    signatures: Column<u64>,
    ids: StrColumn,
}

impl Segment {
    /// Opens a segment's columns and vectors, and what is derived from it if it is there.
    ///
    /// # Errors
    /// `Corrupt` if a part is missing or damaged; a damaged graph or forward index is no error.
    pub fn open(reader: &SegmentReader, fields: &Fields, derived: &Path) -> Result<Self> {
        let column = |name: &str| {
            reader
                .fast_fields()
                .u64(name)
                .or_fault(Fault::Corrupt, format!("opening column {name}"))
        };
        let ids = reader
            .fast_fields()
            .str("article_id")
            .or_fault(Fault::Corrupt, "opening column article_id")?
            .ok_or_else(|| Error::corrupt("column article_id is missing"))?;
        let mut segment = Segment {
            id: reader.segment_id(),
            rows: reader.max_doc(),
            bytes: 0,
            vectors: SegmentVectors::open(reader)?,
            windows: SegmentWindows::open(reader)?,
            words: [
                WordField::new(reader, fields.title_words)?,
                WordField::new(reader, fields.title_bigrams)?,
                WordField::new(reader, fields.text_words)?,
                WordField::new(reader, fields.text_bigrams)?,
            ],
            products: product_titles(reader, fields)?,
            graph: OnceLock::new(),
            forward: OnceLock::new(),
            codes: OnceLock::new(),
            checked: AtomicBool::new(false),
            outdated: AtomicBool::new(false),
            firsts: 0,
            hashes: column("article_hash")?,
            lengths: column("lengths")?,
            ordinals: column("ordinal")?,
            places: column("places")?,
            years: column("years")?,
            effective: column("effective")?,
            expired: column("expired")?,
            signatures: column("signature")?,
            ids,
        };
        let space = reader.space_usage().or_fault(Fault::Corrupt, "measuring a segment")?;
        segment.bytes = space.total().get_bytes();
        segment.firsts = (0..segment.rows).filter(|&doc| segment.is_first(doc)).count() as u64;
        segment.load_derived(derived);
        Ok(segment)
    }

    /// Its id.
    pub fn id(&self) -> SegmentId {
        self.id
    }

    /// The segment's graph, if it has one.
    pub fn graph(&self) -> Option<&Arc<Graph>> {
        self.graph.get()
    }

    /// The segment's forward index, if it has one.
    pub fn forward(&self) -> Option<&Arc<Forward>> {
        self.forward.get()
    }

    /// The int8 codes of a segment that is scanned and large enough for them; made at first use and kept.
    ///
    /// # Errors
    /// `Deadline` if nobody waits any more; the next question makes them.
    pub fn codes(&self, budget: Budget) -> Result<Option<&Codes>> {
        if (self.vectors.rows() as usize) < CODES_ROWS || self.vectors.dimension() == 0 {
            return Ok(None);
        }
        if let Some(codes) = self.codes.get() {
            return Ok(Some(codes));
        }
        // Two first questions at a time make them twice, and the codes of one are kept.
        let made = Codes::new(self.vectors.view(), budget)?;
        Ok(Some(self.codes.get_or_init(|| made)))
    }

    /// Opens what is derived from the segment, where it is there and fits and is not open yet; a missing or damaged
    /// graph means exact search, a missing or damaged forward index that postings are read. Says whether there was any.
    pub fn load_derived(&self, derived: &Path) -> bool {
        let id = uuid_bytes(self.id);
        let mut loaded = false;
        let path = graph_path(derived, self.id);
        if self.graph().is_none()
            && path.is_file()
            && let Ok(graph) = Graph::open(&path, id, self.vectors.rows(), self.vectors.dimension())
        {
            loaded |= self.graph.set(Arc::new(graph)).is_ok();
        }
        let path = forward_path(derived, self.id);
        if self.forward().is_none()
            && path.is_file()
            && let Ok(forward) = Forward::open(&path, id, self.rows)
        {
            loaded |= self.forward.set(Arc::new(forward)).is_ok();
        }
        loaded
    }

    /// Whether the checksums of its derived files are still to be compared.
    pub fn is_unchecked(&self) -> bool {
        !self.checked.load(Ordering::Relaxed)
    }

    /// Notes that the checksums of its derived files were compared.
    pub fn set_checked(&self) {
        self.checked.store(true, Ordering::Relaxed);
    }

    /// Notes that a derived file was damaged and removed: the next snapshot opens the segment again.
    pub fn mark_outdated(&self) {
        self.outdated.store(true, Ordering::Relaxed);
    }

    /// Whether the next snapshot must open it again.
    pub fn is_outdated(&self) -> bool {
        self.outdated.load(Ordering::Relaxed)
    }

    /// Articles that it has in a commit, given that commit's reader of it.
    pub fn articles(&self, reader: &SegmentReader) -> u64 {
        let deleted = |doc: &u32| reader.is_deleted(*doc) && self.is_first(*doc);
        if reader.has_deletes() {
            self.firsts - (0..self.rows).filter(deleted).count() as u64
        } else {
            self.firsts
        }
    }

    /// How the passage's places, as [`super::schema::place_number`] has them, meet those asked for.
    pub fn locality(&self, doc: u32, asked: &[(u64, Option<u64>)]) -> f32 {
        scoring::locality(asked, |place| match place {
            None => self.places.first(doc).is_some(),
            Some(place) => self.places.values_for_doc(doc).any(|held| held == *place),
        })
    }

    /// How the passage's years meet those asked for.
    pub fn timeliness(&self, doc: u32, asked: &[u16]) -> f32 {
        scoring::timeliness(asked, self.years.values_for_doc(doc).map(|year| year as u16))
    }

    /// From when to when the passage's article holds.
    pub fn validity(&self, doc: u32) -> Validity {
        let day = |column: &Column<u64>| Date::from_number(column.first(doc)?.try_into().ok()?);
        Validity {
            effective: day(&self.effective),
            expired: day(&self.expired),
            ended: self.expired.first(doc) == Some(ENDED),
        }
    }

    /// What the passage is told apart by from its copies.
    ///
    /// # Errors
    /// `Corrupt` if a part of it is missing.
    pub fn signature(&self, doc: u32) -> Result<Signature> {
        let mut words = [0; Signature::WORDS];
        let mut kept = self.signatures.values_for_doc(doc);
        for word in &mut words {
            *word = kept
                .next()
                .ok_or_else(|| Error::corrupt(format!("the signature of passage {doc} of a segment is missing")))?;
        }
        Ok(Signature::of_words(words))
    }

    /// The passage's tokens by field.
    pub fn lengths(&self, doc: u32) -> [u32; FIELDS] {
        unpack_lengths(self.lengths.first(doc).unwrap_or(0))
    }

    /// The fingerprint of the passage's article.
    pub fn article_hash(&self, doc: u32) -> Option<u64> {
        self.hashes.first(doc)
    }

    /// Whether the passage is its article's first.
    pub fn is_first(&self, doc: u32) -> bool {
        self.ordinals.first(doc) == Some(0)
    }

    /// The passage's place in its article.
    pub fn ordinal(&self, doc: u32) -> u32 {
        self.ordinals.first(doc).unwrap_or(0) as u32
    }

    /// The passage's article as a number of this segment.
    pub fn article(&self, doc: u32) -> u32 {
        // A segment has fewer articles than documents, and of those fewer than 2^32.
        self.ids.term_ords(doc).next().unwrap_or(0) as u32
    }

    /// The numbers of [`Segment::article`] are below this one.
    pub fn most_articles(&self) -> usize {
        self.ids.num_terms()
    }

    /// What the passage is called.
    pub fn key(&self, doc: u32) -> Result<PassageKey> {
        let mut id = String::new();
        if let Some(ord) = self.ids.term_ords(doc).next() {
            self.ids
                .ord_to_str(ord, &mut id)
                .or_fault(Fault::Corrupt, "reading an article id")?;
        }
        Ok(PassageKey {
            article: id.into(),
            ordinal: self.ordinal(doc),
        })
    }
}

/// Where the forward index of a segment lies.
pub fn forward_path(derived: &Path, segment: SegmentId) -> PathBuf {
    derived.join(format!("{}.forward", segment.uuid_string()))
}

/// Where the graph of a segment lies.
pub fn graph_path(graphs: &Path, segment: SegmentId) -> PathBuf {
    graphs.join(format!("{}.graph", segment.uuid_string()))
}

/// A segment's id as the 16 bytes that its derived files carry.
pub fn uuid_bytes(segment: SegmentId) -> [u8; 16] {
    // tantivy prints the id as 32 hexadecimal digits; anything else would only make the graph file a stranger's.
    u128::from_str_radix(&segment.uuid_string(), 16)
        .unwrap_or(0)
        .to_be_bytes()
}

/// The titles of products that a segment has, each once.
fn product_titles(reader: &SegmentReader, fields: &Fields) -> Result<Arc<[String]>> {
    let doing = "reading the titles of products";
    let index = reader.inverted_index(fields.product).or_fault(Fault::Corrupt, doing)?;
    let mut terms = index.terms().stream().or_fault(Fault::Corrupt, doing)?;
    let mut titles = Vec::new();
    while terms.advance() {
        let title = std::str::from_utf8(terms.key()).or_fault(Fault::Corrupt, doing)?;
        titles.push(title.to_owned());
    }
    Ok(titles.into())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::embed::{Embedder as _, HashEmbedder};
    use crate::index::ingest::{Counts, Ingest};
    use crate::index::{Backend as _, EmbeddedIndex, Rules};
    use crate::model::{Article, Filter};
    use crate::text::Analyzer;

    /// Codes of a million vectors are 0.4 GB that a graph has already.
    #[test]
    fn a_segment_with_a_graph_never_makes_codes() {
        let folder = tempfile::tempdir().unwrap();
        let embedder = Arc::new(HashEmbedder::new(8));
        let rules = Rules {
            analyzer: Arc::new(Analyzer::new().unwrap()),
            embedder: Some(embedder.clone()),
        };
        let index = EmbeddedIndex::create(folder.path(), &rules.identity()).unwrap();
        let articles: Vec<Article> = (0..GRAPH_ROWS as u64 + 100)
            .map(|number| Article {
                id: format!("a{number}"),
                text: format!("{:x} 医保", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
                source: (number % 100 == 0).then(|| "甲".into()),
                ..Article::default()
            })
            .collect();
        let writer = Ingest::open(&index, rules).unwrap();
        writer
            .upsert(articles, Budget::all())
            .into_iter()
            .collect::<Result<Counts>>()
            .unwrap();
        writer.commit().unwrap();
        writer.into_writer().finish().unwrap();
        index.refresh().unwrap();

        let question = &embedder.embed_queries(&["ab 医保 37"], Budget::single()).unwrap()[0];
        let few = Filter {
            sources: vec!["甲".into()],
            ..Filter::default()
        };
        // Walked, scanned by codes for a filter, walked wide: whichever way the graph is searched.
        let search = |index: &EmbeddedIndex| {
            let snapshot = index.snapshot().unwrap();
            for (filter, k) in [(&Filter::default(), 10), (&few, 10), (&Filter::default(), 9_000)] {
                let asked = snapshot.clone().ask(Arc::default(), filter, Budget::single()).unwrap();
                assert!(!asked.dense(question, k, None, Budget::single()).unwrap().is_empty());
            }
        };
        let large = |index: &EmbeddedIndex, graphs: bool| {
            let snapshot = index.current();
            let segments = snapshot
                .segments()
                .iter()
                .filter(|s| s.vectors.rows() as usize >= GRAPH_ROWS);
            let made: Vec<bool> = segments
                .inspect(|segment| assert_eq!(segment.graph().is_some(), graphs))
                .map(|segment| segment.codes.get().is_some())
                .collect();
            assert_eq!(made.len(), 1);
            made[0]
        };
        let scanned = EmbeddedIndex::open(folder.path()).unwrap();
        search(&scanned);
        assert!(large(&scanned, false), "without a graph there are codes");
        // Stopped before it has begun, and then gone on with to the end.
        for stopped in [true, false] {
            let stop = AtomicBool::new(stopped);
            let done = index.build_derived(Budget::all(), &|_, _| {}, &stop).unwrap();
            assert_eq!(done, !stopped);
        }
        search(&index);
        let opened = EmbeddedIndex::open(folder.path()).unwrap();
        search(&opened);
        assert!(!large(&index, true) && !large(&opened, true));
    }
}
