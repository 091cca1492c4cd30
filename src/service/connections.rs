//! Connections as they come in: how many at a time, and how long one may stay that says nothing.
//!
//! A socket that is opened and left silent holds a descriptor and would hold the end of the service up. So who does not
//! begin to speak HTTP/2 in time is cut off; what happens after that is the library's (it asks the other end whether it is
//! still there). Beyond the bound new connections wait to be accepted; when descriptors run out, accepting pauses.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{self, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use tonic::transport::server::{Connected, TcpConnectInfo};

/// Bytes by which a client shows that it speaks HTTP/2.
const PREFACE: usize = 24;
/// How long accepting pauses when it fails: usually no descriptors are left, and others have to end first.
const PAUSE: Duration = Duration::from_millis(100);

/// The connections of a listener, at most `most` at a time, each with so long a time to begin.
pub fn incoming(listener: TcpListener, most: usize, patience: Duration) -> impl Stream<Item = io::Result<Connection>> {
    let room = Arc::new(Semaphore::new(most.clamp(1, Semaphore::MAX_PERMITS)));
    stream::unfold((listener, room), move |(listener, room)| async move {
        // The semaphore is never closed.
        let place = room.clone().acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    // An answer is sent whole; waiting to fill a packet only delays it.
                    let _ = stream.set_nodelay(true);
                    let connection = Connection {
                        stream,
                        begin: Some((Box::pin(tokio::time::sleep(patience)), PREFACE)),
                        _place: place,
                    };
                    return Some((Ok(connection), (listener, room)));
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    })
}

/// One connection, which keeps its place among those allowed until it ends.
pub struct Connection {
    stream: TcpStream,
    /// Until it has begun: when it is cut off, and how many bytes are still to come.
    begin: Option<(Pin<Box<Sleep>>, usize)>,
    _place: OwnedSemaphorePermit,
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        let Some((cut_off, missing)) = &mut self.begin else {
            return read;
        };
        *missing = missing.saturating_sub(buf.filled().len() - before);
        if *missing == 0 {
            self.begin = None;
            return read;
        }
        match (read, cut_off.as_mut().poll(cx)) {
            (Poll::Pending, Poll::Ready(())) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            (read, _) => read,
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
