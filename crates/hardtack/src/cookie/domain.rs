//! Checks whether a string can be the domain of a cookie (RFC 6265 section 5.1.3), and whether browsers reject the
//! domain because it is a public suffix (RFC 6265bis §5.7).
//!
//! Browsers have a list of all public suffixes, which has thousands of entries and changes often. This module knows
//! only the well-known ones. It therefore never refuses a domain that browsers accept.

/// Returns whether the text has the form of a cookie domain.
pub(crate) fn is_cookie_domain(domain: &str) -> bool {
    let bare = domain.strip_prefix('.').unwrap_or(domain);
    bare.contains('.') && bare.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

/// Whether a domain is a public suffix, under which anyone can register names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PublicSuffix {
    /// The domain is a top-level domain or a well-known public suffix.
    Yes,
    /// The domain looks like the public suffixes that some countries use, such as `co.uk`.
    Perhaps,
    No,
}

/// Country-code top-level domains, each with the well-known second-level domains that are public suffixes
/// (<https://publicsuffix.org>).
const OF_COUNTRIES: [(&str, &str); 24] = [
    ("ar", "com edu gob gov net org"),
    ("at", "ac co gv or"),
    ("au", "asn com edu gov id net org"),
    ("br", "com edu gov net org"),
    ("cn", "ac com edu gov net org"),
    ("hk", "com edu gov idv net org"),
    ("id", "ac co go net or web"),
    ("il", "ac co gov net org"),
    ("in", "ac co edu firm gen gov ind net org"),
    ("jp", "ac ad co ed go gr lg ne or"),
    ("kr", "ac co go ne or pe re"),
    ("mx", "com edu gob net org"),
    ("my", "com edu gov name net org"),
    ("nz", "ac co geek gen govt net org school"),
    ("ph", "com edu gov net org"),
    ("pl", "com edu gov net org"),
    ("sg", "com edu gov net org per"),
    ("th", "ac co go in net or"),
    ("tr", "com edu gov net org web"),
    ("tw", "com edu gov idv net org"),
    ("ua", "com edu gov in net org"),
    ("uk", "ac co gov ltd me net nhs org plc police"),
    ("vn", "com edu gov net org"),
    ("za", "ac co gov net org web"),
];

/// Well-known domains of hosting services whose customers get subdomains (<https://publicsuffix.org>).
const OF_SERVICES: [&str; 17] = [
    "appspot.com",
    "azurewebsites.net",
    "cloudfront.net",
    "firebaseapp.com",
    "fly.dev",
    "github.io",
    "gitlab.io",
    "herokuapp.com",
    "netlify.app",
    "ngrok.io",
    "onrender.com",
    "pages.dev",
    "run.app",
    "trycloudflare.com",
    "vercel.app",
    "web.app",
    "workers.dev",
];

/// Returns whether a domain is a public suffix, as far as this module knows.
pub(crate) fn public_suffix(domain: &str) -> PublicSuffix {
    let domain = domain.strip_prefix('.').unwrap_or(domain).to_ascii_lowercase();
    let Some((label, top)) = domain.split_once('.') else { return PublicSuffix::Yes };
    if OF_SERVICES.contains(&domain.as_str()) {
        return PublicSuffix::Yes;
    }
    let known = OF_COUNTRIES.iter().find(|(country, _)| *country == top);
    match known {
        Some((_, labels)) if labels.split(' ').any(|known| known == label) => PublicSuffix::Yes,
        _ if top.len() == 2 && label.len() <= 3 => PublicSuffix::Perhaps,
        _ => PublicSuffix::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_suffixes_are_known_or_look_like_known_ones() {
        use PublicSuffix::{No, Perhaps, Yes};
        for (domain, expected) in [
            ("com", Yes),
            ("localhost", Yes),
            ("co.uk", Yes),
            (".CO.uk", Yes),
            ("com.au", Yes),
            ("github.io", Yes),
            ("com.py", Perhaps),
            ("bbc.uk", Perhaps),
            ("site.example", No),
            ("shop.co.uk", No),
            ("ab.cd.uk", No),
            ("me.com", No),
            ("site.de", No),
            ("alice.github.io", No),
        ] {
            assert_eq!(public_suffix(domain), expected, "{domain}");
        }
    }
}
