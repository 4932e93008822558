//! Forged and misplaced tokens. Each is refused and deleted, and never refreshed, even if a valid refresh token is sent
//! with it.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use axum::body::Body;
use hardtack::AuthenticatorBuilder;
use hardtack::config::ClaimsPolicy;
use hardtack::jwt::Algorithm;
use hardtack::jwt::TokenKind;
use hardtack::{KeySet, SigningKey};
use hardtack_db::Statement;
use hardtack_test_support::client::{Client, Response};
use http::StatusCode;
use serde_json::{Value, json};
use tower_service::Service;

use crate::support::*;

/// A user who is logged in, whose valid cookies are sent along with the forged ones.
pub(crate) struct Victim {
    pub(crate) site: TestSite,
    pub(crate) browser: Client,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Victim {
    pub(crate) async fn at(options: Options) -> Self {
        let site = TestSite::start(options).await;
        let browser = site.person("alice").await;
        let (access, refresh) = (cookie(&browser, ACCESS), cookie(&browser, REFRESH));
        Self { site, browser, access, refresh }
    }

    pub(crate) async fn new() -> Self {
        Self::at(Options::default()).await
    }

    /// The claims of the valid access token.
    fn claims(&self) -> Value {
        claims(&self.access)
    }

    /// A token signed by the site, with one claim changed; `null` removes the claim.
    fn with_claim(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value;
        }
        forge(USUAL_HEADER, &claims.to_string())
    }

    /// The victim's claims with another header.
    fn with_header(&self, header: &str) -> String {
        forge(header, &self.claims().to_string())
    }

    /// The user as whom a request with only this access cookie is accepted, or the status.
    pub(crate) async fn accepted(&self, token: &str) -> Result<String, u16> {
        let mut client = self.site.client();
        let response = client.get("/service").accept_json().raw_cookie_header(format!("{ACCESS}={token}")).send().await;
        match response.status().as_u16() {
            200 => Ok(response.json()["username"].as_str().unwrap().to_owned()),
            status => Err(status),
        }
    }

    /// Asserts that the access cookie is refused: alone, and with a valid refresh token.
    async fn refuses(&self, what: &str, token: impl AsRef<[u8]>) {
        let alone = [ACCESS.as_bytes(), b"=", token.as_ref()].concat();
        let beside = [alone.as_slice(), format!("; {REFRESH}={}", self.refresh).as_bytes()].concat();
        for cookies in [alone, beside] {
            let mut client = self.site.client();
            let response = client.get("/service").accept_json().raw_cookie_header(&cookies).send().await;
            assert_refused_api_client(what, &response);
            let response = client.get("/service").accept_html().raw_cookie_header(&cookies).send().await;
            assert_refused_page(what, &response);
            // A page that needs no user shows none, and the response deletes the cookies.
            let response = client.get("/").accept_json().raw_cookie_header(&cookies).send().await;
            assert_eq!((response.status().as_u16(), response.json()["user"].is_null()), (200, true), "{what}");
            assert_unset(what, &response);
        }
    }

    /// Asserts that the access cookie counts as absent and is left alone, as that of another application on the host.
    async fn ignores(&self, what: &str, token: &str) {
        let mut client = self.site.client();
        let pair = format!("{ACCESS}={token}");
        let response = client.get("/service").accept_json().raw_cookie_header(&pair).send().await;
        assert_eq!((response.status().as_u16(), &response.json()["code"]), (401, &json!("missing_token")), "{what}");
        assert!(response.set_cookies().is_empty(), "{what}");
        let response = client.get("/").accept_json().raw_cookie_header(&pair).send().await;
        assert_eq!((response.status().as_u16(), response.json()["user"].is_null()), (200, true), "{what}");
        assert!(response.set_cookies().is_empty(), "{what}");
    }

    /// Asserts that the refresh cookie is refused without an access cookie: in place, and at the refresh route.
    pub(crate) async fn refuses_refresh(&self, what: &str, token: impl AsRef<[u8]>) {
        let cookies = [REFRESH.as_bytes(), b"=", token.as_ref()].concat();
        let csrf = claims(&self.refresh)["csrf"].as_str().unwrap().to_owned();
        let mut client = self.site.client();
        let response = client.get("/service").accept_json().raw_cookie_header(&cookies).send().await;
        assert_refused_api_client(what, &response);
        let response = client.get("/service").accept_html().raw_cookie_header(&cookies).send().await;
        assert_refused_page(what, &response);
        let request = client.post("/token/refresh").accept_json().header("x-csrf-token", &csrf);
        assert_refused_api_client(what, &request.raw_cookie_header(&cookies).send().await);
        let request = client.post("/token/refresh").accept_html().header("x-csrf-token", &csrf);
        let response = request.raw_cookie_header(&cookies).send().await;
        assert_eq!(response.status(), 303, "{what}");
        assert!(response.location().unwrap().starts_with("/login"), "{what}: {:?}", response.location());
        assert_unset(what, &response);
    }
}

pub(crate) fn assert_refused_api_client(what: &str, response: &Response) {
    assert_eq!(response.status(), 401, "{what}: {} {}", response.path(), response.text());
    assert_eq!(response.header("content-type"), Some("application/problem+json"), "{what}");
    assert!(response.header("www-authenticate").unwrap().starts_with("Bearer"), "{what}");
    assert!(!response.text().contains("alice"), "{what}: {}", response.text());
    assert_unset(what, response);
}

pub(crate) fn assert_refused_page(what: &str, response: &Response) {
    assert_eq!(response.status(), 303, "{what}: {}", response.text());
    assert_eq!(response.location(), Some("/login?next=%2Fservice&ended=1"), "{what}");
    assert_unset(what, response);
}

/// Asserts that all four cookies are deleted, and no others set.
fn assert_unset(what: &str, response: &Response) {
    let cookies = response.set_cookies();
    let mut names: Vec<&str> = cookies.iter().map(|cookie| cookie.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, [ACCESS, "csrf_access_token", "csrf_refresh_token", REFRESH], "{what}");
    for cookie in cookies {
        assert!(cookie.is_deletion() && cookie.value.is_empty(), "{what}: {}", cookie.raw);
    }
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// The three segments of a token.
pub(crate) fn segments(token: &str) -> [&str; 3] {
    let parts: Vec<&str> = token.split('.').collect();
    parts.try_into().unwrap()
}

/// The control for the tests below: the tokens that they sign are valid until changed.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_tests_sign_is_accepted() {
    let victim = Victim::new().await;
    assert_eq!(victim.accepted(&victim.access).await.as_deref(), Ok("alice"));
    assert_eq!(victim.accepted(&forge(USUAL_HEADER, &victim.claims().to_string())).await.as_deref(), Ok("alice"));
    assert_eq!(victim.accepted(&victim.with_header(r#"{"typ":"JWT","alg":"HS256"}"#)).await.as_deref(), Ok("alice"));
}

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
async fn s18_extensions_are_refused() {
    let victim = Victim::new().await;
    for header in [
        r#"{"alg":"HS256","typ":"JWT","crit":["exp"],"exp":1}"#,
        r#"{"alg":"HS256","typ":"JWT","crit":[]}"#,
        r#"{"alg":"HS256","typ":"JWT","zip":"DEF"}"#,
        r#"{"alg":"HS256","typ":"JWT","b64":false,"crit":["b64"]}"#,
        r#"{"alg":"HS256","typ":"JWT","b64":false}"#,
        r#"{"alg":"HS256","typ":"JWT","b64":true}"#,
    ] {
        victim.refuses(header, victim.with_header(header)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s19_members_that_come_twice() {
    let victim = Victim::new().await;
    for header in [
        r#"{"alg":"HS256","alg":"HS256","typ":"JWT"}"#,
        r#"{"alg":"none","alg":"HS256","typ":"JWT"}"#,
        r#"{"alg":"HS256","typ":"JWT","\u0061lg":"none"}"#,
        r#"{"alg":"HS256","typ":"JWT","typ":"JWT"}"#,
    ] {
        victim.refuses(header, victim.with_header(header)).await;
    }
    let own = victim.claims().to_string();
    for more in [r#""sub":"somebody""#, r#""exp":9999999999"#, r#""type":"access""#, r#""\u0073ub":"x""#] {
        victim.refuses(more, forge(USUAL_HEADER, &format!("{{{more},{}", &own[1..]))).await;
        victim.refuses(more, forge(USUAL_HEADER, &format!("{},{more}}}", &own[..own.len() - 1]))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s20_one_spelling_and_no_other() {
    let victim = Victim::new().await;
    let token = victim.access.as_str();
    let [header, payload, signature] = segments(token);
    // 32 bytes leave two spare bits in the 43rd character.
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = alphabet.iter().position(|one| *one == signature.as_bytes()[42]).unwrap();
    assert_eq!(last % 4, 0);
    let sloppy = format!("{}{}", &signature[..42], char::from(alphabet[last + 1]));
    for (what, other) in [
        ("two segments", format!("{header}.{payload}")),
        ("four segments", format!("{token}.{signature}")),
        ("four segments, the last empty", format!("{token}.")),
        ("five segments", format!("{header}.{payload}..{signature}.{signature}")),
        ("an empty segment first", format!(".{token}")),
        ("padding", format!("{token}=")),
        ("padded header", format!("{header}=.{payload}.{signature}")),
        ("a space inside", format!("{header}. {payload}.{signature}")),
        ("a space in the signature", format!("{header}.{payload}.{} {}", &signature[..9], &signature[9..])),
        ("a tab", format!("{header}.\t{payload}.{signature}")),
        ("spare bits set", format!("{header}.{payload}.{sloppy}")),
        ("base64 that is not for URLs", format!("{header}.{payload}.+/{}", &signature[2..])),
        ("quotes", format!("\"{token}\"")),
        ("percent encoding", token.replace('.', "%2E")),
        ("a scheme", format!("Bearer {token}")),
        ("JSON", json!({ "payload": payload, "protected": header, "signature": signature }).to_string()),
        (
            "general JSON",
            json!({ "payload": payload, "signatures": [{ "protected": header, "signature": signature }] }).to_string(),
        ),
        ("dots", "..".to_owned()),
        ("a word", "token".to_owned()),
        ("an array for a header", forge("[]", &victim.claims().to_string())),
        ("two objects", forge(USUAL_HEADER, &format!("{}{{}}", victim.claims()))),
        ("an array for claims", forge(USUAL_HEADER, "[]")),
        ("no claims", forge(USUAL_HEADER, "{}")),
        ("nothing for claims", forge(USUAL_HEADER, "")),
        ("text for claims", forge(USUAL_HEADER, "alice")),
    ] {
        victim.refuses(what, other).await;
    }
    victim.refuses("bytes that are no text", b"\xff\xfe\x80.\xc3.\xf0").await;
    // An empty cookie counts as absent: it is not deleted.
    assert_eq!(victim.accepted("").await, Err(401));
}

/// Sends one request directly to the router, without the server's limits.
async fn straight(site: &TestSite, cookie: &str) -> http::Response<Body> {
    let mut router = site.router();
    let request = http::Request::get("/service").header("accept", "application/json").header("cookie", cookie);
    let ready: Result<(), Infallible> = poll_fn(|cx| Service::<http::Request<Body>>::poll_ready(&mut router, cx)).await;
    ready.unwrap();
    router.call(request.body(Body::empty()).unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn s21_a_huge_token_costs_nothing() {
    let victim = Victim::new().await;
    let megabyte = "A".repeat(1 << 20);
    for (what, token) in [
        ("1 MiB", megabyte.clone()),
        ("1 MiB of payload", forge(USUAL_HEADER, &format!("{{\"a\":\"{megabyte}\"}}"))),
        ("a million dots", ".".repeat(1_000_000)),
    ] {
        // Take the fastest run, because the machine may be busy.
        let fastest = (0..20).map(|_| {
            let start = Instant::now();
            assert!(victim.site.auth().decode::<hardtack::jwt::NoExtra>(&token, TokenKind::Access).is_err(), "{what}");
            start.elapsed()
        });
        assert!(fastest.min().unwrap() < Duration::from_millis(5), "{what}");

        let response = straight(&victim.site, &format!("{ACCESS}={token}")).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{what}");
        assert!(response.headers().get_all("set-cookie").iter().count() >= 4, "{what}");

        // Over a socket, the HTTP server refuses such a long head, and may close the connection before the client has
        // sent all of it.
        let mut client = victim.site.client();
        let request = client.get("/service").accept_json().raw_cookie_header(format!("{ACCESS}={token}"));
        if let Ok(response) = request.try_send().await {
            assert!(matches!(response.status().as_u16(), 401 | 431), "{what}: {}", response.status());
        }
    }
    for length in [4097, 8193, 60_000, 200_000] {
        victim.refuses(&format!("{length} bytes"), "A".repeat(length)).await;
        victim.refuses(&format!("{length} dots"), ".".repeat(length)).await;
    }
    assert_eq!(victim.accepted(&victim.access).await.as_deref(), Ok("alice"));
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
