//! Tests with tokens that are valid except for a few random changes. For each token, the tests compare Hardtack's
//! result with the results of two other implementations: independent code that reads the same members, and the crate
//! jsonwebtoken.

use std::sync::LazyLock;

use jsonwebtoken as other;
use proptest::prelude::*;
use serde_json::Value;

use super::random_looking;
use crate::clock::MAX_NUMERIC_DATE;
use crate::json_mutations::{Members, Spelling, changed, space, spelling};
use crate::jwt::{Algorithm, Claims, KeySet, SigningKey, base64url};

static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::from_secret(&random_looking(64)).unwrap().with_key_id("k"));

static KEYS: LazyLock<KeySet> = LazyLock::new(|| {
    let other = SigningKey::generate(Algorithm::ES256).unwrap().with_key_id("other");
    KeySet::new(KEY.clone()).also_verify(other.verifying_key()).unwrap()
});

const HEADER: [(&str, &str); 3] = [("alg", "\"HS256\""), ("kid", "\"k\""), ("typ", "\"JWT\"")];

const HEADER_NAMES: &[&str] =
    &["alg", "kid", "typ", "crit", "b64", "zip", "jwk", "jku", "x5u", "x5c", "cty", "x", "Alg", ""];

const CLAIMS: [(&str, &str); 6] =
    [("sub", "\"alice\""), ("iat", "100"), ("jti", "\"id\""), ("type", "\"access\""), ("exp", "200"), ("nbf", "100")];

const CLAIM_NAMES: &[&str] =
    &["sub", "iat", "exp", "nbf", "jti", "type", "fresh", "csrf", "iss", "aud", "sid", "gen", "auth_time", "x", ""];

/// Whether the key set accepts the header.
fn accepts_header(header: &Members) -> bool {
    let is = |name: &str, good: fn(&str) -> bool, required: bool| match header.get(name) {
        None => !required,
        Some(value) => value.as_str().is_some_and(good),
    };
    let unsupported = ["crit", "b64", "zip", "jwk", "jku", "x5u", "x5c"];
    !header.has_duplicates()
        && !header.names().iter().any(|name| unsupported.contains(&name.as_str()))
        && is("alg", |name| name == "HS256", true)
        && is("kid", |id| id == "k", false)
        && is("typ", |typ| ["jwt", "application/jwt"].contains(&typ.to_lowercase().as_str()), false)
}

/// Whether [`Claims::from_json`] accepts these claims.
fn accepts_claims(claims: &Members) -> bool {
    let is = |name: &str, required: bool, good: &dyn Fn(&Value) -> bool| match claims.get(name) {
        None => !required,
        Some(value) => good(&value),
    };
    let text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let time = |value: &Value| value.as_f64().is_some_and(|time| (0.0..=MAX_NUMERIC_DATE as f64).contains(&time));
    let aud = |value: &Value| match value {
        Value::String(_) => true,
        Value::Array(names) => !names.is_empty() && names.iter().all(Value::is_string),
        _ => false,
    };
    !claims.has_duplicates()
        && ["sub", "jti"].iter().all(|name| is(name, true, &text))
        && is("type", true, &|value| value == "access" || value == "refresh")
        && is("iat", true, &time)
        && ["exp", "nbf", "auth_time"].iter().all(|name| is(name, false, &time))
        && is("fresh", false, &|value| value.is_boolean() || time(value))
        && is("csrf", false, &text)
        && is("iss", false, &Value::is_string)
        && is("gen", false, &Value::is_u64)
        && is("aud", false, &aud)
        // No change produces a valid session id, which has 32 digits.
        && is("sid", false, &|_| false)
}

/// Reads a token with the crate jsonwebtoken, without checking its times or its audience.
fn read_with_other(token: &str) -> other::errors::Result<other::TokenData<Value>> {
    let mut validation = other::Validation::new(other::Algorithm::HS256);
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
    other::decode(token, &other::DecodingKey::from_secret(&random_looking(64)), &validation)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn a_changed_token_is_accepted_only_if_its_members_and_its_spelling_are(
        header in changed(Members::new(&HEADER), HEADER_NAMES),
        claims in changed(Members::new(&CLAIMS), CLAIM_NAMES),
        spaces in (space(), space()),
        spellings in (spelling(), spelling(), spelling()),
        cut in 0..40_usize,
    ) {
        let (mut token, header_fits) = spellings.0.encode(header.to_json(spaces.0).as_bytes());
        let (payload, payload_fits) = spellings.1.encode(claims.to_json(spaces.1).as_bytes());
        token.push(b'.');
        token.extend(payload);
        let mut signature = KEY.signature(&token).unwrap();
        signature.truncate(signature.len() - cut.saturating_sub(36));
        let (encoded, signature_fits) = spellings.2.encode(&signature);
        token.push(b'.');
        token.extend(encoded);

        let verified = KEYS.verify(&token);
        if !(header_fits && payload_fits && signature_fits) || cut > 36 || spellings.2 == Spelling::Cut {
            prop_assert!(verified.is_err());
            return Ok(());
        }
        // Truncated text can still be base64url. Whether it is JSON depends on the bytes that were cut off.
        if spellings.0 != Spelling::Cut {
            prop_assert_eq!(verified.is_ok(), accepts_header(&header), "{:?}", verified);
        }
        let Ok(payload) = verified else { return Ok(()) };
        let read = Claims::from_json(&payload);
        if spellings.1 != Spelling::Cut {
            prop_assert_eq!(read.is_ok(), accepts_claims(&claims), "{:?}", read);
        }
        let Ok(read) = read else { return Ok(()) };
        prop_assert_eq!(claims.get("sub").unwrap(), read.subject.as_str());
        let simple = header.names().iter().all(|name| ["alg", "kid", "typ"].contains(&name.as_str()));
        match read_with_other(std::str::from_utf8(&token).unwrap()) {
            Ok(theirs) => {
                prop_assert_eq!(theirs.claims["sub"].as_str(), Some(read.subject.as_str()));
                prop_assert_eq!(theirs.claims["iat"].as_f64().map(|at| at as i64), Some(read.issued_at.unix_seconds()));
            }
            // jsonwebtoken also checks the types of members that Hardtack ignores.
            Err(error) => prop_assert!(!simple, "{}", error),
        }
    }

    #[test]
    fn two_readers_of_changed_claims_agree(claims in changed(Members::new(&CLAIMS), CLAIM_NAMES), space in space()) {
        let json = claims.to_json(space);
        let read = Claims::from_json(json.as_bytes());
        prop_assert_eq!(read.is_ok(), accepts_claims(&claims), "{:?} {}", read, json);
        if let Ok(read) = read {
            let written = read.to_json(&serde_json::Map::new()).unwrap();
            prop_assert_eq!(Claims::from_json(&written).unwrap(), read);
        }
    }

    #[test]
    fn the_parts_of_two_tokens_do_not_mix(first in "[a-z]{1,20}", second in "[a-z]{1,20}", which in 1..7_u8) {
        prop_assume!(first != second);
        let tokens = [&first, &second].map(|text| KEYS.sign(text.as_bytes()).unwrap());
        let [one, two] = tokens.each_ref().map(|token| token.split('.').collect::<Vec<_>>());
        let mixed: Vec<&str> = (0..3).map(|at| if which >> at & 1 == 0 { one[at] } else { two[at] }).collect();
        let mixed = mixed.join(".");
        prop_assert_eq!(KEYS.verify(mixed.as_bytes()).is_ok(), tokens.contains(&mixed), "{}", mixed);
        prop_assert_eq!(base64url::decode(one[1].as_bytes()).unwrap(), first.as_bytes());
    }
}
