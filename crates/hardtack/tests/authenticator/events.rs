//! Events of sessions, in the log and in observers.

use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use hardtack::session::SessionPolicy;
use hardtack::testing::FailingSessions;
use hardtack::{KeySet, LogIn};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Metadata, Subscriber};

use crate::support::{Browser, NOW, Request, Site, block_on, key, log_in, seconds};

/// A subscriber that collects log events as lines, with the fields in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// Runs a function, and returns what it logged.
    pub(crate) fn of(run: impl FnOnce()) -> Vec<String> {
        // With a single subscriber, tracing asks only the thread that reaches an event first whether to record it. If
        // that thread belongs to a test without a subscriber, the event is lost. With two subscribers, tracing asks
        // both of them each time.
        static ANOTHER: OnceLock<Dispatch> = OnceLock::new();
        ANOTHER.get_or_init(|| Dispatch::new(Self::default()));
        let log = Self::default();
        tracing::subscriber::with_default(log.clone(), run);
        let lines = log.0.lock().unwrap();
        lines.clone()
    }
}

struct Line(String);

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        write!(self.0, " {field}={value}").unwrap();
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Id::from_u64(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The events that an observer got.
type Observed = Arc<Mutex<Vec<ObservedEvent>>>;

/// Name, subject, session, address and user agent.
type ObservedEvent = (&'static str, String, String, Option<String>, Option<String>);

/// Returns a site with two observers, one of which panics.
fn site_with_observers(store: FailingSessions) -> (Site, Observed) {
    let observed = Observed::default();
    let record = observed.clone();
    let site = Site::over(store, KeySet::new(key()), |builder| {
        builder.on_event(|_| panic!("an observer that fails")).on_event(move |event| {
            assert!(event.at >= NOW);
            let session = event.session.unwrap().to_string();
            let (address, agent) = (event.address.as_deref(), event.user_agent);
            record.lock().unwrap().push((
                event.kind.name(),
                event.subject.to_owned(),
                session,
                address.map(str::to_owned),
                agent.map(str::to_owned),
            ));
        })
    });
    (site, observed)
}

/// Returns the id of the browser's session.
fn session(site: &Site, browser: &Browser) -> String {
    site.visit(&mut browser.clone()).token().session().unwrap().to_string()
}

/// A claim, which no event may contain.
const SECRET_CLAIM: &str = "only tokens contain this";

/// Causes every event. Returns each secret that was used, and the names and sessions of the expected events.
fn cause_every_event(site: &Site) -> (Vec<String>, Vec<(&'static str, String)>) {
    let mut expected = Vec::new();
    let mut browsers = Vec::new();
    let begin = |browser: &mut Browser| {
        let request = Request::post("/login").json().field("user-agent", "Firefox/1");
        let options = LogIn::new("alice").address("203.0.113.9");
        assert_eq!(site.send(browser, request, log_in(options)).status, 200);
    };
    let mut one = Browser::default();
    begin(&mut one);
    let first = session(site, &one);
    expected.push(("login", first.clone()));
    browsers.push(one.clone());
    begin(&mut one);
    let second = session(site, &one);
    expected.extend([("replaced", first), ("login", second.clone())]);
    let stolen = one.clone();
    assert_eq!(site.refresh(&mut one).status, 200);
    expected.push(("refresh", second.clone()));
    assert_eq!(site.reauthenticate(&mut one, "alice").status, 200);
    expected.push(("reauthenticated", second.clone()));
    let mut other = Browser::default();
    begin(&mut other);
    let third = session(site, &other);
    expected.push(("login", third.clone()));
    browsers.extend([one.clone(), other.clone()]);
    assert_eq!(site.renew(&mut one).status, 200);
    let fourth = session(site, &one);
    // The store may return the sessions that it ends in any order.
    let mut ends = vec![("replaced", second.clone()), ("revoked", third)];
    ends.sort_unstable();
    expected.extend(ends);
    expected.push(("password_changed", fourth.clone()));
    assert_eq!(site.refresh(&mut stolen.clone()).status, 401);
    let parent = one.clone();
    site.refresh(&mut one);
    site.visit(&mut one);
    site.advance(31);
    assert!(site.refresh(&mut parent.clone()).is_refused(401, "refresh_reused"));
    expected.extend([("refresh", fourth.clone()), ("reuse_detected", fourth)]);
    let mut last = Browser::default();
    begin(&mut last);
    let fifth = session(site, &last);
    browsers.extend([stolen, parent, last.clone()]);
    let copy = last.clone();
    assert_eq!(site.log_out(&mut last).status, 200);
    expected.extend([("login", fifth.clone()), ("logout", fifth)]);
    assert_eq!(site.refresh(&mut copy.clone()).status, 401);
    let mut swept = Browser::default();
    begin(&mut swept);
    expected.push(("login", session(site, &swept)));
    expected.extend(["claims_changed", "revoked"].map(|name| (name, session(site, &swept))));
    let claims = serde_json::json!({ "note": SECRET_CLAIM });
    assert_eq!(block_on(site.auth.change_claims("alice", &claims)).unwrap(), 1);
    assert_eq!(block_on(site.auth.revoke_all_sessions("alice")).unwrap(), 1);
    browsers.push(swept);
    let mut secrets: Vec<String> = vec![SECRET_CLAIM.into()];
    let tokens =
        browsers.iter().flat_map(|browser| [browser.access().to_owned(), browser.refresh().to_owned(), browser.csrf()]);
    secrets.extend(tokens);
    let rows = block_on(site.auth.sessions("alice")).unwrap();
    secrets.extend(rows.iter().map(|row| format!("{:?}", row.salt)));
    (secrets, expected)
}

#[test]
fn s64_events_tell_what_happens_and_no_secret() {
    let store = FailingSessions::new();
    let (site, observed) = site_with_observers(store);
    let mut outcome = None;
    let log = Log::of(|| outcome = Some(cause_every_event(&site)));
    let (secrets, expected) = outcome.unwrap();
    for secret in secrets {
        assert!(secret.len() >= 16);
        // Also search for the parts of tokens: header, payload and signature.
        for part in secret.split('.').filter(|part| part.len() >= 16) {
            assert!(log.iter().all(|line| !line.contains(part)), "{part}");
        }
    }
    let observed = observed.lock().unwrap();
    let names = |observed: &[ObservedEvent]| {
        let mut names: Vec<_> = observed.iter().map(|event| (event.0, event.2.clone())).collect();
        // Sessions that end in one transaction have no order.
        if let Some(at) = names.iter().position(|event| event.0 == "password_changed") {
            names[at - 2..at].sort_unstable();
        }
        names
    };
    assert_eq!(names(&observed), expected);
    for (name, subject, session, address, agent) in observed.iter() {
        assert_eq!(subject, "alice");
        let by_operator = matches!(*name, "revoked" | "claims_changed") && address.is_none();
        let known = matches!(*name, "login" | "replaced" if agent.as_deref() == Some("Firefox/1"));
        assert!(by_operator || known || address.as_deref() == Some("192.0.2.7"), "{name} {address:?} {agent:?}");
        let line = format!(" event={name} subject=alice session={session}");
        assert!(log.iter().any(|own| own.contains(&line)), "{line} in {log:#?}");
    }
    let level = |name: &str| log.iter().find(|line| line.contains(&format!(" event={name} "))).unwrap().clone();
    assert!(level("login").starts_with("INFO") && level("login").ends_with("address=203.0.113.9"));
    assert!(level("reuse_detected").starts_with("WARN"));
    assert!(level("refresh").starts_with("DEBUG"));
    assert!(log.iter().any(|line| line.starts_with("ERROR event=observer_panicked")));
}

#[test]
fn a_refused_refresh_is_logged_with_its_code() {
    let store = FailingSessions::new();
    let (site, observed) = site_with_observers(store.clone());
    let browser = site.browser_of("alice");
    site.advance(86_400 - 1);
    // The process does not know that the session has ended, but the row says so.
    let id = site.live_sessions("alice")[0].id;
    let ends = hardtack::session::RevokeTarget::Sessions(&[id]);
    block_on(hardtack::session::SessionStore::revoke(&store.sessions(), ends, site.auth.now())).unwrap();
    let log = Log::of(|| assert_eq!(site.refresh(&mut browser.clone()).code, "session_ended"));
    assert!(log[0].starts_with("DEBUG event=refresh_refused subject=alice session="), "{log:?}");
    assert!(log[0].ends_with("address=192.0.2.7 code=session_ended"), "{log:?}");
    assert_eq!(observed.lock().unwrap().last().unwrap().0, "refresh_refused");
}

#[test]
fn a_store_failure_is_logged_once_and_its_recovery_once() {
    let store = FailingSessions::new();
    let site = Site::over(store.clone(), KeySet::new(key()), |builder| {
        builder.session_policy(SessionPolicy::default().max_staleness(seconds(5)))
    });
    let pauses = Arc::new(Mutex::new(0));
    let log = Log::of(|| {
        let timer = |span: std::time::Duration| {
            let mut pauses = pauses.lock().unwrap();
            if span != seconds(10) {
                *pauses += 1;
                if (3..6).contains(&*pauses) { store.fail() } else { store.recover() }
            }
            let over = span != seconds(10) && *pauses < 9;
            std::future::poll_fn(move |_| if over { std::task::Poll::Ready(()) } else { std::task::Poll::Pending })
        };
        let mut follower = std::pin::pin!(site.auth.clone().follow_revocations(timer));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(follower.as_mut().poll(&mut context).is_pending());
    });
    let name = |line: &'_ String| line.split(' ').find(|field| field.starts_with("event=")).unwrap().to_owned();
    assert_eq!(log.iter().map(name).collect::<Vec<_>>(), ["event=sync_failed", "event=sync_recovered"]);
}
