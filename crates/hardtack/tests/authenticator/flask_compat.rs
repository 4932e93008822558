//! The Flask preset: the statuses, messages, cookies and order of checks of Flask-JWT-Extended.

use hardtack::AuthenticatorBuilder;
use hardtack::TokenLocation::{Cookies, Headers, Json, QueryString};
use hardtack::{KeySet, Need};

use crate::support::{Browser, Request, Response, Site, key, page, seconds};

fn site(set: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder) -> Site {
    Site::stateless(|builder| set(builder.flask_compatible()))
}

fn access(site: &Site) -> String {
    site.auth.access_token("alice").issue().unwrap().as_str().to_owned()
}

fn send(site: &Site, request: Request, need: Need) -> Response {
    site.respond(&Browser::default(), request, page(need))
}

/// Checks a reply with a Flask message.
fn assert_message(response: &Response, status: u16, text: &str) {
    let body = format!("{{\"msg\":{}}}\n", serde_json::Value::from(text));
    assert_eq!((response.status, response.body.as_str()), (status, body.as_str()));
    assert!(response.cookies.is_empty() && response.location.is_none() && response.challenge.is_none());
    assert!(response.no_store);
}

#[test]
fn every_refusal_has_the_status_and_message_of_flask() {
    let site = site(|builder| builder.verify_claims(|token| token.subject() != "mallory"));
    let get = |token: &str, need| send(&site, Request::get("/").person().bearer(token), need);
    let made = |subject: &str| site.auth.access_token(subject).issue().unwrap().as_str().to_owned();
    assert_message(&send(&site, Request::get("/").person(), Need::access()), 401, "Missing Authorization Header");
    let basic = Request::get("/").field("authorization", "Basic x");
    let text = "Missing 'Bearer' type in 'Authorization' header. Expected 'Authorization: Bearer <JWT>'";
    assert_message(&send(&site, basic, Need::access()), 401, text);
    assert_message(
        &get("a b", Need::access()),
        422,
        "Bad Authorization header. Expected 'Authorization: Bearer <JWT>'",
    );
    assert_message(&get("a.b", Need::access()), 422, "Not enough segments");
    assert_message(
        &get(&access(&Site::stateless(AuthenticatorBuilder::flask_compatible)), Need::access()),
        422,
        "Signature verification failed",
    );
    assert_message(&get(&made("alice"), Need::access().fresh()), 401, "Fresh token required");
    assert_message(&get(&made("alice"), Need::refresh()), 422, "Only refresh tokens are allowed");
    assert_message(&get(&made("mallory"), Need::access()), 400, "User claims verification failed");
    let refresh = site.auth.refresh_token("alice").issue().unwrap();
    assert_message(&get(refresh.as_str(), Need::access()), 422, "Only non-refresh tokens are allowed");
    let old = made("alice");
    site.advance(16 * 60);
    assert_message(&get(&old, Need::access()), 401, "Token has expired");
    assert_message(&get(&old, Need::access().optional()), 401, "Token has expired");
}

#[test]
fn the_message_names_every_location_if_none_has_a_token() {
    let site = site(|builder| builder.token_sources([Headers, Cookies, QueryString, Json]));
    let text = "Missing JWT in headers, cookies, query_string or json (Missing Authorization Header; Missing cookie \
                \"access_token_cookie\"; Missing 'jwt' query paramater; Invalid content-type. Must be application/json.)";
    assert_message(&send(&site, Request::get("/"), Need::access()), 401, text);
    let text = "Missing \"refresh_token\" key in json data.";
    assert_message(&send(&site, Request::post("/").json().body("{}"), Need::refresh().locations(Json)), 401, text);
    assert_eq!(send(&site, Request::get("/"), Need::access().optional()).status, 200);
    assert_eq!(send(&site, Request::new("OPTIONS", "/"), Need::access()).status, 200);
}

#[test]
fn a_csrf_value_is_required_first_and_compared_last() {
    let site = site(|builder| builder.token_sources([Cookies]));
    let token = site.auth.access_token("alice").lifetime(seconds(60)).issue().unwrap();
    let csrf = token.claims().csrf.clone().unwrap();
    let browser = Browser::default().with("access_token_cookie", token.as_str());
    let post = |request: Request| site.respond(&browser, request, page(Need::access()));
    assert_message(&post(Request::post("/")), 401, "Missing CSRF token");
    assert_message(&post(Request::post("/").csrf("other")), 401, "CSRF double submit tokens do not match");
    // The preset does not check the origin, and does not read a form's field.
    assert_eq!(post(Request::post("/").csrf(&csrf).field("sec-fetch-site", "cross-site")).status, 200);
    assert_message(&post(Request::post("/").form(&csrf)), 401, "Missing CSRF token");
    assert_eq!(post(Request::new("PROPFIND", "/")).status, 200);
    site.advance(61);
    assert_message(&post(Request::post("/")), 401, "Missing CSRF token");
    assert_message(&post(Request::post("/").csrf("other")), 401, "CSRF double submit tokens do not match");
    assert_message(&post(Request::post("/").csrf(&csrf)), 401, "Token has expired");
}

#[test]
fn cookies_are_written_as_werkzeug_writes_them() {
    let site = site(|builder| builder);
    let token = site.auth.access_token("alice").issue().unwrap();
    let cookies: Vec<_> = site.auth.set_access_cookies(&token).unwrap().into_iter().collect();
    let csrf = token.claims().csrf.clone().unwrap();
    let expected = [
        format!("access_token_cookie={}; HttpOnly; Path=/", token.as_str()),
        format!("csrf_access_token={csrf}; Path=/"),
    ];
    assert_eq!(cookies, expected);
    let gone: Vec<_> = site.auth.unset_refresh_cookies().into_iter().collect();
    let expected = [
        "refresh_token_cookie=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Path=/",
        "csrf_refresh_token=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/",
    ];
    assert_eq!(gone, expected);
    let persistent = self::site(|builder| {
        let policy =
            hardtack::CookiePolicy::default().session_cookies(false).prefix(hardtack::cookie::CookiePrefix::None);
        builder.cookies(policy.domain(".site.example"))
    });
    let cookies = persistent.auth.set_access_cookies(&token_of(&persistent)).unwrap();
    // 1 800 000 000 s and 31 540 000 s.
    let expected = "; Domain=site.example; Expires=Sat, 15 Jan 2028 09:06:40 GMT; Max-Age=31540000; Secure; HttpOnly; \
                    Path=/; SameSite=Lax";
    assert!(cookies.iter().next().unwrap().ends_with(expected), "{}", cookies.iter().next().unwrap());
}

fn token_of(site: &Site) -> hardtack::authenticator::IssuedToken {
    site.auth.access_token("alice").issue().unwrap()
}

#[test]
fn tokens_have_the_claims_of_flask() {
    let site = site(|builder| builder);
    let token = site.auth.access_token("alice").claim("sub", "bob").claim("exp", 1_800_000_005).issue().unwrap();
    let decoded = site.auth.decode_any::<hardtack::jwt::NoExtra>(token.as_str()).unwrap();
    assert_eq!((decoded.subject(), decoded.claims().expires_at.unwrap().unix_seconds()), ("bob", 1_800_000_005));
    for id in [decoded.claims().token_id.as_str(), &decoded.csrf_token()] {
        let parts: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{id}");
        assert!(id.as_bytes()[14] == b'4' && b"89ab".contains(&id.as_bytes()[19]), "{id}");
    }
    for name in ["fresh", "iat", "nbf", "type"] {
        assert!(!decoded.claim(name).is_null(), "{name}");
    }
    // Without CSRF protection the token has no CSRF value.
    let plain =
        self::site(|builder: AuthenticatorBuilder| builder.csrf(hardtack::CsrfPolicy::default().insecure_disabled()));
    assert_eq!(token_of(&plain).claims().csrf, None);
    assert_eq!(plain.auth.set_access_cookies(&token_of(&plain)).unwrap().iter().count(), 1);
}

#[test]
fn tokens_of_other_applications_may_lack_optional_claims() {
    let signing = key();
    let site = Site::stateless_with(KeySet::new(signing.clone()), AuthenticatorBuilder::flask_compatible);
    let send = |payload: &str| {
        let token = KeySet::new(signing.clone()).sign(payload.as_bytes()).unwrap();
        send(&site, Request::get("/").bearer(&token), Need::access())
    };
    assert_eq!(send(r#"{"sub":"alice"}"#).token().subject(), "alice");
    assert_eq!(send(r#"{"sub":"alice","aud":"another-service","sid":"theirs"}"#).token().session(), None);
    assert_message(&send(r#"{"sub":5}"#), 422, "Subject must be a string");
    assert_message(&send("{}"), 422, "Missing claim: sub");
    // Ambiguous claims and unknown kinds are refused here too.
    assert_eq!(send(r#"{"sub":"alice","sub":"bob"}"#).code, "duplicate_member");
    assert_eq!(send(r#"{"sub":"alice","type":"password-reset"}"#).code, "wrong_kind");
    assert_eq!(send(r#"{"sub":"alice","exp":1e300}"#).code, "bad_claim");
}

#[test]
fn s10_s12_s18_headers_are_judged_as_ever() {
    let signing = key();
    let site = Site::stateless_with(KeySet::new(signing.clone()), AuthenticatorBuilder::flask_compatible);
    let claims = br#"{"sub":"alice"}"#;
    let good = KeySet::new(signing.clone()).sign(claims).unwrap();
    let (_, rest) = good.split_once('.').unwrap();
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"HS256","crit":["exp"],"exp":1}"#,
        r#"{"alg":"HS256","jwk":{}}"#,
        r#"{"alg":"HS256","kid":"../../etc/passwd"}"#,
        r#"{"alg":"HS256","alg":"HS256"}"#,
    ] {
        let token = format!("{}.{rest}", base64_simd::URL_SAFE_NO_PAD.encode_to_string(header));
        let response = send(&site, Request::get("/").bearer(&token), Need::access());
        assert_eq!(response.status, 422, "{header}");
    }
    // A single key without an id verifies tokens with any key id. Outside the preset, an unknown key id is refused.
    let named = KeySet::new(signing.clone().with_key_id("other")).sign(claims).unwrap();
    assert_eq!(send(&site, Request::get("/").bearer(&named), Need::access()).status, 200);
    let strict = Site::stateless_with(KeySet::new(signing), |builder| builder.token_sources(Headers));
    assert_eq!(send(&strict, Request::get("/").bearer(&named), Need::access()).code, "unknown_key");
    let cookie = format!("access_token_cookie={good}; access_token_cookie={good}");
    let twice = send(&site, Request::get("/").field("cookie", cookie), Need::access().locations(Cookies));
    assert_eq!((twice.status, twice.code), (422, "duplicate_cookie"));
}
