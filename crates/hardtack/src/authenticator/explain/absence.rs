//! Determines the most likely reason why a browser did not send a cookie.

use super::other_name::OtherName;
use super::token::TokenState;
use super::verified::{Origin, Verified};
use crate::base_url::BaseUrl;
use crate::config::SettingNames;
use crate::cookie::SameSite;
use crate::explain::{CookieField, quoted};
use crate::jwt::TokenKind;
use crate::request::{Authority, loggable_path};
use crate::token_source::TokenLocation;

/// The most likely reason why a cookie is missing from a request.
pub(super) enum Absence {
    /// The request has a token in a header, but the route reads no tokens from headers.
    UnreadHeader { name: String, read: String, cookie: String, is_route: bool },
    /// The request has a cookie whose name differs from the expected name only in its case, its prefix or its realm.
    OtherName(OtherName),
    /// Browsers do not send the cookie to the request's path. Long segments of `path` are shortened.
    Path { path: String, paths: String },
    /// The request was sent to a host other than the base URL's, and cookies belong to the host that sets them.
    Host { host: String, base: String },
    /// The cookie is sent over https only, and the page that sent the request was loaded over http.
    Scheme { page: String },
    /// Another site started the request. `is_navigation` says whether the request opens a page, for example because the
    /// user followed a link.
    OtherSite { same_site: SameSite, is_navigation: bool },
    /// The request has no cookies.
    NoCookies,
    /// The cookie was deleted.
    Deleted,
    /// The request has cookies, but not the missing one. `others` is the number of these other cookies, and `known`
    /// contains a sentence for each of them that the site knows.
    Unknown { others: usize, known: Vec<String> },
}

impl Absence {
    /// Determines the most likely reason why the cookie is missing.
    pub(super) fn of(verified: &Verified<'_>, kind: TokenKind) -> Self {
        let (head, authenticator) = (&verified.verifier.head, verified.verifier.authenticator);
        let (policy, settings) = (authenticator.cookies(), authenticator.settings());
        let (slot, setter) = match kind {
            TokenKind::Access => (&policy.access, "CookiePolicy::access_name"),
            TokenKind::Refresh => (&policy.refresh, "CookiePolicy::refresh_name"),
        };
        if let Some(unread) = Self::unread_header(verified, slot.name.as_str()).filter(|_| kind == verified.need.kind) {
            return unread;
        }
        let cookies = CookieField::of(head);
        if let Some(sent) = cookies.resembling(slot.name.as_str(), settings.realm.as_deref()) {
            return Self::OtherName(OtherName::new(sent, slot.name.as_str(), policy.secure, Some(setter)));
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
        if cookies.is_empty() {
            return Self::NoCookies;
        }
        let known = match verified.origin {
            Origin::Request => cookies.names().filter_map(|name| authenticator.purpose_of(name)).collect(),
            // Each copied cookie gets a step of its own.
            Origin::Pasted(_) => Vec::new(),
        };
        Self::Unknown { others: cookies.len(), known }
    }

    /// Returns `UnreadHeader` if the request has a token in a header that the route does not read. `cookie` is the name
    /// of the cookie that the route reads.
    fn unread_header(verified: &Verified<'_>, cookie: &str) -> Option<Self> {
        let sources = &verified.verifier.authenticator.settings().sources;
        let locations = match verified.need.locations {
            of_route if !of_route.is_empty() => of_route,
            _ => sources.locations,
        };
        if locations.contains(TokenLocation::Headers) {
            return None;
        }
        let field = verified.verifier.head.header_text(&sources.header_lower)?;
        let (scheme, token) = field.trim().split_once(' ').unwrap_or(("", field.trim()));
        let is_token = scheme.eq_ignore_ascii_case(&sources.header_type) && !token.trim().is_empty();
        let read = locations.iter().map(|location| match location {
            TokenLocation::Cookies => "cookies",
            TokenLocation::Headers => "headers",
            TokenLocation::QueryString => "the query",
            TokenLocation::Json => "JSON bodies",
        });
        is_token.then(|| Self::UnreadHeader {
            name: format!("{}: {}", sources.header_name, sources.header_type),
            read: read.collect::<Vec<_>>().join(" and "),
            cookie: cookie.to_owned(),
            is_route: sources.locations.contains(TokenLocation::Headers),
        })
    }

    pub(super) fn text(&self, names: SettingNames) -> String {
        match self {
            Self::UnreadHeader { name, read, .. } => {
                format!("However, the request has the header `{name} …`, but this route reads tokens only from {read}.")
            }
            Self::OtherName(name) => format!(
                "However, the request has the cookie {}, whose name is similar. {}",
                quoted(&name.sent),
                name.why(names)
            ),
            Self::Path { path, paths } => {
                format!("Browsers do not send this cookie to {path}, because its `Path` is {paths}.")
            }
            Self::Host { host, base } => format!(
                "The request was sent to the host {host}, but the base URL is {base}. A cookie belongs to the host \
                 that sets it."
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
            Self::Unknown { others, known } if known.is_empty() => {
                format!("The client sent only other cookies ({others}).")
            }
            Self::Unknown { others, known } => {
                format!("The client sent only other cookies ({others}). {}", known.join(" "))
            }
        }
    }

    /// Returns what to change, or where to look next.
    pub(super) fn advice(&self, names: SettingNames) -> String {
        match self {
            Self::UnreadHeader { is_route: true, cookie, .. } => format!(
                "Send the token in the cookie `{cookie}`, or let the route read headers as well (`Need::locations`)."
            ),
            Self::UnreadHeader { cookie, .. } => format!(
                "Send the token in the cookie `{cookie}`. If API clients send tokens in headers, let the site read them: \
                 {}.",
                names.of(".token_sources([TokenLocation::Headers, TokenLocation::Cookies])")
            ),
            Self::OtherName(name) => name.advice(names),
            Self::Path { path, .. } => {
                format!(
                    "Add {path}, or a path above it, to {} or {}.",
                    names.of("CookiePolicy::access_paths"),
                    names.of("CookiePolicy::refresh_paths")
                )
            }
            Self::Host { base, host } => {
                format!("Open {base}, or change {} to a URL with the host {host}.", names.of(".base_url(…)"))
            }
            Self::Scheme { .. } => format!(
                "Open the site over https, or set an http base URL, such as {}.",
                names.of(".base_url(\"http://127.0.0.1:3000\")")
            ),
            Self::OtherSite { same_site: SameSite::Strict, is_navigation: true } => {
                "Set `CookiePolicy::same_site(SameSite::Lax)`, which is the default, so that the cookie is sent if the \
                 user follows a link on another site. Or open the page from another page on this site."
                    .to_owned()
            }
            Self::OtherSite { .. } => {
                "Start the request from a page on this site. If the other site is yours, serve both sites under one \
                 domain, or set `CookiePolicy::same_site(SameSite::None)`."
                    .to_owned()
            }
            Self::NoCookies => {
                "Log in first. A `fetch` to another origin sends cookies only with `credentials: \"include\"`. curl \
                 sends cookies only with `-b`. If the response to the log-in sets the cookie but the browser does not \
                 keep it, paste the `Set-Cookie` header into `hardtack explain`."
                    .to_owned()
            }
            Self::Deleted | Self::Unknown { .. } => {
                "Log in again. The cookie may have been deleted by a log-out, by an earlier refusal, or when the \
                 browser was closed. If the response to the log-in sets the cookie but the browser does not keep it, \
                 paste the `Set-Cookie` header into `hardtack explain`."
                    .to_owned()
            }
        }
    }
}
