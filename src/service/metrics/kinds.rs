//! The kinds of numbers that there are, and how one comes under its name.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
pub use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
pub use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry};

/// A number of seconds that goes up and down.
pub type Seconds = Gauge<f64, AtomicU64>;
/// Counts by labels.
pub type Counters<L> = Family<L, Counter>;
/// Times by labels.
pub type Times<L> = Family<L, Histogram, fn() -> Histogram>;

/// Why something was refused or cut off.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ByReason {
    /// The reason.
    pub reason: &'static str,
}

/// A number under this name, with what it says.
pub fn registered<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

/// What only goes up.
pub fn counter(registry: &mut Registry, name: &str, help: &str) -> Counter {
    registered(registry, name, help, Counter::default())
}

/// What goes up and down.
pub fn gauge(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    registered(registry, name, help, Gauge::default())
}

/// A histogram of times for each label: from half a millisecond to about 16 seconds, each bound twice the one before.
pub fn times<L: Clone + Eq + std::hash::Hash + EncodeLabelSet + std::fmt::Debug + Send + Sync + 'static>(
    registry: &mut Registry,
    name: &str,
    help: &str,
) -> Times<L> {
    let histogram: fn() -> Histogram = || Histogram::new(exponential_buckets(0.000_5, 2.0, 16));
    registered(registry, name, help, Family::new_with_constructor(histogram))
}

/// Sets a gauge to what is counted elsewhere.
pub fn set(gauge: &Gauge, number: u64) {
    gauge.set(i64::try_from(number).unwrap_or(i64::MAX));
}
