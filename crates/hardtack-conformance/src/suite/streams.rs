//! Bodies that are too large to hold, that have no end, or whose client is gone.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use super::case::Case;
use super::site::{ACCESS, Site, csrf_of, value_of};
use super::wire::{Repeated, Wire};

const MULTIPART: &str = "multipart/form-data; boundary=edge";
const URLENCODED: &str = "application/x-www-form-urlencoded";
const MEBIBYTE: u64 = 1 << 20;

/// The most that a gibibyte may add to the memory of server and client together.
const MOST_GROWTH: u64 = 64 * MEBIBYTE;

/// Begins a form whose next field has no end.
fn beginning(kind: &str, csrf: &str) -> String {
    match kind {
        URLENCODED => format!("csrf_token={csrf}&file="),
        MULTIPART => format!(
            "--edge\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\n{csrf}\r\n\
             --edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n"
        ),
        _ => String::new(),
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::new("streams: a gibibyte in a multipart form is never held", |site| gibibyte(site, MULTIPART)),
        Case::new("streams: 256 MiB in a form are never held", |site| async move {
            upload(&site, URLENCODED, 256).await;
        }),
        Case::new("streams: 256 MiB of no form are never held", |site| async move {
            upload(&site, "application/octet-stream", 256).await;
        }),
    ];
    for (kind, code) in [
        (URLENCODED, "csrf_beyond_peek"),
        (MULTIPART, "csrf_beyond_peek"),
        ("application/octet-stream", "csrf_missing"),
    ] {
        let media = kind.split(';').next().unwrap();
        for path in ["/upload", "/echo", "/guarded/page"] {
            cases.push(Case::new(format!("streams: an endless {media} to {path} is refused"), move |site| {
                endless(site, kind, path, code)
            }));
        }
    }
    for kind in [URLENCODED, MULTIPART, "application/octet-stream"] {
        for peeked in [true, false] {
            let media = kind.split(';').next().unwrap();
            let at = if peeked { "behind its CSRF value" } else { "before it" };
            cases.push(Case::new(format!("streams: a client gone in {media}, {at}"), move |site| {
                gone(site, kind, peeked)
            }));
        }
    }
    cases.push(Case::new("streams: slow clients keep nobody waiting", slow_clients));
    cases
}

async fn gibibyte(site: Site, kind: &'static str) {
    let started = Instant::now();
    upload(&site, kind, 1024).await;
    let took = started.elapsed();
    // A second on an idle machine; this is for busy ones.
    site.same("it takes less than a minute", took < Duration::from_secs(60), true);
    println!("a gibibyte took {:.1} s", took.as_secs_f32());
}

/// Sends mebibytes to `/upload`, and watches this process's memory, which is the server's too.
async fn upload(site: &Site, kind: &'static str, mebibytes: u64) {
    let alice = site.alice().await;
    let csrf = csrf_of(&alice);
    let cookie = format!("{ACCESS}={}", value_of(&alice, ACCESS));
    let mut growth = 0;
    // Other tests of this process may take memory in the meantime. A body that is held takes it every time.
    for _ in 0..3 {
        let body = Repeated::new(beginning(kind, &csrf), Bytes::from(vec![b'x'; MEBIBYTE as usize]), mebibytes);
        let length = body.length();
        let mut request = http::Request::post(format!("http://{}/upload", site.address))
            .header("host", "site.example")
            .header("content-type", kind)
            .header("cookie", &cookie);
        if beginning(kind, &csrf).is_empty() {
            request = request.header("x-csrf-token", &csrf);
        }

        let before = start_of_peak();
        let pool = Pool::builder(TokioExecutor::new()).build_http();
        let response = pool.request(request.body(body).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let text = response.into_body().collect().await.unwrap().to_bytes();
        growth = peak().saturating_sub(before);

        site.same("status", status, 200);
        site.same("counted", serde_json::from_slice::<Value>(&text).ok(), Some(json!({ "bytes": length })));
        if growth < MOST_GROWTH {
            return;
        }
    }
    site.same("memory that it took, in MiB", growth / MEBIBYTE, 0);
}

/// The most memory that this process has had, in bytes; zero where the system does not tell.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or(0) << 10
}

/// Lets the peak begin anew, so that what was held before does not hide what is held now.
fn start_of_peak() -> u64 {
    // proc_pid_clear_refs(5): 5 resets the peak. Where that may not be written, the old one has to do.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    peak()
}

async fn endless(site: Site, kind: &'static str, path: &'static str, code: &'static str) {
    let alice = site.alice().await;
    let mut wire = Wire::open(site.address).await;
    let cookie = format!("{ACCESS}={}", value_of(&alice, ACCESS));
    let fields = [("Cookie", cookie.as_str()), ("Content-Type", kind), ("Content-Length", "1099511627776")];
    wire.head(&format!("POST {path}"), &fields).await;
    if kind == MULTIPART {
        wire.write(b"--edge\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n").await;
    }
    let (answer, poured) = wire.pour(&[b'x'; 16 << 10], 64 << 20).await;
    site.same("answer", site.told_of(&answer), format!("403 {code}"));
    // Sockets hold some; a terabyte they do not.
    site.same("read little of it", poured < 48 << 20, true);
    site.same("no handler ran", site.calls().await, 0);
}

async fn gone(site: Site, kind: &'static str, peeked: bool) {
    let mut alice = site.alice().await;
    let cookie = format!("{ACCESS}={}", value_of(&alice, ACCESS));
    let csrf = csrf_of(&alice);
    for path in ["/echo", "/upload", "/guarded/token"] {
        let mut wire = Wire::open(site.address).await;
        let mut fields = vec![("Cookie", cookie.as_str()), ("Content-Type", kind), ("Content-Length", "100000")];
        if kind == "application/octet-stream" && peeked {
            fields.push(("X-CSRF-Token", &csrf));
        }
        wire.head(&format!("POST {path}"), &fields).await;
        if peeked {
            wire.write(beginning(kind, &csrf).as_bytes()).await;
        }
        wire.write(b"half of").await;
        // So that the server has begun to read.
        tokio::time::sleep(Duration::from_millis(20)).await;
        wire.vanish();
    }
    site.expect("the server goes on", &alice.get("/anyone").send().await, "200");
    site.same("no handler ran", site.calls().await, 0);
}

/// More slow clients than a server has threads.
async fn slow_clients(site: Site) {
    let mut alice = site.alice().await;
    let cookie = format!("{ACCESS}={}", value_of(&alice, ACCESS));
    let csrf = csrf_of(&alice);
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut wire = Wire::open(site.address).await;
        let fields = [("Cookie", cookie.as_str()), ("Content-Type", URLENCODED), ("Content-Length", "66")];
        wire.head("POST /echo", &fields).await;
        wire.write(b"a=").await;
        slow.push(wire);
    }
    let quick = tokio::time::timeout(Duration::from_secs(5), alice.get("/protected").send()).await;
    site.same("a quick one", quick.is_ok_and(|answer| answer.status() == 200), true);
    for mut wire in slow {
        let rest = format!("1&csrf_token={csrf}&b=");
        wire.write(rest.as_bytes()).await;
        wire.write("x".repeat(66 - 2 - rest.len()).as_bytes()).await;
        site.same("a slow one", site.told_of(&wire.answer().await), "200".to_owned());
    }
}
