//! The layer reads the beginning of a form's body; the handler still receives the whole body.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, Error, HttpMessage, body::MessageBody};
use futures_core::Stream;
use hardtack_actix::{AccessToken, AuthLayer};
use hardtack_test_support::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::site::{ACCESS, CSRF, Site, routes, serve};

const MULTIPART: &str = "multipart/form-data; boundary=edge";

fn csrf(client: &Client) -> String {
    client.cookie(CSRF).unwrap().value.clone()
}

fn part(name: &str, value: &str) -> String {
    format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

/// How many bytes the layer has read that the handler has not yet received.
#[derive(Clone, Default)]
struct Lead {
    arrived: Arc<AtomicUsize>,
    largest_chunk: Arc<AtomicUsize>,
}

/// Counts what is read from the socket.
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
async fn the_layer_reads_no_more_of_an_upload_than_the_peek_limit() {
    const BLOCK: usize = 1 << 20;
    const BLOCKS: usize = 8;

    /// Responds with the number of bytes received, and the largest number of bytes that the layer was ahead by.
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
    let (_, body) = response.split_once("\r\n\r\n").unwrap();
    let (read, ahead) = body.split_once(' ').unwrap_or_else(|| panic!("{response}"));
    assert_eq!(read, length.to_string());
    let ahead: usize = ahead.parse().unwrap();
    let chunk = lead.largest_chunk.load(Ordering::SeqCst);
    assert!(ahead <= 64 * 1024 + chunk, "{ahead} bytes were buffered, with chunks of up to {chunk}");
    assert!(chunk <= 1 << 20, "{chunk}");
}
