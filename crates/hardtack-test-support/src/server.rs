//! A listener on a free port, and a small HTTP/1.1 server that stands in for an upstream or a website.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Binds a listener to a free port of 127.0.0.1 and returns it with its address.
pub async fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port on 127.0.0.1");
    let address = listener.local_addr().expect("a bound listener has an address");
    (listener, address)
}

/// A request that [`serve`] received, byte for byte.
#[derive(Debug, Clone)]
pub struct Received {
    /// The method.
    pub method: Method,
    /// The request target, as in the request line.
    pub target: String,
    /// The header fields, in order.
    pub headers: HeaderMap,
    /// The body. A chunked body is not read.
    pub body: Bytes,
}

impl Received {
    /// Returns the path without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Returns the first value of a header if it is visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the fields of a urlencoded body.
    pub fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }
}

/// Starts a server on a free port of 127.0.0.1 and returns its address. The server responds to each request with the
/// value that `respond` returns, and then closes the connection. It ends with the test's runtime.
pub async fn serve<F, B>(respond: F) -> SocketAddr
where
    F: Fn(Received) -> Response<B> + Send + Sync + 'static,
    B: Into<Bytes> + 'static,
{
    let (listener, address) = bind().await;
    let respond = Arc::new(respond);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let respond = Arc::clone(&respond);
            tokio::spawn(async move {
                // Browsers also open connections that they do not use.
                let Some(request) = read(&mut stream).await else { return };
                let head_only = request.method == Method::HEAD;
                let bytes = render(respond(request), head_only);
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    address
}

async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line).await.ok()?;
    let text = String::from_utf8(line).ok()?;
    let mut words = text.split_ascii_whitespace();
    let (method, target) = (words.next()?.parse().ok()?, words.next()?.to_owned());
    let mut headers = HeaderMap::new();
    loop {
        let mut line = Vec::new();
        stream.read_until(b'\n', &mut line).await.ok()?;
        let line = line.trim_ascii();
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        headers.append(HeaderName::from_bytes(&line[..colon]).ok()?, value);
    }
    let length = headers.get(http::header::CONTENT_LENGTH).map_or(Some(0), |v| v.to_str().ok()?.parse().ok())?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Received { method, target, headers, body: body.into() })
}

fn render<B: Into<Bytes>>(response: Response<B>, head_only: bool) -> Vec<u8> {
    let (head, body) = response.into_parts();
    let body = body.into();
    let mut bytes = format!("HTTP/1.1 {}\r\n", head.status).into_bytes();
    for (name, value) in &head.headers {
        bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    bytes.extend(format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len()).into_bytes());
    if !head_only {
        bytes.extend(body);
    }
    bytes
}
