//! An embedder that asks the cache on disk first, and goes on without it where that does not take what is made.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::Embedder;
use super::cache::{Kind, VectorCache, key};
use crate::compute::Budget;
use crate::error::{Error, Result};

/// An embedder that asks a [`VectorCache`] first.
pub struct CachedEmbedder {
    inner: Arc<dyn Embedder>,
    cache: VectorCache,
    hits: AtomicU64,
    misses: AtomicU64,
    /// Who is told when vectors can no longer be kept, and whether that was told.
    tell: Option<Tell>,
    is_told: AtomicBool,
}

/// Is told why vectors are not kept.
type Tell = Box<dyn Fn(&Error) + Send + Sync>;

impl CachedEmbedder {
    /// Puts the cache in front of `inner`. The cache's dimension must be the embedder's.
    ///
    /// # Errors
    /// `Bug` if it is not.
    pub fn new(inner: Arc<dyn Embedder>, cache: VectorCache) -> Result<Self> {
        if inner.dimension() != cache.dimension() {
            return Err(Error::bug(format!(
                "a cache of {} dimensions before an embedder of {}",
                cache.dimension(),
                inner.dimension()
            )));
        }
        Ok(CachedEmbedder {
            inner,
            cache,
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            tell: None,
            is_told: AtomicBool::new(false),
        })
    }

    /// The same; `tell` is told why vectors are not kept, once until they are again.
    #[must_use]
    pub fn telling(self, tell: impl Fn(&Error) + Send + Sync + 'static) -> Self {
        let tell = Some(Box::new(tell) as Tell);
        CachedEmbedder { tell, ..self }
    }

    /// Keeps vectors that are made. What is in the way of that must not lose them; the next run embeds them again.
    fn keep(&self, entries: &[(u128, &[f32])]) {
        let kept = self.cache.put(entries);
        let was_told = self.is_told.swap(kept.is_err(), Ordering::Relaxed);
        if let (Err(error), Some(tell), false) = (&kept, &self.tell, was_told) {
            tell(error);
        }
    }

    /// Texts answered from the cache (or by an equal text of the same call) since it was opened.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// Texts that had to be embedded since it was opened.
    pub fn misses(&self) -> u64 {
        self.misses.load(Ordering::Relaxed)
    }

    fn embed(&self, kind: Kind, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        let identity = match kind {
            Kind::Query => self.inner.asked_by(),
            Kind::Passage => self.inner.identity(),
        };
        let keys: Vec<u128> = texts.iter().map(|text| key(identity, kind, text)).collect();
        let mut vectors: Vec<Option<Vec<f32>>> = keys.iter().map(|key| self.cache.get(*key)).collect();
        // Equal texts are embedded once: the first of them asks for all.
        let mut asked: HashMap<u128, usize> = HashMap::new();
        let mut missing = Vec::new();
        for (i, vector) in vectors.iter().enumerate() {
            if vector.is_none() {
                asked.entry(keys[i]).or_insert_with(|| {
                    missing.push(i);
                    missing.len() - 1
                });
            }
        }
        if !missing.is_empty() {
            let wanted: Vec<&str> = missing.iter().map(|&i| texts[i]).collect();
            let made = match kind {
                Kind::Query => self.inner.embed_queries(&wanted, budget)?,
                Kind::Passage => self.inner.embed_passages(&wanted, budget)?,
            };
            if made.len() != wanted.len() {
                return Err(Error::bug(format!("{} vectors for {} texts", made.len(), wanted.len())));
            }
            let entries: Vec<(u128, &[f32])> = missing
                .iter()
                .zip(&made)
                .map(|(&i, vector)| (keys[i], vector.as_slice()))
                .collect();
            self.keep(&entries);
            for (key, vector) in keys.iter().zip(&mut vectors) {
                if vector.is_none() {
                    *vector = asked.get(key).and_then(|&place| made.get(place)).cloned();
                }
            }
        }
        // Not before: what was refused may come again in parts.
        self.misses.fetch_add(missing.len() as u64, Ordering::Relaxed);
        self.hits
            .fetch_add((texts.len() - missing.len()) as u64, Ordering::Relaxed);
        // Every missing key is in `asked`, and `made` has a vector for each.
        vectors
            .into_iter()
            .map(|v| v.ok_or_else(|| Error::bug("a text was left without a vector")))
            .collect()
    }
}

impl Embedder for CachedEmbedder {
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
        self.embed(Kind::Query, texts, budget)
    }

    fn embed_passages(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        self.embed(Kind::Passage, texts, budget)
    }
}
