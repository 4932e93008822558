//! Cookie names byte for byte, among the cookies of others.

use super::case::Case;
use super::site::{ACCESS, value_of};

/// Fields in which `{}` stands for the token, and whether it is found there.
const FIELDS: &[(&str, &[u8], bool)] = &[
    ("between others", b"theme=dark; __Host-access_token_cookie={}; lang=en", true),
    ("behind others without spaces", b"theme=dark;lang=en;__Host-access_token_cookie={}", true),
    ("before others and a trailing semicolon", b"__Host-access_token_cookie={}; theme=dark;", true),
    ("behind a tab", b"theme=dark;\t__Host-access_token_cookie={}", true),
    ("beside broken percent signs", b"a=%; b=%zz; c=%c3%28; __Host-access_token_cookie={}", true),
    ("beside unbalanced quotes", b"a=\"; b=\"x; __Host-access_token_cookie={}", true),
    ("beside bytes that are no UTF-8", b"a=\xff\xfe; __Host-access_token_cookie={}", true),
    ("beside UTF-8", b"name=J\xc3\xb6rg; __Host-access_token_cookie={}", true),
    ("beside a cookie without a name", b"=x; y; __Host-access_token_cookie={}", true),
    ("beside a JSON cookie", b"prefs={\"a\":[1,2]}; __Host-access_token_cookie={}", true),
    ("beside an encoded namesake", b"%5F%5FHost-access_token_cookie=x; __Host-access_token_cookie={}", true),
    ("beside its name without prefix", b"access_token_cookie=x; __Host-access_token_cookie={}", true),
    ("under an encoded name", b"%5F%5FHost-access_token_cookie={}", false),
    ("under an encoded letter", b"__Host-%61ccess_token_cookie={}", false),
    ("under another case", b"__HOST-access_token_cookie={}", false),
    ("without its prefix", b"access_token_cookie={}", false),
    ("with the weaker prefix", b"__Secure-access_token_cookie={}", false),
    ("behind a no-break space", b"\xc2\xa0__Host-access_token_cookie={}", false),
    ("behind an en quad", b"\xe2\x80\x80__Host-access_token_cookie={}", false),
    ("behind a Latin-1 space", b"\xa0__Host-access_token_cookie={}", false),
    ("behind a byte order mark", b"\xef\xbb\xbf__Host-access_token_cookie={}", false),
    ("with a space before the equals sign", b"__Host-access_token_cookie ={}", false),
    ("with more name behind it", b"__Host-access_token_cookie2={}", false),
    ("inside of another's value", b"a=__Host-access_token_cookie={}", false),
    ("inside of quotes", b"a=\"b,__Host-access_token_cookie={}\"", false),
    ("behind a comma", b"a=b, __Host-access_token_cookie={}", false),
];

pub(super) fn cases() -> Vec<Case> {
    let rows = FIELDS.iter().map(|&(name, field, found)| {
        Case::new(format!("cookie names: the token {name}"), move |site| async move {
            let token = value_of(&site.alice().await, ACCESS);
            let at = field.windows(2).position(|pair| pair == b"{}").unwrap();
            let field = [&field[..at], token.as_bytes(), &field[at + 2..]].concat();
            let answer = site.visitor().get("/protected").raw_cookie_header(&field).send().await;
            site.expect("GET", &answer, if found { "200" } else { "401 missing_token" });
            let anyone = site.visitor().get("/anyone").raw_cookie_header(&field).send().await;
            let sub = if found { "alice".into() } else { serde_json::Value::Null };
            site.same("who", anyone.json()["sub"].clone(), sub);
        })
    });
    let mut cases: Vec<_> = rows.collect();
    cases.push(Case::new("cookie names: a hundred other cookies", |site| async move {
        let mut alice = site.alice().await;
        for number in 0..100 {
            alice.set_cookie_raw(&format!("other{number}=value{number}"));
        }
        site.expect("GET", &alice.get("/protected").send().await, "200");
    }));
    cases.push(Case::new("cookie names: one field for each of forty cookies", |site| async move {
        let token = value_of(&site.alice().await, ACCESS);
        let mut visitor = site.visitor();
        let mut request = visitor.get("/protected");
        for number in 0..40 {
            request = request.raw_cookie_header(format!("other{number}=value"));
        }
        let answer = request.raw_cookie_header(format!("{ACCESS}={token}")).send().await;
        site.expect("GET", &answer, "200");
    }));
    cases
}
