//! The calls that describe the index, whatever protocol they come in by: what it is, its sources, its articles.
//!
//! Lists are made one after the other in a thread of their own, so that neither questions nor calls that write wait for
//! a long one; what the index is stands in its snapshot and is said at once.

use std::sync::Arc;
use std::time::Instant;

use super::collection::{Collection, CollectionCell, SourceCount, opened};
use super::convert::articles as convert;
use super::pool::SearchPool;
use super::wire;
use crate::compute::Budget;
use crate::error::{Error, Result};
use crate::index::ingest::selection::{Selected, Selection};

/// Articles of a list in one message.
const LISTED: usize = 500;

/// Calls that describe the index in a cell, once it is open.
#[derive(Clone)]
pub struct DescribeCalls {
    cell: Arc<CollectionCell>,
    pool: Arc<SearchPool>,
    budget: Budget,
}

impl DescribeCalls {
    /// About the index in `cell`, each call with `threads` threads. That callers are not too many is for the bound
    /// before them.
    pub fn new(cell: Arc<CollectionCell>, threads: usize) -> Self {
        DescribeCalls {
            cell,
            pool: Arc::new(SearchPool::new(1, 0)),
            budget: Budget::single().with_threads(threads),
        }
    }

    async fn describe<T: Send + 'static>(
        &self,
        deadline: Option<Instant>,
        work: impl FnOnce(&Collection, Budget) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let cell = self.cell.clone();
        let budget = self.budget.until(deadline);
        let work = move || work(opened(&cell)?, budget);
        self.pool.run_in_turn(deadline, work).await
    }

    /// What the index is.
    ///
    /// # Errors
    /// Those of the index.
    pub async fn stats(&self, _: wire::StatsRequest, _: Option<Instant>) -> Result<wire::StatsResponse> {
        let collection = opened(&self.cell)?;
        Ok(convert::stats(
            collection.snapshot()?.about(),
            collection.live.is_some(),
        ))
    }

    /// The sources of the index.
    ///
    /// # Errors
    /// Those of the index.
    pub async fn sources(
        &self,
        _: wire::ListSourcesRequest,
        deadline: Option<Instant>,
    ) -> Result<wire::ListSourcesResponse> {
        let sources = self.describe(deadline, |collection, budget| collection.sources(budget));
        let stats = |count: &SourceCount| wire::SourceStats {
            source: Some(convert::source_out(&count.source)),
            articles: count.articles,
            last_run: count
                .last_run
                .as_ref()
                .map(|run| convert::run_out(&count.source.name, run)),
        };
        let sources = sources.await?;
        Ok(wire::ListSourcesResponse {
            sources: sources.iter().map(stats).collect(),
        })
    }

    /// The articles of the index, some a message.
    ///
    /// # Errors
    /// `Caller` by the field; those of the index.
    pub async fn list(
        &self,
        request: wire::ListArticlesRequest,
        deadline: Option<Instant>,
    ) -> Result<impl Iterator<Item = wire::ListArticlesResponse> + Send + use<>> {
        let whole = self.list_whole(request, deadline).await?;
        let (mut rest, mut next) = (whole.articles.into_iter(), whole.next_page_token);
        Ok(std::iter::from_fn(move || {
            let articles: Vec<_> = rest.by_ref().take(LISTED).collect();
            let next_page_token = match rest.len() {
                0 => std::mem::take(&mut next),
                _ => String::new(),
            };
            (!articles.is_empty()).then_some(wire::ListArticlesResponse {
                articles,
                next_page_token,
            })
        }))
    }

    /// The same in one message.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub async fn list_whole(
        &self,
        request: wire::ListArticlesRequest,
        deadline: Option<Instant>,
    ) -> Result<wire::ListArticlesResponse> {
        let named = request.article_ids.len();
        if named == 0 {
            let listing = convert::listing(request)?;
            let listed = self.describe(deadline, move |collection, budget| collection.listed(&listing, budget));
            let (listed, has_more) = listed.await?;
            return Ok(convert::listed(listed, has_more));
        }
        convert::check_count("article_ids", named)?;
        if request.filter.is_some() || request.page_size.is_some() || !request.page_token.is_empty() {
            return Err(
                Error::caller("article_ids: cannot be together with filter, page_size or page_token")
                    .help("name articles on a page by filter.article_ids"),
            );
        }
        let listed = self.describe(deadline, move |collection, budget| {
            let source = (!request.source.is_empty()).then_some(&*request.source);
            collection.fingerprinted(source, &request.article_ids, budget)
        });
        Ok(convert::listed(listed.await?, false))
    }

    /// The articles that a selection means.
    ///
    /// # Errors
    /// `Caller` by the field; those of the index.
    pub async fn selected(&self, selection: Selection, deadline: Option<Instant>) -> Result<Selected> {
        self.describe(deadline, move |collection, budget| {
            collection.selected(&selection, budget)
        })
        .await
    }
}
