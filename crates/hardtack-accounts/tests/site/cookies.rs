//! Cookies: how they are set, found among others, and deleted.

use hardtack::CsrfPolicy;
use hardtack::cookie::SameSite;
use hardtack::{Authenticator, CookiePolicy, KeySet, RefreshMode};
use hardtack_test_support::StoredCookie;
use hardtack_test_support::client::Client;
use hardtack_test_support::html::HtmlForms;
use serde_json::json;

use crate::forged::{Victim, assert_refused_api_client, assert_refused_page, base64url, segments};
use crate::support::*;

async fn https_site(refresh: RefreshMode) -> (TestSite, Client) {
    let base_url = Some("https://site.example");
    let site = TestSite::start(Options { base_url, refresh, ..Options::default() }).await;
    let client = site.client().at_origin("https://site.example");
    (site, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn s01_s91_over_https_every_cookie_is_bound_to_its_host() {
    let (site, mut client) = https_site(RefreshMode::Transparent).await;
    let page = client.get("/login").accept_html().send().await;
    let body = json!({ "username": "alice", "password": PASSWORD });
    let sign_up = client.post("/signup").accept_json().json(&body).send().await;
    assert_eq!(sign_up.status(), 200, "{}", sign_up.text());
    let log_in = client.post("/login").accept_json().json(&body).send().await;
    site.expire_access();
    let refreshed = client.get("/service").accept_json().send().await;
    assert_eq!(refreshed.status(), 200, "{}", refreshed.text());
    let body = json!({ "password": PASSWORD });
    let again = client.post("/reauthenticate").accept_json().csrf().json(&body).send().await;
    let log_out = client.post("/logout").accept_json().csrf().send().await;
    for (response, count) in [(&page, 1), (&sign_up, 4), (&log_in, 4), (&refreshed, 4), (&again, 4), (&log_out, 4)] {
        let cookies = response.set_cookies();
        assert!(cookies.len() >= count, "{} {}: {cookies:?}", response.method(), response.path());
        for cookie in cookies {
            let what = &cookie.raw;
            assert!(cookie.name.starts_with("__Host-"), "{what}");
            assert!(cookie.secure, "{what}");
            assert_eq!(cookie.path, "/", "{what}");
            assert_eq!(cookie.domain, None, "{what}");
            assert!(!what.to_ascii_lowercase().contains("domain"), "{what}");
            let readable = cookie.name.starts_with("__Host-csrf_") && !cookie.name.contains("pre");
            assert_eq!(cookie.http_only, !readable, "{what}");
            // Cookies that only the server uses have the strongest prefix. The access cookie lacks it, so that the
            // cookie can be bound to a device.
            let strongest = !readable && cookie.name != "__Host-access_token_cookie";
            assert_eq!(cookie.name.starts_with("__Host-Http-"), strongest, "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s91_a_page_reads_its_cookie_under_the_strongest_name_only() {
    let (site, mut client) = https_site(RefreshMode::Transparent).await;
    let body = json!({ "username": "alice", "password": PASSWORD });
    assert_eq!(client.post("/signup").accept_json().json(&body).send().await.status(), 200);
    site.expire_access();
    let csrf = client.get("/service").accept_html().send().await.hidden_field("csrf_token").unwrap();
    let fields = [("csrf_token", csrf.as_str()), ("display_name", "Alice the Kept"), ("email", "")];
    client.post("/account/change_settings").accept_html().form(&fields).send().await;
    let draft = client.cookie("__Host-Http-settings_draft").expect("a draft is kept").value.clone();
    let body = json!({ "password": PASSWORD });
    let again = client.post("/reauthenticate").accept_json().csrf().json(&body).send().await;
    assert_eq!(again.status(), 200, "{}", again.text());
    for prefix in ["", "__Secure-", "__Host-", "__Host-Http-"] {
        let mut planted = client.clone();
        planted.jar().remove("__Host-Http-settings_draft");
        planted.set_cookie_raw(&format!("{prefix}settings_draft={draft}; Secure; HttpOnly; Path=/"));
        let page = planted.get("/account").accept_html().send().await;
        assert_eq!(page.status(), 200, "{}", page.text());
        assert_eq!(page.text().contains("Alice the Kept"), prefix == "__Host-Http-", "{prefix}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s02_every_cookie_says_its_same_site() {
    let (site, mut client) = https_site(RefreshMode::Transparent).await;
    let mut seen = Vec::new();
    let body = json!({ "username": "alice", "password": PASSWORD });
    seen.push(client.get("/signup").accept_html().send().await);
    seen.push(client.post("/signup").accept_json().json(&body).send().await);
    site.expire_access();
    let page = client.get("/service").accept_html().send().await;
    let csrf = page.hidden_field("csrf_token").unwrap();
    seen.push(page);
    // A form whose sender has to enter the password first is kept in a cookie.
    let fields = [("csrf_token", csrf.as_str()), ("display_name", "Alice"), ("email", "")];
    seen.push(client.post("/account/change_settings").accept_html().form(&fields).send().await);
    assert!(seen.last().unwrap().set_cookie("__Host-Http-settings_draft").is_some(), "no draft was kept");
    seen.push(client.get("/service").accept_json().raw_cookie_header("__Host-access_token_cookie=x").send().await);
    seen.push(client.post("/logout").accept_html().form(&fields[..1]).send().await);
    for response in &seen {
        let cookies = response.set_cookies();
        assert!(!cookies.is_empty(), "{} {} sets no cookie", response.method(), response.path());
        for cookie in cookies {
            assert_eq!(cookie.same_site.as_deref(), Some("Lax"), "{}", cookie.raw);
            assert!(cookie.secure, "{}", cookie.raw);
        }
    }

    // `None` without Secure, or without CSRF protection, is refused by the builder.
    let none = || CookiePolicy::default().same_site(SameSite::None);
    let builder = || Authenticator::builder(KeySet::from_secret(SECRET).unwrap());
    assert!(builder().base_url("http://127.0.0.1:8080").cookies(none()).build().is_err());
    assert!(builder().base_url("https://site.example").cookies(none().secure(false)).build().is_err());
    assert!(
        builder()
            .base_url("https://site.example")
            .cookies(none())
            .csrf(CsrfPolicy::default().insecure_disabled())
            .build()
            .is_err()
    );
    assert!(builder().base_url("https://site.example").cookies(none()).build().is_ok());
}

/// No page, JSON body, URL or other header field contains a token.
#[tokio::test(flavor = "multi_thread")]
async fn s03_a_token_appears_in_set_cookie_only() {
    for refresh in BOTH_MODES {
        let site = TestSite::start(Options { refresh, ..Options::default() }).await;
        let mut client = site.person("alice").await;
        let mut tokens = vec![cookie(&client, ACCESS), cookie(&client, REFRESH)];
        let mut seen = Vec::new();
        for round in 0..2 {
            for path in
                ["/", "/service", "/account", "/account/sessions", "/reauthenticate", "/logout", "/login", "/nowhere"]
            {
                for page in [true, false] {
                    let request = client.get(path);
                    let request = if page { request.accept_html() } else { request.accept_json() };
                    let response = request.follow().await;
                    seen.extend(response.hops().to_vec());
                    seen.push(response);
                    tokens.extend([cookie(&client, ACCESS), cookie(&client, REFRESH)]);
                }
            }
            seen.push(client.post("/account/sessions/revoke-others").accept_json().csrf().send().await);
            if round == 0 {
                site.expire_access();
            }
        }
        seen.push(client.post("/logout").accept_json().csrf().send().await);
        tokens.sort_unstable();
        tokens.dedup();
        assert!(tokens.len() >= 4, "nothing was refreshed");
        for response in &seen {
            let what = format!("{} {}", response.method(), response.path());
            let fields = response.headers().iter().filter(|(name, _)| *name != "set-cookie");
            let fields: Vec<String> =
                fields.map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))).collect();
            for token in &tokens {
                // The signature alone is enough for a thief who can guess the rest.
                for part in [token.as_str(), segments(token)[2]] {
                    assert!(!response.text().contains(part), "{what}: a token in the body");
                    assert!(!response.path().contains(part), "{what}: a token in the address");
                    assert!(fields.iter().all(|field| !field.contains(part)), "{what}: {fields:?}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s05_a_disguised_name_is_another_cookies() {
    let (_site, mut client) = https_site(RefreshMode::Transparent).await;
    sign_up(&mut client, "alice").await;
    let (access, refresh) = (cookie(&client, ACCESS), cookie(&client, REFRESH));
    let request = client.get("/service").accept_json().no_cookies();
    let response = request.raw_cookie_header(format!("__Host-{ACCESS}={access}")).send().await;
    assert_eq!(response.status(), 200, "{}", response.text());
    for name in [
        "%5F%5FHost-",
        "%5f%5fHost-",
        "_%5FHost-",
        "__Host%2D",
        "\u{a0}__Host-",
        "\u{2000}__Host-",
        "\u{2003}__Host-",
        "\u{3000}__Host-",
        "__host-",
        "__HOST-",
        "__Secure-",
        "",
        "=__Host-",
        "\"__Host-",
        "$__Host-",
        "__Host-__Host-",
    ] {
        let cookies = format!("{name}{ACCESS}={access}; {name}{REFRESH}={refresh}");
        let response = client.get("/service").accept_json().no_cookies().raw_cookie_header(&cookies).send().await;
        assert_eq!(response.status(), 401, "{name:?}");
        assert_eq!(response.json()["code"], "missing_token", "{name:?}");
    }
    for name in [format!("__Host-{ACCESS} "), format!("__Host-{}", ACCESS.replace('_', "%5F")), "__Host-access".into()]
    {
        let cookies = format!("{name}={access}");
        let response = client.get("/service").accept_json().no_cookies().raw_cookie_header(&cookies).send().await;
        assert_eq!(response.json()["code"], "missing_token", "{name:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s06_the_same_cookie_twice_is_refused() {
    let victim = Victim::new().await;
    let good = &victim.access;
    let mut client = victim.site.client();
    for (first, second) in [(good.as_str(), good.as_str()), (good, "junk"), ("junk", good), (good, ""), ("", good)] {
        let what = format!("{first} and {second}");
        let together = format!("{ACCESS}={first}; {ACCESS}={second}");
        let response = client.get("/service").accept_json().raw_cookie_header(&together).send().await;
        assert_refused_api_client(&what, &response);
        assert_eq!(response.json()["code"], "duplicate_cookie");
        assert_refused_page(&what, &client.get("/service").accept_html().raw_cookie_header(&together).send().await);

        // The cookies are in two `Cookie` fields, with another cookie between them.
        let request = client.get("/service").accept_json().raw_cookie_header(format!("{ACCESS}={first}; a=b"));
        assert_refused_api_client(&what, &request.raw_cookie_header(format!("{ACCESS}={second}")).send().await);

        // A valid refresh token makes no difference.
        let beside = format!("{together}; {REFRESH}={}", victim.refresh);
        assert_refused_api_client(&what, &client.get("/service").accept_json().raw_cookie_header(beside).send().await);
    }
    let twice = format!("{0}={1}; {0}={1}", REFRESH, victim.refresh);
    assert_refused_api_client(
        "on the way",
        &client.get("/service").accept_json().raw_cookie_header(&twice).send().await,
    );
    let csrf = claims(&victim.refresh)["csrf"].as_str().unwrap().to_owned();
    let request = client.post("/token/refresh").accept_json().header("x-csrf-token", csrf);
    assert_refused_api_client("at the refresh route", &request.raw_cookie_header(&twice).send().await);
    // These requests have not ended the session.
    assert_eq!(victim.accepted(good).await.as_deref(), Ok("alice"));
}

#[tokio::test(flavor = "multi_thread")]
async fn s07_junk_neighbours_do_no_harm() {
    let victim = Victim::new().await;
    let own = format!("{ACCESS}={}", victim.access);
    let own = own.as_bytes();
    for junk in [
        &b"a"[..],
        b"=",
        b"=;=;;",
        b";;;  ;",
        b"a=\xff\xfe\x80",
        b"\xff\xfe=b",
        b"n\xc3\xa4me=w\xc3\xa4rt",
        b"a=\"b",
        b"\"a=b\"",
        b"a=b=c==",
        b"a={\"json\":true}",
        b"access_token_cookie2=x",
        b"access_token_cookie",
        b"xaccess_token_cookie=x",
        b"Access_Token_Cookie=x",
        b"\t \ta=b\t",
        b"$Version=1",
        b"__Host-access_token_cookie=x",
    ] {
        for cookies in
            [[junk, b"; ", own].concat(), [own, b"; ", junk].concat(), [junk, b";", own, b";", junk].concat()]
        {
            let mut client = victim.site.client();
            let response = client.get("/service").accept_json().raw_cookie_header(&cookies).send().await;
            assert_eq!(response.status(), 200, "{}", String::from_utf8_lossy(&cookies));
            let response = client.get("/account").accept_html().raw_cookie_header(&cookies).send().await;
            assert_eq!(response.status(), 200, "{}", String::from_utf8_lossy(&cookies));
        }
        let mut client = victim.site.client();
        let request = client.get("/service").accept_json().raw_cookie_header(junk);
        assert_eq!(request.raw_cookie_header(own).send().await.status(), 200, "{}", String::from_utf8_lossy(junk));
    }
}

/// The properties by which a browser identifies a cookie.
fn identity(cookie: &StoredCookie) -> (String, String, Option<String>, bool, bool) {
    (cookie.name.clone(), cookie.path.clone(), cookie.domain.clone(), cookie.secure, cookie.http_only)
}

#[tokio::test(flavor = "multi_thread")]
async fn s08_a_log_out_deletes_what_the_log_in_set() {
    for refresh in BOTH_MODES {
        let (_site, mut client) = https_site(refresh).await;
        sign_up(&mut client, "alice").await;
        let log_in = log_in(&mut client, "alice", PASSWORD).await;
        let mut thief = client.clone();
        let log_out = client.post("/logout").accept_json().csrf().send().await;
        assert_eq!(log_out.status(), 200, "{}", log_out.text());
        // The log-out keeps the cookie that makes this browser a known device, for the next log-in.
        let is_device = |cookie: &StoredCookie| cookie.name == "__Host-Http-hardtack_device";
        let (_device, set): (Vec<_>, Vec<_>) = log_in.set_cookies().into_iter().partition(is_device);
        let deleted = log_out.set_cookies();
        let identities = |cookies: &[StoredCookie]| {
            let mut all: Vec<_> = cookies.iter().map(identity).collect();
            all.sort_unstable();
            all
        };
        assert!(set.len() >= 4, "{set:?}");
        assert_eq!(identities(&deleted), identities(&set), "{refresh:?}");
        for cookie in &deleted {
            assert_eq!((cookie.max_age, cookie.value.as_str()), (Some(0), ""), "{}", cookie.raw);
            assert!(cookie.raw.contains("Expires=Thu, 01 Jan 1970 00:00:00 GMT"), "{}", cookie.raw);
        }
        let left: Vec<String> = client.cookies().iter().map(|cookie| cookie.name.clone()).collect();
        assert_eq!(left, ["__Host-Http-hardtack_device"], "{refresh:?}");

        // When the site refuses a token, it deletes the same cookies.
        let refused = thief.get("/service").accept_json().send().await;
        assert_eq!(refused.status(), 401, "{}", refused.text());
        assert_eq!(identities(&refused.set_cookies()), identities(&set), "{refresh:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s09_a_session_id_is_never_the_clients_own() {
    let site = TestSite::start(Options::default()).await;
    site.person("alice").await;
    let invented = "0123456789abcdef0123456789abcdef";
    let payload = json!({ "sub": "x", "sid": invented, "iat": 1, "jti": "a", "type": "access" }).to_string();
    let unsigned = format!("{}.{}.", base64url(br#"{"alg":"none"}"#), base64url(payload.as_bytes()));
    let mut client = site.client();
    for (name, value) in
        [(ACCESS, unsigned.as_str()), (REFRESH, &unsigned), ("sid", invented), ("session", invented), ("id", invented)]
    {
        plant(&mut client, name, value);
    }
    let response = log_in(&mut client, "alice", PASSWORD).await;
    assert_eq!(response.status(), 200, "{}", response.text());
    for token in [cookie(&client, ACCESS), cookie(&client, REFRESH)] {
        assert_ne!(claims(&token)["sid"], invented);
    }
    let list = client.get("/account/sessions").accept_json().send().await;
    assert!(list.text().contains("\"current\":true") && !list.text().contains(invented), "{}", list.text());

    // Even with the site's own signature, a session that was never created is refused.
    let mut victim =
        Victim { access: cookie(&client, ACCESS), refresh: cookie(&client, REFRESH), browser: client, site };
    let mut refresh = claims(&victim.refresh);
    refresh["sid"] = json!(invented);
    victim.refuses_refresh("an invented session", forge(USUAL_HEADER, &refresh.to_string())).await;
    refresh["sid"] = json!("not hexadecimal");
    victim.refuses_refresh("a session id that is none", forge(USUAL_HEADER, &refresh.to_string())).await;
    refresh.as_object_mut().unwrap().remove("sid");
    victim.refuses_refresh("no session", forge(USUAL_HEADER, &refresh.to_string())).await;
    assert_eq!(whoami(&mut victim.browser).await.as_deref(), Ok("alice"));
}
