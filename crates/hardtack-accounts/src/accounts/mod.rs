//! Users and their passwords: signing up, checking a password, changing an account.

mod error;
mod operator;

use std::time::Duration;

use hardtack::clock::Timestamp;
use hardtack::{Authenticator, AuthenticatorBuilder, BackendError};
use hardtack_db::{Migration, Pool};
use hardtack_sqlx::{Database, MigrateError};

use crate::activity::{Activity, ActivityKind, ActivityStore, Recorder, RequestInfo};
use crate::error_pages::with_error_pages;
use crate::links::{LinkPurpose, LinkStore, LinkToken, Redemption};
use crate::mail::{MailJob, MailQueue, MailTemplates, MailWorker, Mailer};
use crate::passwords::{Hasher, Verdict, validate_password};
use crate::users::{
    EmailAddress, NewUser, Profile, ProfileProblem, StoredCredentials, User, UserNameProblem, UserStore,
    validate_username,
};

pub use error::AccountsError;
pub(crate) use error::{
    ActionError, DeadLink, PasswordChangeProblem, PasswordResetProblem, SignUpProblems, WrongPassword,
};

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
];

/// How long recorded activity is kept: 90 days.
const ACTIVITY_LIFETIME: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Users and passwords in a database. Clones share the database pool and the background tasks.
///
/// Open the accounts once, pass the builder of the authenticator to [`configure`](Self::configure), and create a
/// [`Site`](crate::Site) from both.
#[derive(Clone, Debug)]
pub struct Accounts {
    users: UserStore,
    hasher: Hasher,
    activity: ActivityStore,
    recorder: Recorder,
    links: LinkStore,
    mail: Option<MailQueue>,
}

/// A user whose password has just been verified.
pub(crate) struct VerifiedPassword {
    pub(crate) user_id: String,
    /// The version of the password that was verified.
    version: i64,
}

impl Accounts {
    /// Opens the accounts in a database, and creates or upgrades their tables. Takes a [`Database`] or an sqlx
    /// pool. Must be called within a tokio runtime, since it starts a background task.
    ///
    /// # Errors
    /// The database failed, a newer version of this crate has upgraded its tables, or a password could not be
    /// hashed.
    pub async fn open(database: impl Into<Database>) -> Result<Self, AccountsError> {
        let database = database.into();
        Self::migrate(&database).await?;
        let database = Pool::from(database);
        let hasher = Hasher::new().await.map_err(|error| AccountsError::Hash(error.into()))?;
        let activity = ActivityStore::new(database.clone());
        let recorder = Recorder::start(activity.clone());
        let links = LinkStore::new(database.clone());
        Ok(Self { users: UserStore::new(database), hasher, activity, recorder, links, mail: None })
    }

    /// Creates or upgrades the tables without opening the accounts, and returns how many migrations were
    /// applied.
    ///
    /// # Errors
    /// The database failed, or a newer version of this crate has upgraded its tables.
    pub async fn migrate(database: &Database) -> Result<usize, MigrateError> {
        Pool::from(database.clone()).migrate("accounts", MIGRATIONS).await
    }

    /// Turns on email: users confirm their addresses, and can reset a forgotten password. Links in emails start
    /// with `site`, the site's public address, such as `https://site.example`.
    #[must_use]
    pub fn with_mail(self, from: EmailAddress, site: &str, mailer: impl Mailer) -> Self {
        let templates = MailTemplates::new(from, site);
        let (users, links, recorder) = (self.users.clone(), self.links.clone(), self.recorder.clone());
        let worker = MailWorker::new(users, links, recorder, templates, mailer);
        Self { mail: Some(MailQueue::start(worker)), ..self }
    }

    /// Configures an authenticator for this site: refused requests get the site's error pages, and log-ins,
    /// log-outs and other events are recorded for their users to see. Events are written in the background; no
    /// request waits for them.
    pub fn configure(&self, builder: AuthenticatorBuilder) -> AuthenticatorBuilder {
        let recorder = self.recorder.clone();
        with_error_pages(builder).on_event(move |event| recorder.record_event(event))
    }

    /// Waits until queued emails are sent and recorded activity is written, for a few seconds at most. Call it
    /// before the database is closed.
    pub async fn flush(&self) {
        if let Some(mail) = &self.mail {
            mail.flush().await;
        }
        self.recorder.flush().await;
    }

    /// Deletes up to `limit` rows of activity older than 90 days, and up to `limit` expired links. Returns how
    /// many rows were deleted.
    ///
    /// What is old is decided by the clock of the database. If it differs from that of the authenticator by more than
    /// a minute, nothing is deleted, and a warning is logged ([`Authenticator::time_to_prune`]).
    ///
    /// # Errors
    /// The database failed.
    pub async fn prune(&self, auth: &Authenticator, limit: u32) -> Result<u64, BackendError> {
        match auth.time_to_prune(self.activity.time().await?) {
            Some(now) => self.prune_as_of(now, limit).await,
            None => Ok(0),
        }
    }

    /// Like [`Self::prune`], but `now` decides what is old. If it is wrong, rows that are still needed are deleted.
    ///
    /// # Errors
    /// The database failed.
    pub async fn prune_as_of(&self, now: Timestamp, limit: u32) -> Result<u64, BackendError> {
        Ok(self.activity.prune(now - ACTIVITY_LIFETIME, limit).await? + self.links.prune(now, limit).await?)
    }

    /// Returns the user with this id, the `sub` of a token. Returns `None` if the user was deleted or disabled.
    ///
    /// # Errors
    /// The database failed.
    pub async fn find(&self, id: &str) -> Result<Option<User>, BackendError> {
        self.users.find_enabled(id).await
    }

    /// Returns the last `limit` activities of a user, newest first, including those that this process has
    /// recorded but not yet written.
    pub(crate) async fn activity(&self, user_id: &str, limit: u32) -> Result<Vec<Activity>, BackendError> {
        self.recorder.flush().await;
        self.activity.latest(user_id, limit).await
    }

    /// Adds a user, or returns what is wrong with each field.
    pub(crate) async fn sign_up(
        &self,
        username: &str,
        password: String,
        now: Timestamp,
    ) -> Result<User, ActionError<SignUpProblems>> {
        let problems = SignUpProblems {
            username: validate_username(username).err(),
            password: validate_password(&password, username).err(),
        };
        if problems.username.is_some() || problems.password.is_some() {
            return Err(ActionError::Invalid(problems));
        }
        let password_hash = self.hasher.hash(password).await?;
        let added = self.users.add(NewUser { username, password_hash: &password_hash, now }).await?;
        let taken = SignUpProblems { username: Some(UserNameProblem::Taken), password: None };
        added.ok_or(ActionError::Invalid(taken))
    }

    /// Verifies the password of a log-in. An unknown name, a disabled user and a wrong password take the same
    /// time and return the same error (ASVS 5.0 V6.3.8).
    pub(crate) async fn verify_log_in(
        &self,
        username: &str,
        password: String,
        request: &RequestInfo,
    ) -> Result<VerifiedPassword, ActionError<WrongPassword>> {
        let found = self.users.credentials_by_name(username).await?;
        self.verify_password(found, password, request).await
    }

    /// Verifies the password of a user who is logged in.
    pub(crate) async fn verify_again(
        &self,
        user_id: &str,
        password: String,
        request: &RequestInfo,
    ) -> Result<VerifiedPassword, ActionError<WrongPassword>> {
        let found = self.users.credentials_by_id(user_id).await?;
        self.verify_password(found, password, request).await
    }

    async fn verify_password(
        &self,
        found: Option<StoredCredentials>,
        password: String,
        request: &RequestInfo,
    ) -> Result<VerifiedPassword, ActionError<WrongPassword>> {
        let hash = found.as_ref().map(|credentials| credentials.password_hash.clone());
        let verdict = self.hasher.verify(password.clone(), hash).await?;
        if let Some(credentials) = found.as_ref().filter(|_| verdict == Verdict::Wrong) {
            self.recorder.record(&credentials.id, ActivityKind::LogInFailed, request);
        }
        let Some(credentials) = found.filter(|found| verdict != Verdict::Wrong && !found.disabled) else {
            return Err(ActionError::Invalid(WrongPassword));
        };
        if verdict == Verdict::RightButWeakHash {
            let hash = self.hasher.hash(password).await?;
            self.users.set_password(&credentials.id, &hash, credentials.password_version, false).await?;
        }
        Ok(VerifiedPassword { user_id: credentials.id, version: credentials.password_version })
    }

    /// Returns whether the user still has the password that was verified, and is still enabled. Call it after
    /// creating the session: a concurrent password change ends only the sessions that exist at that moment, and
    /// this check catches a session that is created just after it.
    pub(crate) async fn is_still_valid(&self, verified: &VerifiedPassword) -> Result<bool, BackendError> {
        let found = self.users.credentials_by_id(&verified.user_id).await?;
        Ok(found.is_some_and(|found| found.password_version == verified.version && !found.disabled))
    }

    /// Changes a password, given the current one.
    pub(crate) async fn change_password(
        &self,
        user: &User,
        current: String,
        new: String,
        request: &RequestInfo,
    ) -> Result<(), ActionError<PasswordChangeProblem>> {
        validate_password(&new, &user.username)
            .map_err(|problem| ActionError::Invalid(PasswordChangeProblem::InvalidNew(problem)))?;
        let verified = self.verify_again(&user.id, current, request).await;
        let verified =
            verified.map_err(|error| error.map_invalid(|WrongPassword| PasswordChangeProblem::WrongCurrent))?;
        let hash = self.hasher.hash(new).await?;
        if self.users.set_password(&user.id, &hash, verified.version, true).await? {
            return Ok(());
        }
        // The password was changed concurrently: the current password is no longer the one that was entered.
        Err(ActionError::Invalid(PasswordChangeProblem::WrongCurrent))
    }

    /// Stores a profile if it is valid. Sends a confirmation to a new address, and a notice to the old one if it
    /// was confirmed.
    pub(crate) async fn change_profile(
        &self,
        user: &User,
        profile: Profile,
        request: &RequestInfo,
    ) -> Result<User, ActionError<(Profile, Vec<ProfileProblem>)>> {
        let (profile, problems) = profile.validate();
        if !problems.is_empty() {
            return Err(ActionError::Invalid((profile, problems)));
        }
        let changed = self.users.set_profile(&user.id, &profile).await?;
        let changed = changed.ok_or_else(|| ActionError::Backend(BackendError::new("the user no longer exists")))?;
        if changed.email != user.email {
            self.recorder.record(&user.id, ActivityKind::EmailChanged, request);
            self.send_confirmation(&changed, request.at);
            let old_address = EmailAddress::parse(&user.email).filter(|_| user.email_confirmed);
            if let (Some(mail), Some(old_address)) = (&self.mail, old_address) {
                mail.push(MailJob::EmailWasChanged { username: user.username.clone(), old_address, at: request.at });
            }
        }
        Ok(changed)
    }

    /// Returns whether email is turned on.
    pub(crate) const fn sends_mail(&self) -> bool {
        self.mail.is_some()
    }

    /// Sends a confirmation link to a user who has an unconfirmed address.
    pub(crate) fn send_confirmation(&self, user: &User, at: Timestamp) {
        if let Some(mail) = self.mail.as_ref().filter(|_| !user.email.is_empty() && !user.email_confirmed) {
            mail.push(MailJob::ConfirmEmail { user_id: user.id.clone(), at });
        }
    }

    /// Sends a reset link to the users who have confirmed this address. Takes the same time and returns nothing
    /// whether or not there is such a user (ASVS 5.0 V6.3.8).
    pub(crate) fn forgot_password(&self, address: EmailAddress, request: RequestInfo) {
        if let Some(mail) = &self.mail {
            mail.push(MailJob::ForgotPassword { address, request });
        }
    }

    /// Returns the name of the user that a link was sent to, or `None` if the link no longer works.
    pub(crate) async fn username_of_link(
        &self,
        token: &LinkToken,
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> Result<Option<String>, BackendError> {
        self.links.username(token, purpose, now).await
    }

    /// Confirms the address that a link was sent to.
    pub(crate) async fn confirm_email(
        &self,
        token: &LinkToken,
        request: &RequestInfo,
    ) -> Result<(), ActionError<DeadLink>> {
        match self.links.confirm_email(token, request.at).await? {
            Redemption::Done { user_id } => {
                self.recorder.record(&user_id, ActivityKind::EmailConfirmed, request);
                Ok(())
            }
            Redemption::DeadLink => Err(ActionError::Invalid(DeadLink)),
        }
    }

    /// Sets a new password with a reset link, and returns the user's id. If the password breaks a rule, the link
    /// still works afterwards.
    pub(crate) async fn reset_password(
        &self,
        token: &LinkToken,
        new: String,
        request: &RequestInfo,
    ) -> Result<String, ActionError<PasswordResetProblem>> {
        let dead_link = || ActionError::Invalid(PasswordResetProblem::DeadLink);
        let username = self.links.username(token, LinkPurpose::ResetPassword, request.at).await?;
        let username = username.ok_or_else(dead_link)?;
        validate_password(&new, &username)
            .map_err(|problem| ActionError::Invalid(PasswordResetProblem::InvalidNew(problem)))?;
        let hash = self.hasher.hash(new).await?;
        let Redemption::Done { user_id } = self.links.set_password(token, &hash, request.at).await? else {
            return Err(dead_link());
        };
        self.recorder.record(&user_id, ActivityKind::PasswordReset, request);
        if let Some(mail) = &self.mail {
            mail.push(MailJob::PasswordWasReset { user_id: user_id.clone(), at: request.at });
        }
        Ok(user_id)
    }

    /// Checks that the database responds.
    pub(crate) async fn ping(&self) -> Result<(), BackendError> {
        self.users.ping().await
    }
}
