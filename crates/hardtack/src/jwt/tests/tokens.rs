//! Which tokens and headers are accepted.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::{HS256, forge, forge_segments, header_of, sign};
use crate::jwt::typ::Typ;
use crate::jwt::{Algorithm, KeySet, MAX_TOKEN_LEN, SignError, SigningKey, TokenError, Unverified, base64url, jws};

fn refusal(header: &str) -> TokenError {
    HS256.verify(forge(header, b"{}", HS256.signing_key().unwrap()).as_bytes()).unwrap_err()
}

fn extra(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn headers_are_written_as_pyjwt_writes_them() {
    let token = HS256.sign(b"{}").unwrap();
    assert!(token.starts_with("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30."));

    let key = SigningKey::generate(Algorithm::EdDSA).unwrap().with_key_id("a\"b");
    let token = KeySet::new(key).sign(b"").unwrap();
    let header = base64url::decode(token.split('.').next().unwrap().as_bytes()).unwrap();
    assert_eq!(header, br#"{"alg":"EdDSA","kid":"a\"b","typ":"JWT"}"#);
}

#[test]
fn usual_and_unusual_headers_are_accepted() {
    for header in [
        r#"{"alg":"HS256","typ":"JWT"}"#,
        r#"{"typ":"JWT","alg":"HS256"}"#,
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"HS256","typ":"jwt"}"#,
        r#" { "alg" : "HS256" , "x5t" : "abc", "cty" : null } "#,
        r#"{"\u0061lg":"HS256"}"#,
    ] {
        let token = forge(header, b"payload", HS256.signing_key().unwrap());
        assert_eq!(&*HS256.verify(token.as_bytes()).unwrap(), b"payload", "{header}");
        let key = HS256.signing_key().unwrap().verifying_key();
        assert_eq!(&*jws::verify_with_key(token.as_bytes(), &key, &Typ::Any).unwrap(), b"payload", "{header}");
    }
}

#[test]
fn malformed_headers_are_refused() {
    for header in [
        "",
        "{",
        "[]",
        "null",
        r#"{}"#,
        r#"{"typ":"JWT"}"#,
        r#"{"alg":1}"#,
        r#"{"alg":null}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":"HS256","kid":7}"#,
        r#"{"alg":"HS256","kid":null}"#,
        r#"{"alg":"HS256","typ":7}"#,
        r#"{"alg":"HS256"}{}"#,
        r#"{"alg":"HS256",}"#,
        "\u{feff}{\"alg\":\"HS256\"}",
    ] {
        assert_eq!(refusal(header), TokenError::BadHeader, "{header}");
    }
}

#[test]
fn s10_alg_none_is_refused() {
    for name in ["none", "None", "NONE", "nOnE", "", "HS1", "hs256", "HS256 ", "RS256", "ES256K"] {
        assert_eq!(refusal(&format!(r#"{{"alg":"{name}"}}"#)), TokenError::WrongAlgorithm, "{name}");
        let unsigned = format!("{}.e30.", base64url::encode(format!(r#"{{"alg":"{name}"}}"#).as_bytes()));
        assert_eq!(HS256.verify(unsigned.as_bytes()), Err(TokenError::WrongAlgorithm), "{name}");
    }
}

#[test]
fn s10_empty_signature_is_refused() {
    let token = HS256.sign(b"{}").unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    assert_eq!(HS256.verify(format!("{signed}.").as_bytes()), Err(TokenError::BadSignature));
    // A truncated tag is refused.
    let half = &signature[..20];
    assert_eq!(HS256.verify(format!("{signed}.{half}").as_bytes()), Err(TokenError::BadSignature));
}

#[test]
fn s12_keys_in_the_header_are_refused() {
    for name in ["jwk", "jku", "x5u", "x5c"] {
        for value in ["null", "{}", r#""https://example.com/""#, r#"["MII"]"#] {
            let header = format!(r#"{{"alg":"HS256","{name}":{value}}}"#);
            assert_eq!(refusal(&header), TokenError::UnsupportedHeader(name));
        }
    }
}

#[test]
fn s13_hostile_key_ids_are_refused() {
    for kid in ["../../../../dev/null", "x' UNION SELECT 'secret", "/dev/null\\u0000", "", "http://localhost/"] {
        assert_eq!(refusal(&format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#)), TokenError::UnknownKey, "{kid}");
    }
    let long = "k".repeat(257);
    assert_eq!(refusal(&format!(r#"{{"alg":"HS256","kid":"{long}"}}"#)), TokenError::BadHeader);
    let longer = "k".repeat(5_000);
    assert_eq!(refusal(&format!(r#"{{"alg":"HS256","kid":"{longer}"}}"#)), TokenError::TooLarge);
    let longest = "k".repeat(10_000);
    assert_eq!(refusal(&format!(r#"{{"alg":"HS256","kid":"{longest}"}}"#)), TokenError::TooLarge);
}

#[test]
fn s18_crit_zip_and_b64_are_refused() {
    for (name, value) in [
        ("crit", r#"["exp"]"#),
        ("crit", "[]"),
        ("crit", "null"),
        ("zip", r#""DEF""#),
        ("b64", "false"),
        ("b64", "true"),
    ] {
        assert_eq!(refusal(&format!(r#"{{"alg":"HS256","{name}":{value}}}"#)), TokenError::UnsupportedHeader(name));
    }
}

#[test]
fn s19_duplicate_header_members_are_refused() {
    for header in [
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"HS256","\u0061lg":"HS256"}"#,
        r#"{"alg":"HS256","x":1,"x":2}"#,
        r#"{"alg":"HS256","x":{"y":1,"y":2}}"#,
        r#"{"alg":"HS256","x":[{"y":1,"y":2}]}"#,
    ] {
        assert_eq!(refusal(header), TokenError::DuplicateMember, "{header}");
    }
}

#[test]
fn s20_other_serialisations_are_refused() {
    let token = HS256.sign(b"{}").unwrap();
    let segments: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = segments[..] else { panic!() };
    for other in [
        String::new(),
        header.to_owned(),
        format!("{header}.{payload}"),
        format!("{token}."),
        format!("{token}.{signature}"),
        format!("{token}.{signature}.{signature}"),
        format!(r#"{{"protected":"{header}","payload":"{payload}","signature":"{signature}"}}"#),
        format!(r#"{{"payload":"{payload}","signatures":[]}}"#),
    ] {
        assert_eq!(HS256.verify(other.as_bytes()), Err(TokenError::NotCompact), "{other}");
        assert_eq!(header_of(other.as_bytes()), Err(TokenError::NotCompact));
    }
    assert!(HS256.verify(b"..").is_err());
}

#[test]
fn s20_padding_white_space_and_stray_bits_are_refused() {
    let key = HS256.signing_key().unwrap();
    let header = base64url::encode(br#"{"alg":"HS256","typ":"JWT"}"#);
    // The signatures are valid, and only the encoding is wrong. "e30" encodes `{}`. "e31" encodes the same bytes, but
    // has stray bits. "e3+" and "e3/" are base64, but not base64url.
    for payload in ["e30=", "e30 ", " e30", "e3\n0", "e31", "e32", "e33", "e3+", "e3/", "e", "e30e3", "\u{e9}30"] {
        let token = forge_segments(&header, payload, key);
        assert_eq!(HS256.verify(token.as_bytes()), Err(TokenError::Malformed), "{payload:?}");
    }
    for other in [format!("{header}="), format!(" {header}"), format!("{header} "), header.replace("eyJ", "ey J")] {
        let token = forge_segments(&other, "e30", key);
        assert_eq!(HS256.verify(token.as_bytes()), Err(TokenError::Malformed), "{other:?}");
    }
    let token = HS256.sign(b"{}").unwrap();
    for other in [format!("{token}="), format!("{token} "), format!("{token}\n"), format!("\t{token}")] {
        assert_eq!(HS256.verify(other.as_bytes()), Err(TokenError::Malformed), "{other:?}");
    }
    // The last of a tag's 43 characters encodes only 4 bits, so three other characters encode the same bits.
    let (start, last) = token.split_at(token.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let verified = alphabet.chars().filter(|c| HS256.verify(format!("{start}{c}").as_bytes()).is_ok());
    assert_eq!(verified.collect::<String>(), last);
}

#[test]
fn s21_huge_tokens_are_refused_at_once() {
    let mebibyte = vec![b'A'; 1 << 20];
    let dots = vec![b'.'; 1_000_000];
    let braces = format!("{{\"alg\":{}", "[".repeat(1_000_000));
    let known = [HS256.sign(b"{}").unwrap().into_bytes(), mebibyte.clone()].concat();
    let start = Instant::now();
    for token in [&mebibyte[..], &dots, braces.as_bytes(), &known] {
        assert_eq!(HS256.verify(token), Err(TokenError::TooLarge));
        assert_eq!(header_of(token), Err(TokenError::TooLarge));
    }
    assert!(start.elapsed() < Duration::from_millis(5));
    assert_eq!(HS256.verify(&dots[..MAX_TOKEN_LEN]), Err(TokenError::NotCompact));
}

#[test]
fn s21_headers_that_are_deep_or_have_many_members_are_cheap() {
    let deep = format!(r#"{{"alg":"HS256","x":{}{}}}"#, "[".repeat(900), "]".repeat(900));
    assert_eq!(refusal(&deep), TokenError::BadHeader);
    let many: String = (0..250).map(|index| format!(r#""{index:x}":1,"#)).collect();
    assert!(
        HS256
            .verify(forge(&format!(r#"{{{many}"alg":"HS256"}}"#), b"", HS256.signing_key().unwrap()).as_bytes())
            .is_ok()
    );
}

#[test]
fn tokens_that_would_be_refused_are_not_signed() {
    let largest = MAX_TOKEN_LEN - "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9..".len() - 43;
    let payload = vec![b'x'; largest / 4 * 3 + 1];
    let token = HS256.sign(&payload).unwrap();
    assert!(token.len() <= MAX_TOKEN_LEN);
    assert_eq!(&*HS256.verify(token.as_bytes()).unwrap(), payload);
    assert_eq!(HS256.sign(&vec![b'x'; largest]), Err(SignError::TooLarge));
    assert_eq!(HS256.sign(&vec![b'x'; 1 << 20]), Err(SignError::TooLarge));

    let long_id = KeySet::new(HS256.signing_key().unwrap().clone().with_key_id("k".repeat(257)));
    assert_eq!(long_id.sign(b"{}"), Err(SignError::KeyIdTooLong));
    let long_header = extra(json!({ "x": "y".repeat(3_000) }));
    assert_eq!(HS256.sign_with_header(&long_header, b"{}"), Err(SignError::TooLarge));
}

#[test]
fn further_header_members_come_last_and_reserved_ones_are_refused() {
    let token = HS256.sign_with_header(&extra(json!({"a": 1, "typ": "jwt", "z": [2]})), b"{}").unwrap();
    let header = base64url::decode(token.split('.').next().unwrap().as_bytes()).unwrap();
    assert_eq!(header, br#"{"alg":"HS256","typ":"jwt","a":1,"z":[2]}"#);
    assert!(HS256.verify(token.as_bytes()).is_ok());

    for name in ["alg", "kid", "crit", "b64", "zip", "jwk", "jku", "x5u", "x5c"] {
        let refused = HS256.sign_with_header(&extra(json!({ name: "x" })), b"{}");
        assert_eq!(refused, Err(SignError::ReservedHeader(name.to_owned())));
    }
    let refused = HS256.sign_with_header(&extra(json!({"typ": 1})), b"{}");
    assert_eq!(refused, Err(SignError::BadHeader("typ")));
}

#[test]
fn an_unverified_token_can_be_inspected() {
    let key = HS256.signing_key().unwrap().clone().with_key_id("k1");
    let token = sign(b"{}", &key);
    let header = header_of(token.as_bytes()).unwrap();
    assert_eq!(header.algorithm, Algorithm::HS256);
    assert_eq!(header.key_id.as_deref(), Some("k1"));
    assert_eq!(Unverified::parse(&token).unwrap().header()["typ"], "JWT");
}

#[test]
fn refusals_and_payloads_show_no_token_material() {
    let token = HS256.sign(br#"{"sub":"alice"}"#).unwrap();
    let payload = HS256.verify(token.as_bytes()).unwrap();
    assert_eq!(format!("{payload:?}"), "Payload(15 bytes)");
    assert_eq!(
        format!("{}", TokenError::BadClaim("exp")),
        "the claim `exp` has the wrong type or a value that is not allowed"
    );
}
