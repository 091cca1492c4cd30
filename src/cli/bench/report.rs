//! What a measurement found: calls, histograms, and how they are printed.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::options::BenchOptions;
use crate::cli::options::mode_name;
use crate::search::response::{RERANK, STAGES};
use crate::service::wire;

/// One call as it went.
pub struct Sample {
    /// From when it was due to its answer.
    pub latency: Duration,
    /// From when it was sent to its answer.
    pub call: Duration,
    /// What came, or the name of the code that came instead.
    pub outcome: Result<Answered, &'static str>,
}

/// What is kept of an answer.
pub struct Answered {
    /// Whether it was less than asked for.
    pub degraded: bool,
    /// What the service said of its stages.
    pub timings: wire::Timings,
}

/// Everything that was measured. Times are nanoseconds in the histograms, milliseconds in what is printed.
pub struct Report {
    latency: Histogram<u64>,
    /// Inside the service's core, as the answers say.
    core: Histogram<u64>,
    /// The call without the core: network, protocol, waiting for a thread.
    outside: Histogram<u64>,
    stages: BTreeMap<String, Histogram<u64>>,
    errors: BTreeMap<&'static str, u64>,
    degraded: u64,
    /// Answers that the service had kept.
    cached: u64,
    distinct: usize,
    /// How long measuring took.
    pub elapsed: Duration,
}

impl Report {
    /// Nothing measured yet; `distinct` questions go round.
    pub fn new(distinct: usize) -> Self {
        Report {
            latency: histogram(),
            core: histogram(),
            outside: histogram(),
            // Every report names these, whatever was answered.
            stages: STAGES
                .iter()
                .filter(|(name, _)| *name != RERANK)
                .map(|(name, _)| ((*name).to_owned(), histogram()))
                .collect(),
            errors: BTreeMap::new(),
            degraded: 0,
            cached: 0,
            distinct,
            elapsed: Duration::ZERO,
        }
    }

    /// Counts one call.
    pub fn add(&mut self, sample: Sample) {
        let answered = match sample.outcome {
            Ok(answered) => answered,
            // A refusal is quick, so its time must not make the answers look quick.
            Err(code) => return *self.errors.entry(code).or_default() += 1,
        };
        record(&mut self.latency, sample.latency);
        self.cached += u64::from(answered.timings.cached);
        let core = Duration::from_micros(answered.timings.total_micros);
        record(&mut self.core, core);
        record(&mut self.outside, sample.call.saturating_sub(core));
        for stage in answered.timings.stages {
            let times = self.stages.entry(stage.stage).or_insert_with(histogram);
            record(times, Duration::from_micros(stage.micros));
        }
        self.degraded += u64::from(answered.degraded);
    }

    /// Calls that were answered.
    pub fn answered(&self) -> u64 {
        self.latency.len()
    }

    /// Calls, answered or not.
    pub fn asked(&self) -> u64 {
        self.latency.len() + self.errors.values().sum::<u64>()
    }

    fn throughput(&self) -> f64 {
        self.latency.len() as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// All figures for programs.
    pub fn json(&self, options: &BenchOptions) -> Value {
        let stages: BTreeMap<_, _> = self
            .stages
            .iter()
            .map(|(stage, times)| (stage.clone(), figures(times)))
            .collect();
        json!({
            "addr": options.measured(),
            "queries": options.queries.display().to_string(),
            "distinct_queries": self.distinct,
            "mode": mode_name(options.mode),
            "top_k": options.top_k,
            "loop": if options.rate.is_some() { "open" } else { "closed" },
            "concurrency": options.concurrency,
            "rate": options.rate,
            "warmup": options.warmup,
            "seed": options.seed,
            "seconds": self.elapsed.as_secs_f64(),
            "requests": self.asked(),
            "answered": self.latency.len(),
            "degraded": self.degraded,
            "cached": self.cached,
            "errors": self.errors,
            "throughput": self.throughput(),
            "latency_ms": figures(&self.latency),
            "core_ms": figures(&self.core),
            "outside_ms": figures(&self.outside),
            "stages_ms": stages,
        })
    }

    /// All figures for people.
    pub fn table(&self, options: &BenchOptions) -> String {
        let kind = match options.rate {
            Some(rate) => format!(
                "open loop, {rate} questions/s due, at most {} in flight",
                options.concurrency
            ),
            None => format!("closed loop, {} clients", options.concurrency),
        };
        let mut text = format!(
            "{kind}, {} mode, {} distinct questions, seed {}\n{} answered in {:.2} s: {:.1} a second\n",
            mode_name(options.mode),
            self.distinct,
            options.seed,
            self.latency.len(),
            self.elapsed.as_secs_f64(),
            self.throughput(),
        );
        for (code, count) in &self.errors {
            text += &format!("{count} failed: {code}\n");
        }
        if self.degraded > 0 {
            text += &format!("{} answers were degraded\n", self.degraded);
        }
        if self.cached > 0 {
            text += &format!("{} answers were kept from before, not searched for\n", self.cached);
        }
        text += &format!("\n{:<10}", "ms");
        for name in ["p50", "p90", "p95", "p99", "max", "mean"] {
            text += &format!("{name:>10}");
        }
        text.push('\n');
        let stages = STAGES
            .iter()
            .filter_map(|(name, _)| Some((*name, self.stages.get(*name)?)));
        let rows = [
            ("latency", &self.latency),
            ("outside", &self.outside),
            ("core", &self.core),
        ];
        for (name, times) in rows.into_iter().chain(stages) {
            text += &format!("{name:<10}");
            for quantile in [0.5, 0.9, 0.95, 0.99, 1.0] {
                text += &format!("{:>10.3}", millis(times.value_at_quantile(quantile)));
            }
            text += &format!("{:>10.3}\n", times.mean() / 1e6);
        }
        text
    }

    /// The distribution as HdrHistogram's own tools read it (`.hgrm`).
    pub fn percentile_lines(&self) -> String {
        let times = &self.latency;
        let mut text = format!(
            "{:>12} {:>14} {:>10} {:>14}\n\n",
            "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
        );
        let mut count = 0;
        for step in times.iter_quantiles(5) {
            count += step.count_since_last_iteration();
            let quantile = step.quantile_iterated_to();
            let value = millis(step.value_iterated_to());
            text += &if quantile < 1.0 {
                format!(
                    "{value:>12.3} {quantile:>14.12} {count:>10} {:>14.2}\n",
                    1.0 / (1.0 - quantile)
                )
            } else {
                format!("{value:>12.3} {quantile:>14.12} {count:>10}\n")
            };
        }
        text += &format!(
            "#[Mean    = {:>12.3}, StdDeviation   = {:>12.3}]\n",
            times.mean() / 1e6,
            times.stdev() / 1e6
        );
        text += &format!(
            "#[Max     = {:>12.3}, Total count    = {:>12}]\n",
            millis(times.max()),
            times.len()
        );
        text += &format!(
            "#[Buckets = {:>12}, SubBuckets     = {:>12}]\n",
            times.buckets(),
            times.distinct_values()
        );
        text
    }
}

/// A histogram of nanoseconds up to an hour, to three digits; what is longer counts as an hour.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(3_600_000_000_000, 3).expect("the bound is above 1, three digits are within 0 to 5")
}

fn record(histogram: &mut Histogram<u64>, time: Duration) {
    histogram.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
}

fn millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

fn figures(times: &Histogram<u64>) -> Value {
    json!({
        "p50": millis(times.value_at_quantile(0.5)),
        "p90": millis(times.value_at_quantile(0.9)),
        "p95": millis(times.value_at_quantile(0.95)),
        "p99": millis(times.value_at_quantile(0.99)),
        "max": millis(times.max()),
        "min": millis(times.min()),
        "mean": times.mean() / 1e6,
        "count": times.len(),
    })
}
