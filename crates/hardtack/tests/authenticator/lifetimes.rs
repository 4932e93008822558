//! How long tokens and sessions live: jitter, and the strict profile.

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
fn access_tokens_do_not_all_expire_at_once() {
    let site = Site::with(|builder| builder.session_policy(SessionPolicy::default().access_jitter(5)));
    let lives: BTreeSet<u64> = (0..200).map(|_| lifetime(&site, &site.browser_of("alice"))).collect();
    assert!(lives.iter().all(|life| (855..=900).contains(life)), "{lives:?}");
    assert!(lives.len() > 20, "{lives:?}");
}

#[test]
fn s31_jitter_gives_all_who_race_the_same_bytes() {
    let site = Site::with(|builder| builder.session_policy(SessionPolicy::default().access_jitter(50)));
    for _ in 0..20 {
        let parent = site.browser_of("alice");
        let (mut one, mut two) = (parent.clone(), parent.clone());
        site.refresh(&mut one);
        site.pass(7);
        site.refresh(&mut two);
        assert_eq!((one.access(), one.refresh()), (two.access(), two.refresh()));
        assert!((450..=900).contains(&lifetime(&site, &one)));
    }
}

#[test]
fn without_jitter_a_lifetime_is_what_was_set() {
    let site = Site::new();
    assert_eq!(lifetime(&site, &site.browser_of("alice")), 900);
    let error = hardtack::Authenticator::builder(KeySet::new(key()))
        .session_policy(SessionPolicy::default().access_jitter(51))
        .build()
        .unwrap_err();
    assert_eq!(error, ConfigError::TooMuchJitter { percent: 51 });
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
    assert!(bob.cookies_for("/", NOW + seconds(10_000_000)).is_some(), "cookies end with the browser");
    for _ in 0..12 * 6 - 1 {
        site.pass(600);
        assert_eq!(site.refresh(&mut bob).status, 200);
    }
    site.pass(600);
    assert_eq!(site.refresh(&mut bob).status, 401, "twelve hours");
    let mut carol = site.browser_of("carol");
    site.pass(900);
    assert_eq!(site.refresh(&mut carol).status, 401, "a quarter of an hour unused");
}
