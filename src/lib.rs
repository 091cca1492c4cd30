//! Baowen (保问): hybrid retrieval for Chinese insurance articles. See `docs/ARCHITECTURE.md` for the map.

pub mod article;
#[cfg(feature = "service")]
pub mod cli;
pub mod compute;
pub mod embed;
pub mod error;
pub mod eval;
pub mod files;
pub mod index;
// The one place for unsafe code; every use has its reason beside it.
#[allow(unsafe_code)]
pub mod kernel;
#[cfg(test)]
#[path = "../tests/it/local_server.rs"]
mod local_server;
pub mod model;
#[cfg(test)]
#[path = "../tests/it/needed.rs"]
mod needed;
pub mod profile;
pub mod search;
#[cfg(feature = "service")]
pub mod service;
#[cfg(feature = "service")]
pub mod settings;
pub mod text;
