//! What is shown of an article: which of its passages, and that passage as a hit.
//!
//! The order of articles is settled before; nothing here changes it, nor the score that an article stands by.

use std::collections::HashMap;

use super::applies::Wanted;
use super::copies::FoldedHit;
use super::explain;
use super::highlight::{PassageReading, TermFinder, Title};
use super::request::{Grouping, SearchRequest};
use super::reranking::Reranked;
use super::response::{Applies, Hit, Span};
use super::score::Scored;
use super::sentence::Nearness;
use crate::compute::Budget;
use crate::error::Result;
use crate::index::{Asked, PassageRef, StoredPassage};
use crate::model::Force;
use crate::text::Region;

/// For so many hits, those that people read first, other passages of the article are read too, for a better sentence.
const READ_CLOSELY: usize = 3;
/// How many other passages of such an article are read: those with the highest scores.
const OTHERS: usize = 3;
/// Such a passage must have at least this part of the article's score. Set by hand; 0.5 shows as many right sentences.
const NEARLY_AS_GOOD: f32 = 0.6;
/// Another passage is shown if its best sentence is worth this much more than the first one's.
const BETTER: f32 = 0.5;

/// A passage that may be shown, read.
struct ReadPassage {
    stored: StoredPassage,
    title: Title,
    reading: PassageReading,
}

/// What hits are made of.
pub(super) struct HitBuilder<'a> {
    pub asked: &'a dyn Asked,
    pub request: &'a SearchRequest,
    pub scored: &'a Scored,
    pub reranked: &'a Reranked,
    /// What was read already, by candidate, with its copies.
    pub read: HashMap<usize, FoldedHit>,
    pub finder: &'a TermFinder,
    /// The question by meaning, if it has a vector.
    pub vector: Option<&'a [f32]>,
    pub wanted: &'a Wanted<'a>,
    pub budget: Budget,
}

impl HitBuilder<'_> {
    /// The hits of a page, given as numbers of candidates.
    ///
    /// # Errors
    /// `Corrupt` if the index is damaged, `Deadline` if nobody waits any more.
    pub fn build(mut self, page: &[usize]) -> Result<Vec<Hit>> {
        let pages = self.pages(page)?;
        let HitBuilder {
            request,
            scored,
            reranked,
            finder,
            ..
        } = &self;
        let refs: Vec<PassageRef> = page.iter().map(|&at| scored.passages[at]).collect();
        let mut terms = if request.explain {
            self.asked.explain(&refs, self.budget)?.into_iter()
        } else {
            Vec::new().into_iter()
        };
        let windows = self.windows(page)?;
        let mut hits = Vec::with_capacity(page.len());
        for (place, (&at, read)) in page.iter().zip(pages).enumerate() {
            self.budget.check()?;
            let FoldedHit {
                stored,
                duplicates,
                near,
            } = read;
            let title = finder.title(&stored.title);
            let reading = finder.read(&stored.text, &title, &self.nearness(at, &stored, &windows[place]));
            let read = ReadPassage { stored, title, reading };
            let read = match request.grouping {
                Grouping::Article if request.offset + place < READ_CLOSELY => self.answering(at, read)?,
                _ => read,
            };
            let applies = self.wanted.applies(&read.stored);
            let force = force(&read.stored, request);
            let newer = near.iter().find(|copy| copy.newer == Some(true));
            let newer = newer.map(|copy| copy.difference.clone());
            let mut hit = to_hit(read, reranked.score(at, scored.ranked[at].score), finder);
            (hit.applies, hit.duplicates, hit.near_copies, hit.force) = (applies, duplicates, near, force);
            if let Some(terms) = terms.next() {
                let subject = self.subject(page, place, &hit, newer.as_deref());
                hit.explanation = Some(explain::explain(&subject, terms));
            }
            hits.push(hit);
        }
        Ok(hits)
    }

    /// What is explained of the hit at this place of a page; `newer` is how a newer copy differs from it.
    fn subject<'h>(
        &'h self,
        page: &[usize],
        place: usize,
        hit: &'h Hit,
        newer: Option<&'h str>,
    ) -> explain::Subject<'h> {
        let HitBuilder { scored, reranked, .. } = self;
        let at = page[place];
        explain::Subject {
            place: self.request.offset + place + 1,
            mode: scored.rule,
            evidence: &scored.evidence[at],
            lexical_rank: scored.lexical_ranks[at],
            dense_rank: scored.dense_ranks[at],
            rescored: reranked.rescored(at),
            parts: reranked.parts(at, scored.parts(at)),
            lexical_bound: scored.lexical_bound,
            next: page.get(place + 1).map(|&next| &scored.evidence[next]),
            applies: hit.applies,
            validity: hit.validity,
            force: hit.force,
            newer,
            regions: &hit.regions,
            years: &hit.years,
        }
    }

    /// The passages of a page: what was read already, and the rest read now.
    fn pages(&mut self, page: &[usize]) -> Result<Vec<FoldedHit>> {
        let unread: Vec<usize> = page.iter().copied().filter(|at| !self.read.contains_key(at)).collect();
        let refs: Vec<PassageRef> = unread.iter().map(|&at| self.scored.passages[at]).collect();
        for (at, stored) in unread.into_iter().zip(self.asked.fetch(&refs, self.budget)?) {
            self.read.insert(at, FoldedHit::alone(stored));
        }
        Ok(page.iter().filter_map(|at| self.read.remove(at)).collect())
    }

    /// How near the windows of each of these candidates are to the question, or the passage itself where it has none;
    /// nothing without a vector.
    fn windows(&self, candidates: &[usize]) -> Result<Vec<Vec<f32>>> {
        let Some(vector) = self.vector else {
            return Ok(vec![Vec::new(); candidates.len()]);
        };
        let refs: Vec<PassageRef> = candidates.iter().map(|&at| self.scored.passages[at]).collect();
        let mut windows = self.asked.windows(vector, &refs)?;
        for (near, &at) in windows.iter_mut().zip(candidates) {
            if near.is_empty() {
                near.push(self.scored.evidence[at].window);
            }
        }
        Ok(windows)
    }

    /// How near a candidate's sentences are to the question, of which its windows are so near.
    fn nearness<'a>(&self, at: usize, stored: &StoredPassage, windows: &'a [f32]) -> Nearness<'a> {
        let cosine = self.scored.evidence[at].cosine;
        let sentences = self.vector.map(|vector| stored.sentences.cosines(vector, cosine));
        Nearness {
            windows,
            sentences: sentences.unwrap_or_default(),
        }
    }

    /// The passage of an article that answers best: the one it was ranked by (at this place among the candidates),
    /// unless the best sentence of another candidate of the article is clearly better. A passage can be ranked high for
    /// its words while the answer stands in the next one.
    fn answering(&self, at: usize, read: ReadPassage) -> Result<ReadPassage> {
        let HitBuilder { scored, finder, .. } = self;
        let first = &scored.ranked[at];
        let mut others: Vec<usize> = (0..scored.ranked.len())
            .filter(|&other| {
                let ranked = &scored.ranked[other];
                other != at && ranked.article == first.article && ranked.score >= NEARLY_AS_GOOD * first.score
            })
            .collect();
        if others.is_empty() {
            return Ok(read);
        }
        others.sort_by(|&a, &b| {
            let (a, b) = (&scored.ranked[a], &scored.ranked[b]);
            b.score.total_cmp(&a.score).then(a.ordinal.cmp(&b.ordinal))
        });
        others.truncate(OTHERS);
        let refs: Vec<PassageRef> = others.iter().map(|&other| scored.passages[other]).collect();
        let windows = self.windows(&others)?;
        let mut readings = vec![read];
        let stored = self.asked.fetch(&refs, self.budget)?;
        for ((&at, other), windows) in others.iter().zip(stored).zip(windows) {
            // All passages of an article have its title.
            let title = finder.title(&other.title);
            let reading = finder.read(&other.text, &title, &self.nearness(at, &other, &windows));
            readings.push(ReadPassage {
                stored: other,
                title,
                reading,
            });
        }
        let most = readings.iter().map(|read| read.reading.sentences().most_matched());
        let most = most.fold(0.0, f32::max);
        let worth = |(at, read): (usize, &ReadPassage)| {
            let (worth, _) = read.reading.sentences().best(most)?;
            Some(if at == 0 { worth + BETTER } else { worth })
        };
        let worths: Vec<Option<f32>> = readings.iter().enumerate().map(worth).collect();
        let best = (1..readings.len()).fold(0, |best, at| if worths[at] > worths[best] { at } else { best });
        Ok(readings.swap_remove(best))
    }
}

/// Whether what a passage says holds on the day asked for; what ended on no day in particular is over on any.
fn force(stored: &StoredPassage, request: &SearchRequest) -> Option<Force> {
    match request.day() {
        Some(day) => Some(stored.validity.on(day)),
        None => stored.validity.ended.then_some(Force::Ended),
    }
}

/// A passage as a hit, not explained yet.
fn to_hit(read: ReadPassage, score: f32, finder: &TermFinder) -> Hit {
    let ReadPassage { stored, title, reading } = read;
    Hit {
        passage_id: crate::model::passage_id(&stored.article_id, stored.ordinal),
        highlights: finder.highlights(&stored.text, reading.normalized()),
        title_highlights: finder.highlights(&stored.title, title.normalized()),
        best_sentence: reading.best_sentence(&stored.text),
        article_id: stored.article_id,
        title: stored.title,
        heading: stored.heading,
        text: stored.text,
        span: Span {
            start: stored.start,
            end: stored.end,
        },
        score,
        source: stored.source,
        url: stored.url,
        published: stored.published,
        kind: stored.kind,
        explanation: None,
        duplicates: Vec::new(),
        near_copies: Vec::new(),
        attributes: stored.attributes,
        regions: stored.regions.iter().map(Region::key).collect(),
        years: stored.years,
        applies: Applies::default(),
        validity: stored.validity,
        force: None,
    }
}
