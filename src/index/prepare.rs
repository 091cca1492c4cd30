//! Articles made ready to be written: cut into passages, analysed, embedded.
//!
//! Owns what a passage's text is to each ranking. Knows no engine, holds no lock and writes nothing, so any number of
//! callers may prepare while one writes.

use std::sync::Arc;

use super::passage::{
    FORMAT_VERSION, Identity, PreparedArticle, PreparedPassage, StoredPassage, embedded_text, join_head,
};
use super::scoring::Windows;
use crate::article::{self, SplitOptions};
use crate::compute::Budget;
use crate::embed::Embedder;
use crate::error::{Context, Error, Fault, Result};
use crate::model::{Article, Passage};
use crate::text::{Analyzer, model_form};

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

/// The texts that a passage's vectors are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedTexts {
    /// The passage with its title and headings.
    pub passage: String,
    /// Its windows.
    pub windows: Vec<String>,
}

impl EmbeddedTexts {
    fn new(head: &str, text: &str) -> Self {
        let windows = article::windows(text).into_iter();
        EmbeddedTexts {
            passage: model_form(&embedded_text(head, text)).into_owned(),
            windows: windows.map(|range| model_form(&text[range]).into_owned()).collect(),
        }
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.passage).chain(&self.windows).map(String::as_str)
    }
}

/// Cuts, analyses and embeds articles, given with their fingerprints; one result for each, in their order.
///
/// # Errors
/// A text that the embedder refuses fails its own article; an embedder that is away fails all of them.
pub fn prepare(rules: &Rules, articles: Vec<(Article, u64)>, budget: Budget) -> Vec<Result<PreparedArticle>> {
    let Some(embedder) = &rules.embedder else {
        return budget.map(articles, |(article, hash), _| Ok(analyse(rules, article, hash)));
    };
    let analysed: Vec<(PreparedArticle, Vec<EmbeddedTexts>)> = budget.map(articles, |(article, hash), _| {
        let article = analyse(rules, article, hash);
        let texts = article.passages.iter().map(|passage| passage.stored.texts()).collect();
        (article, texts)
    });
    match embed(&**embedder, &analysed, budget) {
        Ok(vectors) => with_vectors(analysed, vectors).into_iter().map(Ok).collect(),
        Err(error) if error.fault() == Fault::Caller => analysed
            .into_iter()
            .map(|one| {
                let vectors = embed(&**embedder, std::slice::from_ref(&one), budget)?;
                with_vectors(vec![one], vectors)
                    .pop()
                    .ok_or_else(|| Error::bug("an article was lost"))
            })
            .collect(),
        Err(error) => analysed.iter().map(|_| Err(error.clone())).collect(),
    }
}

/// The vectors of all texts of all articles, in their order, embedded together.
fn embed(
    embedder: &dyn Embedder,
    articles: &[(PreparedArticle, Vec<EmbeddedTexts>)],
    budget: Budget,
) -> Result<Vec<Vec<f32>>> {
    let texts = articles.iter().flat_map(|(_, texts)| texts);
    let texts: Vec<&str> = texts.flat_map(EmbeddedTexts::all).collect();
    let vectors = embedder.embed_passages(&texts, budget)?;
    if vectors.len() != texts.len() {
        let (texts, vectors) = (texts.len(), vectors.len());
        return Err(Error::bug(format!("{texts} texts came back as {vectors} vectors")));
    }
    Ok(vectors)
}

/// The articles with the vectors of their texts, which are as many.
fn with_vectors(articles: Vec<(PreparedArticle, Vec<EmbeddedTexts>)>, vectors: Vec<Vec<f32>>) -> Vec<PreparedArticle> {
    let mut vectors = vectors.into_iter();
    let one = |(mut article, texts): (PreparedArticle, Vec<EmbeddedTexts>)| {
        for (passage, texts) in article.passages.iter_mut().zip(texts) {
            passage.vector = vectors.next().unwrap_or_default();
            let windows: Vec<Vec<f32>> = vectors.by_ref().take(texts.windows.len()).collect();
            passage.windows = Windows::new(windows.iter().map(Vec::as_slice));
        }
        article
    };
    articles.into_iter().map(one).collect()
}

/// Cuts and analyses an article; its passages still lack their vectors.
fn analyse(rules: &Rules, article: Article, hash: u64) -> PreparedArticle {
    let analyzer = &rules.analyzer;
    let passages = cut(&article);
    // Places and years of its source record count like those in its title.
    let mut article_regions = analyzer.regions(&article.title);
    article_regions.extend(analyzer.regions_named(&article.regions));
    let mut article_years = analyzer.years(&article.title, article.published);
    article_years.extend(&article.years);
    let passages = passages
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
            PreparedPassage {
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
                windows: Windows::default(),
            }
        })
        .collect();
    PreparedArticle {
        article,
        hash,
        passages,
    }
}

/// An article's passages; a single empty one if there is nothing to cut.
fn cut(article: &Article) -> Vec<Passage> {
    let mut passages = article::split(article, &SplitOptions::default());
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

/// The texts that an article's vectors would be made of, one entry a passage, in order, without indexing it: whoever
/// fills a cache of vectors needs them to the letter.
pub fn embedded_texts(article: &Article) -> Vec<EmbeddedTexts> {
    let passages = cut(article).into_iter();
    let head = |passage: &Passage| join_head(&article.title, &passage.heading);
    passages
        .map(|passage| EmbeddedTexts::new(&head(&passage), &passage.text))
        .collect()
}

impl StoredPassage {
    fn texts(&self) -> EmbeddedTexts {
        EmbeddedTexts::new(&join_head(&self.title, &self.heading), &self.text)
    }
}
