//! To which hosts and paths a browser sends a cookie (RFC 6265bis §5.7).

use super::{Browser, Finding};
use crate::base_url::BaseUrl;
use crate::cookie::{PublicSuffix, public_suffix};
use crate::explain::{Check, Step, Verdict, quoted};

impl Browser<'_> {
    /// Checks the attributes `Domain` and `Path`.
    pub(super) fn scope(&self) -> Finding {
        let (path, host) = (&self.cookie.path, self.base.map(BaseUrl::host));
        let has_path = self.has_path();
        let paths = match path.as_str() {
            _ if !has_path => "URLs in or below the directory of the request's path. The field has no Path that \
                               begins with /"
                .to_owned(),
            "/" => "all paths".to_owned(),
            path => format!("{} and the paths below it", quoted(path)),
        };
        let stored = |text: String| match has_path {
            true => (Step::new(Check::Scope, Verdict::Passed, text), None),
            false => {
                let advice = "Add a Path, such as Path=/. Without a Path, a response to /account/login sets a cookie \
                              that browsers send only to /account and the paths below it.";
                (Step::new(Check::Scope, Verdict::Noted, text), Some(advice.to_owned()))
            }
        };
        let Some(domain) = self.cookie.domain.as_deref() else {
            let host = host.unwrap_or("the host that sets it");
            return stored(format!("Sent to {host} only, for {paths}."));
        };
        let is_ip = |host: &str| host.parse::<std::net::IpAddr>().is_ok();
        let covers = |host: &str| {
            // A parent domain without a dot is a top-level domain, which browsers do not accept as a cookie's Domain.
            let is_parent = domain.contains('.') && host.ends_with(&format!(".{domain}"));
            host == domain || (is_parent && !is_ip(host))
        };
        match host {
            Some(host) if !covers(host) => {
                let text = format!(
                    "Browsers ignore this cookie, because its Domain is {}. The Domain must be the host {host} of the \
                     base URL, or a parent domain of this host.",
                    quoted(domain)
                );
                (Step::new(Check::Scope, Verdict::Refused, text), Some(self.own_domain()))
            }
            // If the host itself is a public suffix, browsers store the cookie for this host only. An IP address has no
            // subdomains.
            Some(host) if host == domain && (public_suffix(domain) == PublicSuffix::Yes || is_ip(host)) => {
                stored(format!("Sent to {} only, for {paths}.", quoted(domain)))
            }
            Some(host) if host == domain => {
                stored(format!("Sent to {} and all its subdomains, for {paths}.", quoted(domain)))
            }
            None if domain == "localhost" => stored(format!("Sent to \"localhost\" only, for {paths}.")),
            _ if public_suffix(domain) == PublicSuffix::Yes => {
                let text = format!(
                    "Browsers ignore this cookie, because its Domain {} is a public suffix: anyone can register names \
                     under it.",
                    quoted(domain)
                );
                (Step::new(Check::Scope, Verdict::Refused, text), Some(self.own_domain()))
            }
            _ if public_suffix(domain) == PublicSuffix::Perhaps => {
                let text = format!(
                    "Sent to {0} and all its subdomains, for {paths}. But if {0} is a public suffix, under which \
                     anyone can register names, browsers ignore this cookie.",
                    quoted(domain)
                );
                let advice = "Look up the Domain in the list of public suffixes at https://publicsuffix.org.";
                (Step::new(Check::Scope, Verdict::Noted, text), Some(advice.to_owned()))
            }
            _ => stored(format!("Sent to {} and all its subdomains, for {paths}.", quoted(domain))),
        }
    }

    /// Returns advice about a `Domain` that browsers refuse.
    fn own_domain(&self) -> String {
        let setting = self.names.of("CookiePolicy::domain");
        format!("Set the Domain to the site's own domain, or leave out the Domain ({setting}).")
    }

    /// Returns whether the field has a `Path` that browsers accept. If the field contains several paths, the last one
    /// counts.
    fn has_path(&self) -> bool {
        let attributes = self.cookie.raw.split(';').skip(1).map(|text| text.split_once('=').unwrap_or((text, "")));
        let paths = attributes.filter(|(key, _)| key.trim().eq_ignore_ascii_case("path"));
        paths.last().is_some_and(|(_, path)| path.trim().starts_with('/'))
    }
}
