//! Bodies that are too large for memory or never end, and clients that disconnect or are slow.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::harness::{
    ACCESS, Case, MULTIPART, RawConnection, RepeatedBody, Site, URLENCODED, cookie_value, csrf_token,
};

const OCTETS: &str = "application/octet-stream";
const MEBIBYTE: u64 = 1 << 20;

/// The maximum growth of this process's memory during an upload. Both the server and the client run in this process.
const MOST_GROWTH: u64 = 64 * MEBIBYTE;

/// Returns the beginning of a form: the CSRF value, and then the start of a field that never ends.
fn form_start(kind: &str, csrf: &str) -> String {
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
        Case::new("streams: 1 GiB in a multipart form is not kept in memory", |site| gibibyte(site, MULTIPART)),
        Case::new("streams: 256 MiB in a form are not kept in memory", |site| async move {
            upload(&site, URLENCODED, 256).await;
        }),
        Case::new("streams: 256 MiB that are not a form are not kept in memory", |site| async move {
            upload(&site, OCTETS, 256).await;
        }),
    ];
    for (kind, code) in [(URLENCODED, "csrf_beyond_peek"), (MULTIPART, "csrf_beyond_peek"), (OCTETS, "csrf_missing")] {
        let media = kind.split(';').next().unwrap();
        for path in ["/upload", "/echo", "/guarded/page"] {
            cases.push(Case::new(format!("streams: an endless {media} to {path} is refused"), move |site| {
                endless(site, kind, path, code)
            }));
        }
    }
    for kind in [URLENCODED, MULTIPART, OCTETS] {
        for peeked in [true, false] {
            let media = kind.split(';').next().unwrap();
            let at = if peeked { "after" } else { "before" };
            cases.push(Case::new(
                format!("streams: a client disconnects in {media}, {at} its CSRF value"),
                move |site| disconnect(site, kind, peeked),
            ));
        }
    }
    cases.push(Case::new("streams: slow clients do not delay others", slow_clients));
    cases
}

async fn gibibyte(site: Site, kind: &'static str) {
    let started = Instant::now();
    upload(&site, kind, 1024).await;
    let took = started.elapsed();
    // The upload takes about a second on an idle machine. The limit is longer, because the machine might be busy.
    site.expect_eq("takes less than a minute", took < Duration::from_secs(60), true);
    println!("uploading 1 GiB took {:.1} s", took.as_secs_f32());
}

/// Sends a body to `/upload` and measures how much memory this process uses. The server runs in the same process.
async fn upload(site: &Site, kind: &'static str, mebibytes: u64) {
    let alice = site.alice().await;
    let csrf = csrf_token(&alice);
    let cookie = format!("{ACCESS}={}", cookie_value(&alice, ACCESS));
    let mut growth = 0;
    // Other tests in this process might allocate memory at the same time, so the case passes if one of three attempts
    // succeeds.
    for _ in 0..3 {
        let body = RepeatedBody::new(form_start(kind, &csrf), Bytes::from(vec![b'x'; MEBIBYTE as usize]), mebibytes);
        let length = body.length();
        let mut request = http::Request::post(format!("http://{}/upload", site.address))
            .header("host", "site.example")
            .header("content-type", kind)
            .header("cookie", &cookie);
        if form_start(kind, &csrf).is_empty() {
            request = request.header("x-csrf-token", &csrf);
        }

        let before = reset_peak();
        let pool = Pool::builder(TokioExecutor::new()).build_http();
        let response = pool.request(request.body(body).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let text = response.into_body().collect().await.unwrap().to_bytes();
        growth = peak_memory().saturating_sub(before);

        site.expect_eq("status", status, 200);
        site.expect_eq("counted bytes", serde_json::from_slice::<Value>(&text).ok(), Some(json!({ "bytes": length })));
        if growth < MOST_GROWTH {
            return;
        }
    }
    site.expect_eq("memory taken, in MiB", growth / MEBIBYTE, 0);
}

/// Returns the peak memory of this process in bytes, or zero on systems without `/proc`.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or(0) << 10
}

/// Resets the recorded peak memory to the current memory, and returns the new value.
fn reset_peak() -> u64 {
    // Writing 5 resets the peak (proc_pid_clear_refs(5)). If writing is not permitted, the peak is not reset.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    peak_memory()
}

async fn endless(site: Site, kind: &'static str, path: &'static str, code: &'static str) {
    let alice = site.alice().await;
    let mut connection = RawConnection::open(site.address).await;
    let cookie = format!("{ACCESS}={}", cookie_value(&alice, ACCESS));
    let fields = [("Cookie", cookie.as_str()), ("Content-Type", kind), ("Content-Length", "1099511627776")];
    connection.write_head(&format!("POST {path}"), &fields).await;
    if kind == MULTIPART {
        connection.write(b"--edge\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n").await;
    }
    let (response, written) = connection.write_until_response(&[b'x'; 16 << 10], 64 << 20).await;
    // A framework might run a handler's extractors concurrently. The body extractor might then refuse the request
    // first, because the body is too long.
    let summary = site.summary(&response);
    let expected = if path == "/echo" && summary == "413" { summary.clone() } else { format!("403 {code}") };
    site.expect_eq("response", summary, expected);
    // The limit allows for several megabytes in socket buffers that the server has not read.
    site.expect_eq("writes less than 48 MiB", written < 48 << 20, true);
    site.expect_eq("handler runs", site.calls().await, 0);
}

async fn disconnect(site: Site, kind: &'static str, peeked: bool) {
    let mut alice = site.alice().await;
    let cookie = format!("{ACCESS}={}", cookie_value(&alice, ACCESS));
    let csrf = csrf_token(&alice);
    for path in ["/echo", "/upload", "/guarded/token"] {
        let mut connection = RawConnection::open(site.address).await;
        let mut fields = vec![("Cookie", cookie.as_str()), ("Content-Type", kind), ("Content-Length", "100000")];
        if kind == OCTETS && peeked {
            fields.push(("X-CSRF-Token", &csrf));
        }
        connection.write_head(&format!("POST {path}"), &fields).await;
        if peeked {
            connection.write(form_start(kind, &csrf).as_bytes()).await;
        }
        connection.write(b"half of").await;
        // Give the server time to start reading.
        tokio::time::sleep(Duration::from_millis(20)).await;
        connection.reset();
    }
    site.expect("another request", &alice.get("/anyone").send().await, "200");
    site.expect_eq("handler runs", site.calls().await, 0);
}

/// Opens more slow connections than the server has threads.
async fn slow_clients(site: Site) {
    let mut alice = site.alice().await;
    let cookie = format!("{ACCESS}={}", cookie_value(&alice, ACCESS));
    let csrf = csrf_token(&alice);
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut connection = RawConnection::open(site.address).await;
        let fields = [("Cookie", cookie.as_str()), ("Content-Type", URLENCODED), ("Content-Length", "66")];
        connection.write_head("POST /echo", &fields).await;
        connection.write(b"a=").await;
        slow.push(connection);
    }
    let quick = tokio::time::timeout(Duration::from_secs(60), alice.get("/protected").send()).await;
    site.expect_eq("a request in the meantime", quick.is_ok_and(|response| response.status() == 200), true);
    for mut connection in slow {
        let rest = format!("1&csrf_token={csrf}&b=");
        connection.write(rest.as_bytes()).await;
        connection.write("x".repeat(66 - 2 - rest.len()).as_bytes()).await;
        site.expect("a slow client", connection.read_response().await, "200");
    }
}
