//! Why a hit stands where it stands: numbers for programs, a line for its asker and one for engineers.

use super::fusion::lexical_share;
use super::reason::Reasons;
use super::request::Mode;
use super::reranking::Rescored;
use super::response::{Applies, Explanation, RankPart, TermMatch};
use crate::index::{Evidence, TermScore};
use crate::model::{Force, Validity};
use crate::text::TermOrigin;

/// A hit as the ranking left it.
pub struct Subject<'a> {
    /// Its place in the answer, from 1.
    pub place: usize,
    /// Which rankings were asked for.
    pub mode: Mode,
    /// Its exact scores.
    pub evidence: &'a Evidence,
    /// Its place in the list by words.
    pub lexical_rank: Option<u32>,
    /// Its place in the list by meaning.
    pub dense_rank: Option<u32>,
    /// What a reranker made of it.
    pub rescored: Option<Rescored>,
    /// The amounts that add up to its score.
    pub parts: Vec<(&'static str, f32)>,
    /// What its lexical score can never exceed.
    pub lexical_bound: f32,
    /// The exact scores of the hit behind it.
    pub next: Option<&'a Evidence>,
    /// How it applies to the place and the year asked for.
    pub applies: Applies,
    /// From when to when it holds.
    pub validity: Validity,
    /// Whether it holds on the day asked for.
    pub force: Option<Force>,
    /// Where a newer hit says nearly the same with other numbers: what both say.
    pub newer: Option<&'a str>,
    /// The places that it is about, as filters name them.
    pub regions: &'a [String],
    /// The years that it is about.
    pub years: &'a [u16],
}

/// The explanation of one hit; `terms` are its matched terms, the strongest first.
pub fn explain(subject: &Subject, terms: Vec<TermScore>) -> Explanation {
    let evidence = subject.evidence;
    let (own, synonyms) = (named(&terms, false), named(&terms, true));
    let terms: Vec<TermMatch> = terms
        .into_iter()
        .map(|found| TermMatch {
            term: found.term.text,
            score: found.score,
            synonym: found.term.origin == TermOrigin::Synonym,
        })
        .collect();
    let lexical = (subject.mode != Mode::Dense).then_some(RankPart {
        rank: subject.lexical_rank,
        score: evidence.words + evidence.bigrams,
        normalized: lexical_share(evidence, subject.lexical_bound),
    });
    let dense = (subject.mode != Mode::Lexical).then_some(RankPart {
        rank: subject.dense_rank,
        score: evidence.meaning(),
        normalized: evidence.meaning().clamp(0.0, 1.0),
    });
    Explanation {
        contributions: subject
            .parts
            .iter()
            .filter(|(_, amount)| *amount != 0.0)
            .map(|(name, amount)| (name.to_string(), *amount))
            .collect(),
        // Where a reranker decided, no share of the fusion changes places.
        swap_weight: subject
            .next
            .filter(|_| subject.rescored.is_none())
            .and_then(|next| swap_weight(subject, next)),
        reranker: subject.rescored.map(|verdict| RankPart {
            rank: Some(verdict.place),
            score: verdict.relevance,
            normalized: verdict.share,
        }),
        summary: summary(subject, lexical, dense, &own, &synonyms),
        lexical,
        dense,
        terms,
    }
}

/// The dense share of a convex combination at which this hit and the next are equal, if there is one in 0..=1.
fn swap_weight(subject: &Subject, next: &Evidence) -> Option<f32> {
    let parts = |e: &Evidence| (lexical_share(e, subject.lexical_bound), e.meaning().clamp(0.0, 1.0));
    let ((l1, d1), (l2, d2)) = (parts(subject.evidence), parts(next));
    // (1 - a) l1 + a d1 = (1 - a) l2 + a d2
    let slope = (l1 - l2) - (d1 - d2);
    let weight = (l1 - l2) / slope;
    (slope.abs() > 1e-9 && (0.0..=1.0).contains(&weight)).then_some(weight)
}

/// The matched words worth naming, the strongest first: at least two characters, none inside another.
fn named(terms: &[TermScore], synonyms: bool) -> Vec<String> {
    let mut chosen: Vec<&str> = Vec::new();
    for found in terms {
        let text = found.term.text.as_str();
        let worth = found.is_word && !text.starts_with('#') && text.chars().nth(1).is_some();
        if worth && (found.term.origin == TermOrigin::Synonym) == synonyms {
            if chosen.iter().any(|known| known.contains(text)) {
                continue;
            }
            chosen.retain(|known| !text.contains(known));
            chosen.push(text);
        }
    }
    chosen.into_iter().map(str::to_string).collect()
}

fn summary(
    subject: &Subject,
    lexical: Option<RankPart>,
    dense: Option<RankPart>,
    own: &[String],
    synonyms: &[String],
) -> String {
    let reason = Reasons {
        words: own,
        synonyms,
        by_meaning: dense.is_some(),
        applies: subject.applies,
        validity: subject.validity,
        force: subject.force,
        newer: subject.newer,
        regions: subject.regions,
        years: subject.years,
    };
    let reason = reason.sentence();
    let mut parts = Vec::new();
    let place = |rank: Option<u32>| match rank {
        Some(rank) => format!("第 {rank} 位"),
        None => "未进入候选".to_string(),
    };
    if let Some(lexical) = lexical {
        parts.push(format!("按字词{}（得分 {:.2}）", place(lexical.rank), lexical.score));
    }
    if let Some(dense) = dense {
        parts.push(format!("按语义{}（相似度 {:.3}）", place(dense.rank), dense.score));
    }
    if let Some(verdict) = subject.rescored {
        parts.push(format!("重排前第 {} 位，重排评为 {:.2}", verdict.place, verdict.share));
    }
    let numbers = format!("排在第 {} 位：{}。", subject.place, parts.join("，"));
    format!("{reason}\n{numbers}")
}
