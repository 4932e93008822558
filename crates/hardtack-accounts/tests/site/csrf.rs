//! Requests that other sites can make a browser send.

use hardtack::RefreshMode;
use hardtack_test_support::client::{Client, Request, Response};
use hardtack_test_support::html::HtmlForms;
use http::Method;
use serde_json::{Value, json};

use crate::support::{
    ACCESS, Options, PASSWORD, REFRESH, TestSite, cookie, field, filled, log_in, minutes, open, plant, sign_up, submit, whoami,
};

/// The routes that change something for a user who is logged in.
const CHANGING: [&str; 6] = [
    "/account/change_settings",
    "/account/password",
    "/account/sessions/revoke-others",
    "/account/sessions/00000000000000000000000000000000/revoke",
    "/reauthenticate",
    "/logout",
];

/// A body that all of these routes accept.
fn body() -> Value {
    json!({ "display_name": "Eve", "email": "eve@evil.example", "password": PASSWORD,
            "current_password": PASSWORD, "new_password": "evil evil evil" })
}

fn form(csrf: Option<&str>) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = csrf.map(|value| ("csrf_token".into(), value.into())).into_iter().collect();
    for (name, value) in body().as_object().unwrap() {
        fields.push((name.clone(), value.as_str().unwrap().to_owned()));
    }
    fields
}

fn assert_csrf(response: &Response, code: &str, what: &str) {
    assert_eq!(response.status(), 403, "{what}: {}", response.text());
    // A log-in or sign-up form is shown again. If its cookie was missing, the response sets a new one.
    let cookies = response.set_cookies();
    assert!(cookies.iter().all(|cookie| cookie.name == "csrf_pre_session"), "{what}: {cookies:?}");
    if response.header("content-type") == Some("application/problem+json") {
        assert!(response.text().contains("CSRF"), "{what}: does not say CSRF: {}", response.text());
        assert_eq!(response.json()["code"], code, "{what}");
    } else {
        assert!(response.text().contains("othing was changed"), "{what}: {}", response.text());
        assert!(!response.text().contains("CSRF"), "{what}: {}", response.text());
    }
}

/// Asserts that nothing in [`body`] was applied, and the browser is still logged in.
async fn assert_untouched(client: &mut Client, others: &mut Client) {
    let account = client.get("/account").accept_json().send().await;
    assert_eq!(account.status(), 200, "{}", account.text());
    assert_eq!((&account.json()["display_name"], &account.json()["email"]), (&json!(""), &json!("")));
    assert!(whoami(others).await.is_ok(), "another session was ended");
}

/// The header fields by which browsers indicate that another site's page sent the request.
const ELSEWHERE: [&[(&str, &str)]; 8] = [
    &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
    &[("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "same-site")],
    &[("sec-fetch-site", "same-site"), ("origin", "http://sibling.localhost")],
    &[("sec-fetch-site", "cross-site"), ("origin", "null")],
    &[("origin", "https://evil.example")],
    &[("origin", "null")],
    &[("origin", "http://127.0.0.1:1")],
];

fn from<'a>(mut request: Request<'a>, headers: &[(&str, &str)]) -> Request<'a> {
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request
}

/// A browser's `Accept`, without an indication of the sender.
fn page(request: Request<'_>) -> Request<'_> {
    request.header("accept", "text/html,*/*;q=0.8")
}

#[tokio::test]
async fn s46_only_this_sessions_token_is_taken() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.client();
    let id = sign_up(&mut ada, "ada").await["id"].as_str().unwrap().to_owned();
    let mut telephone = site.session_of(&id).await;
    let bob = site.person("bob").await;
    let own = cookie(&ada, "csrf_access_token");
    let pre_session = open(&mut site.client(), "/login").await.hidden_field("csrf_token").unwrap();
    let short = own[..own.len() - 1].to_owned();
    let wrong = [
        ("another session's", cookie(&telephone, "csrf_access_token")),
        ("another user's", cookie(&bob, "csrf_access_token")),
        ("a pre-session's", pre_session),
        ("cut", short),
        ("longer", format!("{own}A")),
        ("empty", String::new()),
        ("the token itself", cookie(&ada, ACCESS)),
    ];
    for path in CHANGING {
        let response = ada.post(path).accept_html().form(&form(None)).send().await;
        assert_csrf(&response, "csrf_missing", path);
        let response = ada.post(path).accept_json().json(&body()).send().await;
        assert_csrf(&response, "csrf_missing", path);
        let response = ada.post(path).accept_json().multipart(&[("x", "y")]).send().await;
        assert_csrf(&response, "csrf_missing", path);
        for (what, token) in &wrong {
            let what = format!("{path}: {what}");
            let response = ada.post(path).accept_html().form(&form(Some(token))).send().await;
            assert_csrf(&response, "csrf_mismatch", &what);
            let response = ada.post(path).accept_json().header("x-csrf-token", token).json(&body()).send().await;
            assert_csrf(&response, "csrf_mismatch", &what);
        }
        // An attacker who can set cookies, but not read them, chooses the same value for the cookie and the field.
        let mut planted = ada.clone();
        for name in ["csrf_access_token", "csrf_refresh_token", "csrf_pre_session"] {
            plant(&mut planted, name, "chosen");
        }
        let response = planted.post(path).accept_html().form(&form(Some("chosen"))).send().await;
        assert_csrf(&response, "csrf_mismatch", path);
        let response = planted.post(path).accept_json().header("x-csrf-token", "chosen").json(&body()).send().await;
        assert_csrf(&response, "csrf_mismatch", path);
        // The field occurs twice. The sender must not be able to choose which value counts.
        let mut twice = form(Some(&own));
        twice.push(("csrf_token".into(), "chosen".into()));
        let response = ada.post(path).accept_html().form(&twice).send().await;
        assert_csrf(&response, "csrf_mismatch", path);
    }
    assert_untouched(&mut ada, &mut telephone).await;
    let response = ada.post(CHANGING[0]).accept_html().form(&form(Some(&own))).send().await;
    assert_eq!(response.location(), Some("/account?done=settings"), "the right one is not taken: {}", response.text());
}

#[tokio::test]
async fn s46_with_an_expired_token_too() {
    for refresh in [RefreshMode::Transparent, RefreshMode::Redirect] {
        let site = TestSite::start(Options { refresh, ..Options::default() }).await;
        let mut ada = site.person("ada").await;
        let bob = site.person("bob").await;
        site.expire_access();
        for path in CHANGING {
            for token in [None, Some("chosen"), Some(cookie(&bob, "csrf_access_token").as_str())] {
                let response = ada.post(path).accept_html().form(&form(token)).send().await;
                assert_eq!(response.status(), 403, "{refresh:?} {path}: {}", response.text());
                assert!(response.set_cookies().is_empty(), "{refresh:?} {path}: {:?}", response.set_cookies());
            }
        }
        assert_eq!(open(&mut ada, "/service").await.path(), "/service", "{refresh:?}");
    }
}

#[tokio::test]
async fn s47_requests_of_other_sites_are_refused_although_their_token_is_right() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.client();
    let id = sign_up(&mut ada, "ada").await["id"].as_str().unwrap().to_owned();
    let mut telephone = site.session_of(&id).await;
    let own = cookie(&ada, "csrf_access_token");
    for headers in ELSEWHERE {
        for path in CHANGING {
            let what = format!("{path} {headers:?}");
            let response = from(page(ada.post(path)), headers).form(&form(Some(&own))).send().await;
            assert_csrf(&response, "csrf_cross_site", &what);
            let response = from(ada.post(path).accept_json(), headers).csrf().json(&body()).send().await;
            assert_csrf(&response, "csrf_cross_site", &what);
        }
    }
    let response = page(ada.post("/logout"))
        .header("origin", site.url())
        .add_header("origin", "https://evil.example")
        .form(&form(Some(&own)))
        .send()
        .await;
    assert_csrf(&response, "csrf_cross_site", "two origins");
    assert_untouched(&mut ada, &mut telephone).await;
    // Requests of the site's own pages are accepted.
    for headers in [&[("origin", site.url().as_str())][..], &[("sec-fetch-site", "same-origin"), ("origin", "null")]] {
        let response = from(page(ada.post(CHANGING[0])), headers).form(&form(Some(&own))).send().await;
        assert_eq!(response.location(), Some("/account?done=settings"), "{headers:?}: {}", response.text());
    }
}

#[tokio::test]
async fn s48_other_sites_log_nobody_in_or_out_and_sign_nobody_up() {
    let site = TestSite::start(Options { refresh: RefreshMode::Redirect, ..Options::default() }).await;
    let mut ada = site.person("ada").await;
    let mut visitor = site.client();
    let log_in_page = open(&mut visitor, "/login").await;
    let sign_up_page = open(&mut visitor, "/signup").await;
    let out_page = open(&mut ada, "/service").await;
    let refresh_csrf = cookie(&ada, "csrf_refresh_token");

    for headers in ELSEWHERE {
        // The attacker tries to log the victim in to the attacker's account, or to a new one, with a valid hidden
        // field.
        let credentials = [("username", "ada"), ("password", PASSWORD)];
        let fields = filled(&log_in_page, "/login", &credentials);
        let response = from(page(visitor.post("/login")), headers).form(&fields).send().await;
        assert_csrf(&response, "csrf_cross_site", &format!("log-in {headers:?}"));
        let fields = filled(&sign_up_page, "/signup", &[("username", "mallory"), ("password", PASSWORD)]);
        let response = from(page(visitor.post("/signup")), headers).form(&fields).send().await;
        assert_csrf(&response, "csrf_cross_site", &format!("sign-up {headers:?}"));
        for (path, username) in [("/login", "ada"), ("/signup", "mallory")] {
            let body = json!({ "username": username, "password": PASSWORD });
            let response = from(visitor.post(path).accept_json(), headers).json(&body).send().await;
            assert_csrf(&response, "csrf_cross_site", &format!("{path} by JSON {headers:?}"));
        }

        let response = from(page(ada.post("/logout")), headers).form(&filled(&out_page, "/logout", &[])).send().await;
        assert_csrf(&response, "csrf_cross_site", &format!("log-out {headers:?}"));
        let response = from(ada.post("/logout").accept_json(), headers).csrf().send().await;
        assert_csrf(&response, "csrf_cross_site", &format!("log-out by JSON {headers:?}"));
        let fields = [("csrf_token", refresh_csrf.as_str())];
        for path in ["/token/refresh", "/token/refresh?next=/service"] {
            let response = from(page(ada.post(path)), headers).form(&fields).send().await;
            assert_csrf(&response, "csrf_cross_site", &format!("refresh {headers:?}"));
            let response = from(ada.post(path).accept_json(), headers).csrf().send().await;
            assert_csrf(&response, "csrf_cross_site", &format!("refresh by JSON {headers:?}"));
            let response = from(ada.get(path).accept_json(), headers).send().await;
            assert_csrf(&response, "csrf_cross_site", &format!("refresh by GET {headers:?}"));
        }
        // A link on another site does not refresh; it leads to a page of this site that does.
        let response = from(page(ada.get("/token/refresh?next=/service")), headers).send().await;
        assert_eq!(response.status(), 403, "{headers:?}");
        assert!(response.set_cookies().is_empty(), "{headers:?}: {:?}", response.set_cookies());
        assert_eq!(field(&response, "/token/refresh", "next"), "/service");
    }
    assert_eq!(whoami(&mut visitor).await, Err(401));
    assert_eq!(whoami(&mut ada).await.as_deref(), Ok("ada"));
    assert_eq!(
        log_in(&mut site.client(), "mallory", PASSWORD).await.status(),
        401,
        "the attacker's account was created"
    );
}

#[tokio::test]
async fn s48_a_log_in_or_sign_up_form_needs_the_token_of_its_own_browser() {
    let site = TestSite::start(Options::default()).await;
    site.person("ada").await;
    let mut attacker = site.client();
    let foreign = open(&mut attacker, "/login").await.hidden_field("csrf_token").unwrap();
    for path in ["/login", "/signup"] {
        let with = |token: Option<&str>| {
            let mut fields = vec![("username", "ada"), ("password", PASSWORD)];
            fields.extend(token.map(|token| ("csrf_token", token)));
            fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
        };
        // First without the form's cookie, then with it.
        let response = site.client().post(path).accept_html().form(&with(Some(&foreign))).send().await;
        assert_csrf(&response, "csrf_missing", path);
        let mut victim = site.client();
        open(&mut victim, path).await;
        for token in [None, Some(foreign.as_str()), Some("chosen"), Some("")] {
            let response = victim.post(path).accept_html().form(&with(token)).send().await;
            assert_csrf(&response, "csrf_mismatch", path);
        }
        for chosen in ["chosen", "AAAAAAAAAAAAAAAAAAAAAA", "00000000000000000000000000000000"] {
            let mut planted = site.client();
            plant(&mut planted, "csrf_pre_session", chosen);
            let response = planted.post(path).accept_html().form(&with(Some(chosen))).send().await;
            assert_csrf(&response, "csrf_mismatch", path);
        }
        // A form cannot be sent as JSON, and is not accepted as JSON.
        let response = victim.post(path).accept_html().header("content-type", "text/plain").body("{}").send().await;
        assert!([403, 415].contains(&response.status().as_u16()), "{path}: {}", response.status());
    }
    // A log-out and a refresh need a token, too.
    let mut ada = site.device_of("ada").await;
    assert_csrf(&ada.post("/logout").accept_html().form(&[("a", "b")]).send().await, "csrf_missing", "log-out");
    assert_csrf(&ada.post("/token/refresh").accept_html().form(&[("a", "b")]).send().await, "csrf_missing", "refresh");
    assert_eq!(whoami(&mut ada).await.as_deref(), Ok("ada"));
}

#[tokio::test]
async fn s50_what_changes_something_is_sent_by_post_only() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.client();
    let id = sign_up(&mut ada, "ada").await["id"].as_str().unwrap().to_owned();
    let mut telephone = site.session_of(&id).await;
    let csrf = cookie(&ada, "csrf_access_token");
    let before = (cookie(&ada, ACCESS), cookie(&ada, REFRESH));

    let query = format!("csrf_token={csrf}&display_name=Eve&current_password=x&new_password=y");
    for path in &CHANGING[..4] {
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
            for target in [(*path).to_owned(), format!("{path}?{query}")] {
                let request = ada.request(method.clone(), &target).accept_html().header("x-csrf-token", &csrf);
                let response = request.send().await;
                // These URLs belong to forms of the account page. A browser that opens one of them is redirected to
                // that page.
                if method == Method::GET && ["/account/change_settings", "/account/password"].contains(path) {
                    assert_eq!((response.status().as_u16(), response.location()), (303, Some("/account")), "{target}");
                    continue;
                }
                assert_eq!(response.status(), 405, "{method} {target}");
                assert_eq!(response.header("allow"), Some("POST"), "{method} {target}");
            }
        }
        for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
            let request = ada.get(path).accept_json().header("x-csrf-token", &csrf).header(name, "POST");
            assert_eq!(request.send().await.status(), 405, "{name} {path}");
        }
    }
    // GET and HEAD show the page of a form, and change nothing.
    for path in ["/logout", "/login", "/signup", "/reauthenticate"] {
        for target in [path.to_owned(), format!("{path}?_method=POST&{query}&username=ada&password={}", "x")] {
            for method in [Method::GET, Method::HEAD] {
                let request = ada.request(method.clone(), &target).accept_html().header("x-csrf-token", &csrf);
                let response = request.header("x-http-method-override", "POST").send().await;
                // The log-in and sign-up pages redirect users who are logged in.
                let status = if ["/login", "/signup"].contains(&path) { 303 } else { 200 };
                assert_eq!(response.status(), status, "{method} {target}");
            }
        }
        let response = ada.request(Method::DELETE, path).accept_json().csrf().send().await;
        assert_eq!(response.status(), 405, "{path}");
        let allow = response.header("allow").unwrap();
        assert!(allow.contains("GET") && allow.contains("POST"), "{path}: {allow}");
    }
    // GET /token/refresh belongs to the redirect flow.
    for method in [Method::GET, Method::HEAD] {
        let response = ada.request(method.clone(), "/token/refresh?next=/service").accept_html().send().await;
        assert_eq!((response.status().as_u16(), response.header("allow")), (405, Some("POST")), "{method}");
    }
    // A method-override header does not exempt a POST from the check.
    let request = ada.post("/account/change_settings").accept_html().header("x-http-method-override", "GET");
    assert_csrf(&request.form(&form(None)).send().await, "csrf_missing", "an override to GET");

    assert_eq!((cookie(&ada, ACCESS), cookie(&ada, REFRESH)), before);
    assert_untouched(&mut ada, &mut telephone).await;
}

#[tokio::test]
async fn get_refreshes_in_redirect_mode_only() {
    for mode in [RefreshMode::Transparent, RefreshMode::Sliding, RefreshMode::Off, RefreshMode::Redirect] {
        let site = TestSite::start(Options { refresh: mode, ..Options::default() }).await;
        let mut ada = site.person("ada").await;
        let before = cookie(&ada, ACCESS);
        let redirects = mode == RefreshMode::Redirect;
        let allowed = if redirects { "GET, POST" } else { "POST" };
        let head = ada.request(Method::HEAD, "/token/refresh").accept_html().send().await;
        assert_eq!((head.status().as_u16(), head.header("allow")), (405, Some(allowed)), "{mode:?}");
        for accept in ["text/html", "application/json"] {
            let got = ada.get("/token/refresh?next=/service").header("accept", accept).send().await;
            let expected = if redirects { (303, None) } else { (405, Some("POST")) };
            assert_eq!((got.status().as_u16(), got.header("allow")), expected, "{mode:?} {accept}");
        }
        assert_eq!(cookie(&ada, ACCESS) != before, redirects, "{mode:?}");
    }
}

#[tokio::test]
async fn s52_a_token_in_the_query_is_not_accepted() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.client();
    let id = sign_up(&mut ada, "ada").await["id"].as_str().unwrap().to_owned();
    let mut telephone = site.session_of(&id).await;
    let csrf = cookie(&ada, "csrf_access_token");
    for path in CHANGING.into_iter().chain(["/token/refresh"]) {
        for name in ["csrf_token", "X-CSRF-TOKEN", "csrf_access_token"] {
            let target = format!("{path}?{name}={csrf}");
            let response = ada.post(&target).accept_html().form(&form(None)).send().await;
            assert_csrf(&response, "csrf_missing", &target);
            let response = ada.post(&target).accept_json().json(&body()).send().await;
            assert_csrf(&response, "csrf_missing", &target);
        }
    }
    assert_untouched(&mut ada, &mut telephone).await;
    let mut visitor = site.client();
    let token = open(&mut visitor, "/login").await.hidden_field("csrf_token").unwrap();
    let fields = [("username", "ada"), ("password", PASSWORD)];
    let response = visitor.post(&format!("/login?csrf_token={token}")).accept_html().form(&fields).send().await;
    assert_csrf(&response, "csrf_missing", "log-in");
}

#[tokio::test]
async fn s53_no_other_origin_may_read_anything() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    for origin in ["https://evil.example", "null", "http://localhost:3000", &site.url()] {
        for path in
            ["/", "/service", "/account", "/account/sessions", "/login", "/healthz", "/openapi.json", "/nowhere"]
        {
            let preflight = ada
                .request(Method::OPTIONS, path)
                .header("origin", origin)
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "x-csrf-token, content-type");
            let preflight = preflight.send().await;
            let simple = ada.get(path).accept_json().header("origin", origin).send().await;
            for response in [preflight, simple] {
                let cors: Vec<_> =
                    response.headers().keys().filter(|name| name.as_str().starts_with("access-control-")).collect();
                assert!(cors.is_empty(), "{origin} {path}: {cors:?}");
            }
        }
    }
}

#[tokio::test]
async fn s54_a_websocket_of_another_origin_is_refused() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    async fn handshake(client: &mut Client, path: &str, origin: &str) -> u16 {
        let request = client
            .get(path)
            .accept_json()
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("origin", origin);
        request.send().await.status().as_u16()
    }
    for path in ["/service", "/account", "/account/sessions", "/"] {
        for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
            assert_eq!(handshake(&mut ada, path, origin).await, 403, "{path} {origin}");
        }
        // The site has no WebSocket route, so a handshake from its own page is handled like any GET.
        assert_eq!(handshake(&mut ada, path, &site.url()).await, 200, "{path}");
    }
    site.expire_access();
    assert_eq!(handshake(&mut ada, "/service", "https://evil.example").await, 403);
    assert_eq!(whoami(&mut ada).await.as_deref(), Ok("ada"));
}

/// If a compressed page repeats text that an attacker sent, it is shorter when that text matches a part of a secret in
/// the page (BREACH). So no page contains the CSRF value itself, and each page masks it differently.
#[tokio::test]
async fn s87_no_page_contains_the_csrf_value_as_it_is() {
    let site = TestSite::start(Options { refresh: RefreshMode::Redirect, ..Options::default() }).await;
    let mut ada = site.person("ada").await;
    let raw = cookie(&ada, "csrf_access_token");
    let parts: Vec<&str> = (0..raw.len() - 5).map(|at| &raw[at..at + 6]).collect();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..3 {
        for path in ["/", "/service", "/account", "/account/sessions", "/reauthenticate", "/logout", "/nowhere"] {
            let page = ada.get(path).accept_html().send().await;
            for part in &parts {
                assert!(!page.text().contains(part), "{path}: {part}");
            }
            let token = page.hidden_field("csrf_token").unwrap();
            assert!(seen.insert(token.clone()), "{path}: {token}");
        }
    }
    // The site accepts each masked value and the raw value.
    for token in seen.into_iter().take(5).chain([raw]) {
        let form = [("csrf_token", token.as_str()), ("display_name", "Ada"), ("email", "")];
        let saved = ada.post("/account/change_settings").accept_html().form(&form).send().await;
        assert_eq!(saved.location(), Some("/account?done=settings"), "{token}");
    }
    // The page that continues a refresh has the value of the refresh token, and is masked as well.
    let raw = cookie(&ada, "csrf_refresh_token");
    let page =
        ada.get("/token/refresh?next=/service").accept_html().header("sec-fetch-site", "cross-site").send().await;
    assert_eq!(page.status(), 403);
    assert!(!page.text().contains(&raw));
    let continued = submit(&mut ada, &page, "/token/refresh", &[]).await;
    assert_eq!(continued.location(), Some("/service"));
}

#[tokio::test]
async fn s75_a_log_out_with_doubled_cookies_ends_what_they_name() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    let mut bob = site.person("bob").await;
    let second = format!("{ACCESS}={}", cookie(&bob, ACCESS));
    let csrf = cookie(&ada, "csrf_access_token");
    let bare = ada.clone().post("/logout").accept_json().raw_cookie_header(&second).send().await;
    assert_eq!((bare.status().as_u16(), bare.json()["code"].as_str()), (403, Some("csrf_missing")));
    assert_eq!((whoami(&mut ada).await.as_deref(), whoami(&mut bob).await.as_deref()), (Ok("ada"), Ok("bob")));
    let copy = ada.clone();
    let request = ada.post("/logout").accept_json().raw_cookie_header(&second).header("x-csrf-token", csrf);
    let response = request.send().await;
    assert_eq!((response.status().as_u16(), &response.json()["logged_out"]), (200, &json!(true)));
    for mut browser in [copy, bob] {
        assert_eq!(whoami(&mut browser).await, Err(401));
    }
}

/// The clock of the server that issued the token is ahead. The token opens no page, but the user can log out with it.
#[tokio::test]
async fn a_token_that_is_not_valid_yet_can_be_logged_out() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    let other = site.device_of("ada").await;
    site.clock.set_back(minutes(1));
    assert_eq!(whoami(&mut ada).await, Err(401));
    let page = open(&mut ada, "/logout").await;
    assert_eq!((page.status().as_u16(), page.path()), (200, "/logout"));
    assert!(page.set_cookies().is_empty(), "{:?}", page.set_cookies());
    let copy = ada.clone();
    let done = submit(&mut ada, &page, "/logout", &[]).await;
    assert_eq!((done.status().as_u16(), done.location()), (303, Some("/")));
    site.clock.set_forward(minutes(1));
    assert_eq!(whoami(&mut copy.clone()).await, Err(401), "the session has ended");
    assert_eq!(whoami(&mut other.clone()).await.as_deref(), Ok("ada"));
}

#[tokio::test]
async fn e13_what_ends_a_session_clears_the_cache() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    let cleared = |response: &Response| response.header("clear-site-data").map(str::to_owned);
    let expected = Some("\"cache\"".to_owned());
    assert_eq!(cleared(&open(&mut ada, "/account").await), None);
    let others = ada.post("/account/sessions/revoke-others").accept_json().csrf().send().await;
    assert_eq!(cleared(&others), expected);
    let passwords = json!({ "current_password": PASSWORD, "new_password": "a walrus in the pantry" });
    let changed = ada.post("/account/password").accept_json().csrf().json(&passwords).send().await;
    assert_eq!((changed.status().as_u16(), cleared(&changed)), (200, expected.clone()));
    let mut copy = ada.clone();
    let page = open(&mut ada, "/service").await;
    let out = submit(&mut ada, &page, "/logout", &[]).await;
    assert_eq!((out.status().as_u16(), cleared(&out)), (303, expected.clone()));
    assert_eq!(cleared(&copy.get("/service").accept_html().send().await), expected);
    assert_eq!(cleared(&open(&mut ada, "/login").await), None);
}
