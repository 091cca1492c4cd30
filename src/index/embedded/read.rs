//! What the seam asks of a commit as a whole: questions begun, articles, ids, counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::asked::EmbeddedQuestion;
use super::segment::Segment;
use super::snapshot::EmbeddedSnapshot;
use crate::compute::Budget;
use crate::error::Result;
use crate::index::backend::{About, Asked, Snapshot};
use crate::index::facets::FacetCounts;
use crate::index::passage::StoredPassage;
use crate::index::scoring::LexicalQuery;
use crate::model::{Article, Filter, Origin};

impl Snapshot for EmbeddedSnapshot {
    fn about(&self) -> &About {
        EmbeddedSnapshot::about(self)
    }

    fn ask(self: Arc<Self>, question: Arc<LexicalQuery>, filter: &Filter, budget: Budget) -> Result<Arc<dyn Asked>> {
        let snapshot = self.clone();
        let asked = self.guarded(|| EmbeddedQuestion::new(snapshot, &question, filter, budget))?;
        Ok(Arc::new(asked))
    }

    fn holding(&self, terms: &[&str], _: Budget) -> Result<Vec<u64>> {
        EmbeddedSnapshot::holding(self, terms)
    }

    fn count(&self, filter: &Filter, budget: Budget) -> Result<u64> {
        let bind = || self.filters.bind(self.searcher(), self.fields(), filter, budget);
        let filtered = self.guarded(bind)?;
        Ok(filtered.segments.iter().map(|segment| segment.count as u64).sum())
    }

    fn article(&self, id: &str, _: Budget) -> Result<Option<Article>> {
        let Some(found) = self.find(id, Segment::is_first)? else {
            return Ok(None);
        };
        let article = self.guarded(|| self.article_at(found));
        Ok(Some(article.map_err(|error| error.context(format!("article {id}")))?))
    }

    fn passages(&self, id: &str, _: Budget) -> Result<Vec<(StoredPassage, Vec<f32>)>> {
        let mut passages = Vec::new();
        let found = self.find_all(id)?;
        let read = || {
            for found in found {
                let stored = self.stored(found.segment_ord, found.doc_id)?;
                let vector = match self.about().identity.dimension {
                    0 => Vec::new(),
                    _ => self.segments()[found.segment_ord as usize]
                        .vectors
                        .row(found.doc_id)
                        .to_vec(),
                };
                passages.push((stored, vector));
            }
            Ok(())
        };
        self.guarded(read)?;
        passages.sort_by_key(|(stored, _)| stored.ordinal);
        Ok(passages)
    }

    fn facets(&self, filter: &Filter, budget: Budget) -> Result<FacetCounts> {
        self.guarded(|| EmbeddedSnapshot::facets(self, filter, budget))
    }

    fn product_titles(&self) -> Option<Vec<Arc<[String]>>> {
        let titles = self.segments().iter().map(|segment| segment.products.clone());
        Some(titles.filter(|titles| !titles.is_empty()).collect())
    }

    fn titles(&self, budget: Budget, each: &mut dyn FnMut(&str, &str) -> Result<()>) -> Result<()> {
        self.guarded(|| {
            for ((number, segment), reader) in (0..).zip(self.segments()).zip(self.searcher().segment_readers()) {
                for doc in reader.doc_ids_alive().filter(|&doc| segment.is_first(doc)) {
                    // Each is read from disk, beside which a look at the clock is nothing.
                    budget.check()?;
                    let stored = self.stored(number, doc)?;
                    each(&stored.article_id, &stored.title)?;
                }
            }
            Ok(())
        })
    }

    fn origins(&self, budget: Budget, each: &mut dyn FnMut(&str, Option<Origin>) -> Result<()>) -> Result<()> {
        EmbeddedSnapshot::origins(self, budget, each)
    }

    fn passing(&self, filter: &Filter, budget: Budget) -> Result<BTreeMap<String, u64>> {
        self.guarded(|| EmbeddedSnapshot::passing(self, filter, budget))
    }
}
