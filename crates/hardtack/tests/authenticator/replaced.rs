//! What another process makes of a session whose browser got another one.

use hardtack::KeySet;
use hardtack::session::SessionPolicy;

use crate::support::{Answer, Browser, Request, Site, block_on, key, log_in, seconds};

const BOUND: u64 = 3;

/// Two processes on one store; the second asks the store when it has not read the log for a while.
fn processes() -> [Site; 2] {
    let keys = KeySet::new(key());
    let here = Site::with_keys(keys.clone(), |builder| builder);
    let clock = here.clock.clone();
    let there = Site::over(here.store.clone(), keys, |builder| {
        builder.clock(clock.clone()).session_policy(SessionPolicy::default().max_staleness(seconds(BOUND)))
    });
    block_on(there.auth.sync_revocations()).unwrap();
    [here, Site { clock, ..there }]
}

fn log_in_again(site: &Site, browser: &mut Browser) -> Answer {
    site.send(browser, Request::post("/login").json(), log_in("alice"))
}

/// A refusal of a late request leaves the cookies alone that the browser has got meanwhile.
#[track_caller]
fn refused_and_kept(answer: &Answer) {
    assert!(answer.is_refused(401, "revoked"), "{} {}", answer.status, answer.code);
    assert!(answer.cookies.is_empty(), "{:?}", answer.cookies);
}

#[test]
fn s27_s35_every_process_leaves_the_new_cookies_alone() {
    for replace in [log_in_again, Site::renew] {
        // By the log; by the row, of a process that is behind; by the row, when a token is exchanged.
        for known_by in ["log", "row", "refresh"] {
            let [here, there] = processes();
            let mut browser = here.browser_of("alice");
            let late = browser.clone();
            assert_eq!(there.visit(&mut late.clone()).status, 200);
            assert_eq!(replace(&here, &mut browser).status, 200);
            match known_by {
                "log" => assert_eq!(block_on(there.auth.sync_revocations()).unwrap(), 1),
                "row" => there.pass(BOUND),
                _ => {}
            }
            if known_by != "refresh" {
                refused_and_kept(&there.visit(&mut late.clone()));
            }
            refused_and_kept(&there.refresh(&mut late.clone()));
            // In place, behind an access token that is missing.
            refused_and_kept(&there.visit(&mut late.without(&["access_token_cookie"])));
            if known_by == "refresh" {
                refused_and_kept(&there.renew(&mut late.clone()));
                refused_and_kept(&there.reauthenticate(&mut late.clone(), "alice"));
            }
            assert_eq!(there.visit(&mut browser).status, 200, "{known_by}");
        }
    }
}

#[test]
fn s28_a_session_that_ended_takes_its_cookies_along_at_every_process() {
    let [here, there] = processes();
    let mut browser = here.browser_of("alice");
    let mut others = [here.browser_of("alice"), here.browser_of("alice")];
    assert_eq!(here.log_out(&mut others[0].clone()).status, 200);
    assert_eq!(here.renew(&mut browser).status, 200);
    assert_eq!(block_on(there.auth.sync_revocations()).unwrap(), 3);
    for dead in &mut others {
        assert!(there.refresh(&mut dead.clone()).deletes("refresh_token_cookie"));
        assert!(there.visit(dead).is_refused(401, "revoked"));
        assert!(dead.is_empty());
    }
}
