//! The embedder of articles that a service takes in, counted in its numbers.

use std::sync::Arc;

use crate::compute::Budget;
use crate::embed::Embedder;
use crate::error::Result;
use crate::index::Rules;
use crate::service::metrics::Metrics;

/// The same rules, of which each text that is embedded is counted, and each that could not be.
pub fn counted(rules: Rules, metrics: &Arc<Metrics>) -> Rules {
    let count = |inner| {
        Arc::new(Counted {
            inner,
            metrics: metrics.clone(),
        }) as Arc<dyn Embedder>
    };
    Rules {
        embedder: rules.embedder.map(count),
        ..rules
    }
}

struct Counted {
    inner: Arc<dyn Embedder>,
    metrics: Arc<Metrics>,
}

impl Counted {
    fn note(&self, texts: &[&str], embedded: Result<Vec<Vec<f32>>>) -> Result<Vec<Vec<f32>>> {
        self.metrics.embedded(texts.len(), embedded.is_err());
        embedded
    }
}

impl Embedder for Counted {
    fn identity(&self) -> &str {
        self.inner.identity()
    }

    fn asked_by(&self) -> &str {
        self.inner.asked_by()
    }

    fn dimension(&self) -> usize {
        self.inner.dimension()
    }

    fn max_tokens(&self) -> usize {
        self.inner.max_tokens()
    }

    fn embed_queries(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        self.note(texts, self.inner.embed_queries(texts, budget))
    }

    fn embed_passages(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        self.note(texts, self.inner.embed_passages(texts, budget))
    }
}
