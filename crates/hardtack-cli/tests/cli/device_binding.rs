//! Sessions that are bound to devices, on two servers that share a store.

use hardtack::jwt::Algorithm;
use hardtack_test_support::device_binding::SecureSite;
use hardtack_test_support::process::{Process, Program};
use hardtack_test_support::{Browser, Client, Response, TestDevice, wait};
use serde_json::json;

use crate::stores::{Store, TwoServers, on_every_store};
use crate::support::{PASSWORD, TestDir, signal, start};

const ORIGIN: &str = "https://site.example";

on_every_store! {{
    s89_a_session_that_one_server_binds_is_bound_at_the_other,
    s89_chromium_stays_bound_over_a_crash_and_a_copied_jar_dies_with_its_access_token,
    s89_chromium_stays_bound_if_it_or_the_server_restarts_in_the_middle_of_a_refresh,
    s89_ten_requests_of_chromium_at_once_refresh_once,
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

/// `hardtack serve` behind TLS. The server offers to bind sessions.
struct Serving {
    program: Program,
    server: Process,
    tls: SecureSite,
    _dir: TestDir,
}

impl Serving {
    /// Chromium creates only six proofs for each site in nine minutes, so each test has its own host for each store.
    async fn start(name: &str, store: Store) -> Self {
        let dir = TestDir::new();
        let serve = async |origin: &str| {
            let program = dir.serve(["--base-url", origin, "--device-binding", "offer"]);
            let program = program.env("RUST_LOG", "hardtack=debug,info");
            let program = store.fresh().into_iter().fold(program, |program, (name, value)| program.env(name, value));
            let server = start(&program).await;
            (address(&server), (program, server))
        };
        let (tls, (program, server)) = SecureSite::start(&format!("{name}-{store:?}.test").to_lowercase(), serve).await;
        Self { program, server, tls, _dir: dir }
    }

    /// Starts the server again, after it has been killed or stopped.
    async fn start_again(&mut self) {
        self.server = start(&self.program).await;
        self.tls.upstream.set(address(&self.server));
    }

    fn kill(&self) {
        signal(&self.server, "KILL");
    }

    /// A browser in which a user has just signed up. The browser registers its key on the 303 of the sign-up.
    async fn signed_up(&self, stays_logged_in: bool) -> Browser {
        let browser = self.tls.browser().await.unwrap();
        browser.goto(&self.tls.url("/signup")).await.unwrap();
        browser.fill("username", "someone").await.unwrap();
        browser.fill("password", PASSWORD).await.unwrap();
        if stays_logged_in {
            browser.click("[name=remember]").await.unwrap();
        }
        browser.submit("form[action='/signup']").await.unwrap();
        self.shows_bound(&browser).await;
        browser
    }

    /// Opens the page of the devices until it says that the session is bound.
    async fn shows_bound(&self, browser: &Browser) {
        let url = self.tls.url("/account/sessions");
        let explain = || format!("the page of the devices shows a bound session; the log:\n{}", self.server.stderr());
        wait::until_some(explain, async || {
            // A page that cannot be opened is opened again.
            browser.goto(&url).await.ok()?;
            browser.text().await.ok()?.contains("Bound to this computer").then_some(())
        })
        .await;
    }

    /// Deletes the access cookie, as if it had expired. The browser then has to refresh before its next request.
    async fn lose_access_cookie(&self, browser: &Browser) {
        browser.delete_cookie(&self.tls.origin, ACCESS).await.unwrap();
    }

    /// Stops the server, and returns its log since its last start. The log is complete only after the server has
    /// stopped.
    async fn stop(self) -> Log {
        Log(self.server.stop().await.stderr)
    }
}

struct Log(String);

impl Log {
    /// How many times the server has logged an event.
    fn count(&self, event: &str) -> usize {
        self.0.matches(&format!("event=\"{event}\"")).count()
    }

    /// Checks that no event reports a theft, and that no session has ended.
    fn shows_no_theft(&self) {
        for event in ["reuse_detected", "proof_failed", "revoked", "logout"] {
            assert_eq!(self.count(event), 0, "{event}: {}", self.0);
        }
    }
}

async fn s89_chromium_stays_bound_over_a_crash_and_a_copied_jar_dies_with_its_access_token(store: Store) {
    let mut serving = Serving::start("crash", store).await;
    let owner = serving.signed_up(false).await;

    // The server crashes and starts again.
    serving.kill();
    serving.start_again().await;
    serving.lose_access_cookie(&owner).await;
    serving.shows_bound(&owner).await;

    // A browser without the key gets a copy of all cookies. It works until the access cookie expires.
    let thief = serving.tls.browser().await.unwrap();
    owner.copy_cookies_to(&thief).await.unwrap();
    serving.shows_bound(&thief).await;
    serving.lose_access_cookie(&thief).await;
    for _ in 0..2 {
        thief.goto(&serving.tls.url("/account/sessions")).await.unwrap();
        let path = thief.path().await.unwrap();
        assert!(path.starts_with("/login?next=%2Faccount%2Fsessions"), "{path}");
    }
    thief.close().await.unwrap();

    // The owner's session continues.
    serving.lose_access_cookie(&owner).await;
    serving.shows_bound(&owner).await;
    owner.close().await.unwrap();
    let log = serving.stop().await;
    assert!(log.count("unproven_refresh") >= 2, "{}", log.0);
    log.shows_no_theft();
}

async fn s89_chromium_stays_bound_if_it_or_the_server_restarts_in_the_middle_of_a_refresh(store: Store) {
    let mut serving = Serving::start("middle", store).await;
    let owner = serving.signed_up(true).await;

    // The key and the cookies are in the browser's profile.
    let owner = owner.restart().await.unwrap();
    serving.lose_access_cookie(&owner).await;
    serving.shows_bound(&owner).await;

    // The server has stored the refresh. It is killed before the browser gets the response.
    serving.lose_access_cookie(&owner).await;
    let mut response = serving.tls.upstream.hold_response(&format!("set-cookie: {ACCESS}="));
    let url = serving.tls.url("/account/sessions");
    let interrupt = async {
        response.sent().await;
        serving.kill();
        serving.start_again().await;
        drop(response);
    };
    // The browser shows an error or sends its request again. Both are fine.
    let (_, ()) = tokio::join!(owner.goto(&url), interrupt);
    owner.devtools("Page.setBypassCSP", json!({ "enabled": true })).await.unwrap();
    serving.shows_bound(&owner).await;

    // The browser ends before it gets the response to a refresh.
    serving.lose_access_cookie(&owner).await;
    let mut response = serving.tls.upstream.hold_response(&format!("set-cookie: {ACCESS}="));
    owner.evaluate("fetch('/service').catch(() => {}); return true").await.unwrap();
    response.sent().await;
    let owner = owner.restart().await.unwrap();
    drop(response);
    serving.shows_bound(&owner).await;
    owner.close().await.unwrap();
    serving.stop().await.shows_no_theft();
}

async fn s89_ten_requests_of_chromium_at_once_refresh_once(store: Store) {
    let serving = Serving::start("ten", store).await;
    let owner = serving.signed_up(false).await;
    // The site's content security policy allows no scripts. The test's own scripts run nevertheless once a page is
    // loaded.
    owner.devtools("Page.setBypassCSP", json!({ "enabled": true })).await.unwrap();
    serving.shows_bound(&owner).await;
    serving.lose_access_cookie(&owner).await;
    let script = "const done = arguments[0]; \
        const send = () => fetch('/service', {headers: {accept: 'application/json'}}).then(response => response.status); \
        Promise.all([...Array(10).keys()].map(send)).then(done, error => done(String(error)));";
    let statuses = owner.session().execute_async(script, vec![]).await.unwrap();
    assert_eq!(statuses, json!(vec![200; 10]));
    owner.close().await.unwrap();
    let log = serving.stop().await;
    assert_eq!((log.count("refresh"), log.count("unproven_refresh")), (1, 0), "{}", log.0);
    log.shows_no_theft();
}

fn address(server: &Process) -> std::net::SocketAddr {
    server.base_url().trim_start_matches("http://").parse().expect("the server prints its address")
}
