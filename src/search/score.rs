//! Candidates to a ranked list: exact scores for the union of both retrievers' lists, and the one rule that is in force.
//!
//! Knows neither texts nor the request's paging; `engine` brings both together.

use std::collections::HashMap;

use super::fusion::{Fusable, Fusion};
use super::group::Ranked;
use super::request::Mode;
use crate::error::Result;
use crate::index::{Candidate, EvidenceSet, LexicalQuery, PassageRef, Snapshot};

/// What both retrievers found, and why one of them may be missing.
pub struct Retrieved {
    /// By words.
    pub lexical: Vec<Candidate>,
    /// By meaning.
    pub dense: Vec<Candidate>,
    /// The question's vector.
    pub vector: Option<Vec<f32>>,
    /// Why the answer will be less than asked for.
    pub degraded: Option<String>,
}

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
    /// Places in the list by words, from 1.
    pub lexical_ranks: HashMap<PassageRef, u32>,
    /// Places in the list by meaning, from 1.
    pub dense_ranks: HashMap<PassageRef, u32>,
    /// The candidates, ascending.
    pub passages: Vec<PassageRef>,
}

fn ranks(list: &[Candidate]) -> HashMap<PassageRef, u32> {
    list.iter()
        .zip(1..)
        .map(|(candidate, rank)| (candidate.passage, rank))
        .collect()
}

/// Scores the union of both lists, every candidate by everything.
///
/// # Errors
/// `Corrupt` if the index is damaged.
pub fn score(
    snapshot: &dyn Snapshot,
    rule: Mode,
    query: &LexicalQuery,
    retrieved: &Retrieved,
    fusion: &Fusion,
) -> Result<Scored> {
    let mut passages: Vec<PassageRef> = retrieved
        .lexical
        .iter()
        .chain(&retrieved.dense)
        .map(|candidate| candidate.passage)
        .collect();
    passages.sort_unstable();
    passages.dedup();
    let evidence = snapshot.evidence(query, retrieved.vector.as_deref(), &passages)?;
    let keys = snapshot.keys(&passages)?;
    let mut lexical_ranks = ranks(&retrieved.lexical);
    let mut dense_ranks = ranks(&retrieved.dense);
    rerank_exactly(&mut lexical_ranks, &passages, |at| {
        evidence.passages[at].words + evidence.passages[at].bigrams
    });
    rerank_exactly(&mut dense_ranks, &passages, |at| evidence.passages[at].centered);
    let lexical_bound = evidence.lexical_bound;
    let ranked = passages
        .iter()
        .zip(keys)
        .zip(&evidence.passages)
        .map(|((passage, (article, ordinal)), evidence)| {
            let fusable = Fusable {
                evidence,
                lexical_rank: lexical_ranks.get(passage).copied(),
                dense_rank: dense_ranks.get(passage).copied(),
            };
            let score = parts_of(rule, fusion, fusable, lexical_bound)
                .iter()
                .map(|(_, amount)| amount)
                .sum();
            Ranked {
                article,
                ordinal,
                score,
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

impl Scored {
    /// The amounts that add up to a candidate's score.
    pub fn parts(&self, at: usize) -> Vec<(&'static str, f32)> {
        let passage = &self.passages[at];
        let candidate = Fusable {
            evidence: &self.evidence.passages[at],
            lexical_rank: self.lexical_ranks.get(passage).copied(),
            dense_rank: self.dense_ranks.get(passage).copied(),
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

/// Numbers a retriever's list by the exact score, since its own score may be an approximation.
fn rerank_exactly(ranks: &mut HashMap<PassageRef, u32>, passages: &[PassageRef], exact: impl Fn(usize) -> f32) {
    let mut order: Vec<usize> = (0..passages.len())
        .filter(|&at| ranks.contains_key(&passages[at]))
        .collect();
    order.sort_by(|&a, &b| exact(b).total_cmp(&exact(a)).then(passages[a].cmp(&passages[b])));
    for (at, rank) in order.into_iter().zip(1..) {
        ranks.insert(passages[at], rank);
    }
}
