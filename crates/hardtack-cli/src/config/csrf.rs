//! CSRF protection.

use super::settings::{COOKIE_CSRF_PROTECT, CSRF_HEADER_NAME, INSECURE_WITHOUT_CSRF, TRUSTED_ORIGINS};
use super::sources::Sources;
use crate::error::Error;
use hardtack::CsrfPolicy;

/// Reads the settings for CSRF protection.
pub(super) fn read(sources: &Sources) -> Result<CsrfPolicy, Error> {
    let policy = CsrfPolicy::default().header(sources.text_or_empty(&CSRF_HEADER_NAME));
    let origins = sources.text(&TRUSTED_ORIGINS).unwrap_or_default().split(',').map(str::trim);
    let policy = origins.filter(|origin| !origin.is_empty()).fold(policy, CsrfPolicy::trusted_origin);
    Ok(if is_disabled(sources)? { policy.insecure_disabled() } else { policy })
}

/// Returns whether `insecure_without_csrf` turns the protection off. No other setting can turn it off, because only
/// this setting states the risk in its name.
fn is_disabled(sources: &Sources) -> Result<bool, Error> {
    let disabled = sources.parse_bool(&INSECURE_WITHOUT_CSRF)?.unwrap_or_default();
    match sources.parse_bool(&COOKIE_CSRF_PROTECT)? {
        Some(false) if !disabled => Err(Error::config(format_args!(
            "{}, which would let pages on sibling domains act on behalf of users; remove the setting, or add \
             --insecure-without-csrf to accept this risk",
            sources.describe(&COOKIE_CSRF_PROTECT)
        ))),
        Some(true) if disabled => Err(Error::config(format_args!(
            "{}, but {}, which turns CSRF protection off; remove one of the two settings",
            sources.describe(&COOKIE_CSRF_PROTECT),
            sources.describe(&INSECURE_WITHOUT_CSRF)
        ))),
        _ => Ok(disabled),
    }
}
