//! The log of a service: lines on standard error, for people or as JSON.

use std::sync::atomic::{AtomicBool, Ordering};

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, fmt, reload};

use crate::service::observed::ACCESS;
use crate::settings::Settings;

/// Whether whatever this process says is read by programs.
static IS_JSON: AtomicBool = AtomicBool::new(false);

/// Whether standard error holds JSON and nothing else.
pub fn is_json() -> bool {
    IS_JSON.load(Ordering::Relaxed)
}

/// What the log leaves out, which may change while it is written.
pub struct Log(reload::Handle<Targets, Registry>);

impl Log {
    /// Logs as the settings say from now on, but for the form.
    pub fn set(&self, settings: &Settings) {
        // It fails where there is no log any more.
        let _ = self.0.reload(targets(settings));
    }
}

/// What is logged.
fn targets(settings: &Settings) -> Targets {
    let level = match settings.log {
        "error" => Level::ERROR,
        "warn" => Level::WARN,
        "debug" => Level::DEBUG,
        _ => Level::INFO,
    };
    // Libraries below speak of their own matters.
    let targets = Targets::new()
        .with_default(Level::WARN.min(level))
        .with_target("baowen", level)
        // It warns of what callers did wrong, who are told so.
        .with_target("rmcp", Level::ERROR)
        // Of each connection that it ends for what the other end sent, as often as somebody opens one.
        .with_target("h2", Level::ERROR)
        .with_target("slow", Level::WARN);
    if settings.access_log {
        targets.with_target(ACCESS, Level::INFO)
    } else {
        targets.with_target(ACCESS, tracing::level_filters::LevelFilter::OFF)
    }
}

/// Begins to log as the settings say. Only the first call of a process counts.
pub fn begin(settings: &Settings) -> Log {
    let (targets, handle) = reload::Layer::new(targets(settings));
    // Where nobody reads the log, the service goes on; saying so there, as the library would, would end it.
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .log_internal_errors(false);
    let lines = match settings.log_format {
        "json" => lines
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .boxed(),
        _ => lines.boxed(),
    };
    let begun = tracing_subscriber::registry()
        .with(lines.with_filter(targets))
        .try_init();
    if begun.is_ok() {
        IS_JSON.store(settings.log_format == "json", Ordering::Relaxed);
    }
    Log(handle)
}
