//! Checks that a rejected request does not log the user out, whether the token lacks a claim or the application forbids
//! the request.

use hardtack::jwt::TokenKind;
use hardtack::{Authenticator, LogIn, RefreshMode, TokenLocation, Urls};
use serde_json::{Value, json};

use crate::client::Client;
use crate::harness::{ACCESS, Case, Site, cookie_value, csrf_token};

/// The message that the route `/forbids` sends when it refuses a request.
const SENTENCE: &str = "Only its author may edit a post.";

/// A route whose layer requires the role.
const EDITORS: &str = "/editors/page";

/// A route whose extractor requires the role.
const EDITOR: &str = "/editor";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![forbidden_by_handler(), bearer_token()];
    cases.extend(lacking_claims());
    cases.extend(required_role("Require", EDITORS));
    cases.extend(required_role("HasRole", EDITOR));
    let modes = [RefreshMode::Transparent, RefreshMode::Redirect, RefreshMode::Sliding];
    cases.extend(modes.map(changed_claims));
    cases.extend(loops());
    cases
}

/// Checks that every kind of client gets 403 and stays logged in.
async fn expect_forbidden(site: &Site, client: &Client, path: &str, code: &str, sentence: &str) {
    let mut client = client.clone();
    let before: Vec<_> = client.cookies().into_iter().cloned().collect();
    let api = client.get(path).accept_json().send().await;
    site.expect("program", &api, format!("403 {code}"));
    site.expect_eq("detail", api.json()["detail"].as_str(), Some(sentence));
    site.expect_eq("Cache-Control", api.header("cache-control"), Some("private, no-store"));
    let page = client.get(path).accept_html().send().await;
    site.expect("page", &page, "403");
    site.expect_eq("its text", page.text().contains(sentence), true);
    let htmx = client.get(path).header("hx-request", "true").send().await;
    site.expect("htmx", &htmx, format!("403 {code}"));
    site.expect_eq("cookies", client.cookies().into_iter().cloned().collect::<Vec<_>>() == before, true);
    site.expect("still logged in, with the same token", &client.get("/fresh").send().await, "200");
    site.expect_eq("rotations", site.store.rotations(), 0);
}

fn forbidden_by_handler() -> Case {
    Case::new("forbidden: e06: by the handler, with a sentence", |site| async move {
        let alice = site.alice().await;
        expect_forbidden(&site, &alice, "/forbids", "forbidden", SENTENCE).await;
        site.expect("without a token", &site.visitor().get("/forbids").send().await, "401 missing_token");
    })
}

/// If a client sends its token in a header, the challenge in the response must say that the token is insufficient (RFC
/// 6750 section 3.1).
fn bearer_token() -> Case {
    Case::new("forbidden: e06: a bearer token gets insufficient_scope", |site| async move {
        let token = cookie_value(&site.alice().await, ACCESS);
        let codes = [("/forbids", "forbidden"), ("/claims", "insufficient_scope")];
        for (path, code) in codes.into_iter().chain([EDITORS, EDITOR].map(|path| (path, "insufficient_scope"))) {
            let mut client = site.visitor();
            let response =
                client.get(path).header("authorization", format!("bearer {token}")).accept_html().send().await;
            site.expect(path, &response, format!("403 {code}"));
            let challenge = response.header("www-authenticate").unwrap_or_default();
            site.expect_eq(
                path,
                challenge.starts_with("Bearer error=\"insufficient_scope\", error_description=\""),
                true,
            );
        }
    })
    .configured(|builder| builder.token_sources([TokenLocation::Headers, TokenLocation::Cookies]))
}

const LACKING: &str = "You do not have permission to do this.";

fn lacking_claims() -> Vec<Case> {
    type State = (&'static str, fn() -> LogIn);
    let states: [State; 4] = [
        ("missing", || LogIn::new("alice")),
        ("of another type", || LogIn::new("alice").claim("role", 7)),
        ("null", || LogIn::new("alice").claim("role", Value::Null)),
        ("of another type, an array", || LogIn::new("alice").claim("role", json!(["editor"]))),
    ];
    let case = |(name, log_in): (&str, fn() -> LogIn)| {
        Case::new(format!("claims: e06: one is {name}"), move |site| async move {
            let alice = site.logged_in(log_in()).await;
            expect_forbidden(&site, &alice, "/claims", "insufficient_scope", LACKING).await;
        })
    };
    states.map(case).into()
}

/// Returns cases that check that only users with the role `editor` can use `path`. `what` is the name of the type that
/// guards `path`: `Require` or `HasRole`.
fn required_role(what: &'static str, path: &'static str) -> Vec<Case> {
    vec![
        Case::new(format!("claims: e06: {what} accepts the value, alone or in an array"), move |site| async move {
            for role in [json!("editor"), json!(["reader", "editor"])] {
                let mut editor = site.logged_in(LogIn::new("alice").claim("role", role)).await;
                site.expect("GET", &editor.get(path).send().await, "200");
                let csrf = csrf_token(&editor);
                let form = editor.post(path).form(&[("csrf_token", csrf)]).send().await;
                site.expect("a form", &form, "200");
            }
        }),
        Case::new(format!("claims: e06: {what} refuses every other value"), move |site| async move {
            for role in [json!("reader"), json!("Editor"), json!(["reader"]), json!(7), json!({ "editor": true })] {
                let reader = site.logged_in(LogIn::new("alice").claim("role", role)).await;
                expect_forbidden(&site, &reader, path, "insufficient_scope", LACKING).await;
            }
            let alice = site.alice().await;
            expect_forbidden(&site, &alice, path, "insufficient_scope", LACKING).await;
            let page = site.visitor().get(path).accept_html().send().await;
            let login = format!("303 → /login?next={}", path.replace('/', "%2F"));
            site.expect("without a token", &page, login);
            let mut forged = alice.clone();
            site.expect("without the CSRF value", &forged.post(path).send().await, "403 csrf_missing");
        }),
        Case::new(format!("claims: e06: {what} refreshes an expired token first"), move |site| async move {
            let mut editor = site.logged_in(LogIn::new("alice").claim("role", "editor")).await;
            let mut reader = site.logged_in(LogIn::new("bob").claim("role", "reader")).await;
            site.expire_access();
            site.expect("GET", &editor.get(path).send().await, "200 +access +refresh");
            let refused = reader.get(path).accept_json().send().await;
            site.expect("GET", &refused, "403 insufficient_scope +access +refresh");
            site.expect("still logged in", &reader.get("/protected").send().await, "200");
        }),
        Case::new(format!("claims: e06: {what} refuses a role that was taken away"), move |site| async move {
            let mut editor = site.logged_in(LogIn::new("alice").claim("role", "editor")).await;
            site.expect("before", &editor.get(path).send().await, "200");
            site.authenticator.change_claims("alice", &json!({ "role": "reader" })).await.unwrap();
            let refused = editor.get(path).accept_json().send().await;
            site.expect("afterwards", &refused, "403 insufficient_scope +access +refresh");
            site.expect("still logged in", &editor.get("/protected").send().await, "200");
        }),
    ]
}

/// Tests a claim that a second authenticator has added to a session. The site has not yet read this change from the
/// log, and the session's token lacks the claim. One refresh must return a token with the claim.
fn changed_claims(mode: RefreshMode) -> Case {
    Case::new(
        format!("claims: e06: a session that got the claim after the log-in is refreshed, {mode:?}"),
        move |site| async move {
            for path in ["/claims", EDITORS, EDITOR] {
                let mut alice = site.alice().await;
                let elsewhere = Authenticator::builder(site.keys.clone())
                    .base_url(site.origin)
                    .sessions(site.store.clone())
                    .clock(site.clock.clone())
                    .build()
                    .unwrap();
                elsewhere.change_claims("alice", &json!({ "role": "editor" })).await.unwrap();
                let response = alice.get(path).accept_html().follow().await;
                site.expect_eq(path, (response.status().as_u16(), response.path()), (200, path));
                site.expect("afterwards", &alice.get(path).send().await, "200");
                let token = site.authenticator.decode::<Value>(&cookie_value(&alice, ACCESS), TokenKind::Access);
                site.expect_eq("role", token.unwrap().extra()["role"].clone(), json!("editor"));
                elsewhere.change_claims("alice", &json!({})).await.unwrap();
                elsewhere.revoke_all_sessions("alice").await.unwrap();
            }
            site.expect_eq("rotations", site.store.rotations(), 3);
        },
    )
    .configured(move |builder| builder.refresh_mode(mode))
}

/// Checks that a page to which browsers are redirected does not redirect them to itself.
fn loops() -> Vec<Case> {
    vec![
        Case::new("redirects: e20: a log-in page that needs a token", |site| async move {
            let mut visitor = site.visitor();
            let page = visitor.get("/protected").accept_html().send().await;
            site.expect("another page", &page, "303 → /guarded/page?next=%2Fprotected");
            let page = visitor.get("/guarded/page?next=%2Fprotected").accept_html().send().await;
            site.expect("the log-in page", &page, "401");
            site.expect_eq("challenge", page.header("www-authenticate"), Some("Bearer"));
            let htmx = visitor.get("/guarded/page").header("hx-request", "true").send().await;
            site.expect("htmx", &htmx, "401 missing_token");
        })
        .configured(|builder| builder.urls(Urls::default().login("/guarded/page"))),
        Case::new("redirects: e20: a password page that needs a fresh token", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            alice.get("/protected").send().await;
            let page = alice.get("/fresh").accept_html().send().await;
            site.expect("another page", &page, "303 → /guarded-fresh/page?next=%2Ffresh");
            let page = alice.get("/guarded-fresh/page?next=%2Ffresh").accept_html().send().await;
            site.expect("the page for the password", &page, "401");
        })
        .configured(|builder| builder.urls(Urls::default().reauthenticate("/guarded-fresh/page"))),
        Case::new("redirects: e20: a refresh URL that needs a token", |site| async move {
            let mut alice = site.alice().await;
            let csrf = csrf_token(&alice);
            site.expire_access();
            let page = alice.clone().get("/guarded/page").accept_html().send().await;
            site.expect("GET", &page, "401 -access");
            let form = alice.post("/guarded/page").accept_html().form(&[("csrf_token", csrf)]).send().await;
            site.expect("POST", &form, "401 -access");
        })
        .configured(|builder| {
            builder.refresh_mode(RefreshMode::Redirect).urls(Urls::default().refresh("/guarded/page"))
        }),
    ]
}
