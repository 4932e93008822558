//! Raw HTTP/1.1 connections, for very long bodies and for requests that a well-behaved client never sends.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::summary::RawResponse;

/// How long to wait for a response after the whole request has been written.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// An HTTP/1.1 connection for one request.
pub(crate) struct RawConnection(TcpStream);

impl RawConnection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    /// Writes a request line and header fields. Adds `Host` and `Connection: close`.
    pub(crate) async fn write_head(&mut self, request_line: &str, fields: &[(&str, &str)]) {
        let mut head = format!("{request_line} HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n");
        for (name, value) in fields {
            head += &format!("{name}: {value}\r\n");
        }
        self.write(format!("{head}\r\n").as_bytes()).await;
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// Writes a chunked body. Each chunk has `size` bytes and is written separately, with a pause after it.
    pub(crate) async fn write_chunks(&mut self, body: &[u8], size: usize, pause: Duration) {
        for chunk in body.chunks(size) {
            let length = format!("{:x}\r\n", chunk.len());
            self.write(&[length.as_bytes(), chunk, b"\r\n"].concat()).await;
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
        // A trailer field follows the last chunk (RFC 9112 §7.1.2).
        self.write(b"0\r\nx-checksum: 1\r\n\r\n").await;
    }

    /// Reads an interim response, such as `100 Continue`, up to the end of its head.
    pub(crate) async fn read_interim(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.unwrap());
        }
        String::from_utf8(head).unwrap()
    }

    /// Reads the response until the server closes the connection.
    pub(crate) async fn read_response(&mut self) -> RawResponse {
        let mut bytes = Vec::new();
        let read = self.0.read_to_end(&mut bytes).await;
        parse(&bytes).unwrap_or_else(|| panic!("no response ({read:?}): {:?}", String::from_utf8_lossy(&bytes)))
    }

    /// Writes `block` repeatedly until the server responds, or until at least `most` bytes are written. Returns the
    /// response and the number of bytes written.
    pub(crate) async fn write_until_response(self, block: &[u8], most: usize) -> (RawResponse, usize) {
        let (mut from, mut to) = self.0.into_split();
        let mut bytes = Vec::new();
        let mut written = 0;
        let writing = async {
            while written < most && to.write_all(block).await.is_ok() {
                written += block.len();
            }
            // Leave the body unfinished and the connection open, because the server must respond without waiting for
            // the rest.
            tokio::time::sleep(LONGEST_WAIT).await;
        };
        let reading = async {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut buffer).await {
                bytes.extend_from_slice(&buffer[..count]);
                if let Some(response) = parse(&bytes) {
                    return Some(response);
                }
            }
            parse(&bytes)
        };
        let response = tokio::select! {
            () = writing => None,
            response = reading => response,
        };
        (response.expect("a response before the end of the body"), written)
    }

    /// Resets the connection, as the operating system does when a browser is killed.
    pub(crate) fn reset(self) {
        // With a linger time of zero, closing the socket sends an RST.
        let _ = self.0.set_zero_linger();
    }
}

/// Parses a response. Returns `None` if the body is not complete yet.
fn parse(bytes: &[u8]) -> Option<RawResponse> {
    let head_end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..head_end]).ok()?;
    let body = &bytes[head_end + 4..];
    let mut lines = head.split("\r\n");
    let status: StatusCode = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        headers.append(HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value.trim()).ok()?);
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let body = match (text("transfer-encoding"), text("content-length")) {
        (Some("chunked"), _) => decode_chunked(body)?,
        (_, Some(length)) => body.get(..length.parse().ok()?)?.to_vec(),
        _ => body.to_vec(),
    };
    Some(RawResponse { status, headers, body: body.into() })
}

fn decode_chunked(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line_end = bytes.windows(2).position(|window| window == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&bytes[..line_end]).ok()?.trim(), 16).ok()?;
        if length == 0 {
            return Some(body);
        }
        let chunk = bytes.get(line_end + 2..)?;
        body.extend_from_slice(chunk.get(..length)?);
        bytes = chunk.get(length + 2..)?;
    }
}

/// A body that consists of `start`, followed by many copies of the same block. The block is stored only once.
pub(crate) struct RepeatedBody {
    start: Option<Bytes>,
    block: Bytes,
    left: u64,
}

impl RepeatedBody {
    pub(crate) fn new(start: impl Into<Bytes>, block: Bytes, times: u64) -> Self {
        Self { start: Some(start.into()), block, left: times }
    }

    pub(crate) fn length(&self) -> u64 {
        self.start.as_ref().map_or(0, Bytes::len) as u64 + self.block.len() as u64 * self.left
    }
}

impl Body for RepeatedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = match self.start.take() {
            Some(start) => Some(start),
            None => self.left.checked_sub(1).map(|left| {
                self.left = left;
                self.block.clone()
            }),
        };
        Poll::Ready(next.map(|data| Ok(Frame::data(data))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length())
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn complete_responses_only() {
        let body = |bytes: &[u8]| parse(bytes).map(|response| response.body);
        assert_eq!(body(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab").unwrap(), "ab");
        assert_eq!(body(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\na"), None);
        assert_eq!(body(b"HTTP/1.1 200 OK\r\ncontent-le"), None);
        let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\nA\r\n0123456789\r\n0\r\n\r\n";
        assert_eq!(body(chunked).unwrap(), "a0123456789");
        assert_eq!(body(&chunked[..chunked.len() - 6]), None);
    }
}
