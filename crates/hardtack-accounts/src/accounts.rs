//! People and their passwords: signing up, checking a log-in, changing what may be changed.

use std::time::Duration;

use hardtack::session::StoreError;
use hardtack::{Builder, Timestamp};
use hardtack_db::{Migration, Pool};
use hardtack_sqlx::{Database, MigrateError};

use crate::activity::{Activity, ActivityStore, Kind, Recorder, Source};
use crate::links::{DeadLink, LinkStore, LinkToken, Purpose};
use crate::mail::{Errand, Mailer, Post, Sender};
use crate::passwords::{HashError, Hasher, PasswordProblem, Verdict, validate as validate_password};
use crate::users::{
    EmailAddress, NewUser, Settings, SettingsProblem, User, UserNameProblem, UserStore, validate as validate_name,
};

/// The tables of this crate, in order.
const MIGRATIONS: &[Migration] = &[
    Migration::per_database(
        1,
        include_str!("../migrations/sqlite/0001_users.sql"),
        include_str!("../migrations/postgres/0001_users.sql"),
    ),
    Migration::per_database(
        2,
        include_str!("../migrations/sqlite/0002_activity.sql"),
        include_str!("../migrations/postgres/0002_activity.sql"),
    ),
    Migration::per_database(
        3,
        include_str!("../migrations/sqlite/0003_links.sql"),
        include_str!("../migrations/postgres/0003_links.sql"),
    ),
];

/// How long what happened is kept.
const ACTIVITY_KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Why the accounts could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountsError {
    /// The database's tables.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The first password hash.
    #[error("passwords cannot be hashed: {0}")]
    Hash(String),
}

/// Users and passwords over a database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Accounts {
    users: UserStore,
    hasher: Hasher,
    activity: ActivityStore,
    recorder: Recorder,
    links: LinkStore,
    post: Option<Post>,
}

/// Someone whose password was right a moment ago.
pub(crate) struct Proven {
    pub(crate) id: String,
    version: i64,
}

/// What can be wrong with a sign-up, field by field.
#[derive(Debug, Default)]
pub(crate) struct SignUpProblems {
    pub(crate) username: Option<UserNameProblem>,
    pub(crate) password: Option<PasswordProblem>,
}

/// Why something was not done.
#[derive(Debug)]
pub(crate) enum Refusal<P> {
    /// What was typed is not right.
    Problem(P),
    /// Passwords cannot be checked at the moment.
    Busy,
    /// The database failed.
    Store(StoreError),
}

impl<P> From<StoreError> for Refusal<P> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<P> From<HashError> for Refusal<P> {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::Busy,
            HashError::Failed(error) => Self::Store(error),
        }
    }
}

/// A password that is not the user's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WrongPassword;

/// Why a password was not changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PasswordChange {
    /// The current one is another.
    WrongCurrent,
    /// The new one will not do.
    BadNew(PasswordProblem),
}

/// Why a password was not reset.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PasswordReset {
    /// The link does nothing any more.
    DeadLink,
    /// The new password will not do.
    BadNew(PasswordProblem),
}

impl Accounts {
    /// Brings the database's tables up to date. Takes a [`Database`] or an sqlx pool. What happens to
    /// accounts is written down by a task of its own, so call it within a tokio runtime.
    ///
    /// # Errors
    /// A database that fails or is newer than this program.
    pub async fn open(database: impl Into<Database>) -> Result<Self, AccountsError> {
        let database = database.into();
        Self::migrate(&database).await?;
        let database = Pool::from(database);
        let hasher = Hasher::new().await.map_err(|error| AccountsError::Hash(error.to_string()))?;
        let activity = ActivityStore::new(database.clone());
        let recorder = Recorder::start(activity.clone());
        let links = LinkStore::new(database.clone());
        Ok(Self { users: UserStore::new(database), hasher, activity, recorder, links, post: None })
    }

    /// Only brings the database's tables up to date; answers how many steps that took.
    ///
    /// # Errors
    /// A database that fails or is newer than this program.
    pub async fn migrate(database: &Database) -> Result<usize, MigrateError> {
        Pool::from(database.clone()).migrate("accounts", MIGRATIONS).await
    }

    /// The same with letters: addresses are confirmed, and whoever forgot a password can choose another one.
    /// `site` is where people reach the site, such as `https://site.example`; links lead there.
    #[must_use]
    pub fn with_mail(self, from: EmailAddress, site: &str, mailer: impl Mailer) -> Self {
        let sender = Sender { from, site: site.trim_end_matches('/').to_owned() };
        let (users, links, recorder) = (self.users.clone(), self.links.clone(), self.recorder.clone());
        Self { post: Some(Post::start(users, links, recorder, sender, mailer)), ..self }
    }

    /// Gives an engine this site's pages for refused requests, and writes down what happens to its sessions
    /// for their users to see. The queue to the database is bounded: no request waits for it.
    pub fn wire(&self, builder: Builder) -> Builder {
        let recorder = self.recorder.clone();
        crate::with_pages(builder).on_event(move |event| recorder.event(event))
    }

    /// Waits, for seconds at most, until what happened is written down and letters have left: before the
    /// database is closed.
    pub async fn settle(&self) {
        if let Some(post) = &self.post {
            post.settle().await;
        }
        self.recorder.settle().await;
    }

    /// Forgets up to `limit` rows of what happened more than 90 days before `now`, and as many links that no
    /// longer work; answers how many.
    ///
    /// # Errors
    /// The database failed.
    pub async fn prune(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        Ok(self.activity.prune(now - ACTIVITY_KEPT, limit).await? + self.links.prune(now, limit).await?)
    }

    /// The last that happened to a user, the newest first, with all that this process has seen.
    pub(crate) async fn activity(&self, id: &str, limit: u32) -> Result<Vec<Activity>, StoreError> {
        self.recorder.settle().await;
        self.activity.latest(id, limit).await
    }

    /// Writes down what the engine knows nothing of.
    pub(crate) fn note(&self, user: &str, kind: Kind, source: &Source) {
        self.recorder.note(user, kind, source);
    }

    /// Adds a user, or says what is wrong with both fields.
    pub(crate) async fn sign_up(
        &self,
        username: &str,
        password: String,
        now: Timestamp,
    ) -> Result<User, Refusal<SignUpProblems>> {
        let problems = SignUpProblems {
            username: validate_name(username).err(),
            password: validate_password(&password, username).err(),
        };
        if problems.username.is_some() || problems.password.is_some() {
            return Err(Refusal::Problem(problems));
        }
        let password_hash = self.hasher.hash(password).await?;
        let added = self.users.add(NewUser { username, password_hash: &password_hash, now }).await?;
        let taken = SignUpProblems { username: Some(UserNameProblem::Taken), password: None };
        added.ok_or(Refusal::Problem(taken))
    }

    /// Checks a log-in. An unknown name, a disabled user and a wrong password take the same work and
    /// give the same answer (ASVS 5.0 V6.3.8).
    pub(crate) async fn check(
        &self,
        username: &str,
        password: String,
        source: &Source,
    ) -> Result<Proven, Refusal<WrongPassword>> {
        let found = self.users.credentials_of_name(username).await?;
        self.prove(found, password, source).await
    }

    /// Checks the password of someone who is logged in.
    pub(crate) async fn check_again(
        &self,
        id: &str,
        password: String,
        source: &Source,
    ) -> Result<Proven, Refusal<WrongPassword>> {
        let found = self.users.credentials_of_id(id).await?;
        self.prove(found, password, source).await
    }

    async fn prove(
        &self,
        found: Option<crate::users::Credentials>,
        password: String,
        source: &Source,
    ) -> Result<Proven, Refusal<WrongPassword>> {
        let hash = found.as_ref().map(|credentials| credentials.password_hash.clone());
        let verdict = self.hasher.verify(password.clone(), hash).await?;
        if let Some(known) = found.as_ref().filter(|_| verdict == Verdict::Wrong) {
            self.note(&known.id, Kind::LogInFailed, source);
        }
        let Some(credentials) = found.filter(|found| verdict != Verdict::Wrong && !found.disabled) else {
            return Err(Refusal::Problem(WrongPassword));
        };
        if verdict == Verdict::RightButWeak {
            let hash = self.hasher.hash(password).await?;
            self.users.set_password(&credentials.id, &hash, credentials.password_version, false).await?;
        }
        Ok(Proven { id: credentials.id, version: credentials.password_version })
    }

    /// Whether what was proven still holds. Asked again once a session exists: a password that was
    /// changed in between ends all sessions before it, and this catches those that came just after.
    pub(crate) async fn still_holds(&self, proven: &Proven) -> Result<bool, StoreError> {
        let found = self.users.credentials_of_id(&proven.id).await?;
        Ok(found.is_some_and(|found| found.password_version == proven.version && !found.disabled))
    }

    /// Changes a password whose current one is known.
    pub(crate) async fn change_password(
        &self,
        user: &User,
        current: String,
        new: String,
        source: &Source,
    ) -> Result<(), Refusal<PasswordChange>> {
        validate_password(&new, &user.username).map_err(|problem| Refusal::Problem(PasswordChange::BadNew(problem)))?;
        let proven = self.check_again(&user.id, current, source).await.map_err(|refusal| match refusal {
            Refusal::Problem(WrongPassword) => Refusal::Problem(PasswordChange::WrongCurrent),
            Refusal::Busy => Refusal::Busy,
            Refusal::Store(error) => Refusal::Store(error),
        })?;
        let hash = self.hasher.hash(new).await?;
        if self.users.set_password(&user.id, &hash, proven.version, true).await? {
            return Ok(());
        }
        // Somebody changed it in between: the current password is no longer the one that was typed.
        Err(Refusal::Problem(PasswordChange::WrongCurrent))
    }

    /// Changes settings that are right.
    pub(crate) async fn change_settings(
        &self,
        user: &User,
        settings: Settings,
        source: &Source,
    ) -> Result<User, Refusal<(Settings, Vec<SettingsProblem>)>> {
        let (settings, problems) = settings.validate();
        if !problems.is_empty() {
            return Err(Refusal::Problem((settings, problems)));
        }
        let changed = self.users.set_settings(&user.id, &settings).await?;
        let changed = changed.ok_or_else(|| Refusal::Store(StoreError::new("the user is gone")))?;
        if changed.email != user.email {
            self.note(&user.id, Kind::EmailChanged, source);
            self.send_confirmation(&changed, source.at);
            let before = EmailAddress::parse(&user.email).filter(|_| user.email_confirmed);
            if let (Some(post), Some(before)) = (&self.post, before) {
                post.send(Errand::AddressChanged { username: user.username.clone(), before, at: source.at });
            }
        }
        Ok(changed)
    }

    /// Whether letters are sent at all.
    pub(crate) const fn sends_mail(&self) -> bool {
        self.post.is_some()
    }

    /// Sends someone the link that confirms their address, if they have one that is not confirmed.
    pub(crate) fn send_confirmation(&self, user: &User, at: Timestamp) {
        if let Some(post) = self.post.as_ref().filter(|_| !user.email.is_empty() && !user.email_confirmed) {
            post.send(Errand::Unconfirmed { user: user.id.clone(), at });
        }
    }

    /// Sends a link for a new password to whoever has confirmed this address. Takes the same time and says
    /// nothing, whether anybody has (ASVS 5.0 V6.3.8).
    pub(crate) fn forgot_password(&self, address: EmailAddress, source: Source) {
        if let Some(post) = &self.post {
            post.send(Errand::Forgotten { address, source });
        }
    }

    /// Whose a link is, by user name, if it still works.
    pub(crate) async fn username_of_link(
        &self,
        token: &LinkToken,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        Ok(self.links.username(token, purpose, now).await?.map(|(_, username)| username))
    }

    /// Confirms the address that the link was sent to, if it is still its owner's.
    pub(crate) async fn confirm_email(&self, token: &LinkToken, source: &Source) -> Result<(), Refusal<DeadLink>> {
        let user = self.links.confirm(token, source.at).await?.map_err(Refusal::Problem)?;
        self.note(&user, Kind::EmailConfirmed, source);
        Ok(())
    }

    /// Chooses a new password by a link; answers whose. The link is used up by a password that will do, and
    /// by no other.
    pub(crate) async fn reset_password(
        &self,
        token: &LinkToken,
        new: String,
        source: &Source,
    ) -> Result<String, Refusal<PasswordReset>> {
        let dead = || Refusal::Problem(PasswordReset::DeadLink);
        let owner = self.links.username(token, Purpose::ResetPassword, source.at).await?;
        let (_, username) = owner.ok_or_else(dead)?;
        validate_password(&new, &username).map_err(|problem| Refusal::Problem(PasswordReset::BadNew(problem)))?;
        let hash = self.hasher.hash(new).await?;
        let user = self.links.set_password(token, &hash, source.at).await?.map_err(|DeadLink| dead())?;
        self.note(&user, Kind::PasswordReset, source);
        if let Some(post) = &self.post {
            post.send(Errand::PasswordReset { user: user.clone(), at: source.at });
        }
        Ok(user)
    }

    /// The user that a token names; none who was deleted or disabled.
    ///
    /// # Errors
    /// The database failed.
    pub async fn find(&self, id: &str) -> Result<Option<User>, StoreError> {
        self.users.active(id).await
    }

    pub(crate) const fn users(&self) -> &UserStore {
        &self.users
    }

    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        self.users.ping().await
    }
}
