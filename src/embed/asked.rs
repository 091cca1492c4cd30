//! The vectors of the questions asked last, in memory: a page of answers, a second page, a reload cost one embedding.
//!
//! Keyed as vectors on disk are (`cache`). Knows nothing of passages.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use super::Embedder;
use super::cache::{Kind, key, lock};
use crate::compute::Budget;
use crate::error::Result;

/// The vectors of the questions asked last, shared by all threads.
pub struct QuestionCache {
    capacity: usize,
    recent: Mutex<Recent>,
}

#[derive(Default)]
struct Recent {
    vectors: HashMap<u128, (u64, Arc<[f32]>)>,
    /// When each was last asked, oldest first.
    order: BTreeMap<u64, u128>,
    clock: u64,
}

impl QuestionCache {
    /// A cache of at most `capacity` questions; 0 keeps none.
    pub fn new(capacity: usize) -> Self {
        QuestionCache {
            capacity,
            recent: Mutex::default(),
        }
    }

    /// The question's vector if it is held.
    pub fn held(&self, embedder: &dyn Embedder, text: &str) -> Option<Arc<[f32]>> {
        self.get(key(embedder.identity(), Kind::Query, text))
    }

    /// The question's vector, from the cache (true) or from the embedder (false). The
    /// lock is not held while the embedder works, so two callers may embed the same question at once; both get the same
    /// vector.
    ///
    /// # Errors
    /// The embedder's.
    pub fn get_or_embed(&self, embedder: &dyn Embedder, text: &str, budget: Budget) -> Result<(Arc<[f32]>, bool)> {
        let key = key(embedder.identity(), Kind::Query, text);
        if let Some(vector) = self.get(key) {
            return Ok((vector, true));
        }
        let vector: Arc<[f32]> = embedder.embed_query(text, budget)?.into();
        self.put(key, Arc::clone(&vector));
        Ok((vector, false))
    }

    /// Questions held.
    pub fn len(&self) -> usize {
        lock(&self.recent).vectors.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn get(&self, key: u128) -> Option<Arc<[f32]>> {
        let mut recent = lock(&self.recent);
        let Recent { vectors, order, clock } = &mut *recent;
        let (asked, vector) = vectors.get_mut(&key)?;
        order.remove(asked);
        *clock += 1;
        *asked = *clock;
        order.insert(*clock, key);
        Some(Arc::clone(vector))
    }

    fn put(&self, key: u128, vector: Arc<[f32]>) {
        if self.capacity == 0 {
            return;
        }
        let mut recent = lock(&self.recent);
        recent.clock += 1;
        let now = recent.clock;
        if let Some((asked, _)) = recent.vectors.insert(key, (now, vector)) {
            recent.order.remove(&asked);
        }
        recent.order.insert(now, key);
        while recent.vectors.len() > self.capacity {
            let Some((_, oldest)) = recent.order.pop_first() else {
                break;
            };
            recent.vectors.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::HashEmbedder;

    #[test]
    fn the_question_asked_longest_ago_goes_first() {
        let cache = QuestionCache::new(2);
        let double = HashEmbedder::new(8);
        let check = |text: &str, hit: bool| {
            let (vector, was_hit) = cache.get_or_embed(&double, text, Budget::single()).unwrap();
            assert_eq!(was_hit, hit, "{text}");
            assert_eq!(*vector, *double.embed_queries(&[text], Budget::single()).unwrap()[0]);
        };
        for (text, hit) in [
            ("一", false),
            ("二", false),
            ("一", true),
            ("三", false),
            ("一", true),
            ("二", false),
        ] {
            check(text, hit);
        }
        assert_eq!(cache.len(), 2);
        let none = QuestionCache::new(0);
        assert!(
            !none.get_or_embed(&double, "一", Budget::single()).unwrap().1
                && !none.get_or_embed(&double, "一", Budget::single()).unwrap().1
        );
        assert!(none.is_empty());
    }
}
