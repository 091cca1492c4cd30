//! What the seam asks of a commit as a whole: questions begun, articles, ids, counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::asked::MilvusQuestion;
use super::collection::PAGE;
use super::columns::same_length;
use super::expression::{filtered, quoted};
use super::schema;
use super::snapshot::{MilvusSnapshot, origin, stored};
use super::terms::TermId;
use crate::compute::Budget;
use crate::error::{Context, Fault, Result};
use crate::index::backend::{About, Asked, Snapshot};
use crate::index::facets::{ArticleFacets, FacetCounts};
use crate::index::passage::StoredPassage;
use crate::index::scoring::LexicalQuery;
use crate::model::{Article, ArticleKind, Filter, Origin};

/// The stream of bigrams, in which [`Snapshot::holding`] looks terms up.
const BIGRAMS: usize = 1;
/// Rows in a page where each is large.
const SMALL_PAGE: usize = 200;

impl Snapshot for MilvusSnapshot {
    fn about(&self) -> &About {
        MilvusSnapshot::about(self)
    }

    fn ask(self: Arc<Self>, question: Arc<LexicalQuery>, filter: &Filter, budget: Budget) -> Result<Arc<dyn Asked>> {
        budget.check()?;
        let expr = filtered(&self.view, filter);
        Ok(Arc::new(MilvusQuestion::new(self, question, expr, budget)?))
    }

    fn holding(&self, terms: &[&str], budget: Budget) -> Result<Vec<u64>> {
        let ids: Vec<TermId> = terms.iter().map(|term| TermId::new(BIGRAMS, term)).collect();
        let counts = self.frequencies.of(&ids, budget)?;
        Ok(counts.into_iter().map(|[titles, texts]| titles.max(texts)).collect())
    }

    fn count(&self, filter: &Filter, budget: Budget) -> Result<u64> {
        if filter.is_empty() {
            Ok(self.about().passages)
        } else {
            self.passage_rows().count(&filtered(&self.view, filter), budget)
        }
    }

    fn article(&self, id: &str, budget: Budget) -> Result<Option<Article>> {
        let expr = format!("{} and {} == {}", self.visible(), schema::ARTICLE, quoted(id));
        let fields = [schema::PART, schema::DATA];
        let mut parts = BTreeMap::new();
        self.article_rows()
            .pages(&expr, &fields, SMALL_PAGE, &|| Ok(budget), &mut |_, mut rows| {
                parts.extend(rows.ints(schema::PART).into_iter().zip(rows.texts(schema::DATA)));
                Ok(())
            })?;
        if parts.is_empty() {
            return Ok(None);
        }
        let whole: String = parts.into_values().collect();
        let article = serde_json::from_str(&whole).or_fault(Fault::Corrupt, format!("decoding article {id}"))?;
        Ok(Some(article))
    }

    fn passages(&self, id: &str, budget: Budget) -> Result<Vec<(StoredPassage, Vec<f32>)>> {
        let expr = format!("{} and {} == {}", self.visible(), schema::ARTICLE, quoted(id));
        let dimension = self.about().identity.dimension;
        let mut fields = vec![schema::PASSAGE];
        fields.extend((dimension > 0).then_some(schema::MEANING));
        let mut passages = Vec::new();
        self.passage_rows()
            .pages(&expr, &fields, SMALL_PAGE, &|| Ok(budget), &mut |_, mut rows| {
                let (texts, vectors) = (rows.texts(schema::PASSAGE), rows.vectors(schema::MEANING));
                same_length(texts.len() * dimension, &[vectors.len()])?;
                for (at, text) in texts.iter().enumerate() {
                    passages.push((stored(text)?, vectors[at * dimension..(at + 1) * dimension].to_vec()));
                }
                Ok(())
            })?;
        passages.sort_by_key(|(stored, _)| stored.ordinal);
        Ok(passages)
    }

    fn facets(&self, filter: &Filter, budget: Budget) -> Result<FacetCounts> {
        let expr = filtered(&self.view, filter);
        let fields = [
            schema::ARTICLE,
            schema::SOURCE,
            schema::KIND,
            schema::REGIONS,
            schema::YEARS,
        ];
        let mut articles: BTreeMap<String, ArticleFacets> = BTreeMap::new();
        self.passage_rows()
            .pages(&expr, &fields, PAGE, &|| Ok(budget), &mut |_, mut rows| {
                let (ids, sources, kinds) = (
                    rows.texts(schema::ARTICLE),
                    rows.texts(schema::SOURCE),
                    rows.texts(schema::KIND),
                );
                let (regions, years) = (rows.text_lists(schema::REGIONS), rows.int_lists(schema::YEARS));
                same_length(ids.len(), &[sources.len(), kinds.len(), regions.len(), years.len()])?;
                let of_articles = ids.into_iter().zip(sources).zip(kinds);
                for (((id, source), kind), (regions, years)) in of_articles.zip(regions.into_iter().zip(years)) {
                    let article = articles.entry(id).or_default();
                    article.source = source.strip_prefix('=').map(str::to_owned);
                    article.kind = ArticleKind::named(&kind);
                    article.regions.extend(regions);
                    let years = years.into_iter().filter_map(|year| u16::try_from(year).ok());
                    article.years.extend(years);
                }
                Ok(())
            })?;
        Ok(articles.into_values().collect())
    }

    fn titles(&self, budget: Budget, each: &mut dyn FnMut(&str, &str) -> Result<()>) -> Result<()> {
        self.each_article(schema::TITLE, budget, each)
    }

    fn origins(&self, budget: Budget, each: &mut dyn FnMut(&str, Option<Origin>) -> Result<()>) -> Result<()> {
        self.each_article(schema::ORIGIN, budget, &mut |id, kept| each(id, origin(kept)?))
    }

    fn passing(&self, filter: &Filter, budget: Budget) -> Result<BTreeMap<String, u64>> {
        let mut passing = BTreeMap::new();
        let expr = filtered(&self.view, filter);
        self.passage_rows()
            .pages(&expr, &[schema::ARTICLE], PAGE, &|| Ok(budget), &mut |_, mut rows| {
                for article in rows.texts(schema::ARTICLE) {
                    *passing.entry(article).or_default() += 1;
                }
                Ok(())
            })?;
        Ok(passing)
    }

    // Of all articles it reads what their rows say instead of a row for each passage.
    fn wholly(&self, filter: &Filter, budget: Budget) -> Result<BTreeSet<String>> {
        let passing = self.passing(filter, budget)?;
        let mut wholly = BTreeSet::new();
        let expr = format!("{} and {} == 0", self.visible(), schema::PART);
        let fields = [schema::ARTICLE, schema::PASSAGES];
        self.article_rows()
            .pages(&expr, &fields, PAGE, &|| Ok(budget), &mut |_, mut rows| {
                let (ids, passages) = (rows.texts(schema::ARTICLE), rows.ints(schema::PASSAGES));
                same_length(ids.len(), &[passages.len()])?;
                let is_whole = |id: &str, passages: i32| passing.get(id).is_some_and(|&n| n == passages as u64);
                let all = ids
                    .into_iter()
                    .zip(passages)
                    .filter(|(id, passages)| is_whole(id, *passages));
                wholly.extend(all.map(|(id, _)| id));
                Ok(())
            })?;
        Ok(wholly)
    }
}
