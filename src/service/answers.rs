//! Where questions are asked, whatever protocol they came in: an answer that was kept, else a search in the pool.
//!
//! Owns the core, the pool and the cache. The caller's function makes a message of some protocol out of an answer: in
//! the search's thread if it is fresh; at once, on the async worker, if it was kept and is short, since waking another
//! thread takes longer than that; a long one that was kept goes through the pool like a search. None is made for a
//! connection that does not read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Answer;
use super::activity::{self, check_room};
use super::cache::{AnswerCache, Key};
use super::limits::Limits;
use super::metrics::Metrics;
use super::pool::{SearchPool, passed};
use super::questions_to_review::{Lists, QuestionsToReview};
use super::trace;
use crate::compute::late;
use crate::error::{Fault, Result};
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

impl WhenFull {
    /// Since when a question's time counts: a batch waits for itself, which is no fault of its questions.
    fn since(self, asked: Instant, started: Instant) -> Instant {
        match self {
            WhenFull::Refuse => asked,
            WhenFull::Wait => started,
        }
    }
}

/// Hits of a kept answer that are made into a message on an async worker: a fraction of a millisecond.
const FEW_HITS: usize = 20;

/// A core with the searches under way in it and the answers it gave last.
pub struct Answers {
    core: Arc<dyn Answer>,
    pool: Arc<SearchPool>,
    cache: Arc<AnswerCache>,
    metrics: Arc<Metrics>,
    slow: SlowLog,
    questions: Arc<QuestionsToReview>,
}

/// Which questions are written down for having taken long.
#[derive(Debug, Clone, Default)]
pub struct SlowLog {
    /// How long those took at least.
    pub limits: Arc<Limits>,
    /// Whether with what was asked; so are the questions that are kept for the operator.
    pub with_question: bool,
}

impl SlowLog {
    /// Writes down a question that took long: how long it waited and what each stage took, and what it was only if
    /// asked to.
    fn say(&self, request: &SearchRequest, answer: &SearchResponse, begin: Instant, started: Instant) {
        let least = self.limits.now().slow;
        if least.is_zero() || begin.elapsed() < least {
            return;
        }
        let milliseconds = |time: Duration| (time.as_secs_f64() * 10_000.0).round() / 10.0;
        let Timings {
            analyze,
            embed,
            lexical,
            dense,
            fuse,
            rerank,
            assemble,
            ..
        } = answer.timings;
        let question = self.with_question.then_some(request.query.as_str());
        tracing::warn!(
            target: SLOW,
            question,
            characters = request.query.chars().count(),
            ms = milliseconds(begin.elapsed()),
            waited_ms = milliseconds(started - begin),
            analyze_ms = milliseconds(analyze),
            embed_ms = milliseconds(embed),
            lexical_ms = milliseconds(lexical),
            dense_ms = milliseconds(dense),
            fuse_ms = milliseconds(fuse),
            rerank_ms = milliseconds(rerank),
            assemble_ms = milliseconds(assemble),
            hits = answer.hits.len(),
            "a slow question"
        );
    }
}

impl Answers {
    /// Answers by `core` in `pool`, of which `cache_bytes` are kept for questions asked again.
    pub fn new(core: Arc<dyn Answer>, pool: Arc<SearchPool>, cache_bytes: usize) -> Self {
        Answers {
            core,
            pool,
            cache: Arc::new(AnswerCache::new(cache_bytes)),
            metrics: Arc::default(),
            slow: SlowLog::default(),
            questions: Arc::default(),
        }
    }

    /// The same, counted in `metrics` and with a log of slow questions.
    #[must_use]
    pub fn reported_to(self, metrics: Arc<Metrics>, slow: SlowLog) -> Self {
        let questions = Arc::new(QuestionsToReview::new(slow.with_question));
        Answers {
            metrics,
            slow,
            questions,
            ..self
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
        // Read before the search: if a newer edition comes meanwhile, its answer is kept under this one and never
        // found.
        let key = self.cache.key(self.core.edition(), &request);
        if let Some(kept) = self.kept(&request, key.as_ref(), begin)? {
            return self.again(kept, request.deadline, when_full, message).await;
        }
        let deadline = request.deadline;
        let (core, cache, metrics, slow) = (
            self.core.clone(),
            self.cache.clone(),
            self.metrics.clone(),
            self.slow.clone(),
        );
        let (questions, request) = (self.questions.clone(), Arc::new(request));
        // The call's, by which the line about a slow question is known.
        let (span, trace) = (tracing::Span::current(), trace::current());
        let has_started = Arc::new(AtomicBool::new(false));
        let work = {
            let (request, has_started) = (request.clone(), has_started.clone());
            move || {
                has_started.store(true, Ordering::Relaxed);
                let started = Instant::now();
                let since = when_full.since(begin, started);
                let answer = core.search(&request).inspect_err(|error| {
                    if error.fault() == Fault::Deadline {
                        questions.ran_out(&request, since.elapsed());
                    }
                });
                let answer = Arc::new(answer?);
                metrics.searched(&answer);
                if let Some(trace) = trace {
                    trace.answered(&answer.timings);
                }
                span.in_scope(|| slow.say(&request, &answer, begin, started));
                questions.answered(&request, &answer, since.elapsed());
                let message = message(&answer, &answer.timings);
                if let Some(key) = key.filter(|_| answer.degraded.is_none()) {
                    cache.keep(key, answer);
                }
                message
            }
        };
        let work = self.if_read(work);
        match when_full {
            // One that runs says itself how it ends.
            WhenFull::Refuse => self.pool.run(deadline, work).await.inspect_err(|error| {
                if error.fault() == Fault::Deadline && !has_started.load(Ordering::Relaxed) {
                    self.questions.ran_out(&request, begin.elapsed());
                }
            }),
            WhenFull::Wait => self.pool.run_when_room(deadline, work).await,
        }
    }

    /// The answer that was kept for a question, if one was, and how long finding it took.
    ///
    /// # Errors
    /// `Deadline` if it comes too late.
    fn kept(
        &self,
        request: &SearchRequest,
        key: Option<&Arc<Key>>,
        begin: Instant,
    ) -> Result<Option<(Arc<SearchResponse>, Timings)>> {
        let Some(answer) = key.and_then(|key| self.cache.find(key)) else {
            return Ok(None);
        };
        if passed(request.deadline) {
            return Err(late());
        }
        let timings = Timings {
            total: begin.elapsed(),
            cached: true,
            ..Timings::default()
        };
        self.metrics.answered(&timings, false);
        if let Some(trace) = trace::current() {
            trace.answered(&timings);
        }
        self.questions.answered_again(request, &answer, timings.total);
        Ok(Some((answer, timings)))
    }

    /// The message of an answer that was kept: at once if it is short, else where searches run.
    async fn again<T, F>(
        &self,
        (answer, timings): (Arc<SearchResponse>, Timings),
        deadline: Option<Instant>,
        when_full: WhenFull,
        message: F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&SearchResponse, &Timings) -> Result<T> + Send + 'static,
    {
        if answer.hits.len() <= FEW_HITS {
            return message(&answer, &timings);
        }
        let make = self.if_read(move || message(&answer, &timings));
        match when_full {
            WhenFull::Refuse => self.pool.run(deadline, make).await,
            WhenFull::Wait => self.pool.run_when_room(deadline, make).await,
        }
    }

    /// The questions that an operator should look at.
    pub fn questions_to_review(&self) -> Lists {
        self.questions.lists_now()
    }

    /// Other work that somebody waits for, in the same pool as questions and refused as they are.
    ///
    /// # Errors
    /// The work's, and those of [`SearchPool::run`].
    pub async fn run<T, F>(&self, deadline: Option<Instant>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        self.pool.run(deadline, self.if_read(work)).await
    }

    /// The work, unless the connection of this call holds too much that it has not read when its turn comes.
    fn if_read<T, F>(&self, work: F) -> impl FnOnce() -> Result<T> + Send + use<T, F>
    where
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        let (connection, metrics) = (activity::current(), self.metrics.clone());
        move || {
            check_room(connection.as_ref()).inspect_err(|_| metrics.refused("unread"))?;
            work()
        }
    }
}

/// The lines about slow questions, as logs name them.
pub const SLOW: &str = "slow";
