//! A site, a browser and the requests between them.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hardtack::AuthenticatorBuilder;
use hardtack::adapter::Peeked;
use hardtack::adapter::{Exchange, RequestState};
use hardtack::clock::{Clock, Timestamp};
use hardtack::jwt::Algorithm;
use hardtack::request::RequestHead;
use hardtack::session::SessionStore;
use hardtack::testing::{TestClock, TestRequest};
use hardtack::{
    Authenticator, Failure, FailureKind, KeySet, LogIn, MemorySessions, Need, SetCookies, SigningKey, VerifiedToken,
};

pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
pub(crate) const ORIGIN: &str = "https://site.example";

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Polls until it is done: the stores of these tests never wait.
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

/// What a handler that went through has to say.
#[derive(Default)]
pub(crate) struct Done {
    pub(crate) token: Option<VerifiedToken>,
    pub(crate) cookies: SetCookies,
}

impl From<SetCookies> for Done {
    fn from(cookies: SetCookies) -> Self {
        Self { token: None, cookies }
    }
}

pub(crate) type Handled = Result<Done, Failure>;

pub(crate) fn page(need: Need) -> impl FnOnce(&Exchange<'_>) -> Handled {
    move |exchange| Ok(Done { token: block_on(exchange.verify(need))?, ..Done::default() })
}

pub(crate) fn log_in(log_in: impl Into<LogIn>) -> impl FnOnce(&Exchange<'_>) -> Handled {
    move |exchange| Ok(block_on(exchange.log_in(log_in))?.into())
}

pub(crate) fn log_out(exchange: &Exchange<'_>) -> Handled {
    Ok(block_on(exchange.log_out())?.into())
}

pub(crate) fn refresh(exchange: &Exchange<'_>) -> Handled {
    Ok(block_on(exchange.refresh())?.into())
}

pub(crate) fn renew(exchange: &Exchange<'_>) -> Handled {
    Ok(block_on(exchange.renew())?.into())
}

pub(crate) fn reauthenticate(subject: &str) -> impl FnOnce(&Exchange<'_>) -> Handled {
    move |exchange| Ok(block_on(exchange.reauthenticate(subject))?.into())
}

/// An application with the authenticator in it.
pub(crate) struct Site {
    pub(crate) auth: Authenticator,
    pub(crate) clock: TestClock,
    pub(crate) store: MemorySessions,
}

impl Site {
    /// With stored sessions and every default.
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// With stored sessions and some settings.
    pub(crate) fn with(set: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder) -> Self {
        Self::with_keys(KeySet::new(key()), set)
    }

    pub(crate) fn with_keys(keys: KeySet, set: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder) -> Self {
        let store = MemorySessions::new();
        Self { store: store.clone(), ..Self::over(store, keys, set) }
    }

    /// With another store; [`Self::store`] stays empty.
    pub(crate) fn over(
        store: impl SessionStore,
        keys: KeySet,
        set: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder,
    ) -> Self {
        Self::stateless_with(keys, |builder| set(builder.sessions(store)))
    }

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

    pub(crate) fn pass(&self, span: u64) {
        self.clock.advance(seconds(span));
    }

    /// Answers a request; the browser has not heard yet.
    pub(crate) fn answer(
        &self,
        browser: &Browser,
        request: Request,
        handler: impl FnOnce(&Exchange<'_>) -> Handled,
    ) -> Answer {
        let cookies = browser.cookies_for(request.sent.head().target(), self.clock.now());
        let sent = cookies.into_iter().fold(request.sent, |sent, cookies| sent.field("cookie", cookies));
        let head = sent.head();
        let state = match request.layered {
            true => {
                let peeked = if request.unread { Peeked::default() } else { peek(&self.auth, &head, &request.body) };
                RequestState::in_layer(self.auth.clone(), peeked)
            }
            false => RequestState::without_layer(self.auth.clone()),
        };
        let exchange = Exchange::new(head, &state);
        let mut answer = match handler(&exchange) {
            Ok(done) => {
                let cookies = done.cookies.into_iter().collect();
                Answer { status: 200, token: done.token, cookies, ..Answer::default() }
            }
            Err(failure) => {
                let (code, kind) = (failure.reason().code(), failure.reason().kind());
                let reply = failure.into_reply();
                let field = |name| reply.headers.iter().find(|(own, _)| *own == name).map(|(_, value)| value.clone());
                Answer {
                    status: reply.status,
                    code,
                    kind: Some(kind),
                    location: field("location"),
                    hx_redirect: field("hx-redirect"),
                    challenge: field("www-authenticate"),
                    no_store: field("cache-control").as_deref() == Some("private, no-store"),
                    body: reply.body,
                    cookies: reply.cookies.into_iter().collect(),
                    ..Answer::default()
                }
            }
        };
        if request.layered {
            let finish = state.finish(answer.cookies.iter().map(String::as_bytes));
            answer.no_store |= finish.private;
            answer.added = finish.cookies.into_iter().collect();
            answer.cookies.extend(answer.added.iter().cloned());
        }
        answer
    }

    /// Answers a request, and the browser takes the cookies.
    pub(crate) fn send(
        &self,
        browser: &mut Browser,
        request: Request,
        handler: impl FnOnce(&Exchange<'_>) -> Handled,
    ) -> Answer {
        let answer = self.answer(browser, request, handler);
        browser.take(&answer, self.clock.now());
        answer
    }

    /// A browser with a new session.
    pub(crate) fn browser_of(&self, subject: &str) -> Browser {
        let mut browser = Browser::default();
        let answer = self.send(&mut browser, Request::post("/login").json(), log_in(subject));
        assert_eq!(answer.status, 200, "{}", answer.code);
        browser
    }

    /// GET of a page for those who are logged in.
    pub(crate) fn visit(&self, browser: &mut Browser) -> Answer {
        self.send(browser, Request::get("/page"), page(Need::access()))
    }

    /// A change by a script of the site.
    pub(crate) fn change(&self, browser: &mut Browser) -> Answer {
        let request = Request::post("/page").csrf(&browser.csrf());
        self.send(browser, request, page(Need::access()))
    }

    pub(crate) fn log_out(&self, browser: &mut Browser) -> Answer {
        let request = Request::post("/logout").csrf(&browser.csrf());
        self.send(browser, request, log_out)
    }

    pub(crate) fn refresh(&self, browser: &mut Browser) -> Answer {
        let request = Request::post("/token/refresh").csrf(&browser.csrf());
        self.send(browser, request, refresh)
    }

    pub(crate) fn renew(&self, browser: &mut Browser) -> Answer {
        let request = Request::post("/password").csrf(&browser.csrf());
        self.send(browser, request, renew)
    }

    pub(crate) fn reauthenticate(&self, browser: &mut Browser, subject: &str) -> Answer {
        let request = Request::post("/reauthenticate").csrf(&browser.csrf());
        self.send(browser, request, reauthenticate(subject))
    }

    pub(crate) fn live_sessions(&self, subject: &str) -> Vec<hardtack::session::Session> {
        block_on(self.auth.sessions(subject)).unwrap()
    }
}

/// What came back.
#[derive(Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The reason's code; empty where nothing was refused.
    pub(crate) code: &'static str,
    pub(crate) kind: Option<FailureKind>,
    pub(crate) location: Option<String>,
    pub(crate) hx_redirect: Option<String>,
    pub(crate) challenge: Option<String>,
    pub(crate) body: String,
    pub(crate) token: Option<VerifiedToken>,
    /// All `Set-Cookie` fields.
    pub(crate) cookies: Vec<String>,
    /// Those of them that the layer added.
    pub(crate) added: Vec<String>,
    pub(crate) no_store: bool,
}

impl Answer {
    /// The token of a request that went through.
    pub(crate) fn token(&self) -> &VerifiedToken {
        assert_eq!((self.status, self.code), (200, ""));
        self.token.as_ref().unwrap()
    }

    /// The field that sets the cookie whose name ends so.
    pub(crate) fn set_cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().map(String::as_str).find(|text| text.split('=').next().unwrap().ends_with(name))
    }

    /// Whether the cookie whose name ends so is deleted.
    pub(crate) fn deletes(&self, name: &str) -> bool {
        self.set_cookie(name).is_some_and(|text| text.contains("; Max-Age=0;"))
    }

    pub(crate) fn is_refused(&self, status: u16, code: &str) -> bool {
        (self.status, self.code) == (status, code)
    }
}

/// As a layer does.
fn peek(auth: &Authenticator, head: &RequestHead<'_>, body: &[u8]) -> Peeked {
    let wanted = if auth.method_may_need_body(head.is_safe()) { auth.body_peek(head) } else { None };
    let Some(mut peek) = wanted else { return Peeked::default() };
    for chunk in body.chunks(7) {
        if !peek.push(chunk) {
            break;
        }
    }
    peek.finish()
}

/// A request in the making: a program's, from the site's own pages.
#[derive(Clone)]
pub(crate) struct Request {
    sent: TestRequest,
    /// The layer does not read the body.
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

    pub(crate) fn json(self) -> Self {
        self.field("content-type", "application/json")
    }

    pub(crate) fn csrf(self, value: &str) -> Self {
        if value.is_empty() { self } else { self.field("x-csrf-token", value) }
    }

    /// A form with the hidden field.
    pub(crate) fn form(self, value: &str) -> Self {
        let encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        self.form_body(format!("csrf_token={encoded}"))
    }

    /// A form with this body.
    pub(crate) fn form_body(self, body: impl Into<Vec<u8>>) -> Self {
        self.field("content-type", "application/x-www-form-urlencoded").body(body)
    }

    /// To a layer that does not read the body.
    pub(crate) fn unread(mut self) -> Self {
        self.unread = true;
        self
    }

    /// A body for the layer to read ahead.
    pub(crate) fn body(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.body = text.into();
        self
    }

    /// An `Authorization` field.
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.field("authorization", format!("Bearer {token}"))
    }

    /// From a person, who follows redirects.
    pub(crate) fn person(self) -> Self {
        self.field("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
    }

    pub(crate) fn htmx(self) -> Self {
        self.field("hx-request", "true")
    }

    /// To a route that no layer wraps.
    pub(crate) fn unlayered(mut self) -> Self {
        self.layered = false;
        self
    }
}

/// A cookie jar: as much of RFC 6265 §5 as one host needs.
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
    until: Option<Timestamp>,
}

impl Browser {
    pub(crate) fn take(&mut self, answer: &Answer, now: Timestamp) {
        for text in &answer.cookies {
            self.set(text, now);
        }
    }

    /// Takes one `Set-Cookie` field.
    pub(crate) fn set(&mut self, text: &str, now: Timestamp) {
        let mut parts = text.split("; ");
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        let attributes: Vec<(&str, &str)> = parts.map(|part| part.split_once('=').unwrap_or((part, ""))).collect();
        let find = |name| attributes.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        let until = find("Max-Age").map(|age| now + seconds(age.parse().unwrap()));
        let (path, domain) = (find("Path").unwrap(), find("Domain"));
        let cookie = Cookie { name: name.into(), value: value.into(), path, domain, until };
        self.jar.retain(|own| (&own.name, &own.path, &own.domain) != (&cookie.name, &cookie.path, &cookie.domain));
        if until.is_none_or(|until| until > now) {
            self.jar.push(cookie);
        }
    }

    /// A cookie from elsewhere: a copy, a forgery.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.jar.push(Cookie { name: name.into(), value: value.into(), path: "/".into(), domain: None, until: None });
        self
    }

    /// The value of the cookie whose name ends so.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.jar.iter().find(|cookie| cookie.name.ends_with(name)).map(|cookie| cookie.value.as_str())
    }

    pub(crate) fn access(&self) -> &str {
        self.value("access_token_cookie").unwrap()
    }

    pub(crate) fn refresh(&self) -> &str {
        self.value("refresh_token_cookie").unwrap()
    }

    /// What a script of the site reads and sends along.
    pub(crate) fn csrf(&self) -> String {
        self.value("csrf_access_token").or_else(|| self.value("csrf_refresh_token")).unwrap_or_default().to_owned()
    }

    /// The same browser without the cookies whose names end so.
    pub(crate) fn without(&self, names: &[&str]) -> Self {
        let mut other = self.clone();
        other.jar.retain(|cookie| !names.iter().any(|name| cookie.name.ends_with(name)));
        other
    }

    /// The same browser with another value.
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

    /// The `Cookie` field for a target (RFC 6265 §5.4).
    pub(crate) fn cookies_for(&self, target: &str, now: Timestamp) -> Option<String> {
        let path = target.split('?').next().unwrap();
        let sent = |cookie: &&Cookie| {
            let rest = path.strip_prefix(cookie.path.as_str());
            let matches =
                rest.is_some_and(|rest| rest.is_empty() || cookie.path.ends_with('/') || rest.starts_with('/'));
            matches && cookie.until.is_none_or(|until| until > now)
        };
        let pairs: Vec<String> =
            self.jar.iter().filter(sent).map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}
