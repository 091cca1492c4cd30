//! How many calls of a service may be under way: those beyond are refused before their messages are read, so that what
//! waits takes a bounded room, however large messages may be.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::{Request, Response};
use tonic::server::NamedService;

use super::status;
use crate::error::{Error, Fault, Result};

/// Room for a number of calls at a time, shared by all protocols they come in by.
#[derive(Debug, Clone)]
pub struct Room {
    places: Arc<Semaphore>,
    most: usize,
    /// What calls do in it, as the middle of a sentence.
    doing: &'static str,
}

impl Room {
    /// Room for `most` calls, one at least, that do this ("read a file").
    pub fn new(most: usize, doing: &'static str) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Room {
            places: Arc::new(Semaphore::new(most)),
            most,
            doing,
        }
    }

    /// A place for one call, for as long as it is held.
    ///
    /// # Errors
    /// `Exhausted` if all are taken.
    pub fn enter(&self) -> Result<OwnedSemaphorePermit> {
        self.places.clone().try_acquire_owned().map_err(|_| {
            let (most, doing) = (self.most, self.doing);
            Error::new(
                Fault::Exhausted,
                format!("{most} calls {doing}, which is as many as this service takes"),
            )
            .help("send it again in a moment")
        })
    }
}

/// A service whose calls need room.
#[derive(Debug, Clone)]
pub struct Bounded<S> {
    inner: S,
    room: Room,
    /// The path of a call that has a room of its own.
    apart: (&'static str, Room),
}

impl<S> Bounded<S> {
    /// Calls of `inner`, as many as there is room for; those of one path have a room of their own.
    pub fn new(inner: S, room: Room, apart: (&'static str, Room)) -> Self {
        Bounded { inner, room, apart }
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
        let room = if request.uri().path() == self.apart.0 {
            &self.apart.1
        } else {
            &self.room
        };
        let permit = match room.enter() {
            Ok(permit) => permit,
            Err(full) => return Box::pin(async move { Ok(status::to_status(&full).into_http()) }),
        };
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            drop(permit);
            answer
        })
    }
}
