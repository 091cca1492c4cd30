//! Models behind an address: embeddings and rerankers that run elsewhere and are asked over HTTP.
//!
//! - `settings`: the file that makes a folder of models an endpoint. `key`: its key, never shown.
//! - `shapes`: what the usual servers are sent and answer.
//! - `client`: one request, tried again where that may help. `breaker`: leaves a dead endpoint alone.
//! - `embedder`, `reranker`: the two kinds of models. `estimate`: tokens, counted without the endpoint.
//!
//! Texts go to whoever runs the endpoint. Nothing here caches; what wraps other embedders in a cache wraps these too.

use std::path::Path;
use std::sync::Arc;

use crate::embed::{Embedder, Reranker};
use crate::error::{Error, Result};

mod breaker;
mod client;
mod embedder;
mod estimate;
mod key;
mod reranker;
mod settings;
mod shapes;
#[cfg(test)]
mod tests;

pub use settings::{FILE, Kind, Settings};

use breaker::MachineClock;
use embedder::EndpointEmbedder;
use key::Key;
use reranker::EndpointReranker;

/// The embedding model that the settings in a folder name. It is not asked yet: whether it answers shows later.
///
/// # Errors
/// `Missing` if the folder has no settings; `Caller` with all that is wrong in them, or if they are a reranker's;
/// `Unavailable` if the key is not there.
pub fn open(folder: &Path) -> Result<Arc<dyn Embedder>> {
    let (settings, key) = read(folder, false)?;
    Ok(Arc::new(EndpointEmbedder::new(settings, key, Arc::new(MachineClock))))
}

/// The identity of the encoder that the settings in a folder name, whether or not its key is there.
///
/// # Errors
/// As for [`open`], but for the key.
pub fn identity_in(folder: &Path) -> Result<String> {
    settings(folder).map(|settings| embedder::identity_by(&settings))
}

/// Whether the settings in a folder and the key that they name are right, as far as that shows without asking.
///
/// # Errors
/// As for [`open`], whatever its kind is.
pub fn check(folder: &Path) -> Result<()> {
    key(folder, &settings(folder)?).map(drop)
}

/// The reranker that the settings in a folder name. It is not asked yet.
///
/// # Errors
/// As for [`open`], with the kinds exchanged.
pub fn open_reranker(folder: &Path) -> Result<Arc<dyn Reranker>> {
    let (settings, key) = read(folder, true)?;
    Ok(Arc::new(EndpointReranker::new(settings, key, Arc::new(MachineClock))))
}

fn read(folder: &Path, is_reranker: bool) -> Result<(Settings, Option<Key>)> {
    let (settings, shown) = (settings(folder)?, folder.display());
    if settings.kind.is_reranker() != is_reranker {
        let (kind, wanted) = (
            settings.kind.name(),
            if is_reranker {
                "a reranker"
            } else {
                "an embedding model"
            },
        );
        return Err(Error::caller(format!(
            "the endpoint in {shown} is of the kind {kind}, which is not {wanted}"
        )));
    }
    let key = key(folder, &settings)?;
    Ok((settings, key))
}

fn settings(folder: &Path) -> Result<Settings> {
    let settings = Settings::read(folder)?;
    settings.ok_or_else(|| Error::missing(format!("there is no {FILE} in {}", folder.display())))
}

fn key(folder: &Path, settings: &Settings) -> Result<Option<Key>> {
    Key::read(&settings.key).map_err(|error| error.context(format!("the endpoint in {}", folder.display())))
}
