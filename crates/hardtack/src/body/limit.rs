//! The limits on reading a body before the handler runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::error::ConfigError;

/// The default and maximum number of bytes of a body that are read before the handler runs.
pub(crate) const MAX_BYTES: usize = 64 * 1024;

/// Limits on reading request bodies before handlers run. Hardtack reads the beginning of a body to find the CSRF field
/// of a form, or a token in JSON.
///
/// A body is read ahead only if the handler takes a token or `Auth`. If the body is a form, the request must also have
/// one of two cookies: a cookie with a token that was signed with one of the keys, or the cookie of a log-in form. If
/// the authenticator is [`flask_compatible`](crate::AuthenticatorBuilder::flask_compatible), a form is read without
/// these cookies.
///
/// ```
/// # use hardtack::{Authenticator, KeySet, SigningKey};
/// # use hardtack::jwt::Algorithm;
/// use std::time::Duration;
///
/// use hardtack::config::ReadAheadLimits;
/// # let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
/// let limits = ReadAheadLimits::default().bytes(16 * 1024).at_once(100).timeout(Duration::from_secs(5));
/// let auth = Authenticator::builder(keys).read_ahead_limits(limits).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "limits do nothing until they are passed to AuthenticatorBuilder::read_ahead_limits"]
pub struct ReadAheadLimits {
    pub(crate) bytes: usize,
    pub(crate) at_once: usize,
    pub(crate) timeout: Duration,
}

impl Default for ReadAheadLimits {
    fn default() -> Self {
        Self { bytes: MAX_BYTES, at_once: 512, timeout: Duration::from_secs(10) }
    }
}

impl ReadAheadLimits {
    /// Sets how many bytes of a body are read. The CSRF field of a form must be within these bytes. Default and
    /// maximum: 64 KiB.
    pub const fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Sets how many bodies can be read at the same time. While this many bodies are being read, any other request
    /// whose body has to be read gets a 503 response with `Retry-After`. Default: 512 bodies, which take up at most 32
    /// MiB of memory.
    pub const fn at_once(mut self, bodies: usize) -> Self {
        self.at_once = bodies;
        self
    }

    /// Sets how long to wait for the part of a body that has to be read. If it takes longer, the request gets a 408
    /// response. Default: 10 seconds.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let Self { bytes, at_once, timeout } = *self;
        let fits = (1..=MAX_BYTES).contains(&bytes) && at_once > 0 && !timeout.is_zero();
        if fits { Ok(()) } else { Err(ConfigError::BadReadAheadLimits { bytes, at_once, timeout }) }
    }
}

/// Counts the bodies that are being read.
#[derive(Debug, Default)]
pub(crate) struct BodyCount(Arc<AtomicUsize>);

/// A permit to read one body. Until the permit is dropped, the body counts as being read.
#[derive(Debug)]
pub(crate) struct BodyPermit(Arc<AtomicUsize>);

impl BodyCount {
    /// Returns a permit to read a body, or `None` if [`ReadAheadLimits::at_once`] bodies are already being read.
    pub(crate) fn permit(&self, limits: &ReadAheadLimits) -> Option<BodyPermit> {
        let permit = BodyPermit(Arc::clone(&self.0));
        (self.0.fetch_add(1, Ordering::Relaxed) < limits.at_once).then_some(permit)
    }
}

impl Drop for BodyPermit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l2_bodies_are_counted_until_they_are_read() {
        let (count, limits) = (BodyCount::default(), ReadAheadLimits::default().at_once(2));
        let held = [count.permit(&limits), count.permit(&limits)];
        assert!(held.iter().all(Option::is_some) && count.permit(&limits).is_none());
        drop(held);
        assert!(count.permit(&limits).is_some());
    }

    #[test]
    fn limits_are_checked() {
        let default = ReadAheadLimits::default();
        assert!(default.check().is_ok());
        for bad in [default.bytes(0), default.bytes(MAX_BYTES + 1), default.at_once(0), default.timeout(Duration::ZERO)]
        {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }
}
