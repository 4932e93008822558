//! Cookie name prefixes.

/// The prefix of cookie names, which browsers enforce (RFC 6265bis section 4.1.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CookiePrefix {
    /// Over https, the strongest prefix that each cookie allows; over http, none.
    ///
    /// A cookie with the path `/` and without a domain gets `__Host-Http-` if no script reads it, so that no script can
    /// set it either. Exceptions are the CSRF cookies, which scripts read, and the access cookie, which browsers can bind
    /// to a device only without this prefix. These get `__Host-`. Cookies with another path or a domain get `__Secure-`.
    #[default]
    Auto,
    /// `__Host-`: requires `Secure`, `Path=/` and no `Domain`. A sibling domain cannot set the cookie.
    Host,
    /// `__Secure-`: requires `Secure`.
    Secure,
    /// No prefix. An attacker who controls a sibling domain can then set cookies with these names.
    None,
}
