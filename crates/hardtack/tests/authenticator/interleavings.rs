//! Runs concurrent requests in every possible order of their steps. A step ends at a query to the store.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use hardtack::BackendError;
use hardtack::adapter::{Exchange, RequestState};
use hardtack::clock::Timestamp;
use hardtack::session::{EndedSessions, RevocationPage, RevokeTarget, Rotation, Session, SessionStore};
use hardtack::testing::{TestClock, TestRequest};
use hardtack::{KeySet, MemorySessions, SessionId, SigningKey};
use serde_json::json;

use crate::support::{Browser, NOW, Site, block_on, key};

/// A store that yields before each query, and also after each query whose result the process must apply to its own
/// memory.
#[derive(Clone, Default)]
struct YieldingStore(MemorySessions);

/// Returns `Pending` once, so that another request can run.
async fn yield_once() {
    let mut yielded = false;
    poll_fn(|_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

macro_rules! yielding {
    ($(fn $name:ident($($arg:ident: $type:ty),*) -> $out:ty $([then $after:ident])?;)*) => {
        impl SessionStore for YieldingStore {
            $(async fn $name(&self, $($arg: $type),*) -> Result<$out, BackendError> {
                yield_once().await;
                let result = SessionStore::$name(&self.0, $($arg),*).await;
                $($after().await;)?
                result
            })*

            fn is_durable(&self) -> bool {
                self.0.is_durable()
            }
        }
    };
}

yielding! {
    fn create(session: &Session, ends: RevokeTarget<'_>) -> Vec<SessionId> [then yield_once];
    fn find(id: SessionId) -> Option<Session>;
    fn rotate(id: SessionId, generation: u64, rotation: Rotation) -> Option<Session>;
    fn confirm(id: SessionId, generation: u64) -> ();
    fn revoke(ends: RevokeTarget<'_>, now: Timestamp) -> Vec<SessionId> [then yield_once];
    fn outdate(subject: &str, claims: Option<&str>, now: Timestamp) -> Vec<(SessionId, u64)> [then yield_once];
    fn list(subject: &str, now: Timestamp) -> Vec<Session>;
    fn revocations(after: u64, limit: u32) -> RevocationPage [then yield_once];
    fn prune(before: Timestamp, limit: u32) -> u64;
}

/// The new value of the claims.
const NEW: u64 = 1;

#[derive(Clone, Copy, Debug)]
enum Task {
    Refresh(usize),
    LogOut(usize),
    ChangePassword(usize),
    RevokeAll(usize),
    /// Changes the stored claims and those that the application adds.
    ChangeClaims(usize),
    LogIn(usize),
    Sync(usize),
}

/// The cookies that a task set, or `None`.
type Outcome = Option<Vec<String>>;

/// Runs a task at one of the two processes, with the cookies of `browser`.
async fn run(sites: &[Site; 2], role: &AtomicU64, browser: &Browser, task: Task) -> Outcome {
    let at = match task {
        Task::Refresh(at) | Task::LogOut(at) | Task::ChangePassword(at) | Task::RevokeAll(at) => at,
        Task::ChangeClaims(at) | Task::LogIn(at) | Task::Sync(at) => at,
    };
    let request = TestRequest::new("POST", "/").fields([
        ("cookie", browser.cookies_for("/", NOW).unwrap()),
        ("x-csrf-token", browser.csrf()),
        ("content-type", "application/json".into()),
    ]);
    let state = RequestState::without_layer(sites[at].auth.clone());
    let exchange = Exchange::new(request.head(), &state);
    let cookies = match task {
        Task::Refresh(_) => exchange.refresh().await.ok(),
        Task::LogOut(_) => exchange.log_out().await.ok(),
        Task::ChangePassword(_) => exchange.renew(EndedSessions::none()).await.ok(),
        Task::RevokeAll(_) => {
            sites[at].auth.revoke_all_sessions("alice").await.unwrap();
            None
        }
        Task::ChangeClaims(_) => {
            role.store(NEW, Ordering::SeqCst);
            sites[at].auth.change_claims("alice", &serde_json::json!({ "stored": NEW })).await.unwrap();
            None
        }
        Task::LogIn(_) => exchange.log_in("alice").await.ok(),
        Task::Sync(_) => {
            sites[at].auth.sync_revocations().await.unwrap();
            None
        }
    };
    cookies.map(|cookies| cookies.into_iter().collect())
}

/// Runs tasks in every order of their steps, each time with a new store, and returns the number of orders.
fn in_every_order(tasks: &[Task], check: impl Fn(&[Site; 2], &Browser, &[Outcome])) -> usize {
    let signing: SigningKey = key();
    let keys = KeySet::new(signing);
    let mut orders = 0;
    // For each step: the index of the task that runs next, and how many tasks were unfinished.
    let mut choices: Vec<(usize, usize)> = Vec::new();
    loop {
        let (store, clock) = (YieldingStore::default(), TestClock::start_at(NOW));
        let role = Arc::new(AtomicU64::new(0));
        let sites = [(); 2].map(|()| {
            let role = role.clone();
            let added = move |_, _| {
                let role = role.load(Ordering::SeqCst);
                async move { Ok(json!({ "added": role })) }
            };
            let set = |builder: hardtack::AuthenticatorBuilder| builder.clock(clock.clone()).additional_claims(added);
            Site { clock: clock.clone(), ..Site::over(store.clone(), keys.clone(), set) }
        });
        let browser = sites[0].browser_of("alice");
        type Running<'a> = Pin<Box<dyn Future<Output = Outcome> + 'a>>;
        let mut running: Vec<(usize, Running<'_>)> =
            tasks.iter().map(|task| Box::pin(run(&sites, &role, &browser, *task)) as Running<'_>).enumerate().collect();
        let mut outcomes = vec![None; tasks.len()];
        let mut step = 0;
        while !running.is_empty() {
            if step == choices.len() {
                choices.push((0, running.len()));
            }
            let chosen = choices[step].0;
            if let Poll::Ready(outcome) = running[chosen].1.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                outcomes[running[chosen].0] = outcome;
                drop(running.remove(chosen));
            }
            step += 1;
        }
        drop(running);
        check(&sites, &browser, &outcomes);
        orders += 1;
        while choices.last().is_some_and(|(chosen, of)| chosen + 1 == *of) {
            choices.pop();
        }
        match choices.last_mut() {
            Some((chosen, _)) => *chosen += 1,
            None => return orders,
        }
    }
}

/// Returns the browser with the cookies that a task set.
fn browser_after(browser: &Browser, outcome: &Outcome) -> Option<Browser> {
    let mut browser = browser.clone();
    outcome.as_ref()?.iter().for_each(|text| browser.set(text, NOW));
    Some(browser)
}

/// Checks that every process, once it has read the log, refuses every token that was ever issued.
fn every_token_is_refused(sites: &[Site; 2], browser: &Browser, outcomes: &[Outcome]) {
    for site in sites {
        block_on(site.auth.sync_revocations()).unwrap();
        assert_eq!(site.live_sessions("alice").len(), 0);
        let issued = outcomes.iter().filter_map(|outcome| browser_after(browser, outcome));
        for held in issued.chain([browser.clone()]).filter(|held| !held.is_empty()) {
            assert_eq!(site.visit(&mut held.clone()).status, 401);
            assert_eq!(site.refresh(&mut held.clone()).status, 401);
        }
    }
}

#[test]
fn s31_refreshes_that_race_all_get_the_same() {
    let orders = in_every_order(&[Task::Refresh(0), Task::Refresh(1), Task::Refresh(0)], |sites, browser, outcomes| {
        let tokens: Vec<Browser> = outcomes.iter().map(|outcome| browser_after(browser, outcome).unwrap()).collect();
        assert!(tokens.iter().all(|held| held.refresh() == tokens[0].refresh() && held.access() == tokens[0].access()));
        let rows = sites[0].live_sessions("alice");
        assert_eq!((rows.len(), rows[0].generation), (1, 2));
    });
    assert!(orders > 100, "{orders}");
}

#[test]
fn s28_s29_a_log_out_is_final_in_every_order() {
    let orders = in_every_order(&[Task::Refresh(0), Task::LogOut(1), Task::Refresh(1)], every_token_is_refused);
    assert!(orders > 100, "{orders}");
}

#[test]
fn s28_a_reader_of_the_log_misses_nothing_in_any_order() {
    for end in [Task::LogOut(1), Task::RevokeAll(1)] {
        let orders = in_every_order(&[Task::Sync(0), end, Task::Sync(0)], every_token_is_refused);
        assert!(orders > 100, "{orders}");
    }
}

#[test]
fn s35_a_password_change_leaves_one_session_or_none() {
    let orders =
        in_every_order(&[Task::ChangePassword(0), Task::Refresh(1), Task::Refresh(0)], |sites, browser, outcomes| {
            assert_eq!(sites[0].live_sessions("alice").len(), usize::from(outcomes[0].is_some()));
            for site in sites {
                block_on(site.auth.sync_revocations()).unwrap();
                for held in outcomes[1..].iter().filter_map(|outcome| browser_after(browser, outcome)) {
                    assert_eq!(site.visit(&mut held.without(&["refresh_token_cookie"])).status, 401);
                }
            }
        });
    assert!(orders > 100, "{orders}");
    // If the log-out is first, the session has ended for good. If it is later, its session has already ended.
    in_every_order(&[Task::ChangePassword(0), Task::LogOut(1), Task::Sync(1)], |sites, browser, outcomes| {
        let renewed = outcomes[0].is_some();
        assert_eq!(sites[0].live_sessions("alice").len(), usize::from(renewed));
        the_old_session_is_refused(sites, browser);
    });
}

fn the_old_session_is_refused(sites: &[Site; 2], browser: &Browser) {
    for site in sites {
        block_on(site.auth.sync_revocations()).unwrap();
        assert_eq!(site.visit(&mut browser.clone()).status, 401);
    }
}

/// Checks that every process, once it has read the log, accepts only tokens with the new claims.
fn accepted_tokens_have_the_new_claims(sites: &[Site; 2], browser: &Browser, outcomes: &[Outcome], stored: bool) {
    for site in sites {
        block_on(site.auth.sync_revocations()).unwrap();
    }
    let issued = outcomes.iter().filter_map(|outcome| browser_after(browser, outcome));
    for held in issued.chain([browser.clone()]) {
        let responses = sites.each_ref().map(|site| site.visit(&mut held.without(&["refresh_token_cookie"])));
        assert_eq!(responses[0].status, responses[1].status, "the processes agree");
        for response in responses.iter().filter(|response| response.status == 200) {
            assert_eq!(response.token().claim("added"), NEW);
            assert!(!stored || response.token().claim("stored") == NEW);
        }
    }
}

#[test]
fn s39_changed_claims_hold_in_every_order() {
    for change in [0, 1] {
        let tasks = [Task::Refresh(0), Task::ChangeClaims(change), Task::Refresh(1)];
        let orders = in_every_order(&tasks, |sites, browser, outcomes| {
            accepted_tokens_have_the_new_claims(sites, browser, outcomes, true);
            // The session is still live, and one more refresh is enough.
            let mut held = browser_after(browser, &outcomes[0]).unwrap();
            for site in sites {
                let response = site.visit(&mut held);
                assert_eq!(
                    (response.token().claim("added"), response.token().claim("stored")),
                    (NEW.into(), NEW.into())
                );
            }
            assert!(sites[0].visit(&mut held).cookies.is_empty());
            assert!(sites[0].live_sessions("alice")[0].generation <= 3);
        });
        assert!(orders > 100, "{orders}");
    }
}

#[test]
fn s39_no_new_session_keeps_the_old_claims() {
    // The log-in stores no claims; the application adds some.
    let orders = in_every_order(&[Task::LogIn(0), Task::ChangeClaims(1)], |sites, browser, outcomes| {
        accepted_tokens_have_the_new_claims(sites, browser, outcomes, false);
        let mut held = browser_after(browser, &outcomes[0]).unwrap();
        assert_eq!(sites[1].visit(&mut held).token().claim("added"), NEW);
    });
    assert!(orders > 20, "{orders}");
    let ended = AtomicU64::new(0);
    let orders = in_every_order(&[Task::ChangePassword(0), Task::ChangeClaims(1)], |sites, browser, outcomes| {
        accepted_tokens_have_the_new_claims(sites, browser, outcomes, true);
        match browser_after(browser, &outcomes[0]) {
            Some(mut held) => assert_eq!(sites[1].visit(&mut held).token().claim("stored"), NEW),
            // The claims changed during the password change: the user has to log in again.
            None => assert_eq!(sites[0].live_sessions("alice").len(), 0),
        }
        ended.fetch_add(u64::from(outcomes[0].is_none()), Ordering::SeqCst);
    });
    let ended = ended.into_inner() as usize;
    assert!(orders > 100 && ended > 0 && ended < orders / 2, "{ended} of {orders}");
}
