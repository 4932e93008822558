//! Users and their passwords: signing up, checking a password, changing an account.

mod addresses;
mod checked_session;
mod counted_ends;
mod error;
mod expired_rows;
mod operator;
mod password_links;
mod passwords;
mod queued_mail;
mod self_service;
mod session_ends;
mod session_patience;

use std::future::Future;
use std::sync::{Arc, OnceLock};

use hardtack::authenticator::Prune;
use hardtack::clock::Timestamp;
use hardtack::throttle::ThrottleStore;
use hardtack::{Authenticator, AuthenticatorBuilder, BackendError, ClientInfo, FindUser};
use hardtack_db::{Component, Migration, Pool, Transaction};
use hardtack_sqlx::{Database, MigrateError, PENDING_ENDS, THROTTLE};

use self::expired_rows::ExpiredRows;
use self::session_ends::SessionEnds;
use crate::activity::{Activity, ActivityStore, Recorder, RequestInfo};
use crate::error_pages::with_error_pages;
use crate::links::LinkStore;
use crate::mail::{MailQueue, MailTemplates, MailWorker, Mailer};
use crate::page_cookie;
use crate::passwords::{Hasher, PasswordRules, UserSlots};
use crate::settings::SharedSettings;
use crate::throttling::{Client, CounterStore, LogInLimits, OFF, Throttling};
use crate::uninterrupted::Uninterrupted;
use crate::users::{EmailAddress, NameCollision, NameRules, User, UserStore, name_collisions, upgrade_names};

pub(crate) use addresses::{ConfirmationLink, CurrentPassword};
pub(crate) use checked_session::CheckedSession;
pub(crate) use error::ProfileChangeProblem;
pub use error::{
    AccountsError, ActionError, DeadLink, DisplayNameProblem, EmailChangeProblem, MailProblem, PasswordChangeProblem,
    PasswordResetProblem, SessionOver, SignUpProblems, WrongPassword,
};
pub use operator::{PasswordLink, UserChangeError};
pub(crate) use self_service::Browser;
pub use self_service::{NewUser, SignedUp, VerifiedUser};

/// The migrations of this crate's tables, in order.
const MIGRATIONS: &[Migration] = &[
    Migration::per_database(
        1,
        include_str!("../../migrations/sqlite/0001_users.sql"),
        include_str!("../../migrations/postgres/0001_users.sql"),
    ),
    Migration::per_database(
        2,
        include_str!("../../migrations/sqlite/0002_activity.sql"),
        include_str!("../../migrations/postgres/0002_activity.sql"),
    ),
    Migration::per_database(
        3,
        include_str!("../../migrations/sqlite/0003_links.sql"),
        include_str!("../../migrations/postgres/0003_links.sql"),
    ),
    Migration::per_database(
        4,
        include_str!("../../migrations/sqlite/0004_email_version.sql"),
        include_str!("../../migrations/postgres/0004_email_version.sql"),
    ),
    Migration::per_database(
        5,
        include_str!("../../migrations/sqlite/0005_mail_jobs.sql"),
        include_str!("../../migrations/postgres/0005_mail_jobs.sql"),
    ),
    Migration::per_database(
        6,
        include_str!("../../migrations/sqlite/0006_skeleton.sql"),
        include_str!("../../migrations/postgres/0006_skeleton.sql"),
    ),
    Migration::per_database(
        8,
        include_str!("../../migrations/sqlite/0008_letters.sql"),
        include_str!("../../migrations/postgres/0008_letters.sql"),
    ),
    Migration::per_database(
        9,
        include_str!("../../migrations/sqlite/0009_looks.sql"),
        include_str!("../../migrations/postgres/0009_looks.sql"),
    ),
    Migration::per_database(
        10,
        include_str!("../../migrations/sqlite/0010_name_looks.sql"),
        include_str!("../../migrations/postgres/0010_name_looks.sql"),
    ),
    Migration::per_database(
        11,
        include_str!("../../migrations/sqlite/0011_password_changed_by.sql"),
        include_str!("../../migrations/postgres/0011_password_changed_by.sql"),
    ),
];

/// User accounts and their passwords, stored in a database. Clones share the database pool and the background tasks.
///
/// Call [`open`](Self::open) once and pass the authenticator's builder to [`configure`](Self::configure). Then build a
/// [`Site`](crate::Site) from the authenticator and the accounts.
#[derive(Clone, Debug)]
pub struct Accounts {
    database: Pool,
    users: UserStore,
    hasher: Hasher,
    password_slots: UserSlots,
    activity: ActivityStore,
    recorder: Recorder,
    links: LinkStore,
    name_rules: NameRules,
    password_rules: PasswordRules,
    mail: Option<MailQueue>,
    /// Whether emails are queued. If emails are queued and `mail` is `None`, another process sends them.
    queues_mail: bool,
    session_ends: SessionEnds,
    uninterrupted: Uninterrupted,
    log_in_limits: LogInLimits,
    counter_store: CounterStore,
    /// The attempt counters. Unset until the authenticator is known, because the counters' names depend on one of the
    /// authenticator's keys.
    throttling: Arc<OnceLock<Throttling>>,
    /// The settings of the site that uses these accounts.
    settings: SharedSettings,
    /// The base URL for links in emails.
    mail_address: Option<Arc<str>>,
}

/// The query parameters of the site's pages, except `next`.
const QUERY_PARAMETERS: [&str; 7] = ["after", "done", "ended", "form", "incomplete", "public", "token"];

impl Accounts {
    /// The components that [`Self::migrate`] brings up to date. The first one is the accounts. Like
    /// [`Self::open_migrated`], this is for `hardtack-cli`. After this migration, call [`Self::upgrade_names`].
    #[doc(hidden)]
    pub const COMPONENTS: [Component<'static>; 3] = [Component::new("accounts", MIGRATIONS), PENDING_ENDS, THROTTLE];

    /// Creates or upgrades the account tables in a database, and then opens the accounts. Pass the database as a
    /// [`Database`] or an sqlx pool. Call this function within a Tokio runtime, because it starts a background task.
    ///
    /// # Errors
    /// Returns an error if the database fails, if a newer version of this crate has upgraded its tables, or if hashing
    /// a test password fails.
    pub async fn open(database: impl Into<Database>) -> Result<Self, AccountsError> {
        let database = database.into();
        Self::migrate(&database).await?;
        Self::open_migrated(database).await
    }

    /// Opens the accounts in a database whose tables and names are up to date. For `hardtack-cli`, which migrates the
    /// tables of several components in one transaction.
    ///
    /// # Errors
    /// Hashing a test password fails.
    #[doc(hidden)]
    pub async fn open_migrated(database: Database) -> Result<Self, AccountsError> {
        let session_ends = SessionEnds::anywhere(&database);
        let counter_store = CounterStore::new(database.throttle());
        let database = Pool::from(database);
        let hasher = Hasher::new().await.map_err(|error| AccountsError::Hash(error.into()))?;
        let activity = ActivityStore::new(database.clone());
        let recorder = Recorder::start(activity.clone());
        let links = LinkStore::new(database.clone());
        let users = UserStore::new(database.clone());
        let uninterrupted = Uninterrupted::default();
        let (name_rules, password_rules) = (NameRules::default(), PasswordRules::default());
        Ok(Self {
            database,
            users,
            hasher,
            password_slots: UserSlots::default(),
            activity,
            recorder,
            links,
            name_rules,
            password_rules,
            mail: None,
            queues_mail: false,
            session_ends,
            uninterrupted,
            log_in_limits: LogInLimits::default(),
            counter_store,
            throttling: Arc::default(),
            settings: SharedSettings::default(),
            mail_address: None,
        })
    }

    /// Creates or upgrades the account tables without opening the accounts. Returns how many migrations were applied.
    ///
    /// # Errors
    /// Returns an error if the database fails, or if a newer version of this crate has upgraded its tables.
    pub async fn migrate(database: &Database) -> Result<usize, MigrateError> {
        let pool = Pool::from(database.clone());
        let applied = pool.migrate_all(&Self::COMPONENTS).await?;
        Self::upgrade_names(database).await?;
        Ok(applied.iter().sum())
    }

    /// Brings the rows of users up to date with the current rules for names. Like [`Self::open_migrated`], this is for
    /// `hardtack-cli`.
    ///
    /// # Errors
    /// The database failed.
    #[doc(hidden)]
    pub async fn upgrade_names(database: &Database) -> Result<(), MigrateError> {
        let upgraded = upgrade_names(&Pool::from(database.clone())).await;
        upgraded.map_err(|source| MigrateError::Data { component: "accounts".into(), source })
    }

    /// Returns every user whose name equals or resembles another user's name under the current rules. These users
    /// signed up before the rules rejected such names, and can still log in.
    ///
    /// # Errors
    /// The database failed.
    pub async fn name_collisions(database: &Database) -> Result<Vec<NameCollision>, BackendError> {
        name_collisions(&Pool::from(database.clone())).await
    }

    /// Sets the rules for new user names.
    #[must_use]
    pub fn with_name_rules(self, name_rules: NameRules) -> Self {
        Self { name_rules, ..self }
    }

    /// Returns the minimum length of a new password, in characters.
    pub(crate) const fn min_password(&self) -> u8 {
        self.password_rules.min()
    }

    /// Sets the rules for new passwords.
    #[must_use]
    pub fn with_password_rules(self, password_rules: PasswordRules) -> Self {
        Self { password_rules, ..self }
    }

    /// Sets the limits on password attempts, account creation and link requests.
    #[must_use]
    pub fn with_log_in_limits(self, log_in_limits: LogInLimits) -> Self {
        Self { log_in_limits, throttling: Arc::default(), ..self }
    }

    /// Sets the store for the attempt counters. By default, the counters are in the accounts' database, so all servers
    /// share them. With this method, you can move the counters to a different store, for example to Redis if the
    /// sessions are already there. If the store fails, each server counts in its own memory.
    ///
    /// To set how many attempts are allowed, call [`with_log_in_limits`](Self::with_log_in_limits).
    #[must_use]
    pub fn with_throttle_store(self, store: impl ThrottleStore + Clone) -> Self {
        Self { counter_store: CounterStore::new(store), throttling: Arc::default(), ..self }
    }

    /// Returns the settings of the site that uses these accounts.
    pub(crate) const fn settings(&self) -> &SharedSettings {
        &self.settings
    }

    /// Returns the base URL for links in emails, without a trailing slash. Returns `None` if this process sends no
    /// email.
    pub(crate) fn mail_address(&self) -> Option<&str> {
        self.mail_address.as_deref()
    }

    /// Turns on attempt counting, for this value and its clones. The counters' names are HMACs whose key is derived
    /// from the authenticator's signing key.
    pub(crate) fn for_site(self, auth: &Authenticator) -> Self {
        self.count_attempts(auth);
        self
    }

    /// Turns on attempt counting. Does nothing if attempt counting is already on.
    fn count_attempts(&self, auth: &Authenticator) {
        self.throttling.get_or_init(|| Throttling::new(self.log_in_limits, auth, &self.counter_store));
    }

    /// Returns the details to record about a request's client, and the [`Client`] for counting attempts.
    fn client(&self, client: &ClientInfo) -> (RequestInfo, Client) {
        self.count_attempts(client.authenticator());
        (RequestInfo::of(client), Client::of(client, &self.settings.get()))
    }

    /// Returns the browser that sent a request containing a password.
    pub(crate) fn browser(&self, info: &ClientInfo) -> Browser {
        let (request, client) = self.client(info);
        Browser { request, client, authenticator: info.authenticator().clone(), settings: self.settings.get() }
    }

    /// Returns the counters for actions such as signing up. Do not use them for passwords: the methods of [`Accounts`]
    /// that verify a password already count each attempt.
    pub(crate) fn throttling(&self) -> &Throttling {
        self.throttling.get().unwrap_or(&OFF)
    }

    /// Keeps the sessions in the same database as the accounts. [`configure`](Self::configure) then sets the
    /// authenticator's session store. When a change to a user, such as a new password, ends sessions, the transaction
    /// that stores the change also ends the sessions. Create the session tables with
    /// [`Sessions::migrate`](hardtack_sqlx::Sessions::migrate).
    ///
    /// If you do not call `with_sessions`, you can keep the sessions in Redis or in a different database. The
    /// transaction that changes a user then records which sessions must end. The servers end these sessions within
    /// seconds, even if the process that made the change crashes. If the session store is down, the servers end the
    /// sessions once the store has recovered.
    #[must_use]
    pub fn with_sessions(self) -> Self {
        Self { session_ends: self.session_ends.here(), ..self }
    }

    /// Sets the session store's id, for this value and its clones. Call this method if the sessions are in Redis and
    /// servers with different session stores share this database. The sessions that a change to a user ends are then
    /// ended only by the servers with the same id
    /// ([`PendingEnds::set_store_id`](hardtack_sqlx::PendingEnds::set_store_id)).
    pub fn set_session_store_id(&self, id: Option<&str>) {
        self.session_ends.set_store_id(id);
    }

    /// Enables email: users can confirm their addresses and reset a forgotten password. Links in emails start with
    /// `site`, the public address of the site's pages, such as `https://site.example`. If you have set a path for the
    /// pages with [`SiteBuilder::at`](crate::SiteBuilder::at), include the path: `https://site.example/auth`.
    ///
    /// An email about a change, such as a new address or password, is queued in the transaction that stores the change.
    /// Any process that has called this method can send the email, even if the process that queued it has crashed. If
    /// the mailer fails, the email is sent again later.
    #[must_use]
    pub fn with_mail(self, from: EmailAddress, site: &str, mailer: impl Mailer) -> Self {
        let site = site.trim_end_matches('/');
        let templates = MailTemplates::new(from, site, self.settings.clone());
        let worker = MailWorker::new(&self.database, self.recorder.clone(), templates, mailer);
        Self { mail: Some(MailQueue::start(worker)), queues_mail: true, mail_address: Some(site.into()), ..self }
    }

    /// Queues the emails about changes to users, but does not send them. They are sent by another process that has
    /// called [`with_mail`](Self::with_mail). Call this method in a program that makes a change and then exits, such as
    /// a command-line tool.
    ///
    /// If you call neither `with_mail_of_servers` nor `with_mail`, only warnings to confirmed addresses are queued,
    /// because another process might send them. If no process sends a queued email within seven days, the email is
    /// deleted, and an error is logged (`mail_lost`).
    #[must_use]
    pub fn with_mail_of_servers(self) -> Self {
        Self { queues_mail: true, ..self }
    }

    /// Configures this site's authenticator. Browsers whose requests are rejected get the site's error pages. Log-ins,
    /// log-outs and other events are recorded, and users can see the events of their own account. The events are
    /// written to the database in the background, so requests do not wait for these writes.
    ///
    /// Activity older than 90 days and expired links are deleted in the background, together with expired sessions. To
    /// prevent this, call [`without_pruning`](hardtack::AuthenticatorBuilder::without_pruning).
    ///
    /// The authenticator needs a session store: either call [`with_sessions`](Self::with_sessions) before this method,
    /// or set a store yourself.
    pub fn configure(&self, builder: AuthenticatorBuilder) -> AuthenticatorBuilder {
        let recorder = self.recorder.clone();
        let builder = with_error_pages(Self::reserve_names(builder), &self.settings);
        let builder = self.session_ends.configure(builder, &self.users, &self.uninterrupted);
        builder.on_event(move |event| recorder.record_event(event)).also_prune("activity", self.expired_rows())
    }

    /// Reserves the names of the cookies and query parameters that the site's pages use, and describes what the cookies
    /// are for ([`AuthenticatorBuilder::describe_cookies`]). If the authenticator uses one of these names, building the
    /// authenticator fails. [`configure`](Self::configure) also reserves these names. Call this function only to check
    /// settings before the accounts are open.
    pub fn reserve_names(builder: AuthenticatorBuilder) -> AuthenticatorBuilder {
        builder.describe_cookies(page_cookie::names::PURPOSES).reserve_names([], QUERY_PARAMETERS)
    }

    /// Waits up to fourteen seconds for background work to finish. Call this method before you close the database.
    ///
    /// This method first waits for changes that are still in progress, even if their clients have disconnected. It then
    /// waits until queued emails have been sent or have failed, and until recorded activity has been written. It does
    /// not wait for emails that are not due until later, for example because the mail server has an outage.
    ///
    /// Returns `true` if all background work was finished in time, and `false` otherwise. If the process exits after
    /// this method has returned `false`, unfinished changes are lost unless another server completes them. Queued
    /// emails stay in the database and are sent by another server or after the next start. Activity and requests for
    /// reset links are lost if they are not in the database yet.
    pub async fn flush(&self) -> bool {
        let changes = self.uninterrupted.finish().await;
        let mail = match &self.mail {
            Some(mail) => mail.flush().await,
            None => true,
        };
        let activity = self.recorder.flush().await;
        changes && mail && activity
    }

    /// Deletes activity older than 90 days, expired links, and records of emails that were sent more than a day ago.
    /// Also deletes pending session ends that are more than 400 days old, if they belong to a session store other than
    /// this site's. Deletes up to `limit` rows of each kind. Returns how many rows were deleted.
    ///
    /// A process that serves requests need not call this method. An authenticator whose builder was passed to
    /// [`configure`](Self::configure) deletes these rows every ten minutes.
    ///
    /// Whether a row is old depends on the database's clock. If the database's clock and the authenticator's clock
    /// differ by more than a minute, this method deletes nothing and logs a warning ([`Authenticator::time_to_prune`]).
    ///
    /// # Errors
    /// The database failed.
    pub async fn prune(&self, auth: &Authenticator, limit: u32) -> Result<u64, BackendError> {
        match auth.time_to_prune(self.activity.time().await?) {
            Some(now) => self.prune_as_of(now, limit).await,
            None => Ok(0),
        }
    }

    /// Deletes the same rows as [`Self::prune`], but takes `now` as the current time. If `now` is in the future, rows
    /// that are still needed are deleted.
    ///
    /// # Errors
    /// The database failed.
    pub async fn prune_as_of(&self, now: Timestamp, limit: u32) -> Result<u64, BackendError> {
        self.expired_rows().prune(now, limit).await
    }

    fn expired_rows(&self) -> ExpiredRows {
        ExpiredRows::new(&self.activity, &self.links, &self.database, &self.session_ends)
    }

    /// Returns the user with this id, which is the `sub` of the user's tokens. Returns `None` if no such user exists or
    /// the user is disabled.
    ///
    /// # Errors
    /// The database failed.
    pub async fn find(&self, id: &str) -> Result<Option<User>, BackendError> {
        self.users.find_enabled(id).await
    }

    /// Returns a user's latest activities, newest first: up to `failed` failed log-ins, and up to `others` activities
    /// of other kinds. Before the query, this method writes the activities that this process has recorded but not yet
    /// written.
    pub(crate) async fn activity(
        &self,
        user_id: &str,
        failed: u32,
        others: u32,
    ) -> Result<Vec<Activity>, BackendError> {
        self.recorder.flush().await;
        self.activity.latest(user_id, failed, others).await
    }

    /// Begins a transaction that changes a user. To avoid deadlocks, every transaction must change rows in this order:
    /// the user, the user's queued emails, the user's links, the user's sessions.
    async fn begin(&self) -> Result<Transaction, BackendError> {
        self.database.begin().await.map_err(BackendError::new)
    }

    /// Runs work to completion even if the client disconnects. [`Self::flush`] waits for this work.
    pub(crate) async fn run_uninterrupted<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, BackendError> {
        self.uninterrupted.run(work).await
    }

    /// Checks that the database responds. If the last write failed, also checks that the database accepts writes again.
    pub(crate) async fn ping(&self) -> Result<(), BackendError> {
        self.users.ping().await
    }
}

/// Takes the [`Accounts`] from the router's state in axum, directly or through `FromRef`, and from `web::Data` in
/// actix-web.
impl FindUser for User {
    type State = Accounts;

    async fn find_user(subject: &str, accounts: &Accounts) -> Result<Option<Self>, BackendError> {
        accounts.find(subject).await
    }
}
