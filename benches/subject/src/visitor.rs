//! A logged-in browser, and the header fields that it sends.

use hardtack::jwt::Algorithm;
use hardtack::testing::TestDevice;
use hardtack::{Authenticator, SetCookies};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::{Failed, bind, poll_once};

/// The subject of every token.
pub const SUBJECT: &str = "3f0a1c52-7d1e-4f5a-9b1d-2f6a0c4be7aa";

/// Other cookies that are sent with every request.
const OTHERS: &str = "theme=dark; _ga=GA1.2.1234567890.1700000000";

/// The cookies of a logged-in browser.
pub struct Visitor {
    /// The access token.
    pub token: String,
    /// The CSRF value of the access token.
    pub csrf: String,
    /// The name of the access cookie.
    pub cookie_name: String,
    cookies: Vec<String>,
}

impl Visitor {
    /// Logs in with this authenticator.
    pub fn of(authenticator: &Authenticator) -> Result<Self, Failed> {
        Self::with(&poll_once(authenticator.log_in(SUBJECT)).ok_or("a log-in waited")??)
    }

    /// Logs in with this authenticator, and binds the session to a device.
    pub fn bound(authenticator: &Authenticator) -> Result<Self, Failed> {
        let set = poll_once(authenticator.log_in(SUBJECT)).ok_or("a log-in waited")??;
        let field = set.registration().ok_or("the log-in did not ask to bind the session")?;
        let challenge = field.split_once(";challenge=").ok_or("the field has no challenge")?.1.trim_matches('"');
        let proof = TestDevice::new(Algorithm::ES256)?.register(challenge);
        let mut headers = Self::with(&set)?.headers()?;
        headers.insert("secure-session-response", HeaderValue::from_str(&proof)?);
        Self::with(&bind(authenticator, &headers)?)
    }

    /// A browser with these cookies.
    fn with(set: &SetCookies) -> Result<Self, Failed> {
        let cookies: Vec<String> = set.iter().map(|set| set.split(';').next().unwrap_or_default().to_owned()).collect();
        let named = |part: &str| {
            let pair =
                cookies.iter().find_map(|cookie| cookie.split_once('=').filter(|(name, _)| name.ends_with(part)));
            pair.ok_or(format!("the log-in set no cookie {part}"))
        };
        let (name, token) = named("access_token_cookie")?;
        let (_, csrf) = named("csrf_access_token")?;
        Ok(Self { token: token.to_owned(), csrf: csrf.to_owned(), cookie_name: name.to_owned(), cookies })
    }

    /// Returns the `Cookie` field with the other cookies and all of Hardtack's.
    pub fn cookie_field(&self) -> String {
        format!("{OTHERS}; {}", self.cookies.join("; "))
    }

    /// Returns the header fields of a POST by a script of the same site.
    pub fn headers(&self) -> Result<HeaderMap, Failed> {
        fields([
            (header::HOST, "site.example"),
            (header::USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
            (header::ACCEPT, "application/json"),
            (header::ACCEPT_LANGUAGE, "en-US,en;q=0.5"),
            (header::ACCEPT_ENCODING, "gzip, deflate, br, zstd"),
            (header::ORIGIN, crate::SITE),
            (HeaderName::from_static("sec-fetch-site"), "same-origin"),
            (HeaderName::from_static("sec-fetch-mode"), "cors"),
            (HeaderName::from_static("x-csrf-token"), &self.csrf),
            (header::CONTENT_TYPE, "application/json"),
            (header::COOKIE, &self.cookie_field()),
        ])
    }
}

/// Creates a header map from fields.
fn fields<const N: usize>(fields: [(HeaderName, &str); N]) -> Result<HeaderMap, Failed> {
    let mut headers = HeaderMap::with_capacity(N);
    for (name, value) in fields {
        headers.insert(name, HeaderValue::from_str(value)?);
    }
    Ok(headers)
}
