//! A token near its end is replaced on the way out.

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
fn a_token_past_half_of_its_life_is_replaced() {
    let site = site();
    let mut alice = site.browser_of("alice");
    assert_eq!(alice.value("refresh_token_cookie"), None);
    let (first, csrf) = (alice.access().to_owned(), alice.csrf());
    site.pass(450);
    assert!(site.visit(&mut alice).added.is_empty());
    site.pass(1);
    let answer = site.visit(&mut alice);
    // The request acts with the token that it came with.
    assert!(answer.token().is_fresh(site.auth.now()));
    assert!(answer.no_store);
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
    site.pass(500);
    let answers: Vec<_> = (0..3).map(|_| site.answer(&alice, Request::get("/page"), page(Need::access()))).collect();
    assert!(answers.iter().all(|answer| !answer.added.is_empty() && answer.added == answers[0].added));
    assert_eq!(site.live_sessions("alice")[0].generation, 2);
    // The slid token slides in its turn.
    alice.take(&answers[0], site.auth.now());
    site.pass(500);
    assert!(!site.visit(&mut alice).added.is_empty());
    assert_eq!(site.live_sessions("alice")[0].generation, 3);
}

#[test]
fn a_token_that_was_never_replaced_lives_to_its_end() {
    let site = site();
    let alice = site.browser_of("alice");
    for _ in 0..8 {
        site.pass(100);
        assert_eq!(site.visit(&mut alice.clone()).status, 200);
    }
    site.pass(100);
    assert!(site.visit(&mut alice.clone()).is_refused(401, "expired"));
}

#[test]
fn s33_s34_sliding_has_both_ends() {
    let site = site();
    let mut idle = site.browser_of("bob");
    let mut alice = site.browser_of("alice");
    for _ in 0..8 {
        site.pass(449);
        assert_eq!(site.visit(&mut alice).status, 200);
    }
    assert!(site.visit(&mut idle).is_refused(401, "expired"));
    assert!(idle.is_empty());
    site.pass(8);
    assert!(site.visit(&mut alice).is_refused(401, "expired"));
}

#[test]
fn s28_nothing_slides_after_a_log_out() {
    let site = site();
    let mut alice = site.browser_of("alice");
    site.pass(500);
    // The slide is answered first and heard of last.
    let slid = site.answer(&alice, Request::get("/page"), page(Need::access()));
    site.log_out(&mut alice);
    alice.take(&slid, site.auth.now());
    assert!(site.visit(&mut alice).is_refused(401, "revoked"));
    // A handler that logs out gets no slid token on top.
    let mut bob = site.browser_of("bob");
    site.pass(500);
    let request = Request::post("/logout").csrf(&bob.csrf());
    let answer = site.send(&mut bob, request, |exchange| {
        page(Need::access())(exchange)?;
        log_out(exchange)
    });
    assert_eq!((answer.status, answer.added.len()), (200, 0));
    assert!(bob.is_empty());
}

#[test]
fn without_a_layer_nothing_slides() {
    let site = site();
    let mut alice = site.browser_of("alice");
    site.pass(500);
    let answer = site.send(&mut alice, Request::get("/page").unlayered(), page(Need::access()));
    assert_eq!((answer.status, answer.cookies.len()), (200, 0));
    assert_eq!(site.live_sessions("alice")[0].generation, 1);
}

#[test]
fn sliding_without_a_store_ends_with_a_log_out_as_well() {
    let site = Site::stateless(|builder| builder.refresh_mode(RefreshMode::Sliding));
    let mut alice = site.browser_of("alice");
    let first = alice.clone();
    site.pass(500);
    let csrf = alice.csrf();
    assert!(!site.visit(&mut alice).added.is_empty());
    assert_eq!(alice.csrf(), csrf);
    let second = alice.clone();
    assert_eq!(site.log_out(&mut alice).status, 200);
    assert!(site.visit(&mut first.clone()).is_refused(401, "revoked"));
    assert!(site.visit(&mut second.clone()).is_refused(401, "revoked"));
}
