//! The bodies of calls: one that stands still ends, so does one that there is no room for, and what a call that was
//! refused had still to send is read to its end and thrown away, within bounds.
//!
//! Who is answered and cut off while it sends may never see the answer: some clients show a broken connection instead.
//! Who stops sending would hold a place among the connections for as long as a call may take.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Body as _, Frame, SizeHint};
use tokio::runtime::Handle;
use tokio::time::Sleep;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Bytes;

use super::intake::HeldBody;
use super::status;

/// What is said of a body that stands still.
pub const CAME_TO_A_HALT: &str = "the body came to a halt";
/// Bytes that are read on.
const MOST: usize = 8 << 20;
/// How long it is read on.
const PATIENCE: Duration = Duration::from_secs(2);

/// A body that is read on when nobody wants it any more.
pub struct Drained {
    body: Body,
    /// How long it may stand still.
    patience: Option<Duration>,
    /// Until when it may, where somebody waits for more of it.
    halt: Option<Pin<Box<Sleep>>>,
    /// What whoever reads it has of it, until its end.
    held: Option<HeldBody>,
}

impl Drained {
    /// This one, which may stand still for so long while somebody waits for more of it, and is counted as held.
    pub fn body(body: Body, patience: Option<Duration>, held: Option<HeldBody>) -> Body {
        Body::new(Drained {
            body,
            patience,
            halt: None,
            held,
        })
    }
}

impl http_body::Body for Drained {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let frame = Pin::new(&mut this.body).poll_frame(cx);
        match &frame {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                let taken = this.held.as_mut().map_or(Ok(()), |held| held.take(bytes));
                if let Err(no_room) = taken {
                    return Poll::Ready(Some(Err(status::to_status(&no_room))));
                }
            }
            Poll::Ready(_) => this.held = None,
            Poll::Pending => {}
        }
        let Some(patience) = this.patience.filter(|_| frame.is_pending()) else {
            this.halt = None;
            return frame;
        };
        let halt = this.halt.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        halt.as_mut()
            .poll(cx)
            .map(|()| Some(Err(Status::deadline_exceeded(CAME_TO_A_HALT))))
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
    use std::sync::Arc;

    use futures_util::StreamExt as _;
    use tonic::Code;

    use super::*;
    use crate::service::activity::{Connections, Patience};
    use crate::service::intake::Account;

    async fn next(body: &mut Body) -> Result<Frame<Bytes>, Status> {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await;
        frame.unwrap()
    }

    #[tokio::test]
    async fn a_body_ends_that_stands_still_or_has_no_room_and_another_one_does_not() {
        let parts = || {
            let begin = futures_util::stream::iter([Ok::<_, Status>(Bytes::from("a"))]);
            Body::new(axum::body::Body::from_stream(
                begin.chain(futures_util::stream::pending()),
            ))
        };
        let mut body = Drained::body(parts(), Some(Duration::from_millis(1)), None);
        assert_eq!(next(&mut body).await.unwrap().into_data().unwrap(), "a");
        let status = next(&mut body).await.unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::DeadlineExceeded, CAME_TO_A_HALT)
        );
        let connections = Arc::new(Connections::new(Patience {
            unread: Duration::MAX,
            unread_bytes: 0,
            body_bytes: 0,
            idle: Duration::MAX,
        }));
        let account = Account {
            connection: connections.join(),
            metrics: Arc::default(),
        };
        let mut one = Drained::body(parts(), None, Some(HeldBody::new(account.clone())));
        let mut other = Drained::body(parts(), None, Some(HeldBody::new(account)));
        next(&mut one).await.unwrap();
        assert_eq!(connections.bodies(), 1);
        assert_eq!(next(&mut other).await.unwrap_err().code(), Code::ResourceExhausted);
        drop(one);
        assert_eq!(connections.bodies(), 0);
        let mut whole = Drained::body(Body::new(axum::body::Body::from("a")), Some(Duration::ZERO), None);
        let frame = next(&mut whole).await.unwrap();
        assert_eq!(frame.into_data().unwrap(), "a", "what is there is read");
    }
}
