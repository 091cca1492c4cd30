//! `baowen bench`: how fast a running service answers, by the clock of whoever asks.
//!
//! Closed loop: each of N clients asks again as soon as it has its answer, which measures throughput. Open loop
//! (`--rate`): questions are due at fixed moments whether or not earlier ones are done, and latency counts from the
//! moment a question was due, so that waiting is not hidden (coordinated omission). Knows nothing of the index; the
//! stages come from the answers.

mod load;
#[cfg(feature = "milvus")]
mod local;
mod options;
mod report;

use std::sync::Arc;
use std::time::Duration;

use self::load::Load;
pub use self::options::BenchOptions;
use self::report::Report;
use super::{questions, remote};
use crate::error::{Context, Error, Fault, Result};
use crate::search::request::SearchRequest;
use crate::service::convert::ask;

/// Runs the measurement and prints its figures.
///
/// # Errors
/// `Caller` for numbers that make no sense or a file without questions, `Unavailable` if nothing answers at the
/// address, or not one question was answered.
pub fn run(options: &BenchOptions) -> Result<()> {
    let report = measure(options)?;
    if let Some(path) = &options.hdr {
        std::fs::write(path, report.percentile_lines())
            .or_fault(Fault::Unavailable, format_args!("writing {}", path.display()))?;
    }
    if options.json {
        super::print::json(&report.json(options))?;
    } else {
        out!(report.table(options));
    }
    if report.answered() == 0 {
        Err(
            Error::unavailable(format!("not one of {} questions was answered", report.asked()))
                .help("the table of errors says why"),
        )
    } else {
        Ok(())
    }
}

fn measure(options: &BenchOptions) -> Result<Report> {
    let positive = |name: &str, value: Option<f64>| match value {
        Some(value) if !(value.is_finite() && value > 0.0 && value <= 1e6) => Err(Error::caller(format!(
            "--{name}: is {value}, must be above 0, at most 1000000"
        ))),
        _ => Ok(()),
    };
    positive("rate", options.rate)?;
    positive("duration", options.duration)?;
    positive("timeout", Some(options.timeout))?;
    if options.requests == Some(0) {
        return Err(Error::caller("--requests: is 0, must be at least 1"));
    }
    let mut questions = questions::read(&options.queries)?;
    let distinct = questions.len();
    fastrand::Rng::with_seed(options.seed).shuffle(&mut questions);
    let messages = questions.into_iter().map(|question| {
        let mut request = SearchRequest::new(question);
        request.top_k = options.top_k;
        request.mode = options.mode;
        ask::request(&request)
    });
    let load = Load::new(messages.collect(), Duration::from_secs_f64(options.timeout));
    let addr = options.addr.clone().unwrap_or_default();
    #[cfg(feature = "milvus")]
    let local = options.backend.address.as_deref().map(local::Local::over).transpose()?;
    #[cfg(feature = "milvus")]
    let addr = local.as_ref().map_or(addr, |local| local.address.clone());
    remote::runtime()?.block_on(load::drive(options, &addr, &Arc::new(load), distinct))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use clap::Parser;
    use serde_json::Value;

    use super::report::{Answered, Sample};
    use super::*;
    use crate::search::response::{SearchResponse, Timings};
    use crate::service::server::{ServiceSettings, Surroundings, run as serve};
    use crate::service::{Answer, wire};

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        options: BenchOptions,
    }

    fn options(args: &[&str]) -> BenchOptions {
        let fixed = ["bench", "--addr", "127.0.0.1:1", "--queries", "q"];
        Cli::try_parse_from(fixed.iter().chain(args)).unwrap().options
    }

    #[test]
    fn a_stage_that_few_services_have_is_shown_where_it_came() {
        let report = |stages: &[&str]| {
            let stage = |name: &&str| wire::StageTime {
                stage: (*name).to_owned(),
                micros: 2_000,
            };
            let timings = wire::Timings {
                stages: stages.iter().map(stage).collect(),
                ..wire::Timings::default()
            };
            let mut report = Report::new(1);
            let degraded = false;
            report.add(Sample {
                latency: Duration::from_millis(3),
                call: Duration::from_millis(3),
                outcome: Ok(Answered { degraded, timings }),
            });
            report.table(&options(&[]))
        };
        assert!(report(&["fuse", "rerank"]).contains("\nrerank "));
        assert!(!report(&["fuse"]).contains("rerank"));
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused_by_flag() {
        for (args, flag) in [
            (&["--rate", "0"], "--rate"),
            (&["--rate", "NaN"], "--rate"),
            (&["--duration=-1", "--json"], "--duration"),
            (&["--timeout", "inf"], "--timeout"),
            (&["--requests", "0"], "--requests"),
        ] {
            let error = run(&options(args)).unwrap_err();
            assert_eq!(error.fault(), Fault::Caller);
            assert!(error.message().starts_with(flag), "{error}");
        }
        assert!(Cli::try_parse_from(["bench", "--addr", "a", "--queries", "q", "--mode", "fast"]).is_err());
    }

    /// Answers at once, except that it holds the question numbered `held` for a while, and fails on `坏`.
    struct Fake {
        asked: AtomicUsize,
        held: usize,
        hold: Duration,
    }

    impl Answer for Fake {
        fn search(&self, request: &SearchRequest) -> Result<SearchResponse> {
            if self.asked.fetch_add(1, Ordering::SeqCst) == self.held {
                std::thread::sleep(self.hold);
            }
            if request.query == "坏" {
                return Err(Error::corrupt("the segment is damaged"));
            }
            let timings = Timings {
                embed: Duration::from_millis(2),
                total: Duration::from_millis(3),
                ..Timings::default()
            };
            Ok(SearchResponse {
                timings,
                ..SearchResponse::default()
            })
        }

        fn ready(&self) -> bool {
            true
        }
    }

    /// What a measurement of the fake says, as JSON.
    fn measured(questions: &str, held: usize, args: &[&str]) -> Value {
        let folder = tempfile::tempdir().unwrap();
        let mut options = options(args);
        options.queries = folder.path().join("queries.txt");
        std::fs::write(&options.queries, questions).unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let server = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                sender.send(listener.local_addr().unwrap()).unwrap();
                let fake = Fake {
                    asked: AtomicUsize::new(0),
                    held,
                    hold: Duration::from_millis(100),
                };
                let ended = async {
                    let _ = stopped.await;
                };
                serve(
                    listener,
                    Arc::new(fake),
                    Arc::default(),
                    ServiceSettings::default(),
                    Surroundings::default(),
                    ended,
                )
                .await
            })
        });
        options.addr = Some(receiver.recv().unwrap().to_string());
        let report = measure(&options).unwrap();
        stop.send(()).unwrap();
        server.join().unwrap().unwrap();
        assert_eq!(
            report
                .percentile_lines()
                .lines()
                .next_back()
                .map(|line| line.starts_with("#[Buckets")),
            Some(true)
        );
        assert!(report.table(&options).contains("p99"));
        report.json(&options)
    }

    #[test]
    fn a_closed_loop_asks_exactly_as_often_as_it_was_told_and_counts_errors_by_code() {
        let json = measured(
            "好\n坏\n",
            usize::MAX,
            &["--requests", "41", "--concurrency", "3", "--warmup", "4"],
        );
        assert_eq!(json["requests"], 41);
        assert_eq!(
            json["answered"].as_u64().unwrap() + json["errors"]["DATA_LOSS"].as_u64().unwrap(),
            41
        );
        assert!([20, 21].contains(&json["answered"].as_u64().unwrap()), "{json}");
        assert_eq!(json["latency_ms"]["count"], json["answered"]);
        let embed = json["stages_ms"]["embed"]["p50"].as_f64().unwrap();
        assert!((embed - 2.0).abs() < 0.01, "{embed}");
        for stage in ["analyze", "embed", "lexical", "dense", "fuse", "assemble"] {
            assert!(json["stages_ms"][stage]["p50"].is_f64(), "{stage}");
        }
    }

    #[test]
    fn an_open_loop_counts_the_waiting() {
        // One call at a time, ten due within 10 ms, the first held for 100 ms: all the others wait for at least 90.
        let args = [
            "--rate",
            "1000",
            "--requests",
            "10",
            "--concurrency",
            "1",
            "--warmup",
            "0",
        ];
        let json = measured("好\n", 0, &args);
        assert_eq!(json["answered"], 10);
        assert!(json["latency_ms"]["min"].as_f64().unwrap() >= 85.0, "{json}");
    }

    #[test]
    fn a_loop_ends_by_time() {
        let json = measured("好\n", usize::MAX, &["--duration", "0.05", "--warmup", "0"]);
        assert!(json["seconds"].as_f64().unwrap() >= 0.05);
        assert_eq!(json["answered"], json["requests"], "what was asked by then is answered");
    }
}
