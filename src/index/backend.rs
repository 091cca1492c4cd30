//! What a search asks of an index, whatever keeps it: candidates, exact scores, texts, counts.
//!
//! The embedded index is the implementation here; a distributed engine would be another. Fusion and everything after
//! it stand above this and are shared by all of them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::embedded::schema::Identity;
use crate::error::Result;
use crate::model::{Article, ArticleKind, Date, Filter};
use crate::text::{QueryTerm, Region, Token};

/// A passage as one snapshot names it; means nothing in another snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PassageRef(pub u64);

/// An article as one snapshot names it; means nothing in another snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArticleRef(pub u64);

/// A passage that a retriever found, with that retriever's own score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Which passage.
    pub passage: PassageRef,
    /// Higher is better; comparable within the list only.
    pub score: f32,
}

/// What a question says: its words in both token streams, the places and the years it names.
#[derive(Debug, Clone, Default)]
pub struct LexicalQuery {
    /// Dictionary words and canonical terms.
    pub words: Vec<QueryTerm>,
    /// Character bigrams.
    pub bigrams: Vec<QueryTerm>,
    /// Regions it names; they rank, they do not filter.
    pub regions: Vec<Region>,
    /// Years it names; they rank, they do not filter.
    pub years: Vec<u16>,
}

/// A question by meaning: its vector, and a second vector that a learned adapter makes of it.
#[derive(Debug, Clone, Copy)]
pub struct DenseQuestion<'a> {
    /// The L2-normalised vector.
    pub vector: &'a [f32],
    /// u of [`Evidence::adapted`], as long as the vector; none where nothing was learned for the index's model.
    pub adapted: Option<&'a [f32]>,
}

impl<'a> From<&'a [f32]> for DenseQuestion<'a> {
    /// The vector alone.
    fn from(vector: &'a [f32]) -> Self {
        DenseQuestion { vector, adapted: None }
    }
}

/// Exact scores of one passage for one question, all of them computed, none guessed.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Evidence {
    /// BM25F over title and text, dictionary words.
    pub words: f32,
    /// BM25F over title and text, character bigrams.
    pub bigrams: f32,
    /// What `words` and `bigrams` together would be by the title alone.
    pub title: f32,
    /// Share of the question's idf mass (words) that the passage holds, 0 to 1.
    pub coverage: f32,
    /// Share of the question's idf mass (bigrams) that the passage holds, 0 to 1.
    pub bigram_coverage: f32,
    /// Cosine of question and passage; 0 if either has no vector.
    pub cosine: f32,
    /// Cosine after the collection's mean vector is taken off both; 0 if either has no vector.
    pub centered: f32,
    /// `u · (p - m) / |p - m|` for the question's adapted vector u, the passage's p and the collection's mean m; 0 if
    /// any of them is missing.
    pub adapted: f32,
    /// Tokens of the passage's text (bigram stream).
    pub length: u32,
    /// Whether the article has a title.
    pub titled: bool,
    /// How the passage's regions meet those asked for: 1 the same, 0.3 the same province, 0 if either names none, -1
    /// elsewhere.
    pub locality: f32,
    /// How the passage's years meet those asked for: 1 if one is the same, 0 if either names none, -1 if none is.
    pub timeliness: f32,
}

/// Exact scores of some passages for one question, with what they are measured against.
#[derive(Debug, Clone, Default)]
pub struct EvidenceSet {
    /// In the order the passages were named.
    pub passages: Vec<Evidence>,
    /// What `words + bigrams` can never exceed for this question: BM25F saturates at the sum of weighted idf.
    pub lexical_bound: f32,
    /// Weighted idf of each of the question's words, in their order.
    pub word_idf: Vec<f32>,
    /// Weighted idf of each of the question's bigrams, in their order.
    pub bigram_idf: Vec<f32>,
}

/// What one term adds to a passage's exact lexical score.
#[derive(Debug, Clone, PartialEq)]
pub struct TermScore {
    /// The query term.
    pub term: QueryTerm,
    /// Whether it is a word; else it is a bigram.
    pub is_word: bool,
    /// Weighted BM25F.
    pub score: f32,
}

/// A passage as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPassage {
    /// The article it is from.
    pub article_id: String,
    /// Place among the article's passages.
    pub ordinal: u32,
    /// The article's title.
    pub title: String,
    /// Headings above the passage.
    pub heading: String,
    /// The text.
    pub text: String,
    /// First character in the article's text.
    pub start: u32,
    /// One past the last character.
    pub end: u32,
    /// Address of the article.
    pub url: Option<String>,
    /// Publisher.
    pub source: Option<String>,
    /// Day of publication.
    pub published: Option<Date>,
    /// Whole article or summary.
    pub kind: ArticleKind,
    /// Provinces and cities the passage is about: each `(province, city)`, the city empty if only the province is named.
    #[serde(default)]
    pub regions: Vec<(String, String)>,
    /// Years the passage is about.
    #[serde(default)]
    pub years: Vec<u16>,
}

/// Counts of an index at one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Articles.
    pub articles: u64,
    /// Passages.
    pub passages: u64,
    /// Segments.
    pub segments: u64,
    /// Segments whose vectors are searched through a graph.
    pub graphs: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// The commit's operation stamp.
    pub commit: u64,
    /// What the index was made by.
    pub identity: Identity,
}

/// One commit of an index, as long as it is held.
pub trait Snapshot: Send + Sync {
    /// The commit's operation stamp.
    fn commit(&self) -> u64;

    /// What the index was made by.
    fn identity(&self) -> &Identity;

    /// Passages, deleted ones included as long as they take room.
    fn passages(&self) -> u64;

    /// The collection's mean vector as centred scores use it; empty if the index holds no vectors.
    fn mean(&self) -> &[f32];

    /// A passage's vector as it was indexed; empty if the index holds no vectors.
    fn vector(&self, passage: PassageRef) -> Result<&[f32]>;

    /// Looks a question's terms up, once for everything that is asked about them.
    fn bind(self: Arc<Self>, query: Arc<LexicalQuery>) -> Result<Arc<dyn BoundQuery>>;

    /// The best `k` passages by cosine with an L2-normalised vector among those the filter lets through, best first.
    /// `ef` is the breadth of a graph search.
    fn dense(&self, vector: &[f32], filter: &Filter, k: usize, ef: Option<usize>) -> Result<Vec<Candidate>>;

    /// Article and ordinal of the named passages, in their order: cheap, for grouping.
    fn articles(&self, passages: &[PassageRef]) -> Result<Vec<(ArticleRef, u32)>>;

    /// Article id and ordinal of the named passages, in their order: for ties and for people.
    fn keys(&self, passages: &[PassageRef]) -> Result<Vec<(Arc<str>, u32)>>;

    /// The passages as they are shown, in the order named.
    fn fetch(&self, passages: &[PassageRef]) -> Result<Vec<StoredPassage>>;

    /// A whole article.
    fn article(&self, id: &str) -> Result<Option<Article>>;

    /// Ids of all articles, sorted.
    fn article_ids(&self) -> Result<Vec<String>>;

    /// Counts.
    fn stats(&self) -> Result<Stats>;
}

/// A question's terms, looked up in one snapshot.
pub trait BoundQuery: Send + Sync {
    /// The best `k` passages by words among those the filter lets through, best first. The score is the index's
    /// own; [`BoundQuery::evidence`] has the exact one.
    fn lexical(&self, filter: &Filter, k: usize) -> Result<Vec<Candidate>>;

    /// Exact scores of the named passages, in their order. Without a vector the dense scores are 0.
    fn evidence(&self, question: Option<DenseQuestion>, passages: &[PassageRef]) -> Result<EvidenceSet>;

    /// What each query term adds to one passage's lexical score, the strongest first.
    fn explain(&self, passage: PassageRef) -> Result<Vec<TermScore>>;
}

/// Something that keeps passages and gives snapshots of them.
pub trait Backend: Send + Sync {
    /// The newest finished commit.
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>>;

    /// Grows whenever an equal question may get another answer: after a newer commit has taken its place, and after
    /// something that searches go by has been loaded into the same one. A search that began at one edition saw nothing
    /// older than it. Must be cheap.
    fn edition(&self) -> u64;
}

/// A passage ready to be written: how it is shown, its tokens and its vector.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedPassage {
    /// As it is shown.
    pub stored: StoredPassage,
    /// Title words, title bigrams, text words, text bigrams; the title with the headings.
    pub tokens: [Vec<Token>; 4],
    /// L2-normalised, of the index's dimension; empty where the index keeps no vectors.
    pub vector: Vec<f32>,
}

/// An article ready to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedArticle {
    /// As it came.
    pub article: Article,
    /// Fingerprint of everything it says.
    pub hash: u64,
    /// In their order, at least one.
    pub passages: Vec<PreparedPassage>,
}

/// The one writer of an index. Nothing it was given is visible or durable before [`Writer::commit`]; dropped before
/// that, it leaves the last commit as it was.
pub trait Writer: Send {
    /// The fingerprint of an article as the next commit would have it; `None` if it would have none.
    fn hash(&self, article_id: &str) -> Result<Option<u64>>;

    /// Writes an article in place of one of the same id, whether or not it differs.
    ///
    /// # Errors
    /// [`Fault::Caller`](crate::error::Fault::Caller) if the article is refused, with nothing of it taken and all others
    /// kept; after any other error only [`Writer::rollback`] makes sure of what is there.
    fn upsert(&mut self, article: PreparedArticle) -> Result<()>;

    /// Removes an article; whether it was there.
    fn delete(&mut self, article_id: &str) -> Result<bool>;

    /// Makes everything since the last commit durable and visible, all of it or none. Returns the commit's stamp.
    fn commit(&mut self) -> Result<u64>;

    /// Forgets everything since the last commit.
    fn rollback(&mut self) -> Result<()>;
}
