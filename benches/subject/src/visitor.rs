//! A logged-in browser, and the header fields that it sends.

use hardtack::Authenticator;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::{Failed, poll_once};

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
        let set = poll_once(authenticator.log_in(SUBJECT)).ok_or("a log-in waited")??;
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
