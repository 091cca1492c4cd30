//! One commit: which rows are read for it, and what its scores are computed by.

use std::sync::Arc;

use super::client::Client;
use super::collection::{Collection, PAGE};
use super::columns::same_length;
use super::expression::visible;
use super::frequencies::Frequencies;
use super::remembered::Remembered;
use super::schema::{self, Generation};
use super::state::{State, View};
use crate::compute::Budget;
use crate::error::{Context, Error, Fault, Result};
use crate::index::backend::About;
use crate::index::passage::StoredPassage;
use crate::index::scoring::Bm25;
use crate::model::Origin;
use crate::profile::Bm25Params;

/// The implementation of [`Snapshot`](crate::index::Snapshot) over Milvus.
pub struct MilvusSnapshot {
    pub(super) client: Client,
    pub(super) names: Generation,
    pub(super) state: State,
    pub(super) view: View,
    pub(super) bm25: Bm25,
    pub(super) frequencies: Frequencies,
    pub(super) remembered: Arc<Remembered>,
    about: About,
}

impl MilvusSnapshot {
    /// Of a commit.
    pub fn new(client: Client, state: State, bm25: Bm25Params, remembered: Arc<Remembered>) -> Self {
        let names = state.names(&client.address().name);
        let terms = names.terms.clone();
        MilvusSnapshot {
            bm25: Bm25::new(bm25, state.sums.counts()),
            frequencies: Frequencies::new(client.clone(), terms, state.written, state.view()),
            about: About {
                articles: state.sums.articles,
                passages: state.sums.passages,
                segments: 1,
                graphs: 0,
                bytes: 0,
                commit: state.stamp,
                identity: state.identity.clone(),
            },
            remembered,
            view: state.view(),
            names,
            client,
            state,
        }
    }

    /// What it is.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// The collection of passages.
    pub(super) fn passage_rows(&self) -> Collection<'_> {
        self.collection(&self.names.passages)
    }

    /// The collection of articles.
    pub(super) fn article_rows(&self) -> Collection<'_> {
        self.collection(&self.names.articles)
    }

    fn collection<'a>(&'a self, name: &'a str) -> Collection<'a> {
        Collection::at(&self.client, name, self.state.written)
    }

    /// Asks for nothing of each collection that questions need, from the client's own threads.
    pub(super) async fn look(&self, budget: Budget) -> Result<()> {
        for collection in [self.passage_rows(), self.collection(&self.names.terms)] {
            collection
                .rows_async(&format!("{} in [-1]", schema::ID), &[schema::ID], budget)
                .await?;
        }
        Ok(())
    }

    /// The rows that count.
    pub(super) fn visible(&self) -> String {
        visible(&self.view)
    }

    /// Tells `each` the id of every article and one text of its first row.
    pub(super) fn each_article(
        &self,
        field: &'static str,
        budget: Budget,
        each: &mut dyn FnMut(&str, &str) -> Result<()>,
    ) -> Result<()> {
        let expr = format!("{} and {} == 0", self.visible(), schema::PART);
        let fields = [schema::ARTICLE, field];
        self.article_rows()
            .pages(&expr, &fields, PAGE, &|| Ok(budget), &mut |_, mut rows| {
                let ids = rows.texts(schema::ARTICLE);
                let texts = match field {
                    schema::ARTICLE => ids.clone(),
                    field => rows.texts(field),
                };
                same_length(ids.len(), &[texts.len()])?;
                ids.iter().zip(&texts).try_for_each(|(id, text)| each(id, text))
            })
    }
}

/// Where an article was read, from what is kept of it.
pub fn origin(kept: &str) -> Result<Option<Origin>> {
    match kept {
        "" => Ok(None),
        kept => serde_json::from_str(kept).or_fault(Fault::Corrupt, "reading where an article is from"),
    }
}

/// A passage as it is shown, from what is kept of it.
pub fn stored(text: &str) -> Result<StoredPassage> {
    serde_json::from_str(text).or_fault(Fault::Corrupt, "decoding a stored passage")
}

/// The error of a row that a question was answered with and that is gone.
pub fn overtaken() -> Error {
    Error::unavailable("the articles changed while the question was answered, and what it found is gone")
        .help("ask again")
}
