//! Tests of the crate with its default features, without `asymmetric`. `scripts/features` runs them.

#![cfg(not(feature = "asymmetric"))]
#![allow(clippy::unwrap_used)]

use hardtack::config::DeviceBinding;
use hardtack::flask_compat::JwtOptions;
use hardtack::jwt::{Algorithm, Jwk, JwkSet, KeyError, NoExtra, TokenKind};
use hardtack::{Authenticator, ConfigError, KeySet, MemorySessions, SigningKey, VerifyingKey};

const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/keys/");

fn pem(name: &str) -> String {
    std::fs::read_to_string(format!("{KEYS}{name}")).unwrap()
}

/// The public key of RFC 8037 §A.2.
const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

fn refused<T>(loaded: Result<T, KeyError>, algorithm: Algorithm) {
    let error = loaded.err().unwrap();
    assert_eq!(error, KeyError::NeedsAsymmetric { algorithm });
    let expected = format!(
        "{algorithm} needs the cargo feature `asymmetric`, which is off; turn it on for the Hardtack crate that you \
         use, for example with: cargo add hardtack-axum --features asymmetric"
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn tokens_are_signed_with_hmac() {
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        let keys = KeySet::new(SigningKey::generate(algorithm).unwrap());
        let auth = Authenticator::builder(keys)
            .base_url("https://site.example")
            .sessions(MemorySessions::new())
            .build()
            .unwrap();
        let issued = auth.access_token("alice").issue().unwrap();
        assert_eq!(auth.decode::<NoExtra>(issued.as_str(), TokenKind::Access).unwrap().subject(), "alice");
        let sealed = auth.seal("draft", b"Dear Bob").unwrap();
        assert_eq!(auth.open_sealed("draft", &sealed).as_deref(), Some(&b"Dear Bob"[..]));
    }
}

#[test]
fn an_asymmetric_key_is_refused_and_the_error_names_the_feature() {
    for name in ["ES256", "ES384", "ES512", "RS256", "PS256", "EdDSA", "Ed25519"] {
        let algorithm: Algorithm = name.parse().unwrap();
        refused(SigningKey::generate(algorithm), algorithm);
    }
    for (file, algorithm) in [
        ("rsa", Algorithm::RS256),
        ("rsa", Algorithm::PS512),
        ("es256", Algorithm::ES256),
        ("es384", Algorithm::ES384),
        ("es512", Algorithm::ES512),
        ("ed25519", Algorithm::EdDSA),
    ] {
        refused(SigningKey::from_pem(pem(&format!("{file}.pem")).as_bytes(), algorithm), algorithm);
        refused(VerifyingKey::from_pem(pem(&format!("{file}.pub.pem")).as_bytes(), algorithm), algorithm);
    }
}

#[test]
fn a_jwk_can_be_read_but_not_used() {
    let jwk = Jwk::parse(ED25519).unwrap();
    assert_eq!(jwk.thumbprint().as_deref(), Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
    refused(VerifyingKey::from_jwk(ED25519), Algorithm::EdDSA);
    // The set keeps the key, so the application learns why it cannot be used.
    let set = JwkSet::parse(&format!(r#"{{"keys":[{ED25519}]}}"#)).unwrap();
    let keys: Result<Vec<_>, _> = set.keys().iter().map(Jwk::verifying_key).collect();
    refused(keys, Algorithm::EdDSA);
}

#[test]
fn flask_options_name_the_option_and_the_feature() {
    let (private, public) = (pem("rsa.pem"), pem("rsa.pub.pem"));
    for (option, value) in [
        ("JWT_PRIVATE_KEY", private),
        ("JWT_PUBLIC_KEY", public),
        ("JWT_PRIVATE_KEY", format!("@{KEYS}rsa.pem")),
        ("JWT_PUBLIC_KEY", format!("@{KEYS}rsa.pub.pem")),
    ] {
        let options = JwtOptions::new([("JWT_ALGORITHM", "RS256"), (option, &value)]).unwrap();
        let error = options.keys().unwrap_err();
        let expected = KeyError::NeedsAsymmetric { algorithm: Algorithm::RS256 };
        assert_eq!(error, ConfigError::OptionKey { option, error: expected });
        assert!(error.to_string().starts_with(&format!("{option} cannot be used: RS256 needs the cargo feature")));
    }
}

#[test]
fn sessions_cannot_be_bound_to_devices() {
    let error = Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap()))
        .base_url("https://site.example")
        .sessions(MemorySessions::new())
        .device_binding(DeviceBinding::Offer)
        .build()
        .unwrap_err();
    assert!(matches!(error, ConfigError::DeviceBinding { .. }), "{error}");
    assert!(error.to_string().contains("cargo add hardtack-axum --features asymmetric"), "{error}");
}
