//! Explanations of tokens that are refused or have expired.

use hardtack::config::ClaimsPolicy;
use hardtack::explain::{Check, Outcome, Verdict};
use hardtack::token_source::TokenSources;
use hardtack::{KeySet, Need, RefreshMode, TokenLocation};

use super::{HOST, explained, explained_for, get, post, refused, site, site_with_keys, verdict};
use crate::support::{Browser, Request, key};

#[test]
fn a_header_that_is_sent_twice_is_named() {
    let both = site(|builder| builder.token_sources([TokenLocation::Headers, TokenLocation::Cookies]));
    let headers = site(|builder| builder.token_sources(TokenLocation::Headers));
    for site in [&both, &headers] {
        let twice = get().field("authorization", "Bearer a.b.c").field("authorization", "Bearer a.b.c");
        let explanation = explained(site, &Browser::default(), twice);
        let advice = "Send the header `Authorization` once, with one token.";
        refused(&explanation, "missing_token", Check::Token, "more than one token in the header", advice);
    }
    let alice = both.browser_of("alice");
    let csrf = alice.csrf();
    let explanation = explained(&both, &alice, Request::post("/page").csrf(&csrf).csrf(&csrf));
    let (text, advice) = ("the header with the CSRF token more than once", "Send the header `x-csrf-token` once.");
    refused(&explanation, "csrf_mismatch", Check::Csrf, text, advice);
}

#[test]
fn a_token_that_is_sent_twice_in_the_query_or_in_json_is_named() {
    let everywhere = [TokenLocation::QueryString, TokenLocation::Json, TokenLocation::Cookies];
    let site = site(|builder| builder.token_sources(TokenSources::default().locations(everywhere).query_name("t")));
    let twice = |member: &str| post().json().body(format!("{{\"{member}\":\"a.b.c\",\"{member}\":\"a.b.c\"}}"));
    let (query, json) = ("query parameter for the token more than once", "member for the token more than once");
    for (request, need, text, advice) in [
        (
            Request::get("/page?t=a.b.c&x=1&t=d.e.f").host(HOST),
            Need::access(),
            query,
            "Send the query parameter `t` once, with one token.",
        ),
        (twice("access_token"), Need::access(), json, "Send the member `access_token` of the JSON body once"),
        (twice("refresh_token"), Need::refresh(), json, "Send the member `refresh_token` of the JSON body once"),
    ] {
        // The verification does not go on to the cookies, so the explanation does not mention them either.
        for browser in [Browser::default(), site.browser_of("alice")] {
            let explanation = explained_for(&site, &browser, request.clone(), need);
            refused(&explanation, "malformed_credentials", Check::Token, text, advice);
            assert_eq!(verdict(&explanation, Check::Signature), None, "{explanation}");
            let printed = explanation.to_string();
            assert!(!printed.contains("a.b.c") && !printed.contains("cookie"), "{explanation}");
        }
    }
}

#[test]
fn a_value_that_cannot_be_a_token_is_named() {
    let both = site(|builder| builder.token_sources([TokenLocation::Headers, TokenLocation::Cookies]));
    let json = site(|builder| builder.token_sources([TokenLocation::Json, TokenLocation::Cookies]));
    let long = format!("{{\"x\":\"{}\"}}", "x".repeat(70_000));
    for (site, request, code, text, advice) in [
        (
            &both,
            get().bearer("a b"),
            "malformed_credentials",
            "token location `headers`",
            "`Authorization: Bearer TOKEN`",
        ),
        (
            &json,
            post().json().body("{\"access_token\":5}"),
            "malformed_credentials",
            "location `json`",
            "string in JSON",
        ),
        (&json, post().json().body(long), "body_beyond_peek", "longer than ReadAheadLimits::bytes", "raise"),
    ] {
        let explanation = explained(site, &site.browser_of("alice"), request);
        refused(&explanation, code, Check::Token, text, advice);
        assert_eq!(verdict(&explanation, Check::Signature), None, "{explanation}");
    }
}

#[test]
fn advice_about_a_value_that_is_no_token_names_its_place() {
    let plain = site(|builder| builder);
    let alice = plain.browser_of("alice");
    plain.advance(15 * 60);
    let bad_refresh = explained(&plain, &alice.replacing("refresh_token_cookie", "junk"), get());
    let advice = "cookie `refresh_token_cookie` and log in again. If another application sets a cookie with this name, \
                  change `CookiePolicy::refresh_name`";
    refused(&bad_refresh, "not_compact", Check::Refresh, "refresh cookie", advice);
    let bad_access = explained(&plain, &alice.replacing("access_token_cookie", "junk"), get());
    refused(&bad_access, "not_compact", Check::Signature, "three segments", "`CookiePolicy::access_name`");
    let bad_refresh = explained_for(&plain, &alice.replacing("refresh_token_cookie", "junk"), get(), Need::refresh());
    refused(&bad_refresh, "not_compact", Check::Signature, "three segments", "`CookiePolicy::refresh_name`");
    let headers = site(|builder| builder.token_sources(TokenLocation::Headers));
    let bad_header = explained(&headers, &Browser::default(), get().field("authorization", "Bearer junk"));
    refused(&bad_header, "not_compact", Check::Signature, "three segments", "Send the token that the log-in returned");
    assert!(!bad_header.to_string().contains("Delete the cookie"), "{bad_header}");
}

#[test]
fn a_token_of_another_key_is_explained() {
    let named = |id: &str| site_with_keys(KeySet::new(key().with_key_id(id)), |builder| builder);
    let (ours, theirs) = (named("ours"), named("theirs"));
    let foreign = explained(&ours, &theirs.browser_of("alice"), get());
    refused(&foreign, "missing_token", Check::Token, "another application on this host", "realm");
    assert!(foreign.to_string().contains("\"theirs\"") && foreign.to_string().contains("HS256 \"ours\""), "{foreign}");
    let (first, restarted) = (site(|builder| builder), site(|builder| builder));
    let forged = explained(&restarted, &first.browser_of("alice"), get());
    refused(&forged, "bad_signature", Check::Signature, "signature", "SigningKey::generate");
    let alice = restarted.browser_of("alice");
    let doubled = explained(&restarted, &alice.doubling("access_token_cookie", "a"), get());
    refused(&doubled, "duplicate_cookie", Check::Token, "2 times", "realm");
    let junk = explained(&restarted, &alice.replacing("access_token_cookie", "junk"), get());
    refused(&junk, "not_compact", Check::Signature, "three segments", "not one of this application's tokens");
}

#[test]
fn claims_that_do_not_fit_are_named() {
    let keys = KeySet::new(key());
    let of = |claims: ClaimsPolicy| site_with_keys(keys.clone(), |builder| builder.claims(claims));
    let (shop, blog) = (of(ClaimsPolicy::default().audience("shop")), of(ClaimsPolicy::default().audience("blog")));
    let other = explained(&blog, &shop.browser_of("alice"), get());
    refused(&other, "wrong_audience", Check::Claims, "\"blog\"", "decode_audience");
    assert_eq!(verdict(&other, Check::Signature), Some(Verdict::Passed));
    let ahead = of(ClaimsPolicy::default());
    ahead.advance(3600);
    let early = explained(&of(ClaimsPolicy::default()), &ahead.browser_of("alice"), get());
    assert_eq!(early.refusal().map(|step| step.check), Some(Check::Claims), "{early}");
    assert!(early.advice.as_deref().is_some_and(|advice| advice.contains("clock_skew")), "{early}");
}

#[test]
fn an_expired_token_is_explained_together_with_its_refresh() {
    let site = site(|builder| builder);
    let alice = site.browser_of("alice");
    site.advance(15 * 60);
    let refreshed = explained(&site, &alice, get());
    assert_eq!(refreshed.outcome, Outcome::Accepted, "{refreshed}");
    assert_eq!(verdict(&refreshed, Check::Claims), Some(Verdict::Noted));
    assert_eq!(verdict(&refreshed, Check::Refresh), Some(Verdict::Passed));
    assert!(refreshed.to_string().contains("has replaced the access token"), "{refreshed}");
    let alone = explained(&site, &alice.without(&["refresh_token_cookie"]), get());
    refused(&alone, "expired", Check::Claims, "it expired", "there is no refresh token");
    site.advance(24 * 60 * 60);
    let away = explained(&site, &alice, get());
    refused(&away, "expired", Check::Claims, "it expired 24 hours ago", "refresh_lifetime");
    let unlayered = explained(&site, &alice, get().unlayered());
    assert_eq!(verdict(&unlayered, Check::Layer), Some(Verdict::Noted), "{unlayered}");
}

#[test]
fn a_refresh_by_redirect_or_by_the_client_is_explained() {
    let redirecting = site(|builder| builder.refresh_mode(RefreshMode::Redirect));
    let alice = redirecting.browser_of("alice");
    redirecting.advance(15 * 60);
    let redirected = explained(&redirecting, &alice, get());
    refused(&redirected, "refresh_needed", Check::Refresh, "", "/token/refresh");
    let off = site(|builder| builder.refresh_mode(RefreshMode::Off));
    let alice = off.browser_of("alice");
    off.advance(15 * 60);
    refused(&explained(&off, &alice, get()), "expired", Check::Claims, "expired", "RefreshMode::Transparent");
}
