//! The embedder of articles that a service takes in, counted in its numbers.

use std::sync::Arc;

use crate::compute::Budget;
use crate::embed::{Embedder, Parted};
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
    fn note(&self, texts: usize, embedded: Result<Vec<Vec<f32>>>) -> Result<Vec<Vec<f32>>> {
        self.metrics.embedded(texts, embedded.is_err());
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
        self.note(texts.len(), self.inner.embed_queries(texts, budget))
    }

    fn embed_passages(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        self.note(texts.len(), self.inner.embed_passages(texts, budget))
    }

    fn reads_parts(&self) -> bool {
        self.inner.reads_parts()
    }

    fn embed_parted(&self, texts: &[Parted<'_>], budget: Budget) -> Result<Vec<Vec<f32>>> {
        self.note(texts.len(), self.inner.embed_parted(texts, budget))
    }
}
