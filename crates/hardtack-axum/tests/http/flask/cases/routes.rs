//! Every route with every kind of token at every location, and requests with tokens at two locations.

use http::Method;
use serde_json::json;

use super::{Case, Kind, Mint, Options};
use crate::flask::options::Depth;

const ROUTES: [(&str, Option<&str>); 10] = [
    ("/access", None),
    ("/fresh", None),
    ("/optional", None),
    ("/refresh", None),
    ("/any_type", None),
    ("/no_revocation_check", None),
    ("/headers_only", Some("headers")),
    ("/cookies_only", Some("cookies")),
    ("/query_only", Some("query_string")),
    ("/json_only", Some("json")),
];
const LOCATIONS: [&str; 4] = ["headers", "cookies", "query_string", "json"];

pub(super) fn add(cases: &mut Vec<Case>, options: &Options, mint: &Mint) {
    let tokens = [
        ("access", Kind::Access, mint.token(Kind::Access)),
        ("fresh", Kind::Access, mint.with(Kind::Access, &[("fresh", Some(json!(true)))])),
        ("refresh", Kind::Refresh, mint.token(Kind::Refresh)),
    ];
    let enabled = options.list("JWT_TOKEN_LOCATION");
    for (path, only) in ROUTES {
        // The name of the cookie or JSON key depends on the route, not on the token.
        let asked = if path == "/refresh" { Kind::Refresh } else { Kind::Access };
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            cases.push(Case::new(format!("routes/{method} {path} without a token"), method.clone(), path));
            for location in LOCATIONS {
                let here = only.is_none_or(|only| only == location);
                let wanted = here && (only.is_some() || enabled.contains(&location));
                // One request is enough for a location that the route does not use.
                if options.depth == Depth::Brief && !wanted || method == Method::OPTIONS && location != enabled[0] {
                    continue;
                }
                for (name, kind, token) in &tokens {
                    if wanted || *name == "access" {
                        let name = format!("routes/{method} {path} {name} at {location}");
                        let mut case = Case::new(name, method.clone(), path).token_at(options, location, asked, token);
                        if *kind != asked && location == "cookies" {
                            // The CSRF value must be that of the token, not that of the route's kind of token.
                            for header in &mut case.headers {
                                if header.1 == asked.csrf().as_bytes() {
                                    header.1 = kind.csrf().as_bytes().to_owned();
                                }
                            }
                        }
                        cases.push(case);
                    }
                }
            }
        }
    }
    two_at_once(cases, options, mint);
    let case = Case::new("routes/HEAD /access", Method::HEAD, "/access");
    cases.push(case.clone());
    cases.push(case.token_at(options, enabled[0], Kind::Access, &mint.token(Kind::Access)));
}

/// Tokens at two locations: their order decides which one is used, and whether a failure at the first ends the search.
fn two_at_once(cases: &mut Vec<Case>, options: &Options, mint: &Mint) {
    let good = mint.token(Kind::Access);
    let changed = |name, value| mint.with(Kind::Access, &[(name, value)]);
    let firsts = [
        ("good", changed(mint.identity.as_str(), Some(json!("bob")))),
        ("expired", changed("exp", Some(json!(mint.now - 7200)))),
        ("refresh", mint.token(Kind::Refresh)),
        ("garbage", "not-a-token".to_owned()),
        ("empty", String::new()),
    ];
    let locations = options.list("JWT_TOKEN_LOCATION");
    for first in &locations {
        for second in locations.iter().filter(|second| *second != first) {
            for (name, token) in &firsts {
                let name = format!("two/{name} at {first}, good at {second}");
                let case = Case::post(name, "/access").token_at(options, first, Kind::Access, token);
                cases.push(case.token_at(options, second, Kind::Access, &good));
            }
            if *first == "cookies" {
                for path in ["/access", "/optional"] {
                    let name = format!("two/{path} no CSRF value at {first}, good at {second}");
                    let case = Case::post(name, path).cookie(super::cookie_name(options, Kind::Access), &good);
                    cases.push(case.token_at(options, second, Kind::Access, &good));
                }
            }
        }
    }
}
