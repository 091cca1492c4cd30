//! Candidates to a ranked list: exact scores for the union of both retrievers' lists, and the one rule that is in force.
//!
//! Knows neither texts nor the request's paging; `engine` brings both together.

use std::sync::Arc;

use rayon::ThreadPool;

use super::fusion::{Fusable, Fusion};
use super::group::Ranked;
use super::request::Mode;
use crate::compute::both;
use crate::error::Result;
use crate::index::{BoundQuery, Candidate, DenseQuestion, Evidence, EvidenceSet, PassageRef, Snapshot};

/// What both retrievers found, and why one of them may be missing.
pub struct Retrieved {
    /// By words.
    pub lexical: Vec<Candidate>,
    /// By meaning.
    pub dense: Vec<Candidate>,
    /// The question's vector.
    pub vector: Option<Arc<[f32]>>,
    /// What the adapter makes of it, if there is one for the index.
    pub adapted: Option<Arc<[f32]>>,
    /// Why the answer will be less than asked for.
    pub degraded: Option<String>,
}

/// From so many candidates on two threads score them in less time than one, the waking of the other included.
const MANY: usize = 64;

/// Every candidate with all that is known of it.
pub struct Scored {
    /// The ranking in force.
    pub rule: Mode,
    /// The fusion in force.
    pub fusion: Fusion,
    /// By candidate.
    pub ranked: Vec<Ranked>,
    /// By candidate.
    pub evidence: EvidenceSet,
    /// By candidate, its place in the list by words, from 1.
    pub lexical_ranks: Ranks,
    /// By candidate, its place in the list by meaning, from 1.
    pub dense_ranks: Ranks,
    /// The candidates, ascending.
    pub passages: Vec<PassageRef>,
}

/// A place in a retriever's list for each candidate, none for those that it did not find.
pub type Ranks = Vec<Option<u32>>;

/// Scores the union of both lists, every candidate by everything; with the help of `beside`, if there is one.
///
/// # Errors
/// `Corrupt` if the index is damaged.
pub fn score(
    snapshot: &dyn Snapshot,
    rule: Mode,
    query: &Arc<dyn BoundQuery>,
    retrieved: &Retrieved,
    fusion: &Fusion,
    beside: Option<&ThreadPool>,
) -> Result<Scored> {
    let lists = [&retrieved.lexical, &retrieved.dense];
    let mut passages: Vec<PassageRef> = lists.into_iter().flatten().map(|found| found.passage).collect();
    passages.sort_unstable();
    passages.dedup();
    let evidence = exact(query, retrieved, &passages, beside)?;
    let articles = snapshot.articles(&passages)?;
    let by_words = |evidence: &Evidence| evidence.words + evidence.bigrams;
    let lexical_ranks = ranks(&retrieved.lexical, &passages, &evidence, by_words);
    let dense_ranks = ranks(&retrieved.dense, &passages, &evidence, |evidence| evidence.centered);
    let lexical_bound = evidence.lexical_bound;
    let ranked = articles
        .into_iter()
        .enumerate()
        .map(|(at, (article, ordinal))| {
            let candidate = Fusable {
                evidence: &evidence.passages[at],
                lexical_rank: lexical_ranks[at],
                dense_rank: dense_ranks[at],
            };
            Ranked {
                article,
                ordinal,
                score: score_of(rule, fusion, candidate, lexical_bound),
            }
        })
        .collect();
    Ok(Scored {
        rule,
        fusion: *fusion,
        ranked,
        evidence,
        lexical_ranks,
        dense_ranks,
        passages,
    })
}

/// Exact scores of the candidates, in their order.
fn exact(
    query: &Arc<dyn BoundQuery>,
    retrieved: &Retrieved,
    passages: &[PassageRef],
    beside: Option<&ThreadPool>,
) -> Result<EvidenceSet> {
    let (vector, adapted) = (retrieved.vector.clone(), retrieved.adapted.clone());
    let query = Arc::clone(query);
    let evidence = move |passages: &[PassageRef]| {
        let question = vector.as_deref().map(|vector| DenseQuestion {
            vector,
            adapted: adapted.as_deref(),
        });
        query.evidence(question, passages)
    };
    let Some(threads) = beside.filter(|_| passages.len() >= MANY) else {
        return evidence(passages);
    };
    let (first, rest) = passages.split_at(passages.len() / 2);
    let (of_rest, rest) = (evidence.clone(), rest.to_vec());
    let (rest, first) = both(threads, move || of_rest(&rest), || evidence(first));
    // All but the passages is of the question, so the same in both.
    let mut all = first?;
    all.passages.extend(rest?.passages);
    Ok(all)
}

impl Scored {
    /// The amounts that add up to a candidate's score.
    pub fn parts(&self, at: usize) -> Vec<(&'static str, f32)> {
        let candidate = Fusable {
            evidence: &self.evidence.passages[at],
            lexical_rank: self.lexical_ranks[at],
            dense_rank: self.dense_ranks[at],
        };
        parts_of(self.rule, &self.fusion, candidate, self.evidence.lexical_bound)
    }
}

/// The ranking that is in force: what was asked for, or words if there is no vector to ask by meaning with.
pub fn rule(mode: Mode, has_vector: bool) -> Mode {
    if has_vector { mode } else { Mode::Lexical }
}

/// The amounts that add up to a candidate's score.
fn parts_of(rule: Mode, fusion: &Fusion, candidate: Fusable, lexical_bound: f32) -> Vec<(&'static str, f32)> {
    let evidence = candidate.evidence;
    match rule {
        Mode::Hybrid => fusion.parts(candidate, lexical_bound),
        Mode::Dense => vec![("centered", evidence.centered)],
        Mode::Lexical => vec![("words", evidence.words), ("bigrams", evidence.bigrams)],
    }
}

/// The sum of the amounts.
fn score_of(rule: Mode, fusion: &Fusion, candidate: Fusable, lexical_bound: f32) -> f32 {
    let evidence = candidate.evidence;
    match rule {
        Mode::Hybrid => fusion.score(candidate, lexical_bound),
        Mode::Dense => evidence.centered,
        Mode::Lexical => evidence.words + evidence.bigrams,
    }
}

/// Numbers a retriever's list by the exact score, since its own score may be an approximation.
fn ranks(
    list: &[Candidate],
    passages: &[PassageRef],
    evidence: &EvidenceSet,
    exact: impl Fn(&Evidence) -> f32,
) -> Ranks {
    let exact = |at: usize| exact(&evidence.passages[at]);
    // Every found passage is among the candidates.
    let mut order: Vec<usize> = list
        .iter()
        .filter_map(|found| passages.binary_search(&found.passage).ok())
        .collect();
    order.sort_unstable_by(|&a, &b| exact(b).total_cmp(&exact(a)).then(a.cmp(&b)));
    let mut ranks = vec![None; passages.len()];
    for (at, rank) in order.into_iter().zip(1..) {
        ranks[at] = Some(rank);
    }
    ranks
}
