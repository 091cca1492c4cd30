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
use super::response::{Lack, Provenance, SearchResponse, Timings};
use super::retrieval::{Lacking, Retrieval};
use super::score::{JudgedBy, Preferred, Scored, rule, score};
use crate::compute::{self, Budget};
use crate::embed::{Embedder, Reranker};
use crate::error::{Error, Result};
use crate::index::{Asked, Backend, PassageKey, PassageRef};
use crate::text::Analyzer;

/// Candidates taken from each ranking if the request does not say.
pub const DEFAULT_CANDIDATES: usize = 100;

/// By how much longer the lists are where they were too short.
const DEEPER: usize = 4;
/// One of so many of the candidates that each list gives may be a hit: those behind would change places with what
/// longer lists bring.
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
    /// damaged. A failing model is no error: the answer is by words and says so; nor is an engine of which one half,
    /// words or meaning, does not answer.
    pub fn search(&self, request: &SearchRequest, budget: Budget) -> Result<SearchResponse> {
        let begin = Instant::now();
        let mut timings = Timings::default();
        let under_way = compute::enter(budget.until(request.deadline));
        request.check()?;
        let snapshot = self.backend.snapshot()?;
        let reading = Reading::new(request, &self.analyzer, &*snapshot, under_way.budget())?;
        let request = &reading.request;
        under_way.budget().check()?;
        let about = snapshot.about();

        let query = Arc::new(reading.words(&self.analyzer, &*snapshot, under_way.budget())?);
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
        let retrieval = Retrieval {
            vectors: &self.vectors,
            ranking: &self.ranking,
            about,
            reading: &reading,
            asked: &asked,
        };
        let mut lacking = Lacking::default();
        let (retrieved, scored, mut groups, mut unfolded, started) = loop {
            let retrieved = retrieval.run(depth, &lacking, &under_way, &mut timings)?;
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
            lacking = retrieved.lacking;
        };
        let (mut degraded, mut lacks) = (retrieved.lacking.said(), retrieved.lacking.lacks());
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
                lacks.extend(reason.as_ref().map(|_| Lack::Reranking));
                let reasons: Vec<String> = degraded.take().into_iter().chain(reason).collect();
                degraded = (!reasons.is_empty()).then(|| reasons.join("; "));
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
            degraded,
            lacking: lacks,
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
        let reading = Reading::new(request, &self.analyzer, &*snapshot, under_way.budget())?;
        let request = &reading.request;
        let query = Arc::new(reading.words(&self.analyzer, &*snapshot, under_way.budget())?);
        let gates = Gates::of(&request.query, &query);
        let asked = Arc::clone(&snapshot).ask(query, &request.filter, under_way.budget())?;
        let mut depth = request.candidates.unwrap_or(DEFAULT_CANDIDATES);
        while depth < FIRM * request.wanted() {
            depth *= DEEPER;
        }
        let mut timings = Timings::default();
        let retrieval = Retrieval {
            vectors: &self.vectors,
            ranking: &self.ranking,
            about: snapshot.about(),
            reading: &reading,
            asked: &asked,
        };
        let retrieved = retrieval.run(depth, &Lacking::default(), &under_way, &mut timings)?;
        if let Some(reason) = retrieved.lacking.said() {
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
}

/// The hits of a ranking, copies of better ones left out.
fn unfolded(asked: &dyn Asked, scored: &Scored, order: &[usize], reach: usize, budget: Budget) -> Result<Unfolded> {
    unfold(order, reach, |batch| {
        let refs: Vec<PassageRef> = batch.iter().map(|&at| scored.passages[at]).collect();
        asked.fetch(&refs, budget)
    })
}
