//! Articles like one: near it by meaning (the mean of its passages) and by the words of its title.

use std::sync::Arc;

use super::article::no_article;
use crate::compute::Budget;
use crate::error::{Error, Result};
use crate::index::{Evidence, LexicalQuery, PassageRef, Snapshot, StoredPassage};
use crate::model::{Filter, passage_id};
use crate::search::request::within;
use crate::text::Analyzer;

/// Articles given if it is not said how many.
const DEFAULT_WANTED: usize = 10;
/// The most that may be asked for.
const MOST_WANTED: usize = 100;
/// Passages of the article that its mean is made of; a long article is about what it begins with.
const PASSAGES: usize = 64;
/// Passages looked at beyond those wanted: several are of one article, and some of the article itself.
const BEYOND: usize = 60;
/// Of each article wanted, so many passages are looked at.
const OF_EACH: usize = 4;
/// Characters of a text that stand for a title where there is none.
const AS_TITLE: usize = 60;
/// The share of meaning in a score; words have the rest. Set by hand, not measured.
const BY_MEANING: f32 = 0.7;

/// An article like another one.
#[derive(Debug, Clone, PartialEq)]
pub struct SimilarArticle {
    /// Its passage that is most alike.
    pub passage: StoredPassage,
    /// That passage's id.
    pub passage_id: String,
    /// How much alike, 0 to 1; comparable within one answer.
    pub score: f32,
}

/// The articles most like the one of this id, best first, ties by id, without itself; of those that the filter lets
/// through.
///
/// # Errors
/// `Caller` if more are wanted than may be, `Missing` if there is no such article, `Deadline`, those of the index.
pub fn similar(
    snapshot: Arc<dyn Snapshot>,
    analyzer: &Analyzer,
    id: &str,
    wanted: Option<usize>,
    filter: &Filter,
    budget: Budget,
) -> Result<Vec<SimilarArticle>> {
    let wanted = within("top_k", wanted.unwrap_or(DEFAULT_WANTED), MOST_WANTED)?;
    if id.is_empty() {
        return Err(Error::caller("article_id: is not set").help("take the id from a hit"));
    }
    let passages = snapshot.passages(id, budget)?;
    let Some((first, _)) = passages.first() else {
        return Err(no_article(id));
    };
    let query = subject(first, analyzer);
    let meaning = mean(passages.iter().take(PASSAGES).map(|(_, vector)| &**vector));
    let asked = snapshot.ask(Arc::new(query), filter, budget)?;
    let depth = OF_EACH * wanted + BEYOND.max(passages.len().min(PASSAGES));
    let mut found: Vec<PassageRef> = Vec::new();
    found.extend(asked.lexical(depth, budget)?.iter().take(depth).map(|one| one.passage));
    if let Some(vector) = &meaning {
        found.extend(asked.dense(vector, depth, None, budget)?.iter().map(|one| one.passage));
    }
    found.sort_unstable();
    found.dedup();
    let judged = asked.judge(meaning.as_deref(), &found, budget)?;
    let bound = asked.weights().bound().max(f32::MIN_POSITIVE);
    let keys = asked.keys(&found)?;
    let mut best: Vec<(f32, usize)> = judged
        .iter()
        .map(|judged| score(&judged.evidence, bound, meaning.is_some()))
        .zip(0..)
        .filter(|(_, at)| *keys[*at].article != *id)
        .collect();
    best.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| keys[*one].cmp(&keys[*other])));
    let mut articles = Vec::new();
    best.retain(|(_, at)| {
        let article = judged[*at].article;
        let is_new = articles.len() < wanted && !articles.contains(&article);
        articles.extend(is_new.then_some(article));
        is_new
    });
    let refs: Vec<PassageRef> = best.iter().map(|(_, at)| found[*at]).collect();
    let stored = asked.fetch(&refs, budget)?.into_iter();
    Ok(stored
        .zip(best)
        .map(|(passage, (score, _))| SimilarArticle {
            passage_id: passage_id(&passage.article_id, passage.ordinal),
            passage,
            score,
        })
        .collect())
}

/// An article's title as a question, or the beginning of its text where it has none.
fn subject(first: &StoredPassage, analyzer: &Analyzer) -> LexicalQuery {
    let from = if first.title.is_empty() {
        &first.text
    } else {
        &first.title
    };
    let subject: String = from.chars().take(AS_TITLE).collect();
    let read = analyzer.query(&subject);
    LexicalQuery {
        words: read.words,
        bigrams: read.bigrams,
        ..LexicalQuery::default()
    }
}

fn score(evidence: &Evidence, bound: f32, has_meaning: bool) -> f32 {
    let words = ((evidence.words + evidence.bigrams) / bound).clamp(0.0, 1.0);
    if has_meaning {
        BY_MEANING * evidence.cosine.clamp(0.0, 1.0) + (1.0 - BY_MEANING) * words
    } else {
        words
    }
}

/// The mean of vectors, L2-normalised; none if there is none that points anywhere.
fn mean<'a>(vectors: impl Iterator<Item = &'a [f32]>) -> Option<Vec<f32>> {
    let mut sum: Vec<f32> = Vec::new();
    for vector in vectors {
        sum.resize(vector.len(), 0.0);
        sum.iter_mut().zip(vector).for_each(|(sum, x)| *sum += x);
    }
    let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
    (length > f32::EPSILON && length.is_finite()).then(|| sum.iter().map(|x| x / length).collect())
}
