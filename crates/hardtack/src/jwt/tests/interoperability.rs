//! The crate jsonwebtoken verifies tokens that this library signed, and vice versa.

use jsonwebtoken as other;
use serde_json::{Value, json};

use super::{key_file, random_looking, sign};
use crate::jwt::typ::Typ;
use crate::jwt::{Algorithm, KeySet, SigningKey, VerifyingKey, jws};

fn claims() -> Value {
    json!({"sub": "alice", "exp": 4_000_000_000_u32, "name": "Zoë"})
}

fn both_ways(
    algorithm: Algorithm,
    their_algorithm: other::Algorithm,
    ours: (&SigningKey, &VerifyingKey),
    theirs: (other::EncodingKey, other::DecodingKey),
) {
    let (signing, verifying) = ours;
    let (encoding, decoding) = theirs;

    let token = other::encode(&other::Header::new(their_algorithm), &claims(), &encoding).unwrap();
    let payload = jws::verify_with_key(token.as_bytes(), verifying, &Typ::Any).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&payload).unwrap(), claims(), "{algorithm}");
    assert!(KeySet::new(signing.clone()).verify(token.as_bytes()).is_ok());

    let token = sign(claims().to_string().as_bytes(), &signing.clone().with_key_id("k"));
    let read = other::decode::<Value>(&token, &decoding, &other::Validation::new(their_algorithm)).unwrap();
    assert_eq!(read.claims, claims(), "{algorithm}");
    assert_eq!(read.header.kid.as_deref(), Some("k"));
}

#[test]
fn hmac() {
    for (algorithm, their_algorithm) in [
        (Algorithm::HS256, other::Algorithm::HS256),
        (Algorithm::HS384, other::Algorithm::HS384),
        (Algorithm::HS512, other::Algorithm::HS512),
    ] {
        for length in [64, 100, 200] {
            let secret = random_looking(length);
            let signing = SigningKey::from_secret_with(&secret, algorithm).unwrap();
            let verifying = VerifyingKey::from_secret_with(&secret, algorithm).unwrap();
            let theirs = (other::EncodingKey::from_secret(&secret), other::DecodingKey::from_secret(&secret));
            both_ways(algorithm, their_algorithm, (&signing, &verifying), theirs);
        }
    }
}

macro_rules! asymmetric {
    ($name:ident, $algorithm:ident, $file:literal, $encoding:ident, $decoding:ident) => {
        #[test]
        fn $name() {
            let private = key_file!(concat!($file, ".pem"));
            let public = key_file!(concat!($file, ".pub.pem"));
            let signing = SigningKey::from_pem(private, Algorithm::$algorithm).unwrap();
            let verifying = VerifyingKey::from_pem(public, Algorithm::$algorithm).unwrap();
            let theirs =
                (other::EncodingKey::$encoding(private).unwrap(), other::DecodingKey::$decoding(public).unwrap());
            both_ways(Algorithm::$algorithm, other::Algorithm::$algorithm, (&signing, &verifying), theirs);
        }
    };
}

asymmetric!(es256, ES256, "es256", from_ec_pem, from_ec_pem);
asymmetric!(es384, ES384, "es384", from_ec_pem, from_ec_pem);
asymmetric!(rs256, RS256, "rsa", from_rsa_pem, from_rsa_pem);
asymmetric!(rs512, RS512, "rsa", from_rsa_pem, from_rsa_pem);
asymmetric!(ps256, PS256, "rsa", from_rsa_pem, from_rsa_pem);
asymmetric!(ps384, PS384, "rsa", from_rsa_pem, from_rsa_pem);
asymmetric!(eddsa, EdDSA, "ed25519", from_ed_pem, from_ed_pem);
