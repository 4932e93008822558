//! Sessions that are bound to devices, on two servers that share a store.

use hardtack::jwt::Algorithm;
use hardtack_test_support::process::Process;
use hardtack_test_support::{Client, Response, TestDevice};
use serde_json::json;

use crate::stores::{Store, TwoServers, on_every_store};
use crate::support::PASSWORD;

const ORIGIN: &str = "https://site.example";

on_every_store! {{
    s89_a_session_that_one_server_binds_is_bound_at_the_other,
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
