//! Opens a model's folder by what runs it, an ONNX runtime or a server. What a program was built without is an error
//! that says how to get it. All of the features that this hangs on are named here and nowhere else.

use std::path::Path;
use std::sync::Arc;

use super::folder::{ModelFolder, Role};
use super::{Embedder, Reranker};
use crate::error::{Error, Result};

#[cfg(feature = "onnx")]
pub fn open_encoder(folder: &ModelFolder) -> Result<Arc<dyn Embedder>> {
    Ok(Arc::new(super::onnx::OnnxEncoder::open(folder)?))
}

#[cfg(feature = "onnx")]
pub fn open_reranker(folder: &ModelFolder) -> Result<Arc<dyn Reranker>> {
    Ok(Arc::new(super::onnx::OnnxReranker::open(folder)?))
}

#[cfg(feature = "http")]
pub fn endpoint_role(folder: &Path) -> Result<Role> {
    use super::endpoint::{FILE, Settings};
    let settings = Settings::read(folder)?;
    let settings = settings.ok_or_else(|| Error::missing(format!("there is no {FILE} in {}", folder.display())))?;
    Ok(if settings.kind.is_reranker() {
        Role::Reranker
    } else {
        Role::Encoder
    })
}

/// Whether an ONNX model can be run here at all.
#[cfg(feature = "onnx")]
pub fn check_onnx(_: &ModelFolder) -> Result<()> {
    Ok(())
}

/// Whether an endpoint's settings are right and its key is there.
#[cfg(feature = "http")]
pub fn check_endpoint(folder: &Path) -> Result<()> {
    super::endpoint::check(folder)
}

/// The identity of an endpoint's encoder, whether or not its key is there.
#[cfg(feature = "http")]
pub fn endpoint_identity_in(folder: &Path) -> Result<String> {
    super::endpoint::identity_in(folder)
}

#[cfg(feature = "http")]
pub fn endpoint_encoder(folder: &Path) -> Result<Arc<dyn Embedder>> {
    super::endpoint::open(folder)
}

#[cfg(feature = "http")]
pub fn endpoint_reranker(folder: &Path) -> Result<Arc<dyn Reranker>> {
    super::endpoint::open_reranker(folder)
}

#[cfg(not(feature = "http"))]
pub fn endpoint_role(folder: &Path) -> Result<Role> {
    Err(no_http(folder))
}

#[cfg(not(feature = "http"))]
pub fn check_endpoint(folder: &Path) -> Result<()> {
    Err(no_http(folder))
}

#[cfg(not(feature = "http"))]
pub fn endpoint_identity_in(folder: &Path) -> Result<String> {
    Err(no_http(folder))
}

#[cfg(not(feature = "http"))]
pub fn endpoint_encoder(folder: &Path) -> Result<Arc<dyn Embedder>> {
    Err(no_http(folder))
}

#[cfg(not(feature = "http"))]
pub fn endpoint_reranker(folder: &Path) -> Result<Arc<dyn Reranker>> {
    Err(no_http(folder))
}

#[cfg(not(feature = "http"))]
fn no_http(folder: &Path) -> Error {
    Error::unavailable(format!(
        "{} is an endpoint, and this program was built without HTTP",
        folder.display()
    ))
    .help("build it with the feature `http`, which is among the default ones")
}

#[cfg(not(feature = "onnx"))]
pub fn open_encoder(folder: &ModelFolder) -> Result<Arc<dyn Embedder>> {
    Err(no_onnx(folder))
}

#[cfg(not(feature = "onnx"))]
pub fn open_reranker(folder: &ModelFolder) -> Result<Arc<dyn Reranker>> {
    Err(no_onnx(folder))
}

#[cfg(not(feature = "onnx"))]
pub fn check_onnx(folder: &ModelFolder) -> Result<()> {
    Err(no_onnx(folder))
}

#[cfg(not(feature = "onnx"))]
fn no_onnx(folder: &ModelFolder) -> Error {
    Error::unavailable(format!(
        "{} is an ONNX model, and this program was built without what runs one",
        folder.path.display()
    ))
    .help("use a released program, or build it with `cargo build --release --features onnx`")
}
