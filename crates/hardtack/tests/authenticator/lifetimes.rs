//! Lifetimes of tokens and sessions: jitter and the strict preset.

use std::collections::BTreeSet;

use hardtack::jwt::TokenKind;
use hardtack::session::SessionPolicy;
use hardtack::{ConfigError, KeySet};

use crate::support::{Browser, NOW, Site, key, seconds};

fn lifetime(site: &Site, browser: &Browser) -> u64 {
    let token = site.auth.decode::<hardtack::jwt::NoExtra>(browser.access(), TokenKind::Access).unwrap();
    token.claims().expires_at.unwrap().since(token.claims().issued_at).as_secs()
}

#[test]
fn jitter_spreads_the_lifetimes_of_access_tokens() {
    let site = Site::with(|builder| builder.session_policy(SessionPolicy::default().access_jitter(5)));
    let lifetimes: BTreeSet<u64> = (0..200).map(|_| lifetime(&site, &site.browser_of("alice"))).collect();
    assert!(lifetimes.iter().all(|lifetime| (855..=900).contains(lifetime)), "{lifetimes:?}");
    assert!(lifetimes.len() > 20, "{lifetimes:?}");
}

#[test]
fn s31_jitter_gives_all_who_race_the_same_bytes() {
    let site = Site::with(|builder| builder.session_policy(SessionPolicy::default().access_jitter(50)));
    for _ in 0..20 {
        let parent = site.browser_of("alice");
        let (mut one, mut two) = (parent.clone(), parent.clone());
        site.refresh(&mut one);
        site.advance(7);
        site.refresh(&mut two);
        assert_eq!((one.access(), one.refresh()), (two.access(), two.refresh()));
        assert!((450..=900).contains(&lifetime(&site, &one)));
    }
}

#[test]
fn without_jitter_the_lifetime_is_exactly_the_setting() {
    let site = Site::new();
    assert_eq!(lifetime(&site, &site.browser_of("alice")), 900);
    let error = hardtack::Authenticator::builder(KeySet::new(key()))
        .session_policy(SessionPolicy::default().access_jitter(51))
        .build()
        .unwrap_err();
    assert_eq!(error, ConfigError::TooMuchJitter { percent: 51 });
}

/// The record that a session has ended is kept only for the current lifetime, so older tokens must not live longer.
#[test]
fn s28_a_shorter_lifetime_also_applies_to_tokens_that_were_issued_before() {
    let keys = KeySet::new(key());
    let long = Site::with_keys(keys.clone(), |builder| builder.access_lifetime(seconds(3600)));
    let short = Site::over(long.store.clone(), keys, |builder| builder.clock(long.clock.clone()));
    let (alice, bob) = (long.browser_of("alice"), long.browser_of("bob"));
    // With and without the token in the cache of verified tokens.
    assert_eq!(short.visit(&mut alice.clone()).status, 200);
    long.advance(15 * 60 - 1);
    assert_eq!(short.visit(&mut alice.clone()).status, 200);
    long.advance(1);
    for browser in [&alice, &bob] {
        let mut copy = browser.without(&["refresh_token_cookie"]);
        assert!(short.visit(&mut copy).is_refused(401, "expired"));
        assert_eq!(long.visit(&mut browser.clone()).status, 200);
    }
    // A token without a session is accepted until its `exp`.
    let token = long.auth.access_token("carol").lifetime(seconds(3600)).issue().unwrap().as_str().to_owned();
    long.advance(30 * 60);
    assert!(short.auth.decode::<hardtack::jwt::NoExtra>(&token, TokenKind::Access).is_ok());
}

#[test]
fn s30_s33_s34_the_strict_profile_has_no_windows_and_short_lives() {
    let site = Site::with(hardtack::AuthenticatorBuilder::strict_sessions);
    let mut alice = site.browser_of("alice");
    assert_eq!(lifetime(&site, &alice), 300);
    let parent = alice.clone();
    assert_eq!(site.refresh(&mut alice).status, 200);
    assert!(site.refresh(&mut parent.clone()).is_refused(401, "refresh_reused"));
    assert_eq!(site.visit(&mut alice).status, 401);

    let mut bob = site.browser_of("bob");
    assert!(bob.cookies_for("/", NOW + seconds(10_000_000)).is_some(), "cookies last until the browser is closed");
    for _ in 0..12 * 6 - 1 {
        site.advance(600);
        assert_eq!(site.refresh(&mut bob).status, 200);
    }
    site.advance(600);
    assert_eq!(site.refresh(&mut bob).status, 401, "absolute lifetime: twelve hours");
    let mut carol = site.browser_of("carol");
    site.advance(900);
    assert_eq!(site.refresh(&mut carol).status, 401, "idle lifetime: fifteen minutes");
}
