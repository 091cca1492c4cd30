//! One question under way: how it was read, the snapshot that answers it, its candidates, and the ranking that is made
//! of them. Both who wants hits and who learns from candidates begin here, so that both score alike.
//!
//! Knows nothing of what is shown of a passage.

use std::sync::Arc;
use std::time::Instant;

use super::confidence::{AnswerableSigns, FIRST, Gates, signs};
use super::copies::{Folded, fold_copies};
use super::fusion::Fusion;
use super::group;
use super::missing::Standing;
use super::pinned::Pinned;
use super::product::NamedProduct;
use super::products::Products;
use super::question_vectors::QuestionVectors;
use super::ranking::Ranking;
use super::reading::QuestionReading;
use super::request::SearchRequest;
use super::response::Timings;
use super::retrieval::{MissingHalves, Retrieval, Retrieved};
use super::score::{Preferred, Scored, Scorer, score};
use super::superseded::superseded;
use crate::compute::{Budget, UnderWay};
use crate::error::Result;
use crate::index::{Asked, Backend, LexicalQuery, PassageRef, Snapshot, StoredPassage};
use crate::model::Date;
use crate::text::Analyzer;

/// Candidates taken from each ranking if the request does not say.
pub const DEFAULT_CANDIDATES: usize = 100;

/// Lists grow by this factor while the page is not full.
const GROWTH: usize = 4;
/// While lists can still grow, only the first half of the ranking becomes hits: longer lists reorder what is behind it.
const PINNED_SHARE: usize = 2;
/// Where lists stop growing.
const LONGEST: usize = 10_000;
/// So many of the first places are looked through for what took the place of what does not hold today.
const FIRST_PLACES: usize = 30;
/// So many passages of the product that a question names are candidates, whatever they say.
const TITLED: usize = 64;

/// A question under way.
pub(super) struct Asking<'e> {
    vectors: &'e QuestionVectors,
    /// The product that it names, as the collection knows it, and the passages of its articles.
    pub product: NamedProduct,
    titled: Vec<PassageRef>,
    /// The collection as it is while the question is answered.
    pub snapshot: Arc<dyn Snapshot>,
    /// The request as it was understood.
    pub reading: QuestionReading,
    /// What it says, by words.
    pub query: Arc<LexicalQuery>,
    /// The same as the engine knows it.
    pub asked: Arc<dyn Asked>,
    /// What an answer must be about.
    pub gates: Gates,
    /// How both rankings are merged.
    pub fusion: Fusion,
    preferred: Preferred,
    /// The day on which an answer should hold where it has a choice.
    today: Option<Date>,
}

/// A ranking that is long enough for the page that is wanted.
pub(super) struct Settled {
    pub retrieved: Retrieved,
    pub scored: Scored,
    /// Best first, one a group, as numbers of candidates.
    pub order: Vec<usize>,
    /// The same without copies of better ones.
    pub folded: Folded,
}

impl Settled {
    /// What the chance of an answer is computed from; `first` are the first hits.
    pub fn signs(&self, gates: Gates, first: &[Standing]) -> AnswerableSigns {
        let evidence = &self.scored.evidence;
        let best = self.order.iter().map(|&at| &evidence[at]);
        signs(gates, evidence.iter(), best, first, self.nearest_sentence())
    }

    /// The highest cosine of the sentences of the first hits.
    fn nearest_sentence(&self) -> f32 {
        let Some(vector) = &self.retrieved.vector else {
            return 0.0;
        };
        let highest = |(at, stored): (usize, &StoredPassage)| {
            let evidence = &self.scored.evidence[at];
            let cosines = stored.sentences.cosines(vector, evidence.cosine).into_iter();
            cosines.max_by(f32::total_cmp).unwrap_or(evidence.window)
        };
        self.folded.passages().take(FIRST).map(highest).fold(0.0, f32::max)
    }
}

impl<'e> Asking<'e> {
    /// Reads a request.
    ///
    /// # Errors
    /// `Caller` for a request that cannot be answered, `Deadline` if nobody waits any more; those of the index.
    pub fn new(
        request: &SearchRequest,
        backend: &dyn Backend,
        analyzer: &Analyzer,
        vectors: &'e QuestionVectors,
        products: &Products,
        ranking: &'e Ranking,
        budget: Budget,
    ) -> Result<Self> {
        request.check()?;
        let snapshot = backend.snapshot()?;
        let reading = QuestionReading::new(request, analyzer, &*snapshot, budget)?;
        budget.check()?;
        let request = &reading.request;
        let mut product = NamedProduct::of(&request.query);
        let titles = snapshot.product_titles();
        let titles = titles.map(|lists| products.of_question(lists, &request.query));
        if let Some(titles) = &titles {
            product.find(titles);
        }
        let mut query = reading.words(analyzer, &*snapshot, budget)?;
        // 福安 of 福安终身寿险 is no place.
        if let Some(rest) = product.beside_names().filter(|_| !query.regions.is_empty()) {
            query.regions = analyzer.regions(&rest);
        }
        let query = Arc::new(query);
        let gates = Gates::of(&request.query, &query);
        let preferred = Preferred {
            local: gates.place,
            as_of: request.as_of,
        };
        // What a question of a year is about need not hold today.
        let today = request
            .today
            .filter(|_| request.as_of.is_none() && query.years.is_empty());
        let asked = Arc::clone(&snapshot).ask(Arc::clone(&query), &request.filter, budget)?;
        let titled = match &titles {
            Some(titles) => product_passages(&mut product, titles, &*asked, budget)?,
            None => Vec::new(),
        };
        let fusion = Fusion::of(&request.fusion, &ranking.weights, &ranking.fusion);
        Ok(Asking {
            vectors,
            product,
            titled,
            snapshot,
            reading,
            query,
            asked,
            gates,
            fusion,
            preferred,
            today,
        })
    }

    /// Every candidate of lists that are long enough for as many hits as are wanted, scored, in no meaningful order.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn candidates(&self, under_way: &UnderWay<'_>) -> Result<(Retrieved, Scored)> {
        let mut depth = self.depth();
        while depth < PINNED_SHARE * self.reading.request.wanted() {
            depth *= GROWTH;
        }
        let retrieved = self
            .retrieval()
            .run(depth, &MissingHalves::default(), under_way, &mut Timings::default())?;
        let added = &self.titled[..self.titled.len().min(TITLED)];
        let mut scored = score(self.scorer(), &retrieved, added, under_way.budget())?;
        scored.name(&self.titled);
        Ok((retrieved, scored))
    }

    /// The ranking, from longer and longer lists until its first `reach` hits are there and their copies known.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn settle(&self, reach: usize, under_way: &UnderWay<'_>, timings: &mut Timings) -> Result<Settled> {
        let grouping = self.reading.request.grouping;
        let mut depth = self.depth();
        let mut pinned = Pinned::default();
        let mut lacking = MissingHalves::default();
        loop {
            let retrieved = self.retrieval().run(depth, &lacking, under_way, timings)?;
            let (started, budget) = (Instant::now(), under_way.budget());
            let mut added = pinned.passages();
            added.extend(self.titled.iter().take(TITLED));
            let mut scored = score(self.scorer(), &retrieved, &added, budget)?;
            scored.name(&self.titled);
            let order = self.ordered(&scored)?;
            let order = self.without_superseded(&mut scored, order, budget)?;
            let mut order = pinned.first(&mut scored, order, grouping);
            let is_exhausted = retrieved.lexical.len() < depth && retrieved.dense.len() < depth || depth >= LONGEST;
            if !is_exhausted {
                order.truncate(depth / PINNED_SHARE);
            }
            let folded = self.folded(&scored, &order, reach, budget)?;
            timings.fuse += started.elapsed();
            if folded.is_settled || is_exhausted {
                return Ok(Settled {
                    retrieved,
                    scored,
                    order,
                    folded,
                });
            }
            pinned = Pinned::new(&scored, &order);
            depth *= GROWTH;
            lacking = retrieved.lacking;
        }
    }

    fn ordered(&self, scored: &Scored) -> Result<Vec<usize>> {
        group::order(&scored.ranked, self.reading.request.grouping, |tied| {
            let passages: Vec<PassageRef> = tied.iter().map(|&at| scored.passages[at]).collect();
            self.asked.keys(&passages)
        })
    }

    /// The order once those of the first places that do not hold today stand behind what took their place. Reads
    /// passages only where there is one that does not hold.
    fn without_superseded(&self, scored: &mut Scored, order: Vec<usize>, budget: Budget) -> Result<Vec<usize>> {
        let Some(today) = self.today else {
            return Ok(order);
        };
        let first = &order[..order.len().min(FIRST_PLACES)];
        let holds = |&at: &usize| scored.evidence[at].validity.may_hold(today);
        if first.iter().all(holds) {
            return Ok(order);
        }
        let refs: Vec<PassageRef> = first.iter().map(|&at| scored.passages[at]).collect();
        let over = superseded(&self.asked.fetch(&refs, budget)?, today);
        for &place in &over {
            scored.supersede(first[place], today);
        }
        if over.is_empty() {
            Ok(order)
        } else {
            self.ordered(scored)
        }
    }

    /// The hits of a ranking, copies of better ones left out.
    ///
    /// # Errors
    /// Those of reading the passages.
    pub fn folded(&self, scored: &Scored, order: &[usize], reach: usize, budget: Budget) -> Result<Folded> {
        let refs = |batch: &[usize]| -> Vec<PassageRef> { batch.iter().map(|&at| scored.passages[at]).collect() };
        fold_copies(
            order,
            reach,
            |batch| self.asked.signatures(&refs(batch)),
            |batch| self.asked.fetch(&refs(batch), budget),
        )
    }

    fn depth(&self) -> usize {
        self.reading.request.candidates.unwrap_or(DEFAULT_CANDIDATES)
    }

    fn scorer(&self) -> Scorer<'_> {
        Scorer {
            asked: &*self.asked,
            mode: self.reading.request.mode,
            fusion: &self.fusion,
            preferred: self.preferred,
        }
    }

    fn retrieval(&self) -> Retrieval<'_> {
        Retrieval {
            vectors: self.vectors,
            about: self.snapshot.about(),
            reading: &self.reading,
            asked: &self.asked,
        }
    }
}

/// The passages of the product that the question names. Titles of which no passage is there any more, or none that the
/// filter lets through, are forgotten.
fn product_passages(
    product: &mut NamedProduct,
    titles: &[String],
    asked: &dyn Asked,
    budget: Budget,
) -> Result<Vec<PassageRef>> {
    let mut there = Vec::with_capacity(titles.len());
    for title in titles {
        if !asked.titled(&[title], budget)?.is_empty() {
            there.push(title.clone());
        }
    }
    let named = product.find(&there);
    if named.is_empty() {
        return Ok(Vec::new());
    }
    asked.titled(&named, budget)
}
