//! What an index holds, in plain types: passages as they are written, named and shown, and what made them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::scoring::{SentenceVectors, Windows};
use crate::embed::model_name;
use crate::model::{Article, ArticleKind, Date, Filter, Validity};
use crate::text::{Region, Signature, Token};

/// The version of everything this program writes into an index; raised when an older reader would misread it.
pub const FORMAT_VERSION: u32 = 10;

/// What an index was made by. Two parts of a search that disagree about it would compare things that do not compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// See [`FORMAT_VERSION`].
    pub format: u32,
    /// Fingerprint of the analysis rules and the dictionary.
    pub analysis: String,
    /// Identity of the embedder; empty if the index holds no vectors.
    pub embedder: String,
    /// Numbers a vector has; 0 if the index holds no vectors.
    pub dimension: usize,
}

impl Identity {
    /// Whether the vectors are those of a model of this name, here or behind an address.
    pub fn is_of(&self, model: &str) -> bool {
        model_name(&self.embedder) == model_name(model)
    }
}

/// A passage by what stays the same in every commit and every engine; its order is that of ties.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PassageKey {
    /// The article's id.
    pub article: Arc<str>,
    /// Place among the article's passages, from 0.
    pub ordinal: u32,
}

/// A passage as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPassage {
    /// The article it is from.
    pub article_id: String,
    /// Place among the article's passages.
    pub ordinal: u32,
    /// The article's title.
    pub title: String,
    /// Headings above the passage.
    pub heading: String,
    /// The text.
    pub text: String,
    /// First character in the article's text.
    pub start: u32,
    /// One past the last character.
    pub end: u32,
    /// Address of the article.
    pub url: Option<String>,
    /// Publisher.
    pub source: Option<String>,
    /// Day of publication.
    pub published: Option<Date>,
    /// Whole article or summary.
    pub kind: ArticleKind,
    /// The regions the passage is about.
    #[serde(default)]
    pub regions: Vec<Region>,
    /// Years the passage is about.
    #[serde(default)]
    pub years: Vec<u16>,
    /// From when to when the article holds.
    #[serde(default, skip_serializing_if = "Validity::is_unsaid")]
    pub validity: Validity,
    /// What the article's record said beside the fields above.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// What each of its sentences means; none where the index keeps no vectors.
    #[serde(default, skip_serializing_if = "SentenceVectors::is_empty")]
    pub sentences: SentenceVectors,
}

impl StoredPassage {
    /// What it is called.
    pub fn key(&self) -> PassageKey {
        PassageKey {
            article: self.article_id.as_str().into(),
            ordinal: self.ordinal,
        }
    }

    /// Whether a filter lets it through.
    pub fn passes(&self, filter: &Filter) -> bool {
        fn one_of<T: PartialEq>(wanted: &[T], held: &[T]) -> bool {
            wanted.is_empty() || wanted.iter().any(|wanted| held.contains(wanted))
        }
        let regions: Vec<String> = self.regions.iter().flat_map(Region::keys).collect();
        one_of(&filter.article_ids, std::slice::from_ref(&self.article_id))
            && one_of(&filter.sources, self.source.as_slice())
            && one_of(&filter.regions, &regions)
            && one_of(&filter.years, &self.years)
            && one_of(&filter.kinds, &[self.kind])
            && (filter.published_from).is_none_or(|from| self.published.is_some_and(|day| day >= from))
            && (filter.published_to).is_none_or(|to| self.published.is_some_and(|day| day <= to))
    }

    /// The passage as models read it, title and headings before it.
    pub fn embedded_text(&self) -> String {
        embedded_text(&join_head(&self.title, &self.heading), &self.text)
    }
}

/// What a vector is made of.
pub(super) fn embedded_text(head: &str, text: &str) -> String {
    if head.is_empty() {
        text.to_string()
    } else {
        format!("{head}\n{text}")
    }
}

/// Title and headings as one text: what travels with each passage into both rankings.
pub(super) fn join_head(title: &str, heading: &str) -> String {
    match (title.is_empty(), heading.is_empty()) {
        (_, true) => title.to_string(),
        (true, false) => heading.to_string(),
        (false, false) => format!("{title}\n{heading}"),
    }
}

/// A passage ready to be written: how it is shown, its tokens and its vector.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedPassage {
    /// What is shown of it.
    pub stored: StoredPassage,
    /// Title words, title bigrams, text words, text bigrams; the title with the headings.
    pub tokens: [Vec<Token>; 4],
    /// By which near copies of it are recognised.
    pub signature: Signature,
    /// The vector, L2-normalised, of the index's dimension; empty where the index keeps no vectors.
    pub vector: Vec<f32>,
    /// The vectors of a long passage's windows; none where the index keeps no vectors.
    pub windows: Windows,
}

/// An article ready to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedArticle {
    /// The article as it was given.
    pub article: Article,
    /// Fingerprint of everything it says.
    pub hash: u64,
    /// Its passages in their order, at least one.
    pub passages: Vec<PreparedPassage>,
}
