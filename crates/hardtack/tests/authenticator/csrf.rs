//! CSRF: requests that another site may have forged.

use hardtack::CsrfPolicy;
use hardtack::Need;
use hardtack::adapter::{Exchange, Peeked, RequestState};
use hardtack::testing::TestRequest;

use crate::support::{Browser, Handled, HandlerResult, NOW, Request, Site, log_in, page};

#[test]
fn s46_only_the_sessions_own_value_passes() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    let other = site.browser_of("alice");
    let (own, foreign) = (alice.csrf(), other.csrf());
    assert_ne!(own, foreign);
    let post = |request: Request| site.send(&mut alice.clone(), request, page(Need::access())).code;
    for method in ["POST", "PUT", "PATCH", "DELETE", "get", "CONNECT"] {
        assert_eq!(post(Request::new(method, "/page")), "csrf_missing", "{method}");
        assert_eq!(post(Request::new(method, "/page").csrf(&own)), "", "{method}");
    }
    assert_eq!(post(Request::post("/page").csrf(&foreign)), "csrf_mismatch");
    assert_eq!(post(Request::post("/page").form(&own)), "");
    assert_eq!(post(Request::post("/page").form(&foreign)), "csrf_mismatch");
    assert_eq!(post(Request::post("/page").form("")), "csrf_mismatch");
    assert_eq!(post(Request::post("/page").csrf(&foreign).form(&own)), "csrf_mismatch");
    assert_eq!(post(Request::post("/page").csrf(&own).csrf(&own)), "csrf_mismatch");
    let twice = site.send(&mut alice.clone(), Request::post("/page").csrf(&own).csrf(&own), page(Need::access()));
    assert!(twice.body.contains("more than once. Send it once."), "{}", twice.body);
    // An attacker planted a cookie and a field that agree with each other, but not with the token.
    let planted = alice.replacing("csrf_access_token", "chosen").replacing("csrf_refresh_token", "chosen");
    let response = site.send(&mut planted.clone(), Request::post("/page").csrf("chosen"), page(Need::access()));
    assert!(response.is_refused(403, "csrf_mismatch"));
    assert_eq!(response.cookies, [""; 0]);
}

#[test]
fn s47_requests_of_other_sites_are_refused() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://app.site.example"),
        ("origin", "http://site.example"),
        ("origin", "null"),
    ] {
        let request = Request::post("/page").csrf(&alice.csrf()).field(name, value);
        let response = site.send(&mut alice.clone(), request, page(Need::access()));
        assert!(response.is_refused(403, "csrf_cross_site"), "{name}: {value}");
        // Safe methods are allowed: a link on another site may be followed.
        let response = site.send(&mut alice.clone(), Request::get("/page").field(name, value), page(Need::access()));
        assert_eq!(response.status, 200, "{name}: {value}");
    }
}

/// Because of `SameSite`, the browser sends no cookies with a cross-site form. The user may still be logged in, so the
/// refusal must not ask for a log-in.
#[test]
fn s47_another_sites_request_without_cookies_is_told_so() {
    let site = Site::new();
    let foreign = || Request::post("/page").field("sec-fetch-site", "cross-site");
    let needs = [Need::access(), Need::refresh()];
    for need in needs {
        let response = site.send(&mut Browser::default(), foreign(), page(need));
        assert!(response.is_refused(403, "csrf_cross_site"), "{}", response.code);
        assert_eq!(site.send(&mut Browser::default(), Request::post("/page"), page(need)).code, "missing_token");
    }
    assert_eq!(site.send(&mut Browser::default(), foreign(), page(Need::access().optional())).code, "");
}

#[test]
fn s47_a_trusted_origin_is_trusted_and_no_other() {
    let site = Site::with(|builder| builder.csrf(CsrfPolicy::default().trusted_origin("https://app.site.example")));
    let alice = site.browser_of("alice");
    let post = |origin: &str| {
        let request =
            Request::post("/page").csrf(&alice.csrf()).field("origin", origin).field("sec-fetch-site", "same-site");
        site.send(&mut alice.clone(), request, page(Need::access())).status
    };
    assert_eq!(post("https://app.site.example"), 200);
    assert_eq!(post("https://app.site.example:8443"), 403);
    assert_eq!(post("https://xapp.site.example"), 403);
}

#[test]
fn e17_the_pages_of_an_app_can_be_trusted() {
    let origins = ["tauri://localhost", "capacitor://localhost", "chrome-extension://abcdefghijklmnop"];
    let policy = origins.into_iter().fold(CsrfPolicy::default(), CsrfPolicy::trusted_origin);
    let site = Site::with(|builder| builder.csrf(policy));
    let alice = site.browser_of("alice");
    for (origin, status) in
        origins.map(|origin| (origin, 200)).into_iter().chain([("tauri://other", 403), ("tauri://localhost.evil", 403)])
    {
        for more in [&[][..], &[("sec-fetch-site", "cross-site")]] {
            let request = Request::post("/page").csrf(&alice.csrf()).field("origin", origin);
            let request = more.iter().fold(request, |request, (name, value)| request.field(name, *value));
            assert_eq!(site.send(&mut alice.clone(), request, page(Need::access())).status, status, "{origin}");
        }
    }
}

#[test]
fn s81_e14_a_host_that_leads_here_is_not_this_site() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    for fields in [
        &[("host", "evil.example"), ("origin", "https://evil.example")][..],
        &[("host", "evil.example"), ("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
    ] {
        let request = |path| {
            fields
                .iter()
                .fold(Request::post(path).csrf(&alice.csrf()), |request, (name, value)| request.field(name, *value))
        };
        assert!(
            site.send(&mut alice.clone(), request("/page"), page(Need::access())).is_refused(403, "csrf_cross_site")
        );
        let json = request("/login").json();
        assert!(site.send(&mut Browser::default(), json, log_in("mallory")).is_refused(403, "csrf_cross_site"));
    }
    let local = Site::with(|builder| builder.listener("127.0.0.1:8080".parse().unwrap()));
    let mut alice = local.browser_of("alice");
    let request = Request::post("/page").csrf(&alice.csrf()).field("origin", "http://localhost:8080");
    assert_eq!(local.send(&mut alice, request, page(Need::access())).status, 200);
}

#[test]
fn s81_a_request_that_changes_something_names_one_host() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    for hosts in [&["site.example", "site.example"][..], &["site.example", "evil.example"], &["a b/@c"], &[""]] {
        let named = |request: Request| hosts.iter().fold(request, |request, host| request.field("host", *host));
        let post = || named(Request::post("/").csrf(&alice.csrf()).json());
        let handlers: [fn(&Exchange<'_>) -> HandlerResult; 4] = [
            |exchange| page(Need::access())(exchange),
            |exchange| log_in("mallory")(exchange),
            crate::support::log_out,
            crate::support::renew,
        ];
        for handler in handlers {
            let response = site.send(&mut alice.clone(), post(), handler);
            assert!(response.is_refused(400, "bad_host"), "{hosts:?} {}", response.code);
            assert!(response.cookies.is_empty());
        }
        let live = named(Request::get("/live").field("upgrade", "websocket"));
        assert!(site.send(&mut alice.clone(), live, page(Need::access())).is_refused(400, "bad_host"));
    }
    assert_eq!(site.visit(&mut alice.clone()).status, 200);
}

#[test]
fn e18_s87_pages_carry_a_masked_value_and_requests_may_send_either() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    let raw = alice.csrf();
    let shown: Vec<String> = (0..20).map(|_| site.visit(&mut alice).token().csrf_token().to_string()).collect();
    for (at, masked) in shown.iter().enumerate() {
        assert!(!masked.contains(&raw) && !shown[..at].contains(masked), "{masked}");
        for request in [Request::post("/page").csrf(masked), Request::post("/page").form(masked)] {
            assert_eq!(site.send(&mut alice, request, page(Need::access())).status, 200);
        }
        let other = site.browser_of("alice");
        assert!(
            site.send(&mut other.clone(), Request::post("/page").csrf(masked), page(Need::access()))
                .is_refused(403, "csrf_mismatch")
        );
    }
    assert_eq!(site.change(&mut alice).status, 200);
    // A masked value still works after a refresh, and for the refresh itself.
    site.advance(1000);
    let response = site.send(&mut alice, Request::post("/page").form(&shown[0]), page(Need::access()));
    assert_eq!(response.status, 200);
    assert_ne!(response.token().csrf_token().to_string(), raw, "the token of a refresh is masked too");
    let mut value = None;
    site.send(&mut alice, Request::get("/token/refresh"), |exchange| {
        value = exchange.refresh_csrf_token();
        Ok(Handled::default())
    });
    let value = value.unwrap();
    assert_ne!(value.as_str(), raw);
    let refresh = Request::post("/token/refresh").form(&value);
    assert_eq!(site.send(&mut alice, refresh, crate::support::refresh).status, 200);
    // What scripts read, and what the tokens carry, is the value itself.
    assert_eq!((alice.csrf(), site.visit(&mut alice).token().claims().csrf.clone()), (raw.clone(), Some(raw)));
}

#[test]
fn s87_masking_can_be_turned_off_and_is_off_in_the_flask_preset() {
    let plain = Site::with(|builder| builder.csrf(CsrfPolicy::default().mask_csrf(false)));
    let mut alice = plain.browser_of("alice");
    let csrf = alice.csrf();
    assert_eq!(plain.visit(&mut alice).token().csrf_token().as_str(), csrf);
    let flask = Site::with(hardtack::AuthenticatorBuilder::flask_compatible);
    let token = flask.auth.access_token("alice").issue().unwrap();
    let token = flask.auth.decode::<hardtack::jwt::NoExtra>(token.as_str(), hardtack::jwt::TokenKind::Access).unwrap();
    assert_eq!(token.claims().csrf.as_deref(), Some(token.csrf_token().as_str()));
}

#[test]
fn s48_another_site_logs_nobody_in_out_or_on() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    for (name, value) in [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "null")] {
        let post = |path: &str| Request::post(path).csrf(&alice.csrf()).json().field(name, value);
        let handlers: [fn(&Exchange<'_>) -> HandlerResult; 5] = [
            |exchange| log_in("mallory")(exchange),
            crate::support::log_out,
            crate::support::refresh,
            crate::support::renew,
            |exchange| exchange.require_pre_session().map(|()| Handled::default()),
        ];
        for handler in handlers {
            assert!(site.send(&mut alice.clone(), post("/"), handler).is_refused(403, "csrf_cross_site"));
        }
    }
    assert_eq!(site.visit(&mut alice.clone()).token().subject(), "alice");
}

#[test]
fn s50_nothing_changes_by_get() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
        let request = || Request::new(method, "/").csrf(&alice.csrf()).json().field("x-http-method-override", "POST");
        let handlers: [fn(&Exchange<'_>) -> HandlerResult; 4] = [
            |exchange| log_in("alice")(exchange),
            crate::support::log_out,
            crate::support::renew,
            |exchange| crate::support::reauthenticate("alice")(exchange),
        ];
        for handler in handlers {
            assert!(
                site.send(&mut alice.clone(), request(), handler).is_refused(405, "method_not_allowed"),
                "{method}"
            );
        }
    }
    assert_eq!(site.live_sessions("alice").len(), 1);
}

#[test]
fn s52_the_query_string_carries_no_csrf_token() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    let target = format!("/page?csrf_token={0}&x-csrf-token={0}&X-CSRF-TOKEN={0}", alice.csrf());
    let response = site.send(&mut alice.clone(), Request::post(&target), page(Need::access()));
    assert!(response.is_refused(403, "csrf_missing"));
}

#[test]
fn s54_a_web_socket_is_opened_by_this_site_only() {
    web_socket("WebSocket");
}

#[test]
fn e14_a_web_socket_among_other_protocols_is_one() {
    for list in ["websocket, h2c", "h2c,WebSocket/13"] {
        web_socket(list);
    }
}

fn web_socket(upgrade: &'static str) {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    let handshake = |origin: &str| Request::get("/live").field("upgrade", upgrade).field("origin", origin);
    let open = |browser: &mut Browser, origin| site.send(browser, handshake(origin), page(Need::access()));
    assert!(open(&mut alice, "https://evil.example").is_refused(403, "csrf_cross_site"));
    assert_eq!(open(&mut alice, "https://site.example").status, 200);
    site.advance(1000);
    assert!(open(&mut alice, "https://evil.example").is_refused(403, "csrf_cross_site"));
    assert_eq!(site.live_sessions("alice")[0].generation, 1);
    assert_eq!(open(&mut alice, "https://site.example").status, 200);
}

fn pre_session(site: &Site, browser: &mut Browser) -> String {
    let mut token = String::new();
    let response = site.send(browser, Request::get("/login"), |exchange| {
        let form = exchange.pre_session()?;
        let (field, cookies) = form.into_parts();
        token = field;
        Ok(cookies.into())
    });
    assert_eq!(response.no_store, !response.cookies.is_empty());
    token
}

#[test]
fn s48_a_log_in_form_carries_a_token_of_its_own() {
    let site = Site::new();
    let mut alice = Browser::default();
    let post = |browser: &mut Browser, token: &str| {
        site.send(browser, Request::post("/login").form(token), log_in("alice")).code
    };
    assert_eq!(post(&mut alice, "guess"), "csrf_missing");
    let token = pre_session(&site, &mut alice);
    // A form in a second tab has the same token.
    assert_eq!(pre_session(&site, &mut alice), token);
    assert_eq!(post(&mut alice.clone(), "guess"), "csrf_mismatch");
    let nonce = alice.value("csrf_pre_session").unwrap().to_owned();
    assert_eq!(post(&mut alice.clone(), &nonce), "csrf_mismatch");
    let mut other = Browser::default();
    pre_session(&site, &mut other);
    assert_eq!(post(&mut other, &token), "csrf_mismatch");
    let mut planted = Browser::default().with("__Host-Http-csrf_pre_session", "short");
    assert_eq!(post(&mut planted, "short"), "csrf_missing");
    assert_eq!(post(&mut alice, &token), "");
    assert_eq!(site.visit(&mut alice).token().subject(), "alice");
}

/// A browser may hold a second cookie of this name, with another path or from another application on the host.
#[test]
fn s48_a_log_in_form_works_beside_another_cookie_of_the_same_name() {
    let site = Site::new();
    for other in ["AAAAAAAAAAAAAAAAAAAAAA", "garbage"] {
        let mut alice = site.browser_of("alice").with("__Host-Http-csrf_pre_session", other);
        let token = pre_session(&site, &mut alice);
        // `with` adds a second cookie; the page's own one may come first or last.
        let mut doubled = alice.clone().with("__Host-Http-csrf_pre_session", other);
        let before = doubled.access().to_owned();
        let refused = site.send(&mut doubled, Request::post("/login").form("guess"), log_in("bob"));
        assert!(refused.is_refused(403, "csrf_mismatch"), "{}", refused.code);
        assert_eq!(doubled.access(), before, "the cookies of the session were deleted");
        let response = site.send(&mut doubled, Request::post("/login").form(&token), log_in("bob"));
        assert_eq!((response.status, response.code), (200, ""), "{other}");
    }
}

#[test]
fn a_json_log_in_needs_no_csrf_token() {
    let site = Site::new();
    for (content_type, code) in [
        ("application/json", ""),
        ("Application/JSON; charset=utf-8", ""),
        ("text/plain", "csrf_missing"),
        ("application/jsonp", "csrf_missing"),
        ("text/plain; application/json", "csrf_missing"),
    ] {
        let request = Request::post("/login").field("content-type", content_type);
        assert_eq!(site.send(&mut Browser::default(), request, log_in("alice")).code, code, "{content_type}");
    }
}

#[test]
fn csrf_checks_can_be_turned_off_and_the_origin_is_still_checked() {
    let site = Site::with(|builder| builder.csrf(CsrfPolicy::default().insecure_disabled()));
    let mut alice = site.browser_of("alice");
    assert_eq!(site.send(&mut alice, Request::post("/page"), page(Need::access())).status, 200);
    let foreign = Request::post("/page").field("origin", "https://evil.example");
    assert!(site.send(&mut alice, foreign, page(Need::access())).is_refused(403, "csrf_cross_site"));

    let site = Site::with(|builder| builder.csrf(CsrfPolicy::default().check_forms(false).header("X-Own")));
    let mut alice = site.browser_of("alice");
    let csrf = alice.csrf();
    assert_eq!(site.send(&mut alice, Request::post("/page").form(&csrf), page(Need::access())).code, "csrf_missing");
    let own = Request::post("/page").field("x-own", csrf.as_str());
    assert_eq!(site.send(&mut alice, own, page(Need::access())).status, 200);

    let site = Site::with(|builder| builder.csrf(CsrfPolicy::default().pre_session(false)));
    let request = Request::post("/login").form("none");
    assert_eq!(site.send(&mut Browser::default(), request, log_in("alice")).status, 200);
}

#[test]
fn an_unread_form_and_a_missing_field_are_different_errors() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    let form = |body: &str| Request::post("/page").form_body(body);
    let post = |request: Request| site.send(&mut alice.clone(), request, page(Need::access())).code;
    assert_eq!(post(form("csrf_token=x").unread()), "csrf_unread");
    assert_eq!(post(form("a=b")), "csrf_missing");
    assert_eq!(post(form(&"x".repeat(70_000))), "csrf_beyond_peek");
    assert_eq!(post(form("csrf_token=a&csrf_token=b")), "csrf_mismatch");
}

#[test]
fn debug_output_contains_no_token_and_no_csrf_value() {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    let (access, refresh, csrf) = (alice.access().to_owned(), alice.refresh().to_owned(), alice.csrf());
    let session = site.live_sessions("alice").remove(0);
    let salt = format!("{:?}", session.salt);
    let bytes = format!("{:?}", csrf.as_bytes());
    let mut seen = vec![format!("{session:?}"), format!("{:?}", site.store), format!("{:?}", site.auth)];
    seen.push(format!("{:?}", site.visit(&mut alice).token()));
    let cookies = alice.cookies_for("/", site.auth.now()).unwrap();
    let form = TestRequest::new("POST", "/page")
        .fields([("cookie", cookies.as_str()), ("content-type", "application/x-www-form-urlencoded")]);
    let state = RequestState::in_layer(site.auth.clone(), Peeked::default()).keeping_body();
    let mut body = Exchange::new(form.head(), &state).body_peek(Need::access()).unwrap().unwrap();
    body.push(format!("csrf_token={csrf}").as_bytes());
    seen.push(format!("{body:?}"));
    let (peeked, _) = body.finish();
    seen.push(format!("{peeked:?}"));
    state.set_body(peeked);
    seen.push(format!("{state:?}"));
    seen.push(format!("{:?}", site.auth.access_token("alice").issue().unwrap()));
    site.advance(1000);
    site.send(&mut alice, Request::get("/page"), |exchange| {
        let token = page(Need::access())(exchange)?.token.unwrap();
        seen.push(format!("{token:?}"));
        let form = exchange.pre_session()?;
        let text = format!("{form:?}");
        assert!(!text.contains(form.token()));
        let failure = exchange.refuse(hardtack::refusal::Reason::Revoked);
        seen.push(format!("{failure:?} {failure} {:?}", failure.reply()));
        let cookies = crate::support::block_on(site.auth.log_in("alice")).unwrap();
        let text = format!("{cookies:?}");
        assert!(cookies.iter().all(|cookie| !text.contains(cookie.split(['=', ';']).nth(1).unwrap())));
        Ok(Handled::default())
    });
    assert_ne!(alice.access(), access);
    for text in seen {
        for secret in [&access, &refresh, &csrf, &salt, &bytes[1..bytes.len() - 1].to_owned()] {
            assert!(!text.contains(secret.as_str()), "{text}");
        }
    }
    assert_eq!(site.auth.now(), NOW + crate::support::seconds(1000));
}
