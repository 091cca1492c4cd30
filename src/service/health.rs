//! `grpc.health.v1` as its protocol has it: whoever watches a name that is not known is told so, and goes on watching.
//! tonic-health ends the call instead. What it says follows the core.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tonic::{Request, Response, Status};
use tonic_health::ServingStatus;
use tonic_health::pb::health_check_response::ServingStatus as Said;
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_health::server::{HealthReporter, HealthService};

use super::Answer;
use super::wire::{index_service_server, search_service_server};

/// A name that no service has; whoever watches an unknown one watches it, so that all watching ends in the same way.
pub const NOBODY: &str = "baowen.unknown";

/// The names that are answered for: the server as a whole, and the services.
pub const NAMES: [&str; 4] = [
    "",
    NOBODY,
    search_service_server::SERVICE_NAME,
    index_service_server::SERVICE_NAME,
];

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
                status: Said::ServiceUnknown.into(),
            })
        };
        // It never changes: told once.
        Ok(Response::new(Box::pin(watched.map(unknown))))
    }
}

/// Keeps the health service in step with the core; never done.
pub async fn follow(answer: &dyn Answer, health: &HealthReporter, is_serving: &AtomicBool, interval: Duration) {
    let status = |serves| {
        if serves {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        }
    };
    let mut said = (false, false);
    loop {
        let ready = answer.ready();
        let follows = ready && answer.follows();
        if (ready, follows) != said {
            report(health, is_serving, status(ready)).await;
            // Searches go on while a newer commit cannot be opened; the index as such is not served.
            health
                .set_service_status(index_service_server::SERVICE_NAME, status(follows))
                .await;
            said = (ready, follows);
        }
        tokio::time::sleep(interval).await;
    }
}

/// Says how the core is, under every name.
pub async fn report(health: &HealthReporter, is_serving: &AtomicBool, status: ServingStatus) {
    is_serving.store(status == ServingStatus::Serving, Ordering::Release);
    for name in NAMES {
        health.set_service_status(name, status).await;
    }
}
