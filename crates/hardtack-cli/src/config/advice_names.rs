//! The names that the core's advice uses for the binary's settings.

use super::settings::{
    ACCESS_COOKIE_NAME, ACCESS_COOKIE_PATH, ACCESS_CSRF_COOKIE_NAME, ACCESS_LIFETIME, AUDIENCE, BASE_URL, CLOCK_SKEW,
    COOKIE_DOMAIN, COOKIE_SAMESITE, CSRF_IN_COOKIES, DATA_DIR, ISSUER, REALM, REFRESH, REFRESH_COOKIE_NAME,
    REFRESH_COOKIE_PATH, REFRESH_CSRF_COOKIE_NAME, REFRESH_LIFETIME, SECRET_KEY, SECRET_KEY_PREVIOUS, TOKEN_LOCATION,
};

/// Returns the binary's name for a function or a type of the core that advice mentions. Returns a sentence or a few
/// words if the binary has no single setting for it.
pub(super) fn of(code: &str) -> Option<String> {
    let setting = match code {
        "realm" => &REALM,
        "base_url" => &BASE_URL,
        "access_lifetime" => &ACCESS_LIFETIME,
        "refresh_lifetime" => &REFRESH_LIFETIME,
        "token_sources" => &TOKEN_LOCATION,
        "CookiePolicy::access_name" => &ACCESS_COOKIE_NAME,
        "CookiePolicy::refresh_name" => &REFRESH_COOKIE_NAME,
        "CookiePolicy::csrf_access_name" => &ACCESS_CSRF_COOKIE_NAME,
        "CookiePolicy::csrf_refresh_name" => &REFRESH_CSRF_COOKIE_NAME,
        "CookiePolicy::access_paths" => &ACCESS_COOKIE_PATH,
        "CookiePolicy::refresh_paths" => &REFRESH_COOKIE_PATH,
        "CookiePolicy::csrf_cookies" => &CSRF_IN_COOKIES,
        "CookiePolicy::domain" => &COOKIE_DOMAIN,
        "CookiePolicy::same_site" => &COOKIE_SAMESITE,
        "ClaimsPolicy::clock_skew" => &CLOCK_SKEW,
        "ClaimsPolicy::decode_audience" => &AUDIENCE,
        "decode_issuers" => &ISSUER,
        "KeySet::retire" => &SECRET_KEY_PREVIOUS,
        "refresh_mode" => return Some(format!("{} transparent", REFRESH.usual_name())),
        "CookiePolicy" => return Some("cookie configuration".to_owned()),
        "auth.log_in" => return Some("`POST /login`".to_owned()),
        "write base_url" => return Some(format!("set {} to this address", BASE_URL.usual_name())),
        "KeySet::from_secret_env" => {
            let (folder, secret) = (DATA_DIR.usual_name(), SECRET_KEY.usual_name());
            return Some(format!("Keep the data folder (`{folder}`), or set `{secret}`."));
        }
        _ => return None,
    };
    Some(setting.usual_name())
}
