//! Compares `Set-Cookie` fields byte for byte.

use hardtack::CookiePolicy;
use hardtack::cookie::SameSite;
use serde_json::json;

use crate::client::Response;
use crate::harness::{Case, HTTP, Site};

/// Returns the response's `Set-Cookie` fields, with each non-empty value replaced by `{}`.
fn set_cookies(response: &Response) -> Vec<String> {
    let without_value = |text: String| {
        let (name, rest) = text.split_once('=').unwrap();
        let (value, attributes) = rest.split_once(';').unwrap();
        format!("{name}={};{attributes}", if value.is_empty() { "" } else { "{}" })
    };
    response.headers_all("set-cookie").into_iter().map(without_value).collect()
}

async fn check(site: Site, set: [&'static str; 4], deleted: [&'static str; 4]) {
    let mut client = site.visitor();
    let log_in = client.post("/login").json(&json!({ "sub": "alice" })).send().await;
    site.expect_eq("set by a log-in", set_cookies(&log_in), set.map(str::to_owned).to_vec());
    site.expire_access();
    let refreshed = client.get("/protected").send().await;
    site.expect_eq("set by a refresh", set_cookies(&refreshed), set.map(str::to_owned).to_vec());
    let csrf = client.cookies().into_iter().find(|cookie| cookie.name.ends_with("csrf_access_token")).unwrap();
    let csrf = csrf.value.clone();
    let mut other = client.clone();
    let log_out = client.post("/logout").header("x-csrf-token", csrf).send().await;
    site.expect_eq("deleted by a log-out", set_cookies(&log_out), deleted.map(str::to_owned).to_vec());
    site.expect_eq("cookies left", client.cookies().len(), 0);
    let refused = other.get("/protected").send().await;
    site.expect_eq("deleted by a failure", set_cookies(&refused), deleted.map(str::to_owned).to_vec());
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("Set-Cookie: over https", |site| {
            check(
                site,
                [
                    "__Host-access_token_cookie={}; Secure; HttpOnly; Path=/; SameSite=Lax",
                    "__Host-csrf_access_token={}; Secure; Path=/; SameSite=Lax",
                    "__Host-Http-refresh_token_cookie={}; Secure; HttpOnly; Path=/; SameSite=Lax",
                    "__Host-csrf_refresh_token={}; Secure; Path=/; SameSite=Lax",
                ],
                [
                    "__Host-access_token_cookie=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure; HttpOnly; Path=/; SameSite=Lax",
                    "__Host-csrf_access_token=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure; Path=/; SameSite=Lax",
                    "__Host-Http-refresh_token_cookie=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure; HttpOnly; Path=/; SameSite=Lax",
                    "__Host-csrf_refresh_token=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure; Path=/; SameSite=Lax",
                ],
            )
        }),
        Case::new("Set-Cookie: over http on loopback", |site| {
            check(
                site,
                [
                    "access_token_cookie={}; HttpOnly; Path=/; SameSite=Lax",
                    "csrf_access_token={}; Path=/; SameSite=Lax",
                    "refresh_token_cookie={}; HttpOnly; Path=/; SameSite=Lax",
                    "csrf_refresh_token={}; Path=/; SameSite=Lax",
                ],
                [
                    "access_token_cookie=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Path=/; SameSite=Lax",
                    "csrf_access_token=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax",
                    "refresh_token_cookie=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Path=/; SameSite=Lax",
                    "csrf_refresh_token=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax",
                ],
            )
        })
        .at_origin(HTTP),
        Case::new("Set-Cookie: for a domain, persistent, SameSite=Strict", |site| {
            check(
                site,
                [
                    "__Secure-access_token_cookie={}; Domain=site.example; Max-Age=86400; Secure; HttpOnly; Path=/; SameSite=Strict",
                    "__Secure-csrf_access_token={}; Domain=site.example; Max-Age=86400; Secure; Path=/; SameSite=Strict",
                    "__Secure-refresh_token_cookie={}; Domain=site.example; Max-Age=86400; Secure; HttpOnly; Path=/; SameSite=Strict",
                    "__Secure-csrf_refresh_token={}; Domain=site.example; Max-Age=86400; Secure; Path=/; SameSite=Strict",
                ],
                [
                    "__Secure-access_token_cookie=; Domain=site.example; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure; HttpOnly; Path=/; SameSite=Strict",
                    "__Secure-csrf_access_token=; Domain=site.example; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure; Path=/; SameSite=Strict",
                    "__Secure-refresh_token_cookie=; Domain=site.example; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure; HttpOnly; Path=/; SameSite=Strict",
                    "__Secure-csrf_refresh_token=; Domain=site.example; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure; Path=/; SameSite=Strict",
                ],
            )
        })
        .configured(|builder| {
            let policy = CookiePolicy::default().domain("site.example").session_cookies(false);
            builder.cookies(policy.same_site(SameSite::Strict))
        }),
        Case::new("Set-Cookie: with configured names", |site| {
            check(
                site,
                [
                    "a={}; HttpOnly; Path=/; SameSite=Lax",
                    "ca_csrf_access_token={}; Path=/; SameSite=Lax",
                    "r={}; HttpOnly; Path=/; SameSite=Lax",
                    "cr={}; Path=/; SameSite=Lax",
                ],
                [
                    "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Path=/; SameSite=Lax",
                    "ca_csrf_access_token=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax",
                    "r=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Path=/; SameSite=Lax",
                    "cr=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax",
                ],
            )
        })
        .at_origin(HTTP)
        .configured(|builder| {
            let policy = CookiePolicy::default().access_name("a").refresh_name("r");
            builder.cookies(policy.csrf_access_name("ca_csrf_access_token").csrf_refresh_name("cr"))
        }),
        Case::new("Set-Cookie: the pre-session cookie", |site| async move {
            let form = site.visitor().get("/form").send().await;
            let expected = "__Host-Http-csrf_pre_session={}; Secure; HttpOnly; Path=/; SameSite=Lax";
            site.expect_eq("set by a form", set_cookies(&form), vec![expected.to_owned()]);
        }),
        Case::new("Set-Cookie: together with the handler's own cookie", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let response = alice.get("/redirects").send().await;
            site.expect("redirect", &response, "303 → /anyone +access +refresh");
            let all = response.headers_all("set-cookie");
            site.expect_eq("number of cookies", all.len(), 5);
            site.expect_eq("the handler's cookie", all.iter().filter(|text| *text == "theme=dark; Path=/").count(), 1);
        }),
    ]
}
