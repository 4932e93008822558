//! Tests every kind of route with every state of the access cookie, for every kind of client.

use hardtack::FailureKind;
use serde_json::json;

use crate::client::{Client, Request, Response};
use crate::harness::{
    ACCESS, COOKIE_STATES, Case, CookieState, Credentials, Outcome, REFRESH, Site, Tokens, cookie_value, deletions,
};

/// What kind of client sends a request, and what kind of request it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientKind {
    Page,
    Api,
    Htmx,
    PostedForm,
    PostedJson,
}

impl ClientKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Page => "a browser's GET of",
            Self::Api => "a program's GET of",
            Self::Htmx => "an htmx GET of",
            Self::PostedForm => "a form posted to",
            Self::PostedJson => "JSON posted to",
        }
    }
}

/// What a route requires: an access token, an optional access token, or a fresh access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    Required(&'static str),
    Optional(&'static str),
    Fresh(&'static str),
}

impl Route {
    const fn path(self) -> &'static str {
        match self {
            Self::Required(path) | Self::Optional(path) | Self::Fresh(path) => path,
        }
    }
}

use ClientKind::{Api, Htmx, Page, PostedForm, PostedJson};

const TABLE: &[(Route, &[ClientKind])] = &[
    (Route::Required("/protected?a=b"), &[Page, Api, Htmx, PostedForm, PostedJson]),
    (Route::Required("/nested/inner?a=b"), &[Page, Api, PostedForm]),
    (Route::Required("/guarded/page"), &[Page, Htmx, PostedForm, PostedJson]),
    (Route::Required("/user"), &[Page, Api]),
    (Route::Optional("/anyone"), &[Page, Api, Htmx]),
    (Route::Optional("/user/optional"), &[Api]),
    (Route::Fresh("/fresh"), &[Page, Api, Htmx, PostedForm, PostedJson]),
    (Route::Fresh("/guarded-fresh/page"), &[Page, Api]),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for state in COOKIE_STATES {
        for (route, clients) in TABLE {
            for client in *clients {
                cases.push(case(state, *route, *client));
            }
        }
    }
    cases.extend(refresh_tokens());
    cases
}

fn case(state: &'static CookieState, route: Route, client: ClientKind) -> Case {
    let name = format!("tokens: {} {} with {}", client.name(), route.path(), state.name);
    Case::new(name, move |site| async move {
        let credentials = state.credentials(&site).await;
        let response = send(&mut site.visitor(), route.path(), client, &credentials).await;
        site.expect("response", &response, expected(state.outcome, route, client));
        if matches!(state.outcome, Outcome::Fresh | Outcome::NotFresh) && route.path() == "/protected?a=b" {
            let fresh = state.outcome == Outcome::Fresh;
            site.expect_eq("handler", response.json(), json!({ "sub": "alice", "fresh": fresh, "calls": 1 }));
        }
    })
}

async fn send(browser: &mut Client, path: &str, client: ClientKind, credentials: &Credentials) -> Response {
    let request = match client {
        Page => browser.get(path).accept_html(),
        Api => browser.get(path).accept_json(),
        Htmx => {
            let request = browser.get(path).header("hx-request", "true");
            request.header("hx-current-url", "https://site.example/list?p=2")
        }
        PostedForm => {
            let request = browser.post(path).accept_html().header("referer", "https://site.example/edit?id=1");
            request.form(&[("title", "a"), ("csrf_token", &credentials.csrf)])
        }
        PostedJson => {
            browser.post(path).accept_json().header("x-csrf-token", &credentials.csrf).json(&json!({ "a": 1 }))
        }
    };
    credentials.cookies.iter().fold(request, Request::raw_cookie_header).send().await
}

fn expected(outcome: Outcome, route: Route, client: ClientKind) -> String {
    let (kind, code) = match outcome {
        Outcome::NotFresh if matches!(route, Route::Fresh(_)) => {
            (FailureKind::NotFresh, "insufficient_user_authentication")
        }
        Outcome::Fresh | Outcome::NotFresh => return "200".to_owned(),
        Outcome::Refused(FailureKind::Missing, _) | Outcome::Replaced if matches!(route, Route::Optional(_)) => {
            return "200".to_owned();
        }
        // If the token is optional, the request is handled without a user. Invalid cookies are deleted.
        Outcome::Refused(_, code) if matches!(route, Route::Optional(_)) => return format!("200{}", deletions(code)),
        Outcome::Refused(kind, code) => (kind, code),
        Outcome::Replaced => (FailureKind::Revoked, "revoked"),
    };
    let ended = !matches!(kind, FailureKind::Missing | FailureKind::NotFresh);
    let deleted = if ended && outcome != Outcome::Replaced { deletions(code) } else { "" };
    let ended = ended && code != "not_yet_valid" && outcome != Outcome::Replaced;
    let next = match client {
        Page => route.path(),
        Htmx => "/list?p=2",
        PostedForm => "/edit?id=1",
        Api | PostedJson => return format!("401 {code}{deleted}"),
    };
    let path = if kind == FailureKind::NotFresh { "/reauthenticate" } else { "/login" };
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    let url = format!("{path}?next={next}{}", if ended { "&ended=1" } else { "" });
    match client {
        Htmx => format!("401 htmx → {url}{deleted}"),
        _ => format!("303 → {url}{deleted}"),
    }
}

/// A route that requires a refresh token.
fn refresh_tokens() -> Vec<Case> {
    async fn check(site: Site, cookie: &'static str, which: fn(&Tokens) -> &str, expected: &'static str) {
        let tokens = Tokens::issue(&site).await;
        let pair = format!("{cookie}={}", which(&tokens));
        let get = site.visitor().get("/refresh-token").raw_cookie_header(&pair).send().await;
        site.expect("GET", &get, expected);
        let mut visitor = site.visitor();
        let post = visitor.post("/refresh-token").raw_cookie_header(&pair).header("x-csrf-token", &tokens.csrf);
        site.expect("POST", &post.send().await, expected);
    }
    vec![
        Case::new("refresh token: a valid one is accepted", |site| check(site, REFRESH, |t| &t.refresh, "200")),
        Case::new("refresh token: refused without one", |site| check(site, "theme", |_| "dark", "401 missing_token")),
        Case::new("refresh token: refused in the access cookie", |site| {
            check(site, ACCESS, |t| &t.refresh, "401 missing_token")
        }),
        Case::new("refresh token: an access token in the refresh cookie is refused", |site| {
            check(site, REFRESH, |t| &t.access, "401 wrong_kind -access -refresh")
        }),
        Case::new("refresh token: a POST without the CSRF value is refused", |site| async move {
            let mut alice = site.alice().await;
            site.expect("POST", &alice.post("/refresh-token").send().await, "403 csrf_missing");
        }),
        Case::new("refresh token: an expired one is refused", |site| async move {
            let mut alice = site.alice().await;
            site.expire_all();
            let response = alice.get("/refresh-token").send().await;
            site.expect("GET", &response, "401 expired -access -refresh");
        }),
        Case::new("refresh token: the cookie twice is refused", |site| async move {
            let mut alice = site.alice().await;
            let again = format!("{REFRESH}={}", cookie_value(&alice, REFRESH));
            let response = alice.get("/refresh-token").raw_cookie_header(again).send().await;
            site.expect("GET", &response, "401 duplicate_cookie -access -refresh");
        }),
    ]
}
