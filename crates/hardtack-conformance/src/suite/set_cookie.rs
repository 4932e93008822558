//! `Set-Cookie`, byte for byte.

use hardtack::CookiePolicy;
use hardtack::cookie::SameSite;
use serde_json::json;

use super::case::Case;
use super::site::{HTTP, Site};
use crate::client::Response;

/// The response's cookies, with `{}` for each value that is not empty.
fn texts(response: &Response) -> Vec<String> {
    let blank = |text: String| {
        let (name, rest) = text.split_once('=').unwrap();
        let (value, attributes) = rest.split_once(';').unwrap();
        format!("{name}={};{attributes}", if value.is_empty() { "" } else { "{}" })
    };
    response.headers_all("set-cookie").into_iter().map(blank).collect()
}

async fn check(site: Site, set: [&'static str; 4], unset: [&'static str; 4]) {
    let mut client = site.visitor();
    let log_in = client.post("/login").json(&json!({ "sub": "alice" })).send().await;
    site.same("set by a log-in", texts(&log_in), set.map(str::to_owned).to_vec());
    site.expire_access();
    // In this order: a refresh is what the browser must not notice.
    let refreshed = client.get("/protected").send().await;
    site.same("set by a refresh", texts(&refreshed), set.map(str::to_owned).to_vec());
    let name = client.cookies().into_iter().find(|cookie| cookie.name.ends_with("csrf_access_token")).unwrap();
    let csrf = name.value.clone();
    let mut other = client.clone();
    let log_out = client.post("/logout").header("x-csrf-token", csrf).send().await;
    site.same("unset by a log-out", texts(&log_out), unset.map(str::to_owned).to_vec());
    site.same("the jar is empty", client.cookies().len(), 0);
    let refused = other.get("/protected").send().await;
    site.same("unset by a failure", texts(&refused), unset.map(str::to_owned).to_vec());
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("Set-Cookie: over https", |site| {
            check(
                site,
                [
                    "__Host-access_token_cookie={}; Secure; HttpOnly; Path=/; SameSite=Lax",
                    "__Host-csrf_access_token={}; Secure; Path=/; SameSite=Lax",
                    "__Host-refresh_token_cookie={}; Secure; HttpOnly; Path=/; SameSite=Lax",
                    "__Host-csrf_refresh_token={}; Secure; Path=/; SameSite=Lax",
                ],
                [
                    "__Host-access_token_cookie=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure; HttpOnly; Path=/; SameSite=Lax",
                    "__Host-csrf_access_token=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure; Path=/; SameSite=Lax",
                    "__Host-refresh_token_cookie=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure; HttpOnly; Path=/; SameSite=Lax",
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
        .at(HTTP),
        Case::new("Set-Cookie: for a domain, lasting, SameSite=Strict", |site| {
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
        Case::new("Set-Cookie: with Flask's names", |site| {
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
        .at(HTTP)
        .configured(|builder| {
            let policy = CookiePolicy::default().access_name("a").refresh_name("r");
            builder.cookies(policy.csrf_access_name("ca_csrf_access_token").csrf_refresh_name("cr"))
        }),
        Case::new("Set-Cookie: the pre-session cookie", |site| async move {
            let form = site.visitor().get("/form").send().await;
            let expected = "__Host-csrf_pre_session={}; Secure; HttpOnly; Path=/; SameSite=Lax";
            site.same("set by a form", texts(&form), vec![expected.to_owned()]);
        }),
        Case::new("Set-Cookie: beside the handler's own", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let answer = alice.get("/redirects").send().await;
            site.expect("redirect", &answer, "303 → /anyone +access +refresh");
            let all = answer.headers_all("set-cookie");
            site.same("all of them", all.len(), 5);
            site.same("the handler's", all.iter().filter(|text| *text == "theme=dark; Path=/").count(), 1);
        }),
    ]
}
