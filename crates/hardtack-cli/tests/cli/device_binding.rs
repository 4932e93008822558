//! Sessions that are bound to devices, on two servers that share a store.

use std::time::{Duration, Instant};

use hardtack::jwt::Algorithm;
use hardtack_test_support::process::Process;
use hardtack_test_support::tls::TlsFront;
use hardtack_test_support::{Browser, BrowserOptions, Client, Response, TestDevice};
use serde_json::json;

use crate::stores::{Store, TwoServers, on_every_store};
use crate::support::{PASSWORD, TestDir, start};

const ORIGIN: &str = "https://site.example";

on_every_store! {{
    s89_a_session_that_one_server_binds_is_bound_at_the_other,
    s89_chromium_stays_bound_over_a_crash_and_a_copied_jar_dies_with_its_access_token,
}}

async fn s89_a_session_that_one_server_binds_is_bound_at_the_other(store: Store) {
    let two = TwoServers::start_with(store, &["--base-url", ORIGIN, "--device-binding", "offer"]).await;
    let mut client = two.one.client().at_origin(ORIGIN);
    let body = json!({ "username": "someone", "password": PASSWORD });
    let signed_up = client.post("/signup").accept_json().json(&body).send().await;
    assert_eq!(signed_up.status(), 200, "{}", signed_up.text());
    let registration = signed_up.header("secure-session-registration").unwrap();
    let challenge = registration.split_once(";challenge=").unwrap().1.trim_matches('"');
    let copy = client.clone();

    // The browser registers its key at the other server.
    let device = TestDevice::new(Algorithm::ES256).unwrap();
    let mut client = at(&two.other, &client);
    let bound = client.post("/token/bind").header("secure-session-response", device.register(challenge)).send().await;
    assert_eq!(bound.status(), 200, "{}", bound.text());
    let id = bound.json()["session_identifier"].as_str().unwrap().to_owned();

    // Both servers refuse the refresh cookie without a proof.
    for server in two.both() {
        for holder in [&copy, &client] {
            let mut thief = at(server, holder);
            let refused = thief.post("/token/refresh").accept_json().csrf().send().await;
            assert_eq!(refused.status(), 401, "{}", refused.text());
            assert_eq!(refused.json()["code"], "unproven_refresh");
        }
    }

    // With proofs, the session continues on both servers.
    let mut challenge = None;
    for server in [&two.one, &two.other, &two.one] {
        let mut moved = at(server, &client);
        let mut refreshed = prove(&mut moved, &id, challenge.as_deref().map(|challenge| device.prove(challenge))).await;
        if refreshed.status() == 403 {
            assert!(challenge.is_none(), "the challenge of one server is valid at the other");
            refreshed = prove(&mut moved, &id, Some(device.prove(&challenge_of(&refreshed)))).await;
        }
        assert_eq!(refreshed.status(), 200, "{}", refreshed.text());
        challenge = Some(challenge_of(&refreshed));
        assert_eq!(moved.get("/service").accept_json().send().await.status(), 200);
        client = moved;
    }
}

/// Returns a client with the same cookies that sends its requests to `server`.
fn at(server: &Process, client: &Client) -> Client {
    crate::stores::at(server, client).at_origin(ORIGIN)
}

async fn prove(client: &mut Client, id: &str, proof: Option<String>) -> Response {
    let request = client.post("/token/bound").header("sec-secure-session-id", id);
    match proof {
        Some(proof) => request.header("secure-session-response", proof).send().await,
        None => request.send().await,
    }
}

fn challenge_of(response: &Response) -> String {
    let field = response.header("secure-session-challenge").unwrap();
    field.split(';').next().unwrap().trim_matches('"').to_owned()
}

const ACCESS: &str = "__Host-access_token_cookie";

/// The browser registers its key on the 303 of the sign-up. Deleting the access cookie stands for its expiry: the
/// browser then has to refresh before its next request.
async fn s89_chromium_stays_bound_over_a_crash_and_a_copied_jar_dies_with_its_access_token(store: Store) {
    // Each site may ask for six proofs in nine minutes, so each store gets a site of its own.
    let front = TlsFront::bind(&format!("{store:?}.test").to_lowercase()).await;
    let (origin, trusted_key) = (front.origin(), Some(front.key_hash()));
    let dir = TestDir::new();
    let program = dir.serve(["--base-url", origin.as_str(), "--device-binding", "offer"]);
    let program = store.fresh().into_iter().fold(program, |program, (name, value)| program.env(name, value));
    let server = start(&program).await;
    let upstream = front.forward(address(&server));
    let options = BrowserOptions { trusted_key, binds_devices: true, ..BrowserOptions::default() };
    let owner = Browser::start(options).await.unwrap();
    owner.goto(&format!("{origin}/signup")).await.unwrap();
    owner.fill("username", "someone").await.unwrap();
    owner.fill("password", PASSWORD).await.unwrap();
    owner.submit("form[action='/signup']").await.unwrap();
    shows(&owner, &format!("{origin}/account/sessions"), "Bound to this computer").await;

    // The server crashes and starts again.
    server.kill();
    let server = start(&program).await;
    upstream.set(address(&server));
    owner.session().delete_cookie(ACCESS).await.unwrap();
    shows(&owner, &format!("{origin}/account/sessions"), "Bound to this computer").await;

    // A client without the key gets a copy of all cookies. It works until the access cookie expires.
    let mut thief = server.client().at_origin(&origin);
    for cookie in owner.session().get_all_cookies().await.unwrap() {
        let http_only = if cookie.http_only() == Some(true) { "; HttpOnly" } else { "" };
        thief.set_cookie_raw(&format!("{}={}; Secure; Path=/{http_only}", cookie.name(), cookie.value()));
    }
    assert_eq!(thief.get("/service").accept_json().send().await.status(), 200);
    thief.jar().remove(ACCESS);
    for _ in 0..2 {
        let refused = thief.get("/service").accept_json().send().await;
        assert_eq!((refused.status().as_u16(), &refused.json()["code"]), (401, &json!("unproven_refresh")));
    }

    // The owner's session continues.
    owner.session().delete_cookie(ACCESS).await.unwrap();
    shows(&owner, &format!("{origin}/account/sessions"), "Bound to this computer").await;
    owner.close().await.unwrap();
}

fn address(server: &Process) -> std::net::SocketAddr {
    server.base_url().trim_start_matches("http://").parse().expect("the server prints its address")
}

/// Opens a page until it contains a text.
async fn shows(browser: &Browser, url: &str, text: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        browser.goto(url).await.unwrap();
        let shown = browser.text().await.unwrap_or_default();
        if shown.contains(text) {
            return;
        }
        assert!(Instant::now() < deadline, "{:?} shows no {text:?}: {shown}", browser.path().await);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
