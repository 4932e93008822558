//! Adds the settings that caused an error to the authenticator's error messages.

use hardtack::ConfigError;

use super::settings::{
    ACCESS_COOKIE_NAME, ACCESS_COOKIE_PATH, ACCESS_CSRF_COOKIE_NAME, ACCESS_CSRF_COOKIE_PATH, ACCESS_LIFETIME,
    ALGORITHM, BASE_URL, CLOCK_SKEW, COOKIE_DOMAIN, COOKIE_SAMESITE, CSRF_HEADER_NAME, HEADER_NAME, HEADER_TYPE,
    IDENTITY_CLAIM, INSECURE_WITHOUT_CSRF, JSON_KEY, LEEWAY, QUERY_STRING_NAME, REALM, REFRESH_COOKIE_NAME,
    REFRESH_COOKIE_PATH, REFRESH_CSRF_COOKIE_NAME, REFRESH_CSRF_COOKIE_PATH, REFRESH_LIFETIME, SESSION_LIFETIME,
    Setting, TRUSTED_ORIGINS,
};
use super::sources::Sources;
use crate::error::Error;

const COOKIE_NAMES: [&Setting; 4] =
    [&ACCESS_COOKIE_NAME, &REFRESH_COOKIE_NAME, &ACCESS_CSRF_COOKIE_NAME, &REFRESH_CSRF_COOKIE_NAME];
const COOKIE_PATHS: [&Setting; 4] =
    [&ACCESS_COOKIE_PATH, &REFRESH_COOKIE_PATH, &ACCESS_CSRF_COOKIE_PATH, &REFRESH_CSRF_COOKIE_PATH];
const TOKEN_NAMES: [&Setting; 4] = [&HEADER_NAME, &HEADER_TYPE, &QUERY_STRING_NAME, &JSON_KEY];

/// Returns an error that begins with the settings that caused `error`. Each setting is shown with its name and value,
/// such as `--leeway is "2m"`.
pub(super) fn explain(sources: &Sources, error: ConfigError) -> Error {
    let all =
        |settings: &[&Setting]| -> Vec<String> { settings.iter().map(|setting| sources.describe(setting)).collect() };
    let set = |settings: &[&Setting]| -> Vec<String> {
        let set = settings.iter().filter(|setting| sources.is_set(setting));
        set.map(|setting| sources.describe(setting)).collect()
    };
    let causes = match &error {
        ConfigError::InsecureBaseUrl { .. } => {
            return Error::config(format_args!(
                "{}, which is plain http on an address that other machines can reach, so an eavesdropper could steal \
                 sessions; use https, or add --insecure-http to accept this risk",
                sources.describe(&BASE_URL)
            ));
        }
        ConfigError::BadBaseUrl { why, .. } => {
            let expected = "expected an origin such as https://site.example";
            return Error::config(format_args!("{}: {why}; {expected}", sources.describe(&BASE_URL)));
        }
        ConfigError::NeverExpiringWithSessions | ConfigError::NeverExpiringRefreshed => {
            let mut settings = vec![&ACCESS_LIFETIME, &REFRESH_LIFETIME];
            settings.retain(|setting| sources.text(setting).is_some_and(|text| text.eq_ignore_ascii_case("false")));
            return Error::config(format_args!(
                "{}, but tokens of stored sessions must expire; set a lifetime, such as 15m for access tokens or 1d for \
                 refresh tokens",
                all(&settings).join(", ")
            ));
        }
        ConfigError::AccessOutlivesRefresh => all(&[&ACCESS_LIFETIME, &REFRESH_LIFETIME]),
        ConfigError::SessionShorterThanRefresh => all(&[&SESSION_LIFETIME, &REFRESH_LIFETIME]),
        ConfigError::LeewayTooLong { .. } => all(&[&LEEWAY]),
        ConfigError::ClockSkewTooLong { .. } => all(&[&CLOCK_SKEW]),
        ConfigError::RandomizedRefreshSignature { .. } => set(&[&ALGORITHM]),
        ConfigError::SameSiteNoneWithoutSecure => all(&[&COOKIE_SAMESITE]),
        ConfigError::SameSiteNoneWithoutCsrf => all(&[&COOKIE_SAMESITE, &INSECURE_WITHOUT_CSRF]),
        ConfigError::BadCookieDomain { .. } | ConfigError::HostPrefixWithDomain { .. } => all(&[&COOKIE_DOMAIN]),
        ConfigError::BadCsrfName { .. } => all(&[&CSRF_HEADER_NAME]),
        ConfigError::BadTrustedOrigin { .. } => all(&[&TRUSTED_ORIGINS]),
        ConfigError::BadRealm { .. } => all(&[&REALM]),
        ConfigError::BadIdentityClaim { .. } => all(&[&IDENTITY_CLAIM]),
        ConfigError::BadTokenPlace { .. } => set(&TOKEN_NAMES),
        ConfigError::CookieNameTwice { one, other, .. } => {
            let settings = [one, other].map(|setter| cookie_name(sources, setter));
            return Error::config(format_args!(
                "{}: two cookies cannot have the same name; give each cookie its own name",
                settings.join(", ")
            ));
        }
        ConfigError::CookieNameReserved { setter, .. } => {
            return Error::config(format_args!(
                "{}, but the site sets another cookie with this name; choose another name",
                cookie_name(sources, setter)
            ));
        }
        ConfigError::HeaderReserved { setter: "TokenSources::header_name", meaning, .. } => {
            let setting = sources.describe(&HEADER_NAME);
            return Error::config(format_args!("{setting}, but this header {meaning}; choose another header"));
        }
        ConfigError::HeaderReserved { name, meaning, .. } => {
            let csrf = sources.describe(&CSRF_HEADER_NAME);
            let token = sources.text_or_empty(&HEADER_NAME);
            if token.eq_ignore_ascii_case(name) {
                let token = sources.describe(&HEADER_NAME);
                return Error::config(format_args!("{csrf}, {token}: these headers must differ; change one of them"));
            }
            return Error::config(format_args!("{csrf}, but this header {meaning}; choose another header"));
        }
        ConfigError::QueryNameReserved { .. } => {
            let setting = sources.describe(&QUERY_STRING_NAME);
            return Error::config(format_args!(
                "{setting}, but the site uses this query parameter for another purpose; choose another name"
            ));
        }
        ConfigError::BadCookieName { .. } | ConfigError::PrefixInName { .. } => set(&COOKIE_NAMES),
        ConfigError::NoCookiePath { .. }
        | ConfigError::BadCookiePath { .. }
        | ConfigError::NestedCookiePaths { .. } => set(&COOKIE_PATHS),
        _ => Vec::new(),
    };
    if causes.is_empty() { Error::config(error) } else { Error::config(format_args!("{}: {error}", causes.join(", "))) }
}

/// Describes the setting that sets a cookie's name. `setter` is the name of the corresponding `CookiePolicy` method.
fn cookie_name(sources: &Sources, setter: &str) -> String {
    let setters = ["access_name", "refresh_name", "csrf_access_name", "csrf_refresh_name"];
    match setters.into_iter().zip(COOKIE_NAMES).find(|(name, _)| *name == setter) {
        Some((_, setting)) => sources.describe(setting),
        None => "the log-in form's cookie is \"csrf_pre_session\"".to_owned(),
    }
}
