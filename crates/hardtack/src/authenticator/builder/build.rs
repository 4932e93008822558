//! Checks all settings together, and builds the authenticator.

use std::sync::Arc;

use super::{AuthenticatorBuilder, binding_check};
use crate::authenticator::background::Background;
use crate::authenticator::early::EarlyTokens;
use crate::authenticator::explain;
use crate::authenticator::fast_path::FastPath;
use crate::authenticator::keys_in_use::KeysInUse;
use crate::authenticator::sessions::UndeliveredSessions;
use crate::authenticator::setup_notices::SetupNotices;
use crate::authenticator::token_cache::TokenCache;
use crate::authenticator::used_states::UsedStates;
use crate::authenticator::watchers::Watchers;
use crate::authenticator::{Authenticator, Inner};
use crate::base_url::BaseUrl;
use crate::body::BodyCount;
use crate::client_address::Notices;
use crate::config::{DeviceBinding, RefreshMode, Settings};
use crate::cookie::ResolvedPolicy;
use crate::error::ConfigError;
use crate::explain::Recorder;
use crate::log_limit::LogLimit;
use crate::refusal::RefusalLog;
use crate::revocation::{HeldSubjects, LogPosition, RevocationCache};
use crate::session::{ErasedStore, SessionLookup, SessionPolicy, StoreAbility};

impl AuthenticatorBuilder {
    /// Checks the settings and returns the authenticator.
    ///
    /// # Errors
    /// Returns an error if a setting is unsafe or cannot work. The error describes the first such setting and says what
    /// to do instead.
    pub fn build(self) -> Result<Authenticator, ConfigError> {
        let mut settings = self.settings;
        settings.base = self.base.transpose()?;
        if let (Some(base), Some(listener)) = (&mut settings.base, self.listener) {
            base.add_listener(listener);
        }
        if let Some(base) = &settings.base {
            settings.urls = settings.urls.below(base);
        }
        if self.explains_refusals && !settings.base.as_ref().is_some_and(BaseUrl::is_loopback) {
            return Err(ConfigError::ExplainsInProduction { base: settings.base.map(|base| base.origin().to_owned()) });
        }
        settings.check(self.store.is_some())?;
        let keys = KeysInUse::new(self.keys, &settings, self.store.is_some())?;
        check_store(&mut settings.sessions, self.store.as_deref(), self.pending.is_some(), self.follows_log)?;
        let has_rows = self.store.is_some() || !self.also_pruned.is_empty();
        let background = Background::new(settings.sessions.max_staleness.is_some(), self.prunes && has_rows);
        let mut policy = self.cookies;
        let has_refresh_cookie = settings.refresh != RefreshMode::Sliding;
        if !has_refresh_cookie && !settings.flask {
            policy.send_access_without_refresh(&settings.urls);
        }
        let refresh_paths = match settings.refresh {
            RefreshMode::Redirect => policy.refresh_paths_for(&settings.urls, settings.binding != DeviceBinding::Off),
            RefreshMode::Transparent | RefreshMode::Sliding | RefreshMode::Off => vec!["/".to_owned()],
        };
        let cookies = policy.resolve(
            settings.base.as_ref(),
            refresh_paths,
            settings.realm.as_deref(),
            settings.csrf.protect,
            settings.flask,
            &settings.reserved_cookie_names,
        )?;
        binding_check::check(&settings, &cookies, self.store.as_deref())?;
        warn_of_unseen_urls(&settings, &cookies, has_refresh_cookie);
        let recorder = self.explains_refusals.then(|| Arc::new(Recorder::default()));
        let mut observers = self.observers;
        observers.extend(recorder.as_ref().map(explain::observer));
        if let (Some(_), Some(base)) = (&recorder, &settings.base) {
            explain::announce(base);
        }
        if let (Some(pending), Some(store)) = (&self.pending, &self.store) {
            pending.attached(SessionLookup::new(Arc::clone(store)));
        }
        Ok(Authenticator(Arc::new(Inner {
            fast_path: FastPath::new(&settings, &self.callbacks, recorder.is_some()),
            keys,
            rules: settings.session_rules(self.store.is_some(), cookies.session_cookies),
            settings,
            cookies,
            background,
            store: self.store,
            token_cache: TokenCache::new(self.token_cache),
            revocation_cache: RevocationCache::default(),
            log: LogPosition::default(),
            watchers: Watchers::default(),
            pending: self.pending,
            also_pruned: self.also_pruned,
            held: HeldSubjects::default(),
            undelivered: UndeliveredSessions::default(),
            clock: self.clock,
            early_tokens: EarlyTokens::default(),
            refusal_log: RefusalLog::new(),
            observer_panics: LogLimit::new("observer_panicked"),
            proxy_notices: Notices::default(),
            bodies: BodyCount::default(),
            used_states: UsedStates::default(),
            setup_notices: SetupNotices::default(),
            recorder,
            handlers: self.handlers,
            callbacks: self.callbacks,
            observers,
        })))
    }
}

/// Checks whether the session store supports the settings, and completes the policy with defaults that depend on the
/// store.
fn check_store(
    policy: &mut SessionPolicy,
    store: Option<&dyn ErasedStore>,
    has_pending: bool,
    follows_log: bool,
) -> Result<(), ConfigError> {
    let Some(store) = store else {
        return if has_pending { Err(ConfigError::PendingRevocationsWithoutStore) } else { Ok(()) };
    };
    match policy.max_staleness {
        Some(bound) if !follows_log => return Err(ConfigError::StalenessWithoutLog { bound }),
        None if has_pending && !follows_log => return Err(ConfigError::PendingRevocationsWithoutLog),
        // If this process has failed to carry out a pending revocation, it must refuse requests that belong to the
        // affected sessions. The process checks this only when the cache may be stale. Without a staleness limit, the
        // cache never counts as stale, so set a limit here.
        None if follows_log && (has_pending || store.is_durable()) => policy.bound_staleness(),
        Some(_) | None => {}
    }
    if policy.max_sessions.is_some() && !store.can(StoreAbility::LimitSessions) {
        if policy.has_max_sessions {
            return Err(ConfigError::StoreCannotLimitSessions);
        }
        tracing::warn!(
            event = "sessions_unlimited",
            "the session store cannot limit the number of sessions per user, so a user can have any number of \
             sessions; to accept unlimited sessions, call SessionPolicy::insecure_unlimited_sessions"
        );
        policy.max_sessions = None;
    }
    Ok(())
}

/// Logs a warning if browsers do not send a token to a URL that has to end sessions.
fn warn_of_unseen_urls(settings: &Settings, cookies: &ResolvedPolicy, has_refresh_cookie: bool) {
    let sends_token =
        |url: &str| cookies.access.is_sent_to(url) || (has_refresh_cookie && cookies.refresh.is_sent_to(url));
    let log_out = settings.urls.logout.as_str();
    if !sends_token(log_out) {
        tracing::warn!(
            event = "log_out_unseen",
            "browsers send no token to {log_out}, so a log-out there cannot end the session; add {log_out} to the \
             paths of the refresh cookie"
        );
    }
    let replaces = settings.urls.end_sessions().into_iter().find(|url| *url != log_out && !sends_token(url));
    if let Some(url) = replaces.filter(|_| !settings.flask) {
        tracing::warn!(
            event = "log_in_unseen",
            "browsers send no token to {url}, so a log-in or sign-up there does not end the browser's previous \
             session; add {url} to the paths of the refresh cookie"
        );
    }
}
