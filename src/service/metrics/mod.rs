//! What a service counts and measures, in the form that Prometheus reads.
//!
//! Owns the names and the numbers; `docs/OPERATING.md` says what each means. Whoever knows something says it to
//! [`Metrics`]; what is a state rather than an event is asked for when somebody looks.
//!
//! | file | one concern |
//! |---|---|
//! | `page` | the numbers as an answer over HTTP |

pub mod page;

use std::fmt::Write as _;
use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry};

use super::activity::Cut;
use crate::search::response::Timings;

/// Bounds of the histograms of times: half a millisecond to about 16 seconds, each twice the one before.
fn times() -> Histogram {
    Histogram::new(exponential_buckets(0.000_5, 2.0, 16))
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByCall {
    method: &'static str,
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByMethod {
    method: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByStage {
    stage: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByReason {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByVersion {
    version: &'static str,
}

type Seconds = Gauge<f64, AtomicU64>;

/// The service as it is now, for whoever looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Now {
    /// Whether questions are answered.
    pub ready: bool,
    /// Searches that run or wait.
    pub searches: usize,
    /// Bytes of answers that nobody has read yet.
    pub unread: usize,
    /// The index, once it is open.
    pub index: Option<IndexNow>,
}

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

type Look = Box<dyn Fn() -> Now + Send + Sync>;

/// All numbers of one service.
pub struct Metrics {
    registry: Registry,
    requests: Family<ByCall, Counter>,
    durations: Family<ByMethod, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
    stages: Family<ByStage, Histogram, fn() -> Histogram>,
    cache_hits: Counter,
    cache_misses: Counter,
    degraded: Counter,
    refused: Family<ByReason, Counter>,
    connections: Gauge,
    connections_opened: Counter,
    connections_cut: Family<ByReason, Counter>,
    received: Counter,
    sent: Counter,
    ready: Gauge,
    searches: Gauge,
    unread: Gauge,
    articles: Gauge,
    passages: Gauge,
    segments: Gauge,
    graphs: Gauge,
    bytes: Gauge,
    commit: Gauge,
    commit_age: Seconds,
    commits: Counter,
    refresh_failures: Counter,
    write_failures: Counter,
    maintenance_failures: Counter,
    reload_failures: Counter,
    memory: Gauge,
    descriptors: Gauge,
    taken_over: Mutex<Instant>,
    look: OnceLock<Look>,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics::new()
    }
}

fn registered<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

impl Metrics {
    /// Nothing counted so far.
    pub fn new() -> Self {
        let mut all = Registry::default();
        let r = &mut all;
        let counter = |r: &mut Registry, name: &str, help: &str| registered(r, name, help, Counter::default());
        let gauge = |r: &mut Registry, name: &str, help: &str| -> Gauge { registered(r, name, help, Gauge::default()) };
        let reasons = |r: &mut Registry, name: &str, help: &str| registered(r, name, help, Family::default());
        let version = Family::<ByVersion, Gauge>::default();
        let itself = ByVersion {
            version: env!("CARGO_PKG_VERSION"),
        };
        version.get_or_create(&itself).set(1);
        r.register("baowen_build_info", "The program's version", version);
        let started: Seconds = Gauge::default();
        started.set(
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0.0, |since| since.as_secs_f64()),
        );
        r.register(
            "process_start_time_seconds",
            "When the process began, since 1970",
            started,
        );
        let requests = registered(
            r,
            "baowen_requests",
            "Calls that have ended, by method and code",
            Family::default(),
        );
        let by_method: Family<ByMethod, Histogram, fn() -> Histogram> = Family::new_with_constructor(times);
        let help = "Time from a call's first byte to the last of its answer";
        let durations = registered(r, "baowen_request_duration_seconds", help, by_method);
        let by_stage: Family<ByStage, Histogram, fn() -> Histogram> = Family::new_with_constructor(times);
        let help = "Time of each stage of searches that were not answered from the cache";
        let stages = registered(r, "baowen_search_stage_duration_seconds", help, by_stage);
        let commit_age: Seconds = Gauge::default();
        let help = "Time since the commit that is searched was taken over";
        r.register("baowen_index_commit_age_seconds", help, commit_age.clone());
        Metrics {
            requests,
            durations,
            stages,
            commit_age,
            in_flight: gauge(r, "baowen_requests_in_flight", "Calls under way"),
            cache_hits: counter(r, "baowen_answer_cache_hits", "Questions answered from the cache"),
            cache_misses: counter(r, "baowen_answer_cache_misses", "Questions that were searched for"),
            degraded: counter(
                r,
                "baowen_degraded_answers",
                "Answers that lack something that was asked for: meaning, words or the reranker",
            ),
            refused: reasons(r, "baowen_refused", "Calls that were refused, by reason"),
            connections: gauge(r, "baowen_connections", "Connections that are open"),
            connections_opened: counter(r, "baowen_connections_opened", "Connections that have begun"),
            connections_cut: reasons(r, "baowen_connections_cut", "Connections that were cut off, by reason"),
            received: counter(
                r,
                "baowen_received_bytes",
                "Bytes read from connections, after decryption",
            ),
            sent: counter(
                r,
                "baowen_sent_bytes",
                "Bytes written to connections, before encryption",
            ),
            ready: gauge(r, "baowen_ready", "1 while questions are answered"),
            searches: gauge(r, "baowen_searches_in_flight", "Searches that run or wait for a thread"),
            unread: gauge(
                r,
                "baowen_unread_answer_bytes",
                "Bytes of answers that their clients have not read yet",
            ),
            articles: gauge(r, "baowen_index_articles", "Articles in the index"),
            passages: gauge(r, "baowen_index_passages", "Passages in the index"),
            segments: gauge(r, "baowen_index_segments", "Segments of the index"),
            graphs: gauge(r, "baowen_index_graphs", "Segments that are searched through a graph"),
            bytes: gauge(r, "baowen_index_bytes", "Bytes of the index on disk"),
            commit: gauge(r, "baowen_index_commit", "The stamp of the commit that is searched"),
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
            reload_failures: counter(
                r,
                "baowen_reload_failures",
                "Certificates or tokens that could not be read again",
            ),
            memory: gauge(
                r,
                "process_resident_memory_bytes",
                "Memory of the process that is in use, mapped files included",
            ),
            descriptors: gauge(r, "process_open_fds", "Descriptors that are open"),
            taken_over: Mutex::new(Instant::now()),
            look: OnceLock::new(),
            registry: all,
        }
    }

    /// How the service is looked at; the first one counts.
    pub fn look_by(&self, look: impl Fn() -> Now + Send + Sync + 'static) {
        let _ = self.look.set(Box::new(look));
    }

    /// A call has begun.
    pub fn call_began(&self) {
        self.in_flight.inc();
    }

    /// A call has ended.
    pub fn call_ended(&self, method: &'static str, code: &'static str, time: Duration) {
        self.in_flight.dec();
        self.requests.get_or_create(&ByCall { method, code }).inc();
        self.durations
            .get_or_create(&ByMethod { method })
            .observe(time.as_secs_f64());
    }

    /// A question was answered.
    pub fn answered(&self, timings: &Timings, is_degraded: bool) {
        if is_degraded {
            self.degraded.inc();
        }
        if timings.cached {
            self.cache_hits.inc();
            return;
        }
        self.cache_misses.inc();
        for (stage, time) in timings.stages() {
            self.stages
                .get_or_create(&ByStage { stage })
                .observe(time.as_secs_f64());
        }
    }

    /// A call was refused: `queue`, `batch`, `rate`, `token`, `right` or `host`.
    pub fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&ByReason { reason }).inc();
    }

    /// A connection has begun.
    pub fn connection_began(&self) {
        self.connections.inc();
        self.connections_opened.inc();
    }

    /// A connection has ended that had begun.
    pub fn connection_ended(&self) {
        self.connections.dec();
    }

    /// A connection could not agree on keys.
    pub fn connection_failed(&self) {
        self.cut("handshake");
    }

    /// A connection was cut off; without a reason, because it said nothing.
    pub fn connection_cut(&self, cut: Option<Cut>) {
        self.cut(match cut {
            None => "silent",
            Some(Cut::Idle) => "idle",
            Some(Cut::Unread) => "unread",
        });
    }

    fn cut(&self, reason: &'static str) {
        self.connections_cut.get_or_create(&ByReason { reason }).inc();
    }

    /// Bytes came in.
    pub fn received(&self, bytes: usize) {
        self.received.inc_by(bytes as u64);
    }

    /// Bytes went out, if they did.
    pub fn sent(&self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = written {
            self.sent.inc_by(*bytes as u64);
        }
    }

    /// A newer commit is searched.
    pub fn took_over(&self) {
        self.commits.inc();
        *self.taken_over.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// A newer commit could not be opened.
    pub fn refresh_failed(&self) {
        self.refresh_failures.inc();
    }

    /// Writing failed, and took changes with it.
    pub fn writing_failed(&self) {
        self.write_failures.inc();
    }

    /// Maintenance failed.
    pub fn maintenance_failed(&self) {
        self.maintenance_failures.inc();
    }

    /// Certificates or tokens could not be read again.
    pub fn reload_failed(&self) {
        self.reload_failures.inc();
    }

    /// All numbers as text.
    pub fn text(&self) -> String {
        let now = self.look.get().map_or_else(Now::default, |look| look());
        let set = |gauge: &Gauge, number: u64| gauge.set(i64::try_from(number).unwrap_or(i64::MAX));
        set(&self.ready, now.ready.into());
        set(&self.searches, now.searches as u64);
        set(&self.unread, now.unread as u64);
        let index = now.index.unwrap_or_default();
        set(&self.articles, index.articles);
        set(&self.passages, index.passages);
        set(&self.segments, index.segments);
        set(&self.graphs, index.graphs);
        set(&self.bytes, index.bytes);
        set(&self.commit, index.commit);
        let taken_over = *self.taken_over.lock().unwrap_or_else(PoisonError::into_inner);
        self.commit_age.set(taken_over.elapsed().as_secs_f64());
        set(&self.memory, resident().unwrap_or(0));
        set(
            &self.descriptors,
            std::fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u64),
        );
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            let _ = text.write_str("# the numbers could not be written\n");
        }
        text
    }
}

/// Bytes of memory in use, where the system says so.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests;
