//! Cookies from another application on the same host. Their tokens have a `kid` that no key of this site has. Cookies
//! with such tokens count as absent and are not deleted, unlike cookies with other invalid tokens.

use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, KeySet, RefreshMode, SigningKey};
use serde_json::{Value, json};

use crate::client::Client;
use crate::harness::{ACCESS, Case, REFRESH, Site, cookie_value};

/// Returns a browser in which a user has logged in to another application on this host.
async fn elsewhere(site: &Site) -> Client {
    let key = SigningKey::generate(Algorithm::HS256).unwrap().with_key_id("another application");
    let builder = Authenticator::builder(KeySet::new(key)).base_url(site.origin).clock(site.clock.clone());
    let builder = builder.refresh_mode(site.authenticator.refresh_mode());
    site.browser_with(&builder.build().unwrap().log_in("alice").await.unwrap())
}

fn case<F>(name: &str, run: impl FnOnce(Site) -> F + 'static) -> Case
where
    F: Future<Output = ()> + Send + 'static,
{
    Case::new(format!("cookies of another application: e16: {name}"), run)
}

pub(super) fn cases() -> Vec<Case> {
    let modes = [RefreshMode::Transparent, RefreshMode::Redirect, RefreshMode::Sliding, RefreshMode::Off];
    let mut cases: Vec<Case> = modes.into_iter().map(left_alone).collect();
    cases.extend([
        case("our refresh token beside the other application's access token", |site| async move {
            let mut browser = elsewhere(&site).await;
            let theirs = cookie_value(&browser, ACCESS);
            let alice = site.alice().await;
            browser.set_cookie_raw(&format!("{REFRESH}={}; Path=/; Secure; HttpOnly", cookie_value(&alice, REFRESH)));
            site.expect("GET", &browser.get("/protected").send().await, "200 +access +refresh");
            site.expect_eq("the refresh replaces it", cookie_value(&browser, ACCESS) == theirs, false);
        }),
        case("the other application's refresh token beside our access token of an ended session", |site| async move {
            let mut browser = elsewhere(&site).await;
            let alice = site.alice().await;
            site.authenticator.revoke_all_sessions("alice").await.unwrap();
            browser.set_cookie_raw(&format!("{ACCESS}={}; Path=/; Secure", cookie_value(&alice, ACCESS)));
            let refused = browser.clone().get("/protected").accept_json().send().await;
            site.expect("a required token", &refused, "401 revoked -access");
            let shown = browser.get("/anyone").send().await;
            site.expect("an optional token", &shown, "200 -access");
            site.expect_eq("its refresh token is left", browser.cookie(REFRESH).is_some(), true);
        }),
        case("the other application's token with a missing or broken signature", |site| async move {
            let token = cookie_value(&elsewhere(&site).await, ACCESS);
            let (signed, _) = token.rsplit_once('.').unwrap();
            for broken in [format!("{signed}."), format!("{signed}.="), signed.to_owned(), format!("{token}.x")] {
                let pair = format!("{ACCESS}={broken}");
                let response = site.visitor().get("/anyone").raw_cookie_header(&pair).send().await;
                site.expect("it is no JWS", &response, "200 -access -refresh");
            }
        }),
        case("the other application's token is refused in a header", |site| async move {
            let token = cookie_value(&elsewhere(&site).await, ACCESS);
            let mut visitor = site.visitor();
            let response = visitor.get("/anyone").header("authorization", format!("Bearer {token}")).send().await;
            site.expect("GET", &response, "401 unknown_key");
            // If a cookie contains the other application's token, the site must still find its own token in a later
            // location.
            let own = cookie_value(&site.alice().await, ACCESS);
            let request = visitor.get(&format!("/protected?jwt={own}"));
            let response = request.raw_cookie_header(format!("{ACCESS}={token}")).send().await;
            site.expect("GET", &response, "200");
        })
        .configured(|builder| {
            use hardtack::TokenLocation::{Cookies, Headers, QueryString};
            builder.token_sources([Headers, Cookies, QueryString])
        }),
    ]);
    cases
}

fn left_alone(mode: RefreshMode) -> Case {
    case(&format!("the cookies are left alone in the mode {mode:?}"), move |site| async move {
        let browser = elsewhere(&site).await;
        let send = |path: &'static str| {
            let mut browser = browser.clone();
            async move { browser.get(path).accept_json().send().await }
        };
        site.expect("an optional token", &send("/anyone").await, "200");
        site.expect_eq("nobody", send("/anyone").await.json(), json!({ "sub": Value::Null }));
        site.expect("an optional user", &send("/user/optional").await, "200");
        site.expect("a refresh token", &send("/refresh-token").await, "401 missing_token");
        site.expect("a form", &send("/form").await, "200");
        let posted = browser.clone().post("/token/refresh").accept_json().send().await;
        site.expect("the refresh URL", &posted, "401 missing_token");
        // In redirect mode, the CSRF cookie is a sign that the browser might have a session here.
        let logged_out = if mode == RefreshMode::Redirect { "401 refresh_needed" } else { "200" };
        site.expect("log-out", &browser.clone().post("/logout").accept_json().send().await, logged_out);
        let mut person = browser.clone();
        let refused = person.get("/protected").accept_html().follow().await;
        let deleted = |line: &str| line.contains('-');
        site.expect_eq("a page", refused.hops().iter().any(|hop| deleted(&site.summary(hop))), false);
        site.expect_eq("it has both cookies", person.cookies().len(), browser.cookies().len());
        let login = person.post("/login").accept_json().json(&json!({ "sub": "alice" })).send().await;
        site.expect_eq("a log-in replaces them", login.status().as_u16(), 200);
        site.expect("afterwards", &person.get("/protected").send().await, "200");
    })
    .configured(move |builder| builder.refresh_mode(mode))
}
