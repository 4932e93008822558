//! Which claims tokens carry, and which they must have.

use std::time::Duration;

use crate::clock::{DEFAULT_SKEW, MAX_SKEW};
use crate::error::ConfigError;
use crate::jwt::Claims;

/// Which registered claims are put into new tokens, and which values are accepted in incoming tokens (RFC 7519 section
/// 4.1).
///
/// ```
/// use hardtack::config::ClaimsPolicy;
///
/// let policy = ClaimsPolicy::default().issuer("https://site.example").audience("shop");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a policy does nothing until it is passed to AuthenticatorBuilder::claims"]
pub struct ClaimsPolicy {
    /// If set, this tolerance replaces `clock_skew`.
    pub(crate) leeway: Option<Duration>,
    /// If `None`, the tolerance is three seconds, or zero with `flask_compatible`.
    pub(crate) clock_skew: Option<Duration>,
    pub(crate) encode_audience: Vec<String>,
    /// The accepted audiences. If the list is empty, the realm is the only accepted audience.
    pub(crate) decode_audience: Vec<String>,
    pub(crate) encode_issuer: Option<String>,
    /// The accepted issuers. If the list is empty, every issuer is accepted.
    pub(crate) decode_issuers: Vec<String>,
    /// The claim that holds the subject.
    pub(crate) identity_claim: String,
    /// Whether the subject must be a string.
    pub(crate) verify_sub: bool,
    pub(crate) encode_nbf: bool,
}

impl Default for ClaimsPolicy {
    fn default() -> Self {
        Self {
            leeway: None,
            clock_skew: None,
            encode_audience: Vec::new(),
            decode_audience: Vec::new(),
            encode_issuer: None,
            decode_issuers: Vec::new(),
            identity_claim: "sub".into(),
            verify_sub: true,
            encode_nbf: true,
        }
    }
}

impl ClaimsPolicy {
    /// Sets one tolerance for all times in tokens (`JWT_DECODE_LEEWAY`), in whole seconds (at most 60). A token is
    /// accepted for this long after its `exp`, and its `nbf` and `iat` may be this far in the future. This tolerance
    /// replaces [`Self::clock_skew`]. By default, it is not set, and tokens expire at their `exp`.
    pub fn leeway(mut self, span: Duration) -> Self {
        self.leeway = Some(span);
        self
    }

    /// Sets how far the clocks of servers that share keys or a store may be apart, in whole seconds (at most 60). A
    /// token is accepted even if its `nbf` and `iat` are this far in the future. The same applies to the times in a
    /// session's row. Default: 3.
    ///
    /// A token is refused while its `nbf` or `iat` is further in the future than this tolerance allows. The token's
    /// cookies are not deleted, and its session does not end. A warning in the log says how far the token's time is
    /// ahead of this server's clock.
    pub fn clock_skew(mut self, span: Duration) -> Self {
        self.clock_skew = Some(span);
        self
    }

    /// Adds an audience to the `aud` of new tokens and to the accepted audiences (`JWT_ENCODE_AUDIENCE`,
    /// `JWT_DECODE_AUDIENCE`).
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        let audience = audience.into();
        self.encode_audience.push(audience.clone());
        self.decode_audience.push(audience);
        self
    }

    /// Sets the `iss` of new tokens, and accepts only tokens with this `iss` (`JWT_ENCODE_ISSUER`,
    /// `JWT_DECODE_ISSUER`).
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        let issuer = issuer.into();
        self.decode_issuers = vec![issuer.clone()];
        self.encode_issuer = Some(issuer);
        self
    }

    /// Sets the `aud` of new tokens (`JWT_ENCODE_AUDIENCE`). This method does not change the accepted audiences.
    pub fn encode_audience<A: Into<String>>(mut self, audience: impl IntoIterator<Item = A>) -> Self {
        self.encode_audience = audience.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the accepted audiences (`JWT_DECODE_AUDIENCE`). A token's `aud` must contain at least one of them.
    pub fn decode_audience<A: Into<String>>(mut self, audience: impl IntoIterator<Item = A>) -> Self {
        self.decode_audience = audience.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the `iss` of new tokens (`JWT_ENCODE_ISSUER`). This method does not change the accepted issuers.
    pub fn encode_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.encode_issuer = Some(issuer.into());
        self
    }

    /// Sets the accepted issuers (`JWT_DECODE_ISSUER`). A token's `iss` must be one of them.
    pub fn decode_issuers<I: Into<String>>(mut self, issuers: impl IntoIterator<Item = I>) -> Self {
        self.decode_issuers = issuers.into_iter().map(Into::into).collect();
        self
    }

    /// Sets whether new tokens have an `nbf` claim, which says when a token becomes valid (`JWT_ENCODE_NBF`). Default:
    /// yes.
    pub fn encode_nbf(mut self, write: bool) -> Self {
        self.encode_nbf = write;
        self
    }

    /// Sets the claim that holds the subject (`JWT_IDENTITY_CLAIM`). Default: `sub`.
    pub fn identity_claim(mut self, name: impl Into<String>) -> Self {
        self.identity_claim = name.into();
        self
    }

    /// Accepts subjects that are not strings, such as numbers, lists and objects (`JWT_VERIFY_SUB = False`).
    ///
    /// If the subject is not a string, [`VerifiedToken::subject`](crate::VerifiedToken::subject) returns its JSON text.
    /// The number 5 then cannot be distinguished from the string "5".
    pub fn insecure_any_identity(mut self) -> Self {
        self.verify_sub = false;
        self
    }

    /// Returns how long after its `exp` a token is still accepted.
    pub(crate) fn exp_leeway(&self) -> Duration {
        self.leeway.unwrap_or_default()
    }

    /// Returns how far in the future a token's `nbf` and `iat`, and the times in a session's row, may be. The tolerance
    /// is needed because the server that wrote these times might have a clock that is ahead.
    pub(crate) fn skew(&self) -> Duration {
        self.leeway.or(self.clock_skew).unwrap_or(DEFAULT_SKEW)
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.exp_leeway() > MAX_SKEW {
            return Err(ConfigError::LeewayTooLong { seconds: self.exp_leeway().as_secs() });
        }
        if let Some(skew) = self.clock_skew.filter(|skew| *skew > MAX_SKEW) {
            return Err(ConfigError::ClockSkewTooLong { seconds: skew.as_secs() });
        }
        if !Claims::can_identify(&self.identity_claim) {
            return Err(ConfigError::BadIdentityClaim { name: self.identity_claim.clone() });
        }
        Ok(())
    }
}
