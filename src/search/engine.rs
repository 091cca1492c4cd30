//! The whole of a search: a checked request through analysis, both retrievers, exact scores, fusion and grouping to an
//! answer. Wiring and timing only; every step's own rules are in its own file. Knows no wire format.

use std::sync::Arc;
use std::time::Instant;

use super::applies::Wanted;
use super::asking::{Asking, Settled};
use super::confidence::{AnswerableSigns, at_most_unsure};
use super::highlight::TermFinder;
use super::hits::HitBuilder;
use super::missing::{FIRST, Standing, is_elsewhere, standings, unmet};
use super::products::Products;
use super::question_vectors::QuestionVectors;
use super::ranking::Ranking;
use super::request::{Mode, SearchRequest};
use super::reranking::{Rerank, Reranked};
use super::response::{Lack, Provenance, SearchResponse, Timings};
use super::score::{JudgedBy, Scored};
use crate::compute::{self, Budget};
use crate::embed::{Embedder, Reranker};
use crate::error::{Error, Result};
use crate::index::{About, Backend, PassageKey};
use crate::model::Filter;
use crate::text::Analyzer;

/// Answers questions over a backend.
pub struct Engine {
    backend: Arc<dyn Backend>,
    analyzer: Arc<Analyzer>,
    reranker: Option<Arc<dyn Reranker>>,
    vectors: Arc<QuestionVectors>,
    products: Arc<Products>,
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
            products: Arc::default(),
            ranking: Ranking::shipped(),
        }
    }

    /// The same engine ranking by another profile than the one compiled in.
    #[must_use]
    pub fn with_ranking(mut self, ranking: Ranking) -> Self {
        self.ranking = ranking;
        self
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
            products: Arc::clone(&self.products),
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
        let asking = self.begin(request, under_way.budget())?;
        timings.analyze = begin.elapsed();

        let request = &asking.reading.request;
        let reach = request.offset + request.wanted();
        let mut settled = asking.settle(reach, &under_way, &mut timings)?;
        let wanted = self.wanted(&asking);
        let mut first = standings(&wanted, settled.folded.first());
        let chance = self.chance(&asking, &settled, &first);
        let reranked = self.rerank(&asking, &mut settled, reach, under_way.budget(), &mut timings)?;
        let lacking = &settled.retrieved.lacking;
        let (mut degraded, mut lacks) = (lacking.said(), lacking.lacks());
        let reranked = reranked.map(|(reranked, reason)| {
            lacks.extend(reason.as_ref().map(|_| Lack::Reranking));
            degraded = joined(degraded.take(), reason);
            first = standings(&wanted, settled.folded.first());
            reranked
        });

        let started = Instant::now();
        let (scored, vector) = (&settled.scored, settled.retrieved.vector.as_deref());
        let page = settled.folded.hits.iter().copied();
        let page: Vec<usize> = page.skip(request.offset).take(request.wanted()).collect();
        let unmoved = Reranked::default();
        let builder = HitBuilder {
            asked: &*asking.asked,
            request,
            scored,
            reranked: reranked.as_ref().unwrap_or(&unmoved),
            read: settled.folded.read,
            finder: &TermFinder::new(&request.query, &asking.query, asking.asked.weights()),
            vector,
            wanted: &wanted,
            budget: under_way.budget(),
        };
        let hits = builder.build(&page)?;
        let count = |filter: &Filter| asking.snapshot.count(filter, under_way.budget());
        let unmet = unmet(&wanted, &first);
        let is_unsure = unmet.is_some() || is_elsewhere(&first);
        let unmet = unmet.filter(|_| request.offset == 0);
        let missing = unmet.map(|unmet| unmet.told(&first, count)).transpose()?;
        timings.assemble = started.elapsed();
        timings.total = begin.elapsed();
        Ok(SearchResponse {
            hits,
            candidates: scored.ranked.len(),
            degraded,
            lacking: lacks,
            reranked: reranked.as_ref().map(Reranked::count),
            answerable: if is_unsure { chance.map(at_most_unsure) } else { chance },
            missing,
            timings,
            provenance: self.provenance(asking.snapshot.about(), scored, vector.is_some(), reranked.is_some()),
            corrected: asking.reading.corrected,
        })
    }

    /// Every candidate of a question with its exact scores, in no meaningful order: what weights are learned from.
    ///
    /// # Errors
    /// As [`Engine::search`]; `Unavailable` where words or meaning cannot be had.
    pub fn candidates(&self, request: &SearchRequest, budget: Budget) -> Result<Vec<JudgedBy>> {
        let under_way = compute::enter(budget.until(request.deadline));
        let asking = self.begin(request, under_way.budget())?;
        let (retrieved, scored) = asking.candidates(&under_way)?;
        if let Some(reason) = retrieved.lacking.said() {
            return Err(Error::unavailable(reason));
        }
        let keys = asking.asked.keys(&scored.passages)?.into_iter();
        Ok(keys
            .zip(scored.evidence)
            .map(|(PassageKey { article, ordinal }, evidence)| JudgedBy {
                article,
                ordinal,
                evidence,
            })
            .collect())
    }

    /// What the chance of an answer is computed from.
    ///
    /// # Errors
    /// As [`Engine::search`].
    pub fn signs(&self, request: &SearchRequest, budget: Budget) -> Result<AnswerableSigns> {
        let under_way = compute::enter(budget.until(request.deadline));
        let asking = self.begin(request, under_way.budget())?;
        let settled = asking.settle(FIRST, &under_way, &mut Timings::default())?;
        let wanted = self.wanted(&asking);
        Ok(settled.signs(asking.gates, &standings(&wanted, settled.folded.first())))
    }

    /// The place and the year that an answer must be about.
    fn wanted<'a>(&'a self, asking: &'a Asking<'_>) -> Wanted<'a> {
        let (request, query) = (&asking.reading.request, &asking.query);
        Wanted::new(
            &query.regions,
            &query.years,
            &request.query,
            &asking.product,
            &self.analyzer,
        )
    }

    fn begin(&self, request: &SearchRequest, budget: Budget) -> Result<Asking<'_>> {
        let (vectors, products, ranking) = (&self.vectors, &self.products, &self.ranking);
        Asking::new(
            request,
            &*self.backend,
            &self.analyzer,
            vectors,
            products,
            ranking,
            budget,
        )
    }

    /// How likely the first hits answer the question, whatever is missing; none without its vector.
    fn chance(&self, asking: &Asking<'_>, settled: &Settled, first: &[Standing]) -> Option<f32> {
        settled.retrieved.vector.as_ref()?;
        let signs = settled.signs(asking.gates, first);
        self.ranking.answerable(&asking.snapshot.about().identity, signs)
    }

    /// Has the first hits scored by the reranker, if there is one for such questions, and says why not all that should
    /// have been were.
    fn rerank(
        &self,
        asking: &Asking<'_>,
        settled: &mut Settled,
        reach: usize,
        budget: Budget,
        timings: &mut Timings,
    ) -> Result<Option<(Reranked, Option<String>)>> {
        let reading = &asking.reading;
        let Some(reranker) = self.reranker.as_ref().filter(|_| reading.request.mode == Mode::Hybrid) else {
            return Ok(None);
        };
        let started = Instant::now();
        let reranking = Rerank {
            reranker: &**reranker,
            how: self.ranking.reranking,
            query: &reading.request.query,
            asked: &*asking.asked,
        };
        let outcome = reranking.run(&mut settled.order, &settled.scored, budget)?;
        settled.folded = asking.folded(&settled.scored, &settled.order, reach, budget)?;
        timings.rerank = started.elapsed();
        Ok(Some(outcome))
    }

    /// What an answer was made by.
    fn provenance(&self, about: &About, scored: &Scored, by_meaning: bool, is_reranked: bool) -> Provenance {
        Provenance {
            commit: about.commit,
            analysis: about.identity.analysis.clone(),
            model: about.identity.embedder.clone(),
            weights: self.formula(scored, by_meaning, is_reranked),
        }
    }

    /// The formula and the weights of an answer.
    fn formula(&self, scored: &Scored, by_meaning: bool, is_reranked: bool) -> String {
        let mut fused = match scored.rule {
            Mode::Hybrid => scored.fusion.describe(),
            Mode::Lexical => "lexical: words + bigrams".into(),
            Mode::Dense => "dense: cosine of passage and nearest window".into(),
        };
        if let Some(asked_by) = self.vectors.asked_by().filter(|_| by_meaning) {
            // Two programs that read questions differently give other scores by the same weights.
            fused = format!("{fused} {asked_by}");
        }
        match self.reranker.as_ref().filter(|_| is_reranked) {
            Some(reranker) => format!(
                "{fused}; {} by {}",
                self.ranking.reranking.describe(),
                reranker.identity()
            ),
            None => fused,
        }
    }
}

/// Two reasons as one.
fn joined(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(format!("{one}; {other}")),
        (one, other) => one.or(other),
    }
}
