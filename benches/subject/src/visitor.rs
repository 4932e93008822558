//! A browser that is logged in, and the header fields that it sends.

use hardtack::Authenticator;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::{Failed, poll_once};

/// The subject of every token.
pub const SUBJECT: &str = "3f0a1c52-7d1e-4f5a-9b1d-2f6a0c4be7aa";

/// Cookies of other parties that are sent along.
const OTHERS: &str = "theme=dark; _ga=GA1.2.1234567890.1700000000";

/// Someone's cookies.
pub struct Visitor {
    /// The access token.
    pub token: String,
    /// Its CSRF value.
    pub csrf: String,
    /// The cookie that it is in.
    pub cookie_name: String,
    cookies: Vec<String>,
}

impl Visitor {
    /// Logs in.
    pub fn of(authenticator: &Authenticator) -> Result<Self, Failed> {
        let set = poll_once(authenticator.log_in(SUBJECT)).ok_or("a log-in waited")??;
        let cookies: Vec<String> = set.iter().map(|set| set.split(';').next().unwrap_or_default().to_owned()).collect();
        let named = |part: &str| {
            let pair =
                cookies.iter().find_map(|cookie| cookie.split_once('=').filter(|(name, _)| name.ends_with(part)));
            pair.ok_or(format!("no cookie {part} after the log-in"))
        };
        let (name, token) = named("access_token_cookie")?;
        let (_, csrf) = named("csrf_access_token")?;
        Ok(Self { token: token.to_owned(), csrf: csrf.to_owned(), cookie_name: name.to_owned(), cookies })
    }

    /// The `Cookie` field: others' cookies, and all of ours.
    pub fn cookie_field(&self) -> String {
        format!("{OTHERS}; {}", self.cookies.join("; "))
    }

    /// What a browser sends with a script's POST to its own site.
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

/// A header map of fields.
fn fields<const N: usize>(fields: [(HeaderName, &str); N]) -> Result<HeaderMap, Failed> {
    let mut headers = HeaderMap::with_capacity(N);
    for (name, value) in fields {
        headers.insert(name, HeaderValue::from_str(value)?);
    }
    Ok(headers)
}
