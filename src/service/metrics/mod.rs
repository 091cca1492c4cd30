//! What a service counts and measures, in the form that Prometheus reads.
//!
//! Owns the names and the numbers; `docs/OPERATING.md` says what each means. Whoever knows something says it to
//! [`Metrics`]; what is a state rather than an event is asked for when somebody looks.
//!
//! | file | one concern |
//! |---|---|
//! | `kinds` | kinds of numbers, and how they come under their names |
//! | `calls`, `connections`, `embedder`, `index`, `process` | the numbers of each of these |
//! | `page` | the numbers as an answer over HTTP |

mod calls;
mod connections;
mod embedder;
mod index;
mod kinds;
pub mod page;
mod process;

use std::fmt::Write as _;
use std::io;
use std::sync::OnceLock;
use std::task::Poll;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use self::calls::CallNumbers;
use self::connections::ConnectionNumbers;
use self::embedder::EmbedderNumbers;
pub use self::index::IndexNow;
use self::index::IndexNumbers;
use self::kinds::{Counter, Gauge, counter, gauge, set};
use self::process::ProcessNumbers;
use super::activity::Cut;
use crate::search::response::{Lack, SearchResponse, Timings};

/// The service as it is now, for whoever looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Now {
    /// Whether questions are answered.
    pub ready: bool,
    /// Searches that run or wait.
    pub searches: usize,
    /// Those that run.
    pub running: usize,
    /// Bytes of answers that nobody has read yet.
    pub unread: usize,
    /// Bytes of bodies that have not come to their end.
    pub bodies: usize,
    /// The index, once it is open.
    pub index: Option<IndexNow>,
}

type Look = Box<dyn Fn() -> Now + Send + Sync>;

/// All numbers of one service.
pub struct Metrics {
    registry: Registry,
    calls: CallNumbers,
    connections: ConnectionNumbers,
    embedder: EmbedderNumbers,
    index: IndexNumbers,
    process: ProcessNumbers,
    ready: Gauge,
    searches: Gauge,
    running: Gauge,
    waiting: Gauge,
    reload_failures: Counter,
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

impl Metrics {
    /// Nothing counted so far.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let r = &mut registry;
        Metrics {
            process: ProcessNumbers::new(r),
            calls: CallNumbers::new(r),
            connections: ConnectionNumbers::new(r),
            ready: gauge(r, "baowen_ready", "1 while questions are answered"),
            searches: gauge(r, "baowen_searches_in_flight", "Searches that run or wait for a thread"),
            running: gauge(r, "baowen_searches_running", "Searches that have a thread"),
            waiting: gauge(r, "baowen_searches_waiting", "Searches that wait for a thread"),
            embedder: EmbedderNumbers::new(r),
            index: IndexNumbers::new(r),
            reload_failures: counter(
                r,
                "baowen_reload_failures",
                "Settings, certificates or tokens that could not be read again",
            ),
            look: OnceLock::new(),
            registry,
        }
    }

    /// How the service is looked at; the first one counts.
    pub fn look_by(&self, look: impl Fn() -> Now + Send + Sync + 'static) {
        let _ = self.look.set(Box::new(look));
    }

    /// A call has begun.
    pub fn call_began(&self) {
        self.calls.began();
    }

    /// A call has ended.
    pub fn call_ended(&self, method: &'static str, code: &'static str, time: Duration) {
        self.calls.ended(method, code, time);
    }

    /// A question was answered.
    pub fn answered(&self, timings: &Timings, is_degraded: bool) {
        self.calls.answered(timings, is_degraded);
    }

    /// A call was refused: `queue`, `batch`, `rate`, `token`, `right`, `host`, `unread` or `body`.
    pub fn refused(&self, reason: &'static str) {
        self.calls.refused(reason);
    }

    /// A connection has begun.
    pub fn connection_began(&self) {
        self.connections.began();
    }

    /// A connection has ended that had begun.
    pub fn connection_ended(&self) {
        self.connections.ended();
    }

    /// A connection could not agree on keys.
    pub fn connection_failed(&self) {
        self.connections.cut("handshake");
    }

    /// A connection was cut off; without a reason, because it said nothing.
    pub fn connection_cut(&self, cut: Option<Cut>) {
        self.connections.cut(match cut {
            None => "silent",
            Some(Cut::Idle) => "idle",
            Some(Cut::Unread) => "unread",
        });
    }

    /// Bytes came in.
    pub fn received(&self, bytes: usize) {
        self.connections.received.inc_by(bytes as u64);
    }

    /// Bytes went out, if they did.
    pub fn sent(&self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = written {
            self.connections.sent.inc_by(*bytes as u64);
        }
    }

    /// Bytes that went either way so far.
    pub fn moved(&self) -> u64 {
        self.connections.received.get() + self.connections.sent.get()
    }

    /// A question was answered by a search.
    pub fn searched(&self, answer: &SearchResponse) {
        self.answered(&answer.timings, answer.degraded.is_some());
        self.asked_by_meaning(answer);
    }

    /// A question was searched for, by meaning if that was wanted and could be.
    pub fn asked_by_meaning(&self, answer: &SearchResponse) {
        let has_failed = answer.lacking.contains(&Lack::Meaning);
        if has_failed || !answer.timings.embed.is_zero() {
            self.embedded(1, has_failed);
        }
    }

    /// So many texts were to be embedded, and were or were not.
    pub fn embedded(&self, texts: usize, has_failed: bool) {
        self.embedder.embedded(texts, has_failed);
    }

    /// A newer commit is searched.
    pub fn took_over(&self) {
        self.index.took_over();
    }

    /// A newer commit could not be opened.
    pub fn refresh_failed(&self) {
        self.index.refresh_failures.inc();
    }

    /// Writing failed, and took changes with it.
    pub fn writing_failed(&self) {
        self.index.write_failures.inc();
    }

    /// Maintenance failed.
    pub fn maintenance_failed(&self) {
        self.index.maintenance_failures.inc();
    }

    /// Settings, certificates or tokens could not be read again.
    pub fn reload_failed(&self) {
        self.reload_failures.inc();
    }

    /// All numbers as text.
    pub fn text(&self) -> String {
        let now = self.look.get().map_or_else(Now::default, |look| look());
        set(&self.ready, now.ready.into());
        set(&self.searches, now.searches as u64);
        set(&self.running, now.running as u64);
        // The two are asked for one after the other.
        set(&self.waiting, now.searches.saturating_sub(now.running) as u64);
        set(&self.connections.unread, now.unread as u64);
        set(&self.connections.bodies, now.bodies as u64);
        self.index.set(now.index.unwrap_or_default());
        self.process.set();
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            let _ = text.write_str("# the numbers could not be written\n");
        }
        text
    }
}

#[cfg(test)]
mod tests;
