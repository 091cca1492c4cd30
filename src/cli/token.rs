//! `baowen token`: makes tokens for the callers of a service.

use clap::{Args, Subcommand};

use crate::error::Result;
use crate::service::access::NewToken;

/// Make tokens for the callers of a service.
#[derive(Args)]
pub struct TokenArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a token, show it once, and show its line for the file of tokens.
    New(New),
}

#[derive(Args)]
struct New {
    /// A name for logs, metrics and shares.
    name: String,
    /// What it may do: search, write, admin, with commas between.
    #[arg(long, value_name = "RIGHTS", default_value = "search")]
    rights: String,
    /// Calls a second; without it as many as there are.
    #[arg(long, value_name = "N")]
    rate: Option<u32>,
}

impl TokenArgs {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        let Command::New(new) = &self.command;
        let made = NewToken::make(&new.name, &new.rights, new.rate)?;
        outln!("{}", made.line);
        // Apart from the line, so that `>> tokens` puts that alone into the file.
        errln!("the token, which is shown once: {}", made.token);
        errln!("its line for the file of tokens is on standard output; a running service reads the file by itself");
        Ok(())
    }
}
