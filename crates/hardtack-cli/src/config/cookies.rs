//! Names, paths and attributes of cookies.

use hardtack::cookie::SameSite;
use hardtack::{Authenticator, CookiePolicy, RefreshMode};
use hardtack_accounts::Site;

use super::address::Address;
use super::settings::{
    ACCESS_COOKIE_NAME, ACCESS_COOKIE_PATH, ACCESS_CSRF_COOKIE_NAME, ACCESS_CSRF_COOKIE_PATH, COOKIE_DOMAIN,
    COOKIE_SAMESITE, COOKIE_SECURE, CSRF_IN_COOKIES, PERSISTENT_COOKIES, REFRESH_COOKIE_NAME, REFRESH_COOKIE_PATH,
    REFRESH_CSRF_COOKIE_NAME, REFRESH_CSRF_COOKIE_PATH, SESSION_COOKIE, Setting,
};
use super::sources::Sources;
use crate::error::Error;

/// Reads the cookie settings. The authenticator checks names, paths and the domain.
pub(super) fn read(sources: &Sources, address: &Address) -> Result<CookiePolicy, Error> {
    check_secure(sources, address)?;
    let text = |setting| sources.text_or_empty(setting);
    let mut policy = CookiePolicy::default()
        .access_name(text(&ACCESS_COOKIE_NAME))
        .refresh_name(text(&REFRESH_COOKIE_NAME))
        .csrf_access_name(text(&ACCESS_CSRF_COOKIE_NAME))
        .csrf_refresh_name(text(&REFRESH_CSRF_COOKIE_NAME))
        .csrf_access_path(text(&ACCESS_CSRF_COOKIE_PATH))
        .csrf_refresh_path(text(&REFRESH_CSRF_COOKIE_PATH))
        .access_paths(with_reauthentication(paths(&text(&ACCESS_COOKIE_PATH)).collect()))
        .session_cookies(!are_persistent(sources)?)
        .csrf_cookies(sources.parse_bool(&CSRF_IN_COOKIES)?.unwrap_or(true))
        .same_site(sources.parse_required(&COOKIE_SAMESITE, "Lax, Strict or None", same_site)?);
    if sources.is_set(&REFRESH_COOKIE_PATH) {
        policy = policy.refresh_paths(paths(&text(&REFRESH_COOKIE_PATH)));
    }
    // As in Flask, an empty domain means that the cookies have no `Domain` attribute.
    if let Some(domain) = sources.text(&COOKIE_DOMAIN).filter(|domain| !domain.is_empty()) {
        policy = policy.domain(domain);
    }
    Ok(policy)
}

/// Splits text that contains one path, or several paths separated by commas.
fn paths(text: &str) -> impl Iterator<Item = String> {
    text.split(',').map(|path| path.trim().to_owned())
}

/// Adds the page that asks logged-in users for their password again.
fn with_reauthentication(mut paths: Vec<String>) -> Vec<String> {
    const PAGE: &str = "/reauthenticate";
    if !paths.iter().any(|path| path == "/" || path == PAGE) {
        paths.push(PAGE.to_owned());
    }
    paths
}

fn same_site(text: &str) -> Option<SameSite> {
    [("lax", SameSite::Lax), ("strict", SameSite::Strict), ("none", SameSite::None)]
        .into_iter()
        .find_map(|(name, value)| name.eq_ignore_ascii_case(text).then_some(value))
}

/// Returns whether cookies are persistent. Reads two settings with opposite meanings: Hardtack's own, and the one from
/// Flask-JWT-Extended.
fn are_persistent(sources: &Sources) -> Result<bool, Error> {
    let persistent = sources.parse_bool(&PERSISTENT_COOKIES)?;
    let session = sources.parse_bool(&SESSION_COOKIE)?;
    match (persistent, session) {
        (Some(persistent), Some(session)) if persistent == session => Err(Error::config(format_args!(
            "{} and {}, but these settings have opposite meanings; remove one of the two",
            sources.describe(&PERSISTENT_COOKIES),
            sources.describe(&SESSION_COOKIE)
        ))),
        (Some(persistent), _) => Ok(persistent),
        (None, session) => Ok(session.is_some_and(|session| !session)),
    }
}

/// Refuses cookie paths that do not cover all routes of this server. On a route outside these paths, the server would
/// treat a logged-in user as logged out.
pub(super) fn check_paths(sources: &Sources, authenticator: &Authenticator) -> Result<(), Error> {
    let refresh_routes = match authenticator.refresh_mode() {
        RefreshMode::Sliding => Vec::new(),
        // Requests to any of these routes may refresh the tokens.
        RefreshMode::Transparent => [&Site::PROTECTED_ROUTES[..], &["/token/refresh"]].concat(),
        _ => vec!["/token/refresh"],
    };
    let access = |route: &str| authenticator.sends_access_cookie_to(route);
    let refresh = |route: &str| authenticator.sends_refresh_cookie_to(route);
    covers(sources, &ACCESS_COOKIE_PATH, &Site::PROTECTED_ROUTES, access)?;
    covers(sources, &REFRESH_COOKIE_PATH, &refresh_routes, refresh)?;
    // In sliding mode, the authenticator adds these routes to the paths of the access cookie.
    covers(sources, &REFRESH_COOKIE_PATH, &["/login", "/logout", "/signup"], |route| access(route) || refresh(route))
}

fn covers(
    sources: &Sources,
    setting: &'static Setting,
    routes: &[&str],
    is_sent_to: impl Fn(&str) -> bool,
) -> Result<(), Error> {
    match routes.iter().find(|route| !is_sent_to(route)) {
        None => Ok(()),
        Some(route) => Err(Error::config(format_args!(
            "{}, so browsers would not send the cookie to {route}; expected / or paths that cover {}, without a \
             trailing slash",
            sources.describe(setting),
            routes.join(", ")
        ))),
    }
}

/// Refuses a `JWT_COOKIE_SECURE` that contradicts the base URL. The scheme of the base URL determines whether cookies
/// are Secure. Browsers do not send Secure cookies to an http site. If an https site sets cookies that are not Secure,
/// browsers also send these cookies over http, unencrypted.
fn check_secure(sources: &Sources, address: &Address) -> Result<(), Error> {
    let (setting, label) = (sources.describe(&COOKIE_SECURE), sources.label(&COOKIE_SECURE));
    match (sources.parse_bool(&COOKIE_SECURE)?, address.is_https()) {
        (Some(true), false) => Err(Error::config(format_args!(
            "{setting}, but Secure cookies need https; set --base-url to an https address, or remove {label}"
        ))),
        (Some(false), true) => Err(Error::config(format_args!(
            "{setting}, but the base URL is https, so cookies are Secure; remove {label}"
        ))),
        _ => Ok(()),
    }
}
