//! What a call that was refused had still to send: read to its end and thrown away, within bounds.
//!
//! Who is answered and cut off while it sends may never see the answer: some clients show a broken connection instead.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Body as _, Frame, SizeHint};
use tokio::runtime::Handle;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Bytes;

/// Bytes that are read on.
const MOST: usize = 8 << 20;
/// How long it is read on.
const PATIENCE: Duration = Duration::from_secs(2);

/// A body that is read on when nobody wants it any more.
pub struct Drained(Body);

impl Drained {
    /// This one.
    pub fn body(body: Body) -> Body {
        Body::new(Drained(body))
    }
}

impl http_body::Body for Drained {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        let mut rest = std::mem::take(&mut self.0);
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
