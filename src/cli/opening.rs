//! How a service's index is opened, in a folder or in Milvus, and what comes of it.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use super::options::profile;
#[cfg(not(feature = "milvus"))]
use crate::error::Error;
use crate::error::Result;
use crate::index::ingest::live::Live;
use crate::index::ingest::maintain::Background;
use crate::profile::Profile;
use crate::service::Answer;
use crate::service::collection::Collection;
use crate::service::metrics::Metrics;
use crate::settings::Settings;

/// Where the index of a service lies.
#[derive(Debug, Clone)]
pub enum Place {
    /// In a folder.
    Folder(PathBuf),
    /// At an address of Milvus.
    #[cfg(feature = "milvus")]
    Milvus(String),
}

impl Place {
    /// Where settings say.
    ///
    /// # Errors
    /// `Caller` if it is at an address that is none, or this program knows no Milvus.
    pub fn of(settings: &Settings) -> Result<Place> {
        match &settings.backend {
            None => Ok(Place::Folder(settings.index.clone())),
            #[cfg(feature = "milvus")]
            Some(address) => super::milvus::check(address).map(|()| Place::Milvus(address.clone())),
            #[cfg(not(feature = "milvus"))]
            Some(_) => Err(Error::caller("backend: this program is built without Milvus")
                .help("build it with `--features milvus`, or name a folder by `index`")),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Folder(folder) => folder.display().fmt(f),
            #[cfg(feature = "milvus")]
            Place::Milvus(address) => f.write_str(&super::milvus::shown(address)),
        }
    }
}

/// How an index is opened for a service.
pub struct Opening {
    /// All learned numbers.
    pub profile: Profile,
    /// A reranker of the model folder for the first ones.
    pub reranker: Option<String>,
    /// Whether the service writes.
    pub writes: bool,
    /// Whether nothing in the index's folder may be changed.
    pub read_only: bool,
    /// Where its snapshots are put.
    pub snapshots: Option<PathBuf>,
    /// When every byte of it is checked: `off`, `on-open`, `background`.
    pub verify: &'static str,
}

impl Opening {
    /// As settings say.
    ///
    /// # Errors
    /// Those of reading the profile.
    pub fn of(settings: &Settings) -> Result<Opening> {
        Ok(Opening {
            profile: profile(settings.profile.as_deref())?,
            reranker: settings.reranker.clone(),
            writes: settings.write,
            read_only: settings.read_only,
            snapshots: settings.snapshots.clone(),
            verify: settings.verify,
        })
    }
}

/// Keeps a service at what is newest for as long as it lives; ends only with an error.
pub type Following = Pin<Box<dyn Future<Output = Result<Infallible>> + Send>>;

/// An index opened for a service.
pub struct OpenedForService {
    /// What answers.
    pub served: Arc<dyn Answer>,
    /// What is described and written to.
    pub collection: Collection,
    /// What keeps both at what is newest.
    pub following: Following,
    /// What makes searches faster meanwhile, where the engine does not do that itself.
    pub maintenance: Option<Background>,
}

/// What writes, with each failure that takes changes along logged and counted.
pub fn watched(live: Live, metrics: &Arc<Metrics>) -> Arc<Live> {
    let counted = metrics.clone();
    live.watch(move |error| {
        counted.writing_failed();
        tracing::error!(%error, "writing failed; what was not yet durable is lost");
    });
    Arc::new(live)
}
