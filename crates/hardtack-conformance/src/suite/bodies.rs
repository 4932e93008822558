//! Bodies that the adapter reads ahead of the handler: they arrive whole, however they are sent.

use std::time::Duration;

use super::case::Case;
use super::csrf::multipart;
use super::site::{ACCESS, Site, csrf_of, value_of};
use super::wire::Wire;

const URLENCODED: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=edge";

/// Everything but the CSRF value, which is put in for `{}`.
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
        _ => multipart(&[
            ("name=\"first\"", "1"),
            ("name=\"csrf_token\"", csrf),
            ("name=\"file\"; filename=\"a\"", &long),
        ]),
    }
}

async fn wire(site: &Site) -> (Wire, String, String) {
    let alice = site.alice().await;
    let cookie = format!("{ACCESS}={}", value_of(&alice, ACCESS));
    (Wire::open(site.address).await, cookie, csrf_of(&alice))
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &(length, kind, filler) in SHAPES {
        let media = kind.split(';').next().unwrap();
        cases.push(Case::new(format!("bodies: {media} {length}, with its length"), move |site| async move {
            let (mut wire, cookie, csrf) = wire(&site).await;
            let body = body(kind, &csrf, filler);
            let length = body.len().to_string();
            let fields = [("Cookie", cookie.as_str()), ("Content-Type", kind), ("Content-Length", &length)];
            wire.head("POST /echo", &fields).await;
            wire.write(body.as_bytes()).await;
            arrived(&site, wire, &body).await;
        }));
        // A byte a chunk for what is short; a long one would only take longer.
        for size in if filler == 0 { &[1, 2, 7, 64][..] } else { &[1000, 16 << 10] } {
            let name = format!("bodies: {media} {length}, in chunks of {size}");
            cases.push(Case::new(name, move |site| async move {
                let (mut wire, cookie, csrf) = wire(&site).await;
                let body = body(kind, &csrf, filler);
                chunked_head(&mut wire, &cookie, kind).await;
                wire.chunks(body.as_bytes(), *size, Duration::ZERO).await;
                arrived(&site, wire, &body).await;
            }));
        }
        if filler == 0 {
            cases.push(Case::new(format!("bodies: {media} {length}, trickling"), move |site| async move {
                let (mut wire, cookie, csrf) = wire(&site).await;
                let body = body(kind, &csrf, filler);
                chunked_head(&mut wire, &cookie, kind).await;
                wire.chunks(body.as_bytes(), 5, Duration::from_millis(3)).await;
                arrived(&site, wire, &body).await;
            }));
        }
    }
    cases.extend(others());
    cases
}

async fn chunked_head(wire: &mut Wire, cookie: &str, kind: &str) {
    let fields =
        [("Cookie", cookie), ("Content-Type", kind), ("Transfer-Encoding", "chunked"), ("Trailer", "x-checksum")];
    wire.head("POST /echo", &fields).await;
}

/// The echo is what was sent, and the handler ran once.
async fn arrived(site: &Site, mut wire: Wire, body: &str) {
    let answer = wire.answer().await;
    site.same("answer", site.told_of(&answer), "200".to_owned());
    site.same("length", answer.body.len(), body.len());
    site.same("every byte", answer.body == body.as_bytes(), true);
    site.same("the handler ran once", answer.text("x-calls"), Some("1"));
}

fn others() -> Vec<Case> {
    vec![
        Case::new("bodies: of no form, 3 MiB, are not looked at", |site| async move {
            let mut alice = site.alice().await;
            let body = vec![0xff; 3 << 20];
            for kind in ["application/octet-stream", "application/json", "text/plain"] {
                let request = alice.post("/echo").csrf().header("content-type", kind);
                let answer = request.body(body.clone()).send().await;
                site.expect(kind, &answer, "200");
                site.same("every byte", answer.bytes() == &body, true);
            }
        }),
        Case::new("bodies: empty forms", |site| async move {
            let mut alice = site.alice().await;
            for kind in [URLENCODED, MULTIPART] {
                let with_header = alice.post("/echo").csrf().header("content-type", kind).send().await;
                site.expect(kind, &with_header, "200");
                site.same("nothing", with_header.bytes().len(), 0);
                let without = alice.post("/echo").header("content-type", kind).send().await;
                site.expect(kind, &without, "403 csrf_missing");
            }
        }),
        Case::new("bodies: the client waits for 100 Continue", |site| async move {
            let (mut wire, cookie, csrf) = wire(&site).await;
            let body = body(URLENCODED, &csrf, 1 << 10);
            let length = body.len().to_string();
            let fields = [
                ("Cookie", cookie.as_str()),
                ("Content-Type", URLENCODED),
                ("Content-Length", &length),
                ("Expect", "100-continue"),
            ];
            wire.head("POST /echo", &fields).await;
            let interim = wire.interim().await;
            site.same("go on", interim.starts_with("HTTP/1.1 100 "), true);
            wire.write(body.as_bytes()).await;
            arrived(&site, wire, &body).await;
        }),
        Case::new("bodies: another site's form is refused before it is complete", |site| async move {
            let (mut wire, cookie, csrf) = wire(&site).await;
            let fields = [
                ("Cookie", cookie.as_str()),
                ("Content-Type", "application/octet-stream"),
                ("Content-Length", "1000000"),
                ("X-CSRF-Token", &csrf),
                ("Sec-Fetch-Site", "cross-site"),
            ];
            wire.head("POST /upload", &fields).await;
            wire.write(b"the beginning").await;
            let (answer, _) = wire.pour(b"", 0).await;
            site.same("answer", site.told_of(&answer), "403 csrf_cross_site".to_owned());
        }),
    ]
}
