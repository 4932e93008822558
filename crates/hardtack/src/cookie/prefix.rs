//! Cookie name prefixes.

/// The prefix of cookie names, which browsers enforce (RFC 6265bis section 4.1.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CookiePrefix {
    /// Over https, the strongest prefix that the cookie's path and domain allow; over http, none.
    #[default]
    Auto,
    /// `__Host-`: requires `Secure`, `Path=/` and no `Domain`. A sibling domain cannot set the cookie.
    Host,
    /// `__Secure-`: requires `Secure`.
    Secure,
    /// No prefix. An attacker who controls a sibling domain can then set cookies with these names.
    None,
}
