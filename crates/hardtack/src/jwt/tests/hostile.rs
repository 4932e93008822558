//! Tests tokens and keys that an attacker might create, beyond the cases in `tokens.rs` and `jwk.rs`.

use serde_json::{Value, json};

use super::{ALL, HS256, forge, forge_segments, key, key_file};
use crate::jwt::{
    Algorithm, Claims, Jwk, JwkSet, KeyError, KeySet, SigningKey, TokenError, Unverified, VerifyingKey, base64url,
};

const PAYLOAD: &str = r#"{"sub":"alice","iat":100,"jti":"id","type":"access","exp":200}"#;

fn secret() -> &'static SigningKey {
    HS256.signing_key().unwrap()
}

fn verify_header(header: &[u8]) -> Result<(), TokenError> {
    HS256.verify(forge_segments(&base64url::encode(header), "e30", secret()).as_bytes()).map(drop)
}

/// Returns the text in UTF-16 and UTF-32, each in little-endian and big-endian byte order.
fn other_encodings(text: &str) -> [Vec<u8>; 4] {
    [
        text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(),
        text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(),
    ]
}

/// RFC 8725 section 3.7: JSON is UTF-8 without a byte order mark.
#[test]
fn s20_json_in_another_encoding_is_refused() {
    let header = r#"{"alg":"HS256"}"#;
    assert_eq!(verify_header(header.as_bytes()), Ok(()));
    for text in other_encodings(header) {
        assert_eq!(verify_header(&text), Err(TokenError::BadHeader), "{text:?}");
    }
    for text in other_encodings(PAYLOAD) {
        assert_eq!(Claims::from_json(&text), Err(TokenError::Malformed), "{text:?}");
    }
    for bad in [
        &b"\xef\xbb\xbf{\"alg\":\"HS256\"}"[..],
        b"{\"alg\":\"HS256\",\"x\":\"\xc0\xaf\"}",
        b"{\"alg\":\"HS256\",\"x\":\"\xed\xa0\x80\"}",
        b"{\"alg\":\"HS256\",\"x\":\"\xf4\x90\x80\x80\"}",
        b"{\"alg\":\"HS256\",\"\xff\":1}",
        b"{\"alg\":\"HS256\"}\0",
    ] {
        assert_eq!(verify_header(bad), Err(TokenError::BadHeader), "{bad:?}");
    }
}

/// Two subjects are equal only if their bytes are equal.
#[test]
fn s15_a_subject_is_read_byte_for_byte() {
    let read = |sub: &str| {
        let payload = PAYLOAD.replace("\"alice\"", sub);
        Claims::from_json(payload.as_bytes()).map(|claims| claims.subject)
    };
    for (json, subject) in [
        (r#""\u0061lice""#, "alice"),
        ("\"e\u{301}\"", "e\u{301}"),
        ("\"\u{e9}\"", "\u{e9}"),
        ("\"al\u{200b}ice\"", "al\u{200b}ice"),
        ("\"\u{202e}alice\"", "\u{202e}alice"),
        ("\" alice \"", " alice "),
        (r#""alice\u0000""#, "alice\0"),
        (r#""\ud83d\ude00""#, "\u{1f600}"),
        (r#""ALICE""#, "ALICE"),
    ] {
        assert_eq!(read(json).as_deref(), Ok(subject), "{json}");
    }
    // Half a surrogate pair is not a character. A control character must be escaped (RFC 8259 section 7).
    for bad in [r#""\ud83d""#, r#""\ude00\ud83d""#, "\"al\nice\"", "\"al\0ice\"", "\"\u{1}\"", r#""\x61""#, "'alice'"] {
        assert_eq!(read(bad), Err(TokenError::Malformed), "{bad:?}");
    }
    let longest = "x".repeat(7_000);
    assert_eq!(read(&format!("\"{longest}\"")).as_deref(), Ok(longest.as_str()));
}

#[test]
fn s15_times_in_unusual_spellings_are_the_same_number_or_refused() {
    let exp = |value: &str| {
        let payload = PAYLOAD.replace("\"exp\":200", &format!("\"exp\":{value}"));
        Claims::from_json(payload.as_bytes()).map(|claims| claims.expires_at.map(|at| at.unix_seconds()))
    };
    for (value, seconds) in [
        ("-0", 0),
        ("-0.0", 0),
        ("0.0000000001", 0),
        ("200.999999", 200),
        ("2E+2", 200),
        ("20000e-2", 200),
        ("253402300799", 253_402_300_799),
        ("253402300799.0", 253_402_300_799),
    ] {
        assert_eq!(exp(value), Ok(Some(seconds)), "{value}");
    }
    for bad in ["253402300799.5", "9223372036854775807", "9223372036854775808", "1e19", "1e308", "-1e-9", "-200"] {
        assert_eq!(exp(bad), Err(TokenError::BadClaim("exp")), "{bad}");
    }
    for bad in ["0200", "+200", ".5", "2.", "0xc8", "2_00", "Infinity", "NaN", "200 200", "2e", "\u{0662}"] {
        assert_eq!(exp(bad), Err(TokenError::Malformed), "{bad}");
    }
}

#[test]
fn s18_nested_and_unknown_members_have_no_effect_and_are_bounded() {
    // Member names are reserved only at the top level.
    for header in [
        r#"{"alg":"HS256","x":{"alg":"none","crit":["a"],"kid":"other","jwk":{}}}"#,
        r#"{"alg":"HS256","Alg":"none","CRIT":["a"],"Kid":"other"}"#,
        r#"{"alg":"HS256","cty":"JWT","x5t":"a","x5t#S256":7,"url":"https://evil.example/"}"#,
    ] {
        assert_eq!(verify_header(header.as_bytes()), Ok(()), "{header}");
    }
    // Names that are written with escapes, and names that only resemble a reserved name.
    assert_eq!(verify_header(br#"{"alg":"HS256","\u0063rit":["a"]}"#), Err(TokenError::UnsupportedHeader("crit")));
    assert_eq!(verify_header(br#"{"alg":"HS256","b\u00364":false}"#), Err(TokenError::UnsupportedHeader("b64")));
    assert_eq!(verify_header("{\"\u{430}lg\":\"HS256\"}".as_bytes()), Err(TokenError::BadHeader));
    for depth in [64, 127, 128, 900] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let header = verify_header(format!(r#"{{"alg":"HS256","x":{deep}}}"#).as_bytes());
        assert_eq!(header.is_ok(), depth < 127, "{depth}");
        let payload = PAYLOAD.replace("\"exp\":200", &format!("\"x\":{deep}"));
        assert_eq!(Claims::from_json(payload.as_bytes()).is_ok(), depth < 127, "{depth}");
    }
}

#[test]
fn s21_a_long_header_is_refused_wherever_it_is_read() {
    let header = |length: usize| {
        let rest = length - r#"{"alg":"HS256","x":""}"#.len();
        format!(r#"{{"alg":"HS256","x":"{}"}}"#, "y".repeat(rest))
    };
    assert_eq!(verify_header(header(2048).as_bytes()), Ok(()));
    assert_eq!(verify_header(header(2052).as_bytes()), Err(TokenError::TooLarge));
    // The size limit applies even if only the `kid` is read and nothing is verified.
    let huge = format!(r#"{{"alg":"HS256","kid":"theirs","x":"{}"}}"#, "y".repeat(4_000));
    assert!(!HS256.is_foreign(forge(&huge, b"{}", secret()).as_bytes()));
    assert!(HS256.is_foreign(forge(r#"{"alg":"HS256","kid":"theirs"}"#, b"{}", secret()).as_bytes()));
}

/// RFC 8725bis sections 2.3 and 3.3: encryption with the server's public key does not prove who created a token.
#[test]
fn s93_an_encrypted_token_is_not_mistaken_for_a_signed_one() {
    for algorithm in ALL {
        let keys = KeySet::new(key(algorithm));
        for encryption in ["RSA-OAEP", "RSA1_5", "ECDH-ES", "dir", "A256KW", "PBES2-HS512+A256KW"] {
            let header = json!({ "alg": encryption, "enc": "A128CBC-HS256", "typ": "JWT" }).to_string();
            let header = base64url::encode(header.as_bytes());
            for token in [format!("{header}.AAAA.AAAA.AAAA.AAAA"), format!("{header}..AAAA.AAAA.AAAA")] {
                assert_eq!(keys.verify(token.as_bytes()), Err(TokenError::NotCompact), "{algorithm} {encryption}");
            }
            let three = forge_segments(&header, "e30", keys.signing_key().unwrap());
            assert_eq!(keys.verify(three.as_bytes()), Err(TokenError::WrongAlgorithm), "{algorithm} {encryption}");
        }
    }
}

/// RFC 8725bis sections 2.11 and 3.1: algorithm names are case-sensitive, and a key has exactly one algorithm.
#[test]
fn s93_no_other_spelling_of_an_algorithm_is_accepted() {
    for algorithm in ALL {
        let keys = KeySet::new(key(algorithm));
        let private = keys.signing_key().unwrap();
        let name = algorithm.as_str();
        let swapped: String = name
            .chars()
            .map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
            .collect();
        for other in [
            name.to_lowercase(),
            name.to_uppercase(),
            swapped,
            format!(" {name}"),
            format!("{name} "),
            format!("{name}\\u0000"),
            format!("{name},none"),
        ] {
            if other == name {
                continue;
            }
            let token = forge(&format!(r#"{{"alg":"{other}"}}"#), b"{}", private);
            assert_eq!(keys.verify(token.as_bytes()), Err(TokenError::WrongAlgorithm), "{other:?}");
        }
        // All other algorithms are refused, even those whose keys have the same type.
        for other in ALL.into_iter().filter(|other| !other.signs_like(algorithm)) {
            let token = forge(&format!(r#"{{"alg":"{other}"}}"#), b"{}", private);
            assert_eq!(keys.verify(token.as_bytes()), Err(TokenError::WrongAlgorithm), "{algorithm} {other}");
        }
    }
}

/// RFC 8725bis section 3.11: a `typ` without a slash is a media type without the prefix `application/`.
#[test]
fn s93_a_typ_may_have_the_prefix_application() {
    for typ in ["application/jwt", "application/JWT", "Application/Jwt"] {
        assert_eq!(verify_header(format!(r#"{{"alg":"HS256","typ":"{typ}"}}"#).as_bytes()), Ok(()), "{typ}");
    }
    for typ in
        ["application/", "application/at+jwt", "application/application/jwt", "text/jwt", "/jwt", "jwt/", "x/jwt"]
    {
        let refused = verify_header(format!(r#"{{"alg":"HS256","typ":"{typ}"}}"#).as_bytes());
        assert_eq!(refused, Err(TokenError::WrongTyp), "{typ}");
    }
    for required in ["shop+jwt", "application/shop+jwt", "APPLICATION/shop+jwt"] {
        let keys = HS256.clone().require_typ(required).unwrap();
        assert!(keys.verify(keys.sign(b"{}").unwrap().as_bytes()).is_ok(), "{required}");
        for (typ, accepted) in [
            ("shop+jwt", true),
            ("application/shop+jwt", true),
            ("Application/Shop+JWT", true),
            ("text/shop+jwt", false),
            ("application/a/shop+jwt", false),
            ("application/jwt", false),
            ("jwt", false),
        ] {
            let token = forge(&format!(r#"{{"alg":"HS256","typ":"{typ}"}}"#), b"{}", secret());
            assert_eq!(keys.verify(token.as_bytes()).is_ok(), accepted, "{required} {typ}");
        }
    }
    // The prefix `application/` is part of the `typ` if the rest of the `typ` contains another slash.
    let keys = HS256.clone().require_typ("application/a/b").unwrap();
    let token = forge(r#"{"alg":"HS256","typ":"a/b"}"#, b"{}", secret());
    assert_eq!(keys.verify(token.as_bytes()), Err(TokenError::WrongTyp));
}

/// CVE-2022-21449: a signature that consists of zeros, or of the curve's order, must not be valid for any message.
#[test]
fn s10_ecdsa_signatures_out_of_range_are_refused() {
    for (algorithm, length) in [(Algorithm::ES256, 32), (Algorithm::ES384, 48), (Algorithm::ES512, 66)] {
        let keys = KeySet::new(key(algorithm));
        let token = keys.sign(b"{}").unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let good = base64url::decode(signature.as_bytes()).unwrap();
        assert_eq!(good.len(), 2 * length);
        let (zero, one, all) = (vec![0; length], [vec![0; length - 1], vec![1]].concat(), vec![255; length]);
        let (zero, one, all) = (&zero[..], &one[..], &all[..]);
        let (r, s) = good.split_at(length);
        for (r, s) in [(zero, zero), (zero, s), (r, zero), (one, one), (all, all), (all, s), (r, all)] {
            let bad = base64url::encode(&[r, s].concat());
            let refused = keys.verify(format!("{signed}.{bad}").as_bytes());
            assert_eq!(refused, Err(TokenError::BadSignature), "{algorithm}");
        }
        // A signature in DER, a signature that is one byte too short or too long, and a signature whose halves are
        // swapped.
        let der = [&[0x30, 4 + 2 * length as u8, 2, length as u8][..], r, &[2, length as u8], s].concat();
        for bad in [der, good[1..].to_vec(), [&good[..], &[0]].concat(), [&[0], &good[..]].concat(), [s, r].concat()] {
            let refused = keys.verify(format!("{signed}.{}", base64url::encode(&bad)).as_bytes());
            assert!(matches!(refused, Err(TokenError::BadSignature | TokenError::Malformed)), "{algorithm}");
        }
    }
}

#[test]
fn s10_rsa_signatures_of_another_length_are_refused() {
    let keys = KeySet::new(key(Algorithm::RS256));
    let token = keys.sign(b"{}").unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let good = base64url::decode(signature.as_bytes()).unwrap();
    for bad in [
        good[1..].to_vec(),
        good[..good.len() - 1].to_vec(),
        [&[0], &good[..]].concat(),
        vec![0; good.len()],
        vec![255; good.len()],
        [vec![0; good.len() - 1], vec![1]].concat(),
    ] {
        let refused = keys.verify(format!("{signed}.{}", base64url::encode(&bad)).as_bytes());
        assert_eq!(refused, Err(TokenError::BadSignature));
    }
    // A signature that is longer than any key could produce is not decoded.
    let refused = keys.verify(format!("{signed}.{}", base64url::encode(&vec![1; 1025])).as_bytes());
    assert_eq!(refused, Err(TokenError::Malformed));
}

#[test]
fn s20_a_segment_may_not_be_empty_where_json_is_read() {
    let signature = base64url::encode(&secret().signature(b".e30").unwrap());
    assert_eq!(HS256.verify(format!(".e30.{signature}").as_bytes()), Err(TokenError::BadHeader));
    for token in ["..", "...", ".e30.", "e30.."] {
        assert!(HS256.verify(token.as_bytes()).is_err(), "{token}");
        assert!(Unverified::parse(token).is_err(), "{token}");
    }
    // A JWS may have an empty payload, but an empty payload contains no claims.
    let empty = HS256.sign(b"").unwrap();
    assert_eq!(&*HS256.verify(empty.as_bytes()).unwrap(), b"");
    assert_eq!(Claims::from_json(b""), Err(TokenError::Malformed));
}

/// Decodes base64url one bit at a time, without tables or SIMD.
fn decode_slowly(text: &[u8]) -> Option<Vec<u8>> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bits = Vec::new();
    for byte in text {
        let value = alphabet.iter().position(|other| other == byte)?;
        bits.extend((0..6).rev().map(|bit| value >> bit & 1 == 1));
    }
    let whole = bits.len() / 8 * 8;
    let (bytes, rest) = bits.split_at(whole);
    if rest.len() >= 6 || rest.contains(&true) {
        return None;
    }
    Some(bytes.chunks(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | u8::from(*bit))).collect())
}

/// The decoder processes several bytes at once, so each length and each position takes its own path through the code.
#[test]
fn s20_every_byte_at_every_position_is_decoded_like_base64url() {
    for length in (0..70).chain([127, 128, 129, 255, 256, 257]) {
        let good: Vec<u8> = (0..length).map(|index| b"AZaz09-_"[index * 5 % 8]).collect();
        assert_eq!(base64url::decode(&good), decode_slowly(&good), "{length}");
        for at in 0..length {
            for byte in
                [0, b'+', b'/', b'=', b' ', b'\n', b'.', b',', b':', b'@', b'[', b'`', b'{', 0x7f, 0x80, 0xff, b'B']
            {
                let mut text = good.clone();
                text[at] = byte;
                assert_eq!(base64url::decode(&text), decode_slowly(&text), "{byte:#x} at {at} of {length}");
                let mut buffer = [0; 256];
                assert_eq!(base64url::decode_into(&text, &mut buffer).map(<[u8]>::to_vec), decode_slowly(&text));
            }
        }
    }
    for byte in 0..=u8::MAX {
        for text in [vec![byte; 2], vec![byte; 43], vec![byte; 64], vec![byte; 86]] {
            assert_eq!(base64url::decode(&text), decode_slowly(&text), "{byte:#x}");
        }
    }
}

fn rsa_jwk() -> Value {
    super::jwk::rsa_jwk()
}

fn with_zeros(number: &Value, zeros: usize) -> Value {
    let bytes = base64url::decode(number.as_str().unwrap().as_bytes()).unwrap();
    base64url::encode(&[vec![0; zeros], bytes].concat()).into()
}

/// RFC 7518 section 6.3.1.1: some libraries write a leading zero byte, which does not make a key longer.
#[test]
fn s22_leading_zeros_do_not_make_an_rsa_key_longer() {
    let short = json!({ "kty": "RSA", "alg": "RS256", "e": "AQAB", "n": base64url::encode(&[0xc1; 128]) });
    assert_eq!(VerifyingKey::from_jwk(&short.to_string()).unwrap_err(), KeyError::WeakRsa { bits: 1024 });
    for zeros in [1, 64, 128, 129, 130, 512] {
        let mut jwk = short.clone();
        jwk["n"] = with_zeros(&short["n"], zeros);
        let refused = VerifyingKey::from_jwk(&jwk.to_string()).unwrap_err();
        assert_eq!(refused, KeyError::WeakRsa { bits: 1024 }, "{zeros}");
    }
    // If a key is long enough without leading zeros, adding leading zeros does not change the key.
    let (good, mut padded) = (rsa_jwk(), rsa_jwk());
    padded["n"] = with_zeros(&good["n"], 1);
    padded["e"] = with_zeros(&good["e"], 2);
    let jwk = Jwk::parse(&padded.to_string()).unwrap();
    assert_eq!(jwk.thumbprint(), Jwk::parse(&good.to_string()).unwrap().thumbprint());
    assert_eq!(jwk.verifying_key().unwrap().to_jwk().unwrap().to_public_json(), Some(good.to_string()));
    for name in ["n", "e"] {
        for value in ["", "AA", "AAAA"] {
            let mut jwk = rsa_jwk();
            jwk[name] = value.into();
            assert!(VerifyingKey::from_jwk(&jwk.to_string()).is_err(), "{name} {value}");
        }
    }
}

#[test]
fn s93_weak_points_and_exponents_are_refused() {
    for algorithm in [Algorithm::ES256, Algorithm::ES384, Algorithm::ES512] {
        let public: Value =
            serde_json::from_str(&key(algorithm).verifying_key().to_jwk().unwrap().to_public_json().unwrap()).unwrap();
        let length = base64url::decode(public["x"].as_str().unwrap().as_bytes()).unwrap().len();
        // The point at infinity, a point that is not on the curve, coordinates above the field prime, and coordinates
        // that are too short or too long.
        let encoded = |byte: u8, length: usize| Value::from(base64url::encode(&vec![byte; length]));
        for (x, y) in [
            (encoded(0, length), encoded(0, length)),
            (public["x"].clone(), public["x"].clone()),
            (encoded(255, length), public["y"].clone()),
            (public["x"].clone(), encoded(0, length)),
            (with_zeros(&public["x"], 1), public["y"].clone()),
            (encoded(1, length - 1), public["y"].clone()),
            (Value::from(""), Value::from("")),
        ] {
            let mut jwk = public.clone();
            (jwk["x"], jwk["y"]) = (x, y);
            assert!(VerifyingKey::from_jwk(&jwk.to_string()).is_err(), "{algorithm} {jwk}");
        }
    }
    for exponent in ["AQ", "Ag", "BA", "AQAA", "AQAAAAAAAAE"] {
        let mut jwk = rsa_jwk();
        jwk["e"] = exponent.into();
        assert!(VerifyingKey::from_jwk(&jwk.to_string()).is_err(), "{exponent}");
    }
}

#[test]
fn a_jwk_that_contradicts_itself_is_refused() {
    let ec = || -> Value {
        let json = key(Algorithm::ES256).verifying_key().to_jwk().unwrap().to_public_json().unwrap();
        serde_json::from_str(&json).unwrap()
    };
    let load = |name: &str, value: Value| {
        let mut jwk = ec();
        jwk[name] = value;
        VerifyingKey::from_jwk(&jwk.to_string()).map(drop)
    };
    for (name, value) in [
        ("kty", json!("RSA")),
        ("kty", json!("oct")),
        ("kty", json!("ec")),
        ("kty", json!(["EC"])),
        ("crv", json!("P-384")),
        ("crv", json!("p-256")),
        ("alg", json!("HS256")),
        ("alg", json!("ES384")),
        ("alg", json!("none")),
        ("alg", json!(7)),
        ("use", json!("enc")),
        ("use", json!("SIG")),
        ("use", json!(["sig"])),
        ("key_ops", json!(["deriveKey"])),
        ("key_ops", json!([])),
        ("key_ops", json!("verify")),
        // RFC 7517 section 4.3: an operation must not be listed twice.
        ("key_ops", json!(["verify", "verify"])),
        ("key_ops", json!(["verify", 7])),
        ("kid", json!(7)),
        ("kid", Value::Null),
    ] {
        assert!(load(name, value.clone()).is_err(), "{name} {value}");
    }
    assert_eq!(load("key_ops", json!(["verify", "unheard-of"])), Ok(()));
    // A secret is never read from a public key's members.
    assert!(matches!(
        Jwk::parse(&json!({ "kty": "oct", "alg": "HS256" }).to_string()),
        Err(KeyError::Unparsable { .. })
    ));
    let both = json!({ "kty": "oct", "alg": "ES256", "k": base64url::encode(&super::random_looking(64)) });
    assert!(VerifyingKey::from_jwk(&both.to_string()).is_err());
}

/// Whether a key set counts as dangerous must not depend on which of its keys a library ignores.
#[test]
fn s93_a_set_is_mixed_even_if_one_of_its_keys_cannot_be_used() {
    let public: Value =
        serde_json::from_str(&key(Algorithm::ES256).verifying_key().to_jwk().unwrap().to_public_json().unwrap())
            .unwrap();
    let secret = base64url::encode(&super::random_looking(64));
    for oct in [
        json!({ "kty": "oct", "k": secret }),
        json!({ "kty": "oct", "k": secret, "alg": "A256KW", "use": "enc" }),
        json!({ "kty": "oct", "k": "not base64url!" }),
    ] {
        let set = json!({ "keys": [public, oct] }).to_string();
        assert_eq!(JwkSet::parse(&set).unwrap_err(), KeyError::MixedKeys, "{oct}");
    }
    // Malformed keys have ids, too. The last character of this secret has stray bits.
    let set = json!({ "keys": [
        { "kty": "oct", "alg": "HS256", "kid": "a", "k": secret },
        { "kty": "oct", "alg": "HS256", "kid": "a", "k": format!("{}B", &secret[..42]) },
    ] });
    let refused = JwkSet::parse(&set.to_string()).unwrap_err();
    assert_eq!(refused, KeyError::DuplicateKeyId { key_id: "a".to_owned() });
    // An encryption key's id never selects a key, so another key may have the same id (RFC 7517 section 4.5).
    let (mut named, mut unusable) = (public.clone(), public.clone());
    named["kid"] = "a".into();
    (unusable["alg"], unusable["kid"]) = ("ECDH-ES".into(), "a".into());
    let set = json!({ "keys": [named, unusable] }).to_string();
    assert_eq!(JwkSet::parse(&set).unwrap().keys().len(), 1);
    // A key of an unknown type has no effect (RFC 7517 section 5).
    let set = json!({ "keys": [public, { "kty": "AKP", "alg": "ML-DSA-44" }] }).to_string();
    assert_eq!(JwkSet::parse(&set).unwrap().keys().len(), 1);
}

#[test]
fn s11_a_public_key_in_any_form_is_no_secret() {
    let pem = std::str::from_utf8(key_file!("rsa.pub.pem")).unwrap();
    let jwk = rsa_jwk().to_string();
    let set = json!({ "keys": [rsa_jwk()] }).to_string();
    for text in [pem, &jwk, &set] {
        for padding in ["", " ", "\n\n", "\u{feff}", "\t\r\n "] {
            let secret = format!("{padding}{text}{padding}");
            assert_eq!(
                SigningKey::from_secret(secret.as_bytes()).unwrap_err(),
                KeyError::LooksLikePublicKey,
                "{secret:.40}"
            );
        }
    }
}
