//! Ranking by words: candidates by tantivy's block-max WAND, exact BM25F by our own arithmetic.
//!
//! tantivy's k1 and b are private constants and it scores field by field, so its score only finds candidates. The
//! exact score is BM25F (Robertson, Zaragoza, Taylor 2004, <https://doi.org/10.1145/1031171.1031181>): term
//! frequencies of title and text, each divided by its length norm and weighted, are added before they saturate:
//!
//! ```text
//! tf'   = Σ_f w_f · tf_f / (1 - b_f + b_f · len_f / avglen_f)
//! score = Σ_t weight_t · idf_t · tf' / (k1 + tf')          idf_t = ln(1 + (N - df + 0.5) / (df + 0.5))
//! ```

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use tantivy::index::InvertedIndexReader;
use tantivy::postings::{Postings, SegmentPostings};
use tantivy::query::{BooleanQuery, BoostQuery, EnableScoring, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocSet, Searcher, Term};

use super::backend::{LexicalQuery, TermScore};
use super::filter::{Allowed, is_allowed};
use super::schema::{Fields, unpack_lengths};
use crate::error::{Context, Fault, Result};
use crate::text::QueryTerm;

/// The constants of BM25F; fitted on the development questions, see `docs/results/`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bm25Params {
    /// Saturation of the term frequency.
    pub k1: f32,
    /// Length normalisation of the text, 0 (none) to 1 (full).
    pub b_text: f32,
    /// Length normalisation of the title.
    pub b_title: f32,
    /// Weight of the title's frequencies; the text's is 1.
    pub title: f32,
}

impl Default for Bm25Params {
    fn default() -> Self {
        Bm25Params {
            k1: 2.0,
            b_text: 0.75,
            b_title: 0.75,
            title: 0.3,
        }
    }
}

const READING: &str = "reading postings";

/// A scored document of one segment; the heap keeps the best by score, then by lower segment and document.
#[derive(PartialEq)]
struct Scored {
    score: f32,
    segment: u32,
    doc: u32,
}

impl Eq for Scored {}

impl PartialOrd for Scored {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scored {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score
            .total_cmp(&other.score)
            .then_with(|| (other.segment, other.doc).cmp(&(self.segment, self.doc)))
    }
}

/// The best `k` documents by the sum of tantivy's BM25 over the four text fields: `(segment, doc, score)`, best first.
pub fn candidates(
    searcher: &Searcher,
    fields: &Fields,
    query: &LexicalQuery,
    params: &Bm25Params,
    allowed: &Allowed,
    k: usize,
) -> Result<Vec<(u32, u32, f32)>> {
    let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
    let streams = [
        (&query.words, fields.text_words, fields.title_words),
        (&query.bigrams, fields.text_bigrams, fields.title_bigrams),
    ];
    for (terms, text, title) in streams {
        for term in terms {
            for (field, weight) in [(text, term.weight), (title, term.weight * params.title)] {
                let term = Term::from_field_text(field, &term.text);
                if searcher.doc_freq(&term).or_fault(Fault::Corrupt, READING)? > 0 {
                    let matching = TermQuery::new(term, IndexRecordOption::WithFreqs);
                    clauses.push((Occur::Should, Box::new(BoostQuery::new(Box::new(matching), weight))));
                }
            }
        }
    }
    if clauses.is_empty() || k == 0 {
        return Ok(Vec::new());
    }
    let weight = BooleanQuery::new(clauses)
        .weight(EnableScoring::enabled_from_searcher(searcher))
        .or_fault(Fault::Corrupt, READING)?;
    let mut best: BinaryHeap<Reverse<Scored>> = BinaryHeap::with_capacity(k + 1);
    for (segment, reader) in searcher.segment_readers().iter().enumerate() {
        let segment = segment as u32;
        let (bits, count) = &allowed.segments[segment as usize];
        if *count == 0 {
            continue;
        }
        let bits = bits.as_deref();
        let floor = |best: &BinaryHeap<Reverse<Scored>>| match best.peek() {
            Some(Reverse(worst)) if best.len() == k => worst.score,
            _ => 0.0,
        };
        let threshold = floor(&best);
        weight
            .for_each_pruning(threshold, reader, &mut |doc, score| {
                if is_allowed(bits, doc) {
                    best.push(Reverse(Scored { score, segment, doc }));
                    if best.len() > k {
                        best.pop();
                    }
                }
                floor(&best)
            })
            .or_fault(Fault::Corrupt, READING)?;
    }
    let mut found: Vec<Scored> = best.into_iter().map(|Reverse(scored)| scored).collect();
    found.sort_by(|a, b| b.cmp(a));
    Ok(found.into_iter().map(|s| (s.segment, s.doc, s.score)).collect())
}

/// Lengths and counts of the whole snapshot that BM25F needs.
#[derive(Debug, Clone, Copy, Default)]
pub struct CollectionNorms {
    /// Passages, deleted ones included as long as their segment keeps them.
    pub passages: f32,
    /// Mean tokens of title words, title bigrams, text words, text bigrams; at least a tiny positive number.
    pub mean_lengths: [f32; 4],
}

impl CollectionNorms {
    /// Reads them from the segments' own counts.
    pub fn of(searcher: &Searcher, fields: &Fields) -> Result<Self> {
        let passages: u64 = searcher.segment_readers().iter().map(|r| u64::from(r.max_doc())).sum();
        let order = [
            fields.title_words,
            fields.title_bigrams,
            fields.text_words,
            fields.text_bigrams,
        ];
        let mut mean_lengths = [f32::MIN_POSITIVE; 4];
        for (mean, field) in mean_lengths.iter_mut().zip(order) {
            let mut tokens = 0;
            for reader in searcher.segment_readers() {
                tokens += reader
                    .inverted_index(field)
                    .or_fault(Fault::Corrupt, READING)?
                    .total_num_tokens();
            }
            *mean = (tokens as f32 / passages.max(1) as f32).max(f32::MIN_POSITIVE);
        }
        Ok(CollectionNorms {
            passages: passages as f32,
            mean_lengths,
        })
    }

    fn idf(&self, doc_freq: u64) -> f32 {
        let df = doc_freq as f32;
        (1.0 + (self.passages - df + 0.5).max(0.0) / (df + 0.5)).ln()
    }
}

/// The exact lexical scores of one document.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LexicalEvidence {
    /// See [`super::backend::Evidence`].
    pub words: f32,
    /// See [`super::backend::Evidence`].
    pub bigrams: f32,
    /// See [`super::backend::Evidence`].
    pub title: f32,
    /// See [`super::backend::Evidence`].
    pub coverage: f32,
    /// See [`super::backend::Evidence`].
    pub bigram_coverage: f32,
}

/// A question bound to a snapshot: every term with its idf and its postings in every segment.
pub struct BoundQuery {
    terms: Vec<BoundTerm>,
    mass: [f32; 2],
}

struct BoundTerm {
    term: QueryTerm,
    /// 0 = words, 1 = bigrams; also the offset of the stream's lengths.
    stream: usize,
    idf: f32,
    text: Term,
    title: Term,
}

impl BoundQuery {
    /// Looks up the document frequencies. Terms that occur nowhere stay, since they count in the coverage.
    pub fn bind(searcher: &Searcher, fields: &Fields, norms: &CollectionNorms, query: &LexicalQuery) -> Result<Self> {
        let mut terms = Vec::new();
        let mut mass = [0f32; 2];
        let streams = [
            (&query.words, fields.text_words, fields.title_words),
            (&query.bigrams, fields.text_bigrams, fields.title_bigrams),
        ];
        for (stream, (list, text, title)) in streams.into_iter().enumerate() {
            for term in list {
                let text = Term::from_field_text(text, &term.text);
                let title = Term::from_field_text(title, &term.text);
                let text_df = searcher.doc_freq(&text).or_fault(Fault::Corrupt, READING)?;
                let title_df = searcher.doc_freq(&title).or_fault(Fault::Corrupt, READING)?;
                let idf = norms.idf(text_df.max(title_df));
                mass[stream] += idf * term.weight;
                terms.push(BoundTerm {
                    term: term.clone(),
                    stream,
                    idf,
                    text,
                    title,
                });
            }
        }
        Ok(BoundQuery { terms, mass })
    }

    /// Each term's idf times its weight, words and bigrams apart, in the question's order.
    pub fn weighted_idf(&self) -> [Vec<f32>; 2] {
        [0, 1].map(|stream| {
            let terms = self.terms.iter().filter(|bound| bound.stream == stream);
            terms.map(|bound| bound.idf * bound.term.weight).collect()
        })
    }

    /// Exact scores of documents of one segment, given in ascending order with their field lengths; `visit` is told
    /// `(position in docs, term, score of the term)` for every match.
    fn score(
        &self,
        reader: &tantivy::SegmentReader,
        norms: &CollectionNorms,
        params: &Bm25Params,
        docs: &[(u32, u64)],
        mut visit: impl FnMut(usize, &BoundTerm, f32, f32),
    ) -> Result<()> {
        for bound in &self.terms {
            let mut text = Occurrences::open(reader, &bound.text)?;
            let mut title = Occurrences::open(reader, &bound.title)?;
            if text.is_empty() && title.is_empty() {
                continue;
            }
            for (at, &(doc, packed)) in docs.iter().enumerate() {
                let (in_text, in_title) = (text.frequency(doc), title.frequency(doc));
                if in_text + in_title == 0 {
                    continue;
                }
                let lengths = unpack_lengths(packed);
                let norm = |field: usize, b: f32| 1.0 - b + b * lengths[field] as f32 / norms.mean_lengths[field];
                let by_title = match in_title {
                    0 => 0.0,
                    tf => params.title * tf as f32 / norm(bound.stream, params.b_title),
                };
                let by_text = match in_text {
                    0 => 0.0,
                    tf => tf as f32 / norm(2 + bound.stream, params.b_text),
                };
                let factor = bound.idf * bound.term.weight;
                let saturated = |tf: f32| factor * tf / (params.k1 + tf);
                visit(at, bound, saturated(by_title + by_text), saturated(by_title));
            }
        }
        Ok(())
    }

    /// The exact evidence of documents of one segment; see [`Self::score`] for the arguments.
    pub fn evidence(
        &self,
        reader: &tantivy::SegmentReader,
        norms: &CollectionNorms,
        params: &Bm25Params,
        docs: &[(u32, u64)],
    ) -> Result<Vec<LexicalEvidence>> {
        let mut evidence = vec![LexicalEvidence::default(); docs.len()];
        self.score(reader, norms, params, docs, |at, bound, score, title| {
            let slot = &mut evidence[at];
            let share = bound.idf * bound.term.weight / self.mass[bound.stream].max(f32::MIN_POSITIVE);
            slot.title += title;
            if bound.stream == 0 {
                slot.words += score;
                slot.coverage += share;
            } else {
                slot.bigrams += score;
                slot.bigram_coverage += share;
            }
        })?;
        Ok(evidence)
    }

    /// What each term adds to one document, the strongest first.
    pub fn explain(
        &self,
        reader: &tantivy::SegmentReader,
        norms: &CollectionNorms,
        params: &Bm25Params,
        doc: (u32, u64),
    ) -> Result<Vec<TermScore>> {
        let mut found = Vec::new();
        self.score(reader, norms, params, &[doc], |_, bound, score, _| {
            found.push(TermScore {
                term: bound.term.clone(),
                is_word: bound.stream == 0,
                score,
            });
        })?;
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.term.text.cmp(&b.term.text)));
        Ok(found)
    }
}

/// The postings of one term in one segment, walked forward only.
struct Occurrences(Option<SegmentPostings>);

impl Occurrences {
    fn open(reader: &tantivy::SegmentReader, term: &Term) -> Result<Self> {
        let field: Field = term.field();
        let index: std::sync::Arc<InvertedIndexReader> =
            reader.inverted_index(field).or_fault(Fault::Corrupt, READING)?;
        let postings = index
            .read_postings(term, IndexRecordOption::WithFreqs)
            .or_fault(Fault::Corrupt, READING)?;
        Ok(Occurrences(postings))
    }

    fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How often the term occurs in the document. Documents must be asked for in ascending order.
    fn frequency(&mut self, doc: u32) -> u32 {
        match &mut self.0 {
            None => 0,
            Some(postings) => {
                if postings.doc() < doc {
                    postings.seek(doc);
                }
                if postings.doc() == doc { postings.term_freq() } else { 0 }
            }
        }
    }
}
