//! `baowen model fetch|info|embed`: the embedding model onto this machine, what it is, what it makes of a text.

use clap::{Args, Subcommand};
use serde_json::json;

use super::fetch::Fetch;
use super::print;
use crate::compute::Budget;
use crate::embed::{CountTokens as _, Embedder, LocalModel, model_dir};
use crate::error::{Error, Result};

/// Fetch, describe or try the embedding model.
#[derive(Args)]
pub struct ModelArgs {
    #[command(subcommand)]
    command: ModelCommand,
}

#[derive(Subcommand)]
enum ModelCommand {
    /// Fetch a model, check it and put it in place.
    Fetch(Fetch),
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
            ModelCommand::Fetch(args) => args.run(),
            ModelCommand::Info { json } => info(*json),
            ModelCommand::Embed { text, passage } => embed(text, *passage),
        }
    }
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
