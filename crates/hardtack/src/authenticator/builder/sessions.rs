//! Session settings: where sessions are stored, and how long they and their tokens live.

use std::sync::Arc;
use std::time::Duration;

use super::AuthenticatorBuilder;
use crate::authenticator::also_pruned::{AlsoPruned, Prune};
use crate::config::Lifetime;
use crate::session::{PendingRevocations, SessionPolicy, SessionStore};

impl AuthenticatorBuilder {
    /// Keeps sessions in `store`, so that refresh tokens rotate, a log-out is final, and users can list and end their
    /// sessions.
    pub fn sessions(mut self, store: impl SessionStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Turns off reading the revocation log of a durable store. This process then does not learn which sessions other
    /// processes end, or which sessions ended before this process started. It accepts the access tokens of these
    /// sessions until the tokens expire.
    ///
    /// By default, the adapter follows the log, starting with the first request. Until the adapter has read the log,
    /// and whenever its copy of the log is [too old](SessionPolicy::max_staleness), it checks each request against the
    /// store.
    pub fn insecure_without_revocation_log(mut self) -> Self {
        self.follows_log = false;
        self
    }

    /// Makes the adapter also delete the application's expired rows in the background, along with expired sessions.
    /// `what` is the name of these rows in log messages.
    pub fn also_prune(mut self, what: &'static str, rows: impl Prune) -> Self {
        self.also_pruned.push(AlsoPruned::new(what, rows));
        self
    }

    /// Turns off the automatic deletion of expired rows, so the application must delete them. To delete sessions and
    /// log entries, call [`Authenticator::prune_sessions`](crate::Authenticator::prune_sessions). If you have
    /// registered other rows with [`Self::also_prune`], delete them yourself as well. By default, the adapter deletes
    /// all of these rows every ten minutes.
    pub fn without_pruning(mut self) -> Self {
        self.prunes = false;
        self
    }

    /// Registers the store in which the application records which sessions must end. Use this setting if the sessions
    /// are not in the same database as the users, for example if the sessions are in Redis.
    ///
    /// The transaction that changes a user also records that the user's sessions must end. A server that follows the
    /// revocation log then ends the sessions within seconds, even if the server that changed the user has crashed.
    ///
    /// `pending_revocations` requires a session store. Unless you set [`SessionPolicy::max_staleness`], the default for
    /// a durable store applies, even if the store is not durable.
    pub fn pending_revocations(mut self, pending: impl PendingRevocations) -> Self {
        pending.registered();
        self.pending = Some(Box::new(pending));
        self
    }

    /// Sets how long an access token lives (`JWT_ACCESS_TOKEN_EXPIRES`). Default: 15 minutes.
    ///
    /// If you shorten the lifetime, the shorter lifetime also applies to tokens that have already been issued, provided
    /// that their sessions are stored. If you later lengthen it again, call
    /// [`Authenticator::store_lost_sessions`](crate::Authenticator::store_lost_sessions) at the next start: older tokens
    /// are then valid again, but the rows of ended sessions may already have been deleted.
    pub fn access_lifetime(mut self, lifetime: impl Into<Lifetime>) -> Self {
        self.settings.access_lifetime = lifetime.into();
        self
    }

    /// Sets how long a refresh token, and therefore an unused session, lives (`JWT_REFRESH_TOKEN_EXPIRES`). Default: 1
    /// day.
    ///
    /// In [sliding mode](crate::config::RefreshMode::Sliding), there are no refresh tokens, and an unused session lives
    /// as long as its access token.
    pub fn refresh_lifetime(mut self, lifetime: impl Into<Lifetime>) -> Self {
        self.settings.refresh_lifetime = lifetime.into();
        self
    }

    /// Sets how long a log-in or a re-authentication counts as recent. Default: 15 minutes.
    ///
    /// During this time, routes that need a fresh token, such as routes with the extractor `FreshAccessToken`, do not
    /// ask for the password again. If the access token that was issued at log-in expires sooner, the log-in stops
    /// counting as recent at that point.
    ///
    /// [`LogIn::freshness`](crate::LogIn::freshness) sets a different duration for one log-in. With
    /// [`Lifetime::InsecureForever`], a log-in counts as recent until its access token expires, as in
    /// Flask-JWT-Extended.
    ///
    /// Source: ASVS 5.0 V7.5.1.
    pub fn fresh_lifetime(mut self, lifetime: impl Into<Lifetime>) -> Self {
        self.settings.fresh_lifetime = lifetime.into();
        self
    }

    /// Sets the rules for stored sessions, such as how long they live, how many of them a user can have, and how stale
    /// this process's list of ended sessions can be.
    pub fn session_policy(mut self, policy: SessionPolicy) -> Self {
        self.settings.sessions = policy;
        self
    }

    /// Applies strict settings, for sites where a stolen token does more harm than an extra log-in.
    ///
    /// Each refresh token is accepted only once, even if concurrent requests use it or a response was lost (RFC 9700
    /// section 4.14.2). Access tokens live 5 minutes. A session ends after 15 minutes without use, and after 12 hours
    /// at most (NIST SP 800-63B-4 AAL3). These limits apply even if the user chose to stay logged in. By default, the
    /// browser deletes the cookies when it closes.
    ///
    /// Two concurrent refreshes with the same token end the session, so these settings suit clients that send one
    /// request at a time. Later calls on the builder override these settings.
    pub fn strict_sessions(mut self) -> Self {
        self.cookies = self.cookies.session_cookies(true);
        self.settings.sessions =
            self.settings.sessions.absolute_lifetime(Duration::from_secs(12 * 60 * 60)).race_window(Duration::ZERO);
        self.settings.sessions.remembered_idle = Duration::ZERO;
        self.access_lifetime(Duration::from_secs(5 * 60)).refresh_lifetime(Duration::from_secs(15 * 60))
    }
}
