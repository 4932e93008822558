//! Sliding mode: the layer replaces an access token that is past half of its lifetime.

use hardtack::session::SessionPolicy;
use hardtack::{Need, RefreshMode};

use crate::support::{NOW, Request, Site, log_out, page, seconds};

fn site() -> Site {
    Site::with(|builder| {
        builder
            .refresh_mode(RefreshMode::Sliding)
            .session_policy(SessionPolicy::default().absolute_lifetime(seconds(3600)))
    })
}

#[test]
fn a_token_past_half_of_its_lifetime_is_replaced() {
    let site = site();
    let mut alice = site.browser_of("alice");
    assert_eq!(alice.value("refresh_token_cookie"), None);
    let (first, csrf) = (alice.access().to_owned(), alice.csrf());
    site.advance(450);
    assert!(site.visit(&mut alice).added.is_empty());
    site.advance(1);
    let response = site.visit(&mut alice);
    // The request itself is handled with the token that it sent.
    assert!(response.token().is_fresh(site.auth.now()));
    assert!(response.no_store);
    assert_ne!(alice.access(), first);
    assert_eq!(alice.csrf(), csrf);
    let slid = site.visit(&mut alice);
    assert!(!slid.token().is_fresh(site.auth.now()));
    assert_eq!(slid.token().claims().auth_time, Some(NOW));
    assert_eq!(slid.token().claims().expires_at, Some(NOW + seconds(451 + 900)));
}

#[test]
fn two_requests_that_slide_at_once_get_the_same_token() {
    let site = site();
    let mut alice = site.browser_of("alice");
    site.advance(500);
    let responses: Vec<_> = (0..3).map(|_| site.respond(&alice, Request::get("/page"), page(Need::access()))).collect();
    assert!(responses.iter().all(|response| !response.added.is_empty() && response.added == responses[0].added));
    assert_eq!(site.live_sessions("alice")[0].generation, 2);
    // The new token is itself replaced in the second half of its lifetime.
    alice.receive(&responses[0], site.auth.now());
    site.advance(500);
    assert!(!site.visit(&mut alice).added.is_empty());
    assert_eq!(site.live_sessions("alice")[0].generation, 3);
}

#[test]
fn a_token_that_was_never_replaced_is_valid_until_it_expires() {
    let site = site();
    let alice = site.browser_of("alice");
    for _ in 0..8 {
        site.advance(100);
        assert_eq!(site.visit(&mut alice.clone()).status, 200);
    }
    site.advance(100);
    assert!(site.visit(&mut alice.clone()).is_refused(401, "expired"));
}

#[test]
fn s33_s34_sliding_has_both_ends() {
    let site = site();
    let mut idle = site.browser_of("bob");
    let mut alice = site.browser_of("alice");
    for _ in 0..8 {
        site.advance(449);
        assert_eq!(site.visit(&mut alice).status, 200);
    }
    assert!(site.visit(&mut idle).is_refused(401, "expired"));
    assert!(idle.is_empty());
    site.advance(8);
    assert!(site.visit(&mut alice).is_refused(401, "expired"));
}

#[test]
fn s28_nothing_slides_after_a_log_out() {
    let site = site();
    let mut alice = site.browser_of("alice");
    site.advance(500);
    // The response with the new token is sent first and arrives last.
    let slid = site.respond(&alice, Request::get("/page"), page(Need::access()));
    site.log_out(&mut alice);
    alice.receive(&slid, site.auth.now());
    assert!(site.visit(&mut alice).is_refused(401, "revoked"));
    // After a handler has logged out, the layer adds no new token.
    let mut bob = site.browser_of("bob");
    site.advance(500);
    let request = Request::post("/logout").csrf(&bob.csrf());
    let response = site.send(&mut bob, request, |exchange| {
        page(Need::access())(exchange)?;
        log_out(exchange)
    });
    assert_eq!((response.status, response.added.len()), (200, 0));
    assert!(bob.is_empty());
}

#[test]
fn without_a_layer_no_token_slides() {
    let site = site();
    let mut alice = site.browser_of("alice");
    site.advance(500);
    let response = site.send(&mut alice, Request::get("/page").unlayered(), page(Need::access()));
    assert_eq!((response.status, response.cookies.len()), (200, 0));
    assert_eq!(site.live_sessions("alice")[0].generation, 1);
}

#[test]
fn without_a_store_a_log_out_ends_slid_tokens() {
    let site = Site::stateless(|builder| builder.refresh_mode(RefreshMode::Sliding));
    let mut alice = site.browser_of("alice");
    let first = alice.clone();
    site.advance(500);
    let csrf = alice.csrf();
    assert!(!site.visit(&mut alice).added.is_empty());
    assert_eq!(alice.csrf(), csrf);
    let second = alice.clone();
    assert_eq!(site.log_out(&mut alice).status, 200);
    assert!(site.visit(&mut first.clone()).is_refused(401, "revoked"));
    assert!(site.visit(&mut second.clone()).is_refused(401, "revoked"));
}
