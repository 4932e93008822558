//! Why a configuration is refused, and what to do instead.

use std::fmt;
use std::time::Duration;

use crate::jwt::KeyError;

/// A setting that would not be safe or could not work. Each says what to change.
#[derive(PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A key is missing, weak or unreadable.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The base URL is no origin.
    #[error("the base URL {url:?} cannot be used: {why}; expected an origin such as https://site.example")]
    BadBaseUrl {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Plain http where others can listen.
    #[error(
        "the base URL {url:?} is plain http on an address that other machines reach, so sessions could be read on \
         the way; use https, or say insecure_http if that is truly wanted"
    )]
    InsecureBaseUrl {
        /// What was given.
        url: String,
    },
    /// `SameSite=None` needs Secure.
    #[error("SameSite=None is dropped by browsers without Secure; serve over https, or use SameSite=Lax")]
    SameSiteNoneWithoutSecure,
    /// `SameSite=None` needs CSRF protection.
    #[error("SameSite=None with CSRF protection off lets any site act for your users; turn CSRF protection on")]
    SameSiteNoneWithoutCsrf,
    /// A prefixed name without Secure.
    #[error("the cookie {name} has a name prefix but is not Secure, so browsers drop it; use an https base URL")]
    PrefixWithoutSecure {
        /// The cookie.
        name: String,
    },
    /// `__Host-` with Domain.
    #[error("the cookie {name} cannot be __Host- with a Domain; leave the domain out, or use CookiePrefix::Secure")]
    HostPrefixWithDomain {
        /// The cookie.
        name: String,
    },
    /// `__Host-` with another path than `/`.
    #[error("the cookie {name} cannot be __Host- with the paths {paths:?}; use \"/\", or CookiePrefix::Secure")]
    HostPrefixWithPath {
        /// The cookie.
        name: String,
        /// Its paths.
        paths: Vec<String>,
    },
    /// A prefix written into the name.
    #[error("the cookie name {name:?} brings its own prefix; leave it out and set CookiePolicy::prefix")]
    PrefixInName {
        /// The cookie.
        name: String,
    },
    /// Not a cookie name.
    #[error("{name:?} is no cookie name; expected letters, digits and !#$%&'*+-.^_`|~ (RFC 6265 section 4.1.1)")]
    BadCookieName {
        /// What was given.
        name: String,
    },
    /// Two cookies with one name.
    #[error("two cookies are called {name:?}; give each its own name")]
    CookieNameTwice {
        /// The name.
        name: String,
    },
    /// An empty list of paths.
    #[error("the cookie {name} has no path; name at least one, such as \"/\"")]
    NoCookiePath {
        /// The cookie.
        name: String,
    },
    /// Not a path.
    #[error("the cookie {name} cannot have the path {path:?}; expected an absolute path without ';' or spaces")]
    BadCookiePath {
        /// The cookie.
        name: String,
        /// What was given.
        path: String,
    },
    /// One path inside another: the browser would send the cookie twice.
    #[error(
        "the cookie {name} has the path {inner:?} inside {outer:?}, so a browser would send it twice there and the \
         request would be refused; keep {outer:?} only"
    )]
    NestedCookiePaths {
        /// The cookie.
        name: String,
        /// The covering path.
        outer: String,
        /// The covered path.
        inner: String,
    },
    /// Not a domain of this site.
    #[error("{domain:?} cannot be the cookies' domain; expected the base URL's host or a parent of it")]
    BadCookieDomain {
        /// What was given.
        domain: String,
    },
    /// A lifetime of nothing.
    #[error("the {what} is zero, so tokens would be dead when made; give it at least one second")]
    ZeroLifetime {
        /// Which lifetime.
        what: &'static str,
    },
    /// Access tokens that outlive refresh tokens.
    #[error("access tokens would live longer than refresh tokens; make the access lifetime the shorter one")]
    AccessOutlivesRefresh,
    /// Sessions that end before they go idle.
    #[error("the session lifetime is shorter than the refresh token's; make it at least as long")]
    SessionShorterThanRefresh,
    /// Tokens that never expire in a session that does.
    #[error("tokens that never expire need stateless mode; leave the session store out, or give them a lifetime")]
    NeverExpiringWithSessions,
    /// Access tokens that may hardly live.
    #[error("access tokens may live up to {percent} % shorter; at most 50 % are allowed, and 5 % are plenty")]
    TooMuchJitter {
        /// What was given.
        percent: u8,
    },
    /// No time between two readings of the log.
    #[error("the poll interval is zero, which would ask the store without pause; a second is a good choice")]
    ZeroPollInterval,
    /// A bound to what nobody else can change.
    #[error("a bound on staleness is for a store that processes share, and there is none; add sessions(), or leave it")]
    StalenessWithoutStore,
    /// A bound that a healthy process would miss.
    #[error(
        "the bound on staleness is {bound:?}, which polling cannot keep; expected at least {least:?}: two seconds \
         more than the poll interval"
    )]
    StalenessTooShort {
        /// What was given.
        bound: Duration,
        /// The shortest that works.
        least: Duration,
    },
    /// Too much tolerance.
    #[error("the leeway is {seconds} s; at most 60 s are allowed, and clocks in step need none")]
    LeewayTooLong {
        /// What was given.
        seconds: u64,
    },
    /// Refresh tokens must come out the same each time.
    #[error(
        "refresh tokens of stored sessions need a signature that is the same each time, and {algorithm} is \
         randomised; sign with HS256, EdDSA or RS256"
    )]
    RandomisedRefreshSignature {
        /// The signing algorithm.
        algorithm: &'static str,
    },
    /// A URL of the flow is no path of this site.
    #[error("the {what} {url:?} cannot be used; expected a path of this site, such as \"/login\"")]
    BadFlowUrl {
        /// Which one.
        what: &'static str,
        /// What was given.
        url: String,
    },
    /// A trusted origin that is none.
    #[error("{origin:?} is no origin; expected scheme, host and port, such as https://app.site.example")]
    BadTrustedOrigin {
        /// What was given.
        origin: String,
    },
    /// A header or field name that could never match.
    #[error("{name:?} cannot be the CSRF {what}; expected visible ASCII characters without separators")]
    BadCsrfName {
        /// Header or field.
        what: &'static str,
        /// What was given.
        name: String,
    },
    /// No place to look for tokens in.
    #[error("no token location is set, so no token could ever be found; name headers, cookies, query_string or json")]
    NoTokenLocation,
    /// A name by which no token could be found.
    #[error("{name:?} cannot be the {what}; expected at least one visible ASCII character and no separators")]
    BadTokenPlace {
        /// What it was to name.
        what: &'static str,
        /// What was given.
        name: String,
    },
    /// The identity under the name of another claim.
    #[error(
        "{name:?} cannot be the identity claim, as it is empty or has a meaning of its own; expected sub, or a name that is free"
    )]
    BadIdentityClaim {
        /// What was given.
        name: String,
    },
    /// An option of Flask-JWT-Extended with a value that it cannot have.
    #[error("{option} is {value:?}; expected {expected}")]
    BadOption {
        /// Its name.
        option: &'static str,
        /// What was given.
        value: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// A name that begins as Flask-JWT-Extended's options do, and is none.
    #[error(
        "{option} is no option of Flask-JWT-Extended 4.7; correct its name or leave it out (docs/options.md lists all)"
    )]
    UnknownOption {
        /// What was given.
        option: String,
    },
    /// Two keys that belong to different pairs.
    #[error(
        "JWT_PUBLIC_KEY is not the public half of JWT_PRIVATE_KEY, so nothing that is signed would verify; leave it out, or give both of one pair"
    )]
    KeysDiffer,
    /// A part that makes tokens, and keys that verify only.
    #[error("stored sessions make tokens, and the keys can only verify; give a private key, or leave the store out")]
    VerifyingOnly,
    /// A key of an option that cannot be used.
    #[error("{option} cannot be used: {error}")]
    OptionKey {
        /// Its name.
        option: &'static str,
        /// What is wrong with the key.
        error: KeyError,
    },
    /// A file named by an option that cannot be read.
    #[error(
        "{option} names the file {path:?}, which cannot be read: {why}; expected a file that this user may read, or PEM text"
    )]
    OptionFile {
        /// Its name.
        option: &'static str,
        /// The file.
        path: String,
        /// What the system says.
        why: String,
    },
    /// A key that is needed and not there.
    #[error("{algorithm} needs {option}, which is not set; expected {expected}")]
    NoKey {
        /// The algorithm.
        algorithm: &'static str,
        /// The option.
        option: &'static str,
        /// What it should hold.
        expected: &'static str,
    },
    /// Sliding sessions have no refresh token to keep on a path.
    #[error("an access token cannot live forever and be refreshed; choose RefreshMode::Off or give it a lifetime")]
    NeverExpiringRefreshed,
}

/// The sentence itself: `fn main() -> Result<(), Box<dyn Error>>` prints an error's `Debug`, and whoever
/// reads that wants to know what to do.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
