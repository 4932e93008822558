//! Explanations of accepted requests, and of refusals for other reasons than the token.

use hardtack::explain::{Check, Outcome, Verdict};
use hardtack::{KeySet, MemorySessions, Need};

use super::{explained, explained_for, get, post, refused, site, site_with_keys, verdict};
use crate::support::{Browser, Site, block_on, key, page};

#[test]
fn an_accepted_request_lists_every_check() {
    let site = site(|builder| builder);
    let alice = site.browser_of("alice");
    let explanation = explained(&site, &alice, get());
    assert_eq!((explanation.outcome, explanation.what.as_str()), (Outcome::Accepted, "GET /page"));
    for check in [Check::Token, Check::Signature, Check::Claims, Check::Csrf, Check::Session] {
        assert_eq!(verdict(&explanation, check), Some(Verdict::Passed), "{check:?}: {explanation}");
    }
    assert_eq!(verdict(&explanation, Check::Freshness), Some(Verdict::Skipped));
    assert!(explanation.to_string().contains("user \"alice\""), "{explanation}");
    assert_eq!(site.auth.explanations().len(), 1, "a log-in is not a verification");
}

#[test]
fn csrf_refusals_name_what_was_sent() {
    let site = site(|builder| builder);
    let alice = site.browser_of("alice");
    let missing = explained(&site, &alice, post());
    refused(&missing, "csrf_missing", Check::Csrf, "no CSRF token", "`x-csrf-token`");
    let wrong = explained(&site, &alice, post().csrf("another-value"));
    refused(&wrong, "csrf_mismatch", Check::Csrf, "does not match", "Reload the page");
    let of_refresh = alice.value("csrf_refresh_token").unwrap_or_default().to_owned();
    if of_refresh != alice.csrf() {
        let mixed_up = explained(&site, &alice, post().csrf(&of_refresh));
        refused(&mixed_up, "csrf_mismatch", Check::Csrf, "does not match", "`csrf_access_token`");
    }
    let cross = post().field("origin", "http://evil.example").csrf(&alice.csrf());
    let cross = explained(&site, &alice, cross);
    refused(&cross, "csrf_cross_site", Check::Csrf, "`Origin` is \"http://evil.example\"", "trusted_origin");
    let accepted = explained(&site, &alice, post().csrf(&alice.csrf()));
    assert_eq!(accepted.outcome, Outcome::Accepted, "{accepted}");
}

#[test]
fn the_end_of_a_session_is_explained_by_what_ended_it() {
    let site = site(|builder| builder);
    let mut alice = site.browser_of("alice");
    let copy = alice.clone();
    site.log_out(&mut alice);
    site.advance(5);
    let out = explained(&site, &copy, get());
    refused(&out, "revoked", Check::Session, "The user logged out 5 seconds ago", "events in the log");
    assert!(out.to_string().contains("According to the session store, the session ended 5 seconds ago"), "{out}");
    let bob = site.browser_of("bob");
    block_on(site.auth.revoke_all_sessions("bob")).unwrap();
    let ended = explained(&site, &bob, get());
    refused(&ended, "revoked", Check::Session, "ended the session", "Log in again");
    assert!(!ended.to_string().contains("logged out"), "the event belongs to another user: {ended}");
}

#[test]
fn a_session_that_the_store_has_forgotten_is_explained() {
    let keys = KeySet::new(key());
    let before = site_with_keys(keys.clone(), |builder| builder);
    let alice = before.browser_of("alice");
    let restarted = site_with_keys(keys, |builder| builder.sessions(MemorySessions::new()));
    restarted.advance(15 * 60);
    let forgotten = explained(&restarted, &alice, get());
    refused(
        &forgotten,
        "unknown_session",
        Check::Session,
        "does not know the refresh token's session",
        "MemorySessions",
    );
}

#[test]
fn a_reused_refresh_token_is_explained() {
    let site = site(|builder| builder);
    let mut alice = site.browser_of("alice");
    let thief = alice.clone();
    site.advance(15 * 60);
    site.send(&mut alice, get(), page(Need::access()));
    site.send(&mut alice, get(), page(Need::access()));
    site.advance(60);
    let reused = explained(&site, &thief, get());
    refused(&reused, "refresh_reused", Check::Session, "already used", "race_window");
}

#[test]
fn other_refusals_are_explained() {
    let site = site(|builder| builder);
    let mut alice = site.browser_of("alice");
    site.advance(15 * 60);
    site.send(&mut alice, get(), page(Need::access()));
    let stale = explained_for(&site, &alice, get(), Need::access().fresh());
    refused(&stale, "insufficient_user_authentication", Check::Freshness, "15 minutes", "/reauthenticate");
    site.respond(&alice, get(), |exchange| Err(exchange.forbid("Only for admins.")));
    let forbidden = site.auth.explanations().remove(0);
    refused(&forbidden, "forbidden", Check::Application, "Only for admins.", "auth.forbid");
    let junk = alice.replacing("access_token_cookie", "junk");
    let visitor = explained_for(&site, &junk, get(), Need::access().optional());
    assert_eq!(visitor.outcome, Outcome::Visitor);
    assert_eq!(visitor.refusal().map(|step| step.check), Some(Check::Signature), "{visitor}");
    let nobody = explained_for(&site, &Browser::default(), get(), Need::access().optional());
    assert_eq!((nobody.outcome, nobody.refusal()), (Outcome::Visitor, None), "{nobody}");
    let stateless = Site::stateless(|builder| builder.base_url("http://localhost:3000").explain_refusals());
    let accepted = explained(&stateless, &stateless.browser_of("alice"), get());
    assert!(accepted.to_string().contains("no session store is set"), "{accepted}");
}
