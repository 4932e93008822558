//! Tokens with every kind of defect, and unusual tokens that are valid.

use serde_json::{Value, json};

use super::{Case, Kind, Mint, Options};
use crate::flask::{options::Depth, tokens::encode};

pub(super) fn add(cases: &mut Vec<Case>, options: &Options, mint: &Mint) {
    let locations = options.list("JWT_TOKEN_LOCATION");
    let mut tokens = times(options, mint);
    tokens.extend(who(mint));
    tokens.extend(signatures(options, mint));
    if options.depth == Depth::Full {
        tokens.extend(headers(mint));
        tokens.extend(shapes(mint));
    }
    if mint.more.contains_key("iss") || options.depth == Depth::Full {
        tokens.extend(audiences(mint));
    }
    for (name, token) in &tokens {
        let case = Case::get(format!("token/{name}"), "/access");
        cases.push(case.token_at(options, locations[0], Kind::Access, token));
    }
    // An invalid token is an error even if the token is optional, at any location.
    for (name, token) in tokens.iter().step_by(4) {
        let at = locations[locations.len() - 1];
        let case = Case::post(format!("token/optional, {name}"), "/optional");
        cases.push(case.token_at(options, at, Kind::Access, token));
    }
    let expired = mint.with(Kind::Refresh, &[("exp", Some(json!(mint.now - 7200)))]);
    let case = Case::get("token/expired refresh token", "/refresh");
    cases.push(case.token_at(options, locations[0], Kind::Refresh, &expired));
    for (name, changes) in kinds(mint) {
        for (path, kind) in [("/access", Kind::Access), ("/refresh", Kind::Refresh), ("/fresh", Kind::Access)] {
            let token = mint.with(kind, &changes);
            let case = Case::get(format!("kind/{path} {name}"), path);
            cases.push(case.token_at(options, locations[0], kind, &token));
        }
    }
}

type Named = Vec<(String, String)>;
type Changes<'a> = Vec<(&'a str, Option<Value>)>;

fn replaced(mint: &Mint, claim: &str, values: Vec<(&str, Option<Value>)>) -> Named {
    let token =
        |(name, value): (&str, Option<Value>)| (format!("{claim} {name}"), mint.with(Kind::Access, &[(claim, value)]));
    values.into_iter().map(token).collect()
}

fn times(options: &Options, mint: &Mint) -> Named {
    let leeway: i64 = options.get("JWT_DECODE_LEEWAY").parse().unwrap();
    let now = mint.now;
    let odd = || {
        [
            ("null", Some(json!(null))),
            ("text", Some(json!("soon"))),
            ("empty text", Some(json!(""))),
            ("true", Some(json!(true))),
            ("a list", Some(json!([now]))),
            ("a number as text", Some(json!(now.to_string()))),
            ("a fraction", Some(json!(now as f64 - 60.5))),
            ("negative", Some(json!(-1))),
            ("far", Some(json!(99_999_999_999_999_i64))),
            ("beyond 64 bits", Some(json!(1e300))),
        ]
    };
    let mut tokens = replaced(
        mint,
        "exp",
        vec![
            ("none", None),
            ("long ago", Some(json!(now - 7200))),
            ("zero", Some(json!(0))),
            ("just beyond the leeway", Some(json!(now - leeway - 1))),
            ("soon beyond the leeway", Some(json!(now - leeway + 30))),
        ],
    );
    for (claim, sign) in [("nbf", 1), ("iat", 1)] {
        let late = |by: i64| Some(json!(now + sign * (leeway + by)));
        let values = vec![("none", None), ("to come", late(120)), ("just within the leeway", late(-1))];
        tokens.extend(replaced(mint, claim, values));
    }
    if options.depth == Depth::Full {
        for claim in ["exp", "nbf", "iat"] {
            tokens.extend(replaced(mint, claim, odd().into()));
        }
    }
    tokens
}

fn who(mint: &Mint) -> Named {
    let odd = vec![
        ("none", None),
        ("null", Some(json!(null))),
        ("empty", Some(json!(""))),
        ("a number", Some(json!(7))),
        ("a fraction", Some(json!(7.5))),
        ("true", Some(json!(true))),
        ("a list", Some(json!(["alice"]))),
        ("an object", Some(json!({ "id": 7 }))),
        ("not ASCII", Some(json!("Älice ☃ 𝄞"))),
        ("long", Some(json!("a".repeat(1000)))),
        ("with a NUL", Some(json!("a\0b"))),
    ];
    let mut tokens = replaced(mint, &mint.identity, odd);
    let jtis = vec![
        ("none", None),
        ("null", Some(json!(null))),
        ("a number", Some(json!(7))),
        ("empty", Some(json!(""))),
        ("long", Some(json!("j".repeat(500)))),
    ];
    tokens.extend(replaced(mint, "jti", jtis));
    tokens.extend(replaced(
        mint,
        "csrf",
        vec![("none", None), ("null", Some(json!(null))), ("a number", Some(json!(7)))],
    ));
    tokens.extend(replaced(mint, "role", vec![("of the application", Some(json!({ "admin": [true] })))]));
    if mint.identity != "sub" {
        tokens.extend(replaced(mint, "sub", vec![("a number beside", Some(json!(7))), ("beside", Some(json!("eve")))]));
    }
    tokens
}

fn audiences(mint: &Mint) -> Named {
    let odd = |right: &str| {
        vec![
            ("none", None),
            ("null", Some(json!(null))),
            ("empty", Some(json!(""))),
            ("another", Some(json!("another"))),
            ("a number", Some(json!(7))),
            ("the right one", Some(json!(right))),
            ("a list", Some(json!([right, "another"]))),
            ("an empty list", Some(json!([]))),
            ("a list of others", Some(json!(["x", "y"]))),
            ("a list with a number", Some(json!([right, 7]))),
            ("in other letters", Some(json!(right.to_uppercase()))),
        ]
    };
    let issuer = mint.more.get("iss").and_then(Value::as_str).unwrap_or("issuer").to_owned();
    [replaced(mint, "aud", odd("api")), replaced(mint, "iss", odd(&issuer))].concat()
}

fn kinds(mint: &Mint) -> Vec<(&'static str, Changes<'static>)> {
    let one = |claim, value| vec![(claim, value)];
    let now = mint.now;
    vec![
        ("of no type", one("type", None)),
        ("of another type", one("type", Some(json!("other")))),
        ("of type null", one("type", Some(json!(null)))),
        ("of a number as type", one("type", Some(json!(7)))),
        ("of a type in capitals", one("type", Some(json!("REFRESH")))),
        ("of the type refresh", one("type", Some(json!("refresh")))),
        ("of the type access", one("type", Some(json!("access")))),
        ("fresh none", one("fresh", None)),
        ("fresh true", one("fresh", Some(json!(true)))),
        ("fresh null", one("fresh", Some(json!(null)))),
        ("fresh text", one("fresh", Some(json!("true")))),
        ("fresh a list", one("fresh", Some(json!([])))),
        ("fresh zero", one("fresh", Some(json!(0)))),
        ("fresh until an hour ago", one("fresh", Some(json!(now - 3600)))),
        ("fresh for an hour", one("fresh", Some(json!(now + 3600)))),
        ("fresh for an hour and a half second", one("fresh", Some(json!(now as f64 + 3600.5)))),
        ("fresh far", one("fresh", Some(json!(1e300)))),
    ]
}

fn signatures(options: &Options, mint: &Mint) -> Named {
    let good = mint.token(Kind::Access);
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    let middle = signature.len() / 2;
    let flipped = if signature.as_bytes()[middle] == b'A' { 'B' } else { 'A' };
    let flipped = format!("{}{flipped}{}", &signature[..middle], &signature[middle + 1..]);
    let text = serde_json::to_vec(&mint.claims(Kind::Access)).unwrap();
    let none = encode(br#"{"alg":"none","typ":"JWT"}"#);
    let (other, name) = options.same_key_other_algorithm();
    let public = Kind::Access.csrf();
    vec![
        ("flipped signature".into(), format!("{message}.{flipped}")),
        ("no signature".into(), format!("{message}.")),
        ("half a signature".into(), format!("{message}.{}", &signature[..middle / 4 * 4])),
        ("signature and more".into(), format!("{good}AAAA")),
        ("signature with padding".into(), format!("{good}=")),
        ("signature not base64".into(), format!("{message}.!!!!")),
        ("another's claims".into(), {
            let other = mint.with(Kind::Access, &[(mint.identity.as_str(), Some(json!("eve")))]);
            format!("{header}.{}.{signature}", other.split('.').nth(1).unwrap())
        }),
        ("another key".into(), options.other_signer().sign(mint.header().as_bytes(), &text)),
        ("alg none, unsigned".into(), format!("{none}.{claims}.")),
        ("alg none, signed".into(), mint.raw(r#"{"alg":"none","typ":"JWT"}"#, &text)),
        ("alg of another kind, signed".into(), mint.headed(&json!({ "alg": "ES384" }))),
        ("another algorithm".into(), other.sign(json!({ "alg": name, "typ": "JWT" }).to_string().as_bytes(), &text)),
        ("an algorithm that is listed too".into(), {
            let signer = crate::flask::tokens::Signer::new("HS256", options.secret());
            signer.sign(br#"{"alg":"HS256","typ":"JWT"}"#, &text)
        }),
        ("signed by a value of its own".into(), {
            let signer = crate::flask::tokens::Signer::new("HS256", public);
            signer.sign(br#"{"alg":"HS256","typ":"JWT"}"#, &text)
        }),
    ]
}

fn headers(mint: &Mint) -> Named {
    let alg = mint.algorithm.as_str();
    let text = |header: &str| mint.raw(header, serde_json::to_vec(&mint.claims(Kind::Access)).unwrap());
    let header = |header: Value| mint.headed(&header);
    vec![
        ("header without alg".into(), header(json!({ "typ": "JWT" }))),
        ("alg null".into(), header(json!({ "alg": null }))),
        ("alg a number".into(), header(json!({ "alg": 256 }))),
        ("alg a list".into(), header(json!({ "alg": [alg] }))),
        ("alg empty".into(), header(json!({ "alg": "" }))),
        ("alg in small letters".into(), header(json!({ "alg": alg.to_lowercase() }))),
        ("header without typ".into(), header(json!({ "alg": alg }))),
        ("typ in small letters".into(), header(json!({ "alg": alg, "typ": "jwt" }))),
        ("typ at+jwt".into(), header(json!({ "alg": alg, "typ": "at+jwt" }))),
        ("typ a number".into(), header(json!({ "alg": alg, "typ": 7 }))),
        ("header with kid".into(), header(json!({ "alg": alg, "typ": "JWT", "kid": "one" }))),
        ("kid a number".into(), header(json!({ "alg": alg, "kid": 1 }))),
        ("kid null".into(), header(json!({ "alg": alg, "kid": null }))),
        ("header with more".into(), header(json!({ "alg": alg, "typ": "JWT", "tenant": { "id": 7 } }))),
        ("crit empty".into(), header(json!({ "alg": alg, "crit": [] }))),
        ("crit unknown".into(), header(json!({ "alg": alg, "crit": ["x"], "x": 1 }))),
        ("crit b64 true".into(), header(json!({ "alg": alg, "crit": ["b64"], "b64": true }))),
        ("b64 false".into(), header(json!({ "alg": alg, "crit": ["b64"], "b64": false }))),
        ("zip".into(), header(json!({ "alg": alg, "zip": "DEF" }))),
        ("jwk of its own".into(), header(json!({ "alg": alg, "jwk": { "kty": "oct", "k": "AA" } }))),
        ("header with white space".into(), text(&format!("{{ \"typ\": \"JWT\",\n\"alg\": \"{alg}\" }} "))),
        ("header in another order".into(), text(&format!(r#"{{"typ":"JWT","alg":"{alg}"}}"#))),
        ("alg escaped".into(), text(&format!(r#"{{"\u0061lg":"{alg}"}}"#))),
        ("alg twice".into(), text(&format!(r#"{{"alg":"none","alg":"{alg}"}}"#))),
        ("header a list".into(), text("[]")),
        ("header null".into(), text("null")),
        ("header a text".into(), text("\"JWT\"")),
        ("header empty".into(), text("")),
        ("header not JSON".into(), text("alg=HS256")),
        ("header deep".into(), text(&format!(r#"{{"alg":"{alg}","x":{}{}}}"#, "[".repeat(60), "]".repeat(60)))),
        ("header after a byte order mark".into(), text(&format!("\u{feff}{{\"alg\":\"{alg}\"}}"))),
    ]
}

fn shapes(mint: &Mint) -> Named {
    let good = mint.token(Kind::Access);
    let claims = Value::Object(mint.claims(Kind::Access)).to_string();
    let open = &claims[..claims.len() - 1];
    let signed = |claims: &str| mint.raw(mint.header(), claims);
    let parts: Vec<&str> = good.split('.').collect();
    vec![
        ("claims empty".into(), signed("")),
        ("claims an empty object".into(), signed("{}")),
        ("claims a list".into(), signed("[]")),
        ("claims null".into(), signed("null")),
        ("claims a text".into(), signed("\"alice\"")),
        ("claims not JSON".into(), signed("sub=alice")),
        ("claims cut off".into(), signed(open)),
        ("claims and more".into(), signed(&format!("{claims}x"))),
        ("claims with white space".into(), signed(&format!("\n {claims} \t"))),
        ("claims with NaN".into(), signed(&format!("{open},\"x\":NaN}}"))),
        ("claims with an infinite exp".into(), signed(&format!("{open},\"exp\":1e999}}"))),
        ("claims not UTF-8".into(), mint.raw(mint.header(), [open.as_bytes(), b",\"x\":\"\xff\"}"].concat())),
        ("claims with half a surrogate".into(), signed(&format!("{open},\"x\":\"\\ud800\"}}"))),
        ("claims with sub twice".into(), signed(&format!("{open},\"sub\":\"eve\"}}"))),
        ("claims with a claim twice".into(), signed(&format!("{open},\"x\":1,\"x\":2}}"))),
        ("claims with exp twice".into(), signed(&format!("{open},\"exp\":0}}"))),
        ("one segment".into(), "token".into()),
        ("two segments".into(), format!("{}.{}", parts[0], parts[1])),
        ("four segments".into(), format!("{good}.{}", parts[0])),
        ("five segments".into(), "a.b.c.d.e".into()),
        ("only dots".into(), "..".into()),
        ("letters".into(), "a.b.c".into()),
        ("begins with a dot".into(), format!(".{good}")),
        ("ends with a dot".into(), format!("{good}.")),
        ("slash for underscore".into(), good.replacen(&parts[1][4..5], "/", 1)),
        ("cut off in the claims".into(), good[..parts[0].len() + 20].to_owned()),
        ("padding in the claims".into(), format!("{}.{}=.{}", parts[0], parts[1], parts[2])),
        ("percent sign".into(), good.replacen('.', "%2e", 1)),
        ("5 KB".into(), mint.with(Kind::Access, &[("x", Some(json!("x".repeat(3500))))])),
        ("10 KB".into(), mint.with(Kind::Access, &[("x", Some(json!("x".repeat(7000))))])),
        ("quoted".into(), format!("\"{good}\"")),
    ]
}
