//! Cookie name prefixes.

/// The prefix of cookie names. Browsers enforce the rules for each prefix (RFC 6265bis section 4.1.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CookiePrefix {
    /// Over https, each cookie gets the strongest prefix that it can have. Over http, cookies get no prefix.
    /// - Cookies with a domain, or with a path other than `/`, get `__Secure-`.
    /// - If a cookie has the path `/` and no domain, its prefix depends on its use. The refresh cookie and the
    ///   pre-session cookie get `__Host-Http-`, so that no script can set them.
    /// - The CSRF cookies get `__Host-`, because scripts read them. The access cookie gets `__Host-` too, because
    ///   browsers do not bind a cookie with the prefix `__Host-Http-` to a device.
    #[default]
    Auto,
    /// `__Host-`: requires `Secure`, `Path=/` and no `Domain`. A sibling domain cannot set the cookie.
    Host,
    /// `__Secure-`: requires `Secure`.
    Secure,
    /// No prefix. An attacker who controls a sibling domain can then set cookies that have the same names.
    None,
}
