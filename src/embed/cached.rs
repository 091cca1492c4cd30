//! An embedder that asks the cache on disk first, and goes on without it where that does not take what is made.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::cache::{Kind, VectorCache, key, parted_keys};
use super::{Embedder, Parted};
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

    /// The vectors of texts whose keys are in order, `spans[i]` of text `i`; `make` embeds the texts whose places it is
    /// given, whole. Equal texts are embedded once.
    fn embed(
        &self,
        keys: &[u128],
        spans: &[Range<usize>],
        make: impl FnOnce(&[usize]) -> Result<Vec<Vec<f32>>>,
    ) -> Result<Vec<Vec<f32>>> {
        let mut vectors: Vec<Option<Vec<f32>>> = keys.iter().map(|key| self.cache.get(*key)).collect();
        let is_missing = |span: &Range<usize>| vectors[span.clone()].iter().any(Option::is_none);
        let mut asked: HashSet<&[u128]> = HashSet::new();
        let wanted: Vec<usize> = (0..spans.len())
            .filter(|&i| is_missing(&spans[i]) && asked.insert(&keys[spans[i].clone()]))
            .collect();
        let mut misses = 0;
        if !wanted.is_empty() {
            let made = make(&wanted)?;
            let wanted = || wanted.iter().flat_map(|&i| &keys[spans[i].clone()]).copied();
            misses = wanted().count();
            if made.len() != misses {
                return Err(Error::bug(format!("{} vectors for {misses} texts", made.len())));
            }
            let entries: Vec<(u128, &[f32])> = wanted().zip(made.iter().map(Vec::as_slice)).collect();
            self.keep(&entries);
            let made: HashMap<u128, &[f32]> = entries.into_iter().collect();
            for (key, vector) in keys.iter().zip(&mut vectors) {
                if vector.is_none() {
                    *vector = made.get(key).map(|vector| vector.to_vec());
                }
            }
        }
        // Not before: what was refused may come again in parts.
        self.misses.fetch_add(misses as u64, Ordering::Relaxed);
        self.hits.fetch_add((keys.len() - misses) as u64, Ordering::Relaxed);
        // What was missing is among the texts that were made, and `made` has a vector for each.
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
        let keys = texts.iter().map(|text| key(self.asked_by(), Kind::Query, text));
        let spans: Vec<Range<usize>> = (0..texts.len()).map(|i| i..i + 1).collect();
        self.embed(&keys.collect::<Vec<_>>(), &spans, |wanted| {
            let wanted: Vec<&str> = wanted.iter().map(|&i| texts[i]).collect();
            self.inner.embed_queries(&wanted, budget)
        })
    }

    fn embed_passages(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
        let texts: Vec<Parted> = texts.iter().map(|text| Parted::whole(text)).collect();
        self.embed_parted(&texts, budget)
    }

    fn reads_parts(&self) -> bool {
        self.inner.reads_parts()
    }

    fn embed_parted(&self, texts: &[Parted<'_>], budget: Budget) -> Result<Vec<Vec<f32>>> {
        let (mut keys, mut spans) = (Vec::new(), Vec::with_capacity(texts.len()));
        for text in texts {
            let start = keys.len();
            keys.extend(parted_keys(&*self.inner, *text));
            spans.push(start..keys.len());
        }
        self.embed(&keys, &spans, |wanted| {
            let wanted: Vec<Parted> = wanted.iter().map(|&i| texts[i]).collect();
            self.inner.embed_parted(&wanted, budget)
        })
    }
}
