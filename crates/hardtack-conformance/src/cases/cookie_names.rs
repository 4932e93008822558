//! The name of the access cookie must match byte for byte, regardless of the other cookies that are sent with it.

use crate::harness::{ACCESS, Case, cookie_value};

/// The cases. Each case has a name, a `Cookie` field with `{}` in place of the token, and whether the token is found.
const FIELDS: &[(&str, &[u8], bool)] = &[
    ("between two others", b"theme=dark; __Host-access_token_cookie={}; lang=en", true),
    ("after others without spaces", b"theme=dark;lang=en;__Host-access_token_cookie={}", true),
    ("before another and a trailing semicolon", b"__Host-access_token_cookie={}; theme=dark;", true),
    ("after a tab", b"theme=dark;\t__Host-access_token_cookie={}", true),
    ("after invalid percent-encoding", b"a=%; b=%zz; c=%c3%28; __Host-access_token_cookie={}", true),
    ("after unbalanced quotes", b"a=\"; b=\"x; __Host-access_token_cookie={}", true),
    ("after bytes that are not UTF-8", b"a=\xff\xfe; __Host-access_token_cookie={}", true),
    ("after UTF-8", b"name=J\xc3\xb6rg; __Host-access_token_cookie={}", true),
    ("after a cookie without a name", b"=x; y; __Host-access_token_cookie={}", true),
    ("after a cookie that holds JSON", b"prefs={\"a\":[1,2]}; __Host-access_token_cookie={}", true),
    (
        "after a cookie of the same name in percent-encoding",
        b"%5F%5FHost-access_token_cookie=x; __Host-access_token_cookie={}",
        true,
    ),
    (
        "after a cookie of the same name without its prefix",
        b"access_token_cookie=x; __Host-access_token_cookie={}",
        true,
    ),
    ("with its prefix percent-encoded", b"%5F%5FHost-access_token_cookie={}", false),
    ("with one letter percent-encoded", b"__Host-%61ccess_token_cookie={}", false),
    ("with its prefix in capitals", b"__HOST-access_token_cookie={}", false),
    ("without its prefix", b"access_token_cookie={}", false),
    ("with the prefix __Secure-", b"__Secure-access_token_cookie={}", false),
    ("after a no-break space", b"\xc2\xa0__Host-access_token_cookie={}", false),
    ("after an en quad", b"\xe2\x80\x80__Host-access_token_cookie={}", false),
    ("after a no-break space in Latin-1", b"\xa0__Host-access_token_cookie={}", false),
    ("after a byte order mark", b"\xef\xbb\xbf__Host-access_token_cookie={}", false),
    ("with a space before the equals sign", b"__Host-access_token_cookie ={}", false),
    ("with a longer name", b"__Host-access_token_cookie2={}", false),
    ("inside another cookie's value", b"a=__Host-access_token_cookie={}", false),
    ("inside a quoted value", b"a=\"b,__Host-access_token_cookie={}\"", false),
    ("after a comma", b"a=b, __Host-access_token_cookie={}", false),
];

pub(super) fn cases() -> Vec<Case> {
    let rows = FIELDS.iter().map(|&(name, field, found)| {
        Case::new(
            format!("cookie names: {name}, the cookie is {}", if found { "read" } else { "ignored" }),
            move |site| async move {
                let token = cookie_value(&site.alice().await, ACCESS);
                let at = field.windows(2).position(|pair| pair == b"{}").unwrap();
                let field = [&field[..at], token.as_bytes(), &field[at + 2..]].concat();
                let response = site.visitor().get("/protected").raw_cookie_header(&field).send().await;
                site.expect("GET", &response, if found { "200" } else { "401 missing_token" });
                let anyone = site.visitor().get("/anyone").raw_cookie_header(&field).send().await;
                let sub = if found { "alice".into() } else { serde_json::Value::Null };
                site.expect_eq("sub", anyone.json()["sub"].clone(), sub);
            },
        )
    });
    let mut cases: Vec<_> = rows.collect();
    cases.push(Case::new("cookie names: a hundred others in one field", |site| async move {
        let mut alice = site.alice().await;
        for number in 0..100 {
            alice.set_cookie_raw(&format!("other{number}=value{number}"));
        }
        site.expect("GET", &alice.get("/protected").send().await, "200");
    }));
    cases.push(Case::new("cookie names: forty others, each in a Cookie field of its own", |site| async move {
        let token = cookie_value(&site.alice().await, ACCESS);
        let mut visitor = site.visitor();
        let mut request = visitor.get("/protected");
        for number in 0..40 {
            request = request.raw_cookie_header(format!("other{number}=value"));
        }
        let response = request.raw_cookie_header(format!("{ACCESS}={token}")).send().await;
        site.expect("GET", &response, "200");
    }));
    cases
}
