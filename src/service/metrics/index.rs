//! The index as it is searched, and what went wrong with it.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use prometheus_client::registry::Registry;

use super::kinds::{Counter, Gauge, Seconds, counter, gauge, registered, set};

/// The index as it is searched now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IndexNow {
    /// Articles.
    pub articles: u64,
    /// Passages.
    pub passages: u64,
    /// Segments.
    pub segments: u64,
    /// Of these: with a graph.
    pub graphs: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// The commit's stamp.
    pub commit: u64,
}

/// The numbers of the index.
pub struct IndexNumbers {
    articles: Gauge,
    passages: Gauge,
    segments: Gauge,
    graphs: Gauge,
    bytes: Gauge,
    commit: Gauge,
    commit_age: Seconds,
    commits: Counter,
    /// Newer commits that could not be opened.
    pub refresh_failures: Counter,
    /// Failures of writing.
    pub write_failures: Counter,
    /// Failures of maintenance.
    pub maintenance_failures: Counter,
    taken_over: Mutex<Instant>,
}

impl IndexNumbers {
    /// Nothing is known of it so far.
    pub fn new(r: &mut Registry) -> Self {
        IndexNumbers {
            articles: gauge(r, "baowen_index_articles", "Articles in the index"),
            passages: gauge(r, "baowen_index_passages", "Passages in the index"),
            segments: gauge(r, "baowen_index_segments", "Segments of the index"),
            graphs: gauge(r, "baowen_index_graphs", "Segments that are searched through a graph"),
            bytes: gauge(r, "baowen_index_bytes", "Bytes of the index on disk"),
            commit: gauge(r, "baowen_index_commit", "The stamp of the commit that is searched"),
            commit_age: registered(
                r,
                "baowen_index_commit_age_seconds",
                "Time since the commit that is searched was taken over",
                Seconds::default(),
            ),
            commits: counter(r, "baowen_index_commits", "Commits that were taken over"),
            refresh_failures: counter(
                r,
                "baowen_index_refresh_failures",
                "Newer commits that could not be opened",
            ),
            write_failures: counter(
                r,
                "baowen_index_write_failures",
                "Failures of writing that took changes with them before they were durable",
            ),
            maintenance_failures: counter(r, "baowen_index_maintenance_failures", "Maintenance that failed"),
            taken_over: Mutex::new(Instant::now()),
        }
    }

    /// A newer commit is searched.
    pub fn took_over(&self) {
        self.commits.inc();
        *self.taken_over.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Says how it is now.
    pub fn set(&self, now: IndexNow) {
        set(&self.articles, now.articles);
        set(&self.passages, now.passages);
        set(&self.segments, now.segments);
        set(&self.graphs, now.graphs);
        set(&self.bytes, now.bytes);
        set(&self.commit, now.commit);
        let taken_over = *self.taken_over.lock().unwrap_or_else(PoisonError::into_inner);
        self.commit_age.set(taken_over.elapsed().as_secs_f64());
    }
}
