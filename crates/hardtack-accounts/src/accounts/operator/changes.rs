//! Adds, renames and deletes users, sets their email addresses, and creates links for setting a password.

use hardtack::BackendError;
use hardtack::clock::Timestamp;
use hardtack::session::EndedSessions;
use hardtack_db::Transaction;

use super::{UserChangeError, by_operator, commit};
use crate::accounts::Accounts;
use crate::accounts::queued_mail::kill_all_links_in;
use crate::activity::{ActivityKind, ActivityStore};
use crate::links::{LinkPurpose, LinkStore, LinkToken};
use crate::mail::{JobKind, MailJobStore};
use crate::users::{
    EmailAddress, NameRules, NameTaken, NewName, NewUserRow, Profile, User, UserNameProblem, UserRecord, UserStore,
};

/// A link that lets a user set a password without knowing the old one. [`Accounts::add`] and [`Accounts::reset_link`]
/// return such links. The link works once. Like a password, it must not be logged.
#[derive(Debug)]
#[non_exhaustive]
pub struct PasswordLink {
    /// The user.
    pub user: User,
    /// When the link stops working.
    pub expires_at: Timestamp,
    token: LinkToken,
}

impl PasswordLink {
    /// Returns the link's URL. `site` is the public address of the site's pages, such as `https://site.example`.
    /// [`Site::address`](crate::Site::address) returns this address.
    pub fn url(&self, site: &str) -> String {
        format!("{}/password/reset?token={}", site.trim_end_matches('/'), self.token.as_str())
    }
}

impl Accounts {
    /// Adds a user with a random password that no one knows, and returns a link that lets the user set a password (ASVS
    /// 5.0 V6.4.1, V6.4.6). The name must follow the rules for sign-up, except that reserved names are allowed. `email`
    /// may be empty. If it is an address, the address is stored as unconfirmed.
    ///
    /// # Errors
    /// Returns an error if the name or the address is not allowed, if the name is taken or looks like another user's
    /// name, if the password cannot be hashed, or if the database fails.
    pub async fn add(&self, username: &str, email: &str, now: Timestamp) -> Result<PasswordLink, UserChangeError> {
        let email = parse_address(email)?;
        let name = check_name(username)?;
        if self.users.name_conflict(&name).await?.is_some() {
            return Err(self.taken(&name).await);
        }
        let unknown = format!("{:032x}", rand::random::<u128>());
        let hash = self.hasher.hash(unknown).await.map_err(BackendError::new)?;
        let mut transaction = self.begin().await?;
        let new = NewUserRow { name: &name, email: "", password_hash: &hash, now };
        let Some(mut user) = UserStore::add_in(&mut transaction, new).await? else {
            drop(transaction);
            return Err(self.taken(&name).await);
        };
        UserStore::has_no_password_in(&mut transaction, &user.id).await?;
        if !email.is_empty() {
            user = set_address_in(&mut transaction, &user, email).await?;
        }
        let token = LinkStore::create_password_link_in(&mut transaction, &user.id, now).await?;
        commit(transaction).await?;
        self.recorder.record(&user.id, ActivityKind::AccountAdded, &by_operator(now));
        Ok(PasswordLink { user, expires_at: now + LinkPurpose::SetPassword.lifetime(), token })
    }

    /// Creates a link that lets the user with this name set a new password. The operator starts the reset, but never
    /// learns the password (ASVS 5.0 V6.4.6). The old password still works until the user sets a new password.
    ///
    /// The link works once and expires after a day. If the user already has a reset link, the old link stops working
    /// immediately. The new link stops working when the user changes the password or undoes a change of the email
    /// address. It also stops working when an operator disables the user, logs the user out or sets the user's email
    /// address.
    ///
    /// # Errors
    /// Returns an error if no user has this name, if the user is disabled, or if the database fails.
    pub async fn reset_link(&self, username: &str, now: Timestamp) -> Result<PasswordLink, UserChangeError> {
        let unknown = || UserChangeError::UnknownUser(username.to_owned());
        let mut transaction = self.begin().await?;
        let record = UserStore::lock_by_name_in(&mut transaction, username).await?.ok_or_else(unknown)?;
        if record.disabled_at.is_some() {
            return Err(UserChangeError::Disabled(record.user.username));
        }
        let token = LinkStore::create_password_link_in(&mut transaction, &record.user.id, now).await?;
        commit(transaction).await?;
        self.recorder.record(&record.user.id, ActivityKind::ResetStarted, &by_operator(now));
        Ok(PasswordLink { user: record.user, expires_at: now + LinkPurpose::SetPassword.lifetime(), token })
    }

    /// Renames the user `username` to `new`, and ends the user's sessions. The new name must follow the rules for
    /// sign-up, except that reserved names are allowed. If email is turned on and the user has confirmed an address, an
    /// email tells the user about the new name.
    ///
    /// Pass the [`EndedSessions`] to [`Authenticator::finish_ending`](hardtack::Authenticator::finish_ending), as
    /// you do after [`disable`](Self::disable).
    ///
    /// # Errors
    /// Returns an error if no user is named `username`, or if the database fails. Also returns an error if `new` is not
    /// allowed, is taken or looks like another user's name, or if the user already has exactly this name.
    pub async fn rename(
        &self,
        username: &str,
        new: &str,
        now: Timestamp,
    ) -> Result<(UserRecord, EndedSessions), UserChangeError> {
        let new = check_name(new)?;
        let mut transaction = self.begin().await?;
        let renamed = UserStore::rename_in(&mut transaction, username, &new).await?;
        let (record, former) = match renamed {
            Ok(renamed) => renamed.ok_or_else(|| UserChangeError::UnknownUser(username.to_owned()))?,
            Err(NameTaken) => {
                drop(transaction);
                return Err(self.taken(&new).await);
            }
        };
        if record.user.username == former {
            // Dropping the transaction rolls the update back.
            return Err(UserChangeError::AlreadyNamed(former));
        }
        let (id, request) = (&record.user.id, by_operator(now));
        self.queue_letter_in(&mut transaction, JobKind::Renamed, id, None, &former, &request).await?;
        let ended = self.session_ends.end_all_in(&mut transaction, id).await?;
        commit(transaction).await?;
        self.wake_mail();
        self.recorder.record(id, ActivityKind::Renamed, &request);
        Ok((record, ended))
    }

    /// Sets the email address of the user with this name. An empty `email` removes the address. If `confirmed` is
    /// false, a new address stays unconfirmed, and the user can request a confirmation link on the account page.
    ///
    /// All of the user's links stop working, including links that undo an earlier change of the email address. The user
    /// stays logged in. If the user already has this address, and `confirmed` would change nothing, this method changes
    /// nothing.
    ///
    /// # Errors
    /// Returns an error if no user has this name, if the address is not an email address, or if the database fails.
    pub async fn set_email(
        &self,
        username: &str,
        email: &str,
        confirmed: bool,
        now: Timestamp,
    ) -> Result<UserRecord, UserChangeError> {
        let email = parse_address(email)?;
        let mut transaction = self.begin().await?;
        let found = UserStore::lock_by_name_in(&mut transaction, username).await?;
        let record = found.ok_or_else(|| UserChangeError::UnknownUser(username.to_owned()))?;
        let is_vouched_for = record.user.email_confirmed || !confirmed || email.is_empty();
        if record.user.email == email && is_vouched_for {
            return Ok(record);
        }
        let mut user = set_address_in(&mut transaction, &record.user, email).await?;
        if confirmed && !user.email.is_empty() {
            UserStore::vouch_for_email_in(&mut transaction, &user.id, now).await?;
            user.email_confirmed = true;
        }
        kill_all_links_in(&mut transaction, &user.id).await?;
        commit(transaction).await?;
        self.recorder.record(&user.id, ActivityKind::EmailSet, &by_operator(now));
        Ok(UserRecord { user, ..record })
    }

    /// Deletes the user with this name, and ends the user's sessions. Also deletes the user's links, queued emails and
    /// recorded activity. Pass the [`EndedSessions`] to
    /// [`Authenticator::finish_ending`](hardtack::Authenticator::finish_ending), as you do after
    /// [`disable`](Self::disable). If someone else signs up under the same name later, the new user gets a different
    /// id.
    ///
    /// Data that your application keeps about the user is not deleted. Ending the user's sessions is recorded as new
    /// activity under the deleted user's id, without an IP address. Like all activity, this entry is deleted after 90
    /// days.
    ///
    /// # Errors
    /// Returns an error if no user has this name, or if the database fails.
    pub async fn delete(&self, username: &str) -> Result<(UserRecord, EndedSessions), UserChangeError> {
        let mut transaction = self.begin().await?;
        let deleted = UserStore::delete_in(&mut transaction, username).await?;
        let record = deleted.ok_or_else(|| UserChangeError::UnknownUser(username.to_owned()))?;
        let id = &record.user.id;
        MailJobStore::delete_all_in(&mut transaction, id).await?;
        LinkStore::delete_all_in(&mut transaction, id).await?;
        ActivityStore::delete_in(&mut transaction, id).await?;
        let ended = self.session_ends.end_all_in(&mut transaction, id).await?;
        commit(transaction).await?;
        Ok((record, ended))
    }

    /// Returns the error for a name that is taken or that looks like another user's name.
    async fn taken(&self, name: &NewName) -> UserChangeError {
        match self.users.name_conflict(name).await {
            Ok(Some(UserNameProblem::LooksTaken)) => UserChangeError::NameLooksTaken(name.shown.clone()),
            Ok(_) => UserChangeError::NameTaken(name.shown.clone()),
            Err(error) => UserChangeError::Backend(error),
        }
    }
}

/// Checks a name against the rules for sign-up, but allows reserved names, because they are reserved for the operator.
fn check_name(name: &str) -> Result<NewName, UserChangeError> {
    NameRules::without_reserved_names()
        .check(name)
        .map_err(|problem| UserChangeError::InvalidName { name: name.to_owned(), problem: problem.to_string() })
}

/// Returns the address without surrounding spaces, or an error if it is not an email address. An empty address is
/// allowed: the user then has no address.
fn parse_address(email: &str) -> Result<&str, UserChangeError> {
    let email = email.trim();
    if email.is_empty() || EmailAddress::parse(email).is_some() {
        return Ok(email);
    }
    Err(UserChangeError::InvalidEmail(email.to_owned()))
}

/// Stores a user's email address. If the address differs from the user's current one, it is stored as unconfirmed.
async fn set_address_in(transaction: &mut Transaction, user: &User, email: &str) -> Result<User, BackendError> {
    let profile = Profile { display_name: user.display_name.clone(), email: email.to_owned() };
    let changed = UserStore::set_profile_in(transaction, &user.id, &profile).await?;
    changed.ok_or_else(|| BackendError::new("the user was deleted during the change"))
}
