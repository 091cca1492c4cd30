//! The command line: arguments in, tables for people or JSON for programs out. Wiring only; a command that computes
//! something does so in a layer below.

#![deny(clippy::print_stdout, clippy::print_stderr)]

// First, for its macros.
#[macro_use]
mod out;

mod analyze;
mod answer;
mod attempts;
pub mod bench;
mod config;
#[cfg(feature = "milvus")]
mod copy;
mod counted;
mod delete;
mod demo;
mod eval;
mod fetch;
mod generate;
mod index;
#[cfg(feature = "milvus")]
mod interrupted;
mod logging;
mod manual;
#[cfg(feature = "mcp")]
mod mcp;
#[cfg(feature = "milvus")]
mod milvus;
mod model;
mod model_folder;
mod opening;
mod options;
mod plural;
mod print;
mod questions;
mod read;
mod rebuild;
mod refused;
mod reload;
pub mod remote;
mod remote_index;
mod search;
mod serve;
mod serve_folder;
#[cfg(feature = "milvus")]
mod serve_milvus;
mod served;
mod settings_again;
mod settings_given;
mod setup;
mod snapshot;
mod surroundings;
mod synonyms;
mod token;
mod tune;
mod verified;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::error::{Error, Fault, Result};

/// 保问 Baowen: finds the passages that answer a question about Chinese insurance.
#[derive(Parser)]
#[command(name = "baowen", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fetch the model, index the sample articles, serve them, and answer three questions.
    Demo(demo::Demo),
    /// Read articles and put them into an index.
    Index(index::IndexArgs),
    /// Take articles out of an index.
    Delete(delete::Delete),
    /// Make an index again from the articles it keeps, with vectors if the model is here.
    Rebuild(rebuild::Rebuild),
    /// Copy an index between a folder and Milvus, either way.
    #[cfg(feature = "milvus")]
    Copy(copy::Copy),
    /// Show what becomes of files: the articles in them, what is left out of these, what cannot be read.
    Read(read::Read),
    /// Answer questions over HTTP and gRPC, with a page for browsers, and take articles in with --write.
    Serve(serve::Serve),
    /// Check or show the settings of a service.
    Config(config::Config),
    /// Make tokens for the callers of a service.
    Token(token::TokenArgs),
    /// Ask a question, of an index here or of a running service.
    Search(search::Search),
    /// Measure an index's answers against judged questions.
    Eval(eval::Eval),
    /// Measure a running service's latency and throughput.
    Bench(bench::BenchOptions),
    /// Make any number of passages that look like real ones, with vectors, to measure large indexes.
    Generate(generate::Generate),
    /// Write an index as it is now into a folder of its own, while it lives on.
    Snapshot(snapshot::Snapshot),
    /// Learn a ranking profile from judged questions, and measure it on questions held out.
    Tune(tune::Tune),
    /// Measure what each line of the synonyms gains and costs.
    Synonyms(synonyms::SynonymsArgs),
    /// Read every byte of an index and compare it with its checksums.
    Verify(verify::Verify),
    /// Show what becomes of a text before it is looked up.
    Analyze(analyze::Analyze),
    /// Fetch, take in, choose, describe or try models.
    Model(model::ModelArgs),
    /// Give a language model the collection as tools.
    #[cfg(feature = "mcp")]
    Mcp(mcp::Mcp),
    /// Print the completions of a shell.
    Completions(manual::Completions),
    /// Write a manual page for each command.
    Man(manual::Man),
}

/// All commands, with examples in their help.
fn program() -> clap::Command {
    manual::with_examples(Cli::command())
}

/// Runs the command that the process's arguments name.
pub fn main() -> ExitCode {
    #[cfg(feature = "documents")]
    if let Some(done) = documents() {
        return done;
    }
    quiet_where_guarded();
    // Not found in them is what the derivation has not put there; clap says the rest itself, and ends.
    let cli = Cli::from_arg_matches(&program().get_matches()).unwrap_or_else(|error| error.exit());
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&error);
            // 2 as clap says it for a call that is wrong, 1 for everything that went wrong in a right one.
            ExitCode::from(if error.fault() == Fault::Caller { 2 } else { 1 })
        }
    }
}

/// Says what a command ended with: in the log, where programs read that.
fn say(error: &Error) {
    if logging::is_json() {
        tracing::error!(error = %error.message(), help = error.hint(), "ended");
        return;
    }
    errln!("baowen: {}", error.message());
    if let Some(hint) = error.hint() {
        errln!("  -> {hint}");
    }
}

/// A panic on damaged bytes becomes an error, which says all that there is to say.
fn quiet_where_guarded() {
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if crate::index::is_guarded() {
            return;
        }
        if logging::is_json() {
            tracing::error!("{panic}");
        } else {
            loud(panic);
        }
    }));
}

/// Reads one untrusted file and ends, if this process was started to do that by another of this program; else has
/// such files read that way. No command of people's, so it is none of [`Command`].
#[cfg(feature = "documents")]
fn documents() -> Option<ExitCode> {
    use crate::article::documents::{COMMAND, Kind, read_isolated, serve};

    let mut arguments = std::env::args_os().skip(1).map(|a| a.to_string_lossy().into_owned());
    if arguments.next().as_deref() == Some(COMMAND) {
        let kind = arguments.next().as_deref().and_then(Kind::of);
        let read = kind.is_some_and(serve);
        return Some(if read { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    // On Linux the program itself, even after its file was replaced.
    let itself = std::path::PathBuf::from("/proc/self/exe");
    if itself.exists() {
        read_isolated(itself);
    } else if let Ok(program) = std::env::current_exe() {
        read_isolated(program);
    }
    None
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Demo(args) => args.run(),
        Command::Index(args) => args.run(),
        Command::Delete(args) => args.run(),
        Command::Rebuild(args) => args.run(),
        #[cfg(feature = "milvus")]
        Command::Copy(args) => args.run(),
        Command::Read(args) => args.run(),
        Command::Serve(args) => args.run(),
        Command::Config(args) => args.run(),
        Command::Token(args) => args.run(),
        Command::Search(args) => args.run(),
        Command::Eval(args) => args.run(),
        Command::Bench(args) => bench::run(&args),
        Command::Generate(args) => args.run(),
        Command::Snapshot(args) => args.run(),
        Command::Tune(args) => args.run(),
        Command::Synonyms(args) => args.run(),
        Command::Verify(args) => args.run(),
        Command::Analyze(args) => args.run(),
        Command::Model(args) => args.run(),
        #[cfg(feature = "mcp")]
        Command::Mcp(args) => args.run(),
        Command::Completions(args) => args.run(program()),
        Command::Man(args) => args.run(program()),
    }
}

#[cfg(test)]
mod tests {
    /// Names of options that meet in one command are found when it is first called, and only then.
    #[test]
    fn every_command_is_put_together_rightly() {
        super::program().debug_assert();
    }
}
