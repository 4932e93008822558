//! A bound session, its owner and a thief, in any order of what they do.

use hardtack::clock::Clock;
use hardtack::event::EventKind;
use hardtack::jwt::Algorithm;
use hardtack::testing::TestDevice;
use hardtack::{Need, RefreshMode};
use proptest::prelude::*;

use crate::device::{
    ACCESS, Bound, Events, REFRESH, bind, count, post_bound, register_challenge, site_with, tells_to_forget,
};
use crate::support::{Browser, Request, Response, Site, page};

/// What happens to a bound session, in any order.
#[derive(Clone, Copy, Debug)]
enum Step {
    Wait(u64),
    /// The owner's browser refreshes.
    Refresh,
    /// The owner's browser refreshes, but the response is lost.
    LoseResponse,
    /// Two tabs of the owner's browser refresh at once, and the browser gets the responses in the other order.
    RefreshTwice,
    /// The owner opens a page.
    Visit,
    /// The owner opens a page that needs a recent proof.
    Prove,
    /// The owner types the password again.
    Reauthenticate,
    /// The owner types the password again while the browser refreshes. The response to the refresh arrives last.
    ReauthenticateAndRefresh,
    /// The owner's claims change.
    ChangeClaims,
    /// A thief copies the cookies of the owner's browser.
    Copy,
    ThiefVisits,
    ThiefRefreshes,
    /// The thief opens the page that needs a recent proof.
    ThiefProves,
    /// The thief posts to the route for proofs, without one.
    ThiefAsks,
    /// The thief registers a key.
    ThiefBinds,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        prop::sample::select(vec![1, 11, 31, 300, 601, 901]).prop_map(Step::Wait),
        prop::sample::select(vec![
            Step::Refresh,
            Step::LoseResponse,
            Step::RefreshTwice,
            Step::Visit,
            Step::Prove,
            Step::Reauthenticate,
            Step::ReauthenticateAndRefresh,
            Step::ChangeClaims,
            Step::Copy,
            Step::ThiefVisits,
            Step::ThiefRefreshes,
            Step::ThiefProves,
            Step::ThiefAsks,
            Step::ThiefBinds,
        ]),
    ];
    prop::collection::vec(step, 1..40)
}

const PROVEN: Need = Need::access().proven(std::time::Duration::from_secs(120));

/// The cookies that a thief has copied, and when the stolen access token can be used no longer.
struct Thief {
    browser: Browser,
    device: TestDevice,
    dead_at: u64,
}

/// A site, the owner of a session, and a thief.
struct Model {
    site: Site,
    alice: Bound,
    thief: Thief,
    registration: String,
    /// The seconds since the beginning.
    time: u64,
}

impl Model {
    fn new(mode: RefreshMode) -> (Self, Events) {
        let (site, events) = site_with(|builder| builder.refresh_mode(mode));
        let mut browser = Browser::default();
        let registration = register_challenge(&site, &mut browser, "alice");
        let device = TestDevice::new(Algorithm::ES256).unwrap();
        // The first copy is from before the binding.
        let thief = Thief { browser: browser.clone(), device, dead_at: 900 };
        let alice = Bound::bind(&site, browser, &registration);
        (Self { site, alice, thief, registration, time: 0 }, events)
    }

    /// Opens a page as the owner's browser does: refreshes if the access cookie is missing, and follows a redirect to
    /// the same URL.
    fn open(&mut self, need: Need) -> u16 {
        let mut status = 0;
        for _ in 0..3 {
            if !self.alice.has_access(&self.site) && self.alice.refresh(&self.site).status != 200 {
                return 0;
            }
            let request = Request::get("/page").field("sec-fetch-site", "same-origin");
            let response = self.site.send(&mut self.alice.browser, request, page(need));
            status = response.status;
            // In redirect mode, the refresh URL only sends the browser back, once it has refreshed.
            if !matches!((status, response.code), (307, _) | (401, "refresh_needed")) {
                break;
            }
        }
        status
    }

    fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        let Self { site, alice, thief, .. } = self;
        match step {
            Step::Wait(span) => {
                site.advance(span);
                self.time += span;
            }
            Step::Refresh => prop_assert_eq!(alice.refresh(site).status, 200),
            Step::LoseResponse => drop(alice.clone().post(site)),
            Step::RefreshTwice => {
                let mut other = alice.clone();
                prop_assert_eq!(other.refresh(site).status, 200);
                prop_assert_eq!(alice.refresh(site).status, 200);
                // The responses arrive in the other order.
                alice.browser = other.browser;
            }
            Step::Visit => prop_assert_eq!(self.open(Need::access()), 200),
            Step::Prove => prop_assert_eq!(self.open(PROVEN), 200),
            Step::Reauthenticate => {
                prop_assert_eq!(self.open(Need::access()), 200);
                let response = self.site.reauthenticate(&mut self.alice.browser, "alice");
                prop_assert_eq!(response.status, 200, "{}", response.code);
                // Every earlier copy is dead at once.
                self.thief.dead_at = self.thief.dead_at.min(self.time);
            }
            Step::ReauthenticateAndRefresh => {
                prop_assert_eq!(self.open(Need::access()), 200);
                let Self { site, alice, thief, .. } = self;
                let refreshed = alice.refresh_in_flight(site);
                let response = site.reauthenticate(&mut alice.browser, "alice");
                prop_assert_eq!(response.status, 200, "{}", response.code);
                alice.browser.receive(&refreshed, site.clock.now());
                thief.dead_at = thief.dead_at.min(self.time);
                prop_assert_eq!(self.open(Need::access()), 200);
            }
            Step::ChangeClaims => {
                let changed = crate::support::block_on(site.auth.change_claims("alice", &serde_json::json!({})));
                prop_assert_eq!(changed.unwrap(), 1);
                thief.dead_at = thief.dead_at.min(self.time);
            }
            Step::Copy => {
                thief.browser = alice.browser.clone();
                thief.dead_at = if alice.has_access(site) { self.time + 900 } else { self.time };
            }
            Step::ThiefVisits => {
                let response = site.respond(&thief.browser, Request::get("/page"), page(Need::access()));
                let dead = self.time >= thief.dead_at;
                prop_assert!(!dead || response.status != 200, "a copy lives on");
                prop_assert!(!sets_token(&response));
            }
            Step::ThiefProves => {
                let response = site.respond(&thief.browser, Request::get("/page"), page(PROVEN));
                let dead = self.time >= thief.dead_at;
                prop_assert!(!dead || response.status != 200, "a copy lives on");
                prop_assert!(!sets_token(&response));
            }
            Step::ThiefRefreshes => {
                let response = site.refresh(&mut thief.browser.clone());
                prop_assert_eq!(response.status, 401, "{}", response.code);
                prop_assert!(!sets_token(&response));
            }
            Step::ThiefAsks => {
                let reply = post_bound(site, &mut thief.browser.clone(), Some(&alice.id), None).unwrap();
                prop_assert!(matches!(reply.status, 403 | 503) && reply.cookies.is_empty(), "{}", reply.status);
            }
            Step::ThiefBinds => {
                let proof = thief.device.register(&self.registration);
                let reply = bind(site, &mut thief.browser.clone(), &proof).unwrap();
                prop_assert!(reply.status == 404 && reply.cookies.is_empty());
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn s89_no_interleaving_lets_a_copy_live_on_or_logs_the_owner_out(steps in steps(), redirect in any::<bool>()) {
        let mode = if redirect { RefreshMode::Redirect } else { RefreshMode::Transparent };
        let (mut model, events) = Model::new(mode);
        for step in steps {
            model.step(step)?;
        }
        prop_assert_eq!(model.open(Need::access()), 200);
        prop_assert_eq!(model.open(PROVEN), 200);
        prop_assert_eq!(count(&events, EventKind::ReuseDetected) + count(&events, EventKind::ProofFailed), 0);
        // After a log-out, neither the owner's cookies nor the copy work.
        let (mut left, id) = (model.alice.clone(), model.alice.id.clone());
        prop_assert_eq!(model.site.log_out(&mut model.alice.browser).status, 200);
        for cookies in [&left.browser, &model.thief.browser] {
            prop_assert_ne!(model.site.respond(cookies, Request::get("/page"), page(Need::access())).status, 200);
        }
        prop_assert!(tells_to_forget(&left.refresh(&model.site), &id));
    }
}

/// Whether a response sets an access cookie or a refresh cookie.
fn sets_token(response: &Response) -> bool {
    let sets = |name| response.set_cookie(name).is_some() && !response.deletes(name);
    sets(ACCESS) || sets(REFRESH)
}
