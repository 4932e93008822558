//! Session events, for the log and for an application's audit trail.

use std::borrow::Cow;

use crate::client_address::ClientAddress;
use crate::clock::Timestamp;
use crate::request::RequestHead;
use crate::session::{RefreshFlaw, SessionId};

/// What happened to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// A user logged in.
    LogIn,
    /// The session's tokens were exchanged for new ones.
    ///
    /// With a session store, concurrent requests that exchange the same refresh token emit this event only once. In
    /// sliding mode, each request that replaces the access token emits this event.
    Refresh,
    /// A refresh token was refused because its session has ended, has expired, or is not in the store. If the token has
    /// been replaced or is newer than the session's row, the event is [`ReuseDetected`](Self::ReuseDetected) or
    /// [`RefreshAhead`](Self::RefreshAhead) instead.
    RefreshRefused(RefreshFlaw),
    /// A replaced refresh token was used again, too late to be a retry of the refresh request. The token may have been
    /// stolen, so the session was ended.
    ReuseDetected,
    /// A refresh token is newer than its session's row in the store. Either the store has lost writes, or the same key
    /// is used with two stores.
    RefreshAhead,
    /// A user logged out.
    LogOut,
    /// The session was ended, but not by a log-out in the session's own browser. For example, the user ended it on
    /// another device, an operator ended it, the password was changed, or the user had reached
    /// [`SessionPolicy::max_sessions`](crate::session::SessionPolicy::max_sessions).
    Revoked,
    /// The session was replaced by a new session in the same browser.
    Replaced,
    /// The password was changed. [`Event::session`] is the new session of the browser that changed it, or the browser's
    /// previous session if no new one was created.
    PasswordChanged,
    /// The user entered their password again.
    Reauthenticated,
    /// The session's claims changed, so all earlier access tokens are outdated.
    ClaimsChanged,
    /// The session was bound to its browser's device.
    Bound,
    /// The server refused to bind the session: the log-in was too long ago, the session is already bound, or the proof
    /// is not valid.
    BindRefused,
    /// A request to refresh a bound session contained a proof that was not signed with the session's device key. The
    /// cookies may have been stolen, so the session was ended.
    ProofFailed,
    /// A request to refresh a bound session was refused because it contained no proof. The cookies may have been
    /// stolen, or the browser could not send a proof, for example because it has lost the key.
    UnprovenRefresh,
}

impl EventKind {
    /// Returns a stable `snake_case` name, which is the value of the `event` field in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LogIn => "login",
            Self::Refresh => "refresh",
            Self::RefreshRefused(_) => "refresh_refused",
            Self::ReuseDetected => "reuse_detected",
            Self::RefreshAhead => "refresh_ahead",
            Self::LogOut => "logout",
            Self::Revoked => "revoked",
            Self::Replaced => "replaced",
            Self::PasswordChanged => "password_changed",
            Self::Reauthenticated => "reauthenticated",
            Self::ClaimsChanged => "claims_changed",
            Self::Bound => "bound",
            Self::BindRefused => "bind_refused",
            Self::ProofFailed => "proof_failed",
            Self::UnprovenRefresh => "unproven_refresh",
        }
    }
}

/// Something that happened to a session. Events are emitted after the change has been committed and contain no secrets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event<'a> {
    /// What happened.
    pub kind: EventKind,
    /// When it happened.
    pub at: Timestamp,
    /// The subject of the session.
    pub subject: &'a str,
    /// The session, or `None` if the token does not belong to a session.
    pub session: Option<SessionId>,
    /// The client's address, if known. Events of a log-in carry the address that the application set with
    /// [`LogIn::address`](crate::LogIn::address), if it set one. All other events carry the address that
    /// [`Authenticator::client_address`](crate::Authenticator::client_address) returns.
    pub address: Option<Cow<'a, str>>,
    /// The client's `User-Agent`, truncated to 256 bytes.
    pub user_agent: Option<&'a str>,
}

/// The client whose request caused an event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Client<'a> {
    pub(crate) address: Option<Cow<'a, str>>,
    pub(crate) user_agent: Option<&'a str>,
}

/// The maximum length, in bytes, of the user agents that sessions and events keep.
const MAX_USER_AGENT: usize = 256;

/// Truncates a `User-Agent` to 256 bytes, the most that sessions and events store.
pub fn cut_user_agent(agent: &str) -> &str {
    &agent[..agent.floor_char_boundary(MAX_USER_AGENT)]
}

impl<'a> Client<'a> {
    /// Returns the address and the user agent of the client that sent a request.
    pub(crate) fn of(head: &RequestHead<'a>, address: Option<ClientAddress>) -> Self {
        let address = address.map(|address| address.to_string().into());
        Self { address, user_agent: head.header_text("user-agent").map(cut_user_agent) }
    }
}

/// A callback for events.
pub(crate) type Observer = Box<dyn Fn(&Event<'_>) + Send + Sync>;

impl Event<'_> {
    pub(crate) fn log(&self) {
        let (session, address) = (self.session.map(tracing::field::display), self.address.as_deref());
        macro_rules! log {
            ($level:ident $(, $more:tt)*) => {
                tracing::$level!(event = self.kind.name(), subject = self.subject, session, address $(, $more)*)
            };
        }
        match self.kind {
            EventKind::Refresh => log!(debug),
            EventKind::RefreshRefused(flaw) => {
                let code = flaw.code();
                log!(debug, code)
            }
            EventKind::ReuseDetected | EventKind::ProofFailed => log!(warn),
            EventKind::RefreshAhead => log!(error),
            _ => log!(info),
        }
    }
}
