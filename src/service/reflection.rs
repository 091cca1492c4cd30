//! Server reflection in both versions, so that others need no proto file.
//!
//! Its streams last for as long as their callers keep them open, asking or not. When the service ends, what may still
//! be asked ends, so that the end waits for what was asked and for nobody who asks nothing.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use futures_util::StreamExt as _;
use tonic::codec::CompressionEncoding;
use tonic::service::Routes;
use tonic_reflection::server::Builder;

use super::ending::Ending;
use super::wire;
use crate::error::{Context, Fault, Result};

/// The calls of reflection.
///
/// # Errors
/// `Bug` if our own descriptors cannot be read.
pub fn routes(ending: Ending) -> Result<Router> {
    let doing = "building the reflection service";
    let v1 = described().build_v1().or_fault(Fault::Bug, doing)?;
    let v1alpha = described().build_v1alpha().or_fault(Fault::Bug, doing)?;
    let routes = Routes::new(v1.accept_compressed(CompressionEncoding::Gzip))
        .add_service(v1alpha.accept_compressed(CompressionEncoding::Gzip));
    let routes = routes.into_axum_router().reset_fallback();
    Ok(routes.layer(from_fn_with_state(ending, asked_until)))
}

fn described() -> Builder<'static> {
    Builder::configure()
        .register_encoded_file_descriptor_set(wire::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

async fn asked_until(State(ending): State<Ending>, request: Request, next: Next) -> Response {
    let until = |body: Body| Body::from_stream(body.into_data_stream().take_until(ending.begun()));
    next.run(request.map(until)).await
}
