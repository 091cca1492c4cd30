//! A second engine behind the seam: in memory, exact, by the plainest code. It shares the formulas of `index::scoring`
//! with the embedded engine and nothing else, so what both answer alike is what the seam says, not what one engine
//! does.

use std::collections::{BTreeSet, HashSet};
use std::ops::Deref;
use std::sync::{Arc, Mutex, RwLock};

use baowen::compute::Budget;
use baowen::error::{Error, Result};
use baowen::index::scoring::{self, Bm25, CollectionCounts, DenseScores, FIELDS, Quantised, STREAMS, WeighedTerms};
use baowen::index::{
    About, ArticleRef, Asked, Backend, Candidate, Evidence, Identity, Judged, LexicalQuery, PassageRef,
    PreparedArticle, PreparedPassage, QuestionWeights, Snapshot, SourceTable, StoredPassage, TermScore, Writer,
};
use baowen::model::{Article, Filter, Origin};
use baowen::profile::Bm25Params;
use baowen::text::ProductName;

/// A passage by its place in an article as it was written, and by which commit.
#[derive(Clone)]
struct Passage {
    commit: u64,
    of: Arc<PreparedArticle>,
    at: usize,
}

/// Passages in the order in which they were written, and whether each is live. A deleted one counts in what words weigh
/// until all that its commit wrote is deleted, as in an engine that keeps segments.
type Passages = Vec<(Passage, bool)>;

fn live(passages: &[(Passage, bool)]) -> impl Iterator<Item = &Passage> {
    passages.iter().filter_map(|(passage, live)| live.then_some(passage))
}

fn article<'a>(passages: &'a [(Passage, bool)], id: &str) -> Option<&'a PreparedArticle> {
    live(passages)
        .find(|passage| passage.id() == id)
        .map(|passage| &*passage.of)
}

impl Deref for Passage {
    type Target = PreparedPassage;

    fn deref(&self) -> &PreparedPassage {
        &self.of.passages[self.at]
    }
}

impl Passage {
    fn id(&self) -> &str {
        &self.of.article.id
    }

    /// How often a term stands in title and text.
    fn count(&self, stream: usize, term: &str) -> [u64; 2] {
        let stands = |field: usize| self.tokens[field].iter().filter(|t| t.text == term).count();
        [stream, STREAMS + stream].map(|field| stands(field) as u64)
    }

    fn lengths(&self) -> [u32; FIELDS] {
        self.tokens.each_ref().map(|tokens| tokens.len() as u32)
    }
}

/// The engine.
pub struct Tiny {
    /// Whether a deleted passage counts no more in what words weigh, as in an engine that takes it off its counts.
    counts_live: bool,
    current: RwLock<Arc<Commit>>,
    sources: Mutex<SourceTable>,
    has_writer: Mutex<bool>,
}

impl Tiny {
    /// Without any articles.
    pub fn new(identity: Identity) -> Arc<Self> {
        Self::counting(false, identity)
    }

    /// The same, counting what is live alone.
    #[cfg(feature = "milvus")]
    pub fn counting_live(identity: Identity) -> Arc<Self> {
        Self::counting(true, identity)
    }

    fn counting(counts_live: bool, identity: Identity) -> Arc<Self> {
        Arc::new(Tiny {
            counts_live,
            current: RwLock::new(Arc::new(Commit::new(Vec::new(), 0, identity))),
            sources: Mutex::default(),
            has_writer: Mutex::default(),
        })
    }

    fn current(&self) -> Arc<Commit> {
        self.current.read().unwrap().clone()
    }
}

impl Backend for Tiny {
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>> {
        Ok(self.current())
    }

    fn edition(&self) -> u64 {
        self.current().about.commit
    }

    fn source_table(&self) -> Result<SourceTable> {
        Ok(self.sources.lock().unwrap().clone())
    }

    fn writer(self: Arc<Self>) -> Result<Box<dyn Writer>> {
        if std::mem::replace(&mut *self.has_writer.lock().unwrap(), true) {
            return Err(Error::precondition("somebody else writes"));
        }
        let passages = self.current().passages.clone();
        let sources = self.sources.lock().unwrap().clone();
        Ok(Box::new(TinyWriter {
            engine: self,
            passages,
            sources,
        }))
    }
}

struct TinyWriter {
    engine: Arc<Tiny>,
    passages: Passages,
    sources: SourceTable,
}

impl Writer for TinyWriter {
    fn hash(&self, article_id: &str) -> Result<Option<u64>> {
        Ok(article(&self.passages, article_id).map(|found| found.hash))
    }

    fn origin(&self, article_id: &str) -> Result<Option<Origin>> {
        Ok(article(&self.passages, article_id).and_then(|found| found.article.origin.clone()))
    }

    fn source_table(&mut self) -> &mut SourceTable {
        &mut self.sources
    }

    fn upsert(&mut self, prepared: PreparedArticle) -> Result<()> {
        self.delete(&prepared.article.id)?;
        let (commit, of) = (self.engine.edition() + 1, Arc::new(prepared));
        let at = 0..of.passages.len();
        let passage = |at| Passage {
            commit,
            of: of.clone(),
            at,
        };
        self.passages.extend(at.map(|at| (passage(at), true)));
        Ok(())
    }

    fn delete(&mut self, article_id: &str) -> Result<bool> {
        let was_there = self.hash(article_id)?.is_some();
        for (passage, live) in &mut self.passages {
            *live &= passage.id() != article_id;
        }
        Ok(was_there)
    }

    fn commit(&mut self) -> Result<u64> {
        let commits: HashSet<u64> = live(&self.passages).map(|passage| passage.commit).collect();
        let counts_live = self.engine.counts_live;
        self.passages
            .retain(|(passage, live)| *live || !counts_live && commits.contains(&passage.commit));
        let mut current = self.engine.current.write().unwrap();
        let (stamp, identity) = (current.about.commit + 1, current.about.identity.clone());
        *current = Arc::new(Commit::new(self.passages.clone(), stamp, identity));
        let SourceTable { sources, runs } = &mut self.sources;
        runs.retain(|name, _| sources.get(name).is_some());
        *self.engine.sources.lock().unwrap() = self.sources.clone();
        Ok(stamp)
    }

    fn rollback(&mut self) -> Result<u64> {
        self.passages = self.engine.current().passages.clone();
        self.sources = self.engine.sources.lock().unwrap().clone();
        Ok(self.engine.edition())
    }
}

impl Drop for TinyWriter {
    fn drop(&mut self) {
        *self.engine.has_writer.lock().unwrap() = false;
    }
}

struct Commit {
    passages: Passages,
    about: About,
    bm25: Bm25,
}

impl Commit {
    fn new(passages: Passages, commit: u64, identity: Identity) -> Self {
        let length = |field: usize| passages.iter().map(|(p, _)| p.tokens[field].len() as u64).sum();
        let counts = CollectionCounts::new(passages.len() as u64, std::array::from_fn(length));
        let firsts = live(&passages).filter(|p| p.stored.ordinal == 0);
        Commit {
            about: About {
                articles: firsts.count() as u64,
                passages: live(&passages).count() as u64,
                segments: 1,
                graphs: 0,
                bytes: 0,
                commit,
                identity,
            },
            bm25: Bm25::new(Bm25Params::default(), counts),
            passages,
        }
    }

    /// How many passages hold a term in their title and in their text.
    fn holders(&self, stream: usize, term: &str) -> [u64; 2] {
        let counts = self.passages.iter().map(|(passage, _)| passage.count(stream, term));
        counts.fold([0, 0], |[a, b], [title, text]| [a + title.min(1), b + text.min(1)])
    }
}

impl Snapshot for Commit {
    fn about(&self) -> &About {
        &self.about
    }

    fn ask(self: Arc<Self>, question: Arc<LexicalQuery>, filter: &Filter, budget: Budget) -> Result<Arc<dyn Asked>> {
        budget.check()?;
        let counts = self.bm25.counts();
        let terms = WeighedTerms::new(&question, counts, |stream, term| Ok(self.holders(stream, &term.text)))?;
        let named = (0..).map(PassageRef).zip(&self.passages);
        let allowed = named.filter(|(_, (passage, live))| *live && passage.stored.passes(filter));
        Ok(Arc::new(Question {
            allowed: allowed.map(|(named, _)| named).collect(),
            weights: terms.weights(),
            terms,
            question,
            commit: self,
        }))
    }

    fn holding(&self, terms: &[&str], _: Budget) -> Result<Vec<u64>> {
        let holding = |term: &&str| self.holders(1, term).into_iter().max();
        Ok(terms.iter().filter_map(holding).collect())
    }

    fn product_titles(&self) -> Option<Vec<Arc<[String]>>> {
        let is_product = |title: &&String| ProductName::of(title).is_some_and(|name| !name.keys().is_empty());
        let titles = live(&self.passages).map(|passage| &passage.stored.title);
        let titles: BTreeSet<&String> = titles.filter(is_product).collect();
        Some(vec![titles.into_iter().cloned().collect()])
    }

    fn article(&self, id: &str, _: Budget) -> Result<Option<Article>> {
        Ok(article(&self.passages, id).map(|found| found.article.clone()))
    }

    fn passages(&self, id: &str, _: Budget) -> Result<Vec<(StoredPassage, Vec<f32>)>> {
        let of = live(&self.passages).filter(|passage| passage.id() == id);
        // An article's passages are written together, in their order.
        Ok(of
            .map(|passage| (passage.stored.clone(), passage.vector.clone()))
            .collect())
    }

    fn origins(&self, _: Budget, each: &mut dyn FnMut(&str, Option<Origin>) -> Result<()>) -> Result<()> {
        let mut firsts = live(&self.passages).filter(|passage| passage.stored.ordinal == 0);
        firsts.try_for_each(|passage| each(passage.id(), passage.of.article.origin.clone()))
    }
}

struct Question {
    commit: Arc<Commit>,
    question: Arc<LexicalQuery>,
    terms: WeighedTerms,
    weights: QuestionWeights,
    allowed: Vec<PassageRef>,
}

impl Question {
    /// What `tell` tells of each of the passages.
    fn each<T>(&self, passages: &[PassageRef], budget: Budget, tell: impl Fn(&Passage) -> T) -> Result<Vec<T>> {
        budget.check()?;
        let told = |passage: &PassageRef| tell(&self.commit.passages[passage.0 as usize].0);
        Ok(passages.iter().map(told).collect())
    }

    fn frequencies(&self, passage: &Passage) -> Vec<[u32; 2]> {
        let count = |stream, term: &str| passage.count(stream, term).map(|n| n as u32);
        let terms = self.terms.terms().iter();
        terms.map(|t| count(t.stream, &t.term.text)).collect()
    }

    /// The best `k` of all that are allowed and score above the floor.
    fn best(&self, k: usize, judged: Vec<Judged>, floor: f32, score: fn(&Evidence) -> f32) -> Vec<Candidate> {
        let scores = judged.iter().map(|judged| score(&judged.evidence));
        let found = self.allowed.iter().zip(scores).filter(|(_, score)| *score > floor);
        let mut found: Vec<_> = found.map(|(&passage, score)| Candidate { passage, score }).collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        found.truncate(k);
        found
    }
}

impl Asked for Question {
    fn weights(&self) -> &QuestionWeights {
        &self.weights
    }

    fn lexical(&self, k: usize, budget: Budget) -> Result<Vec<Candidate>> {
        let judged = self.judge(None, &self.allowed, budget)?;
        Ok(self.best(k, judged, 0.0, |evidence| evidence.words + evidence.bigrams))
    }

    fn titled(&self, titles: &[&str], _: Budget) -> Result<Vec<PassageRef>> {
        let is_of = |passage: &&PassageRef| {
            let title = &self.commit.passages[passage.0 as usize].0.stored.title;
            titles.contains(&title.as_str())
        };
        Ok(self.allowed.iter().filter(is_of).copied().collect())
    }

    fn dense(&self, vector: &[f32], k: usize, _: Option<usize>, budget: Budget) -> Result<Vec<Candidate>> {
        if vector.len() != self.commit.about.identity.dimension {
            return Ok(Vec::new());
        }
        let judged = self.judge(Some(vector), &self.allowed, budget)?;
        Ok(self.best(k, judged, f32::NEG_INFINITY, |evidence| evidence.cosine))
    }

    fn judge(&self, vector: Option<&[f32]>, passages: &[PassageRef], budget: Budget) -> Result<Vec<Judged>> {
        let question = vector.map(Quantised::new);
        self.each(passages, budget, |passage| {
            let is_of_article = |(other, live): &(Passage, bool)| *live && other.of.article.id == passage.of.article.id;
            let (vector, windows) = (&passage.vector, &passage.windows);
            let windows = windows.vectors(vector.len());
            let scores = question
                .as_ref()
                .map(|question| DenseScores::new(question, vector, windows));
            Judged {
                article: ArticleRef(self.commit.passages.iter().position(is_of_article).unwrap() as u64),
                ordinal: passage.stored.ordinal,
                evidence: Evidence::new(
                    (self.terms).scores(&self.commit.bm25, &passage.lengths(), &self.frequencies(passage)),
                    scores.unwrap_or_default(),
                    &passage.lengths(),
                    scoring::locality_of_regions(&self.question.regions, &passage.stored.regions),
                    scoring::timeliness(&self.question.years, passage.stored.years.iter().copied()),
                    passage.stored.validity,
                ),
            }
        })
    }

    fn fetch(&self, passages: &[PassageRef], budget: Budget) -> Result<Vec<StoredPassage>> {
        self.each(passages, budget, |passage| passage.stored.clone())
    }

    fn windows(&self, vector: &[f32], passages: &[PassageRef]) -> Result<Vec<Vec<f32>>> {
        let question = Quantised::new(vector);
        self.each(passages, Budget::single(), |passage| {
            let windows = passage.windows.vectors(passage.vector.len());
            windows.cosines(&question, question.cosine(&passage.vector)).collect()
        })
    }

    fn explain(&self, passages: &[PassageRef], budget: Budget) -> Result<Vec<Vec<TermScore>>> {
        self.each(passages, budget, |passage| {
            (self.terms).explain(&self.commit.bm25, &passage.lengths(), &self.frequencies(passage))
        })
    }
}
