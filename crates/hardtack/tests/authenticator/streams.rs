//! Responses that stay open: event streams, WebSockets, long uploads.

use hardtack::adapter::{Ended, Exchange, Peeked, RequestState};
use hardtack::jwt::{NoExtra, TokenKind};
use hardtack::session::{EndedSessions, RevokeTarget, SessionPolicy, SessionStore};
use hardtack::testing::{FailingSessions, TestRequest};
use hardtack::{KeySet, Need, RefreshMode, VerifiedToken};

use crate::support::{Browser, NOW, Request, Site, block_on, key, page, seconds};
use crate::virtual_time::{VirtualTime, is_ready};

/// A request whose response stays open.
struct Stream {
    request: TestRequest,
    state: RequestState,
}

impl Stream {
    fn open(site: &Site, browser: &Browser, method: &str) -> Self {
        let cookies = browser.cookies_for("/", site.auth.now()).unwrap();
        let request = TestRequest::new(method, "/").field("cookie", cookies).field("x-csrf-token", browser.csrf());
        Self { request, state: RequestState::in_layer(site.auth.clone(), Peeked::default()) }
    }

    fn exchange(&self) -> Exchange<'_> {
        Exchange::new(self.request.head(), &self.state)
    }

    /// Sends the head of the response. Returns how many cookies the layer adds.
    fn send_head(&self) -> usize {
        self.state.finish([]).cookies.into_iter().count()
    }

    /// Returns the subject of the token, or the code of the refusal.
    fn verify(&self) -> Result<String, &'static str> {
        let token = block_on(self.exchange().required::<NoExtra>(Need::access()));
        token.map(|token| token.subject().to_owned()).map_err(|failure| failure.reason().code())
    }
}

fn generation(site: &Site) -> u64 {
    site.live_sessions("alice")[0].generation
}

#[test]
fn e07_a_stream_that_began_with_a_refresh_learns_of_everything() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    site.advance(900);
    let stream = Stream::open(&site, &alice, "GET");
    assert_eq!(stream.verify().as_deref(), Ok("alice"));
    assert_eq!(stream.send_head(), 4);
    site.advance(899);
    assert_eq!(stream.verify().as_deref(), Ok("alice"));
    site.advance(1);
    assert_eq!(stream.verify(), Err("expired"));
    assert_eq!(generation(&site), 2);

    let alice = site.browser_of("alice");
    site.advance(900);
    let stream = Stream::open(&site, &alice, "GET");
    assert_eq!(stream.verify().as_deref(), Ok("alice"));
    stream.send_head();
    site.log_out(&mut alice.clone());
    assert_eq!(stream.verify(), Err("revoked"));
}

#[test]
fn e07_a_token_that_expires_under_a_stream_is_not_refreshed() {
    for mode in [RefreshMode::Transparent, RefreshMode::Redirect, RefreshMode::Sliding, RefreshMode::Off] {
        let site = Site::with(|builder| builder.refresh_mode(mode));
        let mut alice = site.browser_of("alice");
        let stream = Stream::open(&site, &alice, "GET");
        assert_eq!(stream.verify().as_deref(), Ok("alice"));
        assert_eq!(stream.send_head(), 0);
        site.advance(899);
        assert_eq!(stream.verify().as_deref(), Ok("alice"), "{mode:?}");
        site.advance(1);
        assert_eq!(stream.verify(), Err("expired"), "{mode:?}");
        let optional = block_on(stream.exchange().verify::<NoExtra>(Need::access().optional()));
        assert!(optional.unwrap().is_none());
        if mode == RefreshMode::Sliding {
            continue;
        }
        assert_eq!(generation(&site), 1, "{mode:?}");
        // The browser has not lost anything.
        site.advance(11 * 60);
        assert_eq!(site.refresh(&mut alice).status, 200, "{mode:?}");
        assert_eq!(site.visit(&mut alice).status, 200, "{mode:?}");
    }
}

#[test]
fn e07_a_client_that_has_gone_is_not_refreshed() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    let stream = Stream::open(&site, &alice, "GET");
    site.advance(900);
    stream.state.close_head();
    assert_eq!(stream.verify(), Err("expired"));
    assert_eq!(generation(&site), 1);
}

#[test]
fn e07_outdated_claims_end_a_stream_and_do_not_refresh_it() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    let stream = Stream::open(&site, &alice, "GET");
    assert_eq!(stream.verify().as_deref(), Ok("alice"));
    stream.send_head();
    block_on(site.auth.change_claims("alice", &serde_json::json!({ "role": "reader" }))).unwrap();
    assert_eq!(stream.verify(), Err("expired"));
    assert_eq!(generation(&site), 1);
}

#[test]
fn e07_tokens_that_cannot_be_delivered_are_not_made() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    let stream = Stream::open(&site, &alice, "POST");
    stream.send_head();
    let exchange = stream.exchange();
    let codes = [
        block_on(exchange.refresh()).map(drop),
        block_on(exchange.reauthenticate("alice")).map(drop),
        block_on(exchange.renew(EndedSessions::none())).map(drop),
        block_on(exchange.log_in("alice")).map(drop),
    ];
    for result in codes {
        assert_eq!(result.unwrap_err().into_reply().status, 500);
    }
    let rows = site.live_sessions("alice");
    assert_eq!(rows.iter().map(|row| row.generation).collect::<Vec<_>>(), [1]);
    // A log-out needs no cookie to be effective.
    assert!(block_on(exchange.log_out()).is_ok());
    assert!(site.live_sessions("alice").is_empty());
}

#[test]
fn e07_a_password_change_ends_the_other_sessions_although_the_client_has_hung_up() {
    let site = Site::new();
    let (alice, other) = (site.browser_of("alice"), site.browser_of("alice"));
    let kept = site.visit(&mut alice.clone()).token().session().unwrap();
    let stream = Stream::open(&site, &alice, "POST");
    stream.state.close_head();
    let ids = block_on(site.store.revoke(RevokeTarget::AllExcept("alice", kept), site.auth.now())).unwrap();
    let cookies = block_on(stream.exchange().renew(EndedSessions::in_transaction("alice", ids))).unwrap();
    assert!(cookies.is_empty());
    assert!(site.visit(&mut other.clone()).is_refused(401, "revoked"));
    assert_eq!(site.visit(&mut alice.clone()).status, 200);
    assert_eq!(site.live_sessions("alice").len(), 1);
}

/// A handler that works for longer than an access token lives, such as one that takes a long upload.
#[test]
fn e07_a_handler_that_takes_long_keeps_the_cookies_of_its_refresh() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    site.advance(900);
    let response = site.send(&mut alice, Request::get("/page"), |exchange| {
        page(Need::access())(exchange)?;
        site.advance(900);
        page(Need::access())(exchange)
    });
    assert!(response.is_refused(401, "expired"));
    assert!(!response.deletes("access_token_cookie") && !response.deletes("refresh_token_cookie"));
    assert_eq!(response.added.len(), 4, "the response delivers what the refresh made");
    assert_eq!(generation(&site), 2);
    assert_eq!(site.visit(&mut alice).status, 200);
    assert_eq!(generation(&site), 3);
}

/// A refreshed request that changes its own user's claims is not refused for it.
#[test]
fn e07_a_refreshed_request_may_change_its_own_claims() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    site.advance(900);
    let request = Request::post("/password").csrf(&alice.csrf());
    let response = site.send(&mut alice, request, |exchange| {
        page(Need::access())(exchange)?;
        block_on(site.auth.change_claims("alice", &serde_json::json!({ "role": "reader" }))).unwrap();
        crate::support::renew(exchange)
    });
    assert_eq!((response.status, response.code), (200, ""));
    assert_eq!(site.visit(&mut alice).token().claim("role"), "reader");
}

/// The token of a request.
fn token_of(site: &Site, browser: &Browser) -> VerifiedToken {
    site.visit(&mut browser.clone()).token().clone()
}

/// The futures that end with the token and with its session.
fn ends(site: &Site, browser: &Browser, time: &VirtualTime) -> [Ended; 2] {
    let token = token_of(site, browser);
    [site.auth.ended(&token, time.sleep()), site.auth.ended_session(&token, time.sleep())]
}

fn ready(ends: &mut [Ended; 2]) -> [bool; 2] {
    ends.each_mut().map(is_ready)
}

#[test]
fn e07_a_log_out_ends_what_waits_for_it() {
    fn outlives_its_handler<T: Send + 'static>(_: &T) {}

    let (site, time) = (Site::new(), VirtualTime::default());
    let (alice, bob) = (site.browser_of("alice"), site.browser_of("bob"));
    let (mut of_alice, mut of_bob) = (ends(&site, &alice, &time), ends(&site, &bob, &time));
    outlives_its_handler(&of_alice);
    assert_eq!([ready(&mut of_alice), ready(&mut of_bob)], [[false; 2]; 2]);
    site.log_out(&mut alice.clone());
    assert_eq!([ready(&mut of_alice), ready(&mut of_bob)], [[true; 2], [false; 2]]);
    // Operator, and password change.
    block_on(site.auth.revoke_all_sessions("bob")).unwrap();
    assert_eq!(ready(&mut of_bob), [true; 2]);
    let carol = site.browser_of("carol");
    let mut of_carol = ends(&site, &carol, &time);
    assert_eq!(ready(&mut of_carol), [false; 2]);
    site.renew(&mut carol.clone());
    assert_eq!(ready(&mut of_carol), [true; 2]);
    // A session that ended before the future was created.
    let dave = site.browser_of("dave");
    let token = token_of(&site, &dave);
    site.log_out(&mut dave.clone());
    assert!(is_ready(&mut site.auth.ended(&token, time.sleep())));
}

#[test]
fn e07_a_waker_is_woken_by_the_log_out_and_nothing_else() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Context, Wake};

    #[derive(Default)]
    struct Count(AtomicU32);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    let (site, time, count) = (Site::new(), VirtualTime::default(), Arc::new(Count::default()));
    let (alice, bob) = (site.browser_of("alice"), site.browser_of("bob"));
    let [ended, mut unpolled] = ends(&site, &alice, &time);
    let mut ended = std::pin::pin!(ended);
    let waker = Arc::clone(&count).into();
    assert!(ended.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert!(!is_ready(&mut unpolled));
    drop(unpolled);
    site.log_out(&mut bob.clone());
    assert_eq!(count.0.load(Ordering::SeqCst), 0);
    site.log_out(&mut alice.clone());
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    assert!(ended.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
}

#[test]
fn e07_a_token_ends_when_it_expires_and_its_session_later() {
    let (site, time) = (Site::new(), VirtualTime::default());
    let advance = |span| {
        site.advance(span);
        time.advance(seconds(span));
    };
    let mut alice = site.browser_of("alice");
    let mut of_alice = ends(&site, &alice, &time);
    advance(899);
    assert_eq!(ready(&mut of_alice), [false; 2]);
    advance(1);
    assert_eq!(ready(&mut of_alice), [true, false]);
    let [_, mut session] = of_alice;
    // Another tab uses the session, which moves its end.
    advance(86_400 - 900 - 10);
    assert!(!is_ready(&mut session));
    assert_eq!(site.visit(&mut alice).status, 200);
    advance(20);
    assert!(!is_ready(&mut session));
    // Nobody uses it from now on.
    advance(86_400 - 20 - 1);
    assert!(!is_ready(&mut session));
    advance(1);
    assert!(is_ready(&mut session));
}

#[test]
fn e07_changed_claims_end_a_token_and_not_its_session() {
    let (site, time) = (Site::new(), VirtualTime::default());
    let alice = site.browser_of("alice");
    let mut of_alice = ends(&site, &alice, &time);
    assert_eq!(ready(&mut of_alice), [false; 2]);
    block_on(site.auth.change_claims("alice", &serde_json::json!({ "role": "reader" }))).unwrap();
    assert_eq!(ready(&mut of_alice), [true, false]);
}

#[test]
fn e07_a_log_out_at_another_server_ends_a_stream() {
    let (store, keys, time) = (FailingSessions::durable(), KeySet::new(key()), VirtualTime::default());
    let [here, there] = [(); 2].map(|()| Site::over(store.clone(), keys.clone(), |builder| builder));
    let (alice, bob) = (here.browser_of("alice"), here.browser_of("bob"));
    // The follower has not read the log yet, and the streams are open already.
    let (mut of_alice, mut of_bob) = (ends(&there, &alice, &time), ends(&there, &bob, &time));
    assert_eq!([ready(&mut of_alice), ready(&mut of_bob)], [[false; 2]; 2]);
    let mut work = Box::pin(there.auth.background_work(time.sleep()));
    assert!(!is_ready(&mut work));
    here.log_out(&mut alice.clone());
    assert_eq!(ready(&mut of_alice), [false; 2], "it has not been told");
    store.notify();
    assert!(!is_ready(&mut work));
    assert_eq!([ready(&mut of_alice), ready(&mut of_bob)], [[true; 2], [false; 2]]);

    // A server that can neither read the log nor ask the store does not know who is logged in.
    store.fail();
    time.advance(seconds(1));
    assert!(!is_ready(&mut work));
    assert_eq!(ready(&mut of_bob), [false; 2], "within the bound");
    there.advance(5);
    time.advance(seconds(4));
    assert!(!is_ready(&mut work));
    assert_eq!(ready(&mut of_bob), [true; 2]);
}

#[test]
fn e07_a_bearer_token_ends_without_a_session() {
    let (site, time) = (Site::stateless(|builder| builder), VirtualTime::default());
    let issued = site.auth.access_token("script").issue().unwrap();
    let token = site.auth.decode::<NoExtra>(issued.as_str(), TokenKind::Access).unwrap();
    let mut ends = [site.auth.ended(&token, time.sleep()), site.auth.ended_session(&token, time.sleep())];
    assert_eq!(ready(&mut ends), [false; 2]);
    site.advance(900);
    time.advance(seconds(60));
    assert_eq!(ready(&mut ends), [true, false]);
    assert_eq!(site.auth.now(), NOW + seconds(900));
    // Its log-out is known in this process.
    let mut alice = site.browser_of("alice");
    let mut of_alice = self::ends(&site, &alice, &time);
    assert_eq!(ready(&mut of_alice), [false; 2]);
    site.log_out(&mut alice);
    assert_eq!(ready(&mut of_alice), [true; 2]);
}

/// `exp` counts as a request judges it.
#[test]
fn e07_leeway_prolongs_a_stream_as_it_prolongs_a_request() {
    use hardtack::config::ClaimsPolicy;
    let site = Site::with(|builder| {
        builder
            .claims(ClaimsPolicy::default().leeway(seconds(30)))
            .session_policy(SessionPolicy::default())
            .refresh_mode(RefreshMode::Off)
    });
    let time = VirtualTime::default();
    let alice = site.browser_of("alice");
    let mut of_alice = ends(&site, &alice, &time);
    for (span, over) in [(900, false), (29, false), (1, true)] {
        site.advance(span);
        time.advance(seconds(span));
        assert_eq!(site.visit(&mut alice.clone()).status, if over { 401 } else { 200 });
        assert_eq!(ready(&mut of_alice)[0], over);
        if over {
            break;
        }
    }
}
