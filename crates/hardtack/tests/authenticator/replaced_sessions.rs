//! Late requests with the cookies of a session that was replaced by a new one in the same browser.

use hardtack::KeySet;
use hardtack::session::SessionPolicy;

use crate::support::{Browser, Request, Response, Site, block_on, key, log_in, seconds};

const BOUND: u64 = 3;

/// Returns two processes with one store. The second one queries the store if it has not read the log for `BOUND`
/// seconds.
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

fn log_in_again(site: &Site, browser: &mut Browser) -> Response {
    site.send(browser, Request::post("/login").json(), log_in("alice"))
}

/// Checks that a late request is refused and deletes no cookies, because the browser has new ones by now.
#[track_caller]
fn assert_refused_without_deleting(response: &Response) {
    assert!(response.is_refused(401, "revoked"), "{} {}", response.status, response.code);
    assert!(response.cookies.is_empty(), "{:?}", response.cookies);
}

#[test]
fn s27_s35_every_process_leaves_the_new_cookies_alone() {
    for replace in [log_in_again, Site::renew] {
        // The other process learns that the session was replaced from the log, from the row because its cache is stale,
        // or from the row during a refresh.
        for known_by in ["log", "row", "refresh"] {
            let [here, there] = processes();
            let mut browser = here.browser_of("alice");
            let late = browser.clone();
            assert_eq!(there.visit(&mut late.clone()).status, 200);
            assert_eq!(replace(&here, &mut browser).status, 200);
            match known_by {
                "log" => assert_eq!(block_on(there.auth.sync_revocations()).unwrap(), 1),
                "row" => there.advance(BOUND),
                _ => {}
            }
            if known_by != "refresh" {
                assert_refused_without_deleting(&there.visit(&mut late.clone()));
            }
            assert_refused_without_deleting(&there.refresh(&mut late.clone()));
            // A refresh by the layer, because the access token is absent.
            assert_refused_without_deleting(&there.visit(&mut late.without(&["access_token_cookie"])));
            if known_by == "refresh" {
                assert_refused_without_deleting(&there.renew(&mut late.clone()));
                assert_refused_without_deleting(&there.reauthenticate(&mut late.clone(), "alice"));
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
