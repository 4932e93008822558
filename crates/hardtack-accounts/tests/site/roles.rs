//! A role in the tokens, granted and revoked while users are logged in.

use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use hardtack::session::SessionPolicy;
use hardtack::{Authenticator, LogIn};
use hardtack_axum::{AccessToken, AuthLayer};
use hardtack_test_support::client::Client;
use serde::Deserialize;
use serde_json::json;

use crate::support::{
    ACCESS, BOTH_MODES, Options, Store, TestSite, claims, cookie, minutes, on_every_store, seconds, sign_up,
};

on_every_store! {{
    s39_a_role_change_is_effective_at_every_process_within_bound,
    s39_a_role_that_was_taken_away_is_gone_where_nobody_follows_the_log,
}}

/// How long a process relies on what it has read from the revocation log.
const BOUND: u64 = 5;

#[derive(Deserialize)]
struct Role {
    role: Option<String>,
}

/// A route of the application that responds with the role in the token.
fn role_page(auth: &Authenticator) -> Router {
    async fn show(token: AccessToken<Role>) -> String {
        token.extra().role.clone().unwrap_or_else(|| "none".to_owned())
    }
    Router::new().route("/role", get(show).post(show)).layer(AuthLayer::new(auth.clone()))
}

fn options(store: Store) -> Options {
    Options {
        routes: role_page,
        configure: |builder| builder.session_policy(SessionPolicy::default().max_staleness(seconds(BOUND))),
        ..store.options()
    }
}

/// The browser of a user who is an editor.
async fn editor(site: &TestSite) -> (Client, String) {
    let id = sign_up(&mut site.client(), "ada").await["id"].as_str().unwrap().to_owned();
    let mut ada = site.client();
    for cookie in site.auth().log_in(LogIn::new(&id).claim("role", "editor")).await.unwrap() {
        ada.set_cookie_raw(&cookie);
    }
    assert_eq!(role(&mut ada).await, "editor");
    (ada, id)
}

/// The role that the route sees, after any redirects.
async fn role(client: &mut Client) -> String {
    let page = client.get("/role").accept_html().follow().await;
    assert_eq!((page.status().as_u16(), page.path()), (200, "/role"), "{}", page.text());
    page.text().to_owned()
}

/// The role that the route sees with only a copied access cookie, or the status.
async fn copied(site: &TestSite, client: &Client) -> Result<String, u16> {
    let mut thief = site.client();
    thief.set_cookie_raw(&client.cookie(ACCESS).unwrap().raw);
    let response = thief.get("/role").accept_json().send().await;
    if response.status() == 200 { Ok(response.text().to_owned()) } else { Err(response.status().as_u16()) }
}

fn said(client: &Client, claim: &str) -> serde_json::Value {
    claims(&cookie(client, ACCESS))[claim].clone()
}

async fn s39_a_role_change_is_effective_at_every_process_within_bound(store: Store) {
    for refresh in BOTH_MODES {
        let site = TestSite::start(Options { refresh, ..options(store) }).await;
        let operator = site.beside(Options { refresh, ..options(store) }).await;
        let follower = tokio::spawn(site.auth().clone().follow_revocations(tokio::time::sleep));
        let (mut ada, id) = editor(&site).await;
        let (old, session, csrf) = (ada.clone(), said(&ada, "sid"), said(&ada, "csrf"));
        let mut bob = site.person("bob").await;
        assert_eq!(copied(&site, &old).await.as_deref(), Ok("editor"));

        assert_eq!(operator.auth().change_claims(&id, &json!({ "role": "reader" })).await.unwrap(), 2);
        let changed = Instant::now();
        assert_eq!(copied(&operator, &old).await, Err(401), "at once where it was changed");
        while copied(&site, &old).await.is_ok() {
            assert!(changed.elapsed() < seconds(BOUND), "the old role is still good");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }

        // A form that was opened before the change can still be posted, and the handler sees the new role.
        let form = [("csrf_token", csrf.as_str().unwrap())];
        let posted = ada.post("/role").accept_html().form(&form).follow().await;
        assert_eq!((posted.status().as_u16(), posted.text()), (200, "reader"), "{refresh:?}");
        assert_eq!((said(&ada, "sid"), said(&ada, "csrf"), said(&ada, "role")), (session, csrf, json!("reader")));
        let newest = cookie(&ada, ACCESS);
        assert_eq!(role(&mut ada).await, "reader");
        assert_eq!(cookie(&ada, ACCESS), newest, "{refresh:?}: refreshed once");
        assert_eq!(crate::support::whoami(&mut bob).await.as_deref(), Ok("bob"));

        // The role is also current after the next refresh, and after it has been revoked.
        site.clock.advance(minutes(16));
        assert_eq!(role(&mut ada).await, "reader");
        assert_eq!(site.auth().change_claims(&id, &json!({})).await.unwrap(), 2);
        assert_eq!(role(&mut ada).await, "none");
        assert_eq!(copied(&site, &old).await, Err(401));
        follower.abort();
    }
}

/// A process that has not read the log in time queries the store.
async fn s39_a_role_that_was_taken_away_is_gone_where_nobody_follows_the_log(store: Store) {
    for refresh in BOTH_MODES {
        let site = TestSite::start(Options { refresh, ..options(store) }).await;
        let operator = site.beside(Options { refresh, ..options(store) }).await;
        let (mut ada, id) = editor(&site).await;
        let old = ada.clone();
        operator.auth().change_claims(&id, &json!({ "team": 7 })).await.unwrap();
        site.clock.advance(seconds(BOUND));
        assert_eq!(copied(&site, &old).await, Err(401));
        for _ in 0..2 {
            assert_eq!(role(&mut ada).await, "none");
        }
        assert_eq!((said(&ada, "team"), said(&ada, "role")), (json!(7), json!(null)));
        assert_eq!(copied(&site, &ada).await.as_deref(), Ok("none"));
        assert_eq!(copied(&site, &old).await, Err(401));
    }
}
