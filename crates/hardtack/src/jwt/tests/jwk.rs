//! JWKs and sets of them.

use super::{ALL, key, key_file, sign};
use crate::jwt::typ::Typ;
use crate::jwt::{Algorithm, Jwk, JwkSet, KeyError, KeySet, SigningKey, VerifyingKey, jws};

pub(super) fn rsa_jwk() -> serde_json::Value {
    let key = SigningKey::from_pem(key_file!("rsa.pem"), Algorithm::RS256).unwrap();
    serde_json::from_str(&key.verifying_key().to_jwk().unwrap().to_public_json().unwrap()).unwrap()
}

#[test]
fn private_jwks_round_trip() {
    for algorithm in ALL {
        let key = key(algorithm).with_key_id("k");
        let json = key.dangerous_to_private_jwk_json();
        let again = SigningKey::from_jwk(&json).unwrap();
        assert_eq!(again.algorithm(), algorithm);
        assert_eq!(again.key_id(), Some("k"));
        assert_eq!(again.derive("x"), key.derive("x"));
        assert_eq!(again.dangerous_to_private_jwk_json(), json);
        let token = sign(b"", &again);
        assert!(jws::verify_with_key(token.as_bytes(), &key.verifying_key(), &Typ::Any).is_ok());
        let verifying = VerifyingKey::from_jwk(&json).unwrap();
        assert!(jws::verify_with_key(token.as_bytes(), &verifying, &Typ::Any).is_ok());
    }
}

#[test]
fn public_jwk_sets_hold_no_private_member() {
    let keys = KeySet::new(key(Algorithm::ES256).with_key_id("e"))
        .also_verify(key(Algorithm::HS256).with_key_id("h").verifying_key())
        .and_then(|keys| keys.also_verify(key(Algorithm::RS256).with_key_id("r").verifying_key()))
        .and_then(|keys| keys.also_verify(key(Algorithm::EdDSA).with_key_id("o").verifying_key()))
        .unwrap();
    let json = keys.to_public_jwk_set().to_public_json();
    let set: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(set["keys"].as_array().unwrap().len(), 3);
    for jwk in set["keys"].as_array().unwrap() {
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(jwk.get(private).is_none());
        }
        assert_eq!(jwk["use"], "sig");
    }
    let again = JwkSet::parse(&json).unwrap();
    assert_eq!(again.to_public_json(), json);
    // A set's public JSON does not contain private members, even if the set was parsed from JSON that does.
    let private = format!(r#"{{"keys":[{}]}}"#, key(Algorithm::EdDSA).dangerous_to_private_jwk_json());
    assert!(!JwkSet::parse(&private).unwrap().to_public_json().contains("\"d\""));
}

#[test]
fn jwks_that_are_wrong_are_refused() {
    let mut jwk = rsa_jwk();
    jwk.as_object_mut().unwrap().remove("alg");
    assert_eq!(VerifyingKey::from_jwk(&jwk.to_string()).unwrap_err(), KeyError::NoAlgorithm);
    jwk["alg"] = "ES256".into();
    let mismatch = KeyError::AlgorithmMismatch { algorithm: Algorithm::ES256 };
    assert_eq!(VerifyingKey::from_jwk(&jwk.to_string()).unwrap_err(), mismatch);
    jwk["alg"] = "none".into();
    assert_eq!(VerifyingKey::from_jwk(&jwk.to_string()).unwrap_err(), KeyError::UnknownAlgorithm);
    jwk["alg"] = "RS256".into();
    assert_eq!(SigningKey::from_jwk(&jwk.to_string()).unwrap_err(), KeyError::NotASigningKey);
    jwk["use"] = "enc".into();
    assert_eq!(VerifyingKey::from_jwk(&jwk.to_string()).unwrap_err(), KeyError::WrongUse);
    jwk["use"] = "sig".into();
    jwk["key_ops"] = serde_json::json!(["encrypt"]);
    assert_eq!(VerifyingKey::from_jwk(&jwk.to_string()).unwrap_err(), KeyError::WrongUse);
    for text in [
        "",
        "[]",
        "{}",
        r#"{"kty":"oct"}"#,
        r#"{"kty":"oct","k":"AA=="}"#,
        r#"{"kty":"EC","crv":"P-256","x":"AA"}"#,
        r#"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#,
        r#"{"kty":"OKP","crv":"X25519","x":"AA"}"#,
        r#"{"kty":"oct","kty":"oct","k":"AA"}"#,
    ] {
        assert!(matches!(Jwk::parse(text), Err(KeyError::Unparsable { .. })), "{text}");
    }
    let set = JwkSet::parse(r#"{"keys":[{"kty":"unheard-of"},{"kty":"OKP","crv":"X25519","x":"AA"}],"x":1}"#);
    assert!(set.unwrap().keys().is_empty());
    for text in ["[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[1]}"#, r#"{"keys":[],"keys":[]}"#] {
        assert!(JwkSet::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_private_key_that_is_not_its_public_keys_is_refused() {
    for algorithm in [Algorithm::ES256, Algorithm::EdDSA] {
        let json = |key: SigningKey| serde_json::from_str::<serde_json::Value>(&key.dangerous_to_private_jwk_json());
        let mut one = json(key(algorithm)).unwrap();
        one["d"] = json(key(algorithm)).unwrap()["d"].clone();
        assert!(matches!(SigningKey::from_jwk(&one.to_string()), Err(KeyError::Unparsable { .. })));
    }
}
