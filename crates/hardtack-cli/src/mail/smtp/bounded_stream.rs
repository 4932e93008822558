//! A stream that reads a limited number of bytes.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How many bytes the mail server may send over one connection, including a TLS handshake after STARTTLS.
const LONGEST_DIALOGUE: usize = 128 * 1024;

/// How many bytes the mail server may send before the client writes again. The longest replies are a few kilobytes long
/// (RFC 5321 §4.5.3.1.5 limits a line to 512 bytes). In a TLS handshake, the certificates can take up some more.
const LONGEST_REPLY: usize = 32 * 1024;

/// How many bytes one read returns at most.
const CHUNK: usize = 512;

/// A connection to a mail server. A read fails once the server has sent more than [`LONGEST_REPLY`] or
/// [`LONGEST_DIALOGUE`].
///
/// lettre collects the lines of a reply, checks the length of a line only at the line's end, and parses the whole reply
/// again after each line. Without these limits, a line that never ends could exhaust the memory, and a reply of many
/// lines could keep a processor busy. Each read therefore also yields to the runtime, so that the time limit applies and
/// other tasks can run.
#[derive(Debug)]
pub(super) struct BoundedStream<S> {
    stream: S,
    peer: SocketAddr,
    /// How many more bytes the server may send over the connection.
    left: usize,
    /// How many more bytes the server may send before the client writes again.
    left_of_reply: usize,
    /// Whether the task has yielded since the last read.
    has_yielded: bool,
}

impl<S> BoundedStream<S> {
    pub(super) const fn new(stream: S, peer: SocketAddr) -> Self {
        Self { stream, peer, left: LONGEST_DIALOGUE, left_of_reply: LONGEST_REPLY, has_yielded: true }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for BoundedStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !std::mem::replace(&mut self.has_yielded, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut bytes = [0; CHUNK];
        let mut chunk = ReadBuf::new(&mut bytes[..CHUNK.min(buf.remaining())]);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut chunk))?;
        self.has_yielded = false;
        let read = chunk.filled();
        for (left, limit) in [(self.left_of_reply, "32 KiB in one reply"), (self.left, "128 KiB in all")] {
            if read.len() > left {
                return Poll::Ready(Err(io::Error::other(format!("the server sent more than {limit}"))));
            }
        }
        self.left_of_reply -= read.len();
        self.left -= read.len();
        buf.put_slice(read);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for BoundedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.left_of_reply = LONGEST_REPLY;
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
