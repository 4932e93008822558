//! How much of a request's body the adapter reads before the handler runs. The adapter reads ahead only if the handler
//! needs a token or uses `Auth`, and only if the request has a cookie that this site issued. It never reads more than
//! the limits allow.

use std::time::Duration;

use hardtack::config::ReadAheadLimits;

use crate::harness::{ACCESS, Case, PRE_SESSION, RawConnection, Site, URLENCODED, cookie_value, csrf_token};

/// The cases in which the server must not read the body. Each row contains a name, the path, the cookie and the
/// response. The client sends only the beginning of a form, and the server must respond without waiting for the rest.
const UNREAD: &[(&str, &str, Sent, &str)] = &[
    ("an unknown path", "/nowhere", Sent::Session, "404"),
    ("a cookie that no key has signed", "/protected", Sent::Unsigned, "401 not_compact -access -refresh"),
    ("the same with Require", "/guarded/page", Sent::Unsigned, "401 not_compact -access -refresh"),
    ("a log-in form with another application's cookie", "/signup", Sent::Other, "403 csrf_missing"),
    ("a token is needed, and only the cookie of a log-in form is sent", "/protected", Sent::Nonce, "401 missing_token"),
];

#[derive(Clone, Copy)]
enum Sent {
    /// The access cookie of a session.
    Session,
    /// An access cookie whose value is not a token.
    Unsigned,
    /// The cookie that belongs to a log-in form.
    Nonce,
    /// A cookie of another application.
    Other,
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &(name, path, sent, expected) in UNREAD {
        cases.push(Case::new(format!("reading ahead: nothing for {name}"), move |site| async move {
            let mut connection = begin(&site, path, sent, "a=b").await;
            site.expect("response", connection.read_response().await, expected);
        }));
    }
    let slow = ReadAheadLimits::default().timeout(Duration::from_millis(50));
    for (name, path, sent) in [
        ("a token", "/protected", Sent::Session),
        ("Require", "/guarded/page", Sent::Session),
        ("Auth", "/signup", Sent::Nonce),
        ("Auth of a session", "/logout", Sent::Session),
    ] {
        let case = Case::new(format!("reading ahead: a slow form, read for {name}"), move |site| async move {
            let mut connection = begin(&site, path, sent, "a=b").await;
            site.expect("response", connection.read_response().await, "408 body_too_slow");
            site.expect_eq("handler runs", site.calls().await, 0);
        });
        cases.push(case.configured(move |builder| builder.read_ahead_limits(slow)));
    }
    let one = ReadAheadLimits::default().at_once(1);
    cases.push(
        Case::new("reading ahead: too many forms at once", too_many)
            .configured(move |builder| builder.read_ahead_limits(one)),
    );
    let short = ReadAheadLimits::default().bytes(100);
    cases.push(
        Case::new("reading ahead: a lower byte limit", beyond_limit)
            .configured(move |builder| builder.read_ahead_limits(short)),
    );
    cases
}

/// Sends the beginning of a form.
async fn begin(site: &Site, path: &str, sent: Sent, start: &str) -> RawConnection {
    let cookie = match sent {
        Sent::Session => format!("{ACCESS}={}", cookie_value(&site.alice().await, ACCESS)),
        Sent::Unsigned => format!("{ACCESS}=forged"),
        Sent::Nonce => format!("{PRE_SESSION}={}", pre_session(site).await),
        Sent::Other => "theme=dark".to_owned(),
    };
    let mut connection = RawConnection::open(site.address).await;
    let fields = [("Cookie", cookie.as_str()), ("Content-Type", URLENCODED), ("Content-Length", "9000")];
    connection.write_head(&format!("POST {path}"), &fields).await;
    connection.write(start.as_bytes()).await;
    connection
}

async fn pre_session(site: &Site) -> String {
    let mut visitor = site.visitor();
    visitor.get("/form").send().await;
    cookie_value(&visitor, PRE_SESSION)
}

async fn too_many(site: Site) {
    let _held = begin(&site, "/protected", Sent::Session, "a=b").await;
    let mut alice = site.alice().await;
    // The server might not have started to read the first form yet. Until it has, it reads each form that this loop
    // sends, and refuses that form with 403.
    let refused = loop {
        let response = alice.post("/protected").accept_json().form(&[("a", "b")]).send().await;
        if response.status() != 403 {
            break response;
        }
    };
    site.expect("response", &refused, "503 too_many_bodies");
    site.expect_eq("Retry-After", refused.header("retry-after"), Some("5"));
    let csrf = csrf_token(&alice);
    let with_header = alice.post("/protected").accept_json().header("x-csrf-token", csrf).form(&[("a", "b")]);
    site.expect("with the value in a header", &with_header.send().await, "200");
}

async fn beyond_limit(site: Site) {
    let mut alice = site.alice().await;
    let (csrf, filler) = (csrf_token(&alice), "x".repeat(100));
    let early = alice.post("/protected").accept_json().form(&[("csrf_token", csrf.as_str()), ("a", &filler)]);
    site.expect("within the limit", &early.send().await, "200");
    let late = alice.post("/protected").accept_json().form(&[("a", filler.as_str()), ("csrf_token", &csrf)]);
    site.expect("beyond the limit", &late.send().await, "403 csrf_beyond_peek");
}
