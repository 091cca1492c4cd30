//! Articles made ready to be written: cut into passages, analysed, embedded.
//!
//! Owns what a passage's text is to each ranking. Knows no engine, holds no lock and writes nothing, so any number of
//! callers may prepare while one writes.

use std::sync::Arc;

use super::passage::{
    FORMAT_VERSION, Identity, PreparedArticle, PreparedPassage, StoredPassage, embedded_text, join_head,
};
use crate::article::{self, SplitOptions};
use crate::compute::Budget;
use crate::embed::Embedder;
use crate::error::{Context, Error, Fault, Result};
use crate::model::{Article, Passage};
use crate::text::Analyzer;

/// Tokens of title and headings that a passage's vector takes in; the rest of the embedder's room is the text's.
const MAX_CONTEXT_TOKENS: usize = 96;
/// Tokens that passages of a long article should have; about 420 characters.
const TARGET_TOKENS: usize = 300;
/// Most characters of a passage when nothing counts tokens.
const MAX_CHARS_WITHOUT_MODEL: usize = 420;

/// What makes vectors and terms; the same for indexing and for asking.
#[derive(Clone)]
pub struct Rules {
    /// Chinese analysis.
    pub analyzer: Arc<Analyzer>,
    /// Text to vector; `None` makes an index of words alone.
    pub embedder: Option<Arc<dyn Embedder>>,
}

impl Rules {
    /// The identity of an index made by these rules.
    pub fn identity(&self) -> Identity {
        Identity {
            format: FORMAT_VERSION,
            analysis: self.analyzer.fingerprint().to_string(),
            embedder: self
                .embedder
                .as_ref()
                .map_or(String::new(), |e| e.identity().to_string()),
            dimension: self.embedder.as_ref().map_or(0, |e| e.dimension()),
        }
    }
}

/// A fingerprint of everything an article says. Rules are not part of it: an index has one set of rules.
pub fn fingerprint(article: &Article) -> Result<u64> {
    let bytes = serde_json::to_vec(article).or_fault(Fault::Bug, "encoding an article")?;
    Ok(xxhash_rust::xxh3::xxh3_64(&bytes))
}

/// Cuts, analyses and embeds articles, given with their fingerprints; one result for each, in their order.
///
/// # Errors
/// A text that the embedder refuses fails its own article; an embedder that is away fails all of them.
pub fn prepare(rules: &Rules, articles: Vec<(Article, u64)>, budget: Budget) -> Vec<Result<PreparedArticle>> {
    let analysed: Vec<(PreparedArticle, Vec<String>)> =
        budget.map(articles, |(article, hash), _| analyse(rules, article, hash));
    let Some(embedder) = &rules.embedder else {
        return analysed.into_iter().map(|(article, _)| Ok(article)).collect();
    };
    match embed(&**embedder, &analysed, budget) {
        Ok(vectors) => analysed
            .into_iter()
            .zip(vectors)
            .map(|((article, _), vectors)| Ok(with_vectors(article, vectors)))
            .collect(),
        Err(error) if error.fault() == Fault::Caller => analysed
            .into_iter()
            .map(|one| {
                let vectors = embed(&**embedder, std::slice::from_ref(&one), budget)?
                    .pop()
                    .unwrap_or_default();
                Ok(with_vectors(one.0, vectors))
            })
            .collect(),
        Err(error) => analysed.iter().map(|_| Err(error.clone())).collect(),
    }
}

/// The vectors of each article's passages, all embedded together.
fn embed(
    embedder: &dyn Embedder,
    articles: &[(PreparedArticle, Vec<String>)],
    budget: Budget,
) -> Result<Vec<Vec<Vec<f32>>>> {
    let texts: Vec<&str> = articles
        .iter()
        .flat_map(|(_, texts)| texts.iter().map(String::as_str))
        .collect();
    let vectors = embedder.embed_passages(&texts, budget)?;
    if vectors.len() != texts.len() {
        let (texts, vectors) = (texts.len(), vectors.len());
        return Err(Error::bug(format!("{texts} texts came back as {vectors} vectors")));
    }
    let mut vectors = vectors.into_iter();
    Ok(articles
        .iter()
        .map(|(_, texts)| vectors.by_ref().take(texts.len()).collect())
        .collect())
}

fn with_vectors(mut article: PreparedArticle, vectors: Vec<Vec<f32>>) -> PreparedArticle {
    for (passage, vector) in article.passages.iter_mut().zip(vectors) {
        passage.vector = vector;
    }
    article
}

/// Cuts and analyses an article; its passages still lack their vectors, which are made of the texts beside it.
fn analyse(rules: &Rules, article: Article, hash: u64) -> (PreparedArticle, Vec<String>) {
    let analyzer = &rules.analyzer;
    let count = |text: &str| match &rules.embedder {
        Some(embedder) => embedder.count_tokens(text),
        None => text.chars().count(),
    };
    let room = rules
        .embedder
        .as_ref()
        .map_or(MAX_CHARS_WITHOUT_MODEL, |e| e.max_tokens());
    let passages = cut(&article, room, &count);
    // Places and years of its source record count like those in its title.
    let mut article_regions = analyzer.regions(&article.title);
    article_regions.extend(article.regions.iter().flat_map(|name| analyzer.regions(name)));
    let mut article_years = analyzer.years(&article.title, article.published);
    article_years.extend(&article.years);
    let (passages, texts) = passages
        .into_iter()
        .map(|passage| {
            let head = join_head(&article.title, &passage.heading);
            let (title, text) = (analyzer.document(&head), analyzer.document(&passage.text));
            // What the title names is what the article is about; places in its text are often mere examples.
            let named = match article_regions.is_empty() {
                true => analyzer.regions(&passage.text),
                false => article_regions.clone(),
            };
            let mut regions = named;
            regions.sort();
            regions.dedup();
            let mut years: Vec<u16> = article_years.clone();
            years.extend(analyzer.years(&passage.text, article.published));
            years.sort_unstable();
            years.dedup();
            let embedded = embedded_text(&head, &passage.text);
            let passage = PreparedPassage {
                stored: StoredPassage {
                    article_id: article.id.clone(),
                    ordinal: passage.ordinal,
                    title: article.title.clone(),
                    heading: passage.heading,
                    text: passage.text,
                    start: passage.start,
                    end: passage.end,
                    url: article.url.clone(),
                    source: article.source.clone(),
                    published: article.published,
                    kind: article.kind,
                    regions,
                    years,
                    attributes: article.attributes.clone(),
                },
                tokens: [title.words, title.bigrams, text.words, text.bigrams],
                vector: Vec::new(),
            };
            (passage, embedded)
        })
        .unzip();
    let prepared = PreparedArticle {
        article,
        hash,
        passages,
    };
    (prepared, texts)
}

/// An article's passages; a single empty one if there is nothing to cut. `room`: the most tokens, as `count` counts
/// them, that are embedded as one text.
fn cut(article: &Article, room: usize, count: &dyn Fn(&str) -> usize) -> Vec<Passage> {
    let budget = room
        .saturating_sub(count(&article.title).min(MAX_CONTEXT_TOKENS) + MAX_CONTEXT_TOKENS / 2)
        .max(32);
    let mut passages = article::split(
        article,
        count,
        &SplitOptions {
            max_tokens: budget,
            target_tokens: budget.min(TARGET_TOKENS),
        },
    );
    if passages.is_empty() {
        // An article is found by its title even if nothing stands below it.
        passages.push(Passage {
            ordinal: 0,
            heading: String::new(),
            start: 0,
            end: 0,
            text: String::new(),
        });
    }
    passages
}

/// The texts that an article's vectors would be made of, one a passage, in order, without indexing it: whoever fills a
/// cache of vectors needs them to the letter. `room` is the embedder's `max_tokens`, `count` its `count_tokens` (or the
/// same from a memory).
pub fn embedded_texts(article: &Article, room: usize, count: &dyn Fn(&str) -> usize) -> Vec<String> {
    cut(article, room, count)
        .into_iter()
        .map(|passage| embedded_text(&join_head(&article.title, &passage.heading), &passage.text))
        .collect()
}
