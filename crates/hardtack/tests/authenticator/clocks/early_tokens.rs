//! Tokens and rows whose times are in the future of a server.

use std::time::Duration;

use hardtack::config::ClaimsPolicy;
use hardtack::testing::TestClock;
use hardtack::{ConfigError, KeySet, Need, RefreshMode};

use super::{HOUR, Servers, cookies};
use crate::events::Log;
use crate::support::{Browser, NOW, Request, Site, key, page, seconds};

#[test]
fn e03_s70_servers_that_differ_by_seconds_accept_each_others_tokens() {
    for shifted in [300, 1_000, 2_000] {
        // A difference of 0.3 s is one of a whole second in three seconds of ten.
        for phase in (0..1_000).step_by(100) {
            for behind in [0, 1] {
                let servers = Servers::new();
                servers.advance(phase);
                servers.clocks[behind].set_back(Duration::from_millis(shifted));
                for at in [0, 1] {
                    let there = &servers.sites[1 - at];
                    let mut alice = servers.sites[at].browser_of("alice");
                    assert_eq!(there.visit(&mut alice).status, 200, "log-in: {shifted} {phase} {behind} {at}");
                    assert_eq!(there.change(&mut alice).status, 200);
                    servers.advance(901_000);
                    assert_eq!(servers.sites[at].visit(&mut alice).status, 200);
                    assert_eq!(there.visit(&mut alice).status, 200, "refresh: {shifted} {phase} {behind} {at}");
                    assert_eq!(there.refresh(&mut alice).status, 200);
                    assert_eq!(there.reauthenticate(&mut alice, "alice").status, 200);
                    assert_eq!(servers.sites[at].visit(&mut alice).status, 200);
                }
                assert_eq!(servers.sites[0].live_sessions("alice").len(), 2);
            }
        }
    }
}

#[test]
fn e03_s70_a_token_that_is_early_is_refused_and_stays() {
    for mode in [RefreshMode::Transparent, RefreshMode::Redirect, RefreshMode::Sliding, RefreshMode::Off] {
        let servers = Servers::with(|builder| builder.refresh_mode(mode));
        let [here, there] = &servers.sites;
        servers.clocks[1].set_back(HOUR);
        let alice = here.browser_of("alice");
        servers.store.reset_counts();
        let before = cookies(&alice, here);
        let refused = |site: &Site, request: Request, need: Need| {
            let mut browser = alice.clone();
            let response = site.send(&mut browser, request, page(need));
            assert_eq!((response.code, response.cookies.len()), ("not_yet_valid", 0), "{mode:?}");
            assert_eq!(cookies(&browser, site), before, "{mode:?}");
            response
        };
        assert_eq!(refused(there, Request::get("/page"), Need::access()).status, 401);
        let response = refused(there, Request::get("/page").person(), Need::access());
        assert_eq!((response.status, response.location.as_deref()), (303, Some("/login?next=%2Fpage")), "{mode:?}");
        let response = refused(there, Request::get("/page").htmx(), Need::access());
        assert!(!response.hx_redirect.unwrap().contains("ended"));
        refused(there, Request::post("/page").csrf(&alice.csrf()), Need::access());
        refused(there, Request::get("/page").unlayered(), Need::access());
        if mode != RefreshMode::Sliding {
            let mut browser = alice.clone();
            let response = there.refresh(&mut browser);
            assert!(response.is_refused(401, "not_yet_valid") && response.cookies.is_empty());
        }
        if mode == RefreshMode::Transparent {
            // Without the access token, a refresh in place is tried, and refused as well.
            let response = there.visit(&mut alice.without(&["access_token_cookie"]));
            assert!(response.is_refused(401, "not_yet_valid") && response.cookies.is_empty());
        }
        assert_eq!(servers.store.rotations(), 0, "{mode:?}");
        // The server that issued it accepts it, and so does the other one once its clock is right.
        assert_eq!(here.visit(&mut alice.clone()).status, 200);
        servers.clocks[1].set_forward(HOUR);
        assert_eq!(there.visit(&mut alice.clone()).status, 200);
    }
}

#[test]
fn e03_s70_a_clock_that_steps_back_logs_nobody_out() {
    for back in [300, 1_000, 2_000, 3_600_000] {
        let servers = Servers::new();
        let (site, mut alice) = (&servers.sites[0], servers.sites[0].browser_of("alice"));
        assert_eq!(site.visit(&mut alice).status, 200);
        servers.clocks[0].set_back(Duration::from_millis(back));
        let before = cookies(&alice, site);
        let response = site.visit(&mut alice);
        assert_eq!(response.status, if back > 3_000 { 401 } else { 200 }, "{back}");
        assert_eq!(cookies(&alice, site), before, "{back}");
        // An API client can still end the session, and a new log-in works at once.
        let mut again = alice.clone();
        let response = site.send(&mut again, Request::post("/login").json(), crate::support::log_in("alice"));
        assert_eq!(response.status, 200);
        assert_eq!(site.visit(&mut again).status, 200, "{back}");
        assert_eq!(site.live_sessions("alice").len(), 1, "the old session was replaced: {back}");
    }
}

#[test]
fn e03_s70_the_time_of_an_early_token_comes() {
    let servers = Servers::new();
    let mut alice = servers.sites[0].browser_of("alice");
    servers.clocks[0].set_back(seconds(600));
    for (passes, status) in [(0, 401), (596_000, 401), (1_000, 200), (3_000, 200), (899_000, 200)] {
        servers.advance(passes);
        assert_eq!(servers.sites[0].visit(&mut alice).status, status, "{passes}");
    }
    assert_eq!(servers.store.rotations(), 0);
}

#[test]
fn e03_s70_the_log_says_once_a_minute_by_how_much_the_clocks_differ() {
    let servers = Servers::new();
    let alice = servers.sites[0].browser_of("alice");
    servers.clocks[1].set_back(HOUR);
    let visits = |count: usize| {
        let lines = Log::of(|| (0..count).for_each(|_| drop(servers.sites[1].visit(&mut alice.clone()))));
        lines.into_iter().filter(|line| line.contains("clocks_differ")).collect::<Vec<_>>()
    };
    let lines = visits(10);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("WARN") && lines[0].contains("seconds=3600"), "{lines:?}");
    assert!(lines[0].contains("3600 s ahead of this server's clock, but only 3 s are tolerated"), "{lines:?}");
    servers.advance(59_000);
    assert_eq!(visits(3).len(), 0);
    servers.advance(1_000);
    assert_eq!(visits(3).len(), 1);
    // A forged token says nothing about clocks.
    servers.advance(60_000);
    let forged = alice.replacing("access_token_cookie", &format!("{}A", alice.access()));
    assert!(Log::of(|| drop(servers.sites[1].visit(&mut forged.clone()))).iter().all(|line| !line.contains("clocks")));
}

#[test]
fn e03_s16_the_clock_skew_counts_to_the_second_and_leeway_replaces_it() {
    let skew = |span| ClaimsPolicy::default().clock_skew(seconds(span));
    let leeway = |span| ClaimsPolicy::default().leeway(seconds(span));
    for (policy, accepted, expires) in [
        (ClaimsPolicy::default(), 3, 900),
        (skew(0), 0, 900),
        (skew(60), 60, 900),
        (leeway(0), 0, 900),
        (leeway(10), 10, 910),
        (skew(60).leeway(seconds(10)), 10, 910),
        (leeway(10).clock_skew(seconds(60)), 10, 910),
    ] {
        let servers = Servers::with(|builder| builder.claims(policy.clone()).refresh_mode(RefreshMode::Off));
        let mut alice = servers.sites[0].browser_of("alice");
        servers.clocks[1].set_back(seconds(accepted));
        assert_eq!(servers.sites[1].visit(&mut alice).status, 200, "{policy:?}");
        servers.clocks[1].set_back(seconds(1));
        assert!(servers.sites[1].visit(&mut alice).is_refused(401, "not_yet_valid"), "{policy:?}");
        servers.advance((expires - 1) * 1000);
        assert_eq!(servers.sites[0].visit(&mut alice).status, 200, "{policy:?}");
        servers.advance(1000);
        assert!(servers.sites[0].visit(&mut alice).is_refused(401, "expired"), "{policy:?}");
    }
    let refused = |policy| hardtack::Authenticator::builder(KeySet::new(key())).claims(policy).build().unwrap_err();
    assert_eq!(refused(skew(61)), ConfigError::ClockSkewTooLong { seconds: 61 });
    assert_eq!(refused(leeway(61)), ConfigError::LeewayTooLong { seconds: 61 });
    assert!(refused(skew(61)).to_string().contains("the clock skew is 61 s; at most 60 s"));
}

#[test]
fn e03_flask_compatible_tolerates_no_difference_unless_told_to() {
    let (keys, time) = (KeySet::new(key()), TestClock::start_at(NOW));
    let issuer = Site::stateless_with(keys.clone(), |builder| builder.clock(time.clone()));
    let token = issuer.auth.access_token("alice").issue().unwrap();
    let status = |behind, policy: Option<ClaimsPolicy>| {
        let clock = time.on_another_machine();
        clock.set_back(seconds(behind));
        let site = Site::stateless_with(keys.clone(), |builder| {
            let builder = builder.flask_compatible().clock(clock);
            if let Some(policy) = policy { builder.claims(policy) } else { builder }
        });
        let request = Request::get("/").bearer(token.as_str());
        site.send(&mut Browser::default(), request, page(Need::access())).status
    };
    assert_eq!((status(0, None), status(1, None)), (200, 422));
    assert_eq!(status(1, Some(ClaimsPolicy::default().encode_nbf(false))), 422);
    assert_eq!(status(1, Some(ClaimsPolicy::default().clock_skew(seconds(1)))), 200);
    assert_eq!(status(1, Some(ClaimsPolicy::default().leeway(seconds(1)))), 200);
}

#[test]
fn e03_s70_a_rotation_in_the_future_ends_no_session() {
    for (ahead, status) in [(2, 200), (3600, 401)] {
        let servers = Servers::new();
        let [here, there] = &servers.sites;
        let mut alice = here.browser_of("alice");
        let other_tab = alice.clone();
        servers.clocks[1].set_forward(seconds(ahead));
        servers.advance(10_000);
        assert_eq!(there.refresh(&mut alice).status, 200);
        // The other tab sends the token that has just been replaced, to the server whose clock is right.
        let mut late = other_tab.clone();
        let response = here.refresh(&mut late);
        assert_eq!(response.status, status, "{ahead}: {}", response.code);
        assert_eq!(response.cookies.iter().filter(|text| text.contains("Max-Age=0")).count(), 0);
        assert_eq!(here.live_sessions("alice").len(), 1);
        // The tokens of both servers are valid again when the time has come.
        servers.clocks[1].set_back(seconds(ahead));
        servers.advance(ahead * 1000);
        assert_eq!(here.refresh(&mut other_tab.clone()).status, 200);
        assert_eq!(here.refresh(&mut alice).status, 200);
    }
}

#[test]
fn e03_s70_two_requests_that_slide_at_once_get_one_rotation_although_a_clock_is_behind() {
    let servers = Servers::with(|builder| builder.refresh_mode(RefreshMode::Sliding));
    let [here, there] = &servers.sites;
    servers.clocks[1].set_back(seconds(2));
    // The token is from the server that is ahead, and is two seconds younger than its rotation here.
    let alice = here.browser_of("alice");
    let raised = [(); 2].map(|()| {
        let mut tab = alice.clone();
        assert_eq!(there.reauthenticate(&mut tab, "alice").status, 200);
        tab
    });
    assert_eq!(raised[0].access(), raised[1].access());
    assert_eq!(servers.store.rotations(), 1);
}
