//! Requests with different spellings of the query with the token.

use super::{Case, Kind, Mint, Options, form};

pub(super) fn add(cases: &mut Vec<Case>, options: &Options, mint: &Mint) {
    if !options.list("JWT_TOKEN_LOCATION").contains(&"query_string") {
        return;
    }
    let (name, prefix) = (options.get("JWT_QUERY_STRING_NAME"), options.get("JWT_QUERY_STRING_VALUE_PREFIX"));
    let token = mint.token(Kind::Access);
    let value = format!("{prefix}{token}");
    let pair = form(&[(name, &value)]);
    let empty = form(&[(name, "")]);
    let bare = form(&[(name, "x")]).replace("=x", "");
    let spellings = [
        ("nothing", String::new()),
        ("no value", empty.clone()),
        ("no equals sign", bare),
        ("only the prefix", form(&[(name, prefix)])),
        ("no prefix", form(&[(name, &token)])),
        ("prefix in other letters", form(&[(name, &format!("{}{token}", prefix.to_lowercase()))])),
        ("prefix twice", form(&[(name, &format!("{prefix}{prefix}{token}"))])),
        ("white space before", form(&[(name, &format!(" {value}"))])),
        ("white space after", form(&[(name, &format!("{value} "))])),
        ("after another", format!("a=b&{pair}")),
        ("before another", format!("{pair}&a=b")),
        ("empty pairs", format!("&&{pair}&&")),
        ("semicolon", format!("a=b;{pair}")),
        ("twice", format!("{pair}&{pair}")),
        ("first good, then garbage", format!("{pair}&{}", form(&[(name, "garbage")]))),
        ("first garbage, then good", format!("{}&{pair}", form(&[(name, "garbage")]))),
        ("first empty, then good", format!("{empty}&{pair}")),
        ("percent-encoded all through", encoded(name) + "=" + &encoded(&value)),
        ("dots encoded", pair.replace('.', "%2e")),
        ("spaces as %20", pair.replace('+', "%20")),
        ("half an escape after", format!("{pair}%2")),
        ("not UTF-8 after", format!("{pair}%ff")),
        ("NUL after", format!("{pair}%00")),
        ("not UTF-8 elsewhere", format!("a=%ff%zz&{pair}")),
        ("name in other letters", form(&[(&name.to_uppercase(), &value)])),
        ("name of a list", form(&[(&format!("{name}[]"), &value)])),
        ("not ASCII", form(&[(name, &format!("{prefix}ä"))])),
    ];
    for (what, query) in spellings {
        cases.push(Case::get(format!("query/{what}"), "/access").query(&query));
    }
    cases.push(Case::get("query/optional, no prefix", "/optional").query(&form(&[(name, &token)])));
    cases.push(Case::post("query/in a form", "/access").form(&[(name, &value)]));
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
