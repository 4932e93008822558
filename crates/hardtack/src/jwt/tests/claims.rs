//! Tests how claims are read, written and validated.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::clock::{MAX_SKEW, Timestamp};
use crate::jwt::{
    ClaimError, Claims, Expected, ExtraClaims, FastClaims, Fresh, NoExtra, TokenError, TokenKind, validate,
};

const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds)
}

/// Reads the smallest valid payload after replacing one member. If `value` is `-`, the member is removed instead.
fn with(name: &str, value: &str) -> Result<Claims, TokenError> {
    let least = [("sub", "\"alice\""), ("iat", "100"), ("jti", "\"id\""), ("type", "\"access\""), ("exp", "200")];
    let mut members: Vec<String> =
        least.iter().filter(|(other, _)| *other != name).map(|(name, value)| format!("\"{name}\":{value}")).collect();
    if value != "-" {
        members.push(format!("\"{name}\":{value}"));
    }
    Claims::from_json(format!("{{{}}}", members.join(",")).as_bytes())
}

fn full() -> Claims {
    Claims {
        subject: "alice".to_owned(),
        issued_at: at(100),
        not_before: Some(at(100)),
        expires_at: Some(at(200)),
        token_id: "id".to_owned(),
        kind: TokenKind::Refresh,
        fresh: Fresh::Until(at(150)),
        csrf: Some("c\"srf".to_owned()),
        session: Some(0xfeed),
        generation: Some(7),
        auth_time: Some(at(90)),
        issuer: Some("me".to_owned()),
        audience: vec!["a".to_owned(), "b".to_owned()],
        proven_at: Some(at(95)),
    }
}

#[test]
fn claims_are_written_in_the_order_of_flask_jwt_extended() {
    let extra = json!({"roles": ["admin"]}).as_object().unwrap().clone();
    let json = full().to_json(&extra).unwrap();
    let expected = concat!(
        r#"{"fresh":150,"iat":100,"jti":"id","type":"refresh","sub":"alice","nbf":100,"csrf":"c\"srf","#,
        r#""exp":200,"sid":"0000000000000000000000000000feed","gen":7,"auth_time":90,"iss":"me","#,
        r#""aud":["a","b"],"proven_at":95,"roles":["admin"]}"#,
    );
    assert_eq!(String::from_utf8(json.clone()).unwrap(), expected);
    assert_eq!(Claims::from_json(&json).unwrap(), full());
}

#[test]
fn a_token_of_flask_jwt_extended_is_read() {
    let payload = br#"{"fresh": true, "iat": 1700000000, "jti": "b1946ac9-2c7f-4c11-9f1e-2f3f8a7d6c55", "type": "access", "sub": "alice", "nbf": 1700000000, "csrf": "5f0b4f2a-6a52-4b7a-8c41-0a54b1e0f3a5", "exp": 1700000900}"#;
    let claims = Claims::from_json(payload).unwrap();
    assert_eq!(claims.fresh, Fresh::Yes);
    assert_eq!(claims.subject, "alice");
    assert_eq!(claims.expires_at, Some(at(1_700_000_900)));
    assert_eq!(validate(&claims, &Expected::new(at(1_700_000_000), TokenKind::Access)), Ok(()));
}

#[test]
fn required_claims_are_required() {
    for name in ["sub", "iat", "jti", "type"] {
        assert_eq!(with(name, "-"), Err(TokenError::MissingClaim(name)));
    }
    assert_eq!(with("exp", "-").unwrap().expires_at, None);
}

#[test]
fn texts_must_be_strings() {
    for (name, reported) in [("sub", "sub"), ("jti", "jti"), ("csrf", "csrf")] {
        for value in ["\"\"", "1", "null", "[]", "{}", "true"] {
            assert_eq!(with(name, value), Err(TokenError::BadClaim(reported)), "{name} {value}");
        }
    }
    assert_eq!(with("iss", "1"), Err(TokenError::BadClaim("iss")));
    assert_eq!(with("gen", "-1"), Err(TokenError::BadClaim("gen")));
    assert_eq!(with("gen", "1.5"), Err(TokenError::BadClaim("gen")));
}

#[test]
fn s14_only_the_expected_kind_is_accepted() {
    for value in ["\"Access\"", "\"id\"", "\"\"", "\"access \""] {
        assert_eq!(with("type", value), Err(TokenError::WrongKind), "{value}");
    }
    assert_eq!(with("type", "1"), Err(TokenError::BadClaim("type")));
    let access = with("type", "\"access\"").unwrap();
    let refresh = with("type", "\"refresh\"").unwrap();
    assert_eq!(validate(&access, &Expected::new(at(100), TokenKind::Refresh)), Err(TokenError::WrongKind));
    assert_eq!(validate(&refresh, &Expected::new(at(100), TokenKind::Access)), Err(TokenError::WrongKind));
    assert_eq!(validate(&refresh, &Expected::new(at(100), TokenKind::Refresh)), Ok(()));
}

#[test]
fn s15_times_must_be_numbers_in_range() {
    for name in ["iat", "nbf", "exp", "auth_time", "proven_at", "fresh"] {
        for value in
            ["\"200\"", "1e300", "1e400", "-1", "-0.5", "253402300800", "18446744073709551615", "null", "[]", "{}"]
        {
            let refused = with(name, value).unwrap_err();
            // The JSON reader refuses 1e400, because this number is too large for a float.
            assert!(
                matches!(refused, TokenError::BadClaim(other) if other == name) || value == "1e400",
                "{name} {value}"
            );
        }
    }
    assert_eq!(with("exp", "true"), Err(TokenError::BadClaim("exp")));
    assert_eq!(with("exp", "199.9").unwrap().expires_at, Some(at(199)));
    assert_eq!(with("exp", "2e2").unwrap().expires_at, Some(at(200)));
    assert_eq!(with("exp", "253402300799").unwrap().expires_at, Some(at(253_402_300_799)));
    assert_eq!(with("exp", "0").unwrap().expires_at, Some(at(0)));
}

#[test]
fn s15_a_missing_exp_is_refused_unless_allowed() {
    let claims = with("exp", "-").unwrap();
    let mut expected = Expected::new(at(100), TokenKind::Access);
    assert_eq!(validate(&claims, &expected), Err(TokenError::MissingClaim("exp")));
    expected.allow_never_expiring = true;
    assert_eq!(validate(&claims, &expected), Ok(()));
    // A token whose `exp` has passed is still refused.
    expected.now = at(200);
    assert_eq!(validate(&with("exp", "200").unwrap(), &expected), Err(TokenError::Expired));
}

#[test]
fn s15_future_nbf_and_iat_are_refused() {
    let mut expected = Expected::new(at(100), TokenKind::Access);
    for (skew, good, bad) in [(None, "103", "104"), (Some(0), "100", "101"), (Some(60), "160", "161")] {
        expected.clock_skew = skew.map_or(expected.clock_skew, Duration::from_secs);
        assert_eq!(validate(&with("nbf", bad).unwrap(), &expected), Err(TokenError::NotYetValid));
        assert_eq!(validate(&with("nbf", good).unwrap(), &expected), Ok(()));
        assert_eq!(validate(&with("iat", bad).unwrap(), &expected), Err(TokenError::IssuedInFuture));
        assert_eq!(validate(&with("iat", good).unwrap(), &expected), Ok(()));
    }
    // A token is considered early only if nothing else is wrong with it.
    let mut without_end = with("exp", "-").unwrap();
    without_end.issued_at = at(5000);
    assert_eq!(validate(&without_end, &expected), Err(TokenError::MissingClaim("exp")));
}

#[test]
fn s16_leeway_is_zero_unless_set_and_exact_at_its_edges() {
    let claims = with("nbf", "100").unwrap();
    let check = |now, leeway| {
        let mut expected = Expected::new(at(now), TokenKind::Access);
        assert_eq!((expected.leeway, expected.clock_skew), (Duration::ZERO, Duration::from_secs(3)));
        expected.leeway = Duration::from_secs(leeway);
        expected.clock_skew = Duration::from_secs(leeway);
        validate(&claims, &expected)
    };
    assert_eq!(check(199, 0), Ok(()));
    assert_eq!(check(200, 0), Err(TokenError::Expired));
    assert_eq!(check(209, 10), Ok(()));
    assert_eq!(check(210, 10), Err(TokenError::Expired));
    assert_eq!(check(90, 10), Ok(()));
    assert_eq!(check(89, 10), Err(TokenError::NotYetValid));
    // The leeway is limited to one minute.
    assert_eq!(MAX_SKEW, Duration::from_secs(60));
    assert_eq!(check(259, 3_600), Ok(()));
    assert_eq!(check(260, 3_600), Err(TokenError::Expired));
    assert_eq!(check(39, u64::MAX), Err(TokenError::NotYetValid));
}

#[test]
fn s17_audience_and_issuer_must_fit() {
    let ours = ["us".to_owned(), "we".to_owned()];
    let check = |aud: &str, audience| {
        let mut expected = Expected::new(at(100), TokenKind::Access);
        expected.audience = audience;
        validate(&with("aud", aud).unwrap(), &expected)
    };
    assert_eq!(check("\"us\"", Some(&ours[..])), Ok(()));
    assert_eq!(check(r#"["them","we"]"#, Some(&ours)), Ok(()));
    for aud in ["-", "\"them\"", r#"["them"]"#, "\"US\"", "\"us \""] {
        assert_eq!(check(aud, Some(&ours)), Err(TokenError::WrongAudience), "{aud}");
    }
    assert_eq!(check("\"us\"", Some(&[])), Err(TokenError::WrongAudience));
    assert_eq!(check("\"us\"", None), Err(TokenError::WrongAudience));
    assert_eq!(check("-", None), Ok(()));
    for aud in ["1", "null", "[1]", "[]", r#"["us",1]"#, "{}"] {
        assert_eq!(with("aud", aud), Err(TokenError::BadClaim("aud")), "{aud}");
    }

    let mut expected = Expected::new(at(100), TokenKind::Access);
    let me = ["me".to_owned()];
    expected.issuers = &me;
    assert_eq!(validate(&with("iss", "\"me\"").unwrap(), &expected), Ok(()));
    assert_eq!(validate(&with("iss", "\"you\"").unwrap(), &expected), Err(TokenError::WrongIssuer));
    assert_eq!(validate(&with("iss", "-").unwrap(), &expected), Err(TokenError::WrongIssuer));
    expected.issuers = &[];
    assert_eq!(validate(&with("iss", "\"you\"").unwrap(), &expected), Ok(()));
}

#[test]
fn expired_is_reported_only_if_nothing_else_is_wrong() {
    let mut expected = Expected::new(at(1_000), TokenKind::Access);
    assert_eq!(validate(&with("x", "1").unwrap(), &expected), Err(TokenError::Expired));
    assert_eq!(validate(&with("type", "\"refresh\"").unwrap(), &expected), Err(TokenError::WrongKind));
    assert_eq!(validate(&with("aud", "\"us\"").unwrap(), &expected), Err(TokenError::WrongAudience));
    assert_eq!(validate(&with("nbf", "2000").unwrap(), &expected), Err(TokenError::NotYetValid));
    assert_eq!(validate(&with("iat", "2000").unwrap(), &expected), Err(TokenError::IssuedInFuture));
    let me = ["me".to_owned()];
    expected.issuers = &me;
    assert_eq!(validate(&with("x", "1").unwrap(), &expected), Err(TokenError::WrongIssuer));
}

#[test]
fn s19_duplicate_claims_are_refused() {
    for payload in [
        r#"{"sub":"alice","iat":1,"jti":"a","type":"access","sub":"root"}"#,
        r#"{"sub":"alice","iat":1,"jti":"a","type":"access","\u0073ub":"alice"}"#,
        r#"{"sub":"alice","iat":1,"jti":"a","type":"access","x":1,"x":1}"#,
        r#"{"sub":"alice","iat":1,"jti":"a","type":"access","x":{"y":1,"y":1}}"#,
        r#"{"sub":"alice","iat":1,"jti":"a","type":"access","exp":2,"exp":3}"#,
    ] {
        assert_eq!(Claims::from_json(payload.as_bytes()), Err(TokenError::DuplicateMember), "{payload}");
    }
}

#[test]
fn a_payload_that_is_not_an_object_is_refused() {
    for payload in ["", "null", "[]", "\"sub\"", "{}x", "{\"sub\":}"] {
        assert_eq!(Claims::from_json(payload.as_bytes()), Err(TokenError::Malformed), "{payload}");
    }
}

#[test]
fn a_session_id_has_one_spelling() {
    let session = |value: &str| with("sid", value).map(|claims| claims.session);
    assert_eq!(session("\"0123456789abcdef0123456789abcdef\""), Ok(Some(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef)));
    for value in [
        "\"0123456789ABCDEF0123456789abcdef\"",
        "\"123456789abcdef0123456789abcdef\"",
        "\"+123456789abcdef0123456789abcdef\"",
        "\"00123456789abcdef0123456789abcdef\"",
        "\"\"",
        "1",
        "null",
    ] {
        assert_eq!(session(value), Err(TokenError::BadClaim("sid")), "{value}");
    }
}

#[test]
fn freshness_has_three_forms() {
    assert_eq!(with("fresh", "-").unwrap().fresh, Fresh::No);
    assert_eq!(with("fresh", "false").unwrap().fresh, Fresh::No);
    assert_eq!(with("fresh", "true").unwrap().fresh, Fresh::Yes);
    assert_eq!(with("fresh", "150").unwrap().fresh, Fresh::Until(at(150)));
    assert_eq!(with("fresh", "\"true\""), Err(TokenError::BadClaim("fresh")));
    assert!(Fresh::Yes.is_fresh_at(at(0)));
    assert!(!Fresh::No.is_fresh_at(at(0)));
    assert!(Fresh::Until(at(150)).is_fresh_at(at(150)));
    assert!(!Fresh::Until(at(150)).is_fresh_at(at(151)));
}

#[test]
fn reserved_names_are_refused_when_a_token_is_made() {
    for name in [
        "sub",
        "iat",
        "nbf",
        "exp",
        "jti",
        "type",
        "fresh",
        "csrf",
        "sid",
        "gen",
        "auth_time",
        "iss",
        "aud",
        "proven_at",
    ] {
        let extra: Map<String, Value> = [(name.to_owned(), json!(1))].into_iter().collect();
        assert_eq!(full().to_json(&extra), Err(ClaimError::Reserved(name.to_owned())));
    }
}

#[test]
fn claims_that_could_not_be_read_back_are_not_written() {
    let refusal = |change: fn(&mut Claims)| {
        let mut claims = full();
        change(&mut claims);
        claims.to_json(&Map::new())
    };
    assert_eq!(refusal(|claims| claims.subject.clear()), Err(ClaimError::Invalid("sub")));
    assert_eq!(refusal(|claims| claims.token_id.clear()), Err(ClaimError::Invalid("jti")));
    assert_eq!(refusal(|claims| claims.csrf = Some(String::new())), Err(ClaimError::Invalid("csrf")));
    assert_eq!(refusal(|claims| claims.issued_at = at(-1)), Err(ClaimError::Invalid("iat")));
    assert_eq!(refusal(|claims| claims.expires_at = Some(at(i64::MAX))), Err(ClaimError::Invalid("exp")));
    assert_eq!(refusal(|claims| claims.fresh = Fresh::Until(at(-1))), Err(ClaimError::Invalid("fresh")));
}

#[test]
fn an_applications_own_claims_are_read() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Own {
        role: String,
    }
    let payload = br#"{"sub":"a","iat":1,"jti":"b","type":"access","role":"admin"}"#;
    assert_eq!(Own::from_payload(payload).unwrap(), Own { role: "admin".to_owned() });
    assert_eq!(NoExtra::from_payload(payload).unwrap(), NoExtra);
    let refused = Own::from_payload(br#"{"role":1}"#).unwrap_err();
    assert_eq!(refused, TokenError::BadClaim("extra"));
}

/// If this test fails, every token that this library issues has to be read by the slower reader.
#[test]
fn the_fast_reader_reads_what_this_library_writes() {
    let mut claims = Claims::new("3f0a1c52", "id-1", TokenKind::Access, at(1_800_000_000));
    let read = |claims: &Claims, extra: Value| {
        let payload = String::from_utf8(claims.to_json(extra.as_object().unwrap()).unwrap()).unwrap();
        FastClaims::read(&payload).map(|fast| fast.to_claims(&payload))
    };
    assert_eq!(read(&claims, json!({})).as_ref(), Some(&claims));
    claims.fresh = Fresh::Until(at(1_800_000_300));
    claims.not_before = Some(at(0));
    claims.csrf = Some("csrf".into());
    claims.expires_at = Some(at(1_800_000_900));
    claims.session = Some(u128::MAX / 3);
    claims.generation = Some(7);
    claims.auth_time = Some(at(1_800_000_000));
    claims.issuer = Some("https://site.example".into());
    claims.audience = vec!["site".into()];
    assert_eq!(read(&claims, json!({})).as_ref(), Some(&claims));
    let own = json!({"role": "admin", "level": 3, "paid": true, "boss": null, "other": false});
    assert_eq!(read(&claims, own).as_ref(), Some(&claims));
    claims.kind = TokenKind::Refresh;
    claims.fresh = Fresh::Yes;
    assert_eq!(read(&claims, json!({"role": ""})).as_ref(), Some(&claims));
    assert_eq!(read(&claims, json!({"role": {"nested": 1}})), None);
}

#[test]
fn the_fast_reader_refuses_payloads_without_a_brace_or_a_required_claim() {
    let payload = r#"{"fresh":false,"iat":1,"jti":"a","type":"access","sub":"alice"}"#;
    assert!(FastClaims::read(payload).is_some());
    for (part, replacement) in [
        ("{\"fresh\":false", ""),
        ("{\"fresh\":false,", "{"),
        ("{", ""),
        ("}", ""),
        ("}", ",}"),
        ("}", "}}"),
        (",\"iat\":1", ""),
        (",\"jti\":\"a\"", ""),
        (",\"type\":\"access\"", ""),
        (",\"sub\":\"alice\"", ""),
        ("alice", ""),
    ] {
        let other = payload.replace(part, replacement);
        assert_ne!(other, payload);
        assert!(FastClaims::read(&other).is_none(), "{other}");
    }
}
