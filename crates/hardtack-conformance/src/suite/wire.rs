//! Requests by hand, for what a well-behaved client never sends, and bodies without an end.

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

use super::told::Answer;

/// No answer takes longer once all has been written.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// An HTTP/1.1 connection for one request.
pub(super) struct Wire(TcpStream);

impl Wire {
    pub(super) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    /// Writes a request line and fields; `Host` and `Connection: close` come by themselves.
    pub(super) async fn head(&mut self, request_line: &str, fields: &[(&str, &str)]) {
        let mut head = format!("{request_line} HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n");
        for (name, value) in fields {
            head += &format!("{name}: {value}\r\n");
        }
        self.write(format!("{head}\r\n").as_bytes()).await;
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// Writes a body in chunks of `size` bytes, one a packet, with a pause behind each.
    pub(super) async fn chunks(&mut self, body: &[u8], size: usize, pause: Duration) {
        for chunk in body.chunks(size) {
            let length = format!("{:x}\r\n", chunk.len());
            self.write(&[length.as_bytes(), chunk, b"\r\n"].concat()).await;
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
        // A trailer comes last (RFC 9112 §7.1.2).
        self.write(b"0\r\nx-checksum: 1\r\n\r\n").await;
    }

    /// Reads up to the end of a head, such as `100 Continue`.
    pub(super) async fn interim(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.unwrap());
        }
        String::from_utf8(head).unwrap()
    }

    /// Reads the response to the connection's end.
    pub(super) async fn answer(&mut self) -> Answer {
        let mut bytes = Vec::new();
        let read = self.0.read_to_end(&mut bytes).await;
        parse(&bytes).unwrap_or_else(|| panic!("no response ({read:?}): {:?}", String::from_utf8_lossy(&bytes)))
    }

    /// Writes `block` again and again until the server answers or has had `most` bytes. Gives the answer,
    /// and how much was written.
    pub(super) async fn pour(self, block: &[u8], most: usize) -> (Answer, usize) {
        let (mut from, mut to) = self.0.into_split();
        let mut bytes = Vec::new();
        let mut poured = 0;
        let pouring = async {
            while poured < most && to.write_all(block).await.is_ok() {
                poured += block.len();
            }
            // Neither finished nor closed: whatever answers does so without the rest.
            tokio::time::sleep(LONGEST_WAIT).await;
        };
        let reading = async {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut buffer).await {
                bytes.extend_from_slice(&buffer[..count]);
                if let Some(answer) = parse(&bytes) {
                    return Some(answer);
                }
            }
            parse(&bytes)
        };
        let answer = tokio::select! {
            () = pouring => None,
            answer = reading => answer,
        };
        (answer.expect("an answer before the body's end"), poured)
    }

    /// Goes away without a word, in the middle of whatever was being sent.
    pub(super) fn vanish(self) {
        // Without lingering the peer sees a reset, as of a browser that was killed.
        let _ = self.0.set_zero_linger();
    }
}

/// A response with all of its body; none before it is complete.
fn parse(bytes: &[u8]) -> Option<Answer> {
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
        (Some("chunked"), _) => dechunk(body)?,
        (_, Some(length)) => body.get(..length.parse().ok()?)?.to_vec(),
        _ => body.to_vec(),
    };
    Some(Answer { status, headers, body: body.into() })
}

fn dechunk(mut bytes: &[u8]) -> Option<Vec<u8>> {
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

/// A body that is `start` and then one block again and again, none of it copied.
pub(super) struct Repeated {
    start: Option<Bytes>,
    block: Bytes,
    left: u64,
}

impl Repeated {
    pub(super) fn new(start: impl Into<Bytes>, block: Bytes, times: u64) -> Self {
        Self { start: Some(start.into()), block, left: times }
    }

    pub(super) fn length(&self) -> u64 {
        self.start.as_ref().map_or(0, Bytes::len) as u64 + self.block.len() as u64 * self.left
    }
}

impl Body for Repeated {
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
        let body = |bytes: &[u8]| parse(bytes).map(|answer| answer.body);
        assert_eq!(body(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab").unwrap(), "ab");
        assert_eq!(body(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\na"), None);
        assert_eq!(body(b"HTTP/1.1 200 OK\r\ncontent-le"), None);
        let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\nA\r\n0123456789\r\n0\r\n\r\n";
        assert_eq!(body(chunked).unwrap(), "a0123456789");
        assert_eq!(body(&chunked[..chunked.len() - 6]), None);
    }
}
