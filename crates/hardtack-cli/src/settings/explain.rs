//! The authenticator's objections, in the operator's words.

use hardtack::ConfigError;

use super::{Opt, Settings, options};
use crate::error::Error;

const COOKIE_NAMES: [&Opt; 4] = [
    &options::ACCESS_COOKIE_NAME,
    &options::REFRESH_COOKIE_NAME,
    &options::ACCESS_CSRF_COOKIE_NAME,
    &options::REFRESH_CSRF_COOKIE_NAME,
];
const COOKIE_PATHS: [&Opt; 4] = [
    &options::ACCESS_COOKIE_PATH,
    &options::REFRESH_COOKIE_PATH,
    &options::ACCESS_CSRF_COOKIE_PATH,
    &options::REFRESH_CSRF_COOKIE_PATH,
];

const TOKEN_PLACES: [&Opt; 5] = [
    &options::HEADER_NAME,
    &options::HEADER_TYPE,
    &options::QUERY_STRING_NAME,
    &options::JSON_KEY,
    &options::REFRESH_JSON_KEY,
];

impl Settings {
    /// Says which settings an objection is about, as they were given.
    pub(crate) fn explain(&self, error: ConfigError) -> Error {
        use options::{
            ACCESS_LIFETIME, ALGORITHM, BASE_URL, COOKIE_DOMAIN, COOKIE_SAMESITE, CSRF_HEADER_NAME,
            INSECURE_WITHOUT_CSRF, LEEWAY, REFRESH_LIFETIME, SESSION_LIFETIME,
        };
        let named = |opts: &[&Opt]| opts.iter().map(|opt| self.layers.named(opt)).collect::<Vec<_>>().join(", ");
        let given = |opts: &[&'static Opt]| -> Vec<&'static Opt> {
            opts.iter().copied().filter(|opt| self.layers.given(opt).is_some()).collect()
        };
        let concerned = match &error {
            ConfigError::InsecureBaseUrl { .. } => {
                return Error::config(format_args!(
                    "{}, plain http on an address that other machines reach, so sessions could be read on the way; \
                     use https, or add --insecure-http if that is truly wanted",
                    named(&[&BASE_URL])
                ));
            }
            ConfigError::BadBaseUrl { why, .. } => {
                let expected = "expected an origin such as https://site.example";
                return Error::config(format_args!("{}; {why}; {expected}", named(&[&BASE_URL])));
            }
            ConfigError::NeverExpiringWithSessions | ConfigError::NeverExpiringRefreshed => {
                let forever = |lifetime| matches!(lifetime, hardtack::config::Lifetime::InsecureForever);
                let mut opts = Vec::new();
                opts.extend(forever(self.access_lifetime).then_some(&ACCESS_LIFETIME));
                opts.extend(forever(self.refresh_lifetime).then_some(&REFRESH_LIFETIME));
                named(&opts)
            }
            ConfigError::AccessOutlivesRefresh => named(&[&ACCESS_LIFETIME, &REFRESH_LIFETIME]),
            ConfigError::SessionShorterThanRefresh => named(&[&SESSION_LIFETIME, &REFRESH_LIFETIME]),
            ConfigError::LeewayTooLong { .. } => named(&[&LEEWAY]),
            ConfigError::RandomizedRefreshSignature { .. } => named(&given(&[&ALGORITHM])),
            ConfigError::SameSiteNoneWithoutSecure => named(&[&COOKIE_SAMESITE]),
            ConfigError::SameSiteNoneWithoutCsrf => named(&[&COOKIE_SAMESITE, &INSECURE_WITHOUT_CSRF]),
            ConfigError::BadCookieDomain { .. } | ConfigError::HostPrefixWithDomain { .. } => named(&[&COOKIE_DOMAIN]),
            ConfigError::BadCsrfName { .. } => named(&[&CSRF_HEADER_NAME]),
            ConfigError::BadIdentityClaim { .. } => named(&[&options::IDENTITY_CLAIM]),
            ConfigError::BadTokenPlace { .. } => named(&given(&TOKEN_PLACES)),
            ConfigError::BadCookieName { .. }
            | ConfigError::CookieNameTwice { .. }
            | ConfigError::PrefixInName { .. } => named(&given(&COOKIE_NAMES)),
            ConfigError::NoCookiePath { .. }
            | ConfigError::BadCookiePath { .. }
            | ConfigError::NestedCookiePaths { .. } => named(&given(&COOKIE_PATHS)),
            _ => String::new(),
        };
        if concerned.is_empty() { Error::config(error) } else { Error::config(format_args!("{concerned}: {error}")) }
    }
}
