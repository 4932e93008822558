//! The targets. Each target reads arbitrary bytes and panics if a parser breaks a rule. If another crate parses the
//! same format, the target compares the results.

use std::net::IpAddr;
use std::sync::LazyLock;

use hardtack::client_address::{ForwardedHeader, TrustedProxies};
use hardtack::cookie::CookieName;
use hardtack::fuzzing;
use hardtack::jwt::{Algorithm, Claims, Jwk, JwkSet, Unverified};
use hardtack::request::{Authority, NextPath, Wants};
use hardtack::testing::{StoredCookie, TestDevice, TestRequest};
use hardtack::{Authenticator, BaseUrl, KeySet, SigningKey};
use serde_json::{Map, Value};
use url::{Host, Url};

/// A target, with its name.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const ALL: &[Target] = &[
    ("token", token),
    ("claims", claims),
    ("proof", proof),
    ("cookie", cookie),
    ("bearer", bearer),
    ("field", field),
    ("jwk", jwk),
    ("base_url", base_url),
    ("next", next),
    ("host", host),
    ("forwarded", forwarded),
    ("body", body),
    ("explain", explain),
];

static KEY: LazyLock<SigningKey> = LazyLock::new(|| generate(Algorithm::HS256));
static KEYS: LazyLock<KeySet> = LazyLock::new(|| KeySet::new(KEY.clone()));
static DEVICE: LazyLock<TestDevice> = LazyLock::new(|| match TestDevice::new(Algorithm::ES256) {
    Ok(device) => device,
    Err(error) => panic!("{error}"),
});

fn generate(algorithm: Algorithm) -> SigningKey {
    match SigningKey::generate(algorithm) {
        Ok(key) => key,
        Err(error) => panic!("{error}"),
    }
}

/// Splits the input at the first line feed.
fn halves(data: &[u8]) -> (&[u8], &[u8]) {
    let at = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    (&data[..at], data.get(at + 1..).unwrap_or_default())
}

fn object(json: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(json).ok()
}

/// Any text as a token, and a token with any header and payload and a valid signature.
pub fn token(data: &[u8]) {
    assert!(KEYS.verify(data).is_err(), "a forged token was accepted");
    let _ = std::str::from_utf8(data).map(Unverified::parse);
    let (header, payload) = halves(data);
    let Ok(header) = std::str::from_utf8(header) else { return };
    let signed = fuzzing::sign(header, payload, &KEY);
    let Ok(verified) = KEYS.verify(signed.as_bytes()) else { return };
    assert_eq!(&*verified, payload);
    let Some(members) = object(header.as_bytes()) else { panic!("the header is not JSON: {header}") };
    assert_eq!(members.get("alg").and_then(Value::as_str), Some("HS256"));
    for name in ["crit", "b64", "zip", "jwk", "jku", "x5u", "x5c", "kid"] {
        assert!(!members.contains_key(name), "{name}");
    }
    if let Some(typ) = members.get("typ") {
        let typ = typ.as_str().map(str::to_lowercase);
        assert!(matches!(typ.as_deref(), Some("jwt" | "application/jwt")), "{typ:?}");
    }
}

/// The payload of a token whose signature is valid.
pub fn claims(data: &[u8]) {
    let read = Claims::from_json(data).ok();
    assert_eq!(read, fuzzing::strict_claims(data), "the two readers differ");
    let Some(read) = read else { return };
    let Some(members) = object(data) else { panic!("the payload is not JSON") };
    assert_eq!(members.get("sub").and_then(Value::as_str), Some(read.subject.as_str()));
    assert_eq!(members.get("jti").and_then(Value::as_str), Some(read.token_id.as_str()));
    assert_eq!(members.get("type").and_then(Value::as_str), Some(read.kind.as_str()));
    let seconds = |name: &str| members.get(name).and_then(Value::as_f64).map(|seconds| seconds as i64);
    assert_eq!(seconds("iat"), Some(read.issued_at.unix_seconds()));
    assert_eq!(seconds("exp"), read.expires_at.map(|at| at.unix_seconds()));
    assert_eq!(seconds("nbf"), read.not_before.map(|at| at.unix_seconds()));
    match read.to_json(&Map::new()) {
        Ok(written) => assert_eq!(Claims::from_json(&written).ok().as_ref(), Some(&read)),
        Err(error) => panic!("claims that were read cannot be written: {error}"),
    }
}

/// Any text as a proof, and a proof with any header and payload and a valid signature. In the header, `@` stands for
/// the public key of the device.
pub fn proof(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        assert_eq!(fuzzing::registration(text), None, "a forged proof was accepted");
    }
    let (header, payload) = halves(data);
    let Ok(header) = std::str::from_utf8(header) else { return };
    let key = DEVICE.public_jwk();
    let header = header.replace('@', &key.to_string());
    let Ok(payload_text) = std::str::from_utf8(payload) else { return };
    let (Ok(header_value), Ok(payload_value)) =
        (serde_json::from_str::<Value>(&header), serde_json::from_str::<Value>(payload_text))
    else {
        // The device only signs valid values, so the text is signed with another key. No such proof can be valid.
        let signed = fuzzing::sign(&header, payload, &KEY);
        assert_eq!(fuzzing::registration(&signed), None);
        return;
    };
    let signed = DEVICE.sign(&header_value, &payload_value);
    static STORED: LazyLock<String> =
        LazyLock::new(|| fuzzing::registration(&DEVICE.register("c")).map(|(key, _)| key).unwrap_or_default());
    let registered = fuzzing::registration(&signed);
    let refreshed = fuzzing::refresh(&signed, &STORED);
    assert!(registered.is_none() || refreshed.is_none(), "one proof was accepted for both purposes");
    let Some(challenge) = registered.map(|(_, challenge)| challenge).or(refreshed) else { return };
    assert_eq!(payload_value["jti"].as_str(), Some(challenge.as_str()));
    assert_eq!(header_value["alg"], "ES256");
    for name in ["crit", "b64", "zip", "jku", "x5u", "x5c"] {
        assert!(header_value.get(name).is_none(), "{name}");
    }
    let typ = header_value["typ"].as_str().map(str::to_lowercase);
    assert!(matches!(typ.as_deref(), Some("dbsc+jwt" | "application/dbsc+jwt")), "{typ:?}");
    if let Some(jwk) = header_value.get("jwk") {
        assert!(jwk["x"] == key["x"] && jwk["y"] == key["y"] && jwk.get("d").is_none());
    }
}

/// `Cookie` fields, one a line, and a `Set-Cookie` field.
pub fn cookie(data: &[u8]) {
    let fields: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    for name in ["id", "__Host-id"] {
        let found = CookieName::new(name).find_in(fields.iter().copied());
        let mut all = fields.iter().flat_map(|field| field.split(|byte| *byte == b';')).filter_map(|pair| {
            let pair = trim(pair);
            pair.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"="))
        });
        match (all.next(), all.next()) {
            (_, Some(_)) => assert!(found.is_err()),
            (value, None) => assert_eq!(found.ok(), Some(value)),
        }
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    // The crate `cookie` trims more than spaces and tabs, and removes quotation marks.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"') {
        let theirs: Vec<_> = cookie::Cookie::split_parse(text).flatten().filter(|found| found.name() == "id").collect();
        if let Ok(ours) = CookieName::new("id").find_in([text.as_bytes()])
            && let Some(ours) = ours
        {
            assert!(theirs.iter().any(|found| found.value().as_bytes() == trim(ours)), "{text:?} {theirs:?}");
        }
    }
    if let Some(stored) = StoredCookie::parse(text, "/") {
        let _ = (stored.expiry(), stored.is_deletion(), stored.matches_path("/a"));
    }
}

fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// `Authorization` fields, one a line.
pub fn bearer(data: &[u8]) {
    let fields: Vec<&[u8]> = data.split(|byte| *byte == b'\n').take(MAX_FIELDS).collect();
    let Some(token) = fuzzing::bearer_token(&fields) else { return };
    assert!(!token.is_empty() && !token.iter().any(|byte| byte.is_ascii_whitespace() || *byte == b','));
    let list = fields.join(&b","[..]);
    assert_eq!(fuzzing::bearer_token(&[&list]), Some(token.clone()), "several fields are one list");
    let simple = [b"Bearer ", &token[..]].concat();
    assert_eq!(fuzzing::bearer_token(&[&simple]), Some(token));
}

/// Servers accept at most this many header fields: hyper and actix-web accept about 100 over HTTP/1.1, and with 16 KiB of
/// header fields, HTTP/2 allows a few hundred. Looking up all fields with one name takes quadratic time.
const MAX_FIELDS: usize = 512;

/// The value of a header field of device binding, and of `Accept`.
pub fn field(data: &[u8]) {
    let _ = Wants::of(&TestRequest::new("GET", "/").field("accept", data));
    let ours = fuzzing::structured_field(data);
    let Ok(text) = std::str::from_utf8(data) else {
        assert_eq!(ours, None);
        return;
    };
    // Structured fields allow spaces around a value, but no other whitespace.
    if !text.trim_ascii().starts_with('"') || text.trim_ascii() != text.trim_matches(' ') {
        return;
    }
    let theirs = sfv::Parser::new(text).parse::<sfv::Item>().ok().filter(|item| item.params.is_empty());
    let theirs = theirs.and_then(|item| match item.bare_item {
        sfv::BareItem::String(text) => Some(String::from(text)),
        _ => None,
    });
    assert_eq!(ours, theirs.filter(|text| !text.is_empty()), "{text:?}");
}

/// A JWK, and a set of JWKs.
pub fn jwk(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let keys = match JwkSet::parse(text) {
        Ok(set) => set.keys().to_vec(),
        Err(_) => Jwk::parse(text).into_iter().collect(),
    };
    for key in keys {
        let Ok(verifying) = key.verifying_key() else { continue };
        assert_eq!(Some(verifying.algorithm()), key.algorithm());
        let Some(public) = verifying.to_jwk().and_then(|jwk| jwk.to_public_json()) else { continue };
        let again = Jwk::parse(&public).map(|jwk| (jwk.thumbprint(), jwk.to_public_json(), jwk.is_private()));
        assert_eq!(again.ok(), Some((key.thumbprint(), Some(public), false)));
        if let Ok(signing) = key.signing_key() {
            let keys = KeySet::new(signing);
            if let Ok(token) = keys.sign(b"{}") {
                assert!(KeySet::verifying_only(verifying).verify(token.as_bytes()).is_ok());
            }
        }
    }
}

/// The base URL of a site.
pub fn base_url(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(ours) = BaseUrl::parse_insecure_http(text) else {
        assert!(BaseUrl::parse(text).is_err());
        return;
    };
    // `url` also checks that an ASCII name is the ASCII form of a name.
    if ours.host().contains("xn--") {
        return;
    }
    // `url` keeps a segment such as `a:` or `a|` before `..`, as for the drive of a file. Browsers do so only for files.
    if text.matches(":/").count() > 1 || text.contains("|/") {
        return;
    }
    let theirs = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => panic!("{text:?}: {error}"),
    };
    assert_eq!(ours.origin(), theirs.origin().ascii_serialization(), "{text:?}");
    assert_eq!(ours.path(), theirs.path().strip_suffix('/').unwrap_or(theirs.path()), "{text:?}");
    assert!(theirs.query().is_none() && theirs.fragment().is_none() && theirs.username().is_empty());
    if BaseUrl::parse(text).is_ok() && !ours.is_https() {
        assert!(ours.is_loopback());
    }
}

/// The path of `next`.
pub fn next(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some(next) = NextPath::parse(text) else { return };
    let Ok(base) = Url::parse("https://site.example/a/login?x") else { return };
    let joined = match base.join(next.as_str()) {
        Ok(url) => url,
        Err(error) => panic!("{text:?}: {error}"),
    };
    assert_eq!(joined.origin(), base.origin(), "{text:?}");
    assert_eq!(&joined[url::Position::BeforePath..], next.as_str(), "{text:?}");
    assert_eq!(NextPath::parse(next.as_str()).as_ref(), Some(&next));
    let query = next.append_to("/login");
    let read = base
        .join(&query)
        .ok()
        .and_then(|url| url.query_pairs().find(|(name, _)| name == "next").map(|(_, v)| v.into_owned()));
    assert_eq!(read.as_deref(), Some(next.as_str()));
}

/// A `Host` field.
pub fn host(data: &[u8]) {
    let request = TestRequest::new("GET", "/").field("host", data);
    let sound = request.head().has_sound_host();
    let Ok(text) = std::str::from_utf8(data) else {
        assert!(!sound);
        return;
    };
    let Some(authority) = Authority::parse(text) else {
        assert!(!sound);
        return;
    };
    assert!(sound);
    let Ok(url) = Url::parse(&format!("http://{text}/")) else { return };
    assert_eq!(url.port_or_known_default(), authority.port().or(Some(80)), "{text:?}");
    assert!(url.username().is_empty() && url.path() == "/", "{text:?}");
    match url.host() {
        Some(Host::Ipv4(ip)) => assert!(authority.ip().is_none_or(|own| own == ip), "{text:?}"),
        Some(Host::Ipv6(ip)) => assert_eq!(authority.ip(), Some(IpAddr::from(ip))),
        Some(Host::Domain(name)) if !name.contains("xn--") => assert_eq!(name, authority.host().to_ascii_lowercase()),
        _ => {}
    }
}

/// `X-Forwarded-For` and `Forwarded` fields, one a line. What the nearest proxy appends must decide.
pub fn forwarded(data: &[u8]) {
    let peer = IpAddr::from([10, 0, 0, 1]);
    for (header, name, appended) in [
        (ForwardedHeader::XForwardedFor, "x-forwarded-for", "192.0.2.7"),
        (ForwardedHeader::Forwarded, "forwarded", "for=192.0.2.7;proto=https"),
    ] {
        let Ok(proxies) = TrustedProxies::new(["10.0.0.0/8"]) else { return };
        let proxies = proxies.header(header);
        let fields: Vec<&[u8]> = data.split(|byte| *byte == b'\n').take(MAX_FIELDS).collect();
        let request = TestRequest::new("GET", "/").from(peer);
        let request = fields.iter().fold(request, |request, field| request.field(name, field));
        let _ = proxies.client_address(&request.head());
        for separator in [", ", ","] {
            let mut extended = fields.clone();
            let last = [extended.pop().unwrap_or_default(), separator.as_bytes(), appended.as_bytes()].concat();
            extended.push(&last);
            let request = TestRequest::new("GET", "/").from(peer);
            let request = extended.iter().fold(request, |request, field| request.field(name, field));
            let client = proxies.client_address(&request.head()).map(|client| client.to_string());
            assert_eq!(client.as_deref(), Some("192.0.2.7"));
        }
    }
}

/// A form or a JSON body. The first line is the content type of the form.
pub fn body(data: &[u8]) {
    let (content_type, body) = halves(data);
    let json = fuzzing::json_token(body, 1);
    assert_eq!(json, fuzzing::json_token(body, 1 << 20));
    if let Some(token) = json {
        let Some(members) = object(body) else { panic!("the body is not JSON") };
        assert_eq!(members.get("access_token").and_then(Value::as_str), Some(token.as_str()));
    }
    let found = fuzzing::form_value(content_type, body, 1 << 20);
    for chunk in [1, 7] {
        // Below this length, the body is searched only once, at its end.
        if body.len() < 1024 {
            assert_eq!(found, fuzzing::form_value(content_type, body, chunk));
        } else {
            let _ = fuzzing::form_value(content_type, body, chunk);
        }
    }
}

/// A `Cookie` field or a `Set-Cookie` field that a developer has copied. In the field, `@` stands for a valid token.
pub fn explain(data: &[u8]) {
    static AUTH: LazyLock<Authenticator> =
        LazyLock::new(|| match Authenticator::builder(KEYS.clone()).base_url("https://site.example").build() {
            Ok(auth) => auth,
            Err(error) => panic!("{error}"),
        });
    static TOKEN: LazyLock<String> = LazyLock::new(|| KEYS.sign(b"{\"sub\":\"a\"}").unwrap_or_default());
    let filled: Vec<u8> = data
        .iter()
        .flat_map(|byte| if *byte == b'@' { TOKEN.as_bytes() } else { std::slice::from_ref(byte) })
        .copied()
        .collect();
    let mut explanations = vec![AUTH.explain_cookies(&filled, "/", true), AUTH.explain_cookies(&filled, "/", false)];
    if let Ok(text) = std::str::from_utf8(&filled) {
        explanations.push(AUTH.explain_set_cookie(text, true));
    }
    for explanation in explanations {
        let signature = TOKEN.rsplit('.').next().unwrap_or_default();
        assert!(!format!("{explanation:?}").contains(signature), "the explanation contains a token");
    }
}
