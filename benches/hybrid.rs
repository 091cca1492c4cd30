//! The engine's side of `benches/peers/hybrid.py`: the same questions with the same vectors, in this process, one after
//! the other; one line of JSON with all samples.
//!
//! ```sh
//! cargo bench --bench hybrid -- --data DIR --index INDEX [--questions N] [--warmup N] [--rounds N]
//! ```
//!
//! DIR is a folder of `baowen generate`, INDEX what `baowen index` made of its corpus.jsonl. A search returns ten hits
//! with text, highlights and best sentence, which the peers do not make.

mod data;

use std::path::PathBuf;
use std::time::Instant;

use baowen::compute::Budget;
use baowen::error::{Error, Result};
use baowen::index::Backend;
use baowen::search::request::SearchRequest;
use data::Data;
use serde_json::json;

struct Options {
    data: Option<PathBuf>,
    index: Option<PathBuf>,
    questions: usize,
    warmup: usize,
    rounds: usize,
}

fn main() {
    let outcome = options().and_then(|options| {
        let data = match Data::open(options.data.clone(), options.index.clone()) {
            Ok(data) => data,
            // Named on purpose and not there is an error; nothing named and nothing there is not.
            Err(error) if options.data.is_none() && options.index.is_none() => {
                println!("skipped: {error}");
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        measure(&data, &options)
    });
    if let Err(error) = outcome {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

fn options() -> Result<Options> {
    let mut options = Options {
        data: None,
        index: None,
        questions: 1_000,
        warmup: 200,
        rounds: 1,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        // cargo adds it to every bench.
        if name == "--bench" {
            continue;
        }
        let value = arguments
            .next()
            .ok_or_else(|| Error::caller(format!("{name}: has no value")))?;
        let number = || {
            value
                .parse()
                .map_err(|_| Error::caller(format!("{name}: `{value}` is not a number")))
        };
        match name.as_str() {
            "--data" => options.data = Some(value.into()),
            "--index" => options.index = Some(value.into()),
            "--questions" => options.questions = number()?,
            "--warmup" => options.warmup = number()?,
            "--rounds" => options.rounds = number()?,
            _ => return Err(Error::caller(format!("{name}: is not an option"))),
        }
    }
    Ok(options)
}

fn measure(data: &Data, options: &Options) -> Result<()> {
    let engine = data.engine()?;
    let questions: Vec<&str> = data.questions.iter().map(|(text, _)| text.as_str()).collect();
    let questions = &questions[..options.questions.min(questions.len())];
    for question in questions.iter().take(options.warmup) {
        engine.search(&SearchRequest::new(*question), Budget::all())?;
    }
    let (mut samples, mut hits) = (Vec::new(), 0);
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    for _ in 0..options.rounds {
        for question in questions {
            let request = SearchRequest::new(*question);
            let started = Instant::now();
            let response = engine.search(&request, Budget::all())?;
            samples.push(started.elapsed().as_secs_f64() * 1e3);
            if let Some(reason) = response.degraded {
                return Err(Error::unavailable(reason));
            }
            hits += response.hits.len();
        }
    }
    let cores = (cpu_seconds() - cpu) / wall.elapsed().as_secs_f64();
    let snapshot = data.index.snapshot()?;
    let stats = snapshot.about();
    let mut sorted = samples.clone();
    sorted.sort_by(f64::total_cmp);
    let percentile = |p: usize| {
        sorted
            .get((sorted.len() * p / 100).min(sorted.len().saturating_sub(1)))
            .copied()
    };
    let line = json!({
        "what": "latency",
        "peer": "baowen",
        "data": options.data.as_ref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy()),
        "passages": stats.passages,
        "segments": stats.segments,
        "graphs": stats.graphs,
        "questions": questions.len(),
        "rounds": options.rounds,
        "p50_ms": percentile(50),
        "p90_ms": percentile(90),
        "p99_ms": percentile(99),
        "cores_used": cores,
        "mean_hits": hits as f64 / samples.len().max(1) as f64,
        "memory_mb": { "rss": resident_mb("VmRSS"), "rss_anon": resident_mb("RssAnon") },
        "version": env!("CARGO_PKG_VERSION"),
        "samples_ms": samples.iter().map(|x| (x * 1e4).round() / 1e4).collect::<Vec<_>>(),
    });
    println!("{line}");
    Ok(())
}

/// Processor time of this process so far; 0 where the system does not say.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name in brackets, which may hold blanks: fields 14 and 15 of proc(5), in hundredths.
    let behind = stat.rsplit(')').next().unwrap_or_default();
    let ticks = behind
        .split_whitespace()
        .skip(11)
        .take(2)
        .flat_map(|n| n.parse::<f64>());
    ticks.sum::<f64>() / 100.0
}

fn resident_mb(field: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.split_whitespace()
        .next()?
        .parse::<f64>()
        .ok()
        .map(|kb| kb / 1024.0)
}
