//! Sessions that are bound to devices.

use std::time::Duration;

use hardtack::config::DeviceBinding;
use hardtack::jwt::Algorithm;
use hardtack::testing::TestDevice;
use serde_json::json;

use crate::client::{Client, Request, Response};
use crate::harness::{ACCESS, Case, Site, csrf_token};

const REGISTRATION: &str = "secure-session-registration";
const CHALLENGE: &str = "secure-session-challenge";
const PROOF: &str = "secure-session-response";
const ID: &str = "sec-secure-session-id";

fn offering<F>(name: &str, run: impl FnOnce(Site) -> F + 'static) -> Case
where
    F: Future<Output = ()> + Send + 'static,
{
    let case = Case::new(format!("device binding: {name}"), run);
    case.configured(|builder| builder.device_binding(DeviceBinding::Offer))
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("device binding: nothing is offered by default", |site| async move {
            let response = site.visitor().post("/login").json(&json!({ "sub": "alice" })).send().await;
            site.expect("log-in", &response, "200 +access +refresh");
            site.expect_eq("registration field", response.header(REGISTRATION), None::<&str>);
        }),
        offering("a session is bound and refreshed", |site| async move {
            let (mut alice, device, id) = bound(&site).await;
            site.expect("page", &alice.get("/protected").send().await, "200");
            let csrf = csrf_token(&alice);
            site.expire_access();
            let challenged = prove(&mut alice, &id, None).await;
            site.expect("without a proof", &challenged, "403");
            let proof = device.prove(&challenge_of(&challenged));
            let refreshed = prove(&mut alice, &id, Some(&proof)).await;
            site.expect("with a proof", &refreshed, "200 +access +refresh");
            site.expect("page", &alice.get("/protected").send().await, "200");
            site.expect("form", &alice.post("/echo").form(&[("csrf_token", &csrf)]).send().await, "200");
            // The response to a refresh contains the challenge for the next proof.
            site.expire_access();
            let proof = device.prove(&challenge_of(&refreshed));
            site.expect("at once", &prove(&mut alice, &id, Some(&proof)).await, "200 +access +refresh");
        }),
        offering("s89 without the key, copied cookies stop working when the access token expires", |site| async move {
            let (alice, _, id) = bound(&site).await;
            let mut thief = alice.clone();
            site.expect("page", &thief.get("/protected").send().await, "200");
            site.expire_access();
            let expected = "401 unproven_refresh -access";
            site.expect("page", &thief.clone().get("/protected").send().await, expected);
            site.expect("refresh", &thief.clone().post("/token/refresh").csrf().send().await, expected);
            let other = TestDevice::new(Algorithm::ES256).unwrap();
            let challenged = prove(&mut thief, &id, None).await;
            let proof = other.prove(&challenge_of(&challenged));
            let ended = prove(&mut thief, &id, Some(&proof)).await;
            site.expect("another key", &ended, "200 -access -refresh");
            site.expect_eq("body", ended.json(), json!({ "session_identifier": id, "continue": false }));
        }),
        offering("the browser is told to forget an ended session", |site| async move {
            let (mut alice, _, id) = bound(&site).await;
            site.expect("log-out", &alice.post("/logout").csrf().send().await, "200 -access -refresh");
            let reply = prove(&mut alice, &id, None).await;
            site.expect_eq("body", reply.json(), json!({ "session_identifier": id, "continue": false }));
        }),
        offering("if the store fails, the browser is not told to forget the session", |site| async move {
            let (mut alice, _, id) = bound(&site).await;
            site.store.fail();
            site.expect("refresh", &prove(&mut alice, &id, None).await, "503 store_unavailable");
        }),
        offering("a refused registration changes nothing", |site| async move {
            let mut alice = site.visitor();
            alice.post("/login").json(&json!({ "sub": "alice" })).send().await;
            let proof = TestDevice::new(Algorithm::ES256).unwrap().register("made up");
            site.expect("made-up challenge", &alice.post("/token/bind").header(PROOF, &proof).send().await, "404");
            site.expect("no proof", &alice.post("/token/bind").send().await, "404");
            site.expire_access();
            site.expect("the session continues", &alice.get("/protected").send().await, "200 +access +refresh");
        }),
        offering("s90 a browser is redirected to the same URL, and the body is kept", |site| async move {
            let (mut alice, device, id) = bound(&site).await;
            let refreshed = prove_with(&mut alice, &device, &id).await;
            site.expect("proof", &refreshed, "200 +access +refresh");
            let csrf = csrf_token(&alice);
            let sent = post(&mut alice, &csrf).send().await;
            site.expect("recent", &sent, "200");
            site.expect_eq("body", sent.text(), "9 £");
            site.clock.advance(Duration::from_secs(301));
            let mut thief = alice.clone();
            for client in [&mut alice, &mut thief] {
                site.expect("too old", &post(client, &csrf).send().await, "307 → /proven?a=b -access");
                site.expect_eq("access cookie", client.cookie(ACCESS).is_none(), true);
            }
            site.expect("with the key", &prove_with(&mut alice, &device, &id).await, "200 +access +refresh");
            let sent = post(&mut alice, &csrf).send().await;
            site.expect("again", &sent, "200");
            site.expect_eq("body", sent.text(), "9 £");
            site.expect("layer", &alice.get("/guarded-proven/page").send().await, "200");
            site.expect_eq("handler runs", site.calls().await, 2);
            site.expect("without the key", &post(&mut thief, &csrf).send().await, "401 unproven_refresh -access");
        }),
        offering("a route that needs a key asks for the password if there is none", |site| async move {
            let mut alice = site.alice().await;
            for path in ["/proven", "/guarded-proven/page"] {
                site.expect("after a log-in", &alice.get(path).send().await, "200");
            }
            site.expire_access();
            for path in ["/proven", "/guarded-proven/page"] {
                let refused = alice.get(path).accept_html().send().await;
                let summary = site.summary(&refused);
                let to = format!("303 → /reauthenticate?next={}", path.replace('/', "%2F"));
                site.expect_eq(path, summary.starts_with(&to), true);
            }
        }),
        offering("a link from another site comes back by itself", |site| async move {
            let (mut alice, device, id) = bound(&site).await;
            site.expire_access();
            let page = link(&mut alice, "cross-site").send().await;
            site.expect_eq("status", page.status().as_u16(), 200);
            site.expect_eq("refresh field", page.header("refresh"), Some("0; url=/protected?a=b"));
            site.expect_eq("cache", page.header("cache-control"), Some("private, no-store"));
            let again = site.summary(&link(&mut alice.clone(), "cross-site").send().await);
            site.expect_eq("once", again.starts_with("303 → /login"), true);
            site.expect("proof", &prove_with(&mut alice, &device, &id).await, "200 +access +refresh");
            site.expect("the page", &link(&mut alice, "same-origin").send().await, "200");
        }),
    ]
}

/// Creates a request that has a body and goes to the route that requires a recent proof.
fn post<'a>(client: &'a mut Client, csrf: &str) -> Request<'a> {
    client.post("/proven?a=b").header("x-csrf-token", csrf).header("content-type", "text/plain").body("9 £")
}

/// Creates the request that a browser sends when it follows a link. `from` is the value of `Sec-Fetch-Site`.
fn link<'a>(client: &'a mut Client, from: &str) -> Request<'a> {
    let request = client.get("/protected?a=b").accept_html();
    request.header("sec-fetch-site", from).header("sec-fetch-mode", "navigate")
}

/// Refreshes the session with a proof.
async fn prove_with(client: &mut Client, device: &TestDevice, id: &str) -> Response {
    let challenged = prove(client, id, None).await;
    prove(client, id, Some(&device.prove(&challenge_of(&challenged)))).await
}

/// Logs in and binds the session. Returns the browser, its device and the id of the session.
async fn bound(site: &Site) -> (Client, TestDevice, String) {
    let mut alice = site.visitor();
    let log_in = alice.post("/login").json(&json!({ "sub": "alice" })).send().await;
    let field = log_in.header(REGISTRATION).unwrap_or_default().to_owned();
    let (start, challenge) = field.split_once(";challenge=").unwrap_or_default();
    site.expect_eq("registration field", start, "(ES256 RS256);path=\"/token/bind\"");
    let device = TestDevice::new(Algorithm::ES256).unwrap();
    let proof = device.register(challenge.trim_matches('"'));
    let bound = alice.post("/token/bind").header(PROOF, &proof).send().await;
    site.expect("registration", &bound, "200 +access +refresh");
    let id = bound.json()["session_identifier"].as_str().unwrap_or_default().to_owned();
    (alice, device, id)
}

/// Sends a POST request to the refresh URL for bound sessions, as a browser does.
async fn prove(client: &mut Client, id: &str, proof: Option<&str>) -> Response {
    let request: Request<'_> = client.post("/token/bound").header(ID, id).header("sec-fetch-site", "same-origin");
    match proof {
        Some(proof) => request.header(PROOF, proof).send().await,
        None => request.send().await,
    }
}

fn challenge_of(response: &Response) -> String {
    let field = response.header(CHALLENGE).unwrap_or_default();
    field.split(';').next().unwrap_or_default().trim_matches('"').to_owned()
}
