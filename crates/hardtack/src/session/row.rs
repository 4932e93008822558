//! One log-in as a store keeps it.

use std::fmt;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{SessionId, SessionRules};
use crate::clock::Timestamp;

/// A session: everything its refresh token is computed from, and what the device page shows.
///
/// A dump of these rows holds no credential: tokens are signed with a key that is not here.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Session {
    /// Its name.
    pub id: SessionId,
    /// Whose it is: the token's `sub`.
    pub subject: String,
    /// Counts the rotations; the newest refresh token carries it.
    pub generation: u64,
    /// When the password was first typed.
    pub created_at: Timestamp,
    /// When the newest refresh token was made.
    pub rotated_at: Timestamp,
    /// Whether the newest token has come back, so that its predecessor is surely done with.
    pub confirmed: bool,
    /// When it ends unless it is used; never after `absolute_expires_at`.
    pub expires_at: Timestamp,
    /// When it ends however much it is used.
    pub absolute_expires_at: Timestamp,
    /// When the password was last typed (OpenID Connect Core §2 `auth_time`).
    pub auth_time: Timestamp,
    /// Random bytes from which the CSRF value and the tokens' ids come.
    pub salt: [u8; 16],
    /// The application's claims, as a JSON object, which every access token repeats.
    pub claims: Option<String>,
    /// The browser, as it called itself.
    pub user_agent: Option<String>,
    /// The address it logged in from.
    pub address: Option<String>,
    /// When it was ended early.
    pub revoked_at: Option<Timestamp>,
    /// Whether its cookies outlive the browser: "remember me".
    pub persistent: bool,
    /// Whether it was ended because its browser got another session: a reply to a request that still
    /// carried its cookies must not delete those that took their place.
    pub replaced: bool,
    /// The generation up to which access tokens are outdated, since the claims changed after they were made;
    /// zero where they never did.
    pub outdated_generation: u64,
}

/// Without the salt, which the CSRF value is computed from, and without what is personal.
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
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A row that a store read back. Assign its other columns to the fields: a field that a store leaves out keeps
    /// the value of a session that was just created.
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
        }
    }

    /// A new session of `subject` that begins at `now`.
    pub(crate) fn begin(subject: impl Into<String>, now: Timestamp, rules: &SessionRules) -> Self {
        let absolute_expires_at = now + rules.absolute;
        Self {
            expires_at: rules.idle_end(now, absolute_expires_at),
            absolute_expires_at,
            ..Self::from_stored(SessionId::random(), subject, now, rand::random())
        }
    }

    /// Whether it can still be refreshed.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }

    /// The CSRF value of all its tokens, from log-in to log-out. It depends on no key and on no
    /// generation, so that a form outlives key rotations and refreshes.
    pub fn csrf(&self) -> String {
        self.derived("csrf", 0)
    }

    /// A token id that is the same whenever it is computed again.
    pub(crate) fn token_id(&self, purpose: &str, at: Timestamp) -> String {
        self.derived(purpose, at.unix_seconds())
    }

    /// How much shorter a token lives that is made at `at`: from nothing to `most`, in whole seconds, the
    /// same whenever it is computed again.
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
