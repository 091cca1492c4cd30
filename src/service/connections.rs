//! Connections as they come in: how many at a time, how they become private, and how long one may stay that says
//! nothing.
//!
//! A socket that is opened and left silent holds a descriptor and would hold the end of the service up. So who does not
//! begin in time, TLS included, is cut off, and so is who later holds or reads nothing (`activity`); whether the other
//! end is still there is asked by the library. Beyond the bound a new connection takes the place of the one that is
//! without a call for longest, or waits until one is; when descriptors run out, some of those end, too, and accepting
//! pauses.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{self, Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};
use tonic::transport::server::Connected;

use super::activity::{Connections, Cut, Peer};
use super::metrics::Metrics;
use super::tls::Tls;

/// By these bytes a client shows that it speaks HTTP/2. Then it may wait before it asks; who speaks HTTP/1 has nothing
/// to say but its first request.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long accepting pauses when it fails, since others have to end first: usually no descriptors are left, or there
/// are as many connections as may be.
const PAUSE: Duration = Duration::from_millis(100);
/// How many end at a time where descriptors have run out: others come as fast, and the index wants some.
const FOR_WANT: usize = 16;
/// How often a connection looks whether it must be cut off.
const LOOK: Duration = Duration::from_secs(1);

/// What new connections begin with.
#[derive(Clone)]
pub struct Entrance {
    /// Connections at a time.
    pub most: usize,
    /// How long one may take to begin.
    pub handshake: Duration,
    /// How they become private, if they do.
    pub tls: Option<Arc<Tls>>,
    /// Those that are there.
    pub connections: Arc<Connections>,
    /// Where they are counted.
    pub metrics: Arc<Metrics>,
}

/// The connections of a listener.
pub fn incoming(listener: TcpListener, entrance: Entrance) -> impl Stream<Item = io::Result<Connection>> {
    let most = entrance.most.clamp(1, Semaphore::MAX_PERMITS);
    let room = Arc::new(Semaphore::new(most));
    let connections = entrance.connections.clone();
    let accepted = stream::unfold(
        (listener, room, connections),
        |(listener, room, connections)| async move {
            let stream = loop {
                match listener.accept().await {
                    Ok((stream, _)) => break stream,
                    Err(error) => {
                        if is_for_want(&error) {
                            connections.end_the_longest_idle(FOR_WANT);
                        }
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            };
            let place = place(&room, &connections).await?;
            Some(((stream, place), (listener, room, connections)))
        },
    );
    // In tasks of their own, so that nobody waits for another one's keys.
    let begun = accepted.map(move |(stream, place)| {
        let beginning = tokio::spawn(handshake(stream, place, entrance.clone()));
        async move { beginning.await.map_err(io::Error::other).and_then(|begun| begun) }
    });
    begun.buffer_unordered(most)
}

/// Whether a connection was not taken because something has run out that those that are there hold, descriptors mostly:
/// all else is the matter of the one that came.
fn is_for_want(error: &io::Error) -> bool {
    // Descriptors of all and of this process, memory, buffers; the same numbers on every Linux.
    const WANTS: [i32; 4] = [23, 24, 12, 105];
    error.raw_os_error().is_some_and(|code| WANTS.contains(&code))
}

/// A place for one more connection, if need be that of one without a call.
async fn place(room: &Arc<Semaphore>, connections: &Connections) -> Option<OwnedSemaphorePermit> {
    if let Ok(place) = room.clone().try_acquire_owned() {
        return Some(place);
    }
    connections.end_the_longest_idle(1);
    let mut place = std::pin::pin!(room.clone().acquire_owned());
    loop {
        tokio::select! {
            biased;
            // The semaphore is never closed.
            place = &mut place => return place.ok(),
            () = tokio::time::sleep(PAUSE) => connections.end_the_longest_idle(1),
        }
    }
}

async fn handshake(stream: TcpStream, place: OwnedSemaphorePermit, entrance: Entrance) -> io::Result<Connection> {
    let until = Instant::now() + entrance.handshake;
    // An answer is sent whole; waiting to fill a packet only delays it.
    let _ = stream.set_nodelay(true);
    let address = stream.peer_addr().ok();
    let stream: Pin<Box<dyn Io>> = match &entrance.tls {
        None => Box::pin(stream),
        Some(tls) => {
            let agreed = tokio::time::timeout_at(until, tls.accept(stream)).await;
            let agreed = agreed.unwrap_or_else(|late| Err(late.into()));
            Box::pin(agreed.inspect_err(|_| entrance.metrics.connection_failed())?)
        }
    };
    entrance.metrics.connection_began();
    Ok(Connection {
        stream,
        begin: Some(Begin::default()),
        look: Box::pin(tokio::time::sleep_until(until)),
        stuck: None,
        peer: Peer {
            address,
            activity: entrance.connections.join(),
        },
        metrics: entrance.metrics,
        _place: place,
    })
}

/// Bytes both ways.
trait Io: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Io for T {}

/// One connection, which keeps its place among those allowed until it ends.
pub struct Connection {
    stream: Pin<Box<dyn Io>>,
    /// What came until it has begun.
    begin: Option<Begin>,
    /// When it is looked at next; until it has begun, when it is cut off.
    look: Pin<Box<Sleep>>,
    /// Since when the other end takes nothing of what is written to it.
    stuck: Option<Instant>,
    peer: Peer,
    metrics: Arc<Metrics>,
    _place: OwnedSemaphorePermit,
}

/// How far a connection has come that has not begun.
#[derive(Default)]
struct Begin {
    /// Bytes of the preface.
    matched: usize,
    /// Whether others came.
    is_other: bool,
}

impl Begin {
    /// Whether the preface is whole with these bytes.
    fn is_preface(&mut self, bytes: &[u8]) -> bool {
        let expected = &PREFACE[self.matched..];
        let bytes = &bytes[..bytes.len().min(expected.len())];
        self.is_other |= !expected.starts_with(bytes);
        self.matched += bytes.len();
        self.matched == PREFACE.len() && !self.is_other
    }
}

impl Connection {
    /// It has begun: from now on it is looked at every now and then.
    fn has_begun(&mut self) {
        self.begin = None;
        self.look.as_mut().reset(Instant::now() + LOOK);
    }

    /// Whether it must be cut off; looked at while it waits for bytes or for room to write.
    fn poll_cut(&mut self, cx: &mut Context<'_>) -> Poll<Option<Cut>> {
        if let Some(cut) = self.must_end(cx) {
            return Poll::Ready(Some(cut));
        }
        if self.begin.is_some() && self.peer.activity.has_called() {
            self.has_begun();
        }
        while self.look.as_mut().poll(cx).is_ready() {
            if self.begin.is_some() {
                return Poll::Ready(None);
            }
            if let Some(cut) = self.must_end(cx) {
                return Poll::Ready(Some(cut));
            }
            self.look.as_mut().reset(Instant::now() + LOOK);
        }
        Poll::Pending
    }

    fn must_end(&self, cx: &Context<'_>) -> Option<Cut> {
        // The library may hold the rest of an answer whose call has ended.
        let is_stuck = |since: Instant| since.elapsed() > self.peer.activity.longest_unread();
        let cut = self.peer.activity.must_end(cx.waker());
        cut.or_else(|| self.stuck.is_some_and(is_stuck).then_some(Cut::Unread))
    }

    /// What became of a write; one that cannot go on is cut off, too: the library may read nothing meanwhile.
    fn or_cut<T>(&mut self, written: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        self.stuck.get_or_insert_with(Instant::now);
        let cut = std::task::ready!(self.poll_cut(cx));
        self.metrics.connection_cut(cut);
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.metrics.connection_ended();
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = self.stream.as_mut().poll_read(cx, buf);
        self.metrics.received(buf.filled().len() - before);
        if let Some(begin) = &mut self.begin
            && begin.is_preface(&buf.filled()[before..])
        {
            self.has_begun();
        }
        if read.is_ready() {
            return read;
        }
        let cut = std::task::ready!(self.poll_cut(cx));
        self.metrics.connection_cut(cut);
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.stream.as_mut().poll_write(cx, buf);
        self.metrics.sent(&written);
        self.or_cut(written, cx)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = self.stream.as_mut().poll_flush(cx);
        self.or_cut(done, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = self.stream.as_mut().poll_shutdown(cx);
        self.or_cut(done, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream.as_mut().poll_write_vectored(cx, bufs);
        self.metrics.sent(&written);
        self.or_cut(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn want_of_descriptors_is_told_from_a_connection_that_went_away() {
        assert!(is_for_want(&io::Error::from_raw_os_error(24)));
        assert!(is_for_want(&io::Error::from_raw_os_error(23)));
        assert!(!is_for_want(&io::ErrorKind::ConnectionAborted.into()));
        assert!(!is_for_want(&io::Error::from_raw_os_error(103)));
    }
}
