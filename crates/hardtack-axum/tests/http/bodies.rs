//! The layer reads the beginning of a form's body; the handler still receives the whole body.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::map_request;
use axum::routing::post;
use hardtack_axum::{AccessToken, AuthLayer};
use hardtack_test_support::Client;
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::site::{ACCESS, Site, code, routes};

const MULTIPART: &str = "multipart/form-data; boundary=edge";

fn csrf(client: &Client) -> String {
    client.cookie("__Host-csrf_access_token").unwrap().value.clone()
}

fn part(name: &str, value: &str) -> String {
    format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

/// How many bytes the layer has read that the handler has not yet received.
#[derive(Clone, Default)]
struct Lead {
    arrived: Arc<AtomicUsize>,
    largest_frame: Arc<AtomicUsize>,
}

/// Counts what is read from the socket. Panics if it is polled after its end, as many streams do.
struct Counted {
    body: Body,
    lead: Lead,
    ended: bool,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        assert!(!self.ended, "polled after the end");
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        self.ended = matches!(polled, Poll::Ready(None));
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            let length = frame.data_ref().map_or(0, Bytes::len);
            self.lead.arrived.fetch_add(length, Ordering::SeqCst);
            self.lead.largest_frame.fetch_max(length, Ordering::SeqCst);
        }
        polled
    }
}

/// A site that counts what is read before the layer.
async fn counting(lead: &Lead, more: Router) -> Site {
    let lead = lead.clone();
    let count = map_request(move |request: Request| {
        let lead = lead.clone();
        async move { request.map(|body| Body::new(Counted { body, lead, ended: false })) }
    });
    Site::bare(|builder| builder, |auth| routes().merge(more).layer(AuthLayer::new(auth)).layer(count)).await
}

#[tokio::test]
async fn a_body_is_not_polled_after_its_end() {
    let lead = Lead::default();
    let site = counting(&lead, Router::new()).await;
    let mut alice = site.alice().await;
    let csrf = csrf(&alice);
    let posted = alice.post("/page").form(&[("csrf_token", &csrf)]).send().await;
    assert_eq!(posted.text(), format!("alice:csrf_token={csrf}"));
    let refused = alice.post("/page").form(&[("a", "b")]).accept_json().send().await;
    assert_eq!(code(&refused), "csrf_missing");
    assert!(lead.arrived.load(Ordering::SeqCst) > csrf.len());
}

#[tokio::test]
async fn the_layer_reads_no_more_of_an_upload_than_the_peek_limit() {
    const BLOCK: usize = 1 << 20;
    const BLOCKS: usize = 8;

    /// Responds with the number of bytes received, and the largest number of bytes that the layer was ahead by.
    async fn upload(_: AccessToken, State(lead): State<Lead>, request: Request) -> String {
        let mut body = request.into_body();
        let (mut read, mut ahead) = (0, 0);
        while let Some(frame) = body.frame().await {
            ahead = ahead.max(lead.arrived.load(Ordering::SeqCst) - read);
            read += frame.unwrap().data_ref().map_or(0, Bytes::len);
        }
        format!("{read} {ahead}")
    }

    let lead = Lead::default();
    let site = counting(&lead, Router::new().route("/upload", post(upload)).with_state(lead.clone())).await;
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
    let (_, body) = response.split_once("\r\n\r\n").unwrap();
    let (read, ahead) = body.split_once(' ').unwrap_or_else(|| panic!("{response}"));
    assert_eq!(read, length.to_string());
    let ahead: usize = ahead.parse().unwrap();
    let frame = lead.largest_frame.load(Ordering::SeqCst);
    assert!(ahead <= 64 * 1024 + frame, "{ahead} bytes were buffered, with frames of up to {frame}");
    assert!(frame <= 1 << 20, "{frame}");
}
