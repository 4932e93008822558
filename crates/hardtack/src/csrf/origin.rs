//! The first check: which site started the request, according to the browser.

use super::CsrfError;
use super::CsrfPolicy;
use crate::base_url::BaseUrl;
use crate::request::RequestHead;

/// Uses `Sec-Fetch-Site` (Fetch Metadata) and `Origin` to check which site started the request.
///
/// - The value of `Origin` must be this site's origin or a trusted origin, even if `Sec-Fetch-Site` is `same-origin`.
///   In DNS rebinding, an attacker's host name resolves to this server. To the browser, the attacker's page then has
///   the same origin as the server.
/// - Browsers send `Origin: null` under a strict referrer policy. This value is accepted if, according to
///   `Sec-Fetch-Site`, this site or the user started the request. Scripts cannot set `Sec-Fetch-Site`.
/// - A request with neither `Sec-Fetch-Site` nor `Origin` is accepted. Such a request does not come from a browser, so
///   no other site can have started it.
#[inline]
pub(crate) fn check(head: &RequestHead<'_>, policy: &CsrfPolicy, base: Option<&BaseUrl>) -> Result<(), CsrfError> {
    // Whether the browser says that this site or the user started the request. `None` if the browser does not send
    // `Sec-Fetch-Site`. Browsers send only one value, so a request with two values is refused.
    let from_here = match head.headers().first_two("sec-fetch-site") {
        [None, _] => None,
        [Some(site), None] => Some(matches!(site, b"same-origin" | b"none")),
        [Some(_), Some(_)] => return Err(CsrfError::CrossSite),
    };
    let passes = match head.headers().first_two("origin") {
        [None, _] => from_here != Some(false),
        [Some(b"null"), None] => from_here == Some(true),
        [Some(origin), None] => {
            (from_here != Some(false) && is_ours(origin, head, base, from_here == Some(true))) || policy.trusts(origin)
        }
        [Some(_), Some(_)] => false,
    };
    if passes { Ok(()) } else { Err(CsrfError::CrossSite) }
}

/// Returns whether `origin` is this site's origin. `any_scheme` is true if `Sec-Fetch-Site` is `same-origin` or `none`,
/// that is, if the browser says that this site or the user started the request.
///
/// With a base URL, `origin` must be the origin of that URL. There is one exception, for a developer who forwards a
/// port: if the base URL is on loopback and `any_scheme` is true, `origin` can be any loopback origin with the same
/// scheme.
///
/// Without a base URL, the host of `origin` must be the host of the request, and its scheme must be https or, if
/// `any_scheme` is true, http.
fn is_ours(origin: &[u8], head: &RequestHead<'_>, base: Option<&BaseUrl>, any_scheme: bool) -> bool {
    if let Some(base) = base {
        return base.is_origin(origin) || (any_scheme && base.is_loopback_origin(origin));
    }
    let host = match origin.strip_prefix(b"http://") {
        Some(host) if any_scheme => Some(host),
        _ => origin.strip_prefix(b"https://"),
    };
    head.host().is_some_and(|ours| host.is_some_and(|host| host.eq_ignore_ascii_case(ours.as_bytes())))
}

/// Returns the origin of the page that sent the request, if the page and the URL that the browser requested have the
/// same origin. The page is then one of this site's own, so its origin is the address at which the browser reached this
/// server, regardless of the `Host` that a proxy has put into the request.
///
/// Use the result only to explain a refusal. A client that is not a browser can send any `Sec-Fetch-Site`, and in a DNS
/// rebinding attack, the page belongs to the attacker. The result is safe to log, because it is an origin as browsers
/// write it.
#[cold]
pub(crate) fn same_origin_page<'a>(head: &RequestHead<'a>) -> Option<&'a str> {
    let ([Some(b"same-origin"), None], [Some(origin), None]) =
        (head.headers().first_two("sec-fetch-site"), head.headers().first_two("origin"))
    else {
        return None;
    };
    let origin = std::str::from_utf8(origin).ok()?;
    BaseUrl::parse_insecure_http(origin).is_ok_and(|url| url.origin() == origin).then_some(origin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestRequest;

    fn run(fields: &[(&'static str, &str)]) -> Result<(), CsrfError> {
        let policy = CsrfPolicy::default().trusted_origin("https://app.site.example");
        let base = BaseUrl::parse("https://site.example").ok();
        check(&TestRequest::new("POST", "/").fields(fields.iter().copied()).head(), &policy, base.as_ref())
    }

    #[test]
    fn s47_other_sites_are_refused() {
        for fields in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "same-site"), ("origin", "https://evil.site.example")],
            &[("sec-fetch-site", "nonsense")],
            &[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")],
            &[("origin", "null")],
            &[("origin", "https://evil.example")],
            &[("origin", "http://site.example")],
            &[("origin", "https://site.example.evil.example")],
            &[("origin", "https://site.example"), ("origin", "https://evil.example")],
            // In DNS rebinding, the attacker's host name resolves to this server, so the page and the request have the
            // same origin.
            &[("host", "evil.example"), ("origin", "https://evil.example")],
            &[("host", "evil.example"), ("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
            &[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
            &[("origin", "http://site.example"), ("sec-fetch-site", "same-origin")],
            &[("origin", "https://evil.example"), ("sec-fetch-site", "none")],
            &[("origin", ""), ("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://site.example")],
        ] {
            assert_eq!(run(fields), Err(CsrfError::CrossSite), "{fields:?}");
        }
    }

    #[test]
    fn e14_a_forwarded_port_of_a_loopback_address_passes() {
        let base = BaseUrl::parse("http://127.0.0.1:8080").ok();
        let passes = |origin: &str, site: &str| {
            let request = TestRequest::new("POST", "/").fields([("origin", origin), ("sec-fetch-site", site)]);
            check(&request.head(), &CsrfPolicy::default(), base.as_ref()).is_ok()
        };
        for origin in ["http://127.0.0.1:8080", "http://localhost:8080", "http://127.0.0.1:49152", "http://[::1]"] {
            assert!(passes(origin, "same-origin"), "{origin}");
        }
        assert!(!passes("http://127.0.0.1:49152", "same-site"));
        for origin in
            ["http://evil.example:8080", "http://127.0.0.1.evil.example", "http://127.0.0.1:", "https://127.0.0.1"]
        {
            assert!(!passes(origin, "same-origin"), "{origin}");
        }
    }

    #[test]
    fn requests_of_this_site_and_of_api_clients_pass() {
        for fields in [
            &[][..],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "same-origin"), ("origin", "null")],
            &[("sec-fetch-site", "none")],
            &[("origin", "https://site.example")],
            &[("host", "10.0.0.5:8080"), ("origin", "https://site.example"), ("sec-fetch-site", "same-origin")],
            &[("origin", "https://app.site.example")],
            &[("sec-fetch-site", "same-site"), ("origin", "https://app.site.example")],
        ] {
            assert_eq!(run(fields), Ok(()), "{fields:?}");
        }
    }

    #[test]
    fn e14_without_a_base_url_the_origin_is_compared_with_the_host() {
        let policy = CsrfPolicy::default();
        let run = |fields: &[(&'static str, &str)]| {
            check(&TestRequest::new("POST", "/").fields(fields.iter().copied()).head(), &policy, None).is_ok()
        };
        // The test request's authority is `site.example`.
        assert!(run(&[("origin", "https://site.example")]) && run(&[("origin", "https://SITE.example")]));
        assert!(run(&[("origin", "http://site.example"), ("sec-fetch-site", "same-origin")]));
        for fields in [
            &[("origin", "http://site.example")][..],
            &[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
            &[("origin", "ftp://site.example"), ("sec-fetch-site", "same-origin")],
            // In HTTP/2, the authority decides, even if the request also has a `Host` field.
            &[("host", "evil.example"), ("origin", "https://evil.example")],
        ] {
            assert!(!run(fields), "{fields:?}");
        }
    }
}
