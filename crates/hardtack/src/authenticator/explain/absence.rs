//! Finds out why a browser may not have sent a cookie.

use super::token::TokenState;
use super::verified::Verified;
use crate::base_url::BaseUrl;
use crate::cookie::SameSite;
use crate::explain::{CookieField, quoted};
use crate::jwt::TokenKind;
use crate::request::{Authority, loggable_path};

/// The most likely cause that a request lacks a cookie.
pub(super) enum Absence {
    /// The browser has a cookie whose name differs only in its prefix or its realm.
    OtherName { sent: String, is_secure: bool },
    /// Browsers do not send the cookie to the path of the request. `path` contains no secret segments.
    Path { path: String, paths: String },
    /// The request was sent to another host, and cookies belong to the host that sets them.
    Host { host: String, base: String },
    /// The cookie is sent over https only, and the page of the request was loaded over http.
    Scheme { page: String },
    /// Another site started the request. `is_navigation` says whether the request opens a page, for example because the
    /// user followed a link.
    OtherSite { same_site: SameSite, is_navigation: bool },
    /// The request has no cookies.
    NoCookies,
    /// The cookie was deleted.
    Deleted,
    /// The request has other cookies.
    Unknown { others: usize },
}

impl Absence {
    /// Looks for the most likely cause.
    pub(super) fn of(verified: &Verified<'_>, kind: TokenKind) -> Self {
        let (head, authenticator) = (&verified.verifier.head, verified.verifier.authenticator);
        let (policy, settings) = (authenticator.cookies(), authenticator.settings());
        let slot = match kind {
            TokenKind::Access => &policy.access,
            TokenKind::Refresh => &policy.refresh,
        };
        let cookies = CookieField::of(head);
        if let Some(sent) = cookies.resembling(slot.name.as_str(), settings.realm.as_deref()) {
            return Self::OtherName { sent: sent.to_owned(), is_secure: policy.secure };
        }
        if kind == verified.need.kind && verified.main.state == TokenState::Empty {
            return Self::Deleted;
        }
        let path = settings.public_path(head.path());
        if !slot.is_sent_to(&path) {
            return Self::Path { path: quoted(&loggable_path(&path)), paths: slot.paths.join(", ") };
        }
        let host = head.host().and_then(Authority::parse).map(|authority| authority.host());
        if let (Some(base), Some(host)) = (&settings.base, host)
            && policy.domain.is_none()
            && !host.eq_ignore_ascii_case(base.host())
        {
            return Self::Host { host: quoted(host), base: base.origin().to_owned() };
        }
        let is_http = |field: &&str| field.starts_with("http://");
        let page = [head.header_text("origin"), head.header_text("referer")].into_iter().flatten().find(is_http);
        if let Some(page) = page
            && settings.base.as_ref().is_some_and(BaseUrl::is_https)
        {
            let origin = page.split('/').take(3).collect::<Vec<_>>().join("/");
            return Self::Scheme { page: quoted(&origin) };
        }
        if head.header("sec-fetch-site") == Some(b"cross-site") {
            let is_navigation = head.header("sec-fetch-mode") == Some(b"navigate")
                && head.header("sec-fetch-dest") == Some(b"document")
                && matches!(head.method(), "GET" | "HEAD");
            let is_withheld = match policy.same_site {
                SameSite::Strict => true,
                SameSite::Lax | SameSite::InsecureUnset => !is_navigation,
                SameSite::None => false,
            };
            if is_withheld {
                return Self::OtherSite { same_site: policy.same_site, is_navigation };
            }
        }
        if cookies.is_empty() { Self::NoCookies } else { Self::Unknown { others: cookies.len() } }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::OtherName { sent, is_secure } => {
                let why = if *is_secure {
                    "The server expects a name with a prefix such as `__Host-`, because the base URL is https"
                } else {
                    "The server expects a name without a prefix such as `__Host-`, because the base URL is http"
                };
                format!("However, the request has the cookie {}, whose name is similar. {why}.", quoted(sent))
            }
            Self::Path { path, paths } => {
                format!("Browsers do not send this cookie to {path}, because its `Path` is {paths}.")
            }
            Self::Host { host, base } => format!(
                "The request was sent to the host {host}, but the base URL is {base}. A cookie belongs to the host \
                 that sets the cookie."
            ),
            Self::Scheme { page } => format!(
                "The base URL is https, so the cookie is `Secure`, and browsers send it over https only. The request \
                 came from the page {page}."
            ),
            Self::OtherSite { same_site, .. } => format!(
                "Another site started the request, and the cookie is `SameSite={}`.",
                same_site.as_str().unwrap_or("Lax")
            ),
            Self::NoCookies => "The client sent no cookies at all.".to_owned(),
            Self::Deleted => String::new(),
            Self::Unknown { others } => format!("The client sent only other cookies ({others})."),
        }
    }

    /// Returns what to change, or where to look next.
    pub(super) fn advice(&self) -> String {
        match self {
            Self::OtherName { is_secure: true, .. } => {
                "Log in again over https. If the site is served over plain http during development, set an http base \
                 URL, such as `.base_url(\"http://127.0.0.1:3000\")`. If another server set the similar cookie, give \
                 both servers the same base URL, `CookiePolicy` and `.realm(…)`."
                    .to_owned()
            }
            Self::OtherName { is_secure: false, .. } => {
                "Log in again at the base URL. If another server set the similar cookie, give both servers the same \
                 base URL, `CookiePolicy` and `.realm(…)`."
                    .to_owned()
            }
            Self::Path { path, .. } => {
                format!(
                    "Add {path}, or a path above it, to `CookiePolicy::access_paths` or `CookiePolicy::refresh_paths`."
                )
            }
            Self::Host { base, host } => {
                format!("Open {base}, or change `.base_url(…)` to a URL with the host {host}.")
            }
            Self::Scheme { .. } => {
                "Open the site over https, or set an http base URL, such as `.base_url(\"http://127.0.0.1:3000\")`."
                    .to_owned()
            }
            Self::OtherSite { same_site: SameSite::Strict, is_navigation: true } => {
                "Set `CookiePolicy::same_site(SameSite::Lax)`, which is the default, so that the cookie is sent if the \
                 user follows a link on another site. Or open the page from a page of this site."
                    .to_owned()
            }
            Self::OtherSite { .. } => {
                "Start the request from a page of this site. If the other site is yours, serve both sites under one \
                 domain, or set `CookiePolicy::same_site(SameSite::None)`."
                    .to_owned()
            }
            Self::NoCookies => {
                "Log in first. A `fetch` to another origin sends cookies only with `credentials: \"include\"`. The \
                 command curl sends cookies only with `-b`. If the response to the log-in sets the cookie but the \
                 browser does not keep the cookie, paste the `Set-Cookie` header into `hardtack explain`."
                    .to_owned()
            }
            Self::Deleted | Self::Unknown { .. } => {
                "Log in again. The cookie may have been deleted by a log-out, by an earlier refusal, or when the \
                 browser was closed. If the response to the log-in sets the cookie but the browser does not keep the \
                 cookie, paste the `Set-Cookie` header into `hardtack explain`."
                    .to_owned()
            }
        }
    }
}
