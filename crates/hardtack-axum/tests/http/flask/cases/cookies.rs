//! Requests with different spellings of the cookie, and with different CSRF values.

use http::Method;

use super::{Case, Kind, Mint, Options, cookie_name, csrf_field, csrf_header};
use crate::flask::options::Depth;

pub(super) fn add(cases: &mut Vec<Case>, options: &Options, mint: &Mint) {
    if !options.in_cookies() {
        return;
    }
    for (path, kind) in [("/access", Kind::Access), ("/refresh", Kind::Refresh), ("/cookies_only", Kind::Access)] {
        for method in [Method::GET, Method::POST, Method::OPTIONS, Method::HEAD] {
            let group = format!("csrf/{method} {path}");
            let start = |what: &str| {
                let case = Case::new(format!("{group} {what}"), method.clone(), path);
                case.cookie(cookie_name(options, kind), &mint.token(kind))
            };
            csrf_headers(cases, options, kind, &start);
            if method == Method::POST && options.is("JWT_COOKIE_CSRF_PROTECT") {
                csrf_fields(cases, options, kind, &start);
            }
        }
        if options.depth == Depth::Brief {
            break;
        }
    }
    if options.depth == Depth::Full {
        spellings(cases, options, mint);
    }
    unusable_claims(cases, options, mint);
}

fn csrf_headers(cases: &mut Vec<Case>, options: &Options, kind: Kind, start: &dyn Fn(&str) -> Case) {
    let name = csrf_header(options, kind);
    let (right, other) = match kind {
        Kind::Access => (kind.csrf(), Kind::Refresh),
        Kind::Refresh => (kind.csrf(), Kind::Access),
    };
    cases.extend([
        start("without a value"),
        start("with the right value").header(name, right),
        start("with a wrong value").header(name, "wrong"),
        start("with an empty value").header(name, ""),
        start("with the value of the other kind").header(name, other.csrf()),
        start("with the value in capitals").header(name, right.to_uppercase()),
        start("with white space around").header(name, format!("  {right}\t")),
        start("with half a value").header(name, &right[..18]),
        start("with the value and more").header(name, format!("{right}0")),
        start("with a value that is not ASCII").header(name, "ä".as_bytes()),
        start("with the right value twice").header(name, right).header(name, right),
        start("with a wrong value, then the right one").header(name, "wrong").header(name, right),
        start("with the header of the other kind").header(csrf_header(options, other), other.csrf()),
        start("with the value in a header of Angular").header("x-xsrf-token", right),
        start("with the value in the query").query(&format!("csrf_token={right}")),
        start("with the value in a cookie").cookie("csrf_access_token", right),
    ]);
}

fn csrf_fields(cases: &mut Vec<Case>, options: &Options, kind: Kind, start: &dyn Fn(&str) -> Case) {
    let (header, field) = (csrf_header(options, kind), csrf_field(options, kind));
    let right = kind.csrf();
    let long = "x".repeat(40_000);
    cases.extend([
        start("with the field").form(&[(field, right)]),
        start("with the field after others").form(&[("a", "b"), ("c", "d&e=f"), (field, right)]),
        start("with the field after a long one").form(&[("long", &long), (field, right)]),
        start("with a wrong field").form(&[(field, "wrong")]),
        start("with an empty field").form(&[(field, "")]),
        start("with other fields only").form(&[("a", "b")]),
        start("with an empty form").form(&[]),
        start("with the field twice, the first right").form(&[(field, right), (field, "wrong")]),
        start("with the field twice, the second right").form(&[(field, "wrong"), (field, right)]),
        start("with an empty field before the right one").form(&[(field, ""), (field, right)]),
        start("with the field in capitals").form(&[(&field.to_uppercase(), right)]),
        start("with a field that is not ASCII").form(&[(field, "ä")]),
        start("with the field of multipart").multipart(&[("a", "b"), (field, right)]),
        start("with a wrong field of multipart").multipart(&[(field, "wrong")]),
        start("with no field in multipart").multipart(&[("a", "b")]),
        start("with a multipart body that is none").body("multipart/form-data; boundary=cut", right),
        start("with a multipart body without a boundary").body("multipart/form-data", right),
        start("with the field in plain text").body("text/plain", format!("{field}={right}")),
        start("with the field and no content type").body("", format!("{field}={right}")),
        start("with the field in JSON").json(&serde_json::json!({ field: right })),
        start("with a wrong header and the field").header(header, "wrong").form(&[(field, right)]),
        start("with an empty header and the field").header(header, "").form(&[(field, right)]),
        start("with the header and a wrong field").header(header, right).form(&[(field, "wrong")]),
        start("with a charset").body(
            "application/x-www-form-urlencoded; charset=utf-8",
            form_urlencoded::Serializer::new(String::new()).append_pair(field, right).finish(),
        ),
    ]);
}

fn spellings(cases: &mut Vec<Case>, options: &Options, mint: &Mint) {
    let name = cookie_name(options, Kind::Access);
    let (good, refresh) = (mint.token(Kind::Access), mint.token(Kind::Refresh));
    let lines = [
        ("first of others", format!("{name}={good}; a=b")),
        ("last of others", format!("a=b; c; =d; {name}={good}")),
        ("no space between", format!("a=b;{name}={good}")),
        ("spaces around", format!("a=b ;  {name} = {good}  ")),
        ("comma between", format!("a=b, {name}={good}")),
        ("quoted", format!("{name}=\"{good}\"")),
        ("quoted and escaped", format!("{name}=\"{}\"", good.replacen('.', "\\056", 1))),
        ("percent-encoded", format!("{name}={}", good.replace('.', "%2E"))),
        ("empty", format!("{name}=")),
        ("no equals sign", name.to_owned()),
        ("empty quotes", format!("{name}=\"\"")),
        ("a space", format!("{name}=%20")),
        ("garbage", format!("{name}=garbage")),
        ("name in other letters", format!("{}={good}", name.to_uppercase())),
        ("prefixed name", format!("__Host-{name}={good}")),
        ("the same twice", format!("{name}={good}; {name}={good}")),
        ("good, then garbage", format!("{name}={good}; {name}=garbage")),
        ("garbage, then good", format!("{name}=garbage; {name}={good}")),
        ("empty, then good", format!("{name}=; {name}={good}")),
        ("of the other kind", format!("{}={good}", cookie_name(options, Kind::Refresh))),
        ("holding the other kind", format!("{name}={refresh}")),
        ("with a type before", format!("{name}=Bearer {good}")),
        ("with a version", format!("$Version=1; {name}={good}; $Path=/")),
        ("many", format!("{}{name}={good}", "x=y; ".repeat(200))),
        ("nothing", String::new()),
        ("only separators", "; ;;".to_owned()),
    ];
    for (what, line) in lines {
        cases.push(Case::get(format!("cookie/{what}"), "/access").header("cookie", line));
    }
    let two = Case::get("cookie/two headers", "/access").header("cookie", "a=b");
    cases.push(two.header("cookie", format!("{name}={good}")));
    let bytes = [b"a=\xff\xfe; ", format!("{name}={good}").as_bytes()].concat();
    cases.push(Case::get("cookie/beside one that is not UTF-8", "/access").header("cookie", bytes));
    let optional = Case::get("cookie/optional, garbage", "/optional");
    cases.push(optional.header("cookie", format!("{name}=garbage")));
}

/// Tokens whose `csrf` claim is missing or malformed.
fn unusable_claims(cases: &mut Vec<Case>, options: &Options, mint: &Mint) {
    use serde_json::json;
    let values = [
        ("none", None),
        ("null", Some(json!(null))),
        ("a number", Some(json!(7))),
        ("empty", Some(json!(""))),
        ("not ASCII", Some(json!("ä"))),
    ];
    for (what, value) in values {
        let token = mint.with(Kind::Access, &[("csrf", value)]);
        let case = Case::post(format!("csrf/claim {what}"), "/access");
        let case = case.cookie(cookie_name(options, Kind::Access), &token);
        cases.push(case.header(csrf_header(options, Kind::Access), "7"));
    }
    let expired = mint.with(Kind::Access, &[("exp", Some(json!(mint.now - 7200)))]);
    let case = |what: &str| {
        let case = Case::post(format!("csrf/expired token {what}"), "/access");
        case.cookie(cookie_name(options, Kind::Access), &expired)
    };
    cases.push(case("without a value"));
    cases.push(case("with a wrong value").header(csrf_header(options, Kind::Access), "wrong"));
    cases.push(case("with the right value").header(csrf_header(options, Kind::Access), Kind::Access.csrf()));
    let optional = Case::post("csrf/optional, without a value", "/optional");
    cases.push(optional.cookie(cookie_name(options, Kind::Access), &mint.token(Kind::Access)));
}
