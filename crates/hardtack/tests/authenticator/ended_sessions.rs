//! Sessions that end together with a change of the application: in its transaction, or by a stored intention.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hardtack::adapter::Exchange;
use hardtack::session::{EndedSessions, PendingRevocation, PendingRevocations, RevokeTarget, SessionStore};
use hardtack::testing::FailingSessions;
use hardtack::{BackendError, ConfigError, KeySet, MemorySessions, SessionId};

use crate::events::Log;
use crate::support::{Browser, HandlerResult, Request, Response, Site, block_on, key, log_in};
use crate::virtual_time::{VirtualTime, is_ready};

/// Intentions in memory. All of them are due at once.
#[derive(Clone, Default)]
struct Intentions(Arc<State>);

#[derive(Default)]
struct State {
    list: Mutex<Vec<PendingRevocation>>,
    cannot_remove: AtomicBool,
    /// The subjects of sessions that have ended without an intention.
    ended: Mutex<Vec<String>>,
    cannot_record: AtomicBool,
}

impl Intentions {
    /// Returns the subjects that were recorded since the last call.
    fn take_ended(&self) -> Vec<String> {
        std::mem::take(&mut self.0.ended.lock().unwrap())
    }

    /// As if a transaction that changed a password had committed.
    fn commit(&self, subject: &str, kept: Option<SessionId>) -> EndedSessions {
        let mut list = self.0.list.lock().unwrap();
        let intention = PendingRevocation::new(list.last().map_or(1, |last| last.number + 1), subject, kept);
        list.push(intention.clone());
        EndedSessions::pending(intention)
    }

    fn is_empty(&self) -> bool {
        self.0.list.lock().unwrap().is_empty()
    }
}

impl PendingRevocations for Intentions {
    async fn due(&self, limit: u32) -> Result<Vec<PendingRevocation>, BackendError> {
        Ok(self.0.list.lock().unwrap().iter().take(limit as usize).cloned().collect())
    }

    async fn find(&self, subject: &str) -> Result<Vec<PendingRevocation>, BackendError> {
        Ok(self.0.list.lock().unwrap().iter().filter(|one| one.subject == subject).cloned().collect())
    }

    async fn remove(&self, number: u64) -> Result<(), BackendError> {
        if self.0.cannot_remove.load(Ordering::SeqCst) {
            return Err(BackendError::new("the process stops before it has removed the intention"));
        }
        self.0.list.lock().unwrap().retain(|one| one.number != number);
        Ok(())
    }

    async fn sessions_ended(&self, subject: &str) -> Result<(), BackendError> {
        if self.0.cannot_record.load(Ordering::SeqCst) {
            return Err(BackendError::new("the database is down"));
        }
        self.0.ended.lock().unwrap().push(subject.to_owned());
        Ok(())
    }
}

/// A process whose users are in one database and whose sessions are in another.
fn process(store: &FailingSessions, intentions: &Intentions, keys: &KeySet) -> Site {
    Site::over(store.clone(), keys.clone(), |builder| builder.pending_revocations(intentions.clone()))
}

fn elsewhere() -> (Site, FailingSessions, Intentions) {
    let (store, intentions) = (FailingSessions::new(), Intentions::default());
    let site = process(&store, &intentions, &KeySet::new(key()));
    block_on(site.auth.sync_revocations()).unwrap();
    (site, store, intentions)
}

fn renew(site: &Site, browser: &mut Browser, ended: EndedSessions) -> Response {
    let request = Request::post("/password").csrf(&browser.csrf());
    let handler = |exchange: &Exchange<'_>| -> HandlerResult { Ok(block_on(exchange.renew(ended))?.into()) };
    site.send(browser, request, handler)
}

fn session_of(site: &Site, browser: &Browser) -> Option<SessionId> {
    site.visit(&mut browser.clone()).token().session()
}

#[test]
fn s68_sessions_that_end_in_the_transaction_are_refused_at_once_and_this_browser_goes_on() {
    let site = Site::new();
    let (mut here, there, bob) = (site.browser_of("alice"), site.browser_of("alice"), site.browser_of("bob"));
    let (copy, before, form) = (here.clone(), session_of(&site, &here), here.csrf());
    // The transaction ends all sessions, that of this request too.
    let ids = block_on(site.store.revoke(RevokeTarget::AllOf("alice"), site.auth.now())).unwrap();
    let response = renew(&site, &mut here, EndedSessions::in_transaction("alice", ids));
    assert_eq!((response.status, response.cookies.is_empty()), (200, false), "{}", response.code);
    assert_ne!(session_of(&site, &here), before);
    assert_eq!(here.csrf(), form);
    for dead in [&copy, &there] {
        assert!(site.visit(&mut dead.clone()).is_refused(401, "revoked"));
        assert!(site.refresh(&mut dead.clone()).is_refused(401, "revoked"));
    }
    assert_eq!((site.live_sessions("alice").len(), site.visit(&mut bob.clone()).status), (1, 200));

    // It ends all sessions except that of the request, which the new one replaces.
    let (copy, there, kept) = (here.clone(), site.browser_of("alice"), session_of(&site, &here));
    let target = RevokeTarget::AllExcept("alice", kept.unwrap());
    let ids = block_on(site.store.revoke(target, site.auth.now())).unwrap();
    assert_eq!(renew(&site, &mut here, EndedSessions::in_transaction("alice", ids)).status, 200);
    assert_ne!(session_of(&site, &here), kept);
    for dead in [&copy, &there] {
        assert!(site.visit(&mut dead.clone()).is_refused(401, "revoked"));
    }
    assert_eq!(site.live_sessions("alice").len(), 1);
}

/// The transaction has not checked the session, or the session has ended after the commit. The password is stored, so
/// the response does not say that the change has failed.
#[test]
fn e01_a_session_that_has_ended_is_not_renewed_and_the_response_says_that_the_password_was_changed() {
    let site = Site::new();
    let (mut here, other) = (site.browser_of("alice"), site.browser_of("alice"));
    let id = session_of(&site, &here).unwrap();
    block_on(site.store.revoke(RevokeTarget::Sessions(&[id]), site.auth.now())).unwrap();
    let ids = block_on(site.store.revoke(RevokeTarget::AllOf("alice"), site.auth.now())).unwrap();
    assert_eq!(ids, [session_of(&site, &other).unwrap()]);
    let mut page = here.clone();
    let response = renew(&site, &mut here, EndedSessions::in_transaction("alice", ids));
    assert!(response.is_refused(401, "ended_after_change"));
    assert!(site.live_sessions("alice").is_empty());

    let request = Request::post("/password").person().csrf(&page.csrf());
    let ended = EndedSessions::in_transaction("alice", Vec::new());
    let response = site.send(&mut page, request, |exchange: &Exchange<'_>| -> HandlerResult {
        Ok(block_on(exchange.renew(ended))?.into())
    });
    assert_eq!(response.status, 401);
    assert!(response.body.contains("Your password was changed"), "{}", response.body);
}

/// The browser sends the form twice. Both transactions commit while the session is live.
#[test]
fn e01_a_form_that_is_sent_twice_leaves_the_browser_its_new_session() {
    let (site, _, intentions) = elsewhere();
    for (by_intention, commits_late) in [(false, false), (true, false), (true, true)] {
        let mut here = site.browser_of("alice");
        let (mut again, kept) = (here.clone(), session_of(&site, &here));
        let commit = || match by_intention {
            true => intentions.commit("alice", kept),
            false => EndedSessions::in_transaction("alice", Vec::new()),
        };
        let (first, early) = (commit(), (!commits_late).then(commit));
        let renewed = renew(&site, &mut here, first);
        assert_eq!((renewed.status, renewed.cookies.is_empty()), (200, false), "{}", renewed.code);
        let second = renew(&site, &mut again, early.unwrap_or_else(commit));
        assert_eq!((second.status, second.cookies.len()), (200, 0), "{}", second.code);
        assert_eq!((site.visit(&mut here).status, site.refresh(&mut here).status), (200, 200));
        assert_eq!(site.live_sessions("alice").len(), 1);
        assert!(intentions.is_empty());
    }
}

#[test]
fn what_was_rolled_back_has_not_ended() {
    let site = Site::new();
    let (mut here, there) = (site.browser_of("alice"), site.browser_of("alice"));
    let ids: Vec<SessionId> = site.live_sessions("alice").iter().map(|row| row.id).collect();
    // A reset that was rolled back: nothing has ended, and nothing is refused.
    assert!(block_on(site.auth.finish_ending(EndedSessions::in_transaction("alice", ids.clone()))));
    assert_eq!((site.visit(&mut here).status, site.visit(&mut there.clone()).status), (200, 200));
    // A renewal ends the other sessions itself.
    assert_eq!(renew(&site, &mut here, EndedSessions::in_transaction("alice", ids)).status, 200);
    assert_eq!((site.visit(&mut here).status, site.visit(&mut there.clone()).status), (200, 401));
}

#[test]
fn the_sessions_of_another_user_are_not_renewed() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    let response = renew(&site, &mut alice, EndedSessions::in_transaction("bob", Vec::new()));
    assert!(response.is_refused(401, "other_user"), "{}", response.code);
    assert_eq!(site.visit(&mut alice).status, 200);
}

#[test]
fn s68_a_store_that_fails_after_the_commit_is_no_failure_of_the_change() {
    let store = FailingSessions::new();
    let site = Site::over(store.clone(), KeySet::new(key()), |builder| builder);
    let mut here = site.browser_of("alice");
    let ids = block_on(store.sessions().revoke(RevokeTarget::AllOf("alice"), site.auth.now())).unwrap();
    store.fail();
    let response = renew(&site, &mut here, EndedSessions::in_transaction("alice", ids));
    assert_eq!((response.status, response.cookies.len()), (200, 0), "{}", response.code);
    // This process does not know what has ended, so it asks.
    assert!(site.visit(&mut here.clone()).is_refused(503, "store_unavailable"));
    store.recover();
    assert!(site.visit(&mut here).is_refused(401, "revoked"));
}

#[test]
fn s68_an_intention_is_worked_off_at_once_and_this_browser_goes_on() {
    let (site, _, intentions) = elsewhere();
    for keeps in [true, false] {
        let (mut here, there) = (site.browser_of("alice"), site.browser_of("alice"));
        let (copy, before) = (here.clone(), session_of(&site, &here));
        let ended = intentions.commit("alice", before.filter(|_| keeps));
        assert_eq!(renew(&site, &mut here, ended).status, 200);
        assert!(intentions.is_empty());
        assert_ne!(session_of(&site, &here), before);
        for dead in [&copy, &there] {
            assert!(site.visit(&mut dead.clone()).is_refused(401, "revoked"));
            assert!(site.refresh(&mut dead.clone()).is_refused(401, "revoked"));
        }
        assert_eq!(site.live_sessions("alice").len(), 1);
    }
}

#[test]
fn s68_while_the_store_is_down_others_are_refused_and_they_end_when_it_is_back() {
    let (site, store, intentions) = elsewhere();
    let (mut here, there, bob) = (site.browser_of("alice"), site.browser_of("alice"), site.browser_of("bob"));
    let kept = session_of(&site, &here);
    let (time, token) = (VirtualTime::default(), site.visit(&mut there.clone()).token().clone());
    let mut ended = site.auth.ended(&token, time.sleep());
    let mut session_ended = site.auth.ended_session(&token, time.sleep());
    assert!(!is_ready(&mut ended) && !is_ready(&mut session_ended));
    store.fail();
    let response = renew(&site, &mut here, intentions.commit("alice", kept));
    // The password is stored: the response is no error, and the browser keeps its session.
    assert_eq!((response.status, response.cookies.len()), (200, 0), "{}", response.code);
    assert!(site.visit(&mut there.clone()).is_refused(503, "store_unavailable"));
    assert!(site.refresh(&mut there.clone()).is_refused(503, "store_unavailable"));

    // The store can be read, but the sessions have not ended yet.
    store.recover();
    assert!(is_ready(&mut ended) && is_ready(&mut session_ended));
    assert!(site.visit(&mut there.clone()).is_refused(503, "store_unavailable"));
    assert!(site.refresh(&mut there.clone()).is_refused(503, "store_unavailable"));
    assert_eq!((site.visit(&mut here).status, site.visit(&mut bob.clone()).status), (200, 200));

    block_on(site.auth.sync_revocations()).unwrap();
    assert!(intentions.is_empty());
    assert!(site.visit(&mut there.clone()).is_refused(401, "revoked"));
    assert_eq!((site.visit(&mut here).status, site.visit(&mut bob.clone()).status), (200, 200));
    assert_eq!(site.refresh(&mut here).status, 200);
}

#[test]
fn s68_an_intention_of_a_process_that_has_crashed_is_worked_off_by_any_other() {
    let (site, store, intentions) = elsewhere();
    let (alice, bob) = (site.browser_of("alice"), site.browser_of("bob"));
    let _crashed = intentions.commit("alice", None);
    let other = process(&store, &intentions, &site.auth.keys());
    block_on(other.auth.sync_revocations()).unwrap();
    assert!(intentions.is_empty());
    assert!(other.visit(&mut alice.clone()).is_refused(401, "revoked"));
    block_on(site.auth.sync_revocations()).unwrap();
    assert!(site.visit(&mut alice.clone()).is_refused(401, "revoked"));
    assert_eq!(site.visit(&mut bob.clone()).status, 200);
}

#[test]
fn a_session_that_begins_after_the_change_goes_on() {
    let (site, store, intentions) = elsewhere();
    let other = process(&store, &intentions, &site.auth.keys());
    let old = site.browser_of("alice");
    let ended = intentions.commit("alice", None);
    // The user logs in with the new password before any process has carried out the intention.
    let new = other.browser_of("alice");
    assert!(intentions.is_empty());
    // Carrying it out a second time does no harm.
    assert!(block_on(site.auth.finish_ending(ended)));
    assert!(site.visit(&mut old.clone()).is_refused(401, "revoked"));
    assert_eq!(other.visit(&mut new.clone()).status, 200);
    assert_eq!(site.refresh(&mut new.clone()).status, 200);
}

#[test]
fn an_intention_that_could_not_be_removed_is_worked_off_again() {
    let (site, _, intentions) = elsewhere();
    let alice = site.browser_of("alice");
    intentions.0.cannot_remove.store(true, Ordering::SeqCst);
    assert!(!block_on(site.auth.finish_ending(intentions.commit("alice", None))));
    assert!(site.live_sessions("alice").is_empty());
    intentions.0.cannot_remove.store(false, Ordering::SeqCst);
    block_on(site.auth.sync_revocations()).unwrap();
    assert!(intentions.is_empty());
    assert!(site.visit(&mut alice.clone()).is_refused(401, "revoked"));
    assert_eq!(site.visit(&mut site.browser_of("alice")).status, 200);
}

#[test]
fn intentions_need_a_store_and_the_log() {
    let built = hardtack::Authenticator::builder(KeySet::new(key())).pending_revocations(Intentions::default()).build();
    assert_eq!(built.unwrap_err(), ConfigError::PendingRevocationsWithoutStore);
    let without_log = hardtack::Authenticator::builder(KeySet::new(key()))
        .sessions(MemorySessions::new())
        .pending_revocations(Intentions::default())
        .insecure_without_revocation_log();
    assert_eq!(without_log.build().unwrap_err(), ConfigError::PendingRevocationsWithoutLog);
}

/// A clock that is ahead makes live sessions look expired. They end all the same.
#[test]
fn e04_s71_sessions_that_seem_to_have_expired_end_as_well() {
    const AHEAD: Duration = Duration::from_secs(40 * 24 * 60 * 60);
    for by_intention in [true, false] {
        let (site, store, intentions) = elsewhere();
        let copy = site.browser_of("alice");
        let id = session_of(&site, &copy).unwrap();
        site.clock.set_forward(AHEAD);
        if by_intention {
            assert!(block_on(site.auth.finish_ending(intentions.commit("alice", None))));
            assert!(intentions.is_empty());
        } else {
            assert!(block_on(site.auth.revoke_session("alice", id)).unwrap());
        }
        site.clock.set_back(AHEAD);
        let other = process(&store, &intentions, &site.auth.keys());
        block_on(other.auth.sync_revocations()).unwrap();
        for site in [&site, &other] {
            assert!(site.refresh(&mut copy.clone()).is_refused(401, "revoked"), "{by_intention}");
            assert!(site.visit(&mut copy.clone()).is_refused(401, "revoked"), "{by_intention}");
        }
    }
}

#[test]
fn s68_without_registered_intentions_the_sessions_end_and_the_user_can_log_in_again() {
    let store = FailingSessions::new();
    let site = Site::over(store.clone(), KeySet::new(key()), |builder| builder);
    block_on(site.auth.sync_revocations()).unwrap();
    let copy = site.browser_of("alice");
    assert!(block_on(site.auth.finish_ending(Intentions::default().commit("alice", None))));
    assert!(site.visit(&mut copy.clone()).is_refused(401, "revoked"));
    assert!(site.refresh(&mut copy.clone()).is_refused(401, "revoked"));
    assert_eq!(site.visit(&mut site.browser_of("alice")).status, 200);
}

/// The application's database learns of every session that ends in the store, before the response is sent.
#[test]
fn s28_every_end_of_a_session_is_recorded_for_the_changes_that_the_session_has_begun() {
    let (site, store, intentions) = elsewhere();
    let alice = || site.browser_of("alice");
    let recorded = |what: &str| assert_eq!(intentions.take_ended(), ["alice"], "{what}");
    let nothing = |what: &str| assert!(intentions.take_ended().is_empty(), "{what}");
    let mut browser = alice();
    nothing("a log-in");
    site.visit(&mut browser);
    nothing("a visit");

    site.log_out(&mut browser);
    recorded("a log-out");

    let mut browser = alice();
    site.send(&mut browser, Request::post("/login").json(), log_in("bob"));
    assert_eq!(intentions.take_ended(), ["alice", "bob"], "a log-in over the session");

    let mut browser = alice();
    let copy = browser.clone();
    site.refresh(&mut browser);
    site.visit(&mut browser);
    site.advance(31);
    nothing("a refresh");
    assert!(site.refresh(&mut copy.clone()).is_refused(401, "refresh_reused"));
    recorded("a stolen token");

    let (kept, other) = (alice(), alice());
    let [kept, other] = [&kept, &other].map(|browser| session_of(&site, browser).unwrap());
    assert!(block_on(site.auth.revoke_session("alice", other)).unwrap());
    recorded("the end of one session");
    assert_eq!(block_on(site.auth.revoke_other_sessions("alice", kept)).unwrap(), 0);
    nothing("no other session");
    assert_eq!(block_on(site.auth.revoke_all_sessions("alice")).unwrap(), 1);
    recorded("the end of all sessions");

    // The transaction of a new password records the end itself.
    alice();
    assert!(block_on(site.auth.finish_ending(intentions.commit("alice", None))));
    nothing("an intention");

    // The store fails, so the session may have ended.
    let mut browser = alice();
    store.fail();
    assert_eq!(site.log_out(&mut browser).status, 503);
    store.recover();
    recorded("a log-out whose outcome is unknown");

    // The application's database fails. The log-out succeeds, and the failure is logged.
    intentions.0.cannot_record.store(true, Ordering::SeqCst);
    let mut status = 0;
    let lines = Log::of(|| status = site.log_out(&mut alice()).status);
    assert_eq!(status, 200);
    assert!(lines.iter().any(|line| line.contains("end_not_counted") && line.contains("the database is down")));
}
