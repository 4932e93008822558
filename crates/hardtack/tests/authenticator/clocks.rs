//! Servers whose clocks are wrong, are set, or differ (decision 31).
//!
//! Each server has a clock of its own. The browser has the right one.

use std::cell::RefCell;
use std::pin::{Pin, pin};
use std::time::Duration;

use hardtack::clock::{Clock, Timestamp};
use hardtack::config::ClaimsPolicy;
use hardtack::session::{RevokeTarget, SessionPolicy, SessionStore};
use hardtack::testing::{FailingSessions, TestClock};
use hardtack::{AuthenticatorBuilder, ConfigError, KeySet, Need, RefreshMode};

use crate::events::Log;
use crate::revocation_log::{Timer, step};
use crate::support::{Browser, NOW, Request, Site, block_on, key, page, seconds};

const BOUND: u64 = 5;
const HOUR: Duration = Duration::from_secs(3600);

/// How far clocks are off in these tests, in milliseconds: less than a second, less than is tolerated, and far.
const SHIFTS: [i64; 6] = [-3_600_000, -2_000, -300, 300, 2_000, 3_600_000];

/// Two servers with one store.
struct Servers {
    sites: [Site; 2],
    /// The clocks of the servers.
    clocks: [TestClock; 2],
    /// The right time.
    time: TestClock,
    store: FailingSessions,
}

impl Servers {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(set: impl Fn(AuthenticatorBuilder) -> AuthenticatorBuilder) -> Self {
        let (store, keys, time) = (FailingSessions::new(), KeySet::new(key()), TestClock::start_at(NOW));
        let clocks = [(); 2].map(|()| time.on_another_machine());
        let sites = clocks.clone().map(|clock| start(&store, &keys, &time, clock, &set));
        Self { sites, clocks, time, store }
    }

    fn advance(&self, milliseconds: u64) {
        self.time.advance(Duration::from_millis(milliseconds));
    }

    fn sync(&self) {
        for site in &self.sites {
            block_on(site.auth.sync_revocations()).unwrap();
        }
    }
}

/// Starts a server, which has not read the log yet.
fn start(
    store: &FailingSessions,
    keys: &KeySet,
    time: &TestClock,
    clock: TestClock,
    set: impl Fn(AuthenticatorBuilder) -> AuthenticatorBuilder,
) -> Site {
    let site = Site::over(store.clone(), keys.clone(), |builder| set(builder).clock(clock));
    Site { clock: time.clone(), ..site }
}

/// Servers that ask the store if they are behind, and servers that only go by what they know.
const BOUNDS: [fn(AuthenticatorBuilder) -> AuthenticatorBuilder; 2] = [follows, |builder| builder];

fn follows(builder: AuthenticatorBuilder) -> AuthenticatorBuilder {
    builder.session_policy(SessionPolicy::default().max_staleness(seconds(BOUND)))
}

/// Sets a clock forward, or back.
fn shift(clock: &TestClock, milliseconds: i64) {
    let span = Duration::from_millis(milliseconds.unsigned_abs());
    if milliseconds < 0 { clock.set_back(span) } else { clock.set_forward(span) }
}

/// The cookies that a browser has, without those that have expired.
fn cookies(browser: &Browser, site: &Site) -> Option<String> {
    browser.cookies_for("/token/refresh", site.clock.now())
}

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
    assert!(lines[0].contains("3600 s ahead of the clock of the database"), "{lines:?}");
    let lines = Log::of(|| assert_eq!(prune(NOW + HOUR), None));
    assert!(lines[0].contains("3600 s behind the clock of the database"), "{lines:?}");
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
