//! How much other requests slow down while eight clients log in to the ready-made site without a pause.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::Failed;
use crate::load::{Load, Waits, call};
use crate::run::{Plan, Spread};
use crate::server::Server;
use crate::table::{Row, Target, Unit};

const CLIENTS: usize = 8;
const CONNECTIONS: usize = 32;
const CREDENTIALS: &str = r#"{"username":"alice","password":"a long enough passphrase"}"#;

pub(crate) fn measure(plan: &Plan) -> Result<Vec<Row>, Failed> {
    let folder = tempfile::tempdir()?;
    let server = Server::start_site(folder.path())?;
    let signed_up = call(server.address, &post("/signup"))?.status;
    if !(200..400).contains(&signed_up) {
        return Err(format!("the site responded to the sign-up with {signed_up}").into());
    }
    let mut load = Load::open(server.address, CONNECTIONS, server.request(), Waits::Asleep)?;
    load.run(plan.http_round)?;
    let (mut ratios, mut rates) = (Vec::new(), Vec::new());
    // The turns are long, because a log-in takes 10 ms or more.
    let turn = plan.http_round * 25;
    for _ in 0..plan.http_rounds / 12 {
        let alone = load.run(turn)?.per_second();
        let (beside, logins) = beside_logins(&server, &mut load, turn)?;
        ratios.push(beside / alone);
        rates.push(logins);
    }
    let memory = server.peak_memory()? as f64 / 1e6;
    Ok(vec![
        Row::new(
            "throughput of other requests while 8 clients log in, relative to no log-ins",
            Unit::Ratio,
            Spread::of(ratios),
        )
        .target(Target::AtLeast(0.5, None)),
        Row::new("the server's peak memory while 8 clients log in", Unit::Megabytes, Spread::exact(memory))
            .target(Target::AtMost(64.0, None)),
        Row::new("log-ins per second by these 8 clients", Unit::Count, Spread::of(rates)),
    ])
}

/// Returns the throughput of the other requests, and the log-ins per second.
fn beside_logins(server: &Server, load: &mut Load, span: Duration) -> Result<(f64, f64), Failed> {
    let (stop, good, bad) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let request = post("/login");
    let done = std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let answered = call(server.address, &request).map(|answer| answer.status);
                    let count = if answered.is_ok_and(|status| (200..400).contains(&status)) { &good } else { &bad };
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let done = load.run(span);
        stop.store(true, Ordering::Relaxed);
        done
    })?;
    let (good, bad) = (good.into_inner(), bad.into_inner());
    if good == 0 || bad > 0 {
        return Err(format!("{bad} log-ins failed and {good} succeeded; expected no failures").into());
    }
    Ok((done.per_second(), good as f64 / done.spent.as_secs_f64()))
}

/// Returns a POST request with the credentials as JSON.
fn post(path: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: site.example\r\naccept: application/json\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{CREDENTIALS}",
        CREDENTIALS.len()
    )
    .into_bytes()
}
