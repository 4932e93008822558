//! Signs up users, and verifies and changes their passwords.

use hardtack::session::EndedSessions;
use hardtack::{BackendError, SessionId};
use hardtack_db::Transaction;

use super::error::{ActionError, PasswordChangeProblem, SessionOver, SignUpProblems, WrongPassword};
use super::queued_mail::kill_links_in;
use super::{Accounts, CheckedSession};
use crate::activity::{ActivityKind, RequestInfo};
use crate::mail::{JobKind, MailLimit};
use crate::passwords::{PasswordProblem, TypedPassword, UserSlot, Verdict};
use crate::throttling::{Client, Try};
use crate::users::{
    EmailAddress, INVALID_EMAIL, NewUserRow, StoredCredentials, User, UserNameProblem, UserStore, username_key,
};

/// A user whose password has just been verified.
#[derive(Debug)]
pub(crate) struct VerifiedPassword {
    pub(crate) user_id: String,
    pub(crate) username: String,
    /// The version of the password that was verified.
    pub(crate) version: i64,
    /// Whether the password was entered on a device on which the user has logged in before.
    pub(crate) by_known_device: bool,
}

impl Accounts {
    /// Adds a user, or returns what is wrong with each field. If `email` is not empty, the site sends a confirmation
    /// link to this address. If a limit prevents the email from being sent, this method returns the limit along with
    /// the user.
    pub(crate) async fn store_new_user(
        &self,
        username: &str,
        email: &str,
        password: String,
        request: &RequestInfo,
    ) -> Result<(User, Option<MailLimit>), ActionError<SignUpProblems>> {
        let now = request.at;
        let (username, email) = (username.trim(), email.trim());
        let name = self.name_rules.check(username);
        let invalid_email = (!email.is_empty() && EmailAddress::parse(email).is_none()).then_some(INVALID_EMAIL);
        let password = self.check_new_password(password, vec![username.to_owned(), email.to_owned()]).await;
        let (name, password) = match (name, password) {
            (Ok(name), Ok(password)) if invalid_email.is_none() => (name, password),
            (name, Ok(_)) => {
                let problems = SignUpProblems { username: name.err(), email: invalid_email, password: None };
                return Err(ActionError::Invalid(problems));
            }
            (name, Err(error)) => {
                let username = name.err();
                return Err(error.map_invalid(|problem| SignUpProblems {
                    username,
                    email: invalid_email,
                    password: Some(problem),
                }));
            }
        };
        if let Some(problem) = self.users.name_conflict(&name).await? {
            return Err(name_problem(problem));
        }
        let password_hash = self.hasher.hash(password).await?;
        let mut transaction = self.begin().await?;
        let new = NewUserRow { name: &name, email, password_hash: &password_hash, now };
        let Some(user) = UserStore::add_in(&mut transaction, new).await? else {
            drop(transaction);
            // Another sign-up took the name in the meantime.
            let problem = self.users.name_conflict(&name).await?;
            return Err(name_problem(problem.unwrap_or(UserNameProblem::Taken)));
        };
        let limit = self.queue_mail_in(&mut transaction, JobKind::ConfirmEmail, &user.id, None, request).await?;
        if let Err(error) = transaction.commit().await {
            // The commit failed, but the database may still have stored the user.
            let Ok(Some(user)) = self.users.find_enabled(&user.id).await else {
                return Err(BackendError::new(error).into());
            };
            return Ok((user, limit));
        }
        self.wake_mail();
        Ok((user, limit))
    }

    /// Checks a new password and returns its normalized form, which the caller must hash. `user` lists strings that the
    /// password must not be based on, such as the user name.
    pub(super) async fn check_new_password(
        &self,
        password: String,
        user: Vec<String>,
    ) -> Result<String, ActionError<PasswordProblem>> {
        let password = TypedPassword::new(password).map_err(ActionError::Invalid)?;
        let rules = self.password_rules.clone();
        let check = move || {
            let user: Vec<&str> = user.iter().map(String::as_str).collect();
            rules.problem_of(&password, &user).map(|problem| (problem, password))
        };
        let checked = match self.password_rules.reads_a_file() {
            true => tokio::task::spawn_blocking(check).await.map_err(BackendError::new)?,
            false => check(),
        };
        match checked.map_err(ActionError::PasswordTable)? {
            (None, password) => Ok(password.into_normalized()),
            (Some(problem), _) => Err(ActionError::Invalid(problem)),
        }
    }

    /// Verifies a log-in's password, or refuses the log-in after too many attempts. The duration and the error are the
    /// same for a name that does not exist, a disabled user and a wrong password (ASVS 5.0 V6.3.8).
    pub(crate) async fn verify_log_in(
        &self,
        username: &str,
        password: TypedPassword,
        request: &RequestInfo,
        client: &Client,
    ) -> Result<VerifiedPassword, ActionError<WrongPassword>> {
        self.require_free_hasher()?;
        let username = username.trim();
        // Users that an older version created can have names with the same key. Such users share a counter, because a
        // counter that depends on the stored users would reveal which of them exist.
        let name_key = username_key(username);
        // If a user with this name has logged in with this browser before, look the user up before counting the
        // attempt. For all other browsers, count the attempt first, so that how quickly an attempt is refused does not
        // depend on the name.
        let (device, found) = match client.devices.of_name(&name_key) {
            None => (None, None),
            Some(device) => {
                let found = self.users.credentials_by_name(username).await?;
                let known = found.as_ref().and_then(|found| device.known_to(&found.id, found.password_version));
                (known, Some(found))
            }
        };
        let (attempt, by_known_device) = self.throttling().log_in(&name_key, device, client, request).await?;
        let verified = async {
            let found = match found {
                Some(found) => found,
                None => self.users.credentials_by_name(username).await?,
            };
            self.compare_password(found, password, request).await
        };
        let verified = counted(attempt, verified.await).await?;
        Ok(VerifiedPassword { by_known_device, ..verified })
    }

    /// Verifies a log-in's password without limiting the number of attempts.
    pub(super) async fn verify_log_in_unthrottled(
        &self,
        username: &str,
        password: TypedPassword,
        request: &RequestInfo,
    ) -> Result<VerifiedPassword, ActionError<WrongPassword>> {
        let found = self.users.credentials_by_name(username.trim()).await?;
        self.compare_password(found, password, request).await
    }

    /// Verifies the password of a logged-in user. If there have been too many attempts in the session, returns an error
    /// instead.
    pub(crate) async fn verify_password_again(
        &self,
        user_id: &str,
        session: Option<SessionId>,
        password: TypedPassword,
        request: &RequestInfo,
    ) -> Result<VerifiedPassword, ActionError<WrongPassword>> {
        let _slot = self.password_slot(user_id)?;
        let attempt = self.throttling().password_again(user_id, session, request).await?;
        let verified = async {
            let found = self.users.credentials_by_id(user_id).await?;
            self.compare_password(found, password, request).await
        };
        counted(attempt, verified.await).await
    }

    /// Returns an error if the hasher's queue is full. Call this method before you count an attempt, so that an attempt
    /// whose password cannot be checked does not count.
    fn require_free_hasher<P>(&self) -> Result<(), ActionError<P>> {
        if self.hasher.is_full() { Err(ActionError::Busy) } else { Ok(()) }
    }

    /// Takes one of the slots of a logged-in user whose password is to be checked. Returns an error if the user has no
    /// free slot, or if the hasher's queue is full. Call this method before you count an attempt.
    fn password_slot<P>(&self, user_id: &str) -> Result<UserSlot, ActionError<P>> {
        self.require_free_hasher()?;
        self.password_slots.take(user_id).ok_or(ActionError::Busy)
    }

    async fn compare_password(
        &self,
        found: Option<StoredCredentials>,
        password: TypedPassword,
        request: &RequestInfo,
    ) -> Result<VerifiedPassword, ActionError<WrongPassword>> {
        match self.check_password(found, password).await? {
            Ok(verified) => Ok(verified),
            Err(guessed) => {
                self.recorder.record_for(guessed.as_deref(), ActivityKind::LogInFailed, request);
                Err(ActionError::Invalid(WrongPassword))
            }
        }
    }

    /// Compares a password with the stored hash. If the password does not match or the user is disabled, returns an
    /// inner `Err`. If the password was wrong, the inner `Err` contains the user's id, so that the failure can be
    /// recorded.
    async fn check_password<P>(
        &self,
        found: Option<StoredCredentials>,
        password: TypedPassword,
    ) -> Result<Result<VerifiedPassword, Option<String>>, ActionError<P>> {
        let hash = found.as_ref().map(|credentials| credentials.password_hash.clone());
        let normalized = password.normalized().to_owned();
        let verdict = self.hasher.verify(password, hash).await?;
        let is_wrong = verdict == Verdict::Wrong;
        let credentials = match found {
            Some(credentials) if !is_wrong && !credentials.disabled => credentials,
            refused => {
                return Ok(Err(refused.filter(|_| is_wrong).map(|credentials| credentials.id)));
            }
        };
        if verdict == Verdict::RightButOldHash {
            let hash = self.hasher.hash(normalized).await?;
            self.users.set_hash(&credentials.id, &hash, credentials.password_version).await?;
        }
        let StoredCredentials { id: user_id, username, password_version: version, .. } = credentials;
        Ok(Ok(VerifiedPassword { user_id, username, version, by_known_device: false }))
    }

    /// Returns whether the user is still enabled and still has the password that was verified. Call this method after
    /// creating the session. A concurrent password change ends only the sessions that exist at that moment, so a
    /// session that is created just afterwards would stay logged in.
    pub(crate) async fn is_still_valid(&self, verified: &VerifiedPassword) -> Result<bool, BackendError> {
        let found = self.users.credentials_by_id(&verified.user_id).await?;
        Ok(found.is_some_and(|found| found.password_version == verified.version && !found.disabled))
    }

    /// Changes a user's password. The user must enter the current password. The transaction that stores the new
    /// password also ends the user's sessions except `kept`, or records that they must end, and invalidates the user's
    /// reset and confirmation links. Returns the ended sessions and the version of the new password.
    ///
    /// `kept` is the result of [`Self::check_session`]. If the session has ended since that check, this method changes
    /// nothing. If an earlier request in the session has already changed the password to `new`, returns
    /// [`PasswordChangeProblem::AlreadyChanged`].
    pub(crate) async fn store_password_change(
        &self,
        user: &User,
        current: String,
        new: String,
        kept: &CheckedSession,
        request: &RequestInfo,
    ) -> Result<(EndedSessions, i64), ActionError<PasswordChangeProblem>> {
        let current =
            TypedPassword::new(current).map_err(|_| ActionError::Invalid(PasswordChangeProblem::CurrentTooLong))?;
        let new = self.check_new_password(new, vec![user.username.clone(), user.email.clone()]).await;
        let new = new.map_err(|error| error.map_invalid(PasswordChangeProblem::InvalidNew))?;
        let already_changed = || ActionError::Invalid(PasswordChangeProblem::AlreadyChanged);
        let is_unchanged = current.normalized() == new;
        let _slot = self.password_slot(&user.id)?;
        let verified = self.verify_current(user, kept, current, &new, request).await;
        let verified = verified.map_err(|error| error.map_invalid(|_| PasswordChangeProblem::WrongCurrent))?;
        let version = verified.ok_or_else(already_changed)?.version;
        if is_unchanged {
            return Err(ActionError::Invalid(PasswordChangeProblem::InvalidNew(PasswordProblem::Unchanged)));
        }
        let hash = self.hasher.hash(new.clone()).await?;
        let mut transaction = match self.begin_password_change(kept, &user.id, &hash, version).await {
            Err(ActionError::Invalid(_) | ActionError::SessionOver(SessionOver::Replaced))
                if self.has_already_changed(user, kept, &new, request).await? =>
            {
                return Err(already_changed());
            }
            begun => begun?,
        };
        kill_links_in(&mut transaction, &user.id).await?;
        let ended = self.session_ends.end_others_in(&mut transaction, &user.id, kept.id).await?;
        self.queue_mail_in(&mut transaction, JobKind::PasswordChanged, &user.id, None, request).await?;
        self.commit_password(transaction, &user.id, &hash).await?;
        self.wake_mail();
        Ok((ended, version + 1))
    }

    /// Begins the transaction that changes a password, and stores the new password's hash in this transaction.
    async fn begin_password_change(
        &self,
        session: &CheckedSession,
        user_id: &str,
        hash: &str,
        version: i64,
    ) -> Result<Transaction, ActionError<PasswordChangeProblem>> {
        let mut transaction = self.begin_change(session).await?;
        match UserStore::set_password_in(&mut transaction, user_id, hash, version, session.id).await? {
            true => Ok(transaction),
            // Another request has changed the password in the meantime, so the password that the user entered is no
            // longer the current one.
            false => Err(ActionError::Invalid(PasswordChangeProblem::WrongCurrent)),
        }
    }

    /// Verifies the current password of a user who is changing it to `new`. Returns `None` if this session has already
    /// changed the password to `new`, so that the entered password is an old one.
    async fn verify_current(
        &self,
        user: &User,
        session: &CheckedSession,
        current: TypedPassword,
        new: &str,
        request: &RequestInfo,
    ) -> Result<Option<VerifiedPassword>, ActionError<WrongPassword>> {
        let attempt = self.throttling().password_again(&user.id, session.id, request).await?;
        let verified = async {
            let found = self.users.credentials_by_id(&user.id).await?;
            match self.check_password(found, current).await? {
                Ok(verified) => Ok(Some(verified)),
                Err(_) if self.has_already_changed(user, session, new, request).await? => Ok(None),
                Err(guessed) => {
                    self.recorder.record_for(guessed.as_deref(), ActivityKind::LogInFailed, request);
                    Err(ActionError::Invalid(WrongPassword))
                }
            }
        };
        counted(attempt, verified.await).await
    }

    /// Returns whether an earlier request in this session has changed the password to `new`. This happens if the
    /// browser submits the form twice.
    ///
    /// The result tells the client whether `new` is the current password. A thief with a copied session cookie could
    /// therefore guess passwords in the field for the new password, so this comparison counts as a separate attempt.
    /// The passwords are compared only if the most recent password change was made in this session. This is rare,
    /// because a change normally replaces the session in which it is made.
    async fn has_already_changed<P>(
        &self,
        user: &User,
        session: &CheckedSession,
        new: &str,
        request: &RequestInfo,
    ) -> Result<bool, ActionError<P>> {
        let Some(id) = session.id else { return Ok(false) };
        let found = self.users.credentials_by_id(&user.id).await?.filter(|found| found.were_changed_by(id));
        let (Some(found), Ok(new)) = (found, TypedPassword::new(new.to_owned())) else { return Ok(false) };
        let attempt = self.throttling().password_again(&user.id, session.id, request).await?;
        let is_current = self.check_password(Some(found), new).await?.is_ok();
        if is_current {
            attempt.succeeded().await;
        }
        Ok(is_current)
    }

    /// Commits the transaction that stores a new password. If the commit fails, checks whether the database stored the
    /// password anyway.
    pub(super) async fn commit_password<P>(
        &self,
        transaction: Transaction,
        user_id: &str,
        hash: &str,
    ) -> Result<(), ActionError<P>> {
        let Err(error) = transaction.commit().await else { return Ok(()) };
        let error = BackendError::new(error);
        match self.users.has_hash(user_id, hash).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(ActionError::Backend(error)),
            Err(_) => Err(ActionError::Unknown(error)),
        }
    }
}

/// Counts the result of an attempt. The attempt does not count as a failure if the password was right, or if the
/// database or the table of passwords failed before a password was checked.
async fn counted<T>(
    attempt: Try,
    result: Result<T, ActionError<WrongPassword>>,
) -> Result<T, ActionError<WrongPassword>> {
    match &result {
        Ok(_) | Err(ActionError::PasswordTable(_) | ActionError::Backend(_) | ActionError::Unknown(_)) => {
            attempt.succeeded().await;
        }
        // After `Busy`, the attempt still counts as a failure. A client can fill the queue on purpose, and doing so
        // must not reset the number of failures in a row.
        Err(
            ActionError::Invalid(WrongPassword)
            | ActionError::TooMany(_)
            | ActionError::SessionOver(_)
            | ActionError::Busy,
        ) => {}
    }
    result
}

fn name_problem(problem: UserNameProblem) -> ActionError<SignUpProblems> {
    ActionError::Invalid(SignUpProblems { username: Some(problem), ..SignUpProblems::default() })
}
