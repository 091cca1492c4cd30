//! Articles counted by what filters ask for, from passages as they are read.

use std::collections::{BTreeMap, BTreeSet};

use super::passage::StoredPassage;
use crate::model::ArticleKind;
use crate::text::Region;

/// Articles by what filters ask for; an article counts once for each value that one of its passages has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FacetCounts {
    /// Articles of which a passage was let through.
    pub articles: u64,
    /// By publisher.
    pub sources: BTreeMap<String, u64>,
    /// By place, those that hold it included, as filters name them.
    pub regions: BTreeMap<String, u64>,
    /// By year.
    pub years: BTreeMap<u16, u64>,
    /// By kind.
    pub kinds: BTreeMap<ArticleKind, u64>,
}

/// What an article's passages say of it, of those that were let through.
#[derive(Debug, Clone, Default)]
pub struct ArticleFacets {
    /// Its publisher.
    pub source: Option<String>,
    /// Its kind.
    pub kind: Option<ArticleKind>,
    /// The places of its passages, those that hold them included.
    pub regions: BTreeSet<String>,
    /// The years of its passages.
    pub years: BTreeSet<u16>,
}

impl ArticleFacets {
    /// Takes in one of its passages.
    pub fn add(&mut self, passage: StoredPassage) {
        self.source = passage.source;
        self.kind = Some(passage.kind);
        self.regions.extend(passage.regions.iter().flat_map(Region::keys));
        self.years.extend(passage.years);
    }
}

impl FromIterator<ArticleFacets> for FacetCounts {
    /// Counts articles.
    fn from_iter<I: IntoIterator<Item = ArticleFacets>>(articles: I) -> Self {
        let mut counts = FacetCounts::default();
        for article in articles {
            counts.articles += 1;
            if let Some(source) = article.source {
                *counts.sources.entry(source).or_default() += 1;
            }
            if let Some(kind) = article.kind {
                *counts.kinds.entry(kind).or_default() += 1;
            }
            for region in article.regions {
                *counts.regions.entry(region).or_default() += 1;
            }
            for year in article.years {
                *counts.years.entry(year).or_default() += 1;
            }
        }
        counts
    }
}
