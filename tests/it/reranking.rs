//! What an engine does with a reranker: whose scores come, come late, come in part, or do not come.

use std::sync::Arc;

use baowen::compute::Budget;
use baowen::embed::Reranker;
use baowen::error::{Error, Result};
use baowen::index::Backend;
use baowen::profile::{Profile, RerankRule, Reranking};
use baowen::search::request::{Mode, SearchRequest};
use baowen::search::response::SearchResponse;
use baowen::search::{Engine, Ranking};

use crate::support::{analyzer, article, index_of, rules};

/// Relevance by what is in a passage; fails, or stops, where it is told to.
struct Fake {
    /// After so many passages no time is left.
    reach: usize,
    fails: bool,
}

impl Reranker for Fake {
    fn identity(&self) -> &str {
        "fake"
    }

    fn rerank(&self, _: &str, passages: &[&str], budget: Budget) -> Result<Vec<f32>> {
        if self.fails {
            return Err(Error::unavailable("the endpoint is down"));
        }
        if budget.check().is_err() {
            return Ok(Vec::new());
        }
        // The title is read with the text.
        assert!(passages.iter().all(|passage| passage.starts_with("第")), "{passages:?}");
        let number = |passage: &&str| passage.chars().filter(|c| *c == '补').count() as f32 - 3.0;
        Ok(passages.iter().take(self.reach).map(number).collect())
    }
}

/// An engine over articles of which later ones say more often what the reranker looks for.
fn engine(folder: &std::path::Path, reranking: Option<Reranking>, fake: Option<Fake>) -> Engine {
    let articles: Vec<_> = (0..12)
        .map(|n| {
            article(
                &format!("a{n:02}"),
                &format!("第{n}篇"),
                &format!("医保断缴之后{}怎么办。", "补".repeat(n)),
            )
        })
        .collect();
    let rules = rules();
    let index = index_of(folder, &rules, &articles);
    let mut profile = Profile::shipped().clone();
    profile.reranking = reranking;
    let engine = Engine::new(index as Arc<dyn Backend>, analyzer(), rules.embedder);
    let engine = engine.with_ranking(Ranking::of(&profile).unwrap());
    match fake {
        Some(fake) => engine.with_reranker(Arc::new(fake)),
        None => engine,
    }
}

fn request(mode: Mode) -> SearchRequest {
    SearchRequest {
        top_k: Some(12),
        mode,
        explain: true,
        ..SearchRequest::new("医保断缴怎么办")
    }
}

fn ids(response: &SearchResponse) -> Vec<&str> {
    response.hits.iter().map(|hit| hit.article_id.as_str()).collect()
}

fn ask(reranking: Option<Reranking>, fake: Option<Fake>) -> SearchResponse {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder.path().join("index"), reranking, fake);
    engine.search(&request(Mode::Hybrid), Budget::single()).unwrap()
}

const ALL: Fake = Fake {
    reach: 100,
    fails: false,
};

#[test]
fn the_profile_says_how_many_are_scored_and_what_their_scores_do() {
    let plain = ask(None, None);
    assert_eq!((plain.reranked, plain.hits.len()), (None, 12));
    let replaced = ask(None, Some(ALL));
    let falling: Vec<String> = (0..12).rev().map(|n| format!("a{n:02}")).collect();
    assert_eq!(ids(&replaced), falling);
    assert_eq!((replaced.reranked, replaced.degraded.as_deref()), (Some(12), None));
    assert!(
        replaced.provenance.weights.ends_with("; reranked first=30 by fake"),
        "{:?}",
        replaced.provenance
    );

    let first = |first, rule| Some(Reranking { first, rule });
    let few = ask(first(4, RerankRule::Replace), Some(ALL));
    assert_eq!(few.reranked, Some(4));
    assert_eq!(ids(&few)[4..], ids(&plain)[4..]);
    assert_eq!(few.degraded, None, "as many as wanted");
    let joined = ask(first(12, RerankRule::Sum(0.0)), Some(ALL));
    assert_eq!(ids(&joined), ids(&plain), "a weight of nothing changes nothing");
    for response in [&replaced, &few, &joined] {
        assert!(response.hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
        for hit in &response.hits {
            let explanation = hit.explanation.as_ref().unwrap();
            let sum: f32 = explanation.contributions.iter().map(|(_, amount)| amount).sum();
            assert!((sum - hit.score).abs() < 1e-3, "{sum} {}", hit.score);
        }
    }
    let first = few.hits[0].explanation.as_ref().unwrap();
    assert!(first.reranker.is_some() && first.summary.contains("重排"), "{first:?}");
    assert_eq!(few.hits[5].explanation.as_ref().unwrap().reranker, None);
}

#[test]
fn what_does_not_come_in_time_keeps_its_place_and_the_answer_says_so() {
    let plain = ask(None, None);
    let part = ask(None, Some(Fake { reach: 5, fails: false }));
    assert_eq!(part.reranked, Some(5));
    assert_eq!(ids(&part)[5..], ids(&plain)[5..]);
    assert!(
        part.degraded.as_ref().unwrap().contains("first 5 of 12"),
        "{:?}",
        part.degraded
    );
    let failed = ask(None, Some(Fake { reach: 0, fails: true }));
    assert_eq!((ids(&failed), failed.reranked), (ids(&plain), Some(0)));
    assert!(
        failed.degraded.as_ref().unwrap().contains("the endpoint is down"),
        "{:?}",
        failed.degraded
    );
}

#[test]
fn words_or_meaning_alone_are_left_as_they_are_and_pages_are_cut_from_one_list() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder.path().join("index"), None, Some(ALL));
    for mode in [Mode::Lexical, Mode::Dense] {
        assert_eq!(engine.search(&request(mode), Budget::single()).unwrap().reranked, None);
    }
    let whole = engine.search(&request(Mode::Hybrid), Budget::single()).unwrap();
    for offset in 0..12 {
        let page = SearchRequest {
            offset,
            top_k: Some(3),
            ..request(Mode::Hybrid)
        };
        let page = engine.search(&page, Budget::single()).unwrap();
        assert_eq!(ids(&page), ids(&whole)[offset..12.min(offset + 3)]);
    }
}
