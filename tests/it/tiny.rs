//! A second engine behind the seam: in memory, exact, by the plainest code. It shares the formulas of `index::scoring`
//! with the embedded engine and nothing else, so what both answer alike is what the seam says, not what one engine does.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, RwLock};

use baowen::compute::Budget;
use baowen::error::{Error, Result};
use baowen::index::scoring::{Bm25, CollectionCounts, DenseScores, FIELDS, Mean, WeighedTerms, locality, timeliness};
use baowen::index::{
    About, ArticleRef, Asked, Backend, Candidate, DenseQuestion, Evidence, Identity, Judged, LexicalQuery, PassageKey,
    PassageRef, PreparedArticle, QuestionWeights, Snapshot, StoredPassage, TermScore, VectorChunk, Writer,
};
use baowen::model::{Article, Filter};
use baowen::profile::Bm25Params;
use baowen::text::Region;

/// A passage as it was written.
struct Passage {
    article: Article,
    hash: u64,
    stored: StoredPassage,
    vector: Vec<f32>,
    lengths: [u32; FIELDS],
    frequencies: [HashMap<String, u32>; FIELDS],
}

/// A passage in a commit. Deleted, it counts in what words weigh until all of its batch is.
#[derive(Clone)]
struct Kept {
    passage: Arc<Passage>,
    /// Which commit wrote it.
    batch: u64,
    live: bool,
}

/// The engine.
pub struct Tiny {
    current: RwLock<Arc<Commit>>,
    writing: Arc<Mutex<bool>>,
}

impl Tiny {
    /// Without any articles.
    pub fn new(identity: Identity) -> Arc<Self> {
        Arc::new(Tiny {
            current: RwLock::new(Arc::new(Commit::new(Vec::new(), 0, identity))),
            writing: Arc::default(),
        })
    }
}

impl Backend for Tiny {
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>> {
        Ok(self.current.read().unwrap().clone())
    }

    fn edition(&self) -> u64 {
        self.current.read().unwrap().about.commit
    }

    fn writer(self: Arc<Self>) -> Result<Box<dyn Writer>> {
        if std::mem::replace(&mut *self.writing.lock().unwrap(), true) {
            return Err(Error::precondition("somebody else writes"));
        }
        let kept = self.current.read().unwrap().kept.clone();
        Ok(Box::new(TinyWriter { engine: self, kept }))
    }
}

struct TinyWriter {
    engine: Arc<Tiny>,
    kept: Vec<Kept>,
}

impl Writer for TinyWriter {
    fn hash(&self, article_id: &str) -> Result<Option<u64>> {
        let mut live = self.kept.iter().filter(|kept| kept.live);
        let found = live.find(|kept| kept.passage.article.id == article_id);
        Ok(found.map(|kept| kept.passage.hash))
    }

    fn upsert(&mut self, prepared: PreparedArticle) -> Result<()> {
        self.delete(&prepared.article.id)?;
        let batch = self.engine.edition() + 1;
        for passage in prepared.passages {
            let count = |tokens: &Vec<baowen::text::Token>| {
                let mut counts = HashMap::new();
                tokens
                    .iter()
                    .for_each(|token| *counts.entry(token.text.clone()).or_default() += 1);
                counts
            };
            let passage = Arc::new(Passage {
                article: prepared.article.clone(),
                hash: prepared.hash,
                lengths: passage.tokens.each_ref().map(|tokens| tokens.len() as u32),
                frequencies: passage.tokens.each_ref().map(count),
                stored: passage.stored,
                vector: passage.vector,
            });
            let live = true;
            self.kept.push(Kept { passage, batch, live });
        }
        Ok(())
    }

    fn delete(&mut self, article_id: &str) -> Result<bool> {
        let was_there = self.hash(article_id)?.is_some();
        let gone = self
            .kept
            .iter_mut()
            .filter(|kept| kept.passage.article.id == article_id);
        gone.for_each(|kept| kept.live = false);
        Ok(was_there)
    }

    fn commit(&mut self) -> Result<u64> {
        let live: BTreeSet<u64> = self
            .kept
            .iter()
            .filter(|kept| kept.live)
            .map(|kept| kept.batch)
            .collect();
        self.kept.retain(|kept| live.contains(&kept.batch));
        let mut current = self.engine.current.write().unwrap();
        let (stamp, identity) = (current.about.commit + 1, current.about.identity.clone());
        *current = Arc::new(Commit::new(self.kept.clone(), stamp, identity));
        Ok(stamp)
    }

    fn rollback(&mut self) -> Result<()> {
        self.kept = self.engine.current.read().unwrap().kept.clone();
        Ok(())
    }
}

impl Drop for TinyWriter {
    fn drop(&mut self) {
        *self.engine.writing.lock().unwrap() = false;
    }
}

struct Commit {
    kept: Vec<Kept>,
    about: About,
    bm25: Bm25,
    mean: Mean,
}

impl Commit {
    fn new(kept: Vec<Kept>, commit: u64, identity: Identity) -> Self {
        let mut sums = vec![0f64; identity.dimension];
        for batch in kept.chunk_by(|a, b| a.batch == b.batch) {
            let mut sum = vec![0f32; identity.dimension];
            let vectors = batch.iter().flat_map(|kept| kept.passage.vector.iter().enumerate());
            vectors.for_each(|(at, x)| sum[at] += x);
            sums.iter_mut().zip(sum).for_each(|(sum, x)| *sum += f64::from(x));
        }
        let mean = Mean::new(&sums, kept.len() as u64);
        let tokens = std::array::from_fn(|field| kept.iter().map(|kept| u64::from(kept.passage.lengths[field])).sum());
        let live = || kept.iter().filter(|kept| kept.live);
        Commit {
            about: About {
                articles: live().filter(|kept| kept.passage.stored.ordinal == 0).count() as u64,
                passages: live().count() as u64,
                segments: 1,
                graphs: 0,
                bytes: 0,
                commit,
                identity,
                mean: mean.vector().clone(),
            },
            bm25: Bm25::new(Bm25Params::default(), CollectionCounts::new(kept.len() as u64, tokens)),
            mean,
            kept,
        }
    }
}

impl Snapshot for Commit {
    fn about(&self) -> &About {
        &self.about
    }

    fn ask(self: Arc<Self>, question: Arc<LexicalQuery>, filter: &Filter, budget: Budget) -> Result<Arc<dyn Asked>> {
        budget.check()?;
        let holding = |field: usize, term: &str| {
            let holds = |kept: &&Kept| kept.passage.frequencies[field].contains_key(term);
            self.kept.iter().filter(holds).count() as u64
        };
        let terms = WeighedTerms::new(&question, self.bm25.counts(), |stream, term| {
            Ok([holding(stream, &term.text), holding(2 + stream, &term.text)])
        })?;
        Ok(Arc::new(Question {
            allowed: (0..self.kept.len())
                .filter(|&at| self.kept[at].live && passes(filter, &self.kept[at]))
                .collect(),
            weights: terms.weights(),
            terms,
            question,
            commit: self,
        }))
    }

    fn article(&self, id: &str) -> Result<Option<Article>> {
        let mut live = self.kept.iter().filter(|kept| kept.live);
        let found = live.find(|kept| kept.passage.article.id == id);
        Ok(found.map(|kept| kept.passage.article.clone()))
    }

    fn article_ids(&self) -> Result<Vec<String>> {
        let live = self.kept.iter().filter(|kept| kept.live);
        let ids: BTreeSet<String> = live.map(|kept| kept.passage.article.id.clone()).collect();
        Ok(ids.into_iter().collect())
    }

    fn export_vectors(&self, _: Budget, take: &mut dyn FnMut(VectorChunk) -> Result<()>) -> Result<()> {
        for kept in self
            .kept
            .iter()
            .filter(|kept| kept.live && !kept.passage.vector.is_empty())
        {
            take(VectorChunk {
                keys: vec![key(kept)],
                vectors: kept.passage.vector.clone(),
            })?;
        }
        Ok(())
    }
}

fn passes(filter: &Filter, kept: &Kept) -> bool {
    let (article, stored) = (&kept.passage.article, &kept.passage.stored);
    let one_of = |wanted: &[String], held: &[&str]| {
        wanted.is_empty() || wanted.iter().any(|wanted| held.contains(&wanted.as_str()))
    };
    let regions: Vec<String> = stored.regions.iter().flat_map(Region::keys).collect();
    let regions: Vec<&str> = regions.iter().map(String::as_str).collect();
    let dated = filter.published_from.is_some() || filter.published_to.is_some();
    one_of(&filter.article_ids, &[&article.id])
        && one_of(
            &filter.sources,
            &article.source.as_deref().into_iter().collect::<Vec<_>>(),
        )
        && one_of(&filter.regions, &regions)
        && (filter.years.is_empty() || filter.years.iter().any(|year| stored.years.contains(year)))
        && (!dated || article.published.is_some())
        && filter.published_from.is_none_or(|from| article.published >= Some(from))
        && filter.published_to.is_none_or(|to| article.published <= Some(to))
}

fn key(kept: &Kept) -> PassageKey {
    PassageKey {
        article: kept.passage.article.id.as_str().into(),
        ordinal: kept.passage.stored.ordinal,
    }
}

struct Question {
    commit: Arc<Commit>,
    question: Arc<LexicalQuery>,
    terms: WeighedTerms,
    weights: QuestionWeights,
    allowed: Vec<usize>,
}

impl Question {
    fn passage(&self, passage: PassageRef) -> &Passage {
        &self.commit.kept[passage.0 as usize].passage
    }

    /// How often each term stands in title and text.
    fn frequencies(&self, passage: &Passage) -> Vec<[u32; 2]> {
        let of = |field: usize, term: &str| passage.frequencies[field].get(term).copied().unwrap_or(0);
        let terms = self.terms.terms().iter();
        terms
            .map(|t| [of(t.stream, &t.term.text), of(2 + t.stream, &t.term.text)])
            .collect()
    }

    /// The best of those allowed whose score is above the floor.
    fn best(&self, k: usize, floor: f32, score: impl Fn(&Passage) -> f32) -> Vec<Candidate> {
        let candidate = |&at: &usize| Candidate {
            passage: PassageRef(at as u64),
            score: score(&self.commit.kept[at].passage),
        };
        let mut found: Vec<Candidate> = self.allowed.iter().map(candidate).filter(|c| c.score > floor).collect();
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
        budget.check()?;
        Ok(self.best(k, 0.0, |passage| {
            let scores = self
                .terms
                .scores(&self.commit.bm25, &passage.lengths, &self.frequencies(passage));
            scores.words + scores.bigrams
        }))
    }

    fn dense(&self, vector: &[f32], k: usize, _: Option<usize>, budget: Budget) -> Result<Vec<Candidate>> {
        budget.check()?;
        if vector.len() != self.commit.about.identity.dimension {
            return Ok(Vec::new());
        }
        Ok(self.best(k, f32::NEG_INFINITY, |p| {
            p.vector.iter().zip(vector).map(|(a, b)| a * b).sum()
        }))
    }

    fn judge(&self, dense: Option<&DenseQuestion>, passages: &[PassageRef], budget: Budget) -> Result<Vec<Judged>> {
        budget.check()?;
        let dense = dense.map(|dense| self.commit.mean.bind(dense));
        let regions = self.question.regions.iter();
        let places: Vec<_> = regions
            .map(|r| ((&r.province, None), r.city.as_ref().map(|c| (&r.province, Some(c)))))
            .collect();
        let judge = |&named: &PassageRef| {
            let passage = self.passage(named);
            let held = &passage.stored.regions;
            let first = |kept: &Kept| kept.live && kept.passage.article.id == passage.article.id;
            Judged {
                article: ArticleRef(self.commit.kept.iter().position(first).unwrap() as u64),
                ordinal: passage.stored.ordinal,
                evidence: Evidence::new(
                    self.terms
                        .scores(&self.commit.bm25, &passage.lengths, &self.frequencies(passage)),
                    dense
                        .as_ref()
                        .map_or_else(DenseScores::default, |dense| dense.score(&passage.vector)),
                    &passage.lengths,
                    locality(&places, |place| match place {
                        None => !held.is_empty(),
                        Some((province, None)) => held.iter().any(|r| r.province == **province),
                        Some((province, Some(city))) => held
                            .iter()
                            .any(|r| r.province == **province && r.city.as_ref() == Some(*city)),
                    }),
                    timeliness(&self.question.years, passage.stored.years.iter().copied()),
                ),
            }
        };
        Ok(passages.iter().map(judge).collect())
    }

    fn keys(&self, passages: &[PassageRef]) -> Result<Vec<PassageKey>> {
        Ok(passages.iter().map(|p| key(&self.commit.kept[p.0 as usize])).collect())
    }

    fn fetch(&self, passages: &[PassageRef], budget: Budget) -> Result<Vec<StoredPassage>> {
        budget.check()?;
        Ok(passages
            .iter()
            .map(|&passage| self.passage(passage).stored.clone())
            .collect())
    }

    fn explain(&self, passages: &[PassageRef], budget: Budget) -> Result<Vec<Vec<TermScore>>> {
        budget.check()?;
        let explain = |&passage: &PassageRef| {
            let passage = self.passage(passage);
            self.terms
                .explain(&self.commit.bm25, &passage.lengths, &self.frequencies(passage))
        };
        Ok(passages.iter().map(explain).collect())
    }
}
