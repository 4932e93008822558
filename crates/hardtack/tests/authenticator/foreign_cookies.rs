//! Cookies of another application on the same host, whose tokens have a `kid` that no key of this one has.

use hardtack::{KeySet, Need, RefreshMode};

use crate::support::{Browser, Request, Site, block_on, key, log_in, log_out, page};

fn site_with_key(id: &str) -> Site {
    Site::with_keys(KeySet::new(key().with_key_id(id)), |builder| builder)
}

#[test]
fn e16_the_cookies_of_another_application_are_left_alone() {
    let theirs = site_with_key("theirs");
    let browser = theirs.browser_of("alice");
    for ours in [site_with_key("ours"), Site::new()] {
        let send = |request: Request, need| ours.respond(&browser, request, page(need));
        for request in [Request::get("/"), Request::get("/").htmx(), Request::post("/")] {
            let refused = send(request, Need::access());
            assert!(refused.is_refused(401, "missing_token") && refused.cookies.is_empty());
        }
        let refused = send(Request::get("/").person(), Need::access());
        assert_eq!(refused.location.as_deref(), Some("/login?next=%2F"));
        let shown = send(Request::get("/"), Need::access().optional());
        assert_eq!((shown.status, shown.token.is_none(), shown.cookies.len()), (200, true, 0));
        assert!(send(Request::get("/"), Need::refresh()).is_refused(401, "missing_token"));
        let out = ours.respond(&browser, Request::post("/logout"), log_out);
        assert_eq!((out.status, out.cookies.len()), (200, 0));
        let mut moved = browser.clone();
        assert_eq!(ours.send(&mut moved, Request::post("/login").json(), log_in("bob")).status, 200);
        assert_eq!(ours.visit(&mut moved).token().subject(), "bob");
        assert_eq!(theirs.visit(&mut browser.clone()).status, 200);
    }
}

#[test]
fn e16_only_our_own_dead_cookies_are_deleted() {
    let (ours, theirs) = (site_with_key("ours"), site_with_key("theirs"));
    let (alice, stranger) = (ours.browser_of("alice"), theirs.browser_of("alice"));
    block_on(ours.auth.revoke_all_sessions("alice")).unwrap();
    let mixed = alice.replacing("refresh_token_cookie", stranger.refresh());
    let refused = ours.respond(&mixed, Request::get("/"), page(Need::access()));
    assert!(refused.is_refused(401, "revoked") && refused.deletes("access_token_cookie"));
    assert!(refused.set_cookie("refresh_token_cookie").is_none());
    let mixed = alice.replacing("access_token_cookie", stranger.access());
    let refused = ours.respond(&mixed, Request::get("/"), page(Need::access()));
    assert!(refused.is_refused(401, "revoked") && refused.deletes("refresh_token_cookie"));
    assert!(refused.set_cookie("access_token_cookie").is_none());
    let shown = ours.respond(&mixed, Request::get("/"), page(Need::access().optional()));
    assert!(shown.status == 200 && shown.deletes("refresh_token_cookie"));
    assert!(shown.set_cookie("access_token_cookie").is_none());
}

#[test]
fn e16_a_redirecting_refresh_leaves_them_alone_too() {
    let theirs = site_with_key("theirs");
    let ours = Site::with(|builder| builder.refresh_mode(RefreshMode::Redirect));
    let browser = theirs.browser_of("alice");
    // Their CSRF cookie has the same name, so the browser is redirected to the refresh URL, once.
    let refused = ours.respond(&browser, Request::get("/").person(), page(Need::access()));
    assert_eq!(refused.location.as_deref(), Some("/token/refresh?next=%2F"));
    assert!(refused.cookies.is_empty());
    let refused = ours.respond(&browser, Request::get("/token/refresh?next=%2F").person(), crate::support::refresh);
    assert_eq!(refused.location.as_deref(), Some("/login?next=%2F"));
    assert!(refused.cookies.is_empty());
}

#[test]
fn e16_everything_else_that_fails_is_deleted() {
    let (ours, theirs) = (site_with_key("ours"), site_with_key("theirs"));
    let token = theirs.browser_of("alice").access().to_owned();
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("{token}") };
    let encode = |text: &str| base64_url(text.as_bytes());
    let other = |header: &str| format!("{}.{payload}.{signature}", encode(header));
    let foreign = [
        token.clone(),
        other(r#"{"alg":"ES256K","kid":"theirs"}"#),
        other(r#"{"alg":"HS256","kid":"theirs","x5c":["a"],"typ":"at+jwt"}"#),
    ];
    let long = format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "k".repeat(300));
    let dead = [
        format!("{header}.{payload}."),
        format!("{header}.{payload}"),
        format!("{header}.{payload}.{signature}="),
        format!("{header}.{payload}!.{signature}"),
        other(r#"{"kid":"theirs"}"#),
        other(r#"{"alg":"HS256","kid":7}"#),
        other(r#"{"alg":"HS256","kid":"theirs","kid":"theirs"}"#),
        other(r#"{"alg":"HS256","kid":"ours"}"#),
        other(r#"{"alg":"HS256"}"#),
        other(&long),
        "garbage".to_owned(),
    ];
    let visit = |token: &String| {
        let browser = Browser::default().with("__Host-access_token_cookie", token);
        ours.respond(&browser, Request::get("/"), page(Need::access()))
    };
    for token in &foreign {
        let refused = visit(token);
        assert!(refused.is_refused(401, "missing_token") && refused.cookies.is_empty(), "{token}");
    }
    for token in &dead {
        let refused = visit(token);
        assert!(refused.status == 401 && refused.deletes("access_token_cookie"), "{token} {}", refused.code);
    }
}

fn base64_url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |bits: u32| char::from(ALPHABET[(bits & 63) as usize]);
    bytes
        .chunks(3)
        .flat_map(|chunk| {
            let bits = chunk.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
            (0..=chunk.len()).map(move |at| digit(bits >> (18 - 6 * at)))
        })
        .collect()
}
