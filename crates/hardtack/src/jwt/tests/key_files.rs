//! Single keys: PEM, DER, derived keys.

use super::{ALL, key, key_file, sign};
use crate::jwt::typ::Typ;
use crate::jwt::{Algorithm, Jwk, JwkSet, KeyError, KeySet, SigningKey, VerifyingKey, jws};

#[test]
fn pem_files_of_all_forms_are_loaded() {
    for (private, public, algorithm) in [
        (&key_file!("es256.pem")[..], &key_file!("es256.pub.pem")[..], Algorithm::ES256),
        (key_file!("es256.sec1.pem"), key_file!("es256.pub.pem"), Algorithm::ES256),
        (key_file!("es384.pem"), key_file!("es384.pub.pem"), Algorithm::ES384),
        (key_file!("es512.pem"), key_file!("es512.pub.pem"), Algorithm::ES512),
        (key_file!("rsa.pem"), key_file!("rsa.pub.pem"), Algorithm::RS256),
        (key_file!("rsa.pkcs1.pem"), key_file!("rsa.pkcs1.pub.pem"), Algorithm::PS512),
        (key_file!("ed25519.pem"), key_file!("ed25519.pub.pem"), Algorithm::EdDSA),
    ] {
        let signing = SigningKey::from_pem(private, algorithm).unwrap();
        let verifying = VerifyingKey::from_pem(public, algorithm).unwrap();
        let token = sign(b"", &signing);
        assert!(jws::verify_with_key(token.as_bytes(), &verifying, &Typ::Any).is_ok(), "{algorithm}");
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
        (&key_file!("es256.pem")[..], &key_file!("es256.pub.pem")[..], "ES256"),
        (key_file!("es256.sec1.pem"), key_file!("es256.pub.pem"), "ES256"),
        (key_file!("es512.pem"), key_file!("es512.pub.pem"), "ES512"),
        (key_file!("rsa.pkcs1.pem"), key_file!("rsa.pkcs1.pub.pem"), "RS PS"),
        (key_file!("rsa.pem"), key_file!("rsa.pub.pem"), "RS PS"),
        (key_file!("ed25519.pem"), key_file!("ed25519.pub.pem"), "EdDSA Ed25519"),
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
fn input_that_is_not_a_key_is_refused() {
    for text in
        ["", "-----BEGIN PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "\u{0}"]
    {
        assert!(matches!(VerifyingKey::from_pem(text.as_bytes(), Algorithm::ES256), Err(KeyError::Unparsable { .. })));
        assert!(SigningKey::from_pem(text.as_bytes(), Algorithm::ES256).is_err());
        assert!(SigningKey::from_der(text.as_bytes(), Algorithm::RS256).is_err());
        assert!(VerifyingKey::from_der(text.as_bytes(), Algorithm::EdDSA).is_err());
    }
    assert!(VerifyingKey::from_pem(key_file!("certificate.pem"), Algorithm::ES256).is_err());
    // A key whose point is not on the curve is refused.
    let jwk = key(Algorithm::ES256).verifying_key().to_jwk().unwrap().to_public_json().unwrap();
    let mut off: serde_json::Value = serde_json::from_str(&jwk).unwrap();
    off["x"] = off["y"].clone();
    assert!(matches!(VerifyingKey::from_jwk(&off.to_string()), Err(KeyError::Unparsable { .. })));
}

#[test]
fn s22_weak_rsa_keys_are_refused() {
    let weak = KeyError::WeakRsa { bits: 1024 };
    assert_eq!(SigningKey::from_pem(key_file!("rsa1024.pem"), Algorithm::RS256).unwrap_err(), weak);
    assert_eq!(VerifyingKey::from_pem(key_file!("rsa1024.pub.pem"), Algorithm::PS256).unwrap_err(), weak);
    // An exponent of 1 is refused, because every message would be its own signature.
    let mut jwk = super::jwk::rsa_jwk();
    jwk["e"] = "AQ".into();
    assert!(matches!(VerifyingKey::from_jwk(&jwk.to_string()), Err(KeyError::Unparsable { .. })));
}

#[test]
fn every_asymmetric_algorithm_loads_from_pem_der_and_jwk() {
    use crate::jwt::keys::first_block;
    let files: [(&str, &[u8], &[u8]); 5] = [
        ("RS256 RS384 RS512 PS256 PS384 PS512", key_file!("rsa.pem"), key_file!("rsa.pub.pem")),
        ("ES256", key_file!("es256.pem"), key_file!("es256.pub.pem")),
        ("ES384", key_file!("es384.pem"), key_file!("es384.pub.pem")),
        ("ES512", key_file!("es512.pem"), key_file!("es512.pub.pem")),
        ("EdDSA Ed25519", key_file!("ed25519.pem"), key_file!("ed25519.pub.pem")),
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
                // A public key can be loaded from a private key.
                VerifyingKey::from_jwk(&private_jwk).unwrap(),
            ];
            for key in &signing {
                let token = sign(b"payload", key);
                for public in &verifying {
                    assert_eq!(
                        &*jws::verify_with_key(token.as_bytes(), public, &Typ::Any).unwrap(),
                        b"payload",
                        "{algorithm}"
                    );
                    let only = KeySet::verifying_only(public.clone());
                    assert!(only.verify(token.as_bytes()).is_ok() && only.sign(b"payload").is_err());
                }
            }
            assert!(SigningKey::from_pem(public, algorithm).is_err() && SigningKey::from_jwk(&public_jwk).is_err());
        }
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
