//! Tests replies to failures: every member and header of the default replies, and replies that the application sets
//! itself.

use hardtack::request::Wants;
use hardtack::{FailureKind, Reply};
use serde_json::{Value, json};

use crate::client::{Client, Request, Response};
use crate::harness::{ACCESS, Case, Site, Tokens, access_cookie, cookie_value};

const CHALLENGE: &str = "Bearer error=\"invalid_token\", error_description=\"";

/// A request that fails, and the expected reply to an API client.
struct FailingRequest {
    kind: FailureKind,
    request: fn(&mut Client, &Tokens) -> OwnedRequest,
    status: u16,
    title: &'static str,
    code: &'static str,
    challenge: Option<&'static str>,
    deletes_cookies: bool,
}

/// A request that does not borrow its client.
struct OwnedRequest {
    method: &'static str,
    path: &'static str,
    cookies: Vec<Vec<u8>>,
}

impl OwnedRequest {
    fn on(self, client: &mut Client) -> Request<'_> {
        let request = client.request(self.method.parse().unwrap(), self.path);
        self.cookies.into_iter().fold(request, Request::raw_cookie_header)
    }
}

fn get(path: &'static str, cookies: Vec<Vec<u8>>) -> OwnedRequest {
    OwnedRequest { method: "GET", path, cookies }
}

const FAILING_REQUESTS: &[FailingRequest] = &[
    FailingRequest {
        kind: FailureKind::Missing,
        request: |_, _| get("/protected", vec![]),
        status: 401,
        title: "Log-in needed",
        code: "missing_token",
        challenge: Some("Bearer"),
        deletes_cookies: false,
    },
    FailingRequest {
        kind: FailureKind::Invalid,
        request: |_, t| get("/protected", access_cookie(&t.foreign)),
        status: 401,
        title: "Token not valid",
        code: "bad_signature",
        challenge: Some(CHALLENGE),
        deletes_cookies: true,
    },
    FailingRequest {
        kind: FailureKind::Expired,
        request: |_, t| get("/protected", access_cookie(&t.expired)),
        status: 401,
        title: "Session expired",
        code: "expired",
        challenge: Some(CHALLENGE),
        deletes_cookies: true,
    },
    FailingRequest {
        kind: FailureKind::NotFresh,
        request: |_, t| get("/fresh", access_cookie(&t.not_fresh)),
        status: 401,
        title: "Password needed",
        code: "insufficient_user_authentication",
        challenge: Some("Bearer error=\"insufficient_user_authentication\", error_description=\""),
        deletes_cookies: false,
    },
    FailingRequest {
        kind: FailureKind::Revoked,
        request: |_, t| get("/protected", access_cookie(&t.revoked)),
        status: 401,
        title: "Session ended",
        code: "revoked",
        challenge: Some(CHALLENGE),
        deletes_cookies: true,
    },
    FailingRequest {
        kind: FailureKind::UnknownUser,
        request: |client, _| get("/user", access_cookie(&cookie_value(client, ACCESS))),
        status: 401,
        title: "Unknown user",
        code: "unknown_user",
        challenge: Some(CHALLENGE),
        deletes_cookies: true,
    },
    FailingRequest {
        kind: FailureKind::ClaimsRefused,
        request: |_, t| get("/refuses", access_cookie(&t.access)),
        status: 403,
        title: "Not allowed",
        code: "claims_refused",
        challenge: None,
        deletes_cookies: true,
    },
    FailingRequest {
        kind: FailureKind::Forbidden,
        request: |_, t| get("/forbids", access_cookie(&t.access)),
        status: 403,
        title: "Not allowed",
        code: "forbidden",
        challenge: None,
        deletes_cookies: false,
    },
    FailingRequest {
        kind: FailureKind::Csrf,
        request: |_, t| OwnedRequest { method: "POST", path: "/protected", cookies: access_cookie(&t.access) },
        status: 403,
        title: "CSRF check failed",
        code: "csrf_missing",
        challenge: None,
        deletes_cookies: false,
    },
    FailingRequest {
        kind: FailureKind::Method,
        request: |_, _| get("/logout", vec![]),
        status: 405,
        title: "Method not allowed",
        code: "method_not_allowed",
        challenge: None,
        deletes_cookies: false,
    },
];

impl FailingRequest {
    async fn tokens(&self, site: &Site) -> (Client, Tokens) {
        (site.logged_in("ghost").await, Tokens::issue(site).await)
    }

    /// Sends the request as a browser or an API client, and returns the reply.
    async fn send(&self, site: &Site, wants: Wants) -> Response {
        let (mut ghost, tokens) = self.tokens(site).await;
        let request = (self.request)(&mut ghost, &tokens);
        ghost.clear();
        let request = request.on(&mut ghost);
        if wants == Wants::Page { request.accept_html() } else { request.accept_json() }.send().await
    }

    const fn deleted(&self) -> &'static str {
        if self.deletes_cookies { " -access -refresh" } else { "" }
    }
}

pub(super) fn cases() -> Vec<Case> {
    let problems = FAILING_REQUESTS.iter().map(|failing| {
        Case::new(format!("replies: {:?} as a problem document", failing.kind), move |site| async move {
            let response = failing.send(&site, Wants::Api).await;
            site.expect("response", &response, format!("{} {}{}", failing.status, failing.code, failing.deleted()));
            let body = response.json();
            let members = ["type", "title", "status", "code"].map(|member| body[member].clone());
            let expected: [Value; 4] =
                ["about:blank".into(), failing.title.into(), failing.status.into(), failing.code.into()];
            site.expect_eq("members", members, expected);
            let challenge = response.header("www-authenticate").map(|text| match failing.challenge {
                Some(whole @ "Bearer") if text == whole => whole,
                Some(start) if start != "Bearer" && text.starts_with(start) && text.ends_with('"') => start,
                _ => "another challenge",
            });
            site.expect_eq("challenge", challenge, failing.challenge);
            site.expect_eq(
                "Cache-Control",
                response.headers_all("cache-control"),
                vec!["private, no-store".to_owned()],
            );
            site.expect_eq("Allow", response.header("allow"), (failing.status == 405).then_some("POST"));
        })
    });
    let pages = FAILING_REQUESTS.iter().filter(|failing| failing.status != 401).map(|failing| {
        Case::new(format!("replies: {:?} as a page", failing.kind), move |site| async move {
            let response = failing.send(&site, Wants::Page).await;
            site.expect("response", &response, format!("{}{}", failing.status, failing.deleted()));
            site.expect_eq("content type", response.header("content-type"), Some("text/html; charset=utf-8"));
            let title = match failing.kind {
                FailureKind::Csrf => "Please send the form again",
                FailureKind::Method => "Page not found",
                _ => failing.title,
            };
            let title = format!("<h1>{title}</h1>");
            site.expect_eq("has its title", response.text().contains(&title), true);
            site.expect_eq(
                "Cache-Control",
                response.headers_all("cache-control"),
                vec!["private, no-store".to_owned()],
            );
        })
    });
    let own = FAILING_REQUESTS.iter().map(own_reply);
    let mut cases: Vec<_> = problems.chain(pages).chain(own).collect();
    cases.extend([default_with_changes(), handler_reads_head(), other_kinds()]);
    cases
}

/// Tests a failure for which the application sets its own reply. The reply determines the status, the headers and the
/// body, but Hardtack still deletes the cookies.
fn own_reply(failing: &'static FailingRequest) -> Case {
    let reply = |kind: FailureKind| {
        Reply::json(418, &json!({ "own": format!("{kind:?}") })).header("x-own", "yes").header("x-own", "indeed")
    };
    Case::new(format!("replies: the application's own for {:?}", failing.kind), move |site| async move {
        for wants in [Wants::Api, Wants::Page] {
            let got = failing.send(&site, wants).await;
            site.expect("response", &got, format!("418{}", failing.deleted()));
            site.expect_eq("headers", got.headers_all("x-own"), vec!["yes".to_owned(), "indeed".to_owned()]);
            site.expect_eq("content type", got.headers_all("content-type"), vec!["application/json".to_owned()]);
            site.expect_eq("body", got.json(), json!({ "own": format!("{:?}", failing.kind) }));
        }
        let (mut ghost, _) = failing.tokens(&site).await;
        site.expect("another route", &ghost.get("/protected").send().await, "200");
    })
    .configured(move |builder| builder.on(failing.kind, move |refused| reply(refused.reason.kind())))
}

fn default_with_changes() -> Case {
    Case::new("replies: the default with a header added, and a redirect for pages only", |site| async move {
        let api = site.visitor().get("/protected?a=b").accept_json().send().await;
        site.expect("program", &api, "401 missing_token");
        site.expect_eq("header", api.header("x-trace"), Some("7"));
        let page = site.visitor().get("/protected?a=b").accept_html().send().await;
        site.expect("page", &page, "303 → /welcome?next=%2Fprotected%3Fa%3Db");
    })
    .configured(|builder| {
        builder.on(FailureKind::Missing, |refused| match (refused.wants, &refused.next) {
            (Wants::Page, Some(next)) => Reply::redirect(303, next.append_to("/welcome")),
            _ => refused.default_reply().header("x-trace", "7"),
        })
    })
}

fn handler_reads_head() -> Case {
    Case::new("replies: a failure handler can read the request's head", |site| async move {
        let response = site.visitor().get("/nested/inner?who=me").header("x-asks", "why").send().await;
        site.expect_eq(
            "what it read",
            response.json(),
            json!(["GET", "/nested/inner?who=me", "site.example", "why", "me"]),
        );
    })
    .configured(|builder| {
        builder.on(FailureKind::Missing, |refused| {
            let head = &refused.head;
            let read =
                json!([head.method(), head.target(), head.host(), head.header_text("x-asks"), head.query("who")]);
            Reply::json(401, &read)
        })
    })
}

fn other_kinds() -> Case {
    Case::new("replies: the application's own, if the store is down and if a refresh is needed", |site| async move {
        let mut alice = site.alice().await;
        site.expire_access();
        let needed = alice.get("/protected").accept_json().send().await;
        site.expect("refresh needed", &needed, "418 -access");
        site.store.fail();
        let down = alice.get("/token/refresh").accept_json().send().await;
        site.expect("store down", &down, "418");
    })
    .configured(|builder| {
        let builder = builder.refresh_mode(hardtack::RefreshMode::Redirect);
        let builder = builder.on(FailureKind::RefreshNeeded, |_| Reply::new(418));
        builder.on(FailureKind::Unavailable, |_| Reply::new(418))
    })
}
