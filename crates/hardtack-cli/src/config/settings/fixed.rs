//! Flask-JWT-Extended settings that this server does not let operators change.

use crate::error::Error;

/// A Flask-JWT-Extended setting that this server does not let operators change.
///
/// The server accepts the setting only if its value matches what the server does anyway. With any other value, the
/// server refuses to start, because operators might otherwise rely on a setting that has no effect.
pub(crate) struct FixedSetting {
    pub(crate) name: &'static str,
    /// The only accepted value. `None` if no value is accepted.
    value: Option<&'static str>,
    reason: &'static str,
}

impl FixedSetting {
    const fn only(name: &'static str, value: &'static str, reason: &'static str) -> Self {
        Self { name, value: Some(value), reason }
    }

    const fn unsupported(name: &'static str, reason: &'static str) -> Self {
        Self { name, value: None, reason }
    }

    /// Accepts a value that describes what the server does anyway, so that an existing configuration with this value
    /// keeps working. Returns an error for any other value.
    pub(crate) fn check(&self, label: &str, value: &str) -> Result<(), Error> {
        let reason = self.reason;
        match self.value {
            Some(only) if only.eq_ignore_ascii_case(value) => Ok(()),
            Some(only) => {
                Err(Error::config(format_args!("{label} is {value:?}; only {only:?} is supported, because {reason}")))
            }
            None => Err(Error::config(format_args!("{label} is not supported, because {reason}; remove the setting"))),
        }
    }
}

const FORM_FIELD: &str = "the site's own forms use the field csrf_token";
const ENDED_SESSIONS: &str = "tokens of ended sessions are always refused";

/// The settings that cannot be changed.
pub(crate) const FIXED: [FixedSetting; 10] = [
    FixedSetting::only("JWT_VERIFY_SUB", "true", "the claim sub is always verified"),
    FixedSetting::only("JWT_ERROR_MESSAGE_KEY", "msg", "error responses use the member msg"),
    FixedSetting::only("JWT_REFRESH_JSON_KEY", "refresh_token", "the server reads refresh tokens only from cookies"),
    FixedSetting::unsupported("JWT_DECODE_ALGORITHMS", "each key has exactly one algorithm, set by JWT_ALGORITHM"),
    FixedSetting::unsupported("JWT_CSRF_METHODS", "all methods except GET, HEAD, OPTIONS and TRACE are checked"),
    FixedSetting::only("JWT_CSRF_CHECK_FORM", "true", FORM_FIELD),
    FixedSetting::only("JWT_ACCESS_CSRF_FIELD_NAME", "csrf_token", FORM_FIELD),
    FixedSetting::only("JWT_REFRESH_CSRF_FIELD_NAME", "csrf_token", FORM_FIELD),
    FixedSetting::unsupported("JWT_BLACKLIST_ENABLED", ENDED_SESSIONS),
    FixedSetting::unsupported("JWT_BLACKLIST_TOKEN_CHECKS", ENDED_SESSIONS),
];
