//! One segment of a commit, opened for searching: its vectors, what is derived from it, and the columns that scoring
//! reads.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, RwLock};

use tantivy::columnar::{Column, StrColumn};
use tantivy::{SegmentReader, index::SegmentId};

use super::dense;
use super::schema::{Fields, place_number};
use crate::error::{Context, Error, Fault, Result};
use crate::index::forward::Forward;
use crate::index::graph::{Codes, Graph};
use crate::index::lexical::postings::WordField;
use crate::index::vectors::Matrix;
use crate::text::Region;

/// One segment, opened for searching.
pub struct SegmentView {
    /// tantivy's reader of it.
    pub reader: SegmentReader,
    /// Its vectors.
    pub vectors: Matrix,
    /// What it is searched through by words: title words, title bigrams, text words, text bigrams.
    pub words: [WordField; 4],
    graph: RwLock<Option<Arc<Graph>>>,
    forward: RwLock<Option<Arc<Forward>>>,
    codes: OnceLock<Codes>,
    lengths: Column<u64>,
    ordinals: Column<u64>,
    places: Column<u64>,
    years: Column<u64>,
    ids: StrColumn,
}

impl SegmentView {
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
        let view = SegmentView {
            reader: reader.clone(),
            vectors: Matrix::open(reader)?,
            words: [
                WordField::new(reader, fields.title_words)?,
                WordField::new(reader, fields.title_bigrams)?,
                WordField::new(reader, fields.text_words)?,
                WordField::new(reader, fields.text_bigrams)?,
            ],
            graph: RwLock::new(None),
            forward: RwLock::new(None),
            codes: OnceLock::new(),
            lengths: column("lengths")?,
            ordinals: column("ordinal")?,
            places: column("places")?,
            years: column("years")?,
            ids,
        };
        view.load_derived(derived);
        Ok(view)
    }

    /// The segment's graph, if it has one.
    pub fn graph(&self) -> Option<Arc<Graph>> {
        // Poisoned or not, the slot holds a whole graph or none.
        self.graph.read().unwrap_or_else(|p| p.into_inner()).clone()
    }

    /// The int8 codes of a segment that is scanned and large enough for them; made at first use and kept.
    pub fn codes(&self) -> Option<&Codes> {
        let wanted = self.vectors.rows() as usize >= dense::CODES_ROWS && self.vectors.dimension() > 0;
        wanted.then(|| {
            self.codes
                .get_or_init(|| Codes::new(self.vectors.as_slice(), self.vectors.dimension()))
        })
    }

    /// The segment's forward index, if it has one.
    pub fn forward(&self) -> Option<Arc<Forward>> {
        // As with the graph.
        self.forward.read().unwrap_or_else(|p| p.into_inner()).clone()
    }

    /// Opens what is derived from the segment, where it is there and fits and is not open yet; a missing or damaged
    /// graph means exact search, a missing or damaged forward index that postings are read. Says whether there was any.
    pub fn load_derived(&self, derived: &Path) -> bool {
        let mut loaded = false;
        let id = uuid_bytes(self.reader.segment_id());
        let path = graph_path(derived, self.reader.segment_id());
        if self.graph().is_none()
            && path.is_file()
            && let Ok(graph) = Graph::open(&path, id, self.vectors.rows(), self.vectors.dimension())
        {
            *self.graph.write().unwrap_or_else(|p| p.into_inner()) = Some(Arc::new(graph));
            loaded = true;
        }
        let path = forward_path(derived, self.reader.segment_id());
        if self.forward().is_none()
            && path.is_file()
            && let Ok(forward) = Forward::open(&path, id, self.reader.max_doc())
        {
            *self.forward.write().unwrap_or_else(|p| p.into_inner()) = Some(Arc::new(forward));
            loaded = true;
        }
        loaded
    }

    /// See `Evidence::locality`.
    pub fn locality(&self, doc: u32, asked: &[Region]) -> f32 {
        if asked.is_empty() || self.places.first(doc).is_none() {
            return 0.0;
        }
        let holds = |place: u64| self.places.values_for_doc(doc).any(|held| held == place);
        let of = |region: &Region| match &region.city {
            Some(city) if holds(place_number(&region.province, Some(city))) => 1.0,
            Some(_) if holds(place_number(&region.province, None)) => 0.3,
            None if holds(place_number(&region.province, None)) => 1.0,
            _ => -1.0,
        };
        asked.iter().map(of).fold(-1.0, f32::max)
    }

    /// See `Evidence::timeliness`.
    pub fn timeliness(&self, doc: u32, asked: &[u16]) -> f32 {
        if asked.is_empty() || self.years.first(doc).is_none() {
            return 0.0;
        }
        let held = |year: u64| asked.iter().any(|&asked| u64::from(asked) == year);
        if self.years.values_for_doc(doc).any(held) {
            1.0
        } else {
            -1.0
        }
    }

    /// The passage's field lengths, packed as [`super::schema::pack_lengths`] does.
    pub fn lengths(&self, doc: u32) -> u64 {
        self.lengths.first(doc).unwrap_or(0)
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

    /// Article id and ordinal of a passage.
    pub fn key(&self, doc: u32) -> Result<(Arc<str>, u32)> {
        let ordinal = self.ordinal(doc);
        let mut id = String::new();
        if let Some(ord) = self.ids.term_ords(doc).next() {
            self.ids
                .ord_to_str(ord, &mut id)
                .or_fault(Fault::Corrupt, "reading an article id")?;
        }
        Ok((id.into(), ordinal))
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
        let articles: Vec<Article> = (0..dense::GRAPH_ROWS as u64 + 100)
            .map(|number| Article {
                id: format!("a{number}"),
                text: format!("{:x} 医保", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
                source: (number % 100 == 0).then(|| "甲".into()),
                ..Article::default()
            })
            .collect();
        let writer = Ingest::open(&index, rules).unwrap();
        writer.upsert(articles).into_iter().collect::<Result<Counts>>().unwrap();
        writer.commit().unwrap();
        writer.into_writer().finish().unwrap();
        index.refresh().unwrap();

        let question = &embedder
            .embed_queries(&["ab 医保 37"], crate::compute::Budget::single())
            .unwrap()[0];
        let few = Filter {
            sources: vec!["甲".into()],
            ..Filter::default()
        };
        // Walked, scanned by codes for a filter, walked wide: whichever way the graph is searched.
        let search = |index: &EmbeddedIndex| {
            let snapshot = index.snapshot().unwrap();
            for (filter, k) in [(&Filter::default(), 10), (&few, 10), (&Filter::default(), 9_000)] {
                assert!(!snapshot.dense(question, filter, k, None).unwrap().is_empty());
            }
        };
        let large = |index: &EmbeddedIndex, graphs: bool| {
            let view = index.view();
            let segments = view
                .segments
                .iter()
                .filter(|s| s.vectors.rows() as usize >= dense::GRAPH_ROWS);
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
        index.build_graphs(&|_, _| {}, &AtomicBool::new(false)).unwrap();
        search(&index);
        let opened = EmbeddedIndex::open(folder.path()).unwrap();
        search(&opened);
        assert!(!large(&index, true) && !large(&opened, true));
    }
}
