//! Tokens that are unsigned, or signed with another key or algorithm.

use std::net::TcpListener;

use hardtack::jwt::Algorithm;
use hardtack::{KeySet, SigningKey};
use hardtack_test_support::client::Client;
use serde_json::{Value, json};

use super::{Victim, base64url, segments};
use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn s10_unsigned_tokens_are_refused() {
    let victim = Victim::new().await;
    let [header, payload, signature] = segments(&victim.access);
    for alg in ["none", "None", "nOnE", "NONE", "", "HS0", "hs256"] {
        let head = base64url(format!(r#"{{"alg":"{alg}","typ":"JWT"}}"#).as_bytes());
        victim.refuses(&format!("alg {alg}, no signature"), format!("{head}.{payload}.")).await;
        victim.refuses(&format!("alg {alg}"), format!("{head}.{payload}.{signature}")).await;
        victim.refuses(&format!("alg {alg}, signed"), victim.with_header(&format!(r#"{{"alg":"{alg}"}}"#))).await;
    }
    victim.refuses("no algorithm", victim.with_header(r#"{"typ":"JWT"}"#)).await;
    victim.refuses("no signature", format!("{header}.{payload}.")).await;
    victim.refuses("half a signature", format!("{header}.{payload}.{}", &signature[..20])).await;
    victim
        .refuses("another payload's signature", {
            let other = forge(USUAL_HEADER, r#"{"sub":"x"}"#);
            format!("{header}.{payload}.{}", segments(&other)[2])
        })
        .await;
    let [header, payload, _] = segments(&victim.refresh);
    victim.refuses_refresh("no signature", format!("{header}.{payload}.")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s93_a_token_of_another_type_is_refused() {
    let victim = Victim::new().await;
    for typ in ["jwt", "Jwt"] {
        let header = json!({ "alg": "HS256", "typ": typ }).to_string();
        assert_eq!(victim.accepted(&victim.with_header(&header)).await.as_deref(), Ok("alice"), "{typ}");
    }
    assert_eq!(victim.accepted(&victim.with_header(r#"{"alg":"HS256"}"#)).await.as_deref(), Ok("alice"));
    for typ in ["at+jwt", "dbsc+jwt", "logout+jwt", "JWE", "", "JWT;x"] {
        let header = json!({ "alg": "HS256", "typ": typ }).to_string();
        victim.refuses(typ, victim.with_header(&header)).await;
        victim.refuses_refresh(typ, forge(&header, &claims(&victim.refresh).to_string())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s93_ed25519_is_another_name_of_eddsa() {
    for (own, other) in [(Algorithm::EdDSA, "Ed25519"), (Algorithm::Ed25519, "EdDSA")] {
        let key = SigningKey::generate(own).unwrap();
        let victim = Victim::at(Options { keys: KeySet::new(key.clone()), ..Options::default() }).await;
        assert_eq!(victim.accepted(&victim.access).await.as_deref(), Ok("alice"));
        let mut jwk: Value = serde_json::from_str(&key.dangerous_to_private_jwk_json()).unwrap();
        jwk["alg"] = other.into();
        let renamed = KeySet::new(SigningKey::from_jwk(&jwk.to_string()).unwrap());
        let token = renamed.sign(victim.claims().to_string().as_bytes()).unwrap();
        assert_eq!(victim.accepted(&token).await.as_deref(), Ok("alice"), "{other}");
    }
}

/// The site signs with a private key; the attacker uses the public key as an HMAC secret.
#[tokio::test(flavor = "multi_thread")]
async fn s11_a_public_key_is_no_secret() {
    let key = SigningKey::generate(Algorithm::EdDSA).unwrap().with_key_id("2026");
    let keys = KeySet::new(key);
    let jwks = keys.to_public_jwk_set().to_public_json();
    let jwk: Value = serde_json::from_str::<Value>(&jwks).unwrap()["keys"][0].clone();
    let x = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(jwk["x"].as_str().unwrap()).unwrap();
    // RFC 8410 §4: the SubjectPublicKeyInfo of an Ed25519 key.
    let der = [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00], x.as_slice()].concat();
    let text = base64_simd::STANDARD.encode_to_string(&der);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n");

    let victim = Victim::at(Options { keys, ..Options::default() }).await;
    assert_eq!(victim.accepted(&victim.access).await.as_deref(), Ok("alice"));
    let payload = base64url(victim.claims().to_string().as_bytes());
    for (what, secret) in [
        ("PEM", pem.as_bytes().to_vec()),
        ("PEM without its last line break", pem.trim_end().as_bytes().to_vec()),
        ("PEM after white space", format!(" \n{pem}").into_bytes()),
        ("DER", der),
        ("the raw key", x),
        ("JWK", jwk.to_string().into_bytes()),
        ("JWK set", jwks.into_bytes()),
        ("its coordinate", jwk["x"].as_str().unwrap().as_bytes().to_vec()),
    ] {
        for header in [r#"{"alg":"HS256","typ":"JWT"}"#, r#"{"alg":"HS256","kid":"2026","typ":"JWT"}"#] {
            let signed = format!("{}.{payload}", base64url(header.as_bytes()));
            let token = format!("{signed}.{}", signature(&secret, &signed));
            victim.refuses(&format!("{what} as secret, {header}"), token).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s12_a_key_that_a_token_brings_along_is_neither_used_nor_fetched() {
    let victim = Victim::new().await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let own_key = json!({ "kty": "oct", "k": base64url(b"an attacker's secret of 32 bytes!") });
    for (name, value) in [
        ("jwk", own_key.clone()),
        ("jku", json!(url)),
        ("x5u", json!(url)),
        ("x5c", json!([base64_simd::STANDARD.encode_to_string(b"certificate")])),
        ("jwk", Value::Null),
    ] {
        let header = json!({ "alg": "HS256", "typ": "JWT", name: value }).to_string();
        // The token is refused because of the header member alone, even if it is signed with the site's secret.
        victim.refuses(&format!("{name}, signed by us"), victim.with_header(&header)).await;
        let signed = format!("{}.{}", base64url(header.as_bytes()), segments(&victim.access)[1]);
        let theirs = signature(b"an attacker's secret of 32 bytes!", &signed);
        victim.refuses(&format!("{name}, signed by them"), format!("{signed}.{theirs}")).await;
    }
    let no_connection = listener.accept().unwrap_err();
    assert_eq!(no_connection.kind(), std::io::ErrorKind::WouldBlock, "the site fetched a key");
}

#[tokio::test(flavor = "multi_thread")]
async fn s13_a_key_id_is_only_compared() {
    let victim = Victim::new().await;
    for kid in [
        json!("../../../../dev/null"),
        json!("/etc/passwd"),
        json!("..%2f..%2fapp.db"),
        json!("' OR 1=1 --"),
        json!("1; DROP TABLE users"),
        json!("http://127.0.0.1:1/key"),
        json!("|/bin/true"),
        json!("\u{0}"),
        json!(""),
        json!("k".repeat(257)),
        json!("k".repeat(10_000)),
        json!(0),
        json!(["2026"]),
        json!(null),
    ] {
        let header = json!({ "alg": "HS256", "kid": kid, "typ": "JWT" }).to_string();
        let what: String = header.chars().take(80).collect();
        let token = victim.with_header(&header);
        match kid.as_str() {
            Some(id) if id.len() <= 256 => victim.ignores(&what, &token).await,
            _ => victim.refuses(&what, token).await,
        }
    }
    // No table was dropped.
    assert_eq!(victim.accepted(&victim.access).await.as_deref(), Ok("alice"));
}

/// A browser of one site, moved to another site on the same database.
fn moved(from: &Client, to: &TestSite) -> Client {
    let mut client = to.client();
    for cookie in from.cookies() {
        client.set_cookie_raw(&cookie.raw);
    }
    client
}

fn key_id(token: &str) -> Value {
    let header = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(segments(token)[0]).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn s23_a_rotated_key_logs_nobody_out() {
    let old = SigningKey::from_secret(SECRET).unwrap().with_key_id("2025");
    let new = SigningKey::from_secret(b"Zt8vQm3kLx0pWr5yNc2bHd7fJg4sKa9uEo6iTqR1wYzXnVlB").unwrap().with_key_id("2026");
    let before = TestSite::start(Options { keys: KeySet::new(old.clone()), ..Options::default() }).await;
    let alice = before.person("alice").await;
    let idle = before.device_of("alice").await;
    assert_eq!(key_id(&cookie(&alice, ACCESS)), "2025");

    // The new key signs; the old one still verifies.
    let keys = KeySet::new(new.clone()).also_verify(old.verifying_key()).unwrap();
    let during = before.beside(Options { keys, ..Options::default() }).await;
    let mut alice = moved(&alice, &during);
    assert_eq!(whoami(&mut alice).await.as_deref(), Ok("alice"));
    assert_eq!(key_id(&cookie(&alice, ACCESS)), "2025");
    let body = json!({ "display_name": "Alice" });
    let changed = alice.post("/account/change_settings").accept_json().csrf().json(&body).send().await;
    assert_eq!(changed.status(), 200, "{}", changed.text());
    let newcomer = during.device_of("alice").await;
    assert_eq!(key_id(&cookie(&newcomer, ACCESS)), "2026");

    // When Alice's old tokens have expired, she gets tokens that are signed with the new key.
    during.expire_access();
    assert_eq!(whoami(&mut alice).await.as_deref(), Ok("alice"));
    for token in [cookie(&alice, ACCESS), cookie(&alice, REFRESH)] {
        assert_eq!(key_id(&token), "2026");
    }

    // After the old key is removed, tokens that it signed count as those of another application.
    let after = before.beside(Options { keys: KeySet::new(new), ..Options::default() }).await;
    let mut alice = moved(&alice, &after);
    assert_eq!(whoami(&mut alice).await.as_deref(), Ok("alice"));
    let mut idle = moved(&idle, &after);
    let response = idle.get("/service").accept_json().send().await;
    assert_eq!((response.status().as_u16(), &response.json()["code"]), (401, &json!("missing_token")));
    assert!(response.set_cookies().is_empty());
}
