//! Ended sessions stay ended, whatever the clocks show.

use std::cell::RefCell;
use std::pin::{Pin, pin};

use hardtack::clock::Timestamp;
use hardtack::session::{RevokeTarget, SessionPolicy, SessionStore};
use hardtack::{Need, RefreshMode};

use super::{BOUND, BOUNDS, HOUR, SHIFTS, Servers, follows, shift, start};
use crate::events::Log;
use crate::revocation_log::{Timer, step};
use crate::support::{Browser, NOW, Request, Site, block_on, page, seconds};

/// Returns the cookies of 16 sessions that have ended, after ending `others` more, so that the cache is swept. A server
/// remembers what it has learned from the store, so each check needs a session of its own.
fn ended(servers: &Servers, at: usize, others: usize) -> std::vec::IntoIter<Browser> {
    let site = &servers.sites[at];
    let copies: Vec<Browser> = (0..16).map(|_| site.browser_of("alice")).collect();
    for alice in &copies {
        assert_eq!(site.log_out(&mut alice.clone()).status, 200);
    }
    end_others(servers, site.auth.now(), others);
    copies.into_iter()
}

/// Ends sessions in the store alone, as another server does.
fn end_others(servers: &Servers, now: Timestamp, count: usize) {
    let store = servers.store.sessions();
    for _ in 0..count {
        let row = hardtack::testing::session("mallory", now);
        block_on(store.create(&row, RevokeTarget::Sessions(&[]))).unwrap();
        block_on(store.revoke(RevokeTarget::Sessions(&[row.id]), now)).unwrap();
    }
}

fn is_accepted(site: &Site, browser: &Browser) -> bool {
    let access = site.visit(&mut browser.without(&["refresh_token_cookie"])).status == 200;
    let refresh = site.refresh(&mut browser.clone()).status == 200;
    access || refresh
}

#[test]
fn e04_s71_a_server_that_starts_with_a_wrong_clock_lets_nobody_in_again() {
    for set in BOUNDS {
        for shifted in SHIFTS {
            for others in [0, 1_500] {
                let servers = Servers::with(set);
                servers.sync();
                let (mut copied, bob) = (ended(&servers, 0, others), servers.sites[0].browser_of("bob"));
                servers.advance(1_000);
                let clock = servers.time.on_another_machine();
                shift(&clock, shifted);
                let keys = servers.sites[0].auth.keys().clone();
                let late = start(&servers.store, &keys, &servers.time, clock.clone(), set);
                block_on(late.auth.sync_revocations()).unwrap();
                assert!(!is_accepted(&late, &copied.next().unwrap()), "wrong: {shifted} {others}");
                // The clock is set right.
                shift(&clock, -shifted);
                for passes in [0, 1_000, 60_000, 600_000] {
                    servers.advance(passes);
                    end_others(&servers, late.auth.now(), others.min(10));
                    assert!(!is_accepted(&late, &copied.next().unwrap()), "right: {shifted} {others} {passes}");
                    block_on(late.auth.sync_revocations()).unwrap();
                    assert!(!is_accepted(&late, &copied.next().unwrap()), "synced: {shifted} {others} {passes}");
                }
                assert_eq!(late.visit(&mut bob.clone()).status, 200, "{shifted}");
            }
        }
    }
}

#[test]
fn e04_s71_a_clock_that_jumps_and_comes_back_lets_nobody_in_again() {
    for set in BOUNDS {
        for shifted in SHIFTS {
            for at in [0, 1] {
                let servers = Servers::with(set);
                servers.sync();
                let (mut copied, bob) = (ended(&servers, at, 1_500), servers.sites[0].browser_of("bob"));
                servers.sync();
                servers.clocks.iter().for_each(|clock| shift(clock, shifted));
                // More sessions end, so the cache is swept.
                servers.advance(3_000);
                end_others(&servers, servers.sites[0].auth.now(), 3_000);
                servers.sync();
                servers.clocks.iter().for_each(|clock| shift(clock, -shifted));
                for site in &servers.sites {
                    assert!(!is_accepted(site, &copied.next().unwrap()), "{shifted} {at}");
                }
                servers.sync();
                for site in &servers.sites {
                    assert!(!is_accepted(site, &copied.next().unwrap()), "synced: {shifted} {at}");
                    assert_eq!(site.visit(&mut bob.clone()).status, 200, "{shifted} {at}");
                }
            }
        }
    }
}

fn assert_stays_ended(servers: &Servers, browser: &Browser, way: &str) {
    for minutes in 0..90 {
        servers.advance(60_000);
        end_others(servers, servers.sites[0].auth.now(), 60);
        servers.sync();
        for (at, site) in servers.sites.iter().enumerate() {
            assert!(!is_accepted(site, browser), "{way}: server {at} after {minutes} minutes");
        }
    }
}

#[test]
fn e04_e19_a_session_that_began_in_the_future_and_is_beyond_the_limit_stays_ended_too() {
    let servers = Servers::with(|builder| {
        builder.session_policy(SessionPolicy::default().max_staleness(seconds(BOUND)).max_sessions(1))
    });
    servers.clocks[0].set_forward(HOUR);
    let alice = servers.sites[0].browser_of("alice");
    servers.clocks[0].set_back(HOUR);
    servers.sync();
    let _newer = servers.sites[0].browser_of("alice");
    assert_stays_ended(&servers, &alice, "limit");
}

#[test]
fn e04_s71_a_session_that_began_in_the_future_stays_ended_when_its_time_comes() {
    type End = fn(&Site, &Browser);
    let ways: [End; 5] = [
        |site, alice| assert_eq!(site.log_out(&mut alice.clone()).status, 200),
        |site, _| assert_eq!(block_on(site.auth.revoke_all_sessions("alice")).unwrap(), 1),
        |site, _| {
            let id = site.live_sessions("alice")[0].id;
            assert!(block_on(site.auth.revoke_session("alice", id)).unwrap());
        },
        |site, _| {
            let mut other = site.browser_of("alice");
            assert_eq!(site.renew(&mut other).status, 200);
        },
        |site, alice| {
            let log_in = crate::support::log_in("alice");
            let response = site.send(&mut alice.clone(), Request::post("/login").json(), log_in);
            assert_eq!(response.status, 200);
        },
    ];
    for (way, end) in ways.iter().enumerate() {
        let servers = Servers::with(follows);
        servers.clocks[0].set_forward(HOUR);
        let alice = servers.sites[0].browser_of("alice");
        servers.clocks[0].set_back(HOUR);
        servers.sync();
        end(&servers.sites[0], &alice);
        assert_stays_ended(&servers, &alice, &way.to_string());
    }
}

#[test]
fn e04_s71_a_clock_that_goes_back_past_a_sweep_makes_it_read_the_log_again() {
    let servers = Servers::with(follows);
    servers.sync();
    let mut copied = ended(&servers, 0, 1_500);
    servers.sync();
    // The tokens have expired, and the cache is swept.
    servers.advance(1_000_000);
    end_others(&servers, servers.sites[1].auth.now(), 10);
    servers.sync();
    // By its date, the token is valid again.
    servers.clocks.iter().for_each(|clock| clock.set_back(seconds(700)));
    for site in &servers.sites {
        assert!(!is_accepted(site, &copied.next().unwrap()), "the store is asked");
    }
    let lines = Log::of(|| servers.sync());
    assert_eq!(lines.iter().filter(|line| line.contains("clock_set_back")).count(), 2, "{lines:?}");
    servers.store.reset_counts();
    for site in &servers.sites {
        let response = site.visit(&mut copied.next().unwrap().without(&["refresh_token_cookie"]));
        assert!(response.is_refused(401, "revoked"), "{}", response.code);
    }
    assert_eq!(servers.store.finds(), 0, "the log was read again");
    assert!(Log::of(|| servers.sync()).is_empty());
}

#[test]
fn e04_s71_a_clock_that_goes_back_makes_no_server_current() {
    let servers = Servers::with(follows);
    let [here, there] = &servers.sites;
    let timer = Timer::default();
    let follower = pin!(there.auth.clone().follow_revocations(|span| timer.sleep(span)));
    let follower: RefCell<Pin<&mut (dyn Future<Output = ()> + Send)>> = RefCell::new(follower);
    step(&follower);
    let alice = here.browser_of("alice");
    here.log_out(&mut alice.clone());
    servers.store.fail();
    for _ in 0..BOUND {
        servers.advance(1_000);
        timer.expire();
        step(&follower);
    }
    servers.clocks[1].set_back(seconds(BOUND));
    assert!(there.visit(&mut alice.clone()).is_refused(503, "store_unavailable"));
    servers.store.recover();
    assert!(there.visit(&mut alice.clone()).is_refused(401, "revoked"));
}

#[test]
fn e04_nothing_is_pruned_if_the_clock_of_the_database_differs() {
    let servers = Servers::new();
    let prune = |database: Timestamp| servers.sites[0].auth.time_to_prune(database);
    for (database, good) in [
        (NOW, true),
        (NOW + seconds(60), true),
        (NOW - seconds(60), true),
        (NOW + seconds(61), false),
        (NOW - seconds(61), false),
        (NOW - HOUR, false),
    ] {
        let lines = Log::of(|| assert_eq!(prune(database), good.then_some(database)));
        assert_eq!(lines.iter().filter(|line| line.contains("prune_skipped")).count(), usize::from(!good));
    }
    let lines = Log::of(|| assert_eq!(prune(NOW - HOUR), None));
    assert!(lines[0].contains("3600 s ahead of the database's clock"), "{lines:?}");
    let lines = Log::of(|| assert_eq!(prune(NOW + HOUR), None));
    assert!(lines[0].contains("3600 s behind the database's clock"), "{lines:?}");
}

#[test]
fn e04_the_token_cache_goes_by_the_clock_of_each_request() {
    let site = Site::stateless(|builder| builder.refresh_mode(RefreshMode::Off));
    let token = site.auth.access_token("alice").issue().unwrap();
    let code = || {
        let request = Request::get("/").field("cookie", format!("__Host-access_token_cookie={}", token.as_str()));
        site.send(&mut Browser::default(), request, page(Need::access())).code
    };
    assert_eq!([code(), code()], ["", ""]);
    for (change, expected) in [
        (-2_i64, ""),
        (-3_598, "not_yet_valid"),
        (3_600, ""),
        (899, ""),
        (1, "expired"),
        (-900, ""),
        (3_600, "expired"),
        (-3_600, ""),
    ] {
        shift(&site.clock, change * 1000);
        assert_eq!([code(), code()], [expected, expected], "{change}");
    }
}
