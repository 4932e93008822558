//! Every order in which the store can be asked by requests that are on their way at once.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use hardtack::BackendError;
use hardtack::adapter::{Exchange, RequestState};
use hardtack::clock::Timestamp;
use hardtack::session::{RevocationPage, RevokeTarget, Rotation, Session, SessionStore};
use hardtack::testing::{TestClock, TestRequest};
use hardtack::{KeySet, MemorySessions, SessionId, SigningKey};
use serde_json::Map;

use crate::support::{Browser, NOW, Site, block_on, key};

/// Lets another request go first: before each question, and before the answers are heard that the process
/// has to take notice of.
#[derive(Clone, Default)]
struct Yielding(MemorySessions);

async fn others_first() {
    let mut waited = false;
    poll_fn(|_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

macro_rules! yielding {
    ($(fn $name:ident($($arg:ident: $type:ty),*) -> $out:ty $([then $after:ident])?;)*) => {
        impl SessionStore for Yielding {
            $(async fn $name(&self, $($arg: $type),*) -> Result<$out, BackendError> {
                others_first().await;
                let answer = SessionStore::$name(&self.0, $($arg),*).await;
                $($after().await;)?
                answer
            })*
        }
    };
}

yielding! {
    fn create(session: &Session, ends: RevokeTarget<'_>) -> Vec<SessionId> [then others_first];
    fn find(id: SessionId) -> Option<Session>;
    fn rotate(id: SessionId, generation: u64, rotation: Rotation) -> Option<Session>;
    fn confirm(id: SessionId, generation: u64) -> ();
    fn revoke(ends: RevokeTarget<'_>, now: Timestamp) -> Vec<SessionId> [then others_first];
    fn outdate(subject: &str, claims: Option<&str>, now: Timestamp) -> Vec<(SessionId, u64)> [then others_first];
    fn list(subject: &str, now: Timestamp) -> Vec<Session>;
    fn revocations(after: u64, limit: u32) -> RevocationPage [then others_first];
    fn prune(before: Timestamp, limit: u32) -> u64;
}

/// What the claims are changed to.
const NEW: u64 = 1;

#[derive(Clone, Copy, Debug)]
enum Task {
    Refresh(usize),
    LogOut(usize),
    ChangePassword(usize),
    RevokeAll(usize),
    /// Both of a session's claims and of those that the application adds.
    ChangeClaims(usize),
    LogIn(usize),
    Sync(usize),
}

/// What came of a task: the cookies that it set, or nothing.
type Outcome = Option<Vec<String>>;

/// Runs one task at one of two processes, with the cookies of `browser`.
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
        Task::ChangePassword(_) => exchange.renew().await.ok(),
        Task::RevokeAll(_) => {
            sites[at].auth.revoke_all_sessions("alice").await.unwrap();
            None
        }
        Task::ChangeClaims(_) => {
            role.store(NEW, Ordering::SeqCst);
            sites[at].auth.change_claims("alice", &serde_json::json!({ "given": NEW })).await.unwrap();
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

/// Runs tasks in every order of their steps, each in a new world; answers how many orders there were.
fn in_every_order(tasks: &[Task], check: impl Fn(&[Site; 2], &Browser, &[Outcome])) -> usize {
    let signing: SigningKey = key();
    let keys = KeySet::new(signing);
    let mut orders = 0;
    // At each step: which of the tasks that are not done goes on, and of how many.
    let mut choices: Vec<(usize, usize)> = Vec::new();
    loop {
        let (store, clock) = (Yielding::default(), TestClock::start_at(NOW));
        let role = Arc::new(AtomicU64::new(0));
        let sites = [(); 2].map(|()| {
            let role = role.clone();
            let asked = move |_: &str, _| Map::from_iter([("asked".to_owned(), role.load(Ordering::SeqCst).into())]);
            let set = |builder: hardtack::AuthenticatorBuilder| builder.clock(clock.clone()).additional_claims(asked);
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

fn holding(browser: &Browser, outcome: &Outcome) -> Option<Browser> {
    let mut browser = browser.clone();
    outcome.as_ref()?.iter().for_each(|text| browser.set(text, NOW));
    Some(browser)
}

/// After every process has read the log, nobody gets in with anything that was ever handed out.
fn all_are_dead(sites: &[Site; 2], browser: &Browser, outcomes: &[Outcome]) {
    for site in sites {
        block_on(site.auth.sync_revocations()).unwrap();
        assert_eq!(site.live_sessions("alice").len(), 0);
        let handed_out = outcomes.iter().filter_map(|outcome| holding(browser, outcome));
        for held in handed_out.chain([browser.clone()]).filter(|held| !held.is_empty()) {
            assert_eq!(site.visit(&mut held.clone()).status, 401);
            assert_eq!(site.refresh(&mut held.clone()).status, 401);
        }
    }
}

#[test]
fn s31_refreshes_that_race_all_get_the_same() {
    let orders = in_every_order(&[Task::Refresh(0), Task::Refresh(1), Task::Refresh(0)], |sites, browser, outcomes| {
        let tokens: Vec<Browser> = outcomes.iter().map(|outcome| holding(browser, outcome).unwrap()).collect();
        assert!(tokens.iter().all(|held| held.refresh() == tokens[0].refresh() && held.access() == tokens[0].access()));
        let rows = sites[0].live_sessions("alice");
        assert_eq!((rows.len(), rows[0].generation), (1, 2));
    });
    assert!(orders > 100, "{orders}");
}

#[test]
fn s28_s29_a_log_out_is_final_in_every_order() {
    let orders = in_every_order(&[Task::Refresh(0), Task::LogOut(1), Task::Refresh(1)], all_are_dead);
    assert!(orders > 100, "{orders}");
}

#[test]
fn s28_a_reader_of_the_log_misses_nothing_in_any_order() {
    for end in [Task::LogOut(1), Task::RevokeAll(1)] {
        let orders = in_every_order(&[Task::Sync(0), end, Task::Sync(0)], all_are_dead);
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
                for held in outcomes[1..].iter().filter_map(|outcome| holding(browser, outcome)) {
                    assert_eq!(site.visit(&mut held.without(&["refresh_token_cookie"])).status, 401);
                }
            }
        });
    assert!(orders > 100, "{orders}");
    // A log-out that comes first is final; one that comes later names a session that is dead already.
    in_every_order(&[Task::ChangePassword(0), Task::LogOut(1), Task::Sync(1)], |sites, browser, outcomes| {
        let renewed = outcomes[0].is_some();
        assert_eq!(sites[0].live_sessions("alice").len(), usize::from(renewed));
        all_but_new_are_dead(sites, browser);
    });
}

fn all_but_new_are_dead(sites: &[Site; 2], browser: &Browser) {
    for site in sites {
        block_on(site.auth.sync_revocations()).unwrap();
        assert_eq!(site.visit(&mut browser.clone()).status, 401);
    }
}

/// After every process has read the log, whatever was handed out has the new claims or is refused.
fn whoever_gets_in_has_the_new_claims(sites: &[Site; 2], browser: &Browser, outcomes: &[Outcome], given: bool) {
    for site in sites {
        block_on(site.auth.sync_revocations()).unwrap();
    }
    let handed_out = outcomes.iter().filter_map(|outcome| holding(browser, outcome));
    for held in handed_out.chain([browser.clone()]) {
        let answers = sites.each_ref().map(|site| site.visit(&mut held.without(&["refresh_token_cookie"])));
        assert_eq!(answers[0].status, answers[1].status, "the processes agree");
        for answer in answers.iter().filter(|answer| answer.status == 200) {
            assert_eq!(answer.token().claim("asked"), NEW);
            assert!(!given || answer.token().claim("given") == NEW);
        }
    }
}

#[test]
fn s39_changed_claims_hold_in_every_order() {
    for change in [0, 1] {
        let tasks = [Task::Refresh(0), Task::ChangeClaims(change), Task::Refresh(1)];
        let orders = in_every_order(&tasks, |sites, browser, outcomes| {
            whoever_gets_in_has_the_new_claims(sites, browser, outcomes, true);
            // Nobody was logged out, and one more refresh is enough.
            let mut held = holding(browser, &outcomes[0]).unwrap();
            for site in sites {
                let answer = site.visit(&mut held);
                assert_eq!((answer.token().claim("asked"), answer.token().claim("given")), (NEW.into(), NEW.into()));
            }
            assert!(sites[0].visit(&mut held).cookies.is_empty());
            assert!(sites[0].live_sessions("alice")[0].generation <= 3);
        });
        assert!(orders > 100, "{orders}");
    }
}

#[test]
fn s39_no_new_session_keeps_the_old_claims() {
    // Its application gave a log-in no claims; what it adds is asked for.
    let orders = in_every_order(&[Task::LogIn(0), Task::ChangeClaims(1)], |sites, browser, outcomes| {
        whoever_gets_in_has_the_new_claims(sites, browser, outcomes, false);
        let mut held = holding(browser, &outcomes[0]).unwrap();
        assert_eq!(sites[1].visit(&mut held).token().claim("asked"), NEW);
    });
    assert!(orders > 20, "{orders}");
    let ended = AtomicU64::new(0);
    let orders = in_every_order(&[Task::ChangePassword(0), Task::ChangeClaims(1)], |sites, browser, outcomes| {
        whoever_gets_in_has_the_new_claims(sites, browser, outcomes, true);
        match holding(browser, &outcomes[0]) {
            Some(mut held) => assert_eq!(sites[1].visit(&mut held).token().claim("given"), NEW),
            // Changed while the password was: its user logs in.
            None => assert_eq!(sites[0].live_sessions("alice").len(), 0),
        }
        ended.fetch_add(u64::from(outcomes[0].is_none()), Ordering::SeqCst);
    });
    let ended = ended.into_inner() as usize;
    assert!(orders > 100 && ended > 0 && ended < orders / 2, "{ended} of {orders}");
}
