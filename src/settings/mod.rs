//! All that a service can be told, and by whom it was told: defaults, then a TOML file, then `BAOWEN_*`, then flags.
//!
//! Owns the names, defaults and allowed values, and says everything that is wrong in all four places at once. Opens
//! nothing but the settings file; what a setting does is for whoever it belongs to.
//!
//! | file | one concern |
//! |---|---|
//! | `catalogue` | every setting: its name, what it does, what is allowed |
//! | `value` | the text of one value, read and shown |
//! | `layers` | the places that settings come from, one over the other |
//! | `show` | settings as people read them, with where each comes from |

pub mod catalogue;
mod layers;
mod show;
mod value;

use std::path::PathBuf;

pub use layers::{Given, Mistakes, Origin, Resolved, look, resolve};
pub use show::{as_toml, table};

use crate::service::server::ServiceSettings;

/// What a service was told. Paths of the settings file are as seen from where the service was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The index folder.
    pub index: PathBuf,
    /// An index in Milvus instead, by its address.
    pub backend: Option<String>,
    /// Where to listen, `HOST:PORT`.
    pub listen: String,
    /// A ranking profile instead of the one that is compiled in.
    pub profile: Option<PathBuf>,
    /// The reranker of the first hits, by its name.
    pub reranker: Option<String>,
    /// Whether the service writes to its index.
    pub write: bool,
    /// Whether nothing in the index's folder may be changed.
    pub read_only: bool,
    /// Where snapshots are put that are asked for over the wire.
    pub snapshots: Option<PathBuf>,
    /// When every byte of the index is compared with its checksum.
    pub verify: &'static str,
    /// The certificate of TLS, and its key.
    pub tls_cert: Option<PathBuf>,
    /// The private key of it.
    pub tls_key: Option<PathBuf>,
    /// Authorities of which clients must have a certificate.
    pub tls_client_ca: Option<PathBuf>,
    /// The file of tokens.
    pub tokens: Option<PathBuf>,
    /// Names that it may be called by without tokens and TLS, with commas between them.
    pub hosts: Option<String>,
    /// Whether the service may listen without TLS where others reach it.
    pub insecure: bool,
    /// Where the metrics are, `HOST:PORT`.
    pub metrics_listen: Option<String>,
    /// Where calls are told as traces of OpenTelemetry, `http://HOST:PORT`.
    pub otlp_endpoint: Option<String>,
    /// The least that is logged.
    pub log: &'static str,
    /// The form of the log.
    pub log_format: &'static str,
    /// Whether each call is logged.
    pub access_log: bool,
    /// Limits and times.
    pub service: ServiceSettings,
}

/// Where an index lies if nothing says otherwise.
pub const DEFAULT_INDEX: &str = "index/data/main";
/// Where a service listens if nothing says otherwise.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:50051";

impl Default for Settings {
    fn default() -> Self {
        Settings {
            index: DEFAULT_INDEX.into(),
            backend: None,
            listen: DEFAULT_LISTEN.into(),
            profile: None,
            reranker: None,
            write: false,
            read_only: false,
            snapshots: None,
            verify: "off",
            tls_cert: None,
            tls_key: None,
            tls_client_ca: None,
            tokens: None,
            hosts: None,
            insecure: false,
            metrics_listen: None,
            otlp_endpoint: None,
            log: "info",
            log_format: "text",
            access_log: false,
            service: ServiceSettings {
                // 0 stands for half of the cores.
                write_threads: 0,
                ..ServiceSettings::default()
            },
        }
    }
}

#[cfg(test)]
mod tests;
