//! A stream that reads a limited number of bytes.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How many bytes the mail server may send over one connection, including a TLS handshake after STARTTLS. The longest
/// replies are a few kilobytes long (RFC 5321 §4.5.3.1.5 limits a line to 512 bytes), and the longest handshakes, with
/// many certificates, are a few tens of kilobytes.
const LONGEST_DIALOGUE: usize = 128 * 1024;

/// A connection to a mail server. A read fails once the server has sent more than [`LONGEST_DIALOGUE`]. lettre checks
/// the length of a line only at the line's end, so without this limit, a line that never ends could exhaust the memory.
#[derive(Debug)]
pub(super) struct BoundedStream<S> {
    stream: S,
    peer: SocketAddr,
    /// How many more bytes the server may send.
    left: usize,
}

impl<S> BoundedStream<S> {
    pub(super) const fn new(stream: S, peer: SocketAddr) -> Self {
        Self { stream, peer, left: LONGEST_DIALOGUE }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for BoundedStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        let read = buf.filled().len() - before;
        let Some(left) = self.left.checked_sub(read) else {
            buf.set_filled(before);
            self.left = 0;
            let limit = LONGEST_DIALOGUE / 1024;
            return Poll::Ready(Err(io::Error::other(format!("the server sent more than {limit} KiB"))));
        };
        self.left = left;
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for BoundedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin + std::fmt::Debug> AsyncTokioStream for BoundedStream<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}
