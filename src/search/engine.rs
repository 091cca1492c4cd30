//! The whole of a search: a checked request through analysis, both retrievers, exact scores, fusion and grouping to an
//! answer. Wiring and timing only; every step's own rules are in its own file. Knows no wire format.

use std::sync::Arc;
use std::time::Instant;

use super::confidence::signs;
use super::fusion::Fusion;
use super::group;
use super::highlight::TermFinder;
use super::ranking::Ranking;
use super::request::{Mode, SearchRequest};
use super::response::{Provenance, SearchResponse, Timings};
use super::score::{Retrieved, rule, score};
use super::shown::Showing;
use crate::compute::{Budget, Cores, UnderWay, both, elsewhere};
use crate::embed::{Embedder, QuestionCache};
use crate::error::{Error, Result};
use crate::index::{Backend, BoundQuery, Evidence, HALVED, LexicalQuery, PassageRef, Snapshot};
use crate::text::Analyzer;

/// Candidates taken from each ranking if the request does not say.
pub const DEFAULT_CANDIDATES: usize = 100;

/// By how much longer the lists are where they were too short.
const DEEPER: usize = 4;
/// Where lists stop growing.
const DEEPEST: usize = 10_000;

/// From so many passages on both rankings take longer than waking another thread.
const MANY_PASSAGES: u64 = 50_000;

/// Questions whose vectors are remembered: a page of answers, a second page, a reload cost one embedding.
const REMEMBERED_QUESTIONS: usize = 4_096;

/// Answers questions over a backend.
pub struct Engine {
    backend: Arc<dyn Backend>,
    analyzer: Arc<Analyzer>,
    embedder: Option<Arc<dyn Embedder>>,
    asked: QuestionCache,
    ranking: Ranking,
    cores: Cores,
}

/// A candidate and everything it is judged by.
#[derive(Debug, Clone)]
pub struct JudgedBy {
    /// As the snapshot names it that was newest when it was judged.
    pub passage: PassageRef,
    /// The article it is from.
    pub article: Arc<str>,
    /// Its place in the article.
    pub ordinal: u32,
    /// Its exact scores.
    pub evidence: Evidence,
    /// What its lexical score can never exceed.
    pub lexical_bound: f32,
}

impl Engine {
    /// An engine; without an embedder it answers by words alone and says so.
    pub fn new(backend: Arc<dyn Backend>, analyzer: Arc<Analyzer>, embedder: Option<Arc<dyn Embedder>>) -> Self {
        Engine {
            backend,
            analyzer,
            embedder,
            asked: QuestionCache::new(REMEMBERED_QUESTIONS),
            ranking: Ranking::shipped(),
            cores: Cores::new(),
        }
    }

    /// The same engine ranking by another profile than the one compiled in.
    ///
    /// # Errors
    /// `Precondition` if its adapter was not made for the model of the index; as [`Backend::snapshot`].
    pub fn with_ranking(mut self, ranking: Ranking) -> Result<Self> {
        if let Some(adapter) = &ranking.adapter {
            adapter.check(self.backend.snapshot()?.identity())?;
        }
        self.ranking = ranking;
        Ok(self)
    }

    /// What it ranks by.
    pub fn ranking(&self) -> &Ranking {
        &self.ranking
    }

    /// The index behind it.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    /// Answers one question.
    ///
    /// # Errors
    /// `Caller` for a request that cannot be answered, `Deadline` if nobody waits any more, `Corrupt` if the index is
    /// damaged. A failing model is no error: the answer is by words and says so.
    pub fn search(&self, request: &SearchRequest) -> Result<SearchResponse> {
        let begin = Instant::now();
        let mut timings = Timings::default();
        let under_way = self.cores.enter();
        request.check()?;
        request.check_deadline()?;
        let snapshot = self.backend.snapshot()?;

        let query = self.analyze(request);
        timings.analyze = begin.elapsed();
        let bound = Arc::clone(&snapshot).bind(Arc::clone(&query))?;

        let fusion = Fusion::of(&request.fusion, &self.ranking.weights, &self.ranking.fusion);
        let reach = request.offset + request.wanted();
        let mut depth = depth(request, reach);
        let (retrieved, scored, groups, started) = loop {
            let retrieved = self.retrieve(&*snapshot, request, &bound, depth, &under_way, &mut timings)?;
            request.check_deadline()?;
            let started = Instant::now();
            let rule = rule(request.mode, retrieved.vector.is_some());
            let scored = score(&*snapshot, rule, &bound, &retrieved, &fusion, under_way.beside(false))?;
            let groups = group::order(&scored.ranked, request.grouping, |tied| {
                let passages: Vec<PassageRef> = tied.iter().map(|&at| scored.passages[at]).collect();
                snapshot.keys(&passages)
            })?;
            // Long articles can fill both lists with few articles; then the lists have to be longer.
            let exhausted = retrieved.lexical.len() < depth && retrieved.dense.len() < depth;
            if groups.len() >= reach || exhausted || depth >= DEEPEST {
                break (retrieved, scored, groups, started);
            }
            depth *= DEEPER;
        };
        let answerable = retrieved.vector.as_ref().and_then(|_| {
            let evidence = &scored.evidence.passages;
            let signs = signs(evidence.iter(), groups.iter().map(|&at| &evidence[at]));
            self.ranking.answerable(snapshot.identity(), signs)
        });
        timings.fuse = started.elapsed();
        request.check_deadline()?;

        let started = Instant::now();
        let page: Vec<usize> = groups
            .iter()
            .copied()
            .skip(request.offset)
            .take(request.wanted())
            .collect();
        let showing = Showing {
            snapshot: &*snapshot,
            request,
            query: &*bound,
            scored: &scored,
            finder: &TermFinder::new(&request.query, &query, &scored.evidence),
        };
        let hits = showing.hits(&page)?;
        timings.assemble = started.elapsed();
        timings.total = begin.elapsed();
        Ok(SearchResponse {
            hits,
            candidates: scored.ranked.len(),
            degraded: retrieved.degraded,
            answerable,
            timings,
            provenance: Provenance {
                commit: snapshot.commit(),
                analysis: snapshot.identity().analysis.clone(),
                model: snapshot.identity().embedder.clone(),
                weights: match scored.rule {
                    Mode::Hybrid => match &self.ranking.adapter {
                        Some(adapter) if retrieved.adapted.is_some() && fusion.weighs_adapter() => {
                            format!("{} adapter={:016x}", fusion.describe(), adapter.fingerprint())
                        }
                        _ => fusion.describe(),
                    },
                    Mode::Lexical => "lexical: words + bigrams".into(),
                    Mode::Dense => "dense: centred cosine".into(),
                },
            },
        })
    }

    /// Every candidate of a question with its exact scores, in no meaningful order: what weights are learned from.
    ///
    /// # Errors
    /// As [`Engine::search`].
    pub fn candidates(&self, request: &SearchRequest) -> Result<Vec<JudgedBy>> {
        request.check()?;
        let snapshot = self.backend.snapshot()?;
        let query = self.analyze(request);
        let bound = Arc::clone(&snapshot).bind(Arc::clone(&query))?;
        let retrieved = self.retrieve(
            &*snapshot,
            request,
            &bound,
            depth(request, request.wanted()),
            &self.cores.enter(),
            &mut Timings::default(),
        )?;
        if let Some(reason) = retrieved.degraded {
            return Err(Error::unavailable(reason));
        }
        let fusion = Fusion::of(&request.fusion, &self.ranking.weights, &self.ranking.fusion);
        let rule = rule(request.mode, retrieved.vector.is_some());
        let scored = score(&*snapshot, rule, &bound, &retrieved, &fusion, None)?;
        let lexical_bound = scored.evidence.lexical_bound;
        Ok(snapshot
            .keys(&scored.passages)?
            .into_iter()
            .zip(scored.evidence.passages)
            .zip(scored.passages)
            .map(|(((article, ordinal), evidence), passage)| JudgedBy {
                passage,
                article,
                ordinal,
                evidence,
                lexical_bound,
            })
            .collect())
    }

    /// A question's vector as the rankings use it.
    ///
    /// # Errors
    /// `Unavailable` if there is none: no model, an index without vectors.
    pub fn vector(&self, question: &str) -> Result<Vec<f32>> {
        let snapshot = self.backend.snapshot()?;
        let vector = self.embed(&*snapshot, question, self.cores.enter().budget());
        vector.map(|vector| vector.to_vec()).map_err(Error::unavailable)
    }

    fn analyze(&self, request: &SearchRequest) -> Arc<LexicalQuery> {
        let analysed = self.analyzer.query(&request.query);
        Arc::new(LexicalQuery {
            words: analysed.words,
            bigrams: analysed.bigrams,
            regions: analysed.regions,
            years: self.analyzer.years(&request.query, request.today),
        })
    }

    fn retrieve(
        &self,
        snapshot: &dyn Snapshot,
        request: &SearchRequest,
        query: &Arc<dyn BoundQuery>,
        depth: usize,
        under_way: &UnderWay<'_>,
        timings: &mut Timings,
    ) -> Result<Retrieved> {
        let by_words = {
            let (query, filter) = (Arc::clone(query), request.filter.clone());
            move || {
                let started = Instant::now();
                (query.lexical(&filter, depth), started.elapsed())
            }
        };
        let by_meaning = || {
            let started = Instant::now();
            let vector = self.embed(snapshot, &request.query, under_way.budget());
            let embed = started.elapsed();
            let started = Instant::now();
            let found = match &vector {
                Ok(vector) => snapshot.dense(vector, &request.filter, depth, request.ef_search),
                Err(_) => Ok(Vec::new()),
            };
            (vector, embed, found, started.elapsed())
        };
        let many = snapshot.passages() >= u64::from(HALVED);
        let beside = under_way.beside(many);
        if request.mode == Mode::Lexical {
            let (found, took) = match beside {
                Some(threads) if many => elsewhere(threads, by_words),
                _ => by_words(),
            };
            timings.lexical += took;
            return Ok(Retrieved {
                lexical: found?,
                dense: Vec::new(),
                vector: None,
                adapted: None,
                degraded: None,
            });
        }
        let (words, (vector, embed, dense, took)) = match (request.mode, beside) {
            (Mode::Hybrid, Some(threads)) if self.is_long(snapshot, &request.query) => {
                let (words, meaning) = both(threads, by_words.clone(), by_meaning);
                (Some(words), meaning)
            }
            (Mode::Hybrid, _) => (Some(by_words()), by_meaning()),
            _ => (None, by_meaning()),
        };
        timings.embed += embed;
        timings.dense += took;
        let (vector, degraded) = match vector {
            Ok(vector) => (Some(vector), None),
            Err(reason) => (None, Some(reason)),
        };
        let words = match (words, &degraded) {
            // Meaning alone was asked for and cannot be had: words are better than nothing, and the answer says so.
            (None, Some(_)) => Some(by_words()),
            (words, _) => words,
        };
        let lexical = match words {
            Some((found, took)) => {
                timings.lexical += took;
                found?
            }
            None => Vec::new(),
        };
        Ok(Retrieved {
            lexical,
            dense: dense?,
            adapted: vector.as_ref().and_then(|vector| {
                let adapter = self.ranking.adapter_for(snapshot.identity())?;
                adapter.bind(snapshot.mean(), vector).map(Arc::from)
            }),
            vector,
            degraded,
        })
    }

    /// Whether search by meaning takes long enough to look words up beside it.
    fn is_long(&self, snapshot: &dyn Snapshot, question: &str) -> bool {
        let embedder = self.embedder.as_ref().filter(|_| snapshot.identity().dimension > 0);
        embedder.is_some_and(|embedder| {
            snapshot.passages() >= MANY_PASSAGES || self.asked.held(&**embedder, question).is_none()
        })
    }

    /// The question's vector, or why there is none.
    fn embed(&self, snapshot: &dyn Snapshot, question: &str, budget: Budget) -> Result<Arc<[f32]>, String> {
        let identity = snapshot.identity();
        if identity.dimension == 0 {
            return Err("the index was built without vectors, so the answer is by words alone".into());
        }
        let Some(embedder) = &self.embedder else {
            return Err(format!(
                "the embedding model `{}` is not here, so the answer is by words alone (run `baowen model fetch`)",
                identity.embedder
            ));
        };
        let failed = |what: String| format!("embedding the question failed, so the answer is by words alone: {what}");
        let (vector, _) = self
            .asked
            .get_or_embed(&**embedder, question, budget)
            .map_err(|error| failed(error.to_string()))?;
        match vector.len() == identity.dimension && vector.iter().all(|x| x.is_finite()) {
            true => Ok(vector),
            false => Err(failed(format!("a vector of {} numbers came back", vector.len()))),
        }
    }
}

/// Candidates to take from each ranking so that `reach` hits can be given. It grows in large steps, so that the pages of
/// an answer are cut from one and the same ranking.
fn depth(request: &SearchRequest, reach: usize) -> usize {
    let mut depth = request.candidates.unwrap_or(DEFAULT_CANDIDATES);
    while depth < 2 * reach {
        depth *= DEEPER;
    }
    depth
}
