//! Why a configuration is refused, and what to do instead.

use std::fmt;
use std::time::Duration;

use crate::jwt::KeyError;

/// A setting that is unsafe or cannot work. The message says what to change.
#[derive(PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A key is missing, weak or unreadable.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The base URL is malformed, or it contains a part that is not allowed, such as a query.
    #[error("the base URL {url:?} cannot be used: {why}; expected a URL such as https://site.example")]
    BadBaseUrl {
        /// The given URL.
        url: String,
        /// What is wrong with the URL.
        why: &'static str,
    },
    /// The base URL uses plain http on an address that other machines can reach.
    #[error(
        "the base URL {url:?} is plain http on an address that other machines can reach, so anyone on the network path \
         could take over sessions; use https, or call insecure_http_base_url to accept the risk"
    )]
    InsecureBaseUrl {
        /// The given URL.
        url: String,
    },
    /// `explain_refusals` was called, but the base URL's host is not a loopback name or address.
    #[error(
        "explain_refusals() needs a base URL with a loopback host, such as http://127.0.0.1:3000, because it shows how \
         requests are verified; but the base URL is {}; remove explain_refusals(), or call it only during development",
        base.as_deref().unwrap_or("not set")
    )]
    ExplainsInProduction {
        /// The base URL's origin, if a base URL is set.
        base: Option<String>,
    },
    /// A value of [`ReadAheadLimits`](crate::config::ReadAheadLimits) is zero or too large.
    #[error(
        "ReadAheadLimits has bytes {bytes}, at_once {at_once} and timeout {timeout:?}; bytes must be from 1 to 65536, \
         at_once at least 1, and timeout above zero"
    )]
    BadReadAheadLimits {
        /// How much of a body is read, in bytes.
        bytes: usize,
        /// How many bodies may be read at once.
        at_once: usize,
        /// How long reading a body may take.
        timeout: Duration,
    },
    /// The text is not a valid address or network for a trusted proxy.
    #[error(
        "{text:?} cannot be a trusted proxy: {why}; expected an address such as 192.0.2.7, or a network such as \
         10.0.0.0/8"
    )]
    BadTrustedProxy {
        /// The given text.
        text: String,
        /// What is wrong with the text.
        why: &'static str,
    },
    /// `SameSite=None` requires `Secure`.
    #[error(
        "browsers drop cookies with SameSite=None but without Secure; use an https base URL, which makes the cookies \
         Secure, or use SameSite=Lax"
    )]
    SameSiteNoneWithoutSecure,
    /// `SameSite=None` requires CSRF protection.
    #[error(
        "SameSite=None without CSRF protection lets any site act as your users; turn on CSRF protection, or use \
         SameSite=Lax"
    )]
    SameSiteNoneWithoutCsrf,
    /// A name prefix requires `Secure`.
    #[error(
        "the cookie {name} would have the prefix __Host- or __Secure-, but not the attribute Secure, so browsers would \
         drop it; use an https base URL, which makes the cookie Secure, or remove the prefix"
    )]
    PrefixWithoutSecure {
        /// The name of the cookie.
        name: String,
    },
    /// `__Host-` does not allow a Domain.
    #[error(
        "the cookie {name} cannot have both the prefix __Host- and a Domain; remove the Domain, or use \
         CookiePrefix::Secure"
    )]
    HostPrefixWithDomain {
        /// The name of the cookie.
        name: String,
    },
    /// Sessions cannot be bound to devices with these settings.
    #[error("DeviceBinding::Offer cannot be used with these settings: {problem}")]
    DeviceBinding {
        /// What is missing, and what to do about it.
        problem: &'static str,
    },
    /// `__Http-` and `__Host-Http-` do not allow cookies that scripts can read.
    #[error(
        "scripts must be able to read the cookie {name}, but browsers accept the prefixes __Http- and __Host-Http- \
         only for HttpOnly cookies; remove the prefix from the name"
    )]
    HttpPrefixOnReadableCookie {
        /// The name of the cookie.
        name: String,
    },
    /// `__Host-` requires the path `/`.
    #[error(
        "the cookie {name} has the prefix __Host- and the paths {paths:?}, but browsers accept this prefix only with \
         the path \"/\"; use \"/\" as the only path, or use CookiePrefix::Secure"
    )]
    HostPrefixWithPath {
        /// The name of the cookie.
        name: String,
        /// The paths of the cookie.
        paths: Vec<String>,
    },
    /// A cookie's name already begins with a prefix, and [`CookiePolicy::prefix`](crate::CookiePolicy::prefix) would
    /// add another.
    #[error(
        "the cookie name {name:?} already has a prefix, but CookiePolicy::prefix adds one; remove the prefix from the \
         name, or use CookiePrefix::None"
    )]
    PrefixInName {
        /// The name of the cookie.
        name: String,
    },
    /// The given name is not a valid cookie name.
    #[error(
        "{name:?} cannot be a cookie name; expected one or more ASCII letters, digits and !#$%&'*+-.^_`|~ (RFC 6265 \
         section 4.1.1)"
    )]
    BadCookieName {
        /// The given name.
        name: String,
    },
    /// Two cookies have the same name, or names that differ only in their prefixes. Over plain http, cookies have no
    /// prefixes.
    #[error(
        "CookiePolicy::{one} and CookiePolicy::{other} both give a cookie the name {name:?}; give each cookie its own \
         name"
    )]
    CookieNameTwice {
        /// The name, without a prefix.
        name: String,
        /// The name of the `CookiePolicy` method that sets the first cookie's name.
        one: &'static str,
        /// The name of the `CookiePolicy` method that sets the second cookie's name.
        other: &'static str,
    },
    /// A cookie has the same name as one of the application's own cookies
    /// ([`AuthenticatorBuilder::reserve_names`](crate::AuthenticatorBuilder::reserve_names)).
    #[error(
        "CookiePolicy::{setter} gives a cookie the name {name:?}, but the application sets another cookie with this \
         name; choose another name"
    )]
    CookieNameReserved {
        /// The name, without a prefix.
        name: String,
        /// The name of the `CookiePolicy` method that sets the cookie's name.
        setter: &'static str,
    },
    /// A header for tokens or CSRF values has a name that is already used for another purpose.
    #[error("{setter} is {name:?}, but this header {meaning}; choose another header")]
    HeaderReserved {
        /// The name of the header, in lower case.
        name: String,
        /// The name of the method that sets the header's name.
        setter: &'static str,
        /// What the header is already used for. The text completes the sentence "this header …", for example "is set by
        /// browsers".
        meaning: &'static str,
    },
    /// The query parameter for tokens has the same name as one of the application's own query parameters
    /// ([`AuthenticatorBuilder::reserve_names`](crate::AuthenticatorBuilder::reserve_names)), or is `next`.
    #[error(
        "TokenSources::query_name is {name:?}, but the application uses this query parameter for another purpose; \
         choose another name"
    )]
    QueryNameReserved {
        /// The name of the parameter.
        name: String,
    },
    /// A cookie has no path.
    #[error("the cookie {name} has no path; set at least one path, such as \"/\"")]
    NoCookiePath {
        /// The name of the cookie.
        name: String,
    },
    /// The given path is not valid for a cookie.
    #[error(
        "the cookie {name} cannot have the path {path:?}; expected a path that starts with '/' and contains only \
         visible ASCII characters other than ';'"
    )]
    BadCookiePath {
        /// The name of the cookie.
        name: String,
        /// The given path.
        path: String,
    },
    /// A cookie has two paths, and one is inside the other. For the inner path, a browser would send the cookie twice.
    #[error(
        "the paths {outer:?} and {inner:?} of the cookie {name} overlap, so a browser would send the cookie twice to \
         {inner:?}, and Hardtack would refuse the request; remove the path {inner:?}"
    )]
    NestedCookiePaths {
        /// The name of the cookie.
        name: String,
        /// The outer path.
        outer: String,
        /// The inner path.
        inner: String,
    },
    /// The domain does not belong to this site, has only one label, or is a public suffix.
    #[error(
        "{domain:?} cannot be the Domain of the cookies; expected a domain with at least two labels, such as \
         site.example, that is not a public suffix such as co.uk; if a base URL is set, the Domain must be the host of \
         the base URL or a parent domain of that host"
    )]
    BadCookieDomain {
        /// The given domain.
        domain: String,
    },
    /// A lifetime is less than one second.
    #[error("the {what} is less than one second; set at least one second")]
    ZeroLifetime {
        /// The name of the lifetime.
        what: &'static str,
    },
    /// Access tokens would live longer than refresh tokens.
    #[error(
        "access tokens would live longer than refresh tokens; set a shorter lifetime for access tokens, or a longer \
         lifetime for refresh tokens"
    )]
    AccessOutlivesRefresh,
    /// The absolute lifetime of a session is shorter than its idle timeout, which is the lifetime of a refresh token.
    #[error(
        "a session's absolute lifetime is shorter than the lifetime of a refresh token; set an absolute lifetime that \
         is at least as long"
    )]
    SessionShorterThanRefresh,
    /// Tokens never expire, but there is a session store.
    #[error(
        "tokens that never expire cannot belong to stored sessions; set lifetimes for access and refresh tokens, or \
         remove the session store"
    )]
    NeverExpiringWithSessions,
    /// The jitter is more than half of an access token's lifetime.
    #[error("the access jitter is {percent}%; at most 50% is allowed; set a lower value, for example 5%")]
    TooMuchJitter {
        /// The given percentage.
        percent: u8,
    },
    /// The poll interval is zero.
    #[error(
        "the poll interval is zero, so the store would be polled without pause; set an interval above zero, for \
         example one second"
    )]
    ZeroPollInterval,
    /// `max_staleness` is set, but there is no session store.
    #[error("max_staleness is set without a session store; add a store with sessions(), or remove max_staleness")]
    StalenessWithoutStore,
    /// `max_staleness` is set, but the revocation log is not read.
    #[error(
        "max_staleness is set to {bound:?}, but insecure_without_revocation_log() turns off reading the revocation \
         log; remove one of these two calls"
    )]
    StalenessWithoutLog {
        /// The given value.
        bound: Duration,
    },
    /// `max_staleness` is too short for the poll interval.
    #[error(
        "max_staleness is {bound:?}, which is too short; expected at least {least:?} (the poll interval plus two \
         seconds)"
    )]
    StalenessTooShort {
        /// The given value.
        bound: Duration,
        /// The shortest allowed value.
        least: Duration,
    },
    /// The leeway is more than 60 seconds.
    #[error(
        "the leeway is {seconds} s; at most 60 s is allowed; set a shorter leeway, and synchronize the clocks, for \
         example with NTP"
    )]
    LeewayTooLong {
        /// The given leeway.
        seconds: u64,
    },
    /// The tolerance for differences between clocks is more than 60 seconds.
    #[error(
        "the clock skew is {seconds} s; at most 60 s is allowed; set a shorter clock skew, and synchronize the clocks, \
         for example with NTP"
    )]
    ClockSkewTooLong {
        /// The given tolerance.
        seconds: u64,
    },
    /// The signing algorithm is randomized, so the same refresh token cannot be computed twice.
    #[error(
        "refresh tokens of stored sessions need a deterministic signature, but {algorithm} signatures are randomized; \
         sign with HS256, EdDSA or RS256"
    )]
    RandomizedRefreshSignature {
        /// The signing algorithm.
        algorithm: &'static str,
    },
    /// One of the log-in flow's URLs is not a path on this site.
    #[error("the {what} {url:?} cannot be used; expected a path on this site without a query, such as \"/login\"")]
    BadFlowUrl {
        /// The name of the URL.
        what: &'static str,
        /// The given URL.
        url: String,
    },
    /// A trusted origin is not a valid origin.
    #[error(
        "the trusted origin {origin:?} cannot be used; expected a scheme, a host and, if needed, a port, such as \
         https://app.site.example, http://localhost:5173 or tauri://localhost, with no path or wildcard; add each \
         origin separately"
    )]
    BadTrustedOrigin {
        /// The given text.
        origin: String,
    },
    /// The given name is not valid for a realm.
    #[error(
        "{name:?} cannot be the name of a realm; expected 1 to 32 letters, digits, hyphens, dots and underscores, \
         starting with a letter or digit"
    )]
    BadRealm {
        /// The given name.
        name: String,
    },
    /// The name given for a CSRF header, a CSRF field or a method that requires a CSRF value is not valid.
    #[error("{name:?} cannot be the name of a {what} for CSRF protection; expected {expected}")]
    BadCsrfName {
        /// `header`, `field` or `method`.
        what: &'static str,
        /// The given name.
        name: String,
        /// The allowed names.
        expected: &'static str,
    },
    /// No token location is set.
    #[error(
        "no token location is set; set at least one of headers, cookies, query_string and \
         json"
    )]
    NoTokenLocation,
    /// The name of a header, query parameter or JSON member is not valid.
    #[error(
        "{name:?} cannot be the {what}; expected a name that is not empty; header names and schemes such as Bearer may \
         contain only letters, digits and !#$%&'*+-.^_`|~"
    )]
    BadTokenPlace {
        /// What Hardtack would use the name for.
        what: &'static str,
        /// The given name.
        name: String,
    },
    /// The identity claim has no name, or a name that Hardtack reserves for another claim.
    #[error(
        "{name:?} cannot be the name of the identity claim; expected `sub`, or a non-empty name that is not reserved \
         for another claim (`iat`, `exp` and `aud`, for example, are reserved)"
    )]
    BadIdentityClaim {
        /// The given name.
        name: String,
    },
    /// An option of Flask-JWT-Extended has a value that is not allowed.
    #[error("{option} is {value:?}; expected {expected}")]
    BadOption {
        /// The name of the option.
        option: &'static str,
        /// The given value.
        value: String,
        /// The allowed values.
        expected: &'static str,
    },
    /// The name starts like a Flask-JWT-Extended option, but there is no such option.
    #[error(
        "{option} is not an option of Flask-JWT-Extended 4.7; correct the name, or remove the option (docs/options.md \
         lists the options)"
    )]
    UnknownOption {
        /// The given name.
        option: String,
    },
    /// The public key does not belong to the private key.
    #[error(
        "JWT_PUBLIC_KEY is not the public half of JWT_PRIVATE_KEY, so it could not verify this application's tokens; \
         remove JWT_PUBLIC_KEY, or set both options to the keys of the same key pair"
    )]
    KeysDiffer,
    /// `max_sessions` is zero, so no user could log in.
    #[error("max_sessions(0) would prevent all log-ins; expected at least 1")]
    NoSessionsAllowed,
    /// `max_sessions` is set, but the store cannot limit the number of sessions per user.
    #[error(
        "max_sessions is set, but this session store cannot limit the number of sessions per user; implement \
         SessionStore::create_within and return true from SessionStore::can for StoreAbility::LimitSessions, or remove \
         max_sessions"
    )]
    StoreCannotLimitSessions,
    /// [`pending_revocations`](crate::AuthenticatorBuilder::pending_revocations) is set, but there is no session store.
    #[error(
        "pending_revocations is set without a session store; add the store with sessions(), or remove \
         pending_revocations"
    )]
    PendingRevocationsWithoutStore,
    /// [`pending_revocations`](crate::AuthenticatorBuilder::pending_revocations) is set, but the revocation log is not
    /// read, so no task would carry out the pending revocations.
    #[error(
        "pending_revocations is set, but insecure_without_revocation_log() turns off the background task that reads \
         the revocation log and carries out pending revocations; remove one of these two calls"
    )]
    PendingRevocationsWithoutLog,
    /// There is a session store, but the keys can only verify tokens.
    #[error(
        "stored sessions need a key that can sign tokens, but the keys can only verify them; add a private key or a \
         secret, or remove the session store"
    )]
    VerifyingOnly,
    /// The key that an option contains cannot be used.
    #[error("{option} cannot be used: {error}")]
    OptionKey {
        /// The name of the option.
        option: &'static str,
        /// What is wrong with the key.
        error: KeyError,
    },
    /// The algorithm needs a key that is not set.
    #[error("{algorithm} needs {option}, which is missing or empty; set {option} to {expected}")]
    NoKey {
        /// The algorithm.
        algorithm: &'static str,
        /// The option.
        option: &'static str,
        /// What the option should contain.
        expected: &'static str,
    },
    /// Access tokens never expire, so sliding mode cannot replace them shortly before they expire.
    #[error(
        "RefreshMode::Sliding needs access tokens that expire, but the lifetime of access tokens is unlimited; set a \
         lifetime for access tokens, or choose RefreshMode::Off"
    )]
    NeverExpiringRefreshed,
}

/// Writes the same message as `Display`, because Rust uses `Debug` to print an error that `main` returns.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
