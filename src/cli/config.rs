//! `baowen config`: the settings of a service, checked or shown, without one being started.

use clap::{Args, Subcommand};

use super::settings_given::SettingsGiven;
use super::surroundings;
use crate::error::Result;
use crate::settings::{Resolved, as_toml, table};

/// Check or show the settings of a service.
#[derive(Args)]
pub struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say everything that is wrong in the settings file, the variables and the flags.
    Check(SettingsGiven),
    /// Show what is set and by whom, as a settings file.
    Show(Show),
}

#[derive(Args)]
struct Show {
    /// Defaults as well, commented out.
    #[arg(long)]
    all: bool,
    /// A table of all settings with their defaults instead, in Markdown.
    #[arg(long)]
    table: bool,
    #[command(flatten)]
    settings: SettingsGiven,
}

impl Config {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        match &self.command {
            Command::Check(settings) => {
                let resolved = settings.resolve()?;
                say_doubts(&resolved);
                surroundings::open(&resolved.settings)?;
                outln!("the settings are good");
            }
            Command::Show(show) if show.table => out!(table()),
            Command::Show(show) => {
                let resolved = show.settings.resolve()?;
                say_doubts(&resolved);
                out!(as_toml(&resolved, show.all));
            }
        }
        Ok(())
    }
}

fn say_doubts(resolved: &Resolved) {
    for doubt in &resolved.doubts {
        errln!("baowen: {doubt}");
    }
}
