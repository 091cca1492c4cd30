//! `baowen model ...`: models onto this machine; what is done with those that are there is in `model_folder`.

use clap::{Args, Subcommand};

use super::fetch::Fetch;
use super::model_folder::{self, Import};
use crate::error::Result;

/// Fetch, take in, choose, describe or try models.
#[derive(Args)]
pub struct ModelArgs {
    #[command(subcommand)]
    command: ModelCommand,
}

#[derive(Subcommand)]
enum ModelCommand {
    /// Fetch a model, check it and put it in place.
    Fetch(Fetch),
    /// Name the models that are in place; new indexes are made with the one marked *.
    List {
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Say what a model is.
    Info {
        /// The model; the one that new indexes are made with if not given.
        name: Option<String>,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take a model in: a folder in the usual hub layout with an ONNX graph, an encoder or a reranker.
    Import(Import),
    /// Make new indexes with this model.
    Use {
        /// The model.
        name: String,
    },
    /// Print the vector of a text as JSON.
    Embed {
        /// The text.
        text: String,
        /// Embed it as a passage, not as a question.
        #[arg(long)]
        passage: bool,
        /// By this model, not the one that new indexes are made with.
        #[arg(long, value_name = "NAME")]
        model: Option<String>,
    },
}

impl ModelArgs {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        match self.command {
            ModelCommand::Fetch(args) => args.run(),
            ModelCommand::List { json } => model_folder::list(json),
            ModelCommand::Info { name, json } => model_folder::info(name.as_deref(), json),
            ModelCommand::Import(import) => import.run(),
            ModelCommand::Use { name } => model_folder::choose(&name),
            ModelCommand::Embed { text, passage, model } => model_folder::embed(&text, passage, model.as_deref()),
        }
    }
}
