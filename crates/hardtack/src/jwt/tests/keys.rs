//! Key sets, key files and JWKs.

use crate::jwt::{Algorithm, Jwk, JwkSet, KeyError, KeySet, SignError, SigningKey, TokenError, VerifyingKey, jws};

use super::{HS256, forge};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("fixtures/", $name))
    };
}

const ALL: [Algorithm; 13] = [
    Algorithm::HS256,
    Algorithm::HS384,
    Algorithm::HS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::ES512,
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::EdDSA,
];

/// Some key of each algorithm; RSA from a file, as making one is slow.
fn key(algorithm: Algorithm) -> SigningKey {
    match algorithm.as_str().get(..2) {
        Some("RS" | "PS") => SigningKey::from_pem(fixture!("rsa.pem"), algorithm).unwrap(),
        _ => SigningKey::generate(algorithm).unwrap(),
    }
}

#[test]
fn each_algorithm_signs_and_verifies_and_says_whether_it_repeats_itself() {
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
    let keys = KeySet::new(SigningKey::from_pem(fixture!("rsa.pem"), Algorithm::RS256).unwrap());
    // What an attacker does; no key of ours may be made so, hence by hand.
    use hmac::{Hmac, KeyInit, Mac};
    let signed = format!("{}.e30", crate::jwt::base64url::encode(br#"{"alg":"HS256","typ":"JWT"}"#));
    let mut state = Hmac::<sha2::Sha256>::new_from_slice(fixture!("rsa.pub.pem")).unwrap();
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
    // An id may be given to a key whose tokens have none.
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
    // A key without an id doesn't answer to any.
    let nameless = forge(r#"{"alg":"HS256","kid":"a"}"#, b"", HS256.signing_key().unwrap());
    assert_eq!(HS256.verify(nameless.as_bytes()), Err(TokenError::UnknownKey));
    // By itself, it does.
    let verifying = HS256.signing_key().unwrap().verifying_key();
    assert!(jws::verify_with_key(nameless.as_bytes(), &verifying).is_ok());
    let refused = jws::verify_with_key(nameless.as_bytes(), &verifying.with_key_id("b"));
    assert_eq!(refused, Err(TokenError::UnknownKey));
}

#[test]
fn matched_headers_select_what_parsed_headers_do() {
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
fn pem_files_of_all_forms_are_read() {
    for (private, public, algorithm) in [
        (&fixture!("es256.pem")[..], &fixture!("es256.pub.pem")[..], Algorithm::ES256),
        (fixture!("es256.sec1.pem"), fixture!("es256.pub.pem"), Algorithm::ES256),
        (fixture!("es384.pem"), fixture!("es384.pub.pem"), Algorithm::ES384),
        (fixture!("es512.pem"), fixture!("es512.pub.pem"), Algorithm::ES512),
        (fixture!("rsa.pem"), fixture!("rsa.pub.pem"), Algorithm::RS256),
        (fixture!("rsa.pkcs1.pem"), fixture!("rsa.pkcs1.pub.pem"), Algorithm::PS512),
        (fixture!("ed25519.pem"), fixture!("ed25519.pub.pem"), Algorithm::EdDSA),
    ] {
        let signing = SigningKey::from_pem(private, algorithm).unwrap();
        let verifying = VerifyingKey::from_pem(public, algorithm).unwrap();
        let token = jws::sign_with_key(b"", &signing).unwrap();
        assert!(jws::verify_with_key(token.as_bytes(), &verifying).is_ok(), "{algorithm}");
        assert_eq!(
            signing.verifying_key().to_jwk().unwrap().to_public_json(),
            verifying.to_jwk().unwrap().to_public_json()
        );
        assert_eq!(SigningKey::from_pem(public, algorithm).unwrap_err(), KeyError::NotASigningKey);
        assert!(matches!(VerifyingKey::from_pem(private, algorithm), Err(KeyError::Unparsable { .. })));
    }
}

#[test]
fn a_key_file_for_another_algorithm_is_refused() {
    for (private, public, fitting) in [
        (&fixture!("es256.pem")[..], &fixture!("es256.pub.pem")[..], "ES256"),
        (fixture!("es256.sec1.pem"), fixture!("es256.pub.pem"), "ES256"),
        (fixture!("es512.pem"), fixture!("es512.pub.pem"), "ES512"),
        (fixture!("rsa.pkcs1.pem"), fixture!("rsa.pkcs1.pub.pem"), "RS PS"),
        (fixture!("rsa.pem"), fixture!("rsa.pub.pem"), "RS PS"),
        (fixture!("ed25519.pem"), fixture!("ed25519.pub.pem"), "EdDSA"),
    ] {
        for algorithm in ALL {
            let fits = fitting.contains(algorithm.as_str())
                || fitting.contains(&algorithm.as_str()[..2]) && fitting == "RS PS";
            let mismatch = Err(KeyError::AlgorithmMismatch { algorithm });
            let expected = if fits { Ok(()) } else { mismatch };
            assert_eq!(SigningKey::from_pem(private, algorithm).map(drop), expected, "{fitting} {algorithm}");
            assert_eq!(VerifyingKey::from_pem(public, algorithm).map(drop), expected, "{fitting} {algorithm}");
        }
    }
}

#[test]
fn what_is_no_key_is_refused() {
    for text in
        ["", "-----BEGIN PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "\u{0}"]
    {
        assert!(matches!(VerifyingKey::from_pem(text.as_bytes(), Algorithm::ES256), Err(KeyError::Unparsable { .. })));
        assert!(SigningKey::from_pem(text.as_bytes(), Algorithm::ES256).is_err());
        assert!(SigningKey::from_der(text.as_bytes(), Algorithm::RS256).is_err());
        assert!(VerifyingKey::from_der(text.as_bytes(), Algorithm::EdDSA).is_err());
    }
    assert!(VerifyingKey::from_pem(fixture!("certificate.pem"), Algorithm::ES256).is_err());
    // A point that isn't on the curve.
    let jwk = key(Algorithm::ES256).verifying_key().to_jwk().unwrap().to_public_json().unwrap();
    let mut off: serde_json::Value = serde_json::from_str(&jwk).unwrap();
    off["x"] = off["y"].clone();
    assert!(matches!(VerifyingKey::from_jwk(&off.to_string()), Err(KeyError::Unparsable { .. })));
}

#[test]
fn s22_weak_rsa_keys_are_refused() {
    let weak = KeyError::WeakRsa { bits: 1024 };
    assert_eq!(SigningKey::from_pem(fixture!("rsa1024.pem"), Algorithm::RS256).unwrap_err(), weak);
    assert_eq!(VerifyingKey::from_pem(fixture!("rsa1024.pub.pem"), Algorithm::PS256).unwrap_err(), weak);
    // An exponent of 1 makes any message its own signature.
    let mut jwk = rsa_jwk();
    jwk["e"] = "AQ".into();
    assert!(matches!(VerifyingKey::from_jwk(&jwk.to_string()), Err(KeyError::Unparsable { .. })));
}

fn rsa_jwk() -> serde_json::Value {
    let key = SigningKey::from_pem(fixture!("rsa.pem"), Algorithm::RS256).unwrap();
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
        let token = jws::sign_with_key(b"", &again).unwrap();
        assert!(jws::verify_with_key(token.as_bytes(), &key.verifying_key()).is_ok());
        let verifying = VerifyingKey::from_jwk(&json).unwrap();
        assert!(jws::verify_with_key(token.as_bytes(), &verifying).is_ok());
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
    // A private set is published without its private members, too.
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

#[test]
fn derived_keys_differ_by_label_and_key_and_are_hmac_sha256() {
    use hmac::{Hmac, KeyInit, Mac};
    let secret = super::random_looking(80);
    for length in [32, 63, 64, 65, 80] {
        let key = SigningKey::from_secret(&secret[..length]).unwrap();
        let mut state = Hmac::<sha2::Sha256>::new_from_slice(&secret[..length]).unwrap();
        state.update(b"hardtack/csrf");
        assert_eq!(key.derive("csrf")[..], state.finalize().into_bytes()[..]);
        assert_eq!(key.clone().with_key_id("k").derive("csrf"), key.derive("csrf"));
        assert_ne!(key.derive("csrf"), key.derive("other"));
    }
    assert_ne!(key(Algorithm::HS256).derive("x"), key(Algorithm::HS256).derive("x"));
}

#[test]
fn debug_shows_algorithm_and_id_only() {
    let key = SigningKey::from_secret(&super::random_looking(32)).unwrap().with_key_id("k");
    assert_eq!(format!("{key:?}"), r#"SigningKey { algorithm: HS256, key_id: Some("k"), .. }"#);
    assert_eq!(format!("{:?}", key.verifying_key()), r#"VerifyingKey { algorithm: HS256, key_id: Some("k"), .. }"#);
    let jwk = Jwk::parse(&key.dangerous_to_private_jwk_json()).unwrap();
    assert_eq!(format!("{jwk:?}"), r#"Jwk { algorithm: Some(HS256), key_id: Some("k"), .. }"#);
    assert!(format!("{:?}", KeySet::new(key)).len() < 200);
}

#[test]
fn keys_are_shared_between_threads() {
    fn shared<T: Send + Sync + Clone>() {}
    shared::<KeySet>();
    shared::<SigningKey>();
    shared::<VerifyingKey>();
    shared::<JwkSet>();
}

#[test]
fn every_asymmetric_algorithm_loads_from_pem_der_and_jwk() {
    use crate::jwt::pem::first_block;
    let files: [(&str, &[u8], &[u8]); 5] = [
        ("RS256 RS384 RS512 PS256 PS384 PS512", fixture!("rsa.pem"), fixture!("rsa.pub.pem")),
        ("ES256", fixture!("es256.pem"), fixture!("es256.pub.pem")),
        ("ES384", fixture!("es384.pem"), fixture!("es384.pub.pem")),
        ("ES512", fixture!("es512.pem"), fixture!("es512.pub.pem")),
        ("EdDSA", fixture!("ed25519.pem"), fixture!("ed25519.pub.pem")),
    ];
    for (algorithms, private, public) in files {
        let (_, private_der) = first_block(private).unwrap();
        let (_, public_der) = first_block(public).unwrap();
        for algorithm in algorithms.split(' ').map(|name| name.parse::<Algorithm>().unwrap()) {
            let from_pem = SigningKey::from_pem(private, algorithm).unwrap();
            let private_jwk = from_pem.dangerous_to_private_jwk_json();
            let public_jwk = from_pem.verifying_key().to_jwk().and_then(|jwk| jwk.to_public_json()).unwrap();
            let signing = [
                from_pem,
                SigningKey::from_der(&private_der, algorithm).unwrap(),
                SigningKey::from_jwk(&private_jwk).unwrap(),
            ];
            let verifying = [
                VerifyingKey::from_pem(public, algorithm).unwrap(),
                VerifyingKey::from_der(&public_der, algorithm).unwrap(),
                VerifyingKey::from_jwk(&public_jwk).unwrap(),
                // A private one is read for its public half.
                VerifyingKey::from_jwk(&private_jwk).unwrap(),
            ];
            for key in &signing {
                let token = jws::sign_with_key(b"payload", key).unwrap();
                for public in &verifying {
                    assert_eq!(&*jws::verify_with_key(token.as_bytes(), public).unwrap(), b"payload", "{algorithm}");
                    let only = KeySet::verifying_only(public.clone());
                    assert!(only.verify(token.as_bytes()).is_ok() && only.sign(b"payload").is_err());
                }
            }
            assert!(SigningKey::from_pem(public, algorithm).is_err() && SigningKey::from_jwk(&public_jwk).is_err());
        }
    }
}

#[test]
fn a_set_may_take_any_key_id_for_none() {
    let other = SigningKey::generate(Algorithm::HS256).unwrap();
    let named = SigningKey::generate(Algorithm::HS256).unwrap().with_key_id("known");
    let nameless = HS256.signing_key().unwrap();
    let strict = HS256.clone().also_verify(named.verifying_key()).unwrap();
    let keys = strict.clone().take_any_key_id();
    let foreign = forge(r#"{"alg":"HS256","kid":"../../whatever"}"#, b"x", nameless);
    assert_eq!(strict.verify(foreign.as_bytes()), Err(TokenError::UnknownKey));
    assert_eq!(&*keys.verify(foreign.as_bytes()).unwrap(), b"x");
    // An id that a key has still names that key alone, and no other key comes in.
    for (kid, signer, expected) in [("known", &named, true), ("known", nameless, false), ("x", &other, false)] {
        let token = forge(&format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#), b"x", signer);
        assert_eq!(keys.verify(token.as_bytes()).is_ok(), expected, "{kid}");
    }
    let wrong = forge(r#"{"alg":"HS512","kid":"x"}"#, b"x", nameless);
    assert_eq!(keys.verify(wrong.as_bytes()), Err(TokenError::WrongAlgorithm));

    let header = |kid: serde_json::Value| [("kid".to_owned(), kid)].into_iter().collect();
    let token = keys.sign_with_header(&header("mine".into()), b"x").unwrap();
    assert_eq!(jws::peek_header(token.as_bytes()).unwrap().key_id.as_deref(), Some("mine"));
    assert_eq!(keys.sign_with_header(&header(7.into()), b"x"), Err(SignError::BadHeader("kid")));
    assert_eq!(keys.sign_with_header(&header("k".repeat(257).into()), b"x"), Err(SignError::KeyIdTooLong));
    let own = KeySet::new(named).take_any_key_id();
    let reserved = Err(SignError::ReservedHeader("kid".to_owned()));
    assert_eq!(own.sign_with_header(&header("mine".into()), b"x"), reserved, "the key has an id of its own");
    assert_eq!(HS256.sign_with_header(&header("mine".into()), b"x"), reserved);
}
