//! Servers whose clocks are wrong, are set, or differ (decision 31).
//!
//! Each server has a clock of its own. The browser has the right one.

mod early_tokens;
mod ended_sessions;

use std::time::Duration;

use hardtack::clock::Clock;
use hardtack::session::SessionPolicy;
use hardtack::testing::{FailingSessions, TestClock};
use hardtack::{AuthenticatorBuilder, KeySet};

use crate::support::{Browser, NOW, Site, block_on, key, seconds};

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
