//! Failure replies in full, and the application's own in their place.

use hardtack::request::Wants;
use hardtack::{FailureKind, Reply};
use serde_json::{Value, json};

use super::case::Case;
use super::site::{ACCESS, Site};
use super::states::{Tokens, access};
use crate::client::{Client, Request, Response};

const CHALLENGE: &str = "Bearer error=\"invalid_token\", error_description=\"";

/// What provokes a failure, and what a program is told.
struct Provoked {
    kind: FailureKind,
    send: fn(&mut Client, &Tokens) -> OwnedRequest,
    status: u16,
    title: &'static str,
    code: &'static str,
    challenge: Option<&'static str>,
    unset: bool,
}

/// A request without its client.
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

const PROVOKED: &[Provoked] = &[
    Provoked {
        kind: FailureKind::Missing,
        send: |_, _| get("/protected", vec![]),
        status: 401,
        title: "Log-in needed",
        code: "missing_token",
        challenge: Some("Bearer"),
        unset: false,
    },
    Provoked {
        kind: FailureKind::Invalid,
        send: |_, t| get("/protected", access(&t.foreign)),
        status: 401,
        title: "Token not valid",
        code: "bad_signature",
        challenge: Some(CHALLENGE),
        unset: true,
    },
    Provoked {
        kind: FailureKind::Expired,
        send: |_, t| get("/protected", access(&t.expired)),
        status: 401,
        title: "Session expired",
        code: "expired",
        challenge: Some(CHALLENGE),
        unset: true,
    },
    Provoked {
        kind: FailureKind::NotFresh,
        send: |_, t| get("/fresh", access(&t.stale)),
        status: 401,
        title: "Password needed",
        code: "insufficient_user_authentication",
        challenge: Some("Bearer error=\"insufficient_user_authentication\", error_description=\""),
        unset: false,
    },
    Provoked {
        kind: FailureKind::Revoked,
        send: |_, t| get("/protected", access(&t.revoked)),
        status: 401,
        title: "Session ended",
        code: "revoked",
        challenge: Some(CHALLENGE),
        unset: true,
    },
    Provoked {
        kind: FailureKind::UnknownUser,
        send: |client, _| get("/user", access(&super::site::value_of(client, ACCESS))),
        status: 401,
        title: "Unknown user",
        code: "unknown_user",
        challenge: Some(CHALLENGE),
        unset: true,
    },
    Provoked {
        kind: FailureKind::ClaimsRefused,
        send: |_, t| get("/refuses", access(&t.access)),
        status: 403,
        title: "Not allowed",
        code: "claims_refused",
        challenge: None,
        unset: true,
    },
    Provoked {
        kind: FailureKind::Csrf,
        send: |_, t| OwnedRequest { method: "POST", path: "/protected", cookies: access(&t.access) },
        status: 403,
        title: "CSRF check failed",
        code: "csrf_missing",
        challenge: None,
        unset: false,
    },
    Provoked {
        kind: FailureKind::Method,
        send: |_, _| get("/logout", vec![]),
        status: 405,
        title: "Method not allowed",
        code: "method_not_allowed",
        challenge: None,
        unset: false,
    },
];

impl Provoked {
    async fn tokens(&self, site: &Site) -> (Client, Tokens) {
        (site.browser_of("ghost").await, Tokens::of(site).await)
    }

    /// What a browser or a program gets.
    async fn provoke(&self, site: &Site, wants: Wants) -> Response {
        let (mut ghost, tokens) = self.tokens(site).await;
        let request = (self.send)(&mut ghost, &tokens);
        ghost.clear();
        let request = request.on(&mut ghost);
        if wants == Wants::Page { request.accept_html() } else { request.accept_json() }.send().await
    }

    const fn unset(&self) -> &'static str {
        if self.unset { " -access -refresh" } else { "" }
    }
}

pub(super) fn cases() -> Vec<Case> {
    let problems = PROVOKED.iter().map(|provoked| {
        Case::new(format!("replies: {:?} as a problem", provoked.kind), move |site| async move {
            let answer = provoked.provoke(&site, Wants::Api).await;
            site.expect("answer", &answer, format!("{} {}{}", provoked.status, provoked.code, provoked.unset()));
            let body = answer.json();
            let members = ["type", "title", "status", "code"].map(|member| body[member].clone());
            let expected: [Value; 4] =
                ["about:blank".into(), provoked.title.into(), provoked.status.into(), provoked.code.into()];
            site.same("members", members, expected);
            let challenge = answer.header("www-authenticate").map(|text| match provoked.challenge {
                Some(whole @ "Bearer") if text == whole => whole,
                Some(start) if start != "Bearer" && text.starts_with(start) && text.ends_with('"') => start,
                _ => "another challenge",
            });
            site.same("challenge", challenge, provoked.challenge);
            site.same("Cache-Control", answer.headers_all("cache-control"), vec!["private, no-store".to_owned()]);
            site.same("Allow", answer.header("allow"), (provoked.status == 405).then_some("POST"));
        })
    });
    let pages = PROVOKED.iter().filter(|provoked| provoked.status != 401).map(|provoked| {
        Case::new(format!("replies: {:?} as a page", provoked.kind), move |site| async move {
            let answer = provoked.provoke(&site, Wants::Page).await;
            site.expect("answer", &answer, format!("{}{}", provoked.status, provoked.unset()));
            site.same("content type", answer.header("content-type"), Some("text/html; charset=utf-8"));
            let title = format!("<h1>{}</h1>", provoked.title);
            site.same("it has its title", answer.text().contains(&title), true);
            site.same("Cache-Control", answer.headers_all("cache-control"), vec!["private, no-store".to_owned()]);
        })
    });
    let own = PROVOKED.iter().map(own_reply);
    let mut cases: Vec<_> = problems.chain(pages).chain(own).collect();
    cases.extend([default_extended(), what_a_handler_sees(), others()]);
    cases
}

/// Status, fields and body are the application's; the cookies are unset all the same.
fn own_reply(provoked: &'static Provoked) -> Case {
    let answer = |kind: FailureKind| {
        Reply::json(418, &json!({ "own": format!("{kind:?}") })).header("x-own", "yes").header("x-own", "indeed")
    };
    Case::new(format!("replies: the application's own for {:?}", provoked.kind), move |site| async move {
        for wants in [Wants::Api, Wants::Page] {
            let got = provoked.provoke(&site, wants).await;
            site.expect("answer", &got, format!("418{}", provoked.unset()));
            site.same("fields", got.headers_all("x-own"), vec!["yes".to_owned(), "indeed".to_owned()]);
            site.same("content type", got.headers_all("content-type"), vec!["application/json".to_owned()]);
            site.same("body", got.json(), json!({ "own": format!("{:?}", provoked.kind) }));
        }
        let (mut ghost, _) = provoked.tokens(&site).await;
        site.expect("elsewhere", &ghost.get("/protected").send().await, "200");
    })
    .configured(move |builder| builder.on(provoked.kind, move |refused| answer(refused.reason.kind())))
}

fn default_extended() -> Case {
    Case::new("replies: the default with a field added, or a redirect for pages only", |site| async move {
        let api = site.visitor().get("/protected?a=b").accept_json().send().await;
        site.expect("api", &api, "401 missing_token");
        site.same("field", api.header("x-trace"), Some("7"));
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

fn what_a_handler_sees() -> Case {
    Case::new("replies: a handler sees the request's head", |site| async move {
        let answer = site.visitor().get("/nested/inner?who=me").header("x-asks", "why").send().await;
        site.same("what it saw", answer.json(), json!(["GET", "/nested/inner?who=me", "site.example", "why", "me"]));
    })
    .configured(|builder| {
        builder.on(FailureKind::Missing, |refused| {
            let head = &refused.head;
            let seen =
                json!([head.method(), head.target(), head.host(), head.header_text("x-asks"), head.query("who")]);
            Reply::json(401, &seen)
        })
    })
}

fn others() -> Case {
    Case::new("replies: the application's own where the store is down or a refresh is needed", |site| async move {
        let mut alice = site.alice().await;
        site.expire_access();
        let needed = alice.get("/protected").accept_json().send().await;
        site.expect("refresh needed", &needed, "418 -access");
        site.store.break_down();
        let down = alice.get("/token/refresh").accept_json().send().await;
        site.expect("store down", &down, "418");
    })
    .configured(|builder| {
        let builder = builder.refresh_mode(hardtack::RefreshMode::Redirect);
        let builder = builder.on(FailureKind::RefreshNeeded, |_| Reply::new(418));
        builder.on(FailureKind::Unavailable, |_| Reply::new(418))
    })
}
