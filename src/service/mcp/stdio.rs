//! The protocol on standard input and output, a message a line: the library's own, but that each line which is no JSON
//! is answered, or whoever sent it would wait for ever.

use std::io;
use std::pin::Pin;

use rmcp::RoleServer;
use rmcp::model::ErrorData;
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use rmcp::transport::async_rw::AsyncRwTransport;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader, DuplexStream, duplex,
};
use tokio::sync::mpsc;

use super::unreadable::no_json;

/// Bytes of a line that are read as one message: as many as the library takes.
const LONGEST: u64 = 16 << 20;
/// What programs may begin their text with, and the library passes over.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// Bytes of messages that the library has not read yet.
const AHEAD: usize = 64 << 10;

/// Lines both ways.
pub struct Lines<W: AsyncWrite> {
    library: AsyncRwTransport<RoleServer, DuplexStream, W>,
    unreadable: mpsc::Receiver<ErrorData>,
    /// What is being said of one that is unreadable.
    saying: Option<Pin<Box<dyn Future<Output = io::Result<()>> + Send>>>,
}

impl<W: AsyncWrite + Send + Unpin + 'static> Lines<W> {
    /// Messages from `input`, answers to `output`.
    pub fn new(input: impl AsyncRead + Send + Unpin + 'static, output: W) -> Self {
        let (readable, read) = duplex(AHEAD);
        let (tell, unreadable) = mpsc::channel(1);
        tokio::spawn(sort(input, readable, tell));
        Lines {
            library: AsyncRwTransport::new_server(read, output),
            unreadable,
            saying: None,
        }
    }
}

impl<W: AsyncWrite + Send + Unpin + 'static> Transport<RoleServer> for Lines<W> {
    type Error = io::Error;

    fn send(&mut self, message: TxJsonRpcMessage<RoleServer>) -> impl Future<Output = io::Result<()>> + Send + 'static {
        self.library.send(message)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            // Whoever waits here may leave at any moment, and what is half said must be said to its end.
            if let Some(saying) = &mut self.saying {
                let said = saying.await;
                self.saying = None;
                said.ok()?;
            }
            tokio::select! {
                biased;
                Some(error) = self.unreadable.recv() => {
                    let answer = TxJsonRpcMessage::<RoleServer>::error(error, None);
                    self.saying = Some(Box::pin(self.library.send(answer)));
                }
                message = self.library.receive() => return message,
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        self.library.close().await
    }
}

/// Hands on the lines that are JSON, and tells of the others, until either end is gone.
async fn sort(input: impl AsyncRead + Unpin, mut readable: DuplexStream, tell: mpsc::Sender<ErrorData>) {
    let (mut input, mut line) = (BufReader::new(input), Vec::new());
    loop {
        line.clear();
        match (&mut input).take(LONGEST).read_until(b'\n', &mut line).await {
            Ok(read) if read > 0 => {}
            _ => return,
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let is_over = match no_json(line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line)) {
            Some(error) => tell.send(error).await.is_err(),
            None => {
                if !line.ends_with(b"\n") {
                    line.push(b'\n');
                }
                readable.write_all(&line).await.is_err()
            }
        };
        if is_over {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_byte_order_mark_before_a_message_is_passed_over() {
        let input = "\u{feff}{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"ping\"}\n".as_bytes();
        let mut lines = Lines::new(input, tokio::io::sink());
        assert!(lines.receive().await.is_some());
    }
}
