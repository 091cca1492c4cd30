//! What becomes of texts that are to be embedded.

use prometheus_client::registry::Registry;

use super::kinds::{Counter, Gauge, counter, gauge, set};

/// The numbers of the embedder.
pub struct EmbedderNumbers {
    ready: Gauge,
    embedded: Counter,
    failed: Counter,
}

impl EmbedderNumbers {
    /// Nothing was embedded so far.
    pub fn new(r: &mut Registry) -> Self {
        EmbedderNumbers {
            ready: gauge(
                r,
                "baowen_embedder_ready",
                "1 while texts that are to be embedded are, by the last ones",
            ),
            embedded: counter(
                r,
                "baowen_texts_embedded",
                "Questions and passages that were given a vector",
            ),
            failed: counter(
                r,
                "baowen_texts_not_embedded",
                "Questions and passages that were given none",
            ),
        }
    }

    /// So many texts were to be embedded, and were or were not.
    pub fn embedded(&self, texts: usize, has_failed: bool) {
        let counter = if has_failed { &self.failed } else { &self.embedded };
        counter.inc_by(texts as u64);
        set(&self.ready, (!has_failed).into());
    }
}
