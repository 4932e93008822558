//! The interface that session stores implement.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::{Session, SessionCursor, SessionId};
use crate::clock::Timestamp;
use crate::error::BackendError;

/// Which sessions to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevokeTarget<'a> {
    /// The listed sessions. If the list is empty, no session ends.
    Sessions(&'a [SessionId]),
    /// All sessions of a subject.
    AllOf(&'a str),
    /// All sessions of a subject except one.
    AllExcept(&'a str, SessionId),
    /// The listed sessions. They all belong to one browser, which gets a new session instead. If the list is empty, no
    /// session ends.
    Replaced(&'a [SessionId]),
    /// All sessions of a subject. The browser whose session has this id gets a new session instead.
    Renewed(&'a str, SessionId),
}

impl RevokeTarget<'_> {
    /// Returns whether the target is an empty list of sessions.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Sessions([]) | Self::Replaced([]))
    }

    /// Returns whether a new session for the same browser replaces the session with this id. A store sets
    /// [`Session::replaced`] to the result.
    pub fn replaces(&self, id: SessionId) -> bool {
        match self {
            Self::Sessions(_) | Self::AllOf(_) | Self::AllExcept(..) => false,
            Self::Replaced(ids) => ids.contains(&id),
            Self::Renewed(_, renewed) => *renewed == id,
        }
    }

    /// Returns the ids of the sessions that the target lists explicitly. The id in [`Self::AllExcept`] is not included,
    /// because that session continues. The same id can appear twice.
    ///
    /// [`SessionStore::revoke`] logs the end of each session that this method returns, even if the store has lost the
    /// session's row.
    pub fn named(&self) -> &[SessionId] {
        match self {
            Self::Sessions(ids) | Self::Replaced(ids) => ids,
            Self::Renewed(_, id) => std::slice::from_ref(id),
            Self::AllOf(_) | Self::AllExcept(..) => &[],
        }
    }

    /// Returns the kind of entry that a store writes to the revocation log when it ends the session with this id.
    pub fn kind(&self, id: SessionId) -> RevocationKind {
        if self.replaces(id) { RevocationKind::Replaced } else { RevocationKind::Ended }
    }
}

/// The details of a rotation: the times that it sets, and whether the client sent a proof. A session is rotated, for
/// example, when its refresh token is exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotation {
    /// The time of the rotation. A session can be rotated only if it is live at this time.
    pub now: Timestamp,
    /// When the session ends if it is not used before then. The store limits this time to
    /// [`Session::absolute_expires_at`].
    pub expires_at: Timestamp,
    /// When the user re-entered the password, or `None` for an ordinary refresh. If this time is set, the rotation
    /// makes the access tokens of earlier generations [outdated](Session::outdated_generation).
    pub auth_time: Option<Timestamp>,
    /// Whether the client has proved possession of the device's key. Without this proof, a session that is
    /// [bound](Session::bound_key) is not rotated.
    pub proven: bool,
}

impl Rotation {
    /// Creates a rotation that happens at `now`. Unless the session is used again before `expires_at`, it ends at that
    /// time.
    pub const fn new(now: Timestamp, expires_at: Timestamp) -> Self {
        Self { now, expires_at, auth_time: None, proven: false }
    }

    /// Sets the time at which the user typed the password again.
    #[must_use]
    pub const fn with_auth_time(mut self, at: Timestamp) -> Self {
        self.auth_time = Some(at);
        self
    }

    /// Sets [`proven`](Self::proven), which means that the client has proved possession of the device's key.
    #[must_use]
    pub const fn with_proof(mut self) -> Self {
        self.proven = true;
        self
    }
}

/// The kind of event that invalidates a session's tokens before they expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationKind {
    /// The session has ended.
    Ended,
    /// The session has ended, and its browser got a new session instead. See [`Session::replaced`].
    Replaced,
    /// The session's claims have changed, or the user has typed the password again. Access tokens up to this generation
    /// are outdated ([`Session::outdated_generation`]).
    Outdated(u64),
}

/// An entry of the revocation log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revocation {
    /// The entry's number, which is one more than the previous entry's number. If a reader finds a gap in the numbers,
    /// it has missed an entry.
    pub sequence: u64,
    /// The session.
    pub session: SessionId,
    /// When the session ended or its access tokens became outdated.
    pub at: Timestamp,
    /// What happened to the session.
    pub kind: RevocationKind,
}

impl Revocation {
    /// Creates an entry.
    pub const fn new(sequence: u64, session: SessionId, at: Timestamp, kind: RevocationKind) -> Self {
        Self { sequence, session, at, kind }
    }
}

/// A page of the revocation log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevocationPage {
    /// The number of the newest entry ever written, even if that entry has since been pruned. Zero if no entry was ever
    /// written. If this number is smaller than the number of the last entry that a reader has read, the store has lost
    /// entries.
    pub head: u64,
    /// The requested entries, in order.
    pub entries: Vec<Revocation>,
    /// For how long the store has not lost any rows or log entries. A store loses them, for example, when it is emptied
    /// or restarted. `None` if the store cannot lose any. See [`Self::complete_for`].
    pub complete_for: Option<Duration>,
}

impl RevocationPage {
    /// Creates a page of the revocation log. `head` is the number of the newest entry that was ever written to the log.
    pub const fn new(head: u64, entries: Vec<Revocation>) -> Self {
        Self { head, entries, complete_for: None }
    }

    /// Sets for how long the store has not lost any rows or log entries. If this time is shorter than the lifetime of
    /// access tokens, a token's session might have neither a row nor a log entry. The authenticator therefore checks
    /// each request's session against the store, and refuses sessions without a row.
    #[must_use]
    pub fn complete_for(self, span: Duration) -> Self {
        Self { complete_for: Some(span), ..self }
    }
}

/// An optional ability of a [`SessionStore`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreAbility {
    /// The store supports [`SessionStore::create_within`].
    LimitSessions,
    /// The store supports [`SessionStore::list_page`].
    ListPages,
    /// The store supports [`SessionStore::bind`], and its [`SessionStore::rotate`] does not rotate a bound session
    /// without a proof.
    BindSessions,
}

/// A session store. Nine operations are required. The remaining methods have default implementations. They concern the
/// store's [abilities](StoreAbility), clock, notifications and durability.
///
/// Every implementation must follow these rules:
///
/// - Each operation is one transaction. In particular, [`Self::rotate`] is atomic.
/// - Once an operation has returned, later calls see its effect. In a [durable](Self::is_durable) store, the effect
///   survives a crash.
/// - An ended session never becomes live again.
///
/// `hardtack::testing::store_conformance` (feature `testing`) tests an implementation. The guide
/// [`stores`](crate::guide::stores) explains how to write a store.
pub trait SessionStore: Send + Sync + 'static {
    /// Adds a session and, in the same transaction, ends the sessions that `ends` selects, as [`Self::revoke`] does.
    /// Returns the ids of the sessions that this call ended.
    ///
    /// If `ends` is [`RevokeTarget::Renewed`] and the row of the session to replace shows that this session has already
    /// ended, changes nothing and returns an empty list. Without this rule, the second of two concurrent password
    /// changes in one browser would end the session that the first one has just started.
    fn create(
        &self,
        session: &Session,
        ends: RevokeTarget<'_>,
    ) -> impl Future<Output = Result<Vec<SessionId>, BackendError>> + Send;

    /// Returns a session, whether it is live or not.
    fn find(&self, id: SessionId) -> impl Future<Output = Result<Option<Session>, BackendError>> + Send;

    /// If the session is live and has exactly the given generation, increments the generation, sets the times, clears
    /// `confirmed`, and returns the new row. If the session is not live or has a different generation, changes nothing
    /// and returns `None`.
    ///
    /// If [`Rotation::auth_time`] is set, the same transaction sets [`Session::outdated_generation`] to `generation`.
    /// The transaction also writes this generation to the revocation log, with the time of the rotation
    /// ([`RevocationKind::Outdated`]). Servers then refuse the access tokens that a re-authentication has replaced
    /// (ASVS 5.0 V7.2.4).
    ///
    /// If the session is [bound](Session::bound_key) but [`Rotation::proven`] is not set, this method changes nothing
    /// and returns `None`. A store without [`StoreAbility::BindSessions`] has no bound sessions.
    fn rotate(
        &self,
        id: SessionId,
        generation: u64,
        rotation: Rotation,
    ) -> impl Future<Output = Result<Option<Session>, BackendError>> + Send;

    /// Sets `confirmed` if `generation` is the session's newest generation. Otherwise, does nothing.
    fn confirm(&self, id: SessionId, generation: u64) -> impl Future<Output = Result<(), BackendError>> + Send;

    /// Ends the sessions that `ends` selects. For each session that this call ends, writes an entry to the revocation
    /// log and returns the session's id.
    ///
    /// If the store has no row for a session that `ends` [names](RevokeTarget::named), the store might have lost the
    /// row, for example because an older backup was restored. Other processes still accept the session's access tokens.
    /// The store therefore writes an entry for this session as well, but does not return the session's id.
    fn revoke(
        &self,
        ends: RevokeTarget<'_>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<SessionId>, BackendError>> + Send;

    /// Marks the access tokens of a subject's sessions as outdated. Skips ended sessions. For every other session, sets
    /// [`Session::outdated_generation`] to the session's generation, writes this generation to the revocation log, and
    /// replaces the session's claims if `claims` is `Some`. Returns the ids and generations of these sessions.
    ///
    /// The row and the log entry are written in one transaction. If a concurrent rotation commits before that
    /// transaction, the access token from the rotation is outdated. If the rotation commits afterwards, its access
    /// token has the new claims.
    fn outdate(
        &self,
        subject: &str,
        claims: Option<&str>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<(SessionId, u64)>, BackendError>> + Send;

    /// Returns whether the store has an ability. [`AuthenticatorBuilder::build`](crate::AuthenticatorBuilder::build)
    /// refuses settings that need an ability the store lacks. The default implementation always returns `false`.
    fn can(&self, ability: StoreAbility) -> bool {
        let _ = ability;
        false
    }

    /// Works like [`Self::create`], but in the same transaction also limits the live sessions of the new session's
    /// subject. It ends as many of these sessions as necessary, so that at most `limit` remain, including the new
    /// session.
    ///
    /// The sessions that end are the least recently used ones: those with the earliest `rotated_at` or, if these are
    /// equal, with the earliest `created_at`. Their entries in the revocation log have the kind
    /// [`RevocationKind::Ended`]. All these sessions end at the same time: when the new session starts, or at the
    /// latest of their `rotated_at` times, whichever is later. The result includes their ids, and the ids of the
    /// sessions that `ends` selects. To keep a call short, a store may stop after ending ten thousand sessions. Later
    /// calls then end more of them.
    ///
    /// Requires [`StoreAbility::LimitSessions`].
    fn create_within(
        &self,
        session: &Session,
        ends: RevokeTarget<'_>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<SessionId>, BackendError>> + Send {
        let _ = (session, ends, limit);
        std::future::ready(Err(BackendError::unsupported("a limit on the number of sessions per user")))
    }

    /// Returns up to `limit` live sessions of a subject, in the order of [`Self::list`]. The result contains the
    /// sessions after the position `after`, or the first sessions if `after` is `None`. Reads no more than `limit` rows
    /// into memory.
    ///
    /// Requires [`StoreAbility::ListPages`].
    fn list_page(
        &self,
        subject: &str,
        now: Timestamp,
        after: Option<SessionCursor>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Session>, BackendError>> + Send {
        let _ = (subject, now, after, limit);
        std::future::ready(Err(BackendError::unsupported("listing sessions page by page")))
    }

    /// Binds a session to a device. Changes the row in the same way as [`Self::rotate`], and also sets
    /// [`Session::bound_key`] to `key` and [`Session::bound_at`] to the time of the rotation. If the session is not
    /// live, has a different generation or is already bound, changes nothing and returns `None`.
    /// [`Rotation::auth_time`] is always `None` here.
    ///
    /// A session can be bound only once, so a thief who has copied the cookies cannot replace the key.
    ///
    /// Requires [`StoreAbility::BindSessions`].
    fn bind(
        &self,
        id: SessionId,
        generation: u64,
        key: &str,
        rotation: Rotation,
    ) -> impl Future<Output = Result<Option<Session>, BackendError>> + Send {
        let _ = (id, generation, key, rotation);
        std::future::ready(Err(BackendError::unsupported("binding sessions to devices")))
    }

    /// Returns a subject's live sessions, sorted by log-in time (newest first), and then by id.
    fn list(&self, subject: &str, now: Timestamp) -> impl Future<Output = Result<Vec<Session>, BackendError>> + Send;

    /// Returns the first `limit` log entries whose numbers are greater than `after`. If `after` is zero, starts at the
    /// beginning of the log. After the store has returned an entry, it must not add an entry with a smaller number,
    /// even if several processes write concurrently.
    fn revocations(&self, after: u64, limit: u32) -> impl Future<Output = Result<RevocationPage, BackendError>> + Send;

    /// Deletes old rows, up to `limit` rows in total. Old rows are sessions that ended or expired earlier than
    /// `before`, and log entries whose time is earlier than `before`. Returns how many rows it deleted.
    fn prune(&self, before: Timestamp, limit: u32) -> impl Future<Output = Result<u64, BackendError>> + Send;

    /// Returns the time according to the store's own clock, or `None` if the store has no clock. This time decides
    /// which rows are old enough to be pruned. If the store has no clock, the authenticator's clock is used instead.
    /// The default implementation returns `None`.
    fn time(&self) -> impl Future<Output = Result<Option<Timestamp>, BackendError>> + Send {
        std::future::ready(Ok(None))
    }

    /// Waits until another process might have written to the log. Implement this method if the store can send
    /// notifications, such as PostgreSQL's `NOTIFY`. The method may return even if nothing has been written. The
    /// default implementation never returns, so the log is only polled.
    fn revoked_elsewhere(&self) -> impl Future<Output = Result<(), BackendError>> + Send {
        std::future::pending()
    }

    /// Returns `true` if the sessions outlive this process, or if other processes can end them. In either case, an
    /// authenticator follows the store's revocation log. The default implementation returns `true`. A store that wraps
    /// another store should return what the inner store returns.
    fn is_durable(&self) -> bool {
        true
    }
}

type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send + 'a>>;

/// Generates [`ErasedStore`], the object-safe form of [`SessionStore`]. It lets the authenticator use one type for
/// every store.
macro_rules! erase {
    ($(fn $name:ident($($arg:ident: $type:ty),*) -> $out:ty;)*) => {
        pub(crate) trait ErasedStore: Send + Sync {
            fn can(&self, ability: StoreAbility) -> bool;
            $(fn $name<'a>(&'a self, $($arg: $type),*) -> Pending<'a, $out>;)*

            fn is_durable(&self) -> bool;
        }

        impl<S: SessionStore> ErasedStore for S {
            fn can(&self, ability: StoreAbility) -> bool {
                SessionStore::can(self, ability)
            }

            $(fn $name<'a>(&'a self, $($arg: $type),*) -> Pending<'a, $out> {
                Box::pin(SessionStore::$name(self, $($arg),*))
            })*

            fn is_durable(&self) -> bool {
                SessionStore::is_durable(self)
            }
        }
    };
}

erase! {
    fn create(session: &'a Session, ends: RevokeTarget<'a>) -> Vec<SessionId>;
    fn create_within(session: &'a Session, ends: RevokeTarget<'a>, limit: u32) -> Vec<SessionId>;
    fn find(id: SessionId) -> Option<Session>;
    fn rotate(id: SessionId, generation: u64, rotation: Rotation) -> Option<Session>;
    fn bind(id: SessionId, generation: u64, key: &'a str, rotation: Rotation) -> Option<Session>;
    fn confirm(id: SessionId, generation: u64) -> ();
    fn revoke(ends: RevokeTarget<'a>, now: Timestamp) -> Vec<SessionId>;
    fn outdate(subject: &'a str, claims: Option<&'a str>, now: Timestamp) -> Vec<(SessionId, u64)>;
    fn list(subject: &'a str, now: Timestamp) -> Vec<Session>;
    fn list_page(subject: &'a str, now: Timestamp, after: Option<SessionCursor>, limit: u32) -> Vec<Session>;
    fn revocations(after: u64, limit: u32) -> RevocationPage;
    fn prune(before: Timestamp, limit: u32) -> u64;
    fn time() -> Option<Timestamp>;
    fn revoked_elsewhere() -> ();
}
