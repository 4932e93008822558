//! An adapter may read the beginning of a body before the handler does. The handler must still receive every byte of
//! the body, whether the client sends it all at once, in chunks, or slowly.

use std::time::Duration;

use crate::harness::{
    ACCESS, Case, MULTIPART, RawConnection, Site, URLENCODED, cookie_value, csrf_token, multipart_body,
};

/// The bodies to send. Each entry contains a description of the body's length (for the case's name), the media type,
/// and the number of filler bytes.
const SHAPES: &[(&str, &str, usize)] = &[
    ("short", URLENCODED, 0),
    ("of 60 KiB", URLENCODED, 60 << 10),
    ("of 64 KiB", URLENCODED, 64 << 10),
    ("of 300 KiB", URLENCODED, 300 << 10),
    ("short", MULTIPART, 0),
    ("of 60 KiB", MULTIPART, 60 << 10),
    ("of 300 KiB", MULTIPART, 300 << 10),
];

fn body(kind: &str, csrf: &str, filler: usize) -> String {
    let long = "0123456789abcdef".repeat(filler / 16);
    match kind {
        URLENCODED => format!("first=%201&csrf_token={csrf}&last={long}"),
        _ => multipart_body(&[
            ("name=\"first\"", "1"),
            ("name=\"csrf_token\"", csrf),
            ("name=\"file\"; filename=\"a\"", &long),
        ]),
    }
}

/// Opens a connection, and returns it together with a session's `Cookie` field and CSRF value.
async fn connect(site: &Site) -> (RawConnection, String, String) {
    let alice = site.alice().await;
    let cookie = format!("{ACCESS}={}", cookie_value(&alice, ACCESS));
    (RawConnection::open(site.address).await, cookie, csrf_token(&alice))
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &(length, kind, filler) in SHAPES {
        let media = kind.split(';').next().unwrap();
        cases.push(Case::new(format!("bodies: {media} {length}, with a Content-Length"), move |site| async move {
            let (mut connection, cookie, csrf) = connect(&site).await;
            let body = body(kind, &csrf, filler);
            let length = body.len().to_string();
            let fields = [("Cookie", cookie.as_str()), ("Content-Type", kind), ("Content-Length", &length)];
            connection.write_head("POST /echo", &fields).await;
            connection.write(body.as_bytes()).await;
            expect_echo(&site, connection, &body).await;
        }));
        // Send only short bodies in tiny chunks. Sending long bodies this way would take too long, and would not test
        // anything new.
        for size in if filler == 0 { &[1, 2, 7, 64][..] } else { &[1000, 16 << 10] } {
            let name = format!("bodies: {media} {length}, in chunks of {size}");
            cases.push(Case::new(name, move |site| async move {
                let (mut connection, cookie, csrf) = connect(&site).await;
                let body = body(kind, &csrf, filler);
                write_chunked_head(&mut connection, &cookie, kind).await;
                connection.write_chunks(body.as_bytes(), *size, Duration::ZERO).await;
                expect_echo(&site, connection, &body).await;
            }));
        }
        if filler == 0 {
            cases.push(Case::new(format!("bodies: {media} {length}, in slow chunks"), move |site| async move {
                let (mut connection, cookie, csrf) = connect(&site).await;
                let body = body(kind, &csrf, filler);
                write_chunked_head(&mut connection, &cookie, kind).await;
                connection.write_chunks(body.as_bytes(), 5, Duration::from_millis(3)).await;
                expect_echo(&site, connection, &body).await;
            }));
        }
    }
    cases.extend(others());
    cases
}

async fn write_chunked_head(connection: &mut RawConnection, cookie: &str, kind: &str) {
    let fields =
        [("Cookie", cookie), ("Content-Type", kind), ("Transfer-Encoding", "chunked"), ("Trailer", "x-checksum")];
    connection.write_head("POST /echo", &fields).await;
}

/// Checks that the handler ran once and echoed the body.
async fn expect_echo(site: &Site, mut connection: RawConnection, body: &str) {
    let response = connection.read_response().await;
    site.expect("response", &response, "200");
    site.expect_eq("length", response.body.len(), body.len());
    site.expect_eq("every byte", response.body == body.as_bytes(), true);
    site.expect_eq("the handler ran once", response.header("x-calls"), Some("1"));
}

fn others() -> Vec<Case> {
    vec![
        Case::new("bodies: 3 MiB that are not a form reach the handler", |site| async move {
            let mut alice = site.alice().await;
            let body = vec![0xff; 3 << 20];
            for kind in ["application/octet-stream", "application/json", "text/plain"] {
                let request = alice.post("/echo").csrf().header("content-type", kind);
                let response = request.body(body.clone()).send().await;
                site.expect(kind, &response, "200");
                site.expect_eq("every byte", response.bytes() == &body, true);
            }
        }),
        Case::new("bodies: empty forms", |site| async move {
            let mut alice = site.alice().await;
            for kind in [URLENCODED, MULTIPART] {
                let with_header = alice.post("/echo").csrf().header("content-type", kind).send().await;
                site.expect(kind, &with_header, "200");
                site.expect_eq("empty body", with_header.bytes().len(), 0);
                let without = alice.post("/echo").header("content-type", kind).send().await;
                site.expect(kind, &without, "403 csrf_missing");
            }
        }),
        Case::new("bodies: the client waits for 100 Continue before it sends the form", |site| async move {
            let (mut connection, cookie, csrf) = connect(&site).await;
            let body = body(URLENCODED, &csrf, 1 << 10);
            let length = body.len().to_string();
            let fields = [
                ("Cookie", cookie.as_str()),
                ("Content-Type", URLENCODED),
                ("Content-Length", &length),
                ("Expect", "100-continue"),
            ];
            connection.write_head("POST /echo", &fields).await;
            let interim = connection.read_interim().await;
            site.expect_eq("interim response", interim.starts_with("HTTP/1.1 100 "), true);
            connection.write(body.as_bytes()).await;
            expect_echo(&site, connection, &body).await;
        }),
        Case::new("bodies: a cross-site request is refused before its body is complete", |site| async move {
            let (mut connection, cookie, csrf) = connect(&site).await;
            let fields = [
                ("Cookie", cookie.as_str()),
                ("Content-Type", "application/octet-stream"),
                ("Content-Length", "1000000"),
                ("X-CSRF-Token", &csrf),
                ("Sec-Fetch-Site", "cross-site"),
            ];
            connection.write_head("POST /upload", &fields).await;
            connection.write(b"the beginning").await;
            let (response, _) = connection.write_until_response(b"", 0).await;
            site.expect("response", &response, "403 csrf_cross_site");
        }),
    ]
}
