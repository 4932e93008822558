//! Cookies that nobody of ours has baked, or that came to the wrong place. Each is refused and taken
//! away, and never exchanged for a good one, although a good refresh token lies beside it.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use axum::body::Body;
use hardtack::authenticator::Builder;
use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, CookiePolicy, KeySet, RefreshMode, SameSite, SigningKey, TokenKind};
use hardtack_conformance::StoredCookie;
use hardtack_conformance::client::{Client, Response};
use http::StatusCode;
use serde_json::{Value, json};
use tower_service::Service;

use crate::support::*;

/// A victim, logged in, whose good cookies lie beside the forged ones.
struct Victim {
    site: TestSite,
    browser: Client,
    access: String,
    refresh: String,
}

impl Victim {
    async fn at(options: Options) -> Self {
        let site = TestSite::start(options).await;
        let browser = site.person("alice").await;
        let (access, refresh) = (cookie(&browser, ACCESS), cookie(&browser, REFRESH));
        Self { site, browser, access, refresh }
    }

    async fn new() -> Self {
        Self::at(Options::default()).await
    }

    /// The claims of the good access token, for a forger to change.
    fn claims(&self) -> Value {
        claims(&self.access)
    }

    /// A token in the site's own hand, with one claim changed; `null` removes it.
    fn with_claim(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value;
        }
        forge(USUAL_HEADER, &claims.to_string())
    }

    /// The victim's own claims under another header.
    fn with_header(&self, header: &str) -> String {
        forge(header, &self.claims().to_string())
    }

    /// Who is taken for whom with this access cookie alone.
    async fn accepted(&self, token: &str) -> Result<String, u16> {
        let mut client = self.site.client();
        let response = client.get("/service").accept_json().raw_cookie_header(format!("{ACCESS}={token}")).send().await;
        match response.status().as_u16() {
            200 => Ok(response.json()["username"].as_str().unwrap().to_owned()),
            status => Err(status),
        }
    }

    /// In the access cookie: alone, and beside a good refresh token.
    async fn refuses(&self, what: &str, token: impl AsRef<[u8]>) {
        let alone = [ACCESS.as_bytes(), b"=", token.as_ref()].concat();
        let beside = [alone.as_slice(), format!("; {REFRESH}={}", self.refresh).as_bytes()].concat();
        for cookies in [alone, beside] {
            let mut client = self.site.client();
            let response = client.get("/service").accept_json().raw_cookie_header(&cookies).send().await;
            assert_refused_program(what, &response);
            let response = client.get("/service").accept_html().raw_cookie_header(&cookies).send().await;
            assert_refused_page(what, &response);
            // Where anybody may come, too.
            let response = client.get("/").accept_json().raw_cookie_header(&cookies).send().await;
            assert_refused_program(what, &response);
        }
    }

    /// In the refresh cookie, without an access cookie: on the way, and at the refresh route.
    async fn refuses_refresh(&self, what: &str, token: impl AsRef<[u8]>) {
        let cookies = [REFRESH.as_bytes(), b"=", token.as_ref()].concat();
        let csrf = claims(&self.refresh)["csrf"].as_str().unwrap().to_owned();
        let mut client = self.site.client();
        let response = client.get("/service").accept_json().raw_cookie_header(&cookies).send().await;
        assert_refused_program(what, &response);
        let response = client.get("/service").accept_html().raw_cookie_header(&cookies).send().await;
        assert_refused_page(what, &response);
        let request = client.post("/token/refresh").accept_json().header("x-csrf-token", &csrf);
        assert_refused_program(what, &request.raw_cookie_header(&cookies).send().await);
        let response = client.get("/token/refresh").accept_html().raw_cookie_header(&cookies).send().await;
        assert_eq!(response.status(), 303, "{what}");
        assert!(response.location().unwrap().starts_with("/login"), "{what}: {:?}", response.location());
        assert_unset(what, &response);
    }
}

fn assert_refused_program(what: &str, response: &Response) {
    assert_eq!(response.status(), 401, "{what}: {} {}", response.path(), response.text());
    assert_eq!(response.header("content-type"), Some("application/problem+json"), "{what}");
    assert!(response.header("www-authenticate").unwrap().starts_with("Bearer"), "{what}");
    assert!(!response.text().contains("alice"), "{what}: {}", response.text());
    assert_unset(what, response);
}

fn assert_refused_page(what: &str, response: &Response) {
    assert_eq!(response.status(), 303, "{what}: {}", response.text());
    assert_eq!(response.location(), Some("/login?next=%2Fservice&ended=1"), "{what}");
    assert_unset(what, response);
}

/// The browser is rid of all four cookies, and got no others.
fn assert_unset(what: &str, response: &Response) {
    let cookies = response.set_cookies();
    let mut names: Vec<&str> = cookies.iter().map(|cookie| cookie.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, [ACCESS, "csrf_access_token", "csrf_refresh_token", REFRESH], "{what}");
    for cookie in cookies {
        assert!(cookie.is_deletion() && cookie.value.is_empty(), "{what}: {}", cookie.raw);
    }
}

fn base64url(bytes: &[u8]) -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// The three segments.
fn segments(token: &str) -> [&str; 3] {
    let parts: Vec<&str> = token.split('.').collect();
    parts.try_into().unwrap()
}

/// Without this the refusals below would prove nothing: what the tests sign is good until changed.
#[tokio::test(flavor = "multi_thread")]
async fn the_forgers_hand_is_the_sites_own() {
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

/// The site signs with a private key; the forger has the public one and tries it as a secret.
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
        // Signed with our own secret: the member alone is enough.
        victim.refuses(&format!("{name}, signed by us"), victim.with_header(&header)).await;
        let signed = format!("{}.{}", base64url(header.as_bytes()), segments(&victim.access)[1]);
        let theirs = signature(b"an attacker's secret of 32 bytes!", &signed);
        victim.refuses(&format!("{name}, signed by them"), format!("{signed}.{theirs}")).await;
    }
    let nobody = listener.accept().unwrap_err();
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock, "the site came to fetch a key");
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
        victim.refuses(&what, victim.with_header(&header)).await;
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
    // The CSRF value and the pre-session cookie are none either.
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
        ("nbf", json!(now + 1)),
        ("nbf", json!("now")),
        ("iat", json!(now + 1)),
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
    for good in [victim.with_claim("nbf", json!(now)), victim.with_claim("exp", json!(now as f64 + 1.5))] {
        assert_eq!(victim.accepted(&good).await.as_deref(), Ok("alice"));
    }
}

/// At its edges: none by default, and as many seconds as were set.
#[tokio::test(flavor = "multi_thread")]
async fn s16_leeway_is_exact() {
    for leeway in [0, 30] {
        let options = Options::default();
        let configure = if leeway == 0 { options.configure } else { |builder: Builder| builder.leeway(seconds(30)) };
        let victim = Victim::at(Options { configure, ..options }).await;
        let now = victim.site.now().unix_seconds();
        for (name, last_good, first_bad) in
            [("nbf", leeway, leeway + 1), ("iat", leeway, leeway + 1), ("exp", 1 - leeway, -leeway)]
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
        configure: |builder| builder.audience("accounts").issuer("https://site.example"),
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

    // Where no audience is set, a token that names one is meant for someone else.
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
    // 32 bytes leave two bits over in the 43rd character.
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
    // An empty cookie is a deleted one: nobody, and nothing to take away.
    assert_eq!(victim.accepted("").await, Err(401));
}

/// One request, straight into the router: no server's own limit stands before it.
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
        // The machine may be busy; the work itself is what counts.
        let fastest = (0..20).map(|_| {
            let start = Instant::now();
            assert!(victim.site.auth().decode::<hardtack::NoExtra>(&token, TokenKind::Access).is_err(), "{what}");
            start.elapsed()
        });
        assert!(fastest.min().unwrap() < Duration::from_millis(5), "{what}");

        let response = straight(&victim.site, &format!("{ACCESS}={token}")).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{what}");
        assert!(response.headers().get_all("set-cookie").iter().count() >= 4, "{what}");

        // Over a socket the server itself refuses so long a head, and may hang up while it is still sent.
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
async fn another_sites_token_is_a_stranger_here() {
    let victim = Victim::new().await;
    let keys = KeySet::from_secret(b"Zt8vQm3kLx0pWr5yNc2bHd7fJg4sKa9uEo6iTqR1wYzXnVlB").unwrap();
    let other = TestSite::start(Options { keys, ..Options::default() }).await;
    let stranger = other.person("alice").await;
    victim.refuses("another site's access token", cookie(&stranger, ACCESS)).await;
    victim.refuses_refresh("another site's refresh token", cookie(&stranger, REFRESH)).await;
}

/// Only a token that is perfect apart from its age is exchanged for a new one.
#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_with_another_flaw_is_forged() {
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

    // The control: merely expired, it is exchanged.
    let cookies = format!("{ACCESS}={expired}; {REFRESH}={}", victim.refresh);
    let mut client = victim.site.client();
    let response = client.get("/service").accept_json().raw_cookie_header(cookies).send().await;
    assert_eq!(response.json()["username"], "alice", "{}", response.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn s24_a_deleted_users_tokens_are_dead() {
    let victim = Victim::new().await;
    assert_eq!(victim.accepted(&victim.access).await.as_deref(), Ok("alice"));
    let deleted = sqlx::query("DELETE FROM users WHERE username = 'alice'").execute(victim.site.pool()).await.unwrap();
    assert_eq!(deleted.rows_affected(), 1);
    victim.refuses("a deleted user's access token", &victim.access).await;
    let mut browser = victim.browser.clone();
    let response =
        browser.post("/account/change_settings").accept_json().csrf().json(&json!({ "email": "" })).send().await;
    assert_refused_program("a deleted user's change", &response);

    // The refresh token may be exchanged, and does not bring the user back.
    let mut thief = victim.site.client();
    plant(&mut thief, REFRESH, &victim.refresh);
    assert_eq!(whoami(&mut thief).await, Err(401));
    assert_eq!(whoami(&mut thief).await, Err(401));
}

// Cookies.

async fn https_site(refresh: RefreshMode) -> (TestSite, Client) {
    let base_url = Some("https://site.example");
    let site = TestSite::start(Options { base_url, refresh, ..Options::default() }).await;
    let client = site.client().at_origin("https://site.example");
    (site, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn s01_over_https_every_cookie_is_bound_to_its_host() {
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
        }
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
    // A form whose sender has to type the password first waits in a cookie of its own.
    let fields = [("csrf_token", csrf.as_str()), ("display_name", "Alice"), ("email", "")];
    seen.push(client.post("/account/change_settings").accept_html().form(&fields).send().await);
    assert!(seen.last().unwrap().set_cookies().iter().any(|cookie| cookie.path == "/account"), "no draft was kept");
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

    // `None` without Secure, or without CSRF protection, is not built.
    let none = || CookiePolicy::default().same_site(SameSite::None);
    let builder = || Authenticator::builder(KeySet::from_secret(SECRET).unwrap());
    assert!(builder().base_url("http://127.0.0.1:8080").cookies(none()).build().is_err());
    assert!(builder().base_url("https://site.example").cookies(none().secure(false)).build().is_err());
    assert!(builder().base_url("https://site.example").cookies(none()).insecure_without_csrf().build().is_err());
    assert!(builder().base_url("https://site.example").cookies(none()).build().is_ok());
}

/// In no page, no JSON, no address and no other header field.
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
                // The signature alone would do a thief no less good.
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
        assert_refused_program(&what, &response);
        assert_eq!(response.json()["code"], "duplicate_cookie");
        assert_refused_page(&what, &client.get("/service").accept_html().raw_cookie_header(&together).send().await);

        // In two fields, and with another cookie in between.
        let request = client.get("/service").accept_json().raw_cookie_header(format!("{ACCESS}={first}; a=b"));
        assert_refused_program(&what, &request.raw_cookie_header(format!("{ACCESS}={second}")).send().await);

        // Beside a good refresh token, too.
        let beside = format!("{together}; {REFRESH}={}", victim.refresh);
        assert_refused_program(&what, &client.get("/service").accept_json().raw_cookie_header(beside).send().await);
    }
    let twice = format!("{0}={1}; {0}={1}", REFRESH, victim.refresh);
    assert_refused_program("on the way", &client.get("/service").accept_json().raw_cookie_header(&twice).send().await);
    let csrf = claims(&victim.refresh)["csrf"].as_str().unwrap().to_owned();
    let request = client.post("/token/refresh").accept_json().header("x-csrf-token", csrf);
    assert_refused_program("at the refresh route", &request.raw_cookie_header(&twice).send().await);
    // A thief with half of the cookies ended nothing.
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

/// What tells a browser that a cookie is the same one.
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
        let set = log_in.set_cookies();
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
        assert_eq!(left, [""; 0], "{refresh:?}");

        // What is refused is deleted just so.
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

    // Even in the site's own hand a session that was never begun is not continued.
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

/// The browser of one site, taken to another that shares its database.
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

    // The new key signs, the old one verifies on.
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

    // By the time that her old tokens have expired, she has got new ones.
    during.expire_access();
    assert_eq!(whoami(&mut alice).await.as_deref(), Ok("alice"));
    for token in [cookie(&alice, ACCESS), cookie(&alice, REFRESH)] {
        assert_eq!(key_id(&token), "2026");
    }

    // The old key is gone, and with it whatever only it has signed.
    let after = before.beside(Options { keys: KeySet::new(new), ..Options::default() }).await;
    let mut alice = moved(&alice, &after);
    assert_eq!(whoami(&mut alice).await.as_deref(), Ok("alice"));
    let mut idle = moved(&idle, &after);
    let response = idle.get("/service").accept_json().send().await;
    assert_refused_program("a retired key's token", &response);
    assert_eq!(response.json()["code"], "unknown_key");
}
