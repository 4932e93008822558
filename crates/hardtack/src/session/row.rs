//! The stored row of a session.

use std::fmt;
use std::time::Duration;

use constant_time_eq::constant_time_eq;
use sha2::{Digest, Sha256};

use super::{SessionId, SessionRules};
use crate::clock::Timestamp;

/// The stored row of a session, from which its tokens are computed. The row also contains the details that a list of
/// the user's devices shows.
///
/// An attacker who can read the sessions table cannot compute the tokens. Computing them also requires the signing key,
/// which is not in the table.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Session {
    /// The id.
    pub id: SessionId,
    /// The user's id, which is the `sub` of the session's tokens.
    pub subject: String,
    /// The number of rotations plus one. The newest refresh token contains this number in its `gen` claim.
    pub generation: u64,
    /// When the user logged in.
    pub created_at: Timestamp,
    /// When the newest tokens were issued.
    pub rotated_at: Timestamp,
    /// Whether a client has used the newest tokens. If so, the client must have received them, and the previous refresh
    /// token is accepted only during the [race window](super::SessionPolicy::race_window).
    pub confirmed: bool,
    /// When the session ends unless it is used before then. This time is never later than `absolute_expires_at`.
    pub expires_at: Timestamp,
    /// When the session ends, no matter how much it is used.
    pub absolute_expires_at: Timestamp,
    /// When the user last typed their password (`auth_time`, OpenID Connect Core section 2).
    pub auth_time: Timestamp,
    /// Random bytes. The CSRF value and the token ids are derived from them.
    pub salt: [u8; 16],
    /// The application's claims, as a JSON object. Every access token of the session contains these claims.
    pub claims: Option<String>,
    /// The `User-Agent` at the log-in.
    pub user_agent: Option<String>,
    /// The client's address at the log-in.
    pub address: Option<String>,
    /// When the session was ended, for example by a log-out. `None` if the session was not ended.
    pub revoked_at: Option<Timestamp>,
    /// Whether the session's cookies outlive the browser ("remember me").
    pub persistent: bool,
    /// Whether the session ended because its browser got a new session. If so, a response to a request with the old
    /// cookies does not delete any cookies, because the browser might already have the new session's cookies.
    pub replaced: bool,
    /// Access tokens up to this generation are outdated, because the claims changed or the user typed the password
    /// again after these tokens were issued. Zero if neither has happened.
    pub outdated_generation: u64,
    /// The public key of the device that the session is bound to, as a JWK. `None` if the session is not bound. A bound
    /// session's refresh token is accepted only with a proof that the client has the private key.
    pub bound_key: Option<String>,
    /// When the session was bound to a device. `None` if it is not bound.
    pub bound_at: Option<Timestamp>,
}

/// Omits the salt, from which the CSRF value is derived, and personal data.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("subject", &self.subject)
            .field("generation", &self.generation)
            .field("created_at", &self.created_at)
            .field("rotated_at", &self.rotated_at)
            .field("confirmed", &self.confirmed)
            .field("expires_at", &self.expires_at)
            .field("absolute_expires_at", &self.absolute_expires_at)
            .field("auth_time", &self.auth_time)
            .field("revoked_at", &self.revoked_at)
            .field("persistent", &self.persistent)
            .field("replaced", &self.replaced)
            .field("outdated_generation", &self.outdated_generation)
            .field("bound_at", &self.bound_at)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Creates a session from four columns of a stored row. Assign the other columns to the session's fields. At first,
    /// `expires_at` equals `created_at`, so the session counts as expired until you assign `expires_at`.
    ///
    /// ```
    /// use hardtack::SessionId;
    /// use hardtack::clock::Timestamp;
    /// use hardtack::session::Session;
    ///
    /// let created_at = Timestamp::from_unix_seconds(1_800_000_000);
    /// let mut session = Session::from_stored(SessionId::from_u128(7), "alice", created_at, [0; 16]);
    /// session.generation = 3;
    /// session.confirmed = true;
    /// # let _ = session;
    /// ```
    pub fn from_stored(id: SessionId, subject: impl Into<String>, created_at: Timestamp, salt: [u8; 16]) -> Self {
        Self {
            id,
            subject: subject.into(),
            generation: 1,
            created_at,
            rotated_at: created_at,
            confirmed: false,
            expires_at: created_at,
            absolute_expires_at: created_at,
            auth_time: created_at,
            salt,
            claims: None,
            user_agent: None,
            address: None,
            revoked_at: None,
            persistent: false,
            replaced: false,
            outdated_generation: 0,
            bound_key: None,
            bound_at: None,
        }
    }

    /// Creates a new session for `subject` that begins at `now`.
    pub(crate) fn begin(subject: impl Into<String>, now: Timestamp, rules: &SessionRules) -> Self {
        let row = Self::from_stored(SessionId::random(), subject, now, rand::random());
        Self { absolute_expires_at: now + rules.absolute, ..row }.with_persistence(false, rules)
    }

    /// Sets whether the cookies outlive the browser. Also sets `expires_at`, because the idle timeout depends on that
    /// choice.
    pub(crate) fn with_persistence(self, persistent: bool, rules: &SessionRules) -> Self {
        let expires_at = (self.rotated_at + rules.idle(persistent)).min(self.absolute_expires_at);
        Self { persistent, expires_at, ..self }
    }

    /// Returns whether the session is live, which means that it has not been ended and has not expired.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }

    /// Returns whether a re-authentication has replaced one of this session's tokens. `token` is that token's
    /// `auth_time` claim. A re-authentication always increases `auth_time`, so every earlier token has a smaller
    /// `auth_time`.
    pub(crate) fn supersedes(&self, token: Option<Timestamp>) -> bool {
        token.is_some_and(|token| token < self.auth_time)
    }

    /// Returns the session's new `auth_time` for a re-authentication at `now`. The new time must be later than the
    /// previous `auth_time`. Because times are whole seconds and a clock might be behind, `now` might not be later. If
    /// so, the new time is one second after the previous `auth_time`.
    pub(crate) fn next_auth_time(&self, now: Timestamp) -> Timestamp {
        now.max(self.auth_time + Duration::from_secs(1))
    }

    /// Returns the CSRF value that all tokens of the session share. The value does not depend on keys or on the
    /// generation, so a form that is open in the browser stays valid when keys are rotated or tokens are refreshed.
    pub fn csrf(&self) -> String {
        self.derived("csrf", 0)
    }

    /// Returns a token id. The same row and arguments always give the same id.
    pub(crate) fn token_id(&self, purpose: &str, at: Timestamp) -> String {
        self.derived(purpose, at.unix_seconds())
    }

    /// Returns the mark of the session's last re-authentication. Only a browser that has received the response to this
    /// re-authentication knows the mark. The mark does not depend on the generation, so it is valid until the next
    /// re-authentication.
    pub(crate) fn reauthentication_mark(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.salt);
        hash.update(b"reauthentication");
        hash.update(self.id.as_u128().to_be_bytes());
        hash.update(self.auth_time.unix_seconds().to_be_bytes());
        base64_simd::URL_SAFE_NO_PAD.encode_to_string(&hash.finalize()[..16])
    }

    /// Returns whether `mark` is the mark of the session's last re-authentication.
    pub(crate) fn has_mark(&self, mark: Option<&str>) -> bool {
        mark.is_some_and(|mark| constant_time_eq(mark.as_bytes(), self.reauthentication_mark().as_bytes()))
    }

    /// Returns by how many whole seconds to shorten the lifetime of a token that is issued at `at`. The result is at
    /// most `most`. The same row and arguments always give the same result.
    pub(crate) fn jitter(&self, at: Timestamp, most: Duration) -> Duration {
        let digest = self.digest("jitter", at.unix_seconds());
        let number = digest[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        Duration::from_secs(number % most.as_secs().saturating_add(1))
    }

    fn derived(&self, purpose: &str, at: i64) -> String {
        base64_simd::URL_SAFE_NO_PAD.encode_to_string(&self.digest(purpose, at)[..16])
    }

    fn digest(&self, purpose: &str, at: i64) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.salt);
        hash.update(purpose.as_bytes());
        if purpose != "csrf" {
            hash.update(self.id.as_u128().to_be_bytes());
            hash.update(self.generation.to_be_bytes());
            hash.update(at.to_be_bytes());
        }
        hash.finalize().into()
    }
}
