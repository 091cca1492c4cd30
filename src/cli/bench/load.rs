//! Putting a service under load: the two loops.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::options::BenchOptions;
use super::report::{Answered, Report, Sample};
use crate::error::Result;
use crate::service::client::Client;
use crate::service::{status, wire};

/// Seconds measured if neither `--duration` nor `--requests` is given.
const DEFAULT_SECONDS: f64 = 10.0;
/// Connections at most; more clients than that share them.
const MAX_CONNECTIONS: usize = 64;

/// What every client shares.
pub struct Load {
    messages: Vec<wire::SearchRequest>,
    timeout: Duration,
    next: AtomicU64,
}

impl Load {
    /// Questions to go round, and how long each answer may take.
    pub fn new(messages: Vec<wire::SearchRequest>, timeout: Duration) -> Self {
        Load {
            messages,
            timeout,
            next: AtomicU64::new(0),
        }
    }

    /// The number of the next question; numbers go round the list.
    fn take(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Asks question `number`; its latency counts from `due`, or from now.
    async fn ask(&self, client: &mut Client, number: u64, due: Option<Instant>) -> Sample {
        let message = self.messages[(number % self.messages.len() as u64) as usize].clone();
        let sent = Instant::now();
        let outcome = client.call(message, Some(sent + self.timeout)).await;
        Sample {
            latency: due.unwrap_or(sent).elapsed(),
            call: sent.elapsed(),
            outcome: outcome
                .map_err(|status| status::code_name(status.code()))
                .map(|answer| Answered {
                    degraded: answer.degraded.is_some(),
                    timings: answer.timings.unwrap_or_default(),
                }),
        }
    }
}

/// When measuring ends.
#[derive(Clone, Copy)]
struct End {
    requests: u64,
    at: Option<Instant>,
}

/// Warms the service at an address up, then measures it.
///
/// # Errors
/// `Unavailable` if nothing answers at the address.
pub async fn drive(options: &BenchOptions, addr: &str, load: &Arc<Load>, distinct: usize) -> Result<Report> {
    let concurrency = options.concurrency as usize;
    let connect_options = options.credentials.at(addr)?;
    let mut clients: Vec<Client> = Vec::with_capacity(concurrency);
    for number in 0..concurrency {
        let client = if number < MAX_CONNECTIONS {
            Client::connect(&connect_options).await?
        } else {
            clients[number % MAX_CONNECTIONS].clone()
        };
        clients.push(client);
    }
    let warmup = End {
        requests: options.warmup,
        at: None,
    };
    closed_loop(&clients, load, warmup, &mut Report::new(distinct)).await;

    let first = load.next.load(Ordering::Relaxed).min(options.warmup);
    load.next.store(first, Ordering::Relaxed);
    let seconds = options
        .duration
        .or(options.requests.is_none().then_some(DEFAULT_SECONDS));
    let started = Instant::now();
    let end = End {
        requests: options
            .requests
            .map_or(u64::MAX, |requests| first.saturating_add(requests)),
        at: seconds.map(|seconds| started + Duration::from_secs_f64(seconds)),
    };
    let mut report = Report::new(distinct);
    match options.rate {
        None => closed_loop(&clients, load, end, &mut report).await,
        Some(rate) => open_loop(&clients, load, end, rate, &mut report).await,
    }
    report.elapsed = started.elapsed();
    Ok(report)
}

/// Every client asks again as soon as it has its answer.
async fn closed_loop(clients: &[Client], load: &Arc<Load>, end: End, report: &mut Report) {
    let (sender, mut samples) = mpsc::unbounded_channel();
    let mut running = JoinSet::new();
    for client in clients {
        let (mut client, load, sender) = (client.clone(), load.clone(), sender.clone());
        running.spawn(async move {
            while end.at.is_none_or(|at| Instant::now() < at) {
                let number = load.take();
                if number >= end.requests || sender.send(load.ask(&mut client, number, None).await).is_err() {
                    break;
                }
            }
        });
    }
    drop(sender);
    while let Some(sample) = samples.recv().await {
        report.add(sample);
    }
}

/// Questions are due at fixed moments, `rate` a second. A thread for blocking work keeps the time, because the
/// timer of the async runtime only knows whole milliseconds.
async fn open_loop(clients: &[Client], load: &Arc<Load>, end: End, rate: f64, report: &mut Report) {
    let (tickets, mut due) = mpsc::unbounded_channel();
    let first = load.next.load(Ordering::Relaxed);
    tokio::task::spawn_blocking(move || {
        let started = Instant::now();
        for number in first..end.requests {
            let due = started + Duration::from_secs_f64((number - first) as f64 / rate);
            if end.at.is_some_and(|at| due >= at) {
                break;
            }
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if tickets.send((number, due)).is_err() {
                break;
            }
        }
    });
    let room = Arc::new(Semaphore::new(clients.len()));
    let (sender, mut samples) = mpsc::unbounded_channel();
    let asking = async {
        while let Some((number, due)) = due.recv().await {
            // Never closed, so this never fails; without the permit the loop would only be less bounded.
            let permit = room.clone().acquire_owned().await;
            let mut client = clients[(number % clients.len() as u64) as usize].clone();
            let (load, sender) = (load.clone(), sender.clone());
            tokio::spawn(async move {
                let sample = load.ask(&mut client, number, Some(due)).await;
                drop(permit);
                let _ = sender.send(sample);
            });
        }
        drop(sender);
    };
    let counting = async {
        while let Some(sample) = samples.recv().await {
            report.add(sample);
        }
    };
    tokio::join!(asking, counting);
}
