//! Tokens that the servers issue, cookies that they delete, and revocation.

use serde_json::{Value, json};

use super::{Case, Kind, Mint, Options};

pub(super) fn add(cases: &mut Vec<Case>, options: &Options, mint: &Mint) {
    let asked = [
        ("plain", json!({})),
        ("access", json!({ "kind": "access" })),
        ("refresh", json!({ "kind": "refresh" })),
        ("fresh", json!({ "fresh": true })),
        ("not fresh", json!({ "fresh": false })),
        ("fresh for a while", json!({ "fresh": 600 })),
        ("refresh, fresh", json!({ "kind": "refresh", "fresh": true })),
        ("for a minute", json!({ "expires_seconds": 60 })),
        ("for zero seconds", json!({ "expires_seconds": 0 })),
        ("for ever", json!({ "expires_seconds": false })),
        ("expired", json!({ "expires_seconds": -60 })),
        ("refresh for a minute", json!({ "kind": "refresh", "expires_seconds": 60 })),
        ("refresh for ever", json!({ "kind": "refresh", "expires_seconds": false })),
        ("identity empty", json!({ "identity": "" })),
        ("identity not ASCII", json!({ "identity": "Älice ☃" })),
        ("identity a number", json!({ "identity": 7 })),
        ("identity null", json!({ "identity": null })),
        ("identity a list", json!({ "identity": ["alice"] })),
        ("claims", json!({ "additional_claims": { "role": "admin", "groups": [1, null, { "a": 1.5 }] } })),
        ("claims empty", json!({ "additional_claims": {} })),
        ("claims null", json!({ "additional_claims": null })),
        ("claims over sub", json!({ "additional_claims": { "sub": "bob", options.get("JWT_IDENTITY_CLAIM"): "bob" } })),
        ("claims over exp", json!({ "additional_claims": { "exp": mint.now + 90 } })),
        ("claims over jti", json!({ "additional_claims": { "jti": "chosen" } })),
        ("claims over type", json!({ "additional_claims": { "type": "refresh" } })),
        ("claims over fresh", json!({ "additional_claims": { "fresh": true } })),
        ("claims over csrf", json!({ "additional_claims": { "csrf": "chosen" } })),
        ("claims over aud", json!({ "additional_claims": { "aud": "api" } })),
        ("claims over iss", json!({ "additional_claims": { "iss": "other" } })),
        ("headers", json!({ "additional_headers": { "tenant": 7, "region": { "name": "north" } } })),
        ("headers with kid", json!({ "additional_headers": { "kid": "one" } })),
        ("headers empty", json!({ "additional_headers": {} })),
        ("headers over typ", json!({ "additional_headers": { "typ": "at+jwt" } })),
        ("headers over alg", json!({ "additional_headers": { "alg": "none" } })),
        (
            "refresh with all",
            json!({
                "kind": "refresh", "additional_claims": { "role": "x" }, "additional_headers": { "tenant": "one" },
            }),
        ),
    ];
    for (what, more) in asked {
        let mut body = json!({ "identity": "alice" });
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        cases.push(Case::post(format!("issue/{what}"), "/tokens").json(&body));
    }
    for which in ["access", "refresh", "all"] {
        cases.push(Case::post(format!("unset/{which}"), "/unset").query(&format!("which={which}")));
    }
    revoked(cases, options, mint);
}

fn revoked(cases: &mut Vec<Case>, options: &Options, mint: &Mint) {
    let at = options.list("JWT_TOKEN_LOCATION")[0];
    let jti = |jti: &str| ("jti", Some(json!(jti)));
    let dead = mint.with(Kind::Access, &[jti("dead"), ("fresh", Some(json!(true)))]);
    let alive = mint.with(Kind::Access, &[jti("alive")]);
    let expired = mint.with(Kind::Access, &[jti("dead"), ("exp", Some(json!(mint.now - 7200)))]);
    cases.push(Case::get("revoked/before", "/access").token_at(options, at, Kind::Access, &dead));
    cases.push(Case::post("revoked/now", "/revoke").json(&json!({ "jti": "dead" })));
    cases.push(Case::post("revoked/again", "/revoke").json(&json!({ "jti": "dead" })));
    for path in ["/access", "/fresh", "/optional", "/any_type", "/no_revocation_check"] {
        cases.push(Case::get(format!("revoked/{path}"), path).token_at(options, at, Kind::Access, &dead));
    }
    cases.push(Case::get("revoked/another", "/access").token_at(options, at, Kind::Access, &alive));
    cases.push(Case::get("revoked/expired", "/access").token_at(options, at, Kind::Access, &expired));
    let refresh = mint.with(Kind::Refresh, &[jti("dead")]);
    cases.push(Case::get("revoked/refresh", "/refresh").token_at(options, at, Kind::Refresh, &refresh));
    // If a token has the wrong type and is revoked, both servers must report the wrong type.
    cases.push(Case::get("revoked/wrong type", "/access").token_at(options, at, Kind::Access, &refresh));
}

/// A token that one of the servers issued, sent to both. Each accepts the other's tokens.
pub(in crate::flask) fn of_peers(options: &Options, issuer: &str, case: &str, token: &str) -> Vec<Case> {
    let refresh = case.contains("refresh");
    let (path, kind) = if refresh { ("/refresh", Kind::Refresh) } else { ("/access", Kind::Access) };
    let csrf = crate::flask::tokens::read(token).and_then(|(_, claims)| Some(claims["csrf"].as_str()?.to_owned()));
    let mut cases = Vec::new();
    for at in options.list("JWT_TOKEN_LOCATION") {
        let name = |method: &str, path: &str| format!("{case}, from {issuer}, {method} {path} at {at}");
        cases.push(Case::get(name("GET", path), path).token_at(options, at, kind, token));
        let mut post = Case::post(name("POST", path), path).token_at(options, at, kind, token);
        for header in &mut post.headers {
            if let Some(csrf) = csrf.as_deref().filter(|_| header.1 == kind.csrf().as_bytes()) {
                header.1 = csrf.as_bytes().to_owned();
            }
        }
        cases.push(post);
        if !refresh {
            cases.push(Case::get(name("GET", "/fresh"), "/fresh").token_at(options, at, kind, token));
        }
    }
    cases
}

/// The token in a response of `/tokens`.
pub(in crate::flask) fn issued(body: &Value) -> Option<&str> {
    body["token"].as_str()
}
