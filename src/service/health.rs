//! `grpc.health.v1` as its protocol has it: whoever watches a name that is not known is told so, and goes on watching.
//! tonic-health ends the call instead.

use std::pin::Pin;

use futures_util::{Stream, StreamExt};
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_health::server::HealthService;

/// A name that no service has; whoever watches an unknown one watches it, so that all watching ends in the same way.
pub const NOBODY: &str = "baowen.unknown";

/// The health service.
pub struct Watched(HealthService);

impl Watched {
    /// Over a service whose reporter knows [`NOBODY`], too.
    pub fn new(inner: HealthService) -> Self {
        Watched(inner)
    }
}

#[tonic::async_trait]
impl Health for Watched {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        match request.get_ref().service.as_str() {
            NOBODY => Err(Status::not_found("service not registered")),
            _ => self.0.check(request).await,
        }
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let asked = request.get_ref().clone();
        if asked.service != NOBODY
            && let Ok(known) = self.0.watch(request).await
        {
            return Ok(Response::new(Box::pin(known.into_inner())));
        }
        let nobody = HealthCheckRequest {
            service: NOBODY.to_owned(),
        };
        let watched = self.0.watch(Request::new(nobody)).await?.into_inner();
        let unknown = |change: Result<HealthCheckResponse, Status>| {
            change.map(|_| HealthCheckResponse {
                status: ServingStatus::ServiceUnknown.into(),
            })
        };
        // It never changes: told once.
        Ok(Response::new(Box::pin(watched.map(unknown))))
    }
}
