//! Tokens of another kind, time, user or site.

use hardtack::config::ClaimsPolicy;
use hardtack::{AuthenticatorBuilder, KeySet};
use hardtack_db::Statement;
use serde_json::{Value, json};

use super::{Victim, assert_refused_api_client, segments};
use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn s14_a_token_of_one_kind_is_not_one_of_another() {
    let victim = Victim::new().await;
    victim.refuses("a refresh token in the access cookie", &victim.refresh).await;
    victim.refuses_refresh("an access token in the refresh cookie", &victim.access).await;
    for kind in [json!("refresh"), json!("Access"), json!("id"), json!(""), json!(1), json!(true), Value::Null] {
        victim.refuses(&format!("type {kind}"), victim.with_claim("type", kind)).await;
    }
    // A CSRF token or a pre-session cookie is not accepted as an access token.
    victim.refuses("a CSRF value", claims(&victim.access)["csrf"].as_str().unwrap()).await;
    let mut client = victim.site.client();
    client.get("/login").accept_html().send().await;
    let cookies = client.cookies();
    assert!(!cookies.is_empty());
    for cookie in cookies {
        victim.refuses("a pre-session cookie", &cookie.value).await;
    }
    assert_eq!(whoami(&mut victim.browser.clone()).await.as_deref(), Ok("alice"));
}

#[tokio::test(flavor = "multi_thread")]
async fn s15_times_that_are_none_or_lie_ahead() {
    let victim = Victim::new().await;
    let now = victim.site.now().unix_seconds();
    for (name, value) in [
        ("exp", Value::Null),
        ("exp", json!((now + 900).to_string())),
        ("exp", json!(1e300)),
        ("exp", json!(-1)),
        ("exp", json!(-1e300)),
        ("exp", json!(true)),
        ("exp", json!([now + 900])),
        ("exp", json!(u64::MAX)),
        ("nbf", json!("now")),
        ("iat", json!(-1)),
        ("iat", Value::Null),
    ] {
        victim.refuses(&format!("{name} {value}"), victim.with_claim(name, value)).await;
    }
    let null = victim.claims().to_string().replace(&format!("\"exp\":{}", victim.claims()["exp"]), "\"exp\":null");
    assert!(null.contains("\"exp\":null"));
    victim.refuses("exp null", forge(USUAL_HEADER, &null)).await;
    let infinite = null.replace("\"exp\":null", "\"exp\":1e999");
    victim.refuses("exp 1e999", forge(USUAL_HEADER, &infinite)).await;
    for name in ["nbf", "iat"] {
        assert_eq!(victim.accepted(&victim.with_claim(name, json!(now + 4))).await, Err(401), "{name}");
    }
    for good in [victim.with_claim("nbf", json!(now + 3)), victim.with_claim("exp", json!(now as f64 + 1.5))] {
        assert_eq!(victim.accepted(&good).await.as_deref(), Ok("alice"));
    }
}

/// Tests the last accepted and the first refused second: by default, the leeway is zero for `exp` and three seconds for
/// `nbf` and `iat`; if it is set, all three have the same.
#[tokio::test(flavor = "multi_thread")]
async fn s16_leeway_is_exact() {
    for leeway in [0, 30] {
        let options = Options::default();
        let configure = if leeway == 0 {
            options.configure
        } else {
            |builder: AuthenticatorBuilder| builder.claims(ClaimsPolicy::default().leeway(seconds(30)))
        };
        let victim = Victim::at(Options { configure, ..options }).await;
        let now = victim.site.now().unix_seconds();
        let skew = if leeway == 0 { 3 } else { leeway };
        for (name, last_good, first_bad) in
            [("nbf", skew, skew + 1), ("iat", skew, skew + 1), ("exp", 1 - leeway, -leeway)]
        {
            let good = victim.with_claim(name, json!(now + last_good));
            assert_eq!(victim.accepted(&good).await.as_deref(), Ok("alice"), "{name} {last_good} with {leeway}");
            let bad = victim.with_claim(name, json!(now + first_bad));
            assert_eq!(victim.accepted(&bad).await, Err(401), "{name} {first_bad} with {leeway}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s17_tokens_for_others_and_from_others() {
    let victim = Victim::at(Options {
        configure: |builder| {
            builder.claims(ClaimsPolicy::default().audience("accounts").issuer("https://site.example"))
        },
        ..Options::default()
    })
    .await;
    let own = victim.claims();
    assert_eq!((&own["aud"], &own["iss"]), (&json!("accounts"), &json!("https://site.example")));
    for (name, value) in [
        ("aud", json!("shop")),
        ("aud", json!(["shop", "forum"])),
        ("aud", json!([])),
        ("aud", json!("ACCOUNTS")),
        ("aud", json!(7)),
        ("aud", Value::Null),
        ("iss", json!("https://evil.example")),
        ("iss", json!("https://site.example/")),
        ("iss", json!(["https://site.example"])),
        ("iss", Value::Null),
    ] {
        victim.refuses(&format!("{name} {value}"), victim.with_claim(name, value)).await;
    }
    let several = victim.with_claim("aud", json!(["shop", "accounts"]));
    assert_eq!(victim.accepted(&several).await.as_deref(), Ok("alice"));

    // If no audience is configured, a token with one is meant for another service.
    let victim = Victim::new().await;
    victim.refuses("an unexpected aud", victim.with_claim("aud", json!("accounts"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_sites_token_is_refused() {
    let victim = Victim::new().await;
    let keys = KeySet::from_secret(b"Zt8vQm3kLx0pWr5yNc2bHd7fJg4sKa9uEo6iTqR1wYzXnVlB").unwrap();
    let other = TestSite::start(Options { keys, ..Options::default() }).await;
    let foreigner = other.person("alice").await;
    victim.refuses("another site's access token", cookie(&foreigner, ACCESS)).await;
    victim.refuses_refresh("another site's refresh token", cookie(&foreigner, REFRESH)).await;
}

/// An expired token is refreshed only if it is valid otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_with_another_flaw_is_refused() {
    let victim = Victim::new().await;
    let now = victim.site.now().unix_seconds();
    let expired = victim.with_claim("exp", json!(now - 1));
    let [header, payload, _] = segments(&expired);
    let signed = format!("{header}.{payload}");
    let theirs = signature(b"an attacker's secret of 32 bytes!", &signed);
    victim.refuses("expired, wrong signature", format!("{signed}.{theirs}")).await;
    victim.refuses("expired, no signature", format!("{signed}.")).await;
    let mut claims = victim.claims();
    claims["exp"] = json!(now - 1);
    claims["type"] = json!("refresh");
    victim.refuses("expired, wrong kind", forge(USUAL_HEADER, &claims.to_string())).await;
    claims["type"] = json!("access");
    claims["aud"] = json!("shop");
    victim.refuses("expired, wrong audience", forge(USUAL_HEADER, &claims.to_string())).await;

    // The control: a token that has only expired is refreshed.
    let cookies = format!("{ACCESS}={expired}; {REFRESH}={}", victim.refresh);
    let mut client = victim.site.client();
    let response = client.get("/service").accept_json().raw_cookie_header(cookies).send().await;
    assert_eq!(response.json()["username"], "alice", "{}", response.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn s24_a_deleted_users_tokens_are_dead() {
    let victim = Victim::new().await;
    assert_eq!(victim.accepted(&victim.access).await.as_deref(), Ok("alice"));
    let delete = Statement::new("DELETE FROM users WHERE username = 'alice'");
    assert_eq!(victim.site.database().execute(delete).await.unwrap(), 1);
    victim.refuses("a deleted user's access token", &victim.access).await;
    let mut browser = victim.browser.clone();
    let response =
        browser.post("/account/change_settings").accept_json().csrf().json(&json!({ "email": "" })).send().await;
    assert_refused_api_client("a deleted user's change", &response);

    // A refresh token of a deleted user is refused.
    let mut thief = victim.site.client();
    plant(&mut thief, REFRESH, &victim.refresh);
    assert_eq!(whoami(&mut thief).await, Err(401));
    assert_eq!(whoami(&mut thief).await, Err(401));
}
