//! Connections, and the bytes that go over them.

use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::kinds::{ByReason, Counter, Counters, Gauge, counter, gauge, registered};

/// The numbers of connections.
pub struct ConnectionNumbers {
    open: Gauge,
    opened: Counter,
    cut: Counters<ByReason>,
    /// Bytes read.
    pub received: Counter,
    /// Bytes written.
    pub sent: Counter,
    /// Bytes of answers that nobody has read yet.
    pub unread: Gauge,
    /// Bytes of bodies that have not come to their end.
    pub bodies: Gauge,
}

impl ConnectionNumbers {
    /// None so far.
    pub fn new(r: &mut Registry) -> Self {
        ConnectionNumbers {
            open: gauge(r, "baowen_connections", "Connections that are open"),
            opened: counter(r, "baowen_connections_opened", "Connections that have begun"),
            cut: registered(
                r,
                "baowen_connections_cut",
                "Connections that were cut off, by reason",
                Family::default(),
            ),
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
            unread: gauge(
                r,
                "baowen_unread_answer_bytes",
                "Bytes of answers that their clients have not read yet",
            ),
            bodies: gauge(
                r,
                "baowen_unfinished_body_bytes",
                "Bytes held of calls' bodies that have not come to their end, but for imports",
            ),
        }
    }

    /// One has begun.
    pub fn began(&self) {
        self.open.inc();
        self.opened.inc();
    }

    /// One has ended.
    pub fn ended(&self) {
        self.open.dec();
    }

    /// One was cut off.
    pub fn cut(&self, reason: &'static str) {
        self.cut.get_or_create(&ByReason { reason }).inc();
    }
}
