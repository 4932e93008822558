//! Properties that hold for any input.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{HS256, forge, header_of, key_file};
use crate::clock::Timestamp;
use crate::jwt::typ::Typ;
use crate::jwt::{
    Algorithm, Claims, ClaimsProfile, FastClaims, Fresh, Jwk, JwkSet, KeySet, SigningKey, TokenKind, VerifyingKey,
    json::unescaped_length, jws,
};

static KEYS: LazyLock<Vec<KeySet>> = LazyLock::new(|| {
    let algorithms = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512, Algorithm::ES256, Algorithm::EdDSA];
    algorithms.map(|algorithm| KeySet::new(SigningKey::generate(algorithm).unwrap().with_key_id("k"))).to_vec()
});

fn time() -> impl Strategy<Value = Timestamp> {
    (0..=253_402_300_799_i64).prop_map(Timestamp::from_unix_seconds)
}

fn name() -> impl Strategy<Value = String> {
    vec(any::<char>(), 1..20).prop_map(String::from_iter)
}

fn claims() -> impl Strategy<Value = Claims> {
    let fresh = prop_oneof![Just(Fresh::No), Just(Fresh::Yes), time().prop_map(Fresh::Until)];
    let kind = prop_oneof![Just(TokenKind::Access), Just(TokenKind::Refresh)];
    let maybe = || proptest::option::of(time());
    let times = (time(), maybe(), maybe(), maybe(), maybe());
    let session = (proptest::option::of(any::<u128>()), proptest::option::of(any::<u64>()));
    let names = (proptest::option::of(name()), proptest::option::of(name()), vec(name(), 0..3));
    (name(), name(), fresh, kind, times, session, names).prop_map(
        |(subject, token_id, fresh, kind, times, (session, generation), (csrf, issuer, audience))| {
            let (issued_at, not_before, expires_at, auth_time, proven_at) = times;
            Claims {
                subject,
                issued_at,
                not_before,
                expires_at,
                token_id,
                kind,
                fresh,
                csrf,
                session,
                generation,
                auth_time,
                issuer,
                audience,
                proven_at,
            }
        },
    )
}

/// Bytes that are likely to change the meaning of a JSON text.
fn json_fragment() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(prop::sample::select(&b"{}[]\",:0129.eE+-tfn\\ \n\x7f\x00"[..]), 1..3),
        vec(any::<u8>(), 1..3),
        prop::sample::select(vec![
            "\"sub\":\"x\",",
            "\"a\":1,\"a\":1,",
            "\"iat\":00,",
            "\"exp\":253402300800,",
            "\u{e9}"
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ]
}

proptest! {
    #[test]
    fn any_payload_round_trips(payload in vec(any::<u8>(), 0..2_000)) {
        for keys in KEYS.iter() {
            let token = keys.sign(&payload).unwrap();
            prop_assert_eq!(&*keys.verify(token.as_bytes()).unwrap(), &payload[..]);
            let key = keys.signing_key().unwrap().verifying_key();
            prop_assert_eq!(&*jws::verify_with_key(token.as_bytes(), &key, &Typ::Any).unwrap(), &payload[..]);
        }
    }

    #[test]
    fn claims_round_trip(claims in claims()) {
        let json = claims.to_json(&serde_json::Map::new()).unwrap();
        prop_assert_eq!(Claims::from_json(&json).unwrap(), claims);
    }

    #[test]
    fn the_fast_reader_agrees_with_the_strict_one(
        claims in claims(),
        extra in vec(("[a-z]{0,3}", 0..7_u8), 0..4),
        changes in vec((any::<prop::sample::Index>(), json_fragment()), 0..4),
    ) {
        let value = |kind| match kind {
            0 => serde_json::json!(7),
            1 => serde_json::json!("x"),
            2 => serde_json::json!(null),
            3 => serde_json::json!(-1.5),
            4 => serde_json::json!([{"a": 1}]),
            5 => serde_json::json!("a\"b"),
            _ => serde_json::json!(false),
        };
        let extra = extra.into_iter().filter(|(name, _)| !Claims::is_reserved(name)).map(|(name, kind)| (name, value(kind)));
        let mut json = claims.to_json(&extra.collect()).unwrap();
        prop_assert_eq!(ClaimsProfile::STRICT.read(&json).unwrap(), claims.clone());
        prop_assert_eq!(Claims::from_json(&json).unwrap(), claims);
        for (at, bytes) in changes {
            let at = at.index(json.len());
            json.splice(at..(at + bytes.len()).min(json.len()), bytes);
        }
        let strict = ClaimsProfile::STRICT.read(&json);
        prop_assert_eq!(Claims::from_json(&json), strict.clone());
        if let Some(fast) = std::str::from_utf8(&json).ok().and_then(|text| Some(FastClaims::read(text)?.to_claims(text))) {
            prop_assert_eq!(Ok(fast), strict);
        }
    }

    #[test]
    fn unescaped_length_ends_at_the_first_byte_that_json_escapes(bytes in vec(any::<u8>(), 0..40), plain in vec(32..127_u8, 0..40)) {
        for bytes in [&bytes[..], &plain, &[&plain[..], &bytes].concat()] {
            let slow = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20)).unwrap_or(bytes.len());
            prop_assert_eq!(unescaped_length(bytes), slow);
        }
    }

    #[test]
    fn any_changed_byte_is_refused(payload in vec(any::<u8>(), 0..60), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for keys in KEYS.iter() {
            let token = keys.sign(&payload).unwrap().into_bytes();
            let mut changed = token.clone();
            let index = at.index(changed.len());
            changed[index] = byte;
            prop_assert_eq!(keys.verify(&changed).is_ok(), changed == token);
        }
    }

    #[test]
    fn any_cut_or_inserted_byte_is_refused(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let token = HS256.sign(b"{\"sub\":\"alice\"}").unwrap().into_bytes();
        let mut cut = token.clone();
        cut.remove(at.index(token.len()));
        prop_assert!(HS256.verify(&cut).is_err());
        let mut grown = token.clone();
        grown.insert(at.index(token.len() + 1), byte);
        prop_assert!(HS256.verify(&grown).is_err());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..600)) {
        prop_assert!(HS256.verify(&bytes).is_err());
        let _ = header_of(&bytes);
        let _ = Claims::from_json(&bytes);
        let _ = SigningKey::from_secret(&bytes);
        for algorithm in [Algorithm::HS256, Algorithm::ES256, Algorithm::RS256, Algorithm::EdDSA] {
            let _ = SigningKey::from_der(&bytes, algorithm);
            let _ = VerifyingKey::from_der(&bytes, algorithm);
            let _ = VerifyingKey::from_pem(&bytes, algorithm);
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        let _ = Jwk::parse(&text);
        let _ = JwkSet::parse(&text);
        let _ = SigningKey::from_pem(text.as_bytes(), Algorithm::RS256);
        let _ = HS256.verify(forge(&text, text.as_bytes(), HS256.signing_key().unwrap()).as_bytes());
        let armoured = format!("-----BEGIN {text}-----{text}-----END {text}-----");
        prop_assert!(VerifyingKey::from_pem(armoured.as_bytes(), Algorithm::RS256).is_err());
    }

    #[test]
    fn damaged_keys_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for (pem, algorithm) in [
            (&key_file!("rsa.pem")[..], Algorithm::RS256),
            (key_file!("es256.sec1.pem"), Algorithm::ES256),
            (key_file!("rsa.pub.pem"), Algorithm::PS256),
            (key_file!("ed25519.pub.pem"), Algorithm::EdDSA),
        ] {
            let mut pem = pem.to_vec();
            let index = at.index(pem.len());
            pem[index] = byte;
            let _ = SigningKey::from_pem(&pem, algorithm);
            let _ = VerifyingKey::from_pem(&pem, algorithm);
        }
    }
}
