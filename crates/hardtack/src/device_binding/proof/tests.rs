use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::json_mutations::{Members, Spelling, changed, space, spelling};
use crate::testing::TestDevice;

static DEVICES: LazyLock<[TestDevice; 2]> =
    LazyLock::new(|| [Algorithm::ES256, Algorithm::RS256].map(|algorithm| TestDevice::new(algorithm).unwrap()));

fn registered(device: &TestDevice) -> DeviceKey {
    read_registration(&device.register("c"), None).unwrap().0
}

fn header(device: &TestDevice) -> Value {
    json!({ "alg": registered(device).algorithm().as_str(), "typ": "dbsc+jwt", "jwk": device.public_jwk() })
}

fn register(device: &TestDevice, header: &Value) -> Result<(DeviceKey, String), ProofError> {
    read_registration(&device.sign(header, &json!({ "jti": "c" })), None)
}

#[test]
fn a_registered_key_verifies_later_proofs_even_after_it_was_stored() {
    for device in &*DEVICES {
        let (key, challenge) = read_registration(&device.register("c-1_2"), None).unwrap();
        assert_eq!(challenge, "c-1_2");
        let stored = DeviceKey::from_text(&key.to_text()).unwrap();
        assert_eq!(stored.to_text(), key.to_text());
        assert!(key.to_text().len() < 2048);
        for key in [&key, &stored] {
            assert_eq!(read_refresh(&device.prove("next"), key, None).as_deref(), Ok("next"));
        }
    }
}

#[test]
fn another_devices_proof_is_refused() {
    for device in &*DEVICES {
        let other = TestDevice::new(Algorithm::ES256).unwrap();
        let expected = if registered(device).algorithm() == Algorithm::ES256 {
            ProofError::BadSignature
        } else {
            ProofError::OtherKey
        };
        assert_eq!(read_refresh(&other.prove("c"), &registered(device), None), Err(expected));
    }
    // A proof for a refresh must not contain a key, not even the right key.
    let [device, _] = &*DEVICES;
    for signer in [device, &TestDevice::new(Algorithm::ES256).unwrap()] {
        assert_eq!(read_refresh(&signer.register("c"), &registered(device), None), Err(ProofError::OtherKey));
    }
    // A registration must be signed with the key that it contains.
    let thief = TestDevice::new(Algorithm::ES256).unwrap();
    assert_eq!(register(&thief, &header(device)).unwrap_err(), ProofError::BadSignature);
}

#[test]
fn the_type_is_checked() {
    let [device, _] = &*DEVICES;
    for typ in [json!("JWT"), json!("dbsc+jwtx"), json!(""), Value::Null] {
        let mut header = header(device);
        header["typ"] = typ;
        assert!(register(device, &header).is_err(), "{header}");
    }
    let mut untyped = header(device);
    untyped.as_object_mut().unwrap().remove("typ");
    assert_eq!(register(device, &untyped).unwrap_err(), ProofError::WrongType);
    let mut upper = header(device);
    upper["typ"] = "DBSC+JWT".into();
    assert!(register(device, &upper).is_ok());
}

#[test]
fn only_the_two_algorithms_are_accepted_and_they_fit_the_key() {
    let [ec, rsa] = &*DEVICES;
    for algorithm in ["none", "HS256", "ES384", "EdDSA", "RS384", "PS256", "RS256", "es256", ""] {
        let mut header = header(ec);
        header["alg"] = algorithm.into();
        assert!(register(ec, &header).is_err(), "{algorithm}");
    }
    for algorithm in ["PS256", "RS512", "ES256"] {
        let mut header = header(rsa);
        header["alg"] = algorithm.into();
        assert!(register(rsa, &header).is_err(), "{algorithm}");
    }
    for algorithm in [Algorithm::EdDSA, Algorithm::ES384, Algorithm::Ed25519] {
        let device = TestDevice::new(algorithm).unwrap();
        let refused = read_registration(&device.register("c"), None).unwrap_err();
        assert!(matches!(refused, ProofError::BadKey(KeyError::AlgorithmMismatch { .. })), "{algorithm} {refused}");
    }
    // If the key has an `alg`, it must be the same as the header's `alg`.
    let mut contradicting = header(ec);
    contradicting["jwk"]["alg"] = "ES384".into();
    assert!(register(ec, &contradicting).is_err());
    let mut agreeing = header(ec);
    agreeing["jwk"]["alg"] = "ES256".into();
    assert!(register(ec, &agreeing).is_ok());
}

#[test]
fn weak_private_and_foreign_keys_are_refused() {
    let [ec, rsa] = &*DEVICES;
    let with = |device: &TestDevice, name: &str, value: Value| {
        let mut header = header(device);
        header["jwk"][name] = value;
        register(device, &header).map(drop).unwrap_err()
    };
    // A key is refused if its point is not on the curve, if its curve is a different one, or if it lacks a coordinate.
    let x = ec.public_jwk()["x"].clone();
    for refused in [with(ec, "y", x), with(ec, "crv", "P-384".into()), with(ec, "y", Value::Null)] {
        assert!(matches!(refused, ProofError::BadKey(_)), "{refused}");
    }
    // A key with private members is refused.
    assert!(matches!(with(ec, "d", "AQ".into()), ProofError::BadKey(KeyError::Unparsable { .. })));
    // An exponent that is one, even or huge is refused, and so is a modulus that is too short.
    for exponent in ["AQ", "BA", "AQAAAAAAAAE", ""] {
        assert!(matches!(with(rsa, "e", exponent.into()), ProofError::BadKey(_)), "{exponent}");
    }
    assert!(matches!(with(rsa, "n", "_______________________________________w".into()), ProofError::BadKey(_)));
    // Symmetric keys and keys for encryption are refused, and so is a proof without a key.
    let mut symmetric = header(ec);
    symmetric["jwk"] = json!({ "kty": "oct", "k": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8" });
    assert!(matches!(register(ec, &symmetric), Err(ProofError::BadKey(_))));
    assert!(matches!(with(ec, "use", "enc".into()), ProofError::BadKey(KeyError::WrongUse)));
    for key in [Value::Null, json!([]), json!("x")] {
        let mut header = header(ec);
        header["jwk"] = key;
        assert!(register(ec, &header).is_err());
    }
    assert!(matches!(read_registration(&ec.prove("c"), None), Err(ProofError::BadKey(_))));
}

#[test]
fn extensions_and_members_that_occur_twice_are_refused() {
    let [device, _] = &*DEVICES;
    for name in ["crit", "b64", "zip", "jku", "x5u", "x5c"] {
        let mut header = header(device);
        header[name] = json!(["x"]);
        let refused = register(device, &header).unwrap_err();
        assert_eq!(refused, ProofError::Malformed(TokenError::UnsupportedHeader(name)));
    }
    let twice = |header: &str, payload: &str| {
        let signed = crate::jwt::sign_jws(header, payload.as_bytes(), device.signing_key()).unwrap();
        read_refresh(&signed, &registered(device), None)
    };
    let usual = r#"{"alg":"ES256","typ":"dbsc+jwt"}"#;
    assert_eq!(twice(usual, r#"{"jti":"c"}"#).as_deref(), Ok("c"));
    let refused = Err(ProofError::Malformed(TokenError::DuplicateMember));
    assert_eq!(twice(r#"{"alg":"ES256","alg":"ES256","typ":"dbsc+jwt"}"#, r#"{"jti":"c"}"#), refused);
    assert_eq!(twice(usual, r#"{"jti":"c","jti":"d"}"#), refused);
    assert_eq!(twice(usual, r#"{"jti":"c","\u006ati":"d"}"#), refused);
}

/// Browsers do not send `aud` in a proof yet, but later versions will.
#[test]
fn an_audience_may_be_missing_but_not_be_wrong() {
    let [device, _] = &*DEVICES;
    let url = "https://site.example/token/bound";
    let prove = |payload: Value, url: Option<&str>| {
        let proof = device.sign(&json!({ "alg": "ES256", "typ": "dbsc+jwt" }), &payload);
        read_refresh(&proof, &registered(device), url)
    };
    assert!(prove(json!({ "jti": "c" }), Some(url)).is_ok());
    assert!(prove(json!({ "jti": "c", "aud": url }), Some(url)).is_ok());
    // Without a base URL, the server does not know its own URL, so it does not check `aud`.
    assert!(prove(json!({ "jti": "c", "aud": "https://elsewhere.example/" }), None).is_ok());
    for aud in [json!("https://site.example/token/bind"), json!("https://site.example"), json!([url]), json!(1)] {
        assert_eq!(prove(json!({ "jti": "c", "aud": aud }), Some(url)), Err(ProofError::WrongAudience), "{aud}");
    }
    // Members that a different version of the specification might add have no effect.
    let more = json!({ "jti": "c", "iat": 1, "exp": 2, "iss": "x", "sub": "y", "authorization": "z" });
    assert!(prove(more, Some(url)).is_ok());
}

#[test]
fn a_challenge_is_text_of_a_limited_length() {
    let [device, _] = &*DEVICES;
    let key = registered(device);
    let prove = |payload: Value| {
        let proof = device.sign(&json!({ "alg": "ES256", "typ": "dbsc+jwt" }), &payload);
        read_refresh(&proof, &key, None)
    };
    for payload in [json!({}), json!({ "jti": 1 }), json!({ "jti": null }), json!({ "jti": "c".repeat(257) })] {
        assert_eq!(prove(payload.clone()), Err(ProofError::NoChallenge), "{payload}");
    }
    assert!(matches!(prove(json!([])), Err(ProofError::Malformed(_))));
    let long = device.prove(&"c".repeat(MAX_PROOF_LEN));
    assert_eq!(read_refresh(&long, &key, None), Err(ProofError::Malformed(TokenError::TooLarge)));
}

#[test]
fn a_signature_is_raw_and_belongs_to_every_byte() {
    let [device, _] = &*DEVICES;
    let key = registered(device);
    let proof = device.prove("c");
    let (signed, signature) = proof.rsplit_once('.').unwrap();
    assert_eq!(signature.len(), 86, "64 bytes: r and s, not DER");
    for bad in [format!("{signed}."), format!("{signed}.{}", &signature[..80]), format!("{signed}.{}", "A".repeat(86))]
    {
        assert!(read_refresh(&bad, &key, None).is_err());
    }
    for bad in ["", "a.b.c", "..", "a.b.c.d", &format!("{proof}.x"), &format!(" {proof}"), &format!("\"{proof}\"")] {
        assert!(read_refresh(bad, &key, None).is_err(), "{bad}");
        assert!(read_registration(bad, None).is_err(), "{bad}");
    }
    for at in 0..proof.len() {
        let mut other = proof.clone().into_bytes();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        assert!(read_refresh(&String::from_utf8(other).unwrap(), &key, None).is_err(), "{at}");
    }
}

const HEADER_NAMES: &[&str] = &["alg", "typ", "jwk", "crit", "b64", "zip", "jku", "x5u", "x5c", "kid", "x", ""];
const JWK_NAMES: &[&str] = &["kty", "crv", "x", "y", "d", "k", "n", "alg", "use", "key_ops", "kid", "ext", ""];
const PAYLOAD_NAMES: &[&str] = &["jti", "aud", "iat", "sub", ""];

/// The members of the first device's public key, with their values as JSON.
fn jwk_members() -> Members {
    let jwk = DEVICES[0].public_jwk();
    let members = jwk.as_object().unwrap().iter();
    Members(members.map(|(name, value)| (format!("{name:?}"), value.to_string())).collect())
}

fn text(members: &Members, name: &str) -> Option<String> {
    members.get(name).map(|value| value.as_str().unwrap_or("not a string").to_owned())
}

/// Whether a proof's header is accepted, apart from the key in it.
fn accepts_header(header: &Members) -> bool {
    let unsupported = ["crit", "b64", "zip", "jku", "x5u", "x5c"];
    !header.has_duplicates()
        && !header.names().iter().any(|name| unsupported.contains(&name.as_str()))
        && text(header, "alg").as_deref() == Some("ES256")
        && text(header, "typ").as_deref() == Some("dbsc+jwt")
}

/// Whether the key is the public key of the first device.
fn is_own_key(jwk: &Members) -> bool {
    let own = jwk_members();
    let verifies = |value: Value| value == json!(["verify"]);
    !jwk.has_duplicates()
        && ["kty", "crv", "x", "y"].iter().all(|name| jwk.get(name) == own.get(name))
        && jwk.get("d").is_none()
        && text(jwk, "alg").is_none_or(|name| name == "ES256")
        && text(jwk, "use").is_none_or(|name| name == "sig")
        && jwk.get("key_ops").is_none_or(verifies)
        && jwk.get("kid").is_none_or(|id| id.is_string())
}

/// Reads a proof with the crate jsonwebtoken and the key `jwk`, and returns the challenge in the proof.
fn read_with_other(proof: &str, jwk: &Members) -> Option<String> {
    let numbers = ["x", "y"].map(|name| text(jwk, name).unwrap());
    let key = jsonwebtoken::DecodingKey::from_ec_components(&numbers[0], &numbers[1]).ok()?;
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_aud) = (false, false);
    let read = jsonwebtoken::decode::<Value>(proof, &key, &validation).ok()?;
    read.claims["jti"].as_str().map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// If `with_key` is true, the header contains the key, so the proof is for a registration.
    #[test]
    fn a_changed_proof_is_accepted_only_if_all_its_members_are(
        header in changed(Members::new(&[("alg", "\"ES256\""), ("typ", "\"dbsc+jwt\"")]), HEADER_NAMES),
        jwk in changed(jwk_members(), JWK_NAMES),
        with_key in any::<bool>(),
        payload in changed(Members::new(&[("jti", "\"c-1\"")]), PAYLOAD_NAMES),
        spaces in (space(), space()),
        spellings in (spelling(), spelling(), spelling()),
        other_device in prop::bool::weighted(0.1),
    ) {
        static OTHER: LazyLock<TestDevice> = LazyLock::new(|| TestDevice::new(Algorithm::ES256).unwrap());
        let mut header = header;
        if with_key {
            header.0.push(("\"jwk\"".to_owned(), jwk.to_json("")));
        }
        let (mut proof, first) = spellings.0.encode(header.to_json(spaces.0).as_bytes());
        let (second, second_fits) = spellings.1.encode(payload.to_json(spaces.1).as_bytes());
        proof.push(b'.');
        proof.extend(second);
        let signer = if other_device { &*OTHER } else { &DEVICES[0] };
        let signature = crate::jwt::sign_bytes(&proof, signer.signing_key()).unwrap();
        let (third, third_fits) = spellings.2.encode(&signature);
        proof.push(b'.');
        proof.extend(third);

        let Ok(proof) = String::from_utf8(proof) else { return Ok(()) };
        let key = registered(&DEVICES[0]);
        let registered = read_registration(&proof, None).map(|(key, challenge)| (key.to_text(), challenge));
        let refreshed = read_refresh(&proof, &key, None);
        let sound = first && second_fits && third_fits && spellings.2 != Spelling::Cut && !other_device;
        if !sound {
            prop_assert!(registered.is_err() && refreshed.is_err(), "{} {:?} {:?}", proof, registered, refreshed);
            return Ok(());
        }
        if spellings.0 == Spelling::Cut || spellings.1 == Spelling::Cut {
            return Ok(());
        }
        let challenge = text(&payload, "jti").filter(|jti| jti != "not a string");
        let aud_fits = payload.get("aud").is_none_or(|aud| aud.is_string());
        let accepted = challenge.filter(|_| accepts_header(&header) && !payload.has_duplicates() && aud_fits);
        let keys = header.0.iter().filter(|(name, _)| name.contains("jwk") || name.contains("\\u006awk")).count();
        // A value that is not an object is never the device's key, and neither is a key that a mutation has added.
        let own_key = with_key && keys == 1 && is_own_key(&jwk);
        prop_assert_eq!(registered.as_ref().ok().map(|(_, c)| c), accepted.as_ref().filter(|_| own_key), "{}", proof);
        prop_assert_eq!(refreshed.ok(), accepted.clone().filter(|_| keys == 0), "{}", proof);
        if let (Ok((stored, _)), Some(challenge)) = (registered, accepted) {
            // jsonwebtoken refuses some members whose values Hardtack ignores, such as a `kid` or a `sub` that is not a
            // string.
            let names = [header.names(), payload.names()].concat();
            if names.iter().all(|name| ["alg", "typ", "jwk", "jti"].contains(&name.as_str())) {
                prop_assert_eq!(read_with_other(&proof, &jwk), Some(challenge));
            }
            prop_assert!(stored.len() <= 2048);
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in ".{0,200}", header in ".{0,80}", payload in ".{0,80}") {
        let [device, _] = &*DEVICES;
        let key = registered(device);
        let made = crate::jwt::sign_jws(&header, payload.as_bytes(), device.signing_key()).unwrap();
        for proof in [&text, &made] {
            prop_assert!(read_registration(proof, None).is_err());
            prop_assert!(read_refresh(proof, &key, None).is_err());
        }
    }

    #[test]
    fn any_challenge_is_read_as_it_was_signed(challenge in "[A-Za-z0-9_-]{1,200}") {
        let [device, _] = &*DEVICES;
        prop_assert_eq!(read_refresh(&device.prove(&challenge), &registered(device), None), Ok(challenge));
    }
}
