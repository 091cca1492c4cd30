//! How many calls of a service may be under way: those beyond are refused before their messages are read, so that what
//! waits takes a bounded room, however large messages may be.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::Semaphore;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::{Request, Response};
use tonic::server::NamedService;

use super::status;
use crate::error::{Error, Fault};

/// A service with a bound on its calls.
#[derive(Debug, Clone)]
pub struct Bounded<S> {
    inner: S,
    room: Arc<Semaphore>,
    most: usize,
}

impl<S> Bounded<S> {
    /// At most `most` calls of `inner` at a time.
    pub fn new(inner: S, most: usize) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Bounded {
            inner,
            room: Arc::new(Semaphore::new(most)),
            most,
        }
    }
}

impl<S: NamedService> NamedService for Bounded<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for Bounded<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Ok(permit) = self.room.clone().try_acquire_owned() else {
            let most = self.most;
            let full = Error::new(
                Fault::Exhausted,
                format!("{most} calls write or describe the index, which is as many as this service takes"),
            )
            .help("send it again in a moment");
            return Box::pin(async move { Ok(status::to_status(&full).into_http()) });
        };
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            drop(permit);
            answer
        })
    }
}
