//! How many calls of a service may be under way: those beyond are refused before their messages are read, so that what
//! waits takes a bounded room, however large messages may be. Of that no caller takes all.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::{Request, Response};
use tonic::server::NamedService;

use super::caller::CALLER;
use super::shares::{SHARE_OF_FREE, Share, Shares};
use super::status;
use crate::error::{Error, Fault, Result};

/// Room for a number of calls at a time, shared by all protocols they come in by.
#[derive(Debug, Clone)]
pub struct Room {
    places: Arc<Semaphore>,
    shares: Shares,
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
            shares: Shares::default(),
            most,
            doing,
        }
    }

    /// A place for one call, for as long as it is held.
    ///
    /// # Errors
    /// `Exhausted` if all are taken, or so many by this caller that the rest is for others.
    pub fn enter(&self) -> Result<PlaceInRoom> {
        let (most, doing) = (self.most, self.doing);
        let full = |message| Error::new(Fault::Exhausted, message).help("send it again in a moment");
        let place = self
            .places
            .clone()
            .try_acquire_owned()
            .map_err(|_| full(format!("{most} calls {doing}, which is as many as this service takes")))?;
        // Without the one that is taken here.
        let free = self.places.available_permits();
        let own = CALLER.try_with(Clone::clone).ok().map(|caller| {
            let joined = self.shares.join(caller, |own| own == 0 || own < free * SHARE_OF_FREE);
            joined.map_err(|own| {
                full(format!(
                    "{own} calls of this caller {doing}, and the room that is left is for others"
                ))
            })
        });
        Ok(PlaceInRoom {
            _own: own.transpose()?,
            _place: place,
        })
    }
}

/// A call's place in a room.
#[derive(Debug)]
pub struct PlaceInRoom {
    _own: Option<Share>,
    _place: OwnedSemaphorePermit,
}

/// A service whose calls need room.
#[derive(Debug, Clone)]
pub struct Bounded<S> {
    inner: S,
    room: Room,
    /// Paths of calls that have rooms of their own.
    apart: Vec<(&'static str, Room)>,
}

impl<S> Bounded<S> {
    /// Calls of `inner`, as many as there is room for; those of some paths have rooms of their own.
    pub fn new(inner: S, room: Room, apart: Vec<(&'static str, Room)>) -> Self {
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
        let path = request.uri().path();
        let apart = self.apart.iter().find(|(apart, _)| *apart == path);
        let room = apart.map_or(&self.room, |(_, room)| room);
        let place = match room.enter() {
            Ok(place) => place,
            Err(full) => return Box::pin(async move { Ok(status::to_status(&full).into_http()) }),
        };
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            drop(place);
            answer
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::caller::Caller;

    #[test]
    fn of_a_room_no_caller_takes_all() {
        let check = |most: usize, expected: usize| {
            let room = Room::new(most, "wait");
            let enter = |name: &str| CALLER.sync_scope(Caller(name.into()), || room.enter());
            let mut places: Vec<PlaceInRoom> = std::iter::from_fn(|| enter("greedy").ok()).collect();
            assert_eq!(places.len(), expected, "of {most}");
            if most > 1 {
                assert!(enter("greedy").unwrap_err().message().contains("of this caller"));
                assert!(enter("other").is_ok());
            }
            places.pop();
            assert!(enter("greedy").is_ok());
            drop(places);
            let unknown: Vec<PlaceInRoom> = std::iter::from_fn(|| room.enter().ok()).collect();
            assert_eq!(unknown.len(), most, "who is not known is bounded by the room alone");
        };
        check(1, 1);
        check(2, 1);
        check(4, 3);
        check(32, 24);
    }
}
