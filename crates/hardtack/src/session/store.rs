//! Where sessions are kept.

use std::future::Future;
use std::pin::Pin;

use super::{Session, SessionId};
use crate::clock::Timestamp;
use crate::error::BackendError;

/// Which sessions to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevokeTarget<'a> {
    /// The listed sessions; none if the list is empty.
    Sessions(&'a [SessionId]),
    /// All sessions of a subject.
    AllOf(&'a str),
    /// All sessions of a subject except one.
    AllExcept(&'a str, SessionId),
    /// The listed sessions, whose browser gets a new session instead; none if the list is empty.
    Replaced(&'a [SessionId]),
    /// All sessions of a subject. The browser of the named one gets a new session instead.
    Renewed(&'a str, SessionId),
}

impl RevokeTarget<'_> {
    /// Whether there is nothing to end.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Sessions([]) | Self::Replaced([]))
    }

    /// Whether the browser of a session that ends so gets another in its place: [`Session::replaced`].
    pub fn replaces(&self, id: SessionId) -> bool {
        match self {
            Self::Sessions(_) | Self::AllOf(_) | Self::AllExcept(..) => false,
            Self::Replaced(ids) => ids.contains(&id),
            Self::Renewed(_, renewed) => *renewed == id,
        }
    }

    /// What the log says of a session that ends so.
    pub fn kind(&self, id: SessionId) -> RevocationKind {
        if self.replaces(id) { RevocationKind::Replaced } else { RevocationKind::Ended }
    }
}

/// The successor of a session's tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotation {
    /// When; also the time at which the row must still be live.
    pub now: Timestamp,
    /// The row's new end; the store caps it at the absolute one.
    pub expires_at: Timestamp,
    /// Set where the password was just typed again.
    pub auth_time: Option<Timestamp>,
}

impl Rotation {
    /// A rotation at `now`, after which the session expires at `expires_at` unless it is used.
    pub const fn new(now: Timestamp, expires_at: Timestamp) -> Self {
        Self { now, expires_at, auth_time: None }
    }

    /// Notes that the user just authenticated again.
    #[must_use]
    pub const fn with_auth_time(mut self, at: Timestamp) -> Self {
        self.auth_time = Some(at);
        self
    }
}

/// What happened to a session, so that tokens of it are refused before they expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationKind {
    /// It was ended.
    Ended,
    /// It was ended because its browser got another in its place: [`Session::replaced`].
    Replaced,
    /// It goes on, with other claims: its access tokens of this generation and of those before it are
    /// outdated ([`Session::outdated_generation`]).
    Outdated(u64),
}

/// One entry of the log of ended sessions, and of those whose claims have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revocation {
    /// One more than that of the entry before it: a number that is missing tells a reader that it has
    /// missed an entry.
    pub sequence: u64,
    /// The session.
    pub session: SessionId,
    /// When that happened.
    pub at: Timestamp,
    /// What happened to it.
    pub kind: RevocationKind,
}

impl Revocation {
    /// An entry of the log.
    pub const fn new(sequence: u64, session: SessionId, at: Timestamp, kind: RevocationKind) -> Self {
        Self { sequence, session, at, kind }
    }
}

/// A part of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevocationPage {
    /// The sequence of the newest entry there ever was, pruned or not; zero before the first. Where it
    /// is behind a reader's position, the store has lost entries.
    pub head: u64,
    /// The entries asked for, in order.
    pub entries: Vec<Revocation>,
}

impl RevocationPage {
    /// A page of a log whose newest entry ever had the sequence number `head`.
    pub const fn new(head: u64, entries: Vec<Revocation>) -> Self {
        Self { head, entries }
    }
}

/// A place for sessions: nine operations, each one transaction.
///
/// What must hold is checked by `hardtack::testing::store_conformance` (feature `testing`):
/// an answer given is durable, [`Self::rotate`] is atomic, and an ended session never lives again.
pub trait SessionStore: Send + Sync + 'static {
    /// Adds a session and ends others in the same transaction; answers those that ended now.
    fn create(
        &self,
        session: &Session,
        ends: RevokeTarget<'_>,
    ) -> impl Future<Output = Result<Vec<SessionId>, BackendError>> + Send;

    /// The row, live or not.
    fn find(&self, id: SessionId) -> impl Future<Output = Result<Option<Session>, BackendError>> + Send;

    /// If the row is live and of exactly this generation: adds one to it, sets the times, clears
    /// `confirmed`, and answers the new row. Otherwise changes nothing and answers none.
    fn rotate(
        &self,
        id: SessionId,
        generation: u64,
        rotation: Rotation,
    ) -> impl Future<Output = Result<Option<Session>, BackendError>> + Send;

    /// RevocationFilter that the token of this generation has come back; nothing where it is not the newest.
    fn confirm(&self, id: SessionId, generation: u64) -> impl Future<Output = Result<(), BackendError>> + Send;

    /// Ends sessions, writes each to the log, and answers those that ended now.
    fn revoke(
        &self,
        ends: RevokeTarget<'_>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<SessionId>, BackendError>> + Send;

    /// Makes the access tokens outdated that a subject's sessions have so far: of each session that was not
    /// ended, sets `claims` where they are given, sets [`Session::outdated_generation`] to its generation,
    /// and writes it to the log with that generation. Answers the sessions with those generations.
    ///
    /// Row and log are one transaction, so that of two processes one either rotates before, and makes a
    /// token that is outdated, or after, and finds the new claims.
    fn outdate(
        &self,
        subject: &str,
        claims: Option<&str>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<(SessionId, u64)>, BackendError>> + Send;

    /// The live sessions of a subject, the newest first.
    fn list(&self, subject: &str, now: Timestamp) -> impl Future<Output = Result<Vec<Session>, BackendError>> + Send;

    /// The first `limit` of the log's entries behind `after`; zero is its beginning. No entry appears
    /// later behind one that was answered, however many processes write at once.
    fn revocations(&self, after: u64, limit: u32) -> impl Future<Output = Result<RevocationPage, BackendError>> + Send;

    /// Forgets up to `limit` sessions that ended before `before` and entries that the log has of times before
    /// it; answers how many.
    fn prune(&self, before: Timestamp, limit: u32) -> impl Future<Output = Result<u64, BackendError>> + Send;

    /// Waits until another process may have written to the log: for stores that can tell, as by
    /// PostgreSQL's `NOTIFY`. It may answer for no reason, and whoever follows the log polls it as well.
    /// Unless implemented it never answers.
    fn revoked_elsewhere(&self) -> impl Future<Output = Result<(), BackendError>> + Send {
        std::future::pending()
    }
}

type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send + 'a>>;

/// Generates [`ErasedStore`], which is [`SessionStore`] behind a pointer: the authenticator is then one type,
/// whatever store it has.
macro_rules! erase {
    ($(fn $name:ident($($arg:ident: $type:ty),*) -> $out:ty;)*) => {
        pub(crate) trait ErasedStore: Send + Sync {
            $(fn $name<'a>(&'a self, $($arg: $type),*) -> Pending<'a, $out>;)*
        }

        impl<S: SessionStore> ErasedStore for S {
            $(fn $name<'a>(&'a self, $($arg: $type),*) -> Pending<'a, $out> {
                Box::pin(SessionStore::$name(self, $($arg),*))
            })*
        }
    };
}

erase! {
    fn create(session: &'a Session, ends: RevokeTarget<'a>) -> Vec<SessionId>;
    fn find(id: SessionId) -> Option<Session>;
    fn rotate(id: SessionId, generation: u64, rotation: Rotation) -> Option<Session>;
    fn confirm(id: SessionId, generation: u64) -> ();
    fn revoke(ends: RevokeTarget<'a>, now: Timestamp) -> Vec<SessionId>;
    fn outdate(subject: &'a str, claims: Option<&'a str>, now: Timestamp) -> Vec<(SessionId, u64)>;
    fn list(subject: &'a str, now: Timestamp) -> Vec<Session>;
    fn revocations(after: u64, limit: u32) -> RevocationPage;
    fn prune(before: Timestamp, limit: u32) -> u64;
    fn revoked_elsewhere() -> ();
}
