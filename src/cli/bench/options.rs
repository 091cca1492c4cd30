//! What can be said of a measurement on the command line.

use std::path::PathBuf;

use crate::cli::options::{Credentials, parse_mode};
use crate::search::request::Mode;

/// Measure a running service's latency and throughput.
#[derive(Clone, clap::Args)]
pub struct BenchOptions {
    /// The service to ask.
    #[arg(long, value_name = "HOST:PORT")]
    #[cfg_attr(
        feature = "milvus",
        arg(required_unless_present = "address", conflicts_with = "address")
    )]
    #[cfg_attr(not(feature = "milvus"), arg(required = true))]
    pub addr: Option<String>,
    #[cfg(feature = "milvus")]
    #[command(flatten)]
    pub backend: crate::cli::milvus::BackendAddress,
    #[command(flatten)]
    pub credentials: Credentials,
    /// Questions: JSON Lines with `text` (or `query`, `question`), or one question a line.
    #[arg(long, value_name = "FILE")]
    pub queries: PathBuf,
    /// Clients that ask at the same time; with --rate, calls in flight at most.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub concurrency: u32,
    /// Open loop: questions a second, due at fixed moments; latency counts from there.
    #[arg(long, value_name = "R")]
    pub rate: Option<f64>,
    /// Stop after this many seconds (10 if --requests is not given either).
    #[arg(long, value_name = "S")]
    pub duration: Option<f64>,
    /// Stop after this many questions.
    #[arg(long, value_name = "N", conflicts_with = "duration")]
    pub requests: Option<u64>,
    /// Questions asked before measuring begins.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub warmup: u64,
    /// Hits wanted of each answer.
    #[arg(long, value_name = "N")]
    pub top_k: Option<usize>,
    /// hybrid, lexical or dense.
    #[arg(long, value_name = "MODE", default_value = "hybrid", value_parser = parse_mode)]
    pub mode: Mode,
    /// Seconds that one answer may take.
    #[arg(long, value_name = "S", default_value_t = 10.0)]
    pub timeout: f64,
    /// Seed of the order in which questions are asked.
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub seed: u64,
    /// Print the figures as JSON.
    #[arg(long)]
    pub json: bool,
    /// Write the latency distribution here, in HdrHistogram's percentile format (milliseconds).
    #[arg(long, value_name = "FILE")]
    pub hdr: Option<PathBuf>,
}

impl BenchOptions {
    /// What is measured, as it may be shown.
    pub fn measured(&self) -> Option<String> {
        #[cfg(feature = "milvus")]
        if let Some(address) = &self.backend.address {
            return Some(crate::cli::milvus::shown(address));
        }
        self.addr.clone()
    }
}
