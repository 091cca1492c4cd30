//! The whole of a search: a checked request through analysis, both retrievers, exact scores, fusion and grouping to an
//! answer. Wiring and timing only; every step's own rules are in its own file. Knows no wire format.

use std::sync::Arc;
use std::time::Instant;

use super::applies::Wanted;
use super::confidence::{Gates, signs};
use super::copies::{Unfolded, unfold};
use super::firm::Firm;
use super::fusion::Fusion;
use super::group;
use super::highlight::TermFinder;
use super::hits::HitBuilder;
use super::question_vectors::QuestionVectors;
use super::ranking::Ranking;
use super::reading::{Reading, normalized};
use super::request::{Mode, SearchRequest};
use super::reranking::{Reranked, rerank};
use super::response::{Provenance, SearchResponse, Timings};
use super::score::{JudgedBy, Preferred, Retrieved, Scored, rule, score};
use crate::compute::{self, Budget, UnderWay};
use crate::embed::{Embedder, Reranker};
use crate::error::{Error, Result};
use crate::index::{About, Asked, Backend, DenseQuestion, PassageKey, PassageRef};
use crate::text::Analyzer;

/// Candidates taken from each ranking if the request does not say.
pub const DEFAULT_CANDIDATES: usize = 100;

/// By how much longer the lists are where they were too short.
const DEEPER: usize = 4;
/// One of so many of the candidates that each list gives may be a hit: those behind would change places with what longer
/// lists bring.
const FIRM: usize = 2;
/// Where lists stop growing.
const DEEPEST: usize = 10_000;

/// Answers questions over a backend.
pub struct Engine {
    backend: Arc<dyn Backend>,
    analyzer: Arc<Analyzer>,
    reranker: Option<Arc<dyn Reranker>>,
    vectors: Arc<QuestionVectors>,
    ranking: Ranking,
}

impl Engine {
    /// An engine; without an embedder it answers by words alone and says so.
    pub fn new(backend: Arc<dyn Backend>, analyzer: Arc<Analyzer>, embedder: Option<Arc<dyn Embedder>>) -> Self {
        Engine {
            backend,
            analyzer,
            reranker: None,
            vectors: Arc::new(QuestionVectors::new(embedder)),
            ranking: Ranking::shipped(),
        }
    }

    /// The same engine ranking by another profile than the one compiled in.
    ///
    /// # Errors
    /// `Precondition` if its adapter was not made for the model of the index; as [`Backend::snapshot`].
    pub fn with_ranking(mut self, ranking: Ranking) -> Result<Self> {
        if let Some(adapter) = &ranking.adapter {
            adapter.check(&self.backend.snapshot()?.about().identity)?;
        }
        self.ranking = ranking;
        Ok(self)
    }

    /// The same engine with a reranker, for what is asked of words and meaning together.
    #[must_use]
    pub fn with_reranker(mut self, reranker: Arc<dyn Reranker>) -> Self {
        self.reranker = Some(reranker);
        self
    }

    /// An engine over the same index that takes questions apart with another analyser; documents must be analysed alike
    /// by both. The vectors of questions are made once for both.
    #[must_use]
    pub fn reading_by(&self, analyzer: Analyzer) -> Engine {
        Engine {
            backend: Arc::clone(&self.backend),
            analyzer: Arc::new(analyzer),
            reranker: self.reranker.clone(),
            vectors: Arc::clone(&self.vectors),
            ranking: self.ranking.clone(),
        }
    }

    /// What takes questions apart.
    pub fn analyzer(&self) -> &Analyzer {
        &self.analyzer
    }

    /// What it ranks by.
    pub fn ranking(&self) -> &Ranking {
        &self.ranking
    }

    /// The index behind it.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    /// Answers one question within the budget, and by the request's own deadline.
    ///
    /// # Errors
    /// `Caller` for a request that cannot be answered, `Deadline` if nobody waits any more, `Corrupt` if the index is
    /// damaged. A failing model is no error: the answer is by words and says so.
    pub fn search(&self, request: &SearchRequest, budget: Budget) -> Result<SearchResponse> {
        let begin = Instant::now();
        let mut timings = Timings::default();
        let under_way = compute::enter(budget.until(request.deadline));
        request.check()?;
        let snapshot = self.backend.snapshot()?;
        let reading = Reading::new(request, &self.analyzer, &*snapshot)?;
        let request = &reading.request;
        under_way.budget().check()?;
        let about = snapshot.about();

        let query = Arc::new(reading.words(&self.analyzer, &*snapshot)?);
        let gates = Gates::of(&request.query, &query);
        // What a question of a year is about need not hold today.
        let preferred = Preferred {
            local: gates.place,
            as_of: request.as_of.or(request.today.filter(|_| query.years.is_empty())),
        };
        timings.analyze = begin.elapsed();
        let asked = Arc::clone(&snapshot).ask(Arc::clone(&query), &request.filter, under_way.budget())?;

        let fusion = Fusion::of(&request.fusion, &self.ranking.weights, &self.ranking.fusion);
        let reach = request.offset + request.wanted();
        let mut depth = request.candidates.unwrap_or(DEFAULT_CANDIDATES);
        let mut firm = Firm::default();
        let mut failed = None;
        let (mut retrieved, scored, mut groups, mut unfolded, started) = loop {
            let retrieved = self.retrieve(about, &reading, &asked, depth, &failed, &under_way, &mut timings)?;
            let started = Instant::now();
            let rule = rule(request.mode, retrieved.question.is_some());
            let budget = under_way.budget();
            let before = firm.passages();
            let mut scored = score(&*asked, rule, &retrieved, &fusion, preferred, &before, budget)?;
            let order = group::order(&scored.ranked, request.grouping, |tied| {
                let passages: Vec<PassageRef> = tied.iter().map(|&at| scored.passages[at]).collect();
                asked.keys(&passages)
            })?;
            let mut groups = firm.before(&mut scored, order, request.grouping);
            // Longer lists would change the places behind these.
            let exhausted = retrieved.lexical.len() < depth && retrieved.dense.len() < depth || depth >= DEEPEST;
            if !exhausted {
                groups.truncate(depth / FIRM);
            }
            let unfolded = unfolded(&*asked, &scored, &groups, reach, budget)?;
            if unfolded.is_settled || exhausted {
                break (retrieved, scored, groups, unfolded, started);
            }
            firm = Firm::new(&scored, &groups);
            depth *= DEEPER;
            failed = retrieved.degraded;
        };
        let answerable = retrieved.question.as_ref().and_then(|_| {
            let best = groups.iter().map(|&at| &scored.evidence[at]);
            let signs = signs(gates, scored.evidence.iter(), best);
            self.ranking.answerable(&about.identity, signs)
        });
        timings.fuse = started.elapsed();

        let reranked = match &self.reranker {
            Some(reranker) if request.mode == Mode::Hybrid => {
                let started = Instant::now();
                let how = self.ranking.reranking;
                let budget = under_way.budget();
                let outcome = rerank(&mut groups, &**reranker, how, &request.query, &*asked, &scored, budget);
                timings.rerank = started.elapsed();
                let (reranked, reason) = outcome?;
                unfolded = self::unfolded(&*asked, &scored, &groups, reach, budget)?;
                let reasons: Vec<String> = retrieved.degraded.take().into_iter().chain(reason).collect();
                retrieved.degraded = (!reasons.is_empty()).then(|| reasons.join("; "));
                Some(reranked)
            }
            _ => None,
        };

        let started = Instant::now();
        let page: Vec<usize> = unfolded
            .hits
            .iter()
            .copied()
            .skip(request.offset)
            .take(request.wanted())
            .collect();
        let unmoved = Reranked::default();
        let wanted = Wanted::new(&query.regions, &query.years, &request.query, &self.analyzer);
        let builder = HitBuilder {
            asked: &*asked,
            request,
            scored: &scored,
            reranked: reranked.as_ref().unwrap_or(&unmoved),
            read: unfolded.read,
            finder: &TermFinder::new(&request.query, &query, asked.weights()),
            vector: retrieved.question.as_ref().map(|question| &*question.vector),
            wanted: &wanted,
            budget: under_way.budget(),
        };
        let (hits, held) = builder.build(&page)?;
        let missing = match request.offset {
            0 => wanted.missing(&hits, &held, |filter| snapshot.count(filter, under_way.budget()))?,
            _ => None,
        };
        timings.assemble = started.elapsed();
        timings.total = begin.elapsed();
        let is_adapted = retrieved.question.is_some_and(|question| question.adapted.is_some());
        Ok(SearchResponse {
            hits,
            candidates: scored.ranked.len(),
            corrected: reading.corrected,
            degraded: retrieved.degraded,
            reranked: reranked.as_ref().map(Reranked::count),
            answerable,
            missing,
            timings,
            provenance: Provenance {
                commit: about.commit,
                analysis: about.identity.analysis.clone(),
                model: about.identity.embedder.clone(),
                weights: self.reranked_by(
                    reranked.is_some(),
                    match scored.rule {
                        Mode::Hybrid => match &self.ranking.adapter {
                            Some(adapter) if is_adapted && fusion.weighs_adapter() => {
                                format!("{} adapter={:016x}", fusion.describe(), adapter.fingerprint())
                            }
                            _ => fusion.describe(),
                        },
                        Mode::Lexical => "lexical: words + bigrams".into(),
                        Mode::Dense => "dense: cosine of passage and nearest window".into(),
                    },
                ),
            },
        })
    }

    /// The formula of an answer, with the reranker if it took part.
    fn reranked_by(&self, took_part: bool, formula: String) -> String {
        match self.reranker.as_ref().filter(|_| took_part) {
            Some(reranker) => format!(
                "{formula}; {} by {}",
                self.ranking.reranking.describe(),
                reranker.identity()
            ),
            None => formula,
        }
    }

    /// Every candidate of a question with its exact scores, in no meaningful order: what weights are learned from.
    ///
    /// # Errors
    /// As [`Engine::search`].
    pub fn candidates(&self, request: &SearchRequest, budget: Budget) -> Result<Vec<JudgedBy>> {
        let under_way = compute::enter(budget.until(request.deadline));
        request.check()?;
        let snapshot = self.backend.snapshot()?;
        let reading = Reading::new(request, &self.analyzer, &*snapshot)?;
        let request = &reading.request;
        let query = Arc::new(reading.words(&self.analyzer, &*snapshot)?);
        let gates = Gates::of(&request.query, &query);
        let asked = Arc::clone(&snapshot).ask(query, &request.filter, under_way.budget())?;
        let mut depth = request.candidates.unwrap_or(DEFAULT_CANDIDATES);
        while depth < FIRM * request.wanted() {
            depth *= DEEPER;
        }
        let mut timings = Timings::default();
        let retrieved = self.retrieve(
            snapshot.about(),
            &reading,
            &asked,
            depth,
            &None,
            &under_way,
            &mut timings,
        )?;
        if let Some(reason) = retrieved.degraded {
            return Err(Error::unavailable(reason));
        }
        let fusion = Fusion::of(&request.fusion, &self.ranking.weights, &self.ranking.fusion);
        let rule = rule(request.mode, retrieved.question.is_some());
        let preferred = Preferred {
            local: gates.place,
            as_of: None,
        };
        let scored = score(&*asked, rule, &retrieved, &fusion, preferred, &[], under_way.budget())?;
        let keys = asked.keys(&scored.passages)?.into_iter();
        Ok(keys
            .zip(scored.evidence)
            .map(|(PassageKey { article, ordinal }, evidence)| JudgedBy {
                article,
                ordinal,
                evidence,
                gates,
            })
            .collect())
    }

    /// A question's vector as the rankings use it.
    ///
    /// # Errors
    /// `Unavailable` if there is none: no model, an index without vectors.
    pub fn vector(&self, question: &str, budget: Budget) -> Result<Vec<f32>> {
        let snapshot = self.backend.snapshot()?;
        let budget = compute::enter(budget).budget();
        let vector = self.vectors.of(snapshot.about(), [&*normalized(question)], budget);
        vector.map(|vector| vector.to_vec()).map_err(Error::unavailable)
    }

    #[allow(clippy::too_many_arguments)]
    fn retrieve(
        &self,
        about: &About,
        reading: &Reading,
        asked: &Arc<dyn Asked>,
        depth: usize,
        failed: &Option<String>,
        under_way: &UnderWay<'_>,
        timings: &mut Timings,
    ) -> Result<Retrieved> {
        let request = &reading.request;
        let by_words = {
            let asked = Arc::clone(asked);
            move |budget| {
                let started = Instant::now();
                (asked.lexical(depth, budget), started.elapsed())
            }
        };
        let by_meaning = |budget| {
            let started = Instant::now();
            // A model that failed a moment ago is not asked twice for one answer.
            let vector = (failed.clone()).map_or_else(|| self.vectors.of(about, reading.meanings(), budget), Err);
            let embed = started.elapsed();
            let started = Instant::now();
            let found = match &vector {
                Ok(vector) => asked.dense(vector, depth, request.ef_search, under_way.budget()),
                Err(_) => Ok(Vec::new()),
            };
            (vector, embed, found, started.elapsed())
        };
        let budget = under_way.budget();
        let (words, meaning) = match request.mode {
            Mode::Lexical => (Some(by_words(budget)), None),
            Mode::Dense => (None, Some(by_meaning(budget))),
            // Search by meaning takes long enough to look words up beside it.
            Mode::Hybrid if self.vectors.takes_long(about, &request.query) => {
                let (words, meaning) = budget.both(by_words.clone(), by_meaning);
                (Some(words), Some(meaning))
            }
            Mode::Hybrid => (Some(by_words(budget)), Some(by_meaning(budget))),
        };
        let (vector, dense, degraded) = match meaning {
            None => (None, Vec::new(), None),
            Some((vector, embed, dense, took)) => {
                timings.embed += embed;
                timings.dense += took;
                match vector {
                    Ok(vector) => (Some(vector), dense?, None),
                    Err(reason) => (None, dense?, Some(reason)),
                }
            }
        };
        let words = match (words, &degraded) {
            // Meaning alone was asked for and cannot be had: words are better than nothing, and the answer says so.
            (None, Some(_)) => Some(by_words(budget)),
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
            dense,
            question: vector.map(|vector| DenseQuestion {
                adapted: self.adapt(about, &vector),
                vector,
            }),
            degraded,
        })
    }

    /// What the adapter makes of a question's vector, if there is one for the index.
    fn adapt(&self, about: &About, vector: &[f32]) -> Option<Arc<[f32]>> {
        let adapter = self.ranking.adapter_for(&about.identity)?;
        adapter.bind(&about.mean, vector).map(Arc::from)
    }
}

/// The hits of a ranking, copies of better ones left out.
fn unfolded(asked: &dyn Asked, scored: &Scored, order: &[usize], reach: usize, budget: Budget) -> Result<Unfolded> {
    unfold(order, reach, |batch| {
        let refs: Vec<PassageRef> = batch.iter().map(|&at| scored.passages[at]).collect();
        asked.fetch(&refs, budget)
    })
}
