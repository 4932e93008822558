//! JSON bodies with a token, and malformed ones.

use serde_json::json;

use super::{Case, Kind, Mint, Options, json_key};

pub(super) fn add(cases: &mut Vec<Case>, options: &Options, mint: &Mint) {
    if !options.list("JWT_TOKEN_LOCATION").contains(&"json") {
        return;
    }
    let key = json_key(options, Kind::Access);
    let token = mint.token(Kind::Access);
    let good = json!({ key: token }).to_string();
    let utf_16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let bodies = [
        ("beside others", json!({ "a": [1, {}], key: token, "z": null }).to_string()),
        ("of the refresh key", json!({ json_key(options, Kind::Refresh): token }).to_string()),
        ("white space around", format!(" \r\n\t{good}\n ")),
        ("no key", "{}".to_owned()),
        ("other keys", json!({ "other": token }).to_string()),
        ("key in other letters", json!({ key.to_uppercase() + "_": token }).to_string()),
        ("key within", json!({ "x": { key: token } }).to_string()),
        ("key twice, the last good", format!("{{\"{key}\":\"garbage\",\"{key}\":\"{token}\"}}")),
        ("key twice, the first good", format!("{{\"{key}\":\"{token}\",\"{key}\":\"garbage\"}}")),
        ("key escaped", good.replacen(key, &format!("\\u{:04x}{}", key.as_bytes()[0], &key[1..]), 1)),
        ("token null", json!({ key: null }).to_string()),
        ("token empty", json!({ key: "" }).to_string()),
        ("token a space", json!({ key: " " }).to_string()),
        ("token true", json!({ key: true }).to_string()),
        ("token false", json!({ key: false }).to_string()),
        ("token zero", json!({ key: 0 }).to_string()),
        ("token a number", json!({ key: 5 }).to_string()),
        ("token a list", json!({ key: [token] }).to_string()),
        ("token an object", json!({ key: { "token": token } }).to_string()),
        ("token not ASCII", json!({ key: "ä.ö.ü" }).to_string()),
        ("an empty list", "[]".to_owned()),
        ("a list", json!([token]).to_string()),
        ("a string", json!(token).to_string()),
        ("an empty string", "\"\"".to_owned()),
        ("a number", "5".to_owned()),
        ("zero", "0".to_owned()),
        ("true", "true".to_owned()),
        ("false", "false".to_owned()),
        ("null", "null".to_owned()),
        ("nothing", String::new()),
        ("cut off", good[..good.len() - 1].to_owned()),
        ("two values", format!("{good}{good}")),
        ("not JSON", "token".to_owned()),
        ("single quotes", good.replace('"', "'")),
        ("a comma at the end", good.replace('}', ",}")),
        ("not a number beside", good.replace('}', ",\"n\":NaN}")),
        ("byte order mark", format!("\u{feff}{good}")),
        ("deep", format!("{}{good}{}", "[".repeat(5000), "]".repeat(5000))),
    ];
    for (what, body) in bodies {
        cases.push(Case::post(format!("json/{what}"), "/access").body("application/json", body));
    }
    cases.push(Case::post("json/UTF-16", "/access").body("application/json", utf_16));
    let latin_1 = good.replace('}', ",\"n\":\"\u{e4}\"}").chars().map(|c| c as u8).collect::<Vec<u8>>();
    cases.push(Case::post("json/Latin-1", "/access").body("application/json", latin_1));
    for content_type in [
        "application/json; charset=utf-8",
        "application/json;charset=UTF-16",
        "APPLICATION/JSON",
        " application/json ",
        "application/vnd.api+json",
        "application/jose+json; x=y",
        "application/jsonx",
        "application/x-json",
        "text/json",
        "text/plain",
        "image/svg+json",
        "application/x-www-form-urlencoded",
        "json",
        "",
    ] {
        let case = Case::post(format!("json/content type {content_type:?}"), "/access");
        cases.push(case.body(content_type, good.clone()));
    }
    cases.push(Case::get("json/GET", "/access").body("application/json", good.clone()));
    for body in ["", "[]", "token"] {
        let case = Case::post(format!("json/optional {body:?}"), "/optional");
        cases.push(case.body("application/json", body));
    }
    cases.push(Case::post("json/optional, a form", "/optional").form(&[(key, &token)]));
}
