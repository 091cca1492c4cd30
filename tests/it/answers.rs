//! What a person sees: the sentence that answers, whether anything answers at all, and the place and year asked for.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use baowen::article::{ArticleReader, ReadEvent};
use baowen::compute::Budget;
use baowen::embed::{CachedEmbedder, Embedder, VectorCache};
use baowen::index::Rules;
use baowen::model::Article;
use baowen::search::Engine;
use baowen::search::request::SearchRequest;
use baowen::search::response::Hit;
use serde_json::Value;

use crate::support::{analyzer, index_of, model, root, shared};

fn lines(file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(root().join("tests/data/answers").join(file)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The model, with what it embeds kept from one test run to the next: the clauses take a minute or more. The model
/// itself where another run has the cache open; so only one test may use it.
fn remembering(model: Arc<dyn Embedder>) -> Arc<dyn Embedder> {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("answers-vectors.bin");
    match VectorCache::open(&file, model.dimension()) {
        Ok(cache) => Arc::new(CachedEmbedder::new(model, cache).unwrap()),
        Err(_) => model,
    }
}

/// An engine over articles, with the real model; the folder lives as long as the engine is used.
fn engine(articles: &[Article]) -> Option<(tempfile::TempDir, Engine)> {
    engine_made_by(model()?, articles)
}

/// Likewise, the articles embedded by `embedder`, which gives the model's vectors.
fn engine_made_by(embedder: Arc<dyn Embedder>, articles: &[Article]) -> Option<(tempfile::TempDir, Engine)> {
    let rules = Rules {
        analyzer: analyzer(),
        embedder: Some(embedder),
    };
    let folder = tempfile::tempdir().unwrap();
    let index = index_of(folder.path(), &rules, articles);
    let engine = Engine::new(index, rules.analyzer.clone(), model());
    Some((folder, engine))
}

fn read(file: &str) -> Option<Vec<Article>> {
    let path = shared()?.join("bench").join(file).join("corpus.jsonl");
    let read = |event| match event {
        ReadEvent::Article(article) => Some(article),
        ReadEvent::Rejected(rejected) => panic!("{rejected}"),
        ReadEvent::LeftOut(..) | ReadEvent::Noticed(_) => None,
    };
    Some(ArticleReader::open(&[path]).unwrap().filter_map(read).collect())
}

fn pages() -> Option<Vec<Article>> {
    read("yibao")
}

/// The policy clauses of the insurance collection, without its seven thousand forum answers: those would take minutes
/// to embed.
fn clauses() -> Option<Vec<Article>> {
    let mut articles = read("insurance")?;
    articles.retain(|article| article.id.starts_with("clause-"));
    Some(articles)
}

/// Whether a hit shows a sentence that was judged to answer. `judged` holds an article and what its answer says.
fn is_right(hit: &Hit, judged: &Value) -> bool {
    let Some(span) = hit.best_sentence else { return false };
    let length = (span.end - span.start) as usize;
    let shown: String = hit.text.chars().skip(span.start as usize).take(length).collect();
    let mut answers = judged["answer"].as_array().unwrap().iter();
    judged["article_id"] == *hit.article_id && answers.any(|answer| shown.contains(answer.as_str().unwrap()))
}

/// Of questions about the pages and the clauses most show a sentence that answers in the first hit or the second (issue
/// 3: 34 of the first 40). The bounds are a little below what was measured when they were set; the third set was held
/// back when the first rules were made. The weights of today were learned from thousands of read answers of other sets;
/// the first and the second set, which helped to set the earlier ones, lost one and three by that.
#[test]
fn the_best_sentence_answers() {
    let (Some((_pages, pages)), Some((_clauses, clauses))) = (
        pages().and_then(|articles| engine(&articles)),
        clauses().and_then(|articles| engine_made_by(remembering(model()?), &articles)),
    ) else {
        return;
    };
    let questions = lines("sentences.jsonl");
    assert_eq!(questions.len(), 80);
    // Questions, those with a right sentence by any judgement, and by the first alone; and the least there may be.
    let mut counts = [[0usize; 3]; 3];
    let least = [31, 12, 9];
    for (at, question) in questions.iter().enumerate() {
        let set = at.saturating_sub(20) / 20;
        assert_eq!(set == 2, question["held_out"] == true);
        let engine = if question["corpus"] == "yibao" {
            &pages
        } else {
            &clauses
        };
        let request = SearchRequest {
            top_k: Some(2),
            ..SearchRequest::new(question["question"].as_str().unwrap())
        };
        let response = engine.search(&request, Budget::all()).unwrap();
        assert_eq!(response.degraded, None);
        let right = |judged: &Value| response.hits.iter().any(|hit| is_right(hit, judged));
        let first = right(question);
        let any = first || question["also"].as_array().is_some_and(|also| also.iter().any(right));
        if !any {
            println!("no answer among the first two: {}", question["question"]);
        }
        for (count, more) in counts[set].iter_mut().zip([true, any, first]) {
            *count += usize::from(more);
        }
    }
    for ([asked, any, first], least) in counts.into_iter().zip(least) {
        println!("{any} of {asked} answered, {first} by the article that the question was made from");
        assert!(any >= least, "{any} of {asked}, at least {least} expected");
    }
}

/// What is judged stands in the articles as it is written, and in no more than a sentence's room.
#[test]
fn judged_answers_stand_in_their_articles() {
    let (Some(pages), Some(insurance)) = (read("yibao"), read("insurance")) else {
        return;
    };
    let texts: HashMap<&str, &str> = pages
        .iter()
        .chain(&insurance)
        .map(|article| (article.id.as_str(), article.text.as_str()))
        .collect();
    for question in lines("sentences.jsonl") {
        let also = question["also"].as_array().cloned().unwrap_or_default();
        for judged in std::iter::once(&question).chain(&also) {
            let id = judged["article_id"].as_str().unwrap();
            let answers = judged["answer"].as_array().unwrap();
            assert!(!answers.is_empty(), "{id}");
            for answer in answers.iter().map(|answer| answer.as_str().unwrap()) {
                assert!(texts[id].contains(answer), "{id} does not say {answer}");
            }
        }
    }
}

/// Issue 3: questions that nothing answers are told apart, AUC at least 0.95.
#[test]
fn what_nothing_answers_is_known_as_such() {
    let Some((_folder, engine)) = pages().and_then(|pages| engine(&pages)) else {
        return;
    };
    let chance = |question: &str| {
        f64::from(
            engine
                .search(&SearchRequest::new(question), Budget::all())
                .unwrap()
                .answerable
                .unwrap(),
        )
    };
    let text = std::fs::read_to_string(root().join("tests/data/answers/unanswerable.txt")).unwrap();
    let negatives: Vec<f64> = text
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .map(chance)
        .collect();
    let asked = lines("sentences.jsonl").into_iter().filter(|q| q["corpus"] == "yibao");
    let positives: Vec<f64> = asked.map(|q| chance(q["question"].as_str().unwrap())).collect();
    let auc = baowen::eval::auc(&positives, &negatives).unwrap();
    println!("AUC {auc:.4} over {} and {}", positives.len(), negatives.len());
    assert!(auc >= 0.95, "{auc}");
    assert!(positives.iter().chain(&negatives).all(|p| (0.0..=1.0).contains(p)));
}

/// Of equal passages the one about the place or year asked for stands first, one about none second, another's last.
#[test]
fn the_place_and_the_year_asked_for_stand_first() {
    let questions = lines("regions.jsonl");
    let to_article = |value: &Value| Article {
        id: value["id"].as_str().unwrap().into(),
        title: value["title"].as_str().unwrap().into(),
        text: value["text"].as_str().unwrap().into(),
        ..Article::default()
    };
    let mut wrong = Vec::new();
    for question in &questions {
        let versions = ["asked", "nowhere", "elsewhere"].map(|version| to_article(&question[version]));
        let Some((_folder, engine)) = engine(&versions) else {
            return;
        };
        let text = question["question"].as_str().unwrap();
        let hits = engine.search(&SearchRequest::new(text), Budget::all()).unwrap().hits;
        let order: Vec<String> = hits.into_iter().map(|hit| hit.article_id).collect();
        if order != versions.map(|version| version.id) {
            wrong.push(format!("{text}: {order:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
