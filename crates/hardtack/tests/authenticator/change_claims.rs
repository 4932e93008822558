//! Changing the claims of live sessions, such as granting or removing a role.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hardtack::authenticator::SessionError;
use hardtack::session::Session;
use hardtack::session::SessionPolicy;
use hardtack::testing::{FailingSessions, TestClock};
use hardtack::{KeySet, LogIn, Need, RefreshMode, TokenLocation};
use serde_json::json;

use crate::support::{Browser, NOW, Request, Response, Site, block_on, key, log_in, page, refresh, seconds};

const BOUND: u64 = 5;

/// Returns two processes with one store and one clock.
fn processes(mode: RefreshMode) -> (Site, Site, FailingSessions) {
    let (store, keys, clock) = (FailingSessions::new(), KeySet::new(key()), TestClock::start_at(NOW));
    let site = || {
        let set = |builder: hardtack::AuthenticatorBuilder| {
            builder
                .refresh_mode(mode)
                .session_policy(SessionPolicy::default().max_staleness(seconds(BOUND)))
                .clock(clock.clone())
        };
        Site { clock: clock.clone(), ..Site::over(store.clone(), keys.clone(), set) }
    };
    let (here, there) = (site(), site());
    sync(&here);
    sync(&there);
    (here, there, store)
}

fn sync(site: &Site) -> usize {
    block_on(site.auth.sync_revocations()).unwrap()
}

/// Logs in as an editor.
fn editor(site: &Site) -> Browser {
    let mut browser = Browser::default();
    let options = LogIn::new("alice").claim("role", "editor").claim("tenant", 7);
    assert_eq!(site.send(&mut browser, Request::post("/login").json(), log_in(options)).status, 200);
    browser
}

/// Changes the role from editor to reader.
fn demote(site: &Site) {
    assert_eq!(block_on(site.auth.change_claims("alice", &json!({ "role": "reader" }))).unwrap(), 1);
}

#[track_caller]
fn role(response: &Response) -> String {
    response.token().claim("role").as_str().unwrap().to_owned()
}

/// Returns a browser with a copy of the access cookie and without the refresh cookie.
fn copy_of(browser: &Browser) -> Browser {
    browser.without(&["refresh_token_cookie"])
}

fn row(site: &Site) -> Session {
    site.live_sessions("alice").remove(0)
}

#[test]
fn s39_a_role_that_was_taken_away_is_gone_and_nobody_is_logged_out() {
    let site = Site::new();
    let (mut alice, mut bob) = (editor(&site), site.browser_of("bob"));
    let (old, form) = (alice.clone(), alice.csrf());
    let before = site.visit(&mut alice);
    assert_eq!((role(&before).as_str(), before.token().is_fresh(NOW)), ("editor", true));
    demote(&site);

    // The old token is refused at once, in the same second.
    assert!(site.visit(&mut copy_of(&old)).is_refused(401, "expired"));
    // A form that was opened before the change is accepted, with the new role.
    let request = Request::post("/page").person().form(&form);
    let response = site.send(&mut alice, request, page(Need::access()));
    let token = response.token();
    assert_eq!((token.claim("role"), token.claim("tenant")), (json!("reader"), json!(null)));
    assert_eq!(token.session(), before.token().session());
    assert!(!token.is_fresh(NOW));
    assert!(
        response.set_cookie("access_token_cookie").is_some() && response.set_cookie("refresh_token_cookie").is_some()
    );
    assert_eq!(alice.csrf(), form);

    let next = site.visit(&mut alice);
    assert_eq!(role(&next), "reader");
    assert!(next.cookies.is_empty(), "one refresh is enough");
    assert!(site.visit(&mut copy_of(&old)).is_refused(401, "expired"));
    assert_eq!((row(&site).generation, row(&site).outdated_generation), (2, 1));
    assert!(site.visit(&mut bob).cookies.is_empty(), "other subjects are not affected");
    // The role is granted again.
    assert_eq!(block_on(site.auth.change_claims("alice", &json!({ "role": "admin" }))).unwrap(), 1);
    assert_eq!(role(&site.visit(&mut alice)), "admin");
}

/// Status, code, redirect target, whether a token was accepted, and which cookies were set or deleted.
type Summary = (u16, &'static str, Option<String>, bool, Vec<String>);

/// Returns the responses to each kind of request, after `invalidate` has made the access token expired or outdated.
fn responses(mode: RefreshMode, invalidate: impl Fn(&Site)) -> Vec<Summary> {
    let site = Site::with(|builder| builder.refresh_mode(mode));
    let alice = editor(&site);
    invalidate(&site);
    let form = |value: &str| Request::post("/page").person().form(value);
    let requests = [
        (Request::get("/page").person(), Need::access()),
        (Request::get("/page"), Need::access()),
        (Request::get("/page"), Need::access().optional()),
        (Request::get("/page"), Need::access().fresh()),
        (Request::get("/page").htmx(), Need::access()),
        (Request::get("/page").unlayered(), Need::access()),
        (form(&alice.csrf()), Need::access()),
        (form("another value"), Need::access()),
    ];
    let summary = |(request, need)| {
        let response = site.send(&mut alice.clone(), request, page(need));
        let set =
            response.cookies.iter().map(|text| format!("{:?}", (text.split('=').next(), text.contains("Max-Age=0"))));
        (response.status, response.code, response.location.clone(), response.token.is_some(), set.collect())
    };
    requests.into_iter().map(summary).collect()
}

#[test]
fn s39_what_an_expired_token_gets_an_outdated_one_gets() {
    for mode in [RefreshMode::Transparent, RefreshMode::Redirect, RefreshMode::Off] {
        let (outdated, expired) = (responses(mode, demote), responses(mode, |site| site.advance(1000)));
        // The last request has a wrong CSRF value. Without a refresh, its refusal depends on the order of the checks.
        let same = if mode == RefreshMode::Off { outdated.len() - 1 } else { outdated.len() };
        assert_eq!(outdated[..same], expired[..same], "{mode:?}");
    }
}

#[test]
fn s39_a_redirect_leads_to_the_new_role() {
    let site = Site::with(|builder| builder.refresh_mode(RefreshMode::Redirect));
    let mut alice = editor(&site);
    demote(&site);
    let response = site.send(&mut alice, Request::get("/orders").person(), page(Need::access()));
    assert!(response.is_refused(303, "refresh_needed"));
    assert_eq!(response.location.as_deref(), Some("/token/refresh?next=%2Forders"));
    assert_eq!(site.send(&mut alice, Request::get(&response.location.unwrap()).person(), refresh).status, 200);
    assert_eq!(role(&site.visit(&mut alice)), "reader");
}

#[test]
fn s39_a_sliding_token_is_replaced_at_once() {
    let site = Site::with(|builder| builder.refresh_mode(RefreshMode::Sliding));
    let mut alice = editor(&site);
    let (old, csrf) = (alice.clone(), alice.csrf());
    demote(&site);
    assert!(site.send(&mut alice.clone(), Request::get("/page").unlayered(), page(Need::access())).status == 401);
    let response = site.change(&mut alice);
    assert_eq!(role(&response), "reader");
    assert!(!response.token().is_fresh(NOW));
    assert_eq!(alice.csrf(), csrf);
    assert!(site.visit(&mut alice).cookies.is_empty());
    // A late request with the old token gets the same new token.
    let mut late = old;
    assert_eq!(role(&site.visit(&mut late)), "reader");
    assert_eq!(late.access(), alice.access());
    site.log_out(&mut alice);
    assert!(site.visit(&mut late).is_refused(401, "revoked"));
}

#[test]
fn s39_a_token_that_is_carried_is_refused_as_expired() {
    let site = Site::with(|builder| builder.token_sources([TokenLocation::Headers, TokenLocation::Cookies]));
    let alice = editor(&site);
    let send =
        |need: Need, token: &str| site.respond(&Browser::default(), Request::get("/page").bearer(token), page(need));
    assert_eq!(send(Need::access(), alice.access()).status, 200);
    demote(&site);
    assert!(send(Need::access(), alice.access()).is_refused(401, "expired"));
    assert_eq!(send(Need::access().skip_revocation_check(), alice.access()).status, 200);
    // A refresh token is never outdated: a refresh gets the new claims.
    assert_eq!(send(Need::refresh(), alice.refresh()).status, 200);
}

#[test]
fn s39_another_process_learns_by_the_log() {
    let (here, there, store) = processes(RefreshMode::Transparent);
    let mut alice = editor(&here);
    let old = copy_of(&alice);
    assert_eq!(role(&there.visit(&mut alice)), "editor");
    demote(&here);
    assert_eq!(role(&there.visit(&mut old.clone())), "editor", "within the bound");
    assert_eq!(sync(&there), 1);
    store.reset_counts();
    assert!(there.visit(&mut old.clone()).is_refused(401, "expired"));
    assert_eq!(store.finds(), 0, "the process knows it from memory");
    assert_eq!(role(&there.visit(&mut alice)), "reader");
    assert_eq!(role(&here.visit(&mut alice)), "reader");
    // A process that starts now learns of the change from the log as well.
    let third = Site::over(store.clone(), here.auth.keys(), |builder| {
        builder.session_policy(SessionPolicy::default().max_staleness(seconds(BOUND)))
    });
    assert_eq!(sync(&third), 1);
    assert!(third.visit(&mut old.clone()).is_refused(401, "expired"));
}

#[test]
fn s39_a_process_that_is_behind_asks_the_store() {
    let (here, there, store) = processes(RefreshMode::Transparent);
    let mut alice = editor(&here);
    let old = copy_of(&alice);
    demote(&here);
    there.advance(BOUND);
    for _ in 0..2 {
        assert!(there.visit(&mut old.clone()).is_refused(401, "expired"));
    }
    assert_eq!(role(&there.visit(&mut alice)), "reader");
    assert_eq!(role(&there.visit(&mut alice)), "reader");
    store.fail();
    assert_eq!(there.visit(&mut old.clone()).status, 503);
}

#[test]
fn s39_the_parent_of_an_outdated_token_leads_to_one_more_refresh() {
    for mode in [RefreshMode::Transparent, RefreshMode::Redirect] {
        let site = Site::with(|builder| builder.refresh_mode(mode));
        let parent = editor(&site);
        // The response to this refresh was lost, or another tab got it.
        assert_eq!(site.refresh(&mut parent.clone()).status, 200);
        demote(&site);
        let mut alice = parent.clone();
        assert_eq!(site.refresh(&mut alice).status, 200);
        assert_eq!(row(&site).generation, 2, "the current generation, repeated");
        if mode == RefreshMode::Redirect {
            assert!(site.visit(&mut alice).is_refused(401, "refresh_needed"));
            assert_eq!(site.refresh(&mut alice).status, 200);
        }
        let response = site.visit(&mut alice);
        assert_eq!((role(&response).as_str(), row(&site).generation), ("reader", 3));
        assert!(site.visit(&mut alice).cookies.is_empty());
    }
}

#[test]
fn s39_the_parent_refreshed_in_place_acts_with_the_new_role() {
    let site = Site::new();
    let mut parent = editor(&site);
    assert_eq!(site.refresh(&mut parent.clone()).status, 200);
    demote(&site);
    site.advance(20);
    for generation in [2, 3, 3] {
        assert_eq!(role(&site.visit(&mut parent)), "reader");
        assert_eq!(row(&site).generation, generation);
    }
}

#[test]
fn s39_the_end_wins_over_an_outdated_token() {
    for ended_first in [true, false] {
        let (here, there, _) = processes(RefreshMode::Transparent);
        let alice = editor(&here);
        if !ended_first {
            demote(&here);
        }
        assert_eq!(here.log_out(&mut alice.clone()).status, 200);
        if ended_first {
            assert_eq!(block_on(here.auth.change_claims("alice", &json!({}))).unwrap(), 0);
        }
        sync(&there);
        for site in [&here, &there] {
            assert!(site.visit(&mut alice.clone()).is_refused(401, "revoked"));
            assert!(site.visit(&mut copy_of(&alice)).is_refused(401, "revoked"));
        }
    }
}

#[test]
fn s39_a_generation_that_is_outdated_before_it_was_seen() {
    let (here, there, store) = processes(RefreshMode::Transparent);
    let mut alice = editor(&here);
    assert_eq!(here.refresh(&mut alice).status, 200);
    demote(&there);
    sync(&here);
    assert!(here.visit(&mut copy_of(&alice)).is_refused(401, "expired"));
    assert!(!row(&here).confirmed);
    assert_eq!(role(&here.visit(&mut alice)), "reader");
    assert_eq!((row(&here).generation, row(&here).confirmed), (3, false));
    // The process waits for the first use of the third generation although the second is outdated, and this is it.
    assert_eq!(role(&here.visit(&mut alice)), "reader");
    assert!(row(&here).confirmed);
    store.reset_counts();
    assert_eq!(role(&here.visit(&mut alice)), "reader");
    assert_eq!(store.finds(), 0);
}

/// Returns a site whose application adds a claim of its own.
fn site_with_level(level: &Arc<AtomicU64>) -> Site {
    let level = level.clone();
    Site::with(|builder| {
        builder.additional_claims(move |_, _| {
            let level = level.load(Ordering::SeqCst);
            async move { Ok(json!({ "level": level })) }
        })
    })
}

#[test]
fn s39_claims_that_the_application_adds_are_asked_for_again() {
    let level = Arc::new(AtomicU64::new(9));
    let site = site_with_level(&level);
    let mut alice = editor(&site);
    assert_eq!(site.visit(&mut alice).token().claim("level"), 9);
    level.store(1, Ordering::SeqCst);
    assert_eq!(site.visit(&mut alice).token().claim("level"), 9);
    assert_eq!(block_on(site.auth.reload_claims("alice")).unwrap(), 1);
    let response = site.visit(&mut alice);
    assert_eq!((response.token().claim("level"), role(&response).as_str()), (json!(1), "editor"));
    assert_eq!(block_on(site.auth.reload_claims("stranger")).unwrap(), 0);
}

#[test]
fn reserved_or_oversized_claims_change_nothing() {
    let site = Site::new();
    let mut alice = editor(&site);
    for claims in [json!({ "exp": 1 }), json!({ "sid": "x" }), json!(["role"]), json!({ "role": "x".repeat(4000) })] {
        let refused = block_on(site.auth.change_claims("alice", &claims));
        assert!(matches!(refused, Err(SessionError::Issue(_))), "{refused:?}");
    }
    let response = site.visit(&mut alice);
    assert_eq!(role(&response), "editor");
    assert!(response.cookies.is_empty());
    // An empty set of claims is allowed.
    assert_eq!(block_on(site.auth.change_claims("alice", &json!({}))).unwrap(), 1);
    assert_eq!(site.visit(&mut alice).token().claim("role"), json!(null));
}

#[test]
fn without_a_store_a_change_of_claims_outdates_nothing() {
    let site = Site::stateless(|builder| builder);
    let mut alice = editor(&site);
    assert_eq!(block_on(site.auth.change_claims("alice", &json!({ "role": "reader" }))).unwrap(), 0);
    assert_eq!(block_on(site.auth.reload_claims("alice")).unwrap(), 0);
    assert_eq!(role(&site.visit(&mut alice)), "editor");
}

#[test]
fn s39_a_changed_password_keeps_the_new_role() {
    let site = Site::new();
    let mut alice = editor(&site);
    demote(&site);
    assert_eq!(site.renew(&mut alice).status, 200);
    let response = site.visit(&mut alice);
    assert_eq!((role(&response).as_str(), response.token().is_fresh(NOW)), ("reader", true));
    demote(&site);
    assert_eq!(site.reauthenticate(&mut alice, "alice").status, 200);
    assert_eq!(role(&site.visit(&mut alice)), "reader");
}
