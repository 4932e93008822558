//! Cookie name prefixes.

/// The cookie name prefixes of RFC 6265bis §4.1.3, which a browser enforces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CookiePrefix {
    /// Over https the strongest that each cookie's path and domain allow; over http none.
    #[default]
    Auto,
    /// `__Host-`: Secure, Path=/, no Domain. A sibling domain cannot set it.
    Host,
    /// `__Secure-`: Secure.
    Secure,
    /// The bare names.
    None,
}
