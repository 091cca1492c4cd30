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
        self.vectors.get(&key(embedder.asked_by(), Kind::Query, text))
    }

    /// The question's vector, from the cache (true) or from the embedder (false). Two callers may embed the same
    /// question at once; both get the same vector.
    ///
    /// # Errors
    /// The embedder's.
    pub fn get_or_embed(&self, embedder: &dyn Embedder, text: &str, budget: Budget) -> Result<(Arc<[f32]>, bool)> {
        let key = key(embedder.asked_by(), Kind::Query, text);
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
    use crate::embed::{CachedEmbedder, HashEmbedder, VectorCache};

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

    /// A model whose questions are read by something else than its passages, and that says what.
    struct Tuned(HashEmbedder, &'static str);

    impl Embedder for Tuned {
        fn identity(&self) -> &str {
            self.0.identity()
        }

        fn asked_by(&self) -> &str {
            self.1
        }

        fn dimension(&self) -> usize {
            self.0.dimension()
        }

        fn max_tokens(&self) -> usize {
            self.0.max_tokens()
        }

        fn embed_queries(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
            self.0.embed_queries(texts, budget)
        }

        fn embed_passages(&self, texts: &[&str], budget: Budget) -> Result<Vec<Vec<f32>>> {
            self.0.embed_passages(texts, budget)
        }
    }

    #[test]
    fn a_question_is_asked_anew_where_another_change_reads_it_and_a_passage_is_not() {
        let cache = QuestionCache::new(10);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors");
        let on_disk = |asked_by| {
            let model: Arc<dyn Embedder> = Arc::new(Tuned(HashEmbedder::new(8), asked_by));
            CachedEmbedder::new(model, VectorCache::open(&path, 8).unwrap()).unwrap()
        };
        for (asked_by, is_new) in [("a", true), ("a", false), ("b", true)] {
            let model = on_disk(asked_by);
            let (_, was_held) = cache.get_or_embed(&model, "医保", Budget::single()).unwrap();
            assert_eq!(was_held, !is_new, "{asked_by}");
            // In memory it is known the second time, so the disk is asked by itself.
            model.embed_queries(&["医保"], Budget::single()).unwrap();
            assert_eq!(model.misses(), u64::from(is_new), "{asked_by}");
            let before = model.misses();
            model.embed_passages(&["断缴"], Budget::single()).unwrap();
            let is_first = asked_by == "a" && is_new;
            assert_eq!(model.misses() - before, u64::from(is_first), "{asked_by}");
        }
    }
}
