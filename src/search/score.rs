//! Candidates to a ranked list: exact scores for the union of both retrievers' lists, and the one ranking that is used.
//!
//! Knows neither texts nor the request's paging; `engine` brings both together.

use super::fusion::{Fusable, Fusion};
use super::group::{Ranked, settle_ties};
use super::request::Mode;
use super::retrieval::Retrieved;
use crate::compute::Budget;
use crate::error::Result;
use crate::index::{Asked, Candidate, Evidence, Judged, PassageRef};
use crate::model::{Date, Force};

/// Every candidate with all that is known of it.
pub struct Scored {
    /// The ranking that is used: what was asked for, or words where there is no vector to ask by meaning with.
    pub rule: Mode,
    /// The fusion that is used.
    pub fusion: Fusion,
    /// The score of each candidate, and which article it is of.
    pub ranked: Vec<Ranked>,
    /// What each candidate's score was made of.
    pub evidence: Vec<Evidence>,
    /// What the lexical score of a passage can never exceed for this question.
    pub lexical_bound: f32,
    /// Each candidate's place in the list by words, from 1.
    pub lexical_ranks: Ranks,
    /// Each candidate's place in the list by meaning, from 1.
    pub dense_ranks: Ranks,
    /// The candidates, ascending; every list above is in this order.
    pub passages: Vec<PassageRef>,
}

/// What a question prefers in an answer beside its words and meaning.
#[derive(Debug, Clone, Copy, Default)]
pub struct Preferred {
    /// That it is about the place asked for.
    pub local: bool,
    /// That it holds on this day, where one is asked for.
    pub as_of: Option<Date>,
}

impl Preferred {
    /// Sets the features of a candidate that depend on what is preferred.
    fn apply_to(self, evidence: &mut Evidence) {
        evidence.same_place = f32::from(u8::from(self.local && evidence.locality >= 1.0));
        let force = self.as_of.map(|day| evidence.validity.on(day));
        evidence.out_of_force = f32::from(u8::from(matches!(force, Some(Force::Ended | Force::NotYet))));
    }
}

/// A candidate and everything it is judged by.
#[derive(Debug, Clone)]
pub struct JudgedBy {
    /// The article it is from.
    pub article: std::sync::Arc<str>,
    /// Its place in the article.
    pub ordinal: u32,
    /// Its exact scores.
    pub evidence: Evidence,
}

/// A place in a retriever's list for each candidate, none for those that it did not find.
pub type Ranks = Vec<Option<u32>>;

/// How the candidates of one question are scored.
#[derive(Clone, Copy)]
pub struct Scorer<'a> {
    /// The question as the engine knows it.
    pub asked: &'a dyn Asked,
    /// The ranking that was asked for.
    pub mode: Mode,
    /// How both rankings are merged.
    pub fusion: &'a Fusion,
    /// What speaks for an answer beside its scores.
    pub preferred: Preferred,
}

/// Scores the union of both lists and of `pinned`, every candidate by everything.
///
/// # Errors
/// As [`Asked::judge`].
pub fn score(scorer: Scorer<'_>, retrieved: &Retrieved, pinned: &[PassageRef], budget: Budget) -> Result<Scored> {
    let Scorer {
        asked,
        mode,
        fusion,
        preferred,
    } = scorer;
    let rule = if retrieved.vector.is_some() {
        mode
    } else {
        Mode::Lexical
    };
    let lists = [&retrieved.lexical, &retrieved.dense];
    let found = lists.into_iter().flatten().map(|found| found.passage);
    let mut passages: Vec<PassageRef> = found.chain(pinned.iter().copied()).collect();
    passages.sort_unstable();
    passages.dedup();
    let mut judged = asked.judge(retrieved.vector.as_deref(), &passages, budget)?;
    for judged in &mut judged {
        preferred.apply_to(&mut judged.evidence);
    }
    let ranks = |list: &[Candidate], exact: fn(&Evidence) -> f32| ranks(asked, list, &passages, &judged, exact);
    let mut lexical_ranks = ranks(&retrieved.lexical, |e| e.words + e.bigrams)?;
    let mut dense_ranks = ranks(&retrieved.dense, Evidence::meaning)?;
    if lists.iter().any(|list| list.len() > retrieved.depth) {
        let mut lists = [&mut lexical_ranks, &mut dense_ranks];
        let stays = stays(&passages, pinned, &mut lists, retrieved.depth);
        shorten((&mut passages, &mut judged), lists, &stays);
    }
    let lexical_bound = asked.weights().bound();
    let ranked = judged
        .iter()
        .enumerate()
        .map(|(at, judged)| {
            let candidate = Fusable {
                evidence: &judged.evidence,
                lexical_rank: lexical_ranks[at],
                dense_rank: dense_ranks[at],
            };
            Ranked {
                article: judged.article,
                ordinal: judged.ordinal,
                score: score_of(rule, fusion, candidate, lexical_bound),
            }
        })
        .collect();
    Ok(Scored {
        rule,
        fusion: *fusion,
        ranked,
        evidence: judged.into_iter().map(|judged| judged.evidence).collect(),
        lexical_bound,
        lexical_ranks,
        dense_ranks,
        passages,
    })
}

impl Scored {
    /// Lowers the scores of an article that turned out to be out of force: of all its passages that do not hold today.
    pub fn supersede(&mut self, at: usize, today: Date) {
        let article = self.ranked[at].article;
        for other in 0..self.ranked.len() {
            let holds = self.evidence[other].validity.may_hold(today);
            if self.ranked[other].article == article && !holds {
                self.change(other, |evidence| evidence.out_of_force = 1.0);
            }
        }
    }

    /// Raises the scores of those of these passages, ascending, that are candidates: they are of the product that the
    /// question names, whose edition is of the year that it names, if any. Another product of that year is not asked
    /// for.
    pub fn name(&mut self, passages: &[PassageRef]) {
        if passages.is_empty() {
            return;
        }
        for at in 0..self.passages.len() {
            let is_named = passages.binary_search(&self.passages[at]).is_ok();
            self.change(at, |evidence| {
                if is_named {
                    evidence.same_product = 1.0;
                } else {
                    evidence.timeliness = 0.0;
                }
            });
        }
    }

    fn change(&mut self, at: usize, change: impl Fn(&mut Evidence)) {
        change(&mut self.evidence[at]);
        self.ranked[at].score = score_of(self.rule, &self.fusion, self.candidate(at), self.lexical_bound);
    }

    fn candidate(&self, at: usize) -> Fusable<'_> {
        Fusable {
            evidence: &self.evidence[at],
            lexical_rank: self.lexical_ranks[at],
            dense_rank: self.dense_ranks[at],
        }
    }

    /// The amounts that add up to a candidate's score.
    pub fn parts(&self, at: usize) -> Vec<(&'static str, f32)> {
        parts_of(self.rule, &self.fusion, self.candidate(at), self.lexical_bound)
    }
}

/// The amounts that add up to a candidate's score.
fn parts_of(rule: Mode, fusion: &Fusion, candidate: Fusable, lexical_bound: f32) -> Vec<(&'static str, f32)> {
    let evidence = candidate.evidence;
    match rule {
        Mode::Hybrid => fusion.parts(candidate, lexical_bound),
        Mode::Dense => vec![("cosine", 0.5 * evidence.cosine), ("window", 0.5 * evidence.window)],
        Mode::Lexical => vec![("words", evidence.words), ("bigrams", evidence.bigrams)],
    }
}

/// A candidate's score: the sum of [`parts_of`].
fn score_of(rule: Mode, fusion: &Fusion, candidate: Fusable, lexical_bound: f32) -> f32 {
    let evidence = candidate.evidence;
    match rule {
        Mode::Hybrid => fusion.score(candidate, lexical_bound),
        Mode::Dense => evidence.meaning(),
        Mode::Lexical => evidence.words + evidence.bigrams,
    }
}

/// Takes the places behind the first `depth` out of the lists; tells of each candidate whether it still has one, or is
/// pinned.
fn stays(passages: &[PassageRef], pinned: &[PassageRef], lists: &mut [&mut Ranks], depth: usize) -> Vec<bool> {
    let mut stays: Vec<bool> = passages.iter().map(|passage| pinned.contains(passage)).collect();
    for ranks in lists {
        for (rank, stays) in ranks.iter_mut().zip(&mut stays) {
            *rank = rank.filter(|rank| *rank as usize <= depth);
            *stays |= rank.is_some();
        }
    }
    stays
}

/// Keeps the candidates that stay.
fn shorten(candidates: (&mut Vec<PassageRef>, &mut Vec<Judged>), lists: [&mut Ranks; 2], stays: &[bool]) {
    retain(candidates.0, stays);
    retain(candidates.1, stays);
    lists.into_iter().for_each(|ranks| retain(ranks, stays));
}

/// Keeps what stays, by its number.
fn retain<T>(of: &mut Vec<T>, stays: &[bool]) {
    let mut stays = stays.iter();
    of.retain(|_| stays.next().is_some_and(|stays| *stays));
}

/// Numbers a retriever's list by the exact score, since its own score may be an approximation; ties by id.
fn ranks(
    asked: &dyn Asked,
    list: &[Candidate],
    passages: &[PassageRef],
    judged: &[Judged],
    exact: fn(&Evidence) -> f32,
) -> Result<Ranks> {
    let exact = |at: usize| exact(&judged[at].evidence);
    // Every found passage is among the candidates.
    let mut order: Vec<usize> = list
        .iter()
        .filter_map(|found| passages.binary_search(&found.passage).ok())
        .collect();
    order.sort_unstable_by(|&a, &b| exact(b).total_cmp(&exact(a)).then(a.cmp(&b)));
    settle_ties(
        &mut order,
        |a, b| exact(a) == exact(b),
        |tied| {
            let tied: Vec<PassageRef> = tied.iter().map(|&at| passages[at]).collect();
            asked.keys(&tied)
        },
    )?;
    let mut ranks = vec![None; passages.len()];
    for (at, rank) in order.into_iter().zip(1..) {
        ranks[at] = Some(rank);
    }
    Ok(ranks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_the_depth_has_no_place() {
        let passages = [1, 2, 3, 4, 5].map(PassageRef);
        let mut words = vec![Some(3), Some(1), None, Some(2), Some(4)];
        let mut meaning = vec![Some(1), None, Some(3), None, None];
        let stays = stays(&passages, &passages[4..], &mut [&mut words, &mut meaning], 2);
        assert_eq!(stays, [true, true, false, true, true]);
        assert_eq!(words, [None, Some(1), None, Some(2), None]);
        assert_eq!(meaning, [Some(1), None, None, None, None]);
        retain(&mut words, &stays);
        assert_eq!(words, [None, Some(1), Some(2), None]);
    }
}
