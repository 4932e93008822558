//! Origins of other sites and of apps, as browsers send them in `Origin` (RFC 6454 section 6.2).

use crate::base_url::BaseUrl;
use crate::error::ConfigError;

/// Schemes that [`of_app`] refuses, because they never occur in an `Origin`, or because [`of_site`] handles them.
const WITHOUT_ORIGIN: [&str; 10] =
    ["about", "blob", "data", "file", "filesystem", "http", "https", "javascript", "ws", "wss"];

/// Normalizes an origin to the text that browsers send in `Origin`.
///
/// For an http or https origin, browsers leave out the default port and write the host in lower case. For the origin of
/// an app or extension, such as `tauri://localhost`, they send the host as it is.
pub(super) fn parse(text: &str) -> Result<String, ConfigError> {
    of_site(text).or_else(|| of_app(text)).ok_or_else(|| ConfigError::BadTrustedOrigin { origin: text.to_owned() })
}

/// Returns the origin if its scheme is http or https.
fn of_site(text: &str) -> Option<String> {
    let base = BaseUrl::parse_insecure_http(text).ok()?;
    base.path().is_empty().then(|| base.origin().to_owned())
}

/// Returns the origin if its scheme belongs to an app or a browser extension.
fn of_app(text: &str) -> Option<String> {
    let (scheme, host) = text.split_once("://")?;
    let (scheme, host) = (scheme.to_ascii_lowercase(), host.strip_suffix('/').unwrap_or(host));
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.'))
        && !WITHOUT_ORIGIN.contains(&scheme.as_str());
    let is_host =
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b':'));
    (is_scheme && is_host).then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::error::ConfigError;

    #[test]
    fn e17_origins_of_apps_are_kept_as_browsers_send_them() {
        for (given, sent) in [
            ("https://App.site.example:443/", "https://app.site.example"),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("tauri://localhost", "tauri://localhost"),
            ("Capacitor://localhost/", "capacitor://localhost"),
            ("ionic://localhost", "ionic://localhost"),
            (
                "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
                "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
            ),
            (
                "moz-extension://7b3c1a2e-5d5c-4f35-9e05-9a6d5f0b7a11",
                "moz-extension://7b3c1a2e-5d5c-4f35-9e05-9a6d5f0b7a11",
            ),
        ] {
            assert_eq!(parse(given).as_deref(), Ok(sent), "{given}");
        }
    }

    #[test]
    fn e17_a_wildcard_and_what_no_browser_sends_are_refused() {
        for bad in [
            "https://*.site.example",
            "https://*",
            "*",
            "chrome-extension://*",
            "null",
            "site.example",
            "https://site.example/app",
            "https://user@site.example",
            "file:///index.html",
            "file://",
            "data://x",
            "javascript://x",
            "tauri://",
            "tauri://localhost/index.html",
            "tauri://local host",
            "1app://localhost",
        ] {
            assert_eq!(parse(bad), Err(ConfigError::BadTrustedOrigin { origin: bad.into() }));
        }
        assert!(parse("https://*.site.example").unwrap_err().to_string().contains("no path or wildcard"));
    }
}
