//! `baowen model fetch`: a model onto this machine, with a progress bar, ended in order by SIGTERM, SIGHUP or Ctrl-C.

use std::ops::ControlFlow;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::serve;
use crate::embed::{self, FetchStep, fetch::DEFAULT, model_dir};
use crate::error::{Context as _, Error, Fault, Result};
use crate::service::signals::asked_to_end;

/// How long a fetch has to clear up when it is to end. One that waits for a silent server has nothing to clear up.
const GRACE: Duration = Duration::from_millis(300);
/// The exit code of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// Fetch a model, check it and put it in place.
#[derive(Args)]
pub struct Fetch {
    /// Which one.
    #[arg(long, value_name = "NAME", default_value = DEFAULT)]
    model: String,
}

impl Fetch {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let runtime = serve::runtime()?;
        let stop = Arc::clone(&is_stopped);
        runtime.spawn(async move {
            tokio::select! {
                _ = asked_to_end() => {}
                () = hung_up() => {}
            }
            stop.store(true, Ordering::Relaxed);
            tokio::time::sleep(GRACE).await;
            std::process::exit(INTERRUPTED);
        });
        let bar = ProgressBar::hidden();
        let mut was_there = false;
        let outcome = embed::fetch(&model_dir(None), &self.model, &mut |step| {
            was_there |= step == FetchStep::Present;
            show(&bar, &step);
            if is_stopped.load(Ordering::Relaxed) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        bar.finish_and_clear();
        let how = if was_there { "was right already" } else { "was fetched" };
        outln!("  model in place, which {how}: {}", outcome?.display());
        Ok(())
    }
}

/// Done when the terminal is closed. A service may be meant to go on then; a fetch is not.
async fn hung_up() {
    #[cfg(unix)]
    if let Ok(mut signal) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()) {
        signal.recv().await;
        return;
    }
    std::future::pending().await
}

/// The same in a process of its own, for a command that goes on: there, Ctrl-C keeps its usual meaning.
pub fn in_a_child(model: &str) -> Result<()> {
    let program = std::env::current_exe().or_fault(Fault::Unavailable, "finding this program")?;
    let status = Command::new(program)
        .args(["model", "fetch", "--model", model])
        .status();
    if status
        .or_fault(Fault::Unavailable, "starting this program again")?
        .success()
    {
        Ok(())
    } else {
        Err(Error::unavailable("the model was not fetched, for the reason above"))
    }
}

fn show(bar: &ProgressBar, step: &FetchStep) {
    let (doing, done, total) = match *step {
        FetchStep::Waiting => ("waiting for another fetch".to_string(), 0, 0),
        FetchStep::Checking => ("checking the files in place".to_string(), 0, 0),
        FetchStep::Downloading { from, done, total } => (format!("downloading, from {from}"), done, total),
        FetchStep::Unpacking { done, total } => ("unpacking and checking".to_string(), done, total),
        FetchStep::Present | FetchStep::Done => return,
    };
    if bar.is_hidden() {
        bar.set_draw_target(ProgressDrawTarget::stderr());
        let template = "  {msg} {bar:30} {binary_bytes}/{binary_total_bytes}, {binary_bytes_per_sec}, {eta} left";
        // The template is a constant; a bad one only falls back to the plain bar.
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    }
    bar.set_message(doing);
    bar.set_length(total);
    bar.set_position(done);
}
