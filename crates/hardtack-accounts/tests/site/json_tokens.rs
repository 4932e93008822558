//! Tokens in JSON bodies: each route accepts the members that the authenticator reads.

use hardtack::TokenLocation::{Cookies, Json};
use hardtack::token_source::TokenSources;
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn every_route_accepts_the_member_with_the_token() {
    let configure = |builder: hardtack::AuthenticatorBuilder| {
        builder.token_sources(TokenSources::from([Json, Cookies]).json_key("jwt").refresh_json_key("renewal"))
    };
    let site = TestSite::start(Options { configure, ..Options::default() }).await;
    let ada = site.person("ada").await;
    let other = site.device_of("ada").await;
    let mut token = cookie(&ada, ACCESS);
    let id = claims(&cookie(&other, ACCESS))["sid"].as_str().unwrap().to_owned();
    let mut client = site.client();
    for (path, body, status) in [
        ("/account/change_settings", json!({ "display_name": "Ada L." }), 200),
        // This site sends no email.
        ("/account/email/send", json!({}), 501),
        (&*format!("/account/sessions/{id}/revoke"), json!({}), 200),
        ("/account/sessions/revoke-others", json!({}), 200),
        ("/reauthenticate", json!({ "password": PASSWORD }), 200),
        ("/account/password", json!({ "current_password": PASSWORD, "new_password": "some other phrase" }), 200),
        ("/password/forgot", json!({ "email": "ada@site.example" }), 501),
        ("/login", json!({ "username": "ada", "password": PASSWORD }), 401),
    ] {
        client.clear();
        // A member that no one reads is still refused.
        let mut misspelled = body.clone();
        (misspelled["jwt"], misspelled["access_token"]) = (json!(token), json!(token));
        let refused = client.post(path).accept_json().json(&misspelled).send().await;
        assert_eq!(refused.status(), 422, "{path}: {}", refused.text());
        assert_eq!(refused.json()["errors"].as_object().unwrap().len(), 1, "{path}: {}", refused.text());
        let mut sent = body;
        (sent["jwt"], sent["renewal"]) = (json!(token), json!("is not read here"));
        let response = client.post(path).accept_json().json(&sent).send().await;
        assert_eq!(response.status(), status, "{path}: {}", response.text());
        // These responses replace the token.
        if let Some(cookie) = response.set_cookie(ACCESS) {
            token = cookie.value;
        }
    }
}

#[tokio::test]
async fn without_that_location_the_member_is_unknown() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    let body = json!({ "display_name": "Ada", "access_token": "a.b.c" });
    let refused = ada.post("/account/change_settings").accept_json().csrf().json(&body).send().await;
    assert_eq!(refused.status(), 422);
    assert!(refused.json()["errors"]["access_token"].is_string(), "{}", refused.text());
}
