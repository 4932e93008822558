//! What happens to sessions, told as it happens: to the log, and to an application that keeps a record.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::authenticator::Authenticator;
use crate::clock::Timestamp;
use crate::failure::RefreshFlaw;
use crate::session::SessionId;

/// What happened to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// Somebody logged in.
    LogIn,
    /// The tokens were exchanged for new ones. Those who race for them are not told of again.
    Refresh,
    /// A refresh token was refused, for another flaw than the next two.
    RefreshRefused(RefreshFlaw),
    /// A refresh token was used again after its time: somebody has a copy. The session was ended.
    ReuseDetected,
    /// A refresh token is newer than its session: the store lost rows, or two stores share a key.
    RefreshAhead,
    /// Somebody logged out.
    LogOut,
    /// The session was ended from elsewhere: by its user on another device, or by an operator.
    Revoked,
    /// The session was ended because its browser got another one.
    Replaced,
    /// The password was changed; this is the session that its user goes on with.
    PasswordChanged,
    /// The password was typed again.
    Reauthenticated,
    /// The session goes on with other claims; the access tokens that it had are outdated.
    ClaimsChanged,
}

impl EventKind {
    /// A stable name in `snake_case`: the field `event` in the log.
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
        }
    }
}

/// Something that happened to a session, after it was committed. It holds no secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event<'a> {
    /// What.
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
    /// Whose session it is.
    pub subject: &'a str,
    /// Which session; none for a token that belongs to none.
    pub session: Option<SessionId>,
    /// The address that the request came from, where one is known: the connection's other end, unless
    /// the application said better at the log-in.
    pub address: Option<Cow<'a, str>>,
    /// The browser that the request came from, as it calls itself.
    pub user_agent: Option<&'a str>,
}

/// Who asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Client<'a> {
    pub(crate) address: Option<Cow<'a, str>>,
    pub(crate) user_agent: Option<&'a str>,
}

/// The longest `User-Agent` that is kept, in bytes.
const MAX_USER_AGENT: usize = 256;

/// Returns as much of a `User-Agent` as sessions and events keep: at most 256 bytes.
pub fn cut_user_agent(agent: &str) -> &str {
    &agent[..agent.floor_char_boundary(MAX_USER_AGENT)]
}

/// Who wants to be told.
pub(crate) type Observer = Box<dyn Fn(&Event<'_>) + Send + Sync>;

impl Authenticator {
    /// Tells of something that happened and is committed. Nothing that an observer does undoes it.
    pub(crate) fn tell(&self, kind: EventKind, subject: &str, session: Option<SessionId>, client: &Client<'_>) {
        let at = self.now();
        let Client { address, user_agent } = client.clone();
        let event = Event { kind, at, subject, session, address, user_agent };
        event.log();
        for observer in self.observers() {
            if catch_unwind(AssertUnwindSafe(|| observer(&event))).is_err() {
                tracing::error!(event = "observer_panicked", kind = kind.name());
            }
        }
    }
}

impl Event<'_> {
    fn log(&self) {
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
            EventKind::ReuseDetected => log!(warn),
            EventKind::RefreshAhead => log!(error),
            _ => log!(info),
        }
    }
}
