//! Calls and the questions among them.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::kinds::{ByReason, Counter, Counters, Gauge, Times, counter, gauge, registered, times};
use crate::search::response::Timings;

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

/// The numbers of calls.
pub struct CallNumbers {
    requests: Counters<ByCall>,
    durations: Times<ByMethod>,
    in_flight: Gauge,
    refused: Counters<ByReason>,
    stages: Times<ByStage>,
    cache_hits: Counter,
    cache_misses: Counter,
    degraded: Counter,
}

impl CallNumbers {
    /// None so far.
    pub fn new(r: &mut Registry) -> Self {
        CallNumbers {
            requests: registered(
                r,
                "baowen_requests",
                "Calls that have ended, by method and code",
                Family::default(),
            ),
            durations: times(
                r,
                "baowen_request_duration_seconds",
                "Time from a call's first byte to the last of its answer",
            ),
            in_flight: gauge(r, "baowen_requests_in_flight", "Calls under way"),
            refused: registered(
                r,
                "baowen_refused",
                "Calls that were refused, by reason",
                Family::default(),
            ),
            stages: times(
                r,
                "baowen_search_stage_duration_seconds",
                "Time of each stage of searches that were not answered from the cache",
            ),
            cache_hits: counter(r, "baowen_answer_cache_hits", "Questions answered from the cache"),
            cache_misses: counter(r, "baowen_answer_cache_misses", "Questions that were searched for"),
            degraded: counter(
                r,
                "baowen_degraded_answers",
                "Answers that lack something that was asked for: meaning, words or the reranker",
            ),
        }
    }

    /// A call has begun.
    pub fn began(&self) {
        self.in_flight.inc();
    }

    /// A call has ended.
    pub fn ended(&self, method: &'static str, code: &'static str, time: Duration) {
        self.in_flight.dec();
        self.requests.get_or_create(&ByCall { method, code }).inc();
        self.durations
            .get_or_create(&ByMethod { method })
            .observe(time.as_secs_f64());
    }

    /// A call was refused.
    pub fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&ByReason { reason }).inc();
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
}
