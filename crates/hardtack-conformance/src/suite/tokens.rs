//! Every state of the cookies, on every kind of route, for every kind of client.

use hardtack::FailureKind;
use serde_json::json;

use super::case::Case;
use super::site::Site;
use super::states::{Held, STATES, State, Worth};
use crate::client::{Client, Request, Response};

/// Who asks, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asker {
    Page,
    Api,
    Htmx,
    PostedForm,
    PostedJson,
}

/// What the route asks for.
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

use Asker::{Api, Htmx, Page, PostedForm, PostedJson};

const TABLE: &[(Route, &[Asker])] = &[
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
    for state in STATES {
        for (route, askers) in TABLE {
            for asker in *askers {
                cases.push(case(state, *route, *asker));
            }
        }
    }
    cases.extend(refresh_tokens());
    cases
}

fn case(state: &'static State, route: Route, asker: Asker) -> Case {
    Case::new(format!("tokens: {} at {} for {asker:?}", state.name, route.path()), move |site| async move {
        let held = state.held(&site).await;
        let response = ask(&mut site.visitor(), route.path(), asker, &held).await;
        site.expect("answer", &response, expected(state.worth, route, asker));
        if matches!(state.worth, Worth::Fresh | Worth::Stale) && route.path() == "/protected?a=b" {
            let fresh = state.worth == Worth::Fresh;
            site.same("handler", response.json(), json!({ "sub": "alice", "fresh": fresh, "calls": 1 }));
        }
    })
}

async fn ask(client: &mut Client, path: &str, asker: Asker, held: &Held) -> Response {
    let request = match asker {
        Page => client.get(path).accept_html(),
        Api => client.get(path).accept_json(),
        Htmx => {
            let request = client.get(path).header("hx-request", "true");
            request.header("hx-current-url", "https://site.example/list?p=2")
        }
        PostedForm => {
            let request = client.post(path).accept_html().header("referer", "https://site.example/edit?id=1");
            request.form(&[("title", "a"), ("csrf_token", &held.csrf)])
        }
        PostedJson => client.post(path).accept_json().header("x-csrf-token", &held.csrf).json(&json!({ "a": 1 })),
    };
    held.cookies.iter().fold(request, Request::raw_cookie_header).send().await
}

fn expected(worth: Worth, route: Route, asker: Asker) -> String {
    let (kind, code) = match worth {
        Worth::Stale if matches!(route, Route::Fresh(_)) => (FailureKind::NotFresh, "insufficient_user_authentication"),
        Worth::Fresh | Worth::Stale => return "200".to_owned(),
        Worth::Refused(FailureKind::Missing, _) if matches!(route, Route::Optional(_)) => return "200".to_owned(),
        // Nobody any more: the page is shown, and the stale cookies go.
        Worth::Refused(FailureKind::Expired, _) if matches!(route, Route::Optional(_)) => {
            return "200 -access -refresh".to_owned();
        }
        Worth::Refused(kind, code) => (kind, code),
        Worth::Replaced => (FailureKind::Revoked, "revoked"),
    };
    let ended = !matches!(kind, FailureKind::Missing | FailureKind::NotFresh);
    let unset = if ended && worth != Worth::Replaced { " -access -refresh" } else { "" };
    let next = match asker {
        Page => route.path(),
        Htmx => "/list?p=2",
        PostedForm => "/edit?id=1",
        Api | PostedJson => return format!("401 {code}{unset}"),
    };
    let place = if kind == FailureKind::NotFresh { "/reauthenticate" } else { "/login" };
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    let url = format!("{place}?next={next}{}", if ended { "&ended=1" } else { "" });
    match asker {
        Htmx => format!("401 htmx → {url}{unset}"),
        _ => format!("303 → {url}{unset}"),
    }
}

/// Where a refresh token is asked for.
fn refresh_tokens() -> Vec<Case> {
    async fn check(site: Site, cookie: &'static str, which: fn(&super::states::Tokens) -> &str, told: &'static str) {
        let tokens = super::states::Tokens::of(&site).await;
        let pair = format!("{cookie}={}", which(&tokens));
        let get = site.visitor().get("/refresh-token").raw_cookie_header(&pair).send().await;
        site.expect("GET", &get, told);
        let mut visitor = site.visitor();
        let post = visitor.post("/refresh-token").raw_cookie_header(&pair).header("x-csrf-token", &tokens.csrf);
        site.expect("POST", &post.send().await, told);
    }
    use super::site::{ACCESS, REFRESH};
    vec![
        Case::new("refresh token: a good one", |site| check(site, REFRESH, |t| &t.refresh, "200")),
        Case::new("refresh token: none", |site| check(site, "theme", |_| "dark", "401 missing_token")),
        Case::new("refresh token: in the access cookie", |site| {
            check(site, ACCESS, |t| &t.refresh, "401 missing_token")
        }),
        Case::new("refresh token: an access token in its cookie", |site| {
            check(site, REFRESH, |t| &t.access, "401 wrong_kind -access -refresh")
        }),
        Case::new("refresh token: posted without its CSRF value", |site| async move {
            let mut alice = site.alice().await;
            site.expect("POST", &alice.post("/refresh-token").send().await, "403 csrf_missing");
        }),
        Case::new("refresh token: expired", |site| async move {
            let mut alice = site.alice().await;
            site.expire_all();
            let answer = alice.get("/refresh-token").send().await;
            site.expect("GET", &answer, "401 expired -access -refresh");
        }),
        Case::new("refresh token: twice", |site| async move {
            let mut alice = site.alice().await;
            let again = format!("{REFRESH}={}", super::site::value_of(&alice, REFRESH));
            let answer = alice.get("/refresh-token").raw_cookie_header(again).send().await;
            site.expect("GET", &answer, "401 duplicate_cookie -access -refresh");
        }),
    ]
}
