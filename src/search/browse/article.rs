//! A whole article, with where its passages lie and what all of them are about.

use std::collections::BTreeSet;

use crate::compute::Budget;
use crate::error::{Error, Result};
use crate::index::Snapshot;
use crate::model::{Article, passage_id};
use crate::search::response::Span;
use crate::text::Region;

/// A passage by its place in the article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassagePlace {
    /// Its id.
    pub passage_id: String,
    /// Headings above it, joined by ` > `; possibly empty.
    pub heading: String,
    /// Where it lies in the article's text, in characters.
    pub span: Span,
}

/// An article as it was taken in, and what was found in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WholeArticle {
    /// As it was taken in.
    pub article: Article,
    /// Its passages, in their order.
    pub passages: Vec<PassagePlace>,
    /// The places that one of its passages is about, as filters name them, each once.
    pub regions: Vec<String>,
    /// The years that one of its passages is about, ascending.
    pub years: Vec<u16>,
}

/// The article of this id.
///
/// # Errors
/// `Caller` if none is named, `Missing` if there is none; those of the index.
pub fn whole_article(snapshot: &dyn Snapshot, id: &str, budget: Budget) -> Result<WholeArticle> {
    if id.is_empty() {
        return Err(Error::caller("article_id: is not set").help("take the id from a hit"));
    }
    let article = snapshot.article(id, budget)?.ok_or_else(|| no_article(id))?;
    let (mut places, mut regions, mut years) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (stored, _) in snapshot.passages(id, budget)? {
        for region in stored.regions.iter().map(Region::key) {
            if !regions.contains(&region) {
                regions.push(region);
            }
        }
        years.extend(stored.years);
        places.push(PassagePlace {
            passage_id: passage_id(id, stored.ordinal),
            heading: stored.heading,
            span: Span {
                start: stored.start,
                end: stored.end,
            },
        });
    }
    Ok(WholeArticle {
        article,
        passages: places,
        regions,
        years: years.into_iter().collect(),
    })
}

/// There is no article of this id.
pub(super) fn no_article(id: &str) -> Error {
    // As much of it as a person compares.
    let shown: String = id.chars().take(100).collect();
    Error::missing(format!("article_id: there is no article `{shown}`")).help("take the id from a hit, to the letter")
}
