//! Tests for rules that are newer than RFC 8725: the name `Ed25519` (RFC 9864), the clauses that RFC 8725bis adds, and
//! the rejection of key sets that Project Wycheproof's published test vectors label as invalid.

use serde_json::{Map, Value, json};

use super::{HS256, forge, forge_segments, header_of, key};
use crate::jwt::{
    Algorithm, Jwk, JwkSet, KeyError, KeySet, SignError, SigningKey, TokenError, VerifyingKey, base64url,
};

const NAMES: [Algorithm; 2] = [Algorithm::EdDSA, Algorithm::Ed25519];

/// The modulus of a public key with the ROCA fingerprint: it is congruent to a power of 65537 modulo each of the first
/// 39 primes.
const ROCA_MODULUS: &str = concat!(
    "7jQLnP-zepicpUTmu3gKLHiQHT-zNzh2hRGjBhevoB1L9RIvNEVUxTveLruM0rfj0WAK1jHDhaXXzOI8d4VFmtvBtMkA_-SNV1tdpcY4BAEl9l2w_j4k",
    "SUt26phkV9mGCE_tCLl4r019GWp0RqhrWACeY2thHbFiEbZamq3_KcXlLZxQjFAjRzRNjAetkcvWBor8df9ikvBioJyjgcieced7mprp4wsNvbb1EKJk",
    "753ngVAde2uSronrBZxat0PbZ1humPrSfaC5lovAOaHvNMk5ubjlI6i--J1HhgjF7PbKNYdY_H7-qFcBBcdQqzuCXpHnD0th5kbv-pWvHEkqRw",
);

/// Returns one key twice: once under each of its algorithm's two names.
fn ed25519_pair() -> [SigningKey; 2] {
    let jwk = key(Algorithm::EdDSA).dangerous_to_private_jwk_json();
    NAMES.map(|name| {
        let mut jwk: Value = serde_json::from_str(&jwk).unwrap();
        jwk["alg"] = name.as_str().into();
        SigningKey::from_jwk(&jwk.to_string()).unwrap()
    })
}

fn typ(value: &str) -> Map<String, Value> {
    [("typ".to_owned(), value.into())].into_iter().collect()
}

#[test]
fn s93_eddsa_and_ed25519_verify_each_others_tokens() {
    let keys = ed25519_pair();
    for signing in &keys {
        for verifying in &keys {
            for id in [None, Some("k")] {
                let named = |key: &SigningKey| match id {
                    Some(id) => key.clone().with_key_id(id),
                    None => key.clone(),
                };
                let token = KeySet::new(named(signing)).sign(b"{}").unwrap();
                assert_eq!(header_of(token.as_bytes()).unwrap().algorithm, signing.algorithm());
                let set = KeySet::verifying_only(named(verifying).verifying_key());
                assert!(set.verify(token.as_bytes()).is_ok(), "{signing:?} {verifying:?}");
                assert!(set.verify_with(token.as_bytes(), &named(verifying).verifying_key()).is_ok());
            }
        }
    }
    // A signature made with a different key is wrong under either name.
    for name in NAMES {
        let forged = forge(&format!(r#"{{"alg":"{name}"}}"#), b"{}", &key(name));
        assert_eq!(KeySet::new(keys[0].clone()).verify(forged.as_bytes()), Err(TokenError::BadSignature));
        assert_eq!(HS256.verify(forged.as_bytes()), Err(TokenError::WrongAlgorithm));
    }
}

#[test]
fn s93_the_name_that_is_written_is_chosen_and_eddsa_by_default() {
    let unnamed = |private: &SigningKey| {
        let mut jwk: Value = serde_json::from_str(&private.dangerous_to_private_jwk_json()).unwrap();
        jwk.as_object_mut().unwrap().remove("alg");
        Jwk::parse(&jwk.to_string()).unwrap()
    };
    let jwk = unnamed(&key(Algorithm::Ed25519));
    assert_eq!(jwk.algorithm(), Some(Algorithm::EdDSA));
    assert_eq!(jwk.clone().or_algorithm(Algorithm::Ed25519).algorithm(), Some(Algorithm::Ed25519));
    assert_eq!(jwk.or_algorithm(Algorithm::RS256).algorithm(), Some(Algorithm::EdDSA));
    let curve = unnamed(&key(Algorithm::ES256)).or_algorithm(Algorithm::Ed25519);
    assert_eq!(curve.algorithm(), Some(Algorithm::ES256));
    // A JWK that has an `alg` keeps that algorithm.
    let named = key(Algorithm::Ed25519).verifying_key().to_jwk().unwrap().or_algorithm(Algorithm::EdDSA);
    assert_eq!(named.algorithm(), Some(Algorithm::Ed25519));
}

#[test]
fn s93_a_typ_is_jwt_in_any_case_or_missing() {
    let key = HS256.signing_key().unwrap();
    for accepted in [r#"{"alg":"HS256"}"#, r#"{"alg":"HS256","typ":"jWt"}"#, r#"{"typ":"JWT","alg":"HS256"}"#] {
        assert!(HS256.verify(forge(accepted, b"{}", key).as_bytes()).is_ok(), "{accepted}");
    }
    for typ in ["at+jwt", "dpop+jwt", "dbsc+jwt", "JOSE", "JWT ", "", "application/at+jwt", "jw\\u0442"] {
        let token = forge(&format!(r#"{{"alg":"HS256","typ":"{typ}"}}"#), b"{}", key);
        assert_eq!(HS256.verify(token.as_bytes()), Err(TokenError::WrongTyp), "{typ}");
        assert_eq!(HS256.verify_with(token.as_bytes(), &key.verifying_key()), Err(TokenError::WrongTyp), "{typ}");
        assert!(HS256.clone().insecure_any_typ().verify(token.as_bytes()).is_ok(), "{typ}");
    }
}

#[test]
fn s93_a_typ_that_is_required_is_written_and_nothing_else_is_accepted() {
    let key = HS256.signing_key().unwrap();
    let keys = HS256.clone().require_typ("shop+jwt").unwrap();
    let token = keys.sign(b"{}").unwrap();
    assert_eq!(header_of(token.as_bytes()).unwrap().typ.as_deref(), Some("shop+jwt"));
    assert!(keys.verify(token.as_bytes()).is_ok());
    assert!(keys.verify(forge(r#"{"alg":"HS256","typ":"SHOP+JWT"}"#, b"{}", key).as_bytes()).is_ok());
    for header in [r#"{"alg":"HS256","typ":"JWT"}"#, r#"{"alg":"HS256"}"#, r#"{"alg":"HS256","typ":"at+jwt"}"#] {
        for keys in [keys.clone(), keys.clone().insecure_any_typ(), keys.clone().ignore_unknown_key_ids()] {
            assert_eq!(keys.verify(forge(header, b"{}", key).as_bytes()), Err(TokenError::WrongTyp), "{header}");
        }
    }
    // The required `typ` also applies to keys that are added later.
    let other = SigningKey::generate(Algorithm::HS256).unwrap().with_key_id("old");
    let keys = keys.retire(other.clone()).unwrap();
    let typed = forge(r#"{"alg":"HS256","kid":"old","typ":"shop+jwt"}"#, b"{}", &other);
    assert!(keys.verify(typed.as_bytes()).is_ok());
    assert_eq!(keys.verify(super::sign(b"{}", &other).as_bytes()), Err(TokenError::WrongTyp));
    // Tokens that would be refused are not signed.
    let refused = Err(SignError::ReservedHeader("typ".to_owned()));
    assert_eq!(keys.sign_with_header(&typ("JWT"), b"{}"), refused);
    assert_eq!(HS256.sign_with_header(&typ("at+jwt"), b"{}"), refused);
    assert!(HS256.clone().insecure_any_typ().sign_with_header(&typ("at+jwt"), b"{}").is_ok());
    for bad in ["", "two words", "a\"b", &"t".repeat(65), "jw\u{442}"] {
        assert_eq!(HS256.clone().require_typ(bad).map(drop), Err(KeyError::BadTyp), "{bad}");
    }
}

/// RFC 8725bis sections 2.11 and 3.1: algorithms are allowed by name, so no spelling of `none` passes.
#[test]
fn s93_no_spelling_of_none_is_an_algorithm() {
    for number in 0..16 {
        let name: String = "none"
            .chars()
            .enumerate()
            .map(|(index, c)| if number >> index & 1 == 1 { c.to_ascii_uppercase() } else { c })
            .collect();
        let header = base64url::encode(format!(r#"{{"alg":"{name}"}}"#).as_bytes());
        for token in [format!("{header}.e30."), forge_segments(&header, "e30", HS256.signing_key().unwrap())] {
            assert_eq!(HS256.verify(token.as_bytes()), Err(TokenError::WrongAlgorithm), "{name}");
        }
    }
}

/// RFC 8725bis sections 2.10, 2.12 and 3.13: encrypted tokens are not supported, so a huge `p2c` or a compressed
/// payload cannot waste CPU time.
#[test]
fn s93_encrypted_tokens_are_refused() {
    let header = json!({ "alg": "PBES2-HS256+A128KW", "enc": "A128CBC-HS256", "p2s": "AAAA", "p2c": u32::MAX });
    for header in [header, json!({ "alg": "dir", "enc": "A256GCM", "zip": "DEF" })] {
        let header = base64url::encode(header.to_string().as_bytes());
        assert_eq!(HS256.verify(format!("{header}.AA.AA.AA.AA").as_bytes()), Err(TokenError::NotCompact));
        let signed = forge_segments(&header, "e30", HS256.signing_key().unwrap());
        assert!(matches!(
            HS256.verify(signed.as_bytes()),
            Err(TokenError::WrongAlgorithm | TokenError::UnsupportedHeader("zip"))
        ));
    }
}

/// RFC 8725bis sections 2.13 and 3.14: a token consists only of base64url characters and dots.
#[test]
fn s93_characters_outside_base64url_are_refused() {
    let token = HS256.sign(b"{}").unwrap();
    for byte in (0..=u8::MAX).filter(|byte| !byte.is_ascii_alphanumeric() && !b"-_.".contains(byte)) {
        for at in 0..=token.len() {
            let (start, end) = token.as_bytes().split_at(at);
            let inserted = [start, &[byte], end].concat();
            let refused = HS256.verify(&inserted);
            assert!(matches!(refused, Err(TokenError::Malformed | TokenError::BadSignature)), "{byte:#x} at {at}");
        }
    }
    // Tokens in the JSON serialization that contain a valid compact token or its parts.
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!() };
    for json in [
        format!(r#"{{"protected":"{header}","payload":"{payload}","signature":"{signature}"}}"#),
        format!(r#"{{"payload":"x.{header}.{payload}","protected":"{header}","signature":"{signature}"}}"#),
        format!(r#"{{"a":"{token}","b":""}}"#),
    ] {
        assert!(matches!(HS256.verify(json.as_bytes()), Err(TokenError::NotCompact | TokenError::Malformed)), "{json}");
    }
}

fn set_of(keys: &[Value]) -> Result<JwkSet, KeyError> {
    JwkSet::parse(&json!({ "keys": keys }).to_string())
}

fn private_jwk(algorithm: Algorithm, id: &str) -> Value {
    serde_json::from_str(&key(algorithm).with_key_id(id).dangerous_to_private_jwk_json()).unwrap()
}

#[test]
fn s93_a_jwk_set_that_mixes_secrets_and_public_keys_is_refused() {
    let (secret, public) = (private_jwk(Algorithm::HS256, "a"), private_jwk(Algorithm::ES256, "b"));
    assert_eq!(set_of(&[secret.clone(), public.clone()]).unwrap_err(), KeyError::MixedKeys);
    assert_eq!(
        set_of(&[public.clone(), private_jwk(Algorithm::EdDSA, "c"), secret.clone()]).unwrap_err(),
        KeyError::MixedKeys
    );
    assert_eq!(set_of(&[secret, private_jwk(Algorithm::HS512, "c")]).unwrap().keys().len(), 2);
    assert_eq!(set_of(&[public, private_jwk(Algorithm::EdDSA, "c")]).unwrap().keys().len(), 2);
    assert!(KeyError::MixedKeys.to_string().contains("separate sets"));
}

#[test]
fn s93_a_jwk_set_with_an_id_twice_is_refused() {
    let refused = set_of(&[
        private_jwk(Algorithm::ES256, "a"),
        private_jwk(Algorithm::ES256, "b"),
        private_jwk(Algorithm::EdDSA, "a"),
    ]);
    assert_eq!(refused.unwrap_err(), KeyError::DuplicateKeyId { key_id: "a".to_owned() });
    // If keys have no ids, the key is chosen by its algorithm, or each key is tried in turn.
    let unnamed = || {
        let mut jwk = private_jwk(Algorithm::ES256, "a");
        jwk.as_object_mut().unwrap().remove("kid");
        jwk
    };
    assert_eq!(set_of(&[unnamed(), unnamed()]).unwrap().keys().len(), 2);
}

#[test]
fn s93_an_rsa_key_with_the_roca_fingerprint_is_refused() {
    let jwk = |n: &str| json!({ "kty": "RSA", "alg": "RS256", "n": n, "e": "AQAB" }).to_string();
    assert_eq!(VerifyingKey::from_jwk(&jwk(ROCA_MODULUS)).unwrap_err(), KeyError::RocaRsa);
    // The same key is also refused in DER, as an RSAPublicKey with this modulus and the exponent 65537.
    let n = base64url::decode(ROCA_MODULUS.as_bytes()).unwrap();
    let der = [&[0x30, 0x82, 1, 10, 2, 0x82, 1, 1, 0], &*n, &[2, 3, 1, 0, 1]].concat();
    assert_eq!(VerifyingKey::from_der(&der, Algorithm::PS256).unwrap_err(), KeyError::RocaRsa);
    // If the modulus is increased by 2, it is no longer congruent to a power of 65537 modulo all of these primes.
    let mut other = n;
    *other.last_mut().unwrap() += 2;
    assert!(VerifyingKey::from_jwk(&jwk(&base64url::encode(&other))).is_ok());
    assert!(KeyError::RocaRsa.to_string().contains("openssl genpkey"));
}
