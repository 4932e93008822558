//! A browser with a device key, for the tests of bound sessions.

use std::sync::{Arc, Mutex};

use hardtack::adapter::Exchange;
use hardtack::clock::Clock;
use hardtack::config::DeviceBinding;
use hardtack::event::EventKind;
use hardtack::jwt::Algorithm;
use hardtack::session::{Session, SessionStore};
use hardtack::testing::TestDevice;
use hardtack::{AuthenticatorBuilder, Reply};
use serde_json::{Value, json};

use crate::support::{Browser, Request, Response, Site, block_on};

pub(crate) const ACCESS: &str = "access_token_cookie";
pub(crate) const REFRESH: &str = "refresh_token_cookie";

pub(crate) fn offering(builder: AuthenticatorBuilder) -> AuthenticatorBuilder {
    builder.device_binding(DeviceBinding::Offer)
}

pub(crate) type Events = Arc<Mutex<Vec<EventKind>>>;

/// A site that offers to bind sessions, and the events that it has emitted.
pub(crate) fn site() -> (Site, Events) {
    site_with(|builder| builder)
}

/// The same with more settings.
pub(crate) fn site_with(set: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder) -> (Site, Events) {
    let events = Events::default();
    let observed = events.clone();
    let builder = |builder| set(offering(builder)).on_event(move |event| observed.lock().unwrap().push(event.kind));
    (Site::with(builder), events)
}

pub(crate) fn count(events: &Events, kind: EventKind) -> usize {
    events.lock().unwrap().iter().filter(|own| **own == kind).count()
}

/// Sends a request to one of the two routes. Returns its reply, whose cookies the browser stores.
pub(crate) fn exchange(
    site: &Site,
    browser: &mut Browser,
    request: Request,
    route: impl FnOnce(&Exchange<'_>) -> Result<Reply, hardtack::Failure>,
) -> (Response, Option<Reply>) {
    let mut done = None;
    let response = site.send(browser, request, |exchange| {
        let reply = route(exchange)?;
        done = Some(reply.clone());
        Ok(reply.cookies.into())
    });
    (response, done)
}

/// A browser that supports bound sessions, with the key of its device.
#[derive(Clone)]
pub(crate) struct Bound {
    pub(crate) browser: Browser,
    pub(crate) device: TestDevice,
    pub(crate) id: String,
    /// The challenge that the browser has last received.
    pub(crate) challenge: Option<String>,
}

impl Bound {
    /// Logs in, and asks to bind the session.
    pub(crate) fn log_in(site: &Site, subject: &str) -> Self {
        let mut browser = Browser::default();
        let challenge = register_challenge(site, &mut browser, subject);
        Self::bind(site, browser, &challenge)
    }

    pub(crate) fn bind(site: &Site, mut browser: Browser, challenge: &str) -> Self {
        let device = TestDevice::new(Algorithm::ES256).unwrap();
        let reply = bind(site, &mut browser, &device.register(challenge)).unwrap();
        assert_eq!(reply.status, 200, "{}", reply.body);
        let instructions: Value = serde_json::from_str(&reply.body).unwrap();
        let id = instructions["session_identifier"].as_str().unwrap().to_owned();
        Self { browser, device, id, challenge: None }
    }

    /// Refreshes as a browser does: signs each challenge that it gets.
    pub(crate) fn refresh(&mut self, site: &Site) -> Reply {
        for _ in 0..3 {
            let reply = self.post(site);
            self.learn(&reply);
            if reply.status != 403 {
                return reply;
            }
        }
        panic!("challenged three times");
    }

    /// Refreshes as a browser does. The browser has not stored the cookies of the returned response yet.
    pub(crate) fn refresh_in_flight(&mut self, site: &Site) -> Response {
        for _ in 0..3 {
            let proof = self.challenge.as_ref().map(|challenge| self.device.prove(challenge));
            let request = bound_request(Some(&self.id), proof.as_deref());
            let (response, reply) =
                exchange(site, &mut self.browser.clone(), request, |exchange| block_on(exchange.refresh_bound()));
            let reply = reply.unwrap();
            self.learn(&reply);
            if reply.status != 403 {
                assert_eq!(reply.status, 200, "{}", reply.body);
                return response;
            }
        }
        panic!("challenged three times");
    }

    /// Whether the browser sends an access cookie.
    pub(crate) fn has_access(&self, site: &Site) -> bool {
        self.browser.cookies_for("/page", site.clock.now()).is_some_and(|sent| sent.contains("access_token_cookie="))
    }

    /// Posts once, with a proof over the last challenge.
    pub(crate) fn post(&mut self, site: &Site) -> Reply {
        let proof = self.challenge.as_ref().map(|challenge| self.device.prove(challenge));
        post_bound(site, &mut self.browser, Some(&self.id), proof.as_deref()).unwrap()
    }

    pub(crate) fn learn(&mut self, reply: &Reply) {
        if let Some((_, field)) = reply.headers.iter().find(|(name, _)| *name == "secure-session-challenge") {
            let (challenge, id) = field.split_once(";id=").expect("a challenge names its session");
            assert_eq!(id, format!("\"{}\"", self.id));
            self.challenge = Some(challenge.trim_matches('"').to_owned());
        }
    }
}

/// Logs in and returns the challenge of the registration field.
pub(crate) fn register_challenge(site: &Site, browser: &mut Browser, subject: &str) -> String {
    let mut field = None;
    site.send(browser, Request::post("/login").json(), |exchange| {
        let cookies = block_on(exchange.log_in(subject))?;
        field = cookies.registration().map(str::to_owned);
        Ok(cookies.into())
    });
    let field = field.expect("a registration field");
    let (start, challenge) = field.split_once(";challenge=").unwrap();
    assert_eq!(start, r#"(ES256 RS256);path="/token/bind""#);
    challenge.trim_matches('"').to_owned()
}

/// Posts a registration. Returns `None` if the request was refused.
pub(crate) fn bind(site: &Site, browser: &mut Browser, proof: &str) -> Option<Reply> {
    let request = Request::post("/token/bind").field("secure-session-response", proof);
    exchange(site, browser, request, |exchange| block_on(exchange.bind_device())).1
}

pub(crate) fn post_bound(site: &Site, browser: &mut Browser, id: Option<&str>, proof: Option<&str>) -> Option<Reply> {
    exchange(site, browser, bound_request(id, proof), |exchange| block_on(exchange.refresh_bound())).1
}

/// A request to the route for proofs.
fn bound_request(id: Option<&str>, proof: Option<&str>) -> Request {
    let mut request = Request::post("/token/bound");
    if let Some(id) = id {
        request = request.field("sec-secure-session-id", id);
    }
    if let Some(proof) = proof {
        request = request.field("secure-session-response", proof);
    }
    request
}

pub(crate) fn row(site: &Site, id: &str) -> Session {
    block_on(site.store.find(id.parse().unwrap())).unwrap().unwrap()
}

pub(crate) fn tells_to_forget(reply: &Reply, id: &str) -> bool {
    let body: Value = serde_json::from_str(&reply.body).unwrap_or_default();
    reply.status == 200 && body == json!({ "session_identifier": id, "continue": false })
}
