//! A form's body, of which the layer reads the beginning ahead: it reaches the handler whole.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Bytes, Data, PayloadConfig};
use actix_web::{App, Error, HttpMessage, body::MessageBody};
use futures_core::Stream;
use hardtack_actix::{AccessToken, AuthLayer};
use hardtack_conformance::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::site::{ACCESS, CSRF, Site, refused, routes, serve};

const URLENCODED: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=edge";

fn csrf(client: &Client) -> String {
    client.cookie(CSRF).unwrap().value.clone()
}

fn part(name: &str, value: &str) -> String {
    format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

/// Writes a request with a body of chunks by hand; gives the response's text.
async fn send_chunks(site: &Site, client: &Client, content_type: &str, chunks: impl Iterator<Item = &[u8]>) -> String {
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    let cookie = &client.cookie(ACCESS).unwrap().value;
    let head = format!(
        "POST /page HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\nCookie: {ACCESS}={cookie}\r\n\
         Content-Type: {content_type}\r\nTransfer-Encoding: chunked\r\nTrailer: x-checksum\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    for chunk in chunks {
        let length = format!("{:x}\r\n", chunk.len());
        stream.write_all(&[length.as_bytes(), chunk, b"\r\n"].concat()).await.unwrap();
    }
    stream.write_all(b"0\r\nx-checksum: 1\r\n\r\n").await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

#[tokio::test]
async fn one_byte_at_a_time() {
    let site = Site::start().await;
    let alice = site.alice().await;
    let csrf = csrf(&alice);
    let urlencoded = format!("first=1&csrf_token={csrf}&last=2");
    let multipart = format!("{}{}{}--edge--\r\n", part("first", "1"), part("csrf_token", &csrf), part("last", "2"));
    for (content_type, body) in [(URLENCODED, urlencoded), (MULTIPART, multipart)] {
        for size in [1, 2, 3, 64] {
            let response = send_chunks(&site, &alice, content_type, body.as_bytes().chunks(size)).await;
            assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
            assert!(response.ends_with(&format!("alice:{body}")), "{response}");
        }
    }
}

#[tokio::test]
async fn more_than_is_read_ahead() {
    let site = Site::bare(
        |builder| builder,
        |auth| {
            serve!(move || App::new()
                .app_data(PayloadConfig::new(10 << 20))
                .configure(routes)
                .wrap(AuthLayer::new(auth.clone())))
        },
    )
    .await;
    let mut alice = site.alice().await;
    let csrf = csrf(&alice);
    let long = "0123456789abcdef".repeat(20_000);
    let multipart = format!("{}{}--edge--\r\n", part("csrf_token", &csrf), part("long", &long));
    let urlencoded = format!("csrf_token={csrf}&long={long}");
    for (content_type, body) in [(MULTIPART, &multipart), (URLENCODED, &urlencoded)] {
        let response = alice.post("/page").header("content-type", content_type).body(body.clone()).send().await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.text(), format!("alice:{body}"));
        let response = send_chunks(&site, &alice, content_type, body.as_bytes().chunks(1000)).await;
        assert!(response.ends_with(&body[body.len() - 1000..]), "a body without a length");
    }

    // A field behind the limit is not found, and the client is told where to put it.
    let late = format!("long={long}&csrf_token={csrf}");
    let late_field = alice.post("/page").header("content-type", URLENCODED).body(late.clone()).send().await;
    assert_eq!(refused(&late_field), (403, "csrf_beyond_peek".into()));
    assert!(late_field.json()["detail"].as_str().unwrap().contains("first in the form"));
    // With the header no field is needed, and nothing is read ahead.
    let accepted = alice.post("/page").csrf().header("content-type", URLENCODED).body(late).send().await;
    assert_eq!(accepted.status(), 200);
}

#[tokio::test]
async fn a_body_that_breaks_off() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    let cookie = alice.cookie(ACCESS).unwrap().value.clone();
    let csrf = csrf(&alice);
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    let head = format!(
        "POST /page HTTP/1.1\r\nHost: site.example\r\nCookie: {ACCESS}={cookie}\r\nContent-Type: {URLENCODED}\r\n\
         Content-Length: 1000\r\n\r\ncsrf_token={csrf}"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert!(!response.starts_with("HTTP/1.1 200"), "the handler never sees half a form: {response}");
    assert_eq!(alice.get("/page").send().await.text(), "alice:");
}

/// How far the layer has read ahead of the handler.
#[derive(Clone, Default)]
struct Lead {
    arrived: Arc<AtomicUsize>,
    largest_chunk: Arc<AtomicUsize>,
}

/// Counts what is taken from the socket.
struct Counted {
    payload: Payload,
    lead: Lead,
}

impl Stream for Counted {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut self.payload).poll_next(cx);
        if let Poll::Ready(Some(Ok(data))) = &polled {
            self.lead.arrived.fetch_add(data.len(), Ordering::SeqCst);
            self.lead.largest_chunk.fetch_max(data.len(), Ordering::SeqCst);
        }
        polled
    }
}

#[tokio::test]
async fn an_upload_of_200_mebibytes_is_not_kept() {
    const BLOCK: usize = 1 << 20;
    const BLOCKS: usize = 200;

    /// Answers how much came, and by how much the layer was ahead at most.
    async fn upload(_: AccessToken, lead: Data<Lead>, mut body: web::Payload) -> String {
        let (mut read, mut ahead) = (0, 0);
        while let Some(data) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await {
            ahead = ahead.max(lead.arrived.load(Ordering::SeqCst) - read);
            read += data.unwrap().len();
        }
        format!("{read} {ahead}")
    }

    async fn count(
        lead: Data<Lead>,
        mut request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        let counted = Counted { payload: request.take_payload(), lead: Lead::clone(&lead) };
        request.set_payload(Payload::Stream { payload: Box::pin(counted) });
        next.call(request).await
    }

    let lead = Lead::default();
    let counted = lead.clone();
    let site = Site::bare(
        |builder| builder,
        |auth| {
            serve!(move || {
                App::new()
                    .app_data(Data::new(counted.clone()))
                    .configure(routes)
                    .route("/upload", web::post().to(upload))
                    .wrap(AuthLayer::new(auth.clone()))
                    .wrap(from_fn(count))
            })
        },
    )
    .await;
    let alice = site.alice().await;
    let start = format!("{}{}", part("csrf_token", &csrf(&alice)), "--edge\r\n\r\n");
    let length = start.len() + BLOCK * BLOCKS;

    let mut stream = TcpStream::connect(site.address).await.unwrap();
    let cookie = &alice.cookie(ACCESS).unwrap().value;
    let head = format!(
        "POST /upload HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\nCookie: {ACCESS}={cookie}\r\n\
         Content-Type: {MULTIPART}\r\nContent-Length: {length}\r\n\r\n{start}"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let block = vec![b'x'; BLOCK];
    for _ in 0..BLOCKS {
        stream.write_all(&block).await.unwrap();
    }
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let (_, answer) = response.split_once("\r\n\r\n").unwrap();
    let (read, ahead) = answer.split_once(' ').unwrap_or_else(|| panic!("{response}"));
    assert_eq!(read, length.to_string());
    let ahead: usize = ahead.parse().unwrap();
    let chunk = lead.largest_chunk.load(Ordering::SeqCst);
    assert!(ahead <= 64 * 1024 + chunk, "{ahead} bytes were kept, with chunks of up to {chunk}");
    assert!(chunk <= 1 << 20, "{chunk}");
}
