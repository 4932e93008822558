//! The cookies' settings.

use hardtack::CookiePolicy;
use hardtack::cookie::SameSite;

use super::given::Layers;
use super::merge::flag;
use super::options;
use crate::error::Error;

/// Reads names, paths and attributes; the authenticator checks them.
pub(super) fn read(layers: &Layers, base_url: Option<&str>) -> Result<CookiePolicy, Error> {
    let text = |opt| layers.text(opt).unwrap_or_default().to_owned();
    let mut policy = CookiePolicy::default()
        .access_name(text(&options::ACCESS_COOKIE_NAME))
        .refresh_name(text(&options::REFRESH_COOKIE_NAME))
        .csrf_access_name(text(&options::ACCESS_CSRF_COOKIE_NAME))
        .csrf_refresh_name(text(&options::REFRESH_CSRF_COOKIE_NAME))
        .csrf_access_path(text(&options::ACCESS_CSRF_COOKIE_PATH))
        .csrf_refresh_path(text(&options::REFRESH_CSRF_COOKIE_PATH))
        .access_paths(paths(&text(&options::ACCESS_COOKIE_PATH)))
        .session_cookies(!are_persistent(layers)?)
        .csrf_cookies(flag(layers, &options::CSRF_IN_COOKIES)?.unwrap_or(true));
    if layers.given(&options::REFRESH_COOKIE_PATH).is_some() {
        policy = policy.refresh_paths(paths(&text(&options::REFRESH_COOKIE_PATH)));
    }
    if layers.given(&options::COOKIE_DOMAIN).is_some() {
        policy = policy.domain(text(&options::COOKIE_DOMAIN));
    }
    check_secure(layers, base_url)?;
    let same_site = layers.read(&options::COOKIE_SAMESITE, "Lax, Strict or None", same_site)?;
    Ok(policy.same_site(same_site.unwrap_or_default()))
}

/// One path, or several between commas.
fn paths(text: &str) -> impl Iterator<Item = String> {
    text.split(',').map(|path| path.trim().to_owned())
}

fn same_site(text: &str) -> Option<SameSite> {
    [("lax", SameSite::Lax), ("strict", SameSite::Strict), ("none", SameSite::None)]
        .into_iter()
        .find_map(|(name, value)| name.eq_ignore_ascii_case(text).then_some(value))
}

/// Two names with opposite meanings.
fn are_persistent(layers: &Layers) -> Result<bool, Error> {
    let persistent = flag(layers, &options::PERSISTENT_COOKIES)?;
    let session = flag(layers, &options::SESSION_COOKIE)?;
    match (persistent, session) {
        (Some(persistent), Some(session)) if persistent == session => Err(Error::config(format_args!(
            "{} and {} contradict each other; leave one out",
            layers.named(&options::PERSISTENT_COOKIES),
            layers.named(&options::SESSION_COOKIE)
        ))),
        (Some(persistent), _) => Ok(persistent),
        (None, session) => Ok(session.is_some_and(|session| !session)),
    }
}

/// Secure follows from the address under which people reach the site. Saying it as well is harmless,
/// contradicting it never works: cookies would go over the wire in the clear, or not at all.
fn check_secure(layers: &Layers, base_url: Option<&str>) -> Result<(), Error> {
    let https = base_url.is_some_and(|url| url.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://")));
    match flag(layers, &options::COOKIE_SECURE)? {
        Some(secure) if secure != https => Err(Error::config(format_args!(
            "{} against the base URL, which decides; give --base-url https://… to have Secure cookies, or leave {} out",
            layers.named(&options::COOKIE_SECURE),
            layers.label(&options::COOKIE_SECURE)
        ))),
        _ => Ok(()),
    }
}
