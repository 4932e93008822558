//! Configuration by Flask-JWT-Extended's option names.

use hardtack::flask_compat::JwtOptions;
use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, ConfigError, SigningKey};

const SECRET: &str = "mT8yV2bq0NwR5uKxJ7cE3sLhF9dZpA1gYiUoQnXvBtWkHrMzCjPlDfGe64S8a0Oy";
const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/keys/");

fn build(flask: bool, options: &[(&str, &str)]) -> Result<Authenticator, ConfigError> {
    let options = JwtOptions::new(options.iter().copied())?;
    let builder = Authenticator::builder(options.keys()?);
    let builder = if flask { builder.flask_compatible() } else { builder };
    builder.jwt_options(&options)?.build()
}

#[test]
fn every_option_has_an_effect_or_is_refused_by_name() {
    let values = [
        ("JWT_SECRET_KEY", SECRET),
        ("JWT_ALGORITHM", "HS384"),
        ("JWT_DECODE_ALGORITHMS", "HS256, HS512"),
        ("JWT_TOKEN_LOCATION", "headers,cookies, query_string,json"),
        ("JWT_ACCESS_TOKEN_EXPIRES", "60"),
        ("JWT_REFRESH_TOKEN_EXPIRES", "false"),
        ("JWT_DECODE_LEEWAY", "5"),
        ("JWT_ENCODE_AUDIENCE", "a,b"),
        ("JWT_DECODE_AUDIENCE", "a"),
        ("JWT_ENCODE_ISSUER", "us"),
        ("JWT_DECODE_ISSUER", "us,them"),
        ("JWT_ENCODE_NBF", "False"),
        ("JWT_IDENTITY_CLAIM", "user"),
        ("JWT_VERIFY_SUB", "true"),
        ("JWT_ERROR_MESSAGE_KEY", "error"),
        ("JWT_HEADER_NAME", "X-Token"),
        ("JWT_HEADER_TYPE", ""),
        ("JWT_QUERY_STRING_NAME", "t"),
        ("JWT_QUERY_STRING_VALUE_PREFIX", "Bearer "),
        ("JWT_JSON_KEY", "a"),
        ("JWT_REFRESH_JSON_KEY", "r"),
        ("JWT_ACCESS_COOKIE_NAME", "at"),
        ("JWT_REFRESH_COOKIE_NAME", "rt"),
        ("JWT_ACCESS_COOKIE_PATH", "/a"),
        ("JWT_REFRESH_COOKIE_PATH", "/r"),
        ("JWT_COOKIE_DOMAIN", "site.example"),
        ("JWT_COOKIE_SECURE", "true"),
        ("JWT_COOKIE_SAMESITE", "Strict"),
        ("JWT_SESSION_COOKIE", "false"),
        ("JWT_COOKIE_CSRF_PROTECT", "true"),
        ("JWT_CSRF_METHODS", "POST"),
        ("JWT_CSRF_IN_COOKIES", "true"),
        ("JWT_CSRF_CHECK_FORM", "true"),
        ("JWT_ACCESS_CSRF_COOKIE_NAME", "ac"),
        ("JWT_REFRESH_CSRF_COOKIE_NAME", "rc"),
        ("JWT_ACCESS_CSRF_COOKIE_PATH", "/ac"),
        ("JWT_REFRESH_CSRF_COOKIE_PATH", "/rc"),
        ("JWT_ACCESS_CSRF_HEADER_NAME", "X-A"),
        ("JWT_REFRESH_CSRF_HEADER_NAME", "X-R"),
        ("JWT_ACCESS_CSRF_FIELD_NAME", "a"),
        ("JWT_REFRESH_CSRF_FIELD_NAME", "r"),
    ];
    let set: Vec<_> = values.iter().map(|(name, _)| *name).collect();
    let left: Vec<_> = JwtOptions::NAMES.into_iter().filter(|name| !set.contains(name)).collect();
    assert_eq!(left, ["JWT_PRIVATE_KEY", "JWT_PUBLIC_KEY"]);
    let auth = build(true, &values).unwrap();
    assert_eq!(auth.keys().verifying_keys().len(), 3);
    let token = auth.access_token("alice").issue().unwrap();
    assert_eq!(token.claims().audience, ["a", "b"]);
    let decoded = auth.decode_any::<hardtack::jwt::NoExtra>(token.as_str()).unwrap();
    assert_eq!((decoded.claim("user"), decoded.claim("nbf")), ("alice".into(), serde_json::Value::Null));
    let cookies: Vec<_> = auth.set_access_cookies(&token).unwrap().into_iter().collect();
    assert!(cookies[0].starts_with("at=") && cookies[0].contains("; Domain=site.example; Expires="), "{cookies:?}");
    assert!(cookies[0].ends_with("; Max-Age=31540000; Secure; HttpOnly; Path=/a; SameSite=Strict"), "{cookies:?}");
    assert!(cookies[1].starts_with("ac=") && cookies[1].ends_with("Secure; Path=/ac; SameSite=Strict"), "{cookies:?}");
}

#[test]
fn k06_a_jwk_is_a_key_and_needs_no_alg_of_its_own() {
    let without_alg = |key: &SigningKey| {
        let mut jwk: serde_json::Value = serde_json::from_str(&key.dangerous_to_private_jwk_json()).unwrap();
        jwk.as_object_mut().unwrap().remove("alg").unwrap();
        jwk.to_string()
    };
    for (key, algorithm) in [(Algorithm::EdDSA, "EdDSA"), (Algorithm::RS256, "RS512")] {
        let jwk = without_alg(&SigningKey::generate(key).unwrap());
        let private = build(true, &[("JWT_PRIVATE_KEY", &jwk), ("JWT_ALGORITHM", algorithm)]).unwrap();
        assert_eq!(private.keys().signing_key().unwrap().algorithm().as_str(), algorithm);
        let public = build(true, &[("JWT_PUBLIC_KEY", &jwk), ("JWT_ALGORITHM", algorithm)]).unwrap();
        assert!(public.keys().signing_key().is_none());
    }
    let ed25519 = without_alg(&SigningKey::generate(Algorithm::EdDSA).unwrap());
    let error = build(true, &[("JWT_PRIVATE_KEY", &ed25519), ("JWT_ALGORITHM", "ES256")]).unwrap_err().to_string();
    assert!(error.contains("cannot be used with ES256"), "{error}");
    let error = build(true, &[("JWT_PRIVATE_KEY", "key.pem"), ("JWT_ALGORITHM", "EdDSA")]).unwrap_err().to_string();
    assert!(error.contains("the path of a file; write @ before the path"), "{error}");
}

#[test]
fn an_error_names_the_option_its_value_and_what_is_allowed() {
    for (name, value, allowed) in [
        ("JWT_TOKEN_LOCATION", "header", "headers, cookies, query_string and json"),
        ("JWT_TOKEN_LOCATION", "", "headers, cookies, query_string and json"),
        ("JWT_ACCESS_TOKEN_EXPIRES", "15m", "whole seconds, at least 1, or false"),
        ("JWT_ACCESS_TOKEN_EXPIRES", "0", "whole seconds, at least 1, or false"),
        ("JWT_DECODE_LEEWAY", "300", "at most 60"),
        ("JWT_COOKIE_SECURE", "yes", "true or false"),
        ("JWT_COOKIE_SAMESITE", "Loose", "Lax, Strict or None"),
        ("JWT_ALGORITHM", "none", "HS256"),
        ("JWT_DECODE_ALGORITHMS", "HS256,RS256", "same type of key"),
        ("JWT_HEADER_NAME", "", "RFC 9110"),
        ("JWT_HEADER_TYPE", "a b", "or an empty value"),
        ("JWT_ACCESS_COOKIE_NAME", "a b", "RFC 6265"),
        ("JWT_REFRESH_COOKIE_NAME", "", "RFC 6265"),
        ("JWT_ACCESS_COOKIE_PATH", "app", "a path that starts with '/'"),
        ("JWT_REFRESH_CSRF_COOKIE_PATH", "/;", "a path that starts with '/'"),
        ("JWT_COOKIE_DOMAIN", "localhost", "site.example"),
        ("JWT_IDENTITY_CLAIM", "exp", "sub, or a non-empty name that Hardtack does not reserve"),
        ("JWT_QUERY_STRING_NAME", "", "at least one character"),
        ("JWT_ERROR_MESSAGE_KEY", "", "at least one character"),
        ("JWT_ACCESS_CSRF_HEADER_NAME", "X CSRF", "RFC 9110"),
    ] {
        let refused = build(true, &[("JWT_SECRET_KEY", SECRET), (name, value)]).unwrap_err().to_string();
        assert!(refused.contains(allowed), "{refused}");
        assert!(refused.contains(name) && refused.contains(&format!("{value:?}")), "{refused}");
    }
    let misspelt = build(true, &[("JWT_ACCES_TOKEN_EXPIRES", "5")]).unwrap_err().to_string();
    assert!(misspelt.contains("JWT_ACCES_TOKEN_EXPIRES"), "{misspelt}");
}

#[test]
fn s22_weak_and_missing_keys_are_refused_by_the_option_and_never_shown() {
    let weak = build(true, &[("JWT_SECRET_KEY", "super-secret")]).unwrap_err().to_string();
    assert!(weak.contains("JWT_SECRET_KEY") && weak.contains("openssl") && !weak.contains("super-secret"), "{weak}");
    assert!(build(true, &[]).unwrap_err().to_string().contains("HS256 needs JWT_SECRET_KEY"));
    let missing = build(true, &[("JWT_ALGORITHM", "RS256")]).unwrap_err().to_string();
    assert!(missing.contains("JWT_PRIVATE_KEY") && missing.contains("JWT_PUBLIC_KEY"), "{missing}");
    let unread = build(true, &[("JWT_ALGORITHM", "RS256"), ("JWT_PRIVATE_KEY", "@/nowhere.pem")]).unwrap_err();
    assert!(unread.to_string().contains("\"/nowhere.pem\""));
    let options = JwtOptions::new([("JWT_SECRET_KEY", SECRET)]).unwrap();
    assert_eq!(format!("{options:?}"), "{\"JWT_SECRET_KEY\"}");
}

#[test]
fn options_that_turn_protection_off_are_refused_outside_the_flask_preset() {
    for (name, value, call) in [
        ("JWT_COOKIE_CSRF_PROTECT", "false", "insecure_disabled"),
        ("JWT_CSRF_METHODS", "PUT", "insecure_methods"),
        ("JWT_VERIFY_SUB", "false", "insecure_any_identity"),
    ] {
        let refused = build(false, &[("JWT_SECRET_KEY", SECRET), (name, value)]).unwrap_err().to_string();
        assert!(refused.contains(name) && refused.contains(call), "{refused}");
        assert!(build(true, &[("JWT_SECRET_KEY", SECRET), (name, value)]).is_ok());
    }
}

#[test]
fn keys_are_read_from_text_and_files_and_a_public_key_verifies() {
    let read = |file: &str| std::fs::read_to_string(format!("{KEYS}{file}")).unwrap();
    for (algorithm, file) in
        [("RS256", "rsa"), ("PS512", "rsa"), ("ES256", "es256"), ("ES384", "es384"), ("EdDSA", "ed25519")]
    {
        let (private, public) = (format!("{file}.pem"), format!("@{KEYS}{file}.pub.pem"));
        let (text, at) = (read(&private), format!("@{KEYS}{private}"));
        let signing =
            build(true, &[("JWT_ALGORITHM", algorithm), ("JWT_PRIVATE_KEY", &text), ("JWT_PUBLIC_KEY", &public)]);
        let token = signing.unwrap().access_token("alice").issue().unwrap();
        for keys in [("JWT_PUBLIC_KEY", public.as_str()), ("JWT_PRIVATE_KEY", at.as_str())] {
            let other = build(true, &[("JWT_ALGORITHM", algorithm), keys]).unwrap();
            assert_eq!(
                other.decode_any::<hardtack::jwt::NoExtra>(token.as_str()).unwrap().subject(),
                "alice",
                "{algorithm}"
            );
        }
        let reader = build(true, &[("JWT_ALGORITHM", algorithm), ("JWT_PUBLIC_KEY", &public)]).unwrap();
        assert!(reader.access_token("alice").issue().is_err());
    }
    let differ = build(
        true,
        &[
            ("JWT_ALGORITHM", "ES256"),
            ("JWT_PRIVATE_KEY", &format!("@{KEYS}es256.pem")),
            ("JWT_PUBLIC_KEY", &other_public()),
        ],
    );
    assert!(differ.unwrap_err().to_string().contains("public half"));
}

/// Returns a public key that belongs to another private key.
fn other_public() -> String {
    let jwk =
        SigningKey::generate(Algorithm::ES256).unwrap().verifying_key().to_jwk().unwrap().to_public_json().unwrap();
    let member = |name: &str| {
        let value: serde_json::Value = serde_json::from_str(&jwk).unwrap();
        base64_simd::URL_SAFE_NO_PAD.decode_to_vec(value[name].as_str().unwrap()).unwrap()
    };
    // SubjectPublicKeyInfo for P-256 (RFC 5480 section 2): a fixed prefix and the point.
    let mut der =
        b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04"
            .to_vec();
    der.extend(member("x"));
    der.extend(member("y"));
    let text = base64_simd::STANDARD.encode_to_string(&der);
    format!("-----BEGIN PUBLIC KEY-----\n{}\n{}\n-----END PUBLIC KEY-----\n", &text[..64], &text[64..])
}

#[test]
fn a_cookie_name_with_a_prefix_must_meet_its_conditions() {
    let own = |more: &[(&str, &str)]| {
        let options = [("JWT_SECRET_KEY", SECRET), ("JWT_ACCESS_COOKIE_NAME", "__Host-access")];
        build(true, &[&options[..], more].concat())
    };
    let auth = own(&[("JWT_COOKIE_SECURE", "true")]).unwrap();
    let token = auth.access_token("alice").issue().unwrap();
    let cookies = auth.set_access_cookies(&token).unwrap();
    assert!(cookies.iter().any(|cookie| cookie.starts_with("__Host-access=")));

    let name = || "__Host-access".to_owned();
    assert_eq!(own(&[]).unwrap_err(), ConfigError::PrefixWithoutSecure { name: name() });
    let domain = [("JWT_COOKIE_SECURE", "true"), ("JWT_COOKIE_DOMAIN", "site.example")];
    assert_eq!(own(&domain).unwrap_err(), ConfigError::HostPrefixWithDomain { name: name() });
    let path = [("JWT_COOKIE_SECURE", "true"), ("JWT_ACCESS_COOKIE_PATH", "/app")];
    assert_eq!(own(&path).unwrap_err(), ConfigError::HostPrefixWithPath { name: name(), paths: vec!["/app".into()] });
}
