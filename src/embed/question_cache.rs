//! The vectors of the questions asked last, in memory: a page of answers, a second page, a reload cost one embedding.
//!
//! Keyed as vectors on disk are (`cache`). Knows nothing of passages.

use std::sync::Arc;

use quick_cache::sync::Cache;

use super::Embedder;
use super::cache::{Kind, key};
use crate::compute::Budget;
use crate::error::Result;

/// The vectors of the questions asked last, shared by all threads.
pub struct QuestionCache {
    vectors: Cache<u128, Arc<[f32]>>,
}

impl QuestionCache {
    /// A cache of at most `capacity` questions; 0 keeps none.
    pub fn new(capacity: usize) -> Self {
        QuestionCache {
            vectors: Cache::new(capacity),
        }
    }

    /// The question's vector if it is held.
    pub fn held(&self, embedder: &dyn Embedder, text: &str) -> Option<Arc<[f32]>> {
        self.vectors.get(&key(embedder.identity(), Kind::Query, text))
    }

    /// The question's vector, from the cache (true) or from the embedder (false). Two callers may embed the same
    /// question at once; both get the same vector.
    ///
    /// # Errors
    /// The embedder's.
    pub fn get_or_embed(&self, embedder: &dyn Embedder, text: &str, budget: Budget) -> Result<(Arc<[f32]>, bool)> {
        let key = key(embedder.identity(), Kind::Query, text);
        if let Some(vector) = self.vectors.get(&key) {
            return Ok((vector, true));
        }
        let vector: Arc<[f32]> = embedder.embed_query(text, budget)?.into();
        self.vectors.insert(key, Arc::clone(&vector));
        Ok((vector, false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::HashEmbedder;

    #[test]
    fn a_question_asked_again_is_not_embedded_again() {
        let cache = QuestionCache::new(100);
        let double = HashEmbedder::new(8);
        let check = |cache: &QuestionCache, text: &str, hit: bool| {
            let (vector, was_hit) = cache.get_or_embed(&double, text, Budget::single()).unwrap();
            assert_eq!(was_hit, hit, "{text}");
            assert_eq!(*vector, *double.embed_queries(&[text], Budget::single()).unwrap()[0]);
        };
        for (text, hit) in [("一", false), ("二", false), ("一", true), ("二", true)] {
            check(&cache, text, hit);
        }
        assert!(cache.held(&double, "一").is_some());
        for number in 0..1_000 {
            check(&cache, &number.to_string(), false);
        }
        assert!(cache.vectors.len() <= 100);
        let none = QuestionCache::new(0);
        check(&none, "一", false);
        check(&none, "一", false);
    }
}
