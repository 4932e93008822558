//! Sessions and tokens that the store has, but whose cookies have not reached the browser, because the client has
//! disconnected or the store's reply was lost.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use hardtack::adapter::{Exchange, RequestState};
use hardtack::event::EventKind;
use hardtack::session::EndedSessions;
use hardtack::testing::{Fault, FaultySessions, TestRequest};
use hardtack::{KeySet, LogIn, MemorySessions, RefreshMode, SetCookies};

use crate::cancelled_requests::{Action, ERROR_AND_DOWN, LATE, LostResults, NOTHING, send_and_cancel, site};
use crate::support::{Browser, NOW, Request, Site, block_on, key, log_in, page, renew};

/// Does what the follower of the revocation log does once a second.
fn follow(site: &Site) {
    block_on(site.auth.sync_revocations()).unwrap();
}

#[test]
fn e01_a_session_whose_cookies_were_cut_off_ends_in_the_background() {
    for action in [Action::LogIn, Action::Renew] {
        let (site, store) = site();
        let (held, bystander) = (site.browser_of("alice"), site.browser_of("bob"));
        store.writes.store(NOTHING, Ordering::SeqCst);
        send_and_cancel(&site, &held, action);
        store.recover();
        assert_eq!(site.live_sessions("alice").len(), 1, "{action:?}: the new session is stored");
        follow(&site);
        assert!(site.live_sessions("alice").is_empty(), "{action:?}");
        assert_eq!(site.visit(&mut bystander.clone()).status, 200);
        // The browser is asked to log in, and keeps its cookies, because it might be about to get new ones.
        let refused = site.visit(&mut held.clone());
        assert!(refused.is_refused(401, "revoked") && refused.cookies.is_empty(), "{action:?}");
        store.finds.store(0, Ordering::SeqCst);
        follow(&site);
        assert_eq!(store.finds.load(Ordering::SeqCst), 0, "{action:?}: the session has ended");
    }
}

/// The reply to the write is lost, and then the store is down for hours.
#[test]
fn e01_a_session_of_a_refused_log_in_ends_when_the_store_is_back() {
    for renews in [false, true] {
        let (site, store) = site();
        let mut browser = if renews { site.browser_of("alice") } else { Browser::default() };
        store.writes.store(ERROR_AND_DOWN, Ordering::SeqCst);
        // A renewal reads the session first.
        let (request, csrf) = (Request::post("/"), browser.csrf());
        let response = match renews {
            true => site.send(&mut browser, request.csrf(&csrf), renew),
            false => site.send(&mut browser, request.json(), log_in("alice")),
        };
        assert!(response.is_refused(503, "store_unavailable"), "{}", response.code);
        for _ in 0..100 {
            follow(&site);
            site.advance(60);
        }
        store.recover();
        assert_eq!(site.live_sessions("alice").len(), 1);
        follow(&site);
        assert!(site.live_sessions("alice").is_empty(), "renews: {renews}");
    }
}

/// Cancels a log-in before the store has committed it.
fn cancelled_before_commit() -> (Site, LostResults) {
    let (site, store) = site();
    store.writes.store(LATE, Ordering::SeqCst);
    send_and_cancel(&site, &Browser::default(), Action::LogIn);
    store.recover();
    follow(&site);
    (site, store)
}

#[test]
fn e01_a_session_that_is_committed_late_ends_within_the_minute() {
    for seconds in [0, 1, 10, 59] {
        let (site, store) = cancelled_before_commit();
        for _ in 0..seconds {
            site.advance(1);
            follow(&site);
        }
        store.commit();
        assert_eq!(site.live_sessions("alice").len(), 1);
        for _ in 0..64 - seconds {
            site.advance(1);
            follow(&site);
        }
        assert!(site.live_sessions("alice").is_empty(), "committed after {seconds} s");
    }
}

#[test]
fn a_session_that_was_never_stored_is_looked_up_a_few_times() {
    let (site, store) = cancelled_before_commit();
    for _ in 0..300 {
        site.advance(1);
        follow(&site);
    }
    assert_eq!(store.finds.load(Ordering::SeqCst), 7);
}

/// Clients can cut off any number of log-ins.
#[test]
fn a_flood_of_cancelled_log_ins_does_not_delay_the_revocation_log() {
    let (site, store) = site();
    store.writes.store(NOTHING, Ordering::SeqCst);
    for _ in 0..1100 {
        send_and_cancel(&site, &Browser::default(), Action::LogIn);
    }
    store.recover();
    follow(&site);
    assert_eq!(store.finds.load(Ordering::SeqCst), 50, "lookups between two readings of the log");
    for _ in 0..30 {
        follow(&site);
    }
    assert_eq!(store.finds.load(Ordering::SeqCst), 1000, "all that were remembered");
}

/// The client disconnects while the application, which completes the call, is still in it. Then the store fails.
#[test]
fn e01_a_session_that_cannot_be_ended_at_once_ends_in_the_background() {
    for fault in [None, Some(Fault::Fail), Some(Fault::LoseReply)] {
        let store = FaultySessions::new(MemorySessions::new());
        let ended = Arc::new(Mutex::new(0));
        let seen = Arc::clone(&ended);
        let site = Site::over(store.clone(), KeySet::new(key()), |builder| {
            builder.on_event(move |event| *seen.lock().unwrap() += usize::from(event.kind == EventKind::Revoked))
        });
        let request = TestRequest::new("POST", "/").fields([("content-type", "application/json")]);
        let state = Arc::new(RequestState::without_layer(site.auth.clone()));
        let (closing, faulty) = (Arc::clone(&state), store.clone());
        let disconnected = LogIn::new("alice").confirm(async move || {
            closing.close_head();
            if let Some(fault) = fault {
                // The first call looks up the session, and the second call ends it.
                faulty.inject(2, fault);
            }
            Ok(SetCookies::default())
        });
        assert!(block_on(Exchange::new(request.head(), &state).log_in(disconnected)).is_ok());
        store.clear();
        assert_eq!(site.live_sessions("alice").len(), usize::from(fault == Some(Fault::Fail)));
        follow(&site);
        assert!(site.live_sessions("alice").is_empty());
        assert_eq!(*ended.lock().unwrap(), usize::from(fault != Some(Fault::LoseReply)), "{fault:?}");
    }
}

#[test]
fn e01_a_password_change_of_a_client_that_is_gone_leaves_no_session() {
    let closing = Arc::new(Mutex::new(None::<Arc<RequestState>>));
    let seen = Arc::clone(&closing);
    let site = Site::with(|builder| {
        builder.on_event(move |event| {
            if let (EventKind::PasswordChanged, Some(state)) = (event.kind, &*seen.lock().unwrap()) {
                state.close_head();
            }
        })
    });
    let mut alice = site.browser_of("alice");
    let request = TestRequest::new("POST", "/password")
        .fields([("cookie", alice.cookies_for("/", NOW).unwrap()), ("x-csrf-token", alice.csrf())]);
    let state = Arc::new(RequestState::without_layer(site.auth.clone()));
    *closing.lock().unwrap() = Some(Arc::clone(&state));
    assert!(block_on(Exchange::new(request.head(), &state).renew(EndedSessions::none())).is_ok());
    assert!(site.live_sessions("alice").is_empty());
    let refused = site.visit(&mut alice);
    assert!(refused.is_refused(401, "revoked") && refused.cookies.is_empty());
}

/// Whatever the client of a re-authentication misses, its browser goes on, or is asked to log in. It is not taken for a
/// thief, and a new log-in works.
fn goes_on_or_logs_in(site: &Site, browser: &Browser, kinds: &Mutex<Vec<EventKind>>, when: &str) {
    let mut browser = browser.clone();
    let mut responses = vec![site.visit(&mut browser.clone())];
    if browser.value("refresh_token_cookie").is_some() {
        responses.push(site.refresh(&mut browser.clone()));
    }
    responses.push(site.visit(&mut browser));
    for response in responses {
        // If the refresh mode is `Off`, the client is told to refresh first.
        let is_asked = response.status == 401 && ["revoked", "expired"].contains(&response.code);
        assert!(
            response.status == 200 || (is_asked && response.cookies.is_empty()),
            "{when}: {} {}",
            response.status,
            response.code
        );
    }
    assert!(!kinds.lock().unwrap().contains(&EventKind::ReuseDetected), "{when}");
    assert_eq!(site.live_sessions("alice").len(), 1, "{when}: the session was not ended");
    let again = site.send(&mut browser, Request::post("/login").json(), log_in("alice"));
    assert_eq!((again.status, site.visit(&mut browser).status), (200, 200), "{when}");
    assert_eq!(site.live_sessions("alice").len(), 1, "{when}: the log-in replaces the session");
}

fn recorded(kinds: &Arc<Mutex<Vec<EventKind>>>) -> impl Fn(&hardtack::event::Event<'_>) + Send + Sync + use<> {
    let kinds = Arc::clone(kinds);
    move |event| kinds.lock().unwrap().push(event.kind)
}

/// The client disconnects at each call to the store, before or after the store has executed the call.
#[test]
fn s27_s30_a_client_that_leaves_a_re_authentication_is_not_taken_for_a_thief() {
    for mode in [RefreshMode::Transparent, RefreshMode::Off, RefreshMode::Sliding] {
        for (fault, wait) in [Fault::Hang, Fault::HangAfter].into_iter().flat_map(|f| [0, 31, 601].map(|w| (f, w))) {
            for call in 1.. {
                let (store, kinds) = (FaultySessions::new(MemorySessions::new()), Arc::default());
                let site = Site::over(store.clone(), KeySet::new(key()), |builder| {
                    builder.refresh_mode(mode).on_event(recorded(&kinds))
                });
                let alice = site.browser_of("alice");
                store.inject(call, fault);
                let is_cut = reauthenticate_once(&site, &alice).is_none();
                store.clear();
                assert_eq!(is_cut, store.calls() >= call);
                if !is_cut {
                    break;
                }
                site.advance(wait);
                goes_on_or_logs_in(&site, &alice, &kinds, &format!("{mode:?} {fault:?} {call} {wait}"));
            }
        }
    }
}

/// Polls a re-authentication once, and drops it if it is not ready.
fn reauthenticate_once(site: &Site, browser: &Browser) -> Option<u16> {
    let request = TestRequest::new("POST", "/reauthenticate")
        .fields([("cookie", browser.cookies_for("/", NOW).unwrap()), ("x-csrf-token", browser.csrf())]);
    let state = RequestState::without_layer(site.auth.clone());
    let exchange = Exchange::new(request.head(), &state);
    let mut work = pin!(exchange.reauthenticate("alice"));
    match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        std::task::Poll::Ready(done) => Some(done.map_or_else(|failure| failure.reply().status, |_| 200)),
        std::task::Poll::Pending => None,
    }
}

/// The client disconnects while the store is committing the re-authentication. The browser sends requests before and
/// after the commit.
#[test]
fn s27_s30_a_re_authentication_that_is_committed_late_logs_nobody_out_as_a_thief() {
    for (before, after) in [(0, 0), (5, 31), (5, 601), (100, 100_000)] {
        let (store, kinds) = (LostResults::default(), Arc::default());
        let site = Site::over(store.clone(), KeySet::new(key()), |builder| builder.on_event(recorded(&kinds)));
        let mut alice = site.browser_of("alice");
        store.writes.store(LATE, Ordering::SeqCst);
        send_and_cancel(&site, &alice, Action::Reauthenticate);
        store.recover();
        site.advance(before);
        assert_eq!(site.visit(&mut alice).status, 200, "the store has not committed the change");
        store.commit();
        site.advance(after);
        if after > 80_000 {
            let expired = site.visit(&mut alice);
            assert!(expired.is_refused(401, "expired"), "{}", expired.code);
            continue;
        }
        goes_on_or_logs_in(&site, &alice, &kinds, &format!("{before} {after}"));
        let fresh = site.respond(&alice, Request::get("/page"), page(hardtack::Need::access().fresh()));
        assert_eq!(fresh.status, 401, "the old tokens are not accepted");
    }
}
