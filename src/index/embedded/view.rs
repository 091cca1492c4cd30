//! One commit of the embedded index, opened for searching: tantivy's searcher, each segment's vectors and graph, and
//! the counts that scoring needs. Never changes; a newer commit is another view.

use std::collections::HashMap;
use std::sync::Arc;

use tantivy::schema::document::{DeserializeError, DocumentDeserialize, DocumentDeserializer};
use tantivy::schema::{Field, Value};
use tantivy::{DocAddress, Searcher, TantivyDocument, Term};

use super::dense::{self, DenseScores};
use super::filter::FilterMemo;
use super::schema::{Fields, Identity, unpack_lengths};
use super::segment::SegmentView;
use crate::error::{Context, Error, Fault, Result};
use crate::index::backend::{
    ArticleRef, BoundQuery, Candidate, DenseQuestion, Evidence, EvidenceSet, LexicalQuery, PassageRef, Snapshot, Stats,
    StoredPassage, TermScore,
};
use crate::index::graph::{ScratchPool, VectorReader};
use crate::index::lexical::bm25::{Bm25, CollectionNorms};
use crate::index::lexical::bound::BoundTerms;
use crate::index::lexical::slate::Slates;
use crate::model::{Article, Filter};
use crate::profile::Bm25Params;

/// The implementation of [`Snapshot`] by the embedded index.
pub struct View {
    searcher: Searcher,
    fields: Fields,
    identity: Identity,
    commit: u64,
    /// In the searcher's order.
    pub segments: Vec<Arc<SegmentView>>,
    bm25: Bm25,
    mean: dense::Mean,
    filters: FilterMemo,
    scratches: ScratchPool,
    slates: Slates,
}

impl View {
    /// Opens the searcher's segments, taking over those that `before` had open already.
    pub fn open(
        searcher: Searcher,
        fields: Fields,
        identity: Identity,
        commit: u64,
        bm25: Bm25Params,
        graphs: &std::path::Path,
        before: Option<&View>,
    ) -> Result<View> {
        let known: HashMap<_, _> = before
            .iter()
            .flat_map(|view| &view.segments)
            .map(|segment| ((segment.reader.segment_id(), segment.reader.delete_opstamp()), segment))
            .collect();
        let mut segments = Vec::new();
        for reader in searcher.segment_readers() {
            segments.push(match known.get(&(reader.segment_id(), reader.delete_opstamp())) {
                Some(&segment) => segment.clone(),
                None => Arc::new(SegmentView::open(reader, &fields, graphs)?),
            });
        }
        Ok(View {
            bm25: Bm25::new(bm25, CollectionNorms::of(&segments)),
            mean: dense::Mean::of(&segments, identity.dimension),
            searcher,
            fields,
            identity,
            commit,
            segments,
            filters: FilterMemo::default(),
            scratches: ScratchPool::new(),
            slates: Slates::default(),
        })
    }

    /// tantivy's own searcher.
    pub fn searcher(&self) -> &Searcher {
        &self.searcher
    }

    /// Refuses passages that this snapshot does not have.
    fn check(&self, passages: &[PassageRef]) -> Result<()> {
        let is_here = |&passage: &PassageRef| {
            let (segment, doc) = split(passage);
            self.segments
                .get(segment as usize)
                .is_some_and(|view| doc < view.reader.max_doc())
        };
        match passages.iter().all(is_here) {
            true => Ok(()),
            false => Err(Error::bug("a passage of another snapshot was named")),
        }
    }

    /// The passages grouped by segment, each group ascending by document: `(position in passages, document)`.
    fn by_segment(&self, passages: &[PassageRef]) -> Result<Vec<Vec<(usize, u32)>>> {
        self.check(passages)?;
        let mut groups = vec![Vec::new(); self.segments.len()];
        for (at, &passage) in passages.iter().enumerate() {
            let (segment, doc) = split(passage);
            groups[segment as usize].push((at, doc));
        }
        groups.iter_mut().for_each(|group| group.sort_by_key(|&(_, doc)| doc));
        Ok(groups)
    }

    fn document(&self, passage: PassageRef) -> Result<TantivyDocument> {
        let (segment, doc) = split(passage);
        self.searcher
            .doc(DocAddress::new(segment, doc))
            .or_fault(Fault::Corrupt, "reading a stored passage")
    }
}

/// Passages between a vector's being asked for and its use: memory is what scoring waits for.
const AHEAD: usize = 4;

/// What a document begins with: the passage as it is shown. Behind it an article's first passage has the whole article,
/// which need not be read to show the passage.
struct FirstStored(Option<(Field, String)>);

impl DocumentDeserialize for FirstStored {
    fn deserialize<'de, D: DocumentDeserializer<'de>>(mut document: D) -> Result<Self, DeserializeError> {
        document.next_field().map(FirstStored)
    }
}

fn join(segment: u32, doc: u32) -> PassageRef {
    PassageRef(u64::from(segment) << 32 | u64::from(doc))
}

fn split(passage: PassageRef) -> (u32, u32) {
    ((passage.0 >> 32) as u32, passage.0 as u32)
}

fn as_candidates(found: Vec<(u32, u32, f32)>) -> Vec<Candidate> {
    found
        .into_iter()
        .map(|(segment, doc, score)| Candidate {
            passage: join(segment, doc),
            score,
        })
        .collect()
}

impl Snapshot for View {
    fn commit(&self) -> u64 {
        self.commit
    }

    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn passages(&self) -> u64 {
        self.segments.iter().map(|s| u64::from(s.reader.max_doc())).sum()
    }

    fn mean(&self) -> &[f32] {
        self.mean.vector()
    }

    fn vector(&self, passage: PassageRef) -> Result<&[f32]> {
        self.check(&[passage])?;
        let (segment, doc) = split(passage);
        Ok(self.segments[segment as usize].vectors.row(doc))
    }

    fn bind(self: Arc<Self>, query: Arc<LexicalQuery>) -> Result<Arc<dyn BoundQuery>> {
        let terms = BoundTerms::bind(&self.segments, &self.bm25, &query)?;
        Ok(Arc::new(Bound {
            view: self,
            query,
            terms,
        }))
    }

    fn dense(&self, vector: &[f32], filter: &Filter, k: usize, ef: Option<usize>) -> Result<Vec<Candidate>> {
        let allowed = self.filters.bind(&self.searcher, &self.fields, filter)?;
        Ok(as_candidates(dense::candidates(
            &self.segments,
            &self.scratches,
            vector,
            &allowed,
            k,
            ef,
        )))
    }

    fn articles(&self, passages: &[PassageRef]) -> Result<Vec<(ArticleRef, u32)>> {
        self.check(passages)?;
        let of = |&passage: &PassageRef| {
            let (number, doc) = split(passage);
            let segment = &self.segments[number as usize];
            // All live passages of an article are in one segment: it is written and replaced as a whole.
            let article = u64::from(number) << 32 | u64::from(segment.article(doc));
            (ArticleRef(article), segment.ordinal(doc))
        };
        Ok(passages.iter().map(of).collect())
    }

    fn keys(&self, passages: &[PassageRef]) -> Result<Vec<(Arc<str>, u32)>> {
        self.check(passages)?;
        passages
            .iter()
            .map(|&passage| {
                let (segment, doc) = split(passage);
                self.segments[segment as usize].key(doc)
            })
            .collect()
    }

    fn fetch(&self, passages: &[PassageRef]) -> Result<Vec<StoredPassage>> {
        passages
            .iter()
            .map(|&passage| {
                let (segment, doc) = split(passage);
                let stored: FirstStored = self
                    .searcher
                    .doc(DocAddress::new(segment, doc))
                    .or_fault(Fault::Corrupt, "reading a stored passage")?;
                let (_, stored) = stored
                    .0
                    .filter(|(field, _)| *field == self.fields.passage)
                    .ok_or_else(|| Error::corrupt("a stored passage is missing"))?;
                serde_json::from_str(&stored).or_fault(Fault::Corrupt, "decoding a stored passage")
            })
            .collect()
    }

    fn article(&self, id: &str) -> Result<Option<Article>> {
        use tantivy::DocSet;
        let term = Term::from_field_text(self.fields.article_id, id);
        for (number, segment) in self.segments.iter().enumerate() {
            let postings = segment
                .reader
                .inverted_index(self.fields.article_id)
                .or_fault(Fault::Corrupt, "reading articles")?
                .read_postings(&term, tantivy::schema::IndexRecordOption::Basic)
                .or_fault(Fault::Corrupt, "reading articles")?;
            let Some(mut postings) = postings else { continue };
            while postings.doc() != tantivy::TERMINATED {
                let doc = postings.doc();
                if !segment.reader.is_deleted(doc) && segment.is_first(doc) {
                    let document = self.document(join(number as u32, doc))?;
                    return match document.get_first(self.fields.article).and_then(|v| v.as_str()) {
                        Some(stored) => serde_json::from_str(stored)
                            .map(Some)
                            .or_fault(Fault::Corrupt, format!("decoding article {id}")),
                        None => Err(Error::corrupt(format!("article {id} has lost its text"))),
                    };
                }
                postings.advance();
            }
        }
        Ok(None)
    }

    fn article_ids(&self) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        for segment in &self.segments {
            for doc in segment.reader.doc_ids_alive() {
                let (id, ordinal) = segment.key(doc)?;
                if ordinal == 0 {
                    ids.push(id.to_string());
                }
            }
        }
        ids.sort();
        Ok(ids)
    }

    fn stats(&self) -> Result<Stats> {
        let mut articles = 0;
        for segment in &self.segments {
            articles += segment
                .reader
                .doc_ids_alive()
                .filter(|&doc| segment.is_first(doc))
                .count() as u64;
        }
        let space = self
            .searcher
            .space_usage()
            .or_fault(Fault::Corrupt, "measuring the index")?;
        Ok(Stats {
            articles,
            passages: self.searcher.num_docs(),
            segments: self.segments.len() as u64,
            graphs: self.segments.iter().filter(|s| s.graph().is_some()).count() as u64,
            bytes: space.total().get_bytes(),
            commit: self.commit,
            identity: self.identity.clone(),
        })
    }
}

/// A question in a [`View`].
struct Bound {
    view: Arc<View>,
    query: Arc<LexicalQuery>,
    terms: BoundTerms,
}

impl BoundQuery for Bound {
    fn lexical(&self, filter: &Filter, k: usize) -> Result<Vec<Candidate>> {
        let view = &*self.view;
        let allowed = view.filters.bind(&view.searcher, &view.fields, filter)?;
        self.terms
            .candidates(&view.segments, &view.bm25, &view.slates, &allowed, k)
            .map(as_candidates)
    }

    fn evidence(&self, question: Option<DenseQuestion>, passages: &[PassageRef]) -> Result<EvidenceSet> {
        let view = &*self.view;
        let question = question
            .filter(|question| question.vector.len() == view.identity.dimension)
            .map(|question| view.mean.bind(question));
        let mut evidence = vec![Evidence::default(); passages.len()];
        for (number, group) in view.by_segment(passages)?.into_iter().enumerate() {
            let segment = &view.segments[number];
            let docs: Vec<(u32, u64)> = group.iter().map(|&(_, doc)| (doc, segment.lengths(doc))).collect();
            let lexical = self.terms.evidence(number, segment, &view.bm25, &view.slates, &docs)?;
            let graph = segment.graph();
            let matrix = &segment.vectors;
            let mut vectors = VectorReader::new(graph.as_deref(), matrix.as_slice(), matrix.dimension());
            for (nth, ((&(at, doc), &(_, packed)), lexical)) in group.iter().zip(&docs).zip(lexical).enumerate() {
                let lengths = unpack_lengths(packed);
                let dense = match &question {
                    Some(question) => {
                        if let Some(&(later, _)) = docs.get(nth + AHEAD) {
                            vectors.prefetch(later);
                        }
                        question.score(vectors.row(doc))
                    }
                    None => DenseScores::default(),
                };
                evidence[at] = Evidence {
                    words: lexical.words,
                    bigrams: lexical.bigrams,
                    title: lexical.title,
                    coverage: lexical.coverage,
                    bigram_coverage: lexical.bigram_coverage,
                    cosine: dense.cosine,
                    centered: dense.centered,
                    adapted: dense.adapted,
                    length: lengths[3],
                    titled: lengths[1] > 0,
                    locality: segment.locality(doc, &self.query.regions),
                    timeliness: segment.timeliness(doc, &self.query.years),
                };
            }
        }
        let [word_idf, bigram_idf] = self.terms.weighted_idf();
        Ok(EvidenceSet {
            passages: evidence,
            lexical_bound: word_idf.iter().chain(&bigram_idf).sum(),
            word_idf,
            bigram_idf,
        })
    }

    fn explain(&self, passage: PassageRef) -> Result<Vec<TermScore>> {
        let view = &*self.view;
        view.check(&[passage])?;
        let (number, doc) = split(passage);
        let segment = &view.segments[number as usize];
        self.terms
            .explain(number as usize, segment, &view.bm25, &view.slates, doc)
    }
}
