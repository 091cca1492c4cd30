//! `baowen model list|info|import|use|embed`: the models that are there, one of them, another one taken in, the one
//! that new indexes are made with, what one makes of a text.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::print;
use crate::compute::Budget;
use crate::embed::import::ImportOptions;
use crate::embed::models::{Entry, Runs};
use crate::embed::{Models, Pooling, Role};
use crate::error::{Error, Result};

/// Take a model in: a folder in the usual hub layout with an ONNX graph.
#[derive(Args)]
pub struct Import {
    /// The model's folder: config.json, tokenizer.json, onnx/model*.onnx.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Name it otherwise than its folder.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// How token vectors become one, if the folder's 1_Pooling/config.json does not say it.
    #[arg(long, value_name = "cls|mean")]
    pooling: Option<PoolingName>,
    /// Put this before questions, as the model was trained to have it.
    #[arg(long, value_name = "TEXT")]
    query_prompt: Option<String>,
    /// Put this before passages.
    #[arg(long, value_name = "TEXT")]
    passage_prompt: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PoolingName {
    Cls,
    Mean,
}

impl Import {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let options = ImportOptions {
            name: self.name,
            pooling: self.pooling.map(|pooling| match pooling {
                PoolingName::Cls => Pooling::First,
                PoolingName::Mean => Pooling::Mean,
            }),
            query_prompt: self.query_prompt,
            passage_prompt: self.passage_prompt,
        };
        let entry = Models::here().import(&self.folder, &options)?;
        outln!("  {} is here, {}", entry.name, role_name(entry.role));
        match entry.role {
            Role::Encoder => outln!(
                "  make new indexes with it: baowen model use {0}\n  make one anew with it: baowen rebuild --model {0} --index DIR",
                entry.name
            ),
            Role::Reranker => outln!("  ask with it: baowen search \"问题\" --reranker {}", entry.name),
        }
        Ok(())
    }
}

/// Prints the models that are there.
pub fn list(as_json: bool) -> Result<()> {
    let models = Models::here();
    let entries = models.list()?;
    if as_json {
        return print::json(&entries.iter().map(entry_json).collect::<Vec<_>>());
    }
    if entries.is_empty() {
        outln!(
            "{} holds no model; `baowen model fetch` fetches the default one",
            models.folder().display()
        );
    }
    for entry in entries {
        let chosen = if entry.is_chosen { "*" } else { " " };
        let runs = runs_name(entry.runs);
        outln!("{chosen} {}  {}, {runs}", entry.name, role_name(entry.role));
        if let Some(problem) = entry.problem {
            outln!("    cannot be used: {problem}");
        }
    }
    Ok(())
}

fn entry_json(entry: &Entry) -> Value {
    json!({
        "name": entry.name,
        "role": role_name(entry.role),
        "runs": runs_name(entry.runs),
        "chosen": entry.is_chosen,
        "problem": entry.problem.as_ref().map(ToString::to_string),
    })
}

fn runs_name(runs: Runs) -> &'static str {
    match runs {
        Runs::BuiltIn => "built in",
        Runs::Onnx => "ONNX",
        Runs::Endpoint => "endpoint",
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Encoder => "encoder",
        Role::Reranker => "reranker",
    }
}

/// Says what a model is, opened; without a name the one that new indexes are made with.
pub fn info(name: Option<&str>, as_json: bool) -> Result<()> {
    let models = Models::here();
    let is_reranker = |name: &str| {
        let mut entries = models.list()?.into_iter();
        Ok(entries.any(|entry| entry.name == name && entry.role == Role::Reranker))
    };
    if let Some(name) = name
        && is_reranker(name)?
    {
        let reranker = models.reranker(name)?;
        return if as_json {
            print::json(&json!({
                "identity": reranker.identity(), "role": "reranker", "folder": models.folder(),
            }))
        } else {
            outln!("{}", reranker.identity());
            outln!("  a reranker");
            outln!("  in {}", models.folder().display());
            Ok(())
        };
    }
    let model = match name {
        Some(name) => models.encoder(name, Budget::all())?,
        None => models.chosen_encoder(Budget::all())?,
    };
    if as_json {
        return print::json(&json!({
            "identity": model.identity(),
            "role": "encoder",
            "dimension": model.dimension(),
            "max_tokens": model.max_tokens(),
            "folder": models.folder(),
        }));
    }
    outln!("{}", model.identity());
    outln!(
        "  {} dimensions, texts up to {} tokens",
        model.dimension(),
        model.max_tokens()
    );
    outln!("  in {}", models.folder().display());
    Ok(())
}

/// Has new indexes made with a model.
pub fn choose(name: &str) -> Result<()> {
    let problem = Models::here().choose(name)?;
    outln!("  new indexes are made with {name}; those that are there keep their model until");
    outln!("  baowen rebuild --model {name} --index DIR");
    if let Some(problem) = problem {
        errln!("baowen: it cannot be used yet: {problem}");
    }
    Ok(())
}

/// Prints the vector of a text.
pub fn embed(text: &str, passage: bool, name: Option<&str>) -> Result<()> {
    if text.trim().is_empty() {
        return Err(Error::caller("text: is empty; there is nothing to embed"));
    }
    let models = Models::here();
    let model = match name {
        Some(name) => models.encoder(name, Budget::all())?,
        None => models.chosen_encoder(Budget::all())?,
    };
    let vectors = if passage {
        model.embed_passages(&[text], Budget::all())?
    } else {
        model.embed_queries(&[text], Budget::all())?
    };
    outln!("{}", serde_json::to_string(&vectors[0]).unwrap_or_default());
    Ok(())
}
