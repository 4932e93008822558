//! No session store: refresh tokens are exchanged for access tokens until they expire.

use hardtack::config::Lifetime;
use hardtack::jwt::TokenKind;
use hardtack::{LogIn, Need};

use crate::support::{Browser, NOW, Request, Site, log_in, page, seconds};

fn site() -> Site {
    Site::stateless(|builder| builder)
}

#[test]
fn s44_the_refresh_token_stays_and_its_access_tokens_are_not_fresh() {
    let site = site();
    let mut alice = site.browser_of("alice");
    assert!(site.visit(&mut alice).token().is_fresh(NOW));
    let (refresh, csrf) = (alice.refresh().to_owned(), alice.csrf());
    site.advance(1000);
    let response = site.visit(&mut alice);
    assert!(!response.token().is_fresh(site.auth.now()));
    assert_eq!(response.token().claims().auth_time, Some(NOW));
    assert!(response.set_cookie("refresh_token_cookie").is_none());
    assert_eq!((alice.refresh(), alice.csrf()), (refresh.as_str(), csrf));
    assert_eq!(site.refresh(&mut alice).status, 200);
    site.advance(90_000);
    assert!(site.visit(&mut alice).is_refused(401, "expired"));
    assert!(alice.is_empty());
}

#[test]
fn extra_claims_survive_a_refresh() {
    let site = site();
    let mut alice = Browser::default();
    let options = LogIn::new("alice").claim("role", "editor").claim("level", 3);
    site.send(&mut alice, Request::post("/login").json(), log_in(options));
    for _ in 0..3 {
        let payload = site.visit(&mut alice).token().payload().to_vec();
        let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!((&claims["role"], &claims["level"]), (&"editor".into(), &3.into()));
        site.advance(1000);
    }
    site.reauthenticate(&mut alice, "alice");
    assert!(String::from_utf8_lossy(site.visit(&mut alice).token().payload()).contains("\"role\":\"editor\""));
}

#[test]
fn s27_s28_s29_this_process_remembers_who_logged_out() {
    let site = site();
    let mut alice = site.browser_of("alice");
    let stolen = alice.clone();
    site.log_out(&mut alice);
    assert!(site.visit(&mut stolen.clone()).is_refused(401, "revoked"));
    site.advance(80_000);
    assert!(site.visit(&mut stolen.clone()).is_refused(401, "revoked"));
    assert!(site.refresh(&mut stolen.clone()).is_refused(401, "revoked"));
    let mut bob = site.browser_of("bob");
    let stolen = bob.clone();
    site.send(&mut bob, Request::post("/login").json(), log_in("bob"));
    assert!(site.visit(&mut stolen.clone()).is_refused(401, "revoked"));
    assert_eq!(site.visit(&mut bob).status, 200);
}

#[test]
fn s29_a_refresh_token_without_an_end_is_remembered_without_an_end() {
    let site = Site::stateless(|builder| builder.refresh_lifetime(Lifetime::InsecureForever));
    let mut alice = site.browser_of("alice");
    let stolen = alice.clone();
    site.log_out(&mut alice);
    site.advance(10_000_000);
    // Enough other log-outs make the process remove expired entries from its memory.
    for _ in 0..1100 {
        let mut other = site.browser_of("other");
        site.log_out(&mut other);
    }
    assert!(site.refresh(&mut stolen.clone()).is_refused(401, "revoked"));
}

#[test]
fn without_a_store_the_refresh_lifetime_is_not_capped() {
    let days = |days: u64| seconds(days * 24 * 60 * 60);
    let site = Site::stateless(|builder| builder.refresh_lifetime(days(90)));
    let mut alice = site.browser_of("alice");
    site.advance(89 * 24 * 60 * 60);
    assert_eq!(site.visit(&mut alice).status, 200);
    let token = site.auth.decode::<hardtack::jwt::NoExtra>(alice.refresh(), TokenKind::Refresh).unwrap();
    assert_eq!(token.claims().expires_at, Some(NOW + days(90)));
}

#[test]
fn tokens_that_the_application_issues_are_accepted() {
    let site = site();
    let token = site.auth.access_token("alice").fresh().claim("role", "editor").issue().unwrap();
    let mut alice = Browser::default();
    for text in site.auth.set_access_cookies(&token).unwrap() {
        alice.set(&text, NOW);
    }
    let response = site.change(&mut alice);
    assert_eq!(response.token().subject(), "alice");
    assert!(response.token().is_fresh(NOW) && response.token().session().is_none());
    assert_eq!(
        site.auth.decode::<hardtack::jwt::NoExtra>(token.as_str(), TokenKind::Access).unwrap().subject(),
        "alice"
    );
    assert!(site.auth.access_token("alice").claim("sub", "bob").issue().is_err());
    assert!(site.auth.access_token("alice").claims(&"text").issue().is_err());
    let refresh = site.auth.refresh_token("alice").issue().unwrap();
    for text in site.auth.set_refresh_cookies(&refresh).unwrap() {
        alice.set(&text, NOW);
    }
    site.advance(1000);
    let response = site.send(&mut alice, Request::get("/"), page(Need::access()));
    assert_eq!(response.token().subject(), "alice");
}
