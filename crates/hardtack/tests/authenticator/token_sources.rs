//! Tokens in header fields, query strings and JSON bodies, and how they differ from cookies.

use hardtack::AuthenticatorBuilder;
use hardtack::CsrfPolicy;
use hardtack::TokenLocation::{self, Cookies, Headers, Json, QueryString};
use hardtack::clock::Timestamp;
use hardtack::config::ClaimsPolicy;
use hardtack::token_source::Locations;
use hardtack::token_source::TokenSources;
use hardtack::{Authenticator, Need};

use crate::support::{Browser, Request, Response, Site, log_in, log_out, page, renew, seconds};

fn site(locations: impl Into<Locations>) -> Site {
    Site::with(|builder| builder.token_sources(locations))
}

fn token(auth: &Authenticator) -> String {
    auth.access_token("alice").issue().unwrap().as_str().to_owned()
}

fn send(site: &Site, request: Request, need: Need) -> Response {
    site.respond(&Browser::default(), request, page(need))
}

fn found(response: &Response) -> Option<TokenLocation> {
    response.token().location()
}

#[test]
fn a_token_is_found_in_each_location() {
    let site = site([Headers, Cookies, QueryString, Json]);
    let token = token(&site.auth);
    let body = format!("{{\"access_token\": \"{token}\"}}");
    for (request, location) in [
        (Request::get("/").bearer(&token), Headers),
        (Request::get("/").field("authorization", format!("Basic eHk6eg==, Bearer {token}")), Headers),
        (Request::get(&format!("/?jwt={token}")), QueryString),
        (Request::post("/").json().body(body), Json),
        (Request::get("/").field("cookie", format!("__Host-access_token_cookie={token}")), Cookies),
    ] {
        assert_eq!(found(&send(&site, request, Need::access())), Some(location));
    }
}

#[test]
fn only_cookies_are_read_by_default() {
    let site = Site::new();
    let token = token(&site.auth);
    let body = format!("{{\"access_token\": \"{token}\"}}");
    for request in [
        Request::get("/").bearer(&token),
        Request::get(&format!("/?jwt={token}")),
        Request::post("/").json().body(body),
    ] {
        assert!(send(&site, request, Need::access()).is_refused(401, "missing_token"));
    }
}

#[test]
fn the_names_of_token_sources_can_be_set() {
    let site = Site::with(|builder| {
        builder.token_sources(
            TokenSources::default()
                .locations([Headers, QueryString, Json])
                .header_name("X-Token")
                .header_type("")
                .query_name("t")
                .query_prefix("v1.")
                .json_key("a")
                .refresh_json_key("r"),
        )
    });
    let token = token(&site.auth);
    let refresh = site.auth.refresh_token("alice").issue().unwrap();
    for request in [
        Request::get("/").field("x-token", token.as_str()),
        Request::get(&format!("/?t=v1.{token}")),
        Request::post("/").json().body(format!("{{\"a\": \"{token}\"}}")),
    ] {
        assert_eq!(send(&site, request, Need::access()).token().subject(), "alice");
    }
    let body = format!("{{\"r\": \"{}\"}}", refresh.as_str());
    assert_eq!(send(&site, Request::post("/").json().body(body), Need::refresh()).token().subject(), "alice");
    assert!(
        send(&site, Request::get(&format!("/?t={token}")), Need::access()).is_refused(401, "malformed_credentials")
    );
}

#[test]
fn the_first_location_with_a_token_decides() {
    let site = site([Headers, Cookies]);
    let token = token(&site.auth);
    let browser = site.browser_of("bob");
    let good = site.respond(&browser, Request::get("/").bearer(&token), page(Need::access()));
    assert_eq!(good.token().subject(), "alice");
    let bad = site.respond(&browser, Request::get("/").bearer("a.b.c"), page(Need::access()));
    assert!(bad.is_refused(401, "malformed"), "{}", bad.code);
    let odd = site.respond(&browser, Request::get("/").bearer("a b"), page(Need::access()));
    assert!(odd.is_refused(401, "malformed_credentials"));
    // Credentials of another scheme count as absent.
    let basic = Request::get("/").field("authorization", "Basic eHk6eg==");
    assert_eq!(site.respond(&browser, basic, page(Need::access())).token().subject(), "bob");
}

#[test]
fn a_route_may_have_its_own_locations() {
    let site = Site::new();
    let (token, browser) = (token(&site.auth), site.browser_of("bob"));
    let need = Need::access().locations([Headers]);
    let refused = site.respond(&browser, Request::get("/"), page(need));
    assert!(refused.is_refused(401, "missing_token") && refused.cookies.is_empty());
    let response = site.respond(&browser, Request::get("/").bearer(&token), page(need));
    assert_eq!((response.token().subject(), found(&response)), ("alice", Some(Headers)));
}

#[test]
fn csrf_is_checked_for_cookies_and_not_for_headers() {
    let site = site([Headers, Cookies]);
    let (token, browser) = (token(&site.auth), site.browser_of("bob"));
    let foreign = Request::post("/").field("sec-fetch-site", "cross-site");
    let by_header = site.respond(&Browser::default(), foreign.clone().bearer(&token), page(Need::access()));
    assert_eq!(by_header.token().subject(), "alice");
    assert!(site.respond(&browser, foreign, page(Need::access())).is_refused(403, "csrf_cross_site"));
    assert!(site.respond(&browser, Request::post("/"), page(Need::access())).is_refused(403, "csrf_missing"));
}

#[test]
fn a_refused_header_token_deletes_no_cookies_and_is_not_redirected() {
    let site = site([Headers, Cookies]);
    let browser = site.browser_of("bob");
    let old = site.auth.access_token("alice").lifetime(seconds(10)).issue().unwrap();
    site.advance(20);
    for (request, code) in [
        (Request::get("/").person().bearer(old.as_str()), "expired"),
        (Request::get("/").person().bearer("a.b.c"), "malformed"),
        (Request::get("/").person().bearer("a b"), "malformed_credentials"),
    ] {
        let response = site.respond(&browser, request, page(Need::access()));
        assert!(response.is_refused(401, code), "{}", response.code);
        assert!(response.cookies.is_empty() && response.location.is_none());
    }
    let headers_only = self::site([Headers]);
    let response = send(&headers_only, Request::get("/").person(), Need::access());
    assert!(response.is_refused(401, "missing_token") && response.location.is_none());
}

#[test]
fn a_header_token_acts_for_its_session_and_is_not_refreshed() {
    let site = site([Headers, Cookies]);
    let token = token(&site.auth);
    let mut carol = site.browser_of("carol");
    let copy = carol.access().to_owned();
    // A password change with a header token ends every other session. Another site cannot request it.
    let foreign = Request::post("/").bearer(&copy).field("sec-fetch-site", "cross-site");
    assert!(site.respond(&Browser::default(), foreign, renew).is_refused(403, "csrf_cross_site"));
    let renewed = site.respond(&Browser::default(), Request::post("/").bearer(&copy), renew);
    assert!(renewed.status == 200 && renewed.set_cookie("access_token_cookie").is_some());
    assert_eq!(site.visit(&mut carol).status, 401);
    // A log-out with a header token ends its session.
    let mut dave = site.browser_of("dave");
    let copy = dave.access().to_owned();
    assert_eq!(site.respond(&Browser::default(), Request::post("/logout").bearer(&copy), log_out).status, 200);
    assert_eq!(site.visit(&mut dave).status, 401);
    // The refresh cookie is used only for requests without a header token.
    let browser = site.browser_of("bob");
    site.advance(16 * 60);
    let expired = site.respond(&browser, Request::get("/").bearer(&token), page(Need::access()));
    assert!(expired.is_refused(401, "expired") && expired.cookies.is_empty());
    assert_eq!(site.respond(&browser, Request::get("/"), page(Need::access())).token().subject(), "bob");
}

#[test]
fn a_header_token_of_an_ended_session_is_refused() {
    let site = site([Headers, Cookies]);
    let mut browser = site.browser_of("bob");
    let copy = browser.access().to_owned();
    assert_eq!(send(&site, Request::get("/").bearer(&copy), Need::access()).token().subject(), "bob");
    site.log_out(&mut browser);
    assert!(send(&site, Request::get("/").bearer(&copy), Need::access()).is_refused(401, "revoked"));
    let skipping = Need::access().skip_revocation_check();
    assert_eq!(send(&site, Request::get("/").bearer(&copy), skipping).token().subject(), "bob");
}

#[test]
fn s14_a_kind_belongs_to_its_route_unless_the_route_takes_any() {
    let site = site([Headers]);
    let refresh = site.auth.refresh_token("alice").issue().unwrap();
    let request = || Request::get("/").bearer(refresh.as_str());
    assert!(send(&site, request(), Need::access()).is_refused(401, "wrong_kind"));
    assert_eq!(send(&site, request(), Need::access().any_type()).token().subject(), "alice");
    assert_eq!(send(&site, request(), Need::refresh()).token().subject(), "alice");
    assert!(
        send(&site, request(), Need::access().any_type().fresh()).is_refused(401, "insufficient_user_authentication")
    );
    // Now the same token in a cookie: only a route with `any_type` accepts it.
    let planted = |need| {
        let site = Site::new();
        let refresh = site.auth.refresh_token("alice").issue().unwrap();
        let browser = Browser::default().with("__Host-access_token_cookie", refresh.as_str());
        site.respond(&browser, Request::get("/"), page(need))
    };
    assert!(planted(Need::access()).is_refused(401, "wrong_kind"));
    assert_eq!(planted(Need::access().any_type()).token().subject(), "alice");
}

#[test]
fn an_optional_need_accepts_no_token_and_refuses_bad_ones() {
    let site = site([Headers, Json]);
    let need = Need::access().optional();
    assert!(send(&site, Request::get("/"), need).token.is_none());
    assert!(send(&site, Request::get("/").bearer("a.b.c"), need).is_refused(401, "malformed"));
    assert!(send(&site, Request::post("/").json().body("{"), need).token.is_none());
}

#[test]
fn a_json_body_beyond_the_peek_is_refused_and_an_unread_one_is_a_setup_error() {
    let site = site([Json]);
    let long = format!("{{\"filler\": \"{}\", \"access_token\": \"{}\"}}", "x".repeat(70_000), token(&site.auth));
    let refused = send(&site, Request::post("/").json().body(long), Need::access().optional());
    assert!(refused.is_refused(401, "body_beyond_peek"));
    let unread = send(&site, Request::post("/").json().unlayered(), Need::access());
    assert!(unread.is_refused(500, "not_set_up"));
    // A route whose location was not announced with `route_locations`.
    let unannounced = send(&Site::new(), Request::post("/").json(), Need::access().locations(Json));
    assert!(unannounced.is_refused(500, "not_set_up"));
    let announced = Site::with(|builder| builder.token_sources(TokenSources::default().route_locations([Json])));
    let body = format!("{{\"access_token\": \"{}\"}}", token(&announced.auth));
    let request = Request::post("/").json().body(body);
    assert_eq!(send(&announced, request, Need::access().locations(Json)).token().subject(), "alice");
}

#[test]
fn s03_a_refusal_repeats_no_token() {
    let site = site([Headers, QueryString]);
    let token = token(&site.auth);
    for request in [Request::get(&format!("/?jwt={token}x")), Request::get("/").bearer(&format!("{token}x"))] {
        let response = send(&site, request.person(), Need::access());
        assert_eq!(response.status, 401);
        assert!(!response.body.contains(&token) && response.location.is_none());
    }
}

#[test]
fn an_options_request_needs_no_token_if_exempt() {
    let request = || Request::new("OPTIONS", "/");
    assert!(send(&Site::new(), request(), Need::access()).is_refused(401, "missing_token"));
    let site = Site::with(AuthenticatorBuilder::exempt_options);
    assert!(send(&site, request(), Need::access()).token.is_none());
    assert!(send(&site, Request::get("/"), Need::access()).is_refused(401, "missing_token"));
}

#[test]
fn each_kind_of_token_has_its_own_csrf_names() {
    let site = Site::stateless(|builder| {
        builder.csrf(
            CsrfPolicy::default().access_header("X-A").refresh_header("X-R").access_field("a").refresh_field("r b"),
        )
    });
    let mut browser = Browser::default();
    site.send(&mut browser, Request::post("/login").json(), log_in("alice"));
    let csrf = browser.csrf();
    let post = |name: &'static str, need| {
        site.respond(&browser, Request::post("/").field(name, csrf.as_str()), page(need)).status
    };
    assert_eq!((post("x-a", Need::access()), post("x-r", Need::access())), (200, 403));
    assert_eq!((post("x-a", Need::refresh()), post("x-r", Need::refresh())), (403, 200));
    let form = |field: &str, need| {
        let request = Request::post("/").field("content-type", "application/x-www-form-urlencoded");
        site.respond(&browser, request.body(format!("{field}={csrf}")), page(need)).status
    };
    assert_eq!((form("a", Need::access()), form("r+b", Need::access())), (200, 403));
    assert_eq!((form("a", Need::refresh()), form("r+b", Need::refresh())), (403, 200));
}

#[test]
fn insecure_methods_sets_the_methods_that_need_a_csrf_value() {
    let site = Site::stateless(|builder| builder.csrf(CsrfPolicy::default().insecure_methods(["PUT", "GET"])));
    let mut browser = Browser::default();
    site.send(&mut browser, Request::post("/login").json(), log_in("alice"));
    let status = |method| site.respond(&browser, Request::new(method, "/"), page(Need::access())).status;
    assert_eq!((status("POST"), status("PUT"), status("GET"), status("HEAD")), (200, 403, 403, 200));
}

#[test]
fn the_identity_claim_may_have_another_name_and_another_type() {
    let site =
        Site::with(|builder| builder.token_sources([Headers]).claims(ClaimsPolicy::default().identity_claim("user")));
    let token = site.auth.access_token("alice").claim("role", "editor").issue().unwrap();
    let response = send(&site, Request::get("/").bearer(token.as_str()), Need::access());
    assert_eq!((response.token().subject(), response.token().claim("user")), ("alice", "alice".into()));
    assert_eq!(response.token().claim("sub"), serde_json::Value::Null);
    assert!(site.auth.access_token("alice").claim("user", "bob").issue().is_err());
    assert!(site.auth.access_token("alice").identity(5).issue().is_err());

    let any =
        Site::with(|builder| builder.token_sources([Headers]).claims(ClaimsPolicy::default().insecure_any_identity()));
    let token = any.auth.access_token("").identity(serde_json::json!({"id": 5})).issue().unwrap();
    let response = send(&any, Request::get("/").bearer(token.as_str()), Need::access());
    assert_eq!(response.token().claim("sub"), serde_json::json!({"id": 5}));
    assert_eq!(response.token().subject(), "{\"id\":5}");
}

#[test]
fn s17_audiences_and_issuers_are_written_and_asked_for_apart() {
    let signing = crate::support::key();
    let with = |set: fn(AuthenticatorBuilder) -> AuthenticatorBuilder| {
        Site::with_keys(hardtack::KeySet::new(signing.clone()), |builder| set(builder).token_sources([Headers]))
    };
    let issuer =
        with(|builder| builder.claims(ClaimsPolicy::default().encode_audience(["a", "b"]).encode_issuer("us")));
    let token = issuer.auth.access_token("alice").issue().unwrap();
    let status = |site: &Site| send(site, Request::get("/").bearer(token.as_str()), Need::access()).status;
    assert_eq!(
        status(&with(|builder| builder
            .claims(ClaimsPolicy::default().decode_audience(["b", "c"]).decode_issuers(["them", "us"])))),
        200
    );
    assert_eq!(status(&with(|builder| builder.claims(ClaimsPolicy::default().decode_audience(["c"])))), 401);
    assert_eq!(status(&with(|builder| builder)), 401);
    assert_eq!(
        status(
            &with(|builder| builder.claims(ClaimsPolicy::default().decode_audience(["a"]).decode_issuers(["them"])))
        ),
        401
    );
}

#[test]
fn nbf_and_the_error_message_key_can_be_set() {
    let site =
        Site::with(|builder| builder.claims(ClaimsPolicy::default().encode_nbf(false)).error_message_key("error"));
    let token = site.auth.access_token("alice").issue().unwrap();
    assert_eq!(token.claims().not_before, None::<Timestamp>);
    let body: serde_json::Value = serde_json::from_str(&site.visit(&mut Browser::default()).body).unwrap();
    assert!(body["error"].is_string() && body.get("msg").is_none());
}

#[test]
fn single_cookies_may_have_another_domain_and_age() {
    use hardtack::CookiePolicy;
    use hardtack::authenticator::CookieOptions;
    use hardtack::cookie::CookiePrefix;
    let site = Site::with(|builder| builder.cookies(CookiePolicy::default().prefix(CookiePrefix::None)));
    let token = site.auth.access_token("alice").issue().unwrap();
    let options = CookieOptions::default().domain("site.example").max_age(seconds(7));
    let cookies = site.auth.set_access_cookies_with(&token, &options).unwrap();
    assert!(cookies.iter().all(|cookie| cookie.contains("; Domain=site.example; Max-Age=7;")));
    assert!(
        site.auth.unset_jwt_cookies_of("site.example").iter().all(|cookie| cookie.contains("; Domain=site.example;"))
    );
    assert_eq!(site.auth.unset_jwt_cookies_of("site.example").iter().count(), 4);
    // A cookie with the `__Host-` prefix cannot have a domain.
    assert!(Site::new().auth.set_access_cookies_with(&token, &options).is_err());
}

#[test]
fn tokens_can_be_decoded_outside_of_requests() {
    let site = Site::new();
    let token = site.auth.access_token("alice").issue().unwrap();
    let text = token.as_str();
    assert_eq!(site.auth.token_id(text).unwrap(), token.claims().token_id);
    assert_eq!(Some(site.auth.csrf_token(text).unwrap()), token.claims().csrf);
    let decoded = site.auth.decode_any::<hardtack::jwt::NoExtra>(text).unwrap();
    assert_eq!((decoded.subject(), decoded.location()), ("alice", None));
    site.advance(16 * 60);
    assert!(site.auth.decode_any::<hardtack::jwt::NoExtra>(text).is_err() && site.auth.token_id(text).is_err());
    assert_eq!(site.auth.decode_allowing_expired::<hardtack::jwt::NoExtra>(text).unwrap().subject(), "alice");
    let other = Site::new().auth.decode_allowing_expired::<hardtack::jwt::NoExtra>(text).err();
    assert_eq!(other, Some(hardtack::jwt::TokenError::BadSignature));
}

#[test]
fn invalid_settings_are_refused() {
    let refusal = |set: fn(AuthenticatorBuilder) -> AuthenticatorBuilder| {
        let builder = Authenticator::builder(hardtack::KeySet::new(crate::support::key()));
        set(builder).build().unwrap_err().to_string()
    };
    let none: fn(AuthenticatorBuilder) -> AuthenticatorBuilder = |builder| builder.token_sources([]);
    assert!(refusal(none).contains("headers, cookies, query_string and json"));
    for (set, named) in [
        (
            (|builder| builder.token_sources(TokenSources::default().header_name("a b")))
                as fn(AuthenticatorBuilder) -> AuthenticatorBuilder,
            "\"a b\"",
        ),
        (|builder| builder.token_sources(TokenSources::default().header_name("")), "header"),
        (|builder| builder.token_sources(TokenSources::default().header_type("a,b")), "\"a,b\""),
        (|builder| builder.token_sources(TokenSources::default().query_name("")), "query"),
        (|builder| builder.token_sources(TokenSources::default().json_key("")), "JSON"),
        (|builder| builder.claims(ClaimsPolicy::default().identity_claim("exp")), "\"exp\""),
        (|builder| builder.claims(ClaimsPolicy::default().identity_claim("")), "identity"),
        (|builder| builder.error_message_key(""), "error messages"),
        (|builder| builder.csrf(CsrfPolicy::default().insecure_methods(["PO ST"])), "\"PO ST\""),
    ] {
        let text = refusal(set);
        assert!(text.contains(named) && text.contains("expected"), "{text}");
    }
}
