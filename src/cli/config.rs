//! `baowen config`: the settings of a service, checked or shown, without one being started. What they name is opened
//! and let go again.

use std::net::ToSocketAddrs as _;

use clap::{Args, Subcommand};

use super::opening::Place;
use super::options::profile;
use super::settings_given::SettingsGiven;
use super::surroundings;
use crate::embed::Models;
use crate::error::{Error, Fault, Result};
use crate::index::EmbeddedIndex;
use crate::service::http::with_origins;
use crate::settings::{Mistakes, Resolved, Settings, as_toml, table};

/// Check or show the settings of a service.
#[derive(Args)]
pub struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say everything that is wrong in the settings file, the variables and the flags, and in what they name.
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
                let (resolved, mut mistakes) = settings.look()?;
                say_doubts(&resolved);
                would_start(&resolved.settings, &mut mistakes);
                mistakes.none()?;
                outln!("the settings are good, and what they name is there");
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

/// Looks for whatever `baowen serve` would end with at its start, as far as that can be known without starting it.
fn would_start(settings: &Settings, mistakes: &mut Mistakes) {
    for mistake in surroundings::look(settings).err().unwrap_or_default() {
        mistakes.add(mistake);
    }
    let checks = [
        listens(settings),
        with_origins((), settings.service.cors_origins.as_deref().unwrap_or_default()).map(drop),
        profile(settings.profile.as_deref())
            .map(drop)
            .map_err(|error| error.context("profile")),
        reranker(settings.reranker.as_deref()),
        index(settings),
    ];
    for error in checks.into_iter().filter_map(Result::err) {
        mistakes.add(error.to_string());
    }
}

/// Whether the service may listen where it is to, and the addresses are some of this machine's network.
fn listens(settings: &Settings) -> Result<()> {
    let address = |listen: &str, name: &str| {
        let found = listen.to_socket_addrs().ok().and_then(|mut all| all.next());
        found.ok_or_else(|| Error::caller(format!("{name}: there is no `{listen}`")))
    };
    if let Some(listen) = &settings.metrics_listen {
        let alone = address(listen, "metrics_listen")?;
        if alone.port() != 0 && address(&settings.listen, "listen").is_ok_and(|listen| listen == alone) {
            return Err(Error::caller(format!(
                "metrics_listen: `{listen}` is where the service itself listens, which shows them to whoever may see them"
            )));
        }
    }
    let is_private = settings.tls_cert.is_some();
    surroundings::may_listen(address(&settings.listen, "listen")?, is_private, settings.insecure)
        .map_err(|error| error.context("listen"))
}

fn reranker(name: Option<&str>) -> Result<()> {
    let Some(name) = name else { return Ok(()) };
    let opened = Models::here().reranker(name);
    opened.map(drop).map_err(|error| error.context("reranker"))
}

fn index(settings: &Settings) -> Result<()> {
    // What is wrong with the place itself is said where it is opened.
    let Ok(place) = Place::of(settings) else { return Ok(()) };
    // Without Milvus there is only one kind.
    #[cfg_attr(not(feature = "milvus"), allow(clippy::infallible_destructuring_match))]
    let folder = match place {
        Place::Folder(folder) => folder,
        // That Milvus is away is nothing that a service ends with.
        #[cfg(feature = "milvus")]
        Place::Milvus(_) => return Ok(()),
    };
    if let Some(into) = &settings.snapshots {
        EmbeddedIndex::check_snapshots_outside(&folder, into)?;
    }
    match EmbeddedIndex::identity_in(&folder) {
        // One that writes makes it.
        Err(error) if settings.write && error.fault() == Fault::Missing => Ok(()),
        identity => identity.map(drop).map_err(|error| error.context("index")),
    }
}

fn say_doubts(resolved: &Resolved) {
    for doubt in &resolved.doubts {
        errln!("baowen: {doubt}");
    }
}
