//! A site with an authenticator, a browser with a cookie jar, and the requests between them.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hardtack::AuthenticatorBuilder;
use hardtack::adapter::{Exchange, Peeked, RequestState};
use hardtack::clock::{Clock, Timestamp};
use hardtack::jwt::Algorithm;
use hardtack::session::{EndedSessions, SessionStore};
use hardtack::testing::{TestClock, TestRequest};
use hardtack::{
    Authenticator, Failure, FailureKind, KeySet, LogIn, MemorySessions, Need, SetCookies, SigningKey, VerifiedToken,
};

pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
pub(crate) const ORIGIN: &str = "https://site.example";

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Polls a future until it is ready. The stores of these tests never wait.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

pub(crate) fn key() -> SigningKey {
    SigningKey::generate(Algorithm::HS256).unwrap()
}

/// What a handler that succeeded returns.
#[derive(Default)]
pub(crate) struct Handled {
    pub(crate) token: Option<VerifiedToken>,
    pub(crate) cookies: SetCookies,
}

impl From<SetCookies> for Handled {
    fn from(cookies: SetCookies) -> Self {
        Self { token: None, cookies }
    }
}

pub(crate) type HandlerResult = Result<Handled, Failure>;

/// A handler that verifies the token and returns it.
pub(crate) fn page(need: Need) -> impl FnOnce(&Exchange<'_>) -> HandlerResult {
    move |exchange| Ok(Handled { token: block_on(exchange.verify(need))?, ..Handled::default() })
}

pub(crate) fn log_in(log_in: impl Into<LogIn>) -> impl FnOnce(&Exchange<'_>) -> HandlerResult {
    move |exchange| Ok(block_on(exchange.log_in(log_in))?.into())
}

pub(crate) fn log_out(exchange: &Exchange<'_>) -> HandlerResult {
    Ok(block_on(exchange.log_out())?.into())
}

pub(crate) fn refresh(exchange: &Exchange<'_>) -> HandlerResult {
    Ok(block_on(exchange.refresh())?.into())
}

pub(crate) fn renew(exchange: &Exchange<'_>) -> HandlerResult {
    Ok(block_on(exchange.renew(EndedSessions::none()))?.into())
}

pub(crate) fn reauthenticate(subject: &str) -> impl FnOnce(&Exchange<'_>) -> HandlerResult {
    move |exchange| Ok(block_on(exchange.reauthenticate(subject))?.into())
}

/// An application with an authenticator.
pub(crate) struct Site {
    pub(crate) auth: Authenticator,
    pub(crate) clock: TestClock,
    pub(crate) store: MemorySessions,
}

impl Site {
    /// A site with stored sessions and default settings.
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// A site with stored sessions and the given settings.
    pub(crate) fn with(set: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder) -> Self {
        Self::with_keys(KeySet::new(key()), set)
    }

    pub(crate) fn with_keys(keys: KeySet, set: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder) -> Self {
        let store = MemorySessions::new();
        Self { store: store.clone(), ..Self::over(store, keys, set) }
    }

    /// A site with the given store. [`Self::store`] stays empty.
    pub(crate) fn over(
        store: impl SessionStore,
        keys: KeySet,
        set: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder,
    ) -> Self {
        Self::stateless_with(keys, |builder| set(builder.sessions(store)))
    }

    /// A site without a session store.
    pub(crate) fn stateless(set: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder) -> Self {
        Self::stateless_with(KeySet::new(key()), set)
    }

    pub(crate) fn stateless_over(keys: KeySet) -> Self {
        Self::stateless_with(keys, |builder| builder)
    }

    pub(crate) fn stateless_with(keys: KeySet, set: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder) -> Self {
        let clock = TestClock::start_at(NOW);
        let builder = Authenticator::builder(keys).base_url(ORIGIN).clock(clock.clone());
        Self { auth: set(builder).build().unwrap(), clock, store: MemorySessions::new() }
    }

    /// Advances the clock.
    pub(crate) fn advance(&self, span: u64) {
        self.clock.advance(seconds(span));
    }

    /// Responds to a request. The browser does not store the response's cookies.
    pub(crate) fn respond(
        &self,
        browser: &Browser,
        request: Request,
        handler: impl FnOnce(&Exchange<'_>) -> HandlerResult,
    ) -> Response {
        let cookies = browser.cookies_for(request.sent.head().target(), self.clock.now());
        let sent = cookies.into_iter().fold(request.sent, |sent, cookies| sent.field("cookie", cookies));
        let head = sent.head();
        let state = match request.layered {
            true => {
                let state = RequestState::in_layer(self.auth.clone(), Peeked::default());
                let may_read = self.auth.method_may_need_body(head.is_safe()) && self.auth.may_read_body(&head);
                if may_read && !request.unread { state.keeping_body() } else { state }
            }
            false => RequestState::without_layer(self.auth.clone()),
        };
        let exchange = Exchange::new(head, &state);
        read_ahead(&exchange, &state, &request.body);
        let mut response = match handler(&exchange) {
            Ok(done) => {
                let cookies = done.cookies.into_iter().collect();
                Response { status: 200, token: done.token, cookies, ..Response::default() }
            }
            Err(failure) => {
                let (code, kind) = (failure.reason().code(), failure.reason().kind());
                let reply = failure.into_reply();
                let field = |name| reply.headers.iter().find(|(own, _)| *own == name).map(|(_, value)| value.clone());
                Response {
                    status: reply.status,
                    code,
                    kind: Some(kind),
                    location: field("location"),
                    hx_redirect: field("hx-redirect"),
                    refresh: field("refresh"),
                    challenge: field("www-authenticate"),
                    no_store: field("cache-control").as_deref() == Some("private, no-store"),
                    body: reply.body,
                    cookies: reply.cookies.into_iter().collect(),
                    ..Response::default()
                }
            }
        };
        if request.layered {
            let finish = state.finish(response.cookies.iter().map(String::as_bytes));
            response.no_store |= finish.private;
            response.vary = finish.missing_vary([]).map(str::to_owned);
            response.added = finish.cookies.into_iter().collect();
            response.cookies.extend(response.added.iter().cloned());
        }
        response
    }

    /// Responds to a request; the browser stores the cookies of the response.
    pub(crate) fn send(
        &self,
        browser: &mut Browser,
        request: Request,
        handler: impl FnOnce(&Exchange<'_>) -> HandlerResult,
    ) -> Response {
        let response = self.respond(browser, request, handler);
        browser.receive(&response, self.clock.now());
        response
    }

    /// Returns a browser with a new session.
    pub(crate) fn browser_of(&self, subject: &str) -> Browser {
        let mut browser = Browser::default();
        let response = self.send(&mut browser, Request::post("/login").json(), log_in(subject));
        assert_eq!(response.status, 200, "{}", response.code);
        browser
    }

    /// Sends GET for a page that requires an access token.
    pub(crate) fn visit(&self, browser: &mut Browser) -> Response {
        self.send(browser, Request::get("/page"), page(Need::access()))
    }

    /// Sends POST with the CSRF header, as a script of the site does.
    pub(crate) fn change(&self, browser: &mut Browser) -> Response {
        let request = Request::post("/page").csrf(&browser.csrf());
        self.send(browser, request, page(Need::access()))
    }

    pub(crate) fn log_out(&self, browser: &mut Browser) -> Response {
        let request = Request::post("/logout").csrf(&browser.csrf());
        self.send(browser, request, log_out)
    }

    pub(crate) fn refresh(&self, browser: &mut Browser) -> Response {
        let request = Request::post("/token/refresh").csrf(&browser.csrf());
        self.send(browser, request, refresh)
    }

    pub(crate) fn renew(&self, browser: &mut Browser) -> Response {
        let request = Request::post("/password").csrf(&browser.csrf());
        self.send(browser, request, renew)
    }

    pub(crate) fn reauthenticate(&self, browser: &mut Browser, subject: &str) -> Response {
        let request = Request::post("/reauthenticate").csrf(&browser.csrf());
        self.send(browser, request, reauthenticate(subject))
    }

    pub(crate) fn live_sessions(&self, subject: &str) -> Vec<hardtack::session::Session> {
        block_on(self.auth.sessions(subject)).unwrap()
    }
}

/// The response to a request.
#[derive(Default)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// The code of the refusal; empty if the request was not refused.
    pub(crate) code: &'static str,
    pub(crate) kind: Option<FailureKind>,
    pub(crate) location: Option<String>,
    pub(crate) hx_redirect: Option<String>,
    /// The `Refresh` field.
    pub(crate) refresh: Option<String>,
    pub(crate) challenge: Option<String>,
    pub(crate) body: String,
    pub(crate) token: Option<VerifiedToken>,
    /// All `Set-Cookie` fields.
    pub(crate) cookies: Vec<String>,
    /// The `Set-Cookie` fields that the layer added.
    pub(crate) added: Vec<String>,
    pub(crate) no_store: bool,
    /// The `Vary` field that the layer adds.
    pub(crate) vary: Option<String>,
}

impl Response {
    /// Returns the token of a request that was accepted.
    pub(crate) fn token(&self) -> &VerifiedToken {
        assert_eq!((self.status, self.code), (200, ""));
        self.token.as_ref().unwrap()
    }

    /// Returns the `Set-Cookie` field of the cookie whose name ends in `name`.
    pub(crate) fn set_cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().map(String::as_str).find(|text| text.split('=').next().unwrap().ends_with(name))
    }

    /// Whether the response deletes the cookie whose name ends in `name`.
    pub(crate) fn deletes(&self, name: &str) -> bool {
        self.set_cookie(name).is_some_and(|text| text.contains("; Max-Age=0;"))
    }

    pub(crate) fn is_refused(&self, status: u16, code: &str) -> bool {
        (self.status, self.code) == (status, code)
    }
}

/// Reads the beginning of a body, as an extractor does.
fn read_ahead(exchange: &Exchange<'_>, state: &RequestState, body: &[u8]) {
    let Some(mut peek) = exchange.body_peek_for_auth().unwrap() else { return };
    for chunk in body.chunks(7) {
        if !peek.push(chunk) {
            break;
        }
    }
    state.set_body(peek.finish().0);
}

/// A request. By default, an API client sends it to a route that the layer wraps.
#[derive(Clone)]
pub(crate) struct Request {
    sent: TestRequest,
    /// Whether the layer leaves the body unread.
    unread: bool,
    body: Vec<u8>,
    layered: bool,
}

impl Request {
    pub(crate) fn new(method: &'static str, target: &str) -> Self {
        let sent = TestRequest::new(method, target).from([192, 0, 2, 7].into());
        Self { sent, unread: false, body: Vec::new(), layered: true }
    }

    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    pub(crate) fn post(target: &str) -> Self {
        Self::new("POST", target)
    }

    pub(crate) fn field(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.sent = self.sent.field(name, value.into());
        self
    }

    /// Sends the request to this host.
    pub(crate) fn host(mut self, host: &str) -> Self {
        self.sent = self.sent.host(host);
        self
    }

    pub(crate) fn json(self) -> Self {
        self.field("content-type", "application/json")
    }

    pub(crate) fn csrf(self, value: &str) -> Self {
        if value.is_empty() { self } else { self.field("x-csrf-token", value) }
    }

    /// Adds a form body with the hidden CSRF field.
    pub(crate) fn form(self, value: &str) -> Self {
        let encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        self.form_body(format!("csrf_token={encoded}"))
    }

    /// Adds a form body.
    pub(crate) fn form_body(self, body: impl Into<Vec<u8>>) -> Self {
        self.field("content-type", "application/x-www-form-urlencoded").body(body)
    }

    /// Makes the layer leave the body unread.
    pub(crate) fn unread(mut self) -> Self {
        self.unread = true;
        self
    }

    /// Adds a body for the layer to peek at.
    pub(crate) fn body(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.body = text.into();
        self
    }

    /// Adds an `Authorization` field.
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.field("authorization", format!("Bearer {token}"))
    }

    /// Sends the request as a browser that loads a page and follows redirects.
    pub(crate) fn person(self) -> Self {
        self.field("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
    }

    pub(crate) fn htmx(self) -> Self {
        self.field("hx-request", "true")
    }

    /// Sends the request to a route without the layer.
    pub(crate) fn unlayered(mut self) -> Self {
        self.layered = false;
        self
    }
}

/// A cookie jar for one host (RFC 6265 section 5).
#[derive(Clone, Default)]
pub(crate) struct Browser {
    jar: Vec<Cookie>,
}

#[derive(Clone)]
struct Cookie {
    name: String,
    value: String,
    path: String,
    domain: Option<String>,
    expires_at: Option<Timestamp>,
}

impl Browser {
    /// Stores the cookies of a response.
    pub(crate) fn receive(&mut self, response: &Response, now: Timestamp) {
        for text in &response.cookies {
            self.set(text, now);
        }
    }

    /// Stores the cookie of one `Set-Cookie` field.
    pub(crate) fn set(&mut self, text: &str, now: Timestamp) {
        let mut parts = text.split("; ");
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        let attributes: Vec<(&str, &str)> = parts.map(|part| part.split_once('=').unwrap_or((part, ""))).collect();
        let find = |name| attributes.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        let expires_at = find("Max-Age").map(|age| now + seconds(age.parse().unwrap()));
        let (path, domain) = (find("Path").unwrap(), find("Domain"));
        let cookie = Cookie { name: name.into(), value: value.into(), path, domain, expires_at };
        self.jar.retain(|own| (&own.name, &own.path, &own.domain) != (&cookie.name, &cookie.path, &cookie.domain));
        if expires_at.is_none_or(|expires_at| expires_at > now) {
            self.jar.push(cookie);
        }
    }

    /// Adds a cookie that the site did not set: a copy or a forgery.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.jar.push(Cookie {
            name: name.into(),
            value: value.into(),
            path: "/".into(),
            domain: None,
            expires_at: None,
        });
        self
    }

    /// Adds the cookies of another jar, without replacing any.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        self.jar.extend(other.jar.iter().cloned());
        self
    }

    /// Returns the value of the cookie whose name ends in `name`.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.jar.iter().find(|cookie| cookie.name.ends_with(name)).map(|cookie| cookie.value.as_str())
    }

    /// Adds a second cookie with the name of the one that ends in `name`.
    pub(crate) fn doubling(&self, name: &str, value: &str) -> Self {
        let full = self.jar.iter().find(|cookie| cookie.name.ends_with(name)).map(|cookie| cookie.name.clone());
        self.clone().with(&full.unwrap(), value)
    }

    pub(crate) fn access(&self) -> &str {
        self.value("access_token_cookie").unwrap()
    }

    pub(crate) fn refresh(&self) -> &str {
        self.value("refresh_token_cookie").unwrap()
    }

    /// Returns the CSRF value that a script of the site reads and sends in a header.
    pub(crate) fn csrf(&self) -> String {
        self.value("csrf_access_token").or_else(|| self.value("csrf_refresh_token")).unwrap_or_default().to_owned()
    }

    /// Returns a copy without the cookies whose names end in one of `names`.
    pub(crate) fn without(&self, names: &[&str]) -> Self {
        let mut other = self.clone();
        other.jar.retain(|cookie| !names.iter().any(|name| cookie.name.ends_with(name)));
        other
    }

    /// Returns a copy with another value for the cookies whose names end in `name`.
    pub(crate) fn replacing(&self, name: &str, value: &str) -> Self {
        let mut other = self.clone();
        other
            .jar
            .iter_mut()
            .filter(|cookie| cookie.name.ends_with(name))
            .for_each(|cookie| cookie.value = value.into());
        other
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.jar.is_empty()
    }

    /// Returns the `Cookie` field for a target (RFC 6265 section 5.4).
    pub(crate) fn cookies_for(&self, target: &str, now: Timestamp) -> Option<String> {
        let path = target.split('?').next().unwrap();
        let sent = |cookie: &&Cookie| {
            let rest = path.strip_prefix(cookie.path.as_str());
            let matches =
                rest.is_some_and(|rest| rest.is_empty() || cookie.path.ends_with('/') || rest.starts_with('/'));
            matches && cookie.expires_at.is_none_or(|expires_at| expires_at > now)
        };
        let pairs: Vec<String> =
            self.jar.iter().filter(sent).map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}
