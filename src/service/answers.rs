//! Where questions are asked, whatever protocol they came in: an answer that was kept, else a search in the pool.
//!
//! Owns the core, the pool and the cache. The caller's function makes a message of some protocol out of an answer: in
//! the search's thread if it is fresh; at once, on the async worker, if it was kept, since waking another thread takes
//! longer than that.

use std::sync::Arc;
use std::time::Instant;

use super::Answer;
use super::cache::AnswerCache;
use super::pool::{SearchPool, passed};
use crate::compute::late;
use crate::error::Result;
use crate::search::request::SearchRequest;
use crate::search::response::{SearchResponse, Timings};

/// What becomes of a question when as many are waiting as may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// It is refused.
    Refuse,
    /// It waits.
    Wait,
}

/// A core with the searches under way in it and the answers it gave last.
pub struct Answers {
    core: Arc<dyn Answer>,
    pool: Arc<SearchPool>,
    cache: Arc<AnswerCache>,
}

impl Answers {
    /// Answers by `core` in `pool`, of which `cache_bytes` are kept for questions asked again.
    pub fn new(core: Arc<dyn Answer>, pool: Arc<SearchPool>, cache_bytes: usize) -> Self {
        Answers {
            core,
            pool,
            cache: Arc::new(AnswerCache::new(cache_bytes)),
        }
    }

    /// What `message` makes of the answer to a checked request and of how long it took this time.
    ///
    /// # Errors
    /// The core's, `message`'s, and those of [`SearchPool::run`].
    pub async fn ask<T, F>(&self, request: SearchRequest, when_full: WhenFull, message: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&SearchResponse, &Timings) -> Result<T> + Send + 'static,
    {
        let begin = Instant::now();
        let deadline = request.deadline;
        // Read before the search: if a newer edition comes meanwhile, its answer is kept under this one and never
        // found.
        let key = self.cache.key(self.core.edition(), &request);
        if let Some(answer) = key.as_ref().and_then(|key| self.cache.find(key)) {
            if passed(deadline) {
                return Err(late());
            }
            let timings = Timings {
                total: begin.elapsed(),
                cached: true,
                ..Timings::default()
            };
            return message(&answer, &timings);
        }
        let (core, cache) = (self.core.clone(), self.cache.clone());
        let work = move || {
            let answer = Arc::new(core.search(&request)?);
            let message = message(&answer, &answer.timings);
            if let Some(key) = key.filter(|_| answer.degraded.is_none()) {
                cache.keep(key, answer);
            }
            message
        };
        match when_full {
            WhenFull::Refuse => self.pool.run(deadline, work).await,
            WhenFull::Wait => self.pool.run_when_room(deadline, work).await,
        }
    }
}
