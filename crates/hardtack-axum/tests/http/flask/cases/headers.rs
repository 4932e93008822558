//! Requests with different spellings of the header field with the token.

use super::{Case, Kind, Mint, Options};
use crate::flask::options::Depth;

/// `T` stands for a valid token, `X` is not a token, and `Bearer` stands for the configured type.
const SPELLINGS: [&[u8]; 38] = [
    b"Bearer T",
    b"bearer T",
    b"BEARER T",
    b"Bearer  T",
    b"Bearer\tT",
    b"  Bearer T  ",
    b"Bearer",
    b"Bearer ",
    b"BearerT",
    b"Bearers T",
    b"Bearer T extra",
    b"Bearer T T",
    b"Bearer X",
    b"T",
    b"X",
    b"T T",
    b"Basic YTpi",
    b"Token T",
    b"Basic YTpi, Bearer T",
    b"Basic YTpi,Bearer T",
    b"Bearer T, Basic YTpi",
    b"Bearer T,Basic YTpi",
    b"Bearer T,,Basic YTpi",
    b"Bearer T, Bearer T",
    b"Bearer X, Bearer T",
    b"Bearer T, Bearer",
    b"Bearer T,",
    b"Bearer T, ",
    b", Bearer T",
    b",,Bearer T",
    b"Bearer, T",
    b"Bearer,T",
    b"Bearer T; charset=utf-8",
    b"Basic YTpi , Bearer T",
    b",",
    b" , ,",
    b"",
    b"\"Bearer T\"",
];
/// Python decodes headers as Latin-1, in which some of these bytes are white space.
const FOREIGN: [(&str, &[u8]); 3] =
    [("no-break space", b"Bearer\xa0T"), ("next line", b"Bearer\x85T"), ("not ASCII", b"Bearer \xc3\xa4")];

pub(super) fn add(cases: &mut Vec<Case>, options: &Options, mint: &Mint) {
    let enabled = options.list("JWT_TOKEN_LOCATION").contains(&"headers");
    if options.depth == Depth::Brief && options.get("JWT_HEADER_TYPE") == "Bearer" || !enabled {
        return;
    }
    let (name, kind) = (options.get("JWT_HEADER_NAME"), options.get("JWT_HEADER_TYPE"));
    let token = mint.token(Kind::Access);
    let fill = |spelling: &[u8]| {
        let mut value = Vec::new();
        let mut rest = spelling;
        while let Some((first, after)) = rest.split_first() {
            (value, rest) = match (first, rest.strip_prefix(b"Bearer".as_slice())) {
                (_, Some(after)) => ([&value, kind.as_bytes()].concat(), after),
                (b'T', _) if !after.first().is_some_and(u8::is_ascii_alphabetic) => {
                    ([&value, token.as_bytes()].concat(), after)
                }
                (byte, _) => ([value, vec![*byte]].concat(), after),
            };
        }
        value
    };
    for spelling in SPELLINGS {
        for path in ["/access", "/optional"] {
            let text = String::from_utf8_lossy(spelling);
            cases.push(Case::get(format!("header/{path} {text:?}"), path).header(name, fill(spelling)));
        }
    }
    for (text, spelling) in FOREIGN {
        cases.push(Case::get(format!("header/{text}"), "/access").header(name, fill(spelling)));
    }
    let twice = Case::get("header/twice, the second one good", "/access");
    cases.push(twice.header(name, "Basic YTpi").header(name, fill(b"Bearer T")));
    let twice = Case::get("header/twice, both good", "/access");
    cases.push(twice.header(name, fill(b"Bearer T")).header(name, fill(b"Bearer T")));
    cases.push(Case::get("header/name in other letters", "/access").header(&name.to_uppercase(), fill(b"Bearer T")));
}
