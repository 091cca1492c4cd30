//! An article as the index takes it in: passages with their terms, places and years, and what their vectors are made of.
//!
//! Owns what a passage's text is to each ranking. Writes nothing.

use std::sync::Arc;

use tantivy::TantivyDocument;

use super::backend::StoredPassage;
use super::embedded::schema::{FORMAT_VERSION, Fields, Identity, pack_lengths, place_number};
use super::embedded::terms;
use crate::article::{self, SplitOptions};
use crate::embed::Embedder;
use crate::error::{Context, Fault, Result};
use crate::model::{Article, Passage};
use crate::text::{Analyzer, Token};

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

/// An article made ready to be written.
pub struct Prepared<'a> {
    /// The article.
    pub article: &'a Article,
    /// Its fingerprint.
    pub hash: u64,
    /// Its passages.
    pub passages: Vec<PreparedPassage>,
}

/// A passage made ready to be written.
pub struct PreparedPassage {
    stored: StoredPassage,
    fields: [Vec<Token>; 4],
    /// What its vector is made of.
    pub embedded_text: String,
}

/// Splits and analyses an article; its vectors are made by whoever has the texts of many articles together.
pub fn prepare<'a>(rules: &Rules, article: &'a Article, hash: u64) -> Prepared<'a> {
    let analyzer = &rules.analyzer;
    let count = |text: &str| match &rules.embedder {
        Some(embedder) => embedder.count_tokens(text),
        None => text.chars().count(),
    };
    let room = rules
        .embedder
        .as_ref()
        .map_or(MAX_CHARS_WITHOUT_MODEL, |e| e.max_tokens());
    let passages = cut(article, room, &count);
    let article_regions = analyzer.regions(&article.title);
    let article_years = analyzer.years(&article.title, article.published);
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
            let mut regions: Vec<(String, String)> = named
                .into_iter()
                .map(|region| (region.province, region.city.unwrap_or_default()))
                .collect();
            regions.sort();
            regions.dedup();
            let mut years: Vec<u16> = article_years.clone();
            years.extend(analyzer.years(&passage.text, article.published));
            years.sort_unstable();
            years.dedup();
            PreparedPassage {
                embedded_text: embedded_text(&head, &passage.text),
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
                },
                fields: [title.words, title.bigrams, text.words, text.bigrams],
            }
        })
        .collect();
    Prepared {
        article,
        hash,
        passages,
    }
}

/// An article's passages; one, empty, if there is nothing to cut. `room`: the most that `count` may count of what is
/// embedded as one text.
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

fn embedded_text(head: &str, text: &str) -> String {
    match head.is_empty() {
        true => text.to_string(),
        false => format!("{head}\n{text}"),
    }
}

/// Title and headings as one text: what travels with each passage into both rankings.
fn join_head(title: &str, heading: &str) -> String {
    match (title.is_empty(), heading.is_empty()) {
        (_, true) => title.to_string(),
        (true, false) => heading.to_string(),
        (false, false) => format!("{title}\n{heading}"),
    }
}

/// The passage as tantivy takes it.
pub fn document(
    fields: &Fields,
    article: &Article,
    hash: u64,
    passage: PreparedPassage,
    vector: &[f32],
) -> Result<TantivyDocument> {
    let PreparedPassage {
        stored, fields: tokens, ..
    } = passage;
    let mut document = TantivyDocument::new();
    document.add_text(fields.article_id, &article.id);
    document.add_u64(fields.ordinal, stored.ordinal.into());
    document.add_u64(fields.article_hash, hash);
    document.add_u64(
        fields.lengths,
        pack_lengths([0, 1, 2, 3].map(|i: usize| tokens[i].len())),
    );
    let targets = [
        fields.title_words,
        fields.title_bigrams,
        fields.text_words,
        fields.text_bigrams,
    ];
    for (field, tokens) in targets.into_iter().zip(tokens) {
        if !tokens.is_empty() {
            document.add_text(field, terms::join(tokens.iter().map(|token| &token.text)));
        }
    }
    if let Some(source) = &article.source {
        document.add_text(fields.source, source);
    }
    if let Some(published) = article.published {
        document.add_u64(fields.published, published.number().into());
    }
    let mut names: Vec<&String> = stored.regions.iter().flat_map(|(p, c)| [p, c]).collect();
    names.retain(|name| !name.is_empty());
    names.sort();
    names.dedup();
    for name in names {
        document.add_text(fields.regions, name);
    }
    let mut places: Vec<u64> = stored
        .regions
        .iter()
        .flat_map(|(province, city)| {
            let named = (!city.is_empty()).then(|| place_number(province, Some(city)));
            [Some(place_number(province, None)), named]
        })
        .flatten()
        .collect();
    places.sort_unstable();
    places.dedup();
    for place in places {
        document.add_u64(fields.places, place);
    }
    for &year in &stored.years {
        document.add_u64(fields.years, year.into());
    }
    document.add_text(fields.passage, json(&stored)?);
    if stored.ordinal == 0 {
        document.add_text(fields.article, json(article)?);
    }
    let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    document.add_custom(fields.vector, &bytes);
    Ok(document)
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).or_fault(Fault::Bug, "encoding a passage")
}
