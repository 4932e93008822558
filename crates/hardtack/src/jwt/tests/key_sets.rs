//! Key sets: which key verifies which token.

use super::{ALL, HS256, forge, header_of, key, key_file};
use crate::jwt::typ::Typ;
use crate::jwt::{Algorithm, KeyError, KeySet, SignError, SigningKey, TokenError, jws};

#[test]
fn each_algorithm_signs_and_verifies_and_reports_whether_it_is_deterministic() {
    for algorithm in ALL {
        let key = key(algorithm).with_key_id("k");
        let keys = KeySet::new(key.clone());
        let token = keys.sign(b"payload").unwrap();
        assert_eq!(&*keys.verify(token.as_bytes()).unwrap(), b"payload", "{algorithm}");
        assert_eq!(keys.sign(b"payload").unwrap() == token, key.is_deterministic(), "{algorithm}");
        assert_eq!(key.verifying_key().algorithm(), algorithm);
        assert_eq!(key.verifying_key().key_id(), Some("k"));
    }
}

#[test]
fn s11_a_token_signed_with_the_public_key_as_secret_is_refused() {
    let keys = KeySet::new(SigningKey::from_pem(key_file!("rsa.pem"), Algorithm::RS256).unwrap());
    // Sign with the public key as an HMAC secret, as an attacker would. The library does not accept a public key as a
    // secret, so compute the HMAC here.
    use hmac::{Hmac, KeyInit, Mac};
    let signed = format!("{}.e30", crate::jwt::base64url::encode(br#"{"alg":"HS256","typ":"JWT"}"#));
    let mut state = Hmac::<sha2::Sha256>::new_from_slice(key_file!("rsa.pub.pem")).unwrap();
    state.update(signed.as_bytes());
    let token = format!("{signed}.{}", crate::jwt::base64url::encode(&state.finalize().into_bytes()));
    assert_eq!(keys.verify(token.as_bytes()), Err(TokenError::WrongAlgorithm));
}

#[test]
fn s23_an_old_key_verifies_until_it_is_dropped() {
    let old = key(Algorithm::HS256).with_key_id("old");
    let token = KeySet::new(old.clone()).sign(b"{}").unwrap();
    let new = key(Algorithm::ES256).with_key_id("new");
    let keys = KeySet::new(new.clone()).also_verify(old.verifying_key()).unwrap();
    assert!(keys.verify(token.as_bytes()).is_ok());
    assert!(keys.verify(keys.sign(b"{}").unwrap().as_bytes()).is_ok());
    assert_eq!(KeySet::new(new).verify(token.as_bytes()), Err(TokenError::UnknownKey));
}

#[test]
fn s23_keys_without_ids_rotate_too() {
    let old = HS256.clone();
    let token = old.sign(b"{}").unwrap();
    let new = SigningKey::generate(Algorithm::HS256).unwrap();
    let keys = KeySet::new(new.clone()).also_verify(old.signing_key().unwrap().verifying_key()).unwrap();
    assert!(keys.verify(token.as_bytes()).is_ok());
    assert_eq!(KeySet::new(new).verify(token.as_bytes()), Err(TokenError::BadSignature));
    // A key can have an id even if its tokens have no `kid`.
    let named = old.signing_key().unwrap().verifying_key().with_key_id("old");
    let keys = KeySet::new(key(Algorithm::HS256).with_key_id("new")).also_verify(named).unwrap();
    assert!(keys.verify(token.as_bytes()).is_ok());
}

#[test]
fn a_key_id_selects_exactly_one_key() {
    let (a, b) = (key(Algorithm::HS256).with_key_id("a"), key(Algorithm::HS256).with_key_id("b"));
    let keys = KeySet::new(a.clone()).also_verify(b.verifying_key()).unwrap();
    for header in [r#"{"alg":"HS256","kid":"a","typ":"JWT"}"#, r#"{"kid":"a","alg":"HS256"}"#] {
        assert_eq!(keys.verify(forge(header, b"", &b).as_bytes()), Err(TokenError::BadSignature));
        assert!(keys.verify(forge(header, b"", &a).as_bytes()).is_ok());
    }
    let wrong = forge(r#"{"alg":"HS512","kid":"a"}"#, b"", &a);
    assert_eq!(keys.verify(wrong.as_bytes()), Err(TokenError::WrongAlgorithm));
    // A set never uses a key without an id to verify a token that has a `kid`.
    let nameless = forge(r#"{"alg":"HS256","kid":"a"}"#, b"", HS256.signing_key().unwrap());
    assert_eq!(HS256.verify(nameless.as_bytes()), Err(TokenError::UnknownKey));
    // Outside a set, a key without an id does verify a token that has a `kid`.
    let verifying = HS256.signing_key().unwrap().verifying_key();
    assert!(jws::verify_with_key(nameless.as_bytes(), &verifying, &Typ::Any).is_ok());
    let refused = jws::verify_with_key(nameless.as_bytes(), &verifying.with_key_id("b"), &Typ::Any);
    assert_eq!(refused, Err(TokenError::UnknownKey));
}

#[test]
fn known_headers_select_the_same_keys_as_parsed_headers() {
    let named = key(Algorithm::HS256).with_key_id("n");
    let keys = KeySet::new(named.clone()).also_verify(HS256.signing_key().unwrap().verifying_key()).unwrap();
    for (kid, signer, accepted) in [("\"n\"", &named, true), ("\"n\"", HS256.signing_key().unwrap(), false)] {
        for header in [
            format!(r#"{{"alg":"HS256","kid":{kid},"typ":"JWT"}}"#),
            format!(r#"{{"alg":"HS256","typ":"JWT","kid":{kid}}}"#),
            format!(r#"{{"typ":"JWT","alg":"HS256","kid":{kid}}}"#),
            format!(r#"{{"typ":"JWT","alg":"HS256","kid": {kid}}}"#),
        ] {
            assert_eq!(keys.verify(forge(&header, b"", signer).as_bytes()).is_ok(), accepted, "{header}");
        }
    }
    for signer in [&named, HS256.signing_key().unwrap()] {
        assert!(keys.verify(forge(r#"{"alg":"HS256","typ":"JWT"}"#, b"", signer).as_bytes()).is_ok());
        assert!(keys.verify(forge(r#"{"alg":"HS256"}"#, b"", signer).as_bytes()).is_ok());
    }
}

#[test]
fn equal_and_overlong_key_ids_are_refused() {
    let keys = KeySet::new(key(Algorithm::HS256).with_key_id("a"));
    let refused = keys.clone().also_verify(key(Algorithm::ES256).with_key_id("a").verifying_key());
    assert_eq!(refused.unwrap_err(), KeyError::DuplicateKeyId { key_id: "a".to_owned() });
    let refused = keys.also_verify(key(Algorithm::ES256).with_key_id("a".repeat(257)).verifying_key());
    assert_eq!(refused.unwrap_err(), KeyError::KeyIdTooLong);
}

#[test]
fn a_set_may_ignore_unknown_key_ids() {
    let other = SigningKey::generate(Algorithm::HS256).unwrap();
    let named = SigningKey::generate(Algorithm::HS256).unwrap().with_key_id("known");
    let nameless = HS256.signing_key().unwrap();
    let strict = HS256.clone().also_verify(named.verifying_key()).unwrap();
    let keys = strict.clone().ignore_unknown_key_ids();
    let foreign = forge(r#"{"alg":"HS256","kid":"../../whatever"}"#, b"x", nameless);
    assert_eq!(strict.verify(foreign.as_bytes()), Err(TokenError::UnknownKey));
    assert_eq!(&*keys.verify(foreign.as_bytes()).unwrap(), b"x");
    // If a `kid` matches a key, only this key is used.
    for (kid, signer, expected) in [("known", &named, true), ("known", nameless, false), ("x", &other, false)] {
        let token = forge(&format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#), b"x", signer);
        assert_eq!(keys.verify(token.as_bytes()).is_ok(), expected, "{kid}");
    }
    let wrong = forge(r#"{"alg":"HS512","kid":"x"}"#, b"x", nameless);
    assert_eq!(keys.verify(wrong.as_bytes()), Err(TokenError::WrongAlgorithm));

    let header = |kid: serde_json::Value| [("kid".to_owned(), kid)].into_iter().collect();
    let token = keys.sign_with_header(&header("mine".into()), b"x").unwrap();
    assert_eq!(header_of(token.as_bytes()).unwrap().key_id.as_deref(), Some("mine"));
    assert_eq!(keys.sign_with_header(&header(7.into()), b"x"), Err(SignError::BadHeader("kid")));
    assert_eq!(keys.sign_with_header(&header("k".repeat(257).into()), b"x"), Err(SignError::KeyIdTooLong));
    let own = KeySet::new(named).ignore_unknown_key_ids();
    let reserved = Err(SignError::ReservedHeader("kid".to_owned()));
    assert_eq!(own.sign_with_header(&header("mine".into()), b"x"), reserved, "the key has an id of its own");
    assert_eq!(HS256.sign_with_header(&header("mine".into()), b"x"), reserved);
}
