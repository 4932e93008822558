//! Cookies that the authenticator sets, and those that it accepts.

use hardtack::cookie::CookiePrefix;
use hardtack::session::SessionPolicy;
use hardtack::{Authenticator, CookiePolicy, KeySet, Need, RefreshMode};

use crate::support::{Browser, NOW, Request, Site, block_on, key, log_in, refresh, seconds};

fn names(cookies: &[String]) -> Vec<&str> {
    cookies.iter().map(|text| text.split('=').next().unwrap()).collect()
}

#[test]
fn s01_s02_over_https_every_cookie_is_guarded() {
    let site = Site::new();
    let response = site.send(&mut Browser::default(), Request::post("/login").json(), log_in("alice"));
    assert_eq!(
        names(&response.cookies),
        [
            "__Host-access_token_cookie",
            "__Host-csrf_access_token",
            "__Host-Http-refresh_token_cookie",
            "__Host-csrf_refresh_token"
        ]
    );
    for cookie in &response.cookies {
        assert!(cookie.contains("; Secure;") && cookie.contains("; Path=/;") && cookie.ends_with("; SameSite=Lax"));
        assert!(!cookie.contains("Domain"));
        assert_eq!(cookie.contains("; HttpOnly"), !cookie.contains("csrf"), "{cookie}");
    }
}

#[test]
fn s91_a_cookie_that_only_the_server_uses_is_read_under_the_strongest_name_only() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    for weaker in ["__Host-refresh_token_cookie", "__Secure-refresh_token_cookie", "refresh_token_cookie"] {
        let planted = Browser::default().with(weaker, alice.refresh());
        let response = site.send(&mut planted.clone(), Request::get("/page"), crate::support::page(Need::access()));
        assert!(response.is_refused(401, "missing_token"), "{weaker} {}", response.code);
        // It does not disturb the real one either.
        let mut beside = alice.clone().with(weaker, "planted");
        assert_eq!(site.refresh(&mut beside).status, 200, "{weaker}");
    }
    // The same for the pre-session cookie: an attacker plants a value that belongs to the attacker's own form.
    let (mut mallory, mut token) = (Browser::default(), String::new());
    site.send(&mut mallory, Request::get("/login"), |exchange| {
        let (field, cookies) = exchange.pre_session()?.into_parts();
        token = field;
        Ok(cookies.into())
    });
    let nonce = mallory.value("csrf_pre_session").unwrap();
    let post = |name| {
        let mut victim = Browser::default().with(name, nonce);
        site.send(&mut victim, Request::post("/login").form(&token), log_in("mallory")).code
    };
    for weaker in ["__Host-csrf_pre_session", "__Secure-csrf_pre_session", "csrf_pre_session"] {
        assert_eq!(post(weaker), "csrf_missing", "{weaker}");
    }
    assert_eq!(post("__Host-Http-csrf_pre_session"), "", "control");
    let names = |policy: CookiePolicy| {
        let site = Site::with(|builder| builder.cookies(policy));
        let response = site.send(&mut Browser::default(), Request::post("/login").json(), log_in("alice"));
        names(&response.cookies).into_iter().find(|name| name.ends_with("refresh_token_cookie")).unwrap().to_owned()
    };
    // A domain or a path allows a weaker prefix only; a prefix that is asked for is used.
    let policy = CookiePolicy::default;
    assert_eq!(names(policy().refresh_paths(["/token"])), "__Secure-refresh_token_cookie");
    assert_eq!(names(policy().prefix(CookiePrefix::Host)), "__Host-refresh_token_cookie");
    assert_eq!(names(policy().prefix(CookiePrefix::Secure)), "__Secure-refresh_token_cookie");
}

#[test]
fn over_plain_http_on_loopback_names_have_no_prefix() {
    let auth = Authenticator::builder(KeySet::new(key())).base_url("http://127.0.0.1:8080").build().unwrap();
    for cookies in [block_on(auth.log_in("alice")).unwrap(), auth.unset_jwt_cookies()] {
        for cookie in cookies.iter() {
            assert!(!cookie.contains("Secure") && !cookie.starts_with("__"), "{cookie}");
        }
    }
}

#[test]
fn s03_a_token_is_in_set_cookie_only() {
    let site = Site::with(|builder| builder.refresh_mode(RefreshMode::Redirect));
    let mut alice = site.browser_of("alice");
    let secrets = [alice.access().to_owned(), alice.refresh().to_owned()];
    site.advance(1000);
    for request in [Request::get("/page"), Request::get("/page").person(), Request::get("/page").htmx()] {
        let response = site.send(&mut alice.clone(), request, crate::support::page(hardtack::Need::access()));
        let exposed = [response.location, response.hx_redirect, response.challenge, Some(response.body)];
        assert!(exposed.into_iter().flatten().all(|text| secrets.iter().all(|secret| !text.contains(secret))));
    }
    site.send(&mut alice, Request::get("/token/refresh"), refresh);
}

#[test]
fn s04_a_cookie_too_large_is_an_error() {
    let site = Site::new();
    let token = site.auth.access_token("alice").claim("big", "x".repeat(3000)).issue().unwrap();
    let error = site.auth.set_access_cookies(&token).unwrap_err();
    assert!(error.to_string().contains("browsers drop cookies of more than 4096 bytes"), "{error}");
    // A cookie of exactly the size that browsers keep is allowed.
    let fits = (2000..3000).rev().find_map(|len| {
        let token = site.auth.access_token("alice").claim("big", "x".repeat(len)).issue().unwrap();
        site.auth.set_access_cookies(&token).ok()
    });
    let longest = fits.unwrap().iter().next().unwrap().split(';').next().unwrap().len() - 1;
    assert!((4090..=4096).contains(&longest), "{longest}");
}

#[test]
fn s05_disguised_names_are_not_ours() {
    let site = Site::new();
    let token = site.browser_of("alice").access().to_owned();
    for name in [
        "%5F%5FHost-access_token_cookie",
        "\u{2003}__Host-access_token_cookie",
        "__host-access_token_cookie",
        "access_token_cookie",
    ] {
        let mut browser = Browser::default().with(name, &token);
        assert!(site.visit(&mut browser).is_refused(401, "missing_token"), "{name}");
    }
}

#[test]
fn s06_an_authentication_cookie_twice_is_refused() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    let mallory = site.browser_of("mallory");
    for name in ["access_token_cookie", "refresh_token_cookie"] {
        for value in [alice.value(name).unwrap(), mallory.value(name).unwrap()] {
            let twice = alice.doubling(name, value);
            let response = match name {
                "access_token_cookie" => site.visit(&mut twice.clone()),
                _ => site.refresh(&mut twice.clone()),
            };
            assert!(response.is_refused(401, "duplicate_cookie"), "{name}");
            assert!(response.deletes(name));
        }
    }
    // The cookies are split over two fields, as HTTP/2 allows.
    let request = Request::get("/page").field("cookie", format!("__Host-access_token_cookie={}", mallory.access()));
    let response = site.send(&mut alice.clone(), request, crate::support::page(hardtack::Need::access()));
    assert!(response.is_refused(401, "duplicate_cookie"));
}

#[test]
fn s07_junk_neighbours_do_not_matter() {
    let site = Site::new();
    let alice = site.browser_of("alice");
    let junk = Request::get("/page").field("cookie", b"\xff\xfe=\x80; ;;=; a; \"=\xc3".to_vec());
    let response = site.send(&mut alice.clone(), junk, crate::support::page(hardtack::Need::access()));
    assert_eq!(response.token().subject(), "alice");
}

#[test]
fn a_cookie_with_an_empty_value_counts_as_absent() {
    let site = Site::new();
    let mut kept = site.browser_of("alice").replacing("access_token_cookie", "").replacing("refresh_token_cookie", "");
    assert!(site.visit(&mut kept).is_refused(401, "missing_token"));
}

#[test]
fn s08_a_log_out_deletes_what_was_set() {
    let site = Site::with(|builder| {
        let policy = CookiePolicy::default().access_paths(["/page", "/logout", "/services"]).domain("site.example");
        builder.cookies(policy)
    });
    let mut alice = site.browser_of("alice");
    assert_eq!(site.visit(&mut alice).status, 200);
    let response = site.log_out(&mut alice);
    assert!(
        response
            .cookies
            .iter()
            .all(|cookie| cookie.contains("; Max-Age=0;") && cookie.contains("; Domain=site.example;"))
    );
    assert_eq!(names(&response.cookies).iter().filter(|name| **name == "__Secure-access_token_cookie").count(), 3);
    assert!(alice.is_empty());
}

#[test]
fn persistent_cookies_last_as_long_as_their_session() {
    let site = Site::with(|builder| {
        builder
            .cookies(CookiePolicy::default().session_cookies(false))
            .session_policy(SessionPolicy::default().absolute_lifetime(seconds(100_000)))
    });
    let age = |text: &str| {
        let age = text.split("; ").find_map(|part| part.strip_prefix("Max-Age=")).unwrap();
        age.parse::<u64>().unwrap()
    };
    let mut alice = Browser::default();
    let response = site.send(&mut alice, Request::post("/login").json(), log_in("alice"));
    assert!(response.cookies.iter().all(|cookie| age(cookie) == 86_400));
    // The cookie outlives the access token, which is refreshed.
    site.advance(50_000);
    let response = site.visit(&mut alice);
    assert_eq!(response.added.len(), 4);
    // The cookies end with the session, before the refresh lifetime.
    assert!(response.added.iter().all(|cookie| age(cookie) == 50_000));
    let plain = Site::new();
    let response = plain.send(&mut Browser::default(), Request::post("/login").json(), log_in("alice"));
    assert!(response.cookies.iter().all(|cookie| !cookie.contains("Max-Age") && !cookie.contains("Expires")));
}

#[test]
fn the_cookie_of_a_token_that_never_expires_lasts_400_days() {
    let site = Site::stateless(|builder| {
        builder
            .refresh_lifetime(hardtack::config::Lifetime::InsecureForever)
            .cookies(CookiePolicy::default().session_cookies(false))
    });
    let token = site.auth.access_token("alice").issue().unwrap();
    let cookies = site.auth.set_access_cookies(&token).unwrap();
    assert!(cookies.iter().all(|cookie| cookie.contains("; Max-Age=34560000;")), "{:?}", cookies.iter().next());
    let mut browser = Browser::default();
    cookies.iter().for_each(|cookie| browser.set(cookie, NOW));
    assert_eq!(site.visit(&mut browser).status, 200);
}
