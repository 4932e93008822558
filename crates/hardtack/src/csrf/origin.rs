//! The first check: which site started the request, according to the browser.

use super::CsrfError;
use super::CsrfPolicy;
use crate::base_url::BaseUrl;
use crate::request::RequestHead;

/// Checks Fetch Metadata, and `Origin` if the browser sends no Fetch Metadata.
///
/// Scripts cannot set `Sec-Fetch-Site`, so `same-origin` is accepted even with `Origin: null`, which browsers send
/// under a strict referrer policy. A client that sends neither header is not a browser, so no other site can misuse its
/// cookies.
#[inline]
pub(crate) fn check(head: &RequestHead<'_>, policy: &CsrfPolicy, base: Option<&BaseUrl>) -> Result<(), CsrfError> {
    let site = head.header("sec-fetch-site");
    if let Some(b"same-origin" | b"none") = site {
        return Ok(());
    }
    let passes = match head.headers().first_two("origin") {
        [Some(origin), None] => policy.trusts(origin) || (site.is_none() && is_ours(origin, head, base)),
        [None, _] => site.is_none(),
        [Some(_), Some(_)] => false,
    };
    if passes { Ok(()) } else { Err(CsrfError::CrossSite) }
}

/// Whether the origin is that of the base URL, or that of the `Host` field. A page of another site cannot make a
/// browser send a false `Origin` or `Host`.
fn is_ours(origin: &[u8], head: &RequestHead<'_>, base: Option<&BaseUrl>) -> bool {
    if base.is_some_and(|base| base.origin().as_bytes() == origin) {
        return true;
    }
    let https = base.is_none_or(BaseUrl::is_https);
    let scheme: &[u8] = if https { b"https://" } else { b"http://" };
    let host = origin.strip_prefix(scheme);
    head.host().is_some_and(|ours| host.is_some_and(|host| host.eq_ignore_ascii_case(ours.as_bytes())))
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
            &[("origin", "null")],
            &[("origin", "https://evil.example")],
            &[("origin", "http://site.example")],
            &[("origin", "https://site.example.evil.example")],
            &[("origin", "https://site.example"), ("origin", "https://evil.example")],
        ] {
            assert_eq!(run(fields), Err(CsrfError::CrossSite), "{fields:?}");
        }
    }

    #[test]
    fn requests_of_this_site_and_of_programs_pass() {
        for fields in [
            &[][..],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "same-origin"), ("origin", "null")],
            &[("sec-fetch-site", "none")],
            &[("origin", "https://site.example")],
            &[("origin", "https://app.site.example")],
            &[("sec-fetch-site", "same-site"), ("origin", "https://app.site.example")],
        ] {
            assert_eq!(run(fields), Ok(()), "{fields:?}");
        }
    }
}
