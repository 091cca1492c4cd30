//! The bodies of calls: one that comes too slowly ends (`pace`), so does one that there is no room for (`intake`), and
//! what a call that was refused had still to send is read to its end and thrown away, within bounds.
//!
//! Who is answered and cut off while it sends may never see the answer: some clients show a broken connection instead.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body::{Body as _, Frame, SizeHint};
use tokio::runtime::Handle;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Bytes;
use tonic::codegen::http::Request;

use super::activity::Waits;
use super::intake::{Account, HeldBody};
use super::pace::{Pace, Progress};
use super::status;
use crate::error::Error;

/// Bytes that are read on.
const MOST: usize = 8 << 20;
/// How long it is read on.
const PATIENCE: Duration = Duration::from_secs(2);

/// A body that is read on when nobody wants it any more.
pub struct Drained {
    body: Body,
    /// Until its end.
    unfinished: Option<Unfinished>,
}

/// What is known of a body that has not come to its end.
struct Unfinished {
    /// What whoever reads it has of it.
    held: HeldBody,
    /// How fast it comes.
    progress: Progress,
    /// That its call waits for it.
    _waits: Waits,
}

/// An error of ours as what ends a body.
pub fn ended_by(error: Error) -> Status {
    let mut status = status::to_status(&error);
    status.set_source(Arc::new(error));
    status
}

/// Why a body does not go on, as whoever reads it is told: [`ended_by`] an error of ours, or its sender is gone.
pub fn cut_off(cause: &axum::Error) -> Error {
    let reason = status::innermost(cause);
    match reason.downcast_ref::<Error>() {
        Some(ours) => ours.clone(),
        None => Error::caller(format!("the body was cut off ({reason})")),
    }
}

impl Drained {
    /// The request with its body so; counted for this account if it must come at this pace, and with word of that for
    /// whoever unpacks it.
    pub fn request(mut request: Request<Body>, counted: Option<(Account, &Pace)>) -> (Request<Body>, Option<Account>) {
        let unfinished = counted.as_ref().filter(|_| !request.body().is_end_stream());
        let unfinished = unfinished.map(|(account, pace)| Unfinished::new(account, pace));
        let account = counted.map(|(account, _)| account);
        if let Some(account) = &account {
            request.extensions_mut().insert(account.clone());
        }
        let request = request.map(|body| Body::new(Drained { body, unfinished }));
        (request, account)
    }
}

impl Unfinished {
    fn new(account: &Account, pace: &Pace) -> Self {
        Unfinished {
            held: HeldBody::new(account.clone()),
            progress: Progress::new(pace.clone()),
            _waits: account.waits(),
        }
    }
}

impl http_body::Body for Drained {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let frame = Pin::new(&mut this.body).poll_frame(cx);
        let Some(unfinished) = &mut this.unfinished else {
            return frame;
        };
        let refused = match &frame {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                unfinished.progress.came(bytes);
                unfinished.held.take(bytes).err()
            }
            Poll::Ready(_) => None,
            Poll::Pending => match unfinished.held.check() {
                Ok(()) => Some(ready!(unfinished.progress.poll_too_slow(cx))),
                Err(no_room) => Some(no_room),
            },
        };
        if let Some(refused) = refused {
            return Poll::Ready(Some(Err(ended_by(refused))));
        }
        if this.body.is_end_stream() || !matches!(frame, Poll::Ready(Some(Ok(_)))) {
            this.unfinished = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        let mut rest = std::mem::take(&mut self.body);
        if rest.is_end_stream() {
            return;
        }
        // Without a runtime its connection is gone as well.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(tokio::time::timeout(PATIENCE, async move {
                let mut read = 0;
                while read < MOST
                    && let Some(Ok(frame)) = std::future::poll_fn(|cx| Pin::new(&mut rest).poll_frame(cx)).await
                {
                    read += frame.data_ref().map_or(0, Bytes::len);
                }
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;
    use tonic::Code;

    use super::*;
    use crate::service::activity::{Activity, Connections};
    use crate::service::ending::ending;
    use crate::service::patience::Patience;

    async fn next(body: &mut Body) -> Result<Frame<Bytes>, Status> {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await;
        frame.unwrap()
    }

    /// A byte, and nothing after it.
    fn parts() -> Body {
        let begin = futures_util::stream::iter([Ok::<_, Status>(Bytes::from("a"))]);
        Body::new(axum::body::Body::from_stream(
            begin.chain(futures_util::stream::pending()),
        ))
    }

    /// The body of a call of this connection that may stand still for so long.
    fn paused(body: Body, connection: &Arc<Activity>, pause: Duration) -> Body {
        let pace = Pace {
            pause,
            least: 0,
            ending: ending().1,
        };
        let account = Account::new(connection.clone(), Arc::default());
        Drained::request(Request::new(body), Some((account, &pace)))
            .0
            .into_body()
    }

    #[tokio::test]
    async fn a_body_ends_that_stands_still_or_has_no_room_and_another_one_does_not() {
        let connections = Arc::new(Connections::new(Patience {
            unread: Duration::MAX,
            unread_bytes: 0,
            body_bytes: 0,
            idle: Duration::MAX,
        }));
        let connection = connections.join();
        let moment = Duration::from_millis(1);
        let mut body = paused(parts(), &connection, moment);
        assert_eq!(next(&mut body).await.unwrap().into_data().unwrap(), "a");
        let status = next(&mut body).await.unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded);
        let ours = status::innermost(&status).downcast_ref::<Error>().unwrap();
        assert!(ours.message().contains("halt"), "{ours}");
        drop(body);
        let mut one = paused(parts(), &connection, Duration::MAX);
        let mut other = paused(parts(), &connection, Duration::MAX);
        next(&mut one).await.unwrap();
        assert_eq!(connections.bodies(), 1);
        assert_eq!(next(&mut other).await.unwrap_err().code(), Code::ResourceExhausted);
        drop(one);
        assert_eq!(connections.bodies(), 0);
        let whole = Body::new(axum::body::Body::from("a"));
        let mut whole = paused(whole, &connection, Duration::ZERO);
        let frame = next(&mut whole).await.unwrap();
        assert_eq!(frame.into_data().unwrap(), "a", "what is there is read");
    }
}
